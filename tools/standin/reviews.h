/* reviews.h - reviews in TMDB's shape: written out from their parts, or made up for films without any.
 *
 * Made-up ones are a pure function of the film: none to three, a few sentences of our own each, kinder
 * where the average vote is higher, so that a sentiment score has something to find at any scale.
 */
#pragma once
#include "text.h"

struct review {
    struct str author; /* raw JSON without quotes, like content */
    struct str content;
    struct str rating; /* raw number; empty = null */
    int32_t day;       /* written on; DAY_NONE = some day */
};

/* One object, without a comma. (movie, index) seed its id and the hour it was written. */
void review_add(struct text *out, int64_t movie, int index, const struct review *r);

/* A whole array of made-up reviews; returns how many. title is raw JSON without quotes, released a
 * day or DAY_NONE. */
int reviews_invent(struct text *out, int64_t movie, struct str title, double average, int32_t released);
