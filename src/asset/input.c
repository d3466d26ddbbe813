/* What the inputs of a model mean in the session of one run, so that its SELECT gives the rows to be made
 * anew:
 *
 *   the whole table      what is not incremental, and everything in a full refresh
 *   what came            of an incremental input: rows added since the watermark. Where files were written
 * again (by a merge, an update), rows that stand in both the old and the new files were only copied: the
 *                        difference of the two is what came and what went
 *   and what it touches  of `{silver.reviews: movie_id}` the whole table is read, and of the other inputs the
 * rows of those movies that something came to or went from
 *
 * Where all incremental inputs are of the last kind, rows of touched keys are replaced as groups. In mode
 * partitions the partitions of what came and went are found first, and then made anew from the whole inputs.
 */
#include <inttypes.h>
#include <string.h>

#include "asset/internal.h"

static char *number(struct arena *a, const char *name, size_t i)
{
    return arena_fmt(a, "cupel_%s_%zu", name, i);
}

static size_t index_of(const struct job *j, const struct model_input *in)
{
    return (size_t)(in - j->work.inputs);
}

bool job_files(struct job *j, const char *name, const struct lake_table *t, const struct lake_snapshot *snap,
               const struct lake_file *const *files, size_t n, struct err *e)
{
    static const struct lake_file *const none[1]; /* the engine takes NULL for all */
    return j->w->driver->relation_files(j->s, name, t, snap, n ? files : none, n, e);
}

static bool whole(struct job *j, const struct model_input *in, const char *name, struct err *e)
{
    return in->snap ? j->w->driver->relation_files(j->s, name, &in->where, in->snap, NULL, 0, e)
                    : table_unfilled(j->w, j->s, in->table, e);
}

static void add_columns(struct buf *b, const struct lake_snapshot *snap)
{
    for (size_t i = 0; i < snap->schema.n; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        sql_ident(b, snap->schema.fields[i].name);
    }
}

static bool define(struct job *j, const char *name, const struct buf *sql, bool keep, struct err *e)
{
    return buf_done(sql, e) && j->w->driver->relation_sql(j->s, name, sql->p, keep, e);
}

/* --- what came and what went --- */

static bool has_changed(const struct model_input *in)
{
    return in->snap && (!in->changes.known || in->changes.nadded || in->changes.nremoved);
}

/* The relations cupel_added_<i>, and where files went cupel_diff_<i>: each row that came or went, with
 * cupel_n, how often (negative: went). */
static bool relate_changes(struct job *j, const struct model_input *in, struct err *e)
{
    struct arena *a = j->t->a;
    size_t i = index_of(j, in);
    const struct lake_changes *c = &in->changes;
    if (!job_files(j, number(a, "added", i), &in->where, in->snap, c->added, c->nadded, e))
        return false;
    if (c->nremoved == 0)
        return true;
    if (!job_files(j, number(a, "removed", i), &in->where, in->snap, c->removed, c->nremoved, e))
        return false;
    auto_buf sql = BUF(1 << 20);
    buf_addf(&sql, "SELECT ");
    add_columns(&sql, in->snap);
    buf_addf(&sql,
             ", sum(cupel_n)::BIGINT AS cupel_n FROM (SELECT *, 1 AS cupel_n FROM cupel_added_%zu UNION ALL "
             "SELECT *, -1 AS cupel_n FROM cupel_removed_%zu) GROUP BY ALL HAVING sum(cupel_n) <> 0",
             i, i);
    return define(j, number(a, "diff", i), &sql, true, e);
}

/* SQL that gives the rows that came. */
static void came_sql(struct job *j, struct buf *b, const struct model_input *in)
{
    size_t i = index_of(j, in);
    buf_addf(b, "SELECT ");
    add_columns(b, in->snap);
    if (in->changes.nremoved)
        buf_addf(b,
                 " FROM (SELECT *, unnest(range(cupel_n)) AS cupel_i FROM cupel_diff_%zu WHERE cupel_n > 0)",
                 i);
    else
        buf_addf(b, " FROM cupel_added_%zu", i);
}

/* SQL that gives each row that came or went, once or more. */
static void changed_sql(struct job *j, struct buf *b, const struct model_input *in)
{
    buf_addf(b, "SELECT ");
    add_columns(b, in->snap);
    buf_addf(b, " FROM cupel_%s_%zu", in->changes.nremoved ? "diff" : "added", index_of(j, in));
}

/* --- touched keys --- */

static const struct touched *find_touched(const struct job *j, const char *column)
{
    for (size_t i = 0; i < j->touched.n; i++)
        if (strcmp(j->touched.v[i].column, column) == 0)
            return &j->touched.v[i];
    return NULL;
}

static bool need_column(const struct model_input *in, const char *column, struct err *e)
{
    for (size_t i = 0; i < in->snap->schema.n; i++)
        if (strcmp(in->snap->schema.fields[i].name, column) == 0)
            return true;
    return fail_at(e, ERR_USER, in->inc->at, "incremental: '%s' has no column '%s'", in->table, column);
}

