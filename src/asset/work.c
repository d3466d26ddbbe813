/* What a model has to do, told from the logs: which of its inputs have moved since its last commit. */
#include <string.h>

#include "asset/internal.h"

char *watermark_id(struct arena *a, const char *asset, const char *input)
{
    return arena_fmt(a, "cupel/%s/%s", asset, input);
}

char *watermark_table_id(struct arena *a, const char *asset, const char *input)
{
    return arena_fmt(a, "cupel/%s/%s/table", asset, input);
}

static int64_t positive_hash(const void *p, size_t n)
{
    return (int64_t)(text_hash(p, n, 0) & INT64_MAX);
}

int64_t watermark_table(const struct lake_snapshot *snap)
{
    return snap->table_id ? positive_hash(snap->table_id, strlen(snap->table_id)) : 0;
}

static bool has_range(const struct workshop *w)
{
    return w->params.start_us != INT64_MIN || w->params.end_us != INT64_MAX;
}

int64_t watermark_range(const struct workshop *w)
{
    const int64_t range[] = {w->params.start_us, w->params.end_us};
    return has_range(w) ? positive_hash(range, sizeof range) | 1 : 0;
}

const char *fingerprint_text(struct arena *a, const struct model *m)
{
    return arena_fmt(a, "%016llx", (unsigned long long)m->fingerprint);
}

bool model_follows_text(const struct model *m)
{
    return m->nincremental == 0 && m->mode != MODE_APPEND;
}

bool model_rejects_are_all(const struct model *m, bool replaces_all)
{
    return replaces_all || (m->mode == MODE_MERGE && m->nincremental == 0);
}

/* --- the inputs --- */

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
    const struct model *view = table_view(w, table);
    for (size_t i = 0; view && i < view->ninputs; i++)
        if (!add_input(a, w, m, view->inputs[i], ret, cap, e))
            return false;
    if (view)
        return true;
    for (size_t i = 0; i < ret->ninputs; i++)
        if (strcmp(ret->inputs[i].table, table) == 0)
            return true;
    struct model_input *in = arena_grow(a, (void **)&ret->inputs, &ret->ninputs, cap, sizeof *in);
    *in = (struct model_input){
        .table = table, .where = asset_table(a, w, table), .inc = incremental_on(m, table), .watermark = -1};
    if (ret->base)
        in->watermark = lake_txn_version(ret->base, watermark_id(a, m->name, table));
    return lake_latest(&in->where, &in->latest, e) || wrap(e, "table '%s'", table);
}

/* --- is there anything to do? --- */

static bool has_moved(const struct model_input *in)
{
    return in->latest >= 0 && in->latest != in->watermark;
}

/* For those who read all of it an optimize is no news; incremental readers go along, so that their watermark
 * does not fall behind the log. */
static bool has_changed(const struct model_input *in)
{
    struct err ignored;
    bool changed;
    return in->watermark < 0 || !lake_changed_since(&in->where, in->watermark, &changed, &ignored) || changed;
}

static const char *moved_text(struct arena *a, const struct model_input *in)
{
    if (in->latest < in->watermark)
        return arena_fmt(a, "%s was made anew", in->table);
    if (in->watermark < 0)
        return arena_fmt(a, "%s is new", in->table);
    int64_t n = in->latest - in->watermark;
    return arena_fmt(a, "%lld new commit%s of %s", (long long)n, n == 1 ? "" : "s", in->table);
}

/* Why the model has to run, NULL = it need not. */
static const char *why_stale(struct arena *a, const struct workshop *w, const struct model *m,
                             const struct model_work *work)
{
    bool incremental = m->nincremental > 0;
    if (!work->base)
        return "the table does not exist yet";
    if (w->full_refresh)
        return "full refresh asked for";
    if (work->backfill)
        return "a range was asked for";
    for (size_t i = 0; i < work->ninputs; i++)
        if (has_moved(&work->inputs[i]) &&
            (incremental ? work->inputs[i].inc != NULL : has_changed(&work->inputs[i])))
            return moved_text(a, &work->inputs[i]);
    if (!work->same_definition && model_follows_text(m))
        return "its definition changed";
    for (size_t i = 0; i < m->nproperties; i++) {
        const char *was = lake_property(work->base, m->properties[i].key);
        if (!was || strcmp(was, m->properties[i].value) != 0)
            return "its table's properties changed";
    }
    if (!incremental && m->reads_files && m->mode != MODE_APPEND)
        return "it reads files";
    if (incremental || !m->uses_now)
        return NULL;
    if (lake_txn_version(work->base, watermark_id(a, m->name, "$now")) != w->params.now_us)
        return "it reads the clock";
    int64_t range = lake_txn_version(work->base, watermark_id(a, m->name, "$range"));
    return (range > 0 ? range : 0) != watermark_range(w) ? "another range was asked for" : NULL;
}

