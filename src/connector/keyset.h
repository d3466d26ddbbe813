/* keyset.h - texts, each kept once, with something of the caller's beside it. */
#pragma once
#include "base/text.h"

struct keyset;
struct keyset *keyset_new(struct arena *a);

/* Where the value of this text is kept: NULL in a new one. *ret_text, if asked for, is the kept copy. Stays.
 */
void **keyset_at(struct keyset *k, struct str text, struct str *ret_text);
/* Its value, NULL when the text is not there. */
void *keyset_get(const struct keyset *k, struct str text);
size_t keyset_count(const struct keyset *k);
