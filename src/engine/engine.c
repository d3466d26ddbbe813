#include "engine/engine.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "engine/sqltext.h"
#include "nanoarrow/nanoarrow.h"

enum { MAX_SQL_TEXT = 16 << 20 };

/* --- errors of streams --- */

static const struct {
    enum err_kind kind;
    int code;
} codes[] = {
    {ERR_USER, EINVAL}, {ERR_AUTH, EACCES},    {ERR_NET, ENETUNREACH}, {ERR_LIMIT, ENOMEM},
    {ERR_DATA, ERANGE}, {ERR_CONFLICT, EBUSY}, {ERR_IO, EIO},          {ERR_CANCELED, ECANCELED},
};

int engine_stream_code(enum err_kind kind)
{
    for (size_t i = 0; i < countof(codes); i++)
        if (codes[i].kind == kind)
            return codes[i].code;
    return EIO;
}

const char *engine_stream_last_error(struct ArrowArrayStream *in)
{
    return ((const struct err *)in->private_data)->msg;
}

bool engine_stream_fail(struct ArrowArrayStream *in, int code, struct err *e)
{
    if (in->get_last_error == engine_stream_last_error) {
        *e = *(const struct err *)in->private_data;
        return false;
    }
    const char *message = in->get_last_error ? in->get_last_error(in) : NULL;
    enum err_kind kind = ERR_DATA;
    for (size_t i = 0; i < countof(codes); i++)
        if (codes[i].code == code)
            kind = codes[i].kind;
    return fail(e, kind, "%s", message ? message : strerror(code));
}

/* --- rows as text --- */

struct reader { /* a stream whose columns are all text */
    struct ArrowArrayStream stream;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView view;
};

static void reader_done(struct reader *r)
{
    ArrowArrayViewReset(&r->view);
    if (r->array.release)
        r->array.release(&r->array);
    if (r->schema.release)
        r->schema.release(&r->schema);
    if (r->stream.release)
        r->stream.release(&r->stream);
}
#define auto_reader auto_call(reader_done) struct reader

static bool arrow_ok(int code, const struct ArrowError *why, struct err *e)
{
    return code == NANOARROW_OK || fail(e, ERR_DATA, "an Arrow array cannot be read: %s", why->message);
}

static bool reader_open(struct reader *r, struct err *e)
{
    struct ArrowError why = {0};
    int code = r->stream.get_schema(&r->stream, &r->schema);
    if (code != 0)
        return engine_stream_fail(&r->stream, code, e);
    return arrow_ok(ArrowArrayViewInitFromSchema(&r->view, &r->schema, &why), &why, e);
}

/* The next rows; *ret_n = 0 at the end. */
static bool reader_next(struct reader *r, int64_t *ret_n, struct err *e)
{
    struct ArrowError why = {0};
    if (r->array.release)
        r->array.release(&r->array);
    int code = r->stream.get_next(&r->stream, &r->array);
    if (code != 0)
        return engine_stream_fail(&r->stream, code, e);
    *ret_n = r->array.release ? r->array.length : 0;
    return *ret_n == 0 || arrow_ok(ArrowArrayViewSetArray(&r->view, &r->array, &why), &why, e);
}

static const char *text_at(struct arena *a, const struct reader *r, int64_t column, int64_t row)
{
    const struct ArrowArrayView *v = r->view.children[column];
    if (ArrowArrayViewIsNull(v, row))
        return NULL;
    struct ArrowStringView s = ArrowArrayViewGetStringUnsafe(v, row);
    return arena_strn(a, s.data, (size_t)s.size_bytes);
}

static void read_rows(struct arena *a, const struct reader *r, int64_t n, size_t max_rows,
                      struct engine_rows *ret, size_t *cap)
{
    for (int64_t i = 0; i < n && ret->nrows < max_rows; i++) {
        const char **row = arena_make(a, const char *, ret->ncolumns);
        for (size_t c = 0; c < ret->ncolumns; c++)
            row[c] = text_at(a, r, (int64_t)c, i);
        *(const char *const **)arena_grow(a, (void **)(uintptr_t)&ret->rows, &ret->nrows, cap, sizeof row) =
            row;
    }
}

bool engine_rows(const struct engine_driver *d, struct arena *a, struct session *s, const char *sql,
                 struct engine_params params, size_t max_rows, struct engine_rows *ret, struct err *e)
{
    auto_reader r = {0};
    auto_buf as_text = BUF(MAX_SQL_TEXT);
    struct sqltext plain;
    if (!sqltext_plain(a, sql, NULL, (struct src){0}, &plain, e))
        return false;
    buf_addf(&as_text, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%s\n) AS t", plain.sql);
    if (!buf_done(&as_text, e) || !d->query(s, as_text.p, params, (struct src){0}, &r.stream, e) ||
        !reader_open(&r, e))
        return false;
    struct engine_rows out = {.ncolumns = (size_t)r.schema.n_children};
    size_t cap = 0;
    out.names = arena_make(a, const char *, out.ncolumns);
    for (size_t i = 0; i < out.ncolumns; i++)
        out.names[i] = arena_str(a, r.schema.children[i]->name);
    for (int64_t n = 1; n > 0 && out.nrows < max_rows;) {
        if (!reader_next(&r, &n, e))
            return false;
        read_rows(a, &r, n, max_rows, &out, &cap);
    }
    *ret = out;
    return true;
}

bool engine_int(const struct engine_driver *d, struct session *s, const char *sql, int64_t *ret,
                bool *ret_null, struct err *e)
{
    auto_arena *a = arena_new();
    struct engine_rows rows;
    if (!engine_rows(d, a, s, sql, (struct engine_params){0}, 1, &rows, e))
        return false;
    if (rows.nrows == 0 || rows.ncolumns == 0)
        return fail(e, ERR_DATA, "one value was expected, but no row came");
    const char *value = rows.rows[0][0];
    if (ret_null)
        *ret_null = !value;
    else if (!value)
        return fail(e, ERR_DATA, "one value was expected, but it is null");
    return !value || text_int(value, ret, e);
}
