#include "answer.h"

#include <inttypes.h>
#include <netinet/in.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "clock.h"

void answer_free(struct answer *a)
{
    free(a->owned);
    a->owned = NULL;
}

static void add_header(struct MHD_Response *r, const char *name, const char *value)
{
    if (MHD_add_response_header(r, name, value) != MHD_YES)
        abort();
}

/* TMDB's limit of old, as it was when it still told: 40 requests in 10 seconds. */
static void add_limit(struct MHD_Response *r, int64_t retry_after)
{
    char number[32];
    snprintf(number, sizeof number, "%" PRId64, retry_after);
    add_header(r, MHD_HTTP_HEADER_RETRY_AFTER, number);
    add_header(r, "X-RateLimit-Limit", "40");
    add_header(r, "X-RateLimit-Remaining", "0");
    snprintf(number, sizeof number, "%" PRId64, (int64_t)time(NULL) + retry_after);
    add_header(r, "X-RateLimit-Reset", number);
}

static enum MHD_Result queue(const struct answer *a, struct MHD_Connection *c, struct MHD_Response *r)
{
    if (!r)
        return MHD_NO;
    add_header(r, MHD_HTTP_HEADER_CONTENT_TYPE, a->html ? "text/html" : "application/json;charset=utf-8");
    add_header(r, MHD_HTTP_HEADER_VARY, "Accept-Encoding");
    if (a->gzip)
        add_header(r, MHD_HTTP_HEADER_CONTENT_ENCODING, "gzip");
    if (a->retry_after >= 0)
        add_limit(r, a->retry_after);
    enum MHD_Result queued = MHD_queue_response(c, (unsigned)a->status, r);
    MHD_destroy_response(r); /* the connection holds it now */
    return queued;
}

/* A body that is handed out piece by piece: up to `stop`, after a sleep if stall_ms is set. */
struct drip {
    struct str body;
    char *owned;
    size_t stop;
    bool then_break; /* at `stop` the connection is closed in the middle of things */
    int64_t stall_ms;
    struct MHD_Connection *connection;
    struct timer *timer;
};

static ssize_t drip_read(void *arg, uint64_t pos, char *buf, size_t max)
{
    struct drip *d = arg;
    if (d->stall_ms) {
        uint64_t until = clock_ns() + (uint64_t)d->stall_ms * NS_PER_MS;
        d->stall_ms = 0;
        if (timer_sleep(d->timer, d->connection, until))
            return 0;
    }
    if (pos >= d->stop)
        return d->then_break ? MHD_CONTENT_READER_END_WITH_ERROR : MHD_CONTENT_READER_END_OF_STREAM;
    size_t n = d->stop - (size_t)pos < max ? d->stop - (size_t)pos : max;
    memcpy(buf, d->body.p + pos, n);
    return (ssize_t)n;
}

static void drip_free(void *arg)
{
    struct drip *d = arg;
    free(d->owned);
    free(d);
}

static enum MHD_Result send_drip(struct answer *a, struct MHD_Connection *c, const struct fault *fault,
                                 struct timer *timer)
{
    struct drip *d = must_alloc(1, sizeof *d);
    *d =
        (struct drip){.body = a->body, .owned = a->owned, .stop = a->body.n, .connection = c, .timer = timer};
    a->owned = NULL;
    uint64_t size = a->body.n;
    if (fault->kind == FAULT_STALL)
        d->stall_ms = fault->param;
    else
        d->then_break = true;
    if (fault->kind == FAULT_CUTCHUNK)
        size = MHD_SIZE_UNKNOWN;
    if (fault->kind == FAULT_CUT || (fault->kind == FAULT_CUTCHUNK && fault->dice % 2))
        d->stop = a->body.n / 2;
    return queue(a, c, MHD_create_response_from_callback(size, 16 * 1024, drip_read, d, drip_free));
}

/* Connecting a connected socket to nowhere makes Linux send RST at once, before anybody can say FIN. */
static enum MHD_Result reset(struct MHD_Connection *c)
{
    const union MHD_ConnectionInfo *info = MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
    struct sockaddr nowhere = {.sa_family = AF_UNSPEC};
    if (info)
        connect(info->connect_fd, &nowhere, sizeof nowhere);
    return MHD_NO; /* the library drops the connection */
}

enum MHD_Result answer_send(struct answer *a, struct MHD_Connection *c, const struct fault *fault,
                            struct timer *timer)
{
    switch (fault->kind) {
    case FAULT_RESET:
        answer_free(a);
        return reset(c);
    case FAULT_CUT:
    case FAULT_CUTCHUNK:
    case FAULT_STALL:
        return send_drip(a, c, fault, timer);
    case FAULT_NONE:
    case FAULT_STATUS:
    case FAULT_BURST:
    case FAULT_GARBAGE:
    case FAULT_SLOW:
    case FAULT_DUPE:
    case FAULT_EXPIRE:
        break;
    }
    /* The library's prototype wants a pointer to what it will not write to. */
    void *bytes = (void *)(uintptr_t)a->body.p;
    enum MHD_ResponseMemoryMode mode = a->owned ? MHD_RESPMEM_MUST_FREE : MHD_RESPMEM_PERSISTENT;
    a->owned = NULL;
    return queue(a, c, MHD_create_response_from_buffer(a->body.n, bytes, mode));
}

/* Make a byte of some string one that UTF-8 never has. */
static void break_utf8(struct text *t)
{
    char *at = memmem(t->p, t->n, "\":\"", 3);
    if (at && at[3] != '"' && at[3] != '\\')
        at[3] = (char)0xff;
    else
        text_adds(t, "\xff");
}

void answer_spoil(struct answer *a, uint64_t dice)
{
    struct text t = {0};
    text_reserve(&t, 0);
    switch (dice % 5) {
    case 0:
        text_add(&t, (struct str){.p = a->body.p, .n = a->body.n / 2});
        break;
    case 1:
        text_adds(&t, "<html><head><title>Just a moment...</title></head>"
                      "<body><h1>We will be back soon</h1></body></html>\n");
        a->html = true;
        break;
    case 2:
        text_adds(&t, "");
        break;
    case 3:
        text_add(&t, a->body);
        break_utf8(&t);
        break;
    default:
        text_add(&t, a->body);
        text_add(&t, a->body);
        break;
    }
    answer_free(a);
    a->status = 200;
    a->body = text_str(&t);
    a->owned = t.p;
}
