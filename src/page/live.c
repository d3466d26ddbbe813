#include "page/live.h"

#include <math.h>
#include <string.h>

#include "lake/map.h"

struct maker {
    struct arena *a;
    const struct live_source *from;
    struct live *live;
    bool *open, *whole; /* inputs that may work; queries that no condition is taken out of */
    struct candidate {
        const struct block *block;
        struct split split;
        bool *vary;
        size_t ncases;
    } * c; /* by query */
    size_t bytes;
};

const struct live_query *live_find(const struct live *l, size_t query)
{
    for (size_t i = 0; l && i < l->n; i++)
        if (l->v[i].query == query)
            return &l->v[i];
    return NULL;
}

static void fix(struct maker *m, size_t input, const char *why)
{
    m->open[input] = false;
    m->live->why[input] = why;
}

/* --- what is to be asked --- */

static size_t count_cases(const struct maker *m, const struct candidate *c)
{
    size_t n = 1;
    for (size_t i = 0; i < m->from->inputs->n; i++)
        if (c->vary[i])
            n = n * m->from->inputs->v[i].noptions > 1000000 ? 1000000 : n * m->from->inputs->v[i].noptions;
    return n;
}

/* False: an input was fixed, and all is to be thought over. */
static bool consider(struct maker *m, size_t query)
{
    struct candidate *c = &m->c[query];
    const struct page_inputs *in = m->from->inputs;
    if (m->whole[query]) {
        c->split.sql = c->block->body;
        c->split.n = c->split.nkeys = 0;
        c->split.limit = 0;
        inputs_used(m->a, in, c->block->body, c->split.rest);
    } else {
        filter_split(m->a, m->from->driver, m->from->session, c->block->body, in, m->open, &c->split);
    }
    size_t most = SIZE_MAX;
    for (size_t i = 0; i < in->n; i++) {
        bool counted = in->v[i].kind == INPUT_SELECT || in->v[i].kind == INPUT_SLIDER;
        c->vary[i] = c->split.rest[i] && m->open[i];
        if (c->vary[i] && !counted) {
            fix(m, i, "only the database can answer it");
            return false;
        }
        if (c->vary[i] && (most == SIZE_MAX || in->v[i].noptions > in->v[most].noptions))
            most = i;
    }
    c->ncases = count_cases(m, c);
    if (c->ncases > LIVE_MAX_CASES) {
        fix(m, most, "there are too many combinations");
        return false;
    }
    return true;
}

static bool uses(const struct maker *m, size_t query)
{
    const struct candidate *c = &m->c[query];
    bool any = c->split.n > 0;
    for (size_t i = 0; c->block && i < m->from->inputs->n; i++)
        any = any || c->vary[i];
    return any;
}

/* --- asking --- */

struct pool {
    struct map seen; /* rows as text, numbered */
    struct list_of(const char *const *) rows;
    struct list_of(struct live_answer) answers;
    struct map answers_seen;
};

/* Lengths go before the values: no character of theirs can pass for the end of one. */
static const char *row_text(struct arena *a, const char *const *row, size_t n, size_t *bytes)
{
    auto_buf b = BUF(64 << 20);
    for (size_t k = 0; k < n; k++) {
        size_t length = row[k] ? strlen(row[k]) : 0;
        *bytes += length + 1;
        if (row[k])
            buf_addf(&b, "%zu:", length);
        else
            buf_addf(&b, "-");
        buf_add(&b, row[k], length);
    }
    return arena_strn(a, b.p, b.len);
}

static size_t add_answer(struct maker *m, struct pool *p, const struct engine_rows *r)
{
    size_t *ids = arena_make(m->a, size_t, r->nrows + 1);
    auto_buf text = BUF(64 << 20);
    for (size_t i = 0; i < r->nrows; i++) {
        size_t bytes = 0;
        const char *row = row_text(m->a, r->rows[i], r->ncolumns, &bytes);
        ids[i] = map_add(m->a, &p->seen, row);
        if (ids[i] == p->rows.n) {
            *arena_push(m->a, &p->rows) = r->rows[i];
            m->bytes += bytes;
        }
        buf_addf(&text, "%zu,", ids[i]);
    }
    size_t known = p->answers.n, i = map_add(m->a, &p->answers_seen, arena_strn(m->a, text.p, text.len));
    if (i == known) {
        *arena_push(m->a, &p->answers) = (struct live_answer){ids, r->nrows};
        m->bytes += text.len;
    }
    return i;
}

/* Can all keys be compared as numbers, or as days and times by their texts? */
static bool exact(const char *type, const char *key)
{
    if (!key || strcmp(type, "VARCHAR") == 0 || strcmp(type, "JSON") == 0)
        return true;
    if (strcmp(type, "DATE") == 0 || strncmp(type, "TIMESTAMP", 9) == 0)
        return strlen(key) >= 10 && key[4] == '-' && key[strlen(key) - 1] != ')';
    return fabs(strtod(key, NULL)) <= 9007199254740992.0;
}

