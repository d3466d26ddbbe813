#include "lake_test.h"

#define TYPE(name) (&(const struct lake_type){.kind = LAKE_PRIMITIVE, .primitive = name})
#define X8         "xxxxxxxx"
#define X32        X8 X8 X8 X8
#define LAST       "\xf4\x8f\xbf\xbf"

TEST(a_minimum_and_a_maximum_are_true_bounds)
{
    static const struct {
        const char *label, *type, *min, *max;
        bool nan;
        const char *want; /* of minValues and maxValues */
    } cases[] = {
        {"whole numbers", "long", "-5", "12", false, "{\"x\":-5},\"maxValues\":{\"x\":12}"},
        {"decimals", "decimal(5,2)", "0.50", "-1.25", false, "{\"x\":0.50},\"maxValues\":{\"x\":-1.25}"},
        {"reals", "double", "-1.5", "1e+20", false, "{\"x\":-1.5},\"maxValues\":{\"x\":1e+20}"},
        {"endless ones have none", "double", "-inf", "inf", false, "{},\"maxValues\":{}"},
        {"nor what is not a number", "double", "nan", "1.5", false, "{},\"maxValues\":{\"x\":1.5}"},
        {"nor those beside it", "float", "1.5", "2.5", true, "{},\"maxValues\":{}"},
        {"days", "date", "2024-02-29", "2026-11-21", false,
         "{\"x\":\"2024-02-29\"},\"maxValues\":{\"x\":\"2026-11-21\"}"},
        {"days far off have none", "date", "-0044-03-15", "infinity", false, "{},\"maxValues\":{}"},
        {"times, away from what is between", "timestamp", "2024-01-01 12:34:56.123456+00",
         "2024-01-01 12:34:56.123456+00", false,
         "{\"x\":\"2024-01-01T12:34:56.123Z\"},\"maxValues\":{\"x\":\"2024-01-01T12:34:56.124Z\"}"},
        {"times to the millisecond", "timestamp", "2024-01-01 12:34:56.1+00", "1969-12-31 23:59:59.9995+00",
         false, "{\"x\":\"2024-01-01T12:34:56.100Z\"},\"maxValues\":{\"x\":\"1970-01-01T00:00:00.000Z\"}"},
        {"times before 1970", "timestamp", "1969-12-31 23:59:59.9995+00", "2024-01-01 00:00:00+00", false,
         "{\"x\":\"1969-12-31T23:59:59.999Z\"},\"maxValues\":{\"x\":\"2024-01-01T00:00:00.000Z\"}"},
        {"times without a zone", "timestamp_ntz", "2024-01-01 12:34:56", "2024-01-01 12:34:57", false,
         "{\"x\":\"2024-01-01T12:34:56.000\"},\"maxValues\":{\"x\":\"2024-01-01T12:34:57.000\"}"},
        {"truth has none", "boolean", "false", "true", false, "{},\"maxValues\":{}"},
        {"bytes have none", "binary", "a", "b", false, "{},\"maxValues\":{}"},
        {"text", "string", "a\"b", "\xc3\xbc\n", false,
         "{\"x\":\"a\\\"b\"},\"maxValues\":{\"x\":\"\xc3\xbc\\n\"}"},
        {"no text is a text", "string", "", "", false, "{\"x\":\"\"},\"maxValues\":{\"x\":\"\"}"},
        {"32 letters are whole", "string", X32, X32, false,
         "{\"x\":\"" X32 "\"},\"maxValues\":{\"x\":\"" X32 "\"}"},
        {"longer ones are cut", "string", X32 "y", X32 "y", false,
         "{\"x\":\"" X32 "\"},\"maxValues\":{\"x\":\"" X32 "\\u007f\"}"},
        {"what is cut may be no plain letter", "string", X32 "\xc3\xbc", X32 "\xc3\xbc", false,
         "{\"x\":\"" X32 "\"},\"maxValues\":{\"x\":\"" X32 LAST "\"}"},
        {"or the greatest of all", "string", X32 LAST "y", X32 LAST "y", false,
         "{\"x\":\"" X32 "\"},\"maxValues\":{\"x\":\"" X32 LAST "\\u007f\"}"},
        {"or nothing but the greatest", "string", X32,
         LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST
             LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST
                 LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST LAST
                     LAST LAST LAST LAST LAST LAST LAST LAST LAST,
         false, "{\"x\":\"" X32 "\"},\"maxValues\":{}"},
        {"what is not UTF-8 has none", "string", "\xff", "\xff", false, "{},\"maxValues\":{}"},
        {"unknown ones are left out", "long", NULL, NULL, false, "{},\"maxValues\":{}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        const struct lake_type t = {.kind = LAKE_PRIMITIVE, .primitive = cases[i].type};
        const struct lake_field f = {.name = "x", .type = &t};
        const struct lake_schema s = {&f, 1};
        const struct lake_column_stats c = {"\"x\"", cases[i].min, cases[i].max, 2, cases[i].nan};
        char *want =
            arena_fmt(a, "{\"numRecords\":9,\"minValues\":%s,\"nullCount\":{\"x\":2}}", cases[i].want);
        CHECK_STR(lake_stats(a, &s, NULL, 0, NULL, 9, &c, 1), want);
    }
}

TEST(columns_are_found_by_their_quoted_paths)
{
    auto_arena *a = arena_new();
    const struct lake_field inner[] = {{.name = "q\"r", .type = TYPE("long")},
                                       {.name = "u", .type = TYPE("long")}};
    const struct lake_type s_type = {.kind = LAKE_STRUCT, .fields = inner, .nfields = 2};
    const struct lake_type l_type = {.kind = LAKE_ARRAY, .element = TYPE("long")};
    const struct lake_field fields[] = {
        {.name = "p", .type = TYPE("string")},
        {.name = "l", .type = &l_type},
        {.name = "s", .type = &s_type},
        {.name = "a.b", .type = TYPE("long")},
    };
    const struct lake_schema s = {fields, countof(fields)};
    const struct lake_column_stats c[] = {
        {"\"p\"", "x", "x", 0, false},
        {"\"l\".\"element\"", "1", "2", 0, false},
        {"\"s\".\"q\"\"r\"", "3", "4", 1, false},
        {"\"a.b\"", "5", "6", -1, false},
    };
    CHECK_STR(lake_stats(a, &s, (const char *const[]){"p"}, 1, NULL, 7, c, countof(c)),
              "{\"numRecords\":7,\"minValues\":{\"s\":{\"q\\\"r\":3},\"a.b\":5},"
              "\"maxValues\":{\"s\":{\"q\\\"r\":4},\"a.b\":6},\"nullCount\":{\"s\":{\"q\\\"r\":1}}}");
    CHECK_STR(lake_stats(a, &s, NULL, 0, NULL, 0, NULL, 0),
              "{\"numRecords\":0,\"minValues\":{},\"maxValues\":{},\"nullCount\":{}}");
}

TEST(only_the_first_columns_have_statistics)
{
    auto_arena *a = arena_new();
    struct lake_field fields[40];
    struct lake_column_stats c[40];
    for (int i = 0; i < 40; i++) {
        fields[i] = (struct lake_field){.name = arena_fmt(a, "c%d", i), .type = &test_long};
        c[i] = (struct lake_column_stats){arena_fmt(a, "\"c%d\"", i), "1", "1", 0, false};
    }
    const struct lake_schema s = {fields, 40};
    char *all = lake_stats(a, &s, (const char *const[]){"c3"}, 1, NULL, 1, c, 40);
    CHECK_HAS(all, "\"c32\":1");
    CHECK(!strstr(all, "\"c33\""));
    CHECK(!strstr(all, "\"c3\""));
}

TEST(a_file_tells_the_range_of_a_column)
{
    static const char stats[] = "{\"numRecords\":3,\"minValues\":{\"a\":1,\"b\":\"x\\\"\",\"s\":{\"q\":1}},"
                                "\"maxValues\":{\"a\":12,\"b\":\"y\"},\"nullCount\":{}}";
    static const struct {
        const char *label, *stats, *column, *min, *max;
    } cases[] = {
        {"a number", stats, "a", "1", "12"},
        {"a text", stats, "b", "\"x\\\"\"", "\"y\""},
        {"half of it", stats, "s", NULL, NULL},
        {"another column", stats, "c", NULL, NULL},
        {"no statistics", NULL, "a", NULL, NULL},
        {"broken ones", "{\"minValues\":{\"a\":1", "a", NULL, NULL},
        {"others", "[]", "a", NULL, NULL},
        {"null", "{\"minValues\":{\"a\":null},\"maxValues\":{\"a\":1}}", "a", NULL, NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        const char *min = NULL, *max = NULL;
        const struct lake_file f = {.stats = cases[i].stats};
        CASE(cases[i].label);
        CHECK_INT(lake_file_range(a, &f, cases[i].column, &min, &max), cases[i].min != NULL);
        CHECK_STR(min, cases[i].min);
        CHECK_STR(max, cases[i].max);
    }
}

TEST(statistics_are_left_out_when_memory_is_short)
{
    const struct lake_field f = {.name = "x", .type = TYPE("string")};
    const struct lake_schema s = {&f, 1};
    const struct lake_column_stats c = {"\"x\"", X32 X32, X32 X32, 2, false};
    auto_arena *first = arena_new();
    const char *want = lake_stats(first, &s, NULL, 0, NULL, 9, &c, 1);
    for (int n = 0, hit = 1; hit; n++) {
        auto_arena *a = arena_new();
        fault_only("realloc");
        fault_arm(n);
        const char *got = lake_stats(a, &s, NULL, 0, NULL, 9, &c, 1);
        hit = fault_hit();
        fault_off();
        CHECK_STR(got, hit ? NULL : want);
    }
}

TEST(columns_that_get_statistics)
{
    static const struct lake_field inner[] = {{.name = "q", .type = &test_long},
                                              {.name = "r", .type = &test_long}};
    static const struct lake_type row = {.kind = LAKE_STRUCT, .fields = inner, .nfields = 2};
    static const struct lake_field fields[] = {{.name = "a", .type = &test_long},
                                               {.name = "s", .type = &row},
                                               {.name = "b,`c.", .type = &test_long}};
    static const struct lake_schema s = {fields, 3};
    static const struct lake_column_stats c[] = {
        {"\"a\"", "1", "1", 0, false},
        {"\"s\".\"q\"", "2", "2", 0, false},
        {"\"s\".\"r\"", "3", "3", 0, false},
        {"\"b,`c.\"", "4", "4", 0, false},
    };
    static const struct {
        const char *label;
        struct lake_property p[2];
        const char *mins;
    } cases[] = {
        {"all four", {{"x", "y"}}, "{\"a\":1,\"s\":{\"q\":2,\"r\":3},\"b,`c.\":4}"},
        {"the first two", {{"delta.dataSkippingNumIndexedCols", "2"}}, "{\"a\":1,\"s\":{\"q\":2}}"},
        {"none", {{"delta.dataSkippingNumIndexedCols", "0"}}, "{}"},
        {"every one",
         {{"delta.dataSkippingNumIndexedCols", "-1"}},
         "{\"a\":1,\"s\":{\"q\":2,\"r\":3},\"b,`c.\":4}"},
        {"what is no number",
         {{"delta.dataSkippingNumIndexedCols", "x"}},
         "{\"a\":1,\"s\":{\"q\":2,\"r\":3},\"b,`c.\":4}"},
        {"by name", {{"delta.dataSkippingStatsColumns", "s.r,A"}}, "{\"a\":1,\"s\":{\"r\":3}}"},
        {"a struct", {{"delta.dataSkippingStatsColumns", " `s` "}}, "{\"s\":{\"q\":2,\"r\":3}}"},
        {"an odd name", {{"delta.dataSkippingStatsColumns", "x, `b,``c.`"}}, "{\"b,`c.\":4}"},
        {"names before numbers",
         {{"delta.dataSkippingNumIndexedCols", "1"}, {"delta.dataSkippingStatsColumns", "s.q"}},
         "{\"s\":{\"q\":2}}"},
        {"the beginning of a name", {{"delta.dataSkippingStatsColumns", "s.qq, aa, b"}}, "{}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        struct lake_indexed which = lake_indexed(cases[i].p, cases[i].p[1].key ? 2 : 1);
        CHECK_HAS(lake_stats(a, &s, NULL, 0, &which, 1, c, 4),
                  arena_fmt(a, ",\"minValues\":%s,\"maxValues\"", cases[i].mins));
    }
}

TEST(bounds_of_a_file_with_dead_rows_are_loose)
{
    auto_arena *a = arena_new();
    CHECK_STR(lake_stats_loose(a, "{\"numRecords\":3,\"minValues\":{\"a\":1}}"),
              "{\"numRecords\":3,\"minValues\":{\"a\":1},\"tightBounds\":false}");
    CHECK_STR(lake_stats_loose(a, "{\"tightBounds\" : true, \"numRecords\":3}"),
              "{\"numRecords\":3,\"tightBounds\":false}");
    CHECK_STR(lake_stats_loose(a, "{\"numRecords\":3"), NULL);
}
