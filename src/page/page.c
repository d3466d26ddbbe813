/* Queries first, in the order of the page; then the text is written from top to bottom. */
#include "page/page.h"

#include <string.h>

#include "base/grid.h"
#include "page/blocks.h"
#include "page/format.h"
#include "page/markdown.h"
#include "page/show.h"

enum { MAX_ROWS = 100000 };

struct result {
    const char *name;
    struct engine_rows rows;
};

struct writer {
    struct arena *a;
    const struct workshop *w;
    struct session *s;
    int width;
    struct list_of(struct result) results;
    struct list_of(const char *) relations; /* made in the session for earlier queries */
    struct buf *out;
};

static struct result *find_result(struct writer *w, struct str name)
{
    for (size_t i = 0; i < w->results.n; i++)
        if (str_is(name, w->results.v[i].name))
            return &w->results.v[i];
    return NULL;
}

static bool no_query(struct writer *w, struct str name, struct src at, struct err *e)
{
    const char **names = arena_make(w->a, const char *, w->results.n + 1);
    for (size_t i = 0; i < w->results.n; i++)
        names[i] = w->results.v[i].name;
    const char *near = text_nearest(arena_strn(w->a, name.p, name.n), names, w->results.n);
    fail_at(e, ERR_USER, at, "no query '%.*s' on this page", STR(name));
    return near ? hint(e, "did you mean '%s'?", near)
                : hint(e, "a block ```sql %.*s would make it", STR(name));
}

