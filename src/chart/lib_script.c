/* The JavaScript side: a runtime with limits, Vega's bytecode in it, and draw() called. */
#include <quickjs.h>
#include <string.h>
#include <time.h>

#include "base/buf.h"
#include "chart/lib_data.h"
#include "chart/lib_internal.h"
#include "chart/lib_pen.h"

enum { STACK_BYTES = 6 << 20, MAX_SVG = 256 << 20, DEFAULT_TIME_MS = 20000, DEFAULT_MEMORY = 1 << 30 };

struct chart_vm {
    JSRuntime *runtime;
    JSContext *context;
    struct meter *meter;
    struct pen pen;
    const struct chart_job *job; /* at work */
    int64_t deadline_ms;
    bool late;
};

/* What this thread has worked: nothing here waits, and a busy machine is not the chart's fault. */
static int64_t worked_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static int on_interrupt(JSRuntime *rt, void *arg)
{
    (void)rt;
    struct chart_vm *vm = arg;
    vm->late = vm->late || (vm->job && worked_ms() > vm->deadline_ms);
    return vm->late;
}

/* --- what JavaScript may call --- */

static struct chart_vm *vm_of(JSContext *c)
{
    return JS_GetRuntimeOpaque(JS_GetRuntime(c));
}

struct pen *pen_of(JSContext *c)
{
    return &vm_of(c)->pen;
}

/* measureText(text, family, size, weight, style) */
static JSValue measure_text(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    struct meter_font f;
    size_t n = 0;
    if (JS_ToFloat64(c, &f.size, argv[2]) < 0)
        return JS_EXCEPTION;
    const char *text = JS_ToCStringLen(c, &n, argv[0]), *family = JS_ToCString(c, argv[1]),
               *weight = JS_ToCString(c, argv[3]), *style = JS_ToCString(c, argv[4]);
    JSValue width = JS_EXCEPTION;
    if (text && family && weight && style) {
        f.family = family, f.weight = weight, f.style = style;
        width = JS_NewFloat64(c, meter_width(vm_of(c)->meter, &f, text, n));
    }
    JS_FreeCString(c, text);
    JS_FreeCString(c, family);
    JS_FreeCString(c, weight);
    JS_FreeCString(c, style);
    return width;
}

/* loadUrl(url): its content or null */
static JSValue load_url(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc;
    const struct chart_job *j = vm_of(c)->job;
    const char *url = JS_ToCString(c, argv[0]);
    size_t n = 0;
    if (!url)
        return JS_EXCEPTION;
    auto_free char *text = j && j->load ? j->load(j->load_arg, url, &n) : NULL;
    JS_FreeCString(c, url);
    return text ? JS_NewStringLen(c, text, n) : JS_NULL;
}

/* --- errors --- */

static char *text_of(JSContext *c, JSValueConst v, size_t *ret_n)
{
    size_t n = 0;
    const char *s = JS_ToCStringLen(c, &n, v);
    char *copy = s ? malloc(n + 1) : NULL;
    if (copy)
        memcpy(copy, s, n + 1);
    JS_FreeCString(c, s);
    if (ret_n)
        *ret_n = n;
    return copy;
}

static bool is_memory(const char *message)
{
    return strstr(message, "out of memory") || strstr(message, "invalid array length");
}

static bool memory_fail(const struct chart_job *j, struct err *e)
{
    size_t bytes = j && j->memory_bytes ? j->memory_bytes : DEFAULT_MEMORY;
    fail(e, ERR_LIMIT, "the chart needs more than %zu MB of memory", bytes >> 20);
    return hint(e, "let the query give fewer rows: group or sample them in SQL");
}

static bool time_fail(const struct chart_job *j, struct err *e)
{
    int64_t ms = j && j->time_ms ? j->time_ms : DEFAULT_TIME_MS;
    fail(e, ERR_LIMIT, "the chart took longer than %.3g s and was stopped", (double)ms / 1000);
    return hint(e, "let the query give fewer rows: group or sample them in SQL");
}

/* The exception that is pending in the context. */
static bool script_fail(struct chart_vm *vm, bool *spent, struct err *e)
{
    JSValue exception = JS_GetException(vm->context);
    auto_free char *message = text_of(vm->context, exception, NULL);
    JS_FreeValue(vm->context, exception);
    *spent = true;
    if (vm->late)
        return time_fail(vm->job, e);
    if (!message || is_memory(message))
        return memory_fail(vm->job, e);
    *spent = false;
    static const char plain[] = "Error: ";
    bool is_plain = strncmp(message, plain, sizeof plain - 1) == 0;
    return fail(e, ERR_USER, "%s", is_plain ? message + sizeof plain - 1 : message);
}

