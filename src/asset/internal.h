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

/* --- table.c --- */

/* The latest snapshot, NULL in *ret when there is no table. */
bool table_latest(struct arena *a, const struct lake_table *t, struct lake_snapshot **ret,
                  struct err *e) must_check;
/* The model that makes a table, NULL when it is not made by one. */
const struct model *table_model(const struct workshop *w, const char *table);
/* Its view model, NULL when it is none. */
const struct model *table_view(const struct workshop *w, const char *table);
/* A table that nobody has filled yet: no rows, the columns it will have. */
bool table_unfilled(const struct workshop *w, struct session *s, const char *name, struct err *e) must_check;
/* The relation of a view; what it reads has its relations already. */
bool table_view_relation(struct arena *a, const struct workshop *w, struct session *s,
                         const struct model *view, struct err *e) must_check;

/* --- constraint.c: what a table demands of every row --- */

struct constrained { /* a table as it will be */
    const struct lake_schema *schema;
    const struct lake_property *properties;
    size_t nproperties;
};
/* A stage of new rows. A row that is null where the table's schema allows no null, or for which a CHECK
 * constraint is not true, is ERR_DATA naming both; a constraint that the engine cannot evaluate is ERR_DATA
 * before anything is staged. *ret is set also when a row fails: its files are the caller's to drop. */
bool constrained_stage(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                       const struct constrained *c, const struct engine_stage *g, struct engine_staged *ret,
                       struct err *e) must_check;

/* The same for the rows of a relation of the session: those CHECK constraints that `c` has. */
bool constrained_rows(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                      const struct constrained *c, const char *relation, struct err *e) must_check;

/* --- generated.c: columns that rows do not have --- */

/* What the metadata of a column says under a key, a text; NULL = nothing. */
const char *generated_metadata(struct arena *a, const struct lake_field *f, const char *key);
/* Spark's SQL in the engine's: `name` is "name", and "text" is 'text'. False for what may mean something
 * else. */
bool generated_translate(struct buf *b, const char *sql) must_check;
/* Has the stage compute the generated columns of the schema that its SELECT does not give, and those with a
 * default (CURRENT_DEFAULT). One whose expression may mean something else here is ERR_DATA naming it. */
bool generated_columns(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                       const struct lake_schema *schema, struct engine_stage *g, struct err *e) must_check;

/* --- staging.c: data files before their commit ---
 *
 * What is about to be staged is written down first, in <state>/staged/, so that files of a process that was
 * killed can be told from those of other writers, and removed. The file is locked (flock) as long as its
 * writer lives, so that several processes can stage side by side: a run, an optimize, a prune. */
struct staging {
    const char *token;               /* in the files' names: engine_stage.token */
    const char *journal;             /* its file */
    int lock;                        /* of that file, held until the end: who sweeps passes it over */
    const char *vectors;             /* the file of its deletion vectors, NULL = none */
    const struct lake_file *changes; /* of the change data feed */
    size_t nchanges;
};
/* Refuses a table that cannot be written here, by the name of the feature. */
bool staging_begin(struct arena *a, const struct workshop *w, const struct lake_table *t,
                   const struct lake_snapshot *base, struct staging *ret, struct err *e) must_check;
/* lake_commit, and the end of the staging: files that were not committed are removed. (When the disk fails at
 * the very end nobody knows whether they were: they are left, with what is written down, to the next run.) */
bool staging_commit(struct arena *a, const struct workshop *w, const struct lake_table *t,
                    const struct staging *s, const struct lake_commit *c, int64_t *ret_version,
                    struct err *e) must_check;
/* The end without a commit. */
void staging_drop(const struct workshop *w, const struct lake_table *t, const struct staging *s,
                  const struct lake_file *files, size_t n);

/* The beginnings of the names of files that somebody is staging, or was when it was killed. */
bool staging_prefixes(const struct workshop *w, struct arena *a, const char *const **ret, size_t *ret_n,
                      struct err *e) must_check;

/* --- vector.c: rows that go --- */

