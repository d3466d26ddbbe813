#include "store/remote.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <pthread.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "net/retry.h"
#include "store/dice.h"
#include "store/local.h"

enum {
    PATIENCE_MS = 120000,
    CONNECT_MS = 5000,
    IDLE_MS = 30000,
    SLOWEST_BYTES_MS = 128, /* 128 KB/s: a slower transfer is given up */
    AT_A_TIME = 8,
};

static const struct retry policy = {.attempts = 10, .base_ms = 100, .max_ms = 5000};

/* --- opening --- */

static int64_t at_most(int64_t x, int64_t most)
{
    return x < most ? x : most;
}

static bool find_patience(const struct store_conf *conf, int64_t *ret_ms, struct err *e)
{
    const char *said = getenv("CUPEL_STORE_TIMEOUT");
    *ret_ms = conf->timeout_ms ? conf->timeout_ms : PATIENCE_MS;
    if (!conf->timeout_ms && said && *said && !text_duration_ms(said, ret_ms, e))
        return wrap(e, "CUPEL_STORE_TIMEOUT");
    return *ret_ms >= STORE_LEAST_TIMEOUT_MS ||
           fail(e, ERR_USER, "CUPEL_STORE_TIMEOUT: a second is the least");
}

bool remote_open(struct arena *a, struct store *s, const struct http_sigv4 *sign, const char *const *secrets,
                 const char *where, struct err *e)
{
    struct remote *r = arena_make(a, struct remote, 1);
    r->where = where;
    if (!find_patience(s->conf, &r->patience_ms, e))
        return false;
    const struct http_client_conf conf = {
        .connect_timeout_ms = at_most(CONNECT_MS, r->patience_ms / 4),
        .idle_ms = at_most(IDLE_MS, r->patience_ms / 2),
        .user_agent = "cupel/" CUPEL_VERSION,
        .secrets = secrets,
        .sign = sign ? *sign : (struct http_sigv4){0},
    };
    if (!http_client_new(a, &conf, &r->http, e) ||
        !cache_open(a, s->conf->cache, s->conf->cache_bytes, &r->cache, e))
        return false;
    s->root = cache_mirror(r->cache);
    s->remote = r;
    r->mirror = (struct store){.driver = &store_local, .root = s->root, .uri = s->root};
    return true;
}

bool remote_named(struct err *e, const struct store *s, const char *verb, const char *path)
{
    auto_arena *a = arena_new();
    return wrap(e, "cannot %s '%s'", verb, store_name(a, s, path));
}

bool remote_missing(const struct store *s, const char *path, bool *ret_missing, struct err *e)
{
    auto_arena *a = arena_new();
    if (ret_missing)
        *ret_missing = true;
    return fail(e, ERR_USER, "no such file '%s'", store_name(a, s, path));
}