/* --- the runtime --- */

static bool run_bytecode(struct chart_vm *vm, const uint8_t *p, size_t n, struct err *e)
{
    bool spent;
    JSValue v = JS_ReadObject(vm->context, p, n, JS_READ_OBJ_BYTECODE);
    if (!JS_IsException(v))
        v = JS_EvalFunction(vm->context, v);
    if (JS_IsException(v))
        return script_fail(vm, &spent, e);
    JS_FreeValue(vm->context, v);
    return true;
}

static void offer(struct chart_vm *vm, const char *name, JSValue v)
{
    JSValue world = JS_GetGlobalObject(vm->context);
    JS_SetPropertyStr(vm->context, world, name, v);
    JS_FreeValue(vm->context, world);
}

bool script_open(struct chart_vm **ret, struct err *e)
{
    if (!fonts_ready(e))
        return false;
    struct chart_vm *vm = calloc(1, sizeof *vm);
    if (!vm)
        abort();
    vm->runtime = JS_NewRuntime();
    vm->context = vm->runtime ? JS_NewContext(vm->runtime) : NULL;
    if (!vm->context)
        abort();
    vm->meter = meter_new();
    JS_SetRuntimeOpaque(vm->runtime, vm);
    JS_SetMaxStackSize(vm->runtime, STACK_BYTES);
    JS_SetGCThreshold(vm->runtime, 64 << 20);
    JS_SetInterruptHandler(vm->runtime, on_interrupt, vm);
    vm->pen.svg = BUF(MAX_SVG);
    offer(vm, "measureText", JS_NewCFunction(vm->context, measure_text, "measureText", 5));
    offer(vm, "loadUrl", JS_NewCFunction(vm->context, load_url, "loadUrl", 1));
    offer(vm, "pen", pen_object(vm->context));
    if (!run_bytecode(vm, chart_host_js, chart_host_js_len, e) ||
        !run_bytecode(vm, chart_vega_js, chart_vega_js_len, e) ||
        !run_bytecode(vm, chart_vega_lite_js, chart_vega_lite_js_len, e) ||
        !run_bytecode(vm, chart_kit_js, chart_kit_js_len, e) ||
        !run_bytecode(vm, chart_draw_js, chart_draw_js_len, e)) {
        script_close(vm);
        return wrap(e, "starting Vega");
    }
    *ret = vm;
    return true;
}

void script_close(struct chart_vm *vm)
{
    if (!vm)
        return;
    JS_FreeContext(vm->context);
    JS_FreeRuntime(vm->runtime);
    meter_free(vm->meter);
    pen_done(&vm->pen);
    free(vm);
}

/* --- a chart --- */

static const char *theme_name(enum chart_theme t)
{
    static const char *const names[] = {[CHART_LIGHT] = "light", [CHART_DARK] = "dark", [CHART_PLAIN] = ""};
    return names[t];
}

static JSValue data_object(JSContext *c, const struct chart_job *j)
{
    JSValue data = JS_NewObject(c);
    for (size_t i = 0; i < j->ndata; i++)
        JS_SetPropertyStr(c, data, j->data[i].name, JS_NewStringLen(c, j->data[i].json, j->data[i].n));
    return data;
}

static JSValue call_draw(JSContext *c, const struct chart_job *j)
{
    JSValue world = JS_GetGlobalObject(c), draw = JS_GetPropertyStr(c, world, "draw");
    JSValue args[] = {
        JS_NewStringLen(c, j->spec, j->spec_n),
        JS_NewStringLen(c, (const char *)chart_theme, chart_theme_len),
        JS_NewString(c, theme_name(j->theme)),
        data_object(c, j),
        JS_NewFloat64(c, j->width),
        JS_NewFloat64(c, j->height),
    };
    JSValue result = JS_Call(c, draw, JS_UNDEFINED, countof(args), args);
    for (size_t i = 0; i < countof(args); i++)
        JS_FreeValue(c, args[i]);
    JS_FreeValue(c, draw);
    JS_FreeValue(c, world);
    return result;
}

