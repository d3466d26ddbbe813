/* rate.h - a token bucket that is exact: never more than `rate` starts in any window of one second.
 *
 * Pure: the time comes in. A plain bucket with a burst lets twice the rate through in a window that straddles
 * a full bucket; this one holds the last starts and lets a new one through only when the one `rate` before it
 * is a second old. A fraction counts down (2.5 a second lets 2 through in each); rates below one a second are
 * spaced by their interval.
 */
#pragma once
#include "base/arena.h"

struct rate;
struct rate *rate_new(struct arena *a, double per_second); /* 0 = no limit */

/* 0 and the start is counted, or how many microseconds to wait before asking again. now_us never goes back.
 */
int64_t rate_take(struct rate *r, int64_t now_us);

/* What was counted at from_us really left at to_us, later: it had to wait for a connection. A caller that
 * moves those which have not left yet to `now` before it takes keeps the promise for the requests as they
 * leave. */
void rate_move(struct rate *r, int64_t from_us, int64_t to_us);