void remote_encode(struct buf *b, const char *text, bool keep_slash)
{
    static const char plain[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~";
    for (const char *p = text; *p; p++)
        if (strchr(plain, *p) || (keep_slash && *p == '/'))
            buf_add(b, p, 1);
        else
            buf_addf(b, "%%%02X", (unsigned char)*p);
}

/* --- attempts --- */

static void next_deadline(struct effort *f)
{
    f->deadline_ms = at_most(clock_mono_ms() + f->share_ms, f->end_ms);
}

struct effort effort_begin(const struct store *s, int64_t bytes)
{
    int64_t transfer_ms = bytes / SLOWEST_BYTES_MS, patience_ms = s->remote->patience_ms;
    struct effort f = {.end_ms = clock_mono_ms() + patience_ms + transfer_ms,
                       .share_ms = patience_ms / 2 + transfer_ms};
    next_deadline(&f);
    return f;
}

static void sleep_ms(int64_t ms)
{
    struct timespec left = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    while (nanosleep(&left, &left) != 0 && errno == EINTR)
        ;
}

bool effort_again(struct effort *f, int64_t asked_ms, struct err *e)
{
    int64_t wait = retry_wait(&policy, ++f->done, e, asked_ms, dice_unit());
    if (wait < 0 || clock_mono_ms() + wait >= f->end_ms)
        return false;
    sleep_ms(wait);
    next_deadline(f);
    return true;
}

/* --- several at a time --- */

struct crew {
    bool (*one)(void *arg, size_t i, struct err *e);
    void *arg;
    size_t n;
    atomic_size_t next;
    atomic_bool failed;
    struct err *e; /* of the first that failed */
};

static void *work(void *arg)
{
    struct crew *c = arg;
    struct err e = {0};
    for (size_t i; !atomic_load(&c->failed) && (i = atomic_fetch_add(&c->next, 1)) < c->n;)
        if (!c->one(c->arg, i, &e) && !atomic_exchange(&c->failed, true))
            *c->e = e;
    return NULL;
}

bool remote_parallel(size_t n, bool (*one)(void *arg, size_t i, struct err *e), void *arg, struct err *e)
{
    struct crew c = {.one = one, .arg = arg, .n = n, .e = e};
    pthread_t threads[AT_A_TIME - 1];
    size_t started = 0;
    while (started < countof(threads) && started + 1 < n &&
           pthread_create(&threads[started], NULL, work, &c) == 0)
        started++;
    work(&c);
    for (size_t i = 0; i < started; i++)
        pthread_join(threads[i], NULL);
    return !atomic_load(&c.failed);
}

/* --- fetching --- */

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define auto_fd auto_call(close_fd) int

/* A path of a log that somebody else wrote must not lead out of the mirror. */
static bool is_inside(const char *path)
{
    for (const char *p = path; *p; p += strcspn(p, "/"), p += *p == '/')
        if (*p == '/' || strncmp(p, "../", 3) == 0 || strcmp(p, "..") == 0)
            return false;
    return *path != '\0';
}

static bool make_folder_of(struct arena *a, const char *file, struct err *e)
{
    const char *folder = arena_strn(a, file, (size_t)(strrchr(file, '/') - file));
    return fs_is_dir(folder) || fs_mkdirs(folder, e);
}

/* On the disk and whole, since others will trust it; and read-only, which tells it from what is staged. */
static bool finish(int fd, const char *name, int64_t size, struct err *e)
{
    struct stat st;
    if (fstat(fd, &st) != 0)
        return fs_fail(e, "cannot look at", name);
    if (st.st_size != size)
        return fail(e, ERR_DATA, "'%s' has %" PRIi64 " bytes, and should have %" PRIi64, name,
                    (int64_t)st.st_size, size);
    return (fdatasync(fd) == 0 && fchmod(fd, 0444) == 0) || fs_fail(e, "cannot keep a copy of", name);
}

static bool download(struct store *s, const char *path, int64_t size, const char *file, struct err *e)
{
    auto_arena *a = arena_new();
    char *temp = cache_temp(a, s->remote->cache);
    auto_fd fd = open(temp, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return fs_fail(e, "cannot write", temp);
    if (s->driver->download(s, path, size, fd, e) && finish(fd, store_name(a, s, path), size, e)) {
        if (rename(temp, file) == 0)
            return true;
        fs_fail(e, "cannot write", file);
    }
    unlink(temp);
    return false;
}

static bool is_writable(const struct stat *st)
{
    return st->st_mode & 0222;
}

static bool fetch_one(struct store *s, const struct store_object *o, struct err *e)
{
    auto_arena *a = arena_new();
    char *file = store_uri(a, s, o->path);
    struct store_stat now = {.size = o->size, .tag = ""};
    struct stat st;
    if (!is_inside(o->path))
        return fail(e, ERR_DATA, "'%s' is no path within '%s'", o->path, s->uri);
    if (o->size >= 0 && stat(file, &st) == 0 && st.st_size == o->size)
        return true;
    if ((o->size < 0 && !s->driver->stat(s, a, o->path, &now, NULL, e)) || !make_folder_of(a, file, e))
        return false;
    const char *key = cache_key(a, s->remote->where, o->path, now.size, now.tag);
    if (cache_get(s->remote->cache, key, now.size, file))
        return true;
    if (!download(s, o->path, now.size, file, e))
        return false;
    cache_keep(s->remote->cache, key, now.size, file);
    return true;
}

struct fetching {
    struct store *s;
    const struct store_object *objects;
};

static bool fetch_some(void *arg, size_t i, struct err *e)
{
    struct fetching *f = arg;
    return fetch_one(f->s, &f->objects[i], e);
}

bool store_fetch(struct store *s, const struct store_object *objects, size_t n, struct err *e)
{
    struct fetching f = {s, objects};
    return !s->remote || n == 0 || remote_parallel(n, fetch_some, &f, e);
}

struct store *store_staging(struct store *s)
{
    return s->remote ? &s->remote->mirror : s;
}

/* --- parts of drivers --- */

bool remote_exists(struct store *s, const char *path, bool *ret, struct err *e)
{
    auto_arena *a = arena_new();
    struct store_stat st;
    bool missing = false;
    *ret = s->driver->stat(s, a, path, &st, &missing, e);
    return *ret || missing;
}

static bool upload(struct store *s, const char *path, const char *file, int64_t size, struct err *e)
{
    auto_arena *a = arena_new();
    auto_fd fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return fs_fail(e, "cannot read", file);
    if (!s->driver->upload(s, fd, size, path, e))
        return false;
    /* It will be read again, by this process or the next. */
    struct err ignored;
    if (finish(fd, file, size, &ignored))
        cache_keep(s->remote->cache, cache_key(a, s->remote->where, path, size, ""), size, file);
    return true;
}

struct syncing {
    struct store *s;
    const char *const *paths;
};

static bool sync_one(void *arg, size_t i, struct err *e)
{
    struct syncing *y = arg;
    auto_arena *a = arena_new();
    const char *path = y->paths[i], *file = store_uri(a, y->s, path);
    struct store_stat there;
    struct stat st;
    if (stat(file, &st) == 0)
        return !is_writable(&st) || upload(y->s, path, file, st.st_size, e);
    return y->s->driver->stat(y->s, a, path, &there, NULL, e);
}

bool remote_sync(struct store *s, const char *const *paths, size_t n, struct err *e)
{
    struct syncing y = {s, paths};
    return remote_parallel(n, sync_one, &y, e);
}

bool remote_adopt(struct store *s, const char *local_file, const char *path, bool *ret_taken,
                  bool (*put)(struct store *s, const char *path, const struct content *c, bool *ret_taken,
                              struct err *e),
                  struct err *e)
{
    auto_fd fd = open(local_file, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) != 0)
        return fs_fail(e, "cannot read", local_file);
    const struct content c = {.fd = fd, .n = st.st_size};
    if (!put(s, path, &c, ret_taken, e))
        return false;
    struct err ignored;
    (void)!fs_remove(local_file, &ignored); /* of the mirror: goes with it */
    return true;
}

void remote_forget(struct store *s, const char *path)
{
    auto_arena *a = arena_new();
    if (is_inside(path))
        unlink(store_uri(a, s, path));
}
