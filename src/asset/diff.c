/* Two versions of a table, compared row by row; what the log says is the same is not read. */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "asset/maintain.h"
#include "lake/map.h"

struct files list_of(const struct lake_file *);

struct comparing {
    struct arena *a;
    const struct workshop *w;
    struct session *s;
    struct diff *d;
    const struct diff_side *sides[2];
    struct list_of(const struct diff_column *) common; /* those that both sides have, without the key */
};

/* --- what the logs say --- */

static const struct lake_field *find_field(const struct lake_snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->schema.n; i++)
        if (strcasecmp(s->schema.fields[i].name, name) == 0)
            return &s->schema.fields[i];
    return NULL;
}

static void compare_columns(struct comparing *c)
{
    struct diff *d = c->d;
    struct list_of(struct diff_column) out = {0};
    for (size_t i = 0; i < d->to->schema.n; i++) {
        const struct lake_field *to = &d->to->schema.fields[i], *from = find_field(d->from, to->name);
        *arena_push(c->a, &out) = (struct diff_column){to->name, from ? from->type : NULL, to->type, 0};
    }
    for (size_t i = 0; i < d->from->schema.n; i++) {
        const struct lake_field *from = &d->from->schema.fields[i];
        if (!find_field(d->to, from->name))
            *arena_push(c->a, &out) = (struct diff_column){from->name, from->type, NULL, 0};
    }
    d->columns = out.v;
    d->ncolumns = out.n;
}

static void compare_properties(struct comparing *c)
{
    struct diff *d = c->d;
    struct list_of(struct lake_property_change) out = {0};
    for (size_t i = 0; i < d->from->nproperties; i++) {
        const struct lake_property *p = &d->from->properties[i];
        const char *to = lake_property(d->to, p->key);
        if (!to || !p->value || strcmp(to, p->value) != 0)
            *arena_push(c->a, &out) = (struct lake_property_change){p->key, p->value, to};
    }
    for (size_t i = 0; i < d->to->nproperties; i++) {
        const struct lake_property *p = &d->to->properties[i];
        if (!lake_property(d->from, p->key))
            *arena_push(c->a, &out) = (struct lake_property_change){p->key, NULL, p->value};
    }
    d->properties = out.v;
    d->nproperties = out.n;
    d->partitions = d->from->npartition_by != d->to->npartition_by;
    for (size_t i = 0; !d->partitions && i < d->from->npartition_by; i++)
        d->partitions = strcmp(d->from->partition_by[i], d->to->partition_by[i]) != 0;
}

static struct files not_in(struct arena *a, const struct lake_snapshot *s, const struct lake_snapshot *other)
{
    struct map names = {0};
    struct files out = {0};
    for (size_t i = 0; other && i < other->nfiles; i++)
        map_add(a, &names, lake_file_id(a, other->files[i].path, other->files[i].dv));
    for (size_t i = 0; i < s->nfiles; i++)
        if (map_find(&names, lake_file_id(a, s->files[i].path, s->files[i].dv)) == SIZE_MAX)
            *arena_push(a, &out) = &s->files[i];
    return out;
}

/* Only the files that the other side has not. */
static bool relate(struct comparing *c, struct err *e)
{
    static const struct lake_file *const none[1]; /* the engine takes NULL for all */
    struct diff *d = c->d;
    const struct diff_side *x = c->sides[0], *y = c->sides[1];
    bool same = strcmp(store_uri(c->a, x->table.store, x->table.dir),
                       store_uri(c->a, y->table.store, y->table.dir)) == 0;
    struct files from = not_in(c->a, d->from, same ? d->to : NULL),
                 to = not_in(c->a, d->to, same ? d->from : NULL);
    d->files = d->from->nfiles + d->to->nfiles;
    d->files_read = from.n + to.n;
    const struct engine_driver *g = c->w->driver;
    return (g->relation_files(c->s, "cupel_from", &x->table, d->from, from.n ? from.v : none, from.n, e) ||
            wrap(e, "'%s'", x->name)) &&
           (g->relation_files(c->s, "cupel_to", &y->table, d->to, to.n ? to.v : none, to.n, e) ||
            wrap(e, "'%s'", y->name));
}

