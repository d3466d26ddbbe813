/* s3_ask.h - one request to S3, and what its answer means: between s3.c and the wire. */
#pragma once
#include <stdatomic.h>

#include "base/text.h"
#include "store/remote.h"

struct s3 {             /* state of a store */
    const char *base;   /* "http://host:port/bucket" or "https://bucket.s3.region.amazonaws.com" */
    const char *prefix; /* in the bucket, "" or "lake": no slash at its ends */
    bool has_key;
    const char *session;   /* "x-amz-security-token: ..." or NULL */
    atomic_bool puts_once; /* the server was seen to honour If-None-Match */
};

struct s3_ask {
    const char *method;
    const char *key;            /* within the bucket; NULL = the bucket itself */
    const char *query;          /* in the order and spelling that are signed, "" = none */
    const char *const *headers; /* at most 4, ends with NULL; NULL = none */
    const struct content *send; /* NULL = nothing */
    int64_t offset;             /* of the file to be sent */
    const char *hash;           /* of what is sent, as s3_hash() has it; NULL = nothing is sent */
    int save_fd;                /* -1 = into the body */
    const char *const *want;
};

/* The key of a path. */
char *s3_key(struct arena *a, const struct s3 *s, const char *path);
/* The SHA-256 of a piece of the content. */
bool s3_hash(const struct content *c, int64_t offset, int64_t n, char out[65], struct err *e);
/* An answer came, whatever its status. */
bool s3_send(struct arena *a, struct store *s, const struct s3_ask *ask, int64_t deadline_ms,
             struct buf *body, struct http_answer *ret, struct err *e);
/* What an answer that is no success means. ERR_NET and ERR_CONFLICT are worth another attempt. Returns false.
 */
bool s3_fail(struct err *e, const struct http_answer *r, const struct buf *body);
/* Repeats until there is an answer that another attempt would not change, or time is up; `accept` are
 * statuses that are no failure, ends with 0. */
bool s3_do(struct arena *a, struct store *s, const struct s3_ask *ask, const int *accept, struct buf *body,
           struct http_answer *ret, struct err *e);
