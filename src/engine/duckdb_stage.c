/* A SELECT's rows become the files of a table, in one pass: one COPY that casts, gates, writes and reports.
 */
#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/text.h"
#include "engine/internal.h"

enum {
    ROW_GROUP_BYTES = 64 << 20
}; /* of a row group in memory, before it is written: bounds what a COPY holds */

struct stage {       /* one call */
    struct arena *a; /* of the result */
    struct arena *scratch;
    struct session *s;
    const struct engine_stage *g;
    struct store *staging;      /* where files lie until they are committed */
    struct engine_column *cols; /* of the SELECT */
    size_t ncols;
    bool reject_list;
    struct lake_schema schema;
    bool mapped; /* files have other names for the columns */
    struct gate_run *gates;
    const char *token;  /* in the name of every file of this stage */
    const char *folder; /* of the table, as the engine names it */
    struct sqltext plain;
    struct origin origin;
};

/* --- what is to be written --- */

static const struct engine_column *find_column(const struct stage *st, const char *name)
{
    for (size_t i = 0; i < st->ncols; i++)
        if (strcasecmp(st->cols[i].name, name) == 0)
            return &st->cols[i];
    return NULL;
}

static const struct engine_computed *find_computed(const struct stage *st, const char *name)
{
    for (size_t i = 0; i < st->g->ncomputed; i++)
        if (strcasecmp(st->g->computed[i].column, name) == 0)
            return &st->g->computed[i];
    return NULL;
}

static bool is_reject(const struct stage *st, const char *name)
{
    return st->g->reject && strcasecmp(st->g->reject, name) == 0;
}

static bool storable(const struct stage *st, const struct engine_column *c, struct err *e)
{
    if (c->type)
        return true;
    bool null = strcmp(c->sql_type, "\"NULL\"") == 0;
    fail_at(e, ERR_USER, st->g->at, "column '%s' %s%s, which no table can hold", c->name,
            null ? "is NULL" : "has the type ", null ? " without a type" : c->sql_type);
    auto_buf name = BUF(1024);
    sql_ident(&name, c->name);
    return hint(e,
                null ? "give it one: CAST(NULL AS VARCHAR) AS %s"
                     : "cast it to a type that a table has: CAST(%s AS VARCHAR)",
                name.p);
}

/* The reject column is VARCHAR or VARCHAR[]. */
static bool check_reject(struct stage *st, struct err *e)
{
    if (!st->g->reject)
        return true;
    const struct engine_column *c = find_column(st, st->g->reject);
    if (!c)
        return fail_at(e, ERR_USER, st->g->at, "there is no column '%s' to hold the reasons for a rejection",
                       st->g->reject);
    st->reject_list = strcmp(c->sql_type, "VARCHAR[]") == 0;
    return st->reject_list || strcmp(c->sql_type, "VARCHAR") == 0 ||
           fail_at(e, ERR_USER, st->g->at,
                   "column '%s' holds reasons for a rejection: it must be VARCHAR or VARCHAR[], not %s",
                   c->name, c->sql_type);
}

static bool check_columns(struct stage *st, struct err *e)
{
    for (size_t i = 0; i < st->ncols; i++) {
        const struct engine_column *c = &st->cols[i];
        if (find_column(st, c->name) != c)
            return fail_at(e, ERR_USER, st->g->at, "two columns are called '%s'", c->name);
        if (!is_reject(st, c->name) && !storable(st, c, e))
            return false;
    }
    for (size_t i = 0; i < st->g->npartition_by; i++)
        if (!find_column(st, st->g->partition_by[i]) && !find_computed(st, st->g->partition_by[i]))
            return fail_at(e, ERR_USER, st->g->at, "there is no column '%s' to partition by",
                           st->g->partition_by[i]);
    return check_reject(st, e);
}