/* The jobs of promises, and the timers when there are no jobs; -1 = an exception, 0 = nothing was due. */
static int run_due(struct chart_vm *vm)
{
    JSContext *ignored;
    int jobs = 0, one;
    while ((one = JS_ExecutePendingJob(vm->runtime, &ignored)) > 0)
        jobs++;
    if (one < 0 || jobs)
        return one < 0 ? -1 : jobs;
    JSContext *c = vm->context;
    JSValue world = JS_GetGlobalObject(c), run = JS_GetPropertyStr(c, world, "runTimers");
    JSValue n = JS_Call(c, run, JS_UNDEFINED, 0, NULL);
    JS_FreeValue(c, run);
    JS_FreeValue(c, world);
    int32_t timers = -1;
    if (!JS_IsException(n))
        JS_ToInt32(c, &timers, n);
    JS_FreeValue(c, n);
    return timers;
}

static bool is_done(JSContext *c, JSValueConst result)
{
    JSValue done = JS_GetPropertyStr(c, result, "done");
    bool yes = JS_ToBool(c, done) > 0;
    JS_FreeValue(c, done);
    return yes;
}

static bool wait_for(struct chart_vm *vm, JSValueConst result, bool *spent, struct err *e)
{
    while (!is_done(vm->context, result)) {
        int n = run_due(vm);
        if (n < 0)
            return script_fail(vm, spent, e);
        if (n == 0) {
            *spent = true;
            return fail(e, ERR_DATA, "the chart waits for something that never comes");
        }
    }
    return true;
}

/* The lines of one of the result's lists, each once. */
static void add_lines(JSContext *c, JSValueConst result, const char *list, struct buf *b)
{
    JSValue v = JS_GetPropertyStr(c, result, list);
    int64_t n = 0;
    JS_GetLength(c, v, &n);
    for (int64_t i = 0; i < n; i++) {
        JSValue item = JS_GetPropertyUint32(c, v, (uint32_t)i);
        auto_free char *text = text_of(c, item, NULL);
        JS_FreeValue(c, item);
        if (!text)
            continue;
        for (char *p = text; (p = strchr(p, '\n'));)
            *p = ' ';
        if (!strstr(b->p, text))
            buf_addf(b, "%s\n", text);
    }
    JS_FreeValue(c, v);
}

static bool read_result(struct chart_vm *vm, JSValueConst result, struct chart_svg *ret, bool *spent,
                        struct err *e)
{
    JSContext *c = vm->context;
    auto_buf errors = BUF(64 << 10);
    auto_buf warnings = BUF(64 << 10);
    add_lines(c, result, "errors", &errors);
    add_lines(c, result, "warnings", &warnings);
    *spent = vm->late || is_memory(errors.p);
    if (vm->late)
        return time_fail(vm->job, e);
    if (is_memory(errors.p))
        return memory_fail(vm->job, e);
    if (errors.len)
        return fail(e, ERR_USER, "%.*s", (int)strcspn(errors.p, "\n"), errors.p);
    struct buf *svg = &vm->pen.svg;
    if (svg->failed) {
        fail(e, ERR_LIMIT, "the picture takes more than %d MB", MAX_SVG >> 20);
        return hint(e, "draw fewer marks: group or sample the rows in SQL");
    }
    ret->svg = svg->p;
    ret->n = svg->len;
    *svg = BUF(MAX_SVG);
    ret->warnings = warnings.len ? warnings.p : calloc(1, 1);
    if (warnings.len)
        warnings = BUF(0);
    return true;
}

bool script_svg(struct chart_vm *vm, const struct chart_job *j, struct chart_svg *ret, bool *spent,
                struct err *e)
{
    *spent = false;
    vm->job = j;
    vm->late = false;
    vm->deadline_ms = worked_ms() + (j->time_ms ? j->time_ms : DEFAULT_TIME_MS);
    JS_UpdateStackTop(vm->runtime);
    JS_SetMemoryLimit(vm->runtime, j->memory_bytes ? j->memory_bytes : DEFAULT_MEMORY);
    JSValue result = call_draw(vm->context, j);
    bool ok = JS_IsException(result)
                  ? script_fail(vm, spent, e)
                  : wait_for(vm, result, spent, e) && read_result(vm, result, ret, spent, e);
    JS_FreeValue(vm->context, result);
    vm->job = NULL;
    return ok;
}
