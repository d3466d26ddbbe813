#include "page/memory.h"

#include <string.h>

struct seen {
    const char *table;
    int64_t version;
};

struct answer {
    struct answer *next;
    struct arena *a;
    const char *sql;
    struct page_query query;
    struct seen *seen;
    size_t nseen;
    bool used;
};

struct drawn {
    struct drawn *next;
    struct arena *a;
    struct buf key;
    struct drawing drawing;
    bool used;
};

struct page_memory {
    struct answer *first;
    struct drawn *drawn;
};

static void forget(struct drawn *x)
{
    buf_free(&x->key);
    arena_free(x->a);
}

static void forget_all(void *arg)
{
    struct page_memory *m = arg;
    for (struct answer *x = m->first, *next; x; x = next) {
        next = x->next;
        arena_free(x->a);
    }
    for (struct drawn *x = m->drawn, *next; x; x = next) {
        next = x->next;
        forget(x);
    }
}

struct page_memory *page_memory_open(struct arena *a)
{
    struct page_memory *m = arena_make(a, struct page_memory, 1);
    arena_defer(a, forget_all, m);
    return m;
}

static bool version_of(const struct workshop *w, const char *table, int64_t *ret)
{
    auto_arena *a = arena_new();
    struct err ignored;
    const struct asset *maker = project_table(w->project, table);
    if (!strchr(table, '.') || strpbrk(table, "@/") ||
        (maker && maker->kind == ASSET_MODEL && maker->model->mode == MODE_VIEW))
        return false;
    const struct lake_table t = asset_table(a, w, table);
    return lake_latest(&t, ret, &ignored);
}

static bool unmoved(const struct workshop *w, const struct answer *x)
{
    for (size_t i = 0; i < x->nseen; i++) {
        int64_t version;
        if (!version_of(w, x->seen[i].table, &version) || version != x->seen[i].version)
            return false;
    }
    return true;
}

static const char *const *copy_texts(struct arena *a, const char *const *v, size_t n)
{
    const char **copy = arena_make(a, const char *, n);
    for (size_t i = 0; i < n; i++)
        copy[i] = arena_str(a, v[i]);
    return copy;
}

static struct page_query copy_query(struct arena *a, const struct page_query *q)
{
    struct page_query c = *q;
    const char *const **rows = arena_make(a, const char *const *, q->rows.nrows);
    for (size_t i = 0; i < q->rows.nrows; i++)
        rows[i] = copy_texts(a, q->rows.rows[i], q->rows.ncolumns);
    c.name = NULL;
    c.columns = copy_texts(a, q->columns, q->ncolumns);
    c.types = copy_texts(a, q->types, q->ncolumns);
    const char **names = arena_make(a, const char *, q->rows.ncolumns);
    for (size_t i = 0; i < q->rows.ncolumns; i++)
        names[i] = arena_str(a, q->rows.names[i]);
    c.rows.names = names;
    c.rows.rows = rows;
    return c;
}

bool page_memory_answer(struct page_memory *m, struct arena *a, const struct workshop *w, const char *sql,
                        struct page_query *ret)
{
    for (struct answer *x = m->first; x; x = x->next)
        if (strcmp(x->sql, sql) == 0 && unmoved(w, x)) {
            x->used = true;
            *ret = copy_query(a, &x->query);
            return true;
        }
    return false;
}

struct answer *page_memory_begin(const struct workshop *w, struct session *s, const char *text,
                                 const char *sql)
{
    struct arena *a = arena_new();
    struct answer *x = arena_make(a, struct answer, 1);
    struct engine_ref *refs;
    struct err ignored;
    bool ok = w->driver->refs(a, s, text, (struct src){0}, &refs, &x->nseen, &ignored);
    x->seen = ok ? arena_make(a, struct seen, x->nseen) : NULL;
    for (size_t i = 0; ok && i < x->nseen; i++) {
        x->seen[i].table = refs[i].name;
        ok = version_of(w, refs[i].name, &x->seen[i].version);
    }
    x->a = a;
    x->sql = arena_str(a, sql);
    if (ok)
        return x;
    arena_free(a);
    return NULL;
}

void page_memory_keep(struct page_memory *m, struct answer *x, const struct page_query *q)
{
    if (x && !q)
        arena_free(x->a);
    if (!x || !q)
        return;
    x->query = copy_query(x->a, q);
    x->used = true;
    x->next = m->first;
    m->first = x;
}

/* --- drawings --- */

/* All that a drawing depends on. */
static void add_key(struct buf *key, const struct page_chart *c, enum chart_theme theme,
                    struct chart_size size)
{
    buf_addf(key, "%d %d %d %s %s", (int)theme, size.width, size.height, c->captioned ? c->captioned : "",
             c->json);
    for (size_t i = 0; i < c->ndata; i++) {
        buf_addf(key, "\n%s ", c->data[i].name);
        buf_add(key, c->data[i].json, c->data[i].n);
    }
}

static struct drawn *find_drawn(const struct page_memory *m, const struct buf *key)
{
    for (struct drawn *x = m->drawn; x; x = x->next)
        if (!key->failed && x->key.len == key->len && memcmp(x->key.p, key->p, key->len) == 0)
            return x;
    return NULL;
}

bool page_memory_drawing(struct page_memory *m, const struct page_chart *c, enum chart_theme theme,
                         struct chart_size size, struct drawing *ret)
{
    auto_buf key = BUF(1 << 30);
    add_key(&key, c, theme, size);
    struct drawn *x = find_drawn(m, &key);
    if (!x)
        return false;
    x->used = true;
    *ret = x->drawing;
    return true;
}

static void copy_drawing(struct drawn *x, const struct drawing *d)
{
    if (!x->drawing.svg.svg)
        x->drawing.svg = (struct chart_svg){.svg = arena_strn(x->a, d->svg.svg, d->svg.n),
                                            .n = d->svg.n,
                                            .warnings = arena_str(x->a, d->svg.warnings)};
    if (!x->drawing.png && d->png) {
        x->drawing.png = arena_strn(x->a, d->png, d->png_n);
        x->drawing.png_n = d->png_n;
    }
}

void page_memory_keep_drawing(struct page_memory *m, const struct page_chart *c, enum chart_theme theme,
                              struct chart_size size, const struct drawing *d)
{
    struct buf key = BUF(1 << 30);
    add_key(&key, c, theme, size);
    struct drawn *x = find_drawn(m, &key);
    if (x || key.failed) {
        buf_free(&key);
    } else {
        struct arena *a = arena_new();
        x = arena_make(a, struct drawn, 1);
        *x = (struct drawn){.next = m->drawn, .a = a, .key = key, .used = true};
        m->drawn = x;
    }
    if (x)
        copy_drawing(x, d);
}

void page_memory_sweep(struct page_memory *m)
{
    for (struct answer **p = &m->first; *p;) {
        struct answer *x = *p;
        if (x->used) {
            x->used = false;
            p = &x->next;
        } else {
            *p = x->next;
            arena_free(x->a);
        }
    }
    for (struct drawn **p = &m->drawn; *p;) {
        struct drawn *x = *p;
        if (x->used) {
            x->used = false;
            p = &x->next;
        } else {
            *p = x->next;
            forget(x);
        }
    }
}
