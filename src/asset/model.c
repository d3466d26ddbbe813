/* A model: its SELECT's rows are staged, checked and published in one commit. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/log.h"
#include "lake/map.h"

enum { MAX_REJECTS = 200000 };

/* --- what the table will be --- */

bool job_replaces_all(const struct job *j)
{
    return j->work.full || j->m->mode == MODE_REPLACE || j->everything;
}

static bool keep_schema(struct job *j, const struct lake_schema *gives, struct err *e)
{
    bool widen = j->m->evolve && lake_may_widen(j->properties.v, j->properties.n);
    if (lake_schema_merge(j->t->a, &j->work.base->schema, gives, j->m->evolve, widen, &j->schema,
                          &j->schema_changed, e))
        return lake_schema_map(j->t->a, j->work.base, j->properties.v, j->properties.n, &j->schema, e);
    wrap(e, "table '%s'", j->m->name);
    if (!j->m->evolve)
        return hint(e, "its header says `schema: freeze`: with `schema: evolve` the table would change");
    return hint(
        e,
        "`cupel run --full-refresh -s %s` makes the table anew with the new schema; with `properties: "
        "{delta.enableTypeWidening: true}` a wider type is taken over",
        j->m->name);
}

/* A column that stays what it was keeps what its table says of it: that it may not be null, its comment. */
static void keep_column(const struct lake_snapshot *base, struct lake_field *f)
{
    for (size_t i = 0; i < base->schema.n; i++) {
        const struct lake_schema was = {&base->schema.fields[i], 1};
        struct lake_field kept = *f;
        kept.nullable = was.fields->nullable;
        kept.metadata = was.fields->metadata;
        if (lake_schema_equal(&was, &(struct lake_schema){&kept, 1}))
            *f = kept;
    }
}

/* A generated column belongs to the table, not to the SELECT. */
static size_t add_generated(const struct lake_snapshot *base, struct lake_field *f, size_t n)
{
    size_t given = n;
    for (size_t i = 0; i < base->schema.n; i++) {
        const struct lake_field *was = &base->schema.fields[i];
        size_t k = 0;
        while (k < given && strcasecmp(f[k].name, was->name) != 0)
            k++;
        if (k == given && was->metadata && strstr(was->metadata, "\"delta.generationExpression\""))
            f[n++] = *was;
    }
    return n;
}

/* Of the table, from what the SELECT gives. */
static bool target_schema(struct job *j, struct err *e)
{
    struct arena *a = j->t->a;
    const struct lake_snapshot *base = j->work.base;
    struct lake_field *f = arena_make(a, struct lake_field, j->m->ncolumns);
    for (size_t i = 0; i < j->m->ncolumns; i++)
        f[i] = (struct lake_field){
            .name = j->m->columns[i].name, .type = j->m->columns[i].type, .nullable = true, .metadata = "{}"};
    struct lake_schema gives = {f, j->m->ncolumns};
    if (base && (!job_replaces_all(j) || !j->m->evolve))
        return keep_schema(j, &gives, e);
    bool mapped = base && base->mapping != LAKE_MAPPING_NONE; /* to compare, columns need their names */
    if (mapped && !lake_schema_map(a, base, j->properties.v, j->properties.n, &gives, e))
        return false;
    struct lake_field *kept = arena_make(a, struct lake_field, gives.n + (base ? base->schema.n : 0));
    for (size_t i = 0; i < gives.n; i++) {
        kept[i] = gives.fields[i];
        if (base)
            keep_column(base, &kept[i]);
    }
    gives = (struct lake_schema){kept, base ? add_generated(base, kept, gives.n) : gives.n};
    if (!lake_schema_map(a, base, j->properties.v, j->properties.n, &gives, e))
        return false;
    j->schema = gives;
    j->schema_changed = base && !lake_schema_equal(&gives, &base->schema);
    return true;
}

