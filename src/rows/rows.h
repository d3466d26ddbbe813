/* rows.h - building an Arrow C stream a value at a time.
 *
 * Values are put in the order of the columns; the one behind the last begins a new row. Failure is sticky, as
 * in struct buf: put freely, rows_take() tells the story once. What is taken is cut into several arrays when
 * its texts are too large for one, so a caller's batch may have any size.
 */
#pragma once
#include "base/err.h"

struct ArrowArrayStream;

enum rows_type {
    ROWS_TEXT, /* utf8 */
    ROWS_INT64,
    ROWS_INT32,
    ROWS_REAL,
    ROWS_BOOL,
    ROWS_TIMESTAMP, /* microseconds, UTC */
    ROWS_DATE,      /* days since 1970 */
};

struct rows_column {
    const char *name;
    enum rows_type type;
};

struct rows;
/* The columns are copied. Heap: free with rows_free. */
bool rows_new(const struct rows_column *columns, size_t n, struct rows **ret, struct err *e) must_check;
void rows_free(struct rows *r);

void rows_null(struct rows *r);
void rows_int(struct rows *r, int64_t v); /* INT64, INT32, BOOL, TIMESTAMP, DATE */
void rows_real(struct rows *r, double v);
void rows_text(struct rows *r, const char *p, size_t n);

size_t rows_count(const struct rows *r); /* whole rows since the last take */

/* Everything put so far as a stream, which the caller releases; the builder is empty again, for the next
 * batch. */
bool rows_take(struct rows *r, struct ArrowArrayStream *out, struct err *e) must_check;
