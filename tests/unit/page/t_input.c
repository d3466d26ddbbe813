#include "page/input.h"

#include "page/input_days.h"
#include "test.h"

TEST(ranges_of_days_are_read)
{
    static const struct {
        const char *text, *want; /* NULL = refused */
    } cases[] = {
        {"2026-01-01..2026-01-31", "2026-01-01 to 2026-01-31"},
        {"2026-01-31", "2026-01-31 to 2026-01-31"},
        {"1965-03-01..1970-01-01", "1965-03-01 to 1970-01-01"},
        {"today", "2026-05-31 to 2026-05-31"},
        {"yesterday", "2026-05-30 to 2026-05-30"},
        {"last 1 day", "2026-05-31 to 2026-05-31"},
        {"last 30 days", "2026-05-02 to 2026-05-31"},
        {"last 2 weeks", "2026-05-18 to 2026-05-31"},
        {"last 3 months", "2026-03-01 to 2026-05-31"},
        {"last 12 months", "2025-06-01 to 2026-05-31"},
        {"last 2 years", "2024-06-01 to 2026-05-31"},
        {"this week", "2026-05-25 to 2026-05-31"},
        {"this month", "2026-05-01 to 2026-05-31"},
        {"this year", "2026-01-01 to 2026-05-31"},
        {"2026-01-31..2026-01-01", NULL},
        {"2026-02-30", NULL},
        {"2026-01-01..", NULL},
        {"last 0 days", NULL},
        {"last days", NULL},
        {"last 3 fortnights", NULL},
        {"last 3 days ago", NULL},
        {"last 99999999999999999999 days", NULL},
        {"this", NULL},
        {"", NULL},
    };
    auto_arena *a = arena_new();
    int64_t today = 0, start, end;
    REQUIRE(input_day_read("2026-05-31", &today));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].text);
        bool ok = input_days_read(cases[i].text, today, &start, &end);
        CHECK(ok == (cases[i].want != NULL));
        if (ok)
            CHECK_STR(arena_fmt(a, "%s to %s", input_day(a, start), input_day(a, end)), cases[i].want);
    }
}

TEST(queries_name_the_inputs_that_they_use)
{
    static struct page_input v[] = {{.name = "genre"}, {.name = "days", .kind = INPUT_DATES}};
    static const struct page_inputs in = {.v = v, .n = countof(v)};
    static const struct {
        const char *sql;
        bool genre, days;
    } cases[] = {
        {"SELECT $genre", true, false},
        {"SELECT $days_end -- $genre", false, true},
        {"SELECT '$genre', $days, $genres, $$ $genre $$", false, false},
        {"SELECT $genre WHERE $days_start < $days_end", true, true},
        {"SELECT 'never closed $genre", false, false},
    };
    auto_arena *a = arena_new();
    for (size_t i = 0; i < countof(cases); i++) {
        bool used[2];
        CASE(cases[i].sql);
        CHECK_INT(inputs_used(a, &in, cases[i].sql, used), cases[i].genre + cases[i].days);
        CHECK(used[0] == cases[i].genre && used[1] == cases[i].days);
    }
}
