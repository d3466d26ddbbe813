/* protocol.h - what a table asks of those who read and write it, and whether we can.
 *
 * Readers of versions 1 to 3 and writers of versions 1 to 7, as long as the features that are listed or in
 * use are known here. Everything else is refused by the feature's name: a table is never misread, nor written
 * wrongly. */
#pragma once
#include "lake/action.h"

/* How columns are mapped: "name", "id", or NULL. The property alone does not do it, the protocol must, too.
 */
const char *protocol_mapping(const struct protocol *p, const struct metadata *m);
bool protocol_may_read(const char *table, const struct protocol *p, const struct metadata *m, struct err *e);
bool protocol_may_write(const char *table, const struct lake_snapshot *s, struct err *e);
/* What a table with these properties asks of everybody, on top of what it asks already (base, NULL = it is to
 * be created); *ret_changed = it asks for more than base. A table with features by name keeps to them; others
 * stay with numbers as long as numbers say it. */
struct protocol protocol_with(struct arena *a, const struct lake_snapshot *base,
                              const struct lake_property *props, size_t nprops, bool *ret_changed);
/* A schema and properties that a table of this protocol may have which is written here. */
bool protocol_may_have(const char *table, const struct protocol *p, const struct lake_schema *s,
                       const struct lake_property *props, size_t nprops, struct err *e);
