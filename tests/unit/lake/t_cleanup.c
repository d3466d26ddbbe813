#include "lake/cleanup.h"

#include <fcntl.h>

#include "lake_test.h"

static struct test_parquet counts;
static const struct lake_parquet lines = {&counts, test_parquet_read, test_parquet_write};

/* Something in the log that is `age_days` old by the test's clock. */
static void put_aged(const struct lake_table *t, const char *name, const char *text, int age_days)
{
    auto_arena *a = arena_new();
    time_t s = TEST_NOW_MS / 1000 - (time_t)age_days * 24 * 3600;
    const struct timespec times[2] = {{.tv_sec = s}, {.tv_sec = s}};
    test_put(t, name, text);
    REQUIRE(utimensat(AT_FDCWD, store_uri(a, t->store, arena_fmt(a, "%s/%s", t->dir, name)), times, 0) == 0);
}

#define V2(sidecar)                                                                                          \
    "PAR1\n" PROTOCOL METADATA("", "") "{\"sidecar\":{\"path\":\"" sidecar "\",\"sizeInBytes\":1}}\n"

/* Three versions of 60, 50 and 40 days ago, each with a checkpoint that has a sidecar of its own. */
static struct lake_table old_table(struct arena *a)
{
    struct lake_table t = test_table(a);
    t.parquet = &lines;
    put_aged(&t, "_delta_log/00000000000000000000.json", PROTOCOL METADATA("", ""), 60);
    put_aged(&t, "_delta_log/00000000000000000001.json", ADD("a"), 50);
    put_aged(&t, "_delta_log/00000000000000000002.json", ADD("b"), 40);
    put_aged(&t, "_delta_log/00000000000000000001.checkpoint.parquet", V2("one.parquet"), 50);
    put_aged(&t, "_delta_log/00000000000000000002.checkpoint.parquet", V2("two.parquet"), 40);
    put_aged(&t, "_delta_log/_sidecars/one.parquet", "PAR1\n" ADD("a"), 50);
    put_aged(&t, "_delta_log/_sidecars/two.parquet", "PAR1\n" ADD("a") ADD("b"), 40);
    put_aged(&t, "_delta_log/_sidecars/lost.parquet", "PAR1\n", 2);
    put_aged(&t, "_delta_log/_sidecars/new.parquet", "PAR1\n", 0);
    return t;
}

static const char *expired(struct arena *a, const struct lake_table *t)
{
    struct err e = {0};
    struct lake_log_expired x;
    const char *all = "";
    if (!lake_log_find(a, t, test_snapshot(a, t), &x, &e))
        return arena_fmt(a, "%s: %s", err_name(e.kind), e.msg);
    for (size_t i = 0; i < x.n; i++)
        all = arena_fmt(a, "%s%s%s", all, i ? " " : "", x.names[i]);
    return all;
}

#define COMMITS "00000000000000000000.json 00000000000000000001.checkpoint.parquet 00000000000000000001.json"

TEST(sidecars_go_when_no_checkpoint_that_stays_has_them)
{
    auto_arena *a = arena_new();
    struct lake_table t = old_table(a);
    struct lake_log_expired x;
    struct err e = {0};
    CHECK_STR(expired(a, &t), COMMITS " _sidecars/lost.parquet _sidecars/one.parquet");
    REQUIRE(lake_log_find(a, &t, test_snapshot(a, &t), &x, &e) && lake_log_remove(&t, &x, &e));
    CHECK_INT(x.first, 2);
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a b");
    CHECK_STR(expired(a, &t), "");
}

TEST(a_checkpoint_that_cannot_be_read_may_have_any_sidecar)
{
    auto_arena *a = arena_new();
    struct lake_table t = old_table(a);
    put_aged(&t, "_delta_log/00000000000000000003.json", INFO(""), 1);
    put_aged(&t, "_delta_log/00000000000000000003.checkpoint.parquet", "damaged", 1);
    CHECK_STR(expired(a, &t), COMMITS);
}

TEST(a_damaged_checkpoint_is_no_reason_to_throw_commits_away)
{
    auto_arena *a = arena_new();
    struct lake_table t = old_table(a);
    put_aged(&t, "_delta_log/00000000000000000002.checkpoint.parquet", "damaged", 40);
    CHECK_HAS(expired(a, &t), "data: the log is not cleaned up: ");
}

TEST(every_call_of_a_clean_up_may_fail)
{
    for (int n = 0, hit = 1; hit; n++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        struct lake_log_expired x;
        struct lake_table t = old_table(a);
        const struct lake_snapshot *s = test_snapshot(a, &t);
        fault_arm(n);
        bool ok = lake_log_find(a, &t, s, &x, &e) && lake_log_remove(&t, &x, &e);
        hit = fault_hit();
        CASE(arena_fmt(a, "%s, call %d", fault_call(), n));
        fault_off();
        CHECK(ok || *e.msg);
        CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a b");
        REQUIRE(lake_log_find(a, &t, s, &x, &e) && lake_log_remove(&t, &x, &e));
        CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a b");
        CHECK_STR(expired(a, &t), "");
    }
}
