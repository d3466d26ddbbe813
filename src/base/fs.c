#include "base/fs.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdatomic.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

bool fs_fail(struct err *e, const char *what, const char *path)
{
    int no = errno;
    const char *why = strerror(no);
    fail(e, ERR_IO, "%s '%s': %c%s", what, path, tolower((unsigned char)why[0]), why + 1);
    if (no == ENOSPC || no == EDQUOT)
        hint(e, "free some space on the disk, then try again");
    return false;
}

static void close_fd(int *fd)
{
    if (*fd >= 0)
        close(*fd);
}
#define auto_fd auto_call(close_fd) int

static void close_dir(DIR **d)
{
    if (*d)
        closedir(*d);
}
#define auto_dir auto_call(close_dir) DIR

typedef char path_buf[PATH_MAX];

/* The folder that holds path. */
static bool parent_of(const char *path, path_buf out)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    while (n && path[n - 1] != '/')
        n--;
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n >= sizeof(path_buf)) {
        errno = ENAMETOOLONG;
        return false;
    }
    memcpy(out, n ? path : ".", n ? n : 1);
    out[n ? n : 1] = '\0';
    return true;
}

bool fs_read(struct arena *a, const char *path, size_t max, char **ret, size_t *ret_n, struct err *e)
{
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT ? fail(e, ERR_USER, "no such file '%s'", path)
                               : fs_fail(e, "cannot read", path);

    auto_buf b = BUF(max);
    char piece[32 * 1024];
    ssize_t got;
    while (!b.failed && (got = read(fd, piece, sizeof piece)) != 0) {
        if (got > 0)
            buf_add(&b, piece, (size_t)got);
        else if (errno == EISDIR)
            return fail(e, ERR_USER, "'%s' is a folder, not a file", path);
        else if (errno != EINTR)
            return fs_fail(e, "cannot read", path);
    }
    if (!buf_done(&b, e))
        return wrap(e, "cannot read '%s'", path);
    *ret = arena_strn(a, b.p, b.len);
    if (ret_n)
        *ret_n = b.len;
    return true;
}

static bool write_all(int fd, const char *p, size_t n)
{
    while (n) {
        ssize_t done = write(fd, p, n);
        if (done < 0 && errno == EINTR)
            continue;
        if (done <= 0) {
            errno = done ? errno : EIO;
            return false;
        }
        p += done, n -= (size_t)done;
    }
    return true;
}

/* A new empty file in the folder of path. A name may be left over from a process that was killed, and in a
 * container the next one may have its number: then the next name is tried. */
static int open_temp(const char *path, path_buf temp)
{
    static atomic_uint counter;
    path_buf dir;
    if (!parent_of(path, dir))
        return -1;
    for (int tries = 0; tries < 10000; tries++) {
        unsigned no = atomic_fetch_add(&counter, 1);
        int n = snprintf(temp, sizeof(path_buf), "%s/.tmp-%d-%u", dir, (int)getpid(), no);
        if (n >= (int)sizeof(path_buf)) {
            errno = ENAMETOOLONG;
            return -1;
        }
        int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (fd >= 0 || errno != EEXIST)
            return fd;
    }
    return -1;
}

bool fs_write_atomic(const char *path, const void *p, size_t n, struct err *e)
{
    path_buf temp, dir;
    int fd = open_temp(path, temp);
    if (fd < 0)
        return fs_fail(e, "cannot write", path);

    struct stat old;
    bool ok = true;
    if (stat(path, &old) == 0)
        ok = fchmod(fd, old.st_mode & 07777) == 0; /* a secret stays one */
    ok = ok && write_all(fd, p, n) && fsync(fd) == 0;
    int no = errno;
    if (close(fd) != 0 && ok)
        ok = false, no = errno;
    if (ok && rename(temp, path) != 0)
        ok = false, no = errno;
    if (!ok) {
        unlink(temp);
        errno = no;
        return fs_fail(e, "cannot write", path);
    }
    return parent_of(path, dir) ? fs_sync_dir(dir, e) : fs_fail(e, "cannot write", path);
}

static bool sync_path(const char *path, int flags, struct err *e)
{
    auto_fd fd = open(path, O_RDONLY | O_CLOEXEC | flags);
    if (fd < 0)
        return fs_fail(e, "cannot sync", path);
    if (fsync(fd) != 0 && !(errno == EINVAL && flags)) /* some file systems cannot sync a folder */
        return fs_fail(e, "cannot sync", path);
    return true;
}

bool fs_sync_dir(const char *path, struct err *e)
{
    return sync_path(path, O_DIRECTORY, e);
}

bool fs_sync_file(const char *path, struct err *e)
{
    return sync_path(path, 0, e);
}

bool fs_exists(const char *path)
{
    return access(path, F_OK) == 0;
}

bool fs_is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* 0 if it is there afterwards, else an errno. */
static int make_dir(const char *path)
{
    if (mkdir(path, 0777) == 0)
        return 0;
    int no = errno;
    return fs_is_dir(path) ? 0 : no;
}

bool fs_mkdirs(const char *path, struct err *e)
{
    path_buf dir;
    int no = make_dir(path);
    if (no == ENOENT && *path && parent_of(path, dir) && strcmp(dir, path) != 0) {
        if (!fs_mkdirs(dir, e))
            return false;
        no = make_dir(path);
    }
    if (no == EEXIST)
        return fail(e, ERR_IO, "cannot make folder '%s': a file has that name", path);
    errno = no;
    return !no || fs_fail(e, "cannot make folder", path);
}

