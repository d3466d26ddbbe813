#include "duck_parquet.h"

#include <dlfcn.h>
#include <duckdb.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"

struct duck {
    void *library;
    typeof(duckdb_open) *open;
    typeof(duckdb_close) *close;
    typeof(duckdb_connect) *connect;
    typeof(duckdb_disconnect) *disconnect;
    typeof(duckdb_query) *query;
    typeof(duckdb_result_error) *result_error;
    typeof(duckdb_destroy_result) *destroy_result;
    typeof(duckdb_row_count) *row_count;
    typeof(duckdb_value_varchar) *value_varchar;
    typeof(duckdb_free) *free;
    duckdb_database db;
    duckdb_connection con;
};

static bool load(struct duck *d, struct err *e)
{
    const char *path = getenv("CUPEL_DUCKDB");
    d->library = path && *path ? dlopen(path, RTLD_NOW | RTLD_LOCAL) : NULL;
    if (!d->library)
        return fail(e, ERR_USER, "CUPEL_DUCKDB does not name DuckDB's library");
    const struct {
        const char *name;
        void *at;
    } symbols[] = {
        {"duckdb_open", &d->open},
        {"duckdb_close", &d->close},
        {"duckdb_connect", &d->connect},
        {"duckdb_disconnect", &d->disconnect},
        {"duckdb_query", &d->query},
        {"duckdb_result_error", &d->result_error},
        {"duckdb_destroy_result", &d->destroy_result},
        {"duckdb_row_count", &d->row_count},
        {"duckdb_value_varchar", &d->value_varchar},
        {"duckdb_free", &d->free},
    };
    for (size_t i = 0; i < countof(symbols); i++) {
        void *fn = dlsym(d->library, symbols[i].name);
        if (!fn)
            return fail(e, ERR_USER, "DuckDB's library has no %s", symbols[i].name);
        memcpy(symbols[i].at, &fn, sizeof fn);
    }
    return true;
}

static void done(void *arg)
{
    struct duck *d = arg;
    if (d->con)
        d->disconnect(&d->con);
    if (d->db)
        d->close(&d->db);
}

typedef bool each_row(void *arg, const char *text, struct err *e);

/* Runs a statement; each (may be NULL) is given the first column of every row. */
static bool run(struct duck *d, const char *sql, each_row *each, void *arg, struct err *e)
{
    duckdb_result r;
    if (d->query(d->con, sql, &r) != DuckDBSuccess) {
        fail(e, ERR_DATA, "%s", d->result_error(&r));
        d->destroy_result(&r);
        return false;
    }
    bool ok = true;
    for (idx_t i = 0, n = each ? d->row_count(&r) : 0; i < n && ok; i++) {
        char *text = d->value_varchar(&r, 0, i);
        ok = each(arg, text, e);
        d->free(text);
    }
    d->destroy_result(&r);
    return ok;
}

struct wanted {
    const char *const *columns;
    struct buf *sql;
};

static bool take_column(void *arg, const char *name, struct err *e)
{
    (void)e;
    struct wanted *w = arg;
    for (size_t i = 0; w->columns[i]; i++) {
        if (strcmp(w->columns[i], name) != 0)
            continue;
        buf_addf(w->sql, "%s", w->sql->len ? ", " : "");
        sql_ident(w->sql, name);
        buf_addf(w->sql, " := ");
        sql_ident(w->sql, name);
    }
    return true;
}

struct lines {
    bool (*line)(void *arg, const char *p, size_t n, struct err *e);
    void *arg;
};

static bool take_line(void *arg, const char *text, struct err *e)
{
    struct lines *l = arg;
    return l->line(l->arg, text, strlen(text), e);
}

static bool duck_read(void *ctx, const char *path, const char *const *columns,
                      bool (*line)(void *arg, const char *p, size_t n, struct err *e), void *arg,
                      struct err *e)
{
    auto_buf file = BUF(1 << 16), list = BUF(1 << 16), sql = BUF(1 << 16);
    sql_literal(&file, path);
    buf_addf(&sql, "SELECT column_name FROM (DESCRIBE SELECT * FROM read_parquet(%s))", file.p);
    struct wanted w = {columns, &list};
    if (!run(ctx, sql.p, take_column, &w, e))
        return false;
    auto_buf rows = BUF(1 << 16);
    buf_addf(&rows, "SELECT to_json(struct_pack(%s)) FROM read_parquet(%s)", list.p, file.p);
    struct lines l = {line, arg};
    return !list.len || run(ctx, rows.p, take_line, &l, e);
}

/* "a INT, b STRUCT(x INT, y INT)" as {'a': 'INT', 'b': 'STRUCT(x INT, y INT)'}. */
static void add_columns(struct buf *b, const char *columns)
{
    const char *comma = "{";
    while (*columns) {
        size_t name = strcspn(columns, " "), n = name;
        for (int depth = 0; columns[n] && (depth || columns[n] != ','); n++)
            depth += (columns[n] == '(') - (columns[n] == ')');
        buf_addf(b, "%s'%.*s': '%.*s'", comma, (int)name, columns, (int)(n - name - 1), columns + name + 1);
        columns += n + strspn(columns + n, ", ");
        comma = ", ";
    }
    buf_addf(b, "}");
}

static bool duck_write(void *ctx, const char *ndjson, size_t n, const char *columns, const char *path,
                       struct err *e)
{
    auto_arena *a = arena_new();
    char *lines = arena_fmt(a, "%s.ndjson", path);
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "COPY (SELECT * FROM read_json(");
    sql_literal(&sql, lines);
    buf_addf(&sql, ", format = 'newline_delimited', maximum_object_size = 1073741824, columns = ");
    add_columns(&sql, columns);
    buf_addf(&sql, ")) TO ");
    sql_literal(&sql, path);
    buf_addf(&sql, " (FORMAT parquet, COMPRESSION snappy)");
    struct err late;
    bool ok = fs_write_atomic(lines, ndjson, n, e) && run(ctx, sql.p, NULL, NULL, e);
    return fs_remove(lines, &late) && ok;
}

bool duck_parquet_open(struct arena *a, struct lake_parquet *ret, struct err *e)
{
    struct duck *d = arena_make(a, struct duck, 1);
    if (!load(d, e))
        return false;
    arena_defer(a, done, d);
    if (d->open(NULL, &d->db) != DuckDBSuccess || d->connect(d->db, &d->con) != DuckDBSuccess)
        return fail(e, ERR_IO, "DuckDB does not start");
    *ret = (struct lake_parquet){d, duck_read, duck_write};
    return true;
}