enum fate {
    FATE_STAYS,     /* none of its rows goes */
    FATE_GOES,      /* all of them do */
    FATE_MARKED,    /* a deletion vector tells those that do */
    FATE_REWRITTEN, /* the others are written again */
};
/* Does the table want deletion vectors? */
bool vectors_on(const struct lake_snapshot *s);
/* Of a file of which so many more rows go. Vectors are for files that keep half of their rows at least: what
 * is read past dead rows is paid by every reader. */
enum fate vectors_fate(const struct lake_snapshot *s, const struct lake_file *f, size_t hits);
/* ret[i] = files[i] with a vector that takes hits[i] away as well. The vectors lie on disk then, in one file.
 */
bool vectors_write(struct arena *a, const struct workshop *w, const struct lake_table *t, struct staging *st,
                   const struct lake_file *const *files, const struct engine_hits *hits, size_t n,
                   struct lake_file *ret, struct err *e) must_check;

/* --- feed.c: the change data feed --- */

/* Does the table want one? */
bool feed_on(const struct lake_property *props, size_t n);
/* The rows of a SELECT, of the table's columns and `_change_type`, as files of the feed: into st->changes. */
bool feed_stage(struct arena *a, const struct workshop *w, struct session *s, const struct lake_table *t,
                const struct lake_schema *schema, const char *const *partition_by, size_t npartition_by,
                const char *sql, struct staging *st, struct err *e) must_check;

/* --- rewrite.c: files of one partition written again --- */

struct rewrite {
    struct arena *a;
    const struct workshop *w;
    struct lake_table table;
    const struct lake_snapshot *base;
    struct session *s;
    struct lake_schema stored; /* the columns that are in files: not those that it is partitioned by */
    const char *token;         /* of the staging */
    int64_t file_bytes;        /* start another file past this size, 0 = the engine's own measure */
};
/* Session, token and file_bytes are the caller's to set. */
void rewrite_init(struct arena *a, struct rewrite *r, const struct workshop *w, const struct lake_table *t,
                  const struct lake_snapshot *base);
bool rewrite_is_partition(const struct lake_snapshot *s, const char *column);
/* The files as the relation cupel_old. */
bool rewrite_relate(struct rewrite *r, const struct lake_file *const *files, size_t n,
                    struct err *e) must_check;
/* Their rows ("SELECT ... FROM cupel_old" and then `tail`) as new files in the folder of their partition,
 * which is one. data_change is set. */
bool rewrite_files(struct rewrite *r, const struct lake_file *const *files, size_t n, const char *tail,
                   struct engine_staged *ret, struct err *e) must_check;

/* --- vacuum.c --- */

/* For the life of the arena nobody else of this project takes files away or brings them back. */
bool files_lock(struct arena *a, const struct workshop *w, struct err *e) must_check;

/* --- work.c: what a model has to do and from what, by the logs alone --- */

struct model_input {
    const char *table;
    struct lake_table where;
    const struct incremental *inc; /* NULL: read whole */
    int64_t watermark;             /* version that the model has seen, -1 = none */
    int64_t latest;                /* version that there is, -1 = no table */
    /* after model_inputs: */
    struct lake_snapshot *snap;  /* what is read; NULL: the table does not exist yet */
    struct lake_changes changes; /* of an incremental input, since the watermark */
};
struct model_work {
    struct lake_table table;
    struct lake_snapshot *base; /* NULL: to be created */
    struct model_input *inputs;
    size_t ninputs;
    bool stale;
    bool full;            /* made from all rows of the inputs, in place of what is there */
    bool backfill;        /* an incremental model, for a range: inputs are read whole, watermarks stay */
    bool same_definition; /* as when the table was last made whole */
    const char *reason;
};
/* "cupel/<asset>/<input>", and of an input: which table that was (by its id). */
char *watermark_id(struct arena *a, const char *asset, const char *input);
char *watermark_table_id(struct arena *a, const char *asset, const char *input);
int64_t watermark_table(const struct lake_snapshot *snap);
/* "cupel/<asset>/$range": which $start and $end were given, 0 = none. */
int64_t watermark_range(const struct workshop *w);
/* Of a model's text, as a table property has it. */
const char *fingerprint_text(struct arena *a, const struct model *m);
/* Does another text of the model mean another run? Incremental ones, and what was appended, stay as they are.
 */
