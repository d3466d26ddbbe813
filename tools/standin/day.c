#include "day.h"

#include <stdio.h>
#include <string.h>

/* Days from the civil date, counting years from March so that the leap day comes last. */
static int32_t day_from(int y, int m, int d)
{
    y -= m <= 2;
    int era = (y >= 0 ? y : y - 399) / 400;
    int yoe = y - era * 400;
    int doy = (153 * (m + (m > 2 ? -3 : 9)) + 2) / 5 + d - 1;
    return era * 146097 + yoe * 365 + yoe / 4 - yoe / 100 + doy - 719468;
}

void day_format(int32_t day, char ret[11])
{
    int z = day + 719468;
    int era = (z >= 0 ? z : z - 146096) / 146097;
    int doe = z - era * 146097;
    int yoe = (doe - doe / 1460 + doe / 36524 - doe / 146096) / 365;
    int doy = doe - (365 * yoe + yoe / 4 - yoe / 100);
    int mp = (5 * doy + 2) / 153;
    int m = mp < 10 ? mp + 3 : mp - 9;
    unsigned year = (unsigned)(yoe + era * 400 + (m <= 2)) % 10000;
    snprintf(ret, 11, "%04u-%02u-%02u", year, (unsigned)m % 100,
             (unsigned)(doy - (153 * mp + 2) / 5 + 1) % 100);
}

static int digits(const char *p, int n)
{
    int v = 0;
    for (int i = 0; i < n; i++) {
        if (p[i] < '0' || p[i] > '9')
            return -1;
        v = v * 10 + p[i] - '0';
    }
    return v;
}

int32_t day_parse(struct str s)
{
    if (s.n != 10 || s.p[4] != '-' || s.p[7] != '-')
        return DAY_NONE;
    int y = digits(s.p, 4), m = digits(s.p + 5, 2), d = digits(s.p + 8, 2);
    if (y < 1 || m < 1 || m > 12 || d < 1)
        return DAY_NONE;

    int32_t day = day_from(y, m, d);
    char back[11];
    day_format(day, back);
    return memcmp(back, s.p, 10) == 0 ? day : DAY_NONE; /* 31 February comes back as another day */
}
