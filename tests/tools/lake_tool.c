/* lake_tool.c - the lake by hand, for tests that read its tables with other people's programs.
 *
 * lake_tool TABLE create|append|replace|partition VALUES... : see usage(). Results are JSON lines on stdout.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <zlib.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "engine/engine.h"
#include "lake/dv.h"

struct files list_of(struct lake_file);
struct removes list_of(const struct lake_file *);

static int usage(void)
{
    fputs("lake_tool create TABLE SCHEMA.json [COLUMN...]       an empty table, partitioned by the columns\n"
          "lake_tool append TABLE FILES.json [APP VERSION]      files: [{\"path\", \"values\": [...], "
          "\"stats\"}]\n"
          "lake_tool replace TABLE FILES.json                   all that is there goes\n"
          "lake_tool show TABLE [VERSION]                       the snapshot as JSON\n"
          "lake_tool vectors TABLE                              each file's deleted rows: how many, and a "
          "hash\n"
          "lake_tool open TABLE [TIMES]                         how long the snapshot takes, as JSON\n"
          "lake_tool history TABLE\n"
          "lake_tool name COLUMN=VALUE...                       the folder of a partition; COLUMN alone is "
          "null\n",
          stderr);
    return 2;
}

static char *slurp(struct arena *a, const char *path, struct err *e)
{
    char *text = NULL;
    return fs_read(a, path, 64 << 20, &text, NULL, e) ? text : NULL;
}

/* Statistics as DuckDB's COPY ... RETURN_STATS gives them: {"\"id\"": {"min": "1", "max": "2", ...}, ...}. */
static const char *stats_of(struct arena *a, const struct lake_snapshot *s, json_t *item)
{
    json_t *columns = json_object_get(item, "columns"), *column;
    struct list_of(struct lake_column_stats) list = {0};
    const char *name;
    if (!columns)
        return json_str(item, "stats", NULL);
    json_object_foreach(columns, name, column)
    {
        const char *nulls = json_str(column, "null_count", NULL);
        *arena_push(a, &list) = (struct lake_column_stats){
            .column = name,
            .min = json_str(column, "min", NULL),
            .max = json_str(column, "max", NULL),
            .nulls = nulls ? strtoll(nulls, NULL, 10) : -1,
            .has_nan = strcmp(json_str(column, "has_nan", "false"), "true") == 0,
        };
    }
    return lake_stats(a, &s->schema, s->partition_by, s->npartition_by, NULL, json_int(item, "rows", 0),
                      list.v, list.n);
}

static bool read_files(struct arena *a, const struct lake_table *t, const struct lake_snapshot *s,
                       const char *path, struct files *ret, struct err *e)
{
    char *text = slurp(a, path, e);
    json_t *list, *item, *value;
    size_t i, k;
    if (!text || !json_parse(a, text, strlen(text), path, &list, e))
        return false;
    json_array_foreach(list, i, item)
    {
        json_t *values = json_object_get(item, "values");
        const char **v = arena_make(a, const char *, json_array_size(values) + 1);
        json_array_foreach(values, k, value) v[k] = json_string_value(value);
        struct lake_file f = {.path = json_str(item, "path", ""),
                              .values = v,
                              .stats = stats_of(a, s, item),
                              .data_change = true};
        struct stat st;
        if (stat(store_uri(a, t->store, f.path), &st) != 0)
            return fs_fail(e, "cannot find", f.path);
        f.size = st.st_size;
        f.mtime_ms = st.st_mtim.tv_sec * INT64_C(1000);
        *arena_push(a, ret) = f;
    }
    return true;
}

static bool create(struct arena *a, const struct lake_table *t, char **args, struct err *e)
{
    char *text = slurp(a, args[0], e);
    struct lake_schema schema;
    int64_t version;
    size_t n = 0;
    while (args[1 + n])
        n++;
    const char **by = arena_make(a, const char *, n + 1);
    for (size_t i = 0; i < n; i++)
        by[i] = args[1 + i];
    if (!text || !lake_schema_parse(a, text, &schema, e))
        return false;
    const struct lake_commit c = {
        .schema = &schema, .partition_by = by, .npartition_by = n, .operation = "CREATE TABLE"};
    return lake_commit(a, t, &c, &version, e) && printf("{\"version\":%" PRIi64 "}\n", version) > 0;
}

static bool append(struct arena *a, const struct lake_table *t, char **args, bool replace, struct err *e)
{
    struct lake_snapshot *s;
    struct files files = {0};
    struct removes gone = {0};
    int64_t version;
    if (!lake_snapshot(a, t, LAKE_LATEST, &s, NULL, e) || !read_files(a, t, s, args[0], &files, e))
        return false;
    for (size_t i = 0; i < s->nfiles && replace; i++)
        *arena_push(a, &gone) = &s->files[i];
    const struct lake_txn txn = {args[1], args[1] && args[2] ? strtoll(args[2], NULL, 10) : 0};
    const struct lake_commit c = {
        .base = s,
        .adds = files.v,
        .nadds = files.n,
        .removes = gone.v,
        .nremoves = gone.n,
        .txns = &txn,
        .ntxns = args[1] != NULL,
        .blind = !replace,
        .operation = "WRITE",
        .parameters = replace ? "{\"mode\": \"Overwrite\"}" : "{\"mode\": \"Append\"}",
        .run_id = "a-run",
    };
    return lake_commit(a, t, &c, &version, e) && printf("{\"version\":%" PRIi64 "}\n", version) > 0;
}

static json_t *text_or_null(const char *s)
{
    return s ? json_string(s) : json_null();
}

