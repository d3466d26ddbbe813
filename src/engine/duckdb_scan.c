/* A SELECT over the Parquet files of a table.
 *
 * The reader is told the table's columns (schema = MAP {...}) and how files call them, so that no file has to
 * be opened before its rows are wanted: what a file has not is null, a narrower type is widened, at any
 * depth. The files are asked instead (unless they are small, or name columns otherwise) where DuckDB
 * makes use of it, and it cannot have both: where the folders tell the partition values, since it then passes
 * over those that a condition on these columns leaves out; where there are structs, of which it then reads
 * only the fields that are wanted; and where all rows are in one large file, whose row groups it shares out
 * among threads only if it has seen them before it begins.
 */
#include <ctype.h>
#include <inttypes.h>
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
    bool asked;   /* the files say what columns they have */
    bool hive;    /* and their folders the partition values */
    bool vectors; /* some file has a deletion vector */
    int64_t book; /* what cupel_live() and cupel_value() know of the files; 0 = nothing */
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
        if (value && (!*value || strcmp(value, null_folder) == 0 || strcasecmp(value, "null") == 0))
            return false; /* DuckDB would take it for a null */
        if (!decodes_to(equals + 1, (size_t)(slash - equals - 1), value ? value : null_folder))
            return false;
        p = slash + 1;
    }
    return !strchr(p, '/');
}

/* To ask a file costs 0.2 ms, twice; where they are small that is more than it takes to read them. */
static bool is_worth_asking(const struct scan *sc)
{
    enum { FEW_FILES = 32, MANY_FILES = 1000, LARGE_FILE = 8 << 20, LARGE_TABLE = 64 << 20 };
    int64_t bytes = 0;
    for (size_t i = 0; i < sc->nfiles; i++)
        bytes += sc->files[i]->size > 0 ? sc->files[i]->size : 0;
    return sc->nfiles <= FEW_FILES || bytes / (int64_t)sc->nfiles >= LARGE_FILE ||
           (bytes >= LARGE_TABLE && sc->nfiles < MANY_FILES);
}

static bool all_agree(const struct scan *sc)
{
    if (!sc->snap->npartition_by)
        return false;
    if (strchr(store_uri(sc->a, sc->t->store, sc->t->dir), '='))
        return false; /* DuckDB would take that folder for a partition too */
    for (size_t i = 0; i < sc->nfiles; i++)
        if (!folders_agree(sc->snap, sc->files[i]))
            return false;
    return true;
}

/* --- the list of files --- */

/* NULL: it lies elsewhere. */
static const char *path_in_store(struct arena *a, const struct lake_table *t, const struct lake_file *f)
{
    size_t n = strlen(t->store->uri);
    if (f->path[0] != '/' && !strstr(f->path, "://"))
        return *t->dir ? arena_fmt(a, "%s/%s", t->dir, f->path) : f->path;
    bool inside = strncmp(f->path, t->store->uri, n) == 0 && f->path[n] == '/';
    return inside ? f->path + n + 1 : NULL; /* others are of a shallow clone */
}

const char *duck_file_uri(struct arena *a, const struct lake_table *t, const struct lake_file *f)
{
    const char *path = path_in_store(a, t, f);
    if (path)
        return store_uri(a, t->store, path);
    return strncmp(f->path, "file://", 7) == 0 ? f->path + 7 : f->path;
}

