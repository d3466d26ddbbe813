/* action.h - the lines of the log: what each says, and how it is written. */
#pragma once
#include "lake/lake.h"

struct pair {
    const char *key, *value; /* value NULL = null */
};

struct file_act {              /* an add or a remove */
    const char *path;          /* decoded: what files are told apart by */
    const char *log_path;      /* as it is spelled in the log */
    const struct pair *values; /* partitionValues */
    size_t nvalues;
    bool has_values;   /* a remove need not have them */
    bool has_change;   /* it says whether data change */
    int64_t size;      /* -1 = not said */
    int64_t time_ms;   /* modificationTime; of a remove deletionTimestamp */
    int64_t rows;      /* numRecords, -1 = not said */
    const char *stats; /* JSON text, or NULL */
    const char *tags;  /* JSON text, or NULL */
    bool data_change;
    const struct lake_dv *dv;           /* NULL = none */
    const struct lake_row_ids *row_ids; /* NULL = none */
    const char *clustered_by;           /* clusteringProvider, or NULL */
};

struct domain_act {
    const char *domain, *configuration;
    bool removed;
};

struct protocol {
    int reader, writer;
    const char *const *reader_features, *const *writer_features; /* end with NULL; never NULL themselves */
};

struct metadata {
    const char *id, *name, *description, *provider, *schema;
    const char *const *partition_by;
    size_t npartition_by;
    const struct pair *configuration;
    size_t nconfiguration;
    int64_t created_ms; /* 0 = not said */
};

struct txn_act {
    const char *app_id;
    int64_t version, updated_ms; /* 0 = not said */
};

struct commit_info {
    int64_t timestamp_ms;
    const char *operation, *parameters, *metrics, *user, *engine; /* parameters, metrics: JSON text */
    const char *user_name, *isolation;
    int64_t read_version; /* -1 = not said */
    bool blind;
};

/* What one line says; all but one are NULL, or all of them for an action that does not matter here. */
struct action {
    struct file_act *add, *remove;
    struct protocol *protocol;
    struct metadata *metadata;
    struct txn_act *txn;
    struct commit_info *info;
    struct domain_act *domain;
    const char *sidecar; /* of a v2 checkpoint: the name of the file that has its adds */
};

enum action_kinds {
    WANT_ADD = 1,
    WANT_REMOVE = 2,
    WANT_PROTOCOL = 4,
    WANT_METADATA = 8,
    WANT_TXN = 16,
    WANT_INFO = 32,
    WANT_SIDECAR = 64,
    WANT_DOMAIN = 128,
    WANT_STATE = WANT_ADD | WANT_REMOVE | WANT_PROTOCOL | WANT_METADATA | WANT_TXN | WANT_INFO | WANT_DOMAIN,
};

/* One line. Kinds that are not wanted are checked to be JSON and passed over. The strings are in a's memory.
 * On false *ret_why is a static text that says what is wrong, and *ret_at the byte where. */
bool action_parse(struct arena *a, const char *p, size_t n, unsigned want, struct action *ret,
                  const char **ret_why, size_t *ret_at);

/* The text of an object of texts that was read last, as neighbours often have the same one. */
struct pairs_memo {
    struct str text;
    const struct pair *v;
    size_t n;
};
/* An add that comes in columns. On false *ret_why as above. */
bool action_of_columns(struct arena *a, const struct lake_parquet_add *x, struct pairs_memo *memo,
                       struct file_act **ret, const char **ret_why);

/* numRecords of an add's statistics, -1 = unknown. */
int64_t action_stats_rows(const char *stats);

/* One line each, the newline included. */
void action_write_protocol(struct buf *b, const struct protocol *p);
void action_write_metadata(struct buf *b, const struct metadata *m);
void action_write_txn(struct buf *b, const struct txn_act *t);
void action_write_add(struct buf *b, const struct file_act *f);
void action_write_change(struct buf *b, const struct file_act *f); /* cdc */
void action_write_remove(struct buf *b, const struct file_act *f);
void action_write_domain(struct buf *b, const struct domain_act *d);
void action_write_object(struct buf *b, const struct pair *v, size_t n); /* {"key":"value",...} */

/* A file of a snapshot as an action; its values belong to the columns, by their physical names. */
struct file_act action_of_file(struct arena *a, const struct lake_file *f, const char *const *columns,
                               size_t n);
