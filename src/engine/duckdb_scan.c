/* A SELECT over the Parquet files of a table. */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "engine/internal.h"

static const char null_folder[] = "__HIVE_DEFAULT_PARTITION__";

struct scan {
    struct arena *a;
    struct session *s;
    const struct lake_table *t;
    const struct lake_snapshot *snap;
    const struct lake_file *const *files;
    size_t nfiles;
    const char *file_column;
    bool by_name; /* files may have different columns */
    bool hive;    /* the folders tell the partition values */
};

static size_t partition_index(const struct lake_snapshot *snap, const char *column)
{
    size_t i = 0;
    while (i < snap->npartition_by && strcasecmp(snap->partition_by[i], column) != 0)
        i++;
    return i;
}

/* --- do the folders agree with the log? --- */

static int hex(char c)
{
    return isdigit((unsigned char)c)    ? c - '0'
           : isxdigit((unsigned char)c) ? tolower((unsigned char)c) - 'a' + 10
                                        : -1;
}

/* Is `want` what the percent-encoded p[0..n) stands for? */
static bool decodes_to(const char *p, size_t n, const char *want)
{
    for (size_t i = 0; i < n; want++) {
        int hi = p[i] == '%' && i + 2 < n ? hex(p[i + 1]) : -1;
        int lo = hi >= 0 ? hex(p[i + 2]) : -1;
        char c = lo >= 0 ? (char)(hi * 16 + lo) : p[i];
        if (c != *want || c == '\0')
            return false;
        i += lo >= 0 ? 3 : 1;
    }
    return *want == '\0';
}

/* year=2026/month=11/part-... for the values 2026 and 11, in the columns' order. */
static bool folders_agree(const struct lake_snapshot *snap, const struct lake_file *f)
{
    const char *p = f->path;
    for (size_t i = 0; i < snap->npartition_by; i++) {
        const char *slash = strchr(p, '/'), *equals = strchr(p, '=');
        if (!slash || !equals || equals > slash ||
            !decodes_to(p, (size_t)(equals - p), snap->partition_by[i]))
            return false;
        const char *value = f->values[i];
        if (value && (!*value || strcmp(value, null_folder) == 0))
            return false;
        if (!decodes_to(equals + 1, (size_t)(slash - equals - 1), value ? value : null_folder))
            return false;
        p = slash + 1;
    }
    return !strchr(p, '/');
}

static bool all_agree(const struct scan *sc)
{
    if (strchr(store_uri(sc->a, sc->t->store, sc->t->dir), '='))
        return false; /* DuckDB would take that folder for a partition too */
    for (size_t i = 0; i < sc->nfiles; i++)
        if (!folders_agree(sc->snap, sc->files[i]))
            return false;
    return true;
}

/* --- the list of files --- */

const char *duck_file_uri(struct arena *a, const struct lake_table *t, const struct lake_file *f)
{
    if (strncmp(f->path, "file://", 7) == 0)
        return f->path + 7;
    if (f->path[0] == '/' || strstr(f->path, "://")) /* of a shallow clone */
        return f->path;
    return store_uri(a, t->store, *t->dir ? arena_fmt(a, "%s/%s", t->dir, f->path) : f->path);
}

/* A path as a glob that matches it alone. */
void duck_add_path(struct buf *b, const char *path)
{
    auto_buf glob = BUF(MAX_SQL);
    for (const char *p = path; *p; p++)
        buf_addf(&glob, strchr("*?[", *p) ? "[%c]" : "%c", *p);
    sql_literal(b, glob.p);
}

void duck_add_parquet(struct buf *b, const char *path)
{
    buf_addf(b, "read_parquet(");
    duck_add_path(b, path);
    buf_addf(b, ", hive_partitioning = false)");
}

static void add_files(struct buf *b, const struct scan *sc)
{
    buf_addf(b, "read_parquet([");
    for (size_t i = 0; i < sc->nfiles; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        duck_add_path(b, duck_file_uri(sc->a, sc->t, sc->files[i]));
    }
    buf_addf(b, "]%s, hive_partitioning = %s", sc->by_name ? ", union_by_name = true" : "",
             sc->hive ? "true, hive_types_autocast = 0" : "false");
    if (sc->file_column) {
        buf_addf(b, ", filename = ");
        sql_literal(b, sc->file_column);
    }
    buf_addf(b, ")");
}

