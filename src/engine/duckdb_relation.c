/* What names mean in a session. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "engine/internal.h"
#include "engine/sqltext_token.h"

/* --- names --- */

/* "silver" of silver.movies@v3; NULL when there is no dot in front of the version. */
static const char *schema_of(struct arena *a, const char *name)
{
    const char *dot = strchr(name, '.');
    return dot ? arena_strn(a, name, (size_t)(dot - name)) : NULL;
}

void duck_relation_ident(struct buf *b, const char *name)
{
    auto_arena *a = arena_new();
    const char *schema = schema_of(a, name);
    if (schema) {
        sql_ident(b, schema);
        buf_addf(b, ".");
        name += strlen(schema) + 1;
    }
    sql_ident(b, name);
}

static bool need_schema(struct session *s, const char *name, struct err *e)
{
    const char *schema = schema_of(s->a, name);
    if (!schema)
        return true;
    for (size_t i = 0; i < s->schemas.n; i++)
        if (strcasecmp(s->schemas.v[i], schema) == 0)
            return true;
    auto_buf sql = BUF(4096);
    if (!duck_session_need(s, e))
        return false;
    buf_addf(&sql, "CREATE SCHEMA IF NOT EXISTS ");
    sql_ident(&sql, schema);
    if (!buf_done(&sql, e) || !duck_exec(s->con, sql.p, e))
        return false;
    *arena_push(s->a, &s->schemas) = schema;
    return true;
}

/* As DuckDB compares names. */
static char *folded(struct arena *a, const char *name)
{
    char *low = arena_str(a, name);
    for (char *p = low; *p; p++)
        *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
    return low;
}

static struct relation *find_relation(struct session *s, const char *name)
{
    auto_arena *scratch = arena_new();
    size_t i = map_find(&s->names, folded(scratch, name));
    return i == SIZE_MAX ? NULL : &s->relations.v[i];
}

static struct relation *relation_of(struct session *s, const char *name)
{
    struct relation *r = find_relation(s, name);
    if (!r) {
        map_add(s->a, &s->names, folded(s->a, name));
        r = arena_push(s->a, &s->relations);
        r->name = arena_str(s->a, name);
    }
    return r;
}

static void promise(struct session *s, struct relation *r, const char *columns)
{
    s->npending -= r->pending;
    r->columns = columns;
    r->pending = columns != NULL;
    s->npending += r->pending;
}

bool duck_relation_set(struct session *s, const char *name, bool table, const char *body, struct err *e)
{
    struct relation *r = relation_of(s, name);
    promise(s, r, NULL);
    if (!need_schema(s, name, e))
        return false;
    auto_buf sql = BUF(MAX_SQL);
    if (r->exists && r->table != table) { /* OR REPLACE keeps to its kind */
        buf_addf(&sql, "DROP %s IF EXISTS ", r->table ? "TABLE" : "VIEW");
        duck_relation_ident(&sql, name);
        buf_addf(&sql, "; ");
    }
    buf_addf(&sql, "CREATE OR REPLACE %s ", table ? "TABLE" : "VIEW");
    duck_relation_ident(&sql, name);
    buf_addf(&sql, "%s%s", table ? "" : " AS ", body);
    if (!buf_done(&sql, e) || !duck_exec_in(s, sql.p, e))
        return false;
    duck_arrow_drop(s, name);
    r = relation_of(s, name); /* the list may have grown */
    r->exists = true;
    r->table = table;
    return true;
}

static bool make_promised(struct session *s, const struct relation *r, struct err *e)
{
    const char *name = r->name, *columns = r->columns;
    if (!duck_relation_set(s, name, true, columns, e))
        return false;
    find_relation(s, name)->columns = columns;
    return true;
}

bool duck_relations_need(struct session *s, const char *sql, struct err *e)
{
    if (s->npending == 0)
        return true;
    auto_arena *a = arena_new();
    struct engine_ref *refs;
    size_t n;
    struct err ignored; /* text that cannot be read is for the engine to complain of */
    if (!sqltext_refs(a, sql, (struct src){0}, &refs, &n, &ignored))
        return true;
    for (size_t i = 0; i < n; i++) {
        const struct relation *r = find_relation(s, refs[i].name);
        if (r && r->pending && !make_promised(s, r, e))
            return false;
    }
    return true;
}

/* May its answer depend on more than the tables it names: files, settings, the catalogue? Functions that do
 * are told by their names. */
