#include "asset/internal.h"
#include "test.h"

/* Gates as "name: condition", a warning with a '?' in front. */
static const char *gates_of(struct arena *a, const struct model *m)
{
    const struct gate *gates;
    const struct src *at;
    size_t n;
    const char *all = "";
    check_gates(a, m, &gates, &at, &n);
    for (size_t i = 0; i < n; i++)
        all = arena_fmt(a, "%s%s%s%s: %s", all, i ? " | " : "", gates[i].warn ? "?" : "", gates[i].name,
                        gates[i].sql);
    return all;
}

TEST(row_checks_are_gates)
{
    static const char *const ab[] = {"a", "o\"dd"}, *const values[] = {"'x'", "'it''s'"};
    static const struct {
        const char *label;
        struct check check;
        enum model_mode mode;
        const char *want;
    } cases[] = {
        {"one column",
         {CHECK_NOT_NULL, "not_null(a)", .columns = ab, .ncolumns = 1},
         MODE_APPEND,
         "not_null(a): \"a\" IS NOT NULL"},
        {"one gate a column",
         {CHECK_NOT_NULL, "not_null(a, o\"dd)", .columns = ab, .ncolumns = 2},
         MODE_APPEND,
         "not_null(a): \"a\" IS NOT NULL | not_null(o\"dd): \"o\"\"dd\" IS NOT NULL"},
        {"values; null passes",
         {CHECK_ACCEPTED_VALUES, "values", .columns = ab, .ncolumns = 1, .values = values, .nvalues = 2,
          .warn = true},
         MODE_APPEND,
         "?values: \"a\" IS NULL OR \"a\" IN ('x', 'it''s')"},
        {"a condition; null passes",
         {CHECK_ROWS, "small", .sql = "a < 5 -- five"},
         MODE_APPEND,
         "small: (a < 5 -- five\n) IS DISTINCT FROM false"},
        {"a merge needs its key",
         {CHECK_ROWS, "small", .sql = "a < 5"},
         MODE_MERGE,
         "small: (a < 5\n) IS DISTINCT FROM false | key not null(a): \"a\" IS NOT NULL | key not "
         "null(o\"dd): "
         "\"o\"\"dd\" IS NOT NULL"},
        {"said once is enough",
         {CHECK_NOT_NULL, "not_null(a)", .columns = ab, .ncolumns = 1},
         MODE_MERGE,
         "not_null(a): \"a\" IS NOT NULL | key not null(o\"dd): \"o\"\"dd\" IS NOT NULL"},
        {"a warning is not enough",
         {CHECK_NOT_NULL, "n", .columns = ab, .ncolumns = 1, .warn = true},
         MODE_MERGE,
         "?n: \"a\" IS NOT NULL | key not null(a): \"a\" IS NOT NULL | key not null(o\"dd): \"o\"\"dd\" IS "
         "NOT NULL"},
        {"of the table", {CHECK_UNIQUE, "unique(a)", .columns = ab, .ncolumns = 1}, MODE_APPEND, ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        const struct model m = {.name = "s.t",
                                .mode = cases[i].mode,
                                .key = ab,
                                .nkey = 2,
                                .checks = &cases[i].check,
                                .nchecks = 1};
        CASE(cases[i].label);
        CHECK_STR(gates_of(a, &m), cases[i].want);
        CHECK_INT(check_has_table(&m), cases[i].check.kind == CHECK_UNIQUE);
    }
}
