/* clock.h - the time, given as an argument.
 *
 * Everything below run/ is handed a struct clock; tests and `cupel run --now` pin it. Wall times are
 * microseconds since 1970 in UTC; waits use the monotonic clock, which is never pinned.
 */
#pragma once
#include "base/arena.h"
#include "base/err.h"

#define US_PER_SEC INT64_C(1000000)
#define US_PER_DAY (86400 * US_PER_SEC)

struct clock {
    int64_t pinned_us; /* 0 = the real time */
};

int64_t clock_now_us(const struct clock *c);
int64_t clock_mono_ms(void);
int64_t clock_mono_us(void);

struct civil {                                               /* in UTC */
    int year, month, day, hour, minute, second, us, weekday; /* month and day from 1; weekday 0 = Monday */
};
struct civil civil_from_us(int64_t us);
int64_t civil_to_us(struct civil c);

/* "2026-11-21T06:50:03.123456Z"; also "2026-11-21", "2026-11-21 06:50[:03[.123]]", offsets "+02:00". Whole
 * string. */
bool clock_parse(const char *s, int64_t *ret_us, struct err *e) must_check;
/* RFC 3339 in UTC with `digits` (0, 3 or 6) of a second; out has room for 32 bytes. Returns out. */
char *clock_format(char out[32], int64_t us, int digits);
