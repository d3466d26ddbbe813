#include <pthread.h>

#include "base/clock.h"
#include "engine_test.h"
#include "nanoarrow/nanoarrow.h"

/* The columns that a SELECT gives, "name TYPE -> delta, ...", or its error with place and hint. */
static const char *lake_name(struct arena *a, const struct lake_type *t)
{
    auto_buf b = BUF(1 << 16);
    const char *json;
    struct lake_field f = {"x", t, true, "{}"};
    if (!t)
        return "-";
    lake_schema_write(&b, &(struct lake_schema){&f, 1});
    json = strstr(b.p, "\"type\":");
    json = strstr(json + 1, "\"type\":");
    const char *end = strstr(json, ",\"nullable\"");
    for (const char *p; (p = strstr(end + 1, ",\"nullable\"")) && t->kind != LAKE_PRIMITIVE;)
        end = p;
    return arena_strn(a, json + 7, (size_t)(end - json - 7));
}

static const char *columns(const struct fixture *f, const char *sql, struct engine_params p)
{
    struct engine_column *c;
    size_t n;
    struct err e = {0};
    if (!duckdb->bind(f->a, f->s, sql, p, at_10_5, &c, &n, &e))
        return arena_fmt(f->a, "%s %d:%d %s%s%s", err_name(e.kind), e.at.line, e.at.col, e.msg,
                         *e.hint ? " // " : "", e.hint);
    const char *out = "";
    for (size_t i = 0; i < n; i++)
        out = arena_fmt(f->a, "%s%s%s %s", out, i ? ", " : "", c[i].name, c[i].sql_type);
    return out;
}

TEST(types_have_a_name_and_a_place_in_a_table)
{
    static const struct {
        const char *value, *sql_type, *stored;
    } cases[] = {
        {"true", "BOOLEAN", "\"boolean\""},
        {"1::TINYINT", "TINYINT", "\"byte\""},
        {"1::SMALLINT", "SMALLINT", "\"short\""},
        {"1", "INTEGER", "\"integer\""},
        {"1::BIGINT", "BIGINT", "\"long\""},
        {"1::UTINYINT", "UTINYINT", "\"short\""},
        {"1::USMALLINT", "USMALLINT", "\"integer\""},
        {"1::UINTEGER", "UINTEGER", "\"long\""},
        {"1::UBIGINT", "UBIGINT", "\"decimal(20,0)\""},
        {"1::HUGEINT", "HUGEINT", "\"long\""},
        {"1::UHUGEINT", "UHUGEINT", "\"long\""},
        {"1::FLOAT", "FLOAT", "\"float\""},
        {"1::DOUBLE", "DOUBLE", "\"double\""},
        {"1.50", "DECIMAL(3,2)", "\"decimal(3,2)\""},
        {"'x'", "VARCHAR", "\"string\""},
        {"'{}'::JSON", "JSON", "\"string\""},
        {"uuid()", "UUID", "\"string\""},
        {"'a'::ENUM('a', 'it''s')", "ENUM('a', 'it''s')", "\"string\""},
        {"'x'::BLOB", "BLOB", "\"binary\""},
        {"DATE '2026-01-01'", "DATE", "\"date\""},
        {"TIMESTAMP '2026-01-01 00:00:00'", "TIMESTAMP", "\"timestamp\""},
        {"'2026-01-01'::TIMESTAMP_S", "TIMESTAMP_S", "\"timestamp\""},
        {"'2026-01-01'::TIMESTAMP_MS", "TIMESTAMP_MS", "\"timestamp\""},
        {"'2026-01-01'::TIMESTAMP_NS", "TIMESTAMP_NS", "\"timestamp\""},
        {"now()", "TIMESTAMP WITH TIME ZONE", "\"timestamp\""},
        {"TIME '10:00'", "TIME", "-"},
        {"INTERVAL 1 DAY", "INTERVAL", "-"},
        {"'101'::BIT", "BIT", "-"},
        {"NULL", "INTEGER", "\"integer\""}, /* as DuckDB stores it */
        {"1::UNION(n INTEGER, s VARCHAR)", "UNION(\"n\" INTEGER, \"s\" VARCHAR)", "-"},
        {"[1]", "INTEGER[]", "{\"type\":\"array\",\"elementType\":\"integer\",\"containsNull\":true}"},
        {"[1, 2]::INTEGER[2]", "INTEGER[2]",
         "{\"type\":\"array\",\"elementType\":\"integer\",\"containsNull\":true}"},
        {"[INTERVAL 1 DAY]", "INTERVAL[]", "-"},
        {"{'a b': TIME '10:00'}", "STRUCT(\"a b\" TIME)", "-"},
        {"MAP {'k': 1::HUGEINT}", "MAP(VARCHAR, HUGEINT)",
         "{\"type\":\"map\",\"keyType\":\"string\",\"valueType\":\"long\",\"valueContainsNull\":true}"},
        {"{'a': 1, 'b': [{'c': 'x'}]}", "STRUCT(\"a\" INTEGER, \"b\" STRUCT(\"c\" VARCHAR)[])", NULL},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        struct engine_column *c;
        size_t n;
        struct err e = {0};
        CASE(cases[i].value);
        if (!duckdb->bind(f.a, f.s, arena_fmt(f.a, "SELECT %s AS x", cases[i].value), no_params, at_10_5, &c,
                          &n, &e)) {
            BAD("%s", e.msg);
            continue;
        }
        CHECK_STR(c[0].sql_type, cases[i].sql_type);
        if (cases[i].stored)
            CHECK_STR(lake_name(f.a, c[0].type), cases[i].stored);
    }
}

