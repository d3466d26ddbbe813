/* query.h - the queries of a page by their names, and what of them the page shows. */
#pragma once
#include "engine/engine.h"
#include "page/show.h"

struct page_query {
    const char *name;
    const char *const *columns;
    const char *const *types; /* of the columns, in SQL's words */
    size_t ncolumns;
    bool unknown; /* its columns could not be told, which was reported: everything is taken to be in it */
    struct engine_rows rows; /* when the page is rendered */
};
struct page_queries {
    struct page_query *v;
    size_t n, cap;
};

/* Takes over names and types of what the engine said. */
void query_columns(struct arena *a, struct page_query *q, const struct engine_column *columns, size_t n);
/* The block that would ask for all of a table of the project. */
struct block query_of_table(struct arena *a, const char *table, struct src at);

/* NULL with *e at `at` when there is none of that name. */
const struct page_query *query_find(struct arena *a, const struct page_queries *qs, struct str name,
                                    struct src at, struct err *e);
/* The index of a column; SIZE_MAX of an unknown query's. */
bool query_column(const struct page_query *q, const char *name, struct src at, size_t *ret,
                  struct err *e) must_check;

/* Where the figures of a value block are: SIZE_MAX = not asked for. */
struct tile_columns {
    const struct page_query *query, *trend_query;
    size_t value, compare, trend;
};
bool tile_find(struct arena *a, const struct page_queries *qs, const struct block *b, const struct tile *t,
               struct tile_columns *ret, struct err *e) must_check;

struct page_input;
struct page_inputs;

/* What stands between {{ and }}: " name.column | format ", or the name
 * of an input. */
struct page_value {
    const struct page_query *query; /* NULL = an input's */
    const struct page_input *input;
    int part;           /* of an input: 1 = the end of its range, -1 = all of it */
    size_t column;      /* the first one unless named */
    const char *format; /* NULL = as it is */
};
/* `at` is where inside.p[0] stands. */
bool value_read(struct arena *a, const struct page_queries *qs, const struct page_inputs *in,
                struct str inside, struct src at, struct page_value *ret, struct err *e) must_check;

/* The next {{ value }} of a Markdown text from *p on: its inside and place, and what stands before it; *p
 * moves behind it, *at (the place of **p) with it. *found is false when there is no further one, and `before`
 * is then the rest. A {{ that is not closed on its line is an error, also at its place; \{{ stands for the
 * braces. */
bool value_next(const char **p, struct src *at, struct str *before, struct str *inside, struct src *inside_at,
                bool *found, struct err *e) must_check;
