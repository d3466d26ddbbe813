#include "net/http.h"

#include <zlib.h>

#include "fault.h"
#include "mock_http.h"
#include "test.h"

enum { URL = 200, MANY = 200 };

struct reply {
    int status;
    enum err_kind kind;
    char body[300], msg[400], type[50], hint[200];
    int64_t retry_after_ms, at_ms;
    double left_s;
};

struct caller {
    struct http_pool *pool;
    struct reply replies[MANY];
    size_t n, wakes;
    size_t stop_after; /* 0 = never */
    size_t order[MANY];
};

static atomic_bool cancel;

static bool take(void *arg, const struct http_request *r, const struct http_response *resp)
{
    struct caller *c = arg;
    if (!r) {
        c->wakes++;
        return true;
    }
    struct reply *reply = &c->replies[(size_t)r->arg];
    c->order[c->n++] = (size_t)r->arg;
    *reply = (struct reply){.status = resp->status,
                            .kind = resp->err.kind,
                            .retry_after_ms = resp->retry_after_ms,
                            .at_ms = clock_mono_ms(),
                            .left_s = resp->started_s};
    snprintf(reply->body, sizeof reply->body, "%s", resp->body ? resp->body : "(null)");
    snprintf(reply->msg, sizeof reply->msg, "%.399s", resp->err.msg);
    snprintf(reply->hint, sizeof reply->hint, "%.199s", resp->err.hint);
    snprintf(reply->type, sizeof reply->type, "%s", resp->content_type);
    return c->n != c->stop_after;
}

