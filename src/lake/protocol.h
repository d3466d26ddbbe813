/* protocol.h - what a table asks of those who read and write it, and whether we can.
 *
 * Readers of version 1, writers of version 2, and tables whose list of features has none that changes what
 * files mean. Everything else is refused by the feature's name: a table is never misread. */
#pragma once
#include "lake/action.h"

bool protocol_may_read(const char *table, const struct protocol *p, const struct metadata *m, struct err *e);
bool protocol_may_write(const char *table, const struct lake_snapshot *s, struct err *e);
/* A schema and properties that a table of protocol (1, 2) may have. */
bool protocol_may_have(const char *table, const struct lake_schema *s, const struct lake_property *props,
                       size_t nprops, struct err *e);