static bool same_definition(struct arena *a, const struct model *m, const struct lake_snapshot *base)
{
    const char *was = base ? lake_property(base, "cupel.fingerprint") : NULL;
    return was && strcmp(was, fingerprint_text(a, m)) == 0;
}

/* A range is made anew from inputs read whole; that cannot be all there is to say about other rows. */
static bool allow_backfill(const struct workshop *w, const struct model *m, struct err *e)
{
    if (w->full_refresh) {
        fail(e, ERR_USER, "%s: a full refresh makes all rows, a range makes some", m->name);
        return hint(e, "leave out --full-refresh, or --start-date and --end-date");
    }
    if (m->mode == MODE_APPEND) {
        fail(e, ERR_USER, "%s: to append a range again would double its rows", m->name);
        return hint(e, "a model that is to be made again by ranges needs mode merge or partitions");
    }
    return true;
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
    ret->backfill = m->nincremental > 0 && m->uses_range && has_range(w);
    if (ret->backfill && !allow_backfill(w, m, e))
        return false;
    ret->same_definition = same_definition(t->a, m, ret->base);
    ret->reason = why_stale(t->a, w, m, ret);
    ret->stale = ret->reason != NULL;
    if (!ret->stale)
        ret->reason = ret->same_definition
                          ? "up to date"
                          : "up to date; its definition changed: --full-refresh would make all rows anew";
    return true;
}

/* --- what is read --- */

/* The version to read. A killed attempt may have quarantined rows of a version without publishing it: go just
 * as far first, so that no row is quarantined twice. */
static bool read_input(struct arena *a, const struct model *m, const struct lake_snapshot *quarantine,
                       struct model_input *in, struct err *e)
{
    if (in->latest < 0)
        return true;
    int64_t held = quarantine ? lake_txn_version(quarantine, watermark_id(a, m->name, in->table)) : -1;
    struct err ignored; /* a version that the log no longer has cannot be held to */
    if (held > in->watermark && held < in->latest &&
        lake_snapshot(a, &in->where, (struct lake_at){.version = held}, &in->snap, NULL, &ignored))
        return true;
    return lake_snapshot(a, &in->where, LAKE_LATEST, &in->snap, NULL, e) || wrap(e, "table '%s'", in->table);
}

static bool read_changes(struct arena *a, const struct model *m, const struct model_work *work,
                         struct model_input *in, struct err *e)
{
    if (!in->snap || !in->inc)
        return true;
    if (!lake_changes_since(a, &in->where, in->snap, in->watermark, &in->changes, e))
        return wrap(e, "table '%s'", in->table);
    int64_t was = work->base ? lake_txn_version(work->base, watermark_table_id(a, m->name, in->table)) : -1;
    if (in->watermark >= 0 && was >= 0 && was != watermark_table(in->snap))
        in->changes.known = false; /* another table has taken its place */
    return true;
}

bool model_inputs(struct arena *a, const struct workshop *w, const struct model *m, struct model_work *work,
                  struct err *e)
{
    struct lake_snapshot *quarantine = NULL;
    struct lake_table q = asset_table(a, w, quarantine_name(a, m->name));
    bool replaces_all = work->full || m->mode == MODE_REPLACE;
    if (!work->backfill && !model_rejects_are_all(m, replaces_all) && !table_latest(a, &q, &quarantine, e))
        return false;
    for (size_t i = 0; i < work->ninputs; i++) {
        struct model_input *in = &work->inputs[i];
        if (!read_input(a, m, quarantine, in, e))
            return false;
        if (!work->full && !work->backfill && !read_changes(a, m, work, in, e))
            return false;
    }
    return true;
}
