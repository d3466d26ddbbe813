/* day.h - calendar days as numbers: 0 is 1970-01-01. */
#pragma once
#include "text.h"

enum { DAY_NONE = INT32_MIN };

/* "YYYY-MM-DD", a day that exists; anything else is DAY_NONE. */
int32_t day_parse(struct str s);

/* The reverse, into ret[11]. */
void day_format(int32_t day, char ret[11]);
