/* map.h - from a number to a small index, by open addressing; entries are never taken out. */
#pragma once
#include "text.h"

struct map {
    uint64_t *keys;
    uint32_t *slots; /* index + 1; 0 = free */
    size_t n, cap;   /* cap is a power of two */
};

/* The index stored under the key, or -1. */
int64_t map_find(const struct map *m, uint64_t key);

/* Store an index under a key that is not there yet. */
void map_add(struct map *m, uint64_t key, uint32_t index);

void map_free(struct map *m);
