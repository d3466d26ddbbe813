/* Parquet for the lake's checkpoints: small files, seldom, on a connection of the engine's own. */
#include <errno.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

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

static bool prepare(struct engine *g, const struct buf *sql, duckdb_prepared_statement *ret, struct err *e)
{
    return buf_done(sql, e) && (duck.prepare(g->con, sql->p, ret) == DuckDBSuccess ||
                                duck_fail(e, duck.prepare_error(*ret), true, NULL));
}

static bool prepare_whole(struct engine *g, const char *path, duckdb_prepared_statement *ret, struct err *e)
{
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "SELECT * FROM ");
    duck_add_parquet(&sql, path);
    return prepare(g, &sql, ret, e);
}

/* Those of the columns that the file has, as members of a struct, and the condition that one of them is
 * there; both empty = it has none. p: of the whole file. */
static bool columns_of(duckdb_prepared_statement p, const char *const *columns, struct buf *list,
                       struct buf *any, struct err *e)
{
    for (idx_t i = 0, n = duck.prepared_statement_column_count(p); i < n; i++) {
        const char *name = duck.prepared_statement_column_name(p, i);
        if (wanted(columns, name)) {
            buf_addf(list, "%s", list->len ? ", " : "");
            sql_ident(list, name);
            buf_addf(list, " := ");
            sql_ident(list, name);
            buf_addf(any, "%s", any->len ? " OR " : "");
            sql_ident(any, name);
            buf_addf(any, " IS NOT NULL");
        }
        duck.free((void *)(uintptr_t)name);
    }
    return buf_done(list, e) && buf_done(any, e);
}

typedef bool each_chunk(void *arg, duckdb_data_chunk chunk, struct err *e);

/* Runs a SELECT whose rows go to `each` as they come. */
static bool stream(struct engine *g, const struct buf *sql, each_chunk *each, void *arg, struct err *e)
{
    auto_prepared p = NULL;
    auto_result r = {0};
    if (!prepare(g, sql, &p, e))
        return false;
    if (duck.execute_prepared_streaming(p, &r) != DuckDBSuccess)
        return duck_fail(e, duck.result_error(&r), true, NULL);
    for (;;) {
        auto_chunk chunk = duck.fetch_chunk(r);
        const char *message = chunk ? NULL : duck.result_error(&r);
        if (message && *message)
            return duck_fail(e, message, true, NULL);
        if (!chunk)
            return true;
        if (!each(arg, chunk, e))
            return false;
    }
}

struct lines {
    bool (*line)(void *arg, const char *p, size_t n, struct err *e);
    void *arg;
};

static bool take_lines(void *arg, duckdb_data_chunk chunk, struct err *e)
{
    const struct lines *l = arg;
    duckdb_vector v = duck.data_chunk_get_vector(chunk, 0);
    for (idx_t i = 0, n = duck.data_chunk_get_size(chunk); i < n; i++) {
        struct str s = duck_string(v, i);
        if (!l->line(l->arg, s.p, s.n, e))
            return false;
    }
    return true;
}

static bool read_lines(struct engine *g, const char *path, const char *const *columns, struct lines *lines,
                       struct err *e)
{
    auto_buf list = BUF(1 << 16), any = BUF(1 << 16), sql = BUF(1 << 16);
    auto_prepared p = NULL;
    if (!prepare_whole(g, path, &p, e) || !columns_of(p, columns, &list, &any, e))
        return false;
    if (!list.len)
        return true;
    buf_addf(&sql, "SELECT CAST(to_json(struct_pack(%s)) AS VARCHAR) FROM ", list.p);
    duck_add_parquet(&sql, path);
    buf_addf(&sql, " WHERE %s", any.p);
    return stream(g, &sql, take_lines, lines, e);
}

static bool parquet_read(void *ctx, const char *path, const char *const *columns,
                         bool (*line)(void *arg, const char *p, size_t n, struct err *e), void *arg,
                         struct err *e)
{
    struct engine *g = ctx;
    struct lines lines = {line, arg};
    if (!duck_engine_need(g, e))
        return false;
    pthread_mutex_lock(&g->con_lock);
    bool ok = read_lines(g, path, columns, &lines, e);
    pthread_mutex_unlock(&g->con_lock);
    return ok;
}

/* --- the column "add" --- */

