/* internal.h - what the files of the DuckDB driver share. */
#pragma once
#include <pthread.h>
#include <stdatomic.h>

#include "base/text.h"
#include "engine/duck.h"
#include "engine/engine.h"
#include "engine/memo.h"
#include "engine/sqltext.h"
#include "lake/map.h"

enum {
    MAX_SQL = 64 << 20,          /* of one statement: thousands of file names */
    MAX_REJECT_BYTES = 64 << 20, /* of rejected rows that are kept for one stage */
};

/* --- duckdb.c: engine, sessions, statements --- */

struct engine {
    struct engine_conf conf;
    pthread_mutex_t open_lock;
    atomic_bool opened; /* db and con are there */
    duckdb_database db;
    duckdb_connection con; /* for checkpoints and for taking sessions away; under con_lock */
    int threads;           /* for data; one until there is some */
    atomic_bool awake;     /* they have been started */
    pthread_mutex_t con_lock;
    atomic_int_fast64_t next_id;
    struct lake_parquet parquet;
    struct memo *memo;

    pthread_mutex_t lock; /* of all below */
    pthread_cond_t wake;
    pthread_t watcher;
    bool watching, stop;
    struct session *running; /* those in a statement that can be cancelled */
    struct gate_run *gate_runs;
    struct book *books;
    struct arrow_in *arrows;
};

struct relation {
    const char *name;
    bool exists;         /* in DuckDB, under that name */
    bool table;          /* if it exists; a view otherwise */
    const char *columns; /* "(a BIGINT, ...)" of a table without rows; NULL = it is something else */
    bool pending;        /* to be made of them when somebody names it */
};

struct session {
    struct engine *engine;
    struct arena *a;            /* lives as long as the session */
    const atomic_bool *cancel;  /* NULL = never */
    duckdb_connection con;      /* NULL until it is needed: see duck_session_need() */
    duckdb_connection bind_con; /* the same catalogue without the optimizer; NULL until used */
    const char *catalog;
    struct list_of(const char *) schemas;
    struct list_of(struct relation) relations;
    struct map names; /* of them, in lower case, by the same numbers */
    size_t npending;  /* of them */
    struct session *next_running;
};

/* Where the user's SQL is in a statement of ours, for errors. */
struct origin {
    const char *text; /* as the user wrote it */
    const struct sqltext *plain;
    size_t offset; /* of plain->sql in the statement */
    struct src at;
};

struct statement {
    const char *sql;
    struct engine_params params; /* those it does not name are passed over */
    const struct origin *origin; /* NULL = all of it is ours */
    bool stream;                 /* rows as they are fetched, not all at once */
};

/* The result is destroyed by the caller. */
bool duck_run(struct session *s, const struct statement *st, duckdb_result *ret, struct err *e) must_check;
/* Statements without parameters, rows thrown away; for one connection or for the session (with its cancel
 * flag). */
bool duck_exec(duckdb_connection con, const char *sql, struct err *e) must_check;
bool duck_exec_in(struct session *s, const char *sql, struct err *e) must_check;
/* The connection for binding. */
bool duck_bind_con(struct session *s, duckdb_connection *ret, struct err *e) must_check;
int64_t duck_next_id(struct engine *g);
/* DuckDB takes 20 ms to be there: it is opened, and the session's connection made, by the first statement. */
bool duck_engine_need(struct engine *g, struct err *e) must_check;
bool duck_session_need(struct session *s, struct err *e) must_check;
/* Data will be read: all threads are started, once. */
bool duck_awake(struct engine *g, struct err *e) must_check;

/* Between these two the watcher interrupts the session when its cancel flag is set. */
void duck_watch_begin(struct session *s);
void duck_watch_end(struct session *s);

