/* cleanup.h - commits and checkpoints that nobody needs any more, by delta.logRetentionDuration (30 days).
 *
 * The version that was the latest when the retention begins can still be read, and all since: what is older
 * than the newest checkpoint of it or before it goes, oldest first, so that there is never a hole. That
 * checkpoint is read first: one that is damaged is no reason to throw commits away. Sidecars that no
 * checkpoint has any more go, too, when they are a day old: a checkpoint that is being written names its own
 * last.
 */
#pragma once
#include "lake/lake.h"

struct lake_log_expired {
    const char **names; /* in _delta_log */
    size_t n;
    int64_t bytes;
    int64_t first; /* the oldest version that can be read afterwards, -1 = nothing goes */
};

/* Also what processes that died have left half-written, a day later. Nothing where the table says
 * delta.enableExpiredLogCleanup = false. `s` is the latest version. */
bool lake_log_find(struct arena *a, const struct lake_table *t, const struct lake_snapshot *s,
                   struct lake_log_expired *ret, struct err *e) must_check;
bool lake_log_remove(const struct lake_table *t, const struct lake_log_expired *x, struct err *e) must_check;

/* Is it time after the checkpoint of this version? After each tenth: looking costs a listing. */
bool cleanup_is_due(const char *interval, int64_t version);
