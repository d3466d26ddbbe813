/* timer.h - putting connections to sleep without a thread each.
 *
 * One thread holds the deadlines of all suspended connections in a heap and resumes each on time, to
 * well under a millisecond.
 */
#pragma once
#include <microhttpd.h>

#include "text.h"

struct timer;

bool timer_start(struct timer **ret, struct err *e) must_check;

/* Suspend the connection until clock_ns() reaches `until`. False if the timer is stopped: then the
 * caller goes on at once. Call it only from within the connection's own callbacks. */
bool timer_sleep(struct timer *t, struct MHD_Connection *c, uint64_t until);

/* Resume everybody at once and let nobody sleep from now on: the server is about to stop. */
void timer_stop(struct timer *t);
void timer_free(struct timer *t);
