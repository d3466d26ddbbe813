#include "lake/checkpoint.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "lake/replay.h"

enum {
    INTERVAL = 10,
    INLINE_FILES = 10000,   /* of a v2 checkpoint; more of them are put into sidecars */
    SIDECAR_FILES = 100000, /* of one */
};
#define RETENTION_MS   (INT64_C(7) * 24 * 3600 * 1000)
#define CHECKPOINT_MAX ((size_t)4 << 30) /* bytes of its text */

#define DV_COLUMNS                                                                                           \
    "\"deletionVector\" STRUCT(\"storageType\" VARCHAR, \"pathOrInlineDv\" VARCHAR, \"offset\" INTEGER, "    \
    "\"sizeInBytes\" INTEGER, \"cardinality\" BIGINT), \"baseRowId\" BIGINT, "                               \
    "\"defaultRowCommitVersion\" BIGINT"

/* Names that are words of SQL are quoted. */
#define FILE_COLUMNS                                                                                         \
    "add STRUCT(\"path\" VARCHAR, \"partitionValues\" MAP(VARCHAR, VARCHAR), \"size\" BIGINT, "              \
    "\"modificationTime\" BIGINT, \"dataChange\" BOOLEAN, \"tags\" MAP(VARCHAR, VARCHAR), \"stats\" "        \
    "VARCHAR, " DV_COLUMNS ", \"clusteringProvider\" VARCHAR), "                                             \
    "remove STRUCT(\"path\" VARCHAR, \"deletionTimestamp\" BIGINT, \"dataChange\" BOOLEAN, "                 \
    "\"extendedFileMetadata\" BOOLEAN, \"partitionValues\" MAP(VARCHAR, VARCHAR), \"size\" BIGINT, "         \
    "\"tags\" MAP(VARCHAR, VARCHAR), " DV_COLUMNS ")"
#define STATE_COLUMNS                                                                                        \
    "txn STRUCT(\"appId\" VARCHAR, \"version\" BIGINT, \"lastUpdated\" BIGINT), "                            \
    "domainMetadata STRUCT(\"domain\" VARCHAR, \"configuration\" VARCHAR, \"removed\" BOOLEAN), "            \
    "metaData STRUCT(\"id\" VARCHAR, \"name\" VARCHAR, \"description\" VARCHAR, "                            \
    "\"format\" STRUCT(\"provider\" VARCHAR, \"options\" MAP(VARCHAR, VARCHAR)), \"schemaString\" VARCHAR, " \
    "\"partitionColumns\" VARCHAR[], \"configuration\" MAP(VARCHAR, VARCHAR), \"createdTime\" BIGINT), "     \
    "protocol STRUCT(\"minReaderVersion\" INTEGER, \"minWriterVersion\" INTEGER, \"readerFeatures\" "        \
    "VARCHAR[], \"writerFeatures\" VARCHAR[])"
#define V2_COLUMNS                                                                                           \
    "checkpointMetadata STRUCT(\"version\" BIGINT, \"tags\" MAP(VARCHAR, VARCHAR)), "                        \
    "sidecar STRUCT(\"path\" VARCHAR, \"sizeInBytes\" BIGINT, \"modificationTime\" BIGINT, "                 \
    "\"tags\" MAP(VARCHAR, VARCHAR))"

bool checkpoint_is_due(const char *interval, int64_t version)
{
    struct err ignored;
    int64_t every = INTERVAL;
    if (interval && (!text_int(interval, &every, &ignored) || every < 1))
        every = INTERVAL;
    return version > 0 && version % every == 0;
}

/* "interval 1 week" or "1 week"; what cannot be read is the default, which keeps more. */
static int64_t retention_ms(const struct metadata *m)
{
    struct err ignored;
    int64_t ms;
    for (size_t i = 0; i < m->nconfiguration; i++) {
        const char *value = m->configuration[i].value;
        if (!value || strcmp(m->configuration[i].key, "delta.deletedFileRetentionDuration") != 0)
            continue;
        if (strncasecmp(value, "interval ", 9) == 0)
            value += 9;
        if (text_duration_ms(value, &ms, &ignored))
            return ms;
    }
    return RETENTION_MS;
}

/* Does the table ask for v2 checkpoints, and may it have them? */
static bool is_v2(const struct replay *r)
{
    const struct metadata *m = r->metadata;
    bool may = false, asks = false;
    for (size_t i = 0; r->protocol->writer_features[i]; i++)
        may |= strcmp(r->protocol->writer_features[i], "v2Checkpoint") == 0;
    for (size_t i = 0; i < m->nconfiguration; i++)
        if (strcmp(m->configuration[i].key, "delta.checkpointPolicy") == 0)
            asks = m->configuration[i].value && strcasecmp(m->configuration[i].value, "v2") == 0;
    return may && asks;
}

struct checkpoint { /* being written */
    struct arena *a;
    const struct lake_table *t;
    int64_t version, actions, adds;
    bool v2, apart; /* files go into sidecars */
    struct buf *top, *part;
    int64_t in_part; /* actions */
};

static void remove_local(void *path)
{
    struct err e;
    if (!fs_remove(path, &e))
        log_debug(EV("lake.temp_left"), KV("error", e.msg));
}

