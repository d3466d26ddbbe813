/* markdown.h - CommonMark (with tables) as plain text: headings underlined, paragraphs filled, tables lined
 * up. Pure. */
#pragma once
#include "base/text.h"

/* What an entity stands for: "&amp;" -> "&"; NULL = not known here. */
const char *markdown_entity(struct str s);

bool markdown_text(const char *text, int width, struct buf *out, struct err *e) must_check;
