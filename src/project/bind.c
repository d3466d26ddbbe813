/* The columns of every table, from the engine; then everything that headers say about columns. */
#include <string.h>
#include <strings.h>

#include "project/internal.h"

struct binding {
    struct project *p;
    struct reader r;
    const struct engine_driver *d;
    struct session *s;
    struct engine_params params;
};

static const char *const *names_of(struct arena *a, const struct engine_column *v, size_t n)
{
    const char **names = arena_make(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        names[i] = v[i].name;
    return names;
}

static const struct engine_column *find_column(const struct engine_column *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i].name, name) == 0)
            return &v[i];
    return NULL;
}

/* --- what the SELECT gives --- */

static bool is_reject(const struct engine_column *c)
{
    return strcmp(c->name, "_reject") == 0;
}

/* No name that a table format refuses, or that only unnamed expressions have: count_star(). Where files know
 * columns by other names, the table is not so particular. */
static bool is_storable_name(const struct model *m, const char *name)
{
    bool mapped = lake_mapping_of(m->properties, m->nproperties) != LAKE_MAPPING_NONE;
    return *name && !name[strcspn(name, mapped ? "()\n" : " ,;{}()\n\t=")];
}

static bool check_column(const struct binding *b, const struct model *m, const struct engine_column *c)
{
    if (m->mode == MODE_VIEW)
        return true;
    if (!is_storable_name(m, c->name))
        return reader_fail(&b->r, m->sql_at, "give it one: ... AS name",
                           "the column '%s' has no name that a table can have", c->name);
    if (!c->type)
        return reader_fail(&b->r, m->sql_at,
                           arena_fmt(b->r.a, "cast it: CAST(... AS VARCHAR) AS %s", c->name),
                           "column '%s' has type %s, which cannot be stored", c->name, c->sql_type);
    return true;
}

static bool check_twice(const struct binding *b, const struct model *m, const struct engine_column *v,
                        size_t n)
{
    struct map seen = {0};
    for (size_t i = 0; i < n; i++) {
        char *low = arena_str(b->r.a, v[i].name);
        for (char *p = low; *p; p++)
            *p = *p >= 'A' && *p <= 'Z' ? (char)(*p + 'a' - 'A') : *p;
        if (map_add(b->r.a, &seen, low) < i)
            return reader_fail(&b->r, m->sql_at, "give one of them another name: ... AS name",
                               "the SELECT gives column '%s' twice", v[i].name);
    }
    return true;
}

static bool check_reject(const struct binding *b, struct model *m, const struct engine_column *c)
{
    if (m->mode == MODE_VIEW)
        return reader_fail(&b->r, m->sql_at, NULL, "a view stores nothing: '_reject' has no meaning");
    if (strcmp(c->sql_type, "VARCHAR") != 0 && strcmp(c->sql_type, "VARCHAR[]") != 0)
        return reader_fail(&b->r, m->sql_at,
                           "a text or a list of texts: the reasons why the row is rejected, or NULL",
                           "column '_reject' has type %s", c->sql_type);
    m->reject = "_reject";
    return true;
}

static bool take_columns(const struct binding *b, struct model *m, const struct engine_column *v, size_t n)
{
    struct engine_column *kept = arena_make(b->r.a, struct engine_column, n);
    size_t nkept = 0;
    bool ok = check_twice(b, m, v, n);
    for (size_t i = 0; i < n; i++) {
        if (is_reject(&v[i])) {
            ok = check_reject(b, m, &v[i]) && ok;
            continue;
        }
        ok = check_column(b, m, &v[i]) && ok;
        kept[nkept++] = v[i];
    }
    if (!nkept)
        ok = reader_fail(&b->r, m->sql_at, NULL, "the SELECT gives no columns to be stored");
    if (!ok)
        return false;
    m->columns = kept;
    m->ncolumns = nkept;
    return true;
}

/* --- what the header says of columns --- */

