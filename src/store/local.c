#include "store/local.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"

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

/* The folder of a path, "" when it has none. */
static char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return arena_strn(a, path, slash ? (size_t)(slash - path) : 0);
}

static bool local_read(struct store *s, const char *path, struct buf *out, bool *ret_missing, struct err *e)
{
    auto_arena *a = arena_new();
    char *name = store_uri(a, s, path);
    auto_fd fd = open(name, O_RDONLY | O_CLOEXEC);
    if (ret_missing)
        *ret_missing = fd < 0 && (errno == ENOENT || errno == ENOTDIR);
    if (fd < 0)
        return errno == ENOENT || errno == ENOTDIR ? fail(e, ERR_USER, "no such file '%s'", name)
                                                   : fs_fail(e, "cannot read", name);
    char piece[32 * 1024];
    ssize_t got;
    while (!out->failed && (got = read(fd, piece, sizeof piece)) != 0) {
        if (got > 0)
            buf_add(out, piece, (size_t)got);
        else if (errno != EINTR)
            return fs_fail(e, "cannot read", name);
    }
    return buf_done(out, e) || wrap(e, "cannot read '%s'", name);
}

static bool local_exists(struct store *s, const char *path, bool *ret, struct err *e)
{
    auto_arena *a = arena_new();
    char *name = store_uri(a, s, path);
    *ret = access(name, F_OK) == 0;
    return *ret || errno == ENOENT || errno == ENOTDIR || fs_fail(e, "cannot look for", name);
}

struct entries list_of(struct store_entry);

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct store_entry *)x)->name, ((const struct store_entry *)y)->name);
}

static bool is_symlink(int dir, const char *name)
{
    struct stat st;
    return fstatat(dir, name, &st, AT_SYMLINK_NOFOLLOW) == 0 && S_ISLNK(st.st_mode);
}

static bool local_list(struct store *s, struct arena *a, const char *dir, const char *after,
                       struct store_entry **ret, size_t *ret_n, struct err *e)
{
    struct entries found = {0};
    char *path = store_uri(a, s, dir);
    auto_dir *d = opendir(path);
    if (!d && errno != ENOENT && errno != ENOTDIR)
        return fs_fail(e, "cannot list", path);
    for (struct dirent *entry; d && (errno = 0, entry = readdir(d));) {
        const char *name = entry->d_name;
        struct stat st;
        if (strcmp(name, ".") == 0 || strcmp(name, "..") == 0 || (after && strcmp(name, after) <= 0))
            continue;
        if (fstatat(dirfd(d), name, &st, 0) != 0) {
            if (errno == ENOENT) /* gone again, or a link to nowhere */
                continue;
            return fs_fail(e, "cannot list", path);
        }
        bool is_link = entry->d_type == DT_LNK || (entry->d_type == DT_UNKNOWN && is_symlink(dirfd(d), name));
        *arena_push(a, &found) = (struct store_entry){
            .name = arena_str(a, name),
            .size = st.st_size,
            .mtime_ms = st.st_mtim.tv_sec * INT64_C(1000) + st.st_mtim.tv_nsec / 1000000,
            .is_dir = S_ISDIR(st.st_mode),
            .is_link = is_link,
        };
    }
    if (d && errno)
        return fs_fail(e, "cannot list", path);
    if (found.n)
        qsort(found.v, found.n, sizeof *found.v, by_name);
    *ret = found.v;
    *ret_n = found.n;
    return true;
}

