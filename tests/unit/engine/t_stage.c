#include <pthread.h>

#include "base/text.h"
#include "engine_test.h"

/* A stage of `sql` into the table "t" with what else `g` says. */
static bool stage(const struct fixture *f, const char *sql, struct engine_stage g, struct engine_staged *ret,
                  struct err *e)
{
    g.sql = sql;
    g.store = f->store;
    if (!g.dir)
        g.dir = "t";
    *e = (struct err){0};
    return duckdb->stage(f->a, f->s, &g, ret, e);
}

static struct engine_staged must_stage(const struct fixture *f, const char *sql, struct engine_stage g)
{
    struct engine_staged r = {0};
    struct err e;
    if (!stage(f, sql, g, &r, &e))
        BAD("%s (%s)", e.msg, e.hint);
    return r;
}

/* The staged table as the relation "t". */
static void as_relation(const struct fixture *f, const struct engine_staged *r, const char *const *by,
                        size_t nby)
{
    struct err e = {0};
    const struct lake_table t = {.store = f->store, .dir = "t"};
    const struct lake_snapshot snap = {.schema = r->schema,
                                       .partition_by = by,
                                       .npartition_by = nby,
                                       .files = r->files,
                                       .nfiles = r->nfiles};
    if (!duckdb->relation_files(f->s, "t", &t, &snap, NULL, 0, &e))
        BAD("%s", e.msg);
}

static size_t files_in(const struct fixture *f, const char *dir)
{
    const char **names;
    size_t n = 0;
    struct err e;
    if (!fs_walk(f->a, fs_join(f->a, f->dir, dir), "", &names, &n, &e))
        BAD("%s", e.msg);
    return n;
}

TEST(rows_become_a_file_with_statistics)
{
    FIXTURE(f);
    struct engine_staged r = must_stage(&f,
                                        "SELECT i AS id, 'n' || i AS name, i::HUGEINT AS h, TIMESTAMP "
                                        "'2026-01-01 00:00:00' AS ts FROM range(10) t(i) -- all",
                                        (struct engine_stage){0});
    REQUIRE(r.nfiles == 1);
    CHECK_INT(r.rows, 10);
    CHECK_INT(r.rejected, 0);
    CHECK_INT(r.files[0].rows, 10);
    CHECK(strncmp(r.files[0].path, "part-", 5) == 0 && !strchr(r.files[0].path, '/'));
    CHECK_HAS(r.files[0].path, ".snappy.parquet");
    CHECK(r.files[0].size > 100 && r.files[0].mtime_ms > 0 && r.files[0].data_change);
    CHECK_HAS(r.files[0].stats, "\"numRecords\":10");
    CHECK_HAS(r.files[0].stats,
              "\"minValues\":{\"id\":0,\"name\":\"n0\",\"h\":0,\"ts\":\"2026-01-01T00:00:00.000Z\"}");
    CHECK_HAS(r.files[0].stats, "\"nullCount\":{\"id\":0,\"name\":0,\"h\":0,\"ts\":0}");
    CHECK_INT(r.schema.n, 4);
    CHECK_STR(r.schema.fields[2].type->primitive, "long");
    as_relation(&f, &r, NULL, 0);
    CHECK_STR(rows(&f, "SELECT count(*), sum(id), max(name), typeof(any_value(h)), any_value(ts) FROM t"),
              "10|45|n9|BIGINT|2026-01-01 00:00:00+00");
}

TEST(no_rows_no_file)
{
    FIXTURE(f);
    static const char *const by[] = {"p"};
    struct engine_staged r = must_stage(&f, "SELECT 1 AS id, 'x' AS p WHERE false", (struct engine_stage){0});
    CHECK_INT(r.nfiles, 0);
    r = must_stage(&f, "SELECT 1 AS id, 'x' AS p WHERE false",
                   (struct engine_stage){.partition_by = by, .npartition_by = 1});
    CHECK_INT(r.nfiles, 0);
    CHECK_INT(files_in(&f, "t"), 0);
    CHECK_INT(r.schema.n, 2);
    as_relation(&f, &r, by, 1);
    CHECK_STR(rows(&f, "SELECT count(*) FROM t"), "0");
}

