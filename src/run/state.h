/* state.h - the history of runs, for people: <state>/state.db (SQLite). Delete it and no data is wrong. */
#pragma once
#include "run/run.h"

struct state;
/* Made when absent. One that cannot be read is moved aside (*ret_note says so, else NULL) and made anew. */
bool state_open(struct arena *a, const char *dir, struct state **ret, const char **ret_note,
                struct err *e) must_check;

/* To be read only: nothing is made or moved, and the folder need not be writable. */
bool state_look(struct arena *a, const char *dir, struct state **ret, struct err *e) must_check;

void state_run_begun(struct state *s, const struct run *r, const char *spelled);
void state_task(struct state *s, const struct run *r, const struct run_task *t);
void state_run_done(struct state *s, const struct run *r);

struct state_run {
    const char *id, *state, *options;
    int64_t now_us, started_us, finished_us;
    int64_t tasks, failed, rows;
};
bool state_runs(struct arena *a, struct state *s, size_t limit, struct state_run **ret, size_t *ret_n,
                struct err *e) must_check;
struct state_task {
    const char *name, *state, *error, *note;
    int64_t started_us, attempts, rows, quarantined, version;
    double seconds;
};
bool state_tasks(struct arena *a, struct state *s, const char *run, struct state_task **ret, size_t *ret_n,
                 struct err *e) must_check;