static void check_uses(const struct binding *b, const struct model *m, const struct model_notes *notes)
{
    for (size_t i = 0; i < notes->uses.n; i++) {
        const struct column_use *u = &notes->uses.v[i];
        if (find_column(m->columns, m->ncolumns, u->column))
            continue;
        const char *near = text_nearest(u->column, names_of(b->r.a, m->columns, m->ncolumns), m->ncolumns);
        if (near)
            reader_fail(&b->r, u->at, NULL, "%s: the SELECT gives no column '%s' (did you mean '%s'?)",
                        u->what, u->column, near);
        else
            reader_fail(&b->r, u->at, NULL, "%s: the SELECT gives no column '%s'", u->what, u->column);
    }
}

static bool uses_known(const struct model *m, const char *const *columns, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!find_column(m->columns, m->ncolumns, columns[i]))
            return false;
    return true;
}

static void check_partitions(const struct binding *b, const struct model *m, const struct model_notes *notes)
{
    static const char *const many[] = {"timestamp", "timestamp_ntz", "double", "float", "binary"};
    if (!m->npartition_by || !uses_known(m, m->partition_by, m->npartition_by))
        return;
    if (m->npartition_by == m->ncolumns)
        reader_fail(&b->r, notes->partition_at, NULL, "partition_by: no column is left to be stored");
    for (size_t i = 0; i < m->npartition_by; i++) {
        const struct engine_column *c = find_column(m->columns, m->ncolumns, m->partition_by[i]);
        if (c->type->kind != LAKE_PRIMITIVE) {
            reader_fail(&b->r, notes->partition_at, NULL,
                        "partition_by: column '%s' is %s: one value is expected", c->name, c->sql_type);
            continue;
        }
        for (size_t k = 0; k < countof(many); k++)
            if (strcmp(c->type->primitive, many[k]) == 0)
                reader_warn(
                    &b->r, notes->partition_at, "partition by something coarser: a year, a date, a kind",
                    "partitioned by '%s', a %s: nearly every row is a file of its own", c->name, c->sql_type);
    }
}

/* The columns of any table of the project, by the relation that the session has for it. */
static bool table_columns(const struct binding *b, const char *table, const struct engine_column **ret,
                          size_t *ret_n)
{
    const struct maker *k = maker_find(b->p, table);
    if (!k)
        return false;
    if (k->kind == MAKER_MODEL) {
        *ret = b->p->models[k->index].columns;
        *ret_n = b->p->models[k->index].ncolumns;
        return *ret;
    }
    auto_buf sql = BUF(1024);
    struct engine_column *v;
    struct err ignored;
    buf_addf(&sql, "SELECT * FROM ");
    sql_table(&sql, table);
    if (!b->d->bind(b->r.a, b->s, sql.p, b->params, (struct src){0}, &v, ret_n, &ignored))
        return false;
    *ret = v;
    return true;
}

static void check_other(const struct binding *b, const char *what, const char *table, const char *column,
                        struct src at)
{
    const struct engine_column *v;
    size_t n;
    if (!table_columns(b, table, &v, &n) || find_column(v, n, column))
        return;
    const char *near = text_nearest(column, names_of(b->r.a, v, n), n);
    if (near)
        reader_fail(&b->r, at, NULL, "%s: '%s' has no column '%s' (did you mean '%s'?)", what, table, column,
                    near);
    else
        reader_fail(&b->r, at, NULL, "%s: '%s' has no column '%s'", what, table, column);
}

/* --- checks --- */

/* Binds before + c->sql + after as one statement whose place is that of c->sql. */
static bool bind_check(const struct binding *b, const struct check *c, const char *before, const char *after,
                       struct engine_column **ret, size_t *ret_n)
{
    struct src at = c->sql_at;
    struct err e;
    at.col -= (int)strlen(before);
    if (b->d->bind(b->r.a, b->s, arena_fmt(b->r.a, "%s%s%s", before, c->sql, after), b->params, at, ret,
                   ret_n, &e))
        return true;
    if (e.at.line > c->sql_at.line)
        e.at.col += c->sql_indent;
    if (e.at.line == c->sql_at.line && e.at.col < c->sql_at.col)
        e.at = c->sql_at;
    problems_add(b->r.problems, &e);
    return false;
}

static void check_condition(const struct binding *b, const struct check *c, const char *type)
{
    if (strcmp(type, "BOOLEAN") != 0)
        reader_fail(&b->r, c->sql_at, "like: budget >= 0", "row: a condition is expected, this gives %s",
                    type);
}

/* All conditions on rows as one statement, which costs as much as one of them alone; false = there is a
 * mistake in some. */
