/* feed.h - a file of records, or the films built into the program, as one text in memory. */
#pragma once
#include "text.h"

/* The whole file, decompressed if it is zstd. Caller frees *ret. */
bool feed_read(const char *path, struct text *ret, struct err *e) must_check;

/* The sample films, one compact record a line; lives as long as the program. */
struct str feed_built_in(void);

/* Take the first line off *rest; false at the end. Blank lines come back empty. */
bool feed_line(struct str *rest, struct str *ret_line);
