#include "cache.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "map.h"

enum { GZIP = 16 }; /* added to the window bits it asks zlib for gzip's header */

struct cache {
    pthread_mutex_t lock;
    struct map by_key;
    struct str *v;
    size_t n, cap;
    z_stream z;
};

struct cache *cache_new(void)
{
    struct cache *c = must_alloc(1, sizeof *c);
    pthread_mutex_init(&c->lock, NULL);
    if (deflateInit2(&c->z, Z_BEST_SPEED, Z_DEFLATED, MAX_WBITS + GZIP, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        abort();
    return c;
}

void cache_free(struct cache *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->n; i++)
        free((void *)(uintptr_t)c->v[i].p);
    free(c->v);
    map_free(&c->by_key);
    deflateEnd(&c->z);
    pthread_mutex_destroy(&c->lock);
    free(c);
}

static bool find(const struct cache *c, uint64_t key, struct str *ret)
{
    int64_t at = map_find(&c->by_key, key);
    if (at >= 0)
        *ret = c->v[at];
    return at >= 0;
}

bool cache_find(struct cache *c, uint64_t key, struct str *ret)
{
    pthread_mutex_lock(&c->lock);
    bool found = find(c, key, ret);
    pthread_mutex_unlock(&c->lock);
    return found;
}

static struct str copy(struct str body)
{
    char *p = must_alloc(body.n, 1);
    memcpy(p, body.p, body.n);
    return (struct str){.p = p, .n = body.n};
}

static struct str pack(struct cache *c, struct str body)
{
    deflateReset(&c->z);
    size_t room = deflateBound(&c->z, body.n);
    auto_text out = {0};
    text_reserve(&out, room);
    c->z.next_in = (Bytef *)(uintptr_t)body.p;
    c->z.avail_in = (uInt)body.n;
    c->z.next_out = (Bytef *)out.p;
    c->z.avail_out = (uInt)room;
    if (deflate(&c->z, Z_FINISH) != Z_STREAM_END)
        abort(); /* deflateBound() is never too small */
    return copy((struct str){.p = out.p, .n = room - c->z.avail_out});
}

static void add(struct cache *c, uint64_t key, struct str body)
{
    if (c->n == c->cap) {
        size_t cap = c->cap ? c->cap * 2 : 256;
        struct str *v = must_alloc(cap, sizeof *v);
        if (c->n)
            memcpy(v, c->v, c->n * sizeof *v);
        free(c->v);
        c->v = v;
        c->cap = cap;
    }
    map_add(&c->by_key, key, (uint32_t)c->n);
    c->v[c->n++] = body;
}

struct str cache_keep(struct cache *c, uint64_t key, struct str body, bool gzip)
{
    struct str kept;
    pthread_mutex_lock(&c->lock);
    if (!find(c, key, &kept)) {
        kept = gzip ? pack(c, body) : copy(body);
        add(c, key, kept);
    }
    pthread_mutex_unlock(&c->lock);
    return kept;
}
