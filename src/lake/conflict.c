#include "lake/conflict.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* What the other commit did. */
struct deeds {
    struct arena *a;
    struct intent *in;
    bool blind, metadata, protocol;
    const char *added, *removed; /* one of the files that change what the table's rows are */
    const char *unread;          /* added, with rows that this commit would have read */
    const char *ours;            /* a file that we remove too */
    const char *app;             /* a txn that we write too */
};

static bool is_ours(const struct deeds *d, const struct file_act *f)
{
    return map_find(&d->in->removes, lake_file_id(d->a, f->path, f->dv)) != SIZE_MAX;
}

static int by_path(const void *x, const void *y)
{
    return strcmp(((const struct lake_file *)x)->path, ((const struct lake_file *)y)->path);
}

static const char *const *values_of(struct arena *a, const struct lake_snapshot *s, const struct file_act *f)
{
    const char **values = arena_make(a, const char *, s->npartition_by);
    for (size_t i = 0; i < s->npartition_by; i++)
        for (size_t k = 0; k < f->nvalues; k++)
            if (strcmp(f->values[k].key, lake_physical_name(s, s->partition_by[i])) == 0)
                values[i] = f->values[k].value && *f->values[k].value ? f->values[k].value : NULL;
    return values;
}

/* Can an added file have rows that this commit would have had to read? One that it knew, and of which others
 * only took rows away, has none: it would be among the removes. */
static bool concerns(const struct deeds *d, const struct file_act *f)
{
    const struct lake_commit *c = d->in->commit;
    const struct lake_file file = {.path = f->path, .stats = f->stats, .values = values_of(d->a, c->base, f)};
    if (!c->nreads)
        return true;
    if (c->base->nfiles && bsearch(&file, c->base->files, c->base->nfiles, sizeof file, by_path))
        return false;
    return lake_file_may_hold(c->base, &file, c->reads, c->nreads);
}

static bool take(void *arg, const struct action *x, struct err *e)
{
    (void)e;
    struct deeds *d = arg;
    const struct lake_commit *c = d->in->commit;
    if (x->add && x->add->data_change) {
        d->added = x->add->path;
        d->unread = concerns(d, x->add) ? x->add->path : d->unread;
    }
    if (x->remove && x->remove->data_change)
        d->removed = x->remove->path;
    if (x->remove && is_ours(d, x->remove))
        d->ours = x->remove->path;
    d->metadata |= x->metadata != NULL;
    d->protocol |= x->protocol != NULL;
    d->blind |= x->info && x->info->blind;
    if (x->info && x->info->timestamp_ms > d->in->last_ms)
        d->in->last_ms = x->info->timestamp_ms;
    for (size_t i = 0; x->txn && i < c->ntxns; i++)
        if (strcmp(c->txns[i].app_id, x->txn->app_id) == 0)
            d->app = x->txn->app_id;
    return true;
}

void intent_init(struct arena *a, struct intent *in, const struct lake_table *t, const struct lake_commit *c,
                 bool changes_metadata)
{
    *in = (struct intent){
        .t = t, .commit = c, .blind = c->blind && !c->nremoves, .changes_metadata = changes_metadata};
    in->last_ms = c->base ? c->base->timestamp_ms : 0;
    in->moves = c->nadds > 0 && c->nremoves > 0 && !changes_metadata;
    for (size_t i = 0; i < c->nadds; i++)
        in->moves = in->moves && !c->adds[i].data_change;
    for (size_t i = 0; i < c->nremoves; i++)
        map_add(a, &in->removes, lake_file_id(a, c->removes[i]->path, c->removes[i]->dv));
}

static bool judge(const struct deeds *d, int64_t version, struct err *e)
{
    const struct intent *in = d->in;
    const char *name = log_table_name(in->t);
    const char *what = NULL, *which = NULL;
    if (d->protocol)
        what = "changed its protocol";
    else if (d->metadata)
        what = "changed its schema or properties";
    else if (d->app)
        what = "has the same txn: ", which = d->app;
    else if (d->ours)
        what = "removed a file that this one replaces: ", which = d->ours;
    else if (in->moves)
        return true;
    else if (!in->blind && !in->commit->nreads && d->removed)
        what = "removed rows that this one has read: ", which = d->removed;
    /* What a blind append added may be thought of as having come after us. */
    else if (!in->blind && in->changes_metadata && d->added)
        what = "added rows that this one has not seen: ", which = d->added;
    else if (!in->blind && !(d->blind && !d->removed) && d->unread)
        what = "added rows that this one has not seen: ", which = d->unread;
    if (!what)
        return true;
    return fail(e, ERR_CONFLICT, "version %" PRIi64 " of table '%s', committed meanwhile, %s%s", version,
                name, what, which ? which : "");
}

bool conflict_check(struct intent *in, int64_t version, bool *ret_there, struct err *e)
{
    auto_arena *a = arena_new();
    struct deeds d = {.a = a, .in = in};
    bool missing = false;
    if (!log_read_commit(a, in->t, version, WANT_STATE, take, &d, &missing, NULL, e)) {
        *ret_there = false;
        return missing;
    }
    *ret_there = true;
    return judge(&d, version, e);
}
