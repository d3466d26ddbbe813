/* checkpoint.h - the state at one version in a Parquet file, so that readers need not go through the log.
 *
 * A table with the feature v2Checkpoint and delta.checkpointPolicy = v2 gets it by that format, under the
 * classic name: when it has more than 10,000 files these are in Parquet files of their own (_sidecars). */
#pragma once
#include "lake/lake.h"

/* Writes the checkpoint of a version, and then the hint that names it. One that is there already is fine. */
bool checkpoint_write(const struct lake_table *t, int64_t version, struct err *e);
/* Is one due after the commit of this version? */
bool checkpoint_is_due(const char *interval, int64_t version);
