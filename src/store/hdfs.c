#include "store/hdfs.h"

#include <errno.h>
#include <inttypes.h>
#include <pwd.h>
#include <string.h>
#include <unistd.h>

#include "store/dice.h"
#include "store/hdfs_ask.h"

#define DEFAULT_PORT "9870"
#define WRITE        "CREATE&overwrite=true&createflag=CREATE%2COVERWRITE%2CSYNC_BLOCK"

enum { ERROR_BYTES = 1 << 20 };

/* --- looking --- */

struct status { /* of a file or a folder */
    bool there, is_dir;
    int64_t id, size, mtime_ms;
};

static struct status status_of(const json_t *j)
{
    return (struct status){.there = true,
                           .is_dir = strcmp(json_str(j, "type", ""), "DIRECTORY") == 0,
                           .id = json_int(j, "fileId", -1),
                           .size = json_int(j, "length", -1),
                           .mtime_ms = json_int(j, "modificationTime", 0)};
}

static bool look(struct store *s, const char *path, struct status *ret, struct err *e)
{
    auto_arena *a = arena_new();
    enum hdfs_says says;
    json_t *j;
    if (!hdfs_do(a, s, "GET", path, "GETFILESTATUS", &says, &j, e))
        return false;
    *ret = (struct status){0};
    if (says == HDFS_DONE)
        *ret = status_of(json_object_get(j, "FileStatus"));
    return true;
}

static bool hdfs_stat(struct store *s, struct arena *a, const char *path, struct store_stat *ret,
                      bool *ret_missing, struct err *e)
{
    struct status st;
    if (ret_missing)
        *ret_missing = false;
    if (!look(s, path, &st, e))
        return remote_named(e, s, "look for", path);
    if (!st.there)
        return remote_missing(s, path, ret_missing, e);
    *ret = (struct store_stat){.size = st.size,
                               .mtime_ms = st.mtime_ms,
                               .tag = arena_fmt(a, "%" PRIi64 "-%" PRIi64, st.id, st.mtime_ms)};
    return true;
}

struct entries list_of(struct store_entry);

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct store_entry *)x)->name, ((const struct store_entry *)y)->name);
}

/* *last: the last name of the page; the server knows better than we in what order they are. */
static bool list_page(struct arena *a, struct store *s, const char *dir, const char *after,
                      struct entries *found, const char **last, int64_t *ret_left, struct err *e)
{
    auto_buf op = BUF(64 << 10);
    enum hdfs_says says;
    json_t *j;
    buf_addf(&op, "LISTSTATUS_BATCH");
    if (*last) {
        buf_addf(&op, "&startAfter=");
        remote_encode(&op, *last, false);
    }
    *ret_left = 0;
    if (!buf_done(&op, e) || !hdfs_do(a, s, "GET", dir, op.p, &says, &j, e))
        return false;
    if (says != HDFS_DONE)
        return true;
    const json_t *listing = json_object_get(j, "DirectoryListing");
    const json_t *page = json_object_get(
        json_object_get(json_object_get(listing, "partialListing"), "FileStatuses"), "FileStatus");
    if (!json_is_array(page))
        return fail(e, ERR_NET, "the answer is no listing");
    size_t i;
    json_t *item;
    json_array_foreach(page, i, item)
    {
        const char *name = json_str(item, "pathSuffix", "");
        struct status st = status_of(item);
        *last = name;
        if (*name && (!after || strcmp(name, after) > 0)) /* "": it is a file itself */
            *arena_push(a, found) = (struct store_entry){
                .name = name, .size = st.size, .mtime_ms = st.mtime_ms, .is_dir = st.is_dir};
    }
    *ret_left = i ? json_int(listing, "remainingEntries", 0) : 0;
    return true;
}

static bool hdfs_list(struct store *s, struct arena *a, const char *dir, const char *after,
                      struct store_entry **ret, size_t *ret_n, struct err *e)
{
    struct entries found = {0};
    const char *last = after;
    int64_t left;
    do
        if (!list_page(a, s, dir, after, &found, &last, &left, e))
            return remote_named(e, s, "list", dir);
    while (left > 0);
    if (found.n)
        qsort(found.v, found.n, sizeof *found.v, by_name);
    *ret = found.v;
    *ret_n = found.n;
    return true;
}

/* --- reading --- */

static bool rewind_file(int fd, struct err *e)
{
    return fd < 0 || (ftruncate(fd, 0) == 0 && lseek(fd, 0, SEEK_SET) == 0) ||
           fail(e, ERR_IO, "cannot write a local file: %s", strerror(errno));
}

static bool open_file(struct store *s, const char *path, int64_t size, int fd, struct buf *body,
                      bool *ret_missing, struct err *e)
{
    struct effort f = effort_begin(s, size);
    do {
        auto_arena *a = arena_new();
        enum hdfs_says says;
        if (!rewind_file(fd, e))
            return false;
        if (hdfs_data(a, s, "GET", path, "OPEN", NULL, fd, f.deadline_ms, body, &says, e))
            return says == HDFS_DONE || remote_missing(s, path, ret_missing, e);
    } while (effort_again(&f, 0, e));
    return remote_named(e, s, "read", path);
}

