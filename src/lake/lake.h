/* lake.h - Delta tables: a table is a folder of Parquet files and a log that says which of them count.
 *
 * The unit is the snapshot: what a table was at one version. A change is a list of actions against the
 * snapshot it was made from; lake_commit() gives it the next version, or, when another writer was first,
 * rebases it if that is safe by the protocol's rules and says ERR_CONFLICT if it is not.
 *
 * The log format is that of Delta Lake's PROTOCOL.md: reader version 1, writer version 2 for what is created
 * here, and more as far as a table's properties ask for it. A table that needs a feature which is not known
 * here is refused by the feature's name.
 */
#pragma once
#include "base/task.h"
#include "base/text.h"
#include "store/store.h"

struct lake_type {
    enum lake_kind { LAKE_PRIMITIVE, LAKE_ARRAY, LAKE_STRUCT, LAKE_MAP } kind;
    const char *primitive;                         /* "long", "string", "decimal(10,2)", "timestamp", ... */
    const struct lake_type *element, *key, *value; /* array: element; map: key and value */
    bool contains_null;                            /* of the element or the value */
    const struct lake_field *fields;
    size_t nfields;
};

struct lake_field {
    const char *name;
    const struct lake_type *type;
    bool nullable;
    const char *metadata; /* JSON object as text, "{}" */
    const char *physical; /* what files, statistics and partition values call it: the name itself when the
                             table has no column mapping. NULL in a field made by hand: lake_physical() */
    int64_t id;           /* delta.columnMapping.id; 0 or less = none */
};

static inline const char *lake_physical(const struct lake_field *f)
{
    return f->physical ? f->physical : f->name;
}

struct lake_schema {
    const struct lake_field *fields;
    size_t n;
};

/* The JSON of metaData.schemaString, both ways; field order and metadata are kept. */
bool lake_schema_parse(struct arena *a, const char *json, struct lake_schema *ret, struct err *e) must_check;
void lake_schema_write(struct buf *b, const struct lake_schema *s);
bool lake_schema_equal(const struct lake_schema *x, const struct lake_schema *y);
/* May rows of `add` go into a table of `have`: same columns by name (case-insensitively), same types. New
 * columns are put behind the old and *ret_changed is set when `evolve`, and then columns that may be null may
 * be missing (generated ones and those with a default always may); a narrower integer, float or decimal is
 * fine, and so is a timestamp for one without zone, which holds UTC then. A wider one makes the column wider
 * when `widen` (type widening: old files keep the narrower type). Anything else is ERR_DATA naming the column
 * and both types. *ret is the schema to write. */
bool lake_schema_merge(struct arena *a, const struct lake_schema *have, const struct lake_schema *add,
                       bool evolve, bool widen, struct lake_schema *ret, bool *ret_changed,
                       struct err *e) must_check;

/* Rows of a data file that are no more: see dv.h. */
struct lake_dv {
    char
        storage; /* 'u': a file below the table, named by a UUID; 'i': inline; 'p': a file by absolute path */
    const char *path_or_inline; /* as the log has it */
    int64_t offset;             /* into the file; -1 = not said */
    int64_t size_bytes;         /* of the serialized bitmap */
    int64_t cardinality;        /* how many rows it takes away */
};

/* Row tracking, kept as it is for a file that stays. */
struct lake_row_ids {
    int64_t base, commit_version; /* baseRowId, defaultRowCommitVersion; -1 = not said */
};

/* The same path with another deletion vector is another file: a delete removes (path, none) and adds
 * (path, dv). */
struct lake_file {
    const char *path; /* relative to the table, as on disk (the log's percent-encoding undone); absolute, "/x"
                         or "s3://b/x", in a shallow clone */
    const char *log_path;      /* as the log spells it; NULL in one that is new */
    const char *const *values; /* of the partition columns in their order; NULL = null; as the log has them */
    const struct lake_dv *dv;  /* NULL = none */
    const char *tags;          /* JSON text or NULL */
    const struct lake_row_ids *row_ids; /* NULL = none */
    const char *clustered_by;           /* clusteringProvider, NULL = none */
    int64_t size, mtime_ms;
    int64_t rows;      /* numRecords of the statistics (those that a dv takes away included), -1 = unknown */
    const char *stats; /* JSON text or NULL */
    int64_t version;   /* of the commit that added it, as far as the JSON log tells; -1 = from a checkpoint */
    bool data_change;
};

/* Rows that are still there, -1 = unknown. */
static inline int64_t lake_file_rows(const struct lake_file *f)
{
    return f->rows >= 0 && f->dv && f->dv->cardinality > 0 ? f->rows - f->dv->cardinality : f->rows;
}