/* Columns that the table has and the SELECT has not become NULL; the other way round is an error. */
static bool target_schema(struct stage *st, struct err *e)
{
    const struct lake_schema *want = st->g->schema;
    if (want) {
        for (size_t i = 0; i < st->ncols; i++) {
            size_t k = 0;
            while (k < want->n && strcasecmp(want->fields[k].name, st->cols[i].name) != 0)
                k++;
            if (k == want->n && !is_reject(st, st->cols[i].name))
                return fail_at(e, ERR_DATA, st->g->at, "the table has no column '%s'", st->cols[i].name);
        }
        st->schema = *want;
        return true;
    }
    struct lake_field *f = arena_make(st->a, struct lake_field, st->ncols);
    size_t n = 0;
    for (size_t i = 0; i < st->ncols; i++)
        if (!is_reject(st, st->cols[i].name))
            f[n++] = (struct lake_field){
                .name = st->cols[i].name, .type = st->cols[i].type, .nullable = true, .metadata = "{}"};
    st->schema = (struct lake_schema){f, n};
    return true;
}

/* --- the COPY --- */

static bool partitions(const struct stage *st, const char *column)
{
    for (size_t i = 0; i < st->g->npartition_by; i++)
        if (strcasecmp(st->g->partition_by[i], column) == 0)
            return true;
    return false;
}

/* A column as it is stored. An empty string is no partition value of its own: Delta reads it as null. */
static void add_stored(struct stage *st, struct buf *b, const struct lake_field *f)
{
    auto_buf type = BUF(MAX_SQL);
    duck_type_sql(&type, f->type);
    const struct engine_column *c = find_column(st, f->name);
    bool text = f->type->kind == LAKE_PRIMITIVE && strcmp(f->type->primitive, "string") == 0;
    bool no_empty = c && text && partitions(st, f->name);
    bool cast = !c || strcmp(c->sql_type, type.p) != 0;

    buf_addf(b, "%s%s", no_empty ? "nullif(" : "", cast ? "CAST(" : "");
    if (c)
        sql_ident(b, c->name);
    else
        buf_addf(b, "NULL");
    if (cast)
        buf_addf(b, " AS %s)", type.p);
    buf_addf(b, "%s AS ", no_empty ? ", '')" : "");
    sql_ident(b, f->name);
}

static void add_names(struct stage *st, struct buf *b)
{
    for (size_t i = 0; i < st->schema.n; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        sql_ident(b, st->schema.fields[i].name);
    }
}

/* The columns by the names that files have. */
static void add_mapped(struct stage *st, struct buf *b)
{
    for (size_t i = 0; i < st->schema.n; i++) {
        const struct lake_field *f = &st->schema.fields[i];
        auto_buf name = BUF(MAX_SQL);
        buf_addf(&name, "cupel_named.");
        sql_ident(&name, f->name);
        buf_addf(b, "%s", i ? ", " : "");
        duck_mapping_sql(b, f->type, name.p, MAPPING_TO_FILES);
        buf_addf(b, " AS ");
        sql_ident(b, lake_physical(f));
    }
}

static void add_field_ids(struct stage *st, struct buf *b)
{
    auto_buf ids = BUF(MAX_SQL);
    for (size_t i = 0; i < st->schema.n; i++)
        if (!partitions(st, st->schema.fields[i].name))
            duck_field_id(&ids, &st->schema.fields[i]);
    if (ids.len)
        buf_addf(b, ", FIELD_IDS {%s}", ids.p);
}

static const char *physical_name(const struct stage *st, const char *column)
{
    for (size_t i = 0; i < st->schema.n; i++)
        if (strcasecmp(st->schema.fields[i].name, column) == 0)
            return lake_physical(&st->schema.fields[i]);
    return column;
}

/* The columns as they are stored, and computed ones from these. */
static void add_computed(struct stage *st, struct buf *b)
{
    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < st->schema.n; i++) {
        const struct lake_field *f = &st->schema.fields[i];
        const struct engine_computed *c = find_computed(st, f->name);
        buf_addf(b, "%s", i ? ", " : "");
        if (c) {
            buf_addf(b, "CAST((%s\n) AS ", c->sql);
            duck_type_sql(b, f->type);
            buf_addf(b, ") AS ");
        }
        sql_ident(b, f->name);
    }
    if (st->g->reject) {
        buf_addf(b, ", ");
        sql_ident(b, st->g->reject);
    }
    buf_addf(b, " FROM (");
}

