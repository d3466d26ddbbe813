/* stats.h - what was asked and answered, exact enough to prove a client's rate limit and concurrency.
 *
 * A request arrives when its header is complete and is in flight until its answer is sent. Any thread
 * may call any function.
 */
#pragma once
#include <pthread.h>

#include "faults.h"

struct stats {
    pthread_mutex_t lock;
    uint64_t number; /* of the latest request; never reset, the dice depend on it */
    uint64_t requests, routes[ROUTES], statuses[600], connections;
    int64_t in_flight, max_in_flight;
    uint64_t first_ns, last_ns;

    /* The arrivals of the latest second, oldest first: a ring, `from` its start, `n` its length. */
    uint64_t *ring;
    size_t from, n, cap;
    size_t max_in_second; /* the most arrivals in any window [t, t + 1 s) */
};

void stats_init(struct stats *s);
void stats_done(struct stats *s);

/* A request came in: returns its number (1, 2, ...) and when. */
uint64_t stats_arrive(struct stats *s, enum route route, uint64_t *ret_ns);

/* It is over; status 0 = the connection was reset instead. */
void stats_leave(struct stats *s, int status);
void stats_connect(struct stats *s);

void stats_json(struct stats *s, const struct faults *f, struct text *out);
void stats_reset(struct stats *s);
