#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "base/log.h"
#include "lake/checkpoint.h"
#include "lake/cleanup.h"
#include "lake/conflict.h"
#include "lake/mapping.h"
#include "lake/path.h"
#include "lake/protocol.h"
#include "lake/pull.h"

struct props list_of(struct lake_property);
struct pairs list_of(struct pair);

/* The table's properties with those of the commit over them; what is set to NULL goes. */
static struct props merge_properties(struct arena *a, const struct lake_commit *c)
{
    struct props out = {0};
    for (size_t i = 0; c->base && i < c->base->nproperties; i++) {
        bool replaced = false;
        for (size_t k = 0; k < c->nproperties; k++)
            replaced |= strcmp(c->base->properties[i].key, c->properties[k].key) == 0;
        if (!replaced)
            *arena_push(a, &out) = c->base->properties[i];
    }
    for (size_t k = 0; k < c->nproperties; k++)
        if (c->properties[k].value)
            *arena_push(a, &out) = c->properties[k];
    return out;
}

static bool same_texts(const char *const *x, size_t nx, const char *const *y, size_t ny)
{
    bool same = nx == ny;
    for (size_t i = 0; i < nx && same; i++)
        same = strcmp(x[i], y[i]) == 0;
    return same;
}

static bool same_properties(const struct lake_snapshot *s, const struct props *props)
{
    bool same = s->nproperties == props->n;
    for (size_t i = 0; i < props->n && same; i++) {
        const char *old = lake_property(s, props->v[i].key);
        same = old && strcmp(old, props->v[i].value) == 0;
    }
    return same;
}

/* The table's state after the commit, as far as it is not its files. */
struct target {
    const struct lake_schema *schema;
    const char *const *partition_by;
    size_t npartition_by;
    struct props props;
    enum lake_mapping mapping;
    bool changed; /* a metaData action is needed */
    struct protocol protocol;
    bool upgraded;  /* a protocol action is needed */
    bool times;     /* commits say when they were, and each is later than the one before */
    bool times_new; /* from this commit on */
};

static bool is_true(const char *value)
{
    return value && strcasecmp(value, "true") == 0;
}

static const char *property_of(const struct props *props, const char *key)
{
    for (size_t i = 0; i < props->n; i++)
        if (strcmp(props->v[i].key, key) == 0)
            return props->v[i].value;
    return NULL;
}

static void set_property(struct arena *a, struct props *props, struct lake_property p)
{
    for (size_t i = 0; i < props->n; i++)
        if (strcmp(props->v[i].key, p.key) == 0) {
            props->v[i] = p;
            return;
        }
    *arena_push(a, props) = p;
}

static struct target target_of(struct arena *a, const struct lake_commit *c)
{
    const struct lake_snapshot *s = c->base;
    struct target x = {
        .schema = c->schema, .partition_by = c->partition_by, .npartition_by = c->npartition_by};
    if (!c->schema)
        x = (struct target){
            .schema = &s->schema, .partition_by = s->partition_by, .npartition_by = s->npartition_by};
    x.props = merge_properties(a, c);
    x.mapping = lake_mapping_of(x.props.v, x.props.n);
    if (x.mapping != LAKE_MAPPING_NONE)
        set_property(a, &x.props, mapping_max_id(a, s, x.schema));
    x.changed = !s || !lake_schema_equal(&s->schema, x.schema) || !same_properties(s, &x.props) ||
                !same_texts(s->partition_by, s->npartition_by, x.partition_by, x.npartition_by);
    x.protocol = protocol_with(a, s, x.props.v, x.props.n, &x.upgraded);
    x.times = is_true(property_of(&x.props, "delta.enableInCommitTimestamps"));
    x.times_new = x.times && s && !is_true(lake_property(s, "delta.enableInCommitTimestamps"));
    return x;
}

static bool has_column(const struct lake_schema *s, const char *name)
{
    for (size_t i = 0; i < s->n; i++)
        if (strcmp(s->fields[i].name, name) == 0)
            return s->fields[i].type->kind == LAKE_PRIMITIVE;
    return false;
}

/* Files know columns by one kind of name: names can be given to those of a table that has none, and that is
 * all. Every column has to have its name then, which the files of this commit know it by. */
static bool check_mapping(const char *name, const struct lake_commit *c, const struct target *x,
                          struct err *e)
{
    static const char *const modes[] = {"none", "name", "id"};
    enum lake_mapping was = c->base ? c->base->mapping : x->mapping;
    auto_arena *a = arena_new();
    struct lake_schema s = *x->schema;
    if (was != x->mapping && (was != LAKE_MAPPING_NONE || x->mapping != LAKE_MAPPING_NAME))
        return fail(e, ERR_USER, "table '%s' has delta.columnMapping.mode %s, which cannot become %s", name,
                    modes[was], modes[x->mapping]);
    return x->mapping == LAKE_MAPPING_NONE || mapping_read(a, &s, e) || wrap(e, "table '%s'", name);
}

