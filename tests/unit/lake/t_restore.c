#include "lake/restore.h"

#include "lake_test.h"

#define TXN(app, version) "{\"txn\":{\"appId\":\"" app "\",\"version\":" version "}}\n"

/* Version 0 has a and b, a property, and watermarks of two programs; version 1 has b and c, another property,
 * and watermarks that went on. */
static struct lake_table changed_table(struct arena *a)
{
    static const char *const files[] = {"a", "b", "c"};
    struct lake_table t = test_table(a);
    for (size_t i = 0; i < countof(files); i++)
        test_put(&t, files[i], "data");
    test_log(&t, 0,
             PROTOCOL METADATA("", "\"delta.appendOnly\":\"false\",\"mine\":\"1\"") ADD("a") ADD("b")
                 TXN("cupel/x", "4") TXN("spark", "7"));
    test_log(&t, 1,
             METADATA("", "\"delta.appendOnly\":\"false\",\"mine\":\"2\",\"new\":\"3\"") REMOVE("a") ADD("c")
                 TXN("cupel/x", "9") TXN("cupel/y", "1") TXN("spark", "8"));
    return t;
}

static const char *plan(struct arena *a, const struct lake_restore *r)
{
    const char *all = "";
    for (size_t i = 0; i < r->nback; i++)
        all = arena_fmt(a, "%s+%s ", all, r->back[i]->path);
    for (size_t i = 0; i < r->ngone; i++)
        all = arena_fmt(a, "%s-%s ", all, r->gone[i]->path);
    for (size_t i = 0; i < r->nmissing; i++)
        all = arena_fmt(a, "%s!%s ", all, r->missing[i]);
    for (size_t i = 0; i < r->nproperties; i++)
        all = arena_fmt(a, "%s%s=%s ", all, r->properties[i].key,
                        r->properties[i].value ? r->properties[i].value : "-");
    for (size_t i = 0; i < r->ntxns; i++)
        all = arena_fmt(a, "%s%s@%" PRIi64 " ", all, r->txns[i].app_id, r->txns[i].version);
    return all;
}

TEST(files_properties_and_our_watermarks_go_back)
{
    auto_arena *a = arena_new();
    struct lake_table t = changed_table(a);
    struct lake_restore r;
    struct err e = {0};
    int64_t version;
    REQUIRE(lake_restore_plan(a, &t, (struct lake_at){.version = 0}, &r, &e));
    CHECK_STR(plan(a, &r), "+a -c mine=1 new=- cupel/x@4 cupel/y@-1 ");
    CHECK(!lake_restore_empty(&r));
    REQUIRE(lake_restore_commit(a, &t, &r, &version, &e));
    CHECK_INT(version, 2);
    const struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_STR(test_paths(a, s), "a b");
    CHECK_STR(lake_property(s, "mine"), "1");
    CHECK(!lake_property(s, "new"));
    CHECK_INT(lake_txn_version(s, "cupel/x"), 4);
    CHECK_INT(lake_txn_version(s, "cupel/y"), -1);
    CHECK_INT(lake_txn_version(s, "spark"), 8);
    CHECK_HAS(test_get(a, &t, test_commit_name(a, 2)),
              "\"numRestoredFiles\":\"1\",\"numRemovedFiles\":\"1\"");

    REQUIRE(lake_restore_plan(a, &t, (struct lake_at){.version = 0}, &r, &e));
    CHECK(lake_restore_empty(&r));
    REQUIRE(lake_restore_plan(a, &t, (struct lake_at){.version = 1}, &r, &e)); /* and forward again */
    REQUIRE(lake_restore_commit(a, &t, &r, &version, &e));
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "b c");
}

TEST(what_cannot_be_restored_is_refused)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct lake_restore r;
    struct err e = {0};
    int64_t version;
    test_log(&t, 0,
             PROTOCOL METADATA("", "") ADD("a") ADD("b") ADD("c") ADD("d")
                 ADD("/elsewhere/e")); /* nobody looks for what is not the table's own */
    test_log(&t, 1, REMOVE("a") REMOVE("b") REMOVE("c") REMOVE("d") REMOVE("/elsewhere/e"));
    REQUIRE(lake_restore_plan(a, &t, (struct lake_at){.version = 0}, &r, &e));
    CHECK_STR(plan(a, &r), "+/elsewhere/e +a +b +c +d !a !b !c !d ");
    CHECK(!lake_restore_commit(a, &t, &r, &version, &e));
    CHECK_STR(e.msg,
              "version 0 of table 't' cannot be restored: 4 of its files are gone: 'a', 'b', 'c' and 1 more");
    CHECK_INT(e.kind, ERR_DATA);
    CHECK(!lake_restore_plan(a, &t, (struct lake_at){.version = 7}, &r, &e));
    CHECK_HAS(e.msg, "has no version 7");

    struct lake_table mapped = test_table(a);
    test_log(&mapped, 0, PROTOCOL METADATA("", ""));
    test_log(
        &mapped, 1,
        "{\"protocol\":{\"minReaderVersion\":2,\"minWriterVersion\":5}}\n"
        "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\"},\"schemaString\":\"{\\\"type\\\":"
        "\\\"struct\\\",\\\"fields\\\":[]}\",\"partitionColumns\":[],\"configuration\":"
        "{\"delta.columnMapping.mode\":\"name\"}}}\n");
    CHECK(!lake_restore_plan(a, &mapped, (struct lake_at){.version = 0}, &r, &e));
    CHECK_HAS(e.msg, "has got column mapping since version 0, which cannot be taken back");
}

TEST(somebody_who_was_quicker_is_a_conflict)
{
    auto_arena *a = arena_new();
    struct lake_table t = changed_table(a);
    struct lake_restore r;
    struct err e = {0};
    int64_t version;
    REQUIRE(lake_restore_plan(a, &t, (struct lake_at){.version = 0}, &r, &e));
    test_log(&t, 2, REMOVE("c"));
    CHECK(!lake_restore_commit(a, &t, &r, &version, &e));
    CHECK_INT(e.kind, ERR_CONFLICT);
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "b");
}

TEST(every_call_of_a_restore_may_fail)
{
    for (int n = 0, hit = 1; hit; n++) {
        auto_arena *a = arena_new();
        struct lake_table t = changed_table(a);
        struct lake_restore r;
        struct err e = {0};
        int64_t version;
        fault_arm(n);
        bool ok = lake_restore_plan(a, &t, (struct lake_at){.version = 0}, &r, &e) &&
                  lake_restore_commit(a, &t, &r, &version, &e);
        hit = fault_hit();
        CASE(arena_fmt(a, "%s, call %d", fault_call(), n));
        fault_off();
        CHECK(ok || *e.msg);
        const char *now = test_paths(a, test_snapshot(a, &t));
        CHECK(strcmp(now, "a b") == 0 || (!ok && strcmp(now, "b c") == 0));
        REQUIRE(lake_restore_plan(a, &t, (struct lake_at){.version = 0}, &r, &e));
        CHECK(lake_restore_empty(&r) || lake_restore_commit(a, &t, &r, &version, &e));
        CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a b");
    }
}
