/* Queries first, in the order of the page; then the text is written from top to bottom. */
#include "page/page.h"

#include <string.h>

#include "base/grid.h"
#include "page/blocks.h"
#include "page/format.h"
#include "page/markdown.h"
#include "page/query.h"

enum { MAX_ROWS = 100000 };

struct writer {
    struct arena *a;
    const struct workshop *w;
    struct session *s;
    int width;
    struct page_queries queries;
    struct buf *out;
};

static bool run_query(struct writer *w, const struct block *b, struct err *e)
{
    for (size_t i = 0; i < w->queries.n; i++)
        if (strcmp(w->queries.v[i].name, b->name) == 0)
            return fail_at(e, ERR_USER, b->name_at, "there is a query '%s' on this page already", b->name);
    struct engine_params params = project_params(w->a, w->w->project, &w->w->params);
    struct engine_column *columns;
    size_t n;
    struct page_query q = {.name = b->name};
    if (!asset_relations(w->a, w->w, w->s, b->body, b->at, e) ||
        !w->w->driver->bind(w->a, w->s, b->body, params, b->at, &columns, &n, e) ||
        !engine_rows(w->w->driver, w->a, w->s, b->body, params, MAX_ROWS, &q.rows, e))
        return e->at.line ? false : wrap(e, "query '%s'", b->name);
    q.columns = q.rows.names;
    q.ncolumns = q.rows.ncolumns;
    *arena_push(w->a, &w->queries) = q;
    return true;
}

/* The columns to show: those named, or all of the query. */
static bool resolve(struct writer *w, const struct page_query *q, const struct show *show,
                    struct show_column **ret, size_t **ret_from, size_t *ret_n, struct err *e)
{
    size_t n = show->n ? show->n : q->ncolumns;
    struct show_column *c = arena_make(w->a, struct show_column, n);
    size_t *from = arena_make(w->a, size_t, n);
    for (size_t i = 0; i < n; i++) {
        c[i] =
            show->n ? show->columns[i] : (struct show_column){.name = q->columns[i], .title = q->columns[i]};
        from[i] = i;
        if (show->n && !query_column(q, c[i].name, c[i].at, &from[i], e))
            return false;
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

/* A cell is one line: line breaks in the data become blanks. */
static const char *one_line(struct arena *a, const char *s)
{
    if (!strpbrk(s, "\r\n\t"))
        return s;
    char *line = arena_str(a, s);
    for (char *p = line; (p = strpbrk(p, "\r\n\t"));)
        *p = ' ';
    return line;
}

static bool show_table(struct writer *w, const struct block *b, struct err *e)
{
    struct str name = {b->name, strlen(b->name)};
    const struct page_query *q = query_find(w->a, &w->queries, name, b->name_at, e);
    struct show show;
    struct show_column *c = NULL;
    size_t *from = NULL, n = 0;
    if (!q || !show_read(w->a, b, &show, e) || !resolve(w, q, &show, &c, &from, &n, e))
        return false;

    size_t nrows = show.limit && (size_t)show.limit < q->rows.nrows ? (size_t)show.limit : q->rows.nrows;
    const char **names = arena_make(w->a, const char *, n),
               **cells = arena_make(w->a, const char *, n *nrows + 1);
    bool *right = arena_make(w->a, bool, n);
    for (size_t k = 0; k < n; k++) {
        names[k] = c[k].title;
        right[k] = c[k].align == ALIGN_AUTO ? looks_numeric(&q->rows, from[k]) : c[k].align == ALIGN_RIGHT;
        for (size_t i = 0; i < nrows; i++)
            cells[i * n + k] = one_line(w->a, format_value(w->a, c[k].format, q->rows.rows[i][from[k]]));
    }
    if (w->out->len && w->out->p[w->out->len - 1] == '\n')
        buf_addf(w->out, "\n");
    grid_add(w->out, &(struct grid){.names = names,
                                    .ncolumns = n,
                                    .nrows = nrows,
                                    .cells = cells,
                                    .right = right,
                                    .rule = true,
                                    .width = w->width,
                                    .narrow = GRID_WRAP});
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

/* The Markdown with its {{ values }} in place. */
static bool fill_in(struct writer *w, const struct block *b, struct buf *out, struct err *e)
{
    struct src at = b->at, inside_at;
    struct str before, inside;
    const char *p = b->body;
    for (bool found = true; found;) {
        struct page_value v;
        if (!value_next(&p, &at, &before, &inside, &inside_at, &found, e))
            return false;
        buf_add(out, before.p, before.n);
        if (!found)
            break;
        if (!value_read(w->a, &w->queries, inside, inside_at, &v, e))
            return false;
        const struct engine_rows *r = &v.query->rows;
        const char *value = r->nrows && r->ncolumns ? r->rows[0][v.column] : NULL;
        add_escaped(out, one_line(w->a, format_value(w->a, v.format, value)));
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
