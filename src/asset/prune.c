/* Rows that are older than they are to be kept. */
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "asset/maintain.h"
#include "base/json.h"

struct pruning {
    struct task *t;
    const struct workshop *w;
    struct prune_result *ret;
    const char *name;
    struct lake_table table;
    const struct lake_snapshot *base;
    const struct lake_field *column;
    struct rewrite rewrite;
    struct staging staging;
    struct list_of(const struct lake_file *) removes, mixed; /* mixed: with rows of both kinds */
    struct list_of(struct lake_file) adds;
};

/* --- what is old --- */

static bool is_time(const struct lake_field *f)
{
    return f->type->kind == LAKE_PRIMITIVE &&
           (strcmp(f->type->primitive, "date") == 0 || strncmp(f->type->primitive, "timestamp", 9) == 0);
}

static const struct lake_field *find_column(const struct lake_snapshot *s, const char *name)
{
    for (size_t i = 0; name && i < s->schema.n; i++)
        if (strcasecmp(s->schema.fields[i].name, name) == 0)
            return &s->schema.fields[i];
    return NULL;
}

static bool find_keep(struct pruning *p, struct err *e)
{
    const struct asset *maker = project_table(p->w->project, p->name);
    const char *by = NULL;
    bool named = false;
    if (!maker)
        return true;
    if (maker->kind == ASSET_SOURCE) {
        bool of_source = false; /* the log of extractions is of all sources */
        for (size_t i = 0; i < maker->source->ntables; i++)
            of_source = of_source || strcmp(maker->source->tables[i].name, p->name) == 0;
        p->ret->keep_ms = of_source ? maker->source->keep_ms : 0;
        by = "extraction_timestamp";
    } else {
        bool own = strcmp(maker->model->name, p->name) == 0;
        p->ret->keep_ms = maker->model->keep_ms;
        named = own && maker->model->keep_by;
        by = !own ? "quarantined_at" : named ? maker->model->keep_by : maker->model->sequence_by;
    }
    p->column = find_column(p->base, by);
    if (p->column && is_time(p->column)) {
        p->ret->column = p->column->name;
        return true;
    }
    if (named)
        return fail(e, ERR_USER, "%s: keep_by: column '%s' %s", p->name, by,
                    p->column ? "is neither a time nor a date" : "is not in the table");
    p->column = NULL;
    return true;
}

/* --- what each file holds --- */

enum age { AGE_YOUNG, AGE_OLD, AGE_MIXED, AGE_UNKNOWN };

static bool parse_text(const char *json, int64_t *ret_us)
{
    struct err ignored;
    char text[64];
    size_t n = strlen(json);
    if (n < 2 || n >= sizeof text || *json != '"')
        return false;
    memcpy(text, json + 1, n - 2);
    text[n - 2] = '\0';
    return clock_parse(text, ret_us, &ignored);
}

static int64_t null_count(struct arena *a, const struct lake_file *f, const char *column)
{
    json_t *j;
    struct err ignored;
    if (!f->stats || !json_parse(a, f->stats, strlen(f->stats), "stats", &j, &ignored))
        return -1;
    return json_int(json_object_get(j, "nullCount"), column, -1);
}

/* By partition value and statistics; a maximum is rounded up to the millisecond, which does no harm. */
static enum age age_told(const struct pruning *p, const struct lake_file *f)
{
    auto_arena *a = arena_new();
    const struct lake_snapshot *s = p->base;
    struct err ignored;
    int64_t us, low, high;
    if (!p->column)
        return f->mtime_ms < p->ret->before_us / 1000 ? AGE_OLD : AGE_YOUNG;
    for (size_t i = 0; i < s->npartition_by; i++)
        if (strcasecmp(s->partition_by[i], p->column->name) == 0)
            return !f->values[i]                               ? AGE_YOUNG
                   : !clock_parse(f->values[i], &us, &ignored) ? AGE_UNKNOWN
                   : us < p->ret->before_us                    ? AGE_OLD
                                                               : AGE_YOUNG;
    const char *min, *max, *column = lake_physical(p->column);
    if (!lake_file_range(a, f, column, &min, &max) || !parse_text(min, &low) || !parse_text(max, &high))
        return AGE_UNKNOWN;
    if (low >= p->ret->before_us)
        return AGE_YOUNG;
    return high < p->ret->before_us && null_count(a, f, column) == 0 ? AGE_OLD : AGE_UNKNOWN;
}

static void add_old(struct buf *b, const struct pruning *p)
{
    buf_addf(b, "CAST(");
    sql_ident(b, p->column->name);
    buf_addf(b, " AS TIMESTAMPTZ) < make_timestamptz(%" PRIi64 ")", p->ret->before_us);
}

