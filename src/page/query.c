#include "page/query.h"

#include <string.h>

#include "page/format.h"
#include "page/input.h"

void query_columns(struct arena *a, struct page_query *q, const struct engine_column *columns, size_t n)
{
    const char **names = arena_make(a, const char *, n), **types = arena_make(a, const char *, n);
    for (size_t i = 0; i < n; i++) {
        names[i] = columns[i].name;
        types[i] = columns[i].sql_type;
    }
    q->columns = names;
    q->types = types;
    q->ncolumns = n;
}

struct block query_of_table(struct arena *a, const char *table, struct src at)
{
    auto_buf sql = BUF(1 << 16);
    buf_addf(&sql, "FROM ");
    sql_table(&sql, table);
    return (struct block){
        .kind = BLOCK_SQL, .name = table, .body = arena_str(a, sql.p), .at = at, .name_at = at};
}

const struct page_query *query_find(struct arena *a, const struct page_queries *qs, struct str name,
                                    struct src at, struct err *e)
{
    const char **names = arena_make(a, const char *, qs->n + 1);
    for (size_t i = 0; i < qs->n; i++) {
        if (str_is(name, qs->v[i].name))
            return &qs->v[i];
        names[i] = qs->v[i].name;
    }
    const char *near = text_nearest(arena_strn(a, name.p, name.n), names, qs->n);
    fail_at(e, ERR_USER, at, "no query '%.*s' on this page", STR(name));
    if (near)
        hint(e, "did you mean '%s'?", near);
    else
        hint(e, "a block ```sql %.*s would make it", STR(name));
    return NULL;
}

bool query_column(const struct page_query *q, const char *name, struct src at, size_t *ret, struct err *e)
{
    *ret = SIZE_MAX;
    if (q->unknown)
        return true;
    for (size_t i = 0; i < q->ncolumns; i++)
        if (strcmp(q->columns[i], name) == 0) {
            *ret = i;
            return true;
        }
    const char *near = text_nearest(name, q->columns, q->ncolumns);
    fail_at(e, ERR_USER, at, "query '%s' gives no column '%s'", q->name, name);
    return near && hint(e, "did you mean '%s'?", near);
}

bool tile_find(struct arena *a, const struct page_queries *qs, const struct block *b, const struct tile *t,
               struct tile_columns *ret, struct err *e)
{
    struct str name = {b->name, strlen(b->name)};
    *ret = (struct tile_columns){.compare = SIZE_MAX, .trend = SIZE_MAX};
    ret->query = query_find(a, qs, name, b->name_at, e);
    if (!ret->query || (t->column && !query_column(ret->query, t->column, t->column_at, &ret->value, e)) ||
        (t->compare && !query_column(ret->query, t->compare, t->compare_at, &ret->compare, e)))
        return false;
    if (!t->trend)
        return true;
    ret->trend_query =
        query_find(a, qs, (struct str){t->trend_query, strlen(t->trend_query)}, t->trend_at, e);
    return ret->trend_query && query_column(ret->trend_query, t->trend, t->trend_at, &ret->trend, e);
}

static struct src moved(struct src at, struct str from, const char *to)
{
    at.col += (int)(to - from.p);
    return at;
}

/* Its name, or that of one of its parameters. */
static bool find_input(struct arena *a, const struct page_inputs *in, struct str name, struct page_value *ret)
{
    const char *word = arena_strn(a, name.p, name.n);
    for (size_t i = 0; i < in->n; i++) {
        int part = input_part(&in->v[i], word);
        bool whole = strcmp(in->v[i].name, word) == 0;
        if (whole || part >= 0) {
            *ret = (struct page_value){.input = &in->v[i], .part = whole ? -1 : part};
            return true;
        }
    }
    return false;
}

bool value_read(struct arena *a, const struct page_queries *qs, const struct page_inputs *in,
                struct str inside, struct src at, struct page_value *ret, struct err *e)
{
    const char *end = inside.p + inside.n, *bar = memchr(inside.p, '|', inside.n);
    struct str ref = str_trim((struct str){inside.p, (size_t)((bar ? bar : end) - inside.p)});
    struct str format = bar ? str_trim((struct str){bar + 1, (size_t)(end - bar - 1)}) : (struct str){0};
    const char *dot = memchr(ref.p, '.', ref.n);
    struct str name = {ref.p, dot ? (size_t)(dot - ref.p) : ref.n};
    if (ref.n == 0) {
        fail_at(e, ERR_USER, at, "there is nothing between the braces");
        return hint(e, "write {{ query.column }} or {{ query.column | #,##0 }}");
    }
    if (!dot && find_input(a, in, name, ret)) {
        if (!format.n)
            return true;
        fail_at(e, ERR_USER, moved(at, inside, format.p), "the value of an input takes no format");
        return hint(e, "write {{ %s }}", ret->input->name);
    }
    *ret = (struct page_value){.query = query_find(a, qs, name, moved(at, inside, ref.p), e)};
    if (!ret->query)
        return false;
    if (dot) {
        const char *column = arena_strn(a, dot + 1, (size_t)(ref.p + ref.n - dot - 1));
        if (!query_column(ret->query, column, moved(at, inside, dot + 1), &ret->column, e))
            return false;
    }
    ret->format = format.n ? arena_strn(a, format.p, format.n) : NULL;
    if (ret->format && !format_known(ret->format)) {
        fail_at(e, ERR_USER, moved(at, inside, format.p), "unknown format '%s'", ret->format);
        return hint(e, "%s", FORMAT_PLAIN);
    }
    return true;
}

bool value_next(const char **p, struct src *at, struct str *before, struct str *inside, struct src *inside_at,
                bool *found, struct err *e)
{
    const char *s = *p;
    *found = false;
    for (; *s; s++) {
        if (s[0] == '\\' && s[1] == '{' && s[2] == '{') {
            s += 2;
            at->col += 3;
            continue;
        }
        if (s[0] == '{' && s[1] == '{') {
            *before = (struct str){*p, (size_t)(s - *p)};
            size_t line = strcspn(s, "\n");
            const char *end = memmem(s, line, "}}", 2);
            *p = s + 2;
            if (!end) {
                struct src open = *at;
                at->col += 2;
                fail_at(e, ERR_USER, open, "'{{' without '}}' on its line");
                return hint(e, "\\{{ stands for the braces themselves");
            }
            *inside = (struct str){s + 2, (size_t)(end - s - 2)};
            *inside_at = (struct src){at->file, at->line, at->col + 2};
            at->col += (int)(end + 2 - s);
            *p = end + 2;
            *found = true;
            return true;
        }
        at->col = *s == '\n' ? 1 : at->col + 1;
        at->line += *s == '\n';
    }
    *before = (struct str){*p, (size_t)(s - *p)};
    *p = s;
    return true;
}