bool model_follows_text(const struct model *m);
/* Do the rows held back now stand for all that there are (or are they added to those held back before)? */
bool model_rejects_are_all(const struct model *m, bool replaces_all);

bool model_work(struct task *t, const struct workshop *w, const struct model *m, struct model_work *ret,
                struct err *e) must_check;
bool model_inputs(struct arena *a, const struct workshop *w, const struct model *m, struct model_work *work,
                  struct err *e) must_check;

/* --- a model's run: model.c, input.c, merge.c --- */

struct touched { /* values of a column that occur in what came to, or went from, the inputs it belongs to */
    const char *column, *relation;
};
struct job { /* one attempt at one model */
    struct task *t;
    const struct workshop *w;
    const struct model *m;
    struct model_work work;
    struct session *s;

    /* input.c */
    const char *sql;             /* the model's SELECT, as far as its rows are to be made anew */
    struct engine_params params; /* its parameters */
    bool everything;             /* as it turns out, all rows have to be made anew: as if work.full */
    struct list_of(struct touched) touched;
    bool groups;                          /* merge: rows of touched keys are replaced as groups */
    const struct engine_rows *partitions; /* partitions: those to be made anew, also when no row is left */

    /* model.c */
    const struct gate *gates;
    size_t ngates;
    const struct src *gate_at; /* where each is asked for */
    struct lake_schema schema; /* of the table after the commit */
    bool schema_changed;
    struct list_of(struct lake_property) properties, new_properties; /* of the table then; those to be set */
    const char *const *partition_by;
    size_t npartition_by;
    struct staging staging;
    struct engine_staged staged; /* what is published: its files lie in the table's folder */
    int64_t rows, rejected;      /* of the SELECT */
    struct list_of(const struct lake_file *) removes; /* in the order of work.base->files */
    struct list_of(struct lake_where) reads; /* what of the table the new rows depend on; none = all of it */
};
bool job_replaces_all(const struct job *j);
/* Gives every input its meaning for this run, and decides what is made anew. */
bool job_relations(struct job *j, struct err *e) must_check;
/* The rows of the model's SELECT, past their gates, as files below dir of a store. */
bool job_stage_select(struct job *j, struct store *store, const char *dir, bool final,
                      struct engine_staged *ret, struct err *e) must_check;
bool job_stage(struct job *j, const struct engine_stage *g, struct engine_staged *ret,
               struct err *e) must_check;
/* Stages the new rows, and again the files in which they replace others. */
bool job_merge(struct job *j, struct err *e) must_check;
/* Just these files of a table, also when there are none. */
bool job_files(struct job *j, const char *name, const struct lake_table *t, const struct lake_snapshot *snap,
               const struct lake_file *const *files, size_t n, struct err *e) must_check;
/* No key of the model may be in a relation twice. */
bool job_unique_key(struct job *j, const char *relation, struct err *e) must_check;

/* --- check.c --- */

/* The gates of a model's row checks, and of its key. */
/* The conditions on rows, and where each is asked for. */
void check_gates(struct arena *a, const struct model *m, const struct gate **ret, const struct src **ret_at,
                 size_t *ret_n);
/* Are there any that look at the whole table? */
bool check_has_table(const struct model *m);
/* The checks of the whole table, on the session's relation of the model's own name; results appended. Fails
 * (ERR_DATA, at the check's place) on the first that does not pass and is not a warning, after running all.
 */
bool check_table(struct task *t, const struct workshop *w, struct session *s, const struct model *m,
                 struct check_result *results, size_t *n, struct err *e) must_check;

/* --- quarantine.c: rows held back, into quarantine.<schema>_<name> --- */

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
