/* What a table demands of every row: columns that may not be null, CHECK constraints, invariants, the values
 * of generated columns. It becomes gates of the stage that writes the rows; one that a row does not pass
 * fails the stage. */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/json.h"

static const char prefix[] = "delta.constraints.";

struct constraints list_of(struct gate);

/* --- NOT NULL --- */

struct place { /* of a field, from the row inwards */
    const struct place *outer;
    const char *name;
};

static void add_place(struct buf *b, const struct place *p)
{
    if (p->outer) {
        add_place(b, p->outer);
        buf_addf(b, ".");
    }
    sql_ident(b, p->name);
}

static void show_place(struct buf *b, const struct place *p)
{
    if (p->outer) {
        show_place(b, p->outer);
        buf_addf(b, ".");
    }
    buf_addf(b, "%s", p->name);
}

/* A field of a struct that is null is no null of its own. */
static void not_null(struct arena *a, const struct place *p, struct constraints *ret)
{
    auto_buf sql = BUF(1 << 20), name = BUF(1 << 20);
    if (p->outer) {
        add_place(&sql, p->outer);
        buf_addf(&sql, " IS NULL OR ");
    }
    add_place(&sql, p);
    buf_addf(&sql, " IS NOT NULL");
    show_place(&name, p);
    *arena_push(a, ret) =
        (struct gate){.name = arena_fmt(a, "NOT NULL of column '%s'", name.p), .sql = arena_str(a, sql.p)};
}

static void not_nulls(struct arena *a, const struct place *outer, const struct lake_field *f, size_t n,
                      struct constraints *ret)
{
    for (size_t i = 0; i < n; i++) {
        const struct place p = {outer, f[i].name};
        if (!f[i].nullable)
            not_null(a, &p, ret);
        if (f[i].type->kind == LAKE_STRUCT)
            not_nulls(a, &p, f[i].type->fields, f[i].type->nfields, ret);
    }
}

/* --- CHECK --- */

static bool cannot(const char *table, const char *name, const char *sql, const char *why, struct err *e)
{
    fail(e, ERR_DATA, "table '%s' has the constraint '%s' (%s), which cannot be checked here%s%s", table,
         name, sql, *why ? ": " : "", why);
    return hint(e, "write it with the engine that made it, or drop the constraint");
}

static bool check(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                  const char *name, const char *sql, struct constraints *ret, struct err *e)
{
    auto_buf b = BUF(1 << 20), probe = BUF(1 << 20);
    struct engine_column *cols;
    size_t n;
    struct err why;
    if (!generated_translate(&b, sql))
        return cannot(table, name, sql, "its text has escapes", e);
    buf_addf(&probe, "SELECT (%s\n) AS passes FROM cupel_constrained", b.p);
    if (!buf_done(&b, e) || !buf_done(&probe, e))
        return false;
    if (!w->driver->bind(a, s, probe.p, (struct engine_params){0}, (struct src){0}, &cols, &n, &why))
        return cannot(table, name, sql, why.msg, e);
    if (n != 1 || strcmp(cols[0].sql_type, "BOOLEAN") != 0)
        return cannot(table, name, sql, "it is no condition", e);
    *arena_push(a, ret) = (struct gate){.name = arena_fmt(a, "CHECK constraint '%s' (%s)", name, sql),
                                        .sql = arena_str(a, b.p)};
    return true;
}

/* --- generated columns, and invariants of columns --- */

/* {"expression":{"expression":"x > 3"}}, as a text in the metadata. */
static const char *invariant_of(struct arena *a, const struct lake_field *f)
{
    const char *text = generated_metadata(a, f, "delta.invariants");
    json_t *m = NULL;
    struct err ignored;
    if (!text || !json_parse(a, text, strlen(text), f->name, &m, &ignored))
        return text ? "" : NULL;
    return json_str(json_object_get(m, "expression"), "expression", "");
}

static bool column_checks(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                          const struct lake_schema *schema, struct constraints *ret, struct err *e)
{
    for (size_t i = 0; i < schema->n; i++) {
        const struct lake_field *f = &schema->fields[i];
        const char *generated = generated_metadata(a, f, "delta.generationExpression"),
                   *invariant = invariant_of(a, f);
        if (generated && !check(a, w, s, table, arena_fmt(a, "value of %s", f->name),
                                arena_fmt(a, "`%s` IS NOT DISTINCT FROM (%s)", f->name, generated), ret, e))
            return false;
        if (invariant && !check(a, w, s, table, f->name, invariant, ret, e))
            return false;
    }
    return true;
}

static bool relate_columns(struct arena *a, const struct workshop *w, struct session *s,
                           const struct lake_schema *schema, struct err *e)
{
    struct engine_column *cols = arena_make(a, struct engine_column, schema->n);
    for (size_t i = 0; i < schema->n; i++)
        cols[i] = (struct engine_column){.name = schema->fields[i].name, .type = schema->fields[i].type};
    return w->driver->relation_empty(s, "cupel_constrained", cols, schema->n, e);
}

