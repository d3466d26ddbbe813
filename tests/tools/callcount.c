/* Preloaded into a program (LD_PRELOAD), counts its calls that change the disk, over all threads, and at the
 * n-th
 *
 *     CALLCOUNT_KILL=n   kills it, before the call is done
 *     CALLCOUNT_FULL=n   the disk is full: this call and all later ones that need room fail with ENOSPC
 *     CALLCOUNT_FAIL=n   that call alone fails with EIO; with CALLCOUNT_STICK=1 all later ones do too
 *     CALLCOUNT_SHORT=n  that one, if it writes or reads, does half of it, and the next one fails with ENOSPC
 *
 * so that a test can do so at each of them in turn. CALLCOUNT_READS=1 counts calls that only look at the disk
 * as well. CALLCOUNT_UNDER=/folder counts only what touches that folder. CALLCOUNT_TELL=file: the number of
 * calls that were counted is written there. */
#include <dirent.h>
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

/* So that DuckDB's calls come here, too. */
void *dlopen(const char *path, int flags)
{
    return REAL(dlopen)(path, flags & ~RTLD_DEEPBIND);
}

enum need { LOOKS, CHANGES, NEEDS_ROOM };

static atomic_long calls;

static long limit(const char *variable)
{
    const char *text = getenv(variable);
    return text ? strtol(text, NULL, 10) : 0;
}

static int below(const char *path)
{
    const char *under = getenv("CALLCOUNT_UNDER");
    size_t n = under ? strlen(under) : 0;
    return !n || (strncmp(path, under, n) == 0 && (path[n] == '/' || !path[n]));
}

static int below_fd(int fd)
{
    char link[64], path[4096];
    if (!getenv("CALLCOUNT_UNDER"))
        return 1;
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, path, sizeof path - 1);
    path[n > 0 ? n : 0] = '\0';
    return below(path);
}

/* Of a call on *path*, or on a name in the folder fd. */
static int touches(int fd, const char *path)
{
    return !path ? below_fd(fd) : *path == '/' || fd == AT_FDCWD ? below(path) : below_fd(fd);
}

/* At each call: some programs leave without a word. */
static void tell(long n)
{
    static atomic_int told = -1;
    char text[32];
    const char *path = getenv("CALLCOUNT_TELL");
    if (!path)
        return;
    int fd = atomic_load(&told);
    if (fd < 0)
        atomic_store(&told, fd = REAL(open)(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666));
    int len = snprintf(text, sizeof text, "%ld\n", n);
    if (REAL(pwrite)(fd, text, (size_t)len, 0) != len)
        abort();
}

/* Counts; true = the call fails, with errno. *ret_n (may be NULL) is what a call may move. */
static int counted(enum need need, int fd, const char *path, size_t *ret_n)
{
    if ((need == LOOKS && !limit("CALLCOUNT_READS")) || !touches(fd, path))
        return 0;
    long n = atomic_fetch_add(&calls, 1) + 1, kill_at = limit("CALLCOUNT_KILL"),
         full_at = limit("CALLCOUNT_FULL"), fail_at = limit("CALLCOUNT_FAIL"),
         short_at = limit("CALLCOUNT_SHORT");
    tell(n);
    if (kill_at && n >= kill_at)
        kill(getpid(), SIGKILL);
    if (fail_at && (n == fail_at || (n > fail_at && limit("CALLCOUNT_STICK")))) {
        errno = EIO;
        return 1;
    }
    if (short_at && n == short_at && ret_n)
        *ret_n = (*ret_n + 1) / 2;
    if ((need == NEEDS_ROOM && full_at && n >= full_at) || (short_at && n == short_at + 1)) {
        errno = ENOSPC;
        return 1;
    }
    return 0;
}

static int is_terminal(int fd)
{
    return fd == STDOUT_FILENO || fd == STDERR_FILENO;
}

#define CALL(need, fd, path, type, failed, name, params, args)                                               \
    type name params                                                                                         \
    {                                                                                                        \
        return counted(need, fd, path, NULL) ? failed : REAL(name) args;                                     \
    }

CALL(NEEDS_ROOM, fd, NULL, int, -1, fsync, (int fd), (fd))
CALL(NEEDS_ROOM, fd, NULL, int, -1, fdatasync, (int fd), (fd))
CALL(NEEDS_ROOM, AT_FDCWD, x, int, -1, link, (const char *x, const char *y), (x, y))
CALL(NEEDS_ROOM, d, x, int, -1, linkat, (int d, const char *x, int f, const char *y, int flags),
     (d, x, f, y, flags))
