#include "net/call.h"

#include <assert.h>
#include <errno.h>
#include <pthread.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "net/curl.h"

enum { KEPT_MAX = 16, SLOW_BYTES_S = 1024 };

struct http_client {
    struct http_client_conf conf;
    const char *ca_file, *sigv4;
    pthread_mutex_t lock;
    CURL *kept[KEPT_MAX]; /* idle, with their connections */
    size_t nkept;
};

struct transfer { /* one call */
    const struct http_client *c;
    const struct http_call *q;
    struct buf *body;
    CURL *easy;
    int64_t sent, saved;
    int save_errno, read_errno;
    char detail[CURL_ERROR_SIZE];
};

/* ---- the client */

static void client_close(void *arg)
{
    struct http_client *c = arg;
    for (size_t i = 0; i < c->nkept; i++)
        curl_easy_cleanup(c->kept[i]);
    pthread_mutex_destroy(&c->lock);
}

bool http_client_new(struct arena *a, const struct http_client_conf *conf, struct http_client **ret,
                     struct err *e)
{
    if (!libcurl_load(e))
        return false;
    struct http_client *c = arena_make(a, struct http_client, 1);
    c->conf = *conf;
    c->ca_file = getenv("CURL_CA_BUNDLE");
    if (!c->ca_file)
        c->ca_file = getenv("SSL_CERT_FILE");
    if (conf->sign.region)
        c->sigv4 = arena_fmt(a, "aws:amz:%s:%s", conf->sign.region, conf->sign.service);
    pthread_mutex_init(&c->lock, NULL);
    arena_defer(a, client_close, c);
    *ret = c;
    return true;
}

static CURL *take(struct http_client *c)
{
    pthread_mutex_lock(&c->lock);
    CURL *easy = c->nkept ? c->kept[--c->nkept] : NULL;
    pthread_mutex_unlock(&c->lock);
    return easy ? easy : curl_easy_init();
}

static void give_back(struct http_client *c, CURL *easy)
{
    curl_easy_reset(easy);
    pthread_mutex_lock(&c->lock);
    bool keep = c->nkept < KEPT_MAX;
    if (keep)
        c->kept[c->nkept++] = easy;
    pthread_mutex_unlock(&c->lock);
    if (!keep)
        curl_easy_cleanup(easy);
}

/* ---- what libcurl calls */

static bool save(struct transfer *x, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(x->q->save_fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            x->save_errno = done ? errno : EIO;
            return false;
        }
        p += done, n -= (size_t)done, x->saved += done;
    }
    return true;
}

static size_t on_body(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *x = arg;
    long status = 0;
    (void)size; /* always 1 */
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    if (x->q->save_fd >= 0 && status >= 200 && status < 300)
        return save(x, p, n) ? n : 0;
    buf_add(x->body, p, n);
    return x->body->failed ? 0 : n;
}

static size_t on_send(char *p, size_t size, size_t n, void *arg)
{
    struct transfer *x = arg;
    int64_t left = x->q->nbody - x->sent;
    size_t some = size * n < (size_t)left ? size * n : (size_t)left;
    if (x->q->body) {
        memcpy(p, (const char *)x->q->body + x->sent, some);
    } else if (some) {
        ssize_t got = pread(x->q->from_fd, p, some, x->q->offset + x->sent);
        if (got <= 0) {
            x->read_errno = got ? errno : EIO;
            return CURL_READFUNC_ABORT;
        }
        some = (size_t)got;
    }
    x->sent += (int64_t)some;
    return some;
}

/* The same bytes again, over another connection. */
static int on_rewind(void *arg, curl_off_t offset, int origin)
{
    struct transfer *x = arg;
    if (origin != SEEK_SET)
        return CURL_SEEKFUNC_CANTSEEK;
    x->sent = offset;
    return CURL_SEEKFUNC_OK;
}

/* ---- one call */

