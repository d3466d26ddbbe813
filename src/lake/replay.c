#include "lake/replay.h"

#include <inttypes.h>
#include <string.h>

#include "base/log.h"
#include "lake/protocol.h"

enum { SHORT_LOG = 600 }; /* commits on local disk that are read in the time of the smallest checkpoint */

static void take_file(struct replay *r, const struct file_act *f, bool live)
{
    size_t no = map_add(r->a, &r->paths, lake_file_id(r->a, f->path, f->dv));
    if (no == r->entries.n)
        arena_push(r->a, &r->entries);
    r->entries.v[no] = (struct replay_entry){f, r->reading, live};
}

static bool take_action(void *arg, const struct action *x, struct err *e)
{
    struct replay *r = arg;
    if (r->strict && x->add && !x->add->time_ms)
        return fail(e, ERR_DATA, "an add of version %" PRIi64 " is not complete", r->reading);
    if (x->remove)
        take_file(r, x->remove, false);
    if (x->add)
        take_file(r, x->add, true);
    if (x->protocol)
        r->protocol = x->protocol;
    if (x->metadata)
        r->metadata = x->metadata;
    if (x->txn) {
        size_t no = map_add(r->a, &r->apps, x->txn->app_id);
        if (no == r->txns.n)
            arena_push(r->a, &r->txns);
        r->txns.v[no] = x->txn;
    }
    if (x->domain) {
        size_t no = map_add(r->a, &r->domain_names, x->domain->domain);
        if (no == r->domains.n)
            arena_push(r->a, &r->domains);
        r->domains.v[no] = x->domain;
    }
    if (x->info && x->info->timestamp_ms)
        r->timestamp_ms = x->info->timestamp_ms;
    return true;
}

static int64_t listed_time(const struct log_listing *l, int64_t version)
{
    for (size_t i = l->ncommits; i-- > 0 && l->commits[i].version >= version;)
        if (l->commits[i].version == version)
            return l->commits[i].mtime_ms;
    for (size_t i = l->ncheckpoints; i-- > 0;)
        if (l->checkpoints[i].version == version)
            return l->checkpoints[i].mtime_ms;
    return 0;
}

static bool is_listed(const struct log_listing *l, int64_t version)
{
    for (size_t i = l->ncommits; i-- > 0 && l->commits[i].version >= version;)
        if (l->commits[i].version == version)
            return true;
    return false;
}

static bool hole(const struct lake_table *t, const struct log_listing *l, int64_t version, struct err *e)
{
    const char *name = log_table_name(t);
    if (version == 0 || (l->ncommits && l->commits[0].version > version))
        return fail(e, ERR_DATA,
                    "the log of table '%s' begins at version %" PRIi64 ", without a checkpoint to start from",
                    name, l->ncommits ? l->commits[0].version : version + 1);
    return fail(e, ERR_DATA,
                "the log of table '%s' has a hole: version %" PRIi64 " is missing, later ones are there",
                name, version);
}

/* The compaction that reaches farthest from version v, but not beyond `to`; NULL = none. */
static const struct log_compaction *compaction_at(const struct log_listing *l, int64_t v, int64_t to)
{
    const struct log_compaction *best = NULL;
    for (size_t i = 0; i < l->ncompactions && l->compactions[i].from <= v; i++)
        if (l->compactions[i].from == v && l->compactions[i].to <= to)
            best = &l->compactions[i];
    return best;
}

/* Takes one in place of the commits from version v on, if there is one that can be read. What a damaged one
 * has said so far the commits say again. */
static bool replay_compaction(struct replay *r, const struct log_listing *l, int64_t *v, int64_t to)
{
    struct err failed;
    const struct log_compaction *c = compaction_at(l, *v, to);
    r->reading = -1;
    if (!c)
        return false;
    if (!log_read_compaction(r->a, r->t, c, WANT_STATE & ~(unsigned)WANT_INFO, take_action, r, &r->log_bytes,
                             &failed)) {
        log_debug(EV("lake.compaction_skipped"), KV("table", log_table_name(r->t)), KV("file", c->name),
                  KV("error", failed.msg));
        return false;
    }
    *v = c->to;
    return true;
}

/* The commits behind version `from`, up to `to`. */
static bool replay_commits(struct replay *r, const struct log_listing *l, int64_t from, int64_t to,
                           bool *ret_vanished, struct err *e)
{
    for (int64_t v = from + 1; v <= to; v++) {
        bool missing = false;
        if (replay_compaction(r, l, &v, to))
            continue;
        unsigned want = v == to ? WANT_STATE : WANT_STATE & ~(unsigned)WANT_INFO;
        r->reading = v;
        if (log_read_commit(r->a, r->t, v, want, take_action, r, &missing, &r->log_bytes, e))
            continue;
        /* A listing may miss a name that appears meanwhile, so what counts is whether it can be read. One
         * that was listed and is gone was cleaned up: a checkpoint stands in its place. */
        *ret_vanished = missing && is_listed(l, v);
        return missing ? hole(r->t, l, v, e) : false;
    }
    return true;
}

