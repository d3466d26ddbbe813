/* Checks: conditions on rows become gates of the stage; those on the table are asked of the table as it would
 * be. */
#include <string.h>

#include "asset/internal.h"

static void accepted_values(struct buf *b, const struct check *c, const char *column)
{
    sql_ident(b, column);
    buf_addf(b, " IS NULL OR ");
    sql_ident(b, column);
    buf_addf(b, " IN (");
    for (size_t i = 0; i < c->nvalues; i++)
        buf_addf(b, "%s%s", i ? ", " : "", c->values[i]);
    buf_addf(b, ")");
}

/* The condition of a row check on one of its columns (or its own expression); false = not a row check. */
static bool row_condition(struct buf *b, const struct check *c, const char *column)
{
    switch (c->kind) {
    case CHECK_NOT_NULL:
        sql_ident(b, column);
        buf_addf(b, " IS NOT NULL");
        return true;
    case CHECK_ACCEPTED_VALUES:
        accepted_values(b, c, column);
        return true;
    case CHECK_ROWS:
        buf_addf(b, "(%s\n) IS DISTINCT FROM false", c->sql);
        return true;
    case CHECK_UNIQUE:
    case CHECK_RELATIONSHIPS:
    case CHECK_ROW_COUNT:
    case CHECK_QUERY:
        break;
    }
    return false;
}

static const char *gate_name(struct arena *a, const struct check *c, const char *column)
{
    if (c->kind == CHECK_NOT_NULL && c->ncolumns > 1)
        return arena_fmt(a, "not_null(%s)", column);
    return c->name;
}

static bool has_gate(const struct gate *gates, size_t n, const char *sql)
{
    for (size_t i = 0; i < n; i++)
        if (!gates[i].warn && strcmp(gates[i].sql, sql) == 0)
            return true;
    return false;
}

void check_gates(struct arena *a, const struct model *m, const struct gate **ret, const struct src **ret_at,
                 size_t *ret_n)
{
    struct list_of(struct gate) gates = {0};
    struct list_of(struct src) places = {0};
    for (size_t i = 0; i < m->nchecks; i++) {
        const struct check *c = &m->checks[i];
        for (size_t k = 0; k == 0 || k < c->ncolumns; k++) {
            const char *column = c->ncolumns ? c->columns[k] : NULL;
            auto_buf b = BUF(1 << 20);
            if (!row_condition(&b, c, column))
                break;
            *arena_push(a, &gates) =
                (struct gate){.name = gate_name(a, c, column), .sql = arena_str(a, b.p), .warn = c->warn};
            *arena_push(a, &places) = c->at;
        }
    }
    for (size_t k = 0; m->mode == MODE_MERGE && k < m->nkey; k++) {
        auto_buf b = BUF(1 << 20);
        sql_ident(&b, m->key[k]);
        buf_addf(&b, " IS NOT NULL");
        if (has_gate(gates.v, gates.n, b.p))
            continue;
        *arena_push(a, &gates) =
            (struct gate){.name = arena_fmt(a, "key not null(%s)", m->key[k]), .sql = arena_str(a, b.p)};
        *arena_push(a, &places) = (struct src){.file = m->path};
    }
    *ret = gates.v;
    *ret_at = places.v;
    *ret_n = gates.n;
}

static void columns_list(struct buf *b, const char *const *columns, size_t n, const char *between)
{
    for (size_t i = 0; i < n; i++) {
        buf_addf(b, "%s", i ? between : "");
        sql_ident(b, columns[i]);
    }
}

