/* A model: its SELECT's rows are staged, checked and published in one commit. */
#include <string.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/log.h"

enum { MAX_REJECTS = 200000 };

struct job { /* one attempt at one model */
    struct task *t;
    const struct workshop *w;
    const struct model *m;
    struct model_work work;
    struct session *s;
    const struct gate *gates;
    const size_t *gate_check;
    size_t ngates;
    struct engine_staged staged; /* what is published: its files lie in the table's folder */
    int64_t rows, rejected;      /* of the SELECT */
    struct list_of(const struct lake_file *) removes;
    struct lake_schema schema; /* of the table after the commit */
    bool schema_changed;
};

/* --- what the inputs mean in this session --- */

static bool whole(struct job *j, const struct model_input *in, const char *name, struct err *e)
{
    if (in->snap)
        return j->w->driver->relation_files(j->s, name, &in->where, in->snap, NULL, 0, e);
    return asset_relation(j->t->a, j->w, j->s, in->table, e);
}

/* Just these files, also when there are none (the engine takes NULL for all). */
static bool some(struct job *j, const struct model_input *in, const char *name,
                 const struct lake_file *const *files, size_t n, struct err *e)
{
    static const struct lake_file *const none[1];
    return j->w->driver->relation_files(j->s, name, &in->where, in->snap, n ? files : none, n, e);
}

/* Files of an input that are not among those added since the watermark: both lists are in order of path. */
static const struct lake_file **older_files(struct arena *a, const struct model_input *in, size_t *ret_n)
{
    const struct lake_file **old = arena_make(a, const struct lake_file *, in->snap->nfiles);
    size_t n = 0;
    for (size_t i = 0; i < in->snap->nfiles; i++) {
        bool added = false;
        for (size_t k = 0; k < in->nadded && !added; k++)
            added = strcmp(in->added[k]->path, in->snap->files[i].path) == 0;
        if (!added)
            old[n++] = &in->snap->files[i];
    }
    *ret_n = n;
    return old;
}

/* The keys that occur in what was added to the keyed inputs: the relation "cupel_touched", column k. *ret is
 * false when there are none. */
static bool touched_keys(struct job *j, bool *ret, struct err *e)
{
    struct arena *a = j->t->a;
    auto_buf sql = BUF(1 << 20);
    size_t n = 0;
    for (size_t i = 0; i < j->work.ninputs; i++) {
        const struct model_input *in = &j->work.inputs[i];
        if (!in->inc || !in->inc->key || in->nadded == 0)
            continue;
        const char *name = arena_fmt(a, "cupel_added_%zu", i);
        if (!some(j, in, name, in->added, in->nadded, e))
            return false;
        buf_addf(&sql, "%sSELECT ", n++ ? " UNION " : "");
        sql_ident(&sql, in->inc->key);
        buf_addf(&sql, " AS k FROM ");
        sql_ident(&sql, name);
    }
    *ret = n > 0;
    return n == 0 || (buf_done(&sql, e) && j->w->driver->relation_sql(j->s, "cupel_touched", sql.p, true, e));
}

/* Added rows, and the older rows of the keys that were touched elsewhere. */
static bool added_and_touched(struct job *j, const struct model_input *in, struct err *e)
{
    struct arena *a = j->t->a;
    size_t n;
    const struct lake_file **old = older_files(a, in, &n);
    const char *added = arena_fmt(a, "cupel_new_%zu", (size_t)(in - j->work.inputs)),
               *before = arena_fmt(a, "cupel_old_%zu", (size_t)(in - j->work.inputs));
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "SELECT * FROM ");
    sql_ident(&sql, added);
    buf_addf(&sql, " UNION ALL SELECT * FROM ");
    sql_ident(&sql, before);
    buf_addf(&sql, " WHERE ");
    sql_ident(&sql, j->m->key[0]);
    buf_addf(&sql, " IN (SELECT k FROM cupel_touched)");
    return some(j, in, added, in->added, in->nadded, e) && some(j, in, before, old, n, e) &&
           buf_done(&sql, e) && j->w->driver->relation_sql(j->s, in->table, sql.p, false, e);
}

static bool input_relation(struct job *j, const struct model_input *in, bool touched, struct err *e)
{
    if (j->work.full || !in->inc || !in->snap || in->inc->key || !in->append_only)
        return whole(j, in, in->table, e);
    if (touched)
        return added_and_touched(j, in, e);
    return some(j, in, in->table, in->added, in->nadded, e);
}

