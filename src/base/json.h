/* json.h - JSON of the control plane (logs, options, states): jansson with our errors.
 * Rows of data never pass through here: see rows/json_scan.h. */
#pragma once
#include <jansson.h>

#include "base/arena.h"
#include "base/buf.h"

/* A new reference, released when `a` is freed. `what` names the text in the error: "<what>: invalid JSON at
 * byte N". */
bool json_parse(struct arena *a, const char *p, size_t n, const char *what, json_t **ret,
                struct err *e) must_check;
/* Ties a reference that you own to the arena; returns it. */
json_t *json_tie(struct arena *a, json_t *j);
/* The value of a key with its default when it is absent or null. Strings live as long as the object. */
const char *json_str(const json_t *obj, const char *key, const char *def);
int64_t json_int(const json_t *obj, const char *key, int64_t def);
bool json_bool(const json_t *obj, const char *key, bool def);
/* Appends the compact text (sorted keys only if asked). */
void json_write(struct buf *b, const json_t *j);
/* Appends a JSON string literal, quotes included, of n bytes of valid UTF-8 (bad bytes become U+FFFD). */
void json_quote(struct buf *b, const char *p, size_t n);
