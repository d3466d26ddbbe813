/* Rows that go: marked in deletion vectors where the table allows it and that is less work, else their files
 * are written again without them. */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "lake/dv.h"

bool vectors_on(const struct lake_snapshot *s)
{
    const char *on = lake_property(s, "delta.enableDeletionVectors");
    bool feature = false;
    for (size_t i = 0; s->writer >= 7 && s->writer_features[i]; i++)
        feature |= strcmp(s->writer_features[i], "deletionVectors") == 0;
    return feature && on && strcasecmp(on, "true") == 0;
}

enum fate vectors_fate(const struct lake_snapshot *s, const struct lake_file *f, size_t hits)
{
    int64_t dead = (int64_t)hits + (f->dv ? f->dv->cardinality : 0);
    if (hits == 0)
        return FATE_STAYS;
    if (f->rows >= 0 && dead >= f->rows)
        return FATE_GOES;
    /* A vector needs statistics that say how many rows there are. */
    bool few = f->rows >= 0 && f->stats && dead <= f->rows / 2;
    return few && vectors_on(s) ? FATE_MARKED : FATE_REWRITTEN;
}

static bool mark(struct arena *a, const struct lake_table *t, const char *uuid, const struct lake_file *f,
                 const struct engine_hits *hits, struct buf *bytes, struct lake_file *ret, struct err *e)
{
    struct rowset old, more, all;
    const char *stats = lake_stats_loose(a, f->stats);
    if (!stats)
        return fail(e, ERR_DATA, "the statistics of '%s' cannot be read", f->path);
    if (!lake_dv_load(a, t, f->dv, &old, e))
        return false;
    rowset_of(a, hits->rows, hits->n, &more);
    rowset_union(a, &old, &more, &all);
    *ret = *f;
    ret->stats = stats;
    ret->data_change = true;
    return lake_dv_append(a, uuid, &all, bytes, &ret->dv, e);
}

bool vectors_write(struct arena *a, const struct workshop *w, const struct lake_table *t, struct staging *st,
                   const struct lake_file *const *files, const struct engine_hits *hits, size_t n,
                   struct lake_file *ret, struct err *e)
{
    const char *uuid = arena_fmt(a, "%s%s", st->token, lake_uuid(a) + strlen(st->token));
    auto_buf bytes = BUF(SIZE_MAX / 2);
    bool taken = false;
    for (size_t i = 0; i < n; i++)
        if (!mark(a, t, uuid, files[i], &hits[i], &bytes, &ret[i], e))
            return false;
    if (n == 0)
        return true;
    const char *path = lake_dv_path(a, ret[0].dv);
    st->vectors = path;
    return w->lake->driver->put_new(w->lake, fs_join(a, t->dir, path), bytes.p, bytes.len, &taken, e) &&
           (!taken || fail(e, ERR_CONFLICT, "the name '%s' is taken", path));
}
