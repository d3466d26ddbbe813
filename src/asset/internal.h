/* internal.h - what the files of asset/ share. */
#pragma once
#include "asset/asset.h"

bool source_run(struct task *t, const struct workshop *w, const struct source *s, struct asset_result *ret,
                struct err *e) must_check;
bool model_run(struct task *t, const struct workshop *w, const struct model *m, struct asset_result *ret,
               struct err *e) must_check;

/* Is an extraction of this source half done? *ret_now_us is its logical time. */
bool source_unfinished(struct arena *a, const struct workshop *w, const struct source *s, bool *ret,
                       int64_t *ret_now_us, struct err *e) must_check;
/* The logical time up to which a source has been extracted whole, INT64_MIN = never. */
bool source_extracted(struct arena *a, const struct workshop *w, const struct source *s, int64_t *ret_us,
                      struct err *e) must_check;

/* "cupel/<asset>/<input>" */
char *watermark_id(struct arena *a, const char *asset, const char *input);

/* The latest snapshot, NULL in *ret when there is no table. */
bool table_latest(struct arena *a, const struct lake_table *t, struct lake_snapshot **ret,
                  struct err *e) must_check;

/* What a model has to do and from what, by the logs alone. */
struct model_input {
    const char *table;
    struct lake_table where;
    struct lake_snapshot *snap;     /* NULL: the table does not exist yet */
    const struct incremental *inc;  /* NULL: read whole */
    int64_t watermark;              /* version that the model has seen, -1 = none */
    const struct lake_file **added; /* since the watermark, still live */
    size_t nadded;
    bool append_only;
};
struct model_work {
    struct lake_table table;
    struct lake_snapshot *base; /* NULL: to be created */
    struct model_input *inputs;
    size_t ninputs;
    bool stale;
    bool full;            /* made from all rows of the inputs, in place of what is there */
    bool same_definition; /* as when the table was last made whole */
    const char *reason;
};
/* Of a model's text, as a table property has it. */
const char *fingerprint_text(struct arena *a, const struct model *m);
bool model_work(struct task *t, const struct workshop *w, const struct model *m, struct model_work *ret,
                struct err *e) must_check;

/* The gates of a model's row checks; gate i belongs to checks[which[i]]. */
void check_gates(struct arena *a, const struct model *m, const struct gate **ret, const size_t **ret_which,
                 size_t *ret_n);
/* The checks of the whole table, on the session's relation of the model's own name; results appended. Fails
 * (ERR_DATA, at the check's place) on the first that does not pass and is not a warning, after running all.
 */
bool check_table(struct task *t, const struct workshop *w, struct session *s, const struct model *m,
                 struct check_result *results, size_t *n, struct err *e) must_check;

/* Rows held back, into quarantine.<schema>_<name>. */
struct quarantine {
    const struct engine_reject *rows;
    size_t n;
    bool replace;                /* of what is there */
    const struct lake_txn *txns; /* the model's watermarks: the table remembers which of its rows it has */
    size_t ntxns;
};
bool quarantine_write(struct task *t, const struct workshop *w, const struct model *m,
                      const struct quarantine *q, struct err *e) must_check;
char *quarantine_name(struct arena *a, const char *model);
