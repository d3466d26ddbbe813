/* replay.h - the log told again, from a checkpoint on: which files live at a version, and all else that
 * counts. */
#pragma once
#include "lake/delta_log.h"
#include "lake/map.h"

struct replay_entry { /* of a path: the last thing that was said about it */
    const struct file_act *file;
    int64_t version; /* of the commit that said it, -1 = a checkpoint */
    bool live;       /* added, not removed */
};

struct replay {
    struct arena *a;
    const struct lake_table *t;
    const struct protocol *protocol; /* NULL = not said */
    const struct metadata *metadata;
    struct map paths; /* numbers the entries, by lake_file_id() */
    struct list_of(struct replay_entry) entries;
    struct map apps; /* numbers the txns */
    struct list_of(const struct txn_act *) txns;
    struct map domain_names; /* numbers the domains */
    struct list_of(const struct domain_act *) domains;
    int64_t version, timestamp_ms, log_bytes;

    int64_t reading; /* the version whose actions come in */
    bool strict;     /* an add must say when its file was made, too */
};

/* The log of t up to the version that `at` asks for. `tombstones`: the removes of checkpoints are read too
 * (those of commits are always there). Protocol and metadata are there and can be read when it succeeds. */
bool replay_log(struct arena *a, const struct lake_table *t, struct lake_at at, bool tombstones,
                struct replay *ret, bool *ret_missing, struct err *e);