TEST(large_results_are_cut_into_files)
{
    FIXTURE(f);
    struct engine_staged r = must_stage(&f, "SELECT i AS id, uuid() AS u FROM range(1000000) t(i)",
                                        (struct engine_stage){.file_bytes = 8 << 20});
    CHECK(r.nfiles >= 2);
    CHECK_INT(r.rows, 1000000);
    as_relation(&f, &r, NULL, 0);
    CHECK_STR(rows(&f, "SELECT count(DISTINCT id), sum(id) FROM t"), "1000000|499999500000");
}

TEST(partitions_of_any_value_come_back)
{
    static const char *const by[] = {"p", "d", "ts", "b", "n", "x"};
    static const char *const odd[] = {"a b/c=d%\"'é*[x]?", ".", "..", "100%41", "+", "\\", "{}",
                                      "#frag&x=1",         "🎬"};
    FIXTURE(f);
    auto_buf sql = BUF(1 << 16);
    buf_addf(
        &sql,
        "SELECT * FROM (VALUES (0, NULL, NULL, NULL, NULL, NULL::INTEGER, NULL), (1, '', DATE '2026-02-03', "
        "TIMESTAMPTZ '2026-02-03 04:05:06.789+00', true, 7, 1.50)");
    for (size_t i = 0; i < countof(odd); i++) {
        buf_addf(&sql, ", (%zu, ", i + 2);
        sql_literal(&sql, odd[i]);
        buf_addf(&sql, ", DATE '2026-02-03', TIMESTAMPTZ '2026-02-03 04:05:06+00', false, -7, 2.25)");
    }
    buf_addf(&sql, ") v(id, p, d, ts, b, n, x)");
    struct engine_staged r =
        must_stage(&f, sql.p, (struct engine_stage){.partition_by = by, .npartition_by = countof(by)});
    CHECK_INT(r.rows, 2 + (long long)countof(odd));
    CHECK_INT(r.nfiles, 2 + countof(odd));
    bool nulls = false, empty = false;
    for (size_t i = 0; i < r.nfiles; i++) {
        const char *const *v = r.files[i].values;
        if (!v[1]) {
            nulls = !v[0] && !v[2] && !v[3] && !v[4] && !v[5];
            CHECK_HAS(r.files[i].path, "p=__HIVE_DEFAULT_PARTITION__/d=__HIVE");
        } else if (!v[0]) { /* '' is null to Delta */
            empty = true;
            CHECK_STR(v[1], "2026-02-03");
            CHECK_STR(v[2], "2026-02-03 04:05:06.789");
            CHECK_STR(v[3], "true");
            CHECK_STR(v[4], "7");
            CHECK_STR(v[5], "1.50");
        } else {
            CHECK_STR(v[2], "2026-02-03 04:05:06");
        }
    }
    CHECK(nulls && empty);
    as_relation(&f, &r, by, countof(by));
    for (size_t i = 0; i < countof(odd); i++) {
        auto_buf q = BUF(4096);
        CASE(odd[i]);
        buf_addf(&q, "SELECT id, d, ts, b, n, x, typeof(x) FROM t WHERE p = ");
        sql_literal(&q, odd[i]);
        CHECK_STR(rows(&f, q.p),
                  arena_fmt(f.a, "%zu|2026-02-03|2026-02-03 04:05:06+00|false|-7|2.25|DECIMAL(3,2)", i + 2));
    }
    CASE("nulls");
    CHECK_STR(rows(&f, "SELECT id FROM t WHERE p IS NULL ORDER BY id"), "0;1");
    CHECK_STR(rows(&f, "SELECT id FROM t WHERE d IS NULL"), "0");
    CHECK_STR(rows(&f, "SELECT id FROM t WHERE ts = TIMESTAMPTZ '2026-02-03 04:05:06.789+00'"), "1");
}

TEST(partition_files_that_cannot_match_are_not_read)
{
    static const char *const by[] = {"d"};
    FIXTURE(f);
    struct engine_staged r =
        must_stage(&f, "SELECT i AS id, DATE '2026-01-01' + i::INTEGER AS d FROM range(20) t(i)",
                   (struct engine_stage){.partition_by = by, .npartition_by = 1});
    CHECK_INT(r.nfiles, 20);
    as_relation(&f, &r, by, 1);
    for (size_t i = 0; i < r.nfiles; i++) /* of all but one the rows are spoilt: reading them would fail */
        if (strcmp(r.files[i].values[0], "2026-01-05") != 0) {
            const char *path = arena_fmt(f.a, "%s/t/%s", f.dir, r.files[i].path);
            struct err e;
            char *text;
            size_t n;
            REQUIRE(fs_read(f.a, path, 1 << 20, &text, &n, &e));
            memset(text + 4, 0xff, 16);
            CHECK(fs_write_atomic(path, text, n, &e));
        }
    CHECK_STR(rows(&f, "SELECT id, d FROM t WHERE d = DATE '2026-01-05'"), "4|2026-01-05");
}

