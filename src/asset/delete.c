/* Rows of which a condition is true go. */
#include <inttypes.h>
#include <string.h>

#include "asset/internal.h"
#include "asset/maintain.h"
#include "base/json.h"

struct file_list list_of(const struct lake_file *);

struct deletion { /* one attempt */
    struct task *t;
    const struct workshop *w;
    const char *name, *where;
    struct lake_table table;
    struct lake_snapshot *base;
    struct session *s;
    struct file_list removes, rewritten, marked;
    struct list_of(struct engine_hits) hits; /* of those marked */
    int64_t kept;                            /* rows to be written again; -1 = nobody can tell */
    struct staging staging;
    struct lake_file *adds;
    size_t nadds;
    struct delete_result *ret;
};

/* The condition is one, on the table's columns. */
static bool check_condition(struct deletion *d, struct err *e)
{
    struct arena *a = d->t->a;
    auto_buf sql = BUF(1 << 20);
    struct engine_column *cols;
    size_t n;
    buf_addf(&sql, "SELECT (%s\n) AS goes FROM ", d->where);
    sql_table(&sql, d->name);
    buf_addf(&sql, " AS target");
    if (!buf_done(&sql, e) || !asset_relations(a, d->w, d->s, sql.p, (struct src){0}, e) ||
        !d->w->driver->bind(a, d->s, sql.p, (struct engine_params){0}, (struct src){0}, &cols, &n, e))
        return wrap(e, "--where");
    return (n == 1 && strcmp(cols[0].sql_type, "BOOLEAN") == 0) ||
           fail(e, ERR_USER, "--where is no condition: it is %s", cols[0].sql_type);
}

