/* store.h - where the lake's bytes live: a driver per kind of storage, chosen by the URI's scheme.
 *
 * Paths are relative to the store's root, with '/' between. Drivers promise what the Delta log needs: a put
 * that fails when the name is taken, whole or not at all, durable when it returns; and listings that show a
 * put at once. Only local disk for now; HDFS and S3 are a file and a line each.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct store {
    const struct store_driver *driver;
    const char *root; /* "/data/lake" for file: absolute */
    void *state;      /* the driver's */
};

struct store_entry {
    const char *name; /* relative to the listed folder, no slash: not recursive */
    int64_t size, mtime_ms;
    bool is_dir;
    bool is_link; /* a symbolic link; the rest tells what it leads to */
};

struct store_driver {
    const char *scheme; /* "file" */

    /* The whole object, at most out->max bytes. ERR_USER "no such file" and *ret_missing when it is not there
     * (ret_missing may be NULL). */
    bool (*read)(struct store *s, const char *path, struct buf *out, bool *ret_missing, struct err *e);
    bool (*exists)(struct store *s, const char *path, bool *ret, struct err *e);
    /* Entries of a folder whose names sort after `after` (NULL = all), sorted by bytes, in a's memory. A
     * missing folder gives none. */
    bool (*list)(struct store *s, struct arena *a, const char *dir, const char *after,
                 struct store_entry **ret, size_t *ret_n, struct err *e);
    /* A whole, durable object under a name that must not exist; *ret_taken = true (and nothing is changed)
     * when it does. Missing folders are made, durably. */
    bool (*put_new)(struct store *s, const char *path, const void *p, size_t n, bool *ret_taken,
                    struct err *e);
    /* The same, but an object of that name is replaced at once. For hints such as _last_checkpoint. */
    bool (*put)(struct store *s, const char *path, const void *p, size_t n, struct err *e);
    bool (*remove)(struct store *s, const char *path, struct err *e); /* fine when it is not there */
    /* Files that an engine has written below the root are made durable, with their folders; each is read by
     * its path. Called once before the commit that names them. */
    bool (*sync)(struct store *s, const char *const *paths, size_t n, struct err *e);
    /* Gives a finished local file (of the same storage) its final new name, durably, as put_new does; the old
     * name is gone when it returns true. For checkpoints. */
    bool (*adopt)(struct store *s, const char *local_file, const char *path, bool *ret_taken, struct err *e);
    bool (*mkdirs)(struct store *s, const char *dir, struct err *e);
    /* Removes a folder that has nothing in it; fine when it has, or is not there. NULL = there are none. */
    bool (*remove_dir)(struct store *s, const char *dir, struct err *e);
};

/* "/data/lake", "lake" (relative to cwd) or "file:///data/lake". An unknown scheme is ERR_USER. */
bool store_open(struct arena *a, const char *uri, struct store **ret, struct err *e) must_check;
/* How an engine names an object: the absolute path for local disk. */
char *store_uri(struct arena *a, const struct store *s, const char *path);