TEST(parameters_give_their_types)
{
    static const int64_t ids[] = {3, 4};
    static const char *const texts[] = {"a"};
    static const struct engine_param v[] = {
        {.name = "now", .type = PARAM_TIMESTAMP, .num = 1500000},
        {.name = "day", .type = PARAM_TEXT, .text = "2026-01-02"},
        {.name = "n", .type = PARAM_INT, .num = 7},
        {.name = "x", .type = PARAM_REAL, .real = 0.5},
        {.name = "yes", .type = PARAM_BOOL, .num = 1},
        {.name = "ids", .type = PARAM_INTS, .nums = ids, .n = 2},
        {.name = "texts", .type = PARAM_TEXTS, .texts = texts, .n = 1},
        {.name = "none", .type = PARAM_TEXT},
    };
    static const struct engine_params p = {v, countof(v)};
    static const struct {
        const char *sql, *types, *rows;
    } cases[] = {
        {"SELECT $now AS t, $n + 1 AS n, $x AS x, $yes AS y",
         "t TIMESTAMP WITH TIME ZONE, n BIGINT, x DOUBLE, y BOOLEAN", "1970-01-01 00:00:01.5+00|8|0.5|true"},
        {"SELECT DATE '2026-01-03' >= $day AS later, $day || '!' AS s", "later BOOLEAN, s VARCHAR",
         "true|2026-01-02!"},
        {"SELECT 3 IN $ids AS i, list_contains($texts, 'a') AS c, $ids[2] AS e",
         "i BOOLEAN, c BOOLEAN, e BIGINT", "true|true|4"},
        {"SELECT * FROM range(10) t(i) LIMIT $n", "i BIGINT", "0;1;2;3;4;5;6"},
        {"SELECT coalesce($none, 'x') AS d, $day::DATE + 1 AS e", "d VARCHAR, e DATE", "x|2026-01-03"},
        {"SELECT 1 AS one", "one INTEGER", "1"},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].sql);
        CHECK_STR(columns(&f, cases[i].sql, p), cases[i].types);
        CHECK_STR(rows_in(&f, f.s, cases[i].sql, p), cases[i].rows);
    }
}

