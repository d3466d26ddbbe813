/* Rows that failed their checks, kept with their reasons in a table beside the model's own. */
#include <string.h>

#include "asset/internal.h"
#include "base/json.h"
#include "nanoarrow/nanoarrow.h"
#include "rows/rows.h"

char *quarantine_name(struct arena *a, const char *model)
{
    char *name = arena_fmt(a, "quarantine.%s", model);
    for (char *p = name + strlen("quarantine."); *p; p++)
        if (*p == '.')
            *p = '_';
    return name;
}

static void free_rows(struct rows **r)
{
    rows_free(*r);
}

/* The rows as the relation "held": their reasons as a JSON list, and their content. */
static bool relate_rows(const struct workshop *w, struct session *s, const struct quarantine *q,
                        struct err *e)
{
    static const struct rows_column columns[] = {{"reasons", ROWS_TEXT}, {"content", ROWS_TEXT}};
    struct ArrowArrayStream stream;
    auto_call(free_rows) struct rows *rows = NULL;
    if (!rows_new(columns, countof(columns), &rows, e))
        return false;
    for (size_t i = 0; i < q->n; i++) {
        auto_buf reasons = BUF(64 << 20);
        buf_addf(&reasons, "[");
        for (size_t k = 0; k < q->rows[i].nreasons; k++) {
            buf_addf(&reasons, "%s", k ? "," : "");
            json_quote(&reasons, q->rows[i].reasons[k], strlen(q->rows[i].reasons[k]));
        }
        buf_addf(&reasons, "]");
        rows_text(rows, reasons.p, reasons.len);
        rows_text(rows, q->rows[i].row, strlen(q->rows[i].row));
    }
    return rows_take(rows, &stream, e) && w->driver->relation_arrow(s, "held", &stream, e);
}

static void rows_select(struct buf *b, const struct task *t, const struct workshop *w, const struct model *m)
{
    buf_addf(b, "SELECT ");
    sql_literal(b, t->run_id);
    buf_addf(b, "::VARCHAR AS run_id, make_timestamptz(%lld) AS quarantined_at, ",
             (long long)w->params.now_us);
    sql_literal(b, m->name);
    buf_addf(b, "::VARCHAR AS model, from_json(reasons, '[\"VARCHAR\"]')::VARCHAR[] AS reasons, "
                "content::VARCHAR AS row FROM held");
}

static bool stage_rows(struct arena *a, struct task *t, const struct workshop *w, const struct model *m,
                       const struct quarantine *q, const struct lake_table *table,
                       const struct lake_snapshot *base, const struct staging *staging,
                       struct engine_staged *ret, struct err *e)
{
    auto_buf sql = BUF(1 << 16);
    struct session *s;
    rows_select(&sql, t, w, m);
    const struct engine_stage stage = {.sql = sql.p,
                                       .store = w->lake,
                                       .dir = table->dir,
                                       .token = staging->token,
                                       .schema = base ? &base->schema : NULL};
    return buf_done(&sql, e) && w->driver->session(a, w->engine, t, &s, e) && relate_rows(w, s, q, e) &&
           w->driver->stage(a, s, &stage, ret, e);
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
    struct lake_table table = asset_table(scratch, w, quarantine_name(scratch, m->name));
    struct lake_snapshot *base;
    if (!table_latest(scratch, &table, &base, e))
        return false;
    if (!q->replace && already_has(base, q))
        return true; /* a killed attempt came as far as this */
    bool nothing_there = !base || base->nfiles == 0;
    if (q->n == 0 && (nothing_there || !q->replace))
        return true;

    struct staging staging;
    struct engine_staged staged = {0};
    if (!staging_begin(scratch, w, &table, base, &staging, e))
        return false;
    if (q->n && !stage_rows(scratch, t, w, m, q, &table, base, &staging, &staged, e)) {
        staging_drop(w, &table, &staging, NULL, 0);
        return wrap(e, "table '%s'", table.dir);
    }
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
    return staging_commit(scratch, w, &table, &staging, &c, &version, e);
}