struct lake_txn {
    const char *app_id;
    int64_t version;
};

struct lake_domain { /* domainMetadata: kept for those whose it is */
    const char *name, *configuration;
};

/* How files name the columns: as the schema does, or by lake_physical(), or by the field's id in Parquet. */
enum lake_mapping { LAKE_MAPPING_NONE, LAKE_MAPPING_NAME, LAKE_MAPPING_ID };

struct lake_property {
    const char *key, *value;
};

struct lake_snapshot {
    int64_t version;
    int64_t timestamp_ms; /* of the commit: commitInfo.timestamp, or the file's time */
    const char *table_id, *name, *description;
    int reader, writer; /* protocol versions */
    const char *const *reader_features,
        *const *writer_features; /* of protocol (3, 7); end with NULL; never NULL */
    struct lake_schema schema;
    enum lake_mapping mapping;
    const char *const *partition_by; /* names, not physical ones */
    size_t npartition_by;
    const struct lake_property *properties;
    size_t nproperties;
    const struct lake_file *files; /* live ones, in order of path, and then of lake_file_id() */
    size_t nfiles;
    const struct lake_txn *txns;
    size_t ntxns;
    const struct lake_domain *domains;
    size_t ndomains;
    int64_t created_ms;
    int64_t log_bytes; /* read to build it, for `show` and for tests */
};

/* How Parquet is read and written for checkpoints: lent by an engine, since the lake has none of its own. */
struct lake_parquet_add { /* a row's column "add", valid during the call; p = NULL where it is null */
    struct str path, values /* partitionValues as a JSON object */, stats;
    int64_t size, mtime_ms; /* -1 = null */
    bool data_change;
    struct str others; /* the other fields as a JSON object, when there are any that are not null */
};

struct lake_parquet {
    void *ctx;
    /* Each row of the file as one JSON object on a line. `columns` are the top-level columns of a checkpoint
     * that are wanted ("add", "metaData", ...), so that the others are not decoded; NULL ends the list. One
     * that the file does not have is passed over, and so is a row in which all of them are null. Maps are
     * objects: {"k":"v"}. */
    bool (*read)(void *ctx, const char *path, const char *const *columns,
                 bool (*line)(void *arg, const char *p, size_t n, struct err *e), void *arg, struct err *e);
    /* NDJSON text to one new local Parquet file (snappy) whose columns have these SQL types:
     * "txn STRUCT(appId VARCHAR, version BIGINT, lastUpdated BIGINT), add STRUCT(...)". */
    bool (*write)(void *ctx, const char *ndjson, size_t n, const char *columns, const char *path,
                  struct err *e);
    /* The same, and the column "add" (not among `columns`) without the way over JSON, since a checkpoint has
     * little else. NULL: it is read like the others. */
    bool (*read_adds)(void *ctx, const char *path, const char *const *columns,
                      bool (*line)(void *arg, const char *p, size_t n, struct err *e),
                      bool (*add)(void *arg, const struct lake_parquet_add *x, struct err *e), void *arg,
                      struct err *e);
};

struct lake_table {
    struct store *store;
    const char *dir;                    /* relative to the store's root: "silver/movies" */
    const struct lake_parquet *parquet; /* NULL: no checkpoints are read or written (the whole log is read) */
    const struct clock *clock;
};

/* Which version: at = {-1} is the latest; a version; or the last one not after a time. */
struct lake_at {
    int64_t version;      /* -1 = latest, unless timestamp_ms is set */
    int64_t timestamp_ms; /* 0 = not asked */
};
#define LAKE_LATEST ((struct lake_at){.version = -1})

/* The snapshot, in a's memory. A table that does not exist: ERR_USER and *ret_missing (may be NULL) true. A
 * version that is not there: ERR_USER naming those that are. A log with a hole, a cut-off or corrupt commit:
 * ERR_DATA naming the file. */
bool lake_snapshot(struct arena *a, const struct lake_table *t, struct lake_at at, struct lake_snapshot **ret,
                   bool *ret_missing, struct err *e) must_check;
/* What tells the table's files apart in its log: the path alone, or path and deletion vector. */
const char *lake_file_id(struct arena *a, const char *path, const struct lake_dv *dv);
/* The latest version alone, without reading it: -1 = no table. Cheap (a listing). */
bool lake_latest(const struct lake_table *t, int64_t *ret, struct err *e) must_check;

/* How a table with these properties maps its columns, when its protocol allows it. */
enum lake_mapping lake_mapping_of(const struct lake_property *props, size_t nprops);
/* Gives the columns of a table that will have these properties, at any depth, what files call them: the name
 * and the id that their metadata says, else those of base's column of the same name and type, else new ones.
 * A base that was not mapped has files already that call its columns by their names. Without a mapping
 * nothing is done. To be called before any file is written by the schema. */