/* The tables that a query names, each made readable once for the whole page. */
static bool make_relations(struct writer *w, const struct block *b, struct err *e)
{
    struct engine_ref *refs;
    size_t n;
    if (!w->w->driver->refs(w->a, w->s, b->body, b->at, &refs, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        bool made = !strchr(refs[i].name, '.');
        for (size_t k = 0; k < w->relations.n && !made; k++)
            made = strcmp(w->relations.v[k], refs[i].name) == 0;
        if (made)
            continue;
        if (!asset_relation(w->a, w->w, w->s, refs[i].name, e))
            return false;
        *arena_push(w->a, &w->relations) = refs[i].name;
    }
    return true;
}

/* Binding reads the files' heads once more: only for a query that failed, to say where. */
static bool query_fail(struct writer *w, const struct block *b, struct engine_params params, struct err *e)
{
    struct engine_column *columns;
    size_t n;
    struct err placed = {0};
    if (!w->w->driver->bind(w->a, w->s, b->body, params, b->at, &columns, &n, &placed))
        *e = placed;
    return e->at.line ? false : wrap(e, "query '%s'", b->name);
}

static bool run_query(struct writer *w, const struct block *b, struct err *e)
{
    if (find_result(w, (struct str){b->name, strlen(b->name)}))
        return fail_at(e, ERR_USER, b->name_at, "there is a query '%s' on this page already", b->name);
    struct engine_params params = project_params(w->a, w->w->project, &w->w->params);
    struct result r = {.name = b->name};
    if (!make_relations(w, b, e))
        return e->at.line ? false : wrap(e, "query '%s'", b->name);
    if (!engine_rows(w->w->driver, w->a, w->s, b->body, params, MAX_ROWS, &r.rows, e))
        return query_fail(w, b, params, e);
    *arena_push(w->a, &w->results) = r;
    return true;
}

static size_t column_index(const struct engine_rows *r, const char *name)
{
    for (size_t i = 0; i < r->ncolumns; i++)
        if (strcmp(r->names[i], name) == 0)
            return i;
    return SIZE_MAX;
}

static bool no_column(const struct result *r, const char *name, struct src at, struct err *e)
{
    const char *near = text_nearest(name, r->rows.names, r->rows.ncolumns);
    fail_at(e, ERR_USER, at, "query '%s' gives no column '%s'", r->name, name);
    return near && hint(e, "did you mean '%s'?", near);
}

/* The columns to show: those named, or all of the query. */
static bool resolve(struct writer *w, const struct result *r, const struct show *show,
                    struct show_column **ret, size_t **ret_from, size_t *ret_n, struct err *e)
{
    size_t n = show->n ? show->n : r->rows.ncolumns;
    struct show_column *c = arena_make(w->a, struct show_column, n);
    size_t *from = arena_make(w->a, size_t, n);
    for (size_t i = 0; i < n; i++) {
        c[i] = show->n ? show->columns[i]
                       : (struct show_column){.name = r->rows.names[i], .title = r->rows.names[i]};
        from[i] = column_index(&r->rows, c[i].name);
        if (from[i] == SIZE_MAX)
            return no_column(r, c[i].name, c[i].at, e);
    }
    *ret = c;
    *ret_from = from;
    *ret_n = n;
    return true;
}

static bool looks_numeric(const struct engine_rows *r, size_t column)
{
    bool some = false;
    for (size_t i = 0; i < r->nrows; i++) {
        const char *s = r->rows[i][column];
        char *end;
        if (!s)
            continue;
        (void)strtod(s, &end);
        if (end == s || *end)
            return false;
        some = true;
    }
    return some;
}

static bool show_table(struct writer *w, const struct block *b, struct err *e)
{
    struct result *r = find_result(w, (struct str){b->name, strlen(b->name)});
    struct show show;
    struct show_column *c = NULL;
    size_t *from = NULL, n = 0;
    if (!r)
        return no_query(w, (struct str){b->name, strlen(b->name)}, b->name_at, e);
    if (!show_read(w->a, b, &show, e) || !resolve(w, r, &show, &c, &from, &n, e))
        return false;

    size_t nrows = show.limit && (size_t)show.limit < r->rows.nrows ? (size_t)show.limit : r->rows.nrows;
    const char **names = arena_make(w->a, const char *, n),
               **cells = arena_make(w->a, const char *, n *nrows + 1);
    bool *right = arena_make(w->a, bool, n);
    for (size_t k = 0; k < n; k++) {
        names[k] = c[k].title;
        right[k] = c[k].align == ALIGN_AUTO ? looks_numeric(&r->rows, from[k]) : c[k].align == ALIGN_RIGHT;
        for (size_t i = 0; i < nrows; i++)
            cells[i * n + k] = format_value(w->a, c[k].format, r->rows.rows[i][from[k]]);
    }
    if (w->out->len && w->out->p[w->out->len - 1] == '\n')
        buf_addf(w->out, "\n");
    grid_add(w->out, &(struct grid){names, n, nrows, cells, right, true});
    if (nrows == 0)
        buf_addf(w->out, "(no rows)\n");
    return true;
}

/* A value goes into Markdown as it is: what would be markup there is escaped. */
static void add_escaped(struct buf *b, const char *s)
{
    for (; *s; s++)
        buf_addf(b, strchr("\\`*_{}[]()#+-.!|<>~", *s) ? "\\%c" : "%c", *s);
}

/* " name.column | format " between the braces. */
static bool inline_value(struct writer *w, struct str inside, struct src at, struct buf *b, struct err *e)
{
    const char *bar = memchr(inside.p, '|', inside.n);
    struct str ref = str_trim((struct str){inside.p, bar ? (size_t)(bar - inside.p) : inside.n});
    struct str format =
        bar ? str_trim((struct str){bar + 1, (size_t)(inside.p + inside.n - bar - 1)}) : (struct str){0};
    const char *dot = memchr(ref.p, '.', ref.n);
    struct str query = {ref.p, dot ? (size_t)(dot - ref.p) : ref.n};
    struct result *r = find_result(w, query);
    if (!r)
        return no_query(w, query, at, e);

    size_t column = 0;
    if (dot) {
        const char *name = arena_strn(w->a, dot + 1, (size_t)(ref.p + ref.n - dot - 1));
        column = column_index(&r->rows, name);
        if (column == SIZE_MAX)
            return no_column(r, name, at, e);
    }
    const char *pattern = format.n ? arena_strn(w->a, format.p, format.n) : NULL;
    if (pattern && !format_known(pattern))
        return fail_at(e, ERR_USER, at, "unknown format '%s'", pattern);
    const char *value = r->rows.nrows && r->rows.ncolumns ? r->rows.rows[0][column] : NULL;
    add_escaped(b, format_value(w->a, pattern, value));
    return true;
}

/* The Markdown with its {{ values }} in place. */
static bool fill_in(struct writer *w, const struct block *b, struct buf *out, struct err *e)
{
    struct src at = b->at;
    for (const char *p = b->body; *p; p++) {
        const char *end = p[0] == '{' && p[1] == '{' ? strstr(p, "}}") : NULL;
        if (end) {
            if (!inline_value(w, (struct str){p + 2, (size_t)(end - p - 2)}, at, out, e))
                return false;
            at.col += (int)(end + 2 - p);
            p = end + 1;
            continue;
        }
        buf_add(out, p, 1);
        at.col = *p == '\n' ? 1 : at.col + 1;
        at.line += *p == '\n';
    }
    return true;
}

static bool write_markdown(struct writer *w, const struct block *b, struct err *e)
{
    auto_buf text = BUF(64 << 20);
    auto_buf rendered = BUF(64 << 20);
    if (!fill_in(w, b, &text, e) || !buf_done(&text, e) || !markdown_text(text.p, w->width, &rendered, e))
        return false;
    if (rendered.len && w->out->len)
        buf_addf(w->out, "\n");
    buf_add(w->out, rendered.p, rendered.len);
    return buf_done(&rendered, e);
}

bool page_text(struct arena *a, const struct workshop *w, struct session *s, const struct page *p, int width,
               struct buf *out, struct err *e)
{
    struct writer wr = {.a = a, .w = w, .s = s, .width = width, .out = out};
    struct block *blocks;
    size_t n;
    if (!blocks_split(a, p->path, p->text, &blocks, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (blocks[i].kind == BLOCK_SQL && !run_query(&wr, &blocks[i], e))
            return false;
    for (size_t i = 0; i < n; i++) {
        if (blocks[i].kind == BLOCK_TABLE && !show_table(&wr, &blocks[i], e))
            return false;
        if (blocks[i].kind == BLOCK_MARKDOWN && !write_markdown(&wr, &blocks[i], e))
            return false;
    }
    return buf_done(out, e);
}