/* The table's, with those of the header over them. */
static void target_properties(struct job *j)
{
    struct arena *a = j->t->a;
    const struct lake_snapshot *base = j->work.base;
    for (size_t i = 0; i < j->m->nproperties; i++) {
        const struct lake_property *p = &j->m->properties[i];
        const char *was = base ? lake_property(base, p->key) : NULL;
        if (!was || strcmp(was, p->value) != 0)
            *arena_push(a, &j->new_properties) = *p;
        *arena_push(a, &j->properties) = *p;
    }
    for (size_t i = 0; base && i < base->nproperties; i++) {
        size_t k = 0;
        while (k < j->m->nproperties && strcmp(j->m->properties[k].key, base->properties[i].key) != 0)
            k++;
        if (k == j->m->nproperties)
            *arena_push(a, &j->properties) = base->properties[i];
    }
}

static bool same_names(const char *const *x, size_t nx, const char *const *y, size_t ny)
{
    bool same = nx == ny;
    for (size_t i = 0; same && i < nx; i++)
        same = strcmp(x[i], y[i]) == 0;
    return same;
}

/* A table that keeps some of its files keeps its partitions. */
static bool target_partitions(struct job *j, struct err *e)
{
    const struct lake_snapshot *base = j->work.base;
    j->partition_by = j->m->partition_by;
    j->npartition_by = j->m->npartition_by;
    if (job_replaces_all(j) ||
        same_names(j->partition_by, j->npartition_by, base->partition_by, base->npartition_by))
        return true;
    j->partition_by = base->partition_by;
    j->npartition_by = base->npartition_by;
    if (j->m->mode != MODE_PARTITIONS)
        return true;
    fail(e, ERR_USER, "%s: its table has other partitions than partition_by says", j->m->name);
    return hint(e, "`cupel run --full-refresh -s %s` makes the table anew", j->m->name);
}

/* --- staging --- */

bool job_stage(struct job *j, const struct engine_stage *g, struct engine_staged *ret, struct err *e)
{
    struct engine_stage stage = *g;
    const struct lake_indexed indexed = lake_indexed(j->properties.v, j->properties.n);
    stage.schema = &j->schema;
    stage.token = j->staging.token;
    stage.indexed = &indexed;
    return j->w->driver->stage(j->t->a, j->s, &stage, ret, e);
}

/* The first rows of a merge are all inserts. */
static const char *select_inserts(struct job *j, struct err *e)
{
    auto_buf sql = BUF(32 << 20);
    if (!j->m->when.insert || !job_replaces_all(j))
        return j->sql;
    buf_addf(&sql, "SELECT * FROM (\n%s\n) AS source WHERE (%s\n) IS TRUE", j->sql, j->m->when.insert);
    return buf_done(&sql, e) ? arena_strn(j->t->a, sql.p, sql.len) : NULL;
}

bool job_stage_select(struct job *j, struct store *store, const char *dir, bool final,
                      struct engine_staged *ret, struct err *e)
{
    j->sql = select_inserts(j, e);
    if (!j->sql)
        return false;
    const struct engine_stage stage = {
        .sql = j->sql,
        .at = j->sql == j->m->sql ? j->m->sql_at : (struct src){0},
        .params = j->params,
        .store = store,
        .dir = dir,
        .partition_by = final ? j->partition_by : NULL,
        .npartition_by = final ? j->npartition_by : 0,
        .gates = j->gates,
        .ngates = j->ngates,
        .reject = j->m->reject,
        .max_rejects = MAX_REJECTS,
    };
    struct engine_stage named = stage;
    const struct constrained table = {&j->schema, j->properties.v, j->properties.n};
    named.schema = &j->schema;
    named.token = j->staging.token;
    if (!constrained_stage(j->t->a, j->w, j->s, j->m->name, &table, &named, ret, e))
        return e->at.line ? false : wrap(e, "%s", j->m->name);
    j->rows = ret->rows;
    j->rejected = ret->rejected;
    return true;
}

static void replace_all(struct job *j)
{
    for (size_t i = 0; j->work.base && i < j->work.base->nfiles; i++)
        *arena_push(j->t->a, &j->removes) = &j->work.base->files[i];
}

/* A partition's value in one spelling, since writers have their own: 1.0 and 1, 06:00:00 and 06:00:00.000000.
 */
