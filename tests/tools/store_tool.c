/* store_tool.c - one call of a store, for tests that are not in C:
 *
 *     store_tool URI put_new|put|stage|adopt PATH <CONTENT
 *     store_tool URI read|exists|remove|mkdirs|remove_dir PATH
 *     store_tool URI list DIR [AFTER]
 *     store_tool URI fetch SIZE PATH...     the contents, one after the other
 *     store_tool URI race N PATH TEXT       N threads put_new; how many of them won
 *     store_tool URI many N DIR             N objects DIR/00000000.json and so on, by several threads
 *
 * Errors go to stderr as "kind: message"; the exit code is cupel's. */
#include <fcntl.h>
#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/store.h"

#define MAX_BYTES ((size_t)1 << 30)

static bool read_all(int fd, struct buf *b, struct err *e)
{
    char piece[64 * 1024];
    for (ssize_t n; (n = read(fd, piece, sizeof piece)) != 0;) {
        if (n < 0)
            return fs_fail(e, "cannot read", "input");
        buf_add(b, piece, (size_t)n);
    }
    return buf_done(b, e);
}

static const char *parent(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return arena_strn(a, path, slash ? (size_t)(slash - path) : 0);
}

/* A file as an engine leaves it. */
static bool write_staged(struct arena *a, struct store *s, const char *path, const struct buf *b,
                         struct err *e)
{
    struct store *staging = store_staging(s);
    if (!staging->driver->mkdirs(staging, parent(a, path), e))
        return false;
    FILE *f = fopen(store_uri(a, s, path), "w");
    bool ok = f && fwrite(b->p, 1, b->len, f) == b->len;
    return (f && fclose(f) == 0 && ok) || fs_fail(e, "cannot write", path);
}

static bool put(struct arena *a, struct store *s, const char *verb, const char *path, struct err *e)
{
    auto_buf b = BUF(MAX_BYTES);
    bool taken = false;
    if (!read_all(0, &b, e))
        return false;
    if (strcmp(verb, "put_new") == 0) {
        if (!s->driver->put_new(s, path, b.p, b.len, &taken, e))
            return false;
    } else if (strcmp(verb, "put") == 0) {
        if (!s->driver->put(s, path, b.p, b.len, e))
            return false;
    } else if (strcmp(verb, "stage") == 0) {
        if (!write_staged(a, s, path, &b, e) || !s->driver->sync(s, &path, 1, e))
            return false;
    } else {
        const char *temp = arena_fmt(a, "%s.temp%d", path, (int)getpid());
        if (!write_staged(a, s, temp, &b, e) || !s->driver->adopt(s, store_uri(a, s, temp), path, &taken, e))
            return false;
    }
    puts(taken ? "taken" : "put");
    return true;
}

static bool show(struct store *s, const char *path, struct err *e)
{
    auto_buf b = BUF(MAX_BYTES);
    return s->driver->read(s, path, &b, NULL, e) && fwrite(b.p, 1, b.len, stdout) == b.len;
}

