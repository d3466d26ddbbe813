#include "lake/vacuum.h"

#include <fcntl.h>

#include "lake_test.h"

/* Makes a file that is `age_days` old by the test's clock. */
static void put_aged(const struct lake_table *t, const char *name, int age_days)
{
    auto_arena *a = arena_new();
    time_t s = TEST_NOW_MS / 1000 - (time_t)age_days * 24 * 3600;
    const struct timespec times[2] = {{.tv_sec = s}, {.tv_sec = s}};
    test_put(t, name, "data");
    const char *path = store_uri(a, t->store, arena_fmt(a, "%s/%s", t->dir, name));
    REQUIRE(utimensat(AT_FDCWD, path, times, 0) == 0);
}

static const struct lake_vacuum_options week = {.retain_ms = -1};

/* "junk x/", or the error. */
static const char *doomed(struct arena *a, const struct lake_table *t, const struct lake_vacuum_options *o)
{
    struct err e = {0};
    struct lake_vacuum v;
    const char *all = "";
    if (!lake_vacuum_find(a, t, o, &v, &e))
        return arena_fmt(a, "%s: %s", err_name(e.kind), e.msg);
    for (size_t i = 0; i < v.n; i++)
        all = arena_fmt(a, "%s%s%s%s", all, i ? " " : "", v.v[i].path, v.v[i].is_dir ? "/" : "");
    return all;
}

TEST(a_needed_file_is_known_by_any_spelling)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    const char *root = store_uri(a, t.store, "t");
    test_log(&t, 0,
             arena_fmt(a,
                       PROTOCOL METADATA("", "") ADD("./a") ADD("x/./b") ADD("x//.//c") ADD("%s/d")
                           ADD("%s//x/./e") ADD("../other/f"),
                       root, root));
    static const char *const names[] = {"a", "x/b", "x/c", "d", "x/e", "x/f", "junk", "x/junk"};
    for (size_t i = 0; i < countof(names); i++)
        put_aged(&t, names[i], 30);
    test_put(&(struct lake_table){.store = t.store, .dir = "other"}, "f", "data");
    CHECK_STR(doomed(a, &t, &week), "junk x/junk");
}

TEST(the_retention_is_the_tables_unless_a_shorter_one_is_meant)
{
    static const struct {
        const char *label, *conf;
        struct lake_vacuum_options o;
        const char *want;
    } cases[] = {
        {"the default", "", {.retain_ms = -1}, "old"},
        {"the table's own",
         "\"delta.deletedFileRetentionDuration\":\"interval 1 day\"",
         {.retain_ms = -1},
         "old young"},
        {"longer", "", {.retain_ms = INT64_C(60) * 24 * 3600 * 1000}, ""},
        {"shorter by 90 minutes",
         "",
         {.retain_ms = 90 * 60 * 1000},
         "user: a retention of 90 minutes is shorter than the table's 7 days: whoever reads or writes it now "
         "may still "
         "need the files"},
        {"of one second",
         "",
         {.retain_ms = 1000},
         "user: a retention of 1 second is shorter than the table's 7 days: whoever reads or writes it now "
         "may still need "
         "the files"},
        {"of no unit",
         "",
         {.retain_ms = 1},
         "user: a retention of 1 ms is shorter than the table's 7 days: whoever reads or writes it now may "
         "still need the "
         "files"},
        {"shorter, and meant", "", {.retain_ms = 1, .force = true}, "old young"},
        {"what cannot be read",
         "\"delta.deletedFileRetentionDuration\":\"soon\"",
         {.retain_ms = -1, .force = true},
         "data: property delta.deletedFileRetentionDuration = 'soon' cannot be understood: 'soon' is not a "
         "duration"},
        {"what cannot be read, and does not matter",
         "\"delta.deletedFileRetentionDuration\":\"soon\"",
         {.retain_ms = 1, .force = true},
         "old young"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        CASE(cases[i].label);
        test_log(
            &t, 0,
            arena_fmt(a,
                      PROTOCOL
                      "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":"
                      "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],"
                      "\"configuration\":{%s}}}\n",
                      cases[i].conf));
        put_aged(&t, "old", 30);
        put_aged(&t, "young", 3);
        CHECK_STR(doomed(a, &t, &cases[i].o), cases[i].want);
    }
}

TEST(folders_without_end_are_refused)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    const char *deep = "f";
    test_log(&t, 0, PROTOCOL METADATA("", ""));
    for (int i = 0; i < 66; i++)
        deep = arena_fmt(a, "d/%s", deep);
    put_aged(&t, deep, 30);
    CHECK_STR(doomed(a, &t, &week), "limit: folders below table 't' are deeper than 64");
}

static bool two_writers(void *arg, struct arena *a, const char *const **ret, size_t *ret_n, struct err *e)
{
    static const char *const tokens[] = {"part-1", "part-2"};
    (void)a;
    if (arg)
        return fail(e, ERR_IO, "nobody knows who is at work");
    *ret = tokens;
    *ret_n = 2;
    return true;
}

TEST(what_is_being_staged_stays)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    test_log(&t, 0, PROTOCOL METADATA("", ""));
    put_aged(&t, "part-1-x.parquet", 30);
    put_aged(&t, "p=1/part-2-y.parquet", 30);
    put_aged(&t, "part-3-z.parquet", 30);
    CHECK_STR(doomed(a, &t, &(struct lake_vacuum_options){-1, false, two_writers, NULL}), "part-3-z.parquet");
    CHECK_STR(doomed(a, &t, &(struct lake_vacuum_options){-1, false, two_writers, &t}),
              "io: nobody knows who is at work");
}

TEST(every_call_of_a_vacuum_may_fail)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_STICK};
    auto_arena *all = arena_new();
    struct lake_table t = test_table(all);
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("a") ADD("x/b"));
    test_log(&t, 1, INFO("") REMOVE("a"));
    for (size_t m = 0; m < countof(modes); m++) {
        for (int n = 0, hit = 1; hit; n++) {
            auto_arena *a = arena_new();
            struct err e = {0};
            struct lake_vacuum v;
            put_aged(&t, "x/b", 30);
            put_aged(&t, "junk", 30);
            put_aged(&t, "y/junk", 30);
            fault_mode(modes[m]);
            fault_arm(n);
            bool ok = lake_vacuum_find(a, &t, &week, &v, &e) && lake_vacuum_remove(&t, &v, &e);
            hit = fault_hit();
            CASE(arena_fmt(a, "%s, call %d", fault_call(), n));
            fault_off();
            CHECK(ok || *e.msg);
            CHECK_STR(test_get(a, &t, "x/b"), "data");
            REQUIRE(lake_vacuum_find(a, &t, &week, &v, &e) && lake_vacuum_remove(&t, &v, &e));
            CHECK_HAS(test_get(a, &t, "junk"), "no such file");
            CHECK_HAS(test_get(a, &t, "y/junk"), "no such file");
        }
    }
}
