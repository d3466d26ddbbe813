#include "lake_test.h"

#include "lake/action.h"

TEST(the_log_is_replayed_in_order)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    test_log(&t, 0,
             INFO("") PROTOCOL METADATA(
                 "\"p\"", "\"delta.x\":\"1\",\"n\":null") "{\"add\":{\"path\":\"p=a%20b/"
                                                          "f1\",\"partitionValues\":{\"p\":\"a "
                                                          "b\"},\"size\":10,\"modificationTime\":7,"
                                                          "\"dataChange\":true,\"stats\":\"{"
                                                          "\\\"numRecords\\\":3}\",\"tags\":{\"k\":\"v\"}}}\n"
                                                          "{\"add\":{\"path\":\"p=/"
                                                          "f2\",\"partitionValues\":{\"p\":\"\"},\"size\":11,"
                                                          "\"modificationTime\":8,\"dataChange\":false}}\n"
                                                          "{\"txn\":{\"appId\":\"one\",\"version\":1}}\n");
    test_log(&t, 1,
             "{\"cdc\":{\"path\":\"x\"}}\n{\"remove\":{\"path\":\"p=/f2\",\"dataChange\":true}}\n\n"
             "{\"txn\":{\"appId\":\"two\",\"version\":5}}\n{\"txn\":{\"appId\":\"one\",\"version\":2,"
             "\"lastUpdated\":9}}\n" ADD("f0"));
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_INT(s->version, 1);
    CHECK_STR(test_paths(a, s), "f0 p=a b/f1");
    CHECK_STR(s->files[1].log_path, "p=a%20b/f1");
    CHECK_STR(s->files[1].values[0], "a b");
    CHECK_STR(s->files[0].values[0], NULL);
    CHECK_INT(s->files[1].size, 10);
    CHECK_INT(s->files[1].mtime_ms, 7);
    CHECK_INT(s->files[1].rows, 3);
    CHECK_INT(s->files[1].version, 0);
    CHECK_INT(s->files[0].version, 1);
    CHECK_STR(s->files[0].stats, "{\"numRecords\":3}");
    CHECK_STR(s->partition_by[0], "p");
    CHECK_INT(s->npartition_by, 1);
    CHECK_INT(s->schema.n, 2);
    CHECK_STR(lake_property(s, "delta.x"), "1");
    CHECK_STR(lake_property(s, "n"), NULL);
    CHECK_STR(lake_property(s, "none"), NULL);
    CHECK_INT(lake_txn_version(s, "one"), 2);
    CHECK_INT(lake_txn_version(s, "two"), 5);
    CHECK_INT(lake_txn_version(s, "three"), -1);
    CHECK_INT(s->reader, 1);
    CHECK_INT(s->writer, 2);
    CHECK(!s->reader_features[0] && !s->writer_features[0]);
    CHECK_STR(s->table_id, "i");
    CHECK_INT(s->created_ms, 1);
    CHECK(s->log_bytes > 500);
    CHECK(s->timestamp_ms > 1700000000000); /* of the file, since the commit does not say */

    struct err e = {0};
    REQUIRE(lake_snapshot(a, &t, (struct lake_at){.version = 0}, &s, NULL, &e));
    CHECK_STR(test_paths(a, s), "p=/f2 p=a b/f1");
    CHECK_STR(s->files[0].values[0], NULL); /* an empty value is null */
    CHECK_INT(s->files[0].rows, -1);
    CHECK_INT(s->timestamp_ms, 1000);
}

TEST(one_file_may_be_spelled_in_many_ways)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    test_log(&t, 0,
             PROTOCOL METADATA("", "") ADD("/abs/with%20space/p@%23h") ADD("a=1%2F2/f") ADD("file:///abs/two")
                 ADD("gone"));
    test_log(&t, 1, REMOVE("file:/abs/with%20space/p@%23h") REMOVE("gone") REMOVE("never"));
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_STR(test_paths(a, s), "/abs/two a=1/2/f");
}

TEST(a_table_may_be_the_store_itself)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_table t = test_table(a);
    struct lake_snapshot *s;
    t.dir = "";
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("f"));
    s = test_snapshot(a, &t);
    CHECK_STR(test_paths(a, s), "f");
    CHECK(!lake_snapshot(a, &t, (struct lake_at){.version = 3}, &s, NULL, &e));
    CHECK_HAS(e.msg, t.store->root);
}