static void add_value(struct buf *b, const struct job *j, const char *column, const char *value)
{
    const char *type = "string";
    int64_t us;
    struct err ignored;
    for (size_t i = 0; i < j->schema.n; i++)
        if (strcmp(j->schema.fields[i].name, column) == 0 && j->schema.fields[i].type->kind == LAKE_PRIMITIVE)
            type = j->schema.fields[i].type->primitive;
    if (!value)
        buf_addf(b, "-");
    else if (strncmp(type, "timestamp", 9) == 0 && clock_parse(value, &us, &ignored))
        buf_addf(b, "+%" PRIi64, us);
    else if (strcmp(type, "double") == 0 || strcmp(type, "float") == 0 || strncmp(type, "decimal", 7) == 0)
        buf_addf(b, "+%.17g", strtod(value, NULL));
    else
        buf_addf(b, "+%s", value);
    buf_add(b, "\x1f", 1);
}

static const char *partition_name(const struct job *j, const char *const *values)
{
    auto_buf b = BUF(1 << 20);
    for (size_t i = 0; i < j->npartition_by; i++)
        add_value(&b, j, j->partition_by[i], values[i]);
    return arena_str(j->t->a, b.p);
}

/* The partitions that are replaced, by their values in one column: others do not matter. */
static void read_partitions(struct job *j, size_t column)
{
    size_t n = 0;
    const char **values =
        arena_make(j->t->a, const char *, j->staged.nfiles + (j->partitions ? j->partitions->nrows : 0));
    for (size_t i = 0; i < j->staged.nfiles; i++)
        values[n++] = j->staged.files[i].values[column];
    for (size_t i = 0; j->partitions && i < j->partitions->nrows; i++)
        values[n++] = j->partitions->rows[i][column];
    *arena_push(j->t->a, &j->reads) =
        (struct lake_where){.column = j->partition_by[column], .values = values, .nvalues = n};
}

/* Files of the partitions that the staged files belong to, and of those that were to be made anew. */
static void replace_partitions(struct job *j)
{
    const struct lake_snapshot *base = j->work.base;
    struct map names = {0};
    for (size_t i = 0; i < j->staged.nfiles; i++)
        map_add(j->t->a, &names, partition_name(j, j->staged.files[i].values));
    for (size_t i = 0; j->partitions && i < j->partitions->nrows; i++)
        map_add(j->t->a, &names, partition_name(j, j->partitions->rows[i]));
    for (size_t i = 0; i < base->nfiles; i++)
        if (map_find(&names, partition_name(j, base->files[i].values)) != SIZE_MAX)
            *arena_push(j->t->a, &j->removes) = &base->files[i];
    for (size_t i = 0; i < j->npartition_by; i++)
        read_partitions(j, i);
}

static bool stage(struct job *j, struct err *e)
{
    if (!job_replaces_all(j) && j->m->mode == MODE_MERGE)
        return job_merge(j, e);
    if (!job_stage_select(j, j->w->lake, j->work.table.dir, true, &j->staged, e))
        return false;
    if (job_replaces_all(j))
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
    struct src at = {.file = j->m->path};
    for (size_t i = 0; i < j->ngates; i++) {
        if (j->gates[i].warn || !j->staged.gate_failed || !j->staged.gate_failed[i])
            continue;
        at = why.len ? at : j->gate_at[i];
        buf_addf(&why, "%s%s (%lld)", why.len ? ", " : "", j->gates[i].name,
                 (long long)j->staged.gate_failed[i]);
    }
    if (!why.len && j->staged.nrejects && j->staged.rejects[0].nreasons)
        buf_addf(&why, "the first by _reject: %.80s", j->staged.rejects[0].reasons[0]);
    fail_at(e, ERR_DATA, at, "%s: %lld of %lld rows failed their checks: %s", j->m->name,
            (long long)j->rejected, (long long)all, why.p);
    if (j->m->passing < 1)
        return hint(e,
                    "at least %.3g %% must pass (`passing:`); nothing was published: readers still see the "
                    "table as it was",
                    j->m->passing * 100);
    return hint(e,
                "nothing was published: readers still see the table as it was (with `passing: 95%%` up to 5 "
                "%% of the rows may go to %s)",
                quarantine_name(j->t->a, j->m->name));
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
    const struct lake_snapshot snap = {.schema = j->schema,
                                       .mapping = lake_mapping_of(j->properties.v, j->properties.n),
                                       .partition_by = j->partition_by,
                                       .npartition_by = j->npartition_by,
                                       .files = files,
                                       .nfiles = n};
    return j->w->driver->relation_files(j->s, j->m->name, &j->work.table, &snap, NULL, 0, e);
}