static bool list(struct arena *a, struct store *s, const char *dir, const char *after, struct err *e)
{
    struct store_entry *v;
    size_t n;
    if (!s->driver->list(s, a, dir, after, &v, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        printf("%s\t%lld\t%s\n", v[i].name, (long long)(v[i].is_dir ? 0 : v[i].size),
               v[i].is_dir         ? "folder"
               : v[i].mtime_ms > 0 ? "file"
                                   : "file without a time");
    return true;
}

static bool fetch(struct arena *a, struct store *s, const char *size, char **paths, size_t n, struct err *e)
{
    struct store_object *o = arena_make(a, struct store_object, n);
    for (size_t i = 0; i < n; i++)
        o[i] = (struct store_object){paths[i], strtoll(size, NULL, 10)};
    if (!store_fetch(s, o, n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        auto_buf b = BUF(MAX_BYTES);
        int fd = open(store_uri(a, s, paths[i]), O_RDONLY | O_CLOEXEC);
        if (fd < 0 || !read_all(fd, &b, e))
            return fs_fail(e, "cannot read", paths[i]);
        close(fd);
        fwrite(b.p, 1, b.len, stdout);
    }
    return true;
}

struct race {
    struct store *s;
    const char *path, *text;
    atomic_int won, failed;
};

static void *runner(void *arg)
{
    struct race *r = arg;
    bool taken;
    struct err e;
    if (!r->s->driver->put_new(r->s, r->path, r->text, strlen(r->text), &taken, &e)) {
        fprintf(stderr, "%s: %s\n", err_name(e.kind), e.msg);
        atomic_fetch_add(&r->failed, 1);
    } else if (!taken) {
        atomic_fetch_add(&r->won, 1);
    }
    return NULL;
}

static bool race(struct store *s, int n, const char *path, const char *text)
{
    struct race r = {.s = s, .path = path, .text = text};
    pthread_t threads[64];
    for (int i = 0; i < n && i < 64; i++)
        if (pthread_create(&threads[i], NULL, runner, &r) != 0)
            abort();
    for (int i = 0; i < n && i < 64; i++)
        pthread_join(threads[i], NULL);
    printf("%d won, %d failed\n", atomic_load(&r.won), atomic_load(&r.failed));
    return true;
}

struct many {
    struct store *s;
    const char *dir;
    int n;
    atomic_int next, failed;
};

static void *filler(void *arg)
{
    struct many *m = arg;
    for (int i; (i = atomic_fetch_add(&m->next, 1)) < m->n;) {
        auto_arena *a = arena_new();
        struct err e;
        if (!m->s->driver->put(m->s, arena_fmt(a, "%s/%08d.json", m->dir, i), "x", 1, &e)) {
            fprintf(stderr, "%s: %s\n", err_name(e.kind), e.msg);
            atomic_fetch_add(&m->failed, 1);
        }
    }
    return NULL;
}

static bool many(struct store *s, int n, const char *dir, struct err *e)
{
    struct many m = {.s = s, .dir = dir, .n = n};
    pthread_t threads[8];
    for (size_t i = 0; i < countof(threads); i++)
        if (pthread_create(&threads[i], NULL, filler, &m) != 0)
            abort();
    for (size_t i = 0; i < countof(threads); i++)
        pthread_join(threads[i], NULL);
    return atomic_load(&m.failed) == 0 || fail(e, ERR_IO, "some failed");
}

static bool carry_out(struct arena *a, int argc, char **argv, struct err *e)
{
    struct store *s;
    const char *verb = argv[2], *path = argv[3];
    bool yes;
    if (!store_open(a, argv[1], NULL, &s, e))
        return false;
    if (strcmp(verb, "read") == 0)
        return show(s, path, e);
    if (strcmp(verb, "exists") == 0)
        return s->driver->exists(s, path, &yes, e) && puts(yes ? "yes" : "no") >= 0;
    if (strcmp(verb, "remove") == 0)
        return s->driver->remove(s, path, e);
    if (strcmp(verb, "mkdirs") == 0)
        return s->driver->mkdirs(s, path, e);
    if (strcmp(verb, "remove_dir") == 0)
        return !s->driver->remove_dir || s->driver->remove_dir(s, path, e);
    if (strcmp(verb, "list") == 0)
        return list(a, s, path, argc > 4 ? argv[4] : NULL, e);
    if (strcmp(verb, "fetch") == 0)
        return fetch(a, s, path, argv + 4, (size_t)argc - 4, e);
    if (strcmp(verb, "race") == 0 && argc == 6)
        return race(s, (int)strtol(path, NULL, 10), argv[4], argv[5]);
    if (strcmp(verb, "many") == 0 && argc == 5)
        return many(s, (int)strtol(path, NULL, 10), argv[4], e);
    return put(a, s, verb, path, e);
}

int main(int argc, char **argv)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    if (argc < 4) {
        fprintf(stderr, "usage: see the top of store_tool.c\n");
        return 2;
    }
    if (carry_out(a, argc, argv, &e))
        return 0;
    fprintf(stderr, "%s: %s\n", err_name(e.kind), e.msg);
    if (*e.hint)
        fprintf(stderr, "hint: %s\n", e.hint);
    return err_exit_code(e.kind);
}
