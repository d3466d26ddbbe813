/* Queries first, in the order of the page; then what its blocks show can be asked for. */
#include "page/sheet.h"

#include <math.h>
#include <string.h>

#include "chart/spec.h"
#include "engine/sqltext.h"
#include "page/format.h"

enum { MAX_ROWS = 100000 };

struct maker {
    struct sheet *sheet;
    struct arena *a;
    const struct workshop *w;
    struct session *s;
    struct page_memory *memory;
    struct engine_params own; /* of the project */
};

/* What is asked: the SQL of a block, or what was made of it, with the values of inputs. */
struct question {
    const struct block *block;
    const char *sql;
    const struct page_inputs *inputs;
};

/* Bound with NULLs of the parameters' types: what a query gives does not depend on what is chosen, and needs
 * to be found out only once. */
static bool compute(struct maker *m, const struct question *x, struct engine_params params,
                    struct page_query *q, struct err *e)
{
    struct engine_params typed = inputs_params(m->a, x->inputs, m->own, true);
    const struct block *b = x->block;
    struct engine_column *columns;
    size_t n;
    if (q->columns) { /* asked before, with other values */
        asset_keep(m->w, m->s, b->body, b->at);
        return engine_rows(m->w->driver, m->a, m->s, x->sql, params, MAX_ROWS + 1, &q->rows, e);
    }
    if (!asset_relations(m->a, m->w, m->s, b->body, b->at, e) ||
        !m->w->driver->bind(m->a, m->s, x->sql, typed, b->at, &columns, &n, e) ||
        !engine_rows(m->w->driver, m->a, m->s, x->sql, params, MAX_ROWS + 1, &q->rows, e)) {
        inputs_hint(m->a, x->inputs, e);
        return e->at.line ? false : wrap(e, "query '%s'", b->name);
    }
    query_columns(m->a, q, columns, n);
    return true;
}

/* Versions are told before the rows are read: what moves meanwhile is read again the next time. */
static bool ask(struct maker *m, const struct question *x, struct page_query *q, struct err *e)
{
    struct engine_params params = inputs_params(m->a, x->inputs, m->own, false);
    struct sqltext key;
    if (!m->memory || !sqltext_plain(m->a, x->sql, &params, x->block->at, &key, e))
        return compute(m, x, params, q, e);
    if (page_memory_answer(m->memory, m->a, m->w, key.sql, q))
        return true;
    struct answer *answer = page_memory_begin(m->w, m->s, x->block->body, key.sql);
    bool ok = compute(m, x, params, q, e);
    page_memory_keep(m->memory, answer, ok ? q : NULL);
    return ok;
}

/* A page is for people: of more rows than that the first ones are shown, which is said. */
static void cut_rows(struct maker *m, const struct block *b, struct page_query *q)
{
    struct err e;
    if (q->rows.nrows <= MAX_ROWS)
        return;
    q->rows.nrows = MAX_ROWS;
    fail_at(&e, ERR_NONE, b->name_at, "'%s' gives more than %d rows: the page shows the first %d", b->name,
            MAX_ROWS, MAX_ROWS);
    hint(&e, "group or sample them in SQL");
    problems_add(m->sheet->warnings, &e);
}

static bool run_query(struct maker *m, const struct block *b, struct err *e)
{
    for (size_t i = 0; i < m->sheet->queries.n; i++)
        if (strcmp(m->sheet->queries.v[i].name, b->name) == 0)
            return fail_at(e, ERR_USER, b->name_at, "there is a query '%s' on this page already", b->name);
    struct page_query q = {0};
    if (!ask(m, &(struct question){b, b->body, &m->sheet->inputs}, &q, e))
        return false;
    q.name = b->name;
    cut_rows(m, b, &q);
    *arena_push(m->a, &m->sheet->queries) = q;
    return true;
}

