/* delta_log.h - the folder _delta_log: what is in it, and reading one file of it. */
#pragma once
#include "lake/action.h"

#define LOG_DIR        "_delta_log"
#define LOG_SIDECARS   LOG_DIR "/_sidecars"
#define LOG_HINT       LOG_DIR "/_last_checkpoint"
#define LOG_COMMIT_MAX ((size_t)1 << 30) /* bytes of one commit */

struct log_commit {
    int64_t version, mtime_ms, bytes;
};

struct log_checkpoint {
    int64_t version, mtime_ms;
    const char *const *names; /* in the log's folder, one for each part */
    size_t n;
    int64_t bytes; /* of all parts, without sidecars */
    bool json;     /* a v2 checkpoint may be */
};

/* What the commits `from` to `to`, both included, come to, in one file: nothing that they do not say as well.
 */
struct log_compaction {
    int64_t from, to;
    const char *name;
};

/* Sorted by version (compactions by `from`, then by `to`). Only checkpoints of which every part is there. */
struct log_listing {
    struct log_commit *commits;
    size_t ncommits;
    struct log_checkpoint *checkpoints;
    size_t ncheckpoints;
    struct log_compaction *compactions;
    size_t ncompactions;
};

/* "silver/movies", for messages. */
const char *log_table_name(const struct lake_table *t);
char *log_path(struct arena *a, const struct lake_table *t, const char *name);
/* "00000000000000000012.json" below the table. */
char *log_commit_path(struct arena *a, const struct lake_table *t, int64_t version);

/* What is there from version `from` on (0 = everything). */
bool log_list(struct arena *a, const struct lake_table *t, int64_t from, struct log_listing *ret,
              struct err *e);
/* The version that _last_checkpoint names, -1 = none: it is a hint, and may be missing, wrong or old. */
int64_t log_hint(const struct lake_table *t);
/* The last version that there is, -1 = there is none. */
int64_t log_last(const struct log_listing *l);

/* The actions of a commit, in order, strings in a's memory; each returns false to stop, with or without an
 * error in *e. A commit that is not there is ERR_USER and *ret_missing; one that cannot be understood
 * ERR_DATA naming it. *ret_bytes (may be NULL) is its size. */
typedef bool log_each(void *arg, const struct action *x, struct err *e);
bool log_read_commit(struct arena *a, const struct lake_table *t, int64_t version, unsigned want,
                     log_each *each, void *arg, bool *ret_missing, int64_t *ret_bytes, struct err *e);
/* Not to be had (damaged, gone) is no error of the log: the commits are there. */
bool log_read_compaction(struct arena *a, const struct lake_table *t, const struct log_compaction *c,
                         unsigned want, log_each *each, void *arg, int64_t *ret_bytes, struct err *e);
bool log_read_checkpoint(struct arena *a, const struct lake_table *t, const struct log_checkpoint *c,
                         unsigned want, log_each *each, void *arg, int64_t *ret_bytes, struct err *e);
/* The names of the files in LOG_SIDECARS that a checkpoint has. */
bool log_sidecars(struct arena *a, const struct lake_table *t, const struct log_checkpoint *c,
                  const char ***ret, size_t *ret_n, struct err *e);