CALL(NEEDS_ROOM, AT_FDCWD, x, int, -1, rename, (const char *x, const char *y), (x, y))
CALL(NEEDS_ROOM, d, x, int, -1, renameat, (int d, const char *x, int f, const char *y), (d, x, f, y))
CALL(NEEDS_ROOM, d, x, int, -1, renameat2, (int d, const char *x, int f, const char *y, unsigned flags),
     (d, x, f, y, flags))
CALL(CHANGES, AT_FDCWD, x, int, -1, unlink, (const char *x), (x))
CALL(CHANGES, d, x, int, -1, unlinkat, (int d, const char *x, int flags), (d, x, flags))
CALL(CHANGES, AT_FDCWD, x, int, -1, remove, (const char *x), (x))
CALL(CHANGES, AT_FDCWD, x, int, -1, rmdir, (const char *x), (x))
CALL(NEEDS_ROOM, AT_FDCWD, x, int, -1, mkdir, (const char *x, mode_t mode), (x, mode))
CALL(NEEDS_ROOM, d, x, int, -1, mkdirat, (int d, const char *x, mode_t mode), (d, x, mode))
CALL(NEEDS_ROOM, fd, NULL, int, -1, ftruncate, (int fd, off_t n), (fd, n))
CALL(NEEDS_ROOM, fd, NULL, int, -1, ftruncate64, (int fd, off64_t n), (fd, n))
CALL(LOOKS, AT_FDCWD, x, int, -1, access, (const char *x, int mode), (x, mode))
CALL(LOOKS, AT_FDCWD, x, int, -1, stat, (const char *restrict x, struct stat *restrict s), (x, s))
CALL(LOOKS, AT_FDCWD, x, int, -1, stat64, (const char *restrict x, struct stat64 *restrict s), (x, s))
CALL(LOOKS, fd, NULL, int, -1, fstat, (int fd, struct stat *s), (fd, s))
CALL(LOOKS, fd, NULL, int, -1, fstat64, (int fd, struct stat64 *s), (fd, s))
CALL(LOOKS, d, x, int, -1, fstatat, (int d, const char *restrict x, struct stat *restrict s, int flags),
     (d, x, s, flags))
CALL(LOOKS, d, x, int, -1, fstatat64, (int d, const char *restrict x, struct stat64 *restrict s, int flags),
     (d, x, s, flags))
CALL(LOOKS, AT_FDCWD, x, DIR *, NULL, opendir, (const char *x), (x))
CALL(LOOKS, dirfd(d), NULL, struct dirent *, NULL, readdir, (DIR * d), (d))
CALL(LOOKS, dirfd(d), NULL, struct dirent64 *, NULL, readdir64, (DIR * d), (d))

/* Half of it may be done. */
#define MOVE(need, name, params, args)                                                                       \
    ssize_t name params                                                                                      \
    {                                                                                                        \
        return !is_terminal(fd) && counted(need, fd, NULL, &n) ? -1 : REAL(name) args;                       \
    }
MOVE(NEEDS_ROOM, write, (int fd, const void *p, size_t n), (fd, p, n))
MOVE(NEEDS_ROOM, pwrite, (int fd, const void *p, size_t n, off_t at), (fd, p, n, at))
MOVE(NEEDS_ROOM, pwrite64, (int fd, const void *p, size_t n, off64_t at), (fd, p, n, at))
MOVE(LOOKS, read, (int fd, void *p, size_t n), (fd, p, n))
MOVE(LOOKS, pread, (int fd, void *p, size_t n, off_t at), (fd, p, n, at))
MOVE(LOOKS, pread64, (int fd, void *p, size_t n, off64_t at), (fd, p, n, at))

/* The descriptor is gone even when it fails. */
int close(int fd)
{
    int failed = counted(LOOKS, fd, NULL, NULL), no = errno, got = REAL(close)(fd);
    errno = failed ? no : errno;
    return failed ? -1 : got;
}

/* Opening changes the disk when it may make a file. */
#define OPEN(name, d, params, args)                                                                          \
    int name params                                                                                          \
    {                                                                                                        \
        va_list more;                                                                                        \
        va_start(more, flags);                                                                               \
        mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;        \
        va_end(more);                                                                                        \
        return counted(flags & O_CREAT ? NEEDS_ROOM : LOOKS, d, path, NULL) ? -1 : REAL(name) args;          \
    }
OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, d, (int d, const char *path, int flags, ...), (d, path, flags, mode))
OPEN(openat64, d, (int d, const char *path, int flags, ...), (d, path, flags, mode))
