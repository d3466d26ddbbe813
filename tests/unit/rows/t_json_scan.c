#include "rows/json_scan.h"

#include "fault.h"
#include "test.h"

static struct str str(const char *s)
{
    return (struct str){s, strlen(s)};
}

TEST(valid_documents)
{
    static const char *const docs[] = {
        "{}",
        "[]",
        "0",
        "-0",
        "1",
        "-12.5e+10",
        "0.1",
        "1E5",
        "1e-5",
        "true",
        "false",
        "null",
        "\"\"",
        " \t\r\n[ ] ",
        "[1,2,3]",
        "{\"a\":{\"b\":[{}]}}",
        "[[[[]]]]",
        "{\"a\" : 1 , \"b\" : 2}",
        "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u0041\"",
        "\"\\ud83d\\ude00\"",
        "\"\\uD83D\\uDE00\"",
        "\"\xc3\xa9 \xe2\x82\xac \xf0\x9f\x98\x80\"",
        "\"\x7f\"",
        "\"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf\"",
        "{\"\":0,\"\":1}",
        "123456789012345678901234567890",
        "\"12345678\"",
        "\"1234567\"",
        "\"123456789 123456789 123456789\"",
        "\"\\u0000\"",
    };
    for (size_t i = 0; i < countof(docs); i++) {
        size_t at;
        const char *why;
        CASE(docs[i]);
        CHECK(json_scan_valid(str(docs[i]), &at, &why));
    }
}

