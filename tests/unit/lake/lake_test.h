/* lake_test.h - what the tests of the lake share: a table in a folder that goes away, logs written by hand,
 * and a Parquet that is none (the lines themselves), so that checkpoints can be tested without an engine. */
#pragma once
#include <inttypes.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "fault.h"
#include "lake/lake.h"
#include "test.h"

static const struct clock test_clock = {.pinned_us = INT64_C(1795246992185000)};
#define TEST_NOW_MS INT64_C(1795246992185)

static inline void test_drop(void *path)
{
    struct err e;
    fault_off();
    if (!fs_remove_tree(path, &e))
        BAD("%s", e.msg);
}

static inline struct lake_table test_table(struct arena *a)
{
    struct err e = {0};
    struct store *s = NULL;
    const char *tmp = getenv("TMPDIR");
    char *dir = fs_join(a, tmp ? tmp : "/tmp", "cupel-lake-XXXXXX");
    REQUIRE(mkdtemp(dir));
    arena_defer(a, test_drop, dir);
    REQUIRE(store_open(a, dir, NULL, &s, &e));
    return (struct lake_table){.store = s, .dir = "t", .clock = &test_clock};
}

/* A file of the table, below its folder. */
static inline void test_put(const struct lake_table *t, const char *name, const char *text)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    const char *path = *t->dir ? arena_fmt(a, "%s/%s", t->dir, name) : name;
    if (!t->store->driver->put(t->store, path, text, strlen(text), &e))
        BAD("%s", e.msg);
}

static inline char *test_get(struct arena *a, const struct lake_table *t, const char *name)
{
    struct err e = {0};
    auto_buf b = BUF(64 << 20);
    if (!t->store->driver->read(t->store, arena_fmt(a, "%s/%s", t->dir, name), &b, NULL, &e))
        return arena_fmt(a, "! %s", e.msg);
    return arena_strn(a, b.p, b.len);
}

static inline char *test_commit_name(struct arena *a, int64_t version)
{
    return arena_fmt(a, "_delta_log/%020" PRIi64 ".json", version);
}

static inline void test_log(const struct lake_table *t, int64_t version, const char *text)
{
    auto_arena *a = arena_new();
    test_put(t, test_commit_name(a, version), text);
}

#define PROTOCOL "{\"protocol\":{\"minReaderVersion\":1,\"minWriterVersion\":2}}\n"
#define METADATA(by, conf)                                                                                   \
    "{\"metaData\":{\"id\":\"i\",\"format\":{\"provider\":\"parquet\",\"options\":{}},\"schemaString\":"     \
    "\"{\\\"type\\\":\\\"struct\\\",\\\"fields\\\":[{\\\"name\\\":\\\"id\\\",\\\"type\\\":\\\"long\\\","     \
    "\\\"nullable\\\":true,\\\"metadata\\\":{}},{\\\"name\\\":\\\"p\\\",\\\"type\\\":\\\"string\\\","        \
    "\\\"nullable\\\":true,\\\"metadata\\\":{}}]}\",\"partitionColumns\":[" by "],\"configuration\":{" conf  \
    "},\"createdTime\":1}}\n"
#define ADD(path)                                                                                            \
    "{\"add\":{\"path\":\"" path "\",\"partitionValues\":{},\"size\":1,\"modificationTime\":2,"              \
    "\"dataChange\":true,\"stats\":\"{\\\"numRecords\\\":3}\"}}\n"
#define REMOVE(path) "{\"remove\":{\"path\":\"" path "\",\"deletionTimestamp\":5,\"dataChange\":true}}\n"
#define INFO(more)   "{\"commitInfo\":{\"timestamp\":1000,\"operation\":\"WRITE\"" more "}}\n"

static inline struct lake_snapshot *test_snapshot(struct arena *a, const struct lake_table *t)
{
    struct err e = {0};
    struct lake_snapshot *s = NULL;
    if (!lake_snapshot(a, t, LAKE_LATEST, &s, NULL, &e))
        BAD("%s", e.msg);
    REQUIRE(s);
    return s;
}

