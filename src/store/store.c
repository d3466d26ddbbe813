#include "store/store.h"

#include <errno.h>
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "store/hdfs.h"
#include "store/local.h"
#include "store/s3.h"

static const struct store_driver *const drivers[] = {&store_local, &store_hdfs, &store_s3};

/* The length of "s3" in "s3://bucket/x"; 0 = there is no scheme. */
static size_t scheme_len(const char *uri)
{
    const char *colon = strstr(uri, "://");
    size_t n = colon ? (size_t)(colon - uri) : 0;
    return strspn(uri, "abcdefghijklmnopqrstuvwxyz0123456789+-.") == n ? n : 0;
}

static void trim_slashes(char *path)
{
    for (size_t n = strlen(path); n > 1 && path[n - 1] == '/'; n--)
        path[n - 1] = '\0';
}

static bool open_local(struct arena *a, struct store *s, const char *uri, const char *path, struct err *e)
{
    char *root = arena_str(a, path);
    if (*path != '/') {
        char cwd[PATH_MAX];
        if (path != uri)
            return fail(e, ERR_USER, "'%s': a path behind file:// begins with a slash", uri);
        if (!getcwd(cwd, sizeof cwd))
            return fs_fail(e, "cannot find the current folder for", uri);
        root = fs_join(a, cwd, path);
    }
    trim_slashes(root);
    s->root = s->uri = root;
    return true;
}

static bool open_remote(struct arena *a, struct store *s, const char *uri, const char *path, struct err *e)
{
    char *whole = arena_str(a, uri), *rest = whole + (path - uri);
    trim_slashes(rest);
    for (const char *p = rest; (p = strchr(p, '/')); p++)
        if (p[1] == '/' || strncmp(p, "/../", 4) == 0 || strcmp(p, "/..") == 0)
            return fail(e, ERR_USER, "'%s': empty names and '..' are no part of a path there", uri);
    s->uri = whole;
    return s->driver->open(a, s, rest, e);
}

bool store_open(struct arena *a, const char *uri, const struct store_conf *conf, struct store **ret,
                struct err *e)
{
    static const struct store_conf nothing_said;
    size_t n = scheme_len(uri);
    const char *scheme = n ? arena_strn(a, uri, n) : "file";
    const char *path = n ? uri + n + 3 : uri;

    const struct store_driver *driver = NULL;
    for (size_t i = 0; i < countof(drivers); i++)
        if (strcmp(drivers[i]->scheme, scheme) == 0)
            driver = drivers[i];
    if (!driver)
        return fail(e, ERR_USER, "cannot store anything in '%s': unknown scheme '%s'", uri, scheme);
    if (!*path)
        return fail(e, ERR_USER, "'%s' names no folder", uri);

    struct store *s = arena_make(a, struct store, 1);
    *s = (struct store){.driver = driver, .conf = conf ? conf : &nothing_said};
    if (!(driver->open ? open_remote(a, s, uri, path, e) : open_local(a, s, uri, path, e)))
        return false;
    *ret = s;
    return true;
}

char *store_uri(struct arena *a, const struct store *s, const char *path)
{
    return *path ? fs_join(a, s->root, path) : arena_str(a, s->root);
}

char *store_name(struct arena *a, const struct store *s, const char *path)
{
    return *path ? fs_join(a, s->uri, path) : arena_str(a, s->uri);
}
