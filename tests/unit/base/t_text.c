#include "base/text.h"

#include <math.h>

#include "test.h"

#define S(lit) ((struct str){(lit), sizeof(lit) - 1})

TEST(slices_are_compared_and_trimmed)
{
    CHECK(str_is(S("load"), "load"));
    CHECK(!str_is(S("load"), "loa"));
    CHECK(!str_is(S("loa"), "load"));
    CHECK(!str_is(S("load"), "Load"));
    CHECK(str_is((struct str){0}, ""));

    static const struct {
        struct str in;
        const char *want;
    } cases[] = {
        {S(""), ""}, {S("  \t\r\n "), ""}, {S("a"), "a"}, {S(" a b\n"), "a b"}, {S("\v\fa"), "a"},
    };
    for (size_t i = 0; i < countof(cases); i++)
        CHECK(str_is(str_trim(cases[i].in), cases[i].want));
    char out[16];
    snprintf(out, sizeof out, "<%.*s>", STR(str_trim(S(" ab "))));
    CHECK_STR(out, "<ab>");
}

TEST(the_nearest_name_is_found_if_it_is_near)
{
    static const char *const names[] = {"postgres", "mysql", "mongo", "http", "csv", "load", "s3", "on"};
    static const struct {
        const char *word, *want;
    } cases[] = {
        {"postgress", "postgres"},
        {"postgre", "postgres"},
        {"Postgres", "postgres"},
        {"mogno", "mongo"},
        {"laod", "load"},
        {"htttp", "http"},
        {"tsv", "csv"},
        {"mongodb", "mongo"},
        {"csv", "csv"},
        {"parquet", NULL},
        {"pg", NULL},
        {"s4", NULL},
        {"", NULL},
        {"no", NULL},
        {"mssql", "mysql"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].word);
        CHECK_STR(text_nearest(cases[i].word, names, countof(names)), cases[i].want);
    }
    CASE("");
    CHECK(!text_nearest("x", NULL, 0));

    char word[200];
    memset(word, 'w', sizeof word - 1);
    word[sizeof word - 1] = '\0';
    const char *const same[] = {word, "w"};
    CHECK(!text_nearest(word, same, 2));
    CHECK_STR(text_nearest("w", same, 2), "w");
    word[64] = '\0';
    CHECK_STR(text_nearest(word, same, 2), word);

    static const char *const ties[] = {"tea", "sea"};
    CHECK_STR(text_nearest("rea", ties, 2), "tea");
}