TEST(columns_follow_the_schema)
{
    static const struct lake_type text = {.primitive = "string"}, num = {.primitive = "long"},
                                  real = {.primitive = "double"};
    static const struct lake_field parts[] = {{"b", &text, true, "{}"}, {"a", &num, true, "{}"}};
    static const struct lake_type st = {.kind = LAKE_STRUCT, .fields = parts, .nfields = 2};
    static const struct lake_field fields[] = {{"x", &real, true, "{}"},
                                               {"Id", &num, true, "{}"},
                                               {"old", &text, true, "{}"},
                                               {"s", &st, true, "{}"}};
    static const struct lake_schema schema = {fields, countof(fields)};
    FIXTURE(f);
    struct err e;
    struct engine_staged r = must_stage(&f, "SELECT {'a': 1, 'b': 'q'} AS s, 7::TINYINT AS id, 1.5 AS x",
                                        (struct engine_stage){.schema = &schema});
    as_relation(&f, &r, NULL, 0);
    CHECK_STR(rows(&f, "SELECT COLUMNS(*) FROM t"), "1.5|7|NULL|{'b': q, 'a': 1}");
    CHECK(!stage(&f, "SELECT 1 AS id, 2 AS extra", (struct engine_stage){.schema = &schema, .at = at_10_5},
                 &r, &e));
    CHECK_STR(e.msg, "the table has no column 'extra'");
    CHECK_INT(e.kind, ERR_DATA);
    CHECK_INT(e.at.line, 10);
}

/* --- gates --- */

static const struct gate gates[] = {
    {"not_null(title)", "title IS NOT NULL", false},
    {"cheap -- ' check", "x < 0.5 -- and a comment", false},
    {"warned", "id % 10 <> 0", true},
    {"warned too", "id % 20 <> 0", true},
};
#define FILMS                                                                                                \
    "SELECT i AS id, CASE WHEN i % 7 <> 0 THEN 'film ' || i END AS title, (i % 100) / 100.0 AS x, random() " \
    "AS r "                                                                                                  \
    "FROM range(100000) t(i) WHERE i % 3 <> 0"

TEST(rows_that_fail_are_counted_once_and_held_back)
{
    static const char *const shapes[] = {
        FILMS,
        FILMS " ORDER BY hash(i)",
        "SELECT DISTINCT id, title, x FROM (" FILMS ")",
        "SELECT * FROM (" FILMS ") JOIN (SELECT i AS id FROM range(100000) t(i)) USING (id)",
        "SELECT id, title, x, row_number() OVER (PARTITION BY id ORDER BY x) AS n FROM (" FILMS
        ") QUALIFY n = 1",
        "WITH a AS MATERIALIZED (" FILMS ") SELECT * FROM a LIMIT 100000",
        "SELECT id, any_value(title) AS title, any_value(x) AS x FROM (" FILMS ") GROUP BY id",
        FILMS " UNION ALL SELECT 1000003, NULL, 0.0, 0 WHERE false",
    };
    FIXTURE(f);
    /* id % 3 <> 0 and (title null or x >= 0.5) */
    const char *films = "FROM (" FILMS ")";
    long long all = count(&f, arena_fmt(f.a, "SELECT count(*) %s", films));
    long long bad = count(&f, arena_fmt(f.a, "SELECT count(*) %s WHERE title IS NULL OR x >= 0.5", films));
    long long nulls = count(&f, arena_fmt(f.a, "SELECT count(*) %s WHERE title IS NULL", films));
    long long high = count(&f, arena_fmt(f.a, "SELECT count(*) %s WHERE x >= 0.5", films));
    const char *passing = arena_fmt(f.a, "%s WHERE title IS NOT NULL AND x < 0.5", films);
    long long tens = count(&f, arena_fmt(f.a, "SELECT count(*) %s AND id %% 10 = 0", passing));
    long long twenties = count(&f, arena_fmt(f.a, "SELECT count(*) %s AND id %% 20 = 0", passing));

    for (size_t i = 0; i < countof(shapes); i++) {
        CASE(shapes[i]);
        struct engine_staged r = must_stage(
            &f, shapes[i], (struct engine_stage){.gates = gates, .ngates = countof(gates), .max_rejects = 5});
        CHECK_INT(r.rejected, bad);
        CHECK_INT(r.rows, all - bad);
        CHECK_INT(r.nrejects, 5);
        REQUIRE(r.gate_failed);
        CHECK_INT(r.gate_failed[0], nulls);
        CHECK_INT(r.gate_failed[1], high);
        CHECK_INT(r.gate_failed[2], tens);
        CHECK_INT(r.gate_failed[3], twenties);
        as_relation(&f, &r, NULL, 0);
        CHECK_INT(count(&f, "SELECT count(*) FROM t WHERE title IS NULL OR x >= 0.5"), 0);
        CHECK_INT(count(&f, "SELECT count(DISTINCT id) FROM t"), all - bad);
    }
}

