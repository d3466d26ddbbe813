/* checkpoint.h - the state at one version in a Parquet file, so that readers need not go through the log. */
#pragma once
#include "lake/lake.h"

/* Writes the checkpoint of a version, and then the hint that names it. One that is there already is fine. */
bool checkpoint_write(const struct lake_table *t, int64_t version, struct err *e);
/* Is one due after the commit of this version? */
bool checkpoint_is_due(const char *interval, int64_t version);