static bool reads_elsewhere(struct arena *a, const char *sql)
{
    static const char *const signs[] = {"duckdb",  "pragma", "getenv",  "getvariable",
                                        "setting", "query",  "catalog", "information"};
    struct token *t;
    size_t n, bad;
    struct err ignored;
    if (!sqltext_tokens(a, sql, &t, &n, &bad, &ignored) || sqltext_tokens_read_files(a, sql, t, n))
        return true;
    for (size_t i = 0; i + 1 < n; i++) {
        const char *word = arena_strn(a, sql + t[i].start, t[i].end - t[i].start);
        for (size_t k = 0; k < countof(signs) && t[i].kind != TOKEN_STRING && sql[t[i + 1].start] == '('; k++)
            if (strcasestr(word, signs[k]))
                return true;
    }
    return false;
}

bool duck_relations_key(struct session *s, const char *sql, struct memo_key *k)
{
    auto_arena *a = arena_new();
    struct engine_ref *refs;
    size_t n;
    struct err ignored;
    if (reads_elsewhere(a, sql) || !sqltext_refs(a, sql, (struct src){0}, &refs, &n, &ignored))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct relation *r = find_relation(s, refs[i].name);
        if (!r || !r->columns)
            return false;
        memo_key_add(k, refs[i].name);
        memo_key_add(k, r->columns);
    }
    return true;
}

/* --- kinds of relations --- */

bool duck_relation_files(struct session *s, const char *name, const struct lake_table *t,
                         const struct lake_snapshot *snap, const struct lake_file *const *files,
                         size_t nfiles, struct err *e)
{
    auto_arena *a = arena_new();
    if (!files) {
        const struct lake_file **all = arena_make(a, const struct lake_file *, snap->nfiles);
        for (size_t i = 0; i < snap->nfiles; i++)
            all[i] = &snap->files[i];
        files = all;
        nfiles = snap->nfiles;
    }
    auto_buf sql = BUF(MAX_SQL);
    return duck_awake(s->engine, e) && duck_scan_sql(s, &sql, t, snap, files, nfiles, NULL, e) &&
           buf_done(&sql, e) && duck_relation_set(s, name, false, sql.p, e);
}

bool duck_relation_empty(struct session *s, const char *name, const struct engine_column *cols, size_t ncols,
                         struct err *e)
{
    auto_buf ddl = BUF(MAX_SQL);
    buf_addf(&ddl, "(");
    for (size_t i = 0; i < ncols; i++) {
        buf_addf(&ddl, "%s", i ? ", " : "");
        sql_ident(&ddl, cols[i].name);
        buf_addf(&ddl, " ");
        if (cols[i].type)
            duck_type_sql(&ddl, cols[i].type);
        else
            buf_addf(&ddl, "%s", cols[i].sql_type);
    }
    buf_addf(&ddl, ")");
    if (!buf_done(&ddl, e))
        return false;
    promise(s, relation_of(s, name), arena_strn(s->a, ddl.p, ddl.len));
    return true;
}

bool duck_relation_ddl(struct session *s, const char *name, const char *ddl, struct err *e)
{
    promise(s, relation_of(s, name), arena_fmt(s->a, "(%s\n)", ddl));
    (void)e;
    return true;
}

bool duck_relation_sql(struct session *s, const char *name, const char *sql, bool keep, struct err *e)
{
    auto_arena *a = arena_new();
    struct sqltext plain;
    if (!sqltext_plain(a, sql, NULL, (struct src){0}, &plain, e))
        return false;
    auto_buf body = BUF(MAX_SQL);
    buf_addf(&body, "%s%s", keep ? " AS " : "", plain.sql);
    return buf_done(&body, e) && duck_relation_set(s, name, keep, body.p, e);
}

/* --- which files have a key --- */

struct indexed {
    const char *uri;
    size_t i;
};

static int by_uri(const void *x, const void *y)
{
    return strcmp(((const struct indexed *)x)->uri, ((const struct indexed *)y)->uri);
}

static struct indexed *index_uris(struct arena *a, const struct lake_table *t,
                                  const struct lake_file *const *files, size_t n)
{
    struct indexed *names = arena_make(a, struct indexed, n);
    for (size_t i = 0; i < n; i++)
        names[i] = (struct indexed){duck_file_uri(a, t, files[i]), i};
    qsort(names, n, sizeof *names, by_uri);
    return names;
}

