#include "base/log.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/clock.h"
#include "base/json.h"
#include "base/text.h"

enum {
    LINE_MAX_BYTES = 256 * 1024,
    VALUE_MAX_BYTES = 8 * 1024, /* a longer string is cut */
    PATIENCE_MS = 100,          /* how long a full pipe may hold up a run before lines are dropped */
};

struct sink {
    int fd;
    uint64_t dropped; /* lines since the last one that got through */
    bool torn;        /* the last line ended in its middle */
};

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static struct log_conf conf = {.text_fd = STDERR_FILENO, .min = LOG_INFO, .file_fd = -1};
static struct sink text_sink = {.fd = STDERR_FILENO}, file_sink = {.fd = -1};
static struct buf line = {.p = buf_empty, .max = LINE_MAX_BYTES}; /* kept from line to line */
static atomic_int lowest = LOG_INFO;                              /* below it there is nobody to tell */

static _Thread_local const char *context_run, *context_task;

/* With the lock held. */
static void set_lowest(void)
{
    bool heard = conf.text_fd >= 0 || conf.line;
    atomic_store(&lowest, file_sink.fd >= 0 ? (int)LOG_DEBUG : heard ? (int)conf.min : LOG_ERROR + 1);
}

void log_setup(const struct log_conf *c)
{
    pthread_mutex_lock(&lock);
    conf = *c;
    text_sink = (struct sink){.fd = c->text_fd};
    file_sink = (struct sink){.fd = c->file_fd};
    set_lowest();
    pthread_mutex_unlock(&lock);
}

void log_set_file(int fd)
{
    pthread_mutex_lock(&lock);
    file_sink = (struct sink){.fd = fd};
    set_lowest();
    pthread_mutex_unlock(&lock);
}

void log_context(const char *run, const char *task)
{
    context_run = run;
    context_task = task;
}

struct event {
    enum log_level level;
    const char *cfile;
    int cline;
    int64_t us;
    const struct kv *kv; /* without the event's name */
    const char *name;
};

/* How much of s is shown; a character is not cut in two. */
static size_t shown(const char *s)
{
    size_t n = strnlen(s, VALUE_MAX_BYTES + 1);
    if (n <= VALUE_MAX_BYTES)
        return n;
    for (n = VALUE_MAX_BYTES; n && (s[n] & 0xc0) == 0x80;)
        n--;
    return n;
}

static bool has_key(const struct kv *kv, const char *key)
{
    for (; kv->key; kv++)
        if (strcmp(kv->key, key) == 0)
            return true;
    return false;
}

static void add_json_str(struct buf *b, const char *s)
{
    if (!s) {
        buf_addf(b, "null");
        return;
    }
    json_quote(b, s, shown(s));
}

static void add_json_value(struct buf *b, const struct kv *kv)
{
    switch (kv->type) {
    case KV_STR:
        add_json_str(b, kv->str);
        break;
    case KV_INT:
        buf_addf(b, "%" PRIi64, kv->num);
        break;
    case KV_UINT:
        buf_addf(b, "%" PRIu64, kv->unum);
        break;
    case KV_REAL:
        if (isfinite(kv->real))
            text_real(b, kv->real);
        else
            buf_addf(b, "null");
        break;
    }
}

/* The path below src/: the build may be anywhere. */
static const char *short_file(const char *cfile)
{
    const char *from = cfile;
    for (const char *p = cfile; (p = strstr(p, "src/")); p++)
        if (p == cfile || p[-1] == '/')
            from = p + 4;
    return from;
}

static void add_json(struct buf *b, const struct event *ev)
{
    static const char *const levels[] = {"debug", "info", "warn", "error"};
    char ts[32];
    buf_addf(b, "{\"ts\":\"%s\",\"level\":\"%s\",\"event\":", clock_format(ts, ev->us, 3), levels[ev->level]);
    add_json_str(b, ev->name);
    const struct kv context[] = {kv_str("run", context_run), kv_str("task", context_task), {0}};
    for (const struct kv *kv = context; kv->key; kv++) {
        if (kv->str && !has_key(ev->kv, kv->key)) {
            buf_addf(b, ",\"%s\":", kv->key);
            add_json_value(b, kv);
        }
    }
    for (const struct kv *kv = ev->kv; kv->key; kv++) {
        buf_addf(b, ",\"%s\":", kv->key);
        add_json_value(b, kv);
    }
    buf_addf(b, ",\"src\":\"%s:%d\"}\n", short_file(ev->cfile), ev->cline);
}