/* Asks for n paths ("%zu" in `path` is the number) and runs. */
static bool get(struct mock *m, struct http_pool_conf conf, const char *path, size_t n, struct caller *c,
                struct err *e)
{
    static const char *const headers[] = {"X-Key: s3cret-key", NULL};
    static const struct clock clock;
    static char urls[MANY][URL];
    auto_arena *a = arena_new();
    struct task t = {.a = a, .run_id = "r", .name = "t", .clock = &clock, .cancel = &cancel};
    conf.concurrency = conf.concurrency ? conf.concurrency : 4;
    conf.timeout_ms = conf.timeout_ms ? conf.timeout_ms : 5000;
    conf.connect_timeout_ms = 2000;
    conf.max_body_bytes = conf.max_body_bytes ? conf.max_body_bytes : 1 << 20;
    conf.user_agent = "cupel-test";
    if (!http_pool_new(a, &conf, &c->pool, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        int k = snprintf(urls[i], URL, "http://127.0.0.1:%d", m->port);
        snprintf(urls[i] + k, (size_t)(URL - k), "%s/%zu", path, i);
        http_submit(c->pool, &(struct http_request){.url = urls[i], .headers = headers, .arg = (void *)i});
    }
    CHECK_INT(http_pending(c->pool), n);
    bool ok = http_run(c->pool, &t, 50, take, c, e);
    CHECK_INT(http_pending(c->pool), 0);
    return ok;
}

static char last_headers[8192];

static bool serve(struct mock *m, int fd, const char *path, const char *headers)
{
    static const char *const part = "HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n{\"half\":";
    char text[400];
    if (strncmp(path, "/ok", 3) == 0) {
        pthread_mutex_lock(&m->lock);
        snprintf(last_headers, sizeof last_headers, "%s", headers);
        pthread_mutex_unlock(&m->lock);
        return mock_say(fd, 200, "Content-Type: application/json\r\n", "{\"a\":1}");
    }
    if (strncmp(path, "/slow", 5) == 0) {
        mock_sleep_ms(20);
        return mock_say(fd, 200, "", "slow");
    }
    if (strncmp(path, "/empty", 6) == 0)
        return mock_raw(fd, "HTTP/1.1 204 No Content\r\n\r\n");
    if (strncmp(path, "/404", 4) == 0)
        return mock_say(fd, 404, "", "{\"status_message\":\"none\"}");
    if (strncmp(path, "/429", 4) == 0)
        return mock_say(fd, 429, "Retry-After: 7\r\n", "");
    if (strncmp(path, "/cut", 4) == 0)
        return mock_raw(fd, part);
    if (strncmp(path, "/chunk", 6) == 0)
        return mock_raw(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n");
    if (strncmp(path, "/badchunk", 9) == 0)
        return mock_raw(fd, "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\nhello\r\n");
    if (strncmp(path, "/badgzip", 8) == 0)
        return mock_say(fd, 200, "Content-Encoding: gzip\r\n", "this is no gzip");
    if (strncmp(path, "/reset", 6) == 0)
        return mock_reset(fd);
    if (strncmp(path, "/close", 6) == 0)
        return false;
    if (strncmp(path, "/nothttp", 8) == 0)
        return mock_raw(fd, "SSH-2.0-OpenSSH\r\n");
    if (strncmp(path, "/drip", 5) == 0) {
        mock_send(fd, part, strlen(part));
        for (int i = 0; i < 40; i++, mock_sleep_ms(50))
            mock_send(fd, "x", 1);
        return false;
    }
    if (strncmp(path, "/hang", 5) == 0) {
        mock_sleep_ms(1500);
        return false;
    }
    if (strncmp(path, "/move", 5) == 0)
        return mock_say(fd, 302, "Location: /ok/moved?api_key=s3cret-key\r\n", "");
    if (strncmp(path, "/circle", 7) == 0)
        return mock_say(fd, 307, "Location: /circle/0\r\n", "");
    if (strncmp(path, "/away", 5) == 0) {
        snprintf(text, sizeof text, "Location: http://127.0.0.1:%d/evil?api_key=s3cret-key\r\n", m->port + 1);
        return mock_say(fd, 301, text, "");
    }
    if (strncmp(path, "/gzip", 5) == 0) {
        unsigned char packed[300];
        z_stream z = {.next_in = (unsigned char *)text, .next_out = packed, .avail_out = sizeof packed};
        memset(text, 'z', 250);
        z.avail_in = 250;
        deflateInit2(&z, 9, Z_DEFLATED, 31, 8, Z_DEFAULT_STRATEGY);
        deflate(&z, Z_FINISH);
        size_t n = sizeof packed - z.avail_out;
        deflateEnd(&z);
        char head[200];
        int k = snprintf(head, sizeof head,
                         "HTTP/1.1 200 X\r\nContent-Encoding: gzip\r\nContent-Length: %zu\r\n\r\n", n);
        mock_send(fd, head, (size_t)k);
        mock_send(fd, (char *)packed, n);
        return true;
    }
    return mock_say(fd, 500, "", "unknown path");
}

TEST(an_answer_comes_with_all_that_is_asked_about_it)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    REQUIRE(mock_start(&m));
    CHECK(get(&m, (struct http_pool_conf){0}, "/ok", 1, &c, &e));
    CHECK_INT(c.replies[0].status, 200);
    CHECK_INT(c.replies[0].kind, ERR_NONE);
    CHECK_STR(c.replies[0].body, "{\"a\":1}");
    CHECK_STR(c.replies[0].type, "application/json");
    CHECK_INT(c.replies[0].retry_after_ms, 0);
    CHECK_HAS(last_headers, "X-Key: s3cret-key");
    CHECK_HAS(last_headers, "User-Agent: cupel-test");
    CHECK_HAS(last_headers, "gzip");
    mock_stop(&m);
}

TEST(answers_good_and_bad)
{
    static const struct {
        const char *path;
        int status;
        enum err_kind kind;
        const char *body, *msg;
    } cases[] = {
        {"/empty", 204, ERR_NONE, "", ""},
        {"/404", 404, ERR_NONE, "{\"status_message\":\"none\"}", ""},
        {"/gzip", 200, ERR_NONE, "zzzzzzzzzzzz", ""},
        {"/move", 200, ERR_NONE, "{\"a\":1}", ""},
        {"/cut", 0, ERR_NET, "", "transfer closed with"},
        {"/chunk", 0, ERR_NET, "", "transfer closed with"},
        {"/badchunk", 0, ERR_NET, "", "chunk"},
        {"/badgzip", 0, ERR_NET, "", "ncoding"},
        {"/reset", 0, ERR_NET, "", "reset by peer"},
        {"/close", 0, ERR_NET, "", "mpty reply"},
        {"/nothttp", 0, ERR_NET, "", "HTTP/0.9"},
        {"/drip", 0, ERR_NET, "", "imed out"},
        {"/hang", 0, ERR_NET, "", "imed out"},
        {"/circle", 0, ERR_USER, "", "more than 5 redirects"},
        {"/away", 0, ERR_USER, "", "/evil?api_key=***'"},
    };
    static const char *const secrets[] = {"s3cret-key", NULL};
    struct mock m = {.serve = serve};
    REQUIRE(mock_start(&m));
    for (size_t i = 0; i < countof(cases); i++) {
        struct caller c = {0};
        struct err e;
        CASE(cases[i].path);
        CHECK(get(&m, (struct http_pool_conf){.timeout_ms = 400, .secrets = secrets}, cases[i].path, 1, &c,
                  &e));
        CHECK_INT(c.n, 1);
        CHECK_INT(c.replies[0].status, cases[i].status);
        CHECK_INT(c.replies[0].kind, cases[i].kind);
        CHECK_HAS(c.replies[0].msg, cases[i].msg);
        if (cases[i].status)
            CHECK_HAS(c.replies[0].body, cases[i].body);
        CHECK(!strstr(c.replies[0].msg, "s3cret"));
    }
    CHECK_INT(mock_asked(&m, "/circle/0"), 6);
    mock_stop(&m);
}

TEST(retry_after_is_read)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    REQUIRE(mock_start(&m));
    CHECK(get(&m, (struct http_pool_conf){0}, "/429", 1, &c, &e));
    CHECK_INT(c.replies[0].status, 429);
    CHECK_INT(c.replies[0].retry_after_ms, 7000);
    mock_stop(&m);
}

