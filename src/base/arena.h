/* arena.h - memory that lives and dies with one task.
 *
 * Everything a task makes comes out of its arena and goes away with it: no free() on any path. Handles
 * of other libraries (CURL *, duckdb_connection) are tied to it with arena_defer(), which runs in
 * reverse order at arena_free(). Small by contract: data of the user's size lives in a struct buf with
 * a cap, or in Arrow arrays. Out of memory here ends the process. Not shared between threads.
 */
#pragma once
#include "base/base.h"

struct arena;

struct arena *arena_new(void);
void arena_free(struct arena *a);
static inline void arena_free_ptr(struct arena **a)
{
    arena_free(*a);
}
#define auto_arena auto_call(arena_free_ptr) struct arena

/* n zeroed objects of `size` bytes, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t n, size_t size) __attribute__((malloc, returns_nonnull));
#define arena_make(a, T, n) ((T *)arena_alloc(a, n, sizeof(T)))

char *arena_fmt(struct arena *a, const char *fmt, ...) printf_like(2, 3) __attribute__((returns_nonnull));
/* Copies of a string, and of n bytes with a NUL put behind them. NULL stays NULL for arena_str. */
char *arena_str(struct arena *a, const char *s);
char *arena_strn(struct arena *a, const char *p, size_t n) __attribute__((returns_nonnull));

/* A growing array in an arena: `p` has room for *cap objects of `size` bytes, *n of them used. Returns
 * where the next one goes (zeroed) and counts it; *p may move. Use through arena_push(). */
void *arena_grow(struct arena *a, void **p, size_t *n, size_t *cap, size_t size)
    __attribute__((returns_nonnull));
#define arena_push(a, list)                                                                                  \
    ((typeof((list)->v))arena_grow(a, (void **)&(list)->v, &(list)->n, &(list)->cap, sizeof *(list)->v))
/* struct list_of(T) has v, n, cap; zero-initialise it. */
#define list_of(T)                                                                                           \
    {                                                                                                        \
        T *v;                                                                                                \
        size_t n, cap;                                                                                       \
    }

/* Run fn(arg) when the arena is freed, the last deferred first. */
void arena_defer(struct arena *a, void (*fn)(void *), void *arg);
