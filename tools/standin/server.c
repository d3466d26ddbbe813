#include "server.h"

#include <arpa/inet.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "answer.h"
#include "cache.h"
#include "clock.h"
#include "errors.h"

struct server {
    struct server_conf conf;
    const struct films *films;
    struct faults *faults;
    struct stats stats;
    struct cache *cache;
    struct timer *timer;
    struct MHD_Daemon *daemon;
    uint16_t port;
};

struct request {
    struct server *server;
    struct target target;
    struct fault fault;
    struct answer answer;
    uint64_t due_ns; /* sleep until then before answering; 0 = do not */
    bool counted;    /* it is one of the API, not of /stats */
    bool reset;
};

static const char *argument(struct MHD_Connection *c, const char *name)
{
    return MHD_lookup_connection_value(c, MHD_GET_ARGUMENT_KIND, name);
}

static bool has_key(struct MHD_Connection *c, const char *key)
{
    const char *given = argument(c, "api_key");
    if (given)
        return strcmp(given, key) == 0;
    const char *header = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_AUTHORIZATION);
    return header && strncmp(header, "Bearer ", 7) == 0 && strcmp(header + 7, key) == 0;
}

/* "gzip" among the encodings, and not with a quality of 0. */
static bool accepts_gzip(struct MHD_Connection *c)
{
    const char *header = MHD_lookup_connection_value(c, MHD_HEADER_KIND, MHD_HTTP_HEADER_ACCEPT_ENCODING);
    const char *at = header ? strstr(header, "gzip") : NULL;
    if (!at)
        return false;
    at += 4;
    while (*at == ' ')
        at++;
    if (*at != ';')
        return true;
    const char *q = strchr(at, '=');
    return !q || strtod(q + 1, NULL) > 0;
}

static void answer_error(struct answer *a, int status)
{
    struct text t = {0};
    a->status = error_body(&t, status);
    a->body = text_str(&t);
    a->owned = t.p;
}

/* Bodies that cost something are kept: the lists, and everything gzip has been through. */
static void answer_target(struct server *s, struct answer *a, const struct target *target, bool gzip)
{
    int64_t key = target_key(target);
    gzip = gzip && key >= 0;
    bool keep = gzip || (key >= 0 && target->route <= ROUTE_NOW_PLAYING);
    uint64_t cached = (uint64_t)key * 2 + gzip;
    *a = (struct answer){.status = 200, .gzip = gzip, .retry_after = -1};
    if (keep && cache_find(s->cache, cached, &a->body))
        return;

    struct text t = {0};
    a->status = target_body(s->films, target, &t);
    if (keep && a->status == 200) {
        a->body = cache_keep(s->cache, cached, text_str(&t), gzip);
        text_free(&t);
        return;
    }
    a->gzip = false;
    a->body = text_str(&t);
    a->owned = t.p;
}

/* What goes out for request `number` of the API, whole: damage on the way is answer_send()'s. Requests
 * that are refused anyway draw no fault. */
static void make_answer(struct request *r, struct MHD_Connection *c, uint64_t number, bool is_get)
{
    struct server *s = r->server;
    struct answer *a = &r->answer;
    *a = (struct answer){.retry_after = -1};
    bool refused = s->conf.key && !has_key(c, s->conf.key);
    if (refused || !is_get) {
        answer_error(a, refused ? 401 : 405);
        return;
    }
    r->fault = faults_draw(s->faults, r->target.route, number);
    switch (r->fault.kind) {
    case FAULT_STATUS:
    case FAULT_BURST:
    case FAULT_EXPIRE:
        answer_error(a, r->fault.status);
        if (a->status == 429)
            a->retry_after = r->fault.param;
        break;
    case FAULT_GARBAGE:
        answer_target(s, a, &r->target, false);
        answer_spoil(a, r->fault.dice);
        break;
    case FAULT_RESET:
        r->reset = true;
        break;
    default:
        r->target.doubled = r->fault.kind == FAULT_DUPE;
        answer_target(s, a, &r->target, accepts_gzip(c));
        break;
    }
}

/* A request of the API has arrived: make its answer and know when it is due. */
static void receive(struct request *r, struct MHD_Connection *c, const char *path, bool is_get)
{
    struct server *s = r->server;
    uint64_t arrived;
    r->counted = true;
    r->target = target_parse(path, argument(c, "page"), argument(c, "append_to_response"));
    uint64_t number = stats_arrive(&s->stats, r->target.route, &arrived);
    make_answer(r, c, number, is_get);

    int64_t wait_ms = s->conf.latency_ms + (r->fault.kind == FAULT_SLOW ? r->fault.param : 0);
    if (wait_ms)
        r->due_ns = arrived + (uint64_t)wait_ms * NS_PER_MS;
}