static bool audit(struct job *j, struct asset_result *ret, struct err *e)
{
    ret->checks = arena_make(j->t->a, struct check_result, j->ngates + j->m->nchecks);
    gate_results(j, ret);
    if (!passing(j, e))
        return false;
    bool new_keys = j->m->mode == MODE_MERGE && job_replaces_all(j);
    if (!new_keys && !check_has_table(j->m))
        return true;
    return own_relation(j, e) && (!new_keys || job_unique_key(j, j->m->name, e)) &&
           check_table(j->t, j->w, j->s, j->m, ret->checks, &ret->nchecks, e);
}

/* --- publish --- */

struct txns list_of(struct lake_txn);

/* How far the inputs have been read. */
static void add_watermarks(struct job *j, struct txns *txns)
{
    struct arena *a = j->t->a;
    for (size_t i = 0; i < j->work.ninputs; i++) {
        const struct model_input *in = &j->work.inputs[i];
        if (in->snap)
            *arena_push(a, txns) =
                (struct lake_txn){watermark_id(a, j->m->name, in->table), in->snap->version};
    }
}

/* For those that are made anew when the clock moves, or another range is asked for. */
static void add_clock(struct job *j, struct txns *txns)
{
    struct arena *a = j->t->a;
    const char *range_id = watermark_id(a, j->m->name, "$range");
    int64_t range = watermark_range(j->w);
    if (j->m->nincremental || !j->m->uses_now)
        return;
    *arena_push(a, txns) = (struct lake_txn){watermark_id(a, j->m->name, "$now"), j->w->params.now_us};
    if (range || (j->work.base && lake_txn_version(j->work.base, range_id) > 0))
        *arena_push(a, txns) = (struct lake_txn){range_id, range};
}

/* Which tables the inputs were, where the table does not say it yet. */
static void add_table_ids(struct job *j, struct txns *txns)
{
    struct arena *a = j->t->a;
    for (size_t i = 0; i < j->work.ninputs; i++) {
        const struct model_input *in = &j->work.inputs[i];
        const char *id = watermark_table_id(a, j->m->name, in->table);
        if (in->inc && in->snap &&
            !(j->work.base && lake_txn_version(j->work.base, id) == watermark_table(in->snap)))
            *arena_push(a, txns) = (struct lake_txn){id, watermark_table(in->snap)};
    }
}

static const char *operation(const struct job *j)
{
    if (!j->work.base)
        return "CREATE TABLE AS SELECT";
    return !job_replaces_all(j) && j->m->mode == MODE_MERGE ? "MERGE" : "WRITE";
}

static bool quarantine(struct job *j, struct asset_result *ret, struct err *e)
{
    struct txns txns = {0};
    if (!j->work.backfill) {
        add_watermarks(j, &txns);
        add_clock(j, &txns);
    }
    const struct quarantine q = {.rows = j->staged.rejects,
                                 .n = j->staged.nrejects,
                                 .replace = model_rejects_are_all(j->m, job_replaces_all(j)),
                                 .txns = txns.v,
                                 .ntxns = txns.n};
    if ((int64_t)q.n < j->rejected)
        ret->note = arena_fmt(j->t->a, "the first %zu of %" PRIi64 " rejected rows are in the quarantine",
                              q.n, j->rejected);
    return quarantine_write(j->t, j->w, j->m, &q, e);
}

