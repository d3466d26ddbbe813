#include "lake/checkpoint.h"

#include "lake_test.h"

static struct lake_table checkpointed(struct arena *a, struct test_parquet *p)
{
    struct lake_table t = test_table(a);
    struct lake_parquet *parquet = arena_make(a, struct lake_parquet, 1);
    *parquet = (struct lake_parquet){p, test_parquet_read, test_parquet_write};
    t.parquet = parquet;
    return t;
}

static void append_many(struct lake_table *t, int from, int to)
{
    auto_arena *a = arena_new();
    for (int i = from; i <= to; i++) {
        struct err e = {0};
        int64_t version = -1;
        if (!test_append(t, arena_fmt(a, "f%02d", i), &version, &e))
            BAD("%s", e.msg);
        CHECK_INT(version, i);
    }
}

static void remove_commit(const struct lake_table *t, int64_t version)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    char *path = arena_fmt(a, "%s/%s", t->dir, test_commit_name(a, version));
    CHECK(t->store->driver->remove(t->store, path, &e));
}

/* Another commit 1: so much text that a checkpoint is read sooner. */
static void make_long(const struct lake_table *t)
{
    auto_arena *a = arena_new();
    test_log(t, 1, arena_fmt(a, "{\"commitInfo\":{\"why\":\"%*s\"}}\n" ADD("f01"), 600 << 10, "long"));
}

TEST(when_a_checkpoint_is_due)
{
    static const struct {
        const char *interval;
        int64_t version;
        bool want;
    } cases[] = {
        {NULL, 0, false}, {NULL, 9, false},   {NULL, 10, true}, {NULL, 11, false},
        {NULL, 20, true}, {"1", 0, false},    {"1", 1, true},   {"3", 9, true},
        {"3", 10, false}, {"none", 10, true}, {"0", 10, true},  {"-5", 5, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].interval ? cases[i].interval : "default");
        CHECK_INT(checkpoint_is_due(cases[i].interval, cases[i].version), cases[i].want);
    }
}

TEST(every_tenth_version_has_a_checkpoint)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    struct err e = {0};
    test_create(&t);
    append_many(&t, 1, 12);
    CHECK_INT(p.writes, 1);
    CHECK_HAS(p.columns, "txn STRUCT(\"appId\" VARCHAR, ");
    CHECK_STR(test_get(a, &t, "_delta_log/_last_checkpoint"),
              "{\"version\":10,\"size\":12,\"numOfAddFiles\":10}");
    char *text = test_get(a, &t, "_delta_log/00000000000000000010.checkpoint.parquet");
    CHECK_HAS(text, "PAR1\n" PROTOCOL "{\"metaData\":{\"id\":");
    CHECK_HAS(text, "{\"add\":{\"path\":\"f01\",\"partitionValues\":{},\"size\":4,\"modificationTime\":7,"
                    "\"dataChange\":false,"
                    "\"stats\":\"{\\\"numRecords\\\":3}\"}}\n");

    /* The state comes from it, so what is older can go. */
    for (int i = 0; i < 10; i++)
        remove_commit(&t, i);
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_INT(s->nfiles, 12);
    CHECK_INT(s->files[0].version, -1);
    CHECK_INT(s->files[11].version, 12);
    CHECK_INT(s->timestamp_ms, TEST_NOW_MS);
    REQUIRE(lake_snapshot(a, &t, (struct lake_at){.version = 10}, &s, NULL, &e));
    CHECK_INT(s->nfiles, 10);
    CHECK_INT(s->timestamp_ms, TEST_NOW_MS);
    CHECK(!lake_snapshot(a, &t, (struct lake_at){.version = 9}, &s, NULL, &e));
    CHECK_STR(e.msg, "table 't' has no version 9: it has 10 to 12");
    int64_t latest;
    CHECK(lake_latest(&t, &latest, &e));
    CHECK_INT(latest, 12);

    t.parquet = NULL;
    CHECK_STR(test_refusal(a, &t),
              "the log of table 't' begins at version 10, without a checkpoint to start from");
}

