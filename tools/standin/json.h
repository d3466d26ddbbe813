/* json.h - reading JSON where it lies: a cursor that walks a text and hands out slices of it.
 *
 * Nothing is copied or decoded: a key comes without its quotes, a value as its raw bytes. That is
 * what makes 40 MB of feed load in a fraction of a second and lets a record be served as it came.
 * Checks the structure it walks (brackets, quotes, commas), not the spelling of numbers and words, nor
 * what is inside a value that is passed over.
 *
 *     struct json j = json_over(text);
 *     if (json_enter(&j, '{'))
 *         for (struct str key; json_key(&j, &key);)
 *             take(key, json_value(&j));
 *     if (j.why) ... malformed
 *
 * After the first mistake `why` is set and every call returns false or an empty slice.
 */
#pragma once
#include "text.h"

struct json {
    const char *p, *end;
    const char *why; /* NULL while all is well */
    bool opened;     /* nothing has been taken since the bracket was opened: no comma yet */
};

static inline struct json json_over(struct str s)
{
    return (struct json){.p = s.p, .end = s.p + s.n};
}

/* The first byte of what comes next, without moving; 0 at the end. */
char json_peek(struct json *j);

/* Step into an object ('{') or array ('['). */
bool json_enter(struct json *j, char open);

/* Inside an object: the next key, with the cursor on its value, or false at the closing brace. */
bool json_key(struct json *j, struct str *ret_key);

/* Inside an array: true with the cursor on the next element, or false at the closing bracket. */
bool json_item(struct json *j);

/* Pass over one whole value and return its bytes. */
struct str json_value(struct json *j);

/* Only white space is left. */
bool json_at_end(struct json *j);

/* The text inside a string's quotes, still escaped; any other value comes back empty. */
struct str json_unquote(struct str value);