static void set_up(struct transfer *x, struct curl_slist *headers, int64_t left_ms)
{
    const struct http_client_conf *c = &x->c->conf;
    const struct http_call *q = x->q;
    bool sends = strcmp(q->method, "PUT") == 0 || strcmp(q->method, "POST") == 0;
    curl_easy_setopt(x->easy, CURLOPT_WRITEFUNCTION, on_body);
    curl_easy_setopt(x->easy, CURLOPT_WRITEDATA, x);
    curl_easy_setopt(x->easy, CURLOPT_ERRORBUFFER, x->detail);
    curl_easy_setopt(x->easy, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(x->easy, CURLOPT_PROTOCOLS_STR, "http,https");
    curl_easy_setopt(x->easy, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(x->easy, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(x->easy, CURLOPT_CONNECTTIMEOUT_MS, (long)c->connect_timeout_ms);
    curl_easy_setopt(x->easy, CURLOPT_TIMEOUT_MS, (long)left_ms);
    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_LIMIT, (long)SLOW_BYTES_S);
    curl_easy_setopt(x->easy, CURLOPT_LOW_SPEED_TIME, (long)((c->idle_ms + 999) / 1000));
    curl_easy_setopt(x->easy, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(x->easy, CURLOPT_PROXY, http_is_loopback(q->url) ? "" : NULL);
    if (c->user_agent)
        curl_easy_setopt(x->easy, CURLOPT_USERAGENT, c->user_agent);
    if (x->c->ca_file)
        curl_easy_setopt(x->easy, CURLOPT_CAINFO, x->c->ca_file);
    if (x->c->sigv4) {
        curl_easy_setopt(x->easy, CURLOPT_AWS_SIGV4, x->c->sigv4);
        curl_easy_setopt(x->easy, CURLOPT_USERNAME, c->sign.key_id);
        curl_easy_setopt(x->easy, CURLOPT_PASSWORD, c->sign.secret);
    }
    if (sends) {
        curl_easy_setopt(x->easy, CURLOPT_UPLOAD, 1L);
        curl_easy_setopt(x->easy, CURLOPT_READFUNCTION, on_send);
        curl_easy_setopt(x->easy, CURLOPT_READDATA, x);
        curl_easy_setopt(x->easy, CURLOPT_SEEKFUNCTION, on_rewind);
        curl_easy_setopt(x->easy, CURLOPT_SEEKDATA, x);
        curl_easy_setopt(x->easy, CURLOPT_INFILESIZE_LARGE, (curl_off_t)q->nbody);
        curl_easy_setopt(x->easy, CURLOPT_UPLOAD_BUFFERSIZE, 256L << 10);
    } else if (strcmp(q->method, "HEAD") == 0) {
        curl_easy_setopt(x->easy, CURLOPT_NOBODY, 1L);
    }
    curl_easy_setopt(x->easy, CURLOPT_CUSTOMREQUEST, q->method);
    curl_easy_setopt(x->easy, CURLOPT_BUFFERSIZE, 256L << 10);
}

static const char *header(CURL *easy, const char *name)
{
    struct curl_header *h;
    return curl_easy_header(easy, name, 0, CURLH_HEADER, -1, &h) == CURLHE_OK ? h->value : "";
}

static void read_answer(struct arena *a, struct transfer *x, struct http_answer *r)
{
    long status = 0;
    curl_off_t length = -1;
    size_t n = 0;
    curl_easy_getinfo(x->easy, CURLINFO_RESPONSE_CODE, &status);
    curl_easy_getinfo(x->easy, CURLINFO_CONTENT_LENGTH_DOWNLOAD_T, &length);
    while (x->q->want && x->q->want[n])
        n++;
    *r = (struct http_answer){
        .status = (int)status,
        .length = length,
        .saved = x->saved,
        .retry_after_ms = http_retry_after_ms(header(x->easy, "retry-after"), clock_now_us(NULL)),
        .values = arena_make(a, const char *, n),
    };
    for (size_t i = 0; i < n; i++)
        r->values[i] = arena_str(a, header(x->easy, x->q->want[i]));
}

/* What was asked for ends where the connection ends: whether that is all of it, nobody can tell. */
static bool endless(struct transfer *x, const struct http_answer *r)
{
    return r->status < 300 && r->length < 0 && (x->saved > 0 || x->body->len > 0) &&
           !strcasestr(header(x->easy, "transfer-encoding"), "chunked");
}

static bool transfer_fail(struct transfer *x, CURLcode code, struct err *e)
{
    if (x->save_errno || x->read_errno) {
        errno = x->save_errno ? x->save_errno : x->read_errno;
        return fail(e, ERR_IO, "cannot %s a local file: %s", x->save_errno ? "write" : "read",
                    strerror(errno));
    }
    if (x->body->failed)
        return buf_done(x->body, e) || wrap(e, "the answer is too large");
    curl_fail(e, code, x->detail);
    http_blank(e->msg, x->c->conf.secrets);
    return false;
}

static struct curl_slist *header_list(const char *const *headers)
{
    struct curl_slist *all = curl_slist_append(NULL, "Expect:");
    for (const char *const *h = headers; all && h && *h; h++) {
        struct curl_slist *more = curl_slist_append(all, *h);
        if (!more)
            abort();
        all = more;
    }
    if (!all)
        abort();
    return all;
}

bool http_call(struct arena *a, struct http_client *c, const struct http_call *q, struct buf *body,
               struct http_answer *ret, struct err *e)
{
    struct transfer x = {.c = c, .q = q, .body = body, .easy = take(c)};
    int64_t left_ms = q->deadline_ms - clock_mono_ms();
    if (!x.easy)
        return fail(e, ERR_IO, "no memory for an HTTP client");
    body->len = 0;
    if (left_ms <= 0) {
        give_back(c, x.easy);
        return fail(e, ERR_NET, "no time is left for a request");
    }
    struct curl_slist *headers = header_list(q->headers);
    set_up(&x, headers, left_ms);
    CURLcode code = curl_easy_setopt(x.easy, CURLOPT_URL, q->url);
    if (code == CURLE_OK)
        code = curl_easy_perform(x.easy);
    bool ok = code == CURLE_OK || transfer_fail(&x, code, e);
    if (ok) {
        read_answer(a, &x, ret);
        ok = !endless(&x, ret) || fail(e, ERR_NET, "the server did not say how long its answer is");
    }
    give_back(c, x.easy);
    curl_slist_free_all(headers);
    return ok;
}