/* View models between the inputs and this one, innermost first. */
static bool views(struct job *j, const struct model *m, struct err *e)
{
    for (size_t i = 0; i < m->ninputs; i++) {
        const struct asset *maker = project_table(j->w->project, m->inputs[i]);
        if (!maker || maker->kind != ASSET_MODEL || maker->model->mode != MODE_VIEW ||
            strcmp(maker->name, m->inputs[i]) != 0)
            continue;
        if (!views(j, maker->model, e) ||
            !j->w->driver->relation_sql(j->s, maker->name, maker->model->sql, false, e))
            return wrap(e, "view '%s'", maker->name);
    }
    return true;
}

static bool relations(struct job *j, struct err *e)
{
    bool touched = false;
    if (!j->work.full && !touched_keys(j, &touched, e))
        return false;
    for (size_t i = 0; i < j->work.ninputs; i++)
        if (!input_relation(j, &j->work.inputs[i], touched, e))
            return wrap(e, "table '%s'", j->work.inputs[i].table);
    return views(j, j->m, e);
}

/* --- staging --- */

static bool replaces_all(const struct job *j)
{
    return j->work.full || j->m->mode == MODE_REPLACE;
}

/* The schema that the table will have, from what the SELECT gives. */
static bool target_schema(struct job *j, struct err *e)
{
    struct arena *a = j->t->a;
    struct lake_field *f = arena_make(a, struct lake_field, j->m->ncolumns);
    for (size_t i = 0; i < j->m->ncolumns; i++)
        f[i] = (struct lake_field){j->m->columns[i].name, j->m->columns[i].type, true, "{}"};
    struct lake_schema gives = {f, j->m->ncolumns};

    if (replaces_all(j) && (!j->work.base || j->m->evolve)) {
        j->schema = gives;
        j->schema_changed = j->work.base && !lake_schema_equal(&gives, &j->work.base->schema);
        return true;
    }
    if (lake_schema_merge(a, &j->work.base->schema, &gives, j->m->evolve, &j->schema, &j->schema_changed, e))
        return true;
    wrap(e, "table '%s'", j->m->name);
    return hint(e, "`cupel run --full-refresh -s %s` makes the table anew with the new schema", j->m->name);
}

static bool stage_into(struct job *j, const char *sql, struct engine_params params, struct store *store,
                       const char *dir, bool final, bool gated, struct engine_staged *ret, struct err *e)
{
    struct engine_stage stage = {
        .sql = sql,
        .params = params,
        .store = store,
        .dir = dir,
        .schema = &j->schema,
        .partition_by = final ? j->m->partition_by : NULL,
        .npartition_by = final ? j->m->npartition_by : 0,
        .gates = gated ? j->gates : NULL,
        .ngates = gated ? j->ngates : 0,
        .reject = gated ? j->m->reject : NULL,
        .max_rejects = MAX_REJECTS,
    };
    return j->w->driver->stage(j->t->a, j->s, &stage, ret, e);
}

/* The rows of the model's SELECT, past their gates. */
static bool stage_select(struct job *j, struct store *store, const char *dir, bool final,
                         struct engine_staged *ret, struct err *e)
{
    struct engine_params params = project_params(j->t->a, j->w->project, &j->w->params);
    if (!stage_into(j, j->m->sql, params, store, dir, final, true, ret, e))
        return wrap(e, "%s", j->m->name);
    j->rows = ret->rows;
    j->rejected = ret->rejected;
    return true;
}

static void remove_staged(struct job *j)
{
    struct err ignored;
    for (size_t i = 0; i < j->staged.nfiles; i++) {
        const char *path = fs_join(j->t->a, j->work.table.dir, j->staged.files[i].path);
        if (!j->w->lake->driver->remove(j->w->lake, path, &ignored))
            log_debug(EV("staged.left"), KV("file", path));
    }
    j->staged.nfiles = 0;
}

/* The smallest and greatest value of the first key column among the staged files decide which files of the
 * table can hold a row to be replaced; of those the engine tells which do. */
static bool find_hits(struct job *j, struct err *e)
{
    const struct lake_snapshot *base = j->work.base;
    const struct lake_file **all = arena_make(j->t->a, const struct lake_file *, base->nfiles);
    bool *hit = arena_make(j->t->a, bool, base->nfiles);
    for (size_t i = 0; i < base->nfiles; i++)
        all[i] = &base->files[i];
    if (!j->w->driver->matching_files(j->s, &j->work.table, base, all, base->nfiles, j->m->key, j->m->nkey,
                                      "cupel_in", hit, e))
        return false;
    for (size_t i = 0; i < base->nfiles; i++)
        if (hit[i])
            *arena_push(j->t->a, &j->removes) = all[i];
    return true;
}