TEST(versions_are_found_by_number_and_by_time)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_snapshot *s = NULL;
    struct lake_table t = test_table(a);
    bool missing = false;
    int64_t latest = 7;
    CHECK(lake_latest(&t, &latest, &e));
    CHECK_INT(latest, -1);
    CHECK(!lake_snapshot(a, &t, LAKE_LATEST, &s, &missing, &e));
    CHECK(missing);
    CHECK_STR(e.msg, "there is no table 't'");
    CHECK_INT(e.kind, ERR_USER);

    for (int v = 0; v < 4; v++)
        test_log(&t, v,
                 arena_fmt(a, "{\"commitInfo\":{\"timestamp\":%d}}\n%s", 1000 * (v + 1),
                           v ? ADD("f") : PROTOCOL METADATA("", "")));
    CHECK(lake_latest(&t, &latest, &e));
    CHECK_INT(latest, 3);
    static const struct {
        struct lake_at at;
        int64_t want; /* -1: refused */
    } cases[] = {
        {{.version = 0}, 0}, {{.version = 3}, 3}, {{.version = 4}, -1}, {{-1, 2000}, 1},
        {{-1, 2999}, 1},     {{-1, 999}, -1},     {{-1, 1000}, 0},      {{-1, 99999}, 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(arena_fmt(a, "%d of %d", (int)cases[i].at.version, (int)cases[i].at.timestamp_ms));
        bool ok = lake_snapshot(a, &t, cases[i].at, &s, &missing, &e);
        CHECK(!missing);
        CHECK_INT(ok ? s->version : -1, cases[i].want);
    }
    CHECK(!lake_snapshot(a, &t, (struct lake_at){.version = 4}, &s, NULL, &e));
    CHECK_STR(e.msg, "table 't' has no version 4: it has 0 to 3");
    CHECK(!lake_snapshot(a, &t, (struct lake_at){-1, 999}, &s, NULL, &e));
    CHECK_STR(
        e.msg,
        "table 't' has no version of 1970-01-01T00:00:00.999Z: its first, 0, is of 1970-01-01T00:00:01.000Z");
}