TEST(nobody_there)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    REQUIRE(mock_start(&m));
    mock_stop(&m);
    CHECK(get(&m, (struct http_pool_conf){0}, "/ok", 3, &c, &e));
    CHECK_INT(c.n, 3);
    CHECK_INT(c.replies[2].kind, ERR_NET);
    CHECK_HAS(c.replies[2].msg, "onnect");
}

TEST(never_more_in_flight_than_allowed_and_connections_are_kept)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    REQUIRE(mock_start(&m));
    int64_t from = clock_mono_ms();
    CHECK(get(&m, (struct http_pool_conf){.concurrency = 3}, "/slow", 60, &c, &e));
    CHECK(clock_mono_ms() - from >= 60 / 3 * 20);
    CHECK_INT(c.n, 60);
    CHECK_INT(m.max_in_flight, 3);
    CHECK(m.connections <= 4);
    mock_stop(&m);
}

TEST(a_body_has_a_cap)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    REQUIRE(mock_start(&m));
    CHECK(get(&m, (struct http_pool_conf){.max_body_bytes = 249}, "/gzip", 1, &c, &e));
    CHECK_INT(c.replies[0].kind, ERR_LIMIT);
    CHECK_STR(c.replies[0].msg, "the answer is too large: more than 249 bytes");
    CHECK(get(&m, (struct http_pool_conf){.max_body_bytes = 250}, "/gzip", 1, &c, &e));
    CHECK_INT(c.replies[0].status, 200);
    mock_stop(&m);
}

static int by_time(const void *x, const void *y)
{
    const double *a = x, *b = y;
    return (*a > *b) - (*a < *b);
}

TEST(the_rate_holds_as_requests_leave)
{
    enum { N = 50, RATE = 20 };
    struct mock m = {.serve = serve};
    static struct caller c;
    double left[N];
    struct err e;
    REQUIRE(mock_start(&m));
    CHECK(get(&m, (struct http_pool_conf){.rate = RATE, .concurrency = 8}, "/slow", N, &c, &e));
    CHECK_INT(m.requests, N);
    for (size_t i = 0; i < N; i++)
        left[i] = c.replies[i].left_s;
    qsort(left, N, sizeof *left, by_time);
    for (size_t i = RATE; i < N; i++)
        CHECK(left[i] - left[i - RATE] >= 1);
    CHECK(left[N - 1] - left[0] < 2.4); /* two seconds and little more */
    mock_stop(&m);
}

static bool submit_more(void *arg, const struct http_request *r, const struct http_response *resp)
{
    struct caller *c = arg;
    if (r && c->n == 0) {
        http_pause(c->pool, clock_mono_ms() + 150);
        for (size_t i = 1; i < 4; i++)
            http_submit(c->pool, &(struct http_request){.url = r->url,
                                                        .arg = (void *)i,
                                                        .order = 10 - (int64_t)i,
                                                        .not_before_ms = i == 3 ? clock_mono_ms() + 400 : 0});
    }
    return take(arg, r, resp);
}

TEST(order_pause_and_the_earliest_time_are_kept)
{
    static const struct clock clock;
    auto_arena *a = arena_new();
    struct task t = {.a = a, .run_id = "r", .name = "t", .clock = &clock, .cancel = &cancel};
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    char url[URL];
    REQUIRE(mock_start(&m));
    REQUIRE(http_pool_new(
        a, &(struct http_pool_conf){.concurrency = 1, .timeout_ms = 2000, .max_body_bytes = 1000}, &c.pool,
        &e));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/ok", m.port);
    http_submit(c.pool, &(struct http_request){.url = url, .arg = 0});
    int64_t from = clock_mono_ms();
    CHECK(http_run(c.pool, &t, 0, submit_more, &c, &e));
    CHECK_INT(c.n, 4);
    CHECK_INT(c.order[1], 2); /* the lower order of the two that may start */
    CHECK_INT(c.order[2], 1);
    CHECK_INT(c.order[3], 3); /* the lowest, but later */
    CHECK(c.replies[2].at_ms - from >= 150);
    CHECK(c.replies[3].at_ms - from >= 400);
    mock_stop(&m);
}

