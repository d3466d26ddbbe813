#include "engine/text_rows.h"

#include "nanoarrow/nanoarrow.h"

struct text_rows {
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
    struct str *row;
    int64_t at, n; /* in the batch */
};

static void done(void *arg)
{
    struct text_rows *r = arg;
    ArrowArrayViewReset(&r->view);
    if (r->array.release)
        r->array.release(&r->array);
    if (r->schema.release)
        r->schema.release(&r->schema);
    if (r->stream.release)
        r->stream.release(&r->stream);
}

static bool arrow_ok(int code, const struct ArrowError *why, struct err *e)
{
    return code == NANOARROW_OK || fail(e, ERR_DATA, "an Arrow array cannot be read: %s", why->message);
}

bool text_rows_open(struct arena *a, const struct engine_driver *d, struct session *s, const char *sql,
                    struct engine_params params, struct text_rows **ret, struct err *e)
{
    struct text_rows *r = arena_make(a, struct text_rows, 1);
    struct ArrowError why = {0};
    if (!d->query(s, sql, params, (struct src){0}, &r->stream, e))
        return false;
    arena_defer(a, done, r);
    int code = r->stream.get_schema(&r->stream, &r->schema);
    if (code != 0)
        return engine_stream_fail(&r->stream, code, e);
    if (!arrow_ok(ArrowArrayViewInitFromSchema(&r->view, &r->schema, &why), &why, e))
        return false;
    r->row = arena_make(a, struct str, (size_t)r->schema.n_children);
    *ret = r;
    return true;
}

size_t text_rows_columns(const struct text_rows *r)
{
    return (size_t)r->schema.n_children;
}

const char *text_rows_name(const struct text_rows *r, size_t column)
{
    return r->schema.children[column]->name;
}

/* The next batch that has rows; n = 0 at the end. */
static bool next_batch(struct text_rows *r, struct err *e)
{
    struct ArrowError why = {0};
    do {
        if (r->array.release)
            r->array.release(&r->array);
        int code = r->stream.get_next(&r->stream, &r->array);
        if (code != 0)
            return engine_stream_fail(&r->stream, code, e);
    } while (r->array.release && r->array.length == 0);
    r->at = 0;
    r->n = r->array.release ? r->array.length : 0;
    return r->n == 0 || arrow_ok(ArrowArrayViewSetArray(&r->view, &r->array, &why), &why, e);
}

bool text_rows_next(struct text_rows *r, const struct str **ret, struct err *e)
{
    if (r->at == r->n && !next_batch(r, e))
        return false;
    *ret = NULL;
    if (r->n == 0)
        return true;
    for (int64_t c = 0; c < r->schema.n_children; c++) {
        const struct ArrowArrayView *v = r->view.children[c];
        bool null = ArrowArrayViewIsNull(v, r->at);
        struct ArrowStringView s =
            null ? (struct ArrowStringView){0} : ArrowArrayViewGetStringUnsafe(v, r->at);
        r->row[c] = null ? (struct str){0} : (struct str){s.data ? s.data : "", (size_t)s.size_bytes};
    }
    r->at++;
    *ret = r->row;
    return true;
}
