/* xml.h - as much XML as S3's answers need: elements by name, one after the other, and their text. */
#pragma once
#include "base/arena.h"
#include "base/text.h"

/* The content of the next <name> from *at on, which moves behind it. Nested ones of the same name are not
 * known to it. */
bool xml_next(const char *name, struct str *at, struct str *ret);
/* The text of the first <name> in it, entities resolved; NULL = there is none. */
char *xml_text(struct arena *a, struct str in, const char *name);
/* Appends text as the content of an element. */
void xml_add(struct buf *b, const char *text);