TEST(a_rejected_row_is_shown_with_its_reasons)
{
    FIXTURE(f);
    struct engine_staged r =
        must_stage(&f, "SELECT 1 AS id, NULL::VARCHAR AS title, 0.75 AS x, [DATE '2026-01-02'] AS d",
                   (struct engine_stage){.gates = gates, .ngates = countof(gates), .max_rejects = 10});
    REQUIRE(r.nrejects == 1 && r.nfiles == 0);
    CHECK_INT(r.rejects[0].nreasons, 2);
    CHECK_STR(r.rejects[0].reasons[0], "not_null(title)");
    CHECK_STR(r.rejects[0].reasons[1], "cheap -- ' check");
    CHECK_STR(r.rejects[0].row, "{\"id\":1,\"title\":null,\"x\":0.75,\"d\":[\"2026-01-02\"]}");
    CHECK_INT(files_in(&f, "t"), 0);
}

TEST(a_row_may_give_its_own_reasons)
{
    static const struct gate one[] = {{"positive", "id > 0", false}};
    static const struct {
        const char *sql;
        const char *reasons[3];
    } cases[] = {
        {"SELECT -1 AS id, 'it''s late' AS why", {"positive", "it's late"}},
        {"SELECT 1 AS id, 'late' AS why", {"late"}},
        {"SELECT 1 AS id, ['late', NULL, 'dull'] AS why", {"late", "dull"}},
        {"SELECT -1 AS id, NULL::VARCHAR[] AS why", {"positive"}},
    };
    static const char *const fine[] = {"SELECT 1 AS id, '' AS why", "SELECT 1 AS id, NULL::VARCHAR AS why",
                                       "SELECT 1 AS id, []::VARCHAR[] AS why",
                                       "SELECT 1 AS id, NULL::VARCHAR[] AS why"};
    FIXTURE(f);
    const struct engine_stage g = {
        .gates = one, .ngates = 1, .reject = "why", .max_rejects = 10, .at = at_10_5};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].sql);
        struct engine_staged r = must_stage(&f, cases[i].sql, g);
        REQUIRE(r.nrejects == 1 && r.rejected == 1 && r.rows == 0);
        size_t n = 0;
        for (; n < 3 && cases[i].reasons[n]; n++)
            CHECK_STR(n < r.rejects[0].nreasons ? r.rejects[0].reasons[n] : "", cases[i].reasons[n]);
        CHECK_INT(r.rejects[0].nreasons, n);
        CHECK_INT(r.schema.n, 1);
        CHECK(!strstr(r.rejects[0].row, "why"));
    }
    for (size_t i = 0; i < countof(fine); i++) {
        CASE(fine[i]);
        struct engine_staged r = must_stage(&f, fine[i], g);
        CHECK(r.rows == 1 && r.rejected == 0 && r.schema.n == 1);
    }
    struct engine_staged r;
    struct err e;
    CHECK(!stage(&f, "SELECT 1 AS id, 5 AS why", g, &r, &e));
    CHECK_STR(e.msg,
              "column 'why' holds reasons for a rejection: it must be VARCHAR or VARCHAR[], not INTEGER");
    CHECK(!stage(&f, "SELECT 1 AS id", g, &r, &e));
    CHECK_STR(e.msg, "there is no column 'why' to hold the reasons for a rejection");
}