bool lake_schema_map(struct arena *a, const struct lake_snapshot *base, const struct lake_property *props,
                     size_t nprops, struct lake_schema *s, struct err *e) must_check;

/* The physical name of a top-level column, by its name. */
const char *lake_physical_name(const struct lake_snapshot *s, const char *column);
/* Version recorded for app_id, -1 = none. */
int64_t lake_txn_version(const struct lake_snapshot *s, const char *app_id);
const char *lake_property(const struct lake_snapshot *s, const char *key); /* NULL = not set */

/* A property that people may set, with a value that it may have; ERR_USER if not, with what was meant
 * perhaps. */
bool lake_property_check(const char *key, const char *value, struct err *e) must_check;
/* May columns of the table become wider without being written again? */
bool lake_may_widen(const struct lake_property *props, size_t nprops);

#define LAKE_PRUNE "PRUNE"

/* What versions (after, s->version] did to the rows, told by files: a row in an added file came, one in a
 * removed file went, one in both was only written again. Commits that change no rows (dataChange=false) are
 * passed over: rows that they put elsewhere are still told by the files that they were in. So are prunes
 * (operation LAKE_PRUNE): what is no longer kept here is no reason to take it from what was made of it. All
 * these files can be read.
 *
 * known = false: the log no longer tells (or a file that it names is gone, or this is another table than it
 * was), and every file of s is in `added`. after = -1: every file, known. */
struct lake_changes {
    const struct lake_file **added, **removed;
    size_t nadded, nremoved;
    bool known;
};
bool lake_changes_since(struct arena *a, const struct lake_table *t, const struct lake_snapshot *s,
                        int64_t after, struct lake_changes *ret, struct err *e) must_check;
/* Has a commit after version `after` changed rows or the schema? Commits that only move rows to other files,
 * or only set watermarks, have not. True as well when the log no longer tells. */
bool lake_changed_since(const struct lake_table *t, int64_t after, bool *ret, struct err *e) must_check;
/* Has a commit after version `after` (-1 = any) added a file whose name, or that of its deletion vector's
 * file, without folders, begins with `prefix`? True as well when the log no longer tells. */
bool lake_added_since(const struct lake_table *t, int64_t after, const char *prefix, bool *ret,
                      struct err *e) must_check;

/* Statistics of one column of a written file, as DuckDB's COPY ... RETURN_STATS has them: column is `"id"` or
 * `"s"."q"`, min and max are text (NULL = none). */
struct lake_column_stats {
    const char *column, *min, *max;
    int64_t nulls; /* -1 = unknown */
    bool has_nan;
};
/* Which columns get statistics: the first leaf columns, or those that are named (and what is in them, of a
 * struct). From delta.dataSkippingNumIndexedCols and delta.dataSkippingStatsColumns. */
struct lake_indexed {
    int64_t first;     /* -1 = all, 32 is usual */
    const char *names; /* "a, s.q, `odd name`"; NULL = the first ones */
};
struct lake_indexed lake_indexed(const struct lake_property *props, size_t nprops);

/* The `stats` JSON of an add action, by Delta's rules: first 32 leaf columns unless `which` (may be NULL)
 * says others, partition columns left out, numbers as numbers, strings cut to 32 characters (max rounded up
 * or left out), timestamps in ISO form to the millisecond (min rounded down, max up), no NaN; lists and maps
 * have none. NULL when there is no memory for them. */
char *lake_stats(struct arena *a, const struct lake_schema *s, const char *const *partition_by,
                 size_t npartition_by, const struct lake_indexed *which, int64_t rows,
                 const struct lake_column_stats *cols, size_t ncols);
/* The statistics of a file that gets a deletion vector: its bounds may be of rows that are gone. NULL when
 * they cannot be read. */
const char *lake_stats_loose(struct arena *a, const char *stats);
/* min and max of a top-level column, by its physical name, from a file's stats, as JSON text ("12",
 * "\"abc\""); false = unknown. */
bool lake_file_range(struct arena *a, const struct lake_file *f, const char *column, const char **ret_min,
                     const char **ret_max);

/* Rows told by the value of one top-level column, which is not null: it lies between two bounds, both
 * included, or, of a partition column, is one of some. */
struct lake_where {
    const char *column;
    const char *min, *max;     /* JSON, as statistics have them; NULL = no bound */
    const char *const *values; /* as the log has them, NULL = null; values NULL = the bounds tell */
    size_t nvalues;
};
/* Can a row of the file be such, in all n columns? By its partition values and statistics; true when these do
 * not tell. */
