/* The charts of a page drawn side by side: each thread has a JavaScript of its own and takes the next chart
 * that nobody has, the likely longest first. What was drawn is kept for the other media. */
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "page/sheet.h"

enum { MAX_HANDS = 4, STACK_BYTES = 8 << 20 }; /* the stack is what the JavaScript is told it has, and more */

struct job {
    const struct page_chart *chart;
    enum chart_theme theme;
    struct chart_size size;
    struct drawing *drawing; /* what is there of it already is not made again */
};

struct crew {
    const struct job *jobs;
    size_t n;
    bool png;
    const size_t *order;
    atomic_size_t next;
    struct result {
        bool failed;
        struct err e;
        struct problems warnings;
    } * results; /* by job */
};

struct hand {
    struct crew *crew;
    struct arena *a; /* of the thread; what it draws lives there */
    struct chart_engine *engine;
    pthread_t thread;
    bool begun;
};

bool sheet_paired(const struct sheet_chart *c)
{
    return c->number % 2 == 1 || c->number + 1 < c->row;
}

/* What a drawing for a medium is kept as: one that has the usual size is the usual one. */
static enum sheet_medium kept_as(const struct sheet_chart *c, enum sheet_medium medium)
{
    return c->row < 2 || (medium == SHEET_PAPER && !sheet_paired(c)) ? SHEET_ALONE : medium;
}

/* Letters come out as large as in a chart that has the whole width. */
static struct chart_size size_of(const struct sheet_chart *c, enum sheet_medium medium)
{
    switch (kept_as(c, medium)) {
    case SHEET_SCREEN:
        return sheet_columns(c->row) == 2 ? (struct chart_size){640, 400} : (struct chart_size){480, 300};
    case SHEET_PAPER:
        return (struct chart_size){400, 280};
    case SHEET_ALONE:
    case SHEET_MEDIA:
        break;
    }
    return (struct chart_size){PAGE_CHART_WIDTH, PAGE_CHART_HEIGHT};
}

static bool draw_one(struct hand *h, const struct job *j, struct result *r)
{
    struct drawing *d = j->drawing;
    bool png = h->crew->png;
    r->warnings.a = h->a;
    if (d->svg.svg && (d->png || !png))
        return true;
    if (!h->engine && !chart_open(h->a, &h->engine, &r->e))
        return false;
    if (!d->svg.svg && !page_chart_draw(h->engine, j->chart, j->theme, j->size, &d->svg, &r->warnings, &r->e))
        return false;
    return !png || d->png || chart_png(h->engine, &d->svg, 2, &d->png, &d->png_n, &r->e) ||
           wrap(&r->e, "chart '%s'", j->chart->name);
}

