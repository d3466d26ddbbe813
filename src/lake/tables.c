#include <string.h>

#include "lake/delta_log.h"

enum { MAX_DEPTH = 16 };

struct tables list_of(const char *);

static bool walk(struct arena *a, struct store *s, const char *dir, int depth, struct tables *out,
                 struct err *e)
{
    struct store_entry *entries;
    size_t n;
    if (!s->driver->list(s, a, dir, NULL, &entries, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].is_dir && strcmp(entries[i].name, LOG_DIR) == 0) {
            *arena_push(a, out) = dir;
            return true;
        }
    }
    for (size_t i = 0; i < n && depth < MAX_DEPTH; i++) {
        const char *name = entries[i].name;
        if (!entries[i].is_dir || *name == '.' || *name == '_')
            continue;
        if (!walk(a, s, *dir ? arena_fmt(a, "%s/%s", dir, name) : name, depth + 1, out, e))
            return false;
    }
    return true;
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

bool lake_tables(struct arena *a, struct store *s, const char ***ret, size_t *ret_n, struct err *e)
{
    struct tables out = {0};
    if (!walk(a, s, "", 0, &out, e))
        return false;
    if (out.n)
        qsort(out.v, out.n, sizeof *out.v, by_text);
    *ret = out.v;
    *ret_n = out.n;
    return true;
}
