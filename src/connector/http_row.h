/* http_row.h - the shape of a bronze table: the resource's columns, then the record as it came and its
 * origin. */
#pragma once
#include "connector/connector.h"
#include "connector/http_answer.h"

/* The columns, in the order in which http_row_put() puts them. */
const struct rows_column *http_row_columns(struct arena *a, const struct http_shape *s, size_t *ret_n);

struct http_origin {
    struct str request;
    struct http_filled filled;
    int64_t arrived_us;
};
void http_row_put(struct rows *rows, const struct http_shape *s, const struct read_spec *spec,
                  struct str record, const struct http_origin *o);
