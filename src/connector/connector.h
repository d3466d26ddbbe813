/* connector.h - what a system outside is to cupel: a static const struct per back end, listed in
 * connectors[].
 *
 * A NULL function means "cannot", and is said before the run. The engine owns retries of the whole,
 * deadlines, cancelling, logs; a connector owns one protocol. Rows travel as Arrow C streams.
 *
 * A source delivers batches: it calls spec->deliver once for each, and each becomes one Delta commit that
 * also holds the position reached. Asked for the position of a table, the lake answers with what its last
 * commit said, so a source that is killed and started again knows what has been stored, whatever its own
 * files say.
 */
#pragma once
#include "base/task.h"

struct ArrowArrayStream;
struct ArrowSchema;

/* One table that a source fills, known before any data moves. */
struct source_table {
    const char *name; /* "bronze.movies" */
    struct src at;    /* where the project says so */
    const char *key;  /* column, NULL = none */
    const char *const *partition_by;
    size_t npartition_by;
    const char *ddl; /* the columns as SQL: "movie_id BIGINT, raw_json VARCHAR, ..." */
};

struct read_spec {
    const char *source; /* "tmdb" */
    const char
        *inbox_dir;  /* this source's own folder for half-done work; made by the caller, kept until done */
    int64_t now_us;  /* the run's logical time: partition and batch id come from it */
    bool now_pinned; /* then records carry now_us as their time too, not the time they came */
    const char *batch_run_id; /* "batch_2026_11_21_06" */
    void *ctx;

    /* The highest position that `table` has stored for this source, -1 for none. */
    bool (*position)(void *ctx, const char *table, int64_t *ret, struct err *e);
    /* Stores the rows in one commit together with `position` and releases them. Batches of one table come in
     * order of position; different tables may be delivered from different threads. */
    bool (*deliver)(void *ctx, const char *table, struct ArrowArrayStream *rows, int64_t position,
                    struct err *e);
    /* Calls each(arg, key) for the keys (as text) of `table` extracted after since_us, so that they need not
     * be asked for again. */
    bool (*known)(void *ctx, const char *table, const char *key_column, int64_t since_us,
                  void (*each)(void *arg, const char *key), void *arg, struct err *e);
};

/* What a read came to, one for each resource; for the extraction log and for people. */
struct read_stats {
    const char *resource, *table; /* table NULL when nothing is stored */
    int64_t wanted;               /* requests that the plan came to */
    int64_t arrived;              /* answered well, this time or before a resume */
    int64_t resumed;              /* of these, found on disk and not asked for */
    int64_t missing;              /* the server says there is no such thing (404, 410) */
    int64_t failed;               /* given up after all attempts */
    int64_t retries, records, bytes;
    int64_t started_us, finished_us;
    const char *problems; /* JSON array of {"request","status","message"}, at most 100, no secrets */
};

struct read_result {
    struct read_stats *stats; /* in the task's arena */
    size_t n;
    /* Below what the source requires: the run's state is "incomplete" and *why says it. */
    bool complete;
    const char *why;
};

struct connector {
    const char *name, *summary; /* what the user writes after `kind:`; one line for the docs */

    /* Reach the system and say what it is; move no data. */
    bool (*probe)(struct task *t, const void *conf, struct err *e);
    /* Deliver everything new. Even on error what was delivered stays, and *ret tells how far it came. */
    bool (*read)(struct task *t, const void *conf, const struct read_spec *spec, struct read_result *ret,
                 struct err *e);
    /* Drain `in`, atomically if the system can: after an error nothing is visible. */
    bool (*write)(struct task *t, const void *conf, const char *table, struct ArrowArrayStream *in,
                  struct err *e);
};

extern const struct connector *const connectors[]; /* ends with NULL */
const struct connector *connector_find(const char *name);