TEST(a_commit_that_is_a_checkpoint_alone_is_read)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_create(&t);
    append_many(&t, 1, 10);
    for (int i = 0; i <= 10; i++)
        remove_commit(&t, i);
    CHECK_INT(test_snapshot(a, &t)->nfiles, 10);
    append_many(&t, 11, 11);
    CHECK_INT(test_snapshot(a, &t)->nfiles, 11);
}

TEST(tombstones_and_watermarks_stay_as_long_as_they_must)
{
#define GONE(path, at)                                                                                       \
    "{\"remove\":{\"path\":\"" path "\",\"deletionTimestamp\":" at ",\"dataChange\":true,\"size\":7,"        \
    "\"partitionValues\":{\"p\":\"x\"}}}\n"
    static const struct {
        const char *label, *conf;
        bool keeps_day, keeps_month;
    } cases[] = {
        {"a week", "", true, false},
        {"an hour", "\"delta.deletedFileRetentionDuration\":\"interval 1 hours\"", false, false},
        {"a year", "\"delta.deletedFileRetentionDuration\":\"INTERVAL 52 weeks\"", true, true},
        {"nonsense is a week", "\"delta.deletedFileRetentionDuration\":\"for ever\"", true, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct test_parquet p = {0};
        struct lake_table t = checkpointed(a, &p);
        struct err e = {0};
        CASE(cases[i].label);
        char *log =
            arena_fmt(a,
                      "%s{\"metaData\":{\"id\":\"i\",\"schemaString\":\"{\\\"type\\\":\\\"struct\\\","
                      "\\\"fields\\\":[]}\","
                      "\"configuration\":{%s}}}\n%s",
                      PROTOCOL, cases[i].conf,
                      ADD("kept") ADD("day") ADD("month") "{\"txn\":{\"appId\":\"app\",\"version\":4}}\n");
        test_log(&t, 0, log);
        char *day = arena_fmt(a, GONE("day", "%" PRIi64) GONE("month", "%" PRIi64) GONE("ever", "0"),
                              TEST_NOW_MS - INT64_C(86400000), TEST_NOW_MS - 30 * INT64_C(86400000));
        test_log(&t, 1, day);
        test_log(&t, 2, "{\"txn\":{\"appId\":\"app\",\"version\":5,\"lastUpdated\":8}}\n");
        REQUIRE(checkpoint_write(&t, 2, &e));
        char *text = test_get(a, &t, "_delta_log/00000000000000000002.checkpoint.parquet");
        CHECK_INT(strstr(text, "\"path\":\"day\"") != NULL, cases[i].keeps_day);
        CHECK_INT(strstr(text, "\"path\":\"month\"") != NULL, cases[i].keeps_month);
        CHECK(!strstr(text, "\"path\":\"ever\""));
        CHECK_HAS(text, "{\"txn\":{\"appId\":\"app\",\"version\":5,\"lastUpdated\":8}}\n");
        CHECK(!strstr(text, "\"version\":4"));
        if (cases[i].keeps_day)
            CHECK_HAS(text, "\"dataChange\":false,\"extendedFileMetadata\":true,\"partitionValues\":{\"p\":"
                            "\"x\"},\"size\":7}}\n");

        /* The next checkpoint starts from this one, and must keep them too. */
        test_log(&t, 3, ADD("more"));
        remove_commit(&t, 0);
        remove_commit(&t, 1);
        REQUIRE(checkpoint_write(&t, 3, &e));
        text = test_get(a, &t, "_delta_log/00000000000000000003.checkpoint.parquet");
        CHECK_INT(strstr(text, "\"path\":\"day\"") != NULL, cases[i].keeps_day);
        struct lake_snapshot *s = test_snapshot(a, &t);
        CHECK_STR(test_paths(a, s), "kept more");
        CHECK_INT(lake_txn_version(s, "app"), 5);
    }
}

TEST(hints_are_only_hints)
{
    static const struct {
        const char *label, *hint;
    } cases[] = {
        {"none", NULL},
        {"empty", ""},
        {"torn", "{\"version\":1"},
        {"not an object", "[10]"},
        {"without a version", "{\"size\":3}"},
        {"a version that is not there", "{\"version\":7}"},
        {"beyond the end", "{\"version\":700}"},
        {"negative", "{\"version\":-3}"},
        {"older than the last", "{\"version\":10,\"size\":1}"},
        {"right", "{\"version\":20,\"size\":1,\"checkpointSchema\":{\"a\":[1]}}"},
    };
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    struct err e = {0};
    test_create(&t);
    append_many(&t, 1, 23);
    for (size_t i = 0; i < countof(cases); i++) {
        struct lake_snapshot *s = NULL;
        CASE(cases[i].label);
        CHECK(t.store->driver->remove(t.store, "t/_delta_log/_last_checkpoint", &e));
        if (cases[i].hint)
            test_put(&t, "_delta_log/_last_checkpoint", cases[i].hint);
        CHECK_INT(test_snapshot(a, &t)->nfiles, 23);
        CHECK(lake_snapshot(a, &t, (struct lake_at){.version = 5}, &s, NULL, &e));
        CHECK_INT(s ? s->nfiles : 0, 5);
        CHECK(!lake_snapshot(a, &t, (struct lake_at){.version = 24}, &s, NULL, &e));
        CHECK_STR(e.msg, "table 't' has no version 24: it has 0 to 23");
        int64_t latest = -1;
        CHECK(lake_latest(&t, &latest, &e));
        CHECK_INT(latest, 23);
    }
}

/* Listed only from the checkpoint on that the hint names, and all of it when that does not help. */
TEST(a_long_log_is_read_from_its_hint_on)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    struct lake_snapshot *s;
    struct err e = {0};
    test_put(&t, "_delta_log/00000000000000000700.checkpoint.parquet",
             "PAR1\n" PROTOCOL METADATA("", "") ADD("old"));
    append_many(&t, 701, 712);
    CHECK_HAS(test_get(a, &t, "_delta_log/_last_checkpoint"), "{\"version\":710,");
    p.reads = 0;
    CHECK_INT(test_snapshot(a, &t)->nfiles, 13);
    CHECK_INT(p.reads, 1);
    REQUIRE(lake_snapshot(a, &t, (struct lake_at){.version = 705}, &s, NULL, &e));
    CHECK_INT(s->nfiles, 6);
    CHECK(!lake_snapshot(a, &t, (struct lake_at){.version = 713}, &s, NULL, &e));
    CHECK_STR(e.msg, "table 't' has no version 713: it has 700 to 712");
    test_put(&t, "_delta_log/00000000000000000710.checkpoint.parquet", "damaged");
    CHECK_INT(test_snapshot(a, &t)->nfiles, 13); /* from version 700 */
}

