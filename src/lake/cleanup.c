#include "lake/cleanup.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "lake/checkpoint.h"
#include "lake/delta_log.h"
#include "lake/map.h"
#include "lake/vacuum.h"

struct names list_of(const char *);

enum { DIGITS = 20, EVERY = 10 };
#define DAY_MS (INT64_C(24) * 3600 * 1000)

bool cleanup_is_due(const char *interval, int64_t version)
{
    return version % EVERY == 0 && checkpoint_is_due(interval, version) &&
           checkpoint_is_due(interval, version / EVERY);
}

/* --- how far --- */

static bool nothing(void *arg, const struct action *x, struct err *e)
{
    (void)arg, (void)x, (void)e;
    return true;
}

/* The version in force when the retention begins; -1 = the log is not that old. */
static int64_t version_at(const struct log_listing *l, int64_t time_ms)
{
    int64_t version = -1;
    for (size_t i = 0; i < l->ncommits && l->commits[i].mtime_ms < time_ms; i++)
        version = l->commits[i].version;
    return version;
}

/* Every commit from `from` to the last is there. */
static bool is_whole(const struct log_listing *l, int64_t from)
{
    int64_t want = from;
    for (size_t i = 0; i < l->ncommits; i++)
        want += l->commits[i].version == want;
    return want > log_last(l);
}

/* Where readers will begin: *ret = -1 when nothing can go. */
static bool find_first(struct arena *a, const struct lake_table *t, int64_t cutoff_ms, int64_t *ret,
                       struct err *e)
{
    struct log_listing l;
    const struct log_checkpoint *c = NULL;
    *ret = -1;
    if (!log_list(a, t, 0, &l, e))
        return false;
    int64_t keep = version_at(&l, cutoff_ms);
    for (size_t i = 0; i < l.ncheckpoints; i++)
        if (l.checkpoints[i].version <= keep && (t->parquet || l.checkpoints[i].json))
            c = &l.checkpoints[i];
    if (!c || !is_whole(&l, c->version + 1))
        return true;
    if (l.ncommits && l.commits[0].version >= c->version && l.checkpoints[0].version >= c->version)
        return true; /* there is nothing older */
    auto_arena *scratch = arena_new();
    unsigned want = WANT_STATE & ~(unsigned)WANT_INFO;
    if (!log_read_checkpoint(scratch, t, c, want, nothing, NULL, NULL, e))
        return wrap(e, "the log is not cleaned up");
    *ret = c->version;
    return true;
}

static bool is_on(const struct lake_snapshot *s)
{
    const char *on = lake_property(s, "delta.enableExpiredLogCleanup");
    for (size_t i = 0; s->writer_features[i]; i++)
        if (strcmp(s->writer_features[i], "checkpointProtection") == 0)
            return false;
    return !on || strcasecmp(on, "false") != 0;
}

/* --- what goes --- */

/* "00000000000000000012.json", .checkpoint..., .crc, ...: of an older version. */
static bool is_older(const char *name, int64_t first)
{
    for (size_t i = 0; i < DIGITS; i++)
        if (!isdigit((unsigned char)name[i]))
            return false;
    return name[DIGITS] == '.' && strtoll(name, NULL, 10) < first;
}

/* Half-written by a process that has died. */
static bool is_left(const struct store_entry *x, int64_t now_ms)
{
    size_t n = strlen(x->name);
    bool temp = (*x->name == '.' && strstr(x->name, ".tmp")) ||
                (strncmp(x->name, "_commit_", 8) == 0 && n > 4 && strcmp(x->name + n - 4, ".tmp") == 0);
    return temp && x->mtime_ms < now_ms - DAY_MS;
}

/* Those that the checkpoints from version `first` on have. *ret_known = false: one of them cannot be read,
 * and may have any. */
static bool named_sidecars(struct arena *a, const struct lake_table *t, int64_t first, struct map *ret,
                           bool *ret_known, struct err *e)
{
    struct log_listing l;
    struct err why;
    if (!log_list(a, t, 0, &l, e))
        return false;
    *ret_known = true;
    for (size_t i = 0; i < l.ncheckpoints && *ret_known; i++) {
        const char **names;
        size_t n;
        if (l.checkpoints[i].version < first)
            continue;
        *ret_known = log_sidecars(a, t, &l.checkpoints[i], &names, &n, &why);
        for (size_t k = 0; *ret_known && k < n; k++)
            map_add(a, ret, names[k]);
    }
    return true;
}

static bool find_sidecars(struct arena *a, const struct lake_table *t, int64_t now_ms,
                          struct lake_log_expired *x, struct names *names, struct err *e)
{
    struct store_entry *entries;
    struct map named = {0};
    bool known = false;
    size_t n;
    if (!t->store->driver->list(t->store, a, log_path(a, t, LOG_SIDECARS), NULL, &entries, &n, e))
        return false;
    if (n == 0)
        return true;
    if (!named_sidecars(a, t, x->first, &named, &known, e))
        return false;
    for (size_t i = 0; known && i < n; i++) {
        if (entries[i].is_dir || entries[i].mtime_ms >= now_ms - DAY_MS ||
            map_find(&named, entries[i].name) != SIZE_MAX)
            continue;
        *arena_push(a, names) = arena_fmt(a, "_sidecars/%s", entries[i].name);
        x->bytes += entries[i].size;
    }
    return true;
}

bool lake_log_find(struct arena *a, const struct lake_table *t, const struct lake_snapshot *s,
                   struct lake_log_expired *ret, struct err *e)
{
    struct names names = {0};
    struct lake_log_expired x = {.first = -1};
    struct store_entry *entries;
    size_t n;
    int64_t now_ms = clock_now_us(t->clock) / 1000, keep_ms;
    if (!lake_interval(s, "delta.logRetentionDuration", 30 * DAY_MS, &keep_ms, e) ||
        (is_on(s) && !find_first(a, t, now_ms - keep_ms, &x.first, e)) ||
        !t->store->driver->list(t->store, a, log_path(a, t, LOG_DIR), NULL, &entries, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (entries[i].is_dir || (!is_older(entries[i].name, x.first) && !is_left(&entries[i], now_ms)))
            continue;
        *arena_push(a, &names) = entries[i].name;
        x.bytes += entries[i].size;
    }
    if (is_on(s) && !find_sidecars(a, t, now_ms, &x, &names, e))
        return false;
    x.names = names.v;
    x.n = names.n;
    *ret = x;
    return true;
}

bool lake_log_remove(const struct lake_table *t, const struct lake_log_expired *x, struct err *e)
{
    for (size_t i = 0; i < x->n; i++) { /* in order of versions */
        auto_arena *a = arena_new();
        if (!t->store->driver->remove(t->store, log_path(a, t, arena_fmt(a, LOG_DIR "/%s", x->names[i])), e))
            return wrap(e, "the log of table '%s'", log_table_name(t));
    }
    return true;
}