static bool age_read(struct pruning *p, const struct lake_file *f, enum age *ret, int64_t *ret_old,
                     struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf sql = BUF(1 << 16);
    struct engine_rows rows;
    buf_addf(&sql, "SELECT count(*) FILTER (");
    add_old(&sql, p);
    buf_addf(&sql, "), count(*) FROM cupel_old");
    if (!buf_done(&sql, e) || !rewrite_relate(&p->rewrite, &f, 1, e) ||
        !engine_rows(p->w->driver, a, p->rewrite.s, sql.p, (struct engine_params){0}, 1, &rows, e))
        return false;
    int64_t old = strtoll(rows.rows[0][0], NULL, 10), all = strtoll(rows.rows[0][1], NULL, 10);
    *ret = old == 0 ? AGE_YOUNG : old == all ? AGE_OLD : AGE_MIXED;
    *ret_old = old;
    return true;
}

static int64_t live_rows(const struct lake_file *f)
{
    return f->rows < 0 ? -1 : f->rows - (f->dv ? f->dv->cardinality : 0);
}

static bool choose(struct pruning *p, struct err *e)
{
    struct arena *a = p->t->a;
    for (size_t i = 0; i < p->base->nfiles; i++) {
        const struct lake_file *f = &p->base->files[i];
        enum age age = age_told(p, f);
        int64_t old = live_rows(f);
        if (!task_live(p->t, e) || (age == AGE_UNKNOWN && !age_read(p, f, &age, &old, e)))
            return false;
        if (age == AGE_YOUNG)
            continue;
        *arena_push(a, &p->removes) = f;
        if (age == AGE_MIXED)
            *arena_push(a, &p->mixed) = f;
        p->ret->rows = old < 0 || p->ret->rows < 0 ? -1 : p->ret->rows + old;
        p->ret->bytes += f->size;
    }
    p->ret->rewritten = p->mixed.n;
    p->ret->removed = p->removes.n - p->mixed.n;
    return true;
}

/* --- the commit --- */

static bool write_mixed(struct pruning *p, struct err *e)
{
    auto_buf tail = BUF(1 << 16);
    buf_addf(&tail, " WHERE (");
    if (p->column)
        add_old(&tail, p);
    buf_addf(&tail, ") IS NOT TRUE");
    for (size_t i = 0; i < p->mixed.n; i++) {
        struct engine_staged staged;
        if (!task_live(p->t, e) || !buf_done(&tail, e) ||
            !rewrite_files(&p->rewrite, &p->mixed.v[i], 1, tail.p, &staged, e))
            return false;
        for (size_t k = 0; k < staged.nfiles; k++) {
            staged.files[k].tags = p->mixed.v[i]->tags;
            *arena_push(p->t->a, &p->adds) = staged.files[k];
        }
    }
    return true;
}

static bool commit(struct pruning *p, struct err *e)
{
    char when[32];
    const char *column = p->ret->column ? p->ret->column : "";
    auto_buf parameters = BUF(1 << 16);
    buf_addf(&parameters, "{\"keepMs\":\"%" PRIi64 "\",\"before\":\"%s\",\"column\":", p->ret->keep_ms,
             clock_format(when, p->ret->before_us, 3));
    json_quote(&parameters, column, strlen(column));
    buf_addf(&parameters, "}");
    const struct lake_commit c = {
        .base = p->base,
        .adds = p->adds.v,
        .nadds = p->adds.n,
        .removes = p->removes.v,
        .nremoves = p->removes.n,
        .operation = LAKE_PRUNE,
        .parameters = parameters.p,
        .metrics = arena_fmt(p->t->a,
                             "{\"numDeletedRows\":\"%" PRIi64
                             "\",\"numRemovedFiles\":\"%zu\",\"numAddedFiles\":\"%zu\"}",
                             p->ret->rows, p->removes.n, p->adds.n),
        .run_id = p->t->run_id,
    };
    return buf_done(&parameters, e) &&
           staging_commit(p->t->a, p->w, &p->table, &p->staging, &c, &p->ret->version, e);
}

bool asset_prune(struct task *t, const struct workshop *w, const char *table, bool dry_run,
                 struct prune_result *ret, struct err *e)
{
    struct pruning p = {.t = t, .w = w, .ret = ret, .name = table};
    struct lake_snapshot *base;
    *ret = (struct prune_result){.version = -1};
    p.table = asset_table(t->a, w, table);
    if (!lake_snapshot(t->a, &p.table, LAKE_LATEST, &base, NULL, e))
        return wrap(e, "table '%s'", table);
    p.base = base;
    if (!find_keep(&p, e))
        return false;
    if (!ret->keep_ms)
        return true;
    ret->before_us = clock_now_us(w->clock) - ret->keep_ms * 1000;
    rewrite_init(t->a, &p.rewrite, w, &p.table, base);
    if (!lake_may_change(&p.table, base, p.ret->keep_ms > 0, e) ||
        !w->driver->session(t->a, w->engine, t, &p.rewrite.s, e) || !choose(&p, e))
        return false;
    if (dry_run || p.removes.n == 0)
        return true;
    if (!staging_begin(t->a, w, &p.table, base, &p.staging, e))
        return false;
    p.rewrite.token = p.staging.token;
    if (write_mixed(&p, e))
        return commit(&p, e);
    staging_drop(w, &p.table, &p.staging, p.adds.v, p.adds.n);
    return false;
}
