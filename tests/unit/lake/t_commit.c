#include "lake_test.h"

TEST(a_commit_says_what_was_done)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    int64_t version = -1;
    const char *by = "p";
    const struct lake_property props[] = {{"delta.appendOnly", "false"}, {"mine", "x\"y"}};
    const struct lake_commit create = {
        .schema = &test_schema,
        .partition_by = &by,
        .npartition_by = 1,
        .properties = props,
        .nproperties = 2,
        .operation = "CREATE TABLE",
        .parameters = "{ \"isManaged\" :\n \"false\" }",
        .run_id = "r-1",
    };
    REQUIRE(lake_commit(a, &t, &create, &version, &e));
    CHECK_INT(version, 0);
    char *text = test_get(a, &t, "_delta_log/00000000000000000000.json");
    CHECK_HAS(
        text,
        "{\"commitInfo\":{\"timestamp\":1795246992185,\"operation\":\"CREATE TABLE\",\"operationParameters\":"
        "{\"isManaged\":\"false\"},\"operationMetrics\":{},\"isolationLevel\":\"WriteSerializable\","
        "\"isBlindAppend\":false,\"engineInfo\":\"cupel/0.1.0\","
        "\"userMetadata\":\"{\\\"cupel_run\\\":\\\"r-1\\\"}\",\"txnId\":\"");
    CHECK_HAS(text, "}}\n" PROTOCOL "{\"metaData\":{\"id\":\"");
    CHECK_HAS(
        text,
        "\"partitionColumns\":[\"p\"],\"configuration\":{\"delta.appendOnly\":\"false\",\"mine\":\"x\\\"y\"},"
        "\"createdTime\":1795246992185}}\n");

    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK(lake_schema_equal(&s->schema, &test_schema));
    CHECK_INT(s->timestamp_ms, TEST_NOW_MS);
    struct lake_file f = test_file(a, &t, "p=a b/f1");
    const char *value = "a b";
    f.values = &value;
    const struct lake_txn txn = {"app", 3};
    const struct lake_commit append = {.base = s,
                                       .adds = &f,
                                       .nadds = 1,
                                       .txns = &txn,
                                       .ntxns = 1,
                                       .blind = true,
                                       .operation = "WRITE",
                                       .metrics = "{\"numFiles\":\"1\"}"};
    REQUIRE(lake_commit(a, &t, &append, &version, &e));
    CHECK_INT(version, 1);
    text = test_get(a, &t, "_delta_log/00000000000000000001.json");
    CHECK_HAS(text, "\"operationMetrics\":{\"numFiles\":\"1\"},\"readVersion\":0,");
    CHECK_HAS(text, "\"isBlindAppend\":true");
    CHECK_HAS(text, "}}\n{\"txn\":{\"appId\":\"app\",\"version\":3,\"lastUpdated\":1795246992185}}\n"
                    "{\"add\":{\"path\":\"p=a%20b/f1\",\"partitionValues\":{\"p\":\"a "
                    "b\"},\"size\":4,\"modificationTime\":7,"
                    "\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":3}\"}}\n");

    s = test_snapshot(a, &t);
    const struct lake_file *gone = &s->files[0];
    struct lake_file g = test_file(a, &t, "g");
    value = "";
    g.values = &value;
    const struct lake_commit replace = {
        .base = s, .adds = &g, .nadds = 1, .removes = &gone, .nremoves = 1, .blind = true};
    REQUIRE(lake_commit(a, &t, &replace, &version, &e));
    text = test_get(a, &t, "_delta_log/00000000000000000002.json");
    CHECK_HAS(text, "\"operation\":\"WRITE\"");
    CHECK_HAS(text, "\"isBlindAppend\":false");
    CHECK_HAS(text,
              "{\"remove\":{\"path\":\"p=a%20b/f1\",\"deletionTimestamp\":1795246992185,\"dataChange\":true,"
              "\"extendedFileMetadata\":true,\"partitionValues\":{\"p\":\"a b\"},\"size\":4}}\n"
              "{\"add\":{\"path\":\"g\",\"partitionValues\":{\"p\":null},");
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "g");
}

TEST(a_rewrite_says_that_no_rows_change)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    int64_t version;
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("f"));
    struct lake_snapshot *s = test_snapshot(a, &t);
    struct lake_file g = test_file(a, &t, "g");
    g.data_change = false;
    const struct lake_file *gone = &s->files[0];
    const struct lake_commit c = {
        .base = s, .adds = &g, .nadds = 1, .removes = &gone, .nremoves = 1, .operation = "OPTIMIZE"};
    REQUIRE(lake_commit(a, &t, &c, &version, &e));
    char *text = test_get(a, &t, "_delta_log/00000000000000000001.json");
    CHECK(!strstr(text, "\"dataChange\":true"));
}

