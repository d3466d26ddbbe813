/* fs.h - the local files that are not the lake's: configuration, inbox, state, reports. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

/* The whole file, NUL-terminated, in the arena; at most max bytes (ERR_LIMIT). ret_n may be NULL.
 * A missing file is ERR_USER when it is named by a user, so the message says "no such file". */
bool fs_read(struct arena *a, const char *path, size_t max, char **ret, size_t *ret_n,
             struct err *e) must_check;

/* Whole or not at all: temporary file beside it, fsync, rename, fsync of the folder. */
bool fs_write_atomic(const char *path, const void *p, size_t n, struct err *e) must_check;

bool fs_mkdirs(const char *path, struct err *e) must_check; /* fine when it is there */
bool fs_exists(const char *path);
bool fs_is_dir(const char *path);
bool fs_remove(const char *path, struct err *e) must_check;      /* fine when it is not there */
bool fs_remove_tree(const char *path, struct err *e) must_check; /* never follows links */
bool fs_sync_dir(const char *path, struct err *e) must_check;
bool fs_sync_file(const char *path, struct err *e) must_check;

/* Names (not paths) in a folder, sorted; "." and ".." left out. */
bool fs_list(struct arena *a, const char *dir, const char ***ret, size_t *ret_n, struct err *e) must_check;

/* Every regular file below dir whose name ends in suffix, as paths relative to dir, sorted. Hidden files and
 * folders (a leading dot) are passed over. A missing dir gives none. */
bool fs_walk(struct arena *a, const char *dir, const char *suffix, const char ***ret, size_t *ret_n,
             struct err *e) must_check;

/* dir + "/" + name. */
char *fs_join(struct arena *a, const char *dir, const char *name);

/* ERR_IO from errno: "<what> '<path>': <strerror>"; ENOSPC gets a hint. Returns false. */
bool fs_fail(struct err *e, const char *what, const char *path);
