#include "lake/map.h"

#include <string.h>

#include "base/text.h"

/* The slot that holds the name, or the free one where it would go. */
static uint32_t *slot_of(const struct map *m, struct str name, uint64_t hash)
{
    size_t i = (hash ^ hash >> 32) & (m->nslots - 1);
    for (;; i = (i + 1) & (m->nslots - 1)) {
        const struct map_name *other = m->slots[i] ? &m->v[m->slots[i] - 1] : NULL;
        if (!other || (other->hash == hash && str_is(name, other->name)))
            return &m->slots[i];
    }
}

/* For a name that is not there yet. */
static uint32_t *free_slot(const struct map *m, uint64_t hash)
{
    size_t i = (hash ^ hash >> 32) & (m->nslots - 1);
    while (m->slots[i])
        i = (i + 1) & (m->nslots - 1);
    return &m->slots[i];
}

static void grow(struct arena *a, struct map *m)
{
    m->nslots = m->nslots ? m->nslots * 2 : 64;
    m->slots = arena_make(a, uint32_t, m->nslots);
    for (size_t i = 0; i < m->n; i++)
        *free_slot(m, m->v[i].hash) = (uint32_t)i + 1;
}

size_t map_add(struct arena *a, struct map *m, const char *name)
{
    if (m->n * 4 >= m->nslots * 3)
        grow(a, m);
    struct str s = {name, strlen(name)};
    uint64_t hash = text_hash(s.p, s.n, 0);
    uint32_t *slot = slot_of(m, s, hash);
    if (!*slot) {
        *slot = (uint32_t)m->n + 1;
        *arena_push(a, m) = (struct map_name){name, hash};
    }
    return *slot - 1;
}

size_t map_find_str(const struct map *m, struct str name)
{
    if (!m->nslots)
        return SIZE_MAX;
    uint32_t slot = *slot_of(m, name, text_hash(name.p, name.n, 0));
    return slot ? slot - 1 : SIZE_MAX;
}

size_t map_find(const struct map *m, const char *name)
{
    return map_find_str(m, (struct str){name, strlen(name)});
}
