/* markdown.h - CommonMark (with tables) as plain text: headings underlined, paragraphs filled, tables lined
 * up. Pure. */
#pragma once
#include "base/text.h"

bool markdown_text(const char *text, int width, struct buf *out, struct err *e) must_check;
