/* One asset: planned from the logs, or carried out. */
#include "asset/asset.h"

#include "asset/internal.h"

bool asset_run(struct task *t, const struct workshop *w, const struct asset *a, struct asset_result *ret,
               struct err *e)
{
    *ret = (struct asset_result){.version = -1};
    return a->kind == ASSET_SOURCE ? source_run(t, w, a->source, ret, e) : model_run(t, w, a->model, ret, e);
}

static const char *model_action(const struct model *m, const struct model_work *work)
{
    static const char *const names[] = {[MODE_REPLACE] = "replace",
                                        [MODE_APPEND] = "append",
                                        [MODE_MERGE] = "merge",
                                        [MODE_PARTITIONS] = "replace partitions",
                                        [MODE_VIEW] = "view"};
    if (!work->base)
        return "create";
    return work->full && m->mode != MODE_REPLACE ? "full refresh" : names[m->mode];
}

static bool plan_source(struct task *t, const struct workshop *w, const struct source *s,
                        struct asset_plan *ret, struct err *e)
{
    bool unfinished;
    int64_t now_us, extracted_us;
    if (!source_unfinished(t->a, w, s, &unfinished, &now_us, e) ||
        !source_extracted(t->a, w, s, &extracted_us, e))
        return false;
    char when[32];
    ret->action = "fetch";
    ret->stale = true;
    if (unfinished)
        ret->reason = arena_fmt(t->a, "resumes the extraction of %s", clock_format(when, now_us, 0));
    else if (w->params.now_us <= extracted_us) {
        ret->stale = false;
        ret->reason = "already extracted for this time";
    } else if (extracted_us == INT64_MIN)
        ret->reason = "never extracted";
    else
        ret->reason = arena_fmt(t->a, "last extracted for %s", clock_format(when, extracted_us, 0));
    return true;
}

bool asset_plan(struct task *t, const struct workshop *w, const struct asset *a, struct asset_plan *ret,
                struct err *e)
{
    *ret = (struct asset_plan){0};
    if (a->kind == ASSET_SOURCE)
        return plan_source(t, w, a->source, ret, e);
    if (a->model->mode == MODE_VIEW) {
        *ret = (struct asset_plan){.action = "view", .reason = "made where it is read"};
        return true;
    }
    struct model_work work;
    if (!model_work(t, w, a->model, &work, e))
        return false;
    *ret = (struct asset_plan){work.stale, work.reason, model_action(a->model, &work)};
    return true;
}