static void add_select(struct stage *st, struct buf *b)
{
    bool gated = st->gates != NULL;
    if (st->mapped) {
        buf_addf(b, "SELECT ");
        add_mapped(st, b);
        buf_addf(b, " FROM (");
    }
    if (gated) {
        const char **columns = arena_make(st->scratch, const char *, st->schema.n);
        for (size_t i = 0; i < st->schema.n; i++)
            columns[i] = st->schema.fields[i].name;
        buf_addf(b, "SELECT ");
        add_names(st, b);
        buf_addf(b, " FROM (SELECT ");
        add_names(st, b);
        buf_addf(b, ", ");
        duck_gates_sql(b, st->gates, st->g, columns, st->schema.n, st->reject_list);
        buf_addf(b, " AS cupel_pass FROM (");
    }
    if (st->g->ncomputed)
        add_computed(st, b);
    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < st->schema.n; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        add_stored(st, b, &st->schema.fields[i]);
    }
    if (st->g->reject) {
        buf_addf(b, ", ");
        sql_ident(b, st->g->reject);
    }
    buf_addf(b, " FROM (");
    st->origin.offset = b->len;
    buf_add(b, st->plain.sql, st->plain.n);
    buf_addf(b, "\n) AS cupel_rows");
    if (st->g->ncomputed)
        buf_addf(b, ") AS cupel_stored");
    if (gated)
        buf_addf(b, ") AS cupel_cast) AS cupel_gated WHERE cupel_pass");
    if (st->mapped)
        buf_addf(b, ") AS cupel_named");
}

static void add_copy(struct stage *st, struct buf *b)
{
    int64_t file_bytes = st->g->file_bytes > 0 ? st->g->file_bytes : (int64_t)512 << 20;
    buf_addf(b, "COPY (");
    add_select(st, b);
    buf_addf(b, ") TO ");
    /* DuckDB 1.5.5 takes letters beyond ASCII off the end of a folder that it makes partitions in. */
    bool wide_end = (unsigned char)st->folder[strlen(st->folder) - 1] >= 0x80;
    sql_literal(b, wide_end ? arena_fmt(st->scratch, "%s/.", st->folder) : st->folder);
    buf_addf(b,
             " (FORMAT parquet, COMPRESSION snappy, RETURN_STATS, APPEND, ROW_GROUP_SIZE_BYTES %d, "
             "FILENAME_PATTERN 'part-%s-{uuid}.snappy'",
             ROW_GROUP_BYTES, st->token);
    if (st->g->npartition_by == 0)
        buf_addf(b, ", FILE_SIZE_BYTES %" PRIi64, file_bytes);
    for (size_t i = 0; i < st->g->npartition_by; i++) {
        buf_addf(b, "%s", i ? ", " : ", PARTITION_BY (");
        sql_ident(b, physical_name(st, st->g->partition_by[i]));
    }
    buf_addf(b, "%s", st->g->npartition_by ? ")" : "");
    add_field_ids(st, b);
    buf_addf(b, ")");
}

/* --- its report --- */

enum { R_FILE, R_ROWS, R_BYTES, R_FOOTER, R_STATS, R_PARTITION };

/* The entries of a MAP: keys and values in child vectors. */
struct map_vectors {
    duckdb_vector keys, values;
    idx_t start, n;
};

static struct map_vectors map_at(duckdb_vector v, idx_t row)
{
    const duckdb_list_entry *entry = &((const duckdb_list_entry *)duck.vector_get_data(v))[row];
    duckdb_vector pairs = duck.list_vector_get_child(v);
    struct map_vectors m = {duck.struct_vector_get_child(pairs, 0), duck.struct_vector_get_child(pairs, 1),
                            entry->offset, entry->length};
    if (duck_is_null(v, row))
        m.n = 0;
    return m;
}

