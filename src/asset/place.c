/* What a name stands for: a table of the project's lake, or one anywhere by its path; and at which version.
 */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"

static const char prefix[] = "delta.";

/* delta./lake/movies as SQL's names arrive, delta.`/lake/movies` as people type it, or just the path. */
const char *asset_path(struct arena *a, const char *name)
{
    size_t n = sizeof prefix - 1;
    if (strncasecmp(name, prefix, n) == 0) {
        name += n;
        size_t len = strlen(name);
        if (len > 2 && name[0] == '`' && strcspn(name + 1, "`") == len - 2)
            name = arena_strn(a, name + 1, len - 2);
    }
    return strchr(name, '/') ? name : NULL;
}

static struct lake_table table_of(const struct workshop *w, struct store *store, const char *dir)
{
    return (struct lake_table){
        .store = store,
        .dir = dir,
        .parquet = w->engine ? w->driver->parquet(w->engine) : NULL,
        .clock = w->clock,
    };
}

struct lake_table asset_table(struct arena *a, const struct workshop *w, const char *name)
{
    char *dir = arena_str(a, name);
    for (char *p = dir; *p; p++)
        if (*p == '.')
            *p = '/';
    return table_of(w, w->lake, dir);
}

static bool path_table(struct arena *a, const struct workshop *w, const char *path, struct lake_table *ret,
                       struct err *e)
{
    struct store *store;
    if (strncmp(path, "file:/", 6) == 0 && strncmp(path, "file://", 7) != 0)
        path += 5; /* as Spark writes it */
    if (!store_open(a, path, &w->project->storage, &store, e))
        return false;
    *ret = table_of(w, store, "");
    return true;
}

/* yyyyMMddHHmmssSSS, as Spark has times in paths. */
static bool parse_digits(const char *s, int64_t *ret_ms)
{
    char text[32];
    struct err ignored;
    int64_t us;
    if (strlen(s) != 17 || strspn(s, "0123456789") != 17)
        return false;
    snprintf(text, sizeof text, "%.4s-%.2s-%.2sT%.2s:%.2s:%.2s.%.3sZ", s, s + 4, s + 6, s + 8, s + 10, s + 12,
             s + 14);
    if (!clock_parse(text, &us, &ignored))
        return false;
    *ret_ms = us / 1000;
    return true;
}

/* "v12" or a time behind the '@' of a name. */
static bool parse_at(const char *text, struct lake_at *ret, struct err *e)
{
    int64_t n;
    if ((text[0] | 0x20) == 'v') {
        if (!text_int(text + 1, &n, e) || n < 0)
            return fail(e, ERR_USER, "'%s' is no version: write @v12 or @2026-11-01", text);
        *ret = (struct lake_at){.version = n};
        return true;
    }
    *ret = (struct lake_at){.version = -1};
    if (parse_digits(text, &ret->timestamp_ms))
        return true;
    if (!clock_parse(text, &n, e))
        return fail(e, ERR_USER, "'%s' is neither a version nor a time: write @v12 or @2026-11-01", text);
    ret->timestamp_ms = n / 1000;
    return true;
}

/* A path may have an @ of its own: there it begins a version only if it can be read as one, and no table has
 * the whole name. */
static bool split_path(struct arena *a, const struct workshop *w, const char *path, struct lake_table *ret,
                       struct lake_at *ret_at, struct err *e)
{
    struct err ignored;
    struct lake_at at;
    int64_t version;
    const char *sign = strrchr(path, '@');
    if (!path_table(a, w, path, ret, e))
        return false;
    if (!sign || !parse_at(sign + 1, &at, &ignored) || (lake_latest(ret, &version, &ignored) && version >= 0))
        return true;
    *ret_at = at;
    return path_table(a, w, arena_strn(a, path, (size_t)(sign - path)), ret, e);
}

bool asset_place(struct arena *a, const struct workshop *w, const char *name, struct lake_table *ret,
                 struct lake_at *ret_at, struct err *e)
{
    const char *path = asset_path(a, name), *sign = strchr(name, '@');
    *ret_at = LAKE_LATEST;
    if (path)
        return split_path(a, w, path, ret, ret_at, e);
    *ret = asset_table(a, w, sign ? arena_strn(a, name, (size_t)(sign - name)) : name);
    return !sign || parse_at(sign + 1, ret_at, e);
}
