#include "engine/duck.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"

struct duck_calls duck;

static const char library[] = "libduckdb.so";

/* The folder of the running program, with its slash; "" when it cannot be told. */
static const char *program_dir(struct arena *a)
{
    char path[4096];
    ssize_t n = readlink("/proc/self/exe", path, sizeof path);
    while (n > 0 && path[n - 1] != '/')
        n--;
    return n > 0 ? arena_strn(a, path, (size_t)n) : "";
}

static bool resolve(void *lib, const char *path, struct err *e)
{
#define DUCK_RESOLVE(name) {"duckdb_" #name, offsetof(struct duck_calls, name)},
    static const struct {
        const char *symbol;
        size_t offset;
    } calls[] = {DUCK_CALLS(DUCK_RESOLVE)};
#undef DUCK_RESOLVE

    for (size_t i = 0; i < countof(calls); i++) {
        void *f = dlsym(lib, calls[i].symbol);
        if (!f)
            return fail(e, ERR_IO, "'%s' has no function %s", path, calls[i].symbol);
        memcpy((char *)&duck + calls[i].offset, &f, sizeof f);
    }
    return true;
}

static bool open_library(const char *path, struct err *e)
{
    /* RTLD_NODELETE: its threads and caches outlive any handle. RTLD_DEEPBIND: its hundred thousand symbols
     * are looked for in itself first, which saves milliseconds, and what it brings of its own (zstd and the
     * like) is not mixed up with ours; the address sanitizer cannot have that. */
    int flags = RTLD_LAZY | RTLD_LOCAL | RTLD_NODELETE;
#ifndef CUPEL_SANITIZE
    flags |= RTLD_DEEPBIND;
#endif
    void *lib = dlopen(path, flags);
    if (!lib)
        return fail(e, ERR_IO, "cannot load DuckDB: %s", dlerror());
    if (!resolve(lib, path, e)) {
        dlclose(lib);
        return hint(e, "cupel needs libduckdb %s: `./dev setup` fetches it", DUCK_VERSION);
    }
    const char *version = duck.library_version();
    if (strcmp(version, DUCK_VERSION) != 0) {
        fail(e, ERR_IO, "'%s' is DuckDB %s, not %s", path, version, DUCK_VERSION);
        dlclose(lib);
        return hint(e, "`./dev setup` fetches the right one; CUPEL_DUCKDB may name another file");
    }
    return true;
}

static bool find_and_open(struct err *e)
{
    auto_arena *a = arena_new();
    const char *env = getenv("CUPEL_DUCKDB");
    if (env && *env)
        return open_library(env, e);

    const char *dir = program_dir(a);
    const char *const places[] = {
        arena_fmt(a, "%s%s", dir, library),
        arena_fmt(a, "%s../lib/cupel/%s", dir, library),
#ifdef CUPEL_DUCKDB_PATH
        CUPEL_DUCKDB_PATH,
#endif
    };
    for (size_t i = 0; i < countof(places); i++)
        if (fs_exists(places[i]))
            return open_library(places[i], e);
    fail(e, ERR_IO, "no %s beside the program, nor in ../lib/cupel", library);
    return hint(e, "`./dev setup` fetches DuckDB %s; CUPEL_DUCKDB may name the file", DUCK_VERSION);
}

bool duck_load(struct err *e)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool loaded;

    pthread_mutex_lock(&lock);
    bool ok = loaded || find_and_open(e);
    loaded = ok;
    pthread_mutex_unlock(&lock);
    return ok;
}
