/* The graph: who makes what each SELECT names, circles, and an order in which every asset comes after its
 * needs.
 *
 * Everything is numbered; names are looked up once. With 10,000 models this is a matter of milliseconds.
 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "project/internal.h"

struct edge { /* an asset needs another */
    size_t to;
    struct src at;
};

struct linking {
    struct project *p;
    struct reader r;
    const struct engine_driver *d;
    struct session *s;
    struct asset *nodes; /* sources, then models, in order of names within each */
    size_t n;
    struct list_of(struct edge) * edges; /* of each node */
};

static const char *lower(struct arena *a, const char *s)
{
    char *out = arena_str(a, s);
    for (char *p = out; *p; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

/* --- unknown tables --- */

static const char *nearest_table(const struct linking *l, const char *table)
{
    const struct map *m = &l->p->in->tables;
    const char *dot = strrchr(table, '.'), *last = dot ? dot + 1 : table;
    for (size_t i = 0; i < m->n; i++) /* the right name in another schema, or in none */
        if (strcmp(strchr(m->v[i].name, '.') + 1, last) == 0)
            return m->v[i].name;
    struct list_of(const char *) names = {0};
    for (size_t i = 0; i < m->n; i++)
        *arena_push(l->r.a, &names) = m->v[i].name;
    return text_nearest(table, names.v, names.n);
}

static void unknown_table(const struct linking *l, const char *table, struct src at)
{
    if (l->p->in->incomplete) /* it may be one of the source's that could not be read */
        return;
    if (strchr(table, '@')) {
        reader_fail(&l->r, at, "old versions can be asked for with `cupel query`",
                    "a model reads tables as they are now, '%s' is an old version", table);
        return;
    }
    const char *near = nearest_table(l, table);
    if (near)
        reader_fail(&l->r, at, NULL, "unknown table '%s' (did you mean '%s'?)", table, near);
    else
        reader_fail(&l->r, at, "a model reads tables that a source fills or another model makes",
                    "unknown table '%s'", table);
}

/* --- what each model needs --- */

static void add_refs(struct linking *l, struct model *m, struct model_notes *notes)
{
    struct engine_ref *refs;
    size_t n;
    struct err e;
    if (!l->d->refs(l->r.a, l->s, m->sql, m->sql_at, &refs, &n, &e)) {
        problems_add(l->r.problems, &e);
        notes->broken = true;
        return;
    }
    for (size_t i = 0; i < n; i++)
        *arena_push(l->r.a, &notes->needs) =
            (struct need){lower(l->r.a, refs[i].name), sql_place(m->sql, refs[i].offset, m->sql_at, 0), true};
}

/* Queries of checks may name the model itself, whose new rows they look at. */
static void add_check_refs(struct linking *l, const struct model *m, struct model_notes *notes)
{
    for (size_t i = 0; i < m->nchecks; i++) {
        const struct check *c = &m->checks[i];
        struct engine_ref *refs;
        size_t n;
        struct err e;
        if (c->kind != CHECK_QUERY)
            continue;
        if (!l->d->refs(l->r.a, l->s, c->sql, c->sql_at, &refs, &n, &e)) {
            if (e.at.line > c->sql_at.line)
                e.at.col += c->sql_indent;
            problems_add(l->r.problems, &e);
            continue;
        }
        for (size_t k = 0; k < n; k++)
            if (strcasecmp(refs[k].name, m->name) != 0)
                *arena_push(l->r.a, &notes->needs) =
                    (struct need){lower(l->r.a, refs[k].name),
                                  sql_place(c->sql, refs[k].offset, c->sql_at, c->sql_indent), false};
    }
}

/* How many nodes come before the models. */
static size_t first_model(const struct linking *l)
{
    return l->p->nsources;
}

static void add_edge(struct linking *l, size_t from, size_t to, struct src at)
{
    for (size_t i = 0; i < l->edges[from].n; i++)
        if (l->edges[from].v[i].to == to)
            return;
    *arena_push(l->r.a, &l->edges[from]) = (struct edge){to, at};
}

static void link_need(struct linking *l, size_t model, const struct need *need)
{
    const struct maker *m = maker_find(l->p, need->table);
    size_t from = first_model(l) + model;
    if (!m) {
        l->p->in->notes[model].broken |= need->input;
        unknown_table(l, need->table, need->at);
    } else if (m->kind == MAKER_LOG) {
        for (size_t i = 0; i < l->p->nsources; i++)
            add_edge(l, from, i, need->at);
    } else if (m->kind == MAKER_SOURCE) {
        add_edge(l, from, m->index, need->at);
    } else if (!(first_model(l) + m->index == from && !need->input)) {
        add_edge(l, from, first_model(l) + m->index, need->at);
    }
}

static const struct model *find_view(const struct linking *l, const char *table)
{
    const struct maker *k = maker_find(l->p, table);
    const struct model *m = k && k->kind == MAKER_MODEL ? &l->p->models[k->index] : NULL;
    return m && m->mode == MODE_VIEW ? m : NULL;
}

/* By itself, or through views. */
static bool reads(const struct linking *l, const struct model *m, const char *table, int depth)
{
    for (size_t i = 0; i < m->ninputs; i++) {
        const struct model *view = find_view(l, m->inputs[i]);
        if (strcmp(m->inputs[i], table) == 0 || (view && depth && reads(l, view, table, depth - 1)))
            return true;
    }
    return false;
}

static void check_incremental(struct linking *l, const struct model *m)
{
    enum { MAX_VIEWS = 32 }; /* one on another */
    for (size_t i = 0; i < m->nincremental; i++) {
        if (find_view(l, m->incremental[i].table)) {
            reader_fail(&l->r, m->incremental[i].at, "name the table that the view reads",
                        "incremental: '%s' is a view, which has no rows of its own", m->incremental[i].table);
            continue;
        }
        if (reads(l, m, m->incremental[i].table, MAX_VIEWS))
            continue;
        const char *near = text_nearest(m->incremental[i].table, m->inputs, m->ninputs);
        if (near)
            reader_fail(&l->r, m->incremental[i].at, NULL,
                        "incremental: the SELECT does not read '%s' (did you mean '%s'?)",
                        m->incremental[i].table, near);
        else
            reader_fail(&l->r, m->incremental[i].at, NULL, "incremental: the SELECT does not read '%s'",
                        m->incremental[i].table);
    }
}

static void link_model(struct linking *l, size_t i)
{
    struct model *m = &l->p->models[i];
    struct model_notes *notes = &l->p->in->notes[i];
    if (notes->broken)
        return;
    add_refs(l, m, notes);
    add_check_refs(l, m, notes);
    struct list_of(const char *) inputs = {0};
    struct map seen = {0};
    for (size_t k = 0; k < notes->needs.n; k++) {
        const struct need *need = &notes->needs.v[k];
        size_t known = seen.n;
        link_need(l, i, need);
        if (need->input && maker_find(l->p, need->table) && map_add(l->r.a, &seen, need->table) == known)
            *arena_push(l->r.a, &inputs) = need->table;
    }
    m->inputs = inputs.v;
    m->ninputs = inputs.n;
}

/* --- circles --- */

struct walk { /* depth first, without recursion: a chain may be as long as the project */
    enum { WALK_NEW, WALK_OPEN, WALK_DONE } * state;
    size_t *path, npath;
    size_t *next; /* of each node on the path, the edge to look at next */
};

static void report_cycle(struct linking *l, const struct walk *w, size_t again, struct src at)
{
    size_t from = w->npath;
    while (w->path[from - 1] != again)
        from--;
    auto_buf b = BUF(800);
    for (size_t i = from - 1; i < w->npath; i++)
        buf_addf(&b, "%s -> ", l->nodes[w->path[i]].name);
    if (b.failed)
        reader_fail(&l->r, at, NULL, "%zu models go round in a circle, '%s' is one of them",
                    w->npath - from + 1, l->nodes[again].name);
    else if (w->npath == from)
        reader_fail(&l->r, at, NULL, "'%s' reads itself", l->nodes[again].name);
    else
        reader_fail(&l->r, at, "each needs the one behind the arrow: one of them must do without",
                    "models go round in a circle: %s%s", b.p, l->nodes[again].name);
}

static void drop_edge(struct linking *l, size_t from, size_t i)
{
    memmove(l->edges[from].v + i, l->edges[from].v + i + 1,
            (l->edges[from].n - i - 1) * sizeof *l->edges[from].v);
    l->edges[from].n--;
}

/* Every edge that closes a circle is reported and taken out, so that the rest has an order. */
static void break_cycles(struct linking *l)
{
    struct arena *a = l->r.a;
    struct walk w = {.state = arena_alloc(a, l->n, sizeof *w.state),
                     .path = arena_make(a, size_t, l->n),
                     .next = arena_make(a, size_t, l->n)};
    for (size_t start = 0; start < l->n; start++) {
        if (w.state[start] != WALK_NEW)
            continue;
        w.path[w.npath++] = start;
        w.state[start] = WALK_OPEN;
        while (w.npath) {
            size_t at = w.path[w.npath - 1];
            if (w.next[at] == l->edges[at].n) {
                w.state[at] = WALK_DONE;
                w.npath--;
                continue;
            }
            const struct edge *e = &l->edges[at].v[w.next[at]];
            if (w.state[e->to] == WALK_OPEN) {
                report_cycle(l, &w, e->to, e->at);
                if (at >= first_model(l))
                    l->p->in->notes[at - first_model(l)].broken = true;
                drop_edge(l, at, w.next[at]);
                continue;
            }
            w.next[at]++;
            if (w.state[e->to] == WALK_NEW) {
                w.state[e->to] = WALK_OPEN;
                w.path[w.npath++] = e->to;
            }
        }
    }
}

/* --- the order: of those that may come next always the first by name --- */

struct heap {
    size_t *v, n;
};

static void heap_push(struct heap *h, size_t x)
{
    size_t i = h->n++;
    for (; i && h->v[(i - 1) / 2] > x; i = (i - 1) / 2)
        h->v[i] = h->v[(i - 1) / 2];
    h->v[i] = x;
}

static size_t heap_pop(struct heap *h)
{
    size_t top = h->v[0], x = h->v[--h->n], i = 0;
    for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
        child += child + 1 < h->n && h->v[child + 1] < h->v[child];
        if (h->v[child] >= x)
            break;
        h->v[i] = h->v[child];
    }
    h->v[i] = x;
    return top;
}

struct named {
    const char *name;
    size_t node;
};

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct named *)x)->name, ((const struct named *)y)->name);
}

