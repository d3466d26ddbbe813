#include "page/input.h"

#include "test.h"

static const char *const columns[] = {"title", "revenue"};
static struct page_query list[] = {{.name = "top", .columns = columns, .ncolumns = 2},
                                   {.name = "broken", .unknown = true}};
static const struct page_queries queries = {.v = list, .n = countof(list)};
static const struct page_inputs none;

TEST(values_are_found_in_their_text)
{
    auto_arena *a = arena_new();
    const char *p = "one {{ top.revenue | #,##0 }}\n\\{{ {{top}} end";
    struct src at = {"p.md", 7, 3}, inside_at = {0};
    struct str before, inside;
    struct page_value v;
    bool found;
    struct err e = {0};

    REQUIRE(value_next(&p, &at, &before, &inside, &inside_at, &found, &e) && found);
    CHECK(str_is(before, "one "));
    CHECK_INT(inside_at.line, 7);
    CHECK_INT(inside_at.col, 9);
    REQUIRE(value_read(a, &queries, &none, inside, inside_at, &v, &e));
    CHECK(v.query == &list[0]);
    CHECK_INT(v.column, 1);
    CHECK_STR(v.format, "#,##0");

    REQUIRE(value_next(&p, &at, &before, &inside, &inside_at, &found, &e) && found);
    CHECK(str_is(before, "\n\\{{ "));
    CHECK_INT(inside_at.line, 8);
    CHECK_INT(inside_at.col, 7);
    REQUIRE(value_read(a, &queries, &none, inside, inside_at, &v, &e));
    CHECK_INT(v.column, 0);
    CHECK(v.format == NULL);

    REQUIRE(value_next(&p, &at, &before, &inside, &inside_at, &found, &e));
    CHECK(!found);
    CHECK(str_is(before, " end"));
}

TEST(mistakes_between_braces_have_their_place)
{
    static const struct {
        const char *text, *msg, *hint;
        int col;
    } cases[] = {
        {"{{ top.revenu }}", "query 'top' gives no column 'revenu'", "did you mean 'revenue'?", 8},
        {"{{ unlike.x }}", "no query 'unlike' on this page", "a block ```sql unlike would make it", 4},
        {"{{ brokn.x }}", "no query 'brokn' on this page", "did you mean 'broken'?", 4},
        {"{{ top | money }}", "unknown format 'money'",
         "formats are like 0, 0.00, #,##0, #,##0.0, 0.0%, yyyy-MM-dd and text", 10},
        {"{{  }}", "there is nothing between the braces",
         "write {{ query.column }} or {{ query.column | #,##0 }}", 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct src at = {"p.md", 1, 1}, inside_at;
        struct str before, inside;
        struct page_value v;
        struct err e = {0};
        const char *p = cases[i].text;
        bool found;
        CASE(cases[i].text);
        REQUIRE(value_next(&p, &at, &before, &inside, &inside_at, &found, &e) && found);
        CHECK(!value_read(a, &queries, &none, inside, inside_at, &v, &e));
        CHECK_STR(e.msg, cases[i].msg);
        CHECK_STR(e.hint, cases[i].hint);
        CHECK_INT(e.at.col, cases[i].col);
    }
    auto_arena *a = arena_new();
    struct src at = {"p.md", 1, 1}, inside_at;
    struct str before, inside;
    struct page_value v;
    struct err e = {0};
    const char *p = "x {{ open\n}} {{broken.any}}";
    bool found;
    CHECK(!value_next(&p, &at, &before, &inside, &inside_at, &found, &e));
    CHECK_STR(e.msg, "'{{' without '}}' on its line");
    CHECK_INT(e.at.col, 3);
    REQUIRE(value_next(&p, &at, &before, &inside, &inside_at, &found, &e) && found);
    CHECK_INT(inside_at.line, 2);
    CHECK(value_read(a, &queries, &none, inside, inside_at, &v, &e));
}