TEST(errors_have_a_place_and_a_remedy)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"SELECT titel FROM silver.movies", "user 10:12 unknown column 'titel' // did you mean 'title'?"},
        {"SELECT\n  id,\n  titel FROM silver.movies",
         "user 12:3 unknown column 'titel' // did you mean 'title'?"},
        {"SELECT 'é', titel FROM silver.movies",
         "user 10:18 unknown column 'titel' // did you mean 'title'?"},
        {"SELECT m.titel FROM silver.movies m", "user 10:12 table 'm' does not have a column named 'titel' "
                                                "// columns with the nearest names: 'title', 'id'"},
        {"SELECT elephants FROM silver.movies",
         "user 10:12 unknown column 'elephants' // columns with the nearest names: released,title"},
        {"SELECT * FROM silver.movie", "user 10:19 unknown table 'silver.movie' // did you mean 'movies'?"},
        {"SELECT * FROM bronze.movies", "user 10:19 unknown table 'bronze.movies'"},
        {"SELECT * FROM silver.movies@v9",
         "user 10:19 unknown table 'silver.movies@v9' // did you mean 'movies'?"},
        {"SELECT a.x, titel FROM silver.movies@v3 a",
         "user 10:12 table 'a' does not have a column named 'x' // columns with the nearest names: 'x2'"},
        {"SELECT lenght(title) FROM silver.movies",
         "user 10:12 unknown function 'lenght' // did you mean 'length'?"},
        {"SELECT 1 FROM\n silver.movies where where", "user 11:22 syntax error at or near 'where'"},
        {"SELEC 1", "user 10:5 syntax error at or near 'SELEC'"},
        {"SELECT max(id FROM silver.movies", "user 10:19 syntax error at or near 'FROM'"},
        {"SELECT sum(title) FROM silver.movies",
         "user 10:12 no function matches the given name and argument types 'sum(VARCHAR)'. You might need to "
         "add explicit "
         "type casts // candidate functions: sum(DECIMAL) -> DECIMAL sum(BOOLEAN) -> HUGEINT sum(SMALLINT) "
         "-> HUGEINT "
         "sum(INTEGER) -> HUGEINT sum(BIGINT) -> HUGEINT sum(HUGEINT) -> HUGEINT sum(DOUBLE) -> DOUBLE "
         "sum(BIGNUM) -> "
         "BIGNUM"},
        {"SELECT title FROM silver.movies GROUP BY id",
         "user 10:12 column 'title' must appear in the GROUP BY clause or must be part of an aggregate "
         "function // either "
         "add it to the GROUP BY list, or use 'ANY_VALUE(title)' if the exact value of 'title' is not "
         "important"},
        {"SELECT $noww", "user 10:12 unknown parameter '$noww'"},
        {"SELECT 'oops", "user 10:12 this string never ends"},
        {"CREATE TABLE t (a INTEGER)",
         "user 10:5 not a SELECT // a model is one SELECT (it may begin with WITH or FROM)"},
        {"SELECT 1; SELECT 2", "user 10:5 cannot prepare multiple statements at once"},
        {"", "user 10:5 there is no SQL here"},
        {"SELECT * FROM postgres_scan('a', 'b', 'c')",
         "user 10:5 table Function with name 'postgres_scan' is not in the catalog, but it exists in the "
         "postgres_scanner "
         "extension"},
    };
    FIXTURE(f);
    struct err e;
    REQUIRE(duckdb->relation_ddl(f.s, "silver.movies", "id BIGINT, title VARCHAR, released DATE", &e));
    REQUIRE(duckdb->relation_ddl(f.s, "silver.movies@v3", "x2 BIGINT", &e));
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].sql);
        const char *got = columns(&f, cases[i].sql, no_params);
        if (strstr(cases[i].want, "postgres"))
            CHECK_HAS(got, cases[i].want);
        else
            CHECK_STR(got, cases[i].want);
    }
}

