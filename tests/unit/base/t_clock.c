#include "base/clock.h"

#include "test.h"

#define SEC INT64_C(1000000)
#define DAY (86400 * SEC)

TEST(a_pinned_clock_stands_still)
{
    const struct clock pinned = {.pinned_us = 42}, real = {0};
    CHECK_INT(clock_now_us(&pinned), 42);
    CHECK(clock_now_us(&real) > 1700000000 * SEC);
    CHECK(clock_now_us(NULL) > 1700000000 * SEC);
    int64_t us = clock_mono_us(), ms = clock_mono_ms();
    CHECK(ms >= us / 1000);
    CHECK(clock_mono_us() >= us);
}

TEST(times_are_read)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"1970-01-01", 0},
        {"1970-01-02", DAY},
        {"1969-12-31", -DAY},
        {"1969-12-31T23:59:59.999999Z", -1},
        {"1970-01-01 00:00", 0},
        {"1970-01-01 00:01:01", 61 * SEC},
        {"1970-01-01T00:00:00Z", 0},
        {"1970-01-01t00:00:00z", 0},
        {"1970-01-01T00:00:00.5Z", SEC / 2},
        {"1970-01-01T00:00:00.123", 123000},
        {"1970-01-01T00:00:00.000001", 1},
        {"1970-01-01T00:00:00.123456789Z", 123456},
        {"1970-01-01T02:00:00+02:00", 0},
        {"1970-01-01T02:00+02:00", 0},
        {"1970-01-01T02:00:00+0200", 0},
        {"1970-01-01T02:00:00+02", 0},
        {"1969-12-31T18:30:00-05:30", 0},
        {"1970-01-01T00:00:00-00:00", 0},
        {"1970-01-01T00:30:00+01:00", -1800 * SEC},
        {"2000-02-29", 11016 * DAY},
        {"2000-03-01", 11017 * DAY},
        {"2024-02-29T12:00Z", 1709208000 * SEC},
        {"2100-03-01", 47541 * DAY},
        {"2026-11-21T06:50:03.123456Z", 1795243803123456},
        {"0000-01-01", -719528 * DAY},
        {"9999-12-31T23:59:59.999999Z", 253402300799999999},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        int64_t got = -7;
        CASE(cases[i].text);
        CHECK(clock_parse(cases[i].text, &got, &e));
        CHECK_STR(e.msg, "");
        CHECK_INT(got, cases[i].want);
    }
}

