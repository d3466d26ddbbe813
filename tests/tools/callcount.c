/* Preloaded into a program (LD_PRELOAD), counts its calls that change the disk, over all threads, and at the
 * n-th
 *
 *     CALLCOUNT_KILL=n   kills it, before the call is done
 *     CALLCOUNT_FULL=n   the disk is full: this call and all later ones that need room fail with ENOSPC
 *
 * so that a test can do so at each of them in turn. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

static atomic_long calls;

static long limit(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : 0;
}

/* Counts; true = there is no room. */
static int counted(int needs_room)
{
    long n = atomic_fetch_add(&calls, 1) + 1, kill_at = limit("CALLCOUNT_KILL"),
         full_at = limit("CALLCOUNT_FULL");
    if (kill_at && n >= kill_at)
        kill(getpid(), SIGKILL);
    if (!needs_room || !full_at || n < full_at)
        return 0;
    errno = ENOSPC;
    return 1;
}

static int is_terminal(int fd)
{
    return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))
#define CALL(room, type, name, params, args)                                                                 \
    type name params                                                                                         \
    {                                                                                                        \
        return counted(room) ? -1 : REAL(name) args;                                                         \
    }

CALL(1, int, fsync, (int fd), (fd))
CALL(1, int, fdatasync, (int fd), (fd))
CALL(1, int, link, (const char *x, const char *y), (x, y))
CALL(1, int, linkat, (int d, const char *x, int f, const char *y, int flags), (d, x, f, y, flags))
CALL(1, int, rename, (const char *x, const char *y), (x, y))
CALL(1, int, renameat, (int d, const char *x, int f, const char *y), (d, x, f, y))
CALL(1, int, renameat2, (int d, const char *x, int f, const char *y, unsigned flags), (d, x, f, y, flags))
CALL(0, int, unlink, (const char *x), (x))
CALL(0, int, unlinkat, (int d, const char *x, int flags), (d, x, flags))
CALL(0, int, rmdir, (const char *x), (x))
CALL(1, int, mkdir, (const char *x, mode_t mode), (x, mode))
CALL(1, int, mkdirat, (int d, const char *x, mode_t mode), (d, x, mode))
CALL(1, int, ftruncate, (int fd, off_t n), (fd, n))
CALL(1, int, ftruncate64, (int fd, off64_t n), (fd, n))
CALL(1, ssize_t, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
CALL(1, ssize_t, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))

ssize_t write(int fd, const void *p, size_t n)
{
    return !is_terminal(fd) && counted(1) ? -1 : REAL(write)(fd, p, n);
}

/* Opening changes the disk when it may make a file. */
#define OPEN(name, params, args)                                                                             \
    int name params                                                                                          \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, flags);                                                                               \
        mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;        \
        va_end(more);                                                                                        \
        return flags & O_CREAT && counted(1) ? -1 : REAL(name) args;                                         \
    }
OPEN(open, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, (int d, const char *path, int flags, ...), (d, path, flags, mode))
OPEN(openat64, (int d, const char *path, int flags, ...), (d, path, flags, mode))
