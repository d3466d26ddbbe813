/* A source: the connector fetches, every batch becomes one Delta commit together with the position reached,
 * and the extraction is judged and logged as a table.
 *
 * Half-done work is in <state>/inbox/<source>/: what the connector keeps there, and extraction.json, which
 * holds the logical time, so that a resumed extraction puts its rows where the interrupted one would have.
 * The folder goes when the extraction's row is in bronze.extraction_log, in whose txn the logical time
 * stands: from then on the same time is never extracted again.
 */
#include <inttypes.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"

#define LOG_TABLE "bronze.extraction_log"

struct extraction {
    int64_t now_us;
    bool pinned, resumed;
    const char *batch_run_id;
};

struct load { /* the read_spec's ctx */
    struct task *t;
    const struct workshop *w;
    const struct source *source;
    pthread_mutex_t lock; /* deliver may be called from several threads */
    struct session *deliver_session;
    int64_t rows;
};

/* The txn of a source: in its tables the position in the inbox, in the log the logical time. */
static char *log_txn(struct arena *a, const struct source *s)
{
    return arena_fmt(a, "cupel/%s", s->name);
}

static const struct source_table *find_table(const struct source *s, const char *name)
{
    for (size_t i = 0; i < s->ntables; i++)
        if (strcmp(s->tables[i].name, name) == 0)
            return &s->tables[i];
    return NULL;
}

static bool load_position(void *ctx, const char *table, int64_t *ret, struct err *e)
{
    struct load *l = ctx;
    auto_arena *scratch = arena_new();
    struct lake_table t = asset_table(scratch, l->w, table);
    struct lake_snapshot *snap;
    if (!table_latest(scratch, &t, &snap, e))
        return false;
    *ret = snap ? lake_txn_version(snap, log_txn(scratch, l->source)) : -1;
    return true;
}

/* --- rows into a table --- */

struct append { /* one batch */
    const struct task *t;
    const struct workshop *w;
    struct session *s;
    const char *select;
    const char *table;
    const char *const *partition_by;
    size_t npartition_by;
    const struct lake_txn *txn; /* committed with the rows; NULL = none */
    int64_t rows;               /* answer */
};

/* The table's columns, and behind them those that the batch has and the table has not. */
static bool batch_schema(struct arena *a, const struct append *p, const struct lake_snapshot *base,
                         struct lake_schema *ret, bool *ret_changed, struct err *e)
{
    struct engine_column *cols;
    size_t n;
    if (!p->w->driver->bind(a, p->s, p->select, (struct engine_params){0}, (struct src){0}, &cols, &n, e))
        return false;
    struct lake_field *f = arena_make(a, struct lake_field, n);
    for (size_t i = 0; i < n; i++)
        f[i] = (struct lake_field){
            .name = cols[i].name, .type = cols[i].type, .nullable = true, .metadata = "{}"};
    const struct lake_schema gives = {f, n};
    *ret = gives;
    *ret_changed = true;
    return !base ||
           (lake_schema_merge(a, &base->schema, &gives, true,
                              lake_may_widen(base->properties, base->nproperties), ret, ret_changed, e) &&
            lake_schema_map(a, base, base->properties, base->nproperties, ret, e));
}