TEST(a_short_log_is_told_without_its_checkpoint)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_create(&t);
    append_many(&t, 1, 22);
    CHECK_INT(p.reads, 0);
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_STR(s->files[0].path, "f01");
    CHECK_INT(s->files[0].version, 1); /* which no checkpoint tells */
    CHECK_INT(p.reads, 0);

    /* What the commits cannot tell the checkpoint does. */
    test_log(&t, 3, "damaged\n");
    s = test_snapshot(a, &t);
    CHECK_INT(s->nfiles, 22);
    CHECK_INT(s->files[2].version, -1);
    CHECK_INT(p.reads, 1);
    remove_commit(&t, 3);
    CHECK_INT(test_snapshot(a, &t)->nfiles, 22);
    CHECK_INT(p.reads, 2);

    test_log(&t, 3, "{\"add\":{\"path\":\"f99\",\"size\":4,\"partitionValues\":{},\"dataChange\":true}}\n");
    CHECK_STR(test_snapshot(a, &t)->files[2].path, "f03");
    CHECK_INT(p.reads, 3);

    test_log(&t, 3, INFO("") ADD("f03"));
    CHECK_INT(test_snapshot(a, &t)->nfiles, 22);
    CHECK_INT(p.reads, 3);
    make_long(&t);
    s = test_snapshot(a, &t);
    CHECK_INT(s->nfiles, 22);
    CHECK_INT(s->files[0].version, -1);
    CHECK_INT(p.reads, 4);
}