/* --- SQL --- */

static bool is_key(const struct diff *d, const char *name)
{
    for (size_t i = 0; i < d->nkey; i++)
        if (strcasecmp(d->key[i], name) == 0)
            return true;
    return false;
}

static bool same_type(const struct diff_column *c)
{
    const struct lake_field x = {.name = "", .type = c->from, .nullable = true, .metadata = "{}"},
                            y = {.name = "", .type = c->to, .nullable = true, .metadata = "{}"};
    return lake_schema_equal(&(struct lake_schema){&x, 1}, &(struct lake_schema){&y, 1});
}

static bool is_number(const struct lake_type *t)
{
    static const char *const names[] = {"byte", "short", "integer", "long", "float", "double", "decimal"};
    for (size_t i = 0; t->kind == LAKE_PRIMITIVE && i < countof(names); i++)
        if (strncmp(t->primitive, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

/* A side's value of a column. Where its type is another now, numbers are compared as numbers, others as
 * text. */
static void add_value(struct buf *b, const char *side, const struct diff_column *c)
{
    bool text = !same_type(c) && !(is_number(c->from) && is_number(c->to));
    buf_addf(b, "%s%s.", text ? "CAST(" : "", side);
    sql_ident(b, c->name);
    buf_addf(b, "%s", text ? " AS VARCHAR)" : "");
}

static void add_differs(struct buf *b, const struct diff_column *c)
{
    add_value(b, "f", c);
    buf_addf(b, " IS DISTINCT FROM ");
    add_value(b, "t", c);
}

static void add_pairs(struct buf *b, const struct comparing *c)
{
    const struct diff *d = c->d;
    buf_addf(b, " FROM (SELECT *, true AS cupel_is FROM cupel_from) AS f FULL JOIN "
                "(SELECT *, true AS cupel_is FROM cupel_to) AS t ON ");
    for (size_t i = 0; i < d->nkey; i++) {
        buf_addf(b, "%sf.", i ? " AND " : "");
        sql_ident(b, d->key[i]);
        buf_addf(b, " IS NOT DISTINCT FROM t.");
        sql_ident(b, d->key[i]);
    }
    buf_addf(b, " WHERE f.cupel_is IS NULL OR t.cupel_is IS NULL");
    for (size_t i = 0; i < c->common.n; i++) {
        buf_addf(b, " OR ");
        add_differs(b, c->common.v[i]);
    }
}

/* One side of a row as a JSON object: what differs of one that changed, all of one that came or went. */
static void add_json(struct buf *b, const struct comparing *c, const char *side, const char *other)
{
    const struct diff *d = c->d;
    buf_addf(b, ", CASE WHEN %s.cupel_is THEN ('{' || array_to_string(list_filter([", side);
    size_t n = 0;
    for (size_t i = 0; i < d->ncolumns; i++) {
        const struct diff_column *x = &d->columns[i];
        bool here = *side == 'f' ? x->from != NULL : x->to != NULL;
        if (!here || is_key(d, x->name))
            continue;
        buf_addf(b, "%sCASE WHEN %s.cupel_is IS NULL", n++ ? ", " : "", other);
        if (x->from && x->to) {
            buf_addf(b, " OR ");
            add_differs(b, x);
        }
        buf_addf(b, " THEN to_json(");
        sql_literal(b, x->name);
        buf_addf(b, ")::VARCHAR || ':' || coalesce(to_json(%s.", side);
        sql_ident(b, x->name);
        buf_addf(b, ")::VARCHAR, 'null') END");
    }
    buf_addf(b, "%s], lambda x: x IS NOT NULL), ',') || '}')::JSON END AS %s", n ? "" : "NULL::VARCHAR",
             *side == 'f' ? "before" : "after");
}

static void keyed_rows(struct buf *b, const struct comparing *c)
{
    const struct diff *d = c->d;
    buf_addf(b,
             "SELECT CASE WHEN f.cupel_is IS NULL THEN 'added' WHEN t.cupel_is IS NULL THEN 'removed' ELSE "
             "'changed' END AS change");
    for (size_t i = 0; i < d->nkey; i++) {
        buf_addf(b, ", CASE WHEN t.cupel_is THEN t.");
        sql_ident(b, d->key[i]);
        buf_addf(b, " ELSE f.");
        sql_ident(b, d->key[i]);
        buf_addf(b, " END AS ");
        sql_ident(b, d->key[i]);
    }
    buf_addf(b, ", CASE WHEN f.cupel_is AND t.cupel_is THEN list_filter([");
    for (size_t i = 0; i < c->common.n; i++) {
        buf_addf(b, "%sCASE WHEN ", i ? ", " : "");
        add_differs(b, c->common.v[i]);
        buf_addf(b, " THEN ");
        sql_literal(b, c->common.v[i]->name);
        buf_addf(b, " END");
    }
    buf_addf(b, "%s], lambda x: x IS NOT NULL) END AS columns", c->common.n ? "" : "NULL::VARCHAR");
    add_json(b, c, "f", "t");
    add_json(b, c, "t", "f");
    add_pairs(b, c);
    buf_addf(b, " ORDER BY ALL");
}

static void add_common(struct buf *b, const struct comparing *c)
{
    for (size_t i = 0; i < c->common.n; i++) {
        const struct diff_column *x = c->common.v[i];
        bool text = !same_type(x) && !(is_number(x->from) && is_number(x->to));
        buf_addf(b, "%s%s", i ? ", " : "", text ? "CAST(" : "");
        sql_ident(b, x->name);
        buf_addf(b, "%s", text ? " AS VARCHAR) AS " : "");
        if (text)
            sql_ident(b, x->name);
    }
}

/* Rows as they are, as often as they are there. */
static void whole_rows(struct buf *b, const struct comparing *c)
{
    static const char *const sides[] = {"cupel_to", "cupel_from"};
    for (size_t i = 0; i < 2; i++) {
        buf_addf(b, "%sSELECT '%s' AS change, * FROM (SELECT ", i ? " UNION ALL " : "SELECT * FROM (",
                 i ? "removed" : "added");
        add_common(b, c);
        buf_addf(b, " FROM %s EXCEPT ALL SELECT ", sides[i]);
        add_common(b, c);
        buf_addf(b, " FROM %s)", sides[1 - i]);
    }
    buf_addf(b, ")");
}

/* --- counting --- */

static bool count_keyed(struct comparing *c, struct err *e)
{
    struct diff *d = c->d;
    auto_buf sql = BUF(16 << 20);
    struct engine_rows rows;
    buf_addf(&sql,
             "SELECT count(*) FILTER (f.cupel_is IS NULL), count(*) FILTER (t.cupel_is IS NULL), count(*) "
             "FILTER (f.cupel_is AND t.cupel_is)");
    for (size_t i = 0; i < c->common.n; i++) {
        buf_addf(&sql, ", count(*) FILTER (f.cupel_is AND t.cupel_is AND ");
        add_differs(&sql, c->common.v[i]);
        buf_addf(&sql, ")");
    }
    add_pairs(&sql, c);
    if (!buf_done(&sql, e) ||
        !engine_rows(c->w->driver, c->a, c->s, sql.p, (struct engine_params){0}, 1, &rows, e))
        return false;
    const char *const *v = rows.rows[0];
    d->added = strtoll(v[0], NULL, 10);
    d->removed = strtoll(v[1], NULL, 10);
    d->changed = strtoll(v[2], NULL, 10);
    for (size_t i = 0; i < c->common.n; i++)
        d->columns[c->common.v[i] - d->columns].changed = strtoll(v[3 + i], NULL, 10);
    return true;
}

static bool count_whole(struct comparing *c, struct err *e)
{
    auto_buf sql = BUF(16 << 20);
    struct engine_rows rows;
    buf_addf(&sql,
             "SELECT count(*) FILTER (change = 'added'), count(*) FILTER (change = 'removed') FROM (%s)",
             c->d->sql);
    if (!buf_done(&sql, e) ||
        !engine_rows(c->w->driver, c->a, c->s, sql.p, (struct engine_params){0}, 1, &rows, e))
        return false;
    c->d->added = strtoll(rows.rows[0][0], NULL, 10);
    c->d->removed = strtoll(rows.rows[0][1], NULL, 10);
    return true;
}

static bool unique_key(struct comparing *c, const char *relation, const struct diff_side *side, struct err *e)
{
    const struct diff *d = c->d;
    auto_buf sql = BUF(1 << 16), key = BUF(1 << 16);
    int64_t n;
    for (size_t i = 0; i < d->nkey; i++) {
        buf_addf(&key, "%s", i ? ", " : "");
        sql_ident(&key, d->key[i]);
    }
    buf_addf(&sql, "SELECT count(*) FROM (SELECT 1 FROM %s GROUP BY %s HAVING count(*) > 1)", relation,
             key.p);
    if (!buf_done(&sql, e) || !engine_int(c->w->driver, c->s, sql.p, &n, NULL, e))
        return false;
    if (n == 0)
        return true;
    fail(e, ERR_DATA, "'%s' has %lld value%s of the key %s more than once", side->name, (long long)n,
         n == 1 ? "" : "s", key.p);
    return hint(e, "--key names columns that tell rows apart; --no-key compares whole rows");
}

static bool check_key(const struct comparing *c, struct err *e)
{
    const struct diff *d = c->d;
    for (size_t i = 0; i < d->nkey; i++)
        for (size_t k = 0; k < 2; k++)
            if (!find_field(k ? d->to : d->from, d->key[i]))
                return fail(e, ERR_USER, "'%s' has no column '%s' to compare by", c->sides[k]->name,
                            d->key[i]);
    return true;
}

bool diff_is_empty(const struct diff *d)
{
    bool same = !d->added && !d->removed && !d->changed && !d->nproperties && !d->partitions;
    for (size_t i = 0; same && i < d->ncolumns; i++)
        same = d->columns[i].from && d->columns[i].to && same_type(&d->columns[i]);
    return same;
}

bool asset_diff(struct task *t, const struct workshop *w, struct session *s, const struct diff_side *from,
                const struct diff_side *to, const char *const *key, size_t nkey, struct diff *ret,
                struct err *e)
{
    struct lake_snapshot *x, *y;
    struct comparing c = {.a = t->a, .w = w, .s = s, .d = ret, .sides = {from, to}};
    if (!lake_snapshot(t->a, &from->table, from->at, &x, NULL, e))
        return wrap(e, "'%s'", from->name);
    if (!lake_snapshot(t->a, &to->table, to->at, &y, NULL, e))
        return wrap(e, "'%s'", to->name);
    *ret = (struct diff){.from = x, .to = y, .key = key, .nkey = nkey};
    compare_columns(&c);
    compare_properties(&c);
    for (size_t i = 0; i < ret->ncolumns; i++)
        if (ret->columns[i].from && ret->columns[i].to && !is_key(ret, ret->columns[i].name))
            *arena_push(t->a, &c.common) = &ret->columns[i];
    if (!check_key(&c, e) || !relate(&c, e))
        return false;
    if (!nkey && !c.common.n)
        return fail(e, ERR_USER, "'%s' and '%s' have no column in common", from->name, to->name);
    auto_buf sql = BUF(16 << 20);
    if (nkey)
        keyed_rows(&sql, &c);
    else
        whole_rows(&sql, &c);
    if (!buf_done(&sql, e))
        return false;
    ret->sql = arena_str(t->a, sql.p);
    return nkey ? unique_key(&c, "cupel_from", from, e) && unique_key(&c, "cupel_to", to, e) &&
                      count_keyed(&c, e)
                : count_whole(&c, e);
}
