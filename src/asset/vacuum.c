/* Files that no version needs any more, with the project's own work in mind. */
#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <unistd.h>

#include "asset/internal.h"
#include "asset/maintain.h"
#include "base/fs.h"

static void close_fd(void *arg)
{
    close((int)(intptr_t)arg);
}

bool files_lock(struct arena *a, const struct workshop *w, struct err *e)
{
    const char *path = fs_join(a, w->project->state, "files.lock");
    if (!fs_mkdirs(w->project->state, e))
        return false;
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fs_fail(e, "cannot open", path);
    arena_defer(a, close_fd, (void *)(intptr_t)fd);
    if (flock(fd, LOCK_EX | LOCK_NB) == 0)
        return true;
    if (errno != EWOULDBLOCK)
        return fs_fail(e, "cannot lock", path);
    fail(e, ERR_CONFLICT, "another vacuum or restore is at work on this project");
    return hint(e, "wait for it to end");
}

static bool staged(void *arg, struct arena *a, const char *const **ret, size_t *ret_n, struct err *e)
{
    return staging_prefixes(arg, a, ret, ret_n, e);
}

bool asset_vacuum(struct task *t, const struct workshop *w, const char *table, int64_t retain_ms, bool force,
                  bool dry_run, struct vacuum_result *ret, struct err *e)
{
    struct lake_snapshot *s;
    struct workshop shop = *w;
    const struct lake_table where = asset_table(t->a, w, table);
    const struct lake_vacuum_options o = {
        .retain_ms = retain_ms, .force = force, .staged = staged, .arg = &shop};
    return (dry_run || files_lock(t->a, w, e)) && lake_vacuum_find(t->a, &where, &o, &ret->files, e) &&
           (dry_run || lake_vacuum_remove(&where, &ret->files, e)) &&
           lake_snapshot(t->a, &where, LAKE_LATEST, &s, NULL, e) &&
           lake_log_find(t->a, &where, s, &ret->log, e) && (dry_run || lake_log_remove(&where, &ret->log, e));
}
