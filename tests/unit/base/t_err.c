#include "base/buf.h"

#include "test.h"

static bool leaf(struct err *e)
{
    return fail_at(e, ERR_USER, ((struct src){"p.yaml", 2, 7}), "unknown connector '%s'", "postgress");
}

static bool middle(struct err *e)
{
    return leaf(e) || wrap(e, "task '%s'", "load");
}

static const char *printed(const struct err *e, const char *text)
{
    static char out[4096];
    memset(out, 0, sizeof out);
    FILE *f = fmemopen(out, sizeof out, "w");
    err_print(f, e, text);
    fclose(f);
    return out;
}

TEST(an_error_is_made_once_and_wrapped_with_names)
{
    struct err e;
    CHECK(!middle(&e));
    CHECK_INT(e.kind, ERR_USER);
    CHECK_STR(e.msg, "task 'load': unknown connector 'postgress'");
    CHECK_STR(e.hint, "");
    CHECK_HAS(e.cfile, "t_err.c");
    CHECK_INT(e.cline, 7);
}

TEST(making_an_error_forgets_the_one_before)
{
    struct err e;
    leaf(&e);
    hint(&e, "did you mean '%s'?", "postgres");
    CHECK(!fail(&e, ERR_IO, "cannot read '%s'", "x"));
    CHECK_INT(e.kind, ERR_IO);
    CHECK_INT(e.at.line, 0);
    CHECK(!e.at.file);
    CHECK_STR(e.hint, "");
}

/* What is before the place, and behind it, as it is shown. */
TEST(of_a_long_line_what_is_around_the_place_is_shown)
{
    static const struct {
        const char *label;
        int before, after;
        const char *unit, *want_begin, *want_end;
        int shown;
    } cases[] = {
        {"its first letters", 0, 500, "a", "    1 | aaaa", "aaa...\n      | ^\n", 160},
        {"its middle", 500, 500, "a", "    1 | ...aaaa", "aaa...\n", 160},
        {"its end", 500, 0, "a", "    1 | ...aaaa", "aaa\n", 100},
        {"letters are whole", 501, 501, "\u00e9", "    1 | ...\u00e9\u00e9", "\u00e9\u00e9...\n", 80},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        auto_buf text = BUF(4096);
        for (int k = 0; k < cases[i].before + cases[i].after; k++)
            buf_addf(&text, "%s", cases[i].unit);
        struct err e;
        fail_at(&e, ERR_USER, ((struct src){"p.md", 1, cases[i].before * (int)strlen(cases[i].unit) + 1}),
                "bad");
        const char *out = strchr(printed(&e, text.p), '\n') + 1;
        CHECK_HAS(out, cases[i].want_begin);
        CHECK_HAS(out, cases[i].want_end);
        int shown = 0;
        for (const char *p = out; (p = strstr(p, cases[i].unit)); p += strlen(cases[i].unit))
            shown++;
        CHECK_INT(shown, cases[i].shown);
        const char *caret = strchr(out, '\n') + 1;
        CHECK_INT((int)(strchr(caret, '^') - caret),
                  8 + (cases[i].before ? 3 + 100 / (int)strlen(cases[i].unit) : 0));
    }
}

