/* The charts of a page drawn side by side: each thread has a JavaScript of its own and takes the next chart
 * that nobody has, the likely longest first. What was drawn is kept for the other media. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "page/sheet.h"

enum { MAX_HANDS = 4, STACK_BYTES = 8 << 20 }; /* the stack is what the JavaScript is told it has, and more */

struct crew {
    struct sheet_chart *charts;
    size_t n;
    enum chart_theme theme;
    bool png;
    const size_t *order;
    atomic_size_t next;
    struct result {
        bool failed;
        struct err e;
        struct problems warnings;
    } * results; /* by chart */
};

struct hand {
    struct crew *crew;
    struct arena *a; /* of the thread; what it draws lives there */
    struct chart_engine *engine;
    pthread_t thread;
    bool begun;
};

static bool draw_one(struct hand *h, struct sheet_chart *c, struct result *r)
{
    const struct crew *crew = h->crew;
    struct drawing *d = &c->drawn[crew->theme];
    r->warnings.a = h->a;
    if (d->svg.svg && (d->png || !crew->png))
        return true;
    if (!h->engine && !chart_open(h->a, &h->engine, &r->e))
        return false;
    if (!d->svg.svg && !page_chart_draw(h->engine, &c->chart, crew->theme, &d->svg, &r->warnings, &r->e))
        return false;
    return !crew->png || d->png || chart_png(h->engine, &d->svg, 2, &d->png, &d->png_n, &r->e) ||
           wrap(&r->e, "chart '%s'", c->chart.name);
}

static void *work(void *arg)
{
    struct hand *h = arg;
    struct crew *crew = h->crew;
    size_t next;
    while ((next = atomic_fetch_add(&crew->next, 1)) < crew->n) {
        size_t i = crew->order[next];
        crew->results[i].failed = !draw_one(h, &crew->charts[i], &crew->results[i]);
    }
    return NULL;
}

/* A guess of how long it takes: rows become marks, and every part of a spec is work. */
static size_t cost_of(const struct page_chart *c)
{
    enum { SPEC_BYTE = 50 };
    size_t bytes = SPEC_BYTE * strlen(c->json);
    for (size_t i = 0; i < c->ndata; i++)
        bytes += c->data[i].n;
    return bytes;
}

static int by_cost(const void *x, const void *y, void *arg)
{
    const struct sheet_chart *charts = arg;
    size_t i = *(const size_t *)x, k = *(const size_t *)y, a = cost_of(&charts[i].chart),
           b = cost_of(&charts[k].chart);
    return a != b ? (a < b) - (a > b) : (i > k) - (i < k);
}

static const size_t *order_of(const struct sheet *s)
{
    size_t *order = arena_make(s->a, size_t, s->ncharts + 1);
    for (size_t i = 0; i < s->ncharts; i++)
        order[i] = i;
    qsort_r(order, s->ncharts, sizeof *order, by_cost, s->charts);
    return order;
}

static void free_arena(void *arg)
{
    arena_free(arg);
}

/* The caller's thread is one of them; where no other can be had it does all. */
static void work_together(struct crew *crew, struct arena *a)
{
    long cores = sysconf(_SC_NPROCESSORS_ONLN);
    size_t n = cores < 1 ? 1 : cores > MAX_HANDS ? MAX_HANDS : (size_t)cores;
    struct hand hands[MAX_HANDS] = {0};
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK_BYTES);
    for (size_t i = 0; i < n && i < crew->n; i++) {
        hands[i] = (struct hand){.crew = crew, .a = arena_new()};
        arena_defer(a, free_arena, hands[i].a);
        hands[i].begun = i > 0 && pthread_create(&hands[i].thread, &attr, work, &hands[i]) == 0;
    }
    work(&hands[0]);
    for (size_t i = 1; i < n; i++)
        if (hands[i].begun)
            pthread_join(hands[i].thread, NULL);
    pthread_attr_destroy(&attr);
}

/* Draws what the sheet has not drawn yet; all or an error, the first by the order of the page. */
static bool draw_all(const struct sheet *s, enum chart_theme theme, bool png, struct err *e)
{
    struct crew crew = {.charts = s->charts,
                        .n = s->ncharts,
                        .theme = theme,
                        .png = png,
                        .order = order_of(s),
                        .results = arena_make(s->a, struct result, s->ncharts + 1)};
    work_together(&crew, s->a);
    for (size_t i = 0; i < s->ncharts; i++) {
        struct result *r = &crew.results[i];
        for (size_t k = 0; k < r->warnings.n; k++)
            problems_add(s->warnings, &r->warnings.v[k]);
        if (r->failed) {
            *e = r->e;
            return false;
        }
    }
    return true;
}

static const struct drawing *find(const struct sheet *s, const struct page_chart *c, enum chart_theme theme)
{
    for (size_t i = 0; i < s->ncharts; i++)
        if (&s->charts[i].chart == c)
            return &s->charts[i].drawn[theme];
    return NULL;
}

const struct page_chart *sheet_chart(const struct sheet *s, const struct block *b)
{
    for (size_t i = 0; i < s->ncharts; i++)
        if (s->charts[i].block == b)
            return &s->charts[i].chart;
    return NULL;
}

bool sheet_svg(const struct sheet *s, const struct page_chart *c, enum chart_theme theme,
               struct chart_svg *ret, struct err *e)
{
    const struct drawing *d = find(s, c, theme);
    if (!d->svg.svg && !draw_all(s, theme, false, e))
        return false;
    *ret = d->svg;
    return true;
}

bool sheet_png(const struct sheet *s, const struct page_chart *c, enum chart_theme theme, const char **ret,
               size_t *ret_n, struct err *e)
{
    const struct drawing *d = find(s, c, theme);
    if (!d->png && !draw_all(s, theme, true, e))
        return false;
    *ret = d->png;
    *ret_n = d->png_n;
    return true;
}
