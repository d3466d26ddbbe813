#include "lake_test.h"

static const struct lake_type types[] = {
    {.kind = LAKE_PRIMITIVE, .primitive = "long"},
    {.kind = LAKE_PRIMITIVE, .primitive = "decimal(10,2)"},
    {.kind = LAKE_PRIMITIVE, .primitive = "string"},
    {.kind = LAKE_PRIMITIVE, .primitive = "date"},
    {.kind = LAKE_PRIMITIVE, .primitive = "timestamp"},
    {.kind = LAKE_PRIMITIVE, .primitive = "boolean"},
    {.kind = LAKE_STRUCT},
};
static const struct lake_field fields[] = {
    {.name = "n", .type = &types[0]},  {.name = "d", .type = &types[1], .physical = "col-d"},
    {.name = "s", .type = &types[2]},  {.name = "day", .type = &types[3]},
    {.name = "at", .type = &types[4]}, {.name = "b", .type = &types[5]},
    {.name = "st", .type = &types[6]}, {.name = "p", .type = &types[0]},
    {.name = "q", .type = &types[2]},
};
static const char *const by[] = {"p", "q"};
static const struct lake_snapshot snapshot = {
    .schema = {fields, countof(fields)}, .partition_by = by, .npartition_by = 2};

TEST(files_that_cannot_hold_a_row_are_told_by_their_statistics)
{
    static const struct {
        const char *label, *column, *from, *to; /* of the rows looked for */
        const char *min, *max;                  /* of the file */
        bool may;
    } cases[] = {
        {"below", "n", "1", "5", "6", "9", false},
        {"above", "n", "10", "12", "6", "9", false},
        {"touching", "n", "1", "6", "6", "9", true},
        {"inside", "n", "7", "7", "6", "9", true},
        {"no bound below", "n", NULL, "5", "6", "9", false},
        {"no bound above", "n", "5", NULL, "6", "9", true},
        {"numbers, not texts", "n", "10", "12", "2", "9", false},
        {"signs", "n", "-10", "-2", "-1", "9", false},
        {"beyond a double", "n", "9007199254740993", "9007199254740993", "9007199254740992",
         "9007199254740992", false},
        {"the greatest numbers are not told apart", "n", "9223372036854775807", "9223372036854775807",
         "9223372036854775806", "9223372036854775806", true},
        {"letters of the column do not matter", "N", "1", "5", "6", "9", false},
        {"a decimal, by its physical name", "d", "1.10", "1.20", "1.21", "9", false},
        {"texts", "s", "\"a\"", "\"b\"", "\"c\"", "\"d\"", false},
        {"texts that are cut", "s", "\"c\"", "\"c\"", "\"a\"", "\"c\\u007f\"", true},
        {"texts beyond ASCII", "s", "\"\\u00e9\"", "\"\\u00e9\"", "\"a\"", "\"z\"", false},
        {"days", "day", "\"2026-01-02\"", "\"2026-01-03\"", "\"2026-01-04\"", "\"2026-01-05\"", false},
        {"days of other lengths", "day", "\"12026-01-02\"", "\"12026-01-03\"", "\"2026-01-04\"",
         "\"2026-01-05\"", true},
        {"times in two zones", "at", "\"2026-01-01T10:00:00.000Z\"", "\"2026-01-01T10:00:00.000Z\"",
         "\"2026-01-01T10:00:00.000+02:00\"", "\"2026-01-01T11:00:00.000+02:00\"", false},
        {"a time in the millisecond that is cut", "at", "\"2026-01-01T10:00:00.000999Z\"",
         "\"2026-01-01T10:00:00.001Z\"", "\"2026-01-01T09:00:00.000Z\"", "\"2026-01-01T10:00:00.000Z\"",
         true},
        {"no time", "at", "\"yesterday\"", "\"yesterday\"", "\"a\"", "\"b\"", true},
        {"booleans are not ordered", "b", "true", "true", "false", "false", true},
        {"structs neither", "st", "1", "2", "3", "4", true},
        {"no such column", "x", "1", "2", "3", "4", true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        const char *name = strcasecmp(cases[i].column, "d") == 0 ? "col-d" : cases[i].column;
        if (strcasecmp(name, "n") == 0)
            name = "n";
        const struct lake_file f = {.path = "f",
                                    .values = (const char *const[]){NULL, NULL},
                                    .stats =
                                        arena_fmt(a, "{\"minValues\":{\"%s\":%s},\"maxValues\":{\"%s\":%s}}",
                                                  name, cases[i].min, name, cases[i].max)};
        const struct lake_where w = {.column = cases[i].column, .min = cases[i].from, .max = cases[i].to};
        CHECK_INT(lake_file_may_hold(&snapshot, &f, &w, 1), cases[i].may);
    }
}

TEST(files_that_cannot_hold_a_row_are_told_by_their_partition)
{
    const struct lake_file f = {.path = "f", .values = (const char *const[]){"7", NULL}};
    const struct {
        const char *label;
        struct lake_where w[2];
        size_t n;
        bool may;
    } cases[] = {
        {"nothing asked", {{0}}, 0, true},
        {"one of them", {{.column = "p", .values = (const char *const[]){"1", "07"}, .nvalues = 2}}, 1, true},
        {"none of them",
         {{.column = "p", .values = (const char *const[]){"1", "2"}, .nvalues = 2}},
         1,
         false},
        {"within", {{.column = "p", .min = "5", .max = "9"}}, 1, true},
        {"outside", {{.column = "p", .min = "8", .max = "9"}}, 1, false},
        {"a value, and it is null", {{.column = "q", .min = "\"a\""}}, 1, false},
        {"null", {{.column = "q", .values = (const char *const[]){"x", NULL}, .nvalues = 2}}, 1, true},
        {"values of a column that is no partition",
         {{.column = "n", .values = (const char *const[]){"x"}, .nvalues = 1}},
         1,
         true},
        {"one of two",
         {{.column = "p", .min = "5", .max = "9"},
          {.column = "q", .values = (const char *const[]){"x"}, .nvalues = 1}},
         2,
         false},
        {"no statistics", {{.column = "n", .min = "5", .max = "9"}}, 1, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        CHECK_INT(lake_file_may_hold(&snapshot, &f, cases[i].w, cases[i].n), cases[i].may);
    }
}

TEST(values_are_the_same_however_they_are_spelled)
{
    static const struct {
        const char *type, *x, *y;
        bool same;
    } cases[] = {
        {"string", "a", "a", true},
        {"string", "a", "A", false},
        {"string", NULL, NULL, true},
        {"string", "a", NULL, false},
        {"double", "1.0", "1", true},
        {"double", "1.0", "1.1", false},
        {"double", "NaN", "nan", false},
        {"boolean", "true", "TRUE", true},
        {"date", "2026-01-01", "2026-1-1", false},
        {"decimal(3,1)", "-0", "0", true},
        {"timestamp", "2026-01-01 06:00:00", "2026-01-01T06:00:00.000000Z", true},
        {"timestamp", "2026-01-01 06:00:00", "2026-01-01 06:00:01", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].x ? cases[i].x : "null");
        CHECK_INT(lake_value_same(cases[i].type, cases[i].x, cases[i].y), cases[i].same);
    }
}

TEST(the_bounds_of_some_files)
{
    auto_arena *a = arena_new();
    struct lake_where w;
    const struct lake_file files[] = {
        {.stats = "{\"minValues\":{\"n\":10,\"s\":\"b\"},\"maxValues\":{\"n\":12,\"s\":\"c\"}}"},
        {.stats = "{\"minValues\":{\"n\":9,\"s\":\"\\u0061\"},\"maxValues\":{\"n\":11}}"},
    };
    REQUIRE(lake_files_range(a, &fields[0], files, 2, &w));
    CHECK_STR(w.column, "n");
    CHECK_STR(w.min, "9");
    CHECK_STR(w.max, "12");
    CHECK(!lake_files_range(a, &fields[2], files, 2, &w));
    CHECK(!lake_files_range(a, &fields[0], files, 0, &w));
}