/* One relation for each column that keyed inputs are read by. *ret_all: nobody can tell, so take every key.
 */
static bool relate_touched(struct job *j, bool *ret_all, struct err *e)
{
    struct arena *a = j->t->a;
    *ret_all = false;
    for (size_t k = 0; k < j->m->nincremental; k++) {
        const char *column = j->m->incremental[k].key;
        if (!column || find_touched(j, column))
            continue;
        auto_buf sql = BUF(1 << 20);
        for (size_t i = 0; i < j->work.ninputs; i++) {
            const struct model_input *in = &j->work.inputs[i];
            if (!in->inc || !in->inc->key || strcmp(in->inc->key, column) != 0 || !has_changed(in))
                continue;
            *ret_all = *ret_all || !in->changes.known;
            if (!need_column(in, column, e) || !relate_changes(j, in, e))
                return false;
            buf_addf(&sql, "%sSELECT ", sql.len ? " UNION " : "");
            sql_ident(&sql, column);
            buf_addf(&sql, " FROM (");
            changed_sql(j, &sql, in);
            buf_addf(&sql, ") WHERE ");
            sql_ident(&sql, column);
            buf_addf(&sql, " IS NOT NULL");
        }
        const struct touched t = {column, number(a, "touched", j->touched.n)};
        if (sql.len && !define(j, t.relation, &sql, true, e))
            return false;
        if (sql.len)
            *arena_push(a, &j->touched) = t;
    }
    return true;
}

/* A condition on the rows of `from`: one of their keys is touched. False when there are no touched keys. */
static void is_touched(struct job *j, struct buf *b, const char *from)
{
    for (size_t i = 0; i < j->touched.n; i++) {
        buf_addf(b, "%sEXISTS (SELECT 1 FROM %s AS k WHERE k.", i ? " OR " : "", j->touched.v[i].relation);
        sql_ident(b, j->touched.v[i].column);
        buf_addf(b, " = %s.", from);
        sql_ident(b, j->touched.v[i].column);
        buf_addf(b, ")");
    }
    if (j->touched.n == 0)
        buf_addf(b, "false");
}

/* --- the inputs of a merge or an append --- */

static bool has_touched_columns(const struct job *j, const struct model_input *in)
{
    for (size_t i = 0; i < j->touched.n; i++) {
        size_t k = 0;
        while (k < in->snap->schema.n && strcmp(in->snap->schema.fields[k].name, j->touched.v[i].column) != 0)
            k++;
        if (k == in->snap->schema.n)
            return false;
    }
    return true;
}

/* What came, and every row of the touched keys. */
static bool came_and_touched(struct job *j, const struct model_input *in, struct err *e)
{
    struct arena *a = j->t->a;
    const char *all = number(a, "whole", index_of(j, in));
    auto_buf sql = BUF(1 << 20);
    came_sql(j, &sql, in);
    if (j->touched.n) {
        auto_buf came = BUF(1 << 20);
        buf_addf(&came, "SELECT * FROM (%s) AS r WHERE NOT (", sql.p);
        is_touched(j, &came, "r");
        buf_addf(&came, ") UNION ALL SELECT * FROM %s AS r WHERE ", all);
        is_touched(j, &came, "r");
        return whole(j, in, all, e) && define(j, in->table, &came, false, e);
    }
    if (in->changes.nremoved)
        return define(j, in->table, &sql, true, e);
    return job_files(j, in->table, &in->where, in->snap, in->changes.added, in->changes.nadded, e);
}

static bool cannot_append(const struct job *j, const struct model_input *in, struct err *e)
{
    fail(e, ERR_DATA,
         "%s: what is new in '%s' cannot be told: it was made anew, or the files of version %" PRIi64
         ", which was read last, are gone",
         j->m->name, in->table, in->watermark);
    return hint(e, "`cupel run --full-refresh -s %s` makes the table anew from what there is", j->m->name);
}

static bool plain_input(struct job *j, const struct model_input *in, bool all, struct err *e)
{
    if (!in->changes.known && j->m->mode == MODE_APPEND)
        return cannot_append(j, in, e);
    if (all || !in->changes.known || !has_touched_columns(j, in))
        return whole(j, in, in->table, e);
    return relate_changes(j, in, e) && came_and_touched(j, in, e);
}

static bool is_keyed(const struct job *j)
{
    for (size_t i = 0; i < j->m->nincremental; i++)
        if (!j->m->incremental[i].key)
            return false;
    return true;
}

/* The SELECT, as far as it gives rows of touched keys. */
static bool select_touched(struct job *j, struct err *e)
{
    auto_buf sql = BUF(32 << 20);
    buf_addf(&sql, "SELECT * FROM (\n%s\n) AS cupel_model WHERE ", j->m->sql);
    is_touched(j, &sql, "cupel_model");
    j->sql = arena_str(j->t->a, sql.p);
    return buf_done(&sql, e);
}