TEST(running_errors_have_a_kind)
{
    static const struct {
        const char *sql;
        enum err_kind kind;
        const char *msg;
        int line, col;
    } cases[] = {
        {"SELECT\n title::INTEGER FROM (VALUES ('a')) t(title)", ERR_DATA,
         "could not convert string 'a' to INT32", 11, 7},
        {"SELECT 9223372036854775807 + i FROM range(3) t(i)", ERR_DATA, "overflow in addition of INT64", 10,
         5},
        {"SELECT DATE '2026-13-45'", ERR_DATA, "date field value out of range: '2026-13-45'", 10, 5},
        {"SELECT error('boom')", ERR_DATA, "boom", 10, 5},
        {"SELECT * FROM read_parquet('/nosuch/x.parquet')", ERR_IO, "no files found that match the pattern",
         10, 19},
        {"SELECT * FROM range(300000000) t(i) ORDER BY hash(i)", ERR_LIMIT, "", 10, 5},
        {"SELECT titel FROM (SELECT 1 AS title)", ERR_USER, "unknown column 'titel'", 10, 12},
    };
    __attribute__((cleanup(fixture_close))) struct fixture f =
        fixture_conf((struct engine_conf){.threads = 1, .memory_bytes = 64 << 20});
    for (size_t i = 0; i < countof(cases); i++) {
        struct ArrowArrayStream in = {0};
        struct ArrowArray array = {0};
        struct err e = {0};
        CASE(cases[i].sql);
        bool ok = duckdb->query(f.s, cases[i].sql, no_params, at_10_5, &in, &e);
        int code = ok ? in.get_next(&in, &array) : 0;
        CHECK(!ok || code != 0);
        if (code)
            engine_stream_fail(&in, code, &e);
        CHECK_STR(err_name(e.kind), err_name(cases[i].kind));
        CHECK_HAS(e.msg, cases[i].msg);
        CHECK_INT(e.at.line, cases[i].line);
        CHECK_INT(e.at.col, cases[i].col);
        if (in.release)
            in.release(&in);
    }
}

TEST(files_may_be_read_once)
{
    FIXTURE(f);
    struct err e;
    static const char said[] = "SELECT current_setting('parquet_metadata_cache'), "
                               "current_setting('prefetch_all_parquet_files')";
    CHECK_STR(rows(&f, said), "true|false");
    REQUIRE(duckdb->read_once(f.s, &e));
    CHECK_STR(rows(&f, said), "false|true");
}

TEST(sessions_have_catalogues_of_their_own)
{
    FIXTURE(f);
    struct err e;
    auto_arena *a = arena_new();
    struct session *other;
    REQUIRE(duckdb->session(a, f.g, NULL, &other, &e));
    REQUIRE(duckdb->relation_sql(f.s, "silver.movies", "SELECT 1 AS v", false, &e));
    REQUIRE(duckdb->relation_sql(other, "silver.movies", "SELECT 2 AS v", true, &e));
    CHECK_STR(rows(&f, "FROM silver.movies"), "1");
    CHECK_STR(rows_in(&f, other, "FROM silver.movies", no_params), "2");
}

TEST(relations_are_replaced_whatever_they_were)
{
    FIXTURE(f);
    struct err e = {0};
    static const struct engine_column cols[] = {{"a b", "BIGINT", NULL}, {"s", "VARCHAR", NULL}};
    const char *name = "silver.movies@2026-11-01";
    CHECK(duckdb->relation_sql(f.s, name, "SELECT 1 AS v -- one;\n;", false, &e));
    CHECK_STR(rows(&f, "FROM silver.movies@2026-11-01"), "1");
    CHECK(duckdb->relation_ddl(f.s, name, "id BIGINT -- key", &e));
    CHECK_INT(count(&f, "SELECT count(*) FROM silver.movies@2026-11-01"), 0);
    CHECK(duckdb->relation_sql(f.s, name, "SELECT 2 AS v", false, &e));
    CHECK_STR(rows(&f, "FROM silver.movies@2026-11-01"), "2");
    CHECK(duckdb->relation_sql(f.s, name, "SELECT 3 AS v UNION ALL SELECT 4 ORDER BY v", true, &e));
    CHECK_STR(rows(&f, "FROM silver.movies@2026-11-01"), "3;4");
    CHECK(duckdb->relation_empty(f.s, name, cols, 2, &e));
    CHECK_STR(columns(&f, "FROM silver.movies@2026-11-01", no_params), "a b BIGINT, s VARCHAR");
    CHECK(duckdb->relation_sql(f.s, "v", "SELECT \"a b\" FROM silver.movies@2026-11-01", false, &e));
    CHECK(duckdb->relation_empty(f.s, "w", cols, 1, &e));
    CHECK(duckdb->relation_empty(f.s, "w", cols, 2, &e));
    CHECK_STR(rows(&f, "SELECT count(*) FROM v, (SELECT * FROM W WHERE s IS NULL)"), "0");
    CHECK(duckdb->relation_sql(f.s, "v", "SELECT 5", false, &e));
    CHECK(duckdb->relation_empty(f.s, "v", cols, 1, &e));
    CHECK_STR(columns(&f, "FROM v", no_params), "a b BIGINT");
    CHECK(!duckdb->relation_sql(f.s, "x", "SELECT nosuch", false, &e));
    CHECK_STR(e.msg, "unknown column 'nosuch'");
}