struct timestamp {
    int64_t ms;
};

static bool take_timestamp(void *arg, const struct action *x, struct err *e)
{
    (void)e;
    struct timestamp *t = arg;
    if (x->info && x->info->timestamp_ms)
        t->ms = x->info->timestamp_ms;
    return !x->info; /* it is usually the first line */
}

static int64_t commit_time(const struct lake_table *t, const struct log_listing *l, int64_t version)
{
    struct err ignored;
    struct timestamp at = {0};
    auto_arena *a = arena_new();
    bool missing;
    if (is_listed(l, version))
        (void)log_read_commit(a, t, version, WANT_INFO, take_timestamp, &at, &missing, NULL, &ignored);
    return at.ms ? at.ms : listed_time(l, version);
}

static struct replay fresh(struct arena *a, const struct lake_table *t, int64_t version)
{
    return (struct replay){.a = a, .t = t, .version = version};
}

/* Is every commit behind the checkpoint there, and readable in principle? Asked before reading a checkpoint
 * that is older than the newest, so that the error of the newest is the one that is told. */
static bool has_commits(const struct log_listing *l, int64_t from, int64_t to)
{
    int64_t want = from + 1;
    for (size_t i = 0; i < l->ncommits && want <= to; i++)
        want += l->commits[i].version == want;
    return want > to;
}

/* Is all that a checkpoint stands for there in commits, and so short that these are told sooner than an
 * engine reads the checkpoint? Text is about eight times what Parquet makes of it; when it is more, much of
 * it does not count any more. */
static bool is_told_sooner(const struct lake_table *t, const struct log_listing *l,
                           const struct log_checkpoint *c)
{
    enum { SMALL_BYTES = 512 << 10, RATIO = 8 };
    int64_t bytes = 0;
    if (t->store->remote || c->json || c->version > SHORT_LOG || !has_commits(l, -1, c->version))
        return false;
    for (size_t i = 0; i < l->ncommits && l->commits[i].version <= c->version; i++)
        bytes += l->commits[i].bytes;
    return bytes <= c->bytes * RATIO + SMALL_BYTES;
}

/* The commits alone, of a short log. False: the checkpoint counts, as it does when a commit cannot be read.
 */
static bool replay_short(struct replay *r, const struct log_listing *l, int64_t version)
{
    const struct log_checkpoint *newest = NULL;
    bool vanished;
    struct err failed = {0};
    for (size_t i = 0; i < l->ncheckpoints && l->checkpoints[i].version <= version; i++)
        newest = &l->checkpoints[i];
    if (!newest || !is_told_sooner(r->t, l, newest))
        return false;
    r->strict = true;
    if (replay_commits(r, l, -1, version, &vanished, &failed) && r->protocol && r->metadata &&
        r->metadata->schema)
        return true;
    *r = fresh(r->a, r->t, version);
    log_debug(EV("lake.commit_skipped"), KV("table", log_table_name(r->t)), KV("error", failed.msg));
    return false;
}

/* From the newest checkpoint that can be read, or from version 0. */
static bool replay_to(struct replay *r, const struct log_listing *l, int64_t version, bool tombstones,
                      bool *ret_vanished, struct err *e)
{
    unsigned want = WANT_STATE & ~(unsigned)WANT_INFO;
    if (!tombstones)
        want &= ~(unsigned)WANT_REMOVE;
    bool tried = false;
    if (replay_short(r, l, version))
        return true;
    for (size_t i = l->ncheckpoints; i-- > 0;) {
        const struct log_checkpoint *c = &l->checkpoints[i];
        if (c->version > version || (!r->t->parquet && !c->json) ||
            (tried && !has_commits(l, c->version, version)))
            continue;
        struct err failed;
        *r = fresh(r->a, r->t, version);
        r->reading = -1;
        if (log_read_checkpoint(r->a, r->t, c, want, take_action, r, &r->log_bytes, &failed))
            return replay_commits(r, l, c->version, version, ret_vanished, e);
        if (failed.kind == ERR_CANCELED || failed.kind == ERR_LIMIT) {
            *e = failed;
            return false;
        }
        log_debug(EV("lake.checkpoint_skipped"), KV("table", log_table_name(r->t)), KV("version", c->version),
                  KV("error", failed.msg));
        if (!tried)
            *e = failed; /* told if there is no other way */
        tried = true;
    }
    if (tried && !has_commits(l, -1, version))
        return false;
    *r = fresh(r->a, r->t, version);
    return replay_commits(r, l, -1, version, ret_vanished, e);
}

