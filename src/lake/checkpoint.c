#include "lake/checkpoint.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "lake/replay.h"

enum { INTERVAL = 10 };
#define RETENTION_MS   (INT64_C(7) * 24 * 3600 * 1000)
#define CHECKPOINT_MAX ((size_t)4 << 30) /* bytes of its text */

#define DV_COLUMNS                                                                                           \
    "\"deletionVector\" STRUCT(\"storageType\" VARCHAR, \"pathOrInlineDv\" VARCHAR, \"offset\" INTEGER, "    \
    "\"sizeInBytes\" INTEGER, \"cardinality\" BIGINT), \"baseRowId\" BIGINT, "                               \
    "\"defaultRowCommitVersion\" BIGINT"

/* Names that are words of SQL are quoted. */
static const char columns[] =
    "txn STRUCT(\"appId\" VARCHAR, \"version\" BIGINT, \"lastUpdated\" BIGINT), "
    "add STRUCT(\"path\" VARCHAR, \"partitionValues\" MAP(VARCHAR, VARCHAR), \"size\" BIGINT, "
    "\"modificationTime\" BIGINT, \"dataChange\" BOOLEAN, \"tags\" MAP(VARCHAR, VARCHAR), \"stats\" "
    "VARCHAR, " DV_COLUMNS ", \"clusteringProvider\" VARCHAR), "
    "remove STRUCT(\"path\" VARCHAR, \"deletionTimestamp\" BIGINT, \"dataChange\" BOOLEAN, "
    "\"extendedFileMetadata\" BOOLEAN, \"partitionValues\" MAP(VARCHAR, VARCHAR), \"size\" BIGINT, "
    "\"tags\" MAP(VARCHAR, VARCHAR), " DV_COLUMNS "), "
    "domainMetadata STRUCT(\"domain\" VARCHAR, \"configuration\" VARCHAR, \"removed\" BOOLEAN), "
    "metaData STRUCT(\"id\" VARCHAR, \"name\" VARCHAR, \"description\" VARCHAR, "
    "\"format\" STRUCT(\"provider\" VARCHAR, \"options\" MAP(VARCHAR, VARCHAR)), \"schemaString\" VARCHAR, "
    "\"partitionColumns\" VARCHAR[], \"configuration\" MAP(VARCHAR, VARCHAR), \"createdTime\" BIGINT), "
    "protocol STRUCT(\"minReaderVersion\" INTEGER, \"minWriterVersion\" INTEGER, \"readerFeatures\" "
    "VARCHAR[], "
    "\"writerFeatures\" VARCHAR[])";

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

struct tally {
    int64_t actions, adds;
};

static struct tally write_state(struct buf *b, const struct replay *r, int64_t now_ms)
{
    struct tally n = {.actions = 2};
    int64_t oldest = now_ms - retention_ms(r->metadata);
    action_write_protocol(b, r->protocol);
    action_write_metadata(b, r->metadata);
    for (size_t i = 0; i < r->txns.n; i++, n.actions++)
        action_write_txn(b, r->txns.v[i]);
    for (size_t i = 0; i < r->domains.n; i++) {
        if (r->domains.v[i]->removed)
            continue;
        action_write_domain(b, r->domains.v[i]);
        n.actions++;
    }
    for (size_t i = 0; i < r->entries.n; i++) {
        struct file_act f = *r->entries.v[i].file;
        bool live = r->entries.v[i].live;
        if (!live && f.time_ms <= oldest)
            continue;
        f.data_change = false; /* it is not what this file does */
        n.actions++;
        n.adds += live;
        if (live)
            action_write_add(b, &f);
        else
            action_write_remove(b, &f);
    }
    return n;
}

/* The hint must not go back when a slower writer of an older checkpoint comes last. */
static bool write_hint(struct arena *a, const struct lake_table *t, int64_t version, struct tally n,
                       struct err *e)
{
    if (log_hint(t) > version)
        return true;
    char *text = arena_fmt(a, "{\"version\":%" PRIi64 ",\"size\":%" PRIi64 ",\"numOfAddFiles\":%" PRIi64 "}",
                           version, n.actions, n.adds);
    return t->store->driver->put(t->store, log_path(a, t, LOG_HINT), text, strlen(text), e);
}

static void remove_local(void *path)
{
    struct err e;
    if (!fs_remove(path, &e))
        log_debug(EV("lake.temp_left"), KV("error", e.msg));
}

bool checkpoint_write(const struct lake_table *t, int64_t version, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf b = BUF(CHECKPOINT_MAX);
    struct replay r;
    bool taken;
    if (!replay_log(a, t, (struct lake_at){.version = version}, true, &r, NULL, e))
        return false;
    struct tally n = write_state(&b, &r, clock_now_us(t->clock) / 1000);
    if (!buf_done(&b, e))
        return false;

    char *name = log_path(a, t, arena_fmt(a, LOG_DIR "/%020" PRIi64 ".checkpoint.parquet", version));
    struct store *staging = store_staging(t->store);
    char *temp = store_uri(
        a, staging, log_path(a, t, arena_fmt(a, LOG_DIR "/.%020" PRIi64 ".%s.tmp", version, lake_uuid(a))));
    arena_defer(a, remove_local, temp); /* it is gone already if all went well */
    if (staging != t->store && !staging->driver->mkdirs(staging, log_path(a, t, LOG_DIR), e))
        return false;
    return t->parquet->write(t->parquet->ctx, b.p, b.len, columns, temp, e) &&
           t->store->driver->adopt(t->store, temp, name, &taken, e) && write_hint(a, t, version, n, e);
}
