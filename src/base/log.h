/* log.h - one event, one line: text for people on stderr, JSON Lines for machines and for the run's log file.
 *
 * The only global of the program: where the lines go is set once by main(), and the run and task a thread
 * works for are told to it by log_context(), so that calls need not repeat them. Lines are written with one
 * write(2). Threads may log at the same time. base, net, rows, store, lake, engine and connectors log at
 * debug only: they return errors.
 */
#pragma once
#include "base/base.h"

enum log_level { LOG_DEBUG, LOG_INFO, LOG_WARN, LOG_ERROR };

struct kv {
    const char *key;
    enum { KV_STR, KV_INT, KV_UINT, KV_REAL } type;
    union {
        const char *str;
        int64_t num;
        uint64_t unum;
        double real;
    };
};
#define KV(k, v)                                                                                             \
    _Generic((v), char *: kv_str, const char *: kv_str, double: kv_real, size_t: kv_uint, default: kv_int)(k, v)
static inline struct kv kv_str(const char *k, const char *v)
{
    return (struct kv){k, KV_STR, {.str = v}};
}
static inline struct kv kv_int(const char *k, int64_t v)
{
    return (struct kv){k, KV_INT, {.num = v}};
}
static inline struct kv kv_uint(const char *k, uint64_t v)
{
    return (struct kv){k, KV_UINT, {.unum = v}};
}
static inline struct kv kv_real(const char *k, double v)
{
    return (struct kv){k, KV_REAL, {.real = v}};
}

/* kv[0] is the event, made by EV(); the list ends with {0}. */
void log_fields(enum log_level l, const char *cfile, int cline, const struct kv *kv);
#define EV(name)       kv_str("event", name)
#define log_at(l, ...) log_fields(l, __FILE__, __LINE__, (const struct kv[]){__VA_ARGS__, {0}})
#define log_debug(...) log_at(LOG_DEBUG, __VA_ARGS__)
#define log_info(...)  log_at(LOG_INFO, __VA_ARGS__)
#define log_warn(...)  log_at(LOG_WARN, __VA_ARGS__)
#define log_error(...) log_at(LOG_ERROR, __VA_ARGS__)

struct log_conf {
    int text_fd; /* where text (or JSON) lines go, -1 = nowhere */
    bool json;   /* JSON Lines on text_fd too */
    bool color;
    enum log_level min; /* for text_fd */
    int file_fd;        /* JSON Lines of every level from debug up, -1 = none: the log of a run */
    /* Called with each finished text line in place of writing it to text_fd, so that a live progress view can
     * clear itself first; may be NULL. Called under the log's lock. */
    void (*line)(void *arg, const char *p, size_t n);
    void *arg;
};
void log_setup(const struct log_conf *c);
void log_set_file(int fd);

/* What the calling thread works for; NULL = nothing. The strings must stay. */
void log_context(const char *run, const char *task);
