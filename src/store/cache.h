/* cache.h - files of remote stores that were fetched once, kept on local disk for all processes.
 *
 *     DIR/objects/ab/cdef...   a file, named by a hash of store, path, size and tag; read-only
 *     DIR/work/TOKEN/          the mirror of a store that a process has open
 *     DIR/work/TOKEN.lock      locked for as long as it has
 *     DIR/lock                 held while mirrors come and go, and while files are evicted
 *
 * A mirror's files are hard links, so evicting one that somebody reads harms nobody, and nobody keeps count.
 * Of a process that was killed the lock is free, and the next one removes its mirror. A file is on disk
 * before it gets its name in the cache; one of another length than asked for is thrown away.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

struct cache;

/* In the folder `dir`; NULL = CUPEL_LAKE_CACHE, or cupel/lake in XDG_CACHE_HOME or ~/.cache. max_bytes is
 * what it may hold beyond the mirrors' own; 0 = CUPEL_LAKE_CACHE_SIZE ("20GB", default 10 GiB). Closed, and
 * the mirror gone, when `a` is freed. */
bool cache_open(struct arena *a, const char *dir, int64_t max_bytes, struct cache **ret,
                struct err *e) must_check;
const char *cache_mirror(const struct cache *c);

/* A new empty file of the mirror, for what is being fetched. */
char *cache_temp(struct arena *a, const struct cache *c);

/* 64 hex digits. */
char *cache_key(struct arena *a, const char *where, const char *path, int64_t size, const char *tag);
/* Is it there? Then it has the name `file` too, in the mirror. */
bool cache_get(struct cache *c, const char *key, int64_t size, const char *file);
/* Keeps a read-only file of the mirror, which is on disk; evicts others when there are too many. Failure
 * costs a fetch later, and no more. */
void cache_keep(struct cache *c, const char *key, int64_t size, const char *file);