static bool check_target(const char *name, const struct lake_commit *c, const struct target *x, struct err *e)
{
    const struct lake_snapshot *s = c->base;
    if (!x->changed)
        return true;
    if (s && !same_texts(s->partition_by, s->npartition_by, x->partition_by, x->npartition_by) &&
        c->nremoves < s->nfiles)
        return fail(e, ERR_DATA,
                    "table '%s' has files: its partitioning can change only when all are replaced", name);
    for (size_t i = 0; i < x->npartition_by; i++)
        if (!has_column(x->schema, x->partition_by[i]))
            return fail(e, ERR_USER,
                        "table '%s' cannot be partitioned by '%s': there is no such column of a simple type",
                        name, x->partition_by[i]);
    if (x->npartition_by && x->npartition_by >= x->schema->n)
        return fail(e, ERR_USER, "table '%s' has no columns but those it is partitioned by", name);
    if (!check_mapping(name, c, x, e))
        return false;
    return protocol_may_have(name, &x->protocol, x->schema, x->props.v, x->props.n, e);
}

/* Files that only change places: an add that says so speaks for the removes too. */
static bool is_rearrangement(const struct lake_commit *c)
{
    for (size_t i = 0; i < c->nadds; i++)
        if (c->adds[i].data_change)
            return false;
    return c->nadds > 0;
}

bool lake_may_change(const struct lake_table *t, const struct lake_snapshot *s, bool removes, struct err *e)
{
    const char *name = log_table_name(t);
    if (removes && is_true(lake_property(s, "delta.appendOnly")))
        return fail(e, ERR_DATA,
                    "table '%s' may only be appended to (delta.appendOnly), and this would remove rows",
                    name);
    return protocol_may_write(name, s, e);
}

/* What rows have to satisfy, as far as the lake cannot tell; NULL = nothing. */
static const char *demand_of(const struct target *x)
{
    for (size_t i = 0; i < x->props.n; i++)
        if (strncmp(x->props.v[i].key, "delta.constraints.", 18) == 0)
            return x->props.v[i].key + 18;
    for (size_t i = 0; i < x->schema->n; i++) {
        const char *m = x->schema->fields[i].metadata;
        if (m && (strstr(m, "\"delta.invariants\"") || strstr(m, "\"delta.generationExpression\"")))
            return x->schema->fields[i].name;
    }
    return NULL;
}

/* Rows that are new, and of which nobody has said that they are as the table wants them. */
static bool check_checked(const char *name, const struct lake_commit *c, const struct target *x,
                          struct err *e)
{
    const char *demand = c->checked ? NULL : demand_of(x);
    for (size_t i = 0; demand && i < c->nadds; i++)
        if (c->adds[i].data_change && !c->adds[i].dv)
            return fail(e, ERR_DATA,
                        "table '%s' has the constraint '%s', which is not checked by this command", name,
                        demand);
    return true;
}

struct moment { /* of one try to make the commit */
    int64_t version, now_ms;
    int64_t in_commit_ms; /* 0 = the table does not ask for it */
};

/* An object of the caller's, on the line that the log needs it to be. */
static bool write_object(struct buf *b, const char *key, const char *json, struct err *e)
{
    buf_addf(b, ",\"%s\":", key);
    return pull_compact(b, json ? json : "{}") ||
           fail(e, ERR_DATA, "the commit's %s are not JSON: %s", key, json);
}

static bool write_info(struct arena *a, struct buf *b, const struct lake_commit *c, const struct intent *in,
                       const struct moment *at, struct err *e)
{
    const char *operation = c->operation ? c->operation : "WRITE";
    buf_addf(b, "{\"commitInfo\":{");
    if (at->in_commit_ms)
        buf_addf(b, "\"inCommitTimestamp\":%" PRIi64 ",", at->in_commit_ms);
    buf_addf(b, "\"timestamp\":%" PRIi64 ",\"operation\":", at->now_ms);
    json_quote(b, operation, strlen(operation));
    if (!write_object(b, "operationParameters", c->parameters, e) ||
        !write_object(b, "operationMetrics", c->metrics, e))
        return false;
    if (c->base)
        buf_addf(b, ",\"readVersion\":%" PRIi64, c->base->version);
    buf_addf(
        b,
        ",\"isolationLevel\":\"WriteSerializable\",\"isBlindAppend\":%s,\"engineInfo\":\"cupel/" CUPEL_VERSION
        "\"",
        in->blind ? "true" : "false");
    if (c->run_id) { /* a string, since that is what other readers expect there */
        auto_buf user = BUF(SIZE_MAX / 2);
        buf_addf(&user, "{\"cupel_run\":");
        json_quote(&user, c->run_id, strlen(c->run_id));
        buf_addf(&user, "}");
        buf_addf(b, ",\"userMetadata\":");
        json_quote(b, user.p, user.len);
        b->failed = b->failed ? b->failed : user.failed;
    }
    buf_addf(b, ",\"txnId\":\"%s\"}}\n", lake_uuid(a));
    return true;
}

