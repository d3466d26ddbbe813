/* asset.h - how each kind of asset is carried out: a source fills bronze tables, a model makes its table.
 *
 * Write, audit, publish: a model's rows are staged as files that no reader sees, its checks run on the table
 * as it would be, and only then one Delta commit makes them count. How far the model has read of its inputs
 * is in that same commit (txn actions, appId "cupel/<asset>/<input>"), so a task that is killed anywhere
 * either happened or did not, and is simply run again.
 */
#pragma once
#include "base/text.h"
#include "lake/map.h"
#include "project/project.h"

/* The relations that a session has: each was made once, and stands for the version that its table had then.
 */
struct asset_made {
    struct arena *a; /* where what relations are made of lives, as long as the session */
    struct map names;
    struct map kept; /* asset_keep() has been asked */
};
struct workshop { /* what all tasks of a run share; read-only while they run */
    const struct project *project;
    const struct engine_driver *driver;
    struct engine *engine;
    struct store *lake;
    const struct clock *clock;
    struct run_params params;
    const char *batch_run_id; /* "batch_2026_11_21_06", from params.now_us */
    bool now_pinned;
    bool full_refresh;
    struct asset_made *made; /* of the one session that is used; NULL = relations are made anew each time */
};

struct check_result {
    const char *name, *severity; /* "error" or "warn" */
    int64_t failed;              /* rows, 0 = passed */
};

enum outcome { OUTCOME_UNCHANGED, OUTCOME_UPDATED };
struct asset_result {
    enum outcome outcome;
    const char *note; /* why unchanged, or a warning for people; NULL = none */
    int64_t rows;     /* written (model) or stored (source) */
    int64_t quarantined;
    int64_t version; /* of the table made; -1 = none */
    struct check_result *checks;
    size_t nchecks;
    struct read_result read; /* of a source */
};

/* One attempt. On ERR_CONFLICT another writer was first and a new attempt may pass. Nothing is visible of an
 * attempt that fails, but for what a source has stored, which the next attempt will not ask for again. */
bool asset_run(struct task *t, const struct workshop *w, const struct asset *a, struct asset_result *ret,
               struct err *e) must_check;

/* What asset_run would do, from the logs alone: no data is read. */
struct asset_plan {
    bool stale;         /* there is something to do */
    const char *reason; /* "the table does not exist yet", "12 new commits of bronze.movies", "up to date" */
    const char *action; /* "fetch", "create", "replace", "merge", "append", "replace partitions", "view",
                           "full refresh" */
};
bool asset_plan(struct task *t, const struct workshop *w, const struct asset *a, struct asset_plan *ret,
                struct err *e) must_check;

/* Removes what runs that were killed have left unfinished in the tables' folders; how many files that were.
 * Only for who holds the project's lock. */
size_t asset_sweep(const struct workshop *w);
/* The same for files in the tables' folders alone: what is still at work is passed over, so that anybody may
 * do it at any time. */
size_t asset_sweep_staged(const struct workshop *w);

/* The lake table of a name ("silver.movies" is the folder silver/movies of the lake). */
struct lake_table asset_table(struct arena *a, const struct workshop *w, const char *name);

/* The path in a name that stands for a table anywhere: delta./data/movies, delta.`/data/movies`, or
 * ./movies alone; NULL for names of the project's tables. */
const char *asset_path(struct arena *a, const char *name);
/* The table and the version that a name stands for: "silver.movies@v3", "delta./data/movies@2026-11-01". In a
 * path, what is behind an @ is a version only if it can be one and there is no table of the whole name. */
bool asset_place(struct arena *a, const struct workshop *w, const char *name, struct lake_table *ret,
                 struct lake_at *ret_at, struct err *e) must_check;

/* ERR_USER for a name that no table has, with the nearest one that some has. Returns false. */
bool asset_no_table(const struct project *p, const char *name, struct src at, struct err *e);

/* Makes `name` readable in the session: a table of the project (its latest version; with no rows yet when it
 * was never filled), "name@v3" or "name@2026-11-01" for time travel, a table anywhere by
 * its path (see asset_path), or a view model, with all that it reads. */
bool asset_relation(struct arena *a, const struct workshop *w, struct session *s, const char *name,
                    struct err *e) must_check;
/* The same for every table that a text of SQL names; `at` is where the text stands. */
bool asset_relations(struct arena *a, const struct workshop *w, struct session *s, const char *sql,
                     struct src at, struct err *e) must_check;
/* For a text that is asked many times: takes the rows of the tables that it names, as the session has them,
 * into memory, as far as they are small. Only where the workshop says what was made. */
void asset_keep(const struct workshop *w, struct session *s, const char *sql, struct src at);