static bool publish(struct job *j, struct asset_result *ret, struct err *e)
{
    struct arena *a = j->t->a;
    const struct lake_snapshot *base = j->work.base;
    struct txns txns = {0};
    if (!j->work.backfill) {
        add_watermarks(j, &txns);
        add_clock(j, &txns);
        add_table_ids(j, &txns);
    }
    bool redefined = !j->work.same_definition && (job_replaces_all(j) || model_follows_text(j->m));
    bool describes = !base || j->schema_changed || redefined || j->new_properties.n;
    if (redefined)
        *arena_push(a, &j->new_properties) =
            (struct lake_property){"cupel.fingerprint", fingerprint_text(a, j->m)};
    const struct lake_commit c = {
        .base = base,
        .schema = describes ? &j->schema : NULL,
        .partition_by = j->partition_by,
        .npartition_by = j->npartition_by,
        .properties = j->new_properties.v,
        .nproperties = j->new_properties.n,
        .adds = j->staged.files,
        .nadds = j->staged.nfiles,
        .changes = j->staging.changes,
        .nchanges = j->staging.nchanges,
        .checked = true,
        .removes = j->removes.v,
        .nremoves = j->removes.n,
        .txns = txns.v,
        .ntxns = txns.n,
        .blind = j->m->mode == MODE_APPEND && !job_replaces_all(j) && !check_has_table(j->m),
        .reads = j->reads.v,
        .nreads = check_has_table(j->m) ? 0 : j->reads.n, /* the checks have read all of it */
        .operation = operation(j),
        .parameters = job_replaces_all(j) ? "{\"mode\":\"Overwrite\"}" : "{}",
        .metrics =
            arena_fmt(a, "{\"numOutputRows\":\"%lld\",\"numFiles\":\"%zu\",\"numRemovedFiles\":\"%zu\"}",
                      (long long)j->rows, j->staged.nfiles, j->removes.n),
        .run_id = j->t->run_id,
    };
    if (!staging_commit(a, j->w, &j->work.table, &j->staging, &c, &ret->version, e))
        return false;
    ret->outcome = OUTCOME_UPDATED;
    ret->rows = j->rows;
    ret->quarantined = j->rejected;
    return true;
}

/* Constraints that the table gets hold for the rows that it keeps, too. */
static bool check_kept_rows(struct job *j, struct err *e)
{
    const struct constrained added = {&j->schema, j->new_properties.v, j->new_properties.n};
    if (!j->work.base || job_replaces_all(j) || !j->new_properties.n)
        return true;
    const struct lake_snapshot kept = {.schema = j->schema,
                                       .mapping = j->work.base->mapping,
                                       .partition_by = j->work.base->partition_by,
                                       .npartition_by = j->work.base->npartition_by,
                                       .files = j->work.base->files,
                                       .nfiles = j->work.base->nfiles};
    return j->w->driver->relation_files(j->s, "cupel_kept", &j->work.table, &kept, NULL, 0, e) &&
           constrained_rows(j->t->a, j->w, j->s, j->m->name, &added, "cupel_kept", e);
}

static bool carry_out(struct job *j, struct asset_result *ret, struct err *e)
{
    struct arena *a = j->t->a;
    check_gates(a, j->m, &j->gates, &j->gate_at, &j->ngates);
    if (!model_inputs(a, j->w, j->m, &j->work, e) ||
        !j->w->driver->session(a, j->w->engine, j->t, &j->s, e) || !job_relations(j, e))
        return false;
    target_properties(j);
    if (j->work.base && !lake_may_change(&j->work.table, j->work.base, false, e))
        return false;
    if (!target_schema(j, e) || !target_partitions(j, e) || !check_kept_rows(j, e) ||
        !staging_begin(a, j->w, &j->work.table, j->work.base, &j->staging, e))
        return false;
    if (stage(j, e) && audit(j, ret, e) && quarantine(j, ret, e))
        return publish(j, ret, e);
    staging_drop(j->w, &j->work.table, &j->staging, j->staged.files, j->staged.nfiles);
    return false;
}

bool model_run(struct task *t, const struct workshop *w, const struct model *m, struct asset_result *ret,
               struct err *e)
{
    struct job j = {.t = t, .w = w, .m = m};
    if (m->mode == MODE_VIEW) {
        ret->note = "a view: made where it is read";
        return true;
    }
    if (!model_work(t, w, m, &j.work, e))
        return false;
    if (j.work.stale)
        return carry_out(&j, ret, e);
    ret->note = j.work.reason;
    ret->version = j.work.base ? j.work.base->version : -1;
    return true;
}
