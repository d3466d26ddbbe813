#include "store/cache.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/sha256.h"
#include "base/text.h"
#include "store/dice.h"

#define DEFAULT_BYTES (INT64_C(10) << 30)

struct cache {
    const char *dir, *objects, *work, *mirror, *lock_name, *lock_path;
    int lock_fd; /* of the mirror */
    int64_t max_bytes;
    atomic_llong unchecked; /* bytes kept since somebody last looked whether all fit */
};

const char *cache_mirror(const struct cache *c)
{
    return c->mirror;
}

/* --- locks --- */

static void unlock(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define auto_lock auto_call(unlock) int

/* -1: it is held by somebody, or errno says why not. */
static int lock_file(const char *path, int how)
{
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    while (fd >= 0 && flock(fd, how) != 0) {
        if (errno == EINTR)
            continue;
        int no = errno;
        close(fd);
        errno = no;
        return -1;
    }
    return fd;
}

/* --- mirrors --- */

static void remove_mirror(const char *mirror, const char *lock_path)
{
    struct err e;
    if (!fs_remove_tree(mirror, &e) || !fs_remove(lock_path, &e))
        log_debug(EV("cache.mirror_left"), KV("error", e.msg));
}

/* Those of processes that are no more. */
static void sweep(const struct cache *c)
{
    static const char end[] = ".lock";
    auto_arena *a = arena_new();
    const char **names;
    size_t n;
    struct err e;
    if (!fs_list(a, c->work, &names, &n, &e)) {
        log_debug(EV("cache.not_swept"), KV("error", e.msg));
        return;
    }
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(names[i]);
        if (len <= sizeof end - 1 || strcmp(names[i] + len - (sizeof end - 1), end) != 0)
            continue;
        const char *path = fs_join(a, c->work, names[i]);
        auto_lock fd = lock_file(path, LOCK_EX | LOCK_NB);
        if (fd >= 0)
            remove_mirror(arena_strn(a, path, strlen(path) - (sizeof end - 1)), path);
    }
}

static void cache_close(void *arg)
{
    struct cache *c = arg;
    auto_lock all = lock_file(c->lock_name, LOCK_EX);
    (void)all; /* held to the end */
    remove_mirror(c->mirror, c->lock_path);
    close(c->lock_fd);
}

static bool make_mirror(struct arena *a, struct cache *c, struct err *e)
{
    auto_lock all = lock_file(c->lock_name, LOCK_EX);
    if (all < 0)
        return fs_fail(e, "cannot lock", c->lock_name);
    sweep(c);
    c->mirror = fs_join(a, c->work, dice_hex(a));
    c->lock_path = arena_fmt(a, "%s.lock", c->mirror);
    c->lock_fd = lock_file(c->lock_path, LOCK_EX | LOCK_NB);
    if (c->lock_fd < 0)
        return fs_fail(e, "cannot lock", c->lock_path);
    arena_defer(a, cache_close, c);
    return fs_mkdirs(c->mirror, e);
}

static bool find_dir(struct arena *a, const char *dir, const char **ret, struct err *e)
{
    const char *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    dir = dir ? dir : getenv("CUPEL_LAKE_CACHE");
    if (dir && *dir) {
        char *real = NULL;
        if (!fs_mkdirs(dir, e))
            return false;
        if (!(real = realpath(dir, NULL)))
            return fs_fail(e, "cannot use", dir);
        *ret = arena_str(a, real);
        free(real);
        return true;
    }
    if (xdg && *xdg == '/')
        *ret = fs_join(a, xdg, "cupel/lake");
    else if (home && *home == '/')
        *ret = fs_join(a, home, ".cache/cupel/lake");
    else
        return fail(e, ERR_USER, "there is no HOME to keep fetched files in") ||
               hint(e, "name a folder in CUPEL_LAKE_CACHE");
    return true;
}

bool cache_open(struct arena *a, const char *dir, int64_t max_bytes, struct cache **ret, struct err *e)
{
    struct cache *c = arena_make(a, struct cache, 1);
    const char *size = getenv("CUPEL_LAKE_CACHE_SIZE");
    c->max_bytes = max_bytes ? max_bytes : DEFAULT_BYTES;
    if (!max_bytes && size && *size && !text_size_bytes(size, &c->max_bytes, e))
        return wrap(e, "CUPEL_LAKE_CACHE_SIZE");
    if (!find_dir(a, dir, &c->dir, e))
        return false;
    c->objects = fs_join(a, c->dir, "objects");
    c->work = fs_join(a, c->dir, "work");
    c->lock_name = fs_join(a, c->dir, "lock");
    atomic_init(&c->unchecked, c->max_bytes); /* the first file that is kept is reason enough */
    if (!fs_mkdirs(c->objects, e) || !fs_mkdirs(c->work, e) || !make_mirror(a, c, e))
        return wrap(e, "cache of remote files") || hint(e, "name another folder in CUPEL_LAKE_CACHE");
    *ret = c;
    return true;
}