/* Which rows go, and what becomes of their files. */
static bool find_rows(struct deletion *d, struct err *e)
{
    struct arena *a = d->t->a;
    size_t n = d->base->nfiles;
    const struct lake_file **files = arena_make(a, const struct lake_file *, n);
    struct engine_hits *hits = arena_make(a, struct engine_hits, n);
    for (size_t i = 0; i < n; i++)
        files[i] = &d->base->files[i];
    if (!d->w->driver->matching_rows(a, d->s, &d->table, d->base, files, n, d->where, hits, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const struct lake_file *f = files[i];
        enum fate fate = vectors_fate(d->base, f, hits[i].n);
        if (fate == FATE_STAYS)
            continue;
        *arena_push(a, &d->removes) = f;
        d->ret->rows += (int64_t)hits[i].n;
        if (fate == FATE_MARKED) {
            *arena_push(a, &d->marked) = f;
            *arena_push(a, &d->hits) = hits[i];
        }
        if (fate == FATE_REWRITTEN) {
            int64_t live = f->rows < 0 ? -1 : f->rows - (f->dv ? f->dv->cardinality : 0) - (int64_t)hits[i].n;
            *arena_push(a, &d->rewritten) = f;
            d->kept = d->kept < 0 || live < 0 ? -1 : d->kept + live;
        }
    }
    d->ret->files = d->removes.n;
    d->ret->marked = d->marked.n;
    d->ret->rewritten = d->rewritten.n;
    return true;
}

/* The rows that stay, of the files that are written again. */
static bool rewrite(struct deletion *d, struct engine_staged *ret, struct err *e)
{
    auto_buf sql = BUF(1 << 20);
    buf_addf(&sql, "SELECT target.* FROM cupel_hit AS target WHERE (%s\n) IS NOT TRUE", d->where);
    const struct lake_indexed indexed = lake_indexed(d->base->properties, d->base->nproperties);
    const struct engine_stage stage = {.sql = sql.p,
                                       .indexed = &indexed,
                                       .store = d->w->lake,
                                       .dir = d->table.dir,
                                       .token = d->staging.token,
                                       .schema = &d->base->schema,
                                       .partition_by = d->base->partition_by,
                                       .npartition_by = d->base->npartition_by};
    if (d->rewritten.n == 0)
        return true;
    if (!buf_done(&sql, e) ||
        !d->w->driver->relation_files(d->s, "cupel_hit", &d->table, d->base, d->rewritten.v, d->rewritten.n,
                                      e) ||
        !d->w->driver->stage(d->t->a, d->s, &stage, ret, e))
        return false;
    return d->kept < 0 || d->kept == ret->rows ||
           fail(e, ERR_DATA,
                "--where does not say the same each time: %" PRIi64 " rows would stay, and then %" PRIi64,
                d->kept, ret->rows);
}

static bool write_feed(struct deletion *d, struct err *e)
{
    auto_buf sql = BUF(1 << 20);
    const struct lake_snapshot *base = d->base;
    if (d->marked.n + d->rewritten.n == 0 || !feed_on(base->properties, base->nproperties))
        return true; /* whole files go: that says it */
    buf_addf(&sql, "SELECT target.*, 'delete' AS _change_type FROM cupel_old AS target WHERE (%s\n)",
             d->where);
    return buf_done(&sql, e) &&
           d->w->driver->relation_files(d->s, "cupel_old", &d->table, base, d->removes.v, d->removes.n, e) &&
           feed_stage(d->t->a, d->w, d->s, &d->table, &base->schema, base->partition_by, base->npartition_by,
                      sql.p, &d->staging, e);
}

static bool write_files(struct deletion *d, struct err *e)
{
    struct engine_staged staged = {0};
    size_t n = d->marked.n;
    bool ok = rewrite(d, &staged, e);
    d->adds = arena_make(d->t->a, struct lake_file, n + staged.nfiles);
    for (size_t i = 0; i < staged.nfiles; i++)
        d->adds[i] = staged.files[i];
    d->nadds = staged.nfiles;
    if (!ok || !vectors_write(d->t->a, d->w, &d->table, &d->staging, d->marked.v, d->hits.v, n,
                              d->adds + staged.nfiles, e))
        return false;
    d->nadds += n;
    return write_feed(d, e);
}

static bool publish(struct deletion *d, struct err *e)
{
    struct arena *a = d->t->a;
    auto_buf list = BUF(1 << 20), parameters = BUF(4 << 20);
    buf_addf(&list, "[");
    json_quote(&list, d->where, strlen(d->where));
    buf_addf(&list, "]");
    buf_addf(&parameters, "{\"predicate\":");
    json_quote(&parameters, list.p, list.len);
    buf_addf(&parameters, "}");
    const struct lake_commit c = {
        .base = d->base,
        .adds = d->adds,
        .nadds = d->nadds,
        .changes = d->staging.changes,
        .nchanges = d->staging.nchanges,
        .checked = true, /* when they were written first */
        .removes = d->removes.v,
        .nremoves = d->removes.n,
        .operation = "DELETE",
        .parameters = parameters.p,
        .metrics = arena_fmt(a,
                             "{\"numDeletedRows\":\"%" PRIi64
                             "\",\"numRemovedFiles\":\"%zu\",\"numAddedFiles\":\"%zu\","
                             "\"numDeletionVectorsAdded\":\"%zu\"}",
                             d->ret->rows, d->removes.n - d->marked.n, d->nadds - d->marked.n, d->marked.n),
        .run_id = d->t->run_id,
    };
    if (!buf_done(&list, e) || !buf_done(&parameters, e)) {
        staging_drop(d->w, &d->table, &d->staging, d->adds, d->nadds);
        return false;
    }
    return staging_commit(a, d->w, &d->table, &d->staging, &c, &d->ret->version, e);
}

bool asset_delete(struct task *t, const struct workshop *w, const char *table, const char *where,
                  bool dry_run, struct delete_result *ret, struct err *e)
{
    struct deletion d = {
        .t = t, .w = w, .name = table, .where = where, .table = asset_table(t->a, w, table), .ret = ret};
    *ret = (struct delete_result){.version = -1};
    if (!table_latest(t->a, &d.table, &d.base, e))
        return false;
    if (!d.base)
        return asset_no_table(w->project, table, (struct src){0}, e);
    if (!lake_may_change(&d.table, d.base, true, e) || !w->driver->session(t->a, w->engine, t, &d.s, e) ||
        !check_condition(&d, e) || !find_rows(&d, e))
        return false;
    if (dry_run || ret->rows == 0)
        return true;
    if (!staging_begin(t->a, w, &d.table, d.base, &d.staging, e))
        return false;
    if (write_files(&d, e))
        return publish(&d, e);
    staging_drop(w, &d.table, &d.staging, d.adds, d.nadds);
    return false;
}
