#include "page/blocks.h"

#include "test.h"

TEST(a_page_is_cut_at_its_blocks)
{
    static const char text[] =
        "---\ntitle: x\n---\n# Head\n\n```sql top\nSELECT 1\n```\ntext\n```python\nkept\n```\n"
        "~~~ table  top\nlimit: 3\n~~~\nend\n";
    auto_arena *a = arena_new();
    struct block *b;
    size_t n;
    struct err e;
    REQUIRE(blocks_split(a, "p.md", text, &b, &n, &e));
    REQUIRE(n == 5);
    CHECK_INT(b[0].kind, BLOCK_MARKDOWN);
    CHECK_STR(b[0].body, "# Head\n\n");
    CHECK_INT(b[0].at.line, 4);
    CHECK_INT(b[1].kind, BLOCK_SQL);
    CHECK_STR(b[1].name, "top");
    CHECK_STR(b[1].body, "SELECT 1\n");
    CHECK_INT(b[1].at.line, 7);
    CHECK_STR(b[2].body, "text\n```python\nkept\n```\n");
    CHECK_INT(b[3].kind, BLOCK_TABLE);
    CHECK_STR(b[3].body, "limit: 3\n");
    CHECK_INT(b[3].at.line, 14);
    CHECK_INT(b[3].name_at.col, 12);
    CHECK_STR(b[4].body, "end\n");
}

TEST(mistakes_in_blocks_have_their_place)
{
    static const struct {
        const char *text, *msg, *hint;
        int line, col;
    } cases[] = {
        {"a\n```sql\nSELECT 1\n```\n", "this block needs a name", "write ```sql NAME", 2, 7},
        {"```sql x\nSELECT 1\n", "this block is never closed", "close it with a line of ```", 1, 1},
        {"\n\n````table t\n```\n", "this block is never closed", "close it with a line of ````", 3, 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct block *b;
        size_t n;
        struct err e = {0};
        CASE(cases[i].text);
        CHECK(!blocks_split(a, "p.md", cases[i].text, &b, &n, &e));
        CHECK_STR(e.msg, cases[i].msg);
        CHECK_STR(e.hint, cases[i].hint);
        CHECK_INT(e.at.line, cases[i].line);
        CHECK_INT(e.at.col, cases[i].col);
    }
}

TEST(a_page_without_blocks_is_one_piece)
{
    auto_arena *a = arena_new();
    struct block *b;
    size_t n;
    struct err e;
    REQUIRE(blocks_split(a, "p.md", "just text", &b, &n, &e));
    CHECK_INT(n, 1);
    REQUIRE(blocks_split(a, "p.md", "", &b, &n, &e));
    CHECK_INT(n, 0);
}
