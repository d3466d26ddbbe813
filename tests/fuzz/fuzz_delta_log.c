/* fuzz_delta_log.c - any bytes as the log of a table: it is read or refused, and nothing else. What is read
 * from the commits alone is compared with what jansson and a list make of them, slowly.
 *
 * The input is cut at each 0x1e; piece number v is the commit of version v, or, by its first letter, the hint
 * (H), the lines of a checkpoint of that version (C) or of a v2 one in JSON (J), of a sidecar ("s.parquet",
 * S), or a file of deletion vectors (that of the UUID of zeroes, D). They lie in a store in memory. */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "lake/dv.h"
#include "lake/path.h"

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
    static const struct {
        char kind;
        const char *name;
    } names[] = {
        {'H', "_last_checkpoint"},
        {'S', "s.parquet"},
        {'D', "deletion_vector_00000000-0000-0000-0000-000000000000.bin"},
        {'C', ".checkpoint.parquet"},
        {'J', ".checkpoint.00000000-0000-0000-0000-000000000000.json"},
        {0, ".json"},
    };
    size_t i = 0;
    while (names[i].kind && !(n && *p == names[i].kind))
        i++;
    bool plain = !names[i].kind;
    const char *name =
        *names[i].name == '.' ? arena_fmt(m->a, "%020" PRIi64 "%s", version, names[i].name) : names[i].name;
    *arena_push(m->a, &m->texts) = p + !plain;
    *arena_push(m->a, &m->files) =
        (struct store_entry){.name = name, .size = (int64_t)(n - !plain), .mtime_ms = 1};
}

/* --- the slow reader --- */

struct live {
    struct list_of(const char *) paths;
};

static size_t find(const struct live *l, const char *path)
{
    size_t i = 0;
    while (i < l->paths.n && strcmp(l->paths.v[i], path) != 0)
        i++;
    return i;
}

/* False: it cannot say. */
static bool slow_line(struct arena *a, struct live *l, const char *p, size_t n)
{
    static const char *const kinds[] = {"remove", "add"};
    json_t *line = json_tie(a, json_loadb(p, n, 0, NULL));
    if (!json_is_object(line))
        return false;
    for (size_t k = 0; k < countof(kinds); k++) {
        json_t *act = json_object_get(line, kinds[k]);
        const char *path = json_string_value(json_object_get(act, "path"));
        json_t *dv = json_object_get(act, "deletionVector");
        if (!act || json_is_null(act))
            continue;
        if (!path || (dv && !json_is_null(dv)))
            return false;
        path = path_decode(a, path);
        size_t at = find(l, path);
        if (k == 1 && at == l->paths.n)
            *arena_push(a, &l->paths) = path;
        else if (k == 0 && at < l->paths.n)
            l->paths.v[at] = l->paths.v[--l->paths.n];
    }
    return true;
}

static bool is_space(const char *p, size_t n)
{
    while (n && strchr(" \t\r", *p) && *p)
        p++, n--;
    return n == 0;
}

static bool slow_read(struct arena *a, const struct memory *m, int64_t version, struct live *l)
{
    for (size_t i = 0; i < m->files.n; i++) {
        if (!strstr(m->files.v[i].name, ".json") || strtoll(m->files.v[i].name, NULL, 10) > version)
            continue;
        const char *p = m->texts.v[i], *end = p + m->files.v[i].size;
        for (const char *eol; p < end; p = eol + 1) {
            eol = memchr(p, '\n', (size_t)(end - p));
            eol = eol ? eol : end;
            if (!is_space(p, (size_t)(eol - p)) && !slow_line(a, l, p, (size_t)(eol - p)))
                return false;
        }
    }
    return true;
}

static void compare(struct arena *a, const struct memory *m, const struct lake_snapshot *s)
{
    struct live l = {0};
    if (!slow_read(a, m, s->version, &l))
        return;
    if (l.paths.n != s->nfiles)
        abort();
    for (size_t i = 0; i < s->nfiles; i++)
        if (find(&l, s->files[i].path) == l.paths.n)
            abort();
}

/* What is so of every snapshot. */
static void check(const struct lake_snapshot *s)
{
    for (size_t i = 0; i < s->nfiles; i++) {
        const struct lake_file *f = &s->files[i];
        if (f->version > s->version || f->rows < -1 || !*f->path || (i && strcmp(f[-1].path, f->path) > 0) ||
            (i && !f->dv && strcmp(f[-1].path, f->path) == 0 && !f[-1].dv))
            abort();
    }
}

static void read_vectors(const struct lake_table *t, const struct lake_snapshot *s)
{
    struct err e;
    for (size_t i = 0; i < s->nfiles; i++) {
        auto_arena *a = arena_new();
        struct rowset rows;
        if (s->files[i].dv && lake_dv_load(a, t, s->files[i].dv, &rows, &e) && rowset_next(&rows, 0) < 0 &&
            rows.rows)
            abort();
    }
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
        check(s);
        read_vectors(t, s);
        if (!t->parquet)
            compare(a, t->store->state, s);
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