static bool hdfs_read(struct store *s, const char *path, struct buf *out, bool *ret_missing, struct err *e)
{
    auto_buf body = BUF(out->max > ERROR_BYTES ? out->max : ERROR_BYTES);
    if (ret_missing)
        *ret_missing = false;
    if (!open_file(s, path, 0, -1, &body, ret_missing, e))
        return false;
    buf_add(out, body.p, body.len);
    return buf_done(out, e) || remote_named(e, s, "read", path);
}

static bool hdfs_download(struct store *s, const char *path, int64_t size, int fd, struct err *e)
{
    auto_buf body = BUF(ERROR_BYTES);
    return open_file(s, path, size, fd, &body, NULL, e);
}

/* --- writing --- */

/* One that was cut off is closed by HDFS as it is, so its length is looked at. */
static bool write_file(struct store *s, const char *path, const struct content *c, struct status *ret,
                       struct err *e)
{
    struct effort f = effort_begin(s, c->n);
    do {
        auto_arena *a = arena_new();
        auto_buf body = BUF(ERROR_BYTES);
        enum hdfs_says says;
        if (!hdfs_data(a, s, "PUT", path, WRITE, c, -1, f.deadline_ms, &body, &says, e))
            continue;
        if (says != HDFS_DONE) {
            fail(e, ERR_IO, "a folder has that name, or a file is in its way");
            break;
        }
        if (!look(s, path, ret, e))
            break;
        if (ret->there && ret->size == c->n)
            return true;
        fail(e, ERR_NET, "it has %" PRIi64 " bytes after %" PRIi64 " were written", ret->size, c->n);
    } while (effort_again(&f, 0, e));
    return remote_named(e, s, "write", path);
}

static void remove_temp(struct store *s, const char *path)
{
    auto_arena *a = arena_new();
    enum hdfs_says says;
    json_t *j;
    struct err ignored;
    (void)!hdfs_do(a, s, "DELETE", path, "DELETE", &says, &j, &ignored);
}

/* Gives `temp` the name `path`. An answer may be lost after the work was done, and the next attempt then
 * finds the name taken, or the old one gone; whose file has the name, its id tells. */
static bool rename_to(struct store *s, const char *temp, int64_t id, const char *path, bool overwrite,
                      bool *ret_ours, struct err *e)
{
    auto_arena *a = arena_new();
    enum hdfs_says says;
    json_t *j;
    struct status now;
    const char *op = arena_fmt(a, "RENAME&destination=%s&renameoptions=%s", hdfs_path(a, s->state, path),
                               overwrite ? "OVERWRITE" : "NONE");
    if (!hdfs_do(a, s, "PUT", temp, op, &says, &j, e))
        return false;
    *ret_ours = true;
    if (says == HDFS_DONE)
        return true;
    if (!look(s, path, &now, e))
        return false;
    *ret_ours = now.there && now.id == id;
    return now.there || fail(e, ERR_NET, "neither the file nor its temporary name is there any more");
}

static bool put(struct store *s, const char *path, const struct content *c, bool overwrite, bool *ret_taken,
                struct err *e)
{
    auto_arena *a = arena_new();
    const char *slash = strrchr(path, '/');
    int n = slash ? (int)(slash + 1 - path) : 0;
    const char *temp = arena_fmt(a, "%.*s.%s.%.16s.tmp", n, path, path + n, dice_hex(a));
    struct status written;
    bool ours;
    if (!write_file(s, temp, c, &written, e))
        return false;
    if (!rename_to(s, temp, written.id, path, overwrite, &ours, e)) {
        bool unanswered = e->kind == ERR_NET || !*e->hint;
        e->kind = ERR_IO; /* the last attempt may have been refused, and an earlier one have done its work */
        if (unanswered)
            hint(e, "it may have been written all the same");
        return remote_named(e, s, "write", path);
    }
    if (!ours)
        remove_temp(s, temp);
    *ret_taken = !ours;
    return ours || !overwrite || fail(e, ERR_CONFLICT, "somebody else writes it") ||
           remote_named(e, s, "write", path);
}

static bool put_once(struct store *s, const char *path, const struct content *c, bool *ret_taken,
                     struct err *e)
{
    return put(s, path, c, false, ret_taken, e);
}

static bool hdfs_put_new(struct store *s, const char *path, const void *p, size_t n, bool *ret_taken,
                         struct err *e)
{
    return put(s, path, &(struct content){.p = n ? p : "", .n = (int64_t)n}, false, ret_taken, e);
}

static bool hdfs_put(struct store *s, const char *path, const void *p, size_t n, struct err *e)
{
    bool taken;
    return put(s, path, &(struct content){.p = n ? p : "", .n = (int64_t)n}, true, &taken, e);
}

/* Nobody looks for a data file before a commit names it. */
static bool hdfs_upload(struct store *s, int fd, int64_t n, const char *path, struct err *e)
{
    struct status ignored;
    return write_file(s, path, &(struct content){.p = n ? NULL : "", .fd = fd, .n = n}, &ignored, e);
}

