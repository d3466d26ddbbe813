/* conflict.h - may a commit still be made after another that its writer did not know of? */
#pragma once
#include "lake/delta_log.h"
#include "lake/map.h"

struct intent { /* of a commit, as far as it can collide */
    const struct lake_table *t;
    const struct lake_commit *commit;
    bool blind; /* it read nothing of the table */
    bool changes_metadata;
    bool moves;         /* rows to other files, and no more: what others do to other files does not matter */
    int64_t last_ms;    /* when the last commit that it knows of was made */
    struct map removes; /* by lake_file_id() */
};

void intent_init(struct arena *a, struct intent *in, const struct lake_table *t, const struct lake_commit *c,
                 bool changes_metadata);

/* The rules at the level WriteSerializable: what `version` did must not touch what this commit read, removes
 * or relies on. ERR_CONFLICT if it did. *ret_there = false (and true is returned) when there is no such
 * version.
 * in->last_ms follows. */
bool conflict_check(struct intent *in, int64_t version, bool *ret_there, struct err *e);
