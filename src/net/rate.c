#include "net/rate.h"

#include <assert.h>
#include <string.h>

enum { SECOND_US = 1000000, STARTS_MAX = 1 << 20 };

struct rate {
    int64_t window_us; /* at most `size` starts in any window of this length; 0 = no limit */
    size_t size, n;
    int64_t *start; /* the latest, in rising order from `first`, as a ring */
    size_t first;
};

struct rate *rate_new(struct arena *a, double per_second)
{
    assert(per_second >= 0);
    struct rate *r = arena_make(a, struct rate, 1);
    if (per_second <= 0 || per_second >= STARTS_MAX)
        return r;
    r->size = per_second < 1 ? 1 : (size_t)per_second;
    r->window_us = per_second < 1 ? (int64_t)(SECOND_US / per_second + 0.5) : SECOND_US;
    r->start = arena_make(a, int64_t, r->size);
    return r;
}

static int64_t *slot(struct rate *r, size_t i)
{
    return &r->start[(r->first + i) % r->size];
}

int64_t rate_take(struct rate *r, int64_t now_us)
{
    if (!r->window_us)
        return 0;
    if (r->n == r->size) {
        int64_t wait = *slot(r, 0) + r->window_us - now_us;
        if (wait > 0)
            return wait;
        r->first = (r->first + 1) % r->size;
        r->n--;
    }
    size_t i = r->n++;
    for (; i > 0 && *slot(r, i - 1) > now_us; i--) /* moved ones may lie ahead of now */
        *slot(r, i) = *slot(r, i - 1);
    *slot(r, i) = now_us;
    return 0;
}

void rate_move(struct rate *r, int64_t from_us, int64_t to_us)
{
    size_t i = 0;
    if (!r->window_us || to_us <= from_us)
        return;
    while (i < r->n && *slot(r, i) != from_us)
        i++;
    if (i == r->n) /* as long ago as that: all that count have started since */
        return;
    for (; i + 1 < r->n && *slot(r, i + 1) < to_us; i++)
        *slot(r, i) = *slot(r, i + 1);
    *slot(r, i) = to_us;
}
