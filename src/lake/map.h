/* map.h - names, numbered in the order in which they first came: a hash table whose values are whatever the
 * caller keeps in an array of its own, under the same numbers. The names are not copied. */
#pragma once
#include "base/text.h"

struct map {
    struct map_name {
        const char *name;
        uint64_t hash;
    } * v;
    size_t n, cap;
    uint32_t *slots; /* number + 1, 0 = free */
    size_t nslots;
};

/* The number of a name; a new one gets the number that m->n was. */
size_t map_add(struct arena *a, struct map *m, const char *name);
/* The number of a name, SIZE_MAX = it is not there. */
size_t map_find(const struct map *m, const char *name);
size_t map_find_str(const struct map *m, struct str name);