/* Its fields that have a place of their own, in the order of the SELECT. */
static const struct field {
    const char *name, *expression;
} fields[] = {
    {"path", "CAST(add.path AS VARCHAR)"},
    {"partitionValues", "CAST(to_json(add.\"partitionValues\") AS VARCHAR)"},
    {"stats", "CAST(add.stats AS VARCHAR)"},
    {"size", "CAST(add.size AS BIGINT)"},
    {"modificationTime", "CAST(add.\"modificationTime\" AS BIGINT)"},
    {"dataChange", "CAST(add.\"dataChange\" AS BOOLEAN)"},
};
enum { ADD_PATH, ADD_VALUES, ADD_STATS, ADD_SIZE, ADD_MTIME, ADD_CHANGE, ADD_OTHERS, IS_ADD, LINE };

static size_t field_index(const char *name)
{
    size_t i = 0;
    while (i < countof(fields) && strcmp(fields[i].name, name) != 0)
        i++;
    return i;
}

static duckdb_logical_type type_of_add(duckdb_prepared_statement p)
{
    duckdb_logical_type type = NULL;
    for (idx_t i = 0, n = duck.prepared_statement_column_count(p); i < n && !type; i++) {
        const char *name = duck.prepared_statement_column_name(p, i);
        if (strcmp(name, "add") == 0)
            type = duck.prepared_statement_column_logical_type(p, i);
        duck.free((void *)(uintptr_t)name);
    }
    return type;
}

/* Another field, as a member of a struct and as a condition. Statistics in columns are of use only where the
 * text is missing. */
static void add_other(struct buf *members, struct buf *any, const char *name, bool has_stats)
{
    auto_buf field = BUF(1 << 12);
    bool cut = has_stats && strcmp(name, "stats_parsed") == 0;
    buf_addf(&field, cut ? "CASE WHEN add.stats IS NULL THEN add." : "add.");
    sql_ident(&field, name);
    buf_addf(&field, cut ? " END" : "");
    buf_addf(members, "%s", members->len ? ", " : "");
    sql_ident(members, name);
    buf_addf(members, " := %s", field.p);
    buf_addf(any, "%s%s IS NOT NULL", any->len ? " OR " : "", field.p);
}

/* The SELECT's list by the fields that this file's add has. */
static bool add_list(duckdb_logical_type add, struct buf *list, struct err *e)
{
    auto_buf members = BUF(1 << 16), any = BUF(1 << 16);
    bool has[countof(fields) + 1] = {0};
    for (int pass = 0; pass < 2; pass++) {
        for (idx_t i = 0, n = duck.struct_type_child_count(add); i < n; i++) {
            char *name = duck.struct_type_child_name(add, i);
            size_t k = field_index(name);
            if (pass == 0)
                has[k] = true;
            else if (k == countof(fields) && strcmp(name, "partitionValues_parsed") != 0)
                add_other(&members, &any, name, has[ADD_STATS]);
            duck.free(name);
        }
    }
    for (size_t k = 0; k < countof(fields); k++)
        buf_addf(list, "%s, ", has[k] ? fields[k].expression : "NULL");
    if (members.len)
        buf_addf(list, "CASE WHEN %s THEN CAST(to_json(struct_pack(%s)) AS VARCHAR) END", any.p, members.p);
    else
        buf_addf(list, "CAST(NULL AS VARCHAR)");
    return buf_done(&members, e) && buf_done(&any, e) && buf_done(list, e);
}

struct rows {
    bool (*add)(void *arg, const struct lake_parquet_add *x, struct err *e);
    struct lines lines;
};

static struct str text_at(duckdb_vector v, idx_t i)
{
    return duck_is_null(v, i) ? (struct str){NULL, 0} : duck_string(v, i);
}

static int64_t int_at(duckdb_vector v, idx_t i)
{
    return duck_is_null(v, i) ? -1 : ((const int64_t *)duck.vector_get_data(v))[i];
}

