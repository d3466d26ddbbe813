/* schema.h - columns as files know them. */
#pragma once
#include "lake/lake.h"

/* Takes physical names and ids from the fields' metadata, at any depth: for a table with column mapping. A
 * field without them is ERR_DATA. */
bool schema_map(struct arena *a, struct lake_schema *s, struct err *e) must_check;
