#include "lake/restore.h"

#include <inttypes.h>
#include <string.h>

#include "lake/delta_log.h"
#include "lake/dv.h"
#include "lake/map.h"
#include "lake/path.h"
#include "lake/protocol.h"

struct files list_of(const struct lake_file *);

static struct files not_in(struct arena *a, const struct lake_snapshot *s, const struct lake_snapshot *other)
{
    struct map names = {0};
    struct files out = {0};
    for (size_t i = 0; i < other->nfiles; i++)
        map_add(a, &names, lake_file_id(a, other->files[i].path, other->files[i].dv));
    for (size_t i = 0; i < s->nfiles; i++)
        if (map_find(&names, lake_file_id(a, s->files[i].path, s->files[i].dv)) == SIZE_MAX)
            *arena_push(a, &out) = &s->files[i];
    return out;
}

static bool find_missing(struct arena *a, const struct lake_table *t, struct lake_restore *r, struct err *e)
{
    struct list_of(const char *) missing = {0};
    for (size_t i = 0; i < r->nback; i++) {
        const struct lake_file *f = r->back[i];
        const char *paths[] = {f->path, f->dv ? lake_dv_path(a, f->dv) : NULL};
        for (size_t k = 0; k < countof(paths); k++) {
            bool there = true;
            if (paths[k] && !path_is_absolute(paths[k]) &&
                !t->store->driver->exists(t->store, log_path(a, t, paths[k]), &there, e))
                return false;
            if (!there)
                *arena_push(a, &missing) = paths[k];
        }
    }
    r->missing = missing.v;
    r->nmissing = missing.n;
    return true;
}

/* What a table has once agreed on with its readers and writers cannot be taken back. */
static bool is_of_protocol(const char *key)
{
    static const char *const beginnings[] = {
        "delta.columnMapping.",           "delta.feature.",
        "delta.minReaderVersion",         "delta.minWriterVersion",
        "delta.enableInCommitTimestamps", "delta.inCommitTimestamp",
        "delta.enableRowTracking",        "delta.rowTracking.",
    };
    for (size_t i = 0; i < countof(beginnings); i++)
        if (strncmp(key, beginnings[i], strlen(beginnings[i])) == 0)
            return true;
    return false;
}

static void compare_properties(struct arena *a, struct lake_restore *r)
{
    struct list_of(struct lake_property) out = {0};
    for (size_t i = 0; i < r->then->nproperties; i++) {
        const struct lake_property *p = &r->then->properties[i];
        const char *now = lake_property(r->now, p->key);
        if (!is_of_protocol(p->key) && !(now && p->value && strcmp(now, p->value) == 0))
            *arena_push(a, &out) = *p;
    }
    for (size_t i = 0; i < r->now->nproperties; i++) {
        const struct lake_property *p = &r->now->properties[i];
        if (!is_of_protocol(p->key) && !lake_property(r->then, p->key))
            *arena_push(a, &out) = (struct lake_property){p->key, NULL};
    }
    r->properties = out.v;
    r->nproperties = out.n;
}

static bool same_partitions(const struct lake_snapshot *x, const struct lake_snapshot *y)
{
    bool same = x->npartition_by == y->npartition_by;
    for (size_t i = 0; same && i < x->npartition_by; i++)
        same = strcmp(x->partition_by[i], y->partition_by[i]) == 0;
    return same;
}

static void compare_txns(struct arena *a, struct lake_restore *r)
{
    struct list_of(struct lake_txn) out = {0};
    for (size_t i = 0; i < r->now->ntxns; i++) {
        const struct lake_txn *now = &r->now->txns[i];
        int64_t then = lake_txn_version(r->then, now->app_id);
        if (strncmp(now->app_id, "cupel/", 6) == 0 && now->version != then)
            *arena_push(a, &out) = (struct lake_txn){now->app_id, then};
    }
    r->txns = out.v;
    r->ntxns = out.n;
}

bool lake_restore_plan(struct arena *a, const struct lake_table *t, struct lake_at at,
                       struct lake_restore *ret, struct err *e)
{
    struct lake_snapshot *now, *then;
    struct lake_restore r = {0};
    if (!lake_snapshot(a, t, LAKE_LATEST, &now, NULL, e) || !protocol_may_write(log_table_name(t), now, e) ||
        !lake_snapshot(a, t, at, &then, NULL, e))
        return false;
    r.now = now;
    r.then = then;
    if (now->mapping != then->mapping)
        return fail(e, ERR_DATA,
                    "table '%s' has got column mapping since version %" PRIi64 ", which cannot be taken back",
                    log_table_name(t), then->version);
    struct files back = not_in(a, then, now), gone = not_in(a, now, then);
    r.back = back.v, r.nback = back.n;
    r.gone = gone.v, r.ngone = gone.n;
    compare_properties(a, &r);
    compare_txns(a, &r);
    r.metadata =
        r.nproperties || !same_partitions(now, then) || !lake_schema_equal(&now->schema, &then->schema);
    if (!find_missing(a, t, &r, e))
        return false;
    *ret = r;
    return true;
}

bool lake_restore_empty(const struct lake_restore *r)
{
    return !r->nback && !r->ngone && !r->metadata && !r->ntxns;
}

static bool check_missing(const char *name, const struct lake_restore *r, struct err *e)
{
    enum { NAMED = 3 };
    auto_buf list = BUF(800);
    if (r->nmissing == 0)
        return true;
    for (size_t i = 0; i < r->nmissing && i < NAMED; i++)
        buf_addf(&list, "%s'%s'", i ? ", " : "", r->missing[i]);
    if (r->nmissing > NAMED)
        buf_addf(&list, " and %zu more", r->nmissing - NAMED);
    fail(e, ERR_DATA, "version %" PRIi64 " of table '%s' cannot be restored: %zu of its files are gone: %s",
         r->then->version, name, r->nmissing, list.p);
    return hint(e, "a vacuum removes the files of versions beyond its retention");
}

bool lake_restore_commit(struct arena *a, const struct lake_table *t, const struct lake_restore *r,
                         int64_t *ret_version, struct err *e)
{
    if (!check_missing(log_table_name(t), r, e))
        return false;
    int64_t bytes_back = 0, bytes_gone = 0;
    struct lake_file *adds = arena_make(a, struct lake_file, r->nback);
    for (size_t i = 0; i < r->nback; i++) {
        adds[i] = *r->back[i];
        adds[i].data_change = true;
        bytes_back += adds[i].size;
    }
    for (size_t i = 0; i < r->ngone; i++)
        bytes_gone += r->gone[i]->size;
    const struct lake_commit c = {
        .base = r->now,
        .schema = r->metadata ? &r->then->schema : NULL,
        .partition_by = r->then->partition_by,
        .npartition_by = r->then->npartition_by,
        .properties = r->properties,
        .nproperties = r->nproperties,
        .adds = adds,
        .nadds = r->nback,
        .checked = true, /* when they were written */
        .removes = r->gone,
        .nremoves = r->ngone,
        .txns = r->txns,
        .ntxns = r->ntxns,
        .operation = "RESTORE",
        .parameters = arena_fmt(a, "{\"version\":\"%" PRIi64 "\"}", r->then->version),
        .metrics =
            arena_fmt(a,
                      "{\"numRestoredFiles\":\"%zu\",\"numRemovedFiles\":\"%zu\",\"restoredFilesSize\":"
                      "\"%" PRIi64 "\",\"removedFilesSize\":\"%" PRIi64 "\"}",
                      r->nback, r->ngone, bytes_back, bytes_gone),
    };
    return lake_commit(a, t, &c, ret_version, e);
}