TEST(the_caller_can_stop_and_is_woken)
{
    struct mock m = {.serve = serve};
    struct caller c = {.stop_after = 5};
    struct err e;
    REQUIRE(mock_start(&m));
    CHECK(get(&m, (struct http_pool_conf){0}, "/slow", 100, &c, &e));
    CHECK_INT(c.n, 5);
    c = (struct caller){0};
    CHECK(get(&m, (struct http_pool_conf){.timeout_ms = 500}, "/hang", 1, &c, &e));
    CHECK(c.wakes >= 5 && c.wakes <= 12);
    mock_stop(&m);
}

static void *cancel_later(void *arg)
{
    (void)arg;
    mock_sleep_ms(100);
    atomic_store(&cancel, true);
    return NULL;
}

TEST(a_cancel_is_honoured_at_once)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    pthread_t thread;
    REQUIRE(mock_start(&m));
    int64_t from = clock_mono_ms();
    pthread_create(&thread, NULL, cancel_later, NULL);
    CHECK(!get(&m, (struct http_pool_conf){.timeout_ms = 10000}, "/hang", 10, &c, &e));
    CHECK(clock_mono_ms() - from < 400);
    CHECK_INT(e.kind, ERR_CANCELED);
    pthread_join(thread, NULL);
    atomic_store(&cancel, false);
    mock_stop(&m);
}

static void *wake_later(void *arg)
{
    mock_sleep_ms(50);
    http_wake(arg);
    return NULL;
}

static bool stop_when_woken(void *arg, const struct http_request *r, const struct http_response *resp)
{
    (void)resp;
    *(int64_t *)arg = clock_mono_ms();
    return r != NULL;
}

TEST(another_thread_can_wake_the_loop)
{
    static const struct clock clock;
    auto_arena *a = arena_new();
    struct task t = {.a = a, .run_id = "r", .name = "t", .clock = &clock, .cancel = &cancel};
    struct mock m = {.serve = serve};
    struct http_pool *pool;
    struct err e;
    char url[URL];
    pthread_t thread;
    int64_t woken = 0;
    REQUIRE(mock_start(&m));
    REQUIRE(http_pool_new(
        a, &(struct http_pool_conf){.concurrency = 1, .timeout_ms = 9000, .max_body_bytes = 1000}, &pool,
        &e));
    snprintf(url, sizeof url, "http://127.0.0.1:%d/hang", m.port);
    http_submit(pool, &(struct http_request){.url = url});
    int64_t from = clock_mono_ms();
    pthread_create(&thread, NULL, wake_later, pool);
    CHECK(http_run(pool, &t, 0, stop_when_woken, &woken, &e));
    CHECK(woken - from >= 50 && woken - from < 400);
    pthread_join(thread, NULL);
    mock_stop(&m);
}

TEST(a_proxy_of_the_environment_is_not_for_this_machine)
{
    struct mock m = {.serve = serve};
    struct caller c = {0};
    struct err e;
    REQUIRE(mock_start(&m));
    setenv("http_proxy", "http://127.0.0.1:1", 1);
    CHECK(get(&m, (struct http_pool_conf){0}, "/ok", 1, &c, &e));
    unsetenv("http_proxy");
    CHECK_INT(c.replies[0].status, 200);
    mock_stop(&m);
}

TEST(an_address_that_is_none)
{
    static const struct clock clock;
    auto_arena *a = arena_new();
    struct task t = {.a = a, .run_id = "r", .name = "t", .clock = &clock, .cancel = &cancel};
    struct caller c = {0};
    struct err e;
    REQUIRE(http_pool_new(
        a, &(struct http_pool_conf){.concurrency = 1, .timeout_ms = 2000, .max_body_bytes = 1000}, &c.pool,
        &e));
    http_submit(c.pool, &(struct http_request){.url = "http://", .arg = (void *)0});
    http_submit(c.pool, &(struct http_request){.url = "file:///etc/passwd", .arg = (void *)1});
    CHECK(http_run(c.pool, &t, 0, take, &c, &e));
    CHECK_INT(c.n, 2);
    CHECK_INT(c.replies[0].kind, ERR_USER);
    CHECK_INT(c.replies[1].kind, ERR_USER);
}
