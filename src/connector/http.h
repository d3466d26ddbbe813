/* http.h - the conf of an HTTP source: resources of a JSON API, paged, one the parent of another.
 *
 * Filled by project/source.c from YAML, with places. Everything lives in the project's arena.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"
#include "net/retry.h"

struct http_pair {
    const char *name, *value;
};

/* `each: lists.id` asks once for every different value found at `path` in the records of `parent`;
 * `each: [1, 2]` once for every listed value. */
struct http_each {
    const char *parent; /* resource name, NULL = values */
    const char *path;   /* json path inside a record of the parent: "$.id", "$.credits.cast[:3].id" */
    const char *const *values;
    size_t nvalues;
    struct src at;
};

/* A column of the table taken from the record (`$.id`) or from the request (`{id}`). */
struct http_column {
    const char *name;
    const char *path; /* "$.id" or "{id}" */
    const char *type; /* BIGINT, VARCHAR, DOUBLE or BOOLEAN */
    struct src at;
};

struct http_resource {
    const char *name;
    struct src at;
    const char *path; /* "/movie/{id}"; placeholders are filled by `for` variables and by `each` */

    const char *for_var; /* `for: {category: [popular, ...]}`; NULL = none */
    const char *const *for_values;
    size_t nfor_values;

    struct http_each *each; /* union of these; neach = 0: no parent */
    size_t neach;
    const char *each_var; /* the placeholder that `each` fills: the one in `path` that `for` does not */

    struct http_pair *query;
    size_t nquery;

    const char *page_param; /* NULL = not paged */
    int64_t page_first, page_last;
    const char *page_total; /* json path of the number of pages, NULL = until an empty page */

    const char *items; /* json path of the array of records in a body; NULL = the body is the record */
    const char *into;  /* "bronze.movies"; NULL = only a parent of others */
    struct http_column *columns; /* the first is the key, by which records are told apart within a run */
    size_t ncolumns;

    int64_t refresh_ms; /* a key extracted within this time is not asked for again; 0 = always ask */
    int64_t limit;      /* at most this many requests a run, the first by the parents' order; 0 = no limit */
    double require;     /* share of requests that must arrive, else the run is incomplete; missing ones (404)
                           do not count against it */
};

struct http_source {
    const char *base_url;                                  /* no slash at the end */
    struct http_pair *auth_query, *auth_headers, *headers; /* secrets: never shown */
    size_t nauth_query, nauth_headers, nheaders;

    double rate;         /* requests a second, 0 = no limit; never more than this in any window of a second */
    int64_t concurrency; /* requests in flight */
    struct retry retry;
    int64_t connect_timeout_ms, timeout_ms, batch; /* batch = records a commit */
    int64_t max_body_bytes;

    struct http_resource *resources; /* parents before children: checked by the project's reader */
    size_t nresources;
};

extern const struct connector connector_http;

/* The tables that the source fills, with their columns as SQL; for binding models before any data is there.
 */
struct source_table;
void http_tables(struct arena *a, const struct http_source *s, const struct source_table **ret,
                 size_t *ret_n);