/* The nodes by name: *ret_rank[node] and its inverse. */
static void rank_names(struct linking *l, size_t *rank, size_t *node_of)
{
    struct named *v = arena_make(l->r.a, struct named, l->n);
    for (size_t i = 0; i < l->n; i++)
        v[i] = (struct named){l->nodes[i].name, i};
    if (l->n)
        qsort(v, l->n, sizeof *v, by_name);
    for (size_t i = 0; i < l->n; i++) {
        rank[v[i].node] = i;
        node_of[i] = v[i].node;
    }
}

/* Who needs each node, as one array cut by `from`. */
static const size_t *needed_by(struct linking *l, size_t *from)
{
    size_t total = 0;
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->edges[i].n; k++, total++)
            from[l->edges[i].v[k].to + 1]++;
    for (size_t i = 0; i < l->n; i++)
        from[i + 1] += from[i];
    size_t *who = arena_make(l->r.a, size_t, total), *fill = arena_make(l->r.a, size_t, l->n);
    for (size_t i = 0; i < l->n; i++)
        for (size_t k = 0; k < l->edges[i].n; k++) {
            size_t to = l->edges[i].v[k].to;
            who[from[to] + fill[to]++] = i;
        }
    return who;
}

static void sort_assets(struct linking *l)
{
    struct arena *a = l->r.a;
    struct project *p = l->p;
    size_t *rank = arena_make(a, size_t, l->n), *node_of = arena_make(a, size_t, l->n);
    size_t *from = arena_make(a, size_t, l->n + 1), *waits = arena_make(a, size_t, l->n);
    size_t *position = arena_make(a, size_t, l->n);
    const size_t *who = needed_by(l, from);
    struct heap h = {.v = arena_make(a, size_t, l->n)};
    rank_names(l, rank, node_of);
    for (size_t i = 0; i < l->n; i++) {
        waits[i] = l->edges[i].n;
        if (!waits[i])
            heap_push(&h, rank[i]);
    }
    p->assets = arena_make(a, struct asset, l->n);
    while (h.n) {
        size_t i = node_of[heap_pop(&h)];
        struct asset *out = &p->assets[p->nassets];
        size_t *needs = arena_make(a, size_t, l->edges[i].n);
        for (size_t k = 0; k < l->edges[i].n; k++)
            needs[k] = position[l->edges[i].v[k].to];
        *out = l->nodes[i];
        out->needs = needs;
        out->nneeds = l->edges[i].n;
        position[i] = p->nassets++;
        map_add(a, &p->in->assets, out->name);
        for (size_t k = from[i]; k < from[i + 1]; k++)
            if (--waits[who[k]] == 0)
                heap_push(&h, rank[who[k]]);
    }
}

