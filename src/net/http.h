/* http.h - many requests at once on one thread: a libcurl multi loop with a pool, deadlines and a rate limit.
 *
 * The caller submits requests and is called back for each finished one, on the thread that runs the loop. The
 * pool keeps connections open, asks for compression, bounds the requests in flight, and lets never more than
 * `rate` of them leave in any window of a second. Retrying is the caller's: net/retry.h says how long to
 * wait, and http_submit takes the earliest time to start.
 *
 * A redirect is followed on the same scheme, host and port (it takes a start of its own); another one is
 * refused, for it would carry the credentials elsewhere. TLS is verified; CURL_CA_BUNDLE or SSL_CERT_FILE
 * name other roots. Proxies come from the environment as curl takes them, but never for this machine itself.
 */
#pragma once
#include "base/buf.h"
#include "base/task.h"

struct http_pool;

struct http_pool_conf {
    double rate;                            /* requests a second, 0 = none */
    int64_t concurrency;                    /* in flight, at least 1 */
    int64_t connect_timeout_ms, timeout_ms; /* timeout_ms: for one request, from its start to the last byte */
    int64_t low_speed_ms;                   /* no byte for so long = dead; 0 = off */
    int64_t max_body_bytes;
    const char *user_agent;
    const char *const *secrets; /* texts that are blanked in every message, ends with NULL; may be NULL */
};

struct http_request {
    const char *url;            /* may hold secrets: never in a message */
    const char *const *headers; /* "Name: value", ends with NULL; NULL = none */
    int64_t not_before_ms;      /* clock_mono_ms() at which it may start, 0 = now */
    int64_t order;              /* the lowest starts first among those that may */
    void *arg;                  /* the caller's */
};

struct http_response {
    int status;       /* 0 = no answer came: see err */
    const char *body; /* decompressed, NUL-terminated, until the callback returns */
    size_t nbody;
    const char *content_type;  /* "" when none */
    int64_t retry_after_ms;    /* from Retry-After (seconds or date), 0 = none */
    double started_s, total_s; /* by the monotonic clock; from its start to the last byte */
    struct err err;            /* kind ERR_NONE, or why the transfer failed; secrets blanked */
};

/* The pool is closed when `a` is freed. */
bool http_pool_new(struct arena *a, const struct http_pool_conf *c, struct http_pool **ret,
                   struct err *e) must_check;

/* Queued; the strings must stay until done is called. May be called from within done. */
void http_submit(struct http_pool *p, const struct http_request *r);
size_t http_pending(const struct http_pool *p); /* queued and in flight */
/* Nothing starts before this clock_mono_ms(); an earlier one than asked for before is passed over. */
void http_pause(struct http_pool *p, int64_t until_ms);

/* Runs until nothing is pending, done returns false (then the rest is dropped), or the task is cancelled.
 * wake_ms: done(arg, NULL, NULL) is called at least this often, for progress and timers; 0 = never. The pool
 * may be filled and run again. */
bool http_run(struct http_pool *p, struct task *t, int64_t wake_ms,
              bool (*done)(void *arg, const struct http_request *r, const struct http_response *resp),
              void *arg, struct err *e) must_check;
/* From any thread: have done(arg, NULL, NULL) called at once. */
void http_wake(struct http_pool *p);