TEST(schema_and_properties_change_in_a_commit)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    int64_t version;
    test_create(&t);
    struct lake_snapshot *s = test_snapshot(a, &t);
    const char *id = s->table_id;
    struct lake_field fields[3] = {
        test_fields[0], test_fields[1], {.name = "x", .type = &test_long, .nullable = true}};
    const struct lake_schema wider = {fields, 3};
    const struct lake_property props[] = {{"a", "1"}, {"b", "2"}};
    const struct lake_commit c = {.base = s, .schema = &wider, .properties = props, .nproperties = 2};
    REQUIRE(lake_commit(a, &t, &c, &version, &e));
    s = test_snapshot(a, &t);
    CHECK_INT(s->schema.n, 3);
    CHECK_STR(s->table_id, id);
    CHECK_STR(lake_property(s, "b"), "2");

    const struct lake_property fewer[] = {{"a", NULL}, {"b", "3"}};
    const struct lake_commit d = {.base = s, .properties = fewer, .nproperties = 2};
    REQUIRE(lake_commit(a, &t, &d, &version, &e));
    s = test_snapshot(a, &t);
    CHECK_INT(s->schema.n, 3);
    CHECK_INT(s->nproperties, 1);
    CHECK_STR(lake_property(s, "b"), "3");

    /* The same schema again is no change. */
    const struct lake_commit same = {.base = s, .schema = &s->schema};
    REQUIRE(lake_commit(a, &t, &same, &version, &e));
    CHECK(!strstr(test_get(a, &t, test_commit_name(a, version)), "metaData"));
}

static const struct lake_type zoneless = {.kind = LAKE_PRIMITIVE, .primitive = "timestamp_ntz"};
static const struct lake_type zoneless_list = {.kind = LAKE_ARRAY, .element = &zoneless};

