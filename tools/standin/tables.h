/* tables.h - the small fixed lists of TMDB: genres, departments, countries, languages. */
#pragma once
#include "text.h"

struct genre {
    int id;
    const char *name;
};
extern const struct genre genres[]; /* in TMDB's order; ends with {0} */

int genre_id(struct str name); /* 0 = unknown */
bool genre_known(int64_t id);

/* Departments are numbered so that people can count their work in each. */
enum { DEPARTMENT_ACTING, DEPARTMENTS = 14 };
extern const char *const departments[DEPARTMENTS];
int department_index(struct str name); /* of a department; an unknown one is "Crew" */
int department_of_job(struct str job);

struct language {
    const char *code, *english, *own;
};
/* Both take the code, a raw slice; NULL = unknown. */
const char *country_name(struct str code);
const struct language *language_find(struct str code);