static void same_key(struct buf *b, const struct model *m, const char *x, const char *y)
{
    for (size_t i = 0; i < m->nkey; i++) {
        buf_addf(b, "%s%s.", i ? " AND " : "", x);
        sql_ident(b, m->key[i]);
        buf_addf(b, " = %s.", y);
        sql_ident(b, m->key[i]);
    }
}

/* Rows of the touched files that stay, and the new rows; one that is older than what is there is left out. */
static void merge_select(struct buf *b, const struct model *m)
{
    buf_addf(b, "SELECT o.* FROM cupel_hit AS o WHERE NOT EXISTS (SELECT 1 FROM cupel_in AS i WHERE ");
    same_key(b, m, "i", "o");
    if (m->sequence_by) {
        buf_addf(b, " AND (o.");
        sql_ident(b, m->sequence_by);
        buf_addf(b, " IS NULL OR i.");
        sql_ident(b, m->sequence_by);
        buf_addf(b, " >= o.");
        sql_ident(b, m->sequence_by);
        buf_addf(b, ")");
    }
    buf_addf(b, ") UNION ALL BY NAME SELECT i.* FROM cupel_in AS i");
    if (m->sequence_by) {
        buf_addf(b, " WHERE NOT EXISTS (SELECT 1 FROM cupel_hit AS o WHERE ");
        same_key(b, m, "i", "o");
        buf_addf(b, " AND o.");
        sql_ident(b, m->sequence_by);
        buf_addf(b, " > i.");
        sql_ident(b, m->sequence_by);
        buf_addf(b, ")");
    }
}

static struct lake_snapshot as_table(const struct job *j, const struct engine_staged *staged,
                                     bool partitioned)
{
    return (struct lake_snapshot){.schema = j->schema,
                                  .partition_by = j->m->partition_by,
                                  .npartition_by = partitioned ? j->m->npartition_by : 0,
                                  .files = staged->files,
                                  .nfiles = staged->nfiles};
}

/* Keys that come twice cannot be merged. */
static bool unique_in(struct job *j, struct err *e)
{
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "SELECT count(*) FROM (SELECT 1 FROM cupel_in GROUP BY ");
    for (size_t i = 0; i < j->m->nkey; i++) {
        buf_addf(&sql, "%s", i ? ", " : "");
        sql_ident(&sql, j->m->key[i]);
    }
    buf_addf(&sql, " HAVING count(*) > 1)");
    int64_t n;
    if (!buf_done(&sql, e) || !engine_int(j->w->driver, j->s, sql.p, &n, NULL, e))
        return false;
    if (n == 0)
        return true;
    fail(e, ERR_DATA, "%s: its SELECT gives %lld key%s more than once", j->m->name, (long long)n,
         n == 1 ? "" : "s");
    return hint(
        e,
        "a merge needs one row a key: e.g. QUALIFY row_number() OVER (PARTITION BY %s ORDER BY ... DESC) = 1",
        j->m->key[0]);
}

/* New rows go to a folder of their own first; then the files of the table that hold rows to be replaced are
 * written again together with them. */
static bool stage_merge(struct job *j, struct err *e)
{
    struct arena *a = j->t->a;
    const char *root = fs_join(a, j->w->project->state, "stage");
    const char *dir = lake_uuid(a);
    struct store *stage;
    if (!fs_mkdirs(fs_join(a, root, dir), e) || !store_open(a, root, &stage, e))
        return false;

    struct engine_staged in = {0};
    auto_buf sql = BUF(1 << 20);
    merge_select(&sql, j->m);
    const struct model_input own = {.where = j->work.table, .snap = j->work.base};
    struct lake_table in_table = {.store = stage, .dir = dir, .clock = j->w->clock};
    bool ok = buf_done(&sql, e) && stage_select(j, stage, dir, false, &in, e);
    struct lake_snapshot in_snap = as_table(j, &in, false);
    ok = ok && j->w->driver->relation_files(j->s, "cupel_in", &in_table, &in_snap, NULL, 0, e) &&
         unique_in(j, e) && find_hits(j, e) && some(j, &own, "cupel_hit", j->removes.v, j->removes.n, e) &&
         (in.rows == 0 || stage_into(j, sql.p, (struct engine_params){0}, j->w->lake, j->work.table.dir, true,
                                     false, &j->staged, e));
    if (in.rows == 0)
        j->removes.n = 0;
    in.files = j->staged.files;
    in.nfiles = j->staged.nfiles;
    j->staged.rejects = in.rejects;
    j->staged.nrejects = in.nrejects;
    j->staged.gate_failed = in.gate_failed;
    struct err ignored;
    if (!fs_remove_tree(fs_join(a, root, dir), &ignored))
        log_debug(EV("staged.left"), KV("file", dir));
    return ok;
}