TEST(gates_and_partitions_go_together)
{
    static const char *const by[] = {"p"};
    static const struct gate one[] = {{"odd", "id % 2 = 1", false}};
    FIXTURE(f);
    struct engine_staged r =
        must_stage(&f, "SELECT i AS id, i % 5 AS p FROM range(100000) t(i)",
                   (struct engine_stage){
                       .gates = one, .ngates = 1, .max_rejects = 1, .partition_by = by, .npartition_by = 1});
    CHECK(r.rows == 50000 && r.rejected == 50000 && r.nfiles >= 5);
    as_relation(&f, &r, by, 1);
    CHECK_STR(rows(&f, "SELECT p, count(*), min(id % 2) FROM t GROUP BY p ORDER BY p"),
              "0|10000|1;1|10000|1;2|10000|1;3|10000|1;4|10000|1");
}

/* --- failure --- */

TEST(what_cannot_be_stored_is_said_before_it_is_run)
{
    static const char *const by[] = {"nosuch"};
    static const struct {
        const char *sql;
        bool partitioned;
        const char *msg, *hint;
    } cases[] = {
        {"SELECT INTERVAL 1 DAY AS i", false, "column 'i' has the type INTERVAL, which no table can hold",
         "cast it to a type that a table has: CAST(\"i\" AS VARCHAR)"},
        {"SELECT 1 AS a, 2 AS \"A\"", false, "two columns are called 'A'", ""},
        {"SELECT 1 AS a", true, "there is no column 'nosuch' to partition by", ""},
        {"SELECT nosuch", false,
         "referenced column 'nosuch' was not found because the FROM clause is missing", ""},
        {"SELECT $x", false, "unknown parameter '$x'", ""},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        struct engine_staged r;
        struct err e;
        CASE(cases[i].sql);
        CHECK(!stage(
            &f, cases[i].sql,
            (struct engine_stage){.partition_by = by, .npartition_by = cases[i].partitioned, .at = at_10_5},
            &r, &e));
        CHECK_INT(e.kind, ERR_USER);
        if (i != 3)
            CHECK_STR(e.msg, cases[i].msg);
        CHECK_STR(e.hint, cases[i].hint);
        CHECK_INT(e.at.line, 10);
        CHECK(!fs_exists(fs_join(f.a, f.dir, "t")));
    }
}

TEST(a_failed_stage_leaves_no_file)
{
    static const char *const by[] = {"p"};
    static const char sql[] =
        "SELECT i AS id, i % 3 AS p, uuid() AS u,\n"
        "  CASE WHEN i = 900000 THEN error('row ' || i) ELSE i END AS v FROM range(1000000) t(i)";
    FIXTURE(f);
    for (size_t partitioned = 0; partitioned < 2; partitioned++) {
        struct engine_staged r;
        struct err e;
        CASE(partitioned ? "partitioned" : "plain");
        CHECK(!stage(
            &f, sql,
            (struct engine_stage){.partition_by = by, .npartition_by = partitioned, .file_bytes = 1 << 20},
            &r, &e));
        CHECK_INT(e.kind, ERR_DATA);
        CHECK_STR(e.msg, "row 900000");
        CHECK_INT(files_in(&f, "t"), 0);
    }
    CASE("other files stay");
    struct engine_staged fine = must_stage(&f, "SELECT 1 AS id", (struct engine_stage){0}), r;
    struct err e;
    CHECK(!stage(&f, sql, (struct engine_stage){0}, &r, &e));
    CHECK_INT(files_in(&f, "t"), 1);
    CHECK(fs_exists(arena_fmt(f.a, "%s/t/%s", f.dir, fine.files[0].path)));
    CASE("conversion");
    CHECK(!stage(&f, "SELECT\n  x::INTEGER AS x FROM (VALUES ('1'), ('b')) t(x)",
                 (struct engine_stage){.at = at_10_5}, &r, &e));
    CHECK_INT(e.kind, ERR_DATA);
    CHECK_HAS(e.msg, "could not convert string 'b' to INT32");
    CHECK_INT(e.at.line, 11);
    CHECK_INT(e.at.col, 4);
}

TEST(parameters_reach_the_staged_rows)
{
    static const struct engine_param v[] = {{.name = "now", .type = PARAM_TIMESTAMP, .num = 1500000},
                                            {.name = "day", .type = PARAM_TEXT, .text = "2026-01-02"},
                                            {.name = "unused", .type = PARAM_INT}};
    FIXTURE(f);
    struct engine_staged r = must_stage(
        &f, "SELECT $now AS t, d FROM (VALUES (DATE '2026-01-01'), (DATE '2026-01-03')) v(d) WHERE d > $day",
        (struct engine_stage){.params = {v, countof(v)}});
    as_relation(&f, &r, NULL, 0);
    CHECK_STR(rows(&f, "FROM t"), "1970-01-01 00:00:01.5+00|2026-01-03");
}

