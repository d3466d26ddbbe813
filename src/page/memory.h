/* memory.h - the answers to a page's queries, kept while the page is rendered again and again: one that the
 * text still asks for, of tables that have not moved, is not computed anew. */
#pragma once
#include "asset/asset.h"
#include "page/query.h"

struct query_memory;

/* Lives until the arena is freed. */
struct query_memory *query_memory_open(struct arena *a);

/* The answer to the same SQL (sql: with its parameters put in), when every table that it reads has the
 * version that it had then. Copied into a's memory, without a name. */
bool query_memory_find(struct query_memory *m, struct arena *a, const struct workshop *w, const char *sql,
                       struct page_query *ret);
/* Before a query is asked: notes the versions of its tables. NULL = nothing can be kept of it, since they
 * cannot be told apart by a version: views, other versions, paths. text: the SQL as the page has it. */
struct answer;
struct answer *query_memory_begin(const struct workshop *w, struct session *s, const char *text,
                                  const char *sql);
/* Its answer; q NULL: there is none. x may be NULL. */
void query_memory_keep(struct query_memory *m, struct answer *x, const struct page_query *q);
/* Forgets what nobody has found since the last call. */
void query_memory_sweep(struct query_memory *m);
