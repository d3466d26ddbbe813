/* task.h - what a piece of work is given by whoever runs it: memory, time, a way to be stopped, an ear. */
#pragma once
#include <stdatomic.h>

#include "base/arena.h"
#include "base/clock.h"
#include "base/err.h"

struct progress {
    int64_t done, total; /* in `unit`s; total -1 = not known yet */
    const char *unit;    /* "requests", "rows" */
    int64_t failed, retried, missing;
};

struct task {
    struct arena *a;    /* lives as long as the task */
    const char *run_id; /* "20261121T065003Z-4f2a" */
    const char *name;   /* "silver.movies" */
    const struct clock *clock;
    const atomic_bool *cancel; /* looked at often; set by a signal or a failed sibling */
    void (*report)(void *arg, const struct task *t,
                   const struct progress *p); /* may be NULL; from any thread */
    void *report_arg;
};

/* ERR_CANCELED when the task was asked to stop. */
static inline bool task_live(const struct task *t, struct err *e)
{
    return !atomic_load_explicit(t->cancel, memory_order_relaxed) || fail(e, ERR_CANCELED, "stopped");
}