static bool take_rows(void *arg, duckdb_data_chunk chunk, struct err *e)
{
    const struct rows *r = arg;
    duckdb_vector v[LINE + 1];
    for (idx_t k = 0; k < countof(v); k++)
        v[k] = duck.data_chunk_get_vector(chunk, k);
    const bool *change = duck.vector_get_data(v[ADD_CHANGE]), *is_add = duck.vector_get_data(v[IS_ADD]);
    for (idx_t i = 0, n = duck.data_chunk_get_size(chunk); i < n; i++) {
        const struct lake_parquet_add x = {
            .path = text_at(v[ADD_PATH], i),
            .values = text_at(v[ADD_VALUES], i),
            .stats = text_at(v[ADD_STATS], i),
            .size = int_at(v[ADD_SIZE], i),
            .mtime_ms = int_at(v[ADD_MTIME], i),
            .data_change = duck_is_null(v[ADD_CHANGE], i) || change[i],
            .others = text_at(v[ADD_OTHERS], i),
        };
        struct str line = text_at(v[LINE], i);
        if ((line.p && !r->lines.line(r->lines.arg, line.p, line.n, e)) ||
            (is_add[i] && !r->add(r->lines.arg, &x, e)))
            return false;
    }
    return true;
}

static bool read_rows(struct engine *g, const char *path, const char *const *columns, struct rows *rows,
                      struct err *e)
{
    auto_prepared p = NULL;
    auto_buf adds = BUF(1 << 16), list = BUF(1 << 16), any = BUF(1 << 16), sql = BUF(1 << 18);
    if (!prepare_whole(g, path, &p, e))
        return false;
    auto_type type = type_of_add(p);
    if (!type || duck.get_type_id(type) != DUCKDB_TYPE_STRUCT)
        return read_lines(g, path, columns, &rows->lines, e);
    if (!add_list(type, &adds, e) || !columns_of(p, columns, &list, &any, e))
        return false;
    buf_addf(&sql, "SELECT %s, add IS NOT NULL, ", adds.p);
    if (list.len)
        buf_addf(&sql, "CASE WHEN %s THEN CAST(to_json(struct_pack(%s)) AS VARCHAR) END", any.p, list.p);
    else
        buf_addf(&sql, "CAST(NULL AS VARCHAR)");
    buf_addf(&sql, " FROM ");
    duck_add_parquet(&sql, path);
    buf_addf(&sql, " WHERE add IS NOT NULL%s%s", list.len ? " OR " : "", list.len ? any.p : "");
    return stream(g, &sql, take_rows, rows, e);
}

static bool parquet_read_adds(void *ctx, const char *path, const char *const *columns,
                              bool (*line)(void *arg, const char *p, size_t n, struct err *e),
                              bool (*add)(void *arg, const struct lake_parquet_add *x, struct err *e),
                              void *arg, struct err *e)
{
    struct engine *g = ctx;
    struct rows rows = {add, {line, arg}};
    if (!duck_engine_need(g, e))
        return false;
    pthread_mutex_lock(&g->con_lock);
    bool ok = read_rows(g, path, columns, &rows, e);
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

/* Text as a file of the memory, since the engine reads files: nothing of it is left when the process dies. */
static int memory_file(const char *p, size_t n, struct err *e)
{
    int fd = memfd_create("cupel-lines", MFD_CLOEXEC);
    while (fd >= 0 && n) {
        ssize_t done = write(fd, p, n);
        if (done > 0)
            p += done, n -= (size_t)done;
        else if (done == 0 || errno != EINTR)
            break;
    }
    if (fd >= 0 && !n)
        return fd;
    fs_fail(e, "cannot write", "memfd:cupel-lines");
    if (fd >= 0)
        close(fd);
    return -1;
}

static bool parquet_write(void *ctx, const char *ndjson, size_t n, const char *columns, const char *path,
                          struct err *e)
{
    struct engine *g = ctx;
    auto_buf sql = BUF(1 << 16);
    if (!duck_engine_need(g, e))
        return false;
    int fd = memory_file(ndjson, n, e);
    if (fd < 0)
        return false;
    buf_addf(&sql,
             "COPY (SELECT * FROM read_json('/proc/self/fd/%d', format = 'newline_delimited', "
             "maximum_object_size = 67108864, columns = ",
             fd);
    add_columns(&sql, columns);
    buf_addf(&sql, ")) TO ");
    sql_literal(&sql, path);
    buf_addf(&sql, " (FORMAT parquet, COMPRESSION snappy)");

    pthread_mutex_lock(&g->con_lock);
    bool ok = buf_done(&sql, e) && duck_exec(g->con, sql.p, e);
    pthread_mutex_unlock(&g->con_lock);
    close(fd);
    return ok;
}

void duck_parquet_init(struct engine *g)
{
    g->parquet = (struct lake_parquet){
        .ctx = g, .read = parquet_read, .read_adds = parquet_read_adds, .write = parquet_write};
}
