/* engine.h - what runs the SQL: a driver per engine; DuckDB, in the process, is the one built in.
 *
 * An engine reads tables as the lake describes them (a snapshot's files), and writes files that the lake then
 * commits: it never touches a Delta log itself. Rows leave as Arrow C streams.
 *
 * A session is one connection with a catalogue of its own: what `silver.movies` means in it is set by the
 * relations that its owner makes, so two tasks may see different versions of one table. A session is used by
 * one thread at a time; sessions of one engine may run side by side and share its threads and memory limit.
 */
#pragma once
#include "base/task.h"
#include "lake/lake.h"

struct ArrowArrayStream;
struct engine;
struct session;

struct engine_conf {
    int threads;           /* 0 = as many as cores */
    int64_t memory_bytes;  /* 0 = the engine's default, 60 % of the machine */
    const char *spill_dir; /* for what does not fit; NULL = refuse to spill */
    const char *memo;      /* a file that remembers what bind() said; NULL = none */
    const char *folder;    /* where files that SQL names by relative paths are, too; NULL = only below the
                            * working folder */
};

enum param_type {
    PARAM_TEXT,
    PARAM_INT,
    PARAM_REAL,
    PARAM_BOOL,
    PARAM_TIMESTAMP, /* us, UTC, in num */
    PARAM_DATE,      /* days since 1970, in num */
    PARAM_TEXTS,
    PARAM_INTS
};
struct engine_param { /* bound by name: $now */
    const char *name;
    enum param_type type;
    bool null; /* of that type, which must not be a list's */
    const char *text;
    int64_t num; /* INT, BOOL, TIMESTAMP, DATE */
    double real;
    const char *const *texts; /* TEXTS */
    const int64_t *nums;      /* INTS */
    size_t n;
};
struct engine_params {
    const struct engine_param *v;
    size_t n;
};

struct engine_column {
    const char *name;
    const char *sql_type;         /* in the engine's words: "BIGINT", "STRUCT(id BIGINT, ...)[]" */
    const struct lake_type *type; /* as the lake will hold it, after the casts that it needs; NULL = cannot be
                                     stored (INTERVAL, NULL, ...) */
};

/* A table named in a text of SQL. */
struct engine_ref {
    const char *name; /* "silver.movies", "movies", "silver.movies@v3" */
    size_t offset;    /* in the text, in bytes */
};

struct gate {         /* a condition on each row of a staged SELECT */
    const char *name; /* shown as the reason: "not_null(title)" */
    const char *sql;  /* boolean expression over the row's columns; false or NULL = the row fails */
    bool warn;        /* the row is kept and only counted */
};

struct engine_computed { /* a column of the table that the SELECT has not: from the others, as stored */
    const char *column, *sql;
};

struct engine_stage {
    const char *sql; /* one SELECT; its own parameters by name */
    struct src at;   /* where sql[0] stands in the user's file, for errors; line 0 = nowhere */
    struct engine_params params;
    struct store *store;
    /* Of the table, relative to the store: files are written below it, invisible until committed. */
    const char *dir;
    /* Files are named "part-<token>-...", so that they can be found again; NULL = a random one. */
    const char *token;
    /* Columns are cast to it and put in its order; those the SELECT has not are null. NULL = as the SELECT
     * gives. Files call them by their physical names, with their ids, at any depth. */
    const struct lake_schema *schema;
    const struct engine_computed *computed; /* columns of `schema` */
    size_t ncomputed;
    const char *const *partition_by;
    size_t npartition_by;
    const struct lake_indexed *indexed; /* which columns get statistics; NULL = the usual ones */
    const struct gate *gates;
    size_t ngates;
    /* A column of the SELECT (VARCHAR or VARCHAR[]) that holds the row's own reasons for being rejected, NULL
     * or empty = none; it is not stored. NULL = there is no such column. */
    const char *reject;
    /* Rejected rows whose content is kept, the first ones and at most 64 MiB; all are counted. */
    int64_t max_rejects;
    int64_t file_bytes; /* start another file past this size, 0 = 512 MiB; not of partitions */
};

struct engine_reject {
    const char *const *reasons;
    size_t nreasons;
    const char *row; /* as a JSON object */
};

struct engine_staged {
    struct lake_schema schema;
    struct lake_file *files; /* ready to be added: path, values, size, rows, stats */
    size_t nfiles;
    int64_t rows;                  /* written */
    int64_t rejected;              /* rows that a gate (not warn) or their own reject column held back */
    int64_t *gate_failed;          /* one for each gate */
    struct engine_reject *rejects; /* at most max_rejects */
    size_t nrejects;
};

struct engine_hits { /* rows of one file, in no order */
    int64_t *rows;
    size_t n;
};

struct engine_driver {
    const char *name;

    /* Cheap: an engine that takes time to be there is started by the first statement that needs it, and what
     * is wrong with it (a library that is missing) is said by that one. */
    bool (*open)(struct arena *a, const struct engine_conf *c, struct engine **ret, struct err *e);

