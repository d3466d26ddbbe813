/* fuzz_delta_log.c - any bytes as the log of a table: it is read or refused, and nothing else.
 *
 * The input is cut at each 0x1e; piece number v is the commit of version v, or, by its first letter, the hint
 * (H) or the lines of a checkpoint of that version (C). They lie in a store in memory. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "lake/lake.h"

struct files list_of(struct store_entry);
struct memory {
    struct arena *a;
    struct files files; /* names are of the log's folder; `size` bytes at: */
    struct list_of(const char *) texts;
};

static const char *name_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

static bool memory_read(struct store *s, const char *path, struct buf *out, bool *ret_missing, struct err *e)
{
    const struct memory *m = s->state;
    for (size_t i = 0; i < m->files.n; i++) {
        if (strcmp(m->files.v[i].name, name_of(path)) != 0)
            continue;
        buf_add(out, m->texts.v[i], (size_t)m->files.v[i].size);
        return buf_done(out, e);
    }
    if (ret_missing)
        *ret_missing = true;
    return fail(e, ERR_USER, "no such file '%s'", path);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct store_entry *)x)->name, ((const struct store_entry *)y)->name);
}

static bool memory_list(struct store *s, struct arena *a, const char *dir, const char *after,
                        struct store_entry **ret, size_t *ret_n, struct err *e)
{
    (void)dir, (void)e;
    const struct memory *m = s->state;
    struct files found = {0};
    for (size_t i = 0; i < m->files.n; i++)
        if (!after || strcmp(m->files.v[i].name, after) > 0)
            *arena_push(a, &found) = m->files.v[i];
    if (found.n)
        qsort(found.v, found.n, sizeof *found.v, by_name);
    *ret = found.v;
    *ret_n = found.n;
    return true;
}

static bool memory_exists(struct store *s, const char *path, bool *ret, struct err *e)
{
    (void)s, (void)e;
    *ret = !strstr(path, "gone");
    return true;
}

static const struct store_driver memory = {
    .scheme = "memory", .read = memory_read, .exists = memory_exists, .list = memory_list};

/* A checkpoint's lines stand for its Parquet. */
static bool lines_read(void *ctx, const char *path, const char *const *columns,
                       bool (*line)(void *arg, const char *p, size_t n, struct err *e), void *arg,
                       struct err *e)
{
    (void)columns;
    auto_buf b = BUF(1 << 20);
    if (!memory_read(ctx, path, &b, NULL, e))
        return false;
    for (const char *p = b.p, *end = b.p + b.len; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);
        if (!line(arg, p, n, e))
            return false;
        p += n + 1;
    }
    return true;
}

static void add_piece(struct memory *m, int64_t version, const char *p, size_t n)
{
    char kind = n ? *p : 0;
    bool plain = kind != 'H' && kind != 'C';
    const char *name =
        kind == 'H' ? "_last_checkpoint"
                    : arena_fmt(m->a, "%020" PRIi64 "%s", version, plain ? ".json" : ".checkpoint.parquet");
    *arena_push(m->a, &m->texts) = p + !plain;
    *arena_push(m->a, &m->files) =
        (struct store_entry){.name = name, .size = (int64_t)(n - !plain), .mtime_ms = 1};
}

static void read_all(struct arena *a, const struct lake_table *t)
{
    struct err e;
    struct lake_snapshot *s;
    struct lake_version *versions;
    struct lake_changes changes;
    const char *min, *max;
    size_t n;
    int64_t latest;
    if (lake_snapshot(a, t, LAKE_LATEST, &s, NULL, &e)) {
        auto_buf b = BUF(1 << 24);
        lake_schema_write(&b, &s->schema);
        for (size_t i = 0; i < s->nfiles; i++)
            if (lake_file_range(a, &s->files[i], "id", &min, &max))
                buf_addf(&b, "%s%s", min, max);
        if (!lake_changes_since(a, t, s, 0, &changes, &e))
            buf_addf(&b, "%s", e.msg);
    }
    if (!lake_snapshot(a, t, (struct lake_at){-1, 1000}, &s, NULL, &e) ||
        !lake_history(a, t, 0, &versions, &n, &e) || !lake_latest(t, &latest, &e))
        return;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena *a = arena_new();
    struct memory m = {.a = a};
    int64_t version = 0;
    for (const char *p = (const char *)data, *end = p + size; p <= end; version++) {
        const char *cut = memchr(p, 0x1e, (size_t)(end - p));
        cut = cut ? cut : end;
        add_piece(&m, version, p, (size_t)(cut - p));
        p = cut + 1;
    }
    struct store store = {.driver = &memory, .root = "", .state = &m};
    const struct lake_parquet lines = {.ctx = &store, .read = lines_read};
    struct lake_table t = {.store = &store, .dir = "t", .parquet = &lines};
    read_all(a, &t);
    t.parquet = NULL;
    read_all(a, &t);
    return 0;
}