/* Those of a remote store come to this machine. */
static bool fetch_files(const struct scan *sc, struct err *e)
{
    size_t n = 0;
    if (!sc->t->store->remote)
        return true;
    struct store_object *objects = arena_make(sc->a, struct store_object, sc->nfiles);
    for (size_t i = 0; i < sc->nfiles; i++) {
        const char *path = path_in_store(sc->a, sc->t, sc->files[i]);
        if (path)
            objects[n++] = (struct store_object){path, sc->files[i]->size};
    }
    return store_fetch(sc->t->store, objects, n, e) || wrap(e, "table '%s'", sc->t->dir);
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

/* For the order of joins. */
static int64_t guess_rows(const struct scan *sc)
{
    enum { ROW_BYTES = 64 };
    int64_t rows = 1;
    for (size_t i = 0; i < sc->nfiles; i++) {
        const struct lake_file *f = sc->files[i];
        int64_t n = f->rows >= 0 ? f->rows : f->size / ROW_BYTES;
        if (n > 0 && n < INT64_MAX - rows)
            rows += n;
    }
    return rows;
}

/* What the reader is to find: by the names that files have, or by their fields' ids. */
static void add_schema(struct buf *b, const struct scan *sc)
{
    const struct lake_snapshot *snap = sc->snap;
    const char *comma = "";
    buf_addf(b, ", hive_partitioning = false, explicit_cardinality = %" PRIi64 ", schema = MAP {",
             guess_rows(sc));
    for (size_t i = 0; i < snap->schema.n; i++) {
        const struct lake_field *f = &snap->schema.fields[i];
        if (partition_index(snap, f->name) < snap->npartition_by)
            continue;
        auto_buf type = BUF(MAX_SQL);
        duck_physical_sql(&type, f->type);
        buf_addf(b, "%s", comma);
        if (snap->mapping == LAKE_MAPPING_ID)
            buf_addf(b, "%" PRIi64, f->id);
        else
            sql_literal(b, lake_physical(f));
        buf_addf(b, ": {name: 'c%zu', type: ", i);
        sql_literal(b, type.p);
        buf_addf(b, ", default_value: NULL}");
        comma = ", ";
    }
    buf_addf(b, "})");
}

static void add_files(struct buf *b, const struct scan *sc)
{
    buf_addf(b, "read_parquet([");
    for (size_t i = 0; i < sc->nfiles; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        duck_add_path(b, duck_file_uri(sc->a, sc->t, sc->files[i]));
    }
    buf_addf(b, "]");
    if (sc->asked)
        buf_addf(b, "%s, hive_partitioning = %s)", sc->nfiles > 1 ? ", union_by_name = true" : "",
                 sc->hive ? "true, hive_types_autocast = 0" : "false");
    else
        add_schema(b, sc);
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

/* The text of a partition value as a value of the column. */
static void add_value(struct buf *b, const struct scan *sc, const struct lake_field *f, size_t p)
{
    bool bytes = strcmp(f->type->primitive, "binary") == 0;
    buf_addf(b, bytes ? "encode(" : "CAST(");
    if (sc->hive)
        sql_ident(b, f->name);
    else
        buf_addf(b, "cupel_value(%" PRIi64 ", f.filename, %zu)", sc->book, p);
    if (!bytes) {
        buf_addf(b, " AS ");
        duck_type_sql(b, f->type);
    }
    buf_addf(b, ")");
}

static void add_column(struct buf *b, const struct scan *sc, size_t i, bool missing)
{
    const struct lake_field *f = &sc->snap->schema.fields[i];
    size_t p = partition_index(sc->snap, f->name);
    if (p < sc->snap->npartition_by) {
        add_value(b, sc, f, p);
    } else if (!sc->asked) {
        auto_arena *a = arena_new();
        duck_mapping_sql(b, f->type, arena_fmt(a, "f.c%zu", i), MAPPING_FROM_FILES);
    } else {
        buf_addf(b, "CAST(");
        if (missing)
            buf_addf(b, "NULL");
        else
            sql_ident(b, f->name);
        buf_addf(b, " AS ");
        duck_type_sql(b, f->type);
        buf_addf(b, ")");
    }
    buf_addf(b, " AS ");
    sql_ident(b, f->name);
}

static void add_no_rows(struct buf *b, const struct lake_snapshot *snap, const struct scan_place *place)
{
    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < snap->schema.n; i++) {
        buf_addf(b, "%sCAST(NULL AS ", i ? ", " : "");
        duck_type_sql(b, snap->schema.fields[i].type);
        buf_addf(b, ") AS ");
        sql_ident(b, snap->schema.fields[i].name);
    }
    if (place && place->file) {
        buf_addf(b, ", CAST(NULL AS VARCHAR) AS ");
        sql_ident(b, place->file);
    }
    if (place && place->row) {
        buf_addf(b, ", CAST(NULL AS BIGINT) AS ");
        sql_ident(b, place->row);
    }
    buf_addf(b, " WHERE false");
}

static void add_place(struct buf *b, const struct scan_place *place)
{
    if (place && place->file) {
        buf_addf(b, ", f.filename AS ");
        sql_ident(b, place->file);
    }
    if (place && place->row) {
        buf_addf(b, ", f.file_row_number AS ");
        sql_ident(b, place->row);
    }
}

/* --- fields within fields, by id --- */

struct inner { /* a field that is not a column of its own */
    int64_t id;
    const char *name;
};
struct inners list_of(struct inner);

static void list_inner(struct arena *a, const struct lake_type *t, struct inners *list)
{
    if (!t)
        return;
    for (size_t i = 0; i < t->nfields; i++) {
        *arena_push(a, list) = (struct inner){t->fields[i].id, lake_physical(&t->fields[i])};
        list_inner(a, t->fields[i].type, list);
    }
    list_inner(a, t->element, list);
    list_inner(a, t->key, list);
    list_inner(a, t->value, list);
}

static bool is_named_so(const struct inners *list, int64_t id, struct str name)
{
    for (size_t i = 0; i < list->n; i++)
        if (list->v[i].id == id)
            return str_is(name, list->v[i].name);
    return true;
}

static bool check_names(const struct scan *sc, const struct inners *list, duckdb_result *r, struct err *e)
{
    for (;;) {
        auto_chunk chunk = duck.fetch_chunk(*r);
        if (!chunk)
            return true;
        const int64_t *ids = duck.vector_get_data(duck.data_chunk_get_vector(chunk, 0));
        for (idx_t i = 0, n = duck.data_chunk_get_size(chunk); i < n; i++) {
            struct str name = duck_string(duck.data_chunk_get_vector(chunk, 1), i);
            struct str file = duck_string(duck.data_chunk_get_vector(chunk, 2), i);
            if (!is_named_so(list, ids[i], name))
                return fail(e, ERR_DATA,
                            "table '%s' is mapped by id (columnMapping), and '%.*s' has field %" PRIi64
                            " of a struct under another name, '%.*s': this version does not read that",
                            *sc->t->dir ? sc->t->dir : sc->t->store->root, STR(file), ids[i], STR(name));
        }
    }
}

/* The reader finds columns by their ids, but what is within them by name: where a file has other names, as
 * one that came from Iceberg may, it would find nothing. */
static bool check_inner_ids(const struct scan *sc, struct err *e)
{
    struct inners list = {0};
    for (size_t i = 0; i < sc->snap->schema.n; i++)
        list_inner(sc->a, sc->snap->schema.fields[i].type, &list);
    if (!list.n)
        return true;
    auto_buf sql = BUF(MAX_SQL);
    auto_result r = {0};
    buf_addf(&sql, "SELECT DISTINCT CAST(field_id AS BIGINT), name, file_name FROM parquet_schema([");
    for (size_t i = 0; i < sc->nfiles; i++) {
        buf_addf(&sql, "%s", i ? ", " : "");
        duck_add_path(&sql, duck_file_uri(sc->a, sc->t, sc->files[i]));
    }
    buf_addf(&sql, "]) WHERE field_id IS NOT NULL");
    duckdb_connection con;
    if (!buf_done(&sql, e) || !duck_bind_con(sc->s, &con, e))
        return false;
    if (duck.query(con, sql.p, &r) != DuckDBSuccess)
        return duck_fail(e, duck.result_error(&r), true, NULL);
    return check_names(sc, &list, &r, e);
}

/* A column of such a name would stand in front of what the reader says of each row. */
static bool hides_place(const struct lake_snapshot *snap)
{
    for (size_t i = 0; i < snap->schema.n; i++)
        if (strcasecmp(snap->schema.fields[i].name, "filename") == 0 ||
            strcasecmp(snap->schema.fields[i].name, "file_row_number") == 0)
            return true;
    return false;
}

static bool has_structs(const struct lake_snapshot *snap)
{
    bool any = false;
    for (size_t i = 0; i < snap->schema.n; i++)
        any |= snap->schema.fields[i].type->kind == LAKE_STRUCT;
    return any;
}

static bool is_one_large_file(const struct scan *sc)
{
    enum { LARGE_BYTES = 1 << 20 };
    return sc->nfiles == 1 && sc->files[0]->size >= LARGE_BYTES;
}

static void add_select(struct buf *b, const struct scan *sc, const bool *missing,
                       const struct scan_place *place)
{
    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < sc->snap->schema.n; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        add_column(b, sc, i, missing[i]);
    }
    add_place(b, place);
    buf_addf(b, " FROM ");
    add_files(b, sc);
    buf_addf(b, " AS f");
    if (sc->vectors)
        buf_addf(b, " WHERE cupel_live(%" PRIi64 ", f.filename, f.file_row_number)", sc->book);
}

