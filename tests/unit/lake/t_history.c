#include "lake_test.h"

TEST(history_tells_the_newest_first)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    struct lake_version *v = NULL;
    size_t n = 0;
    CHECK(!lake_history(a, &t, 0, &v, &n, &e));
    CHECK_STR(e.msg, "there is no table 't'");

    test_log(&t, 0,
             INFO(",\"engineInfo\":\"Apache-Spark/3.5\",\"operationParameters\":{\"mode\":\"Append\"},"
                  "\"operationMetrics\":{\"numFiles\":\"1\"},\"userMetadata\":\"by hand\"")
                 PROTOCOL METADATA("", "") ADD("f") ADD("g"));
    test_log(&t, 1, REMOVE("f") "{\"add\":{\"path\":\"h\",\"partitionValues\":{},\"size\":8}}\n");
    struct lake_snapshot *s = test_snapshot(a, &t);
    const struct lake_commit c = {
        .base = s, .operation = "MERGE", .run_id = "r-1", .metrics = "{\"x\":\"1\"}"};
    int64_t version;
    REQUIRE(lake_commit(a, &t, &c, &version, &e));

    REQUIRE(lake_history(a, &t, 0, &v, &n, &e));
    REQUIRE(n == 3);
    CHECK_INT(v[0].version, 2);
    CHECK_STR(v[0].operation, "MERGE");
    CHECK_STR(v[0].run_id, "r-1");
    CHECK_STR(v[0].engine, "cupel/0.1.0");
    CHECK_STR(v[0].metrics, "{\"x\":\"1\"}");
    CHECK_INT(v[0].timestamp_ms, TEST_NOW_MS);
    CHECK_INT(v[0].files_added, 0);
    CHECK_INT(v[1].version, 1);
    CHECK_STR(v[1].operation, "");
    CHECK_STR(v[1].engine, NULL);
    CHECK_INT(v[1].files_added, 1);
    CHECK_INT(v[1].files_removed, 1);
    CHECK_INT(v[1].rows_added, -1);
    CHECK_INT(v[1].bytes_added, 8);
    CHECK(v[1].timestamp_ms > 1700000000000);
    CHECK_STR(v[2].operation, "WRITE");
    CHECK_STR(v[2].parameters, "{\"mode\":\"Append\"}");
    CHECK_STR(v[2].engine, "Apache-Spark/3.5");
    CHECK_STR(v[2].run_id, NULL);
    CHECK_INT(v[2].timestamp_ms, 1000);
    CHECK_INT(v[2].rows_added, 6);
    CHECK_INT(v[2].bytes_added, 2);

    REQUIRE(lake_history(a, &t, 2, &v, &n, &e));
    CHECK_INT(n, 2);
    CHECK_INT(v[1].version, 1);
    test_log(&t, 3, "{");
    CHECK(!lake_history(a, &t, 0, &v, &n, &e));
    CHECK_INT(e.kind, ERR_DATA);
}

static const char *paths_of(struct arena *a, const struct lake_file *const *files, size_t n)
{
    const char *all = "";
    for (size_t i = 0; i < n; i++)
        all = arena_fmt(a, "%s%s%s", all, i ? " " : "", files[i]->path);
    return all;
}