TEST(a_damaged_checkpoint_is_passed_over_if_it_can_be)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_create(&t);
    append_many(&t, 1, 22);
    make_long(&t);
    test_put(&t, "_delta_log/00000000000000000020.checkpoint.parquet", "damaged");
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_INT(s->nfiles, 22);
    CHECK_INT(s->files[9].version, -1); /* from version 10 */
    test_put(&t, "_delta_log/00000000000000000010.checkpoint.parquet", "damaged too");
    s = test_snapshot(a, &t);
    CHECK_INT(s->nfiles, 22);
    CHECK_INT(s->files[9].version, 10); /* from version 0 */
    remove_commit(&t, 0);
    CHECK_HAS(test_refusal(a, &t), "'00000000000000000020.checkpoint.parquet' of table 't': '");
    CHECK_HAS(test_refusal(a, &t), "' is not a Parquet file");
}

TEST(a_checkpoint_that_fails_does_not_fail_the_commit)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {.fail_writes = true};
    struct lake_table t = checkpointed(a, &p);
    struct err e = {0};
    test_create(&t);
    append_many(&t, 1, 10);
    CHECK_INT(p.writes, 1);
    CHECK(!checkpoint_write(&t, 10, &e));
    CHECK_HAS(e.msg, "the engine cannot write");
    p.fail_writes = false;
    CHECK(checkpoint_write(&t, 10, &e));
    CHECK(checkpoint_write(&t, 10, &e)); /* it is there already */
    CHECK(checkpoint_write(&t, 5, &e));
    CHECK_HAS(test_get(a, &t, "_delta_log/_last_checkpoint"), "{\"version\":10,");
    CHECK_INT(test_snapshot(a, &t)->nfiles, 10);
}

TEST(every_call_of_a_checkpoint_may_fail)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_STICK};
    auto_arena *all = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(all, &p);
    test_create(&t);
    append_many(&t, 1, 9);
    for (size_t m = 0; m < countof(modes); m++) {
        for (int n = 0, hit = 1; hit; n++) {
            auto_arena *a = arena_new();
            struct err e = {0};
            fault_mode(modes[m]);
            fault_arm(n);
            bool ok = checkpoint_write(&t, 9, &e);
            hit = fault_hit();
            CASE(arena_fmt(a, "%s, call %d", fault_call(), n));
            fault_off();
            CHECK(ok || *e.msg);
            CHECK_INT(test_snapshot(a, &t)->nfiles, 9);
            CHECK(
                t.store->driver->remove(t.store, "t/_delta_log/00000000000000000009.checkpoint.parquet", &e));
            CHECK(t.store->driver->remove(t.store, "t/_delta_log/_last_checkpoint", &e));
        }
    }
}

TEST(a_crash_at_any_call_of_a_checkpoint_does_no_harm)
{
    auto_arena *all = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(all, &p);
    struct err e = {0};
    test_create(&t);
    append_many(&t, 1, 9);
    for (int n = 0, status = -1; status != 0; n++) {
        auto_arena *a = arena_new();
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            fault_mode(FAULT_CRASH);
            fault_arm(n);
            _exit(checkpoint_write(&t, 9, &e) ? 0 : 1);
        }
        REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
        status = WEXITSTATUS(status);
        CASE(arena_fmt(a, "call %d", n));
        CHECK(status == 0 || status == FAULT_EXIT);
        CHECK_INT(test_snapshot(a, &t)->nfiles, 9);
        CHECK(checkpoint_write(&t, 9, &e));
        CHECK_HAS(test_get(a, &t, "_delta_log/_last_checkpoint"), "{\"version\":9,");
        CHECK_INT(test_snapshot(a, &t)->nfiles, 9);
        CHECK(t.store->driver->remove(t.store, "t/_delta_log/00000000000000000009.checkpoint.parquet", &e));
        CHECK(t.store->driver->remove(t.store, "t/_delta_log/_last_checkpoint", &e));
    }
}