static inline void free_result(duckdb_result *r)
{
    duck.destroy_result(r);
}
#define auto_result auto_call(free_result) duckdb_result
static inline void free_chunk(duckdb_data_chunk *c)
{
    if (*c)
        duck.destroy_data_chunk(c);
}
#define auto_chunk auto_call(free_chunk) duckdb_data_chunk
static inline void free_prepared(duckdb_prepared_statement *p)
{
    duck.destroy_prepare(p);
}
#define auto_prepared auto_call(free_prepared) duckdb_prepared_statement
static inline void free_type(duckdb_logical_type *t)
{
    if (*t)
        duck.destroy_logical_type(t);
}
#define auto_type auto_call(free_type) duckdb_logical_type

/* --- duckdb_error.c --- */

/* Translates DuckDB's message (JSON, as errors_as_json makes it, or text). `running`: rows were being
 * computed, so that a value that does not convert is the data's fault and not the text's. Returns false. */
bool duck_fail(struct err *e, const char *message, bool running, const struct origin *o);

/* --- duckdb_type.c --- */

/* The type's name in DuckDB's SQL. */
void duck_type_name(struct buf *b, duckdb_logical_type t);
/* What a table holds for it, NULL = cannot be stored. */
const struct lake_type *duck_type_stored(struct arena *a, duckdb_logical_type t);
/* The SQL type that a lake type is read and written as. */
void duck_type_sql(struct buf *b, const struct lake_type *t);
/* The same with the names that files have for fields within it. */
void duck_physical_sql(struct buf *b, const struct lake_type *t);

/* --- duckdb_mapping.c --- */

enum mapping_way { MAPPING_FROM_FILES, MAPPING_TO_FILES };
/* The expression x, of a type with the fields' names on one side, with those on the other. */
void duck_mapping_sql(struct buf *b, const struct lake_type *t, const char *x, enum mapping_way way);
/* Do files call any of the columns otherwise, or by an id? */
bool duck_is_mapped(const struct lake_schema *s);
/* The field as a member of a COPY's FIELD_IDS, behind a comma if there are others; nothing without an id. */
void duck_field_id(struct buf *b, const struct lake_field *f);

/* --- duckdb_value.c: reading chunks --- */

struct str duck_string(duckdb_vector v, idx_t row);
bool duck_is_null(duckdb_vector v, idx_t row);

/* --- duckdb_bind.c --- */

bool duck_refs(struct arena *a, struct session *s, const char *text, struct src at, struct engine_ref **ret,
               size_t *ret_n, struct err *e) must_check;
bool duck_bind(struct arena *a, struct session *s, const char *sql, struct engine_params params,
               struct src at, struct engine_column **ret, size_t *ret_n, struct err *e) must_check;
bool duck_bind_params(duckdb_prepared_statement p, struct engine_params params, struct err *e) must_check;

/* --- duckdb_relation.c --- */

bool duck_relation_files(struct session *s, const char *name, const struct lake_table *t,
                         const struct lake_snapshot *snap, const struct lake_file *const *files,
                         size_t nfiles, struct err *e) must_check;
bool duck_relation_empty(struct session *s, const char *name, const struct engine_column *cols, size_t ncols,
                         struct err *e) must_check;
bool duck_relation_ddl(struct session *s, const char *name, const char *ddl, struct err *e) must_check;
bool duck_relation_sql(struct session *s, const char *name, const char *sql, bool keep,
                       struct err *e) must_check;
bool duck_matching_rows(struct arena *a, struct session *s, const struct lake_table *t,
                        const struct lake_snapshot *snap, const struct lake_file *const *files, size_t nfiles,
                        const char *condition, struct engine_hits *ret, struct err *e) must_check;
bool duck_matching_files(struct session *s, const struct lake_table *t, const struct lake_snapshot *snap,
                         const struct lake_file *const *files, size_t nfiles, const char *const *key,
                         size_t nkey, const char *keys, bool *hit, struct err *e) must_check;
/* The name of a relation, quoted, its schema and version kept apart: "silver"."movies@v3". */
void duck_relation_ident(struct buf *b, const char *name);
/* Makes those that a statement names and that are only promised (see relation.pending): most of the tables
 * that are told to a session for checking are never named, and each costs as much as a small query. */
bool duck_relations_need(struct session *s, const char *sql, struct err *e) must_check;
/* Adds what the tables named in a text are to the key; false = some of them are not empty tables, or the text
 * reads what is no table. */
