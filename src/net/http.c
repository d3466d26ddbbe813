/* The event loop. A slot is a curl handle with its buffers, as many as may be in flight; a request waits in
 * one of two heaps: by time until it may start, then by order. The caller looks at one answer at a time, and
 * its slot's next request is sent before the next answer is looked at: slots that were in step fall out of
 * it, and the server is not idle for our sake. */
#include "net/http.h"

#include <assert.h>
#include <string.h>

#include "net/curl.h"
#include "net/rate.h"

enum {
    POLL_MS = 100,     /* how long a cancel may go unnoticed */
    ARRIVAL_US = 5000, /* the way to the server does not always take the same time: what is let through a
                          second later must not arrive within it */
    REDIRECTS_MAX = 5,
    KEEP_BYTES = 4 << 20, /* a buffer larger than this is not kept for the next answer */
    RECEIVE_BYTES = 128 << 10,
};

struct item {
    struct http_request r;
    uint64_t number; /* among equals the first submitted goes first */
    int redirects;
    char *moved_to; /* where the server sent us, NULL = r.url */
};

struct heap {
    struct item *v;
    size_t n, cap;
    bool (*before)(const struct item *x, const struct item *y);
};

struct slot {
    CURL *easy;
    struct http_pool *pool;
    struct item item;
    struct curl_slist *headers;
    struct buf body;
    struct http_response resp;
    int64_t counted_us; /* by the rate limiter */
    int64_t sent_us;    /* 0 = waiting for its connection */
    enum { IDLE, RUNNING, ANSWERED } state;
    char detail[CURL_ERROR_SIZE];
    char content_type[128];
};

struct http_pool {
    struct http_pool_conf conf;
    CURLM *multi;
    struct rate *rate;
    struct slot *slots;
    size_t nslots, running, answered;
    struct heap waiting, ready;
    uint64_t submitted;
    int64_t paused_until_ms;
    atomic_bool woken;
    const char *ca_file;
};

static bool sooner(const struct item *x, const struct item *y)
{
    return x->r.not_before_ms != y->r.not_before_ms ? x->r.not_before_ms < y->r.not_before_ms
                                                    : x->number < y->number;
}

static bool lower(const struct item *x, const struct item *y)
{
    return x->r.order != y->r.order ? x->r.order < y->r.order : x->number < y->number;
}

static void heap_push(struct heap *h, const struct item *item)
{
    if (h->n == h->cap) {
        h->cap = h->cap ? h->cap * 2 : 64;
        struct item *more = realloc(h->v, h->cap * sizeof *more);
        if (!more)
            abort();
        h->v = more;
    }
    size_t i = h->n++;
    for (; i > 0 && h->before(item, &h->v[(i - 1) / 2]); i = (i - 1) / 2)
        h->v[i] = h->v[(i - 1) / 2];
    h->v[i] = *item;
}

static struct item heap_pop(struct heap *h)
{
    assert(h->n > 0);
    struct item top = h->v[0], last = h->v[--h->n];
    size_t i = 0;
    for (size_t child; (child = 2 * i + 1) < h->n; i = child) {
        if (child + 1 < h->n && h->before(&h->v[child + 1], &h->v[child]))
            child++;
        if (!h->before(&h->v[child], &last))
            break;
        h->v[i] = h->v[child];
    }
    if (h->n)
        h->v[i] = last;
    return top;
}

static void heap_clear(struct heap *h)
{
    for (size_t i = 0; i < h->n; i++)
        free(h->v[i].moved_to);
    h->n = 0;
}

/* ---- one request */

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct slot *s = arg;
    (void)size; /* always 1 */
    buf_add(&s->body, p, n);
    return s->body.failed ? 0 : n;
}

/* There is a connection, and the request leaves now. */
static int on_leaving(void *arg, char *ip, char *local_ip, int port, int local_port)
{
    struct slot *s = arg;
    (void)ip, (void)local_ip, (void)port, (void)local_port;
    s->sent_us = clock_mono_us();
    rate_move(s->pool->rate, s->counted_us, s->sent_us + ARRIVAL_US);
    s->counted_us = s->sent_us + ARRIVAL_US;
    return CURL_PREREQFUNC_OK;
}

