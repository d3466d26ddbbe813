#include "page/show.h"

#include "test.h"

TEST(options_of_a_table_are_read)
{
    auto_arena *a = arena_new();
    struct block b = {.body = "columns:\n  title: Film\n  revenue: {title: \"Revenue ($)\", format: "
                              "\"#,##0\", align: right, bar: true}\n"
                              "  year:\nlimit: 5\n",
                      .at = {"p.md", 10, 1}};
    struct show s;
    struct problems p = {.a = a};
    REQUIRE(show_read(a, &b, &p, &s));
    REQUIRE(s.n == 3);
    CHECK_STR(s.columns[0].name, "title");
    CHECK_STR(s.columns[0].title, "Film");
    CHECK_STR(s.columns[1].title, "Revenue ($)");
    CHECK_STR(s.columns[1].format, "#,##0");
    CHECK_INT(s.columns[1].align, ALIGN_RIGHT);
    CHECK(s.columns[1].bar && !s.columns[0].bar);
    CHECK_INT(s.columns[1].at.line, 12);
    CHECK_STR(s.columns[2].title, "year");
    CHECK_INT(s.limit, 5);
    b.body = " \n";
    REQUIRE(show_read(a, &b, &p, &s));
    CHECK_INT(s.n, 0);
}

TEST(options_of_a_value_are_read)
{
    auto_arena *a = arena_new();
    struct block b = {.body =
                          "column: x\ntitle: The X\ncompare: before\nbetter: down\ntrend: by_year.films\n",
                      .name = "q",
                      .at = {"p.md", 10, 1}};
    struct tile t;
    struct problems p = {.a = a};
    REQUIRE(tile_read(a, &b, &p, &t));
    CHECK_STR(t.title, "The X");
    CHECK_STR(t.column, "x");
    CHECK_STR(t.compare, "before");
    CHECK_STR(t.trend_query, "by_year");
    CHECK_STR(t.trend, "films");
    CHECK_INT(t.better, BETTER_DOWN);
    CHECK_INT(t.trend_at.line, 14);
    b.body = "";
    REQUIRE(tile_read(a, &b, &p, &t));
    CHECK_STR(t.title, "q");
    CHECK(!t.column && !t.trend);
}

static bool read_either(struct arena *a, const struct block *b, bool tile, struct problems *p)
{
    struct show s;
    struct tile t;
    return tile ? tile_read(a, b, p, &t) : show_read(a, b, p, &s);
}

TEST(mistakes_in_options_have_their_place)
{
    static const struct {
        const char *body, *msg, *hint;
        int line, col;
        bool tile;
    } cases[] = {
        {"colums: {a: b}\n", "unknown key 'colums' (did you mean 'columns'?)", "", 10, 1, false},
        {"limit: 0\n", "limit: 0 is less than 1", "", 10, 8, false},
        {"limit: x\n", "limit: 'x' is not a whole number", "", 10, 8, false},
        {"columns: [a]\n", "columns: a list where a mapping is expected", "", 10, 10, false},
        {"columns:\n  a: {format: money}\n", "unknown format 'money'",
         "formats are like 0, 0.00, #,##0, #,##0.0, 0.0%, yyyy-MM-dd and text", 11, 15, false},
        {"columns:\n  a: {align: middle}\n", "unknown align 'middle'", "there are: left, right", 11, 14,
         false},
        {"columns:\n  a: {bar: yes}\n", "bar: 'yes' where true or false is expected", "", 11, 12, false},
        {"- a\n", "a table block must be a mapping, this is a list", "", 10, 1, false},
        {"better: dwn\n", "unknown better 'dwn' (did you mean 'down'?)", "", 10, 9, true},
        {"trend: year\n", "trend: 'year' names no column", "trend: QUERY.COLUMN", 10, 8, true},
        {"format: x\n", "unknown format 'x'",
         "formats are like 0, 0.00, #,##0, #,##0.0, 0.0%, yyyy-MM-dd and text", 10, 9, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct block b = {.body = cases[i].body, .name = "q", .at = {"p.md", 10, 1}};
        struct problems p = {.a = a};
        CASE(cases[i].body);
        CHECK(!read_either(a, &b, cases[i].tile, &p));
        REQUIRE(p.n == 1);
        CHECK_STR(p.v[0].msg, cases[i].msg);
        CHECK_STR(p.v[0].hint, cases[i].hint);
        CHECK_INT(p.v[0].at.line, cases[i].line);
        CHECK_INT(p.v[0].at.col, cases[i].col);
    }
    auto_arena *a = arena_new();
    struct block b = {.body = "columns: {a: [\n", .at = {"p.md", 10, 1}};
    struct problems p = {.a = a};
    CHECK(!read_either(a, &b, false, &p));
    REQUIRE(p.n == 1);
    CHECK_STR(p.v[0].at.file, "p.md");
}
