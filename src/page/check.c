/* The mistakes of pages, found without data: queries are bound to empty relations, then what shows them is
 * looked at. */
#include <string.h>

#include "engine/sqltext.h"
#include "page/chart.h"
#include "page/input.h"
#include "page/page.h"
#include "page/query.h"

struct checker {
    struct arena *a;
    const struct project *p;
    const struct engine_driver *d;
    struct session *s;
    struct engine_params own, params; /* of the project; with those of the page's inputs */
    struct page_inputs inputs;        /* of the page at hand */
    struct problems *problems;
    struct list_of(const char *) related; /* relations made so far, of all pages */
};

/* --- tables --- */

/* An empty relation of that name, a version behind an @ or none. *broken: its model has mistakes of its own.
 */
static bool relate(struct checker *c, const char *name, struct src at, bool *broken, struct err *e)
{
    for (size_t i = 0; i < c->related.n; i++)
        if (strcmp(c->related.v[i], name) == 0)
            return true;
    const char *table = arena_strn(c->a, name, strcspn(name, "@")), *ddl = project_table_ddl(c->p, table);
    const struct asset *maker = project_table(c->p, table);
    bool done;
    if (ddl) {
        done = c->d->relation_ddl(c->s, name, ddl, e);
    } else if (maker && maker->kind == ASSET_MODEL && strcmp(maker->name, table) == 0) {
        if (!maker->model->columns) {
            *broken = true;
            return true;
        }
        done = c->d->relation_empty(c->s, name, maker->model->columns, maker->model->ncolumns, e);
    } else {
        return asset_no_table(c->p, table, at, e);
    }
    *arena_push(c->a, &c->related) = name;
    return done;
}