TEST(what_came_and_what_went)
{
#define MOVE(from, to)                                                                                       \
    "{\"remove\":{\"path\":\"" from "\",\"dataChange\":false}}\n{\"add\":{\"path\":\"" to                    \
    "\",\"partitionValues\":{},\"size\":1,\"dataChange\":false}}\n"
#define OTHER(id)                                                                                            \
    "{\"metaData\":{\"id\":\"" id                                                                            \
    "\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[]}\"}}\n"
#define DV(storage, where)                                                                                   \
    "\"path\":\"a\",\"dataChange\":true,\"deletionVector\":{\"storageType\":\"" storage                      \
    "\",\"pathOrInlineDv\":\"" where "\",\"sizeInBytes\":1,\"cardinality\":1}}}\n"
#define ADD_DV(storage, where)                                                                               \
    "{\"add\":{\"partitionValues\":{},\"size\":1,\"stats\":\"{\\\"numRecords\\\":3}\"," DV(storage, where)
#define REMOVE_DV(storage, where) "{\"remove\":{" DV(storage, where)
    static const struct {
        const char *label;
        const char *log[3]; /* versions 1 to 3 */
        int after;
        const char *added, *removed;
        bool known;
    } cases[] = {
        {"everything, the first time", {ADD("b"), ADD("c"), ADD("d")}, -1, "a b c d", "", true},
        {"what came after", {ADD("b"), ADD("c"), ADD("d")}, 1, "c d", "", true},
        {"from the start", {ADD("b"), ADD("c"), ADD("d")}, 0, "b c d", "", true},
        {"nothing", {ADD("b"), ADD("c"), ADD("d")}, 3, "", "", true},
        {"a rewrite is passed over", {ADD("b"), MOVE("b", "x"), ADD("d")}, 0, "b d", "", true},
        {"what was rewritten goes with its new file",
         {ADD("b"), MOVE("b", "x"), REMOVE("x") ADD("d")},
         0,
         "b d",
         "x",
         true},
        {"a delete", {ADD("b"), REMOVE("a"), ADD("d")}, 0, "b d", "a", true},
        {"what comes and goes was never there", {ADD("b"), REMOVE("b"), ADD("d")}, 0, "d", "", true},
        {"what is brought back never went", {REMOVE("a"), ADD("a"), ADD("d")}, 0, "d", "", true},
        {"a delete before", {REMOVE("a"), ADD("c"), ADD("d")}, 1, "c d", "", true},
        {"new columns", {METADATA("", "\"x\":\"1\""), ADD("c"), ADD("d")}, 0, "c d", "", true},
        {"other partitions", {METADATA("\"p\"", "") REMOVE("a"), ADD("c"), ADD("d")}, 0, "c d", "", false},
        {"a table that was made anew", {ADD("b"), ADD("c"), ADD("d")}, 9, "a b c d", "", false},
        {"another table", {OTHER("j") OTHER("i"), ADD("c"), ADD("d")}, 0, "a c d", "", false},
        {"a file that is gone", {ADD("gone"), MOVE("gone", "x"), ADD("d")}, 0, "a d x", "", false},
        {"one that was deleted", {ADD("gone"), REMOVE("gone"), ADD("d")}, 1, "a d", "", false},
        {"rows that were deleted", {REMOVE("a") ADD_DV("i", "x"), ADD("c"), ADD("d")}, 0, "a c d", "a", true},
        {"and more of them",
         {REMOVE("a") ADD_DV("i", "x"), REMOVE_DV("i", "x") ADD_DV("i", "y"), ADD("d")},
         0,
         "a d",
         "a",
         true},
        {"and brought back",
         {REMOVE("a") ADD_DV("i", "x"), REMOVE_DV("i", "x") ADD("a"), ADD("d")},
         0,
         "d",
         "",
         true},
        {"a vector that is gone",
         {REMOVE("a") ADD_DV("u", "^-aqEH.-t@S}K{vb[*k^"), ADD("c"),
          REMOVE_DV("u", "^-aqEH.-t@S}K{vb[*k^") ADD("d")},
         1,
         "c d",
         "",
         false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        struct lake_changes c;
        CASE(cases[i].label);
        for (const char *name = "abcdx"; *name; name++)
            test_put(&t, arena_strn(a, name, 1), "data");
        test_log(&t, 0, PROTOCOL METADATA("", "") ADD("a"));
        for (int v = 0; v < 3; v++)
            test_log(&t, v + 1, cases[i].log[v]);
        struct lake_snapshot *s = test_snapshot(a, &t);
        REQUIRE(lake_changes_since(a, &t, s, cases[i].after, &c, &e));
        CHECK_STR(paths_of(a, c.added, c.nadded), cases[i].added);
        CHECK_STR(paths_of(a, c.removed, c.nremoved), cases[i].removed);
        CHECK_INT(c.known, cases[i].known);
    }
}

TEST(rows_that_are_deleted_are_not_counted)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    struct lake_version *v;
    size_t n;
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("a"));
    test_log(&t, 1, REMOVE("a") ADD_DV("i", "x"));
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_INT(s->files[0].rows, 3);
    CHECK_INT(lake_file_rows(&s->files[0]), 2);
    CHECK_INT(lake_file_rows(&(struct lake_file){.rows = -1, .dv = s->files[0].dv}), -1);
    REQUIRE(lake_history(a, &t, 1, &v, &n, &e));
    CHECK_INT(v[0].rows_added, 0);
    CHECK_INT(v[0].files_added, 1);
}