/* Files of the partitions that the staged files belong to. */
static void replace_partitions(struct job *j)
{
    const struct lake_snapshot *base = j->work.base;
    for (size_t i = 0; i < base->nfiles; i++) {
        bool same = false;
        for (size_t k = 0; k < j->staged.nfiles && !same; k++) {
            same = true;
            for (size_t c = 0; c < base->npartition_by && same; c++) {
                const char *x = base->files[i].values[c], *y = j->staged.files[k].values[c];
                same = x && y ? strcmp(x, y) == 0 : x == y;
            }
        }
        if (same)
            *arena_push(j->t->a, &j->removes) = &base->files[i];
    }
}

static void replace_all(struct job *j)
{
    for (size_t i = 0; j->work.base && i < j->work.base->nfiles; i++)
        *arena_push(j->t->a, &j->removes) = &j->work.base->files[i];
}

static bool stage(struct job *j, struct err *e)
{
    if (!replaces_all(j) && j->m->mode == MODE_MERGE)
        return stage_merge(j, e);
    if (!stage_select(j, j->w->lake, j->work.table.dir, true, &j->staged, e))
        return false;
    if (replaces_all(j))
        replace_all(j);
    else if (j->m->mode == MODE_PARTITIONS)
        replace_partitions(j);
    return true;
}

/* --- audit --- */

static void gate_results(struct job *j, struct asset_result *ret)
{
    for (size_t i = 0; i < j->ngates; i++)
        ret->checks[ret->nchecks++] =
            (struct check_result){j->gates[i].name, j->gates[i].warn ? "warn" : "error",
                                  j->staged.gate_failed ? j->staged.gate_failed[i] : 0};
}

static bool passing(struct job *j, struct err *e)
{
    int64_t all = j->rows + j->rejected;
    if (all == 0 || (double)j->rows / (double)all >= j->m->passing)
        return true;

    auto_buf why = BUF(400);
    for (size_t i = 0; i < j->ngates; i++)
        if (!j->gates[i].warn && j->staged.gate_failed && j->staged.gate_failed[i])
            buf_addf(&why, "%s%s (%lld)", why.len ? ", " : "", j->gates[i].name,
                     (long long)j->staged.gate_failed[i]);
    if (j->staged.nrejects && j->staged.rejects[0].nreasons)
        buf_addf(&why, "%sfirst: %.80s", why.len ? "; " : "", j->staged.rejects[0].reasons[0]);
    fail(e, ERR_DATA, "%s: %lld of %lld rows failed their checks, at most %.3g %% may: %s", j->m->name,
         (long long)j->rejected, (long long)all, (1 - j->m->passing) * 100, why.p);
    return hint(e, "nothing was published: readers still see the table as it was");
}

/* Files of older schemas stay in the table: readers must look for columns by name. */
static bool keeps_older_schema(const struct job *j)
{
    return j->schema_changed && !replaces_all(j);
}

/* The table as it would be: what stays of it, and the staged files. */
static bool own_relation(struct job *j, struct err *e)
{
    struct arena *a = j->t->a;
    size_t nbase = j->work.base ? j->work.base->nfiles : 0;
    struct lake_file *files = arena_make(a, struct lake_file, nbase + j->staged.nfiles);
    size_t n = 0;
    for (size_t i = 0, r = 0; i < nbase; i++) {
        if (r < j->removes.n && j->removes.v[r] == &j->work.base->files[i])
            r++;
        else
            files[n++] = j->work.base->files[i];
    }
    for (size_t i = 0; i < j->staged.nfiles; i++)
        files[n++] = j->staged.files[i];

    static const struct lake_property evolved = {"cupel.schemaEvolved", "true"};
    struct lake_snapshot snap = as_table(j, &(struct engine_staged){.files = files, .nfiles = n}, true);
    if (keeps_older_schema(j)) {
        snap.properties = &evolved;
        snap.nproperties = 1;
    } else if (j->work.base) {
        snap.properties = j->work.base->properties;
        snap.nproperties = j->work.base->nproperties;
    }
    return j->w->driver->relation_files(j->s, j->m->name, &j->work.table, &snap, NULL, 0, e);
}

