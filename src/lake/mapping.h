/* mapping.h - columns as files know them: lake_schema_map() in lake.h, and what the lake alone needs. */
#pragma once
#include "lake/lake.h"

/* Takes physical names and ids from the fields' metadata, at any depth: for a table with column mapping. A
 * field without them is ERR_DATA. */
bool mapping_read(struct arena *a, struct lake_schema *s, struct err *e) must_check;
/* delta.columnMapping.maxColumnId of a table that gets this schema: it never goes back. */
struct lake_property mapping_max_id(struct arena *a, const struct lake_snapshot *base,
                                    const struct lake_schema *s);
