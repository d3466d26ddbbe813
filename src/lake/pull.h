/* pull.h - JSON read from front to back, value by value, without a tree in between.
 *
 * A reader asks for what it expects: pull_object(), then pull_key() until it says false, and after each key
 * exactly one value (or pull_skip()). The first failure sticks: everything after it gives nothing, so a
 * reader asks once, at the end, by pull_end(). Strings are made in the arena, checked to be UTF-8 and free of
 * NUL.
 */
#pragma once
#include "base/text.h"

struct pull {
    struct arena *a;
    const char *start, *p, *end;
    const char *why; /* static text, NULL = all is well so far */
    size_t at;       /* of the failure, in bytes from the start */
    bool fresh;      /* just behind a { or a [ */
};

struct pull pull_begin(struct arena *a, const char *p, size_t n);
bool pull_fail(struct pull *j, const char *why); /* returns false */
/* True when nothing failed and only white space is left. */
bool pull_end(struct pull *j);

bool pull_object(struct pull *j);
bool pull_key(struct pull *j, struct str *ret); /* the key of the next member; false = there is none */
bool pull_array(struct pull *j);
bool pull_item(struct pull *j); /* is there another element? */

bool pull_null(struct pull *j);           /* takes a null if that comes next */
bool pull_is(struct pull *j, char first); /* does the next value begin so: '{', '[', '"'? Takes nothing. */
char *pull_string(struct pull *j);        /* "" after a failure: never NULL */
char *pull_text(struct pull *j);          /* string or null: NULL */
int64_t pull_int(struct pull *j);
bool pull_bool(struct pull *j);
struct str pull_skip(struct pull *j); /* any value; its text */
char *pull_raw(struct pull *j);       /* any value's text in the arena, NULL for null */

/* Appends a JSON text without white space between its parts; false (and nothing is said about b) if it is
 * not one whole value. */
bool pull_compact(struct buf *b, const char *text);