TEST(rows_come_as_text)
{
    FIXTURE(f);
    struct err e = {0};
    struct engine_rows r;
    int64_t n = 5;
    bool null = false;
    CHECK_STR(rows(&f, "SELECT 1.50, NULL, [1, 2], {'a': 'x'}, true, now() > '2020-01-01'; -- end"),
              "1.50|NULL|[1, 2]|{'a': x}|true|true");
    CHECK_STR(rows(&f, "SELECT i FROM range(5) t(i) ORDER BY i DESC"), "4;3;2;1;0");
    CHECK_STR(rows(&f, "SELECT 1 WHERE false"), "");
    REQUIRE(
        engine_rows(duckdb, f.a, f.s, "SELECT i AS \"an i\" FROM range(100000) t(i)", no_params, 3, &r, &e));
    CHECK_INT(r.nrows, 3);
    CHECK_STR(r.names[0], "an i");
    CHECK(engine_int(duckdb, f.s, "SELECT NULL", &n, &null, &e) && null);
    CHECK(!engine_int(duckdb, f.s, "SELECT NULL", &n, NULL, &e));
    CHECK_STR(e.msg, "one value was expected, but it is null");
    CHECK(!engine_int(duckdb, f.s, "SELECT 1 WHERE false", &n, NULL, &e));
    CHECK_STR(e.msg, "one value was expected, but no row came");
}

TEST(sentiment_is_a_function)
{
    FIXTURE(f);
    CHECK_STR(
        rows(&f, "SELECT sentiment('VADER is smart, handsome, and funny!'), sentiment(NULL), sentiment('')"),
        "0.8439|NULL|0.0");
    CHECK_STR(rows(&f, "SELECT sentiment(t) FROM (VALUES ('good'), (NULL), ('bad')) v(t)"),
              "0.4404;NULL;-0.5423");
}

TEST(an_order_is_kept_and_time_is_utc)
{
    FIXTURE(f);
    CHECK_STR(rows(&f, "SELECT current_setting('TimeZone'), TIMESTAMPTZ '2026-11-01 10:00:00+02'"),
              "UTC|2026-11-01 08:00:00+00");
    struct err e = {0};
    struct ArrowArrayStream in;
    REQUIRE(duckdb->query(f.s, "SELECT i FROM range(1000000) t(i) ORDER BY i", no_params, at_10_5, &in, &e));
    int64_t want = 0;
    bool ordered = true;
    for (;;) {
        struct ArrowArray array;
        REQUIRE(in.get_next(&in, &array) == 0);
        if (!array.release)
            break;
        const int64_t *v = array.children[0]->buffers[1];
        for (int64_t i = 0; i < array.length; i++)
            ordered = ordered && v[i] == want++;
        array.release(&array);
    }
    in.release(&in);
    CHECK(ordered);
    CHECK_INT(want, 1000000);
}

/* --- stopping --- */

static void *stop_soon(void *flag)
{
    usleep(100000);
    atomic_store((atomic_bool *)flag, true);
    return NULL;
}

