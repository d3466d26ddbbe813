/* Data files before their commit, and what a run that was killed left of them. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/log.h"

enum { TOKEN_LEN = 8 };
#define VECTOR_PREFIX "deletion_vector_"

static char *journal_dir(struct arena *a, const struct workshop *w)
{
    return fs_join(a, w->project->state, "staged");
}

/* Locked before a word is in it. *ret_gone: somebody who sweeps was faster, and has taken it for one that was
 * left behind. */
static bool fill_journal(int fd, const char *text, bool *ret_gone)
{
    struct stat st;
    if (flock(fd, LOCK_EX) != 0 && errno != ENOLCK && errno != EOPNOTSUPP)
        return false;
    ssize_t n = write(fd, text, strlen(text));
    if (n >= 0 && n < (ssize_t)strlen(text)) {
        errno = ENOSPC;
        return false;
    }
    *ret_gone = n >= 0 && fstat(fd, &st) == 0 && st.st_nlink == 0;
    return n >= 0;
}

/* Not durable, and need not be: after a power cut a file may stay behind in the table's folder, which costs
 * its room and no more. */
static bool write_journal(const char *path, const char *text, int *ret_lock, struct err *e)
{
    for (bool gone = true; gone;) {
        int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd < 0)
            return fs_fail(e, "cannot write", path);
        if (!fill_journal(fd, text, &gone)) {
            fs_fail(e, "cannot write", path);
            close(fd);
            unlink(path);
            return false;
        }
        if (gone)
            close(fd);
        *ret_lock = fd;
    }
    return true;
}

bool staging_begin(struct arena *a, const struct workshop *w, const struct lake_table *t,
                   const struct lake_snapshot *base, struct staging *ret, struct err *e)
{
    const char *dir = journal_dir(a, w);
    const char *token = arena_strn(a, lake_uuid(a), TOKEN_LEN);
    const char *text = arena_fmt(a, "%lld %s\n", base ? (long long)base->version : -1, t->dir);
    *ret = (struct staging){token, fs_join(a, dir, token), -1, NULL, NULL, 0};
    return (!base || lake_may_change(t, base, false, e)) && fs_mkdirs(dir, e) &&
           write_journal(ret->journal, text, &ret->lock, e);
}

static void end_journal(const struct staging *s, bool forget)
{
    if (forget)
        unlink(s->journal);
    close(s->lock);
}

void staging_drop(const struct workshop *w, const struct lake_table *t, const struct staging *s,
                  const struct lake_file *files, size_t n)
{
    auto_arena *a = arena_new();
    bool all = true;
    struct err why;
    for (size_t i = 0; i < n; i++)
        if (!files[i].log_path) /* not one of the table's, with another deletion vector */
            all = w->lake->driver->remove(w->lake, fs_join(a, t->dir, files[i].path), &why) && all;
    for (size_t i = 0; i < s->nchanges; i++)
        all = w->lake->driver->remove(w->lake, fs_join(a, t->dir, s->changes[i].path), &why) && all;
    if (s->vectors)
        all = w->lake->driver->remove(w->lake, fs_join(a, t->dir, s->vectors), &why) && all;
    if (!all)
        log_debug(EV("staged.left"), KV("table", t->dir), KV("why", why.msg));
    end_journal(s, all);
}

bool staging_commit(struct arena *a, const struct workshop *w, const struct lake_table *t,
                    const struct staging *s, const struct lake_commit *c, int64_t *ret_version, struct err *e)
{
    if (lake_commit(a, t, c, ret_version, e)) {
        end_journal(s, true);
        return true;
    }
    if (e->kind == ERR_IO)
        end_journal(s, false);
    else
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
        if (entries[i].is_dir &&
            (strchr(entries[i].name, '=') || strcmp(entries[i].name, "_change_data") == 0)) {
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
    const char *prefix[] = {arena_fmt(a, "part-%s-", token), arena_fmt(a, VECTOR_PREFIX "%s-", token)};
    const struct lake_table t = {.store = w->lake, .dir = arena_strn(a, rest + 1, n - 1), .clock = w->clock};
    bool committed = false;
    for (size_t i = 0; i < countof(prefix) && !committed; i++)
        if (!lake_added_since(&t, base, prefix[i], &committed, e))
            return false;
    for (size_t i = 0; i < countof(prefix) && !committed; i++)
        if (!remove_staged(w, t.dir, prefix[i], removed, e))
            return false;
    return true;
}

/* One journal: what its writer left, unless that is still at work. */
static bool sweep_journal(const struct workshop *w, const char *dir, const char *token, size_t *removed,
                          struct err *e)
{
    auto_arena *a = arena_new();
    const char *path = fs_join(a, dir, token);
    char *text;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT || fs_fail(e, "cannot read", path);
    bool at_work = flock(fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK;
    bool ok = at_work || (fs_read(a, path, 1 << 16, &text, NULL, e) &&
                          sweep_one(a, w, token, text, removed, e) && fs_remove(path, e));
    close(fd);
    return ok;
}

size_t asset_sweep(const struct workshop *w)
{
    auto_arena *a = arena_new();
    struct err e;
    if (!fs_remove_tree(fs_join(a, w->project->state, "stage"), &e))
        log_debug(EV("staged.left"), KV("why", e.msg));
    return asset_sweep_staged(w);
}

size_t asset_sweep_staged(const struct workshop *w)
{
    auto_arena *a = arena_new();
    const char *dir = journal_dir(a, w);
    const char **names;
    size_t n, removed = 0;
    struct err e;
    if (!fs_exists(dir))
        return 0;
    if (!fs_list(a, dir, &names, &n, &e)) {
        log_debug(EV("staged.left"), KV("why", e.msg));
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        if (!sweep_journal(w, dir, names[i], &removed, &e))
            log_debug(EV("staged.left"), KV("token", names[i]), KV("why", e.msg));
    }
    return removed;
}

bool staging_prefixes(const struct workshop *w, struct arena *a, const char *const **ret, size_t *ret_n,
                      struct err *e)
{
    const char *dir = journal_dir(a, w), **names;
    struct list_of(const char *) out = {0};
    size_t n = 0;
    if (fs_exists(dir) && !fs_list(a, dir, &names, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        *arena_push(a, &out) = arena_fmt(a, "part-%s-", names[i]);
        *arena_push(a, &out) = arena_fmt(a, VECTOR_PREFIX "%s-", names[i]);
    }
    *ret = out.v;
    *ret_n = out.n;
    return true;
}