TEST(folders_of_any_name_hold_a_table)
{
    static const char *const dirs[] = {"it's", "a b", "x=1", "[y]", "q?*", "é/ü", "p%41"};
    static const char *const by[] = {"p"};
    FIXTURE(f);
    for (size_t i = 0; i < countof(dirs); i++) {
        CASE(dirs[i]);
        struct err e = {0};
        struct engine_staged r =
            must_stage(&f, "SELECT i AS id, i AS p FROM range(3) t(i)",
                       (struct engine_stage){.dir = dirs[i], .partition_by = by, .npartition_by = 1});
        REQUIRE(r.nfiles == 3);
        CHECK(strncmp(r.files[0].path, "p=", 2) == 0);
        const struct lake_table t = {.store = f.store, .dir = dirs[i]};
        const struct lake_snapshot snap = {
            .schema = r.schema, .partition_by = by, .npartition_by = 1, .files = r.files, .nfiles = 3};
        CHECK(duckdb->relation_files(f.s, "lake.odd", &t, &snap, NULL, 0, &e) || (BAD("%s", e.msg), false));
        CHECK_STR(rows(&f, "SELECT id, p FROM lake.odd ORDER BY id"), "0|0;1|1;2|2");
    }
}

static void *stop_soon(void *flag)
{
    usleep(200000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

TEST(a_stopped_stage_leaves_no_file)
{
    static const char *const by[] = {"p"};
    FIXTURE(f);
    for (size_t partitioned = 0; partitioned < 2; partitioned++) {
        auto_arena *a = arena_new();
        atomic_bool cancel = false;
        struct clock clock = {0};
        struct task t = {.a = a, .clock = &clock, .cancel = &cancel};
        struct session *s;
        struct err e = {0};
        struct engine_staged r;
        pthread_t thread;
        CASE(partitioned ? "partitioned" : "plain");
        REQUIRE(duckdb->session(a, f.g, &t, &s, &e));
        const struct engine_stage g = {
            .sql = "SELECT i AS id, uuid() AS u, i % 4 AS p FROM range(10000000000) t(i)",
            .store = f.store,
            .dir = "t",
            .partition_by = by,
            .npartition_by = partitioned,
            .file_bytes = 4 << 20};
        REQUIRE(pthread_create(&thread, NULL, stop_soon, &cancel) == 0);
        int64_t before = clock_mono_ms();
        CHECK(!duckdb->stage(a, s, &g, &r, &e));
        CHECK(clock_mono_ms() - before < 3000);
        CHECK_INT(e.kind, ERR_CANCELED);
        pthread_join(thread, NULL);
        CHECK_INT(files_in(&f, "t"), 0);
        CHECK(!duckdb->stage(a, s, &g, &r, &e));
        CHECK_INT(e.kind, ERR_CANCELED);
    }
}

TEST(a_stage_survives_every_failing_call)
{
    static const char *const by[] = {"p"};
    static const struct gate one[] = {{"small", "id < 5", false}};
    FIXTURE(f);
    REQUIRE(exec(&f, "SET threads = 1"));
    TORTURE (n) {
        struct engine_staged r = {0};
        struct err e = {0};
        bool ok = stage(
            &f, "SELECT i AS id, i % 2 AS p FROM range(10) t(i)",
            (struct engine_stage){.gates = one, .ngates = 1, .partition_by = by, .npartition_by = 1}, &r, &e);
        int hit = fault_hit();
        CASE(arena_fmt(f.a, "call %d, %s", n, fault_call()));
        if (!hit)
            fault_arm(-1); /* all calls were let through; those of the checks are to be, too */
        if (!ok) {
            CHECK(hit && e.kind != ERR_NONE && *e.msg);
            CHECK_INT(files_in(&f, "t"), 0);
        } else {
            CHECK_INT(r.rows, 5);
            CHECK_INT(files_in(&f, "t"), r.nfiles);
        }
        struct err ignored;
        CHECK(fs_remove_tree(fs_join(f.a, f.dir, "t"), &ignored));
    }
}
