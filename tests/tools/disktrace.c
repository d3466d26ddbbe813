/* Preloaded into a program (LD_PRELOAD), writes down what it does to the disk below the folder
 * DISKTRACE_UNDER, over all threads and in order, into the file DISKTRACE, a line for each call that
 * succeeded:
 *
 *     create INODE PATH       a new empty file (also one that is emptied: trunc INODE LENGTH)
 *     write INODE OFFSET HEX  bytes
 *     trunc INODE LENGTH
 *     fsync INODE             of a file
 *     fsyncdir PATH
 *     link OLD NEW            rename OLD NEW            unlink PATH      mkdir PATH      rmdir PATH
 *     say HEX                 what went to stdout: from here on somebody relies on what is done
 *
 * From that a test can build every disk that a power cut may leave. Paths hold no blanks in these tests. */
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#define REAL(name) ((typeof(&name))dlsym(RTLD_NEXT, #name))

/* So that DuckDB's calls come here, too. */
void *dlopen(const char *path, int flags)
{
    return REAL(dlopen)(path, flags & ~RTLD_DEEPBIND);
}

typedef char path_buf[PATH_MAX];

/* Calls and their lines are in the same order. */
static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static int trace = -1;

__attribute__((format(printf, 1, 2))) static void say(const char *format, ...)
{
    char line[3 * PATH_MAX];
    va_list more;
    if (trace < 0)
        trace = (int)syscall(SYS_openat, AT_FDCWD, getenv("DISKTRACE"),
                             O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
    va_start(more, format);
    int n = vsnprintf(line, sizeof line, format, more);
    va_end(more);
    if (syscall(SYS_write, trace, line, (size_t)n) != n)
        abort();
}

static void say_bytes(const unsigned char *p, size_t n)
{
    static const char hex[] = "0123456789abcdef";
    char *text = malloc(2 * n + 1);
    if (!text)
        abort();
    for (size_t i = 0; i < n; i++)
        text[2 * i] = hex[p[i] >> 4], text[2 * i + 1] = hex[p[i] & 15];
    text[2 * n] = '\n';
    for (size_t done = 0; done < 2 * n + 1;) {
        long got = syscall(SYS_write, trace, text + done, 2 * n + 1 - done);
        if (got <= 0)
            abort();
        done += (size_t)got;
    }
    free(text);
}

static int below(const char *path)
{
    const char *under = getenv("DISKTRACE_UNDER");
    size_t n = under ? strlen(under) : 0;
    return getenv("DISKTRACE") && n && strncmp(path, under, n) == 0 && (path[n] == '/' || !path[n]);
}

/* The full path of a name in the folder d. */
static const char *whole(int d, const char *path, path_buf out)
{
    char link[64];
    if (*path == '/')
        return path;
    snprintf(link, sizeof link, "/proc/self/fd/%d", d);
    ssize_t n = d == AT_FDCWD ? (ssize_t)(getcwd(out, PATH_MAX) ? strlen(out) : 0)
                              : readlink(link, out, PATH_MAX - 1);
    n = n > 0 ? n : 0;
    snprintf(out + n, (size_t)(PATH_MAX - n), "/%s", path);
    return out;
}

static const char *path_of(int fd, path_buf out)
{
    char link[64];
    snprintf(link, sizeof link, "/proc/self/fd/%d", fd);
    ssize_t n = readlink(link, out, PATH_MAX - 1);
    out[n > 0 ? n : 0] = '\0';
    return out;
}

/* Does this descriptor belong to the folder? */
static int watched(int fd, struct stat *ret)
{
    path_buf path;
    return getenv("DISKTRACE") && fd != trace && fstat(fd, ret) == 0 &&
           (S_ISREG(ret->st_mode) || S_ISDIR(ret->st_mode)) && below(path_of(fd, path));
}

static int opened(int fd, int flags, const char *path, int was_there)
{
    struct stat st;
    if (fd < 0 || !(flags & (O_CREAT | O_TRUNC)) || fstat(fd, &st) != 0)
        return fd;
    if (!was_there)
        say("create %ju %s\n", (uintmax_t)st.st_ino, path);
    else if (flags & O_TRUNC)
        say("trunc %ju 0\n", (uintmax_t)st.st_ino);
    return fd;
}

#define OPEN(name, d, params, args)                                                                          \
    int name params                                                                                          \
    {                                                                                                        \
        struct stat st;                                                                                      \
        path_buf full;                                                                                       \
        va_list more;                                                                                        \
        va_start(more, flags);                                                                               \
        mode_t mode = flags & O_CREAT || (flags & O_TMPFILE) == O_TMPFILE ? va_arg(more, mode_t) : 0;        \
        va_end(more);                                                                                        \
        const char *at = whole(d, path, full);                                                               \
        if (!below(at))                                                                                      \
            return REAL(name) args;                                                                          \
        pthread_mutex_lock(&lock);                                                                           \
        int was_there = stat(at, &st) == 0, fd = opened(REAL(name) args, flags, at, was_there);              \
        pthread_mutex_unlock(&lock);                                                                         \
        return fd;                                                                                           \
    }
OPEN(open, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(open64, AT_FDCWD, (const char *path, int flags, ...), (path, flags, mode))
OPEN(openat, d, (int d, const char *path, int flags, ...), (d, path, flags, mode))
OPEN(openat64, d, (int d, const char *path, int flags, ...), (d, path, flags, mode))

/* Where a write without a place goes to, that is before it is done. */
static off_t place(int fd)
{
    int flags = fcntl(fd, F_GETFL);
    struct stat st;
    if (flags & O_APPEND)
        return fstat(fd, &st) == 0 ? st.st_size : 0;
    return lseek(fd, 0, SEEK_CUR);
}

static ssize_t wrote(int fd, const void *p, ssize_t n, off_t at)
{
    struct stat st;
    if (n > 0 && watched(fd, &st)) {
        say("write %ju %jd ", (uintmax_t)st.st_ino, (intmax_t)at);
        say_bytes(p, (size_t)n);
    } else if (n > 0 && fd == STDOUT_FILENO && getenv("DISKTRACE")) {
        say("say ");
        say_bytes(p, (size_t)n);
    }
    return n;
}

#define WRITE(name, params, args, at)                                                                        \
    ssize_t name params                                                                                      \
    {                                                                                                        \
        pthread_mutex_lock(&lock);                                                                           \
        off_t from = at;                                                                                     \
        ssize_t done = wrote(fd, p, REAL(name) args, from);                                                  \
        pthread_mutex_unlock(&lock);                                                                         \
        return done;                                                                                         \
    }
WRITE(write, (int fd, const void *p, size_t n), (fd, p, n), place(fd))
WRITE(pwrite, (int fd, const void *p, size_t n, off_t to), (fd, p, n, to), to)
WRITE(pwrite64, (int fd, const void *p, size_t n, off64_t to), (fd, p, n, to), to)

/* A line for stdout: who prints by stdio means to say it now, whenever it goes out. */
int puts(const char *line)
{
    pthread_mutex_lock(&lock);
    if (getenv("DISKTRACE")) {
        char *text = NULL;
        int n = asprintf(&text, "%s\n", line);
        if (n < 0)
            abort();
        say("say ");
        say_bytes((const unsigned char *)text, (size_t)n);
        free(text);
    }
    pthread_mutex_unlock(&lock);
    return REAL(puts)(line);
}

static int synced(int fd, int failed)
{
    struct stat st;
    path_buf path;
    if (failed || !watched(fd, &st))
        return failed;
    if (S_ISDIR(st.st_mode))
        say("fsyncdir %s\n", path_of(fd, path));
    else
        say("fsync %ju\n", (uintmax_t)st.st_ino);
    return failed;
}

static int cut(int fd, off_t n, int failed)
{
    struct stat st;
    if (!failed && watched(fd, &st))
        say("trunc %ju %jd\n", (uintmax_t)st.st_ino, (intmax_t)n);
    return failed;
}

static int named(const char *what, int d, const char *path, int failed)
{
    path_buf full;
    const char *at = whole(d, path, full);
    if (!failed && below(at))
        say("%s %s\n", what, at);
    return failed;
}

static int moved(const char *what, int d, const char *x, int f, const char *y, int failed)
{
    path_buf from, to;
    const char *old = whole(d, x, from), *new = whole(f, y, to);
    if (!failed && (below(old) || below(new)))
        say("%s %s %s\n", what, old, new);
    return failed;
}

#define CALL(name, params, note)                                                                             \
    int name params                                                                                          \
    {                                                                                                        \
        pthread_mutex_lock(&lock);                                                                           \
        int got = note;                                                                                      \
        pthread_mutex_unlock(&lock);                                                                         \
        return got;                                                                                          \
    }
CALL(fsync, (int fd), synced(fd, REAL(fsync)(fd)))
CALL(fdatasync, (int fd), synced(fd, REAL(fdatasync)(fd)))
CALL(ftruncate, (int fd, off_t n), cut(fd, n, REAL(ftruncate)(fd, n)))
CALL(ftruncate64, (int fd, off64_t n), cut(fd, n, REAL(ftruncate64)(fd, n)))
CALL(link, (const char *x, const char *y), moved("link", AT_FDCWD, x, AT_FDCWD, y, REAL(link)(x, y)))
CALL(linkat, (int d, const char *x, int f, const char *y, int flags),
     moved("link", d, x, f, y, REAL(linkat)(d, x, f, y, flags)))
CALL(rename, (const char *x, const char *y), moved("rename", AT_FDCWD, x, AT_FDCWD, y, REAL(rename)(x, y)))
CALL(renameat, (int d, const char *x, int f, const char *y),
     moved("rename", d, x, f, y, REAL(renameat)(d, x, f, y)))
CALL(renameat2, (int d, const char *x, int f, const char *y, unsigned flags),
     moved("rename", d, x, f, y, REAL(renameat2)(d, x, f, y, flags)))
CALL(unlink, (const char *x), named("unlink", AT_FDCWD, x, REAL(unlink)(x)))
CALL(unlinkat, (int d, const char *x, int flags),
     named(flags &AT_REMOVEDIR ? "rmdir" : "unlink", d, x, REAL(unlinkat)(d, x, flags)))
CALL(remove, (const char *x), named("unlink", AT_FDCWD, x, REAL(remove)(x)))
CALL(rmdir, (const char *x), named("rmdir", AT_FDCWD, x, REAL(rmdir)(x)))
CALL(mkdir, (const char *x, mode_t mode), named("mkdir", AT_FDCWD, x, REAL(mkdir)(x, mode)))
CALL(mkdirat, (int d, const char *x, mode_t mode), named("mkdir", d, x, REAL(mkdirat)(d, x, mode)))
