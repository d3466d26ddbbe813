/* project.h - a folder read into assets: sources, models and pages, each with its places in the user's files.
 *
 * Loading has three steps, each needing the one before: project_load() reads files (no engine, no data);
 * project_link() asks the engine which tables each SELECT names and makes the graph; project_bind() gives
 * every table its columns. `cupel validate` is all three; nothing of it touches data.
 *
 * All memory is the project's arena. Every mistake is reported, not only the first: they go to `problems`.
 */
#pragma once
#include "connector/connector.h"
#include "connector/http.h"
#include "engine/engine.h"
#include "store/store.h"

struct problems { /* errors in order of files and lines; more than 100 are only counted */
    struct err *v;
    size_t n, cap, total;
    struct arena *a;
};
void problems_add(struct problems *p, const struct err *e);

struct variable {
    const char *name;
    struct engine_param value; /* typed by how YAML writes it; a list is TEXTS or INTS */
    struct src at;
};

enum check_kind {
    CHECK_NOT_NULL,        /* rows */
    CHECK_UNIQUE,          /* table: the columns together */
    CHECK_ACCEPTED_VALUES, /* rows; null passes */
    CHECK_ROWS,            /* rows: `- row: "budget >= 0"`: true or null passes */
    CHECK_RELATIONSHIPS,   /* table: every non-null value is in another table's column */
    CHECK_ROW_COUNT,       /* table: min, max */
    CHECK_QUERY,           /* table: a SELECT that gives the rows that are wrong */
};
struct check {
    enum check_kind kind;
    const char *name; /* as shown: "not_null(movie_id)", or the user's `name:` */
    struct src at;
    const char *const *columns;
    size_t ncolumns;
    const char *const *values; /* accepted values, as SQL literals */
    size_t nvalues;
    const char *sql;   /* ROWS: expression, QUERY: SELECT over the model's own name and others */
    struct src sql_at; /* where sql[0] stands; RELATIONSHIPS: where the other column is named */
    int sql_indent;    /* how far its further lines are set in, in the file */
    const char *to_table, *to_column;
    int64_t min, max; /* ROW_COUNT; -1 = open */
    bool warn;        /* severity: warn */
};

enum model_mode { MODE_REPLACE, MODE_APPEND, MODE_MERGE, MODE_PARTITIONS, MODE_VIEW };

struct incremental {
    const char *table;
    const char *key; /* NULL: read only rows added since my last commit; else: every row of this model whose
                        `key` occurs in rows added to (or changed in) that table is made anew */
    struct src at;
};

struct model {
    const char *name; /* "silver.movies", from the path models/silver/movies.sql */
    const char *path; /* relative to the project */
    const char *description;
    enum model_mode mode;
    const char *const *key;
    size_t nkey;
    const char *const *partition_by;
    size_t npartition_by;
    const struct incremental *incremental;
    size_t nincremental;
    const char
        *sequence_by;   /* merge: a row replaces only one whose value here is not greater; NULL = always */
    struct merge_when { /* SQL conditions on the rows "source" (new) and "target" (old); NULL = not asked */
        const char *update, *delete, *insert;
        struct src update_at, delete_at, insert_at;
    } when;              /* of merge */
    int64_t keep_ms;     /* retention for `prune`; 0 = for ever */
    const char *keep_by; /* the column that tells how old a row is; NULL = see asset_prune() */
    const struct check *checks;
    size_t nchecks;
    double passing; /* share of rows that must pass the row checks, 1 by default; the rest is quarantined */
    bool evolve;    /* `schema: evolve` (default): new columns are added; `freeze`: refused */
    const char *const *tags;
    size_t ntags;
    const struct lake_property *properties; /* of the table, set when it is next written */
    size_t nproperties;

    const char *sql;      /* the SELECT, header and trailing semicolon cut off */
    struct src sql_at;    /* where sql[0] stands in the file */
    const char *text;     /* the whole file, for err_print */
    uint64_t fingerprint; /* of the SELECT and the header: another one = the table is made anew */
    bool uses_now;        /* names $now, $run_id, $start or $end */
    bool uses_range;      /* names $start or $end */
    bool reads_files;     /* besides tables: nobody tells when those change */
    const char *reject;   /* "_reject" when the SELECT gives such a column (known after project_bind) */

