#include "chart/chart.h"

#include <dlfcn.h>
#include <malloc.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

enum { MAX_IDLE = 4, KEPT_BYTES = 32 << 20 };

static const char library[] = "libcupel-chart.so";

struct chart_engine {
    struct arena *a;
    const struct chart_lib *lib;
    struct chart_vm *vm; /* NULL = to be found */
};

#ifdef CUPEL_SANITIZE
/* fontconfig keeps what it has read until the process ends. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfontconfig\n";
}
const char *__lsan_default_options(void)
{
    return "print_suppressions=0";
}
#endif

static bool open_library(const char *path, const struct chart_lib **ret, struct err *e)
{
    void *lib = dlopen(path, RTLD_NOW | RTLD_LOCAL);
    const struct chart_lib *found = lib ? dlsym(lib, CHART_LIB_SYMBOL) : NULL;
    if (!found)
        return fail(e, ERR_IO, "cannot load the chart library: %s", dlerror());
    if (strcmp(found->version, CUPEL_VERSION) != 0)
        return fail(e, ERR_IO, "'%s' is of cupel %s, this is %s", path, found->version, CUPEL_VERSION);
    *ret = found;
    return true;
}

/* "/usr/bin/" of the program at work. */
static const char *program_dir(struct arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path - 1);
    while (n > 0 && path[n - 1] != '/')
        n--;
    return arena_strn(a, path, n > 0 ? (size_t)n : 0);
}

static bool find_library(const struct chart_lib **ret, struct err *e)
{
    auto_arena *a = arena_new();
    const char *env = getenv("CUPEL_CHART");
    if (env && *env)
        return open_library(env, ret, e);
    const char *dir = program_dir(a);
    const char *const places[] = {
        arena_fmt(a, "%s%s", dir, library),
        arena_fmt(a, "%s../lib/cupel/%s", dir, library),
        CUPEL_CHART_PATH,
    };
    for (size_t i = 0; i < countof(places); i++)
        if (fs_exists(places[i]))
            return open_library(places[i], ret, e);
    fail(e, ERR_IO, "no %s beside the program, nor in ../lib/cupel: charts cannot be drawn", library);
    return hint(e, "`./dev build` makes it; CUPEL_CHART may name the file");
}

/* It stays open: what it loads does not like to be unloaded. */
static bool load(const struct chart_lib **ret, struct err *e)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static const struct chart_lib *lib;

    pthread_mutex_lock(&lock);
    bool ok = lib || find_library(&lib, e);
    *ret = lib;
    pthread_mutex_unlock(&lock);
    return ok;
}

/* --- runtimes: those that no engine has wait here for the next, till the process ends --- */

static struct {
    pthread_mutex_t lock;
    struct chart_vm *v[MAX_IDLE];
    size_t n;
} idle = {.lock = PTHREAD_MUTEX_INITIALIZER};

static struct chart_vm *take_vm(void)
{
    pthread_mutex_lock(&idle.lock);
    struct chart_vm *vm = idle.n ? idle.v[--idle.n] : NULL;
    pthread_mutex_unlock(&idle.lock);
    return vm;
}

static void leave_vm(const struct chart_lib *lib, struct chart_vm *vm)
{
    pthread_mutex_lock(&idle.lock);
    bool kept = idle.n < MAX_IDLE;
    if (kept)
        idle.v[idle.n++] = vm;
    pthread_mutex_unlock(&idle.lock);
    if (!kept)
        lib->close(vm);
}

static void leave(void *arg)
{
    struct chart_engine *g = arg;
    if (g->vm)
        leave_vm(g->lib, g->vm);
}

/* --- charts --- */

bool chart_open(struct arena *a, struct chart_engine **ret, struct err *e)
{
    struct chart_engine *g = arena_make(a, struct chart_engine, 1);
    g->a = a;
    if (!load(&g->lib, e))
        return false;
    arena_defer(a, leave, g);
    *ret = g;
    return true;
}

bool chart_svg(struct chart_engine *g, const struct chart_job *j, struct chart_svg *ret, struct err *e)
{
    if (!g->vm)
        g->vm = take_vm();
    if (!g->vm && !g->lib->open(&g->vm, e))
        return false;
    bool spent = false;
    struct chart_svg drawn;
    bool ok = g->lib->svg(g->vm, j, &drawn, &spent, e);
    if (spent) {
        g->lib->close(g->vm);
        g->vm = NULL;
    }
    if (!ok)
        return false;
    arena_defer(g->a, free, drawn.svg);
    arena_defer(g->a, free, drawn.warnings);
    *ret = drawn;
    return true;
}

/* The library, the fonts, and a runtime for each core; what goes wrong with them is said by the chart that
 * needs them. */
static void *prepare(void *arg)
{
    enum { MOST = 2 };
    static const char svg[] =
        "<svg xmlns='http://www.w3.org/2000/svg' width='40' height='20' "
        "font-family='Inter'><text y='10'>a</text><text y='20' font-weight='600'>b</text></svg>";
    const struct chart_lib *lib;
    struct err e;
    char *png = NULL;
    size_t n;
    (void)arg;
    struct chart_vm *vm;
    if (!load(&lib, &e))
        return NULL;
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    for (long i = 0; i < MOST && i < cores && lib->open(&vm, &e); i++)
        leave_vm(lib, vm);
    if (lib->png(svg, sizeof svg - 1, 1, &png, &n, &e))
        free(png);
    return NULL;
}

static void await(void *arg)
{
    pthread_t *thread = arg;
    pthread_join(*thread, NULL);
}

void chart_prepare(struct arena *a)
{
    /* Pictures of several MB and the heaps of scripts come and go: what one had is kept for the next. */
    mallopt(M_MMAP_THRESHOLD, KEPT_BYTES);
    mallopt(M_TRIM_THRESHOLD, 8 * KEPT_BYTES);
    pthread_t *thread = arena_make(a, pthread_t, 1);
    if (pthread_create(thread, NULL, prepare, NULL) == 0)
        arena_defer(a, await, thread);
}

static bool keep(struct chart_engine *g, char *p, const char **ret)
{
    arena_defer(g->a, free, p);
    *ret = p;
    return true;
}

bool chart_png(struct chart_engine *g, const struct chart_svg *svg, double scale, const char **ret,
               size_t *ret_n, struct err *e)
{
    char *p;
    return g->lib->png(svg->svg, svg->n, scale, &p, ret_n, e) && keep(g, p, ret);
}

bool chart_pdf(struct chart_engine *g, const struct chart_svg *svg, const char **ret, size_t *ret_n,
               struct err *e)
{
    char *p;
    return g->lib->pdf(svg->svg, svg->n, &p, ret_n, e) && keep(g, p, ret);
}

bool chart_paper(struct arena *a, const struct paper *p, const char **ret, size_t *ret_n, struct err *e)
{
    const struct chart_lib *lib;
    char *pdf;
    if (!load(&lib, e) || !lib->paper(p, &pdf, ret_n, e))
        return false;
    arena_defer(a, free, pdf);
    *ret = pdf;
    return true;
}

bool chart_paper_png(struct arena *a, const struct paper *p, const char **ret, size_t *ret_n, struct err *e)
{
    const struct chart_lib *lib;
    char *png;
    if (!load(&lib, e) || !lib->paper_png(p, &png, ret_n, e))
        return false;
    arena_defer(a, free, png);
    *ret = png;
    return true;
}