static bool relate_new(struct job *j, struct err *e)
{
    bool all;
    if (!relate_touched(j, &all, e))
        return false;
    if (is_keyed(j)) {
        j->everything = all;
        j->groups = !all;
        all = true;
    }
    for (size_t i = 0; i < j->work.ninputs; i++) {
        const struct model_input *in = &j->work.inputs[i];
        bool plain = in->inc && !in->inc->key && in->snap;
        if (!(plain ? plain_input(j, in, all, e) : whole(j, in, in->table, e)))
            return false;
    }
    return !j->groups || select_touched(j, e);
}

/* --- the inputs of partitions --- */

/* Views between the inputs and this model, innermost first. */
static bool views(struct job *j, const struct model *m, struct err *e)
{
    for (size_t i = 0; i < m->ninputs; i++) {
        const struct model *view = table_view(j->w, m->inputs[i]);
        if (view && (!views(j, view, e) || !table_view_relation(j->t->a, j->w, j->s, view, e)))
            return false;
    }
    return true;
}

static void add_partition_columns(struct job *j, struct buf *b, const char *from)
{
    for (size_t i = 0; i < j->m->npartition_by; i++) {
        buf_addf(b, "%snullif(CAST(%s.", i ? ", " : "", from);
        sql_ident(b, j->m->partition_by[i]);
        buf_addf(b, " AS VARCHAR), '')");
    }
}

/* The partitions of the rows that came or went, as the SELECT tells from these rows. */
static bool find_partitions(struct job *j, struct err *e)
{
    for (size_t i = 0; i < j->work.ninputs; i++) {
        const struct model_input *in = &j->work.inputs[i];
        auto_buf sql = BUF(1 << 20);
        if (!in->inc || !in->snap) {
            if (!whole(j, in, in->table, e))
                return false;
            continue;
        }
        if (!relate_changes(j, in, e))
            return false;
        changed_sql(j, &sql, in);
        if (!define(j, in->table, &sql, false, e))
            return false;
    }
    auto_buf sql = BUF(32 << 20);
    struct engine_rows *rows = arena_make(j->t->a, struct engine_rows, 1);
    buf_addf(&sql, "SELECT DISTINCT ");
    add_partition_columns(j, &sql, "cupel_model");
    buf_addf(&sql, " FROM (\n%s\n) AS cupel_model", j->m->sql);
    j->partitions = rows;
    return views(j, j->m, e) && buf_done(&sql, e) &&
           engine_rows(j->w->driver, j->t->a, j->s, sql.p, j->params, SIZE_MAX, rows, e);
}

/* The SELECT, as far as it gives rows of those partitions. */
static bool select_partitions(struct job *j, struct err *e)
{
    auto_buf sql = BUF(256 << 20);
    const struct engine_rows *p = j->partitions;
    buf_addf(&sql, "SELECT * FROM (\n%s\n) AS cupel_model WHERE ", j->m->sql);
    if (p->nrows == 0)
        buf_addf(&sql, "false");
    for (size_t i = 0; i < p->nrows; i++) {
        buf_addf(&sql, i ? ", (" : "EXISTS (SELECT 1 FROM (VALUES (");
        for (size_t c = 0; c < p->ncolumns; c++) {
            buf_addf(&sql, "%s", c ? ", " : "");
            if (p->rows[i][c])
                sql_literal(&sql, p->rows[i][c]);
            else
                buf_addf(&sql, "NULL::VARCHAR");
        }
        buf_addf(&sql, ")");
    }
    if (p->nrows) {
        buf_addf(&sql, ") AS k(");
        for (size_t c = 0; c < p->ncolumns; c++)
            buf_addf(&sql, "%sp%zu", c ? ", " : "", c);
        buf_addf(&sql, ") WHERE (");
        for (size_t c = 0; c < p->ncolumns; c++)
            buf_addf(&sql, "%sk.p%zu", c ? ", " : "", c);
        buf_addf(&sql, ") IS NOT DISTINCT FROM (");
        add_partition_columns(j, &sql, "cupel_model");
        buf_addf(&sql, "))");
    }
    j->sql = arena_str(j->t->a, sql.p);
    return buf_done(&sql, e);
}

static bool relate_whole(struct job *j, struct err *e)
{
    for (size_t i = 0; i < j->work.ninputs; i++)
        if (!whole(j, &j->work.inputs[i], j->work.inputs[i].table, e))
            return false;
    return true;
}

static bool relate_partitions(struct job *j, struct err *e)
{
    for (size_t i = 0; i < j->work.ninputs; i++) {
        const struct model_input *in = &j->work.inputs[i];
        if (in->inc && has_changed(in) && (in->inc->key || !in->changes.known))
            j->everything = true;
    }
    return (j->everything || (find_partitions(j, e) && select_partitions(j, e))) && relate_whole(j, e);
}

/* --- all of it --- */

bool job_relations(struct job *j, struct err *e)
{
    bool some = j->m->nincremental && !j->work.full && !j->work.backfill;
    j->sql = j->m->sql;
    j->params = project_params(j->t->a, j->w->project, &j->w->params);
    bool ok = !some                           ? relate_whole(j, e)
              : j->m->mode == MODE_PARTITIONS ? relate_partitions(j, e)
                                              : relate_new(j, e);
    return ok && views(j, j->m, e);
}
