/* people.h - everyone in the credits, and the body of /person/{id} made of what credits tell. */
#pragma once
#include "map.h"
#include "tables.h"

struct person {
    int64_t id;
    struct str name;    /* raw JSON, with its quotes */
    struct str profile; /* raw JSON of profile_path; empty = null */
    int gender;         /* TMDB's code; 0 = not known */
    uint16_t work[DEPARTMENTS];
};

struct people {
    struct person *v;
    size_t n, cap;
    struct map by_id;
};

/* One credit of a person. The slices must outlive the people. */
void people_add(struct people *all, const struct person *who, int department);

/* NULL = never seen. */
const struct person *people_find(const struct people *all, int64_t id);

/* The department of most of their credits. */
const char *person_department(const struct person *p);

/* A popularity made up from the id; always the same. */
double person_popularity(int64_t id);

void person_body(const struct person *p, struct text *out);
void people_free(struct people *all);