/* Bare if nothing in it could be taken for the end of the value or does something to a terminal. */
static void add_text_str(struct buf *b, const char *s)
{
    size_t n = shown(s);
    bool bare = n > 0;
    uint32_t rune = 0;
    for (size_t i = 0, len; i < n && bare; i += len) {
        len = (size_t)text_rune(s + i, n - i, &rune);
        bare =
            len && rune > ' ' && rune != '"' && rune != '=' && rune != '\\' && (rune < 0x7f || rune >= 0xa0);
    }
    if (bare)
        buf_add(b, s, n);
    else
        json_quote(b, s, n);
}

/* To a thousandth: enough for people. */
static void add_text_real(struct buf *b, double v)
{
    char s[64];
    int n = snprintf(s, sizeof s, fabs(v) >= 0.001 && fabs(v) < 1e15 ? "%.3f" : "%.3g", v);
    if (strchr(s, '.') && !strchr(s, 'e'))
        while (s[n - 1] == '0' || s[n - 1] == '.')
            if (s[--n] == '.')
                break;
    buf_add(b, s, (size_t)n);
}

static void add_text_value(struct buf *b, const struct kv *kv)
{
    buf_addf(b, " %s=", kv->key);
    if (kv->type == KV_STR && !kv->str)
        buf_addf(b, "-");
    else if (kv->type == KV_STR)
        add_text_str(b, kv->str);
    else if (kv->type == KV_REAL)
        add_text_real(b, kv->real);
    else
        add_json_value(b, kv);
}

static void add_text(struct buf *b, const struct event *ev, bool color)
{
    static const char *const levels[] = {"DEBUG", "INFO ", "WARN ", "ERROR"};
    static const char *const colors[] = {"\033[2m", "\033[32m", "\033[33m", "\033[31m"};
    char ts[32];
    clock_format(ts, ev->us, 0);
    buf_addf(b, "%.8s %s%s%s %s", strchr(ts, 'T') + 1, color ? colors[ev->level] : "", levels[ev->level],
             color ? "\033[0m" : "", ev->name);
    if (context_task && !has_key(ev->kv, "task"))
        add_text_value(b, &(struct kv){"task", KV_STR, {.str = context_task}});
    for (const struct kv *kv = ev->kv; kv->key; kv++)
        add_text_value(b, kv);
    buf_addf(b, "\n");
}

/* A pipe that nobody reads holds up a run once and shortly; after that lines are dropped until it moves. */
static void push(struct sink *s, const char *p, size_t n)
{
    int polls = s->dropped ? 0 : 5;
    size_t done = 0;
    while (done < n) {
        ssize_t k = write(s->fd, p + done, n - done);
        if (k > 0) {
            done += (size_t)k;
            continue;
        }
        if (k < 0 && errno == EINTR)
            continue;
        if (k == 0 || errno != EAGAIN || polls-- == 0)
            break;
        poll(&(struct pollfd){.fd = s->fd, .events = POLLOUT}, 1, PATIENCE_MS / 5);
    }
    if (done == n) {
        s->dropped = 0;
        s->torn = false;
    } else {
        s->dropped++;
        s->torn = done ? p[done - 1] != '\n' : s->torn;
    }
}

static void emit(struct sink *s, const struct event *ev, bool json, bool color)
{
    const struct kv count[] = {KV("lines", s->dropped), {0}};
    struct event dropped = *ev;
    dropped.level = LOG_WARN, dropped.name = "log.dropped", dropped.kv = count;

    line.len = 0;
    line.failed = ERR_NONE;
    if (s->torn)
        buf_addf(&line, "\n");
    for (const struct event *one = s->dropped ? &dropped : ev; one; one = one == ev ? NULL : ev) {
        if (json)
            add_json(&line, one);
        else
            add_text(&line, one, color);
    }
    if (line.failed) {
        s->dropped++;
    } else if (s == &text_sink && conf.line) {
        conf.line(conf.arg, line.p, line.len);
        s->dropped = 0;
    } else {
        push(s, line.p, line.len);
    }
}

void log_fields(enum log_level l, const char *cfile, int cline, const struct kv *kv)
{
    if ((int)l < atomic_load_explicit(&lowest, memory_order_relaxed))
        return;
    int no = errno;
    const struct event ev = {l, cfile, cline, clock_now_us(NULL), kv + 1, kv->str};
    pthread_mutex_lock(&lock);
    if (l >= conf.min && (text_sink.fd >= 0 || conf.line))
        emit(&text_sink, &ev, conf.json, conf.color);
    if (file_sink.fd >= 0)
        emit(&file_sink, &ev, true, false);
    pthread_mutex_unlock(&lock);
    errno = no;
}
