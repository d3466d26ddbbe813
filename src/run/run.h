/* run.h - a run: the chosen assets of a project, each after those it needs, side by side where they can be.
 *
 * One run at a time works on a project (a lock on <state>/lock). A run that was interrupted (killed, power
 * lost, Ctrl-C) left <state>/run.json; the next one with the same options takes over its id and its logical
 * time and so ends where the first would have. Nothing of this is needed for the tables to be right: they
 * remember by themselves how far they are.
 */
#pragma once
#include "asset/asset.h"

struct run_options {
    const char *select, *exclude; /* NULL = all, none */
    bool full_refresh, fail_fast;
    bool now_pinned;
    int64_t now_us;            /* when pinned */
    int64_t start_us, end_us;  /* INT64_MIN / INT64_MAX = open */
    int threads;               /* tasks at once, 0 = 4 */
    const char *spelled;       /* all of the above and --var as one text: what makes a run "the same" */
    const atomic_bool *cancel; /* set by a signal */
};

enum task_state {
    TASK_WAITING,
    TASK_RUNNING,
    TASK_DONE,
    TASK_UNCHANGED,
    TASK_FAILED,
    TASK_SKIPPED,
    TASK_CANCELED
};
const char *task_state_name(enum task_state s);

struct run_task {
    const struct asset *asset;
    enum task_state state;
    int attempts;
    int64_t started_us, finished_us;
    double seconds;
    struct asset_result result;
    struct err err; /* of FAILED */
    struct progress progress;
    struct arena *arena;
    const char *blocked_by; /* of SKIPPED */
};

struct run {
    const char *id;
    int64_t now_us;
    int64_t started_us, finished_us;
    bool resumed;
    const char *state; /* "running", "success", "failed", "canceled" */
    struct run_task *tasks;
    size_t ntasks;
};

/* What watches a run: all called under one lock, from any thread. Any may be NULL. */
struct run_watcher {
    void *arg;
    void (*begun)(void *arg, const struct run *r);
    void (*task)(void *arg, const struct run *r, const struct run_task *t);     /* its state changed */
    void (*progress)(void *arg, const struct run *r, const struct run_task *t); /* a few times a second */
    void (*note)(void *arg, const char *text);
    void (*done)(void *arg, const struct run *r);
};

/* Carries it out. *ret (in a's memory) is filled as far as it came also when the run fails. False: a task
 * failed
 * (*e is the first error, with its place), another run holds the lock (ERR_CONFLICT), or it was stopped. */
bool run_execute(struct arena *a, const struct project *p, const struct engine_driver *d,
                 struct engine *engine, const struct run_options *o, const struct run_watcher *watch,
                 struct run **ret, struct err *e) must_check;

/* The workshop of a command that only looks: plan, query, render. */
bool run_workshop(struct arena *a, const struct project *p, const struct engine_driver *d,
                  struct engine *engine, const struct run_options *o, struct workshop *ret,
                  struct err *e) must_check;
