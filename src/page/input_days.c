#include "page/input_days.h"

#include <string.h>

#include "base/clock.h"
#include "base/text.h"

bool input_day_read(const char *text, int64_t *ret)
{
    int64_t us;
    struct err ignored;
    if (strlen(text) != 10 || text[4] != '-' || text[7] != '-' || !clock_parse(text, &us, &ignored))
        return false;
    *ret = (us - (us % US_PER_DAY + US_PER_DAY) % US_PER_DAY) / US_PER_DAY;
    return true;
}

static int64_t day_of(struct civil c)
{
    int64_t us = civil_to_us((struct civil){.year = c.year, .month = c.month, .day = c.day});
    return (us - (us % US_PER_DAY + US_PER_DAY) % US_PER_DAY) / US_PER_DAY;
}

/* The same day of an earlier month, or that month's last. */
static int64_t months_before(int64_t day, int64_t months)
{
    struct civil c = civil_from_us(day * US_PER_DAY);
    int64_t month = (int64_t)c.year * 12 + c.month - 1 - months;
    if (month < 12)
        return INT64_MIN;
    c.year = (int)(month / 12);
    c.month = (int)(month % 12) + 1;
    int64_t found = day_of(c);
    while (civil_from_us(found * US_PER_DAY).month != c.month) {
        c.day--;
        found = day_of(c);
    }
    return found;
}

static bool last(const char *count, const char *unit, int64_t today, int64_t *start)
{
    int64_t n;
    struct err ignored;
    size_t len = strlen(unit);
    struct str one = {unit, len && unit[len - 1] == 's' ? len - 1 : len};
    if (!text_int(count, &n, &ignored) || n < 1 || n > 36500)
        return false;
    bool months = str_is(one, "month"), years = str_is(one, "year");
    *start = str_is(one, "day")    ? today - n + 1
             : str_is(one, "week") ? today - 7 * n + 1
             : months || years     ? months_before(today, years ? 12 * n : n)
                                   : INT64_MIN;
    if (*start == INT64_MIN)
        return false;
    *start += months || years;
    return true;
}

static bool relative(const char *text, int64_t today, int64_t *start)
{
    char first[8], second[8], third[8] = "", more[2];
    struct civil c = civil_from_us(today * US_PER_DAY);
    int n = sscanf(text, "%7s %7s %7s %1s", first, second, third, more);
    if (n == 3 && strcmp(first, "last") == 0)
        return last(second, third, today, start);
    if (n != 2 || strcmp(first, "this") != 0)
        return false;
    if (strcmp(second, "week") == 0)
        *start = today - c.weekday;
    else if (strcmp(second, "month") == 0)
        *start = today - c.day + 1;
    else if (strcmp(second, "year") == 0)
        *start = day_of((struct civil){.year = c.year, .month = 1, .day = 1});
    else
        return false;
    return true;
}

bool input_days_read(const char *text, int64_t today, int64_t *start, int64_t *end)
{
    char from[16], to[16];
    int64_t a, b;
    bool yesterday = strcmp(text, "yesterday") == 0;
    if (yesterday || strcmp(text, "today") == 0) {
        *start = *end = today - yesterday;
        return true;
    }
    if (relative(text, today, &a)) {
        *start = a;
        *end = today;
        return true;
    }
    if (strlen(text) == 10 && input_day_read(text, &a)) {
        *start = *end = a;
        return true;
    }
    if (strlen(text) != 22 || memcmp(text + 10, "..", 2) != 0)
        return false;
    memcpy(from, text, 10);
    memcpy(to, text + 12, 11);
    from[10] = '\0';
    if (!input_day_read(from, &a) || !input_day_read(to, &b) || a > b)
        return false;
    *start = a;
    *end = b;
    return true;
}