/* What a view says is part of what its readers say. */
static void mix_fingerprints(struct project *p)
{
    for (size_t i = 0; i < p->nassets; i++) {
        struct model *m = p->assets[i].model;
        for (size_t k = 0; m && k < m->ninputs; k++) {
            const struct maker *in = maker_find(p, m->inputs[k]);
            const struct model *view = in && in->kind == MAKER_MODEL ? &p->models[in->index] : NULL;
            if (view && view->mode == MODE_VIEW)
                m->fingerprint = text_hash(&view->fingerprint, sizeof view->fingerprint, m->fingerprint);
        }
    }
}

void project_link(struct project *p, const struct engine_driver *d, struct session *s,
                  struct problems *problems)
{
    struct linking l = {.p = p, .r = {.a = p->a, .problems = problems}, .d = d, .s = s};
    l.n = p->nsources + p->nmodels;
    l.nodes = arena_make(p->a, struct asset, l.n);
    l.edges = arena_alloc(p->a, l.n, sizeof *l.edges);
    for (size_t i = 0; i < p->nsources; i++)
        l.nodes[i] =
            (struct asset){.kind = ASSET_SOURCE, .name = p->sources[i].name, .source = &p->sources[i]};
    for (size_t i = 0; i < p->nmodels; i++)
        l.nodes[p->nsources + i] =
            (struct asset){.kind = ASSET_MODEL, .name = p->models[i].name, .model = &p->models[i]};
    for (size_t i = 0; i < p->nmodels; i++)
        link_model(&l, i);
    for (size_t i = 0; i < p->nmodels; i++)
        if (!p->in->notes[i].broken)
            check_incremental(&l, &p->models[i]);
    break_cycles(&l);
    sort_assets(&l);
    mix_fingerprints(p);
}

/* --- looking up --- */

struct asset *project_asset(const struct project *p, const char *name)
{
    size_t i = map_find(&p->in->assets, name);
    return i == SIZE_MAX ? NULL : &p->assets[i];
}

struct asset *project_table(const struct project *p, const char *table)
{
    const struct maker *m = maker_find(p, table);
    if (!m)
        return NULL;
    bool of_source = m->kind == MAKER_SOURCE || m->kind == MAKER_LOG;
    return project_asset(p, of_source ? p->sources[m->index].name : p->models[m->index].name);
}

const char *project_table_ddl(const struct project *p, const char *table)
{
    const struct maker *m = maker_find(p, table);
    return m ? m->ddl : NULL;
}
