/* A source: the connector fetches, every batch becomes one Delta commit together with the position reached,
 * and the extraction is judged and logged as a table.
 *
 * Half-done work is in <state>/inbox/<source>/: what the connector keeps there, and extraction.json, which
 * holds the logical time, so that a resumed extraction puts its rows where the interrupted one would have.
 * The folder goes when the extraction's row is in bronze.extraction_log, in whose txn the logical time
 * stands: from then on the same time is never extracted again.
 */
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
    struct arena *arena;  /* of the delivering side, under the lock */
    struct session *deliver_session;
    int64_t rows;
};

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
    *ret = snap ? lake_txn_version(snap, arena_fmt(scratch, "cupel/%s", l->source->name)) : -1;
    return true;
}

/* The rows as files and as one commit that also says `txn`. */
static bool append(struct arena *a, const struct task *t, const struct workshop *w, struct session *s,
                   const char *relation, const char *table, const char *const *partition_by,
                   size_t npartition_by, const struct lake_txn *txn, int64_t *ret_rows, struct err *e)
{
    struct lake_table lt = asset_table(a, w, table);
    struct lake_snapshot *base;
    if (!table_latest(a, &lt, &base, e))
        return false;

    auto_buf sql = BUF(4096);
    buf_addf(&sql, "SELECT * FROM ");
    sql_ident(&sql, relation);
    struct engine_stage stage = {.sql = sql.p,
                                 .store = w->lake,
                                 .dir = lt.dir,
                                 .schema = base ? &base->schema : NULL,
                                 .partition_by = partition_by,
                                 .npartition_by = npartition_by};
    struct engine_staged staged;
    if (!buf_done(&sql, e) || !w->driver->stage(a, s, &stage, &staged, e))
        return wrap(e, "table '%s'", table);

    struct lake_commit c = {.base = base,
                            .schema = base ? NULL : &staged.schema,
                            .partition_by = partition_by,
                            .npartition_by = npartition_by,
                            .adds = staged.files,
                            .nadds = staged.nfiles,
                            .txns = txn,
                            .ntxns = txn ? 1 : 0,
                            .blind = true,
                            .operation = "WRITE",
                            .parameters = "{\"mode\":\"Append\"}",
                            .metrics = arena_fmt(a, "{\"numFiles\":\"%zu\",\"numOutputRows\":\"%lld\"}",
                                                 staged.nfiles, (long long)staged.rows),
                            .run_id = t->run_id};
    int64_t version;
    if (!lake_commit(a, &lt, &c, &version, e))
        return wrap(e, "table '%s'", table);
    log_debug(EV("table.appended"), KV("table", table), KV("rows", staged.rows), KV("version", version));
    *ret_rows = staged.rows;
    return true;
}

static bool load_deliver(void *ctx, const char *table, struct ArrowArrayStream *rows, int64_t position,
                         struct err *e)
{
    struct load *l = ctx;
    auto_arena *scratch = arena_new();
    const struct source_table *st = find_table(l->source, table);
    const struct lake_txn txn = {arena_fmt(scratch, "cupel/%s", l->source->name), position};
    int64_t n = 0;

    pthread_mutex_lock(&l->lock);
    bool ok = l->w->driver->relation_arrow(l->deliver_session, "batch", rows, e) &&
              append(scratch, l->t, l->w, l->deliver_session, "batch", table, st->partition_by,
                     st->npartition_by, &txn, &n, e);
    l->rows += n;
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

static char *log_txn(struct arena *a, const struct source *s)
{
    return arena_fmt(a, "cupel/%s", s->name);
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

/* One row a resource. The whole extraction's txn comes with it when it is complete. */
static bool write_log(struct task *t, const struct workshop *w, const struct source *s,
                      const struct extraction *x, const struct read_result *r, struct err *e)
{
    auto_arena *scratch = arena_new();
    struct session *session;
    auto_buf sql = BUF(16 << 20);
    for (size_t i = 0; i < r->n; i++) {
        const struct read_stats *st = &r->stats[i];
        int64_t due = st->wanted - st->missing;
        buf_addf(&sql, "%sSELECT ", i ? " UNION ALL " : "");
        add_text(&sql, s->name);
        buf_addf(&sql, "::VARCHAR AS source, ");
        add_text(&sql, st->resource);
        buf_addf(&sql, "::VARCHAR AS resource, ");
        add_text(&sql, st->table);
        buf_addf(&sql, "::VARCHAR AS table_name, ");
        add_text(&sql, t->run_id);
        buf_addf(&sql, "::VARCHAR AS run_id, ");
        add_text(&sql, x->batch_run_id);
        buf_addf(
            &sql,
            "::VARCHAR AS batch_run_id, make_timestamptz(%lld) AS extraction_timestamp, "
            "make_timestamptz(%lld) "
            "AS started_at, make_timestamptz(%lld) AS finished_at, %lld::BIGINT AS wanted, %lld::BIGINT AS "
            "arrived, %lld::BIGINT AS resumed, %lld::BIGINT AS missing, %lld::BIGINT AS failed, %lld::BIGINT "
            "AS "
            "retries, %lld::BIGINT AS records, %lld::BIGINT AS bytes, ",
            (long long)x->now_us, (long long)st->started_us, (long long)st->finished_us,
            (long long)st->wanted, (long long)st->arrived, (long long)st->resumed, (long long)st->missing,
            (long long)st->failed, (long long)st->retries, (long long)st->records, (long long)st->bytes);
        buf_addf(&sql, "%.6f::DOUBLE AS share, '%s'::VARCHAR AS state, ",
                 due > 0 ? (double)st->arrived / (double)due : 1.0, r->complete ? "complete" : "incomplete");
        add_text(&sql, st->problems);
        buf_addf(&sql, "::VARCHAR AS problems");
    }
    const struct lake_txn txn = {log_txn(scratch, s), x->now_us};
    int64_t rows;
    return r->n == 0 || (buf_done(&sql, e) && w->driver->session(scratch, w->engine, t, &session, e) &&
                         w->driver->relation_sql(session, "log_rows", sql.p, false, e) &&
                         append(scratch, t, w, session, "log_rows", LOG_TABLE, NULL, 0,
                                r->complete ? &txn : NULL, &rows, e));
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
        fail(e, ERR_AUTH, "source '%s' needs the environment variable %s", s->name, s->missing_env);
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