TEST(what_is_not_a_time_is_refused)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "'' is not a date or a time"},
        {"today", "'today' is not a date or a time"},
        {"2026", "'2026' is not a date or a time"},
        {"2026-11", "'2026-11' is not a date or a time"},
        {"2026-1-1", "'2026-1-1' is not a date or a time"},
        {"26-11-21", "'26-11-21' is not a date or a time"},
        {" 2026-11-21", "' 2026-11-21' is not a date or a time"},
        {"2026-11-21 ", "'2026-11-21 ' is not a date or a time"},
        {"2026-11-21Z", "'2026-11-21Z' is not a date or a time"},
        {"2026-11-21T", "'2026-11-21T' is not a date or a time"},
        {"2026-11-21 06", "'2026-11-21 06' is not a date or a time"},
        {"2026-11-21 6:50", "'2026-11-21 6:50' is not a date or a time"},
        {"2026-11-21 06:50:", "'2026-11-21 06:50:' is not a date or a time"},
        {"2026-11-21 06:50:03.", "'2026-11-21 06:50:03.' is not a date or a time"},
        {"2026-11-21 06:50:03 Z", "'2026-11-21 06:50:03 Z' is not a date or a time"},
        {"2026-11-21 06:50:03Zz", "'2026-11-21 06:50:03Zz' is not a date or a time"},
        {"2026-11-21 06:50:03+2", "'2026-11-21 06:50:03+2' is not a date or a time"},
        {"2026-11-21 06:50:03+02:", "'2026-11-21 06:50:03+02:' is not a date or a time"},
        {"2026-11-21 06:50:03+24:00", "'2026-11-21 06:50:03+24:00' is not a date or a time"},
        {"2026-11-21 06:50:03+02:60", "'2026-11-21 06:50:03+02:60' is not a date or a time"},
        {"2026-00-01", "'2026-00-01': there is no such day"},
        {"2026-13-01", "'2026-13-01': there is no such day"},
        {"2026-01-00", "'2026-01-00': there is no such day"},
        {"2026-04-31", "'2026-04-31': there is no such day"},
        {"2026-02-29", "'2026-02-29': there is no such day"},
        {"2100-02-29", "'2100-02-29': there is no such day"},
        {"2026-01-01 24:00", "'2026-01-01 24:00': there is no such time of day"},
        {"2026-01-01 23:60", "'2026-01-01 23:60': there is no such time of day"},
        {"2026-01-01 23:59:60", "'2026-01-01 23:59:60': there is no such time of day"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        int64_t got = -7;
        CASE(cases[i].text);
        CHECK(!clock_parse(cases[i].text, &got, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_STR(e.msg, cases[i].want);
        CHECK_INT(got, -7);
    }
    struct err e;
    int64_t got;
    CHECK(!clock_parse("soon", &got, &e));
    CHECK_STR(e.hint, "write 2026-11-21, 2026-11-21 06:50 or 2026-11-21T06:50:03Z");
}

TEST(times_are_written)
{
    static const struct {
        int64_t us;
        int digits;
        const char *want;
    } cases[] = {
        {0, 0, "1970-01-01T00:00:00Z"},
        {0, 3, "1970-01-01T00:00:00.000Z"},
        {0, 6, "1970-01-01T00:00:00.000000Z"},
        {-1, 6, "1969-12-31T23:59:59.999999Z"},
        {-1, 3, "1969-12-31T23:59:59.999Z"},
        {-1, 0, "1969-12-31T23:59:59Z"},
        {1795243803123456, 3, "2026-11-21T06:50:03.123Z"},
        {1795243803123456, 6, "2026-11-21T06:50:03.123456Z"},
        {951782400 * SEC, 0, "2000-02-29T00:00:00Z"},
        {INT64_MAX, 6, "294247-01-10T04:00:54.775807Z"},
        {INT64_MIN, 6, "-290308-12-21T19:59:05.224192Z"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        char out[32];
        CASE(cases[i].want);
        CHECK_STR(clock_format(out, cases[i].us, cases[i].digits), cases[i].want);
    }
}

TEST(weekdays_count_from_monday)
{
    CHECK_INT(civil_from_us(0).weekday, 3);           /* a Thursday */
    CHECK_INT(civil_from_us(4 * DAY).weekday, 0);     /* the Monday after it */
    CHECK_INT(civil_from_us(-1).weekday, 2);          /* the Wednesday before it */
    CHECK_INT(civil_from_us(-4 * DAY).weekday, 6);    /* a Sunday */
    CHECK_INT(civil_from_us(20778 * DAY).weekday, 5); /* 2026-11-21 */
}

TEST(every_day_of_eight_centuries_survives_a_round_trip)
{
    int month = 12, day = 31, year = 1599;
    for (int64_t d = -135140; d < 157054; d++) {
        struct civil c = civil_from_us(d * DAY + 7);
        bool next_day = c.year == year && c.month == month && c.day == day + 1;
        bool next_month = c.year == year && c.month == month + 1 && c.day == 1 && day >= 28;
        bool next_year = c.year == year + 1 && c.month == 1 && c.day == 1 && month == 12 && day == 31;
        if (!next_day && !next_month && !next_year)
            BAD("%d-%d-%d does not follow %d-%d-%d", c.year, c.month, c.day, year, month, day);
        CHECK_INT(civil_to_us(c), d * DAY + 7);
        year = c.year, month = c.month, day = c.day;
    }
    CHECK_INT(year, 2399);
    CHECK_INT(month, 12);
}
