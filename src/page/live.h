/* live.h - what a page needs to answer its inputs where no database is: the rows of each query that uses
 * them, once each, and which of them are the answer to what is chosen.
 *
 * Inputs that can be counted (select, slider) are answered by asking for all their combinations, conditions
 * that filter.h takes out are left to the reader's browser. What has too many combinations, too many rows, or
 * neither way, is fixed at its value, and says why.
 */
#pragma once
#include "page/filter.h"
#include "page/query.h"

enum { LIVE_MAX_CASES = 300, LIVE_MAX_BYTES = 2 << 20 };

struct live_query {
    size_t query; /* its number among the page's */
    struct engine_rows
        pool;        /* all rows of all answers, no two the same; keys are behind the query's columns */
    size_t ncolumns; /* of the query itself */
    struct split split;
    const char *const *key_types;
    /* The answers to the cases: inputs that vary, the last one fastest, count them. */
    size_t *varies, nvaries;
    size_t *cases, ncases; /* each the number of an answer */
    struct live_answer {
        const size_t *rows; /* of the pool */
        size_t n;
    } * answers;
    size_t nanswers;
};

struct live {
    struct live_query *v; /* of the queries that use inputs which work */
    size_t n;
    const char **why; /* by input: why it does not work; NULL = it does */
};

/* How it comes about: a sheet hands over its queries and how they are asked. */
struct live_source {
    const struct engine_driver *driver;
    struct session *session;
    const struct page_inputs *inputs;
    const struct page_queries *queries;
    size_t max_rows;
    void *arg;
    /* Where a query stands; NULL = it is no block of the page. */
    const struct block *(*block)(void *arg, const char *name);
    /* The rows of `sql`, which is made of a block, for other inputs; its columns too. *ret is its answer for
     * others still, or empty the first time. */
    bool (*ask)(void *arg, const struct block *b, const char *sql, const struct page_inputs *in,
                struct page_query *ret, struct err *e);
};
void live_make(struct arena *a, const struct live_source *from, struct live *ret);

/* The one of a query; NULL = it does not change. */
const struct live_query *live_find(const struct live *l, size_t query);