static void answer_stats(struct request *r, bool reset)
{
    struct server *s = r->server;
    struct text t = {0};
    if (reset) {
        stats_reset(&s->stats);
        faults_reset_counts(s->faults);
    }
    stats_json(&s->stats, s->faults, &t);
    r->answer = (struct answer){.status = 200, .body = text_str(&t), .owned = t.p, .retry_after = -1};
}

/* Everything outside of /3. */
static void serve_own(struct request *r, const char *url, const char *method)
{
    bool get = strcmp(method, "GET") == 0, post = strcmp(method, "POST") == 0;
    if (r->server->conf.stats && get && strcmp(url, "/stats") == 0) {
        answer_stats(r, false);
    } else if (r->server->conf.stats && post && strcmp(url, "/stats/reset") == 0) {
        answer_stats(r, true);
    } else {
        r->answer = (struct answer){.retry_after = -1};
        answer_error(&r->answer, 404);
    }
}

/* The library calls this once when the header is there, then for each piece of a body, then for the
 * answer, and again after a sleep. Neither answer nor sleep may come before the third of these, or the
 * connection loses its keep-alive. */
static enum MHD_Result on_request(void *arg, struct MHD_Connection *c, const char *url, const char *method,
                                  const char *version, const char *upload, size_t *upload_size, void **state)
{
    (void)version;
    (void)upload;
    struct request *r = *state;
    if (r && *upload_size) {
        *upload_size = 0;
        return MHD_YES;
    }
    if (r) {
        uint64_t due = r->due_ns;
        r->due_ns = 0;
        bool sleeps = due && timer_sleep(r->server->timer, c, due);
        return sleeps ? MHD_YES : answer_send(&r->answer, c, &r->fault, r->server->timer);
    }
    *state = r = must_alloc(1, sizeof *r);
    r->server = arg;
    if (strncmp(url, "/3/", 3) == 0)
        receive(r, c, url + 2, strcmp(method, "GET") == 0 || strcmp(method, "HEAD") == 0);
    else
        serve_own(r, url, method);
    return MHD_YES;
}

static void on_completed(void *arg, struct MHD_Connection *c, void **state,
                         enum MHD_RequestTerminationCode why)
{
    (void)arg;
    (void)c;
    (void)why;
    struct request *r = *state;
    if (!r)
        return;
    if (r->counted)
        stats_leave(&r->server->stats, r->reset ? 0 : r->answer.status);
    answer_free(&r->answer);
    free(r);
    *state = NULL;
}

static void on_connection(void *arg, struct MHD_Connection *c, void **state,
                          enum MHD_ConnectionNotificationCode what)
{
    (void)c;
    (void)state;
    struct server *s = arg;
    if (what == MHD_CONNECTION_NOTIFY_STARTED)
        stats_connect(&s->stats);
}

static bool listen_on(struct server *s, struct err *e)
{
    struct sockaddr_in here = {
        .sin_family = AF_INET,
        .sin_port = htons(s->conf.port),
        .sin_addr.s_addr = htonl(INADDR_LOOPBACK),
    };
    errno = 0;
    s->daemon = MHD_start_daemon(
        MHD_USE_EPOLL_INTERNAL_THREAD | MHD_ALLOW_SUSPEND_RESUME, s->conf.port, NULL, NULL, on_request, s,
        MHD_OPTION_SOCK_ADDR, (struct sockaddr *)&here, MHD_OPTION_NOTIFY_COMPLETED, on_completed, NULL,
        MHD_OPTION_NOTIFY_CONNECTION, on_connection, s,
        s->conf.threads > 1 ? MHD_OPTION_THREAD_POOL_SIZE : MHD_OPTION_END, s->conf.threads, MHD_OPTION_END);
    if (!s->daemon)
        return fail(e, "cannot listen on 127.0.0.1:%u: %s", s->conf.port,
                    errno ? strerror(errno) : "refused");
    s->port = MHD_get_daemon_info(s->daemon, MHD_DAEMON_INFO_BIND_PORT)->port;
    return true;
}

bool server_start(struct server **ret, const struct server_conf *conf, const struct films *films,
                  struct faults *f, struct err *e)
{
    struct server *s = must_alloc(1, sizeof *s);
    *s = (struct server){.conf = *conf, .films = films, .faults = f, .cache = cache_new()};
    stats_init(&s->stats);
    if (!timer_start(&s->timer, e) || !listen_on(s, e)) {
        server_stop(s);
        return false;
    }
    *ret = s;
    return true;
}

uint16_t server_port(const struct server *s)
{
    return s->port;
}

void server_stats(struct server *s, struct text *out)
{
    stats_json(&s->stats, s->faults, out);
}

void server_stop(struct server *s)
{
    if (!s)
        return;
    if (s->timer)
        timer_stop(s->timer);
    if (s->daemon)
        MHD_stop_daemon(s->daemon);
    timer_free(s->timer);
    cache_free(s->cache);
    stats_done(&s->stats);
    free(s);
}