static const char *text_at(struct arena *a, duckdb_vector v, idx_t row)
{
    struct str s = duck_string(v, row);
    return duck_is_null(v, row) ? NULL : arena_strn(a, s.p, s.n);
}

static struct lake_column_stats column_stats(struct arena *a, const char *column, struct map_vectors m)
{
    struct lake_column_stats cs = {.column = column, .nulls = -1};
    for (idx_t i = m.start; i < m.start + m.n; i++) {
        struct str key = duck_string(m.keys, i);
        const char *value = text_at(a, m.values, i);
        struct err ignored;
        if (!value)
            continue;
        if (str_is(key, "min"))
            cs.min = value;
        else if (str_is(key, "max"))
            cs.max = value;
        else if (str_is(key, "null_count") && !text_int(value, &cs.nulls, &ignored))
            cs.nulls = -1;
        else if (str_is(key, "has_nan"))
            cs.has_nan = strcmp(value, "true") == 0;
    }
    return cs;
}

static const char *file_stats(struct stage *st, duckdb_vector v, idx_t row, int64_t rows)
{
    struct map_vectors m = map_at(v, row);
    struct lake_column_stats *cols = arena_make(st->scratch, struct lake_column_stats, m.n);
    for (idx_t i = 0; i < m.n; i++)
        cols[i] = column_stats(st->scratch, text_at(st->scratch, m.keys, m.start + i),
                               map_at(m.values, m.start + i));
    return lake_stats(st->a, &st->schema, st->g->partition_by, st->g->npartition_by, st->g->indexed, rows,
                      cols, m.n);
}

/* As Delta's log has it: a timestamp without its zone. */
static const char *partition_value(struct stage *st, const char *column, const char *value)
{
    for (size_t i = 0; value && i < st->schema.n; i++) {
        const struct lake_field *f = &st->schema.fields[i];
        if (strcasecmp(f->name, column) == 0 && f->type->kind == LAKE_PRIMITIVE &&
            strcmp(f->type->primitive, "timestamp") == 0)
            return arena_strn(st->a, value, strcspn(value, "+"));
    }
    return value;
}

static const char *const *partition_values(struct stage *st, duckdb_vector v, idx_t row)
{
    size_t n = st->g->npartition_by;
    const char **values = arena_make(st->a, const char *, n);
    struct map_vectors m = map_at(v, row);
    for (idx_t i = m.start; i < m.start + m.n; i++) {
        const char *key = text_at(st->scratch, m.keys, i);
        for (size_t k = 0; k < n; k++) {
            const char *column = st->g->partition_by[k];
            if (strcasecmp(physical_name(st, column), key) == 0)
                values[k] = partition_value(st, column, text_at(st->a, m.values, i));
        }
    }
    return values;
}

static int64_t number_at(duckdb_vector v, idx_t row)
{
    return (int64_t)((const uint64_t *)duck.vector_get_data(v))[row];
}

static int64_t mtime_ms(const char *path)
{
    struct stat sb;
    return stat(path, &sb) == 0 ? (int64_t)sb.st_mtim.tv_sec * 1000 + sb.st_mtim.tv_nsec / 1000000 : 0;
}

/* The files of one chunk of the report. An empty file is removed: no rows, no file. */
static bool read_report(struct stage *st, duckdb_data_chunk chunk, struct engine_staged *ret, size_t *cap,
                        struct err *e)
{
    duckdb_vector column[R_PARTITION + 1];
    for (idx_t i = 0; i < countof(column); i++)
        column[i] = duck.data_chunk_get_vector(chunk, i);
    size_t prefix = strlen(st->folder) + 1;
    for (idx_t i = 0; i < duck.data_chunk_get_size(chunk); i++) {
        const char *path = text_at(st->a, column[R_FILE], i);
        int64_t rows = number_at(column[R_ROWS], i);
        const char *relative = strlen(path) > prefix ? path + prefix : path;
        relative += strncmp(relative, "./", 2) == 0 ? 2 : 0;
        if (rows == 0) {
            const char *in_store = arena_fmt(st->scratch, "%s/%s", st->g->dir, relative);
            if (!st->staging->driver->remove(st->staging, in_store, e))
                return false;
            continue;
        }
        struct lake_file *f = arena_grow(st->a, (void **)&ret->files, &ret->nfiles, cap, sizeof *f);
        *f = (struct lake_file){.path = relative,
                                .values = partition_values(st, column[R_PARTITION], i),
                                .size = number_at(column[R_BYTES], i),
                                .mtime_ms = mtime_ms(path),
                                .rows = rows,
                                .stats = file_stats(st, column[R_STATS], i, rows),
                                .version = -1,
                                .data_change = true};
        ret->rows += rows;
    }
    return true;
}

