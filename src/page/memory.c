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

struct query_memory {
    struct answer *first;
};

static void forget_all(void *arg)
{
    struct query_memory *m = arg;
    for (struct answer *x = m->first, *next; x; x = next) {
        next = x->next;
        arena_free(x->a);
    }
}

struct query_memory *query_memory_open(struct arena *a)
{
    struct query_memory *m = arena_make(a, struct query_memory, 1);
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

bool query_memory_find(struct query_memory *m, struct arena *a, const struct workshop *w, const char *sql,
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

struct answer *query_memory_begin(const struct workshop *w, struct session *s, const char *text,
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

void query_memory_keep(struct query_memory *m, struct answer *x, const struct page_query *q)
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

void query_memory_sweep(struct query_memory *m)
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
}