static const char part_one[] =
    "PAR1\n" PROTOCOL
    "{\"metaData\":null,\"add\":{\"path\":\"a\",\"partitionValues\":{},\"size\":1,\"stats\":null,"
    "\"stats_parsed\":{\"numRecords\":5}}}\n";
static const char part_two[] = "PAR1\n" METADATA("", "") ADD("b");

TEST(a_checkpoint_may_have_parts)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_put(&t, "_delta_log/00000000000000000004.checkpoint.0000000001.0000000002.parquet", part_one);
    test_log(&t, 4, INFO("") ADD("b"));
    test_log(&t, 5, ADD("c"));
    CHECK_STR(test_refusal(a, &t),
              "the log of table 't' begins at version 4, without a checkpoint to start from");
    test_put(&t, "_delta_log/00000000000000000004.checkpoint.0000000002.0000000003.parquet",
             part_two); /* of another */
    CHECK_STR(test_refusal(a, &t),
              "the log of table 't' begins at version 4, without a checkpoint to start from");
    test_put(&t, "_delta_log/00000000000000000004.checkpoint.0000000002.0000000002.parquet", part_two);
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_STR(test_paths(a, s), "a b c");
    CHECK_INT(s->files[0].rows, 5);
    CHECK_INT(s->files[1].rows, 3);
}

TEST(a_checkpoint_may_have_sidecars)
{
#define UUID "80a083e8-7026-4e79-81be-64bd76c43a11"
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_log(&t, 4, ADD("b"));
    test_put(&t, "_delta_log/00000000000000000004.checkpoint." UUID ".json",
             "{\"checkpointMetadata\":{\"version\":4}}\n" PROTOCOL METADATA(
                 "", "") "{\"sidecar\":{\"path\":\"one.parquet\",\"sizeInBytes\":1}}\n{\"sidecar\":{\"path\":"
                         "\"two.parquet\"}}\n");
    test_put(&t, "_delta_log/_sidecars/one.parquet", "PAR1\n" ADD("a"));
    CHECK_HAS(test_refusal(a, &t), "'two.parquet' of table 't': no such file");
    test_put(&t, "_delta_log/_sidecars/two.parquet", "PAR1\n" ADD("b"));
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a b");

    struct err e = {0};
    CHECK(t.store->driver->remove(t.store, "t/_delta_log/00000000000000000004.checkpoint." UUID ".json", &e));
    test_put(&t, "_delta_log/00000000000000000004.checkpoint." UUID ".parquet",
             "PAR1\n" PROTOCOL METADATA("", "") "{\"sidecar\":{\"path\":\"one.parquet\"}}\n");
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a");
    test_put(&t, "_delta_log/00000000000000000004.checkpoint." UUID ".parquet",
             "PAR1\n" PROTOCOL METADATA("", "") "{\"sidecar\":{\"sizeInBytes\":1}}\n");
    CHECK_HAS(test_refusal(a, &t), "a sidecar without a path");
}

#define V2_PROTOCOL                                                                                          \
    "{\"protocol\":{\"minReaderVersion\":3,\"minWriterVersion\":7,\"readerFeatures\":[\"v2Checkpoint\"],"    \
    "\"writerFeatures\":[\"v2Checkpoint\"]}}\n"