TEST(durations)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"0s", 0},           {"500ms", 500},
        {"30s", 30000},      {"30 sec", 30000},
        {"1 second", 1000},  {"5m", 300000},
        {"5 min", 300000},   {"4h", 14400000},
        {"1 hour", 3600000}, {"730 days", 63072000000},
        {"1d", 86400000},    {"2 weeks", 1209600000},
        {"1w", 604800000},   {"1.5h", 5400000},
        {"0.0004s", 0},      {"0.0005s", 1},
        {" 30 s ", 30000},   {"9223372036854775807ms", INT64_MAX},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        int64_t got = -7;
        CASE(cases[i].text);
        CHECK(text_duration_ms(cases[i].text, &got, &e));
        CHECK_INT(got, cases[i].want);
    }
    static const char *const bad[] = {
        "",
        "30",
        "s",
        "-5s",
        "+5s",
        "1h30m",
        "5 M",
        "5 month",
        "5.s",
        ".5s",
        "1e3s",
        "0x1s",
        "5,5s",
        "nan",
        "inf s",
        "30 seconds ago",
        "9223372036854775808ms",
        "9223372036854775807s",
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct err e = {0};
        int64_t got = -7;
        char want[100];
        CASE(bad[i]);
        snprintf(want, sizeof want, "'%s' is not a duration", bad[i]);
        CHECK(!text_duration_ms(bad[i], &got, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_STR(e.msg, want);
        CHECK_STR(e.hint, "a number and a unit: 500ms, 30s, 5m, 4h, 730 days, 2 weeks");
        CHECK_INT(got, -7);
    }
}

TEST(shares)
{
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        {"95%", 0.95}, {"95 %", 0.95}, {"0095%", 0.95}, {"0.95", 0.95}, {" 95% ", 0.95},  {"0", 0},
        {"0%", 0},     {"1", 1},       {"100%", 1},     {"1.0", 1},     {"99.9%", 0.999}, {"0.5 %", 0.005},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        double got = -7;
        CASE(cases[i].text);
        CHECK(text_percent(cases[i].text, &got, &e));
        CHECK(got == cases[i].want);
    }
    static const struct {
        const char *text, *want, *hint;
    } bad[] = {
        {"", "'' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"%", "'%' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"most", "'most' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"-1%", "'-1%' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"95%%", "'95%%' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"1e-1", "'1e-1' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"0x1", "'0x1' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {".5", "'.5' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"nan", "'nan' is not a share", "a percentage or a fraction: 95%, 0.95"},
        {"95", "'95' is more than 100%", "write '95%'"},
        {"1.01", "'1.01' is more than 100%", "write '1.01%'"},
        {"101%", "'101%' is more than 100%", ""},
        {"950", "'950' is more than 100%", ""},
    };
    for (size_t i = 0; i < countof(bad); i++) {
        struct err e = {0};
        double got = -7;
        CASE(bad[i].text);
        CHECK(!text_percent(bad[i].text, &got, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_STR(e.msg, bad[i].want);
        CHECK_STR(e.hint, bad[i].hint);
        CHECK(got == -7);
    }
}

TEST(sizes)
{
    static const struct {
        const char *text;
        int64_t want;
    } cases[] = {
        {"0", 0},
        {"1000", 1000},
        {"1000 B", 1000},
        {"1KB", 1000},
        {"1kb", 1000},
        {"1 KiB", 1024},
        {"512MB", 512000000},
        {"8 GiB", 8589934592},
        {"8gib", 8589934592},
        {"1.5 GB", 1500000000},
        {"2TB", 2000000000000},
        {"1 TiB", 1099511627776},
        {"9223372036854775807", INT64_MAX},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        int64_t got = -7;
        CASE(cases[i].text);
        CHECK(text_size_bytes(cases[i].text, &got, &e));
        CHECK_INT(got, cases[i].want);
    }
    static const char *const bad[] = {
        "", "MB", "-1", "1 M", "1 XB", "1MB2", "9223372036854775808", "10000000000 GB"};
    for (size_t i = 0; i < countof(bad); i++) {
        struct err e = {0};
        int64_t got = -7;
        char want[100];
        CASE(bad[i]);
        snprintf(want, sizeof want, "'%s' is not a size", bad[i]);
        CHECK(!text_size_bytes(bad[i], &got, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_STR(e.msg, want);
        CHECK_STR(e.hint, "bytes, or a number and a unit: 1000, 512MB, 8 GiB");
        CHECK_INT(got, -7);
    }
}

TEST(whole_numbers)
{
    static const struct {
        const char *text;
        int64_t want;
        const char *msg;
    } cases[] = {
        {"0", 0, NULL},
        {"42", 42, NULL},
        {"-42", -42, NULL},
        {"007", 7, NULL},
        {"9223372036854775807", INT64_MAX, NULL},
        {"-9223372036854775808", INT64_MIN, NULL},
        {"", -7, "'' is not a whole number"},
        {"-", -7, "'-' is not a whole number"},
        {"+1", -7, "'+1' is not a whole number"},
        {" 1", -7, "' 1' is not a whole number"},
        {"1 ", -7, "'1 ' is not a whole number"},
        {"1.0", -7, "'1.0' is not a whole number"},
        {"1e3", -7, "'1e3' is not a whole number"},
        {"0x10", -7, "'0x10' is not a whole number"},
        {"--1", -7, "'--1' is not a whole number"},
        {"9223372036854775808", -7, "'9223372036854775808' is too large a number"},
        {"-9223372036854775809", -7, "'-9223372036854775809' is too large a number"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        int64_t got = -7;
        CASE(cases[i].text);
        CHECK_INT(text_int(cases[i].text, &got, &e), !cases[i].msg);
        CHECK_STR(e.msg, cases[i].msg ? cases[i].msg : "");
        CHECK_INT(got, cases[i].want);
    }
}

TEST(sql_is_quoted)
{
    static const struct {
        void (*quote)(struct buf *, const char *);
        const char *in, *want;
    } cases[] = {
        {sql_ident, "id", "\"id\""},
        {sql_ident, "", "\"\""},
        {sql_ident, "a\"b", "\"a\"\"b\""},
        {sql_ident, "a.b 'c'", "\"a.b 'c'\""},
        {sql_literal, "it's", "'it''s'"},
        {sql_literal, "", "''"},
        {sql_literal, "'; drop table x; --", "'''; drop table x; --'"},
        {sql_literal, "back\\slash \"quoted\"\n", "'back\\slash \"quoted\"\n'"},
        {sql_table, "movies", "\"movies\""},
        {sql_table, "silver.movies", "\"silver\".\"movies\""},
        {sql_table, "lake.silver.m\"v", "\"lake\".\"silver\".\"m\"\"v\""},
        {sql_table, "a.", "\"a\".\"\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(100);
        CASE(cases[i].in);
        cases[i].quote(&b, cases[i].in);
        CHECK_STR(b.p, cases[i].want);
    }
}

TEST(hashes_are_those_of_fnv)
{
    CHECK(text_hash("", 0, 0) == 0xcbf29ce484222325);
    CHECK(text_hash("a", 1, 0) == 0xaf63dc4c8601ec8c);
    CHECK(text_hash("foobar", 6, 0) == 0x85944171f73967e8);
    CHECK(text_hash("bar", 3, text_hash("foo", 3, 0)) == text_hash("foobar", 6, 0));
}

TEST(utf8_is_checked)
{
    static const struct {
        const char *label;
        struct str in;
        bool want;
    } cases[] = {
        {"nothing", S(""), true},
        {"ascii", S("abc\x7f"), true},
        {"a zero byte", S("a\0b"), true},
        {"two bytes", S("\xc2\x80 \xdf\xbf"), true},
        {"three bytes", S("\xe0\xa0\x80 \xed\x9f\xbf \xee\x80\x80 \xef\xbf\xbf"), true},
        {"four bytes", S("\xf0\x90\x80\x80 \xf4\x8f\xbf\xbf"), true},
        {"a lone continuation", S("\x80"), false},
        {"cut in two", S("a\xc3"), false},
        {"cut in three", S("\xe2\x82"), false},
        {"cut in four", S("\xf0\x9f\x98"), false},
        {"a letter in the middle", S("\xe2\x82z"), false},
        {"overlong slash", S("\xc0\xaf"), false},
        {"overlong in three", S("\xe0\x9f\xbf"), false},
        {"overlong in four", S("\xf0\x8f\xbf\xbf"), false},
        {"a surrogate", S("\xed\xa0\x80"), false},
        {"the last surrogate", S("\xed\xbf\xbf"), false},
        {"too large", S("\xf4\x90\x80\x80"), false},
        {"five bytes", S("\xf8\x88\x80\x80\x80"), false},
        {"ff", S("\xff"), false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        CHECK_INT(text_utf8(cases[i].in.p, cases[i].in.n), cases[i].want);
    }
    uint32_t rune = 0;
    CHECK_INT(text_rune("\xf0\x9f\x98\x80!", 5, &rune), 4);
    CHECK_INT(rune, 0x1f600);
    CHECK_INT(text_rune("", 0, &rune), 0);
}

TEST(widths_are_columns)
{
    static const struct {
        const char *label;
        struct str in;
        int want;
    } cases[] = {
        {"nothing", S(""), 0},
        {"ascii", S("movies"), 6},
        {"accents", S("caf\u00e9"), 4},
        {"a combining accent", S("cafe\u0301"), 4},
        {"japanese", S("\u6620\u753b"), 4},
        {"kana", S("\u3042\u30ab"), 4},
        {"hangul", S("\uc601\ud654"), 4},
        {"hangul in pieces", S("\u1112\u1161\u11ab"), 2},
        {"fullwidth", S("\uff21"), 2},
        {"halfwidth", S("\uff71"), 1},
        {"an emoji", S("\U0001f600"), 2},
        {"a rare ideograph", S("\U00020000"), 2},
        {"zero width joiner", S("a\u200db"), 2},
        {"variation selector", S("\u2713\ufe0f"), 1},
        {"cyrillic and greek", S("\u0416\u03a9"), 2},
        {"box drawing", S("\u2500\u2502"), 2},
        {"devanagari", S("\u0939\u093f\u0928\u094d\u0926\u0940"), 5},
        {"controls", S("a\x1b\x07\x7f"), 1},
        {"bad bytes show as one each", S("a\xff\xc3"), 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        CHECK_INT(text_width(cases[i].in.p, cases[i].in.n), cases[i].want);
    }
}

TEST(what_fits_is_whole_characters)
{
    static const char text[] = "a\xc3\xa9\xe5\xaf\x84\xff"
                               "b"; /* a, e acute, a wide one, a bad byte, b */
    static const size_t want[] = {0, 1, 3, 3, 6, 7, 8};
    for (size_t i = 0; i < countof(want); i++)
        CHECK_INT(text_fit(text, sizeof text - 1, (int)i), want[i]);
    CHECK_INT(text_fit("ae\xcc\x81x", 5, 2), 4); /* a combining mark takes no room */
}

TEST(reals_are_as_short_as_they_can_be)
{
    static const struct {
        double v;
        const char *want;
    } cases[] = {
        {0, "0"},
        {-0.0, "-0"},
        {1.5, "1.5"},
        {0.1, "0.1"},
        {0.1 + 0.2, "0.30000000000000004"},
        {1.0 / 3, "0.3333333333333333"},
        {1e22, "1e+22"},
        {123456789012345678.0, "1.2345678901234568e+17"},
        {5e-324, "4.94065645841247e-324"},
        {-INFINITY, "-inf"},
        {NAN, "nan"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(100);
        CASE(cases[i].want);
        text_real(&b, cases[i].v);
        CHECK_STR(b.p, cases[i].want);
    }
}
