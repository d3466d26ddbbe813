#include "lake/pull.h"

#include "lake/map.h"
#include "lake_test.h"

TEST(what_is_json_and_what_is_not)
{
    static const struct {
        const char *text, *why; /* NULL = fine */
        size_t at;
    } cases[] = {
        {"{}", NULL, 0},
        {" [1, -2.5e+3, true,\tfalse, null, \"a\\u00fc\"] \n", NULL, 0},
        {"{\"a\":{\"b\":[{}]}}", NULL, 0},
        {"", "it is cut off", 0},
        {"{", "it is cut off", 1},
        {"{\"a\"", "it is cut off", 4},
        {"{\"a\":1,}", "a string is expected", 7},
        {"{\"a\" 1}", "a colon is expected", 5},
        {"{\"a\":1 \"b\"}", "a comma is expected", 7},
        {"[1,]", "a value is expected", 3},
        {"[01]", "a value is expected", 3},
        {"[1.]", "a value is expected", 3},
        {"[-]", "a value is expected", 2},
        {"[1e]", "a value is expected", 3},
        {"[nul]", "a value is expected", 1},
        {"\"abc", "it is cut off", 4},
        {"\"abc\\", "it is cut off", 5},
        {"\"a\nb\"", "a control character in a string", 2},
        {"\"\xff\"", "a string is not UTF-8", 2},
        {"{} {}", "there is more behind it", 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].text);
        struct pull j = pull_begin(a, cases[i].text, strlen(cases[i].text));
        pull_skip(&j);
        CHECK_INT(pull_end(&j), cases[i].why == NULL);
        CHECK_STR(j.why, cases[i].why);
        CHECK_INT(j.at, cases[i].at);
    }
}

TEST(strings_mean_what_their_escapes_say)
{
    static const struct {
        const char *text, *want; /* NULL = refused */
    } cases[] = {
        {"\"\"", ""},
        {"\"a\\\"\\\\\\/\\b\\f\\n\\r\\tz\"", "a\"\\/\b\f\n\r\tz"},
        {"\"\\u0041\\u00fc\\u20AC\\ud83d\\ude00\"", "A\xc3\xbc\xe2\x82\xac\xf0\x9f\x98\x80"},
        {"\"\\u0000\"", NULL},
        {"\"\\ud83d\"", NULL},
        {"\"\\ud83dx\"", NULL},
        {"\"\\ud83d\\u0041\"", NULL},
        {"\"\\ude00\"", NULL},
        {"\"\\u12\"", NULL},
        {"\"\\u12g4\"", NULL},
        {"\"\\x\"", NULL},
        {"1", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].text);
        struct pull j = pull_begin(a, cases[i].text, strlen(cases[i].text));
        const char *got = pull_string(&j);
        CHECK_INT(pull_end(&j), cases[i].want != NULL);
        if (cases[i].want)
            CHECK_STR(got, cases[i].want);
    }
}

TEST(numbers_fit_or_are_refused)
{
    static const struct {
        const char *text;
        int64_t want; /* 0 = refused */
    } cases[] = {
        {"1", 1},
        {"-7", -7},
        {"9223372036854775807", INT64_MAX},
        {"9223372036854775808", 0},
        {"1603724023478.0", 1603724023478},
        {"1e3", 1000},
        {"1e30", 0},
        {"true", 0},
        {"\"1\"", 0},
        {"0000000000000000000000000000000000000001", 0},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].text);
        struct pull j = pull_begin(a, cases[i].text, strlen(cases[i].text));
        CHECK_INT(pull_int(&j), cases[i].want);
        CHECK_INT(pull_end(&j), cases[i].want != 0);
    }
}

TEST(depth_has_an_end)
{
    auto_arena *a = arena_new();
    auto_buf b = BUF(1 << 20);
    for (int i = 0; i < 100000; i++)
        buf_addf(&b, "[");
    struct pull j = pull_begin(a, b.p, b.len);
    pull_skip(&j);
    CHECK(!pull_end(&j));
    CHECK_STR(j.why, "it is nested too deeply");
}

TEST(keys_may_have_escapes)
{
    auto_arena *a = arena_new();
    const char *text = "{\"a\\u0064d\" : 5, \"x\":[1,2]}";
    struct pull j = pull_begin(a, text, strlen(text));
    struct str key;
    REQUIRE(pull_object(&j));
    REQUIRE(pull_key(&j, &key));
    CHECK(str_is(key, "add"));
    CHECK_INT(pull_int(&j), 5);
    REQUIRE(pull_key(&j, &key));
    CHECK_STR(pull_raw(&j), "[1,2]");
    CHECK(!pull_key(&j, &key));
    CHECK(pull_end(&j));
}

TEST(a_text_becomes_one_line)
{
    static const struct {
        const char *text, *want; /* NULL = refused */
    } cases[] = {
        {"{}", "{}"},
        {" { \"a b\" :\n[ 1 , \"x \\\" y\" ] }\n", "{\"a b\":[1,\"x \\\" y\"]}"},
        {"\"\\\\\" ", "\"\\\\\""},
        {"{", NULL},
        {"1 2", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(1000);
        CASE(cases[i].text);
        CHECK_INT(pull_compact(&b, cases[i].text), cases[i].want != NULL);
        if (cases[i].want)
            CHECK_STR(b.p, cases[i].want);
    }
}

TEST(a_map_numbers_names_in_order)
{
    auto_arena *a = arena_new();
    struct map m = {0};
    CHECK(map_find(&m, "x") == SIZE_MAX);
    for (size_t round = 0; round < 2; round++)
        for (size_t i = 0; i < 5000; i++)
            CHECK_INT(map_add(a, &m, arena_fmt(a, "name-%zu", i)), i);
    CHECK_INT(m.n, 5000);
    CHECK_INT(map_find(&m, "name-77"), 77);
    CHECK(map_find(&m, "name-5000") == SIZE_MAX);
}
