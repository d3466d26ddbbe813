#include "page/markdown.h"

#include "test.h"

TEST(markdown_becomes_plain_text)
{
    static const struct {
        const char *label, *in, *want;
    } cases[] = {
        {"headings are underlined", "# Films\n## Top\n### Best\n", "Films\n=====\n\nTop\n---\n\nBest\n"},
        {"a paragraph is filled", "one two three four five six\nseven\n",
         "one two three four\nfive six seven\n"},
        {"styles are dropped", "a **b** *c* `d`\n", "a b c d\n"},
        {"a list", "- one\n- two\n", "- one\n- two\n"},
        {"a long item is indented", "- one two three four five six\n", "- one two three four\n  five six\n"},
        {"a numbered list", "3. c\n4. d\n", "3. c\n4. d\n"},
        {"an inner list", "- a\n  - b\n- c\n", "- a\n  - b\n- c\n"},
        {"a quote", "> said\n", "> said\n"},
        {"code", "```\nx  y\n```\n", "    x  y\n"},
        {"a table", "| n | v |\n|---|--:|\n| a | 1 |\n| bb | 22 |\n",
         "n    v\n\xe2\x94\x80\xe2\x94\x80  \xe2\x94\x80\xe2\x94\x80\na    1\nbb  22\n"},
        {"a link shows where it goes", "[x](http://a.b)\n", "x (http://a.b)\n"},
        {"a comment says nothing", "<!-- hidden -->\n\nseen\n", "seen\n"},
        {"wide letters count twice",
         "\xe6\x97\xa5\xe6\x9c\xac \xe6\x97\xa5\xe6\x9c\xac \xe6\x97\xa5\xe6\x9c\xac "
         "\xe6\x97\xa5\xe6\x9c\xac \xe6\x97\xa5\xe6\x9c\xac\n",
         "\xe6\x97\xa5\xe6\x9c\xac \xe6\x97\xa5\xe6\x9c\xac \xe6\x97\xa5\xe6\x9c\xac "
         "\xe6\x97\xa5\xe6\x9c\xac\n\xe6\x97\xa5\xe6\x9c\xac\n"},
        {"entities are read", "a &amp; b &lt;\n", "a & b <\n"},
        {"nothing", "", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf out = BUF(1 << 16);
        struct err e;
        CASE(cases[i].label);
        CHECK(markdown_text(cases[i].in, 20, &out, &e));
        CHECK_STR(out.p, cases[i].want);
    }
}

TEST(absurd_nesting_is_refused)
{
    auto_buf in = BUF(1 << 16);
    for (int i = 0; i < 40; i++)
        buf_addf(&in, "%*s- x\n", 2 * i, "");
    auto_buf out = BUF(1 << 16);
    struct err e;
    CHECK(!markdown_text(in.p, 80, &out, &e));
    CHECK_STR(e.msg, "the Markdown is nested too deeply");
}
