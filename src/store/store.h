/* store.h - where the lake's bytes live: a driver per kind of storage, chosen by the URI's scheme.
 *
 * Paths are relative to the store's root, with '/' between. Drivers promise what the Delta log needs: a put
 * that fails when the name is taken, whole or not at all, durable when it returns; and listings that show a
 * put at once. Every call may be made from any thread.
 *
 * An engine reads and writes files of this machine. On local disk those are the objects themselves. Of a
 * remote store (HDFS, S3) they are its mirror: a folder of this process alone, where store_fetch() puts files
 * that are to be read, and from where sync() takes those that an engine has written. What was fetched is kept
 * for other processes in a cache of files that never change (store/cache.h). Calls on a remote store end in
 * bounded time: each has a deadline, and what can be done again is, until then.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct remote;

/* How remote stores are reached. What is NULL, 0 or not said is as the environment has it (store/s3.h,
 * store/hdfs.h, store/cache.h), else the default. A key that is "" is no key, whatever the environment has.
 */
enum s3_style { S3_STYLE_NOT_SAID, S3_STYLE_PATH, S3_STYLE_HOST };
struct store_conf {
    struct {
        const char *endpoint; /* "https://s3.example.com" */
        const char *region;
        const char *access_key, *secret_key, *session_token; /* session_token only with the others */
        enum s3_style style; /* where the bucket stands; else in the path if there is an endpoint */
    } s3;
    struct {
        const char *const *namenodes; /* "nn1:9870"; of "hdfs:///lake" */
        size_t nnamenodes;
        const char *user;
    } hdfs;
    const char *cache;               /* a folder, absolute */
    int64_t cache_bytes, timeout_ms; /* at least STORE_LEAST_TIMEOUT_MS */
};
enum { STORE_LEAST_TIMEOUT_MS = 1000 };

struct store {
    const struct store_driver *driver;
    const struct store_conf *conf; /* never NULL */
    const char *root;      /* the folder an engine finds files in: "/data/lake", or the mirror; absolute */
    const char *uri;       /* for people: "/data/lake", "s3://bucket/lake" */
    void *state;           /* the driver's */
    struct remote *remote; /* NULL: objects are files below root */
};

struct store_entry {
    const char *name; /* relative to the listed folder, no slash: not recursive */
    int64_t size, mtime_ms;
    bool is_dir;
    bool is_link; /* a symbolic link; the rest tells what it leads to */
};

struct store_stat {
    int64_t size, mtime_ms;
    const char *tag; /* changes when the object does */
};

struct store_object { /* to be fetched */
    const char *path;
    int64_t size; /* -1 = not known; else another length is an error */
};

struct store_driver {
    const char *scheme; /* "file" */

    /* The whole object, at most out->max bytes. ERR_USER "no such file" and *ret_missing when it is not there
     * (ret_missing may be NULL). */
    bool (*read)(struct store *s, const char *path, struct buf *out, bool *ret_missing, struct err *e);
    bool (*exists)(struct store *s, const char *path, bool *ret, struct err *e);
    /* Entries of a folder whose names sort after `after` (NULL = all), sorted by bytes, in a's memory. A
     * missing folder gives none. With `after`, names beyond ASCII may be left out. */
    bool (*list)(struct store *s, struct arena *a, const char *dir, const char *after,
                 struct store_entry **ret, size_t *ret_n, struct err *e);
    /* A whole, durable object under a name that must not exist; *ret_taken = true (and nothing is changed)
     * when it does. Missing folders are made, durably. An error of the kind ERR_IO leaves open whether the
     * name was given; after another one it was not. */
    bool (*put_new)(struct store *s, const char *path, const void *p, size_t n, bool *ret_taken,
                    struct err *e);
    /* The same, but an object of that name is replaced at once. For hints such as _last_checkpoint. */
    bool (*put)(struct store *s, const char *path, const void *p, size_t n, struct err *e);
    bool (*remove)(struct store *s, const char *path, struct err *e); /* fine when it is not there */
    /* Files that an engine has written below the root are made durable in the store, with their folders; a
     * file that is in a remote store already may be named too. Called once before the commit that names them.
     */
    bool (*sync)(struct store *s, const char *const *paths, size_t n, struct err *e);
    /* Gives a finished local file (on local disk: of the same file system) its final new name, durably, as
     * put_new does; the old name is gone when it returns true. For checkpoints. */
    bool (*adopt)(struct store *s, const char *local_file, const char *path, bool *ret_taken, struct err *e);
    bool (*mkdirs)(struct store *s, const char *dir, struct err *e);
    /* Removes a folder that has nothing in it; fine when it has, or is not there. NULL = there are none. */
    bool (*remove_dir)(struct store *s, const char *dir, struct err *e);

    /* Remote ones only; NULL for local disk. A missing object: ERR_USER and *ret_missing (may be NULL). */
    bool (*open)(struct arena *a, struct store *s, const char *rest_of_uri, struct err *e);
    bool (*stat)(struct store *s, struct arena *a, const char *path, struct store_stat *ret,
                 bool *ret_missing, struct err *e);
    /* The content to a file from its beginning, from where it is truncated. */
    bool (*download)(struct store *s, const char *path, int64_t size, int fd, struct err *e);
    /* n bytes of a file; an object of that name is replaced. */
    bool (*upload)(struct store *s, int fd, int64_t n, const char *path, struct err *e);
};

/* "/data/lake", "lake" (relative to cwd), "file:///data/lake", "s3://bucket/lake",
 * "hdfs://nn1:9870,nn2:9870/lake", "hdfs:///lake". An unknown scheme is ERR_USER. conf may be NULL, and lives
 * as long as the store. The mirror goes when `a` is freed. */
bool store_open(struct arena *a, const char *uri, const struct store_conf *conf, struct store **ret,
                struct err *e) must_check;

/* How an engine names an object: the file on local disk; of a remote store the one in the mirror, which is
 * there once it was fetched, or was written there. */
char *store_uri(struct arena *a, const struct store *s, const char *path);

/* How people name it: the file, or "s3://bucket/lake/path". */
char *store_name(struct arena *a, const struct store *s, const char *path);

/* After it, files at their store_uri() hold these objects, for as long as the store is open. Nothing to do on
 * local disk. Several are fetched at a time. */
bool store_fetch(struct store *s, const struct store_object *objects, size_t n, struct err *e) must_check;

/* The store of files that an engine has written and that were not given to sync() yet: on local disk `s`
 * itself, else its mirror (which also holds what was fetched). */
struct store *store_staging(struct store *s);
