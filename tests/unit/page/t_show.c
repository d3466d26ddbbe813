#include "page/show.h"

#include "test.h"

TEST(options_of_a_table_are_read)
{
    auto_arena *a = arena_new();
    struct block b = {
        .body =
            "columns:\n  title: Film\n  revenue: {title: \"Revenue ($)\", format: \"#,##0\", align: right}\n"
            "  year:\nlimit: 5\n",
        .at = {"p.md", 10, 1}};
    struct show s;
    struct err e = {0};
    REQUIRE(show_read(a, &b, &s, &e));
    REQUIRE(s.n == 3);
    CHECK_STR(s.columns[0].name, "title");
    CHECK_STR(s.columns[0].title, "Film");
    CHECK_STR(s.columns[1].title, "Revenue ($)");
    CHECK_STR(s.columns[1].format, "#,##0");
    CHECK_INT(s.columns[1].align, ALIGN_RIGHT);
    CHECK_INT(s.columns[1].at.line, 12);
    CHECK_STR(s.columns[2].title, "year");
    CHECK_INT(s.limit, 5);
    b.body = " \n";
    REQUIRE(show_read(a, &b, &s, &e));
    CHECK_INT(s.n, 0);
}

TEST(mistakes_in_options_have_their_place)
{
    static const struct {
        const char *body, *msg, *hint;
        int line, col;
    } cases[] = {
        {"colums: {a: b}\n", "unknown key 'colums'", "did you mean 'columns'?", 10, 1},
        {"limit: 0\n", "'limit' must be a whole number from 1", "", 10, 1},
        {"limit: x\n", "'limit' must be a whole number from 1", "", 10, 1},
        {"columns: [a]\n", "'columns' must be a mapping of columns to titles", "", 10, 1},
        {"columns:\n  a: {format: money}\n", "unknown format 'money'",
         "formats are like 0, 0.00, #,##0, #,##0.0, 0.0%, yyyy-MM-dd and text", 11, 15},
        {"columns:\n  a: {align: middle}\n", "'align' must be left or right", "", 11, 7},
        {"- a\n", "a table block holds YAML: columns and limit", "", 10, 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct block b = {.body = cases[i].body, .at = {"p.md", 10, 1}};
        struct show s;
        struct err e = {0};
        CASE(cases[i].body);
        CHECK(!show_read(a, &b, &s, &e));
        CHECK_STR(e.msg, cases[i].msg);
        CHECK_STR(e.hint, cases[i].hint);
        CHECK_INT(e.at.line, cases[i].line);
        CHECK_INT(e.at.col, cases[i].col);
    }
    auto_arena *a = arena_new();
    struct block b = {.body = "columns: {a: [\n", .at = {"p.md", 10, 1}};
    struct show s;
    struct err e = {0};
    CHECK(!show_read(a, &b, &s, &e));
    CHECK_HAS(e.msg, "invalid YAML: ");
}