TEST(invalid_documents_say_where_and_why)
{
    static const struct {
        const char *doc;
        size_t at;
        const char *why;
    } cases[] = {
        {"", 0, "the text ends too early"},
        {"  ", 2, "the text ends too early"},
        {"[1,2", 4, "the text ends too early"},
        {"{\"a\"", 4, "the text ends too early"},
        {"{\"a\":", 5, "the text ends too early"},
        {"\"abc", 4, "the text ends too early"},
        {"\"abcdefgh", 9, "the text ends too early"},
        {"\"a\\", 3, "the text ends too early"},
        {"tru", 3, "the text ends too early"},
        {"1 2", 2, "something follows the document"},
        {"{}{}", 2, "something follows the document"},
        {"[]]", 2, "something follows the document"},
        {"01", 1, "something follows the document"},
        {"1.5.2", 3, "something follows the document"},
        {"-", 1, "the text ends too early"},
        {"-a", 1, "a number without a digit where one must be"},
        {"1.", 2, "the text ends too early"},
        {"[1.]", 3, "a number without a digit where one must be"},
        {"[1e]", 3, "a number without a digit where one must be"},
        {"+1", 0, "a value is expected"},
        {".5", 0, "a value is expected"},
        {"[,]", 1, "a value is expected"},
        {"[1,]", 3, "a value is expected"},
        {"{,}", 1, "a key in quotes is expected"},
        {"{\"a\":1,}", 7, "a key in quotes is expected"},
        {"{a:1}", 1, "a key in quotes is expected"},
        {"{\"a\" 1}", 5, "':' is expected"},
        {"{\"a\":1 \"b\":2}", 7, "',' or '}' is expected"},
        {"[1 2]", 3, "',' or ']' is expected"},
        {"[1}", 2, "',' or ']' is expected"},
        {"nul]", 3, "an unknown word"},
        {"NaN", 0, "a value is expected"},
        {"'a'", 0, "a value is expected"},
        {"<html>", 0, "a value is expected"},
        {"// x\n1", 0, "a value is expected"},
        {"\"a\nb\"", 2, "a control character in a string"},
        {"\"abcdefghi\tb\"", 10, "a control character in a string"},
        {"\"\\x\"", 2, "an unknown escape in a string"},
        {"\"\\u12g4\"", 2, "\\u without four hex digits"},
        {"\"\\ud83d\"", 2, "half of a surrogate pair in a string"},
        {"\"\\ud83dabcdefghij\"", 2, "half of a surrogate pair in a string"},
        {"\"\\ud83d\\u0041\"", 2, "half of a surrogate pair in a string"},
        {"\"\\ude00\"", 2, "half of a surrogate pair in a string"},
        {"\"\xc3(\"", 1, "a string that is not UTF-8"},
        {"\"\xc0\x80\"", 1, "a string that is not UTF-8"},
        {"\"\xe0\x80\x80\"", 1, "a string that is not UTF-8"},
        {"\"\xed\xa0\x80\"", 1, "a string that is not UTF-8"},
        {"\"\xf0\x80\x80\x80\"", 1, "a string that is not UTF-8"},
        {"\"\xf4\x90\x80\x80\"", 1, "a string that is not UTF-8"},
        {"\"\xf5\x80\x80\x80\"", 1, "a string that is not UTF-8"},
        {"\"\xff\"", 1, "a string that is not UTF-8"},
        {"\"\x80\"", 1, "a string that is not UTF-8"},
        {"\"abc\xe2\x82", 4, "a string that is not UTF-8"},
        {"\xef\xbb\xbf{}", 0, "a value is expected"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        size_t at = 999;
        const char *why = "valid";
        CASE(cases[i].doc);
        CHECK(!json_scan_valid(str(cases[i].doc), &at, &why));
        CHECK_INT(at, cases[i].at);
        CHECK_STR(why, cases[i].why);
    }
}

TEST(a_nul_byte_is_no_end)
{
    size_t at;
    const char *why;
    CHECK(!json_scan_valid((struct str){"1\0", 2}, &at, &why));
    CHECK_INT(at, 1);
    CHECK(!json_scan_valid((struct str){"\"\0\"", 3}, &at, &why));
    CHECK_STR(why, "a control character in a string");
    CHECK(!json_scan_valid((struct str){"\"\\\0\"", 4}, &at, &why));
    CHECK_STR(why, "an unknown escape in a string");
}

TEST(the_depth_is_bounded)
{
    static char doc[2048];
    size_t at;
    const char *why;
    for (size_t depth = 511; depth <= 513; depth++) {
        memset(doc, '[', depth);
        memset(doc + depth, ']', depth);
        CHECK_INT(json_scan_valid((struct str){doc, 2 * depth}, &at, &why), depth <= 512);
    }
    CHECK_STR(why, "nested more than 512 deep");
    CHECK_INT(at, 513);
}

/* Every document cut anywhere is invalid, and its slice is never read beyond: the copy has its exact size. */
TEST(a_cut_document_is_invalid)
{
    static const char doc[] =
        "{\"title\":\"Am\xc3\xa9lie \\ud83d\\ude00\",\"n\":[-1.5e3,true,null,{\"a\":\"b\"}]}";
    for (size_t n = 0; n < sizeof doc - 1; n++) {
        size_t at;
        const char *why;
        char *copy = malloc(n ? n : 1);
        memcpy(copy, doc, n);
        CHECK(!json_scan_valid((struct str){copy, n}, &at, &why));
        CHECK(at <= n);
        free(copy);
    }
}

static bool add_value(void *arg, struct str v)
{
    buf_addf(arg, "%.*s;", STR(v));
    return true;
}

static const char *const film =
    " { \"id\" : 155 , \"title\" : \"The \\\"Dark\\\" Knight\" , \"nul\" : null ,\n"
    "  \"credits\" : { \"cast\" : [ {\"id\":1,\"n\":\"a]}\"} , {\"id\":2} , {\"id\":3}, {\"x\":4}, "
    "{\"id\":5} ], \"crew\":[] },\n"
    "  \"nested\":[[1,2],[3,[4]]], \"t\\u0069tle2\": true, \"id\" : 156, \"a.b\": {\"c d\": 7}, "
    "\"last\":-1.5e3 } ";

TEST(paths_find_values)
{
    static const struct {
        const char *path, *want;
    } cases[] = {
        {"$.id", "155;"},
        {"$.title", "\"The \\\"Dark\\\" Knight\";"},
        {"$.last", "-1.5e3;"},
        {"$.nul", "null;"},
        {"$.nul.x", ""},
        {"$.none", ""},
        {"$.none.x[0]", ""},
        {"$.id.x", ""},
        {"$.id[0]", ""},
        {"$.credits.cast[0].id", "1;"},
        {"$.credits.cast[3].id", ""},
        {"$.credits.cast[9].id", ""},
        {"$.credits.cast[:3].id", "1;2;3;"},
        {"$.credits.cast[:0].id", ""},
        {"$.credits.cast[*].id", "1;2;3;5;"},
        {"$.credits.cast[:99].id", "1;2;3;5;"},
        {"$.credits.cast[0]", "{\"id\":1,\"n\":\"a]}\"};"},
        {"$.credits.crew", "[];"},
        {"$.credits.crew[*]", ""},
        {"$.nested[*][*]", "1;2;3;[4];"},
        {"$.nested[1][1][0]", "4;"},
        {"$.title2", "true;"},
        {"$[\"a.b\"]['c d']", "7;"},
        {"$.credits[*]", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e;
        auto_arena *a = arena_new();
        auto_buf got = BUF(1000);
        struct json_path *path;
        CASE(cases[i].path);
        REQUIRE(json_path_parse(a, cases[i].path, &path, &e));
        json_scan_each(str(film), path, add_value, &got);
        CHECK_STR(got.p, cases[i].want);
        struct str first;
        CHECK_INT(json_scan_get(str(film), path, &first), cases[i].want[0] != '\0');
    }
}

TEST(the_root_is_a_path_too)
{
    struct err e;
    auto_arena *a = arena_new();
    struct json_path *path;
    struct str v;
    REQUIRE(json_path_parse(a, "$", &path, &e));
    REQUIRE(json_scan_get(str(" [1, 2] "), path, &v));
    CHECK(str_is(v, "[1, 2]"));
    CHECK(json_scan_get(str(" 12"), path, &v) && str_is(v, "12"));
    CHECK(!json_scan_get(str("  "), path, &v));
    REQUIRE(json_path_parse(a, "$[:2]", &path, &e));
    CHECK(json_scan_get(str("[\"x\"]"), path, &v) && str_is(v, "\"x\""));
}

TEST(a_wrong_path_says_where)
{
    static const struct {
        const char *path, *msg;
    } cases[] = {
        {"", "path '': '$' is expected at column 1"},
        {"id", "path 'id': '$' is expected at column 1"},
        {"$id", "path '$id': '.' or '[' is expected at column 2"},
        {"$.", "path '$.': a key is expected at column 3"},
        {"$.a..b", "path '$.a..b': a key is expected at column 5"},
        {"$.a[", "path '$.a[': a number, ':' and a number, '*' or a quoted key is expected at column 5"},
        {"$.a[x]", "path '$.a[x]': a number, ':' and a number, '*' or a quoted key is expected at column 5"},
        {"$.a[-1]",
         "path '$.a[-1]': a number, ':' and a number, '*' or a quoted key is expected at column 5"},
        {"$.a[1", "path '$.a[1': ']' is expected at column 6"},
        {"$.a[:]", "path '$.a[:]': a number, ':' and a number, '*' or a quoted key is expected at column 6"},
        {"$.a[1:2]", "path '$.a[1:2]': ']' is expected at column 6"},
        {"$['a]", "path '$['a]': a closing quote is expected at column 6"},
        {"$.a b", "path '$.a b': '.' or '[' is expected at column 4"},
        {"$.a]", "path '$.a]': '.' or '[' is expected at column 4"},
        {"$.a[12345678901234567890]", "path '$.a[12345678901234567890]': a number, ':' and a number, '*' or "
                                      "a quoted key is expected at column 5"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e;
        auto_arena *a = arena_new();
        struct json_path *path;
        CASE(cases[i].path);
        CHECK(!json_path_parse(a, cases[i].path, &path, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_STR(e.msg, cases[i].msg);
    }
}

TEST(scalars_as_text)
{
    static const struct {
        const char *value, *want; /* NULL = none */
    } cases[] = {
        {"\"\"", ""},
        {"\"plain\"", "plain"},
        {"\"a\\\"b\\\\c\\/d\\b\\f\\n\\r\\te\"", "a\"b\\c/d\b\f\n\r\te"},
        {"\"\\u00e9\\u20ac\\u0041\"", "\xc3\xa9\xe2\x82\xac"
                                      "A"},
        {"\"\\ud83d\\ude00!\"", "\xf0\x9f\x98\x80!"},
        {"\"\\uD834\\uDD1E\"", "\xf0\x9d\x84\x9e"},
        {"\"\\ud83dx\"", "\xef\xbf\xbdx"},
        {"\"\\ude00\"", "\xef\xbf\xbd"},
        {"12", "12"},
        {"-1.50", "-1.50"},
        {"true", "true"},
        {"false", "false"},
        {"null", NULL},
        {"{}", NULL},
        {"[1]", NULL},
        {"", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(100);
        CASE(cases[i].value);
        CHECK_INT(json_scan_text(str(cases[i].value), &b), cases[i].want != NULL);
        CHECK_STR(b.p, cases[i].want ? cases[i].want : "");
    }
}

TEST(a_nul_in_a_text_is_kept)
{
    auto_buf b = BUF(100);
    CHECK(json_scan_text(str("\"a\\u0000b\""), &b));
    CHECK_INT(b.len, 3);
    CHECK(memcmp(b.p, "a\0b", 3) == 0);
}

TEST(whole_numbers)
{
    static const struct {
        const char *value;
        bool ok;
        int64_t want;
    } cases[] = {
        {"0", true, 0},
        {"-0", true, 0},
        {"155", true, 155},
        {"\"12\"", true, 12},
        {"\"-7\"", true, -7},
        {"9223372036854775807", true, INT64_MAX},
        {"-9223372036854775808", true, INT64_MIN},
        {"9223372036854775808", false, 0},
        {"123456789012345678901234567890", false, 0},
        {"1.0", false, 0},
        {"1e3", false, 0},
        {"\"\"", false, 0},
        {"\"", false, 0},
        {"", false, 0},
        {"-", false, 0},
        {"null", false, 0},
        {"\"1 \"", false, 0},
        {"true", false, 0},
        {"[1]", false, 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        int64_t v = 0;
        CASE(cases[i].value);
        CHECK_INT(json_scan_int(str(cases[i].value), &v), cases[i].ok);
        CHECK_INT(v, cases[i].want);
    }
}

TEST(looking_into_what_is_not_valid_stays_inside)
{
    static const char doc[] = "{\"a\":[{\"b\":\"x\\\\\"},[1,2,{\"c\":null}]],\"d\":\"\\ud83d\\ude00\"}";
    static const char *const paths[] = {"$.a[*].b", "$.a[1][2].c", "$.d", "$[*]", "$.a[:9][*]", "$"};
    auto_arena *a = arena_new();
    for (size_t i = 0; i < countof(paths); i++) {
        struct err e;
        struct json_path *path;
        REQUIRE(json_path_parse(a, paths[i], &path, &e));
        for (size_t n = 0; n < sizeof doc; n++) {
            for (size_t flip = 0; flip <= n; flip++) {
                char *copy = malloc(n + 1);
                auto_buf b = BUF(1000);
                struct str v;
                memcpy(copy, doc, n);
                copy[n] = '#';
                copy[flip] = flip == n ? '#' : "{}[]\":,\\"[(flip + n) % 8];
                char *exact = malloc(n ? n : 1);
                memcpy(exact, copy, n);
                if (json_scan_get((struct str){exact, n}, path, &v)) {
                    CHECK(v.p >= exact && v.p + v.n <= exact + n);
                    json_scan_text(v, &b);
                }
                free(copy);
                free(exact);
            }
        }
    }
}