static bool check_rows_together(const struct binding *b, const struct model *m)
{
    auto_buf sql = BUF(1 << 20);
    struct engine_column *v;
    struct err ignored;
    size_t n = 0, given;
    for (size_t i = 0; i < m->nchecks; i++)
        if (m->checks[i].kind == CHECK_ROWS)
            buf_addf(&sql, "%s(%s\n) AS c%zu", n++ ? ", " : "SELECT ", m->checks[i].sql, i);
    buf_addf(&sql, " FROM ");
    sql_table(&sql, m->name);
    if (n == 0 || !buf_done(&sql, &ignored) ||
        !b->d->bind(b->r.a, b->s, sql.p, b->params, (struct src){0}, &v, &given, &ignored) || given != n)
        return n == 0;
    for (size_t i = 0, k = 0; i < m->nchecks; i++)
        if (m->checks[i].kind == CHECK_ROWS)
            check_condition(b, &m->checks[i], v[k++].sql_type);
    return true;
}

static void check_row(const struct binding *b, const struct model *m, const struct check *c)
{
    auto_buf from = BUF(1024);
    struct engine_column *v;
    size_t n;
    buf_addf(&from, "\n) FROM ");
    sql_table(&from, m->name);
    if (bind_check(b, c, "SELECT (", from.p, &v, &n))
        check_condition(b, c, v[0].sql_type);
}

/* A condition of `merge:`, on a new row and an old one. */
static void check_when(const struct binding *b, const struct model *m, const char *what, const char *sql,
                       struct src at, bool old)
{
    auto_buf text = BUF(1 << 20);
    struct engine_column *v;
    size_t n;
    struct err e;
    if (!sql)
        return;
    buf_addf(&text, "SELECT (%s\n) FROM ", sql);
    sql_table(&text, m->name);
    buf_addf(&text, " AS source");
    if (old) {
        buf_addf(&text, ", ");
        sql_table(&text, m->name);
        buf_addf(&text, " AS target");
    }
    if (!b->d->bind(b->r.a, b->s, text.p, (struct engine_params){0}, at, &v, &n, &e)) {
        e.at = at;
        problems_add(b->r.problems, &e);
    } else if (strcmp(v[0].sql_type, "BOOLEAN") != 0) {
        reader_fail(&b->r, at, "like: source.version > target.version",
                    "%s: a condition is expected, this gives %s", what, v[0].sql_type);
    }
}

static void check_merge(const struct binding *b, const struct model *m)
{
    check_when(b, m, "update_when", m->when.update, m->when.update_at, true);
    check_when(b, m, "delete_when", m->when.delete, m->when.delete_at, true);
    check_when(b, m, "insert_when", m->when.insert, m->when.insert_at, false);
}

static bool is_integer(const char *type)
{
    static const char *const types[] = {"BIGINT", "INTEGER", "SMALLINT", "TINYINT"};
    for (size_t i = 0; i < countof(types); i++)
        if (strcmp(type, types[i]) == 0)
            return true;
    return false;
}

/* Can the column have such a value? Whole numbers are told without the engine. */
static bool is_castable(const struct binding *b, const char *literal, const char *type)
{
    int64_t missing = 0;
    struct err ignored;
    if (is_integer(type) &&
        text_int(arena_strn(b->r.a, literal + 1, strlen(literal) - 2), &missing, &ignored))
        return true;
    const char *sql = arena_fmt(b->r.a, "SELECT (TRY_CAST(%s AS %s) IS NULL)::BIGINT", literal, type);
    return !engine_int(b->d, b->s, sql, &missing, NULL, &ignored) || !missing;
}

static void check_accepted(const struct binding *b, const struct model *m, const struct check *c)
{
    const struct engine_column *col = find_column(m->columns, m->ncolumns, c->columns[0]);
    if (!col || strcmp(col->sql_type, "VARCHAR") == 0)
        return;
    for (size_t i = 0; i < c->nvalues; i++)
        if (!is_castable(b, c->values[i], col->sql_type))
            reader_fail(&b->r, c->at, NULL, "accepted_values: %s is no %s, as column '%s' is", c->values[i],
                        col->sql_type, col->name);
}