    /* Sessions live until their arena is freed. cancel may be NULL. */
    bool (*session)(struct arena *a, struct engine *g, const struct task *t, struct session **ret,
                    struct err *e);

    /* The tables that a SELECT (or several statements) names, without its own CTEs, each once, in order;
     * needs no catalogue. Errors have a place relative to `at`, which is where text[0] stands in the user's
     * file. */
    bool (*refs)(struct arena *a, struct session *s, const char *text, struct src at, struct engine_ref **ret,
                 size_t *ret_n, struct err *e);

    /* The columns a SELECT gives. Errors have a place, and hints for unknown columns, tables, functions.
     * Unknown $parameters are an error too. */
    bool (*bind)(struct arena *a, struct session *s, const char *sql, struct engine_params params,
                 struct src at, struct engine_column **ret, size_t *ret_n, struct err *e);

    /* Writes down what bind() found out, for the next process: see engine_conf.memo. */
    void (*remember)(struct engine *g);

    /* What a name means in this session; each replaces what it meant before. A dot in the name parts a schema
     * off, as in SQL: "silver.movies@v3" is "silver"."movies@v3".
     *
     * relation_files: files NULL = all of the snapshot. Columns are matched as the table maps them (by name,
     * physical name or field id), and null where a file has them not; rows that deletion vectors take away
     * are left out. */
    bool (*relation_files)(struct session *s, const char *name, const struct lake_table *t,
                           const struct lake_snapshot *snap, const struct lake_file *const *files,
                           size_t nfiles, struct err *e);
    bool (*relation_empty)(struct session *s, const char *name, const struct engine_column *cols,
                           size_t ncols, struct err *e);
    /* Empty, with columns "a BIGINT, ...". */
    bool (*relation_ddl)(struct session *s, const char *name, const char *ddl, struct err *e);
    bool (*relation_sql)(struct session *s, const char *name, const char *sql, bool keep, struct err *e);
    /* Takes the stream over, also when it fails. It can be read once: for loading, not for joins with itself.
     */
    bool (*relation_arrow)(struct session *s, const char *name, struct ArrowArrayStream *in, struct err *e);

    /* hit[i] = some row of files[i] (of the snapshot) has the key of some row of `keys`, a relation that has
     * the key columns. Reads the key columns only. */
    bool (*matching_files)(struct session *s, const struct lake_table *t, const struct lake_snapshot *snap,
                           const struct lake_file *const *files, size_t nfiles, const char *const *key,
                           size_t nkey, const char *keys, bool *hit, struct err *e);

    /* ret[i] = the rows of files[i] (of the snapshot) for which a condition on "target", the row, is true, by
     * their numbers in that file; rows that its deletion vector takes away have none. */
    bool (*matching_rows)(struct arena *a, struct session *s, const struct lake_table *t,
                          const struct lake_snapshot *snap, const struct lake_file *const *files,
                          size_t nfiles, const char *condition, struct engine_hits *ret, struct err *e);

    /* The SELECT's rows as files of a table, ready to be committed. Files of a failed stage are removed. */
    bool (*stage)(struct arena *a, struct session *s, const struct engine_stage *g, struct engine_staged *ret,
                  struct err *e);

    /* Rows as an Arrow stream, which the caller releases, before the session ends and before its next
     * statement. It streams: nothing is materialised. Its errors: engine_stream_fail(). */
    bool (*query)(struct session *s, const char *sql, struct engine_params params, struct src at,
                  struct ArrowArrayStream *ret, struct err *e);
    bool (*exec)(struct session *s, const char *sql, struct err *e); /* a statement of ours, no rows wanted */
    /* From here on the whole engine takes it that each file is read once, and all of it: nothing is
     * remembered of files, and what lies together in one is fetched in one piece. */
    bool (*read_once)(struct session *s, struct err *e);

    /* For the lake's checkpoints. */
    const struct lake_parquet *(*parquet)(struct engine *g);
};
extern const struct engine_driver engine_duckdb;

/* The error behind a non-zero answer of a stream's callback: of an engine's stream with its kind, place and
 * hint, of others the kind that the code stands for. Returns false. */
bool engine_stream_fail(struct ArrowArrayStream *in, int code, struct err *e);
/* For those who make streams: the code for a kind; and get_last_error for private data that begins with a
 * struct err. */
int engine_stream_code(enum err_kind kind);
const char *engine_stream_last_error(struct ArrowArrayStream *in);

/* One row, one value, by engine->query: for counts and checks of ours. *ret_null may be NULL. */
bool engine_int(const struct engine_driver *d, struct session *s, const char *sql, int64_t *ret,
                bool *ret_null, struct err *e) must_check;
/* Every value as text (NULL = null), row by row: for small results. */
struct engine_rows {
    const char **names;
    const char *const *const *rows; /* rows[i][column] */
    size_t ncolumns, nrows;
};
bool engine_rows(const struct engine_driver *d, struct arena *a, struct session *s, const char *sql,
                 struct engine_params params, size_t max_rows, struct engine_rows *ret,
                 struct err *e) must_check;