TEST(a_table_that_asks_for_it_gets_v2_checkpoints)
{
    static const struct {
        const char *label, *protocol, *conf;
        int adds;
        bool v2, sidecar;
    } cases[] = {
        {"as it asks", V2_PROTOCOL, "\"delta.checkpointPolicy\":\"v2\"", 3, true, false},
        {"it does not", V2_PROTOCOL, "\"delta.checkpointPolicy\":\"classic\"", 3, false, false},
        {"it may not", PROTOCOL, "\"delta.checkpointPolicy\":\"v2\"", 3, false, false},
        {"many files", V2_PROTOCOL, "\"delta.checkpointPolicy\":\"v2\"", 10001, true, true},
        {"many files of a classic one", PROTOCOL, "", 10001, false, false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        auto_buf log = BUF(8 << 20);
        struct test_parquet p = {0};
        struct lake_table t = checkpointed(a, &p);
        struct err e = {0};
        CASE(cases[i].label);
        buf_addf(&log, "%s%s", cases[i].protocol, arena_fmt(a, METADATA("", "%s"), cases[i].conf));
        for (int k = 0; k < cases[i].adds; k++)
            buf_addf(&log, "%s", arena_fmt(a, ADD("f%05d"), k));
        test_log(&t, 0, log.p);
        test_log(&t, 1, ADD("last"));
        REQUIRE(checkpoint_write(&t, 1, &e));
        CHECK_INT(p.writes, cases[i].sidecar ? 2 : 1);
        char *text = test_get(a, &t, "_delta_log/00000000000000000001.checkpoint.parquet");
        CHECK_INT(strstr(text, "{\"checkpointMetadata\":{\"version\":1}}\n") != NULL, cases[i].v2);
        CHECK_INT(strstr(p.columns, "checkpointMetadata STRUCT") != NULL, cases[i].v2);
        CHECK_INT(strstr(text, "{\"sidecar\":{\"path\":\"") != NULL, cases[i].sidecar);
        CHECK_INT(strstr(text, "{\"add\":") == NULL, cases[i].sidecar);
        remove_commit(&t, 0);
        CHECK_INT(test_snapshot(a, &t)->nfiles, cases[i].adds + 1);
    }
}

TEST(a_sidecar_that_cannot_be_written_is_no_checkpoint)
{
    auto_arena *a = arena_new();
    auto_buf log = BUF(8 << 20);
    struct test_parquet p = {.fail_writes = true};
    struct lake_table t = checkpointed(a, &p);
    struct err e = {0};
    bool there = true;
    buf_addf(&log, "%s%s", V2_PROTOCOL, METADATA("", "\"delta.checkpointPolicy\":\"v2\""));
    for (int k = 0; k < 10001; k++)
        buf_addf(&log, "%s", arena_fmt(a, ADD("f%05d"), k));
    test_log(&t, 0, log.p);
    CHECK(!checkpoint_write(&t, 0, &e));
    CHECK_HAS(e.msg, "the engine cannot write");
    CHECK(
        t.store->driver->exists(t.store, "t/_delta_log/00000000000000000000.checkpoint.parquet", &there, &e));
    CHECK(!there);
}

TEST(a_checkpoint_of_the_classic_name_may_have_sidecars)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_put(&t, "_delta_log/00000000000000000004.checkpoint.parquet",
             "PAR1\n" PROTOCOL METADATA("", "") "{\"sidecar\":{\"path\":\"one.parquet\"}}\n");
    test_put(&t, "_delta_log/_sidecars/one.parquet", "PAR1\n" ADD("a"));
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "a");
}

#define COMPACTED(from, to)                                                                                  \
    "_delta_log/0000000000000000000" #from ".0000000000000000000" #to ".compacted.json"

TEST(what_others_know_of_a_table_stays_in_a_checkpoint)
{
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    struct err e = {0};
    test_log(&t, 0,
             PROTOCOL METADATA(
                 "", "") "{\"domainMetadata\":{\"domain\":\"d.one\",\"configuration\":\"{\\\"x\\\":1}\","
                         "\"removed\":false}}\n"
                         "{\"domainMetadata\":{\"domain\":\"d.two\",\"configuration\":\"old\"}}\n");
    test_log(
        &t, 1,
        "{\"domainMetadata\":{\"domain\":\"d.two\",\"configuration\":\"new\",\"removed\":false,\"more\":1}}\n"
        "{\"add\":{\"path\":\"f\",\"partitionValues\":{},\"size\":1,\"modificationTime\":2,\"dataChange\":"
        "true,"
        "\"tags\":{\"k\":\"v\"},\"baseRowId\":40,\"defaultRowCommitVersion\":1,\"clusteringProvider\":"
        "\"liquid\"}}\n");
    REQUIRE(checkpoint_write(&t, 1, &e));
    const char *text = test_get(a, &t, "_delta_log/00000000000000000001.checkpoint.parquet");
    CHECK_HAS(text, "{\"domainMetadata\":{\"domain\":\"d.one\",\"configuration\":\"{\\\"x\\\":1}\","
                    "\"removed\":false}}\n");
    CHECK_HAS(text, "\"domain\":\"d.two\",\"configuration\":\"new\"");
    CHECK(!strstr(text, "\"old\""));
    CHECK_HAS(text, "\"tags\":{\"k\":\"v\"}");
    CHECK_HAS(text, "\"baseRowId\":40,\"defaultRowCommitVersion\":1,\"clusteringProvider\":\"liquid\"}}");

    test_log(&t, 2, "{\"domainMetadata\":{\"configuration\":\"nameless\"}}\n");
    CHECK_HAS(test_refusal(a, &t), "metadata of a domain without its name");
}