/* --- files --- */

char *cache_temp(struct arena *a, const struct cache *c)
{
    return arena_fmt(a, "%s/.%s.tmp", c->mirror, dice_hex(a));
}

char *cache_key(struct arena *a, const char *where, const char *path, int64_t size, const char *tag)
{
    struct sha256 h;
    char hex[65];
    const char *text = arena_fmt(a, "%s\n%s\n%" PRIi64 "\n%s", where, path, size, tag);
    sha256_init(&h);
    sha256_add(&h, text, strlen(text));
    return arena_str(a, sha256_hex(&h, hex));
}

static char *object_path(struct arena *a, const struct cache *c, const char *key)
{
    return arena_fmt(a, "%s/%.2s/%s", c->objects, key, key + 2);
}

bool cache_get(struct cache *c, const char *key, int64_t size, const char *file)
{
    auto_arena *a = arena_new();
    char *object = object_path(a, c, key), *temp = cache_temp(a, c);
    struct stat st;
    if (link(object, temp) != 0)
        return false;
    if (stat(temp, &st) != 0 || st.st_size != size) {
        unlink(temp);
        unlink(object);
        return false;
    }
    static const struct timespec used_now[2] = {{.tv_nsec = UTIME_NOW}, {.tv_nsec = UTIME_OMIT}};
    (void)!utimensat(AT_FDCWD, object, used_now, 0); /* its place in the queue, no more */
    if (rename(temp, file) != 0) {
        unlink(temp);
        return false;
    }
    unlink(temp); /* two names of one file: rename() has done nothing, and said so by 0 */
    return true;
}

/* --- eviction --- */

struct kept {
    const char *path;
    int64_t bytes;
    struct timespec used;
};
struct kepts list_of(struct kept);

static int by_use(const void *x, const void *y)
{
    const struct timespec *p = &((const struct kept *)x)->used, *q = &((const struct kept *)y)->used;
    return p->tv_sec != q->tv_sec     ? (p->tv_sec < q->tv_sec ? -1 : 1)
           : p->tv_nsec != q->tv_nsec ? (p->tv_nsec < q->tv_nsec ? -1 : 1)
                                      : 0;
}

static int64_t gather(struct arena *a, const struct cache *c, struct kepts *all)
{
    const char **paths;
    size_t n;
    int64_t sum = 0;
    struct err e;
    if (!fs_walk(a, c->objects, "", &paths, &n, &e)) {
        log_debug(EV("cache.not_evicted"), KV("error", e.msg));
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const char *path = fs_join(a, c->objects, paths[i]);
        struct stat st;
        if (stat(path, &st) != 0)
            continue;
        *arena_push(a, all) = (struct kept){path, (int64_t)st.st_blocks * 512, st.st_atim};
        sum += (int64_t)st.st_blocks * 512;
    }
    return sum;
}

/* The least recently used go, until nine tenths are left. */
static void evict(struct cache *c)
{
    auto_lock all = lock_file(c->lock_name, LOCK_EX | LOCK_NB);
    if (all < 0)
        return; /* somebody is at it */
    auto_arena *a = arena_new();
    struct kepts files = {0};
    int64_t sum = gather(a, c, &files);
    if (sum <= c->max_bytes)
        return;
    qsort(files.v, files.n, sizeof *files.v, by_use);
    for (size_t i = 0; i < files.n && sum > c->max_bytes / 10 * 9; i++)
        if (unlink(files.v[i].path) == 0)
            sum -= files.v[i].bytes;
}

void cache_keep(struct cache *c, const char *key, int64_t size, const char *file)
{
    auto_arena *a = arena_new();
    char *object = object_path(a, c, key);
    char *folder = arena_strn(a, object, (size_t)(strrchr(object, '/') - object));
    if (mkdir(folder, 0777) != 0 && errno != EEXIST)
        return;
    if (link(file, object) != 0)
        return; /* somebody has kept it before; or no hard links here */
    if (atomic_fetch_add(&c->unchecked, size) + size > c->max_bytes / 16) {
        atomic_store(&c->unchecked, 0);
        evict(c);
    }
}
