#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/cache.h"
#include "test.h"

static void drop(void *path)
{
    struct err e;
    if (!fs_remove_tree(path, &e))
        BAD("%s", e.msg);
}

static const char *folder(struct arena *a, const char *bytes)
{
    char *dir = arena_str(a, "/tmp/cupel-cache-XXXXXX");
    REQUIRE(mkdtemp(dir));
    arena_defer(a, drop, dir);
    setenv("CUPEL_LAKE_CACHE", dir, 1);
    if (bytes)
        setenv("CUPEL_LAKE_CACHE_SIZE", bytes, 1);
    else
        unsetenv("CUPEL_LAKE_CACHE_SIZE");
    return dir;
}

static struct cache *open_cache(struct arena *a)
{
    struct err e = {0};
    struct cache *c = NULL;
    if (!cache_open(a, NULL, 0, &c, &e))
        BAD("%s", e.msg);
    REQUIRE(c);
    return c;
}

static char *file_of(struct arena *a, const struct cache *c, const char *name, size_t n)
{
    struct err e = {0};
    char *path = fs_join(a, cache_mirror(c), name);
    char *bytes = arena_make(a, char, n + 1);
    memset(bytes, 'x', n);
    REQUIRE(fs_write_atomic(path, bytes, n, &e));
    return path;
}

static size_t count(struct arena *a, const char *dir)
{
    const char **names;
    size_t n;
    struct err e = {0};
    REQUIRE(fs_list(a, dir, &names, &n, &e));
    return n;
}

TEST(what_is_kept_is_there_for_the_next)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a, NULL), *key;
    {
        auto_arena *first = arena_new();
        struct cache *c = open_cache(first);
        key = cache_key(a, "s3://b/l", "t/x", 5, "");
        CHECK(strcmp(key, cache_key(a, "s3://b/l", "t/x", 6, "")) != 0);
        CHECK(strcmp(key, cache_key(a, "s3://b/l", "t/x", 5, "tag")) != 0);
        CHECK(strcmp(key, cache_key(a, "s3://b/k", "t/x", 5, "")) != 0);
        CHECK(!cache_get(c, key, 5, fs_join(a, cache_mirror(c), "y")));
        cache_keep(c, key, 5, file_of(a, c, "x", 5));
    }
    CHECK_INT(count(a, fs_join(a, dir, "work")), 0); /* the mirror is gone */
    auto_arena *second = arena_new();
    struct cache *c = open_cache(second);
    char *y = fs_join(a, cache_mirror(c), "y");
    CHECK(cache_get(c, key, 5, y));
    CHECK(cache_get(c, key, 5, y)); /* again, over the same file */
    CHECK(fs_exists(y));
    CHECK_INT(count(a, cache_mirror(c)), 1);
}

TEST(a_file_of_another_length_is_thrown_away)
{
    auto_arena *a = arena_new(), *b = arena_new();
    folder(a, NULL);
    struct cache *c = open_cache(b);
    const char *key = cache_key(a, "u", "p", 5, "");
    char *x = file_of(a, c, "x", 5), *y = fs_join(a, cache_mirror(c), "y");
    cache_keep(c, key, 5, x);
    REQUIRE(truncate(x, 3) == 0);
    CHECK(!cache_get(c, key, 5, y));
    CHECK(!fs_exists(y));
    cache_keep(c, key, 5, file_of(a, c, "z", 5));
    CHECK(cache_get(c, key, 5, y));
}

TEST(the_least_used_go_first_and_readers_keep_theirs)
{
    auto_arena *a = arena_new(), *b = arena_new();
    folder(a, "1MB");
    struct cache *c = open_cache(b);
    const char *keys[12], *held = NULL;
    struct stat st;
    for (int i = 0; i < 12; i++) {
        char *x = file_of(a, c, arena_fmt(a, "x%d", i), 100000);
        keys[i] = cache_key(a, "u", arena_fmt(a, "p%d", i), 100000, "");
        const struct timespec when[2] = {{.tv_sec = 1000 + i}, {.tv_sec = 1000 + i}};
        REQUIRE(utimensat(AT_FDCWD, x, when, 0) == 0);
        cache_keep(c, keys[i], 100000, x);
        if (i == 0)
            held = x;
        CHECK(cache_get(c, keys[0], 100000, fs_join(a, cache_mirror(c), "y"))); /* in use all the time */
    }
    CHECK(stat(held, &st) == 0);
    CHECK(!cache_get(c, keys[1], 100000, fs_join(a, cache_mirror(c), "z")));
    CHECK(fs_exists(fs_join(a, cache_mirror(c), "x1")));
    CHECK(cache_get(c, keys[11], 100000, fs_join(a, cache_mirror(c), "z")));
}

TEST(the_mirror_of_a_killed_process_is_swept)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a, NULL), *work = fs_join(a, dir, "work");
    pid_t pid = fork();
    if (pid == 0) {
        struct arena *own = arena_new();
        file_of(own, open_cache(own), "x", 5);
        _exit(0);
    }
    REQUIRE(waitpid(pid, NULL, 0) == pid);
    CHECK_INT(count(a, work), 2);
    {
        auto_arena *first = arena_new(), *second = arena_new();
        struct cache *c = open_cache(first);
        CHECK_INT(count(a, work), 2); /* its own */
        struct cache *d = open_cache(second);
        CHECK_INT(count(a, work), 4); /* somebody else's, alive, stay */
        CHECK(fs_is_dir(cache_mirror(c)));
        CHECK(fs_is_dir(cache_mirror(d)));
    }
    CHECK_INT(count(a, work), 0);
}

TEST(settings_that_cannot_be)
{
    auto_arena *a = arena_new(), *b = arena_new();
    struct cache *c;
    struct err e = {0};
    folder(a, "much");
    CHECK(!cache_open(b, NULL, 0, &c, &e));
    CHECK_HAS(e.msg, "CUPEL_LAKE_CACHE_SIZE: ");
    folder(a, NULL);
    setenv("CUPEL_LAKE_CACHE", "/proc/none", 1);
    CHECK(!cache_open(b, NULL, 0, &c, &e));
    CHECK_HAS(e.msg, "/proc/none");
    unsetenv("CUPEL_LAKE_CACHE");
    unsetenv("XDG_CACHE_HOME");
    unsetenv("HOME");
    CHECK(!cache_open(b, NULL, 0, &c, &e));
    CHECK_STR(e.hint, "name a folder in CUPEL_LAKE_CACHE");
}