TEST(err_print_shapes)
{
    static const struct {
        const char *label;
        struct src at;
        const char *msg, *hint, *text, *want;
    } cases[] = {
        {"no place", {NULL, 0, 0}, "no such file 'x'", "", NULL, "error: no such file 'x'\n"},
        {"a file without a line", {"a.yaml", 0, 0}, "is empty", "", "a: 1\n", "a.yaml: error: is empty\n"},
        {"a place but no text", {"a.yaml", 2, 3}, "bad", "", NULL, "a.yaml:2:3: error: bad\n"},
        {"a hint is a line of its own",
         {NULL, 0, 0},
         "unknown task 'laod'",
         "did you mean 'load'?",
         NULL,
         "error: unknown task 'laod'\nhint: did you mean 'load'?\n"},
        {"the caret is under the column",
         {"a.yaml", 2, 7},
         "bad",
         "",
         "load:\n type: postgress\n",
         "a.yaml:2:7: error: bad\n    2 |  type: postgress\n      |       ^\n"},
        {"the hint comes behind the caret",
         {"a.yaml", 1, 1},
         "bad",
         "be good",
         "x: 1",
         "a.yaml:1:1: error: bad\n    1 | x: 1\n      | ^\nhint: be good\n"},
        {"a secret is not shown",
         {"a.yaml", 1, 8},
         "bad",
         "",
         "{x: 1, secret_key: \"abc\"}",
         "a.yaml:1:8: error: bad\n"},
        {"nor one in a line with others that are none",
         {"a.yml", 1, 1},
         "bad",
         "",
         "password: ${P}, api_key: 'k'",
         "a.yml:1:1: error: bad\n"},
        {"the name of a secret is none",
         {"a.yaml", 1, 1},
         "bad",
         "",
         "token: \"${T}\"",
         "a.yaml:1:1: error: bad\n    1 | token: \"${T}\"\n      | ^\n"},
        {"tabs stay tabs in the padding",
         {"q.sql", 1, 5},
         "bad",
         "",
         "\ta\tb c",
         "q.sql:1:5: error: bad\n    1 | \ta\tb c\n      | \t \t ^\n"},
        {"a letter of two bytes is one column",
         {"p.md", 1, 8},
         "bad",
         "",
         "caf\u00e9: bd",
         "p.md:1:8: error: bad\n    1 | caf\u00e9: bd\n      |       ^\n"},
        {"what is no text is a question mark",
         {"p.md", 1, 4},
         "bad",
         "",
         "caf\xe9 \x1b[2J \xe2\x82",
         "p.md:1:4: error: bad\n    1 | caf? ?[2J ??\n      |    ^\n"},
        {"a carriage return is not shown",
         {"q.sql", 1, 2},
         "bad",
         "",
         "ab\r\ncd\r\n",
         "q.sql:1:2: error: bad\n    1 | ab\n      |  ^\n"},
        {"the last line needs no newline",
         {"q.sql", 2, 1},
         "bad",
         "",
         "a\nb",
         "q.sql:2:1: error: bad\n    2 | b\n      | ^\n"},
        {"a column behind the end stops at the end",
         {"q.sql", 1, 99},
         "bad",
         "",
         "ab\n",
         "q.sql:1:99: error: bad\n    1 | ab\n      |   ^\n"},
        {"a line behind the end shows none", {"q.sql", 9, 1}, "bad", "", "ab\n", "q.sql:9:1: error: bad\n"},
        {"wide line numbers",
         {"q.sql", 3, 1},
         "bad",
         "",
         "\n\nx\n",
         "q.sql:3:1: error: bad\n    3 | x\n      | ^\n"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        struct err e;
        fail_at(&e, ERR_USER, cases[i].at, "%s", cases[i].msg);
        hint(&e, "%s", cases[i].hint);
        CHECK_STR(printed(&e, cases[i].text), cases[i].want);
    }
}

TEST(long_messages_are_cut_not_overrun)
{
    struct err e;
    char big[2000];
    memset(big, 'x', sizeof big - 1);
    big[sizeof big - 1] = '\0';
    fail(&e, ERR_IO, "%s", big);
    CHECK_INT(strlen(e.msg), sizeof e.msg - 1);
    wrap(&e, "%s", big);
    wrap(&e, "outer");
    CHECK_INT(strlen(e.msg), sizeof e.msg - 1);
    CHECK_INT(strncmp(e.msg, "outer: xxx", 10), 0);
    hint(&e, "%s", big);
    CHECK_INT(strlen(e.hint), sizeof e.hint - 1);
}

TEST(each_kind_has_a_name_and_an_exit_code)
{
    static const struct {
        enum err_kind kind;
        const char *name;
        int code;
        bool retriable;
    } cases[] = {
        {ERR_NONE, "none", 0, false},           {ERR_USER, "user", 2, false},
        {ERR_AUTH, "auth", 3, false},           {ERR_NET, "net", 4, true},
        {ERR_LIMIT, "limit", 5, false},         {ERR_DATA, "data", 6, false},
        {ERR_CONFLICT, "conflict", 7, true},    {ERR_IO, "io", 8, false},
        {ERR_CANCELED, "canceled", 130, false},
    };
    CHECK_INT(countof(cases), ERR_KINDS);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].name);
        const struct err e = {.kind = cases[i].kind};
        CHECK_STR(err_name(cases[i].kind), cases[i].name);
        CHECK_INT(err_exit_code(cases[i].kind), cases[i].code);
        CHECK_INT(err_retriable(&e), cases[i].retriable);
    }
}
