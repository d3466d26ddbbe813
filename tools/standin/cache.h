/* cache.h - bodies that were made once: a feed does not change, so neither do they.
 *
 * Kept for good: lists, and what gzip made of a body (compressing costs far more than all the rest of
 * a request). Any thread may call any function.
 */
#pragma once
#include "text.h"

struct cache;

struct cache *cache_new(void);
void cache_free(struct cache *c);

/* False = not there. The bytes stay valid until cache_free(). */
bool cache_find(struct cache *c, uint64_t key, struct str *ret);

/* Keep these bytes, as they are or gzipped, and return what is kept. */
struct str cache_keep(struct cache *c, uint64_t key, struct str body, bool gzip);
