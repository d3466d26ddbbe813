#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lake/mapping.h"
#include "lake/protocol.h"
#include "lake/replay.h"

static int by_path(const void *x, const void *y)
{
    const struct lake_file *f = x, *g = y;
    int order = strcmp(f->path, g->path);
    if (order || (!f->dv && !g->dv))
        return order;
    auto_arena *a = arena_new(); /* hardly ever: two vectors of one file */
    return strcmp(lake_file_id(a, f->path, f->dv), lake_file_id(a, g->path, g->dv));
}

const char *lake_file_id(struct arena *a, const char *path, const struct lake_dv *dv)
{
    if (!dv)
        return path;
    return dv->offset < 0
               ? arena_fmt(a, "%s\n%c%s", path, dv->storage, dv->path_or_inline)
               : arena_fmt(a, "%s\n%c%s@%" PRIi64, path, dv->storage, dv->path_or_inline, dv->offset);
}

/* The values in the order of the columns. Empty is null, by the protocol. */
static const char *const *values_of(struct arena *a, const struct file_act *f, const char *const *columns,
                                    size_t n)
{
    const char **values = arena_make(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < f->nvalues; k++)
            if (strcmp(f->values[k].key, columns[i]) == 0)
                values[i] = f->values[k].value && *f->values[k].value ? f->values[k].value : NULL;
    return values;
}

static void gather_files(struct arena *a, const struct replay *r, struct lake_snapshot *s)
{
    const char **columns = arena_make(a, const char *, s->npartition_by);
    for (size_t i = 0; i < s->npartition_by; i++)
        columns[i] = lake_physical_name(s, s->partition_by[i]);
    size_t n = 0;
    for (size_t i = 0; i < r->entries.n; i++)
        n += r->entries.v[i].live;
    struct lake_file *files = arena_make(a, struct lake_file, n);
    n = 0;
    for (size_t i = 0; i < r->entries.n; i++) {
        const struct file_act *f = r->entries.v[i].file;
        if (!r->entries.v[i].live)
            continue;
        files[n++] = (struct lake_file){
            .path = f->path,
            .log_path = f->log_path,
            .values = values_of(a, f, columns, s->npartition_by),
            .dv = f->dv,
            .tags = f->tags,
            .row_ids = f->row_ids,
            .clustered_by = f->clustered_by,
            .size = f->size,
            .mtime_ms = f->time_ms,
            .rows = f->rows,
            .stats = f->stats,
            .version = r->entries.v[i].version,
            .data_change = f->data_change,
        };
    }
    if (n)
        qsort(files, n, sizeof *files, by_path);
    s->files = files;
    s->nfiles = n;
}

static void gather_domains(struct arena *a, const struct replay *r, struct lake_snapshot *s)
{
    struct lake_domain *domains = arena_make(a, struct lake_domain, r->domains.n);
    for (size_t i = 0; i < r->domains.n; i++)
        if (!r->domains.v[i]->removed)
            domains[s->ndomains++] =
                (struct lake_domain){r->domains.v[i]->domain, r->domains.v[i]->configuration};
    s->domains = domains;
}

static enum lake_mapping mapping_of(const struct replay *r)
{
    const char *mode = protocol_mapping(r->protocol, r->metadata);
    if (!mode)
        return LAKE_MAPPING_NONE;
    return strcasecmp(mode, "id") == 0 ? LAKE_MAPPING_ID : LAKE_MAPPING_NAME;
}

static bool gather_metadata(struct arena *a, const struct replay *r, struct lake_snapshot *s, struct err *e)
{
    const struct metadata *m = r->metadata;
    const char *name = log_table_name(r->t);
    if (m->provider && strcmp(m->provider, "parquet") != 0)
        return fail(e, ERR_DATA, "table '%s' has files of format '%s': only parquet can be read", name,
                    m->provider);
    if (!m->schema)
        return fail(e, ERR_DATA, "table '%s' has no schema", name);
    if (!lake_schema_parse(a, m->schema, &s->schema, e))
        return wrap(e, "table '%s' (protocol %d, %d)", name, r->protocol->reader, r->protocol->writer);
    s->table_id = m->id;
    s->name = m->name;
    s->description = m->description;
    s->created_ms = m->created_ms;
    s->partition_by = m->partition_by;
    s->npartition_by = m->npartition_by;

    struct lake_property *props = arena_make(a, struct lake_property, m->nconfiguration);
    for (size_t i = 0; i < m->nconfiguration; i++)
        props[i] = (struct lake_property){m->configuration[i].key, m->configuration[i].value};
    s->properties = props;
    s->nproperties = m->nconfiguration;
    s->mapping = mapping_of(r);
    if (s->mapping != LAKE_MAPPING_NONE && !mapping_read(a, &s->schema, e))
        return wrap(e, "table '%s'", name);
    return true;
}

bool lake_snapshot(struct arena *a, const struct lake_table *t, struct lake_at at, struct lake_snapshot **ret,
                   bool *ret_missing, struct err *e)
{
    struct replay r;
    struct lake_snapshot *s = arena_make(a, struct lake_snapshot, 1);
    if (!replay_log(a, t, at, false, &r, ret_missing, e))
        return false;
    s->version = r.version;
    s->timestamp_ms = r.timestamp_ms;
    s->log_bytes = r.log_bytes;
    s->reader = r.protocol->reader;
    s->writer = r.protocol->writer;
    s->reader_features = r.protocol->reader_features;
    s->writer_features = r.protocol->writer_features;

    struct lake_txn *txns = arena_make(a, struct lake_txn, r.txns.n);
    for (size_t i = 0; i < r.txns.n; i++)
        txns[i] = (struct lake_txn){r.txns.v[i]->app_id, r.txns.v[i]->version};
    s->txns = txns;
    s->ntxns = r.txns.n;

    if (!gather_metadata(a, &r, s, e))
        return false;
    gather_files(a, &r, s);
    gather_domains(a, &r, s);
    *ret = s;
    return true;
}

const char *lake_physical_name(const struct lake_snapshot *s, const char *column)
{
    for (size_t i = 0; i < s->schema.n && s->mapping != LAKE_MAPPING_NONE; i++)
        if (strcmp(s->schema.fields[i].name, column) == 0)
            return lake_physical(&s->schema.fields[i]);
    return column;
}

bool lake_latest(const struct lake_table *t, int64_t *ret, struct err *e)
{
    auto_arena *a = arena_new();
    struct log_listing l;
    int64_t hint_version = log_hint(t);
    if (!log_list(a, t, hint_version > 0 ? hint_version : 0, &l, e))
        return false;
    if (hint_version > 0 && log_last(&l) < hint_version && !log_list(a, t, 0, &l, e))
        return false;
    *ret = log_last(&l);
    return true;
}

int64_t lake_txn_version(const struct lake_snapshot *s, const char *app_id)
{
    for (size_t i = 0; i < s->ntxns; i++)
        if (strcmp(s->txns[i].app_id, app_id) == 0)
            return s->txns[i].version;
    return -1;
}

const char *lake_property(const struct lake_snapshot *s, const char *key)
{
    for (size_t i = 0; i < s->nproperties; i++)
        if (strcmp(s->properties[i].key, key) == 0)
            return s->properties[i].value;
    return NULL;
}
