#include "rows/rows.h"

#include <assert.h>
#include <errno.h>
#include <string.h>

#include "nanoarrow/nanoarrow.h"

enum { ARRAY_BYTES = 256 << 20 }; /* of texts in one array; offsets are 32 bit */

struct rows {
    struct ArrowSchema schema;
    size_t ncolumns, column; /* the next to be put */
    struct ArrowArray building;
    bool open; /* building can be put into */
    size_t nrows, bytes;
    struct ArrowArray *done; /* full arrays */
    size_t ndone, cap;
    int failed; /* errno */
};

static const enum ArrowType types[] = {
    [ROWS_TEXT] = NANOARROW_TYPE_STRING, [ROWS_INT64] = NANOARROW_TYPE_INT64,
    [ROWS_INT32] = NANOARROW_TYPE_INT32, [ROWS_REAL] = NANOARROW_TYPE_DOUBLE,
    [ROWS_BOOL] = NANOARROW_TYPE_BOOL,   [ROWS_TIMESTAMP] = NANOARROW_TYPE_TIMESTAMP,
    [ROWS_DATE] = NANOARROW_TYPE_DATE32,
};

static int column_schema(struct ArrowSchema *s, const struct rows_column *c)
{
    int code = c->type == ROWS_TIMESTAMP
                   ? ArrowSchemaSetTypeDateTime(s, NANOARROW_TYPE_TIMESTAMP, NANOARROW_TIME_UNIT_MICRO, "UTC")
                   : ArrowSchemaSetType(s, types[c->type]);
    return code ? code : ArrowSchemaSetName(s, c->name);
}

bool rows_new(const struct rows_column *columns, size_t n, struct rows **ret, struct err *e)
{
    struct rows *r = calloc(1, sizeof *r);
    if (!r)
        return fail(e, ERR_IO, "no memory for rows");
    r->ncolumns = n;
    ArrowSchemaInit(&r->schema);
    int code = ArrowSchemaSetTypeStruct(&r->schema, (int64_t)n);
    for (size_t i = 0; i < n && code == 0; i++)
        code = column_schema(r->schema.children[i], &columns[i]);
    if (code) {
        rows_free(r);
        return fail(e, ERR_IO, "no memory for %zu columns", n);
    }
    *ret = r;
    return true;
}

static void drop(struct rows *r)
{
    if (r->open)
        ArrowArrayRelease(&r->building);
    for (size_t i = 0; i < r->ndone; i++)
        ArrowArrayRelease(&r->done[i]);
    r->open = false;
    r->ndone = r->nrows = r->bytes = r->column = 0;
}

void rows_free(struct rows *r)
{
    if (!r)
        return;
    drop(r);
    free(r->done);
    if (r->schema.release)
        ArrowSchemaRelease(&r->schema);
    free(r);
}

size_t rows_count(const struct rows *r)
{
    return r->nrows;
}

static int open_array(struct rows *r)
{
    int code = ArrowArrayInitFromSchema(&r->building, &r->schema, NULL);
    if (code)
        return code;
    r->open = true;
    r->bytes = 0;
    return ArrowArrayStartAppending(&r->building);
}

static int close_array(struct rows *r)
{
    if (r->ndone == r->cap) {
        size_t cap = r->cap ? r->cap * 2 : 4;
        struct ArrowArray *more = realloc(r->done, cap * sizeof *more);
        if (!more)
            return ENOMEM;
        r->done = more;
        r->cap = cap;
    }
    int code = ArrowArrayFinishBuildingDefault(&r->building, NULL);
    if (code)
        return code;
    ArrowArrayMove(&r->building, &r->done[r->ndone++]);
    r->open = false;
    return 0;
}

/* The column that the next value goes to, NULL after a failure. */
static struct ArrowArray *next_column(struct rows *r)
{
    if (!r->failed && !r->open)
        r->failed = open_array(r);
    return r->failed ? NULL : r->building.children[r->column];
}

static void put(struct rows *r, int code)
{
    if (code == 0 && ++r->column == r->ncolumns) {
        r->column = 0;
        r->nrows++;
        code = ArrowArrayFinishElement(&r->building);
        if (code == 0 && r->bytes >= ARRAY_BYTES)
            code = close_array(r);
    }
    if (code)
        r->failed = code;
}

void rows_null(struct rows *r)
{
    struct ArrowArray *c = next_column(r);
    if (c)
        put(r, ArrowArrayAppendNull(c, 1));
}

void rows_int(struct rows *r, int64_t v)
{
    struct ArrowArray *c = next_column(r);
    if (c)
        put(r, ArrowArrayAppendInt(c, v));
}

void rows_real(struct rows *r, double v)
{
    struct ArrowArray *c = next_column(r);
    if (c)
        put(r, ArrowArrayAppendDouble(c, v));
}

void rows_text(struct rows *r, const char *p, size_t n)
{
    struct ArrowArray *c = next_column(r);
    if (!c)
        return;
    r->bytes += n;
    put(r, ArrowArrayAppendString(c, (struct ArrowStringView){p, (int64_t)n}));
}

static int make_stream(struct rows *r, struct ArrowArrayStream *out)
{
    struct ArrowSchema schema;
    int code = ArrowSchemaDeepCopy(&r->schema, &schema);
    if (code)
        return code;
    code = ArrowBasicArrayStreamInit(out, &schema, (int64_t)r->ndone);
    if (code) {
        ArrowSchemaRelease(&schema);
        return code;
    }
    for (size_t i = 0; i < r->ndone; i++)
        ArrowBasicArrayStreamSetArray(out, (int64_t)i, &r->done[i]); /* moves it */
    r->ndone = 0;
    return 0;
}

bool rows_take(struct rows *r, struct ArrowArrayStream *out, struct err *e)
{
    assert(r->column == 0 || r->failed);
    int code = r->failed;
    if (code == 0 && r->open)
        code = close_array(r);
    if (code == 0)
        code = make_stream(r, out);
    drop(r);
    r->failed = 0;
    return code == 0 ||
           fail(e, code == ENOMEM ? ERR_IO : ERR_DATA, "rows cannot be built: %s", strerror(code));
}