static bool audit(struct job *j, struct asset_result *ret, struct err *e)
{
    ret->checks = arena_make(j->t->a, struct check_result, j->ngates + j->m->nchecks);
    gate_results(j, ret);
    return passing(j, e) && own_relation(j, e) &&
           check_table(j->t, j->w, j->s, j->m, ret->checks, &ret->nchecks, e);
}

/* --- publish --- */

static struct lake_txn *watermarks(struct job *j, size_t *ret_n)
{
    struct arena *a = j->t->a;
    struct lake_txn *txns = arena_make(a, struct lake_txn, j->work.ninputs + 1);
    size_t n = 0;
    for (size_t i = 0; i < j->work.ninputs; i++)
        if (j->work.inputs[i].snap)
            txns[n++] = (struct lake_txn){watermark_id(a, j->m->name, j->work.inputs[i].table),
                                          j->work.inputs[i].snap->version};
    if (j->m->uses_now)
        txns[n++] = (struct lake_txn){watermark_id(a, j->m->name, "$now"), j->w->params.now_us};
    *ret_n = n;
    return txns;
}

static const char *operation(const struct job *j)
{
    if (!j->work.base)
        return "CREATE TABLE AS SELECT";
    return !replaces_all(j) && j->m->mode == MODE_MERGE ? "MERGE" : "WRITE";
}

static bool publish(struct job *j, struct asset_result *ret, struct err *e)
{
    struct arena *a = j->t->a;
    size_t ntxns;
    const struct lake_txn *txns = watermarks(j, &ntxns);
    const struct quarantine q = {.rows = j->staged.rejects,
                                 .n = j->staged.nrejects,
                                 .replace = replaces_all(j),
                                 .txns = txns,
                                 .ntxns = ntxns};
    if (!quarantine_write(j->t, j->w, j->m, &q, e))
        return false;

    bool changed = !j->work.base || j->schema_changed;
    const struct lake_property properties[] = {
        {"cupel.fingerprint", fingerprint_text(a, j->m)},
        {"cupel.schemaEvolved", keeps_older_schema(j) ? "true" : NULL},
    };
    bool redefined = replaces_all(j) && j->work.base && !j->work.same_definition;
    struct lake_commit c = {
        .base = j->work.base,
        .schema = changed || redefined ? &j->schema : NULL,
        .partition_by = j->m->partition_by,
        .npartition_by = j->m->npartition_by,
        .properties = properties,
        .nproperties = changed || redefined ? countof(properties) : 0,
        .adds = j->staged.files,
        .nadds = j->staged.nfiles,
        .removes = j->removes.v,
        .nremoves = j->removes.n,
        .txns = txns,
        .ntxns = ntxns,
        .blind = j->m->mode == MODE_APPEND && !replaces_all(j),
        .operation = operation(j),
        .parameters = replaces_all(j) ? "{\"mode\":\"Overwrite\"}" : "{}",
        .metrics =
            arena_fmt(a, "{\"numOutputRows\":\"%lld\",\"numFiles\":\"%zu\",\"numRemovedFiles\":\"%zu\"}",
                      (long long)j->rows, j->staged.nfiles, j->removes.n),
        .run_id = j->t->run_id,
    };
    if (!lake_commit(a, &j->work.table, &c, &ret->version, e))
        return wrap(e, "table '%s'", j->m->name);
    ret->outcome = OUTCOME_UPDATED;
    ret->rows = j->rows;
    ret->quarantined = j->rejected;
    return true;
}

bool model_run(struct task *t, const struct workshop *w, const struct model *m, struct asset_result *ret,
               struct err *e)
{
    struct job j = {.t = t, .w = w, .m = m};
    ret->version = -1;
    if (m->mode == MODE_VIEW) {
        ret->note = "a view: made where it is read";
        return true;
    }
    if (!model_work(t, w, m, &j.work, e))
        return false;
    if (!j.work.stale) {
        ret->note = j.work.reason;
        ret->version = j.work.base ? j.work.base->version : -1;
        return true;
    }
    check_gates(t->a, m, &j.gates, &j.gate_check, &j.ngates);
    if (!w->driver->session(t->a, w->engine, t, &j.s, e) || !relations(&j, e) || !target_schema(&j, e))
        return false;
    if (stage(&j, e) && audit(&j, ret, e) && publish(&j, ret, e))
        return true;
    remove_staged(&j);
    return false;
}