TEST(compacted_commits_are_read_in_their_place)
{
    auto_arena *a = arena_new();
    struct lake_table t = test_table(a);
    struct err e = {0};
    struct lake_snapshot *s;
    test_log(&t, 0, PROTOCOL METADATA("", ""));
    for (int v = 1; v <= 5; v++)
        test_log(&t, v,
                 arena_fmt(a,
                           "{\"commitInfo\":{\"timestamp\":%d}}\n{\"add\":{\"path\":\"f%d\","
                           "\"partitionValues\":{},\"size\":1}}\n%s",
                           v, v, v == 4 ? REMOVE("f2") : ""));
    const char *plain = test_paths(a, test_snapshot(a, &t));
    CHECK_STR(plain, "f1 f3 f4 f5");
    /* Told from the commits by names of their own. */
    test_put(&t, COMPACTED(1, 2), ADD("c1") ADD("c2"));
    test_put(&t, COMPACTED(1, 4), ADD("d1") ADD("d3") ADD("d4") REMOVE("f2"));
    test_put(&t, COMPACTED(4, 5), ADD("e4") ADD("e5"));
    test_put(&t, COMPACTED(5, 5), "not one\n");
    s = test_snapshot(a, &t);
    CHECK_STR(test_paths(a, s), "d1 d3 d4 f5");
    CHECK_INT(s->timestamp_ms, 5);
    REQUIRE(lake_snapshot(a, &t, (struct lake_at){.version = 3}, &s, NULL, &e));
    CHECK_STR(test_paths(a, s), "c1 c2 f3");
    REQUIRE(lake_snapshot(a, &t, (struct lake_at){.version = 4}, &s, NULL, &e));
    CHECK_STR(test_paths(a, s), "d1 d3 d4");
    CHECK_INT(s->timestamp_ms, 4);

    test_put(&t, COMPACTED(1, 4), ADD("f1") ADD("f3") "{\"add\":{\"path\":\"f"); /* cut off */
    test_put(&t, COMPACTED(1, 2), "");
    CHECK_STR(test_paths(a, test_snapshot(a, &t)), "e4 e5 f1 f2 f3");
}

TEST(what_is_not_of_the_log_is_passed_over)
{
    static const char *const names[] = {
        ".00000000000000000009.json.0123.tmp",
        "00000000000000000009.json.tmp",
        "00000000000000000009.crc",
        "00000000000000000002.00000000000000000009.compacted.json",
        "00000000000000000009.checkpoint.x.parquet",
        "00000000000000000009.checkpoint." UUID ".crc",
        "0000000000000000009.json",
        "99999999999999999999.json",
        "00000000000000000009.checkpoint.0000000000.0000000000.parquet",
        "_commits/x",
        "00000000000000000008.json/x",
    };
    auto_arena *a = arena_new();
    struct test_parquet p = {0};
    struct lake_table t = checkpointed(a, &p);
    test_log(&t, 0, PROTOCOL METADATA("", "") ADD("f"));
    for (size_t i = 0; i < countof(names); i++)
        test_put(&t, arena_fmt(a, "_delta_log/%s", names[i]), "nothing");
    struct lake_snapshot *s = test_snapshot(a, &t);
    CHECK_INT(s->version, 0);
    CHECK_STR(test_paths(a, s), "f");
}