TEST(what_a_table_cannot_be_is_refused)
{
    static const struct lake_field twice[] = {{.name = "a", .type = &test_long},
                                              {.name = "b", .type = &test_long},
                                              {.name = "A", .type = &test_long}};
    static const struct lake_field times[] = {{.name = "a", .type = &test_long},
                                              {.name = "b", .type = &zoneless_list}};
    static const struct {
        const char *label;
        struct lake_schema schema;
        const char *by;
        struct lake_property prop;
        const char *parameters, *error;
    } cases[] = {
        {"a column twice", {twice, 3}, NULL, {0}, NULL, "table 't' would have column 'A' twice"},
        {"a timestamp without a zone",
         {times, 2},
         NULL,
         {0},
         NULL,
         "column 'b' of table 't' is a timestamp without a time zone, which Delta tables of protocol (1, 2) "
         "cannot hold"},
        {"an unknown partition column",
         {test_fields, 2},
         "q",
         {0},
         NULL,
         "table 't' cannot be partitioned by 'q': there is no such column of a simple type"},
        {"nothing but the partition",
         {test_fields, 1},
         "id",
         {0},
         NULL,
         "table 't' has no columns but those it is partitioned by"},
        {"a feature",
         {test_fields, 2},
         NULL,
         {"delta.feature.rowTracking", "supported"},
         NULL,
         "table 't': this version cannot make tables with 'rowTracking'"},
        {"parameters that are none",
         {test_fields, 2},
         NULL,
         {0},
         "{\"a\":",
         "the commit's operationParameters are not JSON: {\"a\":"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        int64_t version = -1;
        CASE(cases[i].label);
        const struct lake_commit c = {
            .schema = &cases[i].schema,
            .partition_by = &cases[i].by,
            .npartition_by = cases[i].by != NULL,
            .properties = &cases[i].prop,
            .nproperties = cases[i].prop.key != NULL,
            .parameters = cases[i].parameters,
        };
        CHECK(!lake_commit(a, &t, &c, &version, &e));
        CHECK_STR(e.msg, cases[i].error);
        CHECK_STR(test_refusal(a, &t), "there is no table 't'");
    }
}

TEST(properties_raise_the_protocol)
{
#define V(r, w) "{\"protocol\":{\"minReaderVersion\":" #r ",\"minWriterVersion\":" #w "}}\n"
    static const struct {
        const char *label, *was; /* NULL = a new table */
        struct lake_property p[2];
        size_t n;
        const char *protocol; /* "" = none is written */
    } cases[] = {
        {"a plain table", NULL, {{"mine", "x"}}, 1, V(1, 2)},
        {"a constraint", NULL, {{"delta.constraints.c", "id > 0"}}, 1, V(1, 3)},
        {"vectors",
         NULL,
         {{"delta.enableDeletionVectors", "true"}},
         1,
         "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":["
         "\"deletionVectors\"],"
         "\"writerFeatures\":[\"appendOnly\",\"invariants\",\"deletionVectors\"]}}\n"},
        {"mapped columns that only readers of lists can have",
         "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"appendOnly\"]}}"
         "\n",
         {{"delta.columnMapping.mode", "name"}},
         1,
         "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"columnMapping\"]"
         ","
         "\"writerFeatures\":[\"appendOnly\",\"columnMapping\"]}}\n"},
        {"mapped columns", NULL, {{"delta.columnMapping.mode", "name"}}, 1, V(2, 5)},
        {"mapped columns of a table that is there",
         V(1, 2),
         {{"delta.columnMapping.mode", "name"}},
         1,
         V(2, 5)},
        {"vectors that are off", NULL, {{"delta.enableDeletionVectors", "false"}}, 1, V(1, 2)},
        {"times",
         V(1, 2),
         {{"delta.enableInCommitTimestamps", "true"}},
         1,
         "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":7,\"writerFeatures\":[\"appendOnly\","
         "\"invariants\",\"inCommitTimestamp\"]}}\n"},
        {"a number that is enough", V(1, 4), {{"delta.constraints.c", "id > 0"}}, 1, ""},
        {"what the number stood for",
         V(2, 5),
         {{"delta.enableDeletionVectors", "true"}},
         1,
         "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"columnMapping\","
         "\"deletionVectors\"],\"writerFeatures\":[\"appendOnly\",\"invariants\",\"checkConstraints\","
         "\"changeDataFeed\",\"generatedColumns\",\"columnMapping\",\"deletionVectors\"]}}\n"},
        {"one more of a list",
         "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"timestampNtz\"],"
         "\"writerFeatures\":[\"timestampNtz\"]}}\n",
         {{"delta.checkpointPolicy", "v2"}, {"delta.constraints.c", "id > 0"}},
         2,
         "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"timestampNtz\","
         "\"v2Checkpoint\"],\"writerFeatures\":[\"timestampNtz\",\"checkConstraints\",\"v2Checkpoint\"]}}\n"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        int64_t version;
        CASE(cases[i].label);
        if (cases[i].was)
            test_log(&t, 0, arena_fmt(a, "%s%s", cases[i].was, METADATA("", "")));
        struct lake_snapshot *s = cases[i].was ? test_snapshot(a, &t) : NULL;
        struct lake_schema schema = test_schema;
        if (!lake_schema_map(a, s, cases[i].p, cases[i].n, &schema, &e))
            BAD("%s", e.msg);
        const struct lake_commit c = {.base = s,
                                      .schema = &schema,
                                      .properties = cases[i].p,
                                      .nproperties = cases[i].n,
                                      .operation = "SET TBLPROPERTIES"};
        if (!lake_commit(a, &t, &c, &version, &e))
            BAD("%s", e.msg);
        char *text = test_get(a, &t, test_commit_name(a, s != NULL));
        char *p = strstr(text, "{\"protocol\"");
        CHECK_STR(p ? arena_strn(a, p, strcspn(p, "\n") + 1) : "", cases[i].protocol);
    }
}

TEST(commits_say_when_they_were)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    int64_t version;
    test_create(&t);
    struct lake_snapshot *s = test_snapshot(a, &t);
    const struct lake_property on = {"delta.enableInCommitTimestamps", "true"};
    const struct lake_commit c = {.base = s, .schema = &test_schema, .properties = &on, .nproperties = 1};
    REQUIRE(lake_commit(a, &t, &c, &version, &e));
    char *text = test_get(a, &t, test_commit_name(a, 1));
    /* The clock stands still in these tests. */
    CHECK_HAS(text, "{\"commitInfo\":{\"inCommitTimestamp\":1795246992186,\"timestamp\":1795246992185,");
    CHECK_HAS(text, "\"delta.inCommitTimestampEnablementVersion\":\"1\","
                    "\"delta.inCommitTimestampEnablementTimestamp\":\"1795246992186\"");

    s = test_snapshot(a, &t);
    REQUIRE(test_append(&t, "f1", &version, &e));
    struct lake_file f = test_file(a, &t, "f2");
    const struct lake_commit late = {.base = s, .adds = &f, .nadds = 1, .blind = true};
    REQUIRE(lake_commit(a, &t, &late, &version, &e));
    CHECK_INT(version, 3);
    CHECK_HAS(test_get(a, &t, test_commit_name(a, 2)),
              "{\"commitInfo\":{\"inCommitTimestamp\":1795246992187,");
    CHECK_HAS(test_get(a, &t, test_commit_name(a, 3)),
              "{\"commitInfo\":{\"inCommitTimestamp\":1795246992188,");
    CHECK_INT(test_snapshot(a, &t)->timestamp_ms, INT64_C(1795246992188));
}

TEST(properties_that_people_may_set)
{
    static const struct {
        const char *key, *value, *error, *hint;
    } cases[] = {
        {"delta.appendOnly", "true", "", ""},
        {"delta.appendOnly", "yes", "delta.appendOnly must be true or false, not 'yes'", ""},
        {"delta.checkpointInterval", "0",
         "delta.checkpointInterval must be a whole number from 1 on, not '0'", ""},
        {"delta.checkpointPolicy", "v2", "", ""},
        {"delta.checkpointPolicy", "v3", "delta.checkpointPolicy must be classic or v2, not 'v3'", ""},
        {"delta.dataSkippingNumIndexedCols", "-1", "", ""},
        {"delta.dataSkippingNumIndexedCols", "-2",
         "delta.dataSkippingNumIndexedCols must be a number of columns, or -1 for all, not '-2'", ""},
        {"delta.logRetentionDuration", "interval 1 week", "", ""},
        {"delta.logRetentionDuration", "1 week",
         "delta.logRetentionDuration must be a time like 'interval 30 days', not '1 week'", ""},
        {"delta.constraints.c", "id > 0", "", ""},
        {"delta.constraints.", "id > 0",
         "a constraint is a name and a condition: delta.constraints.NAME: a > 0", ""},
        {"delta.dataSkippingStatsColumns", "", "delta.dataSkippingStatsColumns must be a text, not ''", ""},
        {"delta.apendOnly", "true", "'delta.apendOnly' is no table property that can be set here",
         "did you mean 'delta.appendOnly'?"},
        {"delta.columnMapping.mode", "name", "", ""},
        {"delta.columnMapping.mode", "stars",
         "delta.columnMapping.mode must be name, id or none, not 'stars'", ""},
        {"delta.columnMapping.maxColumnId", "7",
         "'delta.columnMapping.maxColumnId' is no table property that can be set here", NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        CASE(cases[i].key);
        bool ok = lake_property_check(cases[i].key, cases[i].value, &e);
        CHECK_STR(ok ? "" : e.msg, cases[i].error);
        if (cases[i].hint)
            CHECK_STR(ok ? "" : e.hint, cases[i].hint);
    }
}

TEST(what_a_table_forbids_is_refused)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    int64_t version = -1;
    test_log(&t, 0, PROTOCOL METADATA("", "\"delta.appendOnly\":\"true\"") ADD("f") ADD("g"));
    struct lake_snapshot *s = test_snapshot(a, &t);
    const struct lake_file *gone = &s->files[0];
    const struct lake_commit remove = {.base = s, .removes = &gone, .nremoves = 1};
    CHECK(!lake_commit(a, &t, &remove, &version, &e));
    CHECK_STR(e.msg, "table 't' may only be appended to (delta.appendOnly), and this would remove rows");
    const char *by = "p";
    const struct lake_commit repartition = {
        .base = s, .schema = &s->schema, .partition_by = &by, .npartition_by = 1};
    CHECK(!lake_commit(a, &t, &repartition, &version, &e));
    CHECK_STR(e.msg, "table 't' has files: its partitioning can change only when all are replaced");
    const struct lake_commit nothing = {.operation = "WRITE"};
    CHECK(!lake_commit(a, &t, &nothing, &version, &e));
    CHECK_STR(e.msg, "there is no table 't'");
    const struct lake_commit create = {.schema = &test_schema};
    CHECK(!lake_commit(a, &t, &create, &version, &e));
    CHECK_STR(e.msg, "table 't' was created by another writer meanwhile");
    CHECK_INT(e.kind, ERR_CONFLICT);
    struct lake_file absent = {.path = "none"};
    const struct lake_commit ghost = {.base = s, .adds = &absent, .nadds = 1};
    CHECK(!lake_commit(a, &t, &ghost, &version, &e));
    CHECK_HAS(e.msg, "commit to table 't': ");
    CHECK_INT(e.kind, ERR_IO);
    struct lake_file elsewhere = {.path = "/some/where"};
    const struct lake_commit clone = {.base = s, .adds = &elsewhere, .nadds = 1};
    CHECK(lake_commit(a, &t, &clone, &version, &e));
}

TEST(conflicts_are_those_of_the_protocol)
{
    /* The table has f1 and f2 at version 0; `other` is version 1, made meanwhile. */
    enum { APPEND = 1, READ = 2, REMOVE_F1 = 4, TXN = 8, REWRITE_F1 = 16, EVOLVE = 32 };
#define BLIND "{\"commitInfo\":{\"isBlindAppend\":true}}\n"
    static const struct {
        const char *label;
        int ours;
        const char *other, *error; /* NULL = it passes */
    } cases[] = {
        {"append beside append", APPEND, BLIND ADD("x"), NULL},
        {"append beside an append of others", APPEND, INFO("") ADD("x"), NULL},
        {"append beside delete", APPEND, REMOVE("f1"), NULL},
        {"append beside replace", APPEND, INFO("") REMOVE("f1") REMOVE("f2") ADD("x"), NULL},
        {"append beside a new schema", APPEND, METADATA("", ""),
         "version 1 of table 't', committed meanwhile, changed its schema or properties"},
        {"append beside a new protocol", APPEND, PROTOCOL,
         "version 1 of table 't', committed meanwhile, changed its protocol"},
        {"append with another txn", APPEND | TXN, "{\"txn\":{\"appId\":\"other\",\"version\":1}}\n" ADD("x"),
         NULL},
        {"append with the same txn", APPEND | TXN, "{\"txn\":{\"appId\":\"app\",\"version\":1}}\n" ADD("x"),
         "version 1 of table 't', committed meanwhile, has the same txn: app"},
        {"merge beside a blind append", READ | REMOVE_F1, BLIND ADD("x"), NULL},
        {"merge beside an append that has read", READ | REMOVE_F1, INFO("") ADD("x"),
         "version 1 of table 't', committed meanwhile, added rows that this one has not seen: x"},
        {"merge beside a delete of its file", READ | REMOVE_F1, REMOVE("f1"),
         "version 1 of table 't', committed meanwhile, removed a file that this one replaces: f1"},
        {"merge beside a delete of what it read", READ | REMOVE_F1, REMOVE("f2"),
         "version 1 of table 't', committed meanwhile, removed rows that this one has read: f2"},
        {"merge beside a rewrite of its file", READ | REMOVE_F1,
         "{\"remove\":{\"path\":\"f1\",\"dataChange\":false}}\n{\"add\":{\"path\":\"x\",\"partitionValues\":{"
         "},\"size\":1,\"dataChange\":false}"
         "}\n",
         "version 1 of table 't', committed meanwhile, removed a file that this one replaces: f1"},
        {"merge beside a rewrite of another", READ | REMOVE_F1,
         "{\"remove\":{\"path\":\"f2\",\"dataChange\":false}}\n{\"add\":{\"path\":\"x\",\"partitionValues\":{"
         "},\"size\":1,\"dataChange\":false}"
         "}\n",
         NULL},
        {"a merge that evolves beside a blind append", READ | EVOLVE, BLIND ADD("x"),
         "version 1 of table 't', committed meanwhile, added rows that this one has not seen: x"},
        {"an append that evolves beside a blind append", APPEND | EVOLVE, BLIND ADD("x"), NULL},
        {"a rewrite beside append", REWRITE_F1, BLIND ADD("x"), NULL},
        {"a rewrite beside a delete of its file", REWRITE_F1, REMOVE("f1"),
         "version 1 of table 't', committed meanwhile, removed a file that this one replaces: f1"},
        {"what cannot be understood", APPEND,
         "{\"add\":", "'00000000000000000001.json' of table 't' is cut off: line 1 ends after 7 bytes"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        int64_t version = -1;
        CASE(cases[i].label);
        test_log(&t, 0, PROTOCOL METADATA("", "") ADD("f1") ADD("f2"));
        struct lake_snapshot *s = test_snapshot(a, &t);
        test_log(&t, 1, cases[i].other);

        int ours = cases[i].ours;
        struct lake_file g = test_file(a, &t, "g");
        g.data_change = !(ours & REWRITE_F1);
        const struct lake_file *gone = &s->files[0];
        const struct lake_txn txn = {"app", 1};
        const struct lake_field fields[3] = {
            test_fields[0], test_fields[1], {.name = "x", .type = &test_long}};
        const struct lake_schema wider = {fields, 3};
        const struct lake_commit c = {
            .base = s,
            .schema = ours & EVOLVE ? &wider : NULL,
            .adds = &g,
            .nadds = 1,
            .removes = &gone,
            .nremoves = ours & (REMOVE_F1 | REWRITE_F1) ? 1 : 0,
            .txns = &txn,
            .ntxns = ours & TXN ? 1 : 0,
            .blind = ours & APPEND,
        };
        bool ok = lake_commit(a, &t, &c, &version, &e);
        if (ok) {
            CHECK_STR(NULL, cases[i].error);
            CHECK_INT(version, 2);
            CHECK_HAS(test_get(a, &t, test_commit_name(a, 2)), "\"readVersion\":0,");
        } else {
            CHECK_STR(e.msg, cases[i].error);
            CHECK_INT(e.kind, strstr(e.msg, "cut off") ? ERR_DATA : ERR_CONFLICT);
            CHECK_STR(
                test_get(a, &t, "_delta_log/00000000000000000002.json"),
                arena_fmt(a, "! no such file '%s/t/_delta_log/00000000000000000002.json'", t.store->root));
        }
    }
}

TEST(others_may_do_what_a_commit_has_not_read)
{
    /* Partitions a and b at version 0, ids 1 to 10 each; `other` is version 1, made meanwhile. */
#define FILE_OF(path, p, min, max)                                                                           \
    "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{\"p\":\"" p                                        \
    "\"},\"size\":1,\"modificationTime\":2,\"dataChange\":true,\"stats\":\"{\\\"minValues\\\":{"             \
    "\\\"id\\\":" min "},\\\"maxValues\\\":{\\\"id\\\":" max "}}\"}}\n"
#define MERGED "{\"commitInfo\":{\"operation\":\"MERGE\"}}\n"
    enum { BY_PARTITION = 1, BY_ID = 2, EVOLVE = 4 };
    static const struct {
        const char *label;
        int ours; /* a merge of ids 1 to 5 in partition a, which rewrites a1 */
        const char *other, *error;
    } cases[] = {
        {"a merge into another partition", BY_PARTITION, MERGED REMOVE("b1") FILE_OF("b2", "b", "1", "10"),
         NULL},
        {"a merge into the same", BY_PARTITION, MERGED FILE_OF("a2", "a", "1", "10"), "a2"},
        {"a merge of other rows", BY_ID, MERGED REMOVE("b1") FILE_OF("b2", "b", "6", "10"), NULL},
        {"a merge of some of the rows", BY_ID, MERGED FILE_OF("b2", "b", "5", "10"), "b2"},
        {"both say something, and one is enough", BY_ID | BY_PARTITION, MERGED FILE_OF("b2", "b", "5", "10"),
         NULL},
        {"a delete of rows that it did not find", BY_ID, MERGED REMOVE("b1"), NULL},
        {"a vector for rows that it did not find", BY_ID, MERGED REMOVE("b1") FILE_OF("b1", "b", "1", "10"),
         NULL},
        {"a delete of rows that it replaces", BY_ID, MERGED REMOVE("a1"), "a1"},
        {"an append", BY_ID, BLIND FILE_OF("a2", "a", "1", "10"), NULL},
        {"what says it is an append, and removes", BY_ID, BLIND REMOVE("b1") FILE_OF("a2", "a", "1", "10"),
         "a2"},
        {"an append to a table that gets a column", BY_ID | EVOLVE, BLIND FILE_OF("b2", "b", "6", "10"),
         "b2"},
        {"all of the table was read", 0, MERGED REMOVE("b1"), "b1"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        int64_t version = -1;
        CASE(cases[i].label);
        test_log(&t, 0,
                 PROTOCOL METADATA("\"p\"", "") FILE_OF("a1", "a", "1", "10") FILE_OF("b1", "b", "1", "10"));
        struct lake_snapshot *s = test_snapshot(a, &t);
        test_log(&t, 1, cases[i].other);

        const char *const values[] = {"a"};
        struct lake_where reads[2];
        size_t nreads = 0;
        if (cases[i].ours & BY_PARTITION)
            reads[nreads++] = (struct lake_where){.column = "p", .values = values, .nvalues = 1};
        if (cases[i].ours & BY_ID)
            reads[nreads++] = (struct lake_where){.column = "id", .min = "1", .max = "5"};
        const struct lake_field fields[3] = {
            test_fields[0], test_fields[1], {.name = "x", .type = &test_long}};
        const struct lake_schema wider = {fields, 3};
        struct lake_file g = test_file(a, &t, "g");
        g.values = values;
        const struct lake_file *gone = &s->files[0];
        const struct lake_commit c = {.base = s,
                                      .schema = cases[i].ours & EVOLVE ? &wider : NULL,
                                      .partition_by = s->partition_by,
                                      .npartition_by = 1,
                                      .adds = &g,
                                      .nadds = 1,
                                      .removes = &gone,
                                      .nremoves = 1,
                                      .reads = reads,
                                      .nreads = nreads};
        bool ok = lake_commit(a, &t, &c, &version, &e);
        CHECK_INT(ok, !cases[i].error);
        if (!ok && cases[i].error) {
            CHECK_INT(e.kind, ERR_CONFLICT);
            CHECK_HAS(e.msg, arena_fmt(a, ": %s", cases[i].error));
        }
    }
}

TEST(a_commit_passes_any_number_of_others)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    int64_t version = -1;
    test_create(&t);
    struct lake_snapshot *old = test_snapshot(a, &t);
    for (int i = 0; i < 30; i++)
        CHECK(test_append(&t, arena_fmt(a, "f%d", i), &version, &e));
    struct lake_file g = test_file(a, &t, "g");
    const struct lake_commit c = {.base = old, .adds = &g, .nadds = 1, .blind = true};
    REQUIRE(lake_commit(a, &t, &c, &version, &e));
    CHECK_INT(version, 31);
    CHECK_INT(test_snapshot(a, &t)->nfiles, 31);
}

/* What the torture leaves must be one of the two versions, and a plain retry must give the second. */
static void check_outcome(const struct lake_table *t, bool ok, const struct err *e)
{
    auto_arena *a = arena_new();
    struct lake_snapshot *s = test_snapshot(a, t);
    struct err again = {0};
    int64_t version = -1;
    CHECK(s->version == 1 || s->version == 2);
    CHECK_STR(test_paths(a, s), s->version == 1 ? "f1" : "f2 f3");
    if (ok)
        CHECK_INT(s->version, 2);
    else
        CHECK(e->kind == ERR_IO || e->kind == ERR_LIMIT);

    if (s->version == 1) { /* the retry of whoever was told that it failed: read again, and look at the txn */
        const struct lake_file *gone = &s->files[0];
        struct lake_file adds[2] = {test_file(a, t, "f2"), test_file(a, t, "f3")};
        const struct lake_txn txn = {"app", 1};
        const struct lake_commit c = {
            .base = s, .adds = adds, .nadds = 2, .removes = &gone, .nremoves = 1, .txns = &txn, .ntxns = 1};
        CHECK_INT(lake_txn_version(s, "app"), -1);
        CHECK(lake_commit(a, t, &c, &version, &again));
        CHECK_INT(version, 2);
        s = test_snapshot(a, t);
        CHECK_STR(test_paths(a, s), "f2 f3");
    }
    CHECK_INT(lake_txn_version(s, "app"), 1);
}

static bool replace_under_fault(const struct lake_table *t, int n, struct err *e)
{
    auto_arena *a = arena_new();
    struct lake_snapshot *s = test_snapshot(a, t);
    const struct lake_file *gone = &s->files[0];
    struct lake_file adds[2] = {test_file(a, t, "f2"), test_file(a, t, "f3")};
    const struct lake_txn txn = {"app", 1};
    const struct lake_commit c = {
        .base = s, .adds = adds, .nadds = 2, .removes = &gone, .nremoves = 1, .txns = &txn, .ntxns = 1};
    int64_t version = -1;
    fault_arm(n);
    bool ok = lake_commit(a, t, &c, &version, e);
    CHECK(ok ? version == 2 : version == -1);
    return ok;
}

TEST(every_call_of_a_commit_may_fail)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_STICK};
    for (size_t m = 0; m < countof(modes); m++) {
        int rounds = 0;
        for (int n = 0, hit = 1; hit; n++, rounds++) {
            auto_arena *a = arena_new();
            struct lake_table t = test_table(a);
            struct err e = {0};
            test_log(&t, 0, PROTOCOL METADATA("", ""));
            test_log(&t, 1, ADD("f1"));
            fault_mode(modes[m]);
            fault_chop(100);
            bool ok = replace_under_fault(&t, n, &e);
            hit = fault_hit();
            CASE(arena_fmt(a, "%s, call %d", fault_call(), n));
            fault_off();
            check_outcome(&t, ok, &e);
        }
        printf("# %d calls\n", rounds - 1);
        CHECK(rounds > 20);
    }
}

TEST(a_crash_at_any_call_of_a_commit_is_all_or_nothing)
{
    for (int n = 0;; n++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {.kind = ERR_IO};
        int status = 0;
        test_log(&t, 0, PROTOCOL METADATA("", ""));
        test_log(&t, 1, ADD("f1"));
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            fault_mode(FAULT_CRASH);
            _exit(replace_under_fault(&t, n, &e) ? 0 : 1);
        }
        REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
        CASE(arena_fmt(a, "call %d", n));
        check_outcome(&t, WEXITSTATUS(status) == 0, &e);
        if (WEXITSTATUS(status) == 0)
            break;
        CHECK_INT(WEXITSTATUS(status), FAULT_EXIT);
    }
}

