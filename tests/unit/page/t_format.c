#include "page/format.h"

#include "test.h"

TEST(values_are_written_by_their_pattern)
{
    static const struct {
        const char *pattern, *value, *want;
    } cases[] = {
        {"0", "12.6", "13"},
        {"0.00", "12.345", "12.35"},
        {"#,##0", "1234567", "1,234,567"},
        {"#,##0", "999", "999"},
        {"#,##0", "-1234", "-1,234"},
        {"#,##0.0", "1234.56", "1,234.6"},
        {"0.0%", "0.1234", "12.3%"},
        {"$#,##0.0 M", "237.04", "$237.0 M"},
        {"$#,##0.0 M", "-5", "-$5.0 M"},
        {"0", "-0.2", "0"},
        {"0.00", "1e3", "1000.00"},
        {"yyyy-MM-dd", "2026-11-21 06:00:00+00", "2026-11-21"},
        {"text", "0012", "0012"},
        {"#,##0", "Avatar", "Avatar"},
        {"#,##0", "nan", "nan"},
        {"#,##0", "", ""},
        {NULL, "1234", "1234"},
        {"#,##0", NULL, "-"},
    };
    auto_arena *a = arena_new();
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].value ? cases[i].value : "NULL");
        CHECK_STR(format_value(a, cases[i].pattern, cases[i].value), cases[i].want);
    }
}

TEST(unknown_patterns_are_told)
{
    static const struct {
        const char *pattern;
        bool known;
    } cases[] = {{"0", true}, {"#,##0.00", true}, {"0.0%", true}, {"text", true}, {"yyyy-MM-dd", true},
                 {"", false}, {"money", false},   {"0.", false},  {"#,", false},  {"dd.MM.yyyy", false}};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].pattern);
        CHECK(format_known(cases[i].pattern) == cases[i].known);
    }
}