TEST(a_running_query_can_be_stopped)
{
    static const char *const queries[] = {
        "SELECT count(*) FROM range(1000000000000) t(i) WHERE hash(i) = 3",
        "SELECT sum(hash(i) % 7) FROM range(100000000000) t(i)",
        "SELECT * FROM range(100000000) t(i) ORDER BY hash(i) LIMIT 5",
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(queries); i++) {
        auto_arena *a = arena_new();
        atomic_bool cancel = false;
        struct clock clock = {0};
        struct task t = {.a = a, .clock = &clock, .cancel = &cancel};
        struct session *s;
        struct err e = {0};
        pthread_t thread;
        CASE(queries[i]);
        REQUIRE(duckdb->session(a, f.g, &t, &s, &e));
        int64_t n, before = clock_mono_ms();
        REQUIRE(pthread_create(&thread, NULL, stop_soon, &cancel) == 0);
        CHECK(!engine_int(duckdb, s, queries[i], &n, NULL, &e));
        CHECK_INT(e.kind, ERR_CANCELED);
        CHECK_STR(e.msg, "stopped");
        CHECK(clock_mono_ms() - before < 1500);
        pthread_join(thread, NULL);
        CHECK(!duckdb->exec(s, "SELECT 1", &e) && e.kind == ERR_CANCELED);
    }
    CHECK_STR(rows(&f, "SELECT 1"), "1");
}

static void *many_queries(void *arg)
{
    const struct fixture *f = arg;
    for (int i = 0; i < 20; i++) {
        auto_arena *a = arena_new();
        struct session *s;
        struct err e = {0};
        atomic_bool cancel = false;
        struct clock clock = {0};
        struct task t = {.a = a, .clock = &clock, .cancel = &cancel};
        int64_t n = 0;
        if (!duckdb->session(a, f->g, &t, &s, &e) ||
            !duckdb->relation_sql(s, "silver.t", arena_fmt(a, "SELECT %d + x AS x FROM range(10000) r(x)", i),
                                  i % 2, &e) ||
            !engine_int(duckdb, s, "SELECT min(x) FROM silver.t", &n, NULL, &e) || n != i)
            return (void *)(uintptr_t)f;
    }
    return NULL;
}

TEST(sessions_run_side_by_side)
{
    FIXTURE(f);
    pthread_t threads[4];
    for (size_t i = 0; i < countof(threads); i++)
        REQUIRE(pthread_create(&threads[i], NULL, many_queries, &f) == 0);
    for (size_t i = 0; i < countof(threads); i++) {
        void *failed;
        pthread_join(threads[i], &failed);
        CHECK(!failed);
    }
}

TEST(what_does_not_fit_is_spilled_where_it_may)
{
    auto_arena *a = arena_new();
    const char *tmp = getenv("TMPDIR");
    char *spill = fs_join(a, tmp ? tmp : "/tmp", "cupel-spill-XXXXXX");
    REQUIRE(mkdtemp(spill));
    struct err e = {0};
    const char *dead = arena_fmt(a, "%s/spill-999999999", spill);
    REQUIRE(fs_mkdirs(dead, &e));
    {
        __attribute__((cleanup(fixture_close))) struct fixture f =
            fixture_conf((struct engine_conf){.threads = 1, .memory_bytes = 64 << 20, .spill_dir = spill});
        CHECK_INT(count(&f, "SELECT max(i) FROM (SELECT i, row_number() OVER (ORDER BY hash(i)) r FROM "
                            "range(6000000) t(i))"),
                  5999999);
        CHECK(!fs_exists(dead)); /* left behind by a process that is no more */
    }
    CHECK(fs_remove_tree(spill, &e));
}

/* --- Parquet for checkpoints --- */

static bool add_line(void *arg, const char *p, size_t n, struct err *e)
{
    (void)e;
    buf_add(arg, p, n);
    buf_addf(arg, "\n");
    return true;
}

