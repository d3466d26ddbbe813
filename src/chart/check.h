/* check.h - the mistakes of a chart found before it is drawn: what Vega would swallow, and show as an empty
 * picture.
 *
 * Keys and values are looked up in Vega-Lite's own JSON schema; fields in the columns of the query they come
 * from, followed through the transforms; types of columns against what is done with them. Pure.
 */
#pragma once
#include "chart/spec.h"

struct chart_table { /* a query or table that the spec may name */
    const char *name;
    const char *const *columns;
    const char *const *types; /* in SQL's words */
    size_t ncolumns;
    bool unknown; /* its columns could not be told, which was reported */
};

/* Reports to `problems`; tables that the spec names and that are not among these have been reported already.
 */
void chart_check(struct arena *a, const struct chart_spec *s, const struct chart_table *tables, size_t n,
                 struct problems *problems);

/* The two parts of it. */
void schema_check(struct arena *a, const struct yaml *root, struct problems *problems);
void fields_check(struct arena *a, const struct yaml *root, const struct chart_table *tables, size_t n,
                  struct problems *problems);