/* The rows as files and as one commit. */
static bool append(struct arena *a, struct append *p, struct err *e)
{
    const struct workshop *w = p->w;
    struct lake_table lt = asset_table(a, w, p->table);
    struct lake_snapshot *base;
    struct lake_schema schema;
    struct staging staging;
    struct engine_staged staged = {0};
    bool changed;
    if (!table_latest(a, &lt, &base, e))
        return false;
    if (!batch_schema(a, p, base, &schema, &changed, e) || !staging_begin(a, w, &lt, base, &staging, e))
        return wrap(e, "table '%s'", p->table);
    const struct engine_stage stage = {.sql = p->select,
                                       .store = w->lake,
                                       .dir = lt.dir,
                                       .token = staging.token,
                                       .schema = &schema,
                                       .partition_by = base ? base->partition_by : p->partition_by,
                                       .npartition_by = base ? base->npartition_by : p->npartition_by};
    const struct constrained table = {&schema, base ? base->properties : NULL, base ? base->nproperties : 0};
    if (!constrained_stage(a, w, p->s, p->table, &table, &stage, &staged, e)) {
        staging_drop(w, &lt, &staging, staged.files, staged.nfiles);
        return wrap(e, "table '%s'", p->table);
    }
    const struct lake_commit c = {.base = base,
                                  .schema = changed ? &schema : NULL,
                                  .partition_by = stage.partition_by,
                                  .npartition_by = stage.npartition_by,
                                  .adds = staged.files,
                                  .nadds = staged.nfiles,
                                  .checked = true,
                                  .txns = p->txn,
                                  .ntxns = p->txn ? 1 : 0,
                                  .blind = true,
                                  .operation = "WRITE",
                                  .parameters = "{\"mode\":\"Append\"}",
                                  .metrics = arena_fmt(a, "{\"numFiles\":\"%zu\",\"numOutputRows\":\"%lld\"}",
                                                       staged.nfiles, (long long)staged.rows),
                                  .run_id = p->t->run_id};
    int64_t version;
    if (!staging_commit(a, w, &lt, &staging, &c, &version, e))
        return false;
    log_debug(EV("table.appended"), KV("table", p->table), KV("rows", staged.rows), KV("version", version));
    p->rows = staged.rows;
    return true;
}

static bool load_deliver(void *ctx, const char *table, struct ArrowArrayStream *rows, int64_t position,
                         struct err *e)
{
    struct load *l = ctx;
    auto_arena *scratch = arena_new();
    const struct source_table *st = find_table(l->source, table);
    const struct lake_txn txn = {log_txn(scratch, l->source), position};
    struct append p = {.t = l->t,
                       .w = l->w,
                       .s = l->deliver_session,
                       .select = "SELECT * FROM batch",
                       .table = table,
                       .partition_by = st->partition_by,
                       .npartition_by = st->npartition_by,
                       .txn = &txn};

    pthread_mutex_lock(&l->lock);
    bool ok = l->w->driver->relation_arrow(l->deliver_session, "batch", rows, e) && append(scratch, &p, e);
    l->rows += p.rows;
    pthread_mutex_unlock(&l->lock);
    return ok;
}

static bool load_known(void *ctx, const char *table, const char *key, int64_t since_us,
                       void (*each)(void *arg, const char *key), void *arg, struct err *e)
{
    struct load *l = ctx;
    auto_arena *scratch = arena_new();
    struct session *s;
    if (!l->w->driver->session(scratch, l->w->engine, l->t, &s, e) ||
        !asset_relation(scratch, l->w, s, table, e))
        return false;

    auto_buf sql = BUF(4096);
    buf_addf(&sql, "SELECT DISTINCT ");
    sql_ident(&sql, key);
    buf_addf(&sql, "::VARCHAR FROM ");
    sql_table(&sql, table);
    buf_addf(&sql, " WHERE extraction_timestamp > make_timestamptz(%lld)", (long long)since_us);
    struct engine_rows rows;
    if (!buf_done(&sql, e) ||
        !engine_rows(l->w->driver, scratch, s, sql.p, (struct engine_params){0}, SIZE_MAX, &rows, e))
        return wrap(e, "keys of '%s'", table);
    for (size_t i = 0; i < rows.nrows; i++)
        if (rows.rows[i][0])
            each(arg, rows.rows[i][0]);
    return true;
}

static char *inbox_dir(struct arena *a, const struct workshop *w, const struct source *s)
{
    return arena_fmt(a, "%s/inbox/%s", w->project->state, s->name);
}

bool source_extracted(struct arena *a, const struct workshop *w, const struct source *s, int64_t *ret_us,
                      struct err *e)
{
    struct lake_table log = asset_table(a, w, LOG_TABLE);
    struct lake_snapshot *snap;
    if (!table_latest(a, &log, &snap, e))
        return false;
    int64_t us = snap ? lake_txn_version(snap, log_txn(a, s)) : -1;
    *ret_us = us < 0 ? INT64_MIN : us;
    return true;
}