/* Those that use inputs, or those that use none. */
static bool run_queries(struct maker *m, bool with, struct err *e)
{
    const struct sheet *s = m->sheet;
    bool *used = arena_make(m->a, bool, s->inputs.n + 1);
    for (size_t i = 0; i < s->nblocks; i++)
        if (s->blocks[i].kind == BLOCK_SQL &&
            (inputs_used(m->a, &s->inputs, s->blocks[i].body, used) > 0) == with &&
            !run_query(m, &s->blocks[i], e))
            return false;
    return true;
}

/* What a chart names and no query of the page is: tables of the project. */
static bool run_sources(struct maker *m, const struct block *b, struct err *e)
{
    struct problems problems = {.a = m->a};
    struct chart_spec spec;
    if (!chart_spec_read(m->a, b->body, b->at, &problems, &spec)) {
        *e = problems.v[0];
        return false;
    }
    for (size_t i = 0; i < spec.nsources; i++) {
        const struct chart_source *s = &spec.sources[i];
        struct err ignored;
        struct str name = {s->name, strlen(s->name)};
        if (!strchr(s->name, '.') || query_find(m->a, &m->sheet->queries, name, s->at, &ignored))
            continue;
        const struct block whole = query_of_table(m->a, s->name, s->at);
        if (!run_query(m, &whole, e)) {
            e->at = s->at;
            return false;
        }
    }
    return true;
}

const struct block *sheet_query_block(const struct sheet *s, const char *name)
{
    for (size_t i = 0; i < s->nblocks; i++)
        if (s->blocks[i].kind == BLOCK_SQL && strcmp(s->blocks[i].name, name) == 0)
            return &s->blocks[i];
    return NULL;
}

/* "Genre: Drama · Since: 1990": what the rows of a chart depend on. */
static bool add_caption(const struct sheet *s, struct page_chart *c, struct err *e)
{
    auto_buf line = BUF(4096);
    bool *used = arena_make(s->a, bool, s->inputs.n + 1), *any = arena_make(s->a, bool, s->inputs.n + 1);
    for (size_t i = 0; i < c->ndata; i++) {
        const struct block *b = sheet_query_block(s, c->data[i].name);
        if (b && inputs_used(s->a, &s->inputs, b->body, used))
            for (size_t k = 0; k < s->inputs.n; k++)
                any[k] = any[k] || used[k];
    }
    for (size_t k = 0; k < s->inputs.n; k++)
        if (any[k])
            buf_addf(&line, "%s%s: %s", line.len ? " · " : "", s->inputs.v[k].title,
                     input_part_shown(s->a, &s->inputs.v[k], -1));
    return !line.len || page_chart_caption(s->a, c, line.p, e);
}

/* Behind the one before it, or the first of a row. */
static void place_chart(const struct sheet *s, struct sheet_chart *c)
{
    size_t from = (size_t)(c->block - s->blocks);
    if (c > s->charts && c[-1].number + 1 < c[-1].row) {
        c->number = c[-1].number + 1;
        c->row = c[-1].row;
        return;
    }
    for (size_t i = from, end = sheet_row_end(s, from); i < end; i++)
        c->row += s->blocks[i].kind == BLOCK_CHART;
}

static bool read_charts(struct sheet *s, struct err *e)
{
    s->charts = arena_make(s->a, struct sheet_chart, s->nblocks + 1);
    for (size_t i = 0; i < s->nblocks; i++) {
        const struct block *b = &s->blocks[i];
        if (b->kind != BLOCK_CHART)
            continue;
        for (size_t k = 0; k < s->ncharts; k++)
            if (strcmp(s->charts[k].chart.name, b->name) == 0)
                return fail_at(e, ERR_USER, b->name_at, "there is a chart '%s' on this page already",
                               b->name);
        struct sheet_chart *c = &s->charts[s->ncharts++];
        *c = (struct sheet_chart){.block = b};
        place_chart(s, c);
        if (!page_chart_read(s->a, &s->queries, b, &c->chart, e) || !add_caption(s, &c->chart, e))
            return false;
    }
    return true;
}

