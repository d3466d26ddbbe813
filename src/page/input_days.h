/* input_days.h - days and ranges of days as people write them. Pure. */
#pragma once
#include "base/base.h"

/* "2026-01-31" -> days since 1970. */
bool input_day_read(const char *text, int64_t *ret);
/* "2026-01-01..2026-01-31", one day, or a range that ends today, which counts. */
bool input_days_read(const char *text, int64_t today, int64_t *start, int64_t *end);
#define INPUT_DAYS_PLAIN                                                                                     \
    "ranges are like 2026-01-01..2026-01-31, last 30 days, last 12 months, this year, today, yesterday"