static bool comparable(const struct page_inputs *in, const struct split *s, const struct page_query *q)
{
    size_t own = q->ncolumns - s->nkeys;
    for (size_t i = 0; i < s->n; i++)
        if (!filter_comparable(&in->v[s->v[i].input], &s->v[i], q->types[own + s->v[i].key]))
            return false;
    for (size_t i = 0; i < q->rows.nrows; i++)
        for (size_t k = own; k < q->ncolumns; k++)
            if (!exact(q->types[k], q->rows.rows[i][k]))
                return false;
    return true;
}

/* The inputs that vary, set to what the case stands for. */
static void set_case(const struct candidate *c, struct page_inputs *in, size_t number)
{
    for (size_t i = in->n; i-- > 0;)
        if (c->vary[i]) {
            in->v[i].chosen = number % in->v[i].noptions;
            number /= in->v[i].noptions;
        }
}

enum outcome { DONE, TOO_MUCH, NOT_SO };

static enum outcome produce(struct maker *m, size_t query, struct live_query *ret)
{
    const struct candidate *c = &m->c[query];
    struct arena *a = m->a;
    struct page_inputs in = *m->from->inputs;
    struct pool pool = {0};
    *ret = (struct live_query){.query = query, .split = c->split, .ncases = c->ncases};
    in.v = arena_make(a, struct page_input, in.n + 1);
    memcpy(in.v, m->from->inputs->v, in.n * sizeof *in.v);
    ret->cases = arena_make(a, size_t, c->ncases + 1);
    ret->varies = arena_make(a, size_t, in.n + 1);
    for (size_t i = 0; i < in.n; i++)
        if (c->vary[i])
            ret->varies[ret->nvaries++] = i;
    struct page_query q = {0};
    for (size_t i = 0; i < c->ncases; i++) {
        struct err ignored;
        set_case(c, &in, i);
        if (!m->from->ask(m->from->arg, c->block, c->split.sql, &in, &q, &ignored) ||
            q.ncolumns < c->split.nkeys || !comparable(&in, &c->split, &q))
            return NOT_SO;
        if (q.rows.nrows >= m->from->max_rows)
            return TOO_MUCH;
        ret->cases[i] = add_answer(m, &pool, &q.rows);
        ret->ncolumns = q.ncolumns - c->split.nkeys;
        ret->key_types = q.types + ret->ncolumns;
        ret->pool.names = q.rows.names;
        ret->pool.ncolumns = q.rows.ncolumns;
        if (m->bytes > LIVE_MAX_BYTES)
            return TOO_MUCH;
    }
    ret->pool.rows = pool.rows.v;
    ret->pool.nrows = pool.rows.n;
    ret->answers = pool.answers.v;
    ret->nanswers = pool.answers.n;
    return DONE;
}

static void give_up(struct maker *m, size_t query)
{
    const struct page_inputs *in = m->from->inputs;
    bool *used = arena_make(m->a, bool, in->n + 1);
    inputs_used(m->a, in, m->c[query].block->body, used);
    for (size_t i = 0; i < in->n; i++)
        if (m->open[i] && used[i])
            fix(m, i, "its answers are too much for a file");
}

/* All queries, or false: something was given up, and all is to be done again without it. */
static bool produce_all(struct maker *m)
{
    struct live *l = m->live;
    size_t n = m->from->queries->n;
    l->n = 0;
    m->bytes = 0;
    for (size_t i = 0; i < n; i++)
        if (m->c[i].block && !consider(m, i))
            return false;
    for (size_t i = 0; i < n; i++) {
        if (!m->c[i].block || !uses(m, i))
            continue;
        enum outcome o = produce(m, i, &l->v[l->n]);
        if (o == NOT_SO && !m->whole[i])
            m->whole[i] = true;
        else if (o != DONE)
            give_up(m, i);
        if (o != DONE)
            return false;
        l->n++;
    }
    return true;
}

void live_make(struct arena *a, const struct live_source *from, struct live *ret)
{
    const struct page_inputs *in = from->inputs;
    struct maker m = {.a = a, .from = from, .live = ret};
    bool *used = arena_make(a, bool, in->n + 1);
    *ret = (struct live){.v = arena_make(a, struct live_query, from->queries->n + 1),
                         .why = arena_make(a, const char *, in->n + 1)};
    m.open = arena_make(a, bool, in->n + 1);
    m.whole = arena_make(a, bool, from->queries->n + 1);
    m.c = arena_make(a, struct candidate, from->queries->n + 1);
    for (size_t i = 0; i < in->n; i++) {
        m.open[i] = true;
        if (in->v[i].kind <= INPUT_SLIDER && in->v[i].noptions == 0)
            fix(&m, i, "there is nothing to choose from");
    }
    for (size_t i = 0; i < from->queries->n; i++) {
        m.c[i].block = from->block(from->arg, from->queries->v[i].name);
        m.c[i].vary = arena_make(a, bool, in->n + 1);
        if (m.c[i].block && !inputs_used(a, in, m.c[i].block->body, used))
            m.c[i].block = NULL;
    }
    while (!produce_all(&m))
        ;
}
