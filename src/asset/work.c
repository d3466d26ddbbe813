/* What a model has to do, told from the logs: which of its inputs have moved since its last commit. */
#include <string.h>

#include "asset/internal.h"

static const struct incremental *incremental_on(const struct model *m, const char *table)
{
    for (size_t i = 0; i < m->nincremental; i++)
        if (strcmp(m->incremental[i].table, table) == 0)
            return &m->incremental[i];
    return NULL;
}

/* A view has no log of its own: its inputs are the model's. */
static bool add_input(struct arena *a, const struct workshop *w, const struct model *m, const char *table,
                      struct model_work *ret, size_t *cap, struct err *e)
{
    const struct asset *maker = project_table(w->project, table);
    if (maker && maker->kind == ASSET_MODEL && maker->model->mode == MODE_VIEW &&
        strcmp(maker->name, table) == 0) {
        for (size_t i = 0; i < maker->model->ninputs; i++)
            if (!add_input(a, w, m, maker->model->inputs[i], ret, cap, e))
                return false;
        return true;
    }
    for (size_t i = 0; i < ret->ninputs; i++)
        if (strcmp(ret->inputs[i].table, table) == 0)
            return true;
    struct model_input *in = arena_grow(a, (void **)&ret->inputs, &ret->ninputs, cap, sizeof *in);
    *in = (struct model_input){
        .table = table, .where = asset_table(a, w, table), .inc = incremental_on(m, table), .watermark = -1};
    return table_latest(a, &in->where, &in->snap, e);
}

/* A killed attempt may have quarantined rows of a version without publishing it: go just as far first, so
 * that no row is quarantined twice. */
static bool hold_at_quarantine(struct arena *a, const struct workshop *w, const struct model *m,
                               struct model_work *work, struct err *e)
{
    struct lake_table q = asset_table(a, w, quarantine_name(a, m->name));
    struct lake_snapshot *qs;
    if (!table_latest(a, &q, &qs, e))
        return false;
    if (!qs)
        return true;
    for (size_t i = 0; i < work->ninputs; i++) {
        struct model_input *in = &work->inputs[i];
        int64_t ahead = lake_txn_version(qs, watermark_id(a, m->name, in->table));
        if (in->inc && in->snap && ahead > in->watermark && ahead < in->snap->version &&
            !lake_snapshot(a, &in->where, (struct lake_at){.version = ahead}, &in->snap, NULL, e))
            return wrap(e, "table '%s'", in->table);
    }
    return true;
}

static bool read_watermarks(struct arena *a, const struct workshop *w, const struct model *m,
                            struct model_work *work, struct err *e)
{
    for (size_t i = 0; i < work->ninputs; i++)
        if (work->base)
            work->inputs[i].watermark =
                lake_txn_version(work->base, watermark_id(a, m->name, work->inputs[i].table));
    if (work->base && !work->full && m->nincremental && !hold_at_quarantine(a, w, m, work, e))
        return false;
    for (size_t i = 0; i < work->ninputs; i++) {
        struct model_input *in = &work->inputs[i];
        struct lake_changes c;
        if (!in->snap || !in->inc)
            continue;
        if (!lake_changes_since(a, &in->where, in->snap, work->full ? -1 : in->watermark, &c, e))
            return wrap(e, "table '%s'", in->table);
        in->added = c.added;
        in->nadded = c.nadded;
        in->append_only = c.known && c.nremoved == 0;
    }
    return true;
}

const char *fingerprint_text(struct arena *a, const struct model *m)
{
    return arena_fmt(a, "%016llx", (unsigned long long)m->fingerprint);
}

static bool same_definition(struct arena *a, const struct model *m, const struct lake_snapshot *base)
{
    const char *was = lake_property(base, "cupel.fingerprint");
    return was && strcmp(was, fingerprint_text(a, m)) == 0;
}

static void judge(struct arena *a, const struct workshop *w, const struct model *m, struct model_work *work)
{
    work->stale = true;
    if (!work->base) {
        work->reason = "the table does not exist yet";
        return;
    }
    work->same_definition = same_definition(a, m, work->base);
    if (w->full_refresh) {
        work->reason = "full refresh asked for";
        return;
    }
    bool incremental = m->nincremental > 0;
    for (size_t i = 0; i < work->ninputs; i++) {
        const struct model_input *in = &work->inputs[i];
        if (in->snap && in->snap->version > in->watermark && (!incremental || in->inc)) {
            work->reason = in->inc ? arena_fmt(a, "%zu new file%s in %s", in->nadded,
                                               in->nadded == 1 ? "" : "s", in->table)
                                   : arena_fmt(a, "%s is at version %lld, read up to %lld", in->table,
                                               (long long)in->snap->version, (long long)in->watermark);
            return;
        }
    }
    if (!incremental && !work->same_definition) {
        work->reason = "its definition changed";
        return;
    }
    if (!incremental && m->uses_now &&
        lake_txn_version(work->base, watermark_id(a, m->name, "$now")) != w->params.now_us) {
        work->reason = "it reads the clock";
        return;
    }
    work->stale = false;
    work->reason = incremental && !work->same_definition
                       ? "up to date; its definition changed: --full-refresh would make all rows anew"
                       : "up to date";
}

bool model_work(struct task *t, const struct workshop *w, const struct model *m, struct model_work *ret,
                struct err *e)
{
    *ret = (struct model_work){.table = asset_table(t->a, w, m->name)};
    size_t cap = 0;
    if (!table_latest(t->a, &ret->table, &ret->base, e))
        return false;
    for (size_t i = 0; i < m->ninputs; i++)
        if (!add_input(t->a, w, m, m->inputs[i], ret, &cap, e))
            return false;
    ret->full = !ret->base || w->full_refresh;
    if (!read_watermarks(t->a, w, m, ret, e))
        return false;
    judge(t->a, w, m, ret);
    return true;
}
