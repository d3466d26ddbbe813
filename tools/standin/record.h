/* record.h - taking one API-shaped record apart, in one pass over its bytes. */
#pragma once
#include "films.h"
#include "json.h"

struct record {
    struct film *film; /* to fill; set by the caller, like nothing else */
    struct str title;  /* raw JSON without quotes */
    struct str genres; /* raw array, or empty */

    /* The details so far: a slice of the line, or a copy once a part was dropped from amid them. */
    const char *from, *to;
    bool gap;
    struct text kept;
};

/* Fill r->film with slices of the line, which must outlive it; what is copied belongs to the film.
 * Everybody in the credits is counted in `people`, unless that is NULL. */
bool record_take(struct record *r, struct str line, struct people *people, struct err *e) must_check;