TEST(damage_is_named)
{
    static const struct {
        const char *label, *first, *second,
            *error; /* second: version 1, NULL = a hole there and a version 2 */
    } cases[] = {
        {"a hole", PROTOCOL METADATA("", ""), NULL,
         "the log of table 't' has a hole: version 1 is missing, later ones are there"},
        {"no beginning", NULL, ADD("f"),
         "the log of table 't' begins at version 1, without a checkpoint to start from"},
        {"a torn line", PROTOCOL METADATA("", ""), INFO("") "{\"add\":{\"path\":\"x\",\"parti",
         "'00000000000000000001.json' of table 't' is cut off: line 2 ends after 25 bytes"},
        {"a torn word", PROTOCOL METADATA("", ""), "{\"add\":{\"path\":\"x\",\"dataChange\":tru",
         "'00000000000000000001.json' of table 't' is cut off: line 1 ends after 35 bytes"},
        {"nothing in it", PROTOCOL METADATA("", ""), "", "'00000000000000000001.json' of table 't' is empty"},
        {"nothing but space", PROTOCOL METADATA("", ""), "\n \r\n",
         "'00000000000000000001.json' of table 't' is empty"},
        {"no JSON", PROTOCOL METADATA("", ""), "PAR1\n" ADD("f"),
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 1: an object is expected"},
        {"another line", PROTOCOL METADATA("", ""), ADD("f") "{\"add\":{\"path\":1}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 2, byte 16: a string is expected"},
        {"a file without a name", PROTOCOL METADATA("", ""), "{\"add\":{\"size\":1}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 18: a file without a path"},
        {"a txn without a name", PROTOCOL METADATA("", ""), "{\"txn\":{\"version\":1}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 21: a txn without an appId"},
        {"no protocol", METADATA("", ""), ADD("f"), "the log of table 't' has no protocol up to version 1"},
        {"a protocol of nothing", "{\"protocol\":{}}\n", ADD("f"),
         "'00000000000000000000.json' of table 't' is damaged: line 1, byte 15: a protocol without its "
         "versions"},
        {"no metadata", PROTOCOL, ADD("f"), "the log of table 't' has no metaData up to version 1"},
        {"no schema", PROTOCOL "{\"metaData\":{\"id\":\"i\",\"schemaString\":null}}\n", ADD("f"),
         "table 't' has no schema"},
        {"a bad schema", PROTOCOL "{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{\"}}\n", ADD("f"),
         "table 't' (protocol 1, 2): the schema cannot be read: at byte 1: it is cut off"},
        {"another format", PROTOCOL "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"orc\"}}}\n",
         ADD("f"), "table 't' has files of format 'orc': only parquet can be read"},
        {"a deletion vector", PROTOCOL METADATA("", ""),
         "{\"add\":{\"path\":\"f\",\"partitionValues\":{},\"size\":1,\"deletionVector\":{\"storageType\":"
         "\"u\"}}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 86: a deletion vector that is "
         "stored nowhere"},
        {"no deletion vector", PROTOCOL METADATA("", ""),
         "{\"add\":{\"path\":\"f\",\"partitionValues\":{},\"size\":1,\"deletionVector\":null,\"tags\":null,"
         "\"baseRowId\":null,"
         "\"defaultRowCommitVersion\":null,\"clusteringProvider\":null}}\n",
         ""},
        {"an add that lost its size", PROTOCOL METADATA("", ""),
         "{\"add\":{\"path\":\"f\",\"partitionValues\":{}}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 41: an add without the file's "
         "size"},
        {"an add that lost its partition", PROTOCOL METADATA("", ""),
         "{\"add\":{\"path\":\"f\",\"size\":1}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 29: an add without partition "
         "values"},
        {"a remove that lost its end", PROTOCOL METADATA("", ""), "{\"remove\":{\"path\":\"f\"}}\n",
         "'00000000000000000001.json' of table 't' is damaged: line 1, byte 23: a remove that does not say "
         "whether data change"},
        {"no newline at the end", PROTOCOL METADATA("", ""),
         "{\"add\":{\"path\":\"f\",\"partitionValues\":{},\"size\":1}}", ""},
        {"a commitInfo of another mind", PROTOCOL METADATA("", ""),
         "{\"commitInfo\":{\"timestamp\":\"x\",\"operation\":1,\"operationParameters\":\"y\","
         "\"isBlindAppend\":\"z\",\"userMetadata\":{}}}\n",
         ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        CASE(cases[i].label);
        if (cases[i].first)
            test_log(&t, 0, cases[i].first);
        if (cases[i].second)
            test_log(&t, 1, cases[i].second);
        else
            test_log(&t, 2, ADD("f"));
        CHECK_STR(test_refusal(a, &t), cases[i].error);
    }
}

TEST(tables_that_need_more_are_refused_by_name)
{
#define FEATURES(r, w)                                                                                       \
    "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[" r "],"               \
    "\"writerFeatures\":[" w "]}}\n"
#define VERSIONS(r, w) "{\"protocol\":{\"minReaderVersion\":" #r ",\"minWriterVersion\":" #w "}}\n"
#define MAPPED(mode)   METADATA("", "\"delta.columnMapping.mode\":\"" mode "\"")
    static const struct {
        const char *label, *log, *read, *write; /* errors, "" = it can */
    } cases[] = {
        {"the oldest", VERSIONS(1, 1) METADATA("", ""), "", ""},
        {"the usual", VERSIONS(1, 2) METADATA("", ""), "", ""},
        {"check constraints that nobody checked",
         VERSIONS(1, 3) METADATA("", "\"delta.constraints.c\":\"id > 0\""), "",
         "table 't' has the constraint 'c', which is not checked by this command"},
        {"none of them", VERSIONS(1, 3) METADATA("", ""), "", ""},
        {"a change data feed", VERSIONS(1, 4) METADATA("", "\"delta.enableChangeDataFeed\":\"true\""), "",
         ""},
        {"mapped columns", VERSIONS(2, 5) MAPPED("name"),
         "table 't': column 'id' has no physical name, and the table has column mapping", NULL},
        {"columns mapped in a way of the future", VERSIONS(2, 5) MAPPED("stars"),
         "table 't' has columns mapped by 'stars' (protocol 2, 5), which this version does not read", NULL},
        {"a mapping that the protocol does not know", VERSIONS(1, 2) MAPPED("name"), "",
         "table 't' needs writer feature 'columnMapping' (protocol 1, 2): this version reads it, but cannot "
         "write it"},
        {"columns that are not", VERSIONS(2, 5) MAPPED("none"), "", ""},
        {"a writer of the future", VERSIONS(1, 8) METADATA("", ""), "",
         "table 't' needs writer version 8 (protocol 1, 8): this version writes up to 7"},
        {"deletion vectors", FEATURES("\"deletionVectors\"", "\"deletionVectors\"") METADATA("", ""), "",
         NULL},
        {"a feature of the future", FEATURES("\"timestampNtz\",\"spiral\"", "\"spiral\"") METADATA("", ""),
         "table 't' needs reader feature 'spiral' (protocol 3, 7), which this version does not read", NULL},
        {"no features", FEATURES("", "") METADATA("", ""), "", ""},
        {"features that we have", FEATURES("", "\"appendOnly\",\"invariants\"") METADATA("", ""), "", ""},
        {"features of writers", FEATURES("", "\"appendOnly\",\"rowTracking\"") METADATA("", ""), "",
         "table 't' needs writer feature 'rowTracking' (protocol 3, 7): this version reads it, but cannot "
         "write it"},
        {"a reader of the future", VERSIONS(4, 9) METADATA("", ""),
         "table 't' needs reader version 4 (protocol 4, 9): this version reads up to 3", NULL},
        {"an invariant",
         VERSIONS(1, 2) "{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\","
                        "\\\"fields\\\":[{\\\"name\\\":\\\"id\\\","
                        "\\\"type\\\":\\\"long\\\",\\\"metadata\\\":{\\\"delta.invariants\\\":\\\"id > "
                        "3\\\"}}]}\"}}\n",
         "", "table 't' has the constraint 'id', which is not checked by this command"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct lake_table t = test_table(a);
        struct err e = {0};
        int64_t version;
        CASE(cases[i].label);
        test_log(&t, 0, cases[i].log);
        CHECK_STR(test_refusal(a, &t), cases[i].read);
        if (!cases[i].write)
            continue;
        bool ok = test_append(&t, "f", &version, &e);
        CHECK_STR(ok ? "" : e.msg, cases[i].write);
        if (!ok)
            CHECK_INT(e.kind, ERR_DATA);
    }
}

TEST(many_files_are_no_more_work_than_they_must_be)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    auto_buf b = BUF(SIZE_MAX / 2);
    buf_addf(&b, "%s", PROTOCOL METADATA("\"p\"", ""));
    for (int i = 0; i < 100000; i++)
        buf_addf(&b,
                 "{\"add\":{\"path\":\"p=%d/"
                 "part-%08x-0a1b-4c2d-8e3f-%012d.snappy.parquet\",\"partitionValues\":{\"p\":\"%d\"},"
                 "\"size\":%d,\"modificationTime\":1795246992185,\"dataChange\":true,\"stats\":\"{"
                 "\\\"numRecords\\\":%d,"
                 "\\\"minValues\\\":{\\\"id\\\":%d},\\\"maxValues\\\":{\\\"id\\\":%d},\\\"nullCount\\\":{"
                 "\\\"id\\\":0}}\"}}\n",
                 i % 50, (unsigned)i * 2654435761U, i, i % 50, i, i, i, i + 1);
    test_log(&t, 0, b.p);
    b.len = 0;
    for (int i = 0; i < 100000; i += 2)
        buf_addf(&b,
                 "{\"remove\":{\"path\":\"p=%d/"
                 "part-%08x-0a1b-4c2d-8e3f-%012d.snappy.parquet\",\"dataChange\":true}}\n",
                 i % 50, (unsigned)i * 2654435761U, i);
    test_log(&t, 1, b.p);
    int64_t begin = clock_mono_ms();
    struct lake_snapshot *s = test_snapshot(a, &t);
    int64_t took = clock_mono_ms() - begin;
    printf("# 150,000 actions in %d ms\n", (int)took);
    CHECK_INT(s->nfiles, 50000);
    CHECK(took < 5000);
}

TEST(a_small_table_opens_in_no_time)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    test_create(&t);
    struct err e = {0};
    int64_t version;
    for (int i = 0; i < 9; i++)
        CHECK(test_append(&t, arena_fmt(a, "f%d", i), &version, &e));
    int64_t begin = clock_mono_us();
    for (int i = 0; i < 100; i++) {
        auto_arena *each = arena_new();
        CHECK_INT(test_snapshot(each, &t)->nfiles, 9);
    }
    printf("# ten commits are read in %d us\n", (int)(clock_mono_us() - begin) / 100);
}

TEST(reading_survives_any_failing_call)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("f"));
    test_log(&t, 1, ADD("g"));
    int failed = 0;
    for (int n = 0, hit = 1; hit; n++) {
        auto_arena *each = arena_new();
        struct lake_snapshot *s = NULL;
        struct err e = {0};
        fault_arm(n);
        bool ok = lake_snapshot(each, &t, LAKE_LATEST, &s, NULL, &e);
        hit = fault_hit();
        CASE(fault_call());
        fault_off();
        CHECK(ok ? strcmp(test_paths(each, s), "f g") == 0 : e.kind == ERR_IO);
        failed += !ok;
    }
    CHECK(failed > 4);
}
