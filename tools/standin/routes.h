/* routes.h - what is asked for, and TMDB's body for it. */
#pragma once
#include "films.h"

enum route {
    ROUTE_POPULAR, /* the first three are the lists, in the order of enum list */
    ROUTE_TOP_RATED,
    ROUTE_NOW_PLAYING,
    ROUTE_MOVIE,
    ROUTE_CREDITS, /* the next three are the parts, in the order of enum part */
    ROUTE_KEYWORDS,
    ROUTE_REVIEWS,
    ROUTE_PERSON,
    ROUTE_GENRES,
    ROUTE_OTHER, /* nothing that we know: 404 */
    ROUTES,
};
extern const char *const route_names[ROUTES];

struct target {
    enum route route;
    int64_t id; /* of the film or person; 0 = not a number */
    int page;   /* 0 = not one that TMDB accepts */
    enum part append[PARTS];
    int appends;
    bool doubled; /* a fault: the last film of a list's page is the first one again */
};

/* path as after "/3"; page and append_to_response from the query, NULL = absent. */
struct target target_parse(const char *path, const char *page, const char *append);

/* One number for one body, the same in every request; -1 = do not keep this body. */
int64_t target_key(const struct target *t);

/* Append the body to *out and return its HTTP status. */
int target_body(const struct films *f, const struct target *t, struct text *out);