/* The first mistake of those that reading a block's options has found. */
static bool first_problem(const struct problems *p, struct err *e)
{
    for (size_t i = 0; i < p->n; i++)
        if (p->v[i].kind != ERR_NONE) {
            *e = p->v[i];
            return false;
        }
    return true;
}

static bool choose(struct maker *m, const struct sheet_wish *wish, struct err *e)
{
    struct sheet *s = m->sheet;
    struct problems problems = {.a = m->a};
    inputs_read(m->a, s->blocks, s->nblocks, m->own, &problems, &s->inputs);
    if (!first_problem(&problems, e) || !run_queries(m, false, e))
        return false;
    inputs_fill(m->a, &s->inputs, s->blocks, s->nblocks, &s->queries, true, &problems);
    for (size_t i = 0; i < problems.n; i++)
        if (problems.v[i].kind == ERR_NONE)
            problems_add(s->warnings, &problems.v[i]);
    if (!first_problem(&problems, e))
        return false;
    for (const char *const *x = wish->inputs; x && *x; x++)
        if (!inputs_choose(m->a, &s->inputs, *x, e))
            return false;
    return true;
}

static const struct block *live_block(void *arg, const char *name)
{
    const struct maker *m = arg;
    return sheet_query_block(m->sheet, name);
}

static bool live_ask(void *arg, const struct block *b, const char *sql, const struct page_inputs *in,
                     struct page_query *ret, struct err *e)
{
    return ask(arg, &(struct question){b, sql, in}, ret, e);
}

static void make_live(struct maker *m)
{
    struct sheet *s = m->sheet;
    const struct live_source from = {.driver = m->w->driver,
                                     .session = m->s,
                                     .inputs = &s->inputs,
                                     .queries = &s->queries,
                                     .max_rows = MAX_ROWS,
                                     .arg = m,
                                     .block = live_block,
                                     .ask = live_ask};
    s->live = arena_make(m->a, struct live, 1);
    live_make(m->a, &from, s->live);
    for (size_t i = 0; i < s->inputs.n; i++)
        if (s->live->why[i]) {
            struct err e;
            fail_at(&e, ERR_NONE, s->inputs.v[i].name_at, "input '%s' cannot be changed in HTML: %s",
                    s->inputs.v[i].name, s->live->why[i]);
            problems_add(s->warnings, &e);
        }
}

bool sheet_make(struct arena *a, const struct workshop *w, struct session *s, const struct page *p,
                const struct sheet_wish *wish, struct sheet *ret, struct err *e)
{
    *ret = (struct sheet){
        .a = a, .page = p, .warnings = arena_make(a, struct problems, 1), .memory = wish->memory};
    ret->warnings->a = a;
    struct maker m = {ret, a, w, s, wish->memory, project_params(a, w->project, &w->params)};
    if (!blocks_split(a, p->path, p->text, &ret->blocks, &ret->nblocks, e) || !choose(&m, wish, e) ||
        !run_queries(&m, true, e))
        return false;
    for (size_t i = 0; i < ret->nblocks; i++)
        if (ret->blocks[i].kind == BLOCK_CHART && !run_sources(&m, &ret->blocks[i], e))
            return false;
    if (!read_charts(ret, e))
        return false;
    if (wish->live && ret->inputs.n)
        make_live(&m);
    return true;
}

const struct page_input *sheet_input(const struct sheet *s, const struct block *b)
{
    return b->kind == BLOCK_INPUT ? input_find(&s->inputs, b->name) : NULL;
}

/* --- tables --- */

