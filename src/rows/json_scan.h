/* json_scan.h - looking into JSON text without building anything: rows of data, byte for byte.
 *
 * One pass, no allocation, depth-limited; slices point into the caller's text. The text is checked as it is
 * read: exactly one document, valid UTF-8, no half of a surrogate pair (SQL engines refuse these), at most
 * 512 deep, nothing behind it but white space. Of a key that occurs twice the first counts.
 */
#pragma once
#include "base/text.h"

/* A path as in `$.credits.cast[:3].id`: keys, [n] = one element, [:n] = the first n, [*] = all. */
struct json_path;
/* Compiled into the arena; an error says the column in the path where it stops making sense. */
bool json_path_parse(struct arena *a, const char *text, struct json_path **ret, struct err *e) must_check;

/* Is it one whole valid document? On false *ret_at is the byte offset where it is not, and *ret_why says why
 * (a static text). */
bool json_scan_valid(struct str doc, size_t *ret_at, const char **ret_why);

/* Every value at `path` in a document known to be valid, in order, as the slice of its text (strings with
 * their quotes). Stops when each returns false. Absent keys and nulls on the way give nothing; a final null
 * is given as `null`. */
void json_scan_each(struct str doc, const struct json_path *path, bool (*each)(void *arg, struct str value),
                    void *arg);
/* The first value at the path; false = none. */
bool json_scan_get(struct str doc, const struct json_path *path, struct str *ret);

/* A scalar value as plain text: strings unescaped (appended to b), numbers and booleans as written.
 * false for null, objects and arrays. */
bool json_scan_text(struct str value, struct buf *b);
bool json_scan_int(struct str value, int64_t *ret); /* whole numbers that fit, also "12" in quotes */
