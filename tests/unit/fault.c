#include "fault.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

static struct {
    _Atomic int
        countdown; /* calls still let through; -1 = not armed. Atomic: the code under test may have threads */
    _Atomic int hit;
    int err;
    enum fault_mode mode;
    const char *only, *call;
    size_t chop;
} fault = {.countdown = -1, .call = ""};

void fault_arm(int n)
{
    fault.countdown = n < 0 ? -1 : n;
    fault.hit = 0;
    fault.call = "";
}
void fault_mode(enum fault_mode mode)
{
    fault.mode = mode;
}
void fault_only(const char *call)
{
    fault.only = call;
}
void fault_errno(int err)
{
    fault.err = err;
}
void fault_chop(size_t n)
{
    fault.chop = n;
}
int fault_hit(void)
{
    return fault.hit;
}
const char *fault_call(void)
{
    return fault.call;
}
void fault_off(void)
{
    fault.countdown = -1;
    fault.hit = 0;
    fault.err = 0, fault.chop = 0;
    fault.mode = FAULT_ONCE;
    fault.only = NULL, fault.call = "";
}

/* Put a breakpoint here to stop where the fault strikes. */
static bool strike(const char *call, int usual)
{
    if (fault.countdown < 0 || (fault.only && strcmp(fault.only, call) != 0))
        return false;
    if (fault.countdown > 0) {
        fault.countdown--;
        return false;
    }
    if (fault.mode == FAULT_CRASH)
        _exit(FAULT_EXIT);
    if (fault.hit && fault.mode == FAULT_ONCE)
        return false;
    fault.hit++;
    fault.call = call;
    errno = fault.err ? fault.err : usual;
    return true;
}

static size_t chopped(size_t n)
{
    return fault.chop && n > fault.chop ? fault.chop : n;
}

/* The variadic ones. */
#define OPEN_MODE(flags, mode)                                                                               \
    do {                                                                                                     \
        if ((flags) & (O_CREAT | O_TMPFILE)) {                                                               \
            va_list ap;                                                                                      \
            va_start(ap, flags);                                                                             \
            (mode) = va_arg(ap, mode_t);                                                                     \
            va_end(ap);                                                                                      \
        }                                                                                                    \
    } while (0)

/* A call with a failure value: WRAP(type, name, failure, usual errno, (parameters), (arguments)). */
#define WRAP(type, name, bad, usual, params, args)                                                           \
    type __real_##name params;                                                                               \
    type __wrap_##name params;                                                                               \
    type __wrap_##name params                                                                                \
    {                                                                                                        \
        return strike(#name, usual) ? (bad) : __real_##name args;                                            \
    }

int __real_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...);
int __wrap_open(const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return strike("open", EIO) ? -1 : __real_open(path, flags, mode);
}

int __real_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...);
int __wrap_open64(const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return strike("open", EIO) ? -1 : __real_open64(path, flags, mode);
}

int __real_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...);
int __wrap_openat(int dir, const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return strike("open", EIO) ? -1 : __real_openat(dir, path, flags, mode);
}

int __real_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...);
int __wrap_openat64(int dir, const char *path, int flags, ...)
{
    mode_t mode = 0;
    OPEN_MODE(flags, mode);
    return strike("open", EIO) ? -1 : __real_openat64(dir, path, flags, mode);
}

WRAP(void *, realloc, NULL, ENOMEM, (void *p, size_t n), (p, n))
WRAP(ssize_t, read, -1, EIO, (int fd, void *p, size_t n), (fd, p, chopped(n)))
WRAP(ssize_t, write, -1, ENOSPC, (int fd, const void *p, size_t n), (fd, p, chopped(n)))
WRAP(ssize_t, pwrite, -1, ENOSPC, (int fd, const void *p, size_t n, off_t at), (fd, p, chopped(n), at))
WRAP(ssize_t, pwrite64, -1, ENOSPC, (int fd, const void *p, size_t n, off_t at), (fd, p, chopped(n), at))
WRAP(int, fsync, -1, EIO, (int fd), (fd))
WRAP(int, fdatasync, -1, EIO, (int fd), (fd))
WRAP(int, ftruncate, -1, EIO, (int fd, off_t n), (fd, n))
WRAP(int, ftruncate64, -1, EIO, (int fd, off_t n), (fd, n))
WRAP(int, rename, -1, EIO, (const char *from, const char *to), (from, to))
WRAP(int, renameat, -1, EIO, (int d, const char *from, int d2, const char *to), (d, from, d2, to))
WRAP(int, link, -1, EIO, (const char *from, const char *to), (from, to))
WRAP(int, linkat, -1, EIO, (int d, const char *from, int d2, const char *to, int flags),
     (d, from, d2, to, flags))
WRAP(int, unlink, -1, EIO, (const char *path), (path))
WRAP(int, unlinkat, -1, EIO, (int d, const char *path, int flags), (d, path, flags))
WRAP(int, mkdir, -1, EIO, (const char *path, mode_t mode), (path, mode))
WRAP(int, mkdirat, -1, EIO, (int d, const char *path, mode_t mode), (d, path, mode))
WRAP(DIR *, opendir, NULL, EIO, (const char *path), (path))
WRAP(FILE *, fopen, NULL, EIO, (const char *path, const char *mode), (path, mode))
WRAP(FILE *, fopen64, NULL, EIO, (const char *path, const char *mode), (path, mode))
WRAP(int, connect, -1, ECONNREFUSED, (int fd, const struct sockaddr *to, socklen_t n), (fd, to, n))

/* close has let go of the descriptor even when it says that it failed. */
int __real_close(int fd);
int __wrap_close(int fd);
int __wrap_close(int fd)
{
    bool bad = strike("close", EIO);
    int err = errno;
    int r = __real_close(fd);
    if (!bad)
        return r;
    errno = err;
    return -1;
}