bool fs_remove(const char *path, struct err *e)
{
    return unlink(path) == 0 || errno == ENOENT || fs_fail(e, "cannot remove", path);
}

static bool is_dots(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Removes what `name` is in the folder `at`; false with errno set. What is gone already is fine. */
static bool remove_at(int at, const char *name)
{
    if (unlinkat(at, name, 0) == 0 || errno == ENOENT)
        return true;
    if (errno != EISDIR && errno != EPERM)
        return false;

    int fd = openat(at, name, O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC);
    if (fd < 0)
        return errno == ENOENT;
    auto_dir *d = fdopendir(fd);
    if (!d) {
        close(fd);
        return false;
    }
    /* Not every file system lists all names while some are going away: look until there is nothing. */
    for (bool again = true; again;) {
        again = false;
        rewinddir(d);
        for (struct dirent *entry; (errno = 0, entry = readdir(d));) {
            if (is_dots(entry->d_name))
                continue;
            if (!remove_at(fd, entry->d_name))
                return false;
            again = true;
        }
        if (errno)
            return false;
    }
    return unlinkat(at, name, AT_REMOVEDIR) == 0 || errno == ENOENT;
}

bool fs_remove_tree(const char *path, struct err *e)
{
    /* With a slash behind it the name of a link would mean what it points to. */
    path_buf plain;
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    if (n >= sizeof plain) {
        errno = ENAMETOOLONG;
        return fs_fail(e, "cannot remove", path);
    }
    memcpy(plain, path, n);
    plain[n] = '\0';
    return remove_at(AT_FDCWD, plain) || fs_fail(e, "cannot remove", path);
}

static int by_name(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

struct names list_of(const char *);

static void names_done(struct arena *a, struct names *names, const char ***ret, size_t *ret_n)
{
    if (!names->v)
        names->v = arena_make(a, const char *, 1);
    qsort(names->v, names->n, sizeof *names->v, by_name);
    *ret = names->v;
    *ret_n = names->n;
}

bool fs_list(struct arena *a, const char *dir, const char ***ret, size_t *ret_n, struct err *e)
{
    struct names names = {0};
    auto_dir *d = opendir(dir);
    if (!d)
        return fs_fail(e, "cannot list", dir);
    for (struct dirent *entry; (errno = 0, entry = readdir(d));)
        if (!is_dots(entry->d_name))
            *arena_push(a, &names) = arena_str(a, entry->d_name);
    if (errno)
        return fs_fail(e, "cannot list", dir);
    names_done(a, &names, ret, ret_n);
    return true;
}

struct walk {
    struct arena *a;
    const char *dir, *suffix;
    struct names *names;
};

/* Links to files count as files; links to folders are not followed, they may lead in a circle. */
static void entry_kind(DIR *d, const struct dirent *entry, bool *is_dir, bool *is_file)
{
    struct stat st;
    *is_dir = entry->d_type == DT_DIR;
    *is_file = entry->d_type == DT_REG;
    if (entry->d_type == DT_LNK) {
        *is_file = fstatat(dirfd(d), entry->d_name, &st, 0) == 0 && S_ISREG(st.st_mode);
    } else if (entry->d_type == DT_UNKNOWN &&
               fstatat(dirfd(d), entry->d_name, &st, AT_SYMLINK_NOFOLLOW) == 0) {
        *is_dir = S_ISDIR(st.st_mode);
        *is_file = S_ISREG(st.st_mode);
    }
}

static bool ends_in(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && memcmp(s + n - m, suffix, m) == 0;
}

/* below: the path from w->dir to the folder, "" for w->dir itself. */
static bool walk(struct walk *w, const char *below, struct err *e)
{
    const char *path = *below ? fs_join(w->a, w->dir, below) : w->dir;
    auto_dir *d = opendir(path);
    if (!d)
        return errno == ENOENT || fs_fail(e, "cannot list", path);
    for (struct dirent *entry; (errno = 0, entry = readdir(d));) {
        bool is_dir, is_file;
        if (entry->d_name[0] == '.')
            continue;
        entry_kind(d, entry, &is_dir, &is_file);
        if (is_dir) {
            if (!walk(w, fs_join(w->a, below, entry->d_name), e))
                return false;
        } else if (is_file && ends_in(entry->d_name, w->suffix)) {
            *arena_push(w->a, w->names) = fs_join(w->a, below, entry->d_name);
        }
    }
    return !errno || fs_fail(e, "cannot list", path);
}

bool fs_walk(struct arena *a, const char *dir, const char *suffix, const char ***ret, size_t *ret_n,
             struct err *e)
{
    struct names names = {0};
    struct walk w = {a, dir, suffix ? suffix : "", &names};
    if (!walk(&w, "", e))
        return false;
    names_done(a, &names, ret, ret_n);
    return true;
}

char *fs_join(struct arena *a, const char *dir, const char *name)
{
    size_t n = strlen(dir);
    const char *slash = n == 0 || dir[n - 1] == '/' ? "" : "/";
    return arena_fmt(a, "%s%s%s", dir, slash, name);
}
