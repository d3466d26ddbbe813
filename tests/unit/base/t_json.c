#include "base/json.h"

#include <math.h>

#include "test.h"

static json_t *parsed(struct arena *a, const char *text)
{
    struct err e = {0};
    json_t *j = NULL;
    if (!json_parse(a, text, strlen(text), "state", &j, &e))
        BAD("%s", e.msg);
    return j;
}

TEST(json_goes_in_and_comes_out_again)
{
    static const struct {
        const char *in, *want; /* NULL = the same */
    } cases[] = {
        {"null", NULL},
        {"true", NULL},
        {"[]", NULL},
        {"{}", NULL},
        {"\"x\"", NULL},
        {"[1,-2,9223372036854775807]", NULL},
        {"[1.5,0.1,-2.0]", NULL},
        {"[1e22,3.0,0.30000000000000004]", "[1e+22,3.0,0.30000000000000004]"},
        {"{\"b\":1,\"a\":[{\"c\":null},false]}", NULL},
        {" { \"z\" : 1 ,\n\"a\" : 2 } ", "{\"z\":1,\"a\":2}"},
        {"\"\\u00e9\\n\\/\"", "\"\u00e9\\n/\""},
        {"{\"a\\\"b\":\"\\u0001\"}", "{\"a\\\"b\":\"\\u0001\"}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        auto_buf b = BUF(1000);
        CASE(cases[i].in);
        json_write(&b, parsed(a, cases[i].in));
        CHECK_STR(b.p, cases[i].want ? cases[i].want : cases[i].in);
    }
}

TEST(bad_json_is_refused_with_its_place)
{
    static const struct {
        const char *text, *want;
    } cases[] = {
        {"", "state: invalid JSON at byte 0"},
        {"{", "state: invalid JSON at byte 1"},
        {"{\"a\":1,}", "state: invalid JSON at byte 8"},
        {"[1,2", "state: invalid JSON at byte 4"},
        {"[1] x", "state: invalid JSON at byte 5"},
        {"{'a':1}", "state: invalid JSON at byte 2"},
        {"\"\xff\"", "state: invalid JSON at byte 1"},
        {"99999999999999999999", "state: invalid JSON at byte 20"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        json_t *j = NULL;
        CASE(cases[i].text);
        CHECK(!json_parse(a, cases[i].text, strlen(cases[i].text), "state", &j, &e));
        CHECK_INT(e.kind, ERR_DATA);
        CHECK_STR(e.msg, cases[i].want);
        CHECK(!j);
    }
    auto_arena *a = arena_new();
    struct err e = {0};
    json_t *j = NULL;
    CHECK(!json_parse(a, NULL, 0, "nothing", &j, &e));
    CHECK_STR(e.msg, "nothing: invalid JSON at byte 0");
}

TEST(only_the_given_bytes_are_read)
{
    auto_arena *a = arena_new();
    struct err e;
    json_t *j = NULL;
    CHECK(json_parse(a, "[1]garbage", 3, "x", &j, &e));
    CHECK_INT(json_array_size(j), 1);
}

TEST(members_have_defaults)
{
    auto_arena *a = arena_new();
    json_t *j = parsed(a, "{\"s\":\"x\",\"i\":7,\"r\":3.0,\"f\":3.5,\"big\":1e300,\"t\":true,\"n\":null}");
    CHECK_STR(json_str(j, "s", "def"), "x");
    CHECK_STR(json_str(j, "i", "def"), "def");
    CHECK_STR(json_str(j, "n", "def"), "def");
    CHECK_STR(json_str(j, "none", NULL), NULL);
    CHECK_INT(json_int(j, "i", -1), 7);
    CHECK_INT(json_int(j, "r", -1), 3);
    CHECK_INT(json_int(j, "f", -1), -1);
    CHECK_INT(json_int(j, "big", -1), -1);
    CHECK_INT(json_int(j, "s", -1), -1);
    CHECK_INT(json_int(j, "n", -1), -1);
    CHECK_INT(json_int(j, "none", -1), -1);
    CHECK(json_bool(j, "t", false));
    CHECK(json_bool(j, "n", true));
    CHECK(json_bool(j, "i", true));
    CHECK(!json_bool(j, "none", false));
    CHECK_INT(json_int(NULL, "x", 5), 5);
    CHECK_STR(json_str(parsed(a, "[]"), "x", "def"), "def");
}

TEST(a_tied_value_lives_as_long_as_the_arena)
{
    json_t *j = json_pack("{s:i}", "a", 1);
    json_incref(j);
    struct arena *a = arena_new();
    CHECK(json_tie(a, j) == j);
    CHECK(!json_tie(a, NULL));
    CHECK_INT(j->refcount, 2);
    arena_free(a);
    CHECK_INT(j->refcount, 1);
    json_decref(j);
}

TEST(what_json_cannot_say_is_null)
{
    auto_buf b = BUF(100);
    json_write(&b, NULL);
    CHECK_STR(b.p, "null");
    CHECK(!json_real(NAN)); /* jansson does not even make these */
    CHECK(!json_real(INFINITY));
}

TEST(strings_are_quoted)
{
    static const struct {
        const char *label, *in;
        size_t n;
        const char *want;
    } cases[] = {
        {"empty", "", 0, "\"\""},
        {"plain", "a/b", 3, "\"a/b\""},
        {"quotes and backslashes", "\"\\", 2, "\"\\\"\\\\\""},
        {"short escapes", "\b\f\n\r\t", 5, "\"\\b\\f\\n\\r\\t\""},
        {"controls", "\x01\x1f\x7f", 3, "\"\\u0001\\u001f\\u007f\""},
        {"a zero byte", "a\0b", 3, "\"a\\u0000b\""},
        {"utf-8", "\u00e9\u6620\U0001f600", 9, "\"\u00e9\u6620\U0001f600\""},
        {"line separators and C1", "\u2028\u2029\xc2\x85", 8, "\"\\u2028\\u2029\\u0085\""},
        {"bad bytes", "a\xff\xc3z", 4, "\"a\ufffd\ufffdz\""},
        {"cut at the end", "\u6620", 2, "\"\ufffd\ufffd\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(100);
        CASE(cases[i].label);
        json_quote(&b, cases[i].in, cases[i].n);
        CHECK_STR(b.p, cases[i].want);
    }
}
