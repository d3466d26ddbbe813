#include "map.h"

#include <stdlib.h>

#include "dice.h"

static size_t place(const struct map *m, uint64_t key)
{
    size_t i = (size_t)dice_mix(key, 0) & (m->cap - 1);
    while (m->slots[i] && m->keys[i] != key)
        i = (i + 1) & (m->cap - 1);
    return i;
}

int64_t map_find(const struct map *m, uint64_t key)
{
    return m->cap ? (int64_t)m->slots[place(m, key)] - 1 : -1;
}

static void put(struct map *m, uint64_t key, uint32_t slot)
{
    size_t i = place(m, key);
    m->keys[i] = key;
    m->slots[i] = slot;
}

static void grow(struct map *m)
{
    struct map bigger = {.n = m->n, .cap = m->cap ? m->cap * 2 : 256};
    bigger.keys = must_alloc(bigger.cap, sizeof *bigger.keys);
    bigger.slots = must_alloc(bigger.cap, sizeof *bigger.slots);
    for (size_t i = 0; i < m->cap; i++)
        if (m->slots[i])
            put(&bigger, m->keys[i], m->slots[i]);
    map_free(m);
    *m = bigger;
}

void map_add(struct map *m, uint64_t key, uint32_t index)
{
    if ((m->n + 1) * 2 > m->cap)
        grow(m);
    put(m, key, index + 1);
    m->n++;
}

void map_free(struct map *m)
{
    free(m->keys);
    free(m->slots);
    *m = (struct map){0};
}
