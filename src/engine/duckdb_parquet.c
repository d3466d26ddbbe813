/* Parquet for the lake's checkpoints: small files, seldom, on a connection of the engine's own. */
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "engine/internal.h"

static bool wanted(const char *const *columns, const char *name)
{
    for (; *columns; columns++)
        if (strcmp(*columns, name) == 0)
            return true;
    return false;
}

/* Those of the columns that the file has, as a list for SELECT. */
static bool columns_of(struct engine *g, const char *path, const char *const *columns, struct buf *list,
                       struct err *e)
{
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "SELECT * FROM ");
    duck_add_parquet(&sql, path);
    auto_prepared p = NULL;
    if (!buf_done(&sql, e))
        return false;
    if (duck.prepare(g->con, sql.p, &p) != DuckDBSuccess)
        return duck_fail(e, duck.prepare_error(p), true, NULL);
    for (idx_t i = 0, n = duck.prepared_statement_column_count(p); i < n; i++) {
        const char *name = duck.prepared_statement_column_name(p, i);
        if (wanted(columns, name)) {
            buf_addf(list, "%s", list->len ? ", " : "");
            sql_ident(list, name);
        }
        duck.free((void *)(uintptr_t)name);
    }
    return buf_done(list, e);
}

static bool each_line(duckdb_result *r, bool (*line)(void *arg, const char *p, size_t n, struct err *e),
                      void *arg, struct err *e)
{
    for (;;) {
        auto_chunk chunk = duck.fetch_chunk(*r);
        const char *message = chunk ? NULL : duck.result_error(r);
        if (message && *message)
            return duck_fail(e, message, true, NULL);
        if (!chunk)
            return true;
        duckdb_vector v = duck.data_chunk_get_vector(chunk, 0);
        for (idx_t i = 0, n = duck.data_chunk_get_size(chunk); i < n; i++) {
            struct str s = duck_string(v, i);
            if (!line(arg, s.p, s.n, e))
                return false;
        }
    }
}

static bool read_lines(struct engine *g, const char *path, const char *columns,
                       bool (*line)(void *arg, const char *p, size_t n, struct err *e), void *arg,
                       struct err *e)
{
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "SELECT CAST(to_json(f) AS VARCHAR) FROM (SELECT %s FROM ", columns);
    duck_add_parquet(&sql, path);
    buf_addf(&sql, ") AS f");
    auto_prepared p = NULL;
    auto_result r = {0};
    if (!buf_done(&sql, e))
        return false;
    if (duck.prepare(g->con, sql.p, &p) != DuckDBSuccess)
        return duck_fail(e, duck.prepare_error(p), true, NULL);
    if (duck.execute_prepared_streaming(p, &r) != DuckDBSuccess)
        return duck_fail(e, duck.result_error(&r), true, NULL);
    return each_line(&r, line, arg, e);
}

static bool parquet_read(void *ctx, const char *path, const char *const *columns,
                         bool (*line)(void *arg, const char *p, size_t n, struct err *e), void *arg,
                         struct err *e)
{
    struct engine *g = ctx;
    auto_buf list = BUF(1 << 16);
    if (!duck_engine_need(g, e))
        return false;
    pthread_mutex_lock(&g->con_lock);
    bool ok = columns_of(g, path, columns, &list, e) &&
              (list.len == 0 || read_lines(g, path, list.p, line, arg, e));
    pthread_mutex_unlock(&g->con_lock);
    return ok;
}

/* "txn STRUCT(...), add STRUCT(...)" as {'txn': 'STRUCT(...)', 'add': 'STRUCT(...)'}. */
static void add_columns(struct buf *b, const char *columns)
{
    auto_arena *a = arena_new();
    const char *p = columns;
    buf_addf(b, "{");
    for (size_t i = 0; *p; i++) {
        p += strspn(p, " ");
        const char *name = arena_strn(a, p, strcspn(p, " "));
        p += strlen(name);
        p += strspn(p, " ");
        size_t n = 0;
        for (int depth = 0; p[n] && (depth > 0 || p[n] != ','); n++)
            depth += (p[n] == '(') - (p[n] == ')');
        buf_addf(b, "%s", i ? ", " : "");
        sql_literal(b, name);
        buf_addf(b, ": ");
        sql_literal(b, arena_strn(a, p, n));
        p += n + (p[n] == ',');
    }
    buf_addf(b, "}");
}

static bool parquet_write(void *ctx, const char *ndjson, size_t n, const char *columns, const char *path,
                          struct err *e)
{
    struct engine *g = ctx;
    auto_arena *a = arena_new();
    const char *lines = arena_fmt(a, "%s.ndjson", path);
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "COPY (SELECT * FROM read_json(");
    duck_add_path(&sql, lines);
    buf_addf(&sql, ", format = 'newline_delimited', maximum_object_size = 67108864, columns = ");
    add_columns(&sql, columns);
    buf_addf(&sql, ")) TO ");
    sql_literal(&sql, path);
    buf_addf(&sql, " (FORMAT parquet, COMPRESSION snappy)");
    if (!buf_done(&sql, e) || !duck_engine_need(g, e) || !fs_write_atomic(lines, ndjson, n, e))
        return false;

    pthread_mutex_lock(&g->con_lock);
    bool ok = duck_exec(g->con, sql.p, e);
    pthread_mutex_unlock(&g->con_lock);
    struct err late;
    return fs_remove(lines, ok ? e : &late) && ok;
}

void duck_parquet_init(struct engine *g)
{
    g->parquet = (struct lake_parquet){.ctx = g, .read = parquet_read, .write = parquet_write};
}