/* The lines as a Parquet file of this name, below the table. */
static bool write_file(struct checkpoint *c, const struct buf *lines, const char *columns, const char *name,
                       struct stat *ret, struct err *e)
{
    struct arena *a = c->a;
    const struct lake_table *t = c->t;
    bool taken;
    struct store *staging = store_staging(t->store);
    char *temp =
        store_uri(a, staging,
                  log_path(a, t, arena_fmt(a, LOG_DIR "/.%020" PRIi64 ".%s.tmp", c->version, lake_uuid(a))));
    arena_defer(a, remove_local, temp); /* it is gone already if all went well */
    if (staging != t->store && !staging->driver->mkdirs(staging, log_path(a, t, LOG_DIR), e))
        return false;
    if (!buf_done(lines, e) || !t->parquet->write(t->parquet->ctx, lines->p, lines->len, columns, temp, e))
        return false;
    if (stat(temp, ret) != 0)
        return fs_fail(e, "cannot read", temp);
    return t->store->driver->adopt(t->store, temp, log_path(a, t, name), &taken, e);
}

/* The files gathered so far as a sidecar: durable before the checkpoint that names it. */
static bool end_sidecar(struct checkpoint *c, struct err *e)
{
    struct stat st;
    const char *name = arena_fmt(c->a, "%s.parquet", lake_uuid(c->a));
    const char *path = arena_fmt(c->a, LOG_SIDECARS "/%s", name);
    if (c->in_part == 0)
        return true;
    if (!write_file(c, c->part, FILE_COLUMNS, path, &st, e))
        return false;
    buf_addf(c->top,
             "{\"sidecar\":{\"path\":\"%s\",\"sizeInBytes\":%" PRIi64 ",\"modificationTime\":%" PRIi64 "}}\n",
             name, (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec * 1000 + st.st_mtim.tv_nsec / 1000000);
    buf_free(c->part);
    *c->part = BUF(CHECKPOINT_MAX);
    c->in_part = 0;
    c->actions++;
    return true;
}

static bool write_entry(struct checkpoint *c, const struct replay_entry *x, struct err *e)
{
    struct buf *to = c->apart ? c->part : c->top;
    struct file_act f = *x->file;
    f.data_change = false; /* it is not what this file does */
    if (x->live)
        action_write_add(to, &f);
    else
        action_write_remove(to, &f);
    c->actions++;
    c->adds += x->live;
    return !c->apart || ++c->in_part < SIDECAR_FILES || end_sidecar(c, e);
}

/* Removes are kept as long as somebody may read what they took away. */
static bool is_kept(const struct replay_entry *x, int64_t oldest_ms)
{
    return x->live || x->file->time_ms > oldest_ms;
}

static bool write_files(struct checkpoint *c, const struct replay *r, int64_t oldest_ms, struct err *e)
{
    size_t n = 0;
    for (size_t i = 0; i < r->entries.n; i++)
        n += is_kept(&r->entries.v[i], oldest_ms);
    c->apart = c->v2 && n > INLINE_FILES;
    for (size_t i = 0; i < r->entries.n; i++)
        if (is_kept(&r->entries.v[i], oldest_ms) && !write_entry(c, &r->entries.v[i], e))
            return false;
    return !c->apart || end_sidecar(c, e);
}

static bool write_state(struct checkpoint *c, const struct replay *r, int64_t now_ms, struct err *e)
{
    struct buf *b = c->top;
    action_write_protocol(b, r->protocol);
    action_write_metadata(b, r->metadata);
    c->actions = 2;
    if (c->v2) {
        buf_addf(b, "{\"checkpointMetadata\":{\"version\":%" PRIi64 "}}\n", c->version);
        c->actions++;
    }
    for (size_t i = 0; i < r->txns.n; i++, c->actions++)
        action_write_txn(b, r->txns.v[i]);
    for (size_t i = 0; i < r->domains.n; i++) {
        if (r->domains.v[i]->removed)
            continue;
        action_write_domain(b, r->domains.v[i]);
        c->actions++;
    }
    return write_files(c, r, now_ms - retention_ms(r->metadata), e);
}

/* The hint must not go back when a slower writer of an older checkpoint comes last. */
static bool write_hint(const struct checkpoint *c, struct err *e)
{
    if (log_hint(c->t) > c->version)
        return true;
    char *text =
        arena_fmt(c->a, "{\"version\":%" PRIi64 ",\"size\":%" PRIi64 ",\"numOfAddFiles\":%" PRIi64 "}",
                  c->version, c->actions, c->adds);
    return c->t->store->driver->put(c->t->store, log_path(c->a, c->t, LOG_HINT), text, strlen(text), e);
}

bool checkpoint_write(const struct lake_table *t, int64_t version, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf top = BUF(CHECKPOINT_MAX), part = BUF(CHECKPOINT_MAX);
    struct replay r;
    struct stat st;
    if (!replay_log(a, t, (struct lake_at){.version = version}, true, &r, NULL, e))
        return false;
    struct checkpoint c = {.a = a, .t = t, .version = version, .v2 = is_v2(&r), .top = &top, .part = &part};
    if (!write_state(&c, &r, clock_now_us(t->clock) / 1000, e))
        return false;
    /* With sidecars, too, readers want to find the columns of files here. */
    const char *columns =
        c.v2 ? STATE_COLUMNS ", " FILE_COLUMNS ", " V2_COLUMNS : STATE_COLUMNS ", " FILE_COLUMNS;
    const char *name = arena_fmt(a, LOG_DIR "/%020" PRIi64 ".checkpoint.parquet", version);
    return write_file(&c, &top, columns, name, &st, e) && write_hint(&c, e);
}