/* SQL that counts what is wrong with the table; false = not a table check. */
static bool table_question(struct buf *b, const struct model *m, const struct check *c)
{
    switch (c->kind) {
    case CHECK_UNIQUE:
        buf_addf(b, "SELECT coalesce(sum(n - 1), 0)::BIGINT FROM (SELECT count(*) AS n FROM ");
        sql_table(b, m->name);
        buf_addf(b, " WHERE ");
        for (size_t i = 0; i < c->ncolumns; i++) {
            buf_addf(b, "%s", i ? " AND " : "");
            sql_ident(b, c->columns[i]);
            buf_addf(b, " IS NOT NULL");
        }
        buf_addf(b, " GROUP BY ");
        columns_list(b, c->columns, c->ncolumns, ", ");
        buf_addf(b, " HAVING count(*) > 1)");
        return true;
    case CHECK_RELATIONSHIPS:
        buf_addf(b, "SELECT count(*) FROM ");
        sql_table(b, m->name);
        buf_addf(b, " AS t WHERE t.");
        sql_ident(b, c->columns[0]);
        buf_addf(b, " IS NOT NULL AND NOT EXISTS (SELECT 1 FROM ");
        sql_table(b, c->to_table);
        buf_addf(b, " AS o WHERE o.");
        sql_ident(b, c->to_column);
        buf_addf(b, " = t.");
        sql_ident(b, c->columns[0]);
        buf_addf(b, ")");
        return true;
    case CHECK_ROW_COUNT:
        buf_addf(b, "SELECT greatest(0, %lld - count(*), ", (long long)(c->min < 0 ? 0 : c->min));
        if (c->max >= 0)
            buf_addf(b, "count(*) - %lld", (long long)c->max);
        else
            buf_addf(b, "0");
        buf_addf(b, ")::BIGINT FROM ");
        sql_table(b, m->name);
        return true;
    case CHECK_QUERY:
        buf_addf(b, "SELECT count(*) FROM (\n%s\n)", c->sql);
        return true;
    case CHECK_NOT_NULL:
    case CHECK_ACCEPTED_VALUES:
    case CHECK_ROWS:
        break;
    }
    return false;
}

/* Relations that a check reads beside the model's own. */
static bool check_relations(struct arena *a, const struct workshop *w, struct session *s,
                            const struct model *m, const struct check *c, struct err *e)
{
    if (c->kind == CHECK_RELATIONSHIPS)
        return strcmp(c->to_table, m->name) == 0 || asset_relation(a, w, s, c->to_table, e);
    if (c->kind != CHECK_QUERY)
        return true;
    struct engine_ref *refs;
    size_t n;
    if (!w->driver->refs(a, s, c->sql, c->sql_at, &refs, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strchr(refs[i].name, '.') && strcmp(refs[i].name, m->name) != 0 &&
            !asset_relation(a, w, s, refs[i].name, e))
            return false;
    return true;
}

bool check_has_table(const struct model *m)
{
    for (size_t i = 0; i < m->nchecks; i++) {
        auto_buf ignored = BUF(1 << 20);
        if (table_question(&ignored, m, &m->checks[i]))
            return true;
    }
    return false;
}

/* How many rows are wrong. */
static bool ask(struct task *t, const struct workshop *w, struct session *s, const struct model *m,
                const struct check *c, const char *sql, int64_t *ret, struct err *e)
{
    struct engine_rows rows;
    struct engine_params params = project_params(t->a, w->project, &w->params);
    if (!check_relations(t->a, w, s, m, c, e) || !engine_rows(w->driver, t->a, s, sql, params, 1, &rows, e) ||
        !text_int(rows.rows[0][0], ret, e))
        return wrap(e, "%s: check %s", m->name, c->name);
    return true;
}

bool check_table(struct task *t, const struct workshop *w, struct session *s, const struct model *m,
                 struct check_result *results, size_t *n, struct err *e)
{
    const struct check *bad = NULL;
    int64_t bad_rows = 0;
    for (size_t i = 0; i < m->nchecks; i++) {
        const struct check *c = &m->checks[i];
        auto_buf sql = BUF(1 << 20);
        if (!table_question(&sql, m, c))
            continue;
        int64_t failed;
        if (!buf_done(&sql, e) || !ask(t, w, s, m, c, sql.p, &failed, e))
            return false;
        results[(*n)++] = (struct check_result){c->name, c->warn ? "warn" : "error", failed};
        if (failed && !c->warn && !bad) {
            bad = c;
            bad_rows = failed;
        }
    }
    if (!bad)
        return true;
    fail_at(e, ERR_DATA, bad->at, "%s: check %s failed: %lld row%s", m->name, bad->name, (long long)bad_rows,
            bad_rows == 1 ? "" : "s");
    return hint(e, "nothing was published: readers still see the table as it was");
}