static bool read_extraction(struct arena *a, const struct workshop *w, const struct source *s,
                            struct extraction *x, struct err *e)
{
    const char *path = arena_fmt(a, "%s/extraction.json", inbox_dir(a, w, s));
    *x = (struct extraction){0};
    if (!fs_exists(path))
        return true;
    char *text;
    size_t n;
    json_t *j;
    if (!fs_read(a, path, 1 << 16, &text, &n, e) || !json_parse(a, text, n, path, &j, e))
        return false;
    x->resumed = true;
    x->now_us = json_int(j, "now_us", 0);
    x->pinned = json_bool(j, "pinned", false);
    x->batch_run_id = arena_str(a, json_str(j, "batch_run_id", ""));
    return true;
}

bool source_unfinished(struct arena *a, const struct workshop *w, const struct source *s, bool *ret,
                       int64_t *ret_now_us, struct err *e)
{
    struct extraction x;
    if (!read_extraction(a, w, s, &x, e))
        return false;
    *ret = x.resumed;
    *ret_now_us = x.now_us;
    return true;
}

static bool begin_extraction(struct arena *a, const struct workshop *w, const struct source *s,
                             struct extraction *x, struct err *e)
{
    *x = (struct extraction){
        .now_us = w->params.now_us, .pinned = w->now_pinned, .batch_run_id = w->batch_run_id};
    const char *dir = inbox_dir(a, w, s);
    const char *text = arena_fmt(a, "{\"now_us\":%lld,\"pinned\":%s,\"batch_run_id\":\"%s\"}\n",
                                 (long long)x->now_us, x->pinned ? "true" : "false", x->batch_run_id);
    /* What is there without an extraction.json is the rest of one that was finished while its folder went. */
    return fs_remove_tree(dir, e) && fs_mkdirs(dir, e) &&
           fs_write_atomic(fs_join(a, dir, "extraction.json"), text, strlen(text), e);
}

static bool end_extraction(struct arena *a, const struct workshop *w, const struct source *s, struct err *e)
{
    const char *dir = inbox_dir(a, w, s);
    return fs_remove(fs_join(a, dir, "extraction.json"), e) && fs_sync_dir(dir, e) && fs_remove_tree(dir, e);
}

static void add_text(struct buf *b, const char *s)
{
    if (s)
        sql_literal(b, s);
    else
        buf_addf(b, "NULL");
}

static void add_int(struct buf *b, int64_t n, const char *name)
{
    buf_addf(b, ", %" PRIi64 "::BIGINT AS %s", n, name);
}

static void add_time(struct buf *b, int64_t us, const char *name)
{
    buf_addf(b, ", make_timestamptz(%" PRIi64 ") AS %s", us, name);
}

/* A resource as a row of the log, in the order of its columns. */
static void log_row(struct buf *b, const struct task *t, const struct source *s, const struct extraction *x,
                    const struct read_result *r, const struct read_stats *st)
{
    const struct {
        const char *name, *value;
    } texts[] = {{"source", s->name},
                 {"resource", st->resource},
                 {"table_name", st->table},
                 {"run_id", t->run_id},
                 {"batch_run_id", x->batch_run_id}};
    int64_t due = st->wanted - st->missing;
    buf_addf(b, "SELECT ");
    for (size_t i = 0; i < countof(texts); i++) {
        buf_addf(b, "%s", i ? ", " : "");
        add_text(b, texts[i].value);
        buf_addf(b, "::VARCHAR AS %s", texts[i].name);
    }
    add_time(b, x->now_us, "extraction_timestamp");
    add_time(b, st->started_us, "started_at");
    add_time(b, st->finished_us, "finished_at");
    add_int(b, st->wanted, "wanted");
    add_int(b, st->arrived, "arrived");
    add_int(b, st->resumed, "resumed");
    add_int(b, st->missing, "missing");
    add_int(b, st->failed, "failed");
    add_int(b, st->retries, "retries");
    add_int(b, st->records, "records");
    add_int(b, st->bytes, "bytes");
    buf_addf(b, ", %.6f::DOUBLE AS share, '%s'::VARCHAR AS state, ",
             due > 0 ? (double)st->arrived / (double)due : 1.0, r->complete ? "complete" : "incomplete");
    add_text(b, st->problems);
    buf_addf(b, "::VARCHAR AS problems");
}

