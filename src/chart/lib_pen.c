#include "chart/lib_pen.h"

#include <string.h>

static void add(struct pen *p, const char *s)
{
    buf_add(&p->svg, s, strlen(s));
}

static const char *escape_of(char c, bool quoted)
{
    switch (c) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return quoted ? "&quot;" : NULL;
    case '\t':
        return quoted ? "&#x9;" : NULL;
    case '\n':
        return quoted ? "&#xA;" : NULL;
    case '\r':
        return quoted ? "&#xD;" : NULL;
    default:
        return NULL;
    }
}

/* How many bytes there are no character that XML may hold: of an order to a terminal, of one half of a pair
 * of UTF-16 where JavaScript has cut a text, of U+FFFE and U+FFFF. */
static size_t bad_bytes(const char *s, const char *end)
{
    const unsigned char *u = (const unsigned char *)s;
    if (u[0] < 0x20 && u[0] != '\t' && u[0] != '\n' && u[0] != '\r')
        return 1;
    if (end - s < 3 || (u[0] != 0xed && u[0] != 0xef))
        return 0;
    return (u[0] == 0xed && u[1] >= 0xa0) || (u[0] == 0xef && u[1] == 0xbf && u[2] >= 0xbe) ? 3 : 0;
}

static void add_escaped(struct pen *p, const char *s, size_t n, bool quoted)
{
    const char *end = s + n, *plain = s;
    while (s < end) {
        size_t bad = bad_bytes(s, end);
        const char *escape = bad ? "\uFFFD" : escape_of(*s, quoted);
        if (escape) {
            buf_add(&p->svg, plain, (size_t)(s - plain));
            add(p, escape);
            plain = s + (bad ? bad : 1);
        }
        s += bad ? bad : 1;
    }
    buf_add(&p->svg, plain, (size_t)(end - plain));
}

static void end_tag(struct pen *p)
{
    if (p->in_tag)
        add(p, ">");
    p->in_tag = false;
}

static bool add_attribute(JSContext *c, struct pen *p, const char *name, JSValueConst value)
{
    size_t n;
    if (JS_IsNull(value) || JS_IsUndefined(value))
        return true;
    const char *text = JS_ToCStringLen(c, &n, value);
    if (!text)
        return false;
    add(p, " ");
    add(p, name);
    add(p, "=\"");
    add_escaped(p, text, n, true);
    add(p, "\"");
    JS_FreeCString(c, text);
    return true;
}

static bool add_property(JSContext *c, struct pen *p, JSValueConst set, JSAtom key)
{
    JSValue value = JS_GetProperty(c, set, key);
    const char *name = JS_IsException(value) ? NULL : JS_AtomToCString(c, key);
    bool ok = name && add_attribute(c, p, name, value);
    JS_FreeCString(c, name);
    JS_FreeValue(c, value);
    return ok;
}

static bool add_attributes(JSContext *c, struct pen *p, JSValueConst set)
{
    JSPropertyEnum *keys;
    uint32_t n;
    if (!JS_IsObject(set))
        return true;
    if (JS_GetOwnPropertyNames(c, &keys, &n, set, JS_GPN_STRING_MASK | JS_GPN_ENUM_ONLY) < 0)
        return false;
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++)
        ok = add_property(c, p, set, keys[i].atom);
    JS_FreePropertyEnum(c, keys, n);
    return ok;
}

static void push(struct pen *p, const char *tag)
{
    if (p->ntags == p->cap) {
        p->cap = p->cap ? 2 * p->cap : 32;
        p->tags = realloc(p->tags, p->cap * sizeof *p->tags);
        if (!p->tags)
            abort();
    }
    snprintf(p->tags[p->ntags++].name, sizeof p->tags->name, "%s", tag);
}

static JSValue pen_open(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    struct pen *p = pen_of(c);
    const char *tag = JS_ToCString(c, argv[0]);
    if (!tag)
        return JS_EXCEPTION;
    end_tag(p);
    add(p, "<");
    add(p, tag);
    push(p, tag);
    JS_FreeCString(c, tag);
    p->in_tag = true;
    for (int i = 1; i < argc; i++)
        if (!add_attributes(c, p, argv[i]))
            return JS_EXCEPTION;
    return JS_DupValue(c, self);
}

static JSValue pen_attr(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)argc;
    const char *name = JS_ToCString(c, argv[0]);
    bool ok = name && add_attribute(c, pen_of(c), name, argv[1]);
    JS_FreeCString(c, name);
    return ok ? JS_DupValue(c, self) : JS_EXCEPTION;
}

/* A line of text that is longer than any picture is wide takes librsvg minutes. */
static size_t cut_bytes(const char *s, size_t n)
{
    enum { LONGEST = 4096 };
    if (n <= LONGEST)
        return n;
    for (n = LONGEST; n && ((unsigned char)s[n] & 0xc0) == 0x80; n--)
        ;
    return n;
}

static JSValue pen_text(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)argc;
    struct pen *p = pen_of(c);
    size_t n;
    const char *text = JS_ToCStringLen(c, &n, argv[0]);
    if (!text)
        return JS_EXCEPTION;
    if (n)
        end_tag(p);
    size_t shown = cut_bytes(text, n);
    add_escaped(p, text, shown, false);
    if (shown < n)
        add(p, "…");
    JS_FreeCString(c, text);
    return JS_DupValue(c, self);
}

static JSValue pen_close(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)argc, (void)argv;
    struct pen *p = pen_of(c);
    if (!p->ntags)
        return JS_ThrowInternalError(c, "an element is closed that was not opened");
    const struct pen_tag *tag = &p->tags[--p->ntags];
    if (p->in_tag)
        add(p, "/>");
    else
        buf_addf(&p->svg, "</%s>", tag->name);
    p->in_tag = false;
    return JS_DupValue(c, self);
}

static JSValue pen_reset(JSContext *c, JSValueConst self, int argc, JSValueConst *argv)
{
    (void)self, (void)argc, (void)argv;
    struct pen *p = pen_of(c);
    buf_free(&p->svg);
    p->ntags = 0;
    p->in_tag = false;
    return JS_UNDEFINED;
}

JSValue pen_object(JSContext *c)
{
    static const JSCFunctionListEntry methods[] = {
        JS_CFUNC_DEF("open", 1, pen_open),   JS_CFUNC_DEF("attr", 2, pen_attr),
        JS_CFUNC_DEF("text", 1, pen_text),   JS_CFUNC_DEF("close", 0, pen_close),
        JS_CFUNC_DEF("reset", 0, pen_reset),
    };
    JSValue pen = JS_NewObject(c);
    if (!JS_IsException(pen))
        JS_SetPropertyFunctionList(c, pen, methods, sizeof methods / sizeof *methods);
    return pen;
}

void pen_done(struct pen *p)
{
    buf_free(&p->svg);
    free(p->tags);
}