static bool is_dir(const char *path)
{
    struct stat st;
    return stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

/* A folder counts once its name is safe in the folder above it, so each new one is followed by an fsync
 * there. */
static bool make_dirs(struct arena *a, const char *path, struct err *e)
{
    if (!*path || mkdir(path, 0777) == 0)
        return !*path || fs_sync_dir(fs_join(a, path, ".."), e);
    int no = errno;
    if (no == EEXIST || no == EISDIR)
        return is_dir(path) || fail(e, ERR_IO, "cannot make folder '%s': a file has that name", path);
    if (no == ENOENT && strchr(path + 1, '/'))
        return make_dirs(a, folder_of(a, path), e) && make_dirs(a, path, e);
    errno = no;
    return fs_fail(e, "cannot make folder", path);
}

static bool local_mkdirs(struct store *s, const char *dir, struct err *e)
{
    auto_arena *a = arena_new();
    return make_dirs(a, store_uri(a, s, dir), e);
}

/* A name beside `name` that begins with a dot, so that no engine takes the file for data: one that a process
 * which died has left behind harms nobody. */
static char *temp_name(struct arena *a, const char *name)
{
    uint64_t dice = 0;
    if (getrandom(&dice, sizeof dice, 0) != sizeof dice)
        dice = (uint64_t)getpid() << 32 ^ (uintptr_t)a;
    const char *slash = strrchr(name, '/');
    return arena_fmt(a, "%.*s/.%s.%016llx.tmp", (int)(slash - name), name, slash + 1,
                     (unsigned long long)dice);
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

/* The bytes in a new file, on the disk. Nothing stays behind when it fails. */
static bool write_temp(const char *temp, const char *name, const void *p, size_t n, struct err *e)
{
    int fd = open(temp, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return fs_fail(e, "cannot write", name);
    bool ok = write_all(fd, p, n) && fsync(fd) == 0;
    int no = errno;
    if (close(fd) != 0 && ok)
        ok = false, no = errno;
    if (!ok) {
        unlink(temp);
        errno = no;
        return fs_fail(e, "cannot write", name);
    }
    return true;
}

static bool same_file(const char *x, const char *y)
{
    struct stat sx, sy;
    return stat(x, &sx) == 0 && stat(y, &sy) == 0 && sx.st_dev == sy.st_dev && sx.st_ino == sy.st_ino;
}

/* Moves a file to a name that nobody has; the old name is gone in any case but an error. */
static bool claim(const char *temp, const char *name, bool *ret_taken, struct err *e)
{
    bool taken = false;
    if (link(temp, name) != 0) {
        /* A network file system may do it, lose its answer, and find it done when it tries again. */
        if (errno == EEXIST)
            taken = !same_file(temp, name);
        else if (errno != EPERM && errno != EOPNOTSUPP && errno != ENOSYS)
            return fs_fail(e, "cannot write", name);
        /* No hard links here. */
        else if (renameat2(AT_FDCWD, temp, AT_FDCWD, name, RENAME_NOREPLACE) != 0 &&
                 !(taken = errno == EEXIST))
            return fs_fail(e, "cannot write", name);
    }
    unlink(temp);
    *ret_taken = taken;
    return true;
}

static bool sync_folder_of(struct arena *a, const char *name, struct err *e)
{
    return fs_sync_dir(folder_of(a, name), e) ||
           wrap(e, "'%s' is written, but might not survive a power cut", name);
}

static bool local_put_new(struct store *s, const char *path, const void *p, size_t n, bool *ret_taken,
                          struct err *e)
{
    auto_arena *a = arena_new();
    char *name = store_uri(a, s, path), *temp = temp_name(a, name);
    if (access(name, F_OK) == 0) { /* spares the write; link() is what decides */
        *ret_taken = true;
        return true;
    }
    if (!make_dirs(a, folder_of(a, name), e) || !write_temp(temp, name, p, n, e))
        return false;
    if (!claim(temp, name, ret_taken, e)) {
        unlink(temp);
        return false;
    }
    return *ret_taken || sync_folder_of(a, name, e);
}

static bool local_put(struct store *s, const char *path, const void *p, size_t n, struct err *e)
{
    auto_arena *a = arena_new();
    char *name = store_uri(a, s, path), *temp = temp_name(a, name);
    if (!make_dirs(a, folder_of(a, name), e) || !write_temp(temp, name, p, n, e))
        return false;
    if (rename(temp, name) != 0) {
        fs_fail(e, "cannot write", name);
        unlink(temp);
        return false;
    }
    return sync_folder_of(a, name, e);
}

static bool local_remove(struct store *s, const char *path, struct err *e)
{
    auto_arena *a = arena_new();
    return fs_remove(store_uri(a, s, path), e);
}

static bool local_remove_dir(struct store *s, const char *dir, struct err *e)
{
    auto_arena *a = arena_new();
    const char *path = store_uri(a, s, dir);
    return rmdir(path) == 0 || errno == ENOENT || errno == ENOTEMPTY || errno == EEXIST ||
           fs_fail(e, "cannot remove folder", path);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

static bool local_sync(struct store *s, const char *const *paths, size_t n, struct err *e)
{
    auto_arena *a = arena_new();
    struct list_of(const char *) dirs = {0};
    const char *last = NULL;
    for (size_t i = 0; i < n; i++) {
        if (!fs_sync_file(store_uri(a, s, paths[i]), e))
            return false;
        const char *dir = folder_of(a, paths[i]);
        if (last && strcmp(dir, last) == 0)
            continue;
        last = dir;
        for (;; dir = folder_of(a, dir)) {
            *arena_push(a, &dirs) = dir;
            if (!*dir)
                break;
        }
    }
    if (dirs.n)
        qsort(dirs.v, dirs.n, sizeof *dirs.v, by_text);
    for (size_t i = 0; i < dirs.n; i++)
        if (i == 0 || strcmp(dirs.v[i], dirs.v[i - 1]) != 0)
            if (!fs_sync_dir(store_uri(a, s, dirs.v[i]), e))
                return false;
    return true;
}

static bool local_adopt(struct store *s, const char *local_file, const char *path, bool *ret_taken,
                        struct err *e)
{
    auto_arena *a = arena_new();
    char *name = store_uri(a, s, path);
    if (!fs_sync_file(local_file, e) || !make_dirs(a, folder_of(a, name), e) ||
        !claim(local_file, name, ret_taken, e))
        return false;
    return *ret_taken || sync_folder_of(a, name, e);
}

const struct store_driver store_local = {
    .scheme = "file",
    .read = local_read,
    .exists = local_exists,
    .list = local_list,
    .put_new = local_put_new,
    .put = local_put,
    .remove = local_remove,
    .sync = local_sync,
    .adopt = local_adopt,
    .mkdirs = local_mkdirs,
    .remove_dir = local_remove_dir,
};