TEST(checkpoints_go_out_and_come_back)
{
    static const char lines[] =
        "{\"txn\":{\"appId\":\"it's\",\"version\":3}}\n"
        "{\"add\":{\"path\":\"a "
        "b.parquet\",\"partitionValues\":{\"p\":\"1\",\"q\":null},\"stats\":\"{\\\"n\\\":1}\"}}\n";
    FIXTURE(f);
    const struct lake_parquet *p = duckdb->parquet(f.g);
    const char *path = arena_fmt(f.a, "%s/check [1].parquet", f.dir);
    struct err e = {0};
    REQUIRE(p->write(p->ctx, lines, sizeof lines - 1,
                     "txn STRUCT(\"appId\" VARCHAR, version BIGINT), "
                     "add STRUCT(path VARCHAR, \"partitionValues\" MAP(VARCHAR, VARCHAR), stats VARCHAR)",
                     path, &e) ||
            (BAD("%s", e.msg), false));
    CHECK(!fs_exists(arena_fmt(f.a, "%s.ndjson", path)));
    auto_buf b = BUF(1 << 16);
    static const char *const columns_wanted[] = {"add", "txn", "protocol", NULL};
    REQUIRE(p->read(p->ctx, path, columns_wanted, add_line, &b, &e) || (BAD("%s", e.msg), false));
    CHECK_HAS(b.p, "{\"txn\":{\"appId\":\"it's\",\"version\":3},\"add\":null}\n");
    CHECK_HAS(b.p, "{\"path\":\"a "
                   "b.parquet\",\"partitionValues\":{\"p\":\"1\",\"q\":null},\"stats\":\"{\\\"n\\\":1}\"}");
    static const char *const none[] = {"protocol", NULL};
    b.len = 0;
    CHECK(p->read(p->ctx, path, none, add_line, &b, &e));
    CHECK_INT(b.len, 0);
    CHECK(!p->read(p->ctx, "/nosuch/x.parquet", none, add_line, &b, &e));
    CHECK_INT(e.kind, ERR_IO);
}

static bool add_columns(void *arg, const struct lake_parquet_add *x, struct err *e)
{
    (void)e;
    buf_addf(arg, "%.*s|%.*s|%.*s|%d %d %d|%.*s\n", STR(x->path), STR(x->values), STR(x->stats), (int)x->size,
             (int)x->mtime_ms, x->data_change, STR(x->others));
    return true;
}

TEST(adds_come_in_columns)
{
    static const struct {
        const char *label, *line, *columns, *want;
    } cases[] = {
        {"all",
         "{\"path\":\"a\",\"partitionValues\":{\"p\":null},\"stats\":\"s\",\"size\":1,\"dataChange\":false}",
         "path VARCHAR, \"partitionValues\" MAP(VARCHAR, VARCHAR), stats VARCHAR, size INTEGER, "
         "\"modificationTime\" BIGINT, \"dataChange\" BOOLEAN, tags MAP(VARCHAR, VARCHAR)",
         "a|{\"p\":null}|s|1 -1 0|\n"},
        {"others", "{\"path\":\"a\",\"tags\":{\"t\":\"v\"},\"stats_parsed\":{\"numRecords\":3}}",
         "path VARCHAR, tags MAP(VARCHAR, VARCHAR), \"odd name\" INTEGER, stats_parsed "
         "STRUCT(\"numRecords\" BIGINT)",
         "a|||-1 -1 1|{\"tags\":{\"t\":\"v\"},\"odd name\":null,\"stats_parsed\":{\"numRecords\":3}}\n"},
        {"statistics twice", "{\"path\":\"a\",\"stats\":\"s\",\"stats_parsed\":{\"numRecords\":3}}",
         "path VARCHAR, stats VARCHAR, stats_parsed STRUCT(\"numRecords\" BIGINT)", "a||s|-1 -1 1|\n"},
        {"no path", "{\"size\":1}", "size BIGINT", "|||1 -1 1|\n"},
        {"none", "null", "path VARCHAR", ""},
    };
    static const char *const txn[] = {"txn", NULL};
    FIXTURE(f);
    const struct lake_parquet *p = duckdb->parquet(f.g);
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        auto_buf b = BUF(1 << 16);
        const char *path = arena_fmt(f.a, "%s/adds%zu.parquet", f.dir, i);
        const char *line = arena_fmt(f.a, "{\"add\":%s,\"txn\":{\"version\":1}}\n", cases[i].line);
        const char *columns = arena_fmt(f.a, "add STRUCT(%s), txn STRUCT(version BIGINT)", cases[i].columns);
        bool ok = p->write(p->ctx, line, strlen(line), columns, path, &e) &&
                  p->read_adds(p->ctx, path, txn, add_line, add_columns, &b, &e);
        const char *want = arena_fmt(f.a, "{\"txn\":{\"version\":1}}\n%s", cases[i].want);
        if (!ok || strcmp(b.p ? b.p : "", want) != 0)
            BAD("%s: got %s%s", cases[i].label, b.p ? b.p : "", ok ? "" : e.msg);
    }
}