static void *work(void *arg)
{
    struct hand *h = arg;
    struct crew *crew = h->crew;
    size_t next;
    while ((next = atomic_fetch_add(&crew->next, 1)) < crew->n) {
        size_t i = crew->order[next];
        crew->results[i].failed = !draw_one(h, &crew->jobs[i], &crew->results[i]);
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
    const struct job *jobs = arg;
    size_t i = *(const size_t *)x, k = *(const size_t *)y, a = cost_of(jobs[i].chart),
           b = cost_of(jobs[k].chart);
    return a != b ? (a < b) - (a > b) : (i > k) - (i < k);
}

static const size_t *order_of(struct arena *a, struct job *jobs, size_t n)
{
    size_t *order = arena_make(a, size_t, n + 1);
    for (size_t i = 0; i < n; i++)
        order[i] = i;
    qsort_r(order, n, sizeof *order, by_cost, jobs);
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

/* A chart that is drawn for several media has the same to say each time. */
static void warn_once(struct problems *warnings, const struct err *e)
{
    for (size_t i = 0; i < warnings->n; i++)
        if (warnings->v[i].at.line == e->at.line && strcmp(warnings->v[i].msg, e->msg) == 0)
            return;
    problems_add(warnings, e);
}

/* What was drawn at an earlier time; then all that was, for the next time. */
static void recall(const struct sheet *s, struct job *jobs, size_t n)
{
    for (size_t i = 0; s->memory && i < n; i++) {
        struct job *j = &jobs[i];
        struct problems warnings = {.a = s->a};
        if (j->drawing->svg.svg || !page_memory_drawing(s->memory, j->chart, j->theme, j->size, j->drawing))
            continue;
        page_chart_warnings(j->chart, &j->drawing->svg, &warnings);
        for (size_t k = 0; k < warnings.n; k++)
            warn_once(s->warnings, &warnings.v[k]);
    }
}

static void remember(const struct sheet *s, const struct job *jobs, size_t n)
{
    for (size_t i = 0; s->memory && i < n; i++)
        if (jobs[i].drawing->svg.svg)
            page_memory_keep_drawing(s->memory, jobs[i].chart, jobs[i].theme, jobs[i].size, jobs[i].drawing);
}

/* Draws what is not drawn yet; all or an error, that of the first job. */
static bool draw_jobs(const struct sheet *s, struct job *jobs, size_t n, bool png, struct err *e)
{
    struct crew crew = {.jobs = jobs,
                        .n = n,
                        .png = png,
                        .order = order_of(s->a, jobs, n),
                        .results = arena_make(s->a, struct result, n + 1)};
    recall(s, jobs, n);
    work_together(&crew, s->a);
    remember(s, jobs, n);
    for (size_t i = 0; i < n; i++) {
        struct result *r = &crew.results[i];
        for (size_t k = 0; k < r->warnings.n; k++)
            warn_once(s->warnings, &r->warnings.v[k]);
        if (r->failed) {
            *e = r->e;
            return false;
        }
    }
    return true;
}

static bool draw_all(const struct sheet *s, enum sheet_medium medium, enum chart_theme theme, bool png,
                     struct err *e)
{
    struct job *jobs = arena_make(s->a, struct job, s->ncharts + 1);
    for (size_t i = 0; i < s->ncharts; i++) {
        struct sheet_chart *c = &s->charts[i];
        jobs[i] = (struct job){&c->chart, theme, size_of(c, medium), &c->drawn[kept_as(c, medium)][theme]};
    }
    return draw_jobs(s, jobs, s->ncharts, png, e);
}

const struct sheet_chart *sheet_chart(const struct sheet *s, const struct block *b)
{
    for (size_t i = 0; i < s->ncharts; i++)
        if (s->charts[i].block == b)
            return &s->charts[i];
    return NULL;
}

bool sheet_svg(const struct sheet *s, const struct sheet_chart *c, enum sheet_medium medium,
               enum chart_theme theme, struct chart_svg *ret, struct err *e)
{
    const struct drawing *d = &c->drawn[kept_as(c, medium)][theme];
    if (!d->svg.svg && !draw_all(s, medium, theme, false, e))
        return false;
    *ret = d->svg;
    return true;
}

bool sheet_png(const struct sheet *s, const struct sheet_chart *c, enum sheet_medium medium,
               enum chart_theme theme, const char **ret, size_t *ret_n, struct err *e)
{
    const struct drawing *d = &c->drawn[kept_as(c, medium)][theme];
    if (!d->png && !draw_all(s, medium, theme, true, e))
        return false;
    *ret = d->png;
    *ret_n = d->png_n;
    return true;
}

bool sheet_themes(const struct sheet *s, const struct sheet_chart *c, struct chart_svg ret[CHART_PLAIN],
                  struct err *e)
{
    struct drawing *kept = s->charts[c - s->charts].drawn[kept_as(c, SHEET_SCREEN)];
    struct page_chart bare = c->chart;
    struct drawing drawn[CHART_PLAIN] = {0};
    struct job jobs[CHART_PLAIN];
    bare.captioned = NULL;
    for (int i = 0; i < CHART_PLAIN; i++)
        jobs[i] = (struct job){&bare, (enum chart_theme)i, size_of(c, SHEET_SCREEN),
                               c->chart.captioned ? &drawn[i] : &kept[i]};
    bool ok = draw_jobs(s, jobs, CHART_PLAIN, false, e);
    for (int i = 0; i < CHART_PLAIN; i++)
        ret[i] = jobs[i].drawing->svg;
    return ok;
}