static bool hdfs_adopt(struct store *s, const char *local_file, const char *path, bool *ret_taken,
                       struct err *e)
{
    return remote_adopt(s, local_file, path, ret_taken, put_once, e);
}

static bool hdfs_remove(struct store *s, const char *path, struct err *e)
{
    auto_arena *a = arena_new();
    enum hdfs_says says;
    json_t *j;
    remote_forget(s, path);
    if (!hdfs_do(a, s, "DELETE", path, "DELETE", &says, &j, e))
        return remote_named(e, s, "remove", path);
    return says != HDFS_IN_USE || fail(e, ERR_IO, "it is a folder with files in it") ||
           remote_named(e, s, "remove", path);
}

static bool hdfs_remove_dir(struct store *s, const char *dir, struct err *e)
{
    auto_arena *a = arena_new();
    enum hdfs_says says;
    json_t *j;
    return hdfs_do(a, s, "DELETE", dir, "DELETE", &says, &j, e) || remote_named(e, s, "remove", dir);
}

static bool hdfs_mkdirs(struct store *s, const char *dir, struct err *e)
{
    auto_arena *a = arena_new();
    enum hdfs_says says;
    json_t *j;
    if (!hdfs_do(a, s, "PUT", dir, "MKDIRS", &says, &j, e))
        return remote_named(e, s, "make folder", dir);
    return says == HDFS_DONE || fail(e, ERR_IO, "a file has that name") ||
           remote_named(e, s, "make folder", dir);
}

/* --- opening --- */

struct nodes list_of(const char *);

static bool add_node(struct arena *a, struct nodes *nodes, const char *uri, const char *host, struct err *e)
{
    if (!*host || strpbrk(host, "@?#%/ "))
        return fail(e, ERR_USER, "'%s': '%s' is no address of a NameNode", uri, host) ||
               hint(e, "hdfs://nn1:9870,nn2:9870/path");
    const char *bracket = strrchr(host, ']');
    bool port = strchr(bracket ? bracket : host, ':');
    *arena_push(a, nodes) = arena_fmt(a, "http://%s%s", host, port ? "" : ":" DEFAULT_PORT);
    return true;
}

/* Those of the URI; when it has none, of the settings. */
static bool find_nodes(struct arena *a, struct hdfs *h, const struct store *s, const char *hosts,
                       struct err *e)
{
    struct nodes nodes = {0};
    for (const char *p = hosts; *p;) {
        size_t n = strcspn(p, ",");
        if (!add_node(a, &nodes, s->uri, arena_strn(a, p, n), e))
            return false;
        p += n + (p[n] == ',');
    }
    for (size_t i = 0; !*hosts && i < s->conf->hdfs.nnamenodes; i++)
        if (!add_node(a, &nodes, s->uri, s->conf->hdfs.namenodes[i], e))
            return false;
    if (!nodes.n)
        return fail(e, ERR_USER, "'%s' names no NameNode", s->uri) ||
               hint(e, "hdfs://nn1:9870,nn2:9870/path, or 'namenodes' under storage.hdfs in cupel.yaml");
    h->nodes = nodes.v;
    h->n = nodes.n;
    return true;
}

static char *user_name(struct arena *a, const char *said)
{
    auto_buf b = BUF(4096);
    char space[4096];
    const char *name = said ? said : getenv("HADOOP_USER_NAME");
    struct passwd pw, *found = NULL;
    if (!name || !*name) {
        getpwuid_r(getuid(), &pw, space, sizeof space, &found);
        name = found ? found->pw_name : arena_fmt(a, "%u", getuid());
    }
    remote_encode(&b, name, false);
    return arena_strn(a, b.p, b.len);
}

static bool hdfs_open(struct arena *a, struct store *s, const char *rest, struct err *e)
{
    struct hdfs *h = arena_make(a, struct hdfs, 1);
    size_t n = strcspn(rest, "/");
    h->root = rest[n] == '/' && rest[n + 1] ? rest + n : "";
    h->user = user_name(a, s->conf->hdfs.user);
    s->state = h;
    if (!find_nodes(a, h, s, arena_strn(a, rest, n), e))
        return false;
    auto_buf where = BUF(1 << 20);
    for (size_t i = 0; i < h->n; i++)
        buf_addf(&where, "%s,", h->nodes[i]);
    buf_addf(&where, "%s", h->root);
    return remote_open(a, s, NULL, NULL, arena_strn(a, where.p, where.len), e);
}

const struct store_driver store_hdfs = {
    .scheme = "hdfs",
    .read = hdfs_read,
    .exists = remote_exists,
    .list = hdfs_list,
    .put_new = hdfs_put_new,
    .put = hdfs_put,
    .remove = hdfs_remove,
    .sync = remote_sync,
    .adopt = hdfs_adopt,
    .mkdirs = hdfs_mkdirs,
    .remove_dir = hdfs_remove_dir,
    .open = hdfs_open,
    .stat = hdfs_stat,
    .download = hdfs_download,
    .upload = hdfs_upload,
};