bool duck_relations_key(struct session *s, const char *sql, struct memo_key *k);
/* Makes the relation anew: `body` is what follows CREATE VIEW name AS, or CREATE TABLE name. */
bool duck_relation_set(struct session *s, const char *name, bool table, const char *body,
                       struct err *e) must_check;

/* --- duckdb_scan.c --- */

/* Names of further columns that tell where a row is; NULL = none. */
struct scan_place {
    const char *file, *row; /* duck_file_uri(); its number in that file, from 0 */
};
/* Appends a SELECT over files of a table: its columns in the schema's order and types, without the rows that
 * deletion vectors take away. `place` may be NULL. */
bool duck_scan_sql(struct session *s, struct buf *b, const struct lake_table *t,
                   const struct lake_snapshot *snap, const struct lake_file *const *files, size_t nfiles,
                   const struct scan_place *place, struct err *e) must_check;

const char *duck_file_uri(struct arena *a, const struct lake_table *t, const struct lake_file *f);
/* read_parquet() of one file, its columns as they are; and a path that is no pattern, as a literal. */
void duck_add_parquet(struct buf *b, const char *path);
void duck_add_path(struct buf *b, const char *path);

/* --- duckdb_book.c --- */

/* Reads the files' deletion vectors; *ret is how SQL names what was found, until the session ends. */
bool duck_book_open(struct session *s, const struct lake_table *t, const struct lake_snapshot *snap,
                    const struct lake_file *const *files, size_t nfiles, int64_t *ret,
                    struct err *e) must_check;
bool duck_books_register(struct engine *g, struct err *e) must_check;

/* --- duckdb_stage.c, duckdb_gate.c --- */

bool duck_stage(struct arena *a, struct session *s, const struct engine_stage *g, struct engine_staged *ret,
                struct err *e) must_check;

struct gate_run; /* the rows that one stage holds back */
struct gate_run *duck_gates_begin(struct session *s, const struct engine_stage *g);
/* Appends the boolean expression that lets a row pass or records why not. `columns` are those of the row that
 * are shown of a rejected one; reject_list: the reject column is a list. */
void duck_gates_sql(struct buf *b, const struct gate_run *r, const struct engine_stage *g,
                    const char *const *columns, size_t ncolumns, bool reject_list);
void duck_gates_end(struct arena *a, struct gate_run *r,
                    struct engine_staged *ret); /* ret NULL: throw away */
bool duck_gates_register(struct engine *g, struct err *e) must_check;

/* --- duckdb_arrow.c --- */

bool duck_query(struct session *s, const char *sql, struct engine_params params, struct src at,
                struct ArrowArrayStream *ret, struct err *e) must_check;
bool duck_relation_arrow(struct session *s, const char *name, struct ArrowArrayStream *in,
                         struct err *e) must_check;
bool duck_arrow_register(struct engine *g, struct err *e) must_check;
void duck_arrow_drop(struct session *s, const char *name); /* NULL = all of the session */
/* The failure of a stream that one of the session's relations was reading, if there is one: DuckDB only
 * quotes it. */
bool duck_arrow_error(struct session *s, struct err *e);

/* --- duckdb_function.c, duckdb_parquet.c --- */

struct duck_function { /* a scalar function of ours */
    const char *name;
    duckdb_type parameters[4]; /* fewer end with DUCKDB_TYPE_INVALID */
    duckdb_type list;          /* of what the last parameter is a list; DUCKDB_TYPE_INVALID = there is none */
    duckdb_type result;
    duckdb_scalar_function_t call; /* its extra info is the engine */
    bool is_volatile;
    bool takes_nulls; /* else the result is null when an argument is */
};
bool duck_function_add(struct engine *g, const struct duck_function *f, struct err *e) must_check;
bool duck_functions_register(struct engine *g, struct err *e) must_check;
void duck_parquet_init(struct engine *g);

/* --- duckdb_curve.c --- */

bool duck_curve_register(struct engine *g, struct err *e) must_check;
