#include "stats.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "clock.h"

void stats_init(struct stats *s)
{
    *s = (struct stats){0};
    pthread_mutex_init(&s->lock, NULL);
}

void stats_done(struct stats *s)
{
    pthread_mutex_destroy(&s->lock);
    free(s->ring);
}

static void ring_grow(struct stats *s)
{
    size_t cap = s->cap ? s->cap * 2 : 1024;
    uint64_t *ring = must_alloc(cap, sizeof *ring);
    for (size_t i = 0; i < s->n; i++)
        ring[i] = s->ring[(s->from + i) % s->cap];
    free(s->ring);
    s->ring = ring;
    s->from = 0;
    s->cap = cap;
}

static void ring_add(struct stats *s, uint64_t now)
{
    while (s->n && now - s->ring[s->from] >= NS_PER_S) {
        s->from = (s->from + 1) % s->cap;
        s->n--;
    }
    if (s->n == s->cap)
        ring_grow(s);
    s->ring[(s->from + s->n++) % s->cap] = now;
    if (s->n > s->max_in_second)
        s->max_in_second = s->n;
}

uint64_t stats_arrive(struct stats *s, enum route route, uint64_t *ret_ns)
{
    pthread_mutex_lock(&s->lock);
    uint64_t now = clock_ns(); /* under the lock: arrivals are in order */
    uint64_t number = ++s->number;
    s->requests++;
    s->routes[route]++;
    if (++s->in_flight > s->max_in_flight)
        s->max_in_flight = s->in_flight;
    if (s->requests == 1)
        s->first_ns = now;
    s->last_ns = now;
    ring_add(s, now);
    pthread_mutex_unlock(&s->lock);
    *ret_ns = now;
    return number;
}

void stats_leave(struct stats *s, int status)
{
    pthread_mutex_lock(&s->lock);
    s->in_flight--;
    s->statuses[status > 0 && status < (int)countof(s->statuses) ? status : 0]++;
    pthread_mutex_unlock(&s->lock);
}

void stats_connect(struct stats *s)
{
    pthread_mutex_lock(&s->lock);
    s->connections++;
    pthread_mutex_unlock(&s->lock);
}

void stats_reset(struct stats *s)
{
    pthread_mutex_lock(&s->lock);
    s->requests = s->connections = s->first_ns = s->last_ns = 0;
    memset(s->routes, 0, sizeof s->routes);
    memset(s->statuses, 0, sizeof s->statuses);
    s->max_in_flight = s->in_flight;
    s->n = s->max_in_second = 0;
    pthread_mutex_unlock(&s->lock);
}

static void add_counts(struct stats *s, struct text *out)
{
    const char *comma = "";
    text_adds(out, ",\"by_route\":{");
    for (int i = 0; i < ROUTES; i++)
        text_addf(out, "%s\"%s\":%" PRIu64, i ? "," : "", route_names[i], s->routes[i]);
    text_adds(out, "},\"by_status\":{");
    for (size_t i = 0; i < countof(s->statuses); i++)
        if (s->statuses[i]) {
            text_addf(out, "%s\"%zu\":%" PRIu64, comma, i, s->statuses[i]);
            comma = ",";
        }
    text_adds(out, "}");
}

void stats_json(struct stats *s, const struct faults *f, struct text *out)
{
    pthread_mutex_lock(&s->lock);
    text_addf(out, "{\"requests\":%" PRIu64, s->requests);
    add_counts(s, out);
    text_adds(out, ",\"faults\":");
    faults_json(f, out);
    text_addf(out,
              ",\"connections\":%" PRIu64 ",\"in_flight\":%" PRId64 ",\"max_in_flight\":%" PRId64
              ",\"max_in_any_second\":%zu,\"first_ns\":%" PRIu64 ",\"last_ns\":%" PRIu64 "}\n",
              s->connections, s->in_flight, s->max_in_flight, s->max_in_second, s->first_ns, s->last_ns);
    pthread_mutex_unlock(&s->lock);
}