static int64_t first_version(const struct log_listing *l, bool checkpoints)
{
    int64_t first = l->ncommits ? l->commits[0].version : INT64_MAX;
    if (first > 0)
        first = checkpoints && l->ncheckpoints ? l->checkpoints[0].version : first;
    return first;
}

/* The version asked for, among those that are there. */
static bool pick_version(const struct lake_table *t, const struct log_listing *l, struct lake_at at,
                         int64_t *ret, struct err *e)
{
    int64_t first = first_version(l, t->parquet != NULL), last = log_last(l);
    const char *name = log_table_name(t);
    char asked[32], there[32];
    if (at.timestamp_ms) {
        for (int64_t v = last; v >= first; v--) {
            if (commit_time(t, l, v) <= at.timestamp_ms) {
                *ret = v;
                return true;
            }
        }
        return fail(e, ERR_USER, "table '%s' has no version of %s: its first, %" PRIi64 ", is of %s", name,
                    clock_format(asked, at.timestamp_ms * 1000, 3), first,
                    clock_format(there, commit_time(t, l, first) * 1000, 3));
    }
    if (at.version >= 0 && (at.version < first || at.version > last))
        return fail(e, ERR_USER, "table '%s' has no version %" PRIi64 ": it has %" PRIi64 " to %" PRIi64,
                    name, at.version, first, last);
    *ret = at.version < 0 ? last : at.version;
    return true;
}

static bool is_latest(struct lake_at at)
{
    return at.version < 0 && !at.timestamp_ms;
}

static bool has_checkpoint(const struct log_listing *l, int64_t version)
{
    for (size_t i = 0; i < l->ncheckpoints; i++)
        if (l->checkpoints[i].version == version)
            return true;
    return false;
}

/* What the log has: only from the checkpoint on that the hint names (*partial), if it can be trusted and
 * helps. A short log may be told without it. */
static bool list_for(struct arena *a, const struct lake_table *t, struct lake_at at, bool *partial,
                     struct log_listing *ret, struct err *e)
{
    int64_t from = *partial && t->parquet && !at.timestamp_ms ? log_hint(t) : -1;
    bool is_short = from <= SHORT_LOG && !t->store->remote;
    *partial = from > 0 && !is_short && (is_latest(at) || at.version >= from);
    if (*partial) {
        if (!log_list(a, t, from, ret, e))
            return false;
        if (has_checkpoint(ret, from) && (is_latest(at) || at.version <= log_last(ret)))
            return true;
        *partial = false;
    }
    return log_list(a, t, 0, ret, e);
}

static bool no_table(const struct lake_table *t, bool *ret_missing, struct err *e)
{
    if (ret_missing)
        *ret_missing = true;
    return fail(e, ERR_USER, "there is no table '%s'", log_table_name(t));
}

static bool check_state(const struct replay *r, struct err *e)
{
    const char *name = log_table_name(r->t);
    const char *lacks = !r->protocol ? "protocol" : !r->metadata ? "metaData" : NULL;
    if (lacks)
        return fail(e, ERR_DATA, "the log of table '%s' has no %s up to version %" PRIi64, name, lacks,
                    r->version);
    return protocol_may_read(name, r->protocol, r->metadata, e);
}

bool replay_log(struct arena *a, const struct lake_table *t, struct lake_at at, bool tombstones,
                struct replay *ret, bool *ret_missing, struct err *e)
{
    if (ret_missing)
        *ret_missing = false;
    for (int tries = 0;; tries++) {
        struct log_listing l;
        bool vanished = false;
        struct replay r = fresh(a, t, 0);
        bool partial = tries == 0;
        if (!list_for(a, t, at, &partial, &l, e))
            return false;
        if (log_last(&l) < 0)
            return no_table(t, ret_missing, e);
        if (!pick_version(t, &l, at, &r.version, e))
            return false;
        if (replay_to(&r, &l, r.version, tombstones, &vanished, e)) {
            if (!r.timestamp_ms)
                r.timestamp_ms = commit_time(t, &l, r.version);
            if (!check_state(&r, e))
                return false;
            *ret = r;
            return true;
        }
        /* Old commits may be cleaned up while we read, and the checkpoint that the hint names may be damaged.
         */
        if (tries == 3 || (!vanished && !partial))
            return false;
    }
}