/* The error of reading the table, "" = it can be read. */
static inline const char *test_refusal(struct arena *a, const struct lake_table *t)
{
    struct err e = {0};
    struct lake_snapshot *s;
    return lake_snapshot(a, t, LAKE_LATEST, &s, NULL, &e) ? "" : arena_str(a, e.msg);
}

/* The paths of the live files, in order. */
static inline const char *test_paths(struct arena *a, const struct lake_snapshot *s)
{
    const char *all = "";
    for (size_t i = 0; i < s->nfiles; i++)
        all = arena_fmt(a, "%s%s%s", all, i ? " " : "", s->files[i].path);
    return all;
}

static const struct lake_type test_long = {.kind = LAKE_PRIMITIVE, .primitive = "long"};
static const struct lake_type test_string = {.kind = LAKE_PRIMITIVE, .primitive = "string"};
static const struct lake_field test_fields[] = {
    {.name = "id", .type = &test_long, .nullable = true, .metadata = "{}"},
    {.name = "p", .type = &test_string, .nullable = true, .metadata = "{}"},
};
static const struct lake_schema test_schema = {test_fields, 2};

/* A data file, as an engine would have written it. */
static inline struct lake_file test_file(struct arena *a, const struct lake_table *t, const char *name)
{
    test_put(t, name, "data");
    return (struct lake_file){.path = arena_str(a, name),
                              .size = 4,
                              .mtime_ms = 7,
                              .stats = "{\"numRecords\":3}",
                              .data_change = true};
}

static inline int64_t test_create(const struct lake_table *t)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    int64_t version = -1;
    const struct lake_commit c = {.schema = &test_schema, .operation = "CREATE TABLE"};
    if (!lake_commit(a, t, &c, &version, &e))
        BAD("%s", e.msg);
    return version;
}

static inline bool test_append(const struct lake_table *t, const char *name, int64_t *ret_version,
                               struct err *e)
{
    auto_arena *a = arena_new();
    struct lake_snapshot *s;
    struct lake_file f = test_file(a, t, name);
    if (!lake_snapshot(a, t, LAKE_LATEST, &s, NULL, e))
        return false;
    const struct lake_commit c = {.base = s, .adds = &f, .nadds = 1, .blind = true, .operation = "WRITE"};
    return lake_commit(a, t, &c, ret_version, e);
}

/* The Parquet that is none. `ctx` counts the calls. */
struct test_parquet {
    int reads, writes;
    bool fail_writes;
    const char *columns; /* of the last write */
};

static inline bool test_parquet_read(void *ctx, const char *path, const char *const *columns,
                                     bool (*line)(void *arg, const char *p, size_t n, struct err *e),
                                     void *arg, struct err *e)
{
    auto_arena *a = arena_new();
    char *text;
    size_t n;
    struct test_parquet *p = ctx;
    p->reads++;
    if (!columns[0] || !fs_read(a, path, 64 << 20, &text, &n, e))
        return false;
    if (strncmp(text, "PAR1\n", 5) != 0)
        return fail(e, ERR_DATA, "'%s' is not a Parquet file", path);
    for (text += 5; *text;) {
        size_t len = strcspn(text, "\n");
        if (!line(arg, text, len, e))
            return false;
        text += len + (text[len] != '\0');
    }
    return true;
}

static inline bool test_parquet_write(void *ctx, const char *ndjson, size_t n, const char *columns,
                                      const char *path, struct err *e)
{
    auto_arena *a = arena_new();
    struct test_parquet *p = ctx;
    p->writes++;
    p->columns = columns;
    if (p->fail_writes)
        return fail(e, ERR_IO, "the engine cannot write '%s'", path);
    char *text = arena_fmt(a, "PAR1\n%s", ndjson);
    return fs_write_atomic(path, text, n + 5, e);
}