/* Partition values by file, where the folders do not tell them. */
static void add_values(struct buf *b, const struct scan *sc)
{
    buf_addf(b, " JOIN (VALUES ");
    for (size_t i = 0; i < sc->nfiles; i++) {
        buf_addf(b, "%s(", i ? ", " : "");
        sql_literal(b, duck_file_uri(sc->a, sc->t, sc->files[i]));
        for (size_t c = 0; c < sc->snap->npartition_by; c++) {
            const char *value = sc->files[i]->values[c];
            buf_addf(b, ", ");
            if (value && *value)
                sql_literal(b, value);
            else
                buf_addf(b, "NULL::VARCHAR");
        }
        buf_addf(b, ")");
    }
    buf_addf(b, ") AS v(file");
    for (size_t c = 0; c < sc->snap->npartition_by; c++)
        buf_addf(b, ", p%zu", c);
    buf_addf(b, ") ON f.");
    sql_ident(b, sc->file_column);
    buf_addf(b, " = v.file");
}

/* --- its columns --- */

/* Which of the schema's columns no file has. */
static bool find_missing(const struct scan *sc, bool *missing, struct err *e)
{
    auto_buf sql = BUF(MAX_SQL);
    buf_addf(&sql, "SELECT * FROM ");
    add_files(&sql, sc);
    duckdb_connection con;
    auto_prepared p = NULL;
    if (!buf_done(&sql, e) || !duck_bind_con(sc->s, &con, e))
        return false;
    if (duck.prepare(con, sql.p, &p) != DuckDBSuccess)
        return duck_fail(e, duck.prepare_error(p), true, NULL);
    idx_t n = duck.prepared_statement_column_count(p);
    for (size_t i = 0; i < sc->snap->schema.n; i++)
        missing[i] = true;
    for (idx_t k = 0; k < n; k++) {
        const char *name = duck.prepared_statement_column_name(p, k);
        for (size_t i = 0; i < sc->snap->schema.n; i++)
            if (strcasecmp(sc->snap->schema.fields[i].name, name) == 0)
                missing[i] = false;
        duck.free((void *)(uintptr_t)name);
    }
    return true;
}

static void add_column(struct buf *b, const struct scan *sc, const struct lake_field *f, bool missing)
{
    size_t p = partition_index(sc->snap, f->name);
    buf_addf(b, "CAST(");
    if (p < sc->snap->npartition_by && !sc->hive)
        buf_addf(b, "v.p%zu", p);
    else if (missing && p == sc->snap->npartition_by)
        buf_addf(b, "NULL");
    else
        sql_ident(b, f->name);
    buf_addf(b, " AS ");
    duck_type_sql(b, f->type);
    buf_addf(b, ") AS ");
    sql_ident(b, f->name);
}

static void add_no_rows(struct buf *b, const struct lake_snapshot *snap, const char *file_column)
{
    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < snap->schema.n; i++) {
        buf_addf(b, "%sCAST(NULL AS ", i ? ", " : "");
        duck_type_sql(b, snap->schema.fields[i].type);
        buf_addf(b, ") AS ");
        sql_ident(b, snap->schema.fields[i].name);
    }
    if (file_column) {
        buf_addf(b, ", CAST(NULL AS VARCHAR) AS ");
        sql_ident(b, file_column);
    }
    buf_addf(b, " WHERE false");
}

bool duck_scan_sql(struct session *s, struct buf *b, const struct lake_table *t,
                   const struct lake_snapshot *snap, const struct lake_file *const *files, size_t nfiles,
                   const char *file_column, struct err *e)
{
    if (nfiles == 0) {
        add_no_rows(b, snap, file_column);
        return true;
    }
    auto_arena *a = arena_new();
    for (size_t i = 0; i < nfiles; i++)
        if (files[i]->dv)
            return fail(e, ERR_DATA,
                        "file '%s' of table '%s' has a deletion vector, which this version does not read",
                        files[i]->path, t->dir);
    struct scan sc = {
        .a = a, .s = s, .t = t, .snap = snap, .files = files, .nfiles = nfiles, .file_column = file_column};
    const char *evolved = lake_property(snap, "cupel.schemaEvolved");
    bool uniform = evolved && strcmp(evolved, "false") == 0;
    sc.by_name = !uniform && nfiles > 1;
    sc.hive = snap->npartition_by > 0 && all_agree(&sc);
    bool join = snap->npartition_by > 0 && !sc.hive;
    bool *missing = arena_make(a, bool, snap->schema.n);
    if (!uniform && !find_missing(&sc, missing, e))
        return false;
    if (join && !file_column)
        sc.file_column = "cupel_file";

    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < snap->schema.n; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        add_column(b, &sc, &snap->schema.fields[i], missing[i]);
    }
    if (file_column) {
        buf_addf(b, ", ");
        sql_ident(b, file_column);
    }
    buf_addf(b, " FROM ");
    add_files(b, &sc);
    buf_addf(b, " AS f");
    if (join)
        add_values(b, &sc);
    return true;
}