bool lake_file_may_hold(const struct lake_snapshot *s, const struct lake_file *f, const struct lake_where *w,
                        size_t n);
/* The bounds of a top-level column over some files, none of them partitioned by it; false = their statistics
 * do not tell. */
bool lake_files_range(struct arena *a, const struct lake_field *column, const struct lake_file *files,
                      size_t n, struct lake_where *ret);
/* Are two partition values (NULL = null) of a primitive type the same? Writers spell numbers and times in
 * their own ways. */
bool lake_value_same(const char *type, const char *x, const char *y);

struct lake_commit {
    const struct lake_snapshot
        *base; /* what it was made from; NULL = the table does not exist yet: create it */

    /* Creation, or a change of schema, partitioning or properties: schema not NULL. Partitioning can change
     * only in a commit that removes every file. */
    const struct lake_schema *schema;
    const char *const *partition_by;
    size_t npartition_by;
    const struct lake_property *properties; /* merged over the table's; value NULL removes */
    size_t nproperties;

    /* path, values, size, mtime_ms, stats, tags, data_change and dv are used; log_path is NULL unless the
     * file has been in the table before. */
    const struct lake_file *adds;
    size_t nadds;
    const struct lake_file *changes; /* of the change data feed: path, values, size */
    size_t nchanges;
    bool checked;                           /* the added rows satisfy the table's CHECK constraints */
    const struct lake_file *const *removes; /* of base->files */
    size_t nremoves;
    const struct lake_txn *txns;
    size_t ntxns;

    bool blind; /* an append that read nothing of the table: passes beside any other append or rewrite */
    /* If it is not: it has read only rows that are so in all these columns, and files that have none of them
     * may come and go meanwhile; and of the files that it has read it removes every one that has such a row.
     * 0 = it may have read every row. */
    const struct lake_where *reads;
    size_t nreads;
    const char *operation;  /* "WRITE", "MERGE", "CREATE TABLE", ... as in other writers' commitInfo */
    const char *parameters; /* JSON object as text of strings, NULL = {} */
    const char *metrics;    /* JSON object as text of strings, NULL = {} */
    const char *run_id;     /* into commitInfo.userMetadata's place: {"cupel_run": ...}; NULL = none */
};

/* May the table be written here, and (removes) may rows be taken away? ERR_DATA naming the feature or
 * property that forbids it. For asking before any work is done: lake_commit() asks, too. */
bool lake_may_change(const struct lake_table *t, const struct lake_snapshot *s, bool removes,
                     struct err *e) must_check;

/* Data files are made durable first, then the log entry; when it returns true the commit is on disk and every
 * later reader sees it. Conflicts (ERR_CONFLICT): the table's schema or protocol changed, a file that it
 * removes is gone, one of its txn app ids was written, a concurrent create, or (not blind) rows that it could
 * have read (`reads`) were removed, or added by a commit that was not a blind append itself: one that was may
 * be thought of as having come later. A commit whose files all say data_change = false only moves rows to
 * other files: what others add or remove beside them does it no harm. A disk that fails at the very end
 * (ERR_IO) can leave the commit done: a retry reads again and looks at its txn. Every 10th version a
 * checkpoint is written; a checkpoint that fails does not fail the commit. *ret_version is the version it
 * got. */
bool lake_commit(struct arena *a, const struct lake_table *t, const struct lake_commit *c,
                 int64_t *ret_version, struct err *e) must_check;

struct lake_version {
    int64_t version, timestamp_ms;
    const char *operation, *parameters, *metrics, *run_id, *engine; /* "" or NULL when not there */
    const char *user_metadata, *user_name, *isolation;              /* NULL when not there */
    int64_t read_version;                                           /* -1 = not said */
    bool blind_append, data_change;                                 /* false: no rows came or went */
    int64_t files_added, files_removed, rows_added, bytes_added;    /* -1 = unknown */
    int64_t bytes_removed;
};
/* Newest first, at most `limit` (0 = all that the log still has). */
bool lake_history(struct arena *a, const struct lake_table *t, size_t limit, struct lake_version **ret,
                  size_t *ret_n, struct err *e) must_check;

/* "year=2026/month=11" of a partition, as written on disk; and a fresh name for a data file:
 * "part-<uuid>.snappy.parquet" (random, so that two writers never meet). */
char *lake_partition_dir(struct arena *a, const char *const *columns, const char *const *values, size_t n);
char *lake_uuid(struct arena *a);

/* Every table below the store's root ("silver/movies"), found by its _delta_log, sorted. */
bool lake_tables(struct arena *a, struct store *s, const char ***ret, size_t *ret_n,
                 struct err *e) must_check;
