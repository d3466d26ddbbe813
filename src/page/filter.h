/* filter.h - a query taken apart into what only the database can answer, and conditions on its rows that a
 * browser can check: `year >= $since` among the ANDs of its WHERE.
 *
 * The rest is a SELECT without those conditions that gives what they compare as further columns (keys) behind
 * its own. A query that groups, ranks or removes duplicates after its WHERE is left whole; its LIMIT is kept
 * apart, since it counts the rows that are left.
 */
#pragma once
#include "page/input.h"

enum filter_op {
    FILTER_EQ,
    FILTER_NE,
    FILTER_LT,
    FILTER_LE,
    FILTER_GT,
    FILTER_GE,
    FILTER_LIKE,
    FILTER_CONTAINS,
    FILTER_HAS
};

struct filter {
    enum filter_op op; /* key OP value */
    size_t input;
    int part;   /* of a range */
    size_t key; /* which of the keys */
    /* `$p IS NULL OR ...`, `$p = '' OR ...`: true then, whatever the key is. */
    bool if_null, if_empty;
    bool lower;                 /* LIKE, CONTAINS: whatever the case of the value; the key is in lower case */
    const char *before, *after; /* LIKE: what stands around the value in the pattern */
};

struct split {
    const char *sql;
    const struct filter *v;
    size_t n, nkeys;
    int64_t limit; /* 0 = none */
    bool *rest;    /* which inputs the SQL still uses */
};

/* open: which inputs count; the others are parameters like any. n = 0: nothing can be taken out of it (or the
 * text was not understood, which is no error here). */
void filter_split(struct arena *a, const struct engine_driver *d, struct session *s, const char *sql,
                  const struct page_inputs *in, const bool *open, struct split *ret);

/* Can a key of that type (in SQL's words) be compared in the browser with the value of the input? */
bool filter_comparable(const struct page_input *in, const struct filter *f, const char *type);