TEST(a_log_that_no_longer_tells_gives_every_file)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    struct lake_changes c;
    test_log(&t, 0, PROTOCOL METADATA("\"p\"", "") ADD("a"));
    test_log(&t, 1, "{\"add\":{\"path\":\"b\",\"partitionValues\":{\"p\":\"x\"},\"size\":1}}\n");
    test_log(&t, 2, ADD("c"));
    struct lake_snapshot *s = test_snapshot(a, &t);
    REQUIRE(lake_changes_since(a, &t, s, 0, &c, &e));
    REQUIRE(c.nadded == 2);
    CHECK_STR(c.added[0]->values[0], "x");
    CHECK_STR(c.added[1]->values[0], NULL);
    CHECK(t.store->driver->remove(t.store, "t/_delta_log/00000000000000000001.json", &e));
    REQUIRE(lake_changes_since(a, &t, s, 0, &c, &e));
    CHECK(!c.known);
    CHECK_INT(c.nadded, 3);
    test_log(&t, 1, "{");
    CHECK(!lake_changes_since(a, &t, s, 0, &c, &e));
    CHECK_INT(e.kind, ERR_DATA);
}

TEST(has_a_file_been_committed)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    bool found = true;
    REQUIRE(lake_added_since(&t, -1, "part-1-", &found, &e));
    CHECK(!found); /* no table */
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("part-1-x"));
    test_log(&t, 1, ADD("p=1/part-2-x"));
    test_log(&t, 2, REMOVE("p=1/part-2-x") REMOVE("part-3-x"));
    static const struct {
        const char *prefix;
        int64_t after;
        bool want;
    } cases[] = {
        {"part-1-", -1, true},  {"part-1-", 0, false}, {"part-2-", 0, true},
        {"part-3-", -1, false}, {"p=1", -1, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].prefix);
        REQUIRE(lake_added_since(&t, cases[i].after, cases[i].prefix, &found, &e));
        CHECK_INT(found, cases[i].want);
    }
    CHECK(t.store->driver->remove(t.store, "t/_delta_log/00000000000000000001.json", &e));
    REQUIRE(lake_added_since(&t, 0, "part-9-", &found, &e));
    CHECK(found); /* nobody can tell any more */
}

TEST(tables_are_found_by_their_logs)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    const char **tables;
    size_t n;
    REQUIRE(lake_tables(a, t.store, &tables, &n, &e));
    CHECK_INT(n, 0);
    static const char *const dirs[] = {"silver/movies", "bronze/movies", "top", "a/b/c"};
    for (size_t i = 0; i < countof(dirs); i++) {
        t.dir = dirs[i];
        test_log(&t, 0, "x");
    }
    t.dir = "";
    test_put(&t, ".hidden/t/_delta_log/0.json", "x");
    test_put(&t, "_x/t/_delta_log/0.json", "x");
    test_put(&t, "silver/movies/inner/_delta_log/0.json", "x");
    test_put(&t, "file", "x");
    REQUIRE(lake_tables(a, t.store, &tables, &n, &e));
    REQUIRE(n == 4);
    CHECK_STR(tables[0], "a/b/c");
    CHECK_STR(tables[1], "bronze/movies");
    CHECK_STR(tables[2], "silver/movies");
    CHECK_STR(tables[3], "top");
    fault_only("opendir");
    fault_arm(1);
    CHECK(!lake_tables(a, t.store, &tables, &n, &e));
    fault_off();
    CHECK_INT(e.kind, ERR_IO);
}

TEST(what_counts_as_a_change)
{
    static const char moved[] =
        "{\"add\":{\"path\":\"m\",\"partitionValues\":{},\"size\":1,\"modificationTime\":2,"
        "\"dataChange\":false}}\n";
    static const struct {
        const char *label, *commit; /* of version 2 */
        bool want;
    } cases[] = {
        {"words alone", INFO(""), false},
        {"rows in other files", moved, false},
        {"a watermark", "{\"txn\":{\"appId\":\"a\",\"version\":1}}\n", false},
        {"a file more", ADD("b"), true},
        {"a file less", REMOVE("a"), true},
        {"another schema", METADATA("", ""), true},
        {"a commit that is gone", NULL, true},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        bool changed = false;
        CASE(cases[i].label);
        test_log(&t, 0, PROTOCOL METADATA("", ""));
        test_log(&t, 1, ADD("a"));
        if (cases[i].commit)
            test_log(&t, 2, cases[i].commit);
        test_log(&t, 3, INFO(""));
        CHECK(lake_changed_since(&t, 1, &changed, &e));
        CHECK_INT(changed, cases[i].want);
        CHECK(lake_changed_since(&t, 3, &changed, &e));
        CHECK(!changed);
        CHECK(lake_changed_since(&t, 4, &changed, &e)); /* another table in its place */
        CHECK(changed);
        test_log(&t, 3, "{damaged");
        CHECK(!lake_changed_since(&t, 2, &changed, &e));
        CHECK_HAS(e.msg, "00000000000000000003.json");
    }
}