static bool has_checks(const struct constrained *c)
{
    for (size_t i = 0; i < c->nproperties; i++)
        if (strncmp(c->properties[i].key, prefix, sizeof prefix - 1) == 0)
            return true;
    for (size_t i = 0; i < c->schema->n; i++) {
        const char *m = c->schema->fields[i].metadata;
        if (m && (strstr(m, "\"delta.generationExpression\"") || strstr(m, "\"delta.invariants\"")))
            return true;
    }
    return false;
}

static bool checks(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                   const struct constrained *c, struct constraints *ret, struct err *e)
{
    size_t n = sizeof prefix - 1;
    if (!has_checks(c))
        return true;
    if (!relate_columns(a, w, s, c->schema, e) || !column_checks(a, w, s, table, c->schema, ret, e))
        return false;
    for (size_t i = 0; i < c->nproperties; i++) {
        const struct lake_property *p = &c->properties[i];
        if (strncmp(p->key, prefix, n) != 0 || !p->value)
            continue;
        if (!check(a, w, s, table, p->key + n, p->value, ret, e))
            return false;
    }
    return true;
}

/* --- staging --- */

/* Rows that are held back for other reasons are not written, so nothing is demanded of them. */
static const char *unless_rejected(struct arena *a, const struct engine_stage *g, const char *sql)
{
    auto_buf b = BUF(64 << 20);
    for (size_t i = 0; i < g->ngates; i++)
        if (!g->gates[i].warn)
            buf_addf(&b, "(%s\n) IS NOT TRUE OR ", g->gates[i].sql);
    if (g->reject) {
        buf_addf(&b, "coalesce(CAST(");
        sql_ident(&b, g->reject);
        buf_addf(&b, " AS VARCHAR), '') NOT IN ('', '[]') OR ");
    }
    buf_addf(&b, "(%s\n)", sql);
    return arena_strn(a, b.p, b.len);
}

static bool violated(const char *table, const struct engine_staged *st, const struct gate *g, int64_t rows,
                     struct err *e)
{
    const char *row = "";
    for (size_t i = 0; i < st->nrejects && !*row; i++)
        for (size_t k = 0; k < st->rejects[i].nreasons; k++)
            if (strcmp(st->rejects[i].reasons[k], g->name) == 0)
                row = st->rejects[i].row;
    fail(e, ERR_DATA, "table '%s': %s does not hold in %lld row%s: %.300s", table, g->name, (long long)rows,
         rows == 1 ? "" : "s", row);
    return hint(e, "nothing was published: readers still see the table as it was");
}

bool constrained_stage(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                       const struct constrained *c, const struct engine_stage *g, struct engine_staged *ret,
                       struct err *e)
{
    struct constraints demands = {0};
    struct engine_stage stage = *g;
    const struct lake_indexed indexed = lake_indexed(c->properties, c->nproperties);
    stage.indexed = &indexed;
    not_nulls(a, NULL, c->schema->fields, c->schema->n, &demands);
    if (!generated_columns(a, w, s, table, c->schema, &stage, e) || !checks(a, w, s, table, c, &demands, e))
        return false;
    if (demands.n == 0)
        return w->driver->stage(a, s, &stage, ret, e);

    struct gate *gates = arena_make(a, struct gate, g->ngates + demands.n);
    for (size_t i = 0; i < g->ngates; i++)
        gates[i] = g->gates[i];
    for (size_t i = 0; i < demands.n; i++)
        gates[g->ngates + i] =
            (struct gate){.name = demands.v[i].name, .sql = unless_rejected(a, g, demands.v[i].sql)};
    stage.gates = gates;
    stage.ngates = g->ngates + demands.n;
    stage.max_rejects = g->max_rejects ? g->max_rejects : 1;
    struct engine_staged staged;
    if (!w->driver->stage(a, s, &stage, &staged, e))
        return false;
    *ret = staged;
    for (size_t i = 0; i < demands.n; i++)
        if (staged.gate_failed[g->ngates + i])
            return violated(table, &staged, &demands.v[i], staged.gate_failed[g->ngates + i], e);
    return true;
}

bool constrained_rows(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                      const struct constrained *c, const char *relation, struct err *e)
{
    struct constraints demands = {0};
    if (!checks(a, w, s, table, c, &demands, e))
        return false;
    for (size_t i = 0; i < demands.n; i++) {
        auto_buf sql = BUF(1 << 20);
        int64_t n;
        buf_addf(&sql, "SELECT count(*) FROM %s WHERE (%s\n) IS NOT TRUE", relation, demands.v[i].sql);
        if (!buf_done(&sql, e) || !engine_int(w->driver, s, sql.p, &n, NULL, e))
            return false;
        if (n)
            return fail(e, ERR_DATA, "table '%s': %s does not hold in %lld row%s that it has", table,
                        demands.v[i].name, (long long)n, n == 1 ? "" : "s");
    }
    return true;
}
