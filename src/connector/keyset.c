#include "connector/keyset.h"

#include <string.h>

struct entry {
    struct str text;
    uint64_t hash;
    void *value;
};

struct keyset {
    struct arena *a;
    struct entry **slots; /* open addressing, at most half full */
    size_t room, n;
};

struct keyset *keyset_new(struct arena *a)
{
    struct keyset *k = arena_make(a, struct keyset, 1);
    *k = (struct keyset){.a = a, .room = 16, .slots = arena_make(a, struct entry *, 16)};
    return k;
}

static struct entry **find(const struct keyset *k, struct str text, uint64_t hash)
{
    size_t i = hash & (k->room - 1);
    for (const struct entry *e; (e = k->slots[i]); i = (i + 1) & (k->room - 1))
        if (e->hash == hash && e->text.n == text.n && memcmp(e->text.p, text.p, text.n) == 0)
            break;
    return &k->slots[i];
}

static void grow(struct keyset *k)
{
    struct entry **old = k->slots;
    size_t n = k->room;
    k->room *= 2;
    k->slots = arena_make(k->a, struct entry *, k->room);
    for (size_t i = 0; i < n; i++)
        if (old[i])
            *find(k, old[i]->text, old[i]->hash) = old[i];
}

void **keyset_at(struct keyset *k, struct str text, struct str *ret_text)
{
    uint64_t hash = text_hash(text.p, text.n, 0);
    struct entry **slot = find(k, text, hash);
    if (!*slot && (k->n + 1) * 2 > k->room) {
        grow(k);
        slot = find(k, text, hash);
    }
    if (!*slot) {
        struct entry *e = arena_make(k->a, struct entry, 1);
        *e = (struct entry){.text = {arena_strn(k->a, text.p, text.n), text.n}, .hash = hash};
        *slot = e;
        k->n++;
    }
    if (ret_text)
        *ret_text = (*slot)->text;
    return &(*slot)->value;
}

void *keyset_get(const struct keyset *k, struct str text)
{
    const struct entry *e = *find(k, text, text_hash(text.p, text.n, 0));
    return e ? e->value : NULL;
}

size_t keyset_count(const struct keyset *k)
{
    return k->n;
}