    /* after project_link */
    const char *const *inputs; /* tables it reads, without itself */
    size_t ninputs;
    /* after project_bind: what the SELECT gives, `_reject` left out */
    const struct engine_column *columns;
    size_t ncolumns;
};

struct source {
    const char *name, *path, *text; /* "tmdb", from sources/tmdb.yaml */
    struct src at;
    const struct connector *connector;
    const void *conf; /* the connector's: struct http_source */
    const struct source_table *tables;
    size_t ntables;
    const char
        *missing_env; /* a variable of the environment that it needs and that is not set; NULL = none */
    int64_t keep_ms;
    const char *const *tags;
    size_t ntags;
};

struct page {
    const char *name, *path, *text; /* "kpi", from pages/kpi.md */
};

enum asset_kind { ASSET_SOURCE, ASSET_MODEL };
struct asset { /* a node of the graph */
    enum asset_kind kind;
    const char *name; /* "tmdb", "silver.movies" */
    const struct source *source;
    struct model *model;
    const size_t *needs; /* indices of assets that come before */
    size_t nneeds;
};

struct project {
    struct arena *a;
    const char *root; /* absolute path of the folder with cupel.yaml */
    const char *name;
    const char *lake; /* URI; relative to root by default: "lake" */
    struct store_conf storage;
    const char *state; /* root/.cupel */
    const char *env;   /* the environment chosen by -e, "default" */
    struct engine_conf engine;
    struct variable *vars;
    size_t nvars;
    struct source *sources;
    size_t nsources;
    struct model *models;
    size_t nmodels;
    struct page *pages;
    size_t npages;

    /* after project_link: in an order in which every asset comes after those it needs */
    struct asset *assets;
    size_t nassets;

    struct internals *in; /* of src/project alone */
};

struct project_options {
    const char *dir;         /* where to look for cupel.yaml, going upwards; NULL = here */
    const char *env;         /* -e */
    const char *const *vars; /* "pages=3" from --var, ends with NULL; NULL = none */
};

/* ERR_USER when there is no project; mistakes inside its files go to `problems` and the call still succeeds
 * as long as cupel.yaml could be read. */
bool project_load(struct arena *a, const struct project_options *o, struct project **ret,
                  struct problems *problems, struct err *e) must_check;
/* Is there one in `dir` (NULL = here) or above it? And what stands for one where there is none: no assets, no
 * variables, nothing that lasts. */
bool project_is_there(const char *dir);
struct project *project_none(struct arena *a);
void project_link(struct project *p, const struct engine_driver *d, struct session *s,
                  struct problems *problems);
/* `session` then holds an empty relation for every table that a model or one of its checks reads. */
void project_bind(struct project *p, const struct engine_driver *d, struct session *s,
                  struct problems *problems);

/* The parameters of a model's SELECT: $now, $run_id, $start, $end and the project's variables. */
struct run_params {
    int64_t now_us, start_us, end_us; /* half-open [start, end); INT64_MIN / INT64_MAX = open */
    const char *run_id;
};
struct engine_params project_params(struct arena *a, const struct project *p, const struct run_params *r);

struct asset *project_asset(const struct project *p, const char *name);
/* The asset that makes a table: its model, or the source that fills it. */
struct asset *project_table(const struct project *p, const char *table);

/* The columns of a table whose shape is known before any data: a source's tables, bronze.extraction_log,
 * quarantine tables. "a BIGINT, b VARCHAR"; NULL for models and unknown names. */
const char *project_table_ddl(const struct project *p, const char *table);

/* Selection by dbt's words: `silver.movies`, `gold.*`, `+gold.trending`, `silver.movies+1`, `2+m+1`,
 * `tag:hourly`, `path:models/gold`, `source:tmdb`; comma = and, space = or. Ticks chosen[i] for assets[i].
 * NULL select = all. An unknown name is ERR_USER with "did you mean". */
bool project_select(const struct project *p, const char *select, const char *exclude, bool *chosen,
                    struct err *e) must_check;
