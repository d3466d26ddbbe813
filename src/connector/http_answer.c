#include "connector/http_answer.h"

#include <inttypes.h>
#include <string.h>

static bool compile_path(struct arena *a, const char *text, struct src at, struct json_path **ret,
                         struct err *e)
{
    if (json_path_parse(a, text, ret, e))
        return true;
    e->at = at;
    return false;
}

static bool compile_column(struct arena *a, const struct http_resource *r, const struct http_column *c,
                           struct http_value_of *v, struct err *e)
{
    static const struct {
        const char *name;
        enum rows_type type;
    } types[] = {
        {"BIGINT", ROWS_INT64}, {"VARCHAR", ROWS_TEXT}, {"DOUBLE", ROWS_REAL}, {"BOOLEAN", ROWS_BOOL}};
    bool known = false;
    for (size_t i = 0; i < countof(types); i++) {
        if (strcmp(types[i].name, c->type) == 0) {
            v->type = types[i].type;
            known = true;
        }
    }
    if (!known)
        return fail_at(e, ERR_USER, c->at, "column '%s': unknown type '%s'", c->name, c->type);
    if (c->path[0] != '{')
        return compile_path(a, c->path, c->at, &v->path, e);

    struct str name = {c->path + 1, strcspn(c->path + 1, "}")};
    if (r->for_var && str_is(name, r->for_var))
        v->from = FROM_FOR;
    else if (r->each_var && str_is(name, r->each_var))
        v->from = FROM_EACH;
    else
        return fail_at(e, ERR_USER, c->at, "column '%s': nothing fills '%s'", c->name, c->path);
    return true;
}

bool http_shape_compile(struct arena *a, const struct http_resource *r, struct http_shape *ret, struct err *e)
{
    *ret = (struct http_shape){.r = r, .columns = arena_make(a, struct http_value_of, r->ncolumns + 1)};
    if (r->items && (!compile_path(a, r->items, r->at, &ret->items, e) ||
                     !compile_path(a, arena_fmt(a, "%s[*]", r->items), r->at, &ret->records, e)))
        return false;
    if (r->page_total && !compile_path(a, r->page_total, r->at, &ret->total, e))
        return false;
    for (size_t i = 0; i < r->ncolumns; i++)
        if (!compile_column(a, r, &r->columns[i], &ret->columns[i], e))
            return false;
    return true;
}

void http_answer_records(const struct http_shape *s, struct str body,
                         bool (*each)(void *arg, struct str record), void *arg)
{
    if (s->records)
        json_scan_each(body, s->records, each, arg);
    else
        each(arg, str_trim(body));
}

/* The value of a column in a record; false = there is none. */
static bool value_of(const struct http_value_of *v, struct str record, const struct http_filled *f,
                     struct str *ret)
{
    if (v->from != FROM_RECORD) {
        *ret = v->from == FROM_FOR ? f->for_value : f->each_value;
        return true;
    }
    return json_scan_get(record, v->path, ret) && !str_is(*ret, "null");
}

struct check {
    const struct http_shape *s;
    struct http_answer *answer;
    const char *wrong;
};

static bool check_record(void *arg, struct str record)
{
    struct check *c = arg;
    const struct http_value_of *key = &c->s->columns[0];
    struct str v;
    int64_t n;
    c->answer->records++;
    if (c->s->r->ncolumns == 0 || key->from != FROM_RECORD)
        return true;
    if (!json_scan_get(record, key->path, &v) || str_is(v, "null") || v.p[0] == '{' || v.p[0] == '[')
        c->wrong = "is missing in a record";
    else if (key->type == ROWS_INT64 && !json_scan_int(v, &n))
        c->wrong = "is not a whole number in a record";
    return !c->wrong;
}

bool http_answer_check(const struct http_shape *s, struct str body, struct http_answer *ret, struct err *e)
{
    struct http_answer answer = {.pages = -1};
    struct check c = {s, &answer, NULL};
    struct str v;
    size_t at;
    const char *why;
    if (!json_scan_valid(body, &at, &why))
        return fail(e, ERR_NET, "the answer is not JSON: %s at byte %zu of %zu", why, at, body.n);
    if (s->items && (!json_scan_get(body, s->items, &v) || v.p[0] != '['))
        return fail(e, ERR_NET, "the answer has no array at '%s'", s->r->items);
    if (s->total &&
        (!json_scan_get(body, s->total, &v) || !json_scan_int(v, &answer.pages) || answer.pages < 0))
        return fail(e, ERR_NET, "the answer has no number of pages at '%s'", s->r->page_total);
    http_answer_records(s, body, check_record, &c);
    if (c.wrong)
        return fail(e, ERR_NET, "'%s' %s", s->r->columns[0].path, c.wrong);
    *ret = answer;
    return true;
}

bool http_record_key(const struct http_shape *s, struct str record, const struct http_filled *f,
                     struct buf *b)
{
    const struct http_value_of *key = &s->columns[0];
    struct str v;
    if (!value_of(key, record, f, &v))
        return false;
    if (key->from == FROM_RECORD)
        return json_scan_text(v, b);
    buf_add(b, v.p, v.n);
    return true;
}

static void put_real(struct rows *rows, struct str v)
{
    char digits[64], *end;
    if (v.n >= 2 && v.p[0] == '"' && v.p[v.n - 1] == '"')
        v = (struct str){v.p + 1, v.n - 2};
    size_t n = v.n < sizeof digits ? v.n : 0;
    memcpy(digits, v.p, n);
    digits[n] = '\0';
    double d = strtod(digits, &end);
    if (n == 0 || *end || strspn(digits, "+-.0123456789eE") != n)
        rows_null(rows);
    else
        rows_real(rows, d);
}

static void put_text(struct rows *rows, struct str v, bool is_json)
{
    auto_buf plain = BUF(SIZE_MAX / 2);
    if (!is_json || v.p[0] != '"') { /* objects and arrays as they are written */
        rows_text(rows, v.p, v.n);
        return;
    }
    if (json_scan_text(v, &plain) && !plain.failed)
        rows_text(rows, plain.p, plain.len);
    else
        rows_null(rows);
}

void http_record_columns(const struct http_shape *s, struct str record, const struct http_filled *f,
                         struct rows *rows)
{
    for (size_t i = 0; i < s->r->ncolumns; i++) {
        const struct http_value_of *c = &s->columns[i];
        struct str v;
        int64_t n;
        if (!value_of(c, record, f, &v))
            rows_null(rows);
        else if (c->type == ROWS_TEXT)
            put_text(rows, v, c->from == FROM_RECORD);
        else if (c->type == ROWS_REAL)
            put_real(rows, v);
        else if (c->type == ROWS_INT64 && json_scan_int(v, &n))
            rows_int(rows, n);
        else if (c->type == ROWS_BOOL && (str_is(v, "true") || str_is(v, "false")))
            rows_int(rows, v.p[0] == 't');
        else
            rows_null(rows);
    }
}