static bool slot_open(struct slot *s, struct http_pool *p)
{
    const struct http_pool_conf *c = &p->conf;
    s->pool = p;
    s->body = BUF((size_t)c->max_body_bytes);
    if (!(s->easy = curl_easy_init()))
        return false;
    curl_easy_setopt(s->easy, CURLOPT_PRIVATE, s);
    curl_easy_setopt(s->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(s->easy, CURLOPT_WRITEDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_PREREQFUNCTION, on_leaving);
    curl_easy_setopt(s->easy, CURLOPT_PREREQDATA, s);
    curl_easy_setopt(s->easy, CURLOPT_ERRORBUFFER, s->detail);
    curl_easy_setopt(s->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(s->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(s->easy, CURLOPT_ACCEPT_ENCODING, "");
    curl_easy_setopt(s->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(s->easy, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(s->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(s->easy, CURLOPT_BUFFERSIZE, (long)RECEIVE_BYTES);
    curl_easy_setopt(s->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms);
    curl_easy_setopt(s->easy, CURLOPT_TIMEOUT_MS, (long)c->timeout_ms);
    if (c->low_speed_ms) {
        curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_LIMIT, 1L);
        curl_easy_setopt(s->easy, CURLOPT_LOW_SPEED_TIME, (long)((c->low_speed_ms + 999) / 1000));
    }
    if (c->user_agent)
        curl_easy_setopt(s->easy, CURLOPT_USERAGENT, c->user_agent);
    if (p->ca_file)
        curl_easy_setopt(s->easy, CURLOPT_CAINFO, p->ca_file);
    return true;
}

static const char *item_url(const struct item *i)
{
    return i->moved_to ? i->moved_to : i->r.url;
}

/* Did it start? If not, the slot is answered with the error. */
static bool slot_start(struct slot *s, struct item item)
{
    struct http_pool *p = s->pool;
    s->item = item;
    s->detail[0] = '\0';
    s->sent_us = 0;
    s->body.len = 0;
    s->resp = (struct http_response){.content_type = "", .started_s = (double)clock_mono_us() / 1e6};

    for (const char *const *h = item.r.headers; h && *h; h++) {
        struct curl_slist *more = curl_slist_append(s->headers, *h);
        if (!more)
            abort();
        s->headers = more;
    }
    curl_easy_setopt(s->easy, CURLOPT_HTTPHEADER, s->headers);
    curl_easy_setopt(s->easy, CURLOPT_PROXY, http_is_loopback(item_url(&item)) ? "" : NULL);
    CURLcode code = curl_easy_setopt(s->easy, CURLOPT_URL, item_url(&item));
    if (code == CURLE_OK && curl_multi_add_handle(p->multi, s->easy) == CURLM_OK) {
        s->state = RUNNING;
        p->running++;
        return true;
    }
    curl_fail(&s->resp.err, code == CURLE_OK ? CURLE_FAILED_INIT : code, "");
    s->state = ANSWERED;
    p->answered++;
    return false;
}

static void slot_clear(struct slot *s)
{
    if (s->state == RUNNING) {
        curl_multi_remove_handle(s->pool->multi, s->easy);
        s->pool->running--;
    } else if (s->state == ANSWERED) {
        s->pool->answered--;
    }
    s->state = IDLE;
    free(s->item.moved_to);
    s->item.moved_to = NULL;
    curl_slist_free_all(s->headers);
    s->headers = NULL;
    if (s->body.cap > KEEP_BYTES || s->body.failed)
        buf_free(&s->body);
}

static const char *header(const struct slot *s, const char *name)
{
    struct curl_header *h;
    return curl_easy_header(s->easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : "";
}

/* true: it goes on elsewhere and is queued again. */
static bool follow(struct slot *s)
{
    char *to = NULL;
    int status = s->resp.status;
    if (status < 301 || status > 308 || (status > 303 && status < 307) ||
        curl_easy_getinfo(s->easy, CURLINFO_REDIRECT_URL, &to) != CURLE_OK || !to)
        return false;
    if (!http_same_origin(item_url(&s->item), to)) {
        fail(&s->resp.err, ERR_USER, "the server redirects to another place: '%.300s'", to);
        hint(&s->resp.err, "name that place in the configuration if it is the right one");
    } else if (s->item.redirects == REDIRECTS_MAX) {
        fail(&s->resp.err, ERR_USER, "more than %d redirects", REDIRECTS_MAX);
    } else if ((to = strdup(to))) {
        struct item next = s->item;
        free(next.moved_to);
        next.moved_to = to;
        next.redirects++;
        s->item.moved_to = NULL;
        heap_push(&s->pool->ready, &next);
        return true;
    }
    s->resp.status = 0;
    return false;
}

static void answered(struct slot *s, CURLcode code)
{
    struct http_pool *p = s->pool;
    struct http_response *r = &s->resp;
    long status = 0;
    curl_off_t total_us = 0;
    if (code == CURLE_UNSUPPORTED_PROTOCOL &&
        s->sent_us) /* what came is not HTTP; that the address is not, is another */
        code = CURLE_WEIRD_SERVER_REPLY;
    curl_easy_getinfo(s->easy, CURLINFO_TOTAL_TIME_T, &total_us);
    r->total_s = (double)total_us / 1e6;
    if (s->sent_us)
        r->started_s = (double)s->sent_us / 1e6;

    if (code == CURLE_OK) {
        curl_easy_getinfo(s->easy, CURLINFO_RESPONSE_CODE, &status);
        r->status = (int)status;
        r->retry_after_ms = http_retry_after_ms(header(s, "retry-after"), clock_now_us(NULL));
        snprintf(s->content_type, sizeof s->content_type, "%s", header(s, "content-type"));
        r->content_type = s->content_type;
    } else if (s->body.failed) {
        if (!buf_done(&s->body, &r->err))
            wrap(&r->err, "the answer is too large");
    } else {
        curl_fail(&r->err, code, s->detail);
    }
    curl_multi_remove_handle(p->multi, s->easy);
    p->running--;
    s->state = ANSWERED;
    p->answered++;
    if (code == CURLE_OK && follow(s)) {
        slot_clear(s);
        return;
    }
    r->body = s->body.p;
    r->nbody = s->body.len;
    http_blank(r->err.msg, p->conf.secrets);
}

/* ---- the pool */

static void pool_close(void *arg)
{
    struct http_pool *p = arg;
    for (size_t i = 0; i < p->nslots; i++) {
        struct slot *s = &p->slots[i];
        if (!s->easy)
            continue;
        slot_clear(s);
        buf_free(&s->body);
        curl_easy_cleanup(s->easy);
    }
    heap_clear(&p->waiting);
    heap_clear(&p->ready);
    free(p->waiting.v);
    free(p->ready.v);
    curl_multi_cleanup(p->multi);
}

bool http_pool_new(struct arena *a, const struct http_pool_conf *c, struct http_pool **ret, struct err *e)
{
    assert(c->concurrency >= 1 && c->max_body_bytes > 0);
    if (!libcurl_load(e))
        return false;

    struct http_pool *p = arena_make(a, struct http_pool, 1);
    p->conf = *c;
    p->rate = rate_new(a, c->rate);
    p->waiting.before = sooner;
    p->ready.before = lower;
    p->nslots = (size_t)c->concurrency;
    p->slots = arena_make(a, struct slot, p->nslots);
    p->ca_file = getenv("CURL_CA_BUNDLE");
    if (!p->ca_file)
        p->ca_file = getenv("SSL_CERT_FILE");
    p->multi = curl_multi_init();
    if (!p->multi)
        return fail(e, ERR_IO, "no memory for an HTTP client");
    arena_defer(a, pool_close, p);
    curl_multi_setopt(p->multi, CURLMOPT_MAXCONNECTS, (long)c->concurrency);
    for (size_t i = 0; i < p->nslots; i++)
        if (!slot_open(&p->slots[i], p))
            return fail(e, ERR_IO, "no memory for an HTTP client");
    *ret = p;
    return true;
}

void http_submit(struct http_pool *p, const struct http_request *r)
{
    struct item item = {.r = *r, .number = p->submitted++};
    heap_push(r->not_before_ms ? &p->waiting : &p->ready, &item);
}

size_t http_pending(const struct http_pool *p)
{
    return p->waiting.n + p->ready.n + p->running + p->answered;
}

void http_pause(struct http_pool *p, int64_t until_ms)
{
    if (until_ms > p->paused_until_ms)
        p->paused_until_ms = until_ms;
}

void http_wake(struct http_pool *p)
{
    atomic_store(&p->woken, true);
    curl_multi_wakeup(p->multi);
}

static struct slot *idle_slot(struct http_pool *p)
{
    for (size_t i = 0; i < p->nslots; i++)
        if (p->slots[i].state == IDLE)
            return &p->slots[i];
    return NULL;
}

/* 0, or for how many microseconds the rate limit says no. */
static int64_t take_start(struct http_pool *p, int64_t *ret_counted_us)
{
    int64_t now_us = clock_mono_us();
    for (size_t i = 0; p->conf.rate > 0 && i < p->nslots; i++) {
        struct slot *s = &p->slots[i];
        if (s->state == RUNNING && !s->sent_us) { /* has not left yet: counts as of now at the earliest */
            rate_move(p->rate, s->counted_us, now_us + ARRIVAL_US);
            s->counted_us = now_us + ARRIVAL_US;
        }
    }
    *ret_counted_us = now_us;
    return rate_take(p->rate, now_us);
}

/* Starts what may start. Returns for how many milliseconds nothing more can, as far as time decides that. */
static int64_t start_some(struct http_pool *p)
{
    int64_t now_ms = clock_mono_ms(), counted_us;
    while (p->waiting.n && p->waiting.v[0].r.not_before_ms <= now_ms) {
        struct item item = heap_pop(&p->waiting);
        heap_push(&p->ready, &item);
    }
    if (p->paused_until_ms > now_ms)
        return p->paused_until_ms - now_ms;

    for (struct slot *s; p->ready.n && (s = idle_slot(p));) {
        int64_t wait_us = take_start(p, &counted_us);
        if (wait_us >= 1000)
            return wait_us / 1000;
        if (wait_us > 0) { /* curl_multi_poll() knows milliseconds only, and what is lost adds up */
            nanosleep(&(struct timespec){.tv_nsec = wait_us * 1000}, NULL);
            continue;
        }
        s->counted_us = counted_us;
        slot_start(s, heap_pop(&p->ready));
    }
    return p->waiting.n ? p->waiting.v[0].r.not_before_ms - now_ms : INT64_MAX;
}

static void collect(struct http_pool *p)
{
    CURLMsg *m;
    for (int left; (m = curl_multi_info_read(p->multi, &left));) {
        char *s = NULL;
        if (m->msg == CURLMSG_DONE && curl_easy_getinfo(m->easy_handle, CURLINFO_PRIVATE, &s) == CURLE_OK)
            answered((struct slot *)(void *)s, m->data.result);
    }
}

typedef bool done_fn(void *arg, const struct http_request *r, const struct http_response *resp);

static void drop_all(struct http_pool *p)
{
    for (size_t i = 0; i < p->nslots; i++)
        slot_clear(&p->slots[i]);
    heap_clear(&p->waiting);
    heap_clear(&p->ready);
}

static bool multi_ok(CURLMcode code, struct err *e)
{
    return code == CURLM_OK || fail(e, ERR_IO, "HTTP client: %s", curl_multi_strerror(code));
}

/* Lets libcurl do what can be done now. */
static bool step(struct http_pool *p, struct err *e)
{
    int still;
    if (!multi_ok(curl_multi_perform(p->multi, &still), e))
        return false;
    collect(p);
    return true;
}

static bool start_and_send(struct http_pool *p, int64_t *ret_wait_ms, struct err *e)
{
    size_t before = p->running;
    *ret_wait_ms = start_some(p);
    return p->running == before || step(p, e);
}

static bool turn(struct http_pool *p, int64_t *ret_wait_ms, done_fn *done, void *arg, bool *ret_go_on,
                 struct err *e)
{
    if (!step(p, e))
        return false;
    for (size_t i = 0; i < p->nslots && p->answered; i++) {
        struct slot *s = &p->slots[i];
        if (s->state != ANSWERED)
            continue;
        *ret_go_on = done(arg, &s->item.r, &s->resp);
        slot_clear(s);
        if (!*ret_go_on)
            return true;
        if (!start_and_send(p, ret_wait_ms, e))
            return false;
    }
    return start_and_send(p, ret_wait_ms, e);
}

bool http_run(struct http_pool *p, struct task *t, int64_t wake_ms, done_fn *done, void *arg, struct err *e)
{
    int64_t woke_ms = clock_mono_ms();
    bool go_on = true, ok = true;
    while (http_pending(p)) {
        int64_t wait_ms = 0;
        if (!(ok = task_live(t, e)) || !(ok = turn(p, &wait_ms, done, arg, &go_on, e)) || !go_on)
            break;
        if (wait_ms > POLL_MS)
            wait_ms = POLL_MS;
        if (p->answered || !http_pending(p)) /* there is something to hand out; or all is done */
            wait_ms = 0;
        int64_t due_ms = woke_ms + wake_ms - clock_mono_ms();
        if (wake_ms && due_ms < wait_ms)
            wait_ms = due_ms > 0 ? due_ms : 0;
        if (!(ok = multi_ok(curl_multi_poll(p->multi, NULL, 0, (int)wait_ms, NULL), e)))
            break;
        if (atomic_exchange(&p->woken, false) || (wake_ms && clock_mono_ms() - woke_ms >= wake_ms)) {
            woke_ms = clock_mono_ms();
            if (!(go_on = done(arg, NULL, NULL)))
                break;
        }
    }
    if (!ok || !go_on)
        drop_all(p);
    return ok;
}