static void write_metadata(struct arena *a, struct buf *b, const struct lake_commit *c,
                           const struct target *x, const struct moment *at)
{
    const struct lake_snapshot *s = c->base;
    auto_buf schema = BUF(SIZE_MAX / 2);
    struct pairs conf = {0};
    lake_schema_write(&schema, x->schema);
    for (size_t i = 0; i < x->props.n; i++) /* when they were switched on before does not count */
        if (!x->times_new || strncmp(x->props.v[i].key, "delta.inCommitTimestampEnablement", 33) != 0)
            *arena_push(a, &conf) = (struct pair){x->props.v[i].key, x->props.v[i].value};
    if (x->times_new) {
        *arena_push(a, &conf) =
            (struct pair){"delta.inCommitTimestampEnablementVersion", arena_fmt(a, "%" PRIi64, at->version)};
        *arena_push(a, &conf) = (struct pair){"delta.inCommitTimestampEnablementTimestamp",
                                              arena_fmt(a, "%" PRIi64, at->in_commit_ms)};
    }
    const char **by = arena_make(a, const char *, x->npartition_by + 1);
    for (size_t i = 0; i < x->npartition_by; i++)
        by[i] = x->partition_by[i];
    const struct metadata m = {
        .id = s && s->table_id ? s->table_id : lake_uuid(a),
        .name = s ? s->name : NULL,
        .description = s ? s->description : NULL,
        .schema = schema.p,
        .partition_by = by,
        .npartition_by = x->npartition_by,
        .configuration = conf.v,
        .nconfiguration = conf.n,
        .created_ms = s ? s->created_ms : at->now_ms,
    };
    action_write_metadata(b, &m);
    b->failed = b->failed ? b->failed : schema.failed;
}

/* Of the columns that it is partitioned by, for those who name files. */
static const char *const *physical_names(struct arena *a, const struct lake_snapshot *s)
{
    const char **names = arena_make(a, const char *, s->npartition_by);
    for (size_t i = 0; i < s->npartition_by; i++)
        names[i] = lake_physical_name(s, s->partition_by[i]);
    return names;
}

/* The same of the table after the commit. */
static const char *const *target_names(struct arena *a, const struct target *x)
{
    const struct lake_snapshot s = {.schema = *x->schema,
                                    .mapping = x->mapping,
                                    .partition_by = x->partition_by,
                                    .npartition_by = x->npartition_by};
    return physical_names(a, &s);
}

static bool write_commit(struct arena *a, struct buf *b, const struct lake_commit *c, const struct target *x,
                         const struct intent *in, const struct moment *at, struct err *e)
{
    const struct lake_snapshot *s = c->base;
    if (!write_info(a, b, c, in, at, e))
        return false;
    if (x->upgraded)
        action_write_protocol(b, &x->protocol);
    if (x->changed)
        write_metadata(a, b, c, x, at);
    for (size_t i = 0; i < c->ntxns; i++)
        action_write_txn(b, &(struct txn_act){c->txns[i].app_id, c->txns[i].version, at->now_ms});
    bool data_change = !is_rearrangement(c);
    const char *const *physical = s ? physical_names(a, s) : NULL, *const *after = target_names(a, x);
    for (size_t i = 0; i < c->nremoves; i++) {
        struct file_act f = action_of_file(a, c->removes[i], physical, s->npartition_by);
        f.time_ms = at->now_ms;
        f.data_change = data_change;
        action_write_remove(b, &f);
    }
    for (size_t i = 0; i < c->nadds; i++) {
        struct file_act f = action_of_file(a, &c->adds[i], after, x->npartition_by);
        action_write_add(b, &f);
    }
    for (size_t i = 0; i < c->nchanges; i++) {
        struct file_act f = action_of_file(a, &c->changes[i], after, x->npartition_by);
        action_write_change(b, &f);
    }
    return buf_done(b, e);
}

