#include "base/clock.h"

#include <string.h>
#include <time.h>

static int64_t read_us(clockid_t id)
{
    struct timespec t;
    clock_gettime(id, &t);
    return t.tv_sec * US_PER_SEC + t.tv_nsec / 1000;
}

int64_t clock_now_us(const struct clock *c)
{
    return c && c->pinned_us ? c->pinned_us : read_us(CLOCK_REALTIME);
}

int64_t clock_mono_us(void)
{
    return read_us(CLOCK_MONOTONIC);
}

int64_t clock_mono_ms(void)
{
    return clock_mono_us() / 1000;
}

/* The calendar repeats every 400 years of 146097 days. Years are counted from the first of March, so that
 * the leap day is the last of its year; day 0 of the count is 0000-03-01, which is 719468 days before 1970.
 */
enum { ERA_DAYS = 146097, EPOCH_DAYS = 719468 };

struct civil civil_from_us(int64_t us)
{
    int64_t days = us / US_PER_DAY, rest = us % US_PER_DAY;
    if (rest < 0)
        rest += US_PER_DAY, days--;

    int64_t z = days + EPOCH_DAYS;
    int64_t era = (z >= 0 ? z : z - (ERA_DAYS - 1)) / ERA_DAYS;
    int64_t doe = z - era * ERA_DAYS;
    int64_t yoe = (doe - doe / 1460 + doe / 36524 - doe / (ERA_DAYS - 1)) / 365;
    int64_t doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int64_t m = (5 * doy + 2) / 153; /* 0 = March */
    int64_t sec = rest / US_PER_SEC;
    return (struct civil){
        .year = (int)(yoe + era * 400 + (m >= 10)),
        .month = (int)(m < 10 ? m + 3 : m - 9),
        .day = (int)(doy - (153 * m + 2) / 5 + 1),
        .hour = (int)(sec / 3600),
        .minute = (int)(sec / 60 % 60),
        .second = (int)(sec % 60),
        .us = (int)(rest % US_PER_SEC),
        .weekday = (int)(((days + 3) % 7 + 7) % 7), /* 1970 began on a Thursday */
    };
}

int64_t civil_to_us(struct civil c)
{
    int64_t y = (int64_t)c.year - (c.month <= 2);
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t yoe = y - era * 400;
    int64_t doy = (153 * (c.month + (c.month > 2 ? -3 : 9)) + 2) / 5 + c.day - 1;
    int64_t doe = yoe * 365 + yoe / 4 - yoe / 100 + doy;
    int64_t days = era * ERA_DAYS + doe - EPOCH_DAYS;
    int64_t sec = days * 86400 + c.hour * 3600 + c.minute * 60 + c.second;
    return sec * US_PER_SEC + c.us;
}

static int month_days(int year, int month)
{
    static const int days[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    return days[month - 1] + (month == 2 && leap);
}

/* Exactly `width` digits; moves *s behind them. */
static bool scan_digits(const char **s, int width, int *ret)
{
    int v = 0;
    for (int i = 0; i < width; i++, (*s)++) {
        if (**s < '0' || **s > '9')
            return false;
        v = v * 10 + (**s - '0');
    }
    *ret = v;
    return true;
}

static bool scan_char(const char **s, char c)
{
    if (**s != c)
        return false;
    (*s)++;
    return true;
}

/* ".123" in microseconds: at least one digit, those after the sixth are cut. */
static bool scan_fraction(const char **s, int *us)
{
    int n = 0, digit;
    for (*us = 0; scan_digits(s, 1, &digit); n++)
        if (n < 6)
            *us = *us * 10 + digit;
    for (int i = n; i < 6; i++)
        *us *= 10;
    return n > 0;
}

/* "Z", "+02:00", "+0200", "+02" or nothing, which is UTC too. Minutes east. */
static bool scan_offset(const char **s, int *ret_min)
{
    int h, m = 0;
    *ret_min = 0;
    if (!**s || scan_char(s, 'Z') || scan_char(s, 'z'))
        return true;
    int sign = scan_char(s, '-') ? -1 : scan_char(s, '+') ? 1 : 0;
    if (!sign || !scan_digits(s, 2, &h))
        return false;
    if (**s && (scan_char(s, ':'), !scan_digits(s, 2, &m)))
        return false;
    *ret_min = sign * (h * 60 + m);
    return h < 24 && m < 60;
}

static bool scan_time(const char **s, struct civil *c, int *offset_min)
{
    if (!scan_char(s, 'T') && !scan_char(s, 't') && !scan_char(s, ' '))
        return false;
    if (!scan_digits(s, 2, &c->hour) || !scan_char(s, ':') || !scan_digits(s, 2, &c->minute))
        return false;
    if (scan_char(s, ':')) {
        if (!scan_digits(s, 2, &c->second))
            return false;
        if (scan_char(s, '.') && !scan_fraction(s, &c->us))
            return false;
    }
    return scan_offset(s, offset_min);
}

bool clock_parse(const char *s, int64_t *ret_us, struct err *e)
{
    struct civil c = {0};
    int offset_min = 0;
    const char *p = s;
    if (!scan_digits(&p, 4, &c.year) || !scan_char(&p, '-') || !scan_digits(&p, 2, &c.month) ||
        !scan_char(&p, '-') || !scan_digits(&p, 2, &c.day) || (*p && !scan_time(&p, &c, &offset_min)) || *p) {
        fail(e, ERR_USER, "'%s' is not a date or a time", s);
        return hint(e, "write 2026-11-21, 2026-11-21 06:50 or 2026-11-21T06:50:03Z");
    }
    if (c.month < 1 || c.month > 12 || c.day < 1 || c.day > month_days(c.year, c.month))
        return fail(e, ERR_USER, "'%s': there is no such day", s);
    if (c.hour > 23 || c.minute > 59 || c.second > 59)
        return fail(e, ERR_USER, "'%s': there is no such time of day", s);
    *ret_us = civil_to_us(c) - offset_min * 60 * US_PER_SEC;
    return true;
}

char *clock_format(char out[32], int64_t us, int digits)
{
    struct civil c = civil_from_us(us);
    int n = snprintf(out, 32, "%04d-%02d-%02dT%02d:%02d:%02d", c.year, c.month, c.day, c.hour, c.minute,
                     c.second);
    if (digits == 3)
        n += snprintf(out + n, (size_t)(32 - n), ".%03d", c.us / 1000);
    else if (digits)
        n += snprintf(out + n, (size_t)(32 - n), ".%06d", c.us);
    snprintf(out + n, (size_t)(32 - n), "Z");
    return out;
}
