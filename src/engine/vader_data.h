/* vader_data.h - VADER's two word lists, compiled in from the package that set-up fetched.
 *
 * Text as published, one entry a line, tabs between the fields; ends with a NUL that is not counted.
 */
#pragma once
#include <stddef.h>

extern const char vader_lexicon[]; /* "token\tmean\tdeviation\t[ten ratings]\n" */
extern const size_t vader_lexicon_len;
extern const char vader_emoji[]; /* "emoji\tdescription\n" */
extern const size_t vader_emoji_len;