static void read_hits(duckdb_result *r, const struct indexed *names, size_t n, bool *hit)
{
    for (;;) {
        auto_arena *a = arena_new();
        auto_chunk chunk = duck.fetch_chunk(*r);
        if (!chunk)
            return;
        duckdb_vector v = duck.data_chunk_get_vector(chunk, 0);
        for (idx_t i = 0; i < duck.data_chunk_get_size(chunk); i++) {
            struct str uri = duck_string(v, i);
            const struct indexed key = {arena_strn(a, uri.p, uri.n), 0};
            const struct indexed *found = bsearch(&key, names, n, sizeof *names, by_uri);
            if (found)
                hit[found->i] = true;
        }
    }
}

static void matching_sql(struct buf *b, const char *scan, const char *const *key, size_t nkey,
                         const char *keys)
{
    buf_addf(b, "SELECT DISTINCT cupel_file FROM (%s) AS t SEMI JOIN ", scan);
    duck_relation_ident(b, keys);
    buf_addf(b, " AS k ON ");
    for (size_t i = 0; i < nkey; i++) {
        buf_addf(b, "%st.", i ? " AND " : "");
        sql_ident(b, key[i]);
        buf_addf(b, " = k.");
        sql_ident(b, key[i]);
    }
}

bool duck_matching_files(struct session *s, const struct lake_table *t, const struct lake_snapshot *snap,
                         const struct lake_file *const *files, size_t nfiles, const char *const *key,
                         size_t nkey, const char *keys, bool *hit, struct err *e)
{
    for (size_t i = 0; i < nfiles; i++)
        hit[i] = false;
    if (nfiles == 0)
        return true;

    auto_arena *a = arena_new();
    struct indexed *names = index_uris(a, t, files, nfiles);
    auto_buf scan = BUF(MAX_SQL), sql = BUF(MAX_SQL);
    if (!duck_scan_sql(s, &scan, t, snap, files, nfiles, &(struct scan_place){"cupel_file", NULL}, e) ||
        !buf_done(&scan, e))
        return false;
    matching_sql(&sql, scan.p, key, nkey, keys);
    auto_result r = {0};
    if (!buf_done(&sql, e) || !duck_run(s, &(struct statement){.sql = sql.p}, &r, e))
        return false;
    read_hits(&r, names, nfiles, hit);
    return true;
}

/* --- which rows --- */

/* One list a file, so that its name stands there once. */
static void read_rows(struct arena *a, duckdb_result *r, const struct indexed *names, size_t n,
                      struct engine_hits *ret)
{
    for (;;) {
        auto_arena *scratch = arena_new();
        auto_chunk chunk = duck.fetch_chunk(*r);
        if (!chunk)
            return;
        duckdb_vector uris = duck.data_chunk_get_vector(chunk, 0),
                      lists = duck.data_chunk_get_vector(chunk, 1);
        const duckdb_list_entry *entries = duck.vector_get_data(lists);
        const int64_t *rows = duck.vector_get_data(duck.list_vector_get_child(lists));
        for (idx_t i = 0; i < duck.data_chunk_get_size(chunk); i++) {
            struct str uri = duck_string(uris, i);
            const struct indexed key = {arena_strn(scratch, uri.p, uri.n), 0};
            const struct indexed *found = bsearch(&key, names, n, sizeof *names, by_uri);
            if (!found)
                continue;
            struct engine_hits *to = &ret[found->i];
            to->n = entries[i].length;
            to->rows = arena_make(a, int64_t, to->n);
            memcpy(to->rows, rows + entries[i].offset, to->n * sizeof *rows);
        }
    }
}

bool duck_matching_rows(struct arena *a, struct session *s, const struct lake_table *t,
                        const struct lake_snapshot *snap, const struct lake_file *const *files, size_t nfiles,
                        const char *condition, struct engine_hits *ret, struct err *e)
{
    for (size_t i = 0; i < nfiles; i++)
        ret[i] = (struct engine_hits){0};
    if (nfiles == 0)
        return true;
    auto_arena *scratch = arena_new();
    struct indexed *names = index_uris(scratch, t, files, nfiles);
    auto_buf scan = BUF(MAX_SQL), sql = BUF(MAX_SQL);
    if (!duck_scan_sql(s, &scan, t, snap, files, nfiles, &(struct scan_place){"cupel_file", "cupel_row"},
                       e) ||
        !buf_done(&scan, e))
        return false;
    buf_addf(&sql, "SELECT cupel_file, list(cupel_row) FROM (%s) AS target WHERE (%s\n) GROUP BY ALL", scan.p,
             condition);
    auto_result r = {0};
    if (!buf_done(&sql, e) || !duck_run(s, &(struct statement){.sql = sql.p}, &r, e))
        return false;
    read_rows(a, &r, names, nfiles, ret);
    return true;
}