/* --- failure --- */

/* What this stage wrote before it failed, found by the token in the names. Partition folders stay: another
 * writer may just be using them. */
static void remove_written(struct stage *st, const char *dir)
{
    struct store *store = st->staging;
    struct store_entry *entries;
    size_t n;
    struct err ignored;
    const char *prefix = arena_fmt(st->scratch, "part-%s-", st->token);
    if (!store->driver->list(store, st->scratch, dir, NULL, &entries, &n, &ignored))
        return;
    for (size_t i = 0; i < n; i++) {
        const char *path = arena_fmt(st->scratch, "%s/%s", dir, entries[i].name);
        if (entries[i].is_dir && strchr(entries[i].name, '='))
            remove_written(st, path);
        else if (strncmp(entries[i].name, prefix, strlen(prefix)) == 0 &&
                 !store->driver->remove(store, path, &ignored))
            continue; /* vacuum finds it later */
    }
}

/* --- all of it --- */

static bool copy(struct stage *st, struct engine_staged *ret, struct err *e)
{
    auto_buf sql = BUF(MAX_SQL);
    add_copy(st, &sql);
    auto_result r = {0};
    const struct statement statement = {.sql = sql.p, .params = st->g->params, .origin = &st->origin};
    if (!buf_done(&sql, e) || !duck_run(st->s, &statement, &r, e))
        return false;
    size_t cap = 0;
    for (;;) {
        auto_chunk chunk = duck.fetch_chunk(r);
        if (!chunk)
            return true;
        if (!read_report(st, chunk, ret, &cap, e))
            return false;
    }
}

static bool prepare(struct stage *st, struct err *e)
{
    const struct engine_stage *g = st->g;
    st->staging = store_staging(g->store);
    st->folder = store_uri(st->a, st->staging, g->dir);
    st->token = g->token ? g->token : arena_strn(st->scratch, lake_uuid(st->scratch), 18);
    st->origin = (struct origin){.text = g->sql, .plain = &st->plain, .at = g->at};
    return sqltext_plain(st->scratch, g->sql, NULL, g->at, &st->plain, e) &&
           duck_bind(st->a, st->s, g->sql, g->params, g->at, &st->cols, &st->ncols, e) &&
           check_columns(st, e) && target_schema(st, e) &&
           st->staging->driver->mkdirs(st->staging, g->dir, e);
}

bool duck_stage(struct arena *a, struct session *s, const struct engine_stage *g, struct engine_staged *ret,
                struct err *e)
{
    auto_arena *scratch = arena_new();
    struct stage st = {.a = a, .scratch = scratch, .s = s, .g = g};
    struct engine_staged staged = {0};
    if (!prepare(&st, e))
        return false;
    if (g->ngates || g->reject)
        st.gates = duck_gates_begin(s, g);
    st.mapped = duck_is_mapped(&st.schema);
    bool ok = copy(&st, &staged, e);
    if (st.gates)
        duck_gates_end(a, st.gates, ok ? &staged : NULL);
    if (!ok) {
        remove_written(&st, g->dir);
        return false;
    }
    staged.schema = st.schema;
    if (!staged.gate_failed)
        staged.gate_failed = arena_make(a, int64_t, g->ngates);
    *ret = staged;
    return true;
}