/* The columns to show: those named, or all of the query. */
static bool resolve(struct arena *a, const struct page_query *q, const struct show *show,
                    struct show_column **ret, size_t **ret_from, size_t *ret_n, struct err *e)
{
    size_t n = show->n ? show->n : q->ncolumns;
    struct show_column *c = arena_make(a, struct show_column, n);
    size_t *from = arena_make(a, size_t, n);
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

static double number_of(const char *s)
{
    char *end;
    double x = s ? strtod(s, &end) : NAN;
    return s && end > s && !*end ? x : NAN;
}

static void add_bars(const struct page_query *q, size_t from, size_t nrows, double *bars, size_t step)
{
    double most = 0;
    for (size_t i = 0; i < nrows; i++)
        most = fmax(most, number_of(q->rows.rows[i][from]));
    for (size_t i = 0; i < nrows; i++) {
        double x = number_of(q->rows.rows[i][from]);
        bars[i * step] = isfinite(x) && x >= 0 && most > 0 && isfinite(most) ? x / most : -1;
    }
}

static bool make_table(const struct sheet *s, const struct block *b, bool all, struct sheet_table *ret,
                       int64_t *limit, struct err *e)
{
    struct arena *a = s->a;
    struct str name = {b->name, strlen(b->name)};
    const struct page_query *q = query_find(a, &s->queries, name, b->name_at, e);
    struct problems problems = {.a = a};
    struct show show;
    struct show_column *c = NULL;
    size_t *from = NULL, n = 0;
    if (!q || (!show_read(a, b, &problems, &show) && !first_problem(&problems, e)) ||
        !resolve(a, q, &show, &c, &from, &n, e))
        return false;

    bool cut = !all && show.limit && (size_t)show.limit < q->rows.nrows;
    size_t nrows = cut ? (size_t)show.limit : q->rows.nrows;
    *limit = show.limit;
    const char **titles = arena_make(a, const char *, n), **cells = arena_make(a, const char *, n *nrows + 1),
               **values = arena_make(a, const char *, n *nrows + 1);
    bool *right = arena_make(a, bool, n), *figures = arena_make(a, bool, n);
    double *bars = arena_make(a, double, n *nrows + 1);
    for (size_t i = 0; i < n * nrows; i++)
        bars[i] = -1;
    for (size_t k = 0; k < n; k++) {
        if (c[k].bar)
            add_bars(q, from[k], nrows, bars + k, n);
        titles[k] = c[k].title;
        figures[k] = looks_numeric(&q->rows, from[k]);
        right[k] = c[k].align == ALIGN_AUTO ? figures[k] : c[k].align == ALIGN_RIGHT;
        for (size_t i = 0; i < nrows; i++) {
            values[i * n + k] = q->rows.rows[i][from[k]];
            cells[i * n + k] = format_line(a, format_value(a, c[k].format, values[i * n + k]));
        }
    }
    *ret = (struct sheet_table){titles, cells, values, right, figures, bars, n, nrows};
    return true;
}

bool sheet_table(const struct sheet *s, const struct block *b, struct sheet_table *ret, struct err *e)
{
    int64_t ignored;
    return make_table(s, b, false, ret, &ignored, e);
}

bool sheet_table_all(const struct sheet *s, const struct block *b, struct sheet_table *ret, int64_t *limit,
                     struct err *e)
{
    return make_table(s, b, true, ret, limit, e);
}

/* --- values --- */

size_t sheet_row_end(const struct sheet *s, size_t i)
{
    size_t end = i;
    enum block_kind kind = s->blocks[i].kind;
    for (; i < s->nblocks; i++) {
        const struct block *b = &s->blocks[i];
        if (b->kind == kind)
            end = i + 1;
        else if (b->kind != BLOCK_SQL && (b->kind != BLOCK_MARKDOWN || b->body[strspn(b->body, " \t\r\n")]))
            break;
    }
    return end;
}

size_t sheet_columns(size_t n)
{
    enum { MOST = 3 };
    size_t lines = (n + MOST - 1) / MOST;
    return n ? (n + lines - 1) / lines : 0;
}

static const char *first_value(const struct page_query *q, size_t column)
{
    return q->rows.nrows && q->rows.ncolumns && column != SIZE_MAX ? q->rows.rows[0][column] : NULL;
}

static void compare(struct arena *a, const struct tile *t, double now, double then, struct sheet_tile *ret)
{
    double change = (now - then) / fabs(then);
    if (!isfinite(change * 100))
        return;
    ret->direction = (fabs(change) >= 0.0005) * (change < 0 ? -1 : 1);
    ret->change = arena_fmt(a, "%.1f %%", fabs(change) * 100);
    ret->note = t->note;
    ret->good = t->better == BETTER_NONE ? 0 : t->better == BETTER_UP ? ret->direction : -ret->direction;
}

static bool read_tile(const struct sheet *s, const struct block *b, struct tile *t, struct tile_columns *at,
                      struct err *e)
{
    struct problems problems = {.a = s->a};
    return (tile_read(s->a, b, &problems, t) || first_problem(&problems, e)) &&
           tile_find(s->a, &s->queries, b, t, at, e);
}

bool sheet_tile_columns(const struct sheet *s, const struct block *b, struct tile_columns *ret, struct err *e)
{
    struct tile ignored;
    return read_tile(s, b, &ignored, ret, e);
}

bool sheet_tile_head(const struct sheet *s, const struct block *b, struct sheet_tile *ret, struct err *e)
{
    struct arena *a = s->a;
    struct tile t;
    struct tile_columns at;
    if (!read_tile(s, b, &t, &at, e))
        return false;
    const char *value = first_value(at.query, at.value);
    *ret = (struct sheet_tile){.title = t.title, .value = format_line(a, format_value(a, t.format, value))};
    if (t.compare)
        compare(a, &t, number_of(value), number_of(first_value(at.query, at.compare)), ret);
    return true;
}

bool sheet_tile(const struct sheet *s, const struct block *b, struct sheet_tile *ret, struct err *e)
{
    struct tile_columns at;
    if (!sheet_tile_head(s, b, ret, e) || !sheet_tile_columns(s, b, &at, e))
        return false;
    if (!at.trend_query)
        return true;
    double *trend = arena_make(s->a, double, at.trend_query->rows.nrows);
    for (size_t i = 0; i < at.trend_query->rows.nrows; i++)
        trend[i] = number_of(at.trend_query->rows.rows[i][at.trend]);
    ret->trend = trend;
    ret->ntrend = at.trend_query->rows.nrows;
    return true;
}

/* --- Markdown --- */

void sheet_escape(struct buf *b, struct str line, const char *s)
{
    bool code = false;
    for (size_t i = 0; i < line.n; i++)
        code ^= line.p[i] == '`';
    for (; *s; s++)
        if (*s > 0 && *s < 4)
            buf_addf(b, " ");
        else if (code)
            buf_addf(b, "%c", *s == '`' ? '\'' : *s);
        else
            buf_addf(b, strchr("\\`*_{}[]()#+-.!|<>~", *s) ? "\\%c" : "%c", *s);
}

static struct str line_before(const char *text, const char *end)
{
    const char *from = end;
    while (from > text && from[-1] != '\n')
        from--;
    return (struct str){from, (size_t)(end - from)};
}

const char *sheet_value(struct arena *a, const struct page_value *v, const char *const *row)
{
    return format_line(a, format_value(a, v->format, row ? row[v->column] : NULL));
}

bool sheet_markdown(const struct sheet *s, const struct block *b, const struct sheet_marks *marks,
                    struct buf *out, struct err *e)
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
        if (!value_read(s->a, &s->queries, &s->inputs, inside, inside_at, &v, e))
            return false;
        const struct engine_rows *r = v.query ? &v.query->rows : NULL;
        const char *value = v.input ? format_line(s->a, input_part_shown(s->a, v.input, v.part))
                                    : sheet_value(s->a, &v, r->nrows && r->ncolumns ? r->rows[0] : NULL);
        if (marks)
            marks->write(marks->arg, &v, line_before(b->body, inside.p - 2), value, out);
        else
            sheet_escape(out, line_before(b->body, inside.p - 2), value);
    }
    return buf_done(out, e);
}