/* One row a resource. The whole extraction's txn comes with it when it is complete. Other sources write there
 * too, and one of them may just have made the table. */
static bool write_log(struct task *t, const struct workshop *w, const struct source *s,
                      const struct extraction *x, const struct read_result *r, struct err *e)
{
    enum { ATTEMPTS = 5 };
    auto_arena *scratch = arena_new();
    auto_buf sql = BUF(16 << 20);
    for (size_t i = 0; i < r->n; i++) {
        buf_addf(&sql, "%s", i ? " UNION ALL " : "");
        log_row(&sql, t, s, x, r, &r->stats[i]);
    }
    const struct lake_txn txn = {log_txn(scratch, s), x->now_us};
    struct append p = {.t = t, .w = w, .select = sql.p, .table = LOG_TABLE, .txn = r->complete ? &txn : NULL};
    if (r->n == 0)
        return true;
    if (!buf_done(&sql, e) || !w->driver->session(scratch, w->engine, t, &p.s, e))
        return false;
    for (int i = 1; !append(scratch, &p, e); i++)
        if (e->kind != ERR_CONFLICT || i == ATTEMPTS)
            return false;
    return true;
}

/* Everything the source offers, from the inbox and from outside, into its tables. */
static bool extract(struct task *t, const struct workshop *w, const struct source *s,
                    const struct extraction *x, struct asset_result *ret, struct err *e)
{
    struct load l = {.t = t, .w = w, .source = s};
    if (!w->driver->session(t->a, w->engine, t, &l.deliver_session, e))
        return false;
    pthread_mutex_init(&l.lock, NULL);

    const struct read_spec spec = {.source = s->name,
                                   .inbox_dir = inbox_dir(t->a, w, s),
                                   .now_us = x->now_us,
                                   .now_pinned = x->pinned,
                                   .batch_run_id = x->batch_run_id,
                                   .ctx = &l,
                                   .position = load_position,
                                   .deliver = load_deliver,
                                   .known = load_known};
    bool ok = s->connector->read(t, s->conf, &spec, &ret->read, e);
    pthread_mutex_destroy(&l.lock);
    ret->rows = l.rows;
    return ok || wrap(e, "source '%s'", s->name);
}

bool source_run(struct task *t, const struct workshop *w, const struct source *s, struct asset_result *ret,
                struct err *e)
{
    struct extraction x;
    int64_t extracted;
    if (!read_extraction(t->a, w, s, &x, e) || !source_extracted(t->a, w, s, &extracted, e))
        return false;
    if (x.resumed && x.now_us <= extracted) { /* killed between the log's commit and the end */
        if (!end_extraction(t->a, w, s, e))
            return false;
        x.resumed = false;
    }
    if (!x.resumed && w->params.now_us <= extracted) {
        ret->note = "already extracted for this time";
        return true;
    }
    if (s->missing_env) {
        fail(e, ERR_USER, "source '%s' needs the environment variable %s", s->name, s->missing_env);
        return hint(e, "set it in the environment or in the project's .env file");
    }
    if (!x.resumed && !begin_extraction(t->a, w, s, &x, e))
        return false;

    if (!extract(t, w, s, &x, ret, e) || !write_log(t, w, s, &x, &ret->read, e))
        return false;
    ret->outcome = OUTCOME_UPDATED;
    if (!ret->read.complete)
        return fail(e, ERR_DATA, "source '%s' is incomplete: %s", s->name, ret->read.why);
    return end_extraction(t->a, w, s, e);
}