static void check_checks(const struct binding *b, const struct model *m)
{
    bool rows_done = check_rows_together(b, m);
    for (size_t i = 0; i < m->nchecks; i++) {
        const struct check *c = &m->checks[i];
        struct engine_column *v;
        size_t n;
        switch (c->kind) {
        case CHECK_ROWS:
            if (!rows_done)
                check_row(b, m, c);
            break;
        case CHECK_QUERY:
            (void)bind_check(b, c, "", "", &v, &n);
            break;
        case CHECK_ACCEPTED_VALUES:
            check_accepted(b, m, c);
            break;
        case CHECK_RELATIONSHIPS:
            check_other(b, "relationships", c->to_table, c->to_column, c->sql_at);
            break;
        case CHECK_NOT_NULL:
        case CHECK_UNIQUE:
        case CHECK_ROW_COUNT:
            break;
        }
    }
}

/* --- all of it --- */

/* Is everything there that it reads? What is not was reported where it broke. */
static bool inputs_bound(const struct binding *b, const struct model_notes *notes)
{
    for (size_t i = 0; i < notes->needs.n; i++) {
        const struct maker *k = maker_find(b->p, notes->needs.v[i].table);
        if (!k || (k->kind == MAKER_MODEL && notes != &b->p->in->notes[k->index] &&
                   !b->p->models[k->index].columns))
            return false;
    }
    return true;
}

/* A table gets its relation, without rows, when somebody reads it: most of a large project's tables are read
 * by few. */
static bool relate(const struct binding *b, const char *table, struct maker *k, struct err *e)
{
    const struct model *m = k->kind == MAKER_MODEL ? &b->p->models[k->index] : NULL;
    if (k->related)
        return true;
    k->related = m ? b->d->relation_empty(b->s, table, m->columns, m->ncolumns, e)
                   : b->d->relation_ddl(b->s, table, k->ddl, e);
    return k->related || wrap(e, "table '%s'", table);
}

static bool relate_needs(const struct binding *b, const struct model *m, const struct model_notes *notes,
                         struct err *e)
{
    for (size_t i = 0; i < notes->needs.n; i++) {
        const char *table = notes->needs.v[i].table;
        if (strcmp(table, m->name) != 0 && !relate(b, table, maker_find(b->p, table), e))
            return false;
    }
    return true;
}

static bool checks_read_itself(const struct model *m)
{
    if (m->when.update || m->when.delete || m->when.insert)
        return true;
    for (size_t i = 0; i < m->nchecks; i++)
        if (m->checks[i].kind == CHECK_ROWS || m->checks[i].kind == CHECK_QUERY)
            return true;
    return false;
}

static void bind_model(const struct binding *b, struct model *m, struct model_notes *notes)
{
    struct engine_column *v;
    size_t n;
    struct err e;
    if (notes->broken || !inputs_bound(b, notes))
        return;
    if (!relate_needs(b, m, notes, &e) ||
        !b->d->bind(b->r.a, b->s, m->sql, b->params, m->sql_at, &v, &n, &e)) {
        problems_add(b->r.problems, &e);
        return;
    }
    if (!take_columns(b, m, v, n))
        return;
    check_uses(b, m, notes);
    check_partitions(b, m, notes);
    for (size_t i = 0; i < m->nincremental; i++)
        if (m->incremental[i].key)
            check_other(b, "incremental", m->incremental[i].table, m->incremental[i].key,
                        notes->incremental_key_at[i]);
    if (checks_read_itself(m) && !relate(b, m->name, maker_find(b->p, m->name), &e)) {
        problems_add(b->r.problems, &e);
    } else {
        check_checks(b, m);
        check_merge(b, m);
    }
}

void project_bind(struct project *p, const struct engine_driver *d, struct session *s,
                  struct problems *problems)
{
    static const struct run_params open = {.start_us = INT64_MIN, .end_us = INT64_MAX};
    struct binding b = {.p = p, .r = {.a = p->a, .problems = problems}, .d = d, .s = s};
    b.params = project_params(p->a, p, &open);
    for (size_t i = 0; i < p->nassets; i++)
        if (p->assets[i].kind == ASSET_MODEL) {
            struct model *m = p->assets[i].model;
            bind_model(&b, m, &p->in->notes[m - p->models]);
        }
}
