#include "lake/path.h"

#include "base/text.h"
#include "lake_test.h"

TEST(paths_are_spelled_so_that_every_reader_finds_them)
{
    static const struct {
        const char *label, *path, *spelled;
    } cases[] = {
        {"plain", "part-1.parquet", "part-1.parquet"},
        {"a folder", "p=1/q=x-y_z.~!*'()@&=+$,;/f", "p=1/q=x-y_z.~!*'()@&=+$,;/f"},
        {"a space and a percent sign", "p=a b/100%", "p=a%20b/100%25"},
        {"a folder that is escaped itself", "p=x%3Dy/f", "p=x%253Dy/f"},
        {"a colon", "p=1:2/f", "p=1%3A2/f"},
        {"signs of URIs", "a#b?c[d]", "a%23b%3Fc%5Bd%5D"},
        {"other letters", "\xc3\xbc", "%C3%BC"},
        {"a control character", "a\tb", "a%09b"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        CHECK_STR(path_encode(a, cases[i].path), cases[i].spelled);
        CHECK_STR(path_decode(a, cases[i].spelled), cases[i].path);
    }
}

TEST(paths_of_other_writers_are_understood)
{
    static const struct {
        const char *spelled, *path;
        bool absolute;
    } cases[] = {
        {"a%2fb", "a/b", false},
        {"100%", "100%", false},
        {"%zz%4", "%zz%4", false},
        {"%00", "%00", false},
        {"special p@#h", "special p@#h", false},
        {"/some/where", "/some/where", true},
        {"file:/some/where%20else", "/some/where else", true},
        {"file:///some/where", "/some/where", true},
        {"s3://bucket/a%20b", "s3://bucket/a b", true},
        {"a/b://c", "a/b://c", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].spelled);
        CHECK_STR(path_decode(a, cases[i].spelled), cases[i].path);
        CHECK_INT(path_is_absolute(cases[i].path), cases[i].absolute);
    }
}

TEST(partitions_have_the_folders_of_hive)
{
    static const struct {
        const char *label, *column, *value, *want;
    } cases[] = {
        {"a number", "year", "2026", "year=2026"},
        {"null", "p", NULL, "p=__HIVE_DEFAULT_PARTITION__"},
        {"nothing", "p", "", "p=__HIVE_DEFAULT_PARTITION__"},
        {"what Hive escapes", "a=b", "x=y/z:\"'#%*?\\{[]^\x01\x7f",
         "a%3Db=x%3Dy%2Fz%3A%22%27%23%25%2A%3F%5C%7B%5B%5D%5E%01%7F"},
        {"what it does not", "p", "a b+&}~", "p=a b+&}~"},
        {"other letters", "p", "\xc3\xbc", "p=\xc3\xbc"},
    };
    auto_arena *a = arena_new();
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        CHECK_STR(lake_partition_dir(a, &cases[i].column, &cases[i].value, 1), cases[i].want);
    }
    CHECK_STR(lake_partition_dir(a, (const char *const[]){"a", "b"}, (const char *const[]){"1", NULL}, 2),
              "a=1/b=__HIVE_DEFAULT_PARTITION__");
    CHECK_STR(lake_partition_dir(a, NULL, NULL, 0), "");
}

TEST(long_values_are_cut_to_fit_a_name_and_stay_apart)
{
    auto_arena *a = arena_new();
    char text[1000];
    for (int letters = 100; letters < 130; letters++) {
        for (int kind = 0; kind < 3; kind++) {
            const char *unit = kind == 0 ? "x" : kind == 1 ? "\xe2\x82\xac" : "/";
            *text = '\0';
            for (int i = 0; i < letters; i++)
                strncat(text, unit, sizeof text - strlen(text) - 1);
            const char *value = text, *column = "p";
            const char *one = arena_str(a, lake_partition_dir(a, &column, &value, 1));
            CHECK(strlen(one) <= 255);
            CHECK(text_utf8(one, strlen(one)));
            const char *cut = strchr(one, '-');
            for (const char *p = one; cut && p < cut; p++)
                CHECK(*p != '%' || cut - p > 2);
            text[strlen(text) - 1] = 'q';
            CHECK(strcmp(one, lake_partition_dir(a, &column, &value, 1)) != 0);
        }
    }
}

TEST(names_are_fresh)
{
    auto_arena *a = arena_new();
    const char *x = lake_uuid(a), *y = lake_uuid(a);
    CHECK_INT(strlen(x), 36);
    CHECK(strcmp(x, y) != 0);
    CHECK_INT(x[14], '4');
    CHECK(strchr("89ab", x[19]) != NULL);
    CHECK_INT(strspn(x, "0123456789abcdef-"), 36);
}