TEST(a_table_is_created_whole_or_not_at_all)
{
    for (int n = 0, hit = 1; hit; n++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        int64_t version = -1;
        const struct lake_commit c = {.schema = &test_schema};
        fault_arm(n);
        bool ok = lake_commit(a, &t, &c, &version, &e);
        hit = fault_hit();
        CASE(arena_fmt(a, "%s, call %d", fault_call(), n));
        fault_off();
        const char *refusal = test_refusal(a, &t);
        CHECK(!*refusal || strcmp(refusal, "there is no table 't'") == 0);
        if (ok)
            CHECK_STR(refusal, "");
        else if (*refusal)
            CHECK_INT(test_create(&t), 0);
    }
}

enum { WRITERS = 8, COMMITS = 100 };

/* Appends COMMITS files; each version that was acknowledged goes through the pipe. */
static void write_many(const struct lake_table *t, int who, int pipe_fd)
{
    for (int i = 0; i < COMMITS; i++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        int64_t version;
        if (!test_append(t, arena_fmt(a, "w%d-%d", who, i), &version, &e) ||
            write(pipe_fd, &version, sizeof version) != sizeof version)
            _exit(1);
    }
    _exit(0);
}

TEST(eight_processes_share_a_table)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct test_parquet counts = {0};
    const struct lake_parquet parquet = {&counts, test_parquet_read, test_parquet_write};
    int fds[2], status;
    REQUIRE(pipe(fds) == 0);
    t.parquet = &parquet;
    test_create(&t);
    int64_t begin = clock_mono_ms();
    for (int i = 0; i < WRITERS; i++) {
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0)
            write_many(&t, i, fds[1]);
    }
    close(fds[1]);
    bool *seen = arena_make(a, bool, WRITERS *COMMITS + 1);
    int64_t version;
    while (read(fds[0], &version, sizeof version) == sizeof version) {
        REQUIRE(version > 0 && version <= WRITERS * COMMITS);
        CHECK(!seen[version]);
        seen[version] = true;
    }
    close(fds[0]);
    for (int i = 0; i < WRITERS; i++) {
        REQUIRE(wait(&status) > 0);
        CHECK(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    }
    printf("# %d commits by %d processes in %d ms\n", WRITERS * COMMITS, WRITERS,
           (int)(clock_mono_ms() - begin));
    for (int i = 1; i <= WRITERS * COMMITS; i++)
        CHECK(seen[i]);
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_INT(s->version, WRITERS * COMMITS);
    CHECK_INT(s->nfiles, WRITERS * COMMITS);
    CHECK_HAS(test_get(a, &t, "_delta_log/_last_checkpoint"), "{\"version\":800,");
    t.parquet = NULL; /* and the log alone says the same */
    CHECK_INT(test_snapshot(a, &t)->nfiles, WRITERS * COMMITS);
}

TEST(one_of_many_creates_the_table)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    int won = 0, status;
    for (int i = 0; i < WRITERS; i++) {
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            struct err e = {0};
            const struct lake_commit c = {.schema = &test_schema};
            _exit(lake_commit(a, &t, &c, &(int64_t){0}, &e) ? 0 : e.kind == ERR_CONFLICT ? 1 : 2);
        }
    }
    for (int i = 0; i < WRITERS; i++) {
        REQUIRE(wait(&status) > 0 && WIFEXITED(status));
        CHECK(WEXITSTATUS(status) < 2);
        won += WEXITSTATUS(status) == 0;
    }
    CHECK_INT(won, 1);
    CHECK_INT(test_snapshot(a, &t)->version, 0);
}