static bool sync_files(struct arena *a, const struct lake_table *t, const struct lake_commit *c,
                       struct err *e)
{
    const char **paths = arena_make(a, const char *, c->nadds + c->nchanges);
    size_t n = 0;
    for (size_t i = 0; i < c->nadds; i++)
        if (!path_is_absolute(c->adds[i].path) && !(c->adds[i].dv && c->adds[i].log_path))
            paths[n++] = log_path(a, t, c->adds[i].path);
    for (size_t i = 0; i < c->nchanges; i++)
        paths[n++] = log_path(a, t, c->changes[i].path);
    return !n || t->store->driver->sync(t->store, paths, n, e);
}

/* The first version from *version on that is free; those before it were looked at, and do no harm. */
static bool rebase(const struct lake_table *t, struct intent *in, int64_t *version, struct err *e)
{
    int64_t v = *version;
    for (bool there = true; there; v += there)
        if (!conflict_check(in, v, &there, e))
            return false;
    if (v == *version)
        return fail(e, ERR_IO, "version %" PRIi64 " of table '%s' is there and cannot be read", v,
                    log_table_name(t));
    *version = v;
    return true;
}

/* One try to be this version. */
static bool put_commit(const struct lake_table *t, const struct lake_commit *c, const struct target *x,
                       const struct intent *in, int64_t version, bool *ret_taken, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf b = BUF(LOG_COMMIT_MAX);
    struct moment at = {version, clock_now_us(t->clock) / 1000, 0};
    if (x->times)
        at.in_commit_ms = at.now_ms > in->last_ms ? at.now_ms : in->last_ms + 1;
    if (!write_commit(a, &b, c, x, in, &at, e))
        return false;
    return t->store->driver->put_new(t->store, log_commit_path(a, t, version), b.p, b.len, ret_taken, e) ||
           wrap(e, "commit of version %" PRIi64 " of table '%s'", version, log_table_name(t));
}

/* Each name that is taken is a commit of somebody else's, so whatever happens, somebody gets on. */
static bool claim_version(const struct lake_table *t, const struct lake_commit *c, const struct target *x,
                          struct intent *in, int64_t *ret_version, struct err *e)
{
    int64_t version = c->base ? c->base->version + 1 : 0;
    for (bool taken;;) {
        if (!put_commit(t, c, x, in, version, &taken, e))
            return false;
        if (!taken)
            break;
        if (!c->base)
            return fail(e, ERR_CONFLICT, "table '%s' was created by another writer meanwhile",
                        log_table_name(t));
        if (!rebase(t, in, &version, e))
            return false;
    }
    *ret_version = version;
    return true;
}

static bool check_absent(const struct lake_table *t, const struct lake_commit *c, struct err *e)
{
    int64_t last;
    if (c->base)
        return true;
    if (!lake_latest(t, &last, e))
        return false;
    return last < 0 ||
           fail(e, ERR_CONFLICT, "table '%s' was created by another writer meanwhile", log_table_name(t));
}

static bool clean_log(const struct lake_table *t, const struct lake_snapshot *s, struct err *e)
{
    auto_arena *a = arena_new();
    struct lake_log_expired x;
    return lake_log_find(a, t, s, &x, e) && lake_log_remove(t, &x, e);
}

bool lake_commit(struct arena *a, const struct lake_table *t, const struct lake_commit *c,
                 int64_t *ret_version, struct err *e)
{
    const char *name = log_table_name(t);
    int64_t version = -1;
    if (!c->base && !c->schema)
        return fail(e, ERR_USER, "there is no table '%s'", name);

    struct target x = target_of(a, c);
    struct intent in;
    intent_init(a, &in, t, c, x.changed || x.upgraded);
    if ((c->base && !lake_may_change(t, c->base, c->nremoves && !is_rearrangement(c), e)) ||
        !check_target(name, c, &x, e) || !check_checked(name, c, &x, e) || !check_absent(t, c, e))
        return false;
    if (!sync_files(a, t, c, e))
        return wrap(e, "commit to table '%s'", name);
    if (!claim_version(t, c, &x, &in, &version, e))
        return false;
    *ret_version = version;

    struct err late;
    const char *interval = c->base ? lake_property(c->base, "delta.checkpointInterval") : NULL;
    if (!t->parquet || !checkpoint_is_due(interval, version))
        return true;
    if (!checkpoint_write(t, version, &late))
        log_debug(EV("lake.checkpoint_failed"), KV("table", name), KV("version", version),
                  KV("error", late.msg));
    else if (c->base && cleanup_is_due(interval, version) && !clean_log(t, c->base, &late))
        log_debug(EV("lake.cleanup_failed"), KV("table", name), KV("version", version),
                  KV("error", late.msg));
    return true;
}