static bool show(struct arena *a, const struct lake_table *t, char **args, struct err *e)
{
    struct lake_snapshot *s;
    struct lake_at at = {.version = args[0] ? strtoll(args[0], NULL, 10) : -1};
    if (!lake_snapshot(a, t, at, &s, NULL, e))
        return false;
    json_t *out = json_tie(a, json_object()), *files = json_array(), *txns = json_object();
    int64_t rows = 0;
    for (size_t i = 0; i < s->nfiles; i++) {
        const struct lake_file *f = &s->files[i];
        json_t *file = json_object(), *values = json_array();
        for (size_t k = 0; k < s->npartition_by; k++)
            json_array_append_new(values, text_or_null(f->values[k]));
        json_object_set_new(file, "path", json_string(f->path));
        json_object_set_new(file, "values", values);
        json_object_set_new(file, "rows", json_integer(f->rows));
        json_array_append_new(files, file);
        rows = f->rows < 0 || rows < 0 ? -1 : rows + f->rows;
    }
    for (size_t i = 0; i < s->ntxns; i++)
        json_object_set_new(txns, s->txns[i].app_id, json_integer(s->txns[i].version));
    json_object_set_new(out, "version", json_integer(s->version));
    json_object_set_new(out, "rows", json_integer(rows));
    json_object_set_new(out, "files", files);
    json_object_set_new(out, "txns", txns);
    auto_buf b = BUF(SIZE_MAX / 2);
    json_write(&b, out);
    return puts(b.p) >= 0;
}

/* Files without a vector have 0. */
static bool vectors(struct arena *a, const struct lake_table *t, struct err *e)
{
    struct lake_snapshot *s;
    struct rowset *rows;
    if (!lake_snapshot(a, t, LAKE_LATEST, &s, NULL, e))
        return false;
    const struct lake_file **files = arena_make(a, const struct lake_file *, s->nfiles);
    json_t *out = json_tie(a, json_object());
    for (size_t i = 0; i < s->nfiles; i++)
        files[i] = &s->files[i];
    if (!lake_dv_load_all(a, t, files, s->nfiles, &rows, e))
        return false;
    for (size_t i = 0; i < s->nfiles; i++) {
        auto_buf b = BUF(SIZE_MAX / 2);
        rowset_write(&b, &rows[i]);
        json_object_set_new(out, s->files[i].path,
                            json_pack("[I, I]", (json_int_t)rows[i].rows,
                                      (json_int_t)crc32(0, (const unsigned char *)b.p, (unsigned)b.len)));
    }
    auto_buf text = BUF(SIZE_MAX / 2);
    json_write(&text, out);
    return puts(text.p) >= 0;
}

/* Opens the table again and again; the times are of each, in milliseconds. */
static bool open_often(const struct lake_table *t, char **args, struct err *e)
{
    for (int64_t n = args[0] ? strtoll(args[0], NULL, 10) : 1; n > 0; n--) {
        auto_arena *a = arena_new();
        struct lake_snapshot *s;
        int64_t began = clock_now_us(NULL);
        if (!lake_snapshot(a, t, LAKE_LATEST, &s, NULL, e))
            return false;
        printf("{\"version\":%" PRIi64 ",\"files\":%zu,\"ms\":%.3f}\n", s->version, s->nfiles,
               (double)(clock_now_us(NULL) - began) / 1000);
    }
    return true;
}

static bool history(struct arena *a, const struct lake_table *t, struct err *e)
{
    struct lake_version *v;
    size_t n;
    if (!lake_history(a, t, 0, &v, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        printf("{\"version\":%" PRIi64 ",\"operation\":\"%s\",\"files_added\":%" PRIi64 "}\n", v[i].version,
               v[i].operation, v[i].files_added);
    return true;
}

static int name(struct arena *a, char **args)
{
    const char *columns[64], *values[64];
    size_t n = 0;
    for (; args[n] && n < countof(columns); n++) {
        size_t eq = strcspn(args[n], "=");
        columns[n] = arena_strn(a, args[n], eq);
        values[n] = args[n][eq] ? args[n] + eq + 1 : NULL;
    }
    puts(lake_partition_dir(a, columns, values, n));
    return 0;
}

int main(int argc, char **argv)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct engine *engine;
    struct store *store;
    if (argc < 3)
        return usage();
    if (strcmp(argv[1], "name") == 0)
        return name(a, argv + 2);
    bool ok = store_open(a, argv[2], NULL, &store, &e);
    struct lake_table t = {.store = store, .dir = ""};
    if (ok && getenv("CUPEL_DUCKDB")) { /* else: without an engine */
        ok = engine_duckdb.open(a, &(struct engine_conf){.threads = 1}, &engine, &e);
        t.parquet = ok ? engine_duckdb.parquet(engine) : NULL;
    }
    if (ok && strcmp(argv[1], "create") == 0 && argc > 3)
        ok = create(a, &t, argv + 3, &e);
    else if (ok && strcmp(argv[1], "append") == 0 && argc > 3)
        ok = append(a, &t, argv + 3, false, &e);
    else if (ok && strcmp(argv[1], "replace") == 0 && argc > 3)
        ok = append(a, &t, argv + 3, true, &e);
    else if (ok && strcmp(argv[1], "show") == 0)
        ok = show(a, &t, argv + 3, &e);
    else if (ok && strcmp(argv[1], "vectors") == 0)
        ok = vectors(a, &t, &e);
    else if (ok && strcmp(argv[1], "open") == 0)
        ok = open_often(&t, argv + 3, &e);
    else if (ok && strcmp(argv[1], "history") == 0)
        ok = history(a, &t, &e);
    else if (ok)
        return usage();
    if (!ok)
        err_print(stderr, &e, NULL);
    return ok ? 0 : err_exit_code(e.kind);
}
