/* http_answer.h - what a resource's answers hold: records, their keys and columns, the number of pages. */
#pragma once
#include "connector/http.h"
#include "rows/json_scan.h"
#include "rows/rows.h"

struct http_value_of { /* where a column comes from */
    enum { FROM_RECORD, FROM_FOR, FROM_EACH } from;
    struct json_path *path;
    enum rows_type type;
};

struct http_shape { /* a resource with its paths compiled; read-only, so for any thread */
    const struct http_resource *r;
    struct json_path *items, *records; /* the array and its elements; NULL: the body is the record */
    struct json_path *total;
    struct http_value_of *columns;
};
/* Errors have the resource's or the column's place. */
bool http_shape_compile(struct arena *a, const struct http_resource *r, struct http_shape *ret,
                        struct err *e) must_check;

struct http_answer {
    int64_t records;
    int64_t pages; /* as the server says, -1 = it does not */
};
/* Is it what the resource promises: one JSON document, with its array, each record with its key, and the
 * number of pages? If not, ERR_NET, for a broken answer is worth another attempt. */
bool http_answer_check(const struct http_shape *s, struct str body, struct http_answer *ret,
                       struct err *e) must_check;

/* Stops when each returns false. */
void http_answer_records(const struct http_shape *s, struct str body,
                         bool (*each)(void *arg, struct str record), void *arg);

struct http_filled { /* what the request's placeholders were filled with */
    struct str for_value, each_value;
};
/* Appends the record's key as text; false = it has none. */
bool http_record_key(const struct http_shape *s, struct str record, const struct http_filled *f,
                     struct buf *b);
/* Puts the record's columns; what is not of the column's type is null. */
void http_record_columns(const struct http_shape *s, struct str record, const struct http_filled *f,
                         struct rows *rows);
