/* Data files before their commit, and what a run that was killed left of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/log.h"

enum { TOKEN_LEN = 8 };

static char *journal_dir(struct arena *a, const struct workshop *w)
{
    return fs_join(a, w->project->state, "staged");
}

/* Not durable, and need not be: after a power cut a file may stay behind in the table's folder, which costs
 * its room and no more. */
static bool write_journal(const char *path, const char *text, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return fs_fail(e, "cannot write", path);
    ssize_t n = write(fd, text, strlen(text));
    bool ok = n == (ssize_t)strlen(text);
    if (n >= 0 && !ok)
        errno = ENOSPC;
    ok = ok || fs_fail(e, "cannot write", path);
    close(fd);
    if (!ok)
        unlink(path);
    return ok;
}

bool staging_begin(struct arena *a, const struct workshop *w, const struct lake_table *t,
                   const struct lake_snapshot *base, struct staging *ret, struct err *e)
{
    const char *dir = journal_dir(a, w);
    const char *token = arena_strn(a, lake_uuid(a), TOKEN_LEN);
    const char *text = arena_fmt(a, "%lld %s\n", base ? (long long)base->version : -1, t->dir);
    *ret = (struct staging){token, fs_join(a, dir, token)};
    return fs_mkdirs(dir, e) && write_journal(ret->journal, text, e);
}

void staging_drop(const struct workshop *w, const struct lake_table *t, const struct staging *s,
                  const struct lake_file *files, size_t n)
{
    auto_arena *a = arena_new();
    bool all = true;
    struct err why;
    for (size_t i = 0; i < n; i++)
        all = w->lake->driver->remove(w->lake, fs_join(a, t->dir, files[i].path), &why) && all;
    if (!all)
        log_debug(EV("staged.left"), KV("table", t->dir), KV("why", why.msg));
    else
        unlink(s->journal);
}

bool staging_commit(struct arena *a, const struct workshop *w, const struct lake_table *t,
                    const struct staging *s, const struct lake_commit *c, int64_t *ret_version, struct err *e)
{
    if (lake_commit(a, t, c, ret_version, e)) {
        unlink(s->journal);
        return true;
    }
    if (e->kind != ERR_IO)
        staging_drop(w, t, s, c->adds, c->nadds);
    return false;
}

/* --- what was left behind --- */

/* The files of one staging, in the folder and in those of its partitions. */
static bool remove_staged(const struct workshop *w, const char *dir, const char *prefix, size_t *removed,
                          struct err *e)
{
    auto_arena *a = arena_new();
    struct store_entry *entries;
    size_t n;
    if (!w->lake->driver->list(w->lake, a, dir, NULL, &entries, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        const char *path = fs_join(a, dir, entries[i].name);
        if (entries[i].is_dir && strchr(entries[i].name, '=')) {
            if (!remove_staged(w, path, prefix, removed, e))
                return false;
        } else if (strncmp(entries[i].name, prefix, strlen(prefix)) == 0) {
            if (!w->lake->driver->remove(w->lake, path, e))
                return false;
            ++*removed;
        }
    }
    return true;
}

static bool sweep_one(struct arena *a, const struct workshop *w, const char *token, const char *text,
                      size_t *removed, struct err *e)
{
    char *rest;
    long long base = strtoll(text, &rest, 10);
    size_t n = strcspn(rest, "\n");
    if (rest == text || *rest != ' ' || n < 2 || rest[n] != '\n' || strlen(token) != TOKEN_LEN)
        return true; /* torn: killed before anything was staged */
    const char *prefix = arena_fmt(a, "part-%s-", token);
    const struct lake_table t = {.store = w->lake, .dir = arena_strn(a, rest + 1, n - 1), .clock = w->clock};
    bool committed;
    return lake_added_since(&t, base, prefix, &committed, e) &&
           (committed || remove_staged(w, t.dir, prefix, removed, e));
}

size_t asset_sweep(const struct workshop *w)
{
    auto_arena *a = arena_new();
    const char *dir = journal_dir(a, w);
    const char **names;
    size_t n, removed = 0;
    struct err e;
    if (!fs_remove_tree(fs_join(a, w->project->state, "stage"), &e))
        log_debug(EV("staged.left"), KV("why", e.msg));
    if (!fs_exists(dir))
        return 0;
    if (!fs_list(a, dir, &names, &n, &e)) {
        log_debug(EV("staged.left"), KV("why", e.msg));
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        const char *path = fs_join(a, dir, names[i]);
        char *text;
        if (!fs_read(a, path, 1 << 16, &text, NULL, &e) || !sweep_one(a, w, names[i], text, &removed, &e) ||
            !fs_remove(path, &e))
            log_debug(EV("staged.left"), KV("token", names[i]), KV("why", e.msg));
    }
    return removed;
}
