/* remote.h - what HDFS and S3 have in common: the mirror, attempts with deadlines, several files at a time.
 */
#pragma once
#include "net/call.h"
#include "store/cache.h"
#include "store/store.h"

struct remote {
    struct http_client *http;
    struct cache *cache;
    const char *where;   /* tells this store from any other */
    struct store mirror; /* local disk; its root is the cache's mirror */
    int64_t patience_ms; /* for one operation, with all its attempts, besides the time its bytes take */
};

/* Sets s->remote, s->root. `where` tells this store from any other, for the cache. CUPEL_STORE_TIMEOUT
 * ("30s", default 2 minutes) is the patience, unless s->conf says it. */
bool remote_open(struct arena *a, struct store *s, const struct http_sigv4 *sign, const char *const *secrets,
                 const char *where, struct err *e) must_check;

/* e, with "cannot VERB 'FILE'" before it. */
bool remote_named(struct err *e, const struct store *s, const char *verb, const char *path);
/* ERR_USER; *ret_missing = true unless NULL. */
bool remote_missing(const struct store *s, const char *path, bool *ret_missing, struct err *e);

/* Percent-encoded but for letters, digits and -._~ and, if asked, slashes. */
void remote_encode(struct buf *b, const char *text, bool keep_slash);

/* Attempts of one operation:
 *
 *     struct effort f = effort_begin(s, bytes);
 *     do
 *         if (try(..., f.deadline_ms, e))
 *             return true;
 *     while (effort_again(&f, asked_ms, e));
 *     return false;
 */
struct effort {
    int64_t deadline_ms, end_ms; /* of this attempt; of all of them */
    int64_t share_ms;
    int done;
};
struct effort effort_begin(const struct store *s, int64_t bytes);
/* After a failure: waits and returns true if another attempt is worth it. asked_ms: the server's Retry-After.
 */
bool effort_again(struct effort *f, int64_t asked_ms, struct err *e);

/* one(arg, 0) ... one(arg, n-1) on several threads; the first error ends it. */
bool remote_parallel(size_t n, bool (*one)(void *arg, size_t i, struct err *e), void *arg,
                     struct err *e) must_check;

/* What is sent: n bytes at p, or of a file from its beginning when p is NULL. */
struct content {
    const void *p;
    int fd;
    int64_t n;
};

/* Parts of a remote driver. */
bool remote_exists(struct store *s, const char *path, bool *ret, struct err *e);
bool remote_sync(struct store *s, const char *const *paths, size_t n, struct err *e);
/* For adopt: the local file is put with `put`, then removed. */
bool remote_adopt(struct store *s, const char *local_file, const char *path, bool *ret_taken,
                  bool (*put)(struct store *s, const char *path, const struct content *c, bool *ret_taken,
                              struct err *e),
                  struct err *e);
/* The mirror's file of a path, when there is one, goes too. */
void remote_forget(struct store *s, const char *path);
