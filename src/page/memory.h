/* memory.h - what a page was made of, kept while it is rendered again and again: the answer to a query that
 * the text still asks, of tables that have not moved, is not computed anew, and a chart of the same spec and
 * rows is not drawn anew. For one thread. */
#pragma once
#include "asset/asset.h"
#include "page/chart.h"
#include "page/query.h"

struct page_memory;

/* Lives until the arena is freed. */
struct page_memory *page_memory_open(struct arena *a);

/* The answer to the same SQL (sql: with its parameters put in), when every table that it reads has the
 * version that it had then. Copied into a's memory, without a name. */
bool page_memory_answer(struct page_memory *m, struct arena *a, const struct workshop *w, const char *sql,
                        struct page_query *ret);
/* Before a query is asked: notes the versions of its tables. NULL = nothing can be kept of it, since they
 * cannot be told apart by a version: views, other versions, paths. text: the SQL as the page has it. */
struct answer;
struct answer *page_memory_begin(const struct workshop *w, struct session *s, const char *text,
                                 const char *sql);
/* Its answer; q NULL: there is none. x may be NULL. */
void page_memory_keep(struct page_memory *m, struct answer *x, const struct page_query *q);

struct drawing { /* NULL = not made yet */
    struct chart_svg svg;
    const char *png;
    size_t png_n;
};
/* What a chart was drawn as; its bytes are the memory's, until they are swept. */
bool page_memory_drawing(struct page_memory *m, const struct page_chart *c, enum chart_theme theme,
                         struct chart_size size, struct drawing *ret);
void page_memory_keep_drawing(struct page_memory *m, const struct page_chart *c, enum chart_theme theme,
                              struct chart_size size, const struct drawing *d);

/* Forgets what nobody has found since the last call. */
void page_memory_sweep(struct page_memory *m);