bool duck_scan_sql(struct session *s, struct buf *b, const struct lake_table *t,
                   const struct lake_snapshot *snap, const struct lake_file *const *files, size_t nfiles,
                   const struct scan_place *place, struct err *e)
{
    if (snap->schema.n == 0)
        return fail(e, ERR_DATA, "table '%s' has no columns", *t->dir ? t->dir : t->store->root);
    if (nfiles == 0) {
        add_no_rows(b, snap, place);
        return true;
    }
    auto_arena *a = arena_new();
    struct scan sc = {.a = a, .s = s, .t = t, .snap = snap, .files = files, .nfiles = nfiles};
    for (size_t i = 0; i < nfiles; i++)
        sc.vectors |= files[i]->dv != NULL;
    if (!fetch_files(&sc, e))
        return false;
    bool may_ask = snap->mapping == LAKE_MAPPING_NONE && !hides_place(snap) && is_worth_asking(&sc);
    sc.hive = may_ask && all_agree(&sc);
    sc.asked = sc.hive || (may_ask && (has_structs(snap) || is_one_large_file(&sc)));
    if (snap->mapping == LAKE_MAPPING_ID && !check_inner_ids(&sc, e))
        return false;
    bool *missing = arena_make(a, bool, snap->schema.n);
    if (sc.asked && !find_missing(&sc, missing, e))
        return false;
    if ((sc.vectors || (snap->npartition_by && !sc.hive)) &&
        !duck_book_open(s, t, snap, files, nfiles, &sc.book, e))
        return false;
    add_select(b, &sc, missing, place);
    return true;
}
