/* internal.h - what the files of this folder share, and what a project remembers for itself. */
#pragma once
#include "lake/map.h"
#include "project/read.h"

/* A column that something of a model's header names: it must be among those that the SELECT gives. */
struct column_use {
    const char *column, *what; /* what: "key", "partition_by", "check" */
    struct src at;
};

/* A table that an asset needs, and where that is said. */
struct need {
    const char *table;
    struct src at;
    bool input; /* the SELECT reads it; else only a check does */
};

struct model_notes { /* beside each model, by the same index */
    struct list_of(struct column_use) uses;
    struct list_of(struct need) needs;
    struct src partition_at;
    struct src *incremental_key_at; /* one for each incremental */
    const char *const *params;      /* the names that its SELECT has behind a $ */
    size_t nparams;
    bool broken; /* reported already: what depends on it is not looked at */
};

enum maker_kind { MAKER_MODEL, MAKER_SOURCE, MAKER_QUARANTINE, MAKER_LOG };
struct maker { /* who makes a table */
    enum maker_kind kind;
    size_t index;    /* of the model or source */
    const char *ddl; /* of all but models */
    struct src at;
    bool related; /* the session that binds has a relation for it */
};

struct internals {
    struct environment env;
    struct map tables; /* names of all tables; makers by the same number */
    struct list_of(struct maker) makers;
    struct map assets; /* names of assets; positions in project.assets by the same number */
    size_t *positions;
    struct model_notes *notes; /* as many as models */
    bool incomplete;           /* a source could not be read: tables may be unknown for that reason alone */
};

/* --- files read --- */

/* cupel.yaml; false = not even YAML, the rest cannot be read. */
bool config_read(struct project *p, const struct project_options *o, const char *text, size_t n,
                 struct problems *problems, struct err *e) must_check;
/* `storage:`, what is not said there stays; then what an environment knows of the rest, .env included. */
void storage_read(const struct reader *r, const char *root, const struct yaml *map, struct store_conf *ret);
void storage_from_environment(const struct environment *env, struct store_conf *ret);
/* One value of `vars:`, typed by how it is written. */
bool variable_read(const struct reader *r, const struct yaml_key *key, const struct yaml *y,
                   struct variable *ret);
/* --var name=value */
bool variable_set(struct arena *a, struct project *p, const char *assignment, struct err *e) must_check;

/* What sources/<name>.yaml says; false = not usable, reported. *ret has name, path and text. */
bool source_read(const struct reader *r, struct source *ret) must_check;
bool http_source_read(const struct reader *r, const struct yaml *root, struct src at,
                      struct source *ret) must_check;

/* A model's file: the header, the SELECT. *ret has name, path and text. False = there is no SELECT to work
 * with; mistakes of the header are only reported. */
bool model_read(const struct reader *r, struct model *ret, struct model_notes *notes) must_check;
/* The header's YAML, *ret NULL = none; *ret_end is the offset behind it, 0 = there is none,
 * SIZE_MAX = it does not end. False = reported. */
bool header_read(const struct reader *r, const char *path, const char *text, const struct yaml **ret,
                 size_t *ret_end);
/* The header's `checks:`; *passing as it is said among them. */
bool checks_read(const struct reader *r, const struct yaml *list, struct model *m, struct model_notes *notes,
                 const struct yaml **ret_passing);

/* --- SQL looked at without an engine --- */

struct sql_text {
    size_t start,
        end; /* of the statement: comments around it and the semicolon are cut off; 0, 0 = there is none */
    size_t second;         /* where another statement begins, SIZE_MAX = none */
    struct str first_word; /* "SELECT", "WITH", ... */
    uint64_t hash;         /* of the words, whatever the white space and comments between them */
    const char **params;
    size_t nparams;
};
/* False = a quote or comment that does not end, *ret_at is its offset and *e says which. */
bool sql_scan(struct arena *a, const char *text, struct sql_text *ret, size_t *ret_at,
              struct err *e) must_check;
/* Where byte `offset` of a text of SQL stands, whose first byte stands at `at` and whose further lines are
 * set in. */
struct src sql_place(const char *sql, size_t offset, struct src at, int indent);

/* --- the graph --- */

/* Who makes a table, by its name in lower case; NULL = nobody. */
struct maker *maker_find(const struct project *p, const char *table);
/* Adds a table; one that another asset makes already is reported. */
bool maker_add(struct project *p, const struct reader *r, const char *table, struct maker m);

#define TABLE_LOG "bronze.extraction_log"
