#include "base/arena.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

enum { CHUNK = 64 * 1024, ALIGN = alignof(max_align_t) };

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct deferred {
    struct deferred *next;
    void (*fn)(void *);
    void *arg;
};

struct arena {
    struct chunk *chunks;
    struct deferred *deferred;
};

static void *xcalloc(size_t n, size_t size)
{
    void *p = calloc(n, size);
    if (!p) {
        fputs("fatal: out of memory\n", stderr);
        abort();
    }
    return p;
}

struct arena *arena_new(void)
{
    return xcalloc(1, sizeof(struct arena));
}

void arena_free(struct arena *a)
{
    if (!a)
        return;
    for (struct deferred *d = a->deferred; d; d = d->next)
        d->fn(d->arg);
    for (struct chunk *c = a->chunks, *next; c; c = next) {
        next = c->next;
        free(c);
    }
    free(a);
}

void *arena_alloc(struct arena *a, size_t n, size_t size)
{
    size_t want;
    if (__builtin_mul_overflow(n, size, &want) || want > SIZE_MAX / 2)
        want = SIZE_MAX / 2; /* lets calloc refuse it */
    want = (want + ALIGN - 1) / ALIGN * ALIGN;

    struct chunk *c = a->chunks;
    if (!c || c->size - c->used < want) {
        size_t room = want > CHUNK ? want : CHUNK;
        c = xcalloc(1, sizeof *c + room);
        c->size = room;
        c->next = a->chunks;
        a->chunks = c;
    }
    void *p = c->data + c->used;
    c->used += want;
    return p;
}

char *arena_fmt(struct arena *a, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, fmt, ap);
    char *s = arena_alloc(a, (size_t)n + 1, 1);
    vsnprintf(s, (size_t)n + 1, fmt, again);
    va_end(again);
    va_end(ap);
    return s;
}

char *arena_strn(struct arena *a, const char *p, size_t n)
{
    char *s = arena_alloc(a, n + 1, 1);
    if (n)
        memcpy(s, p, n);
    return s;
}

char *arena_str(struct arena *a, const char *s)
{
    return s ? arena_strn(a, s, strlen(s)) : NULL;
}

void *arena_grow(struct arena *a, void **p, size_t *n, size_t *cap, size_t size)
{
    if (*n == *cap) {
        size_t room = *cap ? *cap * 2 : 8;
        void *bigger = arena_alloc(a, room, size);
        if (*n)
            memcpy(bigger, *p, *n * size);
        *p = bigger;
        *cap = room;
    }
    return (char *)*p + (*n)++ * size;
}

void arena_defer(struct arena *a, void (*fn)(void *), void *arg)
{
    struct deferred *d = arena_make(a, struct deferred, 1);
    *d = (struct deferred){.next = a->deferred, .fn = fn, .arg = arg};
    a->deferred = d;
}
