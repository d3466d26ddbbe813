/* text_rows.h - the rows of a query whose columns are all text, one at a time: only one batch is in memory.
 */
#pragma once
#include "base/text.h"
#include "engine/engine.h"

struct text_rows;

/* Belongs to a, which must be freed before the session. */
bool text_rows_open(struct arena *a, const struct engine_driver *d, struct session *s, const char *sql,
                    struct engine_params params, struct text_rows **ret, struct err *e) must_check;
size_t text_rows_columns(const struct text_rows *r);
const char *text_rows_name(const struct text_rows *r, size_t column);
/* The next row, with p NULL where a value is null; good until the next call. *ret is NULL at the end. */
bool text_rows_next(struct text_rows *r, const struct str **ret, struct err *e) must_check;
