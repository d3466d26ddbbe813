/* films.h - every film and person of the feed, indexed for the routes.
 *
 * A record of the API's shape is kept byte for byte and served in slices: the details as one, the parts
 * that append_to_response may ask for beside it. Compact sample records are first expanded into that
 * shape. With a date the three moving figures are replaced in the details and rule the lists; without
 * one nothing is touched. Read-only once loaded, so any thread may use it.
 */
#pragma once
#include "day.h"
#include "people.h"

enum part { PART_CREDITS, PART_KEYWORDS, PART_REVIEWS, PARTS };
extern const char *const part_names[PARTS];

enum figure { FIGURE_POPULARITY, FIGURE_AVERAGE, FIGURE_VOTES, FIGURES };
extern const char *const figure_names[FIGURES];

enum list { LIST_POPULAR, LIST_TOP_RATED, LIST_NOW_PLAYING, LISTS };

struct film {
    int64_t id;
    struct str details;     /* the object without its closing brace and without the parts */
    struct str part[PARTS]; /* values; of the reviews only the array of results */
    int reviews;            /* how many in that array */
    struct {
        uint32_t at, n; /* where the value is in details; n = 0: not there */
        char moved[24]; /* what to write instead; empty = as it is */
    } figure[FIGURES];
    double popularity, average;
    int64_t votes;
    int32_t released;                   /* the day, or DAY_NONE */
    bool is_out;                        /* status Released */
    char *copied, *expanded, *invented; /* bytes of its own that the slices may point into */
};

struct films {
    struct film *v;
    size_t n, cap;
    struct map by_id;
    struct people people;
    uint32_t *list[LISTS]; /* indexes into v, best first */
    size_t listed[LISTS];
    int32_t today;     /* of now_playing */
    struct map genres; /* ids of genres beyond TMDB's list that the feed has, e.g. 10769 Foreign */
    struct text more_genres;
    struct text feed;
};

/* Load a file, or the built-in sample if path is NULL. day moves the figures; DAY_NONE = leave them.
 * On failure *f may be half-made; films_free() takes it in any state. */
bool films_load(struct films *f, const char *path, int32_t day, struct err *e) must_check;

/* NULL = unknown id. */
const struct film *films_find(const struct films *f, int64_t id);

void films_free(struct films *f);
