#include "people.h"

#include <inttypes.h>
#include <stdlib.h>

#include "dice.h"

static struct person *add_new(struct people *all, const struct person *who)
{
    if (all->n == all->cap) {
        size_t cap = all->cap ? all->cap * 2 : 1024;
        struct person *v = must_alloc(cap, sizeof *v);
        for (size_t i = 0; i < all->n; i++)
            v[i] = all->v[i];
        free(all->v);
        all->v = v;
        all->cap = cap;
    }
    map_add(&all->by_id, (uint64_t)who->id, (uint32_t)all->n);
    all->v[all->n] = *who;
    return &all->v[all->n++];
}

void people_add(struct people *all, const struct person *who, int department)
{
    int64_t at = map_find(&all->by_id, (uint64_t)who->id);
    struct person *p = at < 0 ? add_new(all, who) : &all->v[at];
    if (!p->gender)
        p->gender = who->gender;
    if (!p->profile.n)
        p->profile = who->profile;
    if (p->work[department] < UINT16_MAX)
        p->work[department]++;
}

const struct person *people_find(const struct people *all, int64_t id)
{
    int64_t at = map_find(&all->by_id, (uint64_t)id);
    return at < 0 ? NULL : &all->v[at];
}

const char *person_department(const struct person *p)
{
    int best = 0;
    for (int i = 1; i < DEPARTMENTS; i++)
        if (p->work[i] > p->work[best])
            best = i;
    return departments[best];
}

double person_popularity(int64_t id)
{
    double u = dice_unit(dice_mix((uint64_t)id, 0x70656f));
    return 0.6 + 60 * u * u * u * u;
}

void person_body(const struct person *p, struct text *out)
{
    text_addf(out,
              "{\"adult\":false,\"also_known_as\":[],\"biography\":\"\",\"birthday\":null,\"deathday\":null,"
              "\"gender\":%d,\"homepage\":null,\"id\":%" PRId64 ",\"imdb_id\":null,"
              "\"known_for_department\":\"%s\",\"name\":",
              p->gender, p->id, person_department(p));
    text_add(out, p->name);
    text_adds(out, ",\"place_of_birth\":null,\"popularity\":");
    text_add_real(out, person_popularity(p->id));
    text_adds(out, ",\"profile_path\":");
    text_add(out, p->profile.n ? p->profile : STR("null"));
    text_adds(out, "}");
}

void people_free(struct people *all)
{
    free(all->v);
    map_free(&all->by_id);
    *all = (struct people){0};
}
