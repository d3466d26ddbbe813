/* hdfs_ask.h - one request to WebHDFS, and what its answer means: between hdfs.c and the wire. */
#pragma once
#include <stdatomic.h>

#include "base/json.h"
#include "store/remote.h"

struct hdfs {           /* state of a store */
    const char **nodes; /* "http://nn1:9870" */
    size_t n;
    atomic_size_t active; /* the one that answered last */
    const char *root;     /* "/lake", "" for the root */
    const char *user;     /* percent-encoded */
};

enum hdfs_says { /* what became of a request that was understood */
                 HDFS_DONE,
                 HDFS_MISSING, /* FileNotFoundException */
                 HDFS_EXISTS,  /* FileAlreadyExistsException */
                 HDFS_IN_USE,  /* PathIsNotEmptyDirectoryException */
};

/* "/lake/t/x", as it goes into an URL. */
char *hdfs_path(struct arena *a, const struct hdfs *h, const char *path);

/* op: "GETFILESTATUS", or with parameters "RENAME&destination=..." . Repeats until there is an answer that
 * another attempt would not change, or time is up. The answer's JSON object is in a's memory; NULL when it is
 * empty. */
bool hdfs_do(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
             enum hdfs_says *ret, json_t **ret_json, struct err *e);
/* The same, once. */
bool hdfs_ask(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
              int64_t deadline_ms, enum hdfs_says *ret, json_t **ret_json, struct err *e);
/* Once, to the DataNode that the NameNode names: `send` for CREATE (NULL = nothing is sent), save_fd (-1 =
 * into body) for OPEN. */
bool hdfs_data(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
               const struct content *send, int save_fd, int64_t deadline_ms, struct buf *body,
               enum hdfs_says *ret, struct err *e);
