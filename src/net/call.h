/* call.h - one HTTP request at a time, waited for: what a store needs. From any thread.
 *
 * The client keeps idle connections; TLS roots and proxies are as in net/http.h. No redirect is followed. A
 * request may reach the server twice without anybody asking for it: a kept connection can turn out to be
 * closed just then, and is replaced by a new one.
 */
#pragma once
#include "base/buf.h"
#include "base/clock.h"

struct http_client;

struct http_client_conf {
    int64_t connect_timeout_ms;
    int64_t idle_ms; /* less than 1 KiB/s for so long = dead; also the longest wait for an answer to begin */
    const char *user_agent;
    const char *const *secrets; /* blanked in every message, ends with NULL; may be NULL */
    struct http_sigv4 {         /* requests are signed for AWS; region NULL = they are not */
        const char *region, *service, *key_id, *secret;
    } sign;
};

/* The client is closed when `a` is freed; conf's strings stay until then. */
bool http_client_new(struct arena *a, const struct http_client_conf *c, struct http_client **ret,
                     struct err *e) must_check;

struct http_call {
    const char *method, *url;
    const char *const *headers; /* "Name: value", ends with NULL; NULL = none */
    int64_t deadline_ms;        /* clock_mono_ms() at which the last byte must have come */
    /* What is sent: bytes, or `nbody` bytes of the file `from_fd` from `offset` on when body is NULL. */
    const void *body;
    int from_fd;
    int64_t offset, nbody;
    int save_fd;             /* where the content of a 2xx answer is written; -1 = into answer->body */
    const char *const *want; /* names of headers that are wanted, ends with NULL; NULL = none */
};

struct http_answer {
    int status;
    int64_t length;         /* of the content as the server announced it, -1 = it did not */
    int64_t saved;          /* bytes written to save_fd */
    int64_t retry_after_ms; /* 0 = none */
    const char **values;    /* of the wanted headers, "" = not there; in a's memory */
};

/* True when an answer came whole, whatever its status. Content goes to *body, which is emptied first, at most
 * body->max bytes (ERR_LIMIT). */
bool http_call(struct arena *a, struct http_client *c, const struct http_call *q, struct buf *body,
               struct http_answer *ret, struct err *e) must_check;
