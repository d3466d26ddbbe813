#include "engine/engine.h"

#include <errno.h>
#include <string.h>

#include "base/text.h"
#include "engine/sqltext.h"
#include "engine/text_rows.h"
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

static const char *const *copy_row(struct arena *a, const struct str *row, size_t n)
{
    const char **copy = arena_make(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = row[i].p ? arena_strn(a, row[i].p, row[i].n) : NULL;
    return copy;
}

static bool read_rows(struct arena *a, struct text_rows *r, size_t max_rows, struct engine_rows *ret,
                      struct err *e)
{
    const struct str *row;
    struct list_of(const char *const *) rows = {0};
    while (rows.n < max_rows) {
        if (!text_rows_next(r, &row, e))
            return false;
        if (!row)
            break;
        *arena_push(a, &rows) = copy_row(a, row, ret->ncolumns);
    }
    ret->rows = rows.v;
    ret->nrows = rows.n;
    return true;
}

bool engine_rows(const struct engine_driver *d, struct arena *a, struct session *s, const char *sql,
                 struct engine_params params, size_t max_rows, struct engine_rows *ret, struct err *e)
{
    auto_arena *scratch = arena_new();
    auto_buf as_text = BUF(MAX_SQL_TEXT);
    struct sqltext plain;
    struct text_rows *r;
    if (!sqltext_plain(scratch, sql, NULL, (struct src){0}, &plain, e))
        return false;
    buf_addf(&as_text, "SELECT CAST(COLUMNS(*) AS VARCHAR) FROM (%s\n) AS t", plain.sql);
    if (!buf_done(&as_text, e) || !text_rows_open(scratch, d, s, as_text.p, params, &r, e))
        return false;
    struct engine_rows out = {.ncolumns = text_rows_columns(r)};
    out.names = arena_make(a, const char *, out.ncolumns);
    for (size_t i = 0; i < out.ncolumns; i++)
        out.names[i] = arena_str(a, text_rows_name(r, i));
    *ret = out;
    return read_rows(a, r, max_rows, ret, e);
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
