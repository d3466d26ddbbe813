#include "net/retry.h"

#include <assert.h>

int64_t retry_wait(const struct retry *r, int done, const struct err *e, int64_t asked_ms, double dice)
{
    assert(done >= 1 && dice >= 0 && dice < 1);

    if (!err_retriable(e) || done >= r->attempts)
        return -1;

    int64_t wait = r->base_ms;
    for (int i = 1; i < done && wait < r->max_ms; i++)
        wait *= 2;
    if (wait > r->max_ms)
        wait = r->max_ms;
    wait -= (int64_t)((double)wait / 4 * dice);

    return wait > asked_ms ? wait : asked_ms;
}
