/* http_plan.h - which requests there are, and in which order: pages, and children found in their parents'
 * answers.
 *
 * Pure: it hears what came and says what to ask next. A resource streams: its requests are planned the moment
 * a parent's answer names them. One with a `limit` waits until all its parents are complete, and then takes
 * its requests in the canonical order (order of `each`, then the parent's own order: `for` value, page, place
 * in the page), so that the choice is the same in whatever order the answers came.
 *
 * Everything lives in the arena given at the start; a request takes some 300 bytes and its identity.
 */
#pragma once
#include "connector/http.h"
#include "connector/http_answer.h"

struct http_plan;

enum http_state { HTTP_OPEN, HTTP_ARRIVED, HTTP_MISSING, HTTP_FAILED };

struct http_ask {    /* one request */
    size_t resource; /* index in the source */
    struct http_chain *chain;
    int64_t page;
    struct http_filled filled;
    struct str identity;
    int64_t order; /* the lowest is to be asked first: parents before children */
    enum http_state state;
    struct http_answer answer;
    struct http_found *found; /* keys of children, one list for each use */

    /* The reader's own: */
    int attempts, round;
    char *address; /* NULL = not made yet */
};

/* new_ask(arg, ask) is called for each new request, from within the calls below. */
bool http_plan_new(struct arena *a, const struct http_source *s, const struct http_shape *shapes,
                   void (*new_ask)(void *arg, struct http_ask *ask), void *arg, struct http_plan **ret,
                   struct err *e) must_check;

/* The key needs no asking; but if it is in the inbox of this very extraction, it counts as asked. */
void http_plan_known(struct http_plan *p, size_t resource, struct str key);
void http_plan_in_inbox(struct http_plan *p, size_t resource, struct str key);

/* Plans what needs no answers. */
void http_plan_start(struct http_plan *p);
/* A good answer: plans further pages and children. */
void http_plan_arrived(struct http_plan *p, struct http_ask *ask, struct str body,
                       const struct http_answer *answer);
/* No answer will come: MISSING or FAILED. */
void http_plan_closed(struct http_plan *p, struct http_ask *ask, enum http_state state);
/* Plans what waited for complete parents. To be called when nothing more is known. */
void http_plan_advance(struct http_plan *p);

int64_t http_plan_wanted(const struct http_plan *p, size_t resource);
