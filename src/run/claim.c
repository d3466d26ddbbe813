#include "run/claim.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/file.h>
#include <sys/random.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/json.h"

static void close_fd(void *arg)
{
    close((int)(intptr_t)arg);
}

static bool take_lock(struct arena *a, const struct project *p, struct err *e)
{
    const char *path = fs_join(a, p->state, "lock");
    int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0644);
    if (fd < 0)
        return fs_fail(e, "cannot open", path);
    if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
        int err = errno;
        char who[32] = "";
        ssize_t n = read(fd, who, sizeof who - 1);
        close(fd);
        errno = err;
        if (err != EWOULDBLOCK)
            return fs_fail(e, "cannot lock", path);
        fail(e, ERR_CONFLICT, "another run is at work on this project (process %s)",
             n > 0 ? arena_strn(a, who, strcspn(who, "\n")) : "unknown");
        return hint(e, "wait for it to end, or look at it with `cupel logs`");
    }
    arena_defer(a, close_fd, (void *)(intptr_t)fd);
    const char *me = arena_fmt(a, "%ld\n", (long)getpid());
    if (ftruncate(fd, 0) != 0 || pwrite(fd, me, strlen(me), 0) < 0)
        return fs_fail(e, "cannot write", path);
    return true;
}

static char *new_id(struct arena *a, int64_t now_us)
{
    unsigned r = 0;
    if (getrandom(&r, sizeof r, 0) != sizeof r)
        r = (unsigned)getpid();
    struct civil c = civil_from_us(now_us);
    return arena_fmt(a, "%04d%02d%02dT%02d%02d%02dZ-%04x", c.year, c.month, c.day, c.hour, c.minute, c.second,
                     r & 0xffff);
}

static bool read_left(struct arena *a, const char *path, const struct run_options *o, struct claim *c,
                      struct err *e)
{
    if (!fs_exists(path))
        return true;
    char *text;
    size_t n;
    json_t *j;
    if (!fs_read(a, path, 1 << 20, &text, &n, e) || !json_parse(a, text, n, path, &j, e))
        return false;
    const char *id = json_str(j, "run_id", "?");
    if (strcmp(json_str(j, "options", ""), o->spelled) != 0) {
        c->note = arena_fmt(a, "run %s was interrupted with other options; what it downloaded is used", id);
        return true;
    }
    c->resumed = true;
    c->run_id = arena_str(a, id);
    c->now_us = json_int(j, "now_us", 0);
    return true;
}

bool claim_run(struct arena *a, const struct project *p, const struct run_options *o, struct claim *ret,
               struct err *e)
{
    *ret = (struct claim){0};
    const char *path = fs_join(a, p->state, "run.json");
    if (!fs_mkdirs(p->state, e) || !take_lock(a, p, e) || !read_left(a, path, o, ret, e))
        return false;
    if (ret->resumed)
        return true;

    int64_t wall = clock_now_us(&(struct clock){0});
    ret->now_us = o->now_pinned ? o->now_us : wall;
    ret->run_id = new_id(a, wall);
    auto_buf b = BUF(1 << 20);
    buf_addf(&b, "{\"run_id\":");
    json_quote(&b, ret->run_id, strlen(ret->run_id));
    buf_addf(&b, ",\"now_us\":%lld,\"options\":", (long long)ret->now_us);
    json_quote(&b, o->spelled, strlen(o->spelled));
    buf_addf(&b, "}\n");
    return buf_done(&b, e) && fs_write_atomic(path, b.p, b.len, e);
}

bool claim_end(struct arena *a, const struct project *p, struct err *e)
{
    return fs_remove(fs_join(a, p->state, "run.json"), e) && fs_sync_dir(p->state, e);
}