static bool relate_all(struct checker *c, const struct block *b, bool *broken, struct err *e)
{
    struct engine_ref *refs;
    size_t n;
    if (!c->d->refs(c->a, c->s, b->body, b->at, &refs, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strchr(refs[i].name, '.') &&
            !relate(c, refs[i].name, sqltext_place(b->body, refs[i].offset, b->at), broken, e))
            return false;
    return true;
}

/* --- blocks --- */

static bool bind_query(struct checker *c, const struct block *b, struct page_query *q, struct err *e)
{
    struct engine_column *columns;
    bool broken = false;
    if (!relate_all(c, b, &broken, e))
        return false;
    if (broken)
        return true;
    if (!c->d->bind(c->a, c->s, b->body, c->params, b->at, &columns, &q->ncolumns, e))
        return false;
    query_columns(c->a, q, columns, q->ncolumns);
    q->unknown = false;
    return true;
}

static void check_query(struct checker *c, const struct block *b, struct page_queries *qs)
{
    struct err e;
    struct page_query q = {.name = b->name, .unknown = true};
    for (size_t i = 0; i < qs->n; i++)
        if (strcmp(qs->v[i].name, b->name) == 0) {
            fail_at(&e, ERR_USER, b->name_at, "there is a query '%s' on this page already", b->name);
            problems_add(c->problems, &e);
            return;
        }
    if (!bind_query(c, b, &q, &e)) {
        if (strcmp(e.msg, "not a SELECT") == 0)
            hint(&e, "a query of a page is one SELECT");
        inputs_hint(c->a, &c->inputs, &e);
        problems_add(c->problems, &e);
    }
    *arena_push(c->a, qs) = q;
}

static void check_table(struct checker *c, const struct block *b, const struct page_queries *qs)
{
    struct err e;
    struct show show;
    size_t ignored;
    const struct page_query *q = query_find(c->a, qs, (struct str){b->name, strlen(b->name)}, b->name_at, &e);
    if (!q)
        problems_add(c->problems, &e);
    if (!show_read(c->a, b, c->problems, &show))
        return;
    for (size_t i = 0; q && i < show.n; i++)
        if (!query_column(q, show.columns[i].name, show.columns[i].at, &ignored, &e))
            problems_add(c->problems, &e);
}

static void check_value(struct checker *c, const struct block *b, const struct page_queries *qs)
{
    struct err e;
    struct tile t;
    struct tile_columns ignored;
    if (tile_read(c->a, b, c->problems, &t) && !tile_find(c->a, qs, b, &t, &ignored, &e))
        problems_add(c->problems, &e);
}

/* A table of the project that a chart names is as good as a query for all of it. */
static void check_source(struct checker *c, const struct chart_source *source, struct page_queries *qs)
{
    struct err e;
    if (!strchr(source->name, '.')) {
        if (!query_find(c->a, qs, (struct str){source->name, strlen(source->name)}, source->at, &e))
            problems_add(c->problems, &e);
        return;
    }
    for (size_t i = 0; i < qs->n; i++)
        if (strcmp(qs->v[i].name, source->name) == 0)
            return;
    struct page_query q = {.name = source->name, .unknown = true};
    const struct block whole = query_of_table(c->a, source->name, source->at);
    if (!bind_query(c, &whole, &q, &e)) {
        e.at = source->at;
        problems_add(c->problems, &e);
    }
    *arena_push(c->a, qs) = q;
}

static void check_chart(struct checker *c, const struct block *blocks, size_t i, struct page_queries *qs)
{
    struct err e;
    struct chart_spec spec;
    const struct block *b = &blocks[i];
    for (size_t k = 0; k < i; k++)
        if (blocks[k].kind == BLOCK_CHART && strcmp(blocks[k].name, b->name) == 0) {
            fail_at(&e, ERR_USER, b->name_at, "there is a chart '%s' on this page already", b->name);
            problems_add(c->problems, &e);
        }
    if (!chart_spec_read(c->a, b->body, b->at, c->problems, &spec))
        return;
    for (size_t k = 0; k < spec.nsources; k++)
        check_source(c, &spec.sources[k], qs);
    page_chart_check(c->a, qs, &spec, c->problems);
}

static void check_markdown(struct checker *c, const struct block *b, const struct page_queries *qs)
{
    struct src at = b->at, inside_at;
    struct str before, inside;
    const char *p = b->body;
    for (bool found = true; found;) {
        struct err e;
        struct page_value v;
        if (!value_next(&p, &at, &before, &inside, &inside_at, &found, &e)) {
            problems_add(c->problems, &e);
            found = true;
        } else if (found && !value_read(c->a, qs, &c->inputs, inside, inside_at, &v, &e)) {
            problems_add(c->problems, &e);
        }
    }
}

/* Options of inputs come from queries that use none; only then are the types known that the others need. */
static void check_queries(struct checker *c, const struct block *blocks, size_t n, struct page_queries *qs)
{
    struct problems *problems = c->problems;
    inputs_read(c->a, blocks, n, c->own, problems, &c->inputs);
    bool *used = arena_make(c->a, bool, c->inputs.n + 1);
    for (int with = 0; with < 2; with++) {
        c->params = inputs_params(c->a, &c->inputs, c->own, true);
        for (size_t i = 0; i < n; i++)
            if (blocks[i].kind == BLOCK_SQL &&
                (inputs_used(c->a, &c->inputs, blocks[i].body, used) > 0) == (with > 0))
                check_query(c, &blocks[i], qs);
        if (!with)
            inputs_fill(c->a, &c->inputs, blocks, n, qs, false, problems);
    }
    inputs_check_use(c->a, &c->inputs, blocks, n, problems);
}

static void check_page(struct checker *c, const struct page *page)
{
    struct block *blocks;
    size_t n;
    struct err e;
    struct page_queries qs = {0};
    if (!blocks_split(c->a, page->path, page->text, &blocks, &n, &e)) {
        problems_add(c->problems, &e);
        return;
    }
    check_queries(c, blocks, n, &qs);
    for (size_t i = 0; i < n; i++) {
        if (blocks[i].kind == BLOCK_TABLE)
            check_table(c, &blocks[i], &qs);
        if (blocks[i].kind == BLOCK_VALUE)
            check_value(c, &blocks[i], &qs);
        if (blocks[i].kind == BLOCK_CHART)
            check_chart(c, blocks, i, &qs);
        if (blocks[i].kind == BLOCK_MARKDOWN)
            check_markdown(c, &blocks[i], &qs);
    }
}

void page_check(const struct project *p, const struct engine_driver *d, struct session *s,
                struct problems *problems)
{
    static const struct run_params open = {.start_us = INT64_MIN, .end_us = INT64_MAX};
    struct checker c = {.a = p->a, .p = p, .d = d, .s = s, .problems = problems};
    c.own = project_params(p->a, p, &open);
    for (size_t i = 0; i < p->npages; i++)
        check_page(&c, &p->pages[i]);
}
