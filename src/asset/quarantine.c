/* Rows that failed their checks, kept with their reasons in a table beside the model's own. */
#include <string.h>

#include "asset/internal.h"

char *quarantine_name(struct arena *a, const char *model)
{
    char *name = arena_fmt(a, "quarantine.%s", model);
    for (char *p = name + strlen("quarantine."); *p; p++)
        if (*p == '.')
            *p = '_';
    return name;
}

/* SQL that gives the rows; their reasons and content are literals of one VALUES list. */
static void rows_select(struct buf *b, const struct task *t, const struct workshop *w, const struct model *m,
                        const struct quarantine *q)
{
    buf_addf(b, "SELECT ");
    sql_literal(b, t->run_id);
    buf_addf(b, "::VARCHAR AS run_id, make_timestamptz(%lld) AS quarantined_at, ",
             (long long)w->params.now_us);
    sql_literal(b, m->name);
    buf_addf(b, "::VARCHAR AS model, reasons::VARCHAR[] AS reasons, content::VARCHAR AS row FROM (VALUES ");
    for (size_t i = 0; i < q->n; i++) {
        buf_addf(b, "%s([", i ? ",\n" : "");
        for (size_t k = 0; k < q->rows[i].nreasons; k++) {
            buf_addf(b, "%s", k ? ", " : "");
            sql_literal(b, q->rows[i].reasons[k]);
        }
        buf_addf(b, "], ");
        sql_literal(b, q->rows[i].row);
        buf_addf(b, ")");
    }
    buf_addf(b, ") AS v(reasons, content)");
}

/* The txns that say more than the table already knows: a commit may not go back. */
static bool already_has(const struct lake_snapshot *base, const struct quarantine *q)
{
    if (!base || q->ntxns == 0)
        return false;
    for (size_t i = 0; i < q->ntxns; i++)
        if (lake_txn_version(base, q->txns[i].app_id) < q->txns[i].version)
            return false;
    return true;
}

bool quarantine_write(struct task *t, const struct workshop *w, const struct model *m,
                      const struct quarantine *q, struct err *e)
{
    auto_arena *scratch = arena_new();
    const char *name = quarantine_name(scratch, m->name);
    struct lake_table table = asset_table(scratch, w, name);
    struct lake_snapshot *base;
    if (!table_latest(scratch, &table, &base, e))
        return false;
    if (!q->replace && already_has(base, q))
        return true; /* a killed attempt came as far as this */
    bool nothing_there = !base || base->nfiles == 0;
    if (q->n == 0 && (nothing_there || !q->replace))
        return true;

    struct session *s;
    auto_buf sql = BUF(512 << 20);
    if (q->n)
        rows_select(&sql, t, w, m, q);
    struct engine_staged staged = {0};
    struct engine_stage stage = {.sql = sql.p, .store = w->lake, .dir = table.dir};
    if (q->n && (!buf_done(&sql, e) || !w->driver->session(scratch, w->engine, t, &s, e) ||
                 !w->driver->stage(scratch, s, &stage, &staged, e)))
        return wrap(e, "table '%s'", name);

    struct list_of(const struct lake_file *) removes = {0};
    for (size_t i = 0; q->replace && base && i < base->nfiles; i++)
        *arena_push(scratch, &removes) = &base->files[i];
    struct lake_commit c = {.base = base,
                            .schema = base ? NULL : &staged.schema,
                            .adds = staged.files,
                            .nadds = staged.nfiles,
                            .removes = removes.v,
                            .nremoves = removes.n,
                            .txns = q->txns,
                            .ntxns = q->ntxns,
                            .operation = "WRITE",
                            .parameters = q->replace ? "{\"mode\":\"Overwrite\"}" : "{\"mode\":\"Append\"}",
                            .run_id = t->run_id};
    int64_t version;
    return lake_commit(scratch, &table, &c, &version, e) || wrap(e, "table '%s'", name);
}
