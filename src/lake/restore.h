/* restore.h - a commit that makes a table what it was at an older version.
 *
 * Files that it had then and has not now are added again, those that it has now and had not then are removed;
 * schema, partitioning and properties become what they were (but for properties that belong to the protocol,
 * which never goes back). Files that a vacuum has taken cannot come back.
 *
 * The watermarks (txns whose app id begins with "cupel/") go back as well: they say which rows of its inputs
 * a table holds, and it holds again only those of then. So the next run reads once more what has been undone,
 * no row is lost and none is there twice. One that did not exist then becomes -1, which is how "none" is
 * told. Those of other programs stay.
 */
#pragma once
#include "lake/lake.h"

struct lake_restore {
    const struct lake_snapshot *now, *then;
    const struct lake_file **back, **gone; /* files of `then`, of `now` */
    size_t nback, ngone;
    const char **missing; /* paths of those that should come back and are not there any more */
    size_t nmissing;
    bool metadata; /* schema, partitioning or properties change */
    const struct lake_property *properties;
    size_t nproperties;
    const struct lake_txn *txns; /* that change */
    size_t ntxns;
};

/* What it takes; nothing is changed. */
bool lake_restore_plan(struct arena *a, const struct lake_table *t, struct lake_at at,
                       struct lake_restore *ret, struct err *e) must_check;
/* Nothing to do: the table is what it was. */
bool lake_restore_empty(const struct lake_restore *r);
/* ERR_DATA naming files that are missing. ERR_CONFLICT when somebody has changed the table since the plan. */
bool lake_restore_commit(struct arena *a, const struct lake_table *t, const struct lake_restore *r,
                         int64_t *ret_version, struct err *e) must_check;
