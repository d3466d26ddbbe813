#include <errno.h>

#include "engine_test.h"
#include "nanoarrow/nanoarrow.h"

/* Rows of a query, as one stream that another session can be given. */
static struct ArrowArrayStream stream_of(const struct fixture *f, struct session *s, const char *sql)
{
    struct ArrowArrayStream in = {0};
    struct err e = {0};
    if (!duckdb->query(s, sql, no_params, (struct src){0}, &in, &e))
        BAD("%s: %s", sql, e.msg);
    (void)f;
    return in;
}

static struct session *another(const struct fixture *f)
{
    struct session *s = NULL;
    struct err e = {0};
    if (!duckdb->session(f->a, f->g, NULL, &s, &e))
        BAD("%s", e.msg);
    return s;
}

TEST(what_goes_out_comes_in)
{
    static const char *const values[] = {
        "i",
        "(i % 100)::TINYINT",
        "i::SMALLINT",
        "i::INTEGER",
        "i::UINTEGER",
        "i::FLOAT / 4",
        "i::DOUBLE / 3",
        "i % 2 = 0",
        "(i / 10)::DECIMAL(8,2)",
        "(i * 1000000000)::DECIMAL(30,3)",
        "'text ' || i",
        "'a longer text than fits inline ' || i",
        "CASE WHEN i % 3 <> 0 THEN 'x' || i END",
        "NULL::VARCHAR",
        "('b' || i)::BLOB",
        "DATE '2026-01-01' + i::INTEGER",
        "TIMESTAMP '2026-01-01 00:00:00' + to_seconds(i)",
        "TIMESTAMPTZ '2026-01-01 00:00:00+00' + to_seconds(i)",
        "[i, NULL, i + 1]",
        "CASE WHEN i % 5 > 0 THEN range(i % 7) END",
        "{'a': i, 'b': 'x' || i}",
        "CASE WHEN i % 4 > 0 THEN {'a': i, 'b': [{'c': 'long enough to be elsewhere ' || i}]} END",
        "MAP {'k' || i: i}",
        "[['a' || i], [], NULL]",
        "TIME '00:00:01'",
        "uuid()",
    };
    FIXTURE(f);
    struct session *from = another(&f);
    for (size_t i = 0; i < countof(values); i++) {
        CASE(values[i]);
        struct err e = {0};
        REQUIRE(duckdb->relation_sql(from, "src",
                                     arena_fmt(f.a, "SELECT i, %s AS v FROM range(5000) t(i)", values[i]),
                                     true, &e) ||
                (BAD("%s", e.msg), false));
        struct ArrowArrayStream in = stream_of(&f, from, "FROM src");
        REQUIRE(duckdb->relation_arrow(f.s, "in", &in, &e) || (BAD("%s", e.msg), false));
        CHECK(!in.release);
        static const char sql[] =
            "SELECT count(*), sum(i), md5(string_agg(coalesce(v::VARCHAR, '-'), ',' ORDER BY i)) FROM %s";
        CHECK_STR(rows(&f, arena_fmt(f.a, sql, "\"in\"")),
                  rows_in(&f, from, arena_fmt(f.a, sql, "src"), no_params));
    }
}

/* --- streams that are not DuckDB's --- */

struct source {
    int64_t batch, batches; /* rows of one, how many */
    int fail_at;            /* the batch whose reading fails, -1 = none */
    int64_t made;
    int *live; /* arrays and streams not yet released */
};

static int source_schema(struct ArrowArrayStream *s, struct ArrowSchema *out)
{
    (void)s;
    ArrowSchemaInit(out);
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetTypeStruct(out, 2));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(out->children[0], NANOARROW_TYPE_INT64));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetName(out->children[0], "id"));
    NANOARROW_RETURN_NOT_OK(ArrowSchemaSetType(out->children[1], NANOARROW_TYPE_STRING));
    return ArrowSchemaSetName(out->children[1], "a \"name\"");
}

static int source_next(struct ArrowArrayStream *s, struct ArrowArray *out)
{
    struct source *src = s->private_data;
    struct ArrowSchema schema;
    memset(out, 0, sizeof *out);
    if (src->fail_at >= 0 && src->made / (src->batch ? src->batch : 1) == src->fail_at)
        return ENETUNREACH;
    if (src->batches-- == 0)
        return 0;
    NANOARROW_RETURN_NOT_OK(source_schema(s, &schema));
    int code = ArrowArrayInitFromSchema(out, &schema, NULL);
    schema.release(&schema);
    NANOARROW_RETURN_NOT_OK(code);
    NANOARROW_RETURN_NOT_OK(ArrowArrayStartAppending(out));
    for (int64_t i = 0; i < src->batch; i++, src->made++) {
        char name[64];
        snprintf(name, sizeof name, "this is the name of number %lld", (long long)src->made);
        NANOARROW_RETURN_NOT_OK(ArrowArrayAppendInt(out->children[0], src->made));
        if (src->made % 3 == 0)
            NANOARROW_RETURN_NOT_OK(ArrowArrayAppendNull(out->children[1], 1));
        else
            NANOARROW_RETURN_NOT_OK(ArrowArrayAppendString(out->children[1], ArrowCharView(name)));
        NANOARROW_RETURN_NOT_OK(ArrowArrayFinishElement(out));
    }
    return ArrowArrayFinishBuildingDefault(out, NULL);
}

static const char *source_error(struct ArrowArrayStream *s)
{
    (void)s;
    return "the cable was pulled";
}

static void source_release(struct ArrowArrayStream *s)
{
    --*((struct source *)s->private_data)->live;
    s->release = NULL;
}

static struct ArrowArrayStream source_stream(struct source *src)
{
    ++*src->live;
    return (struct ArrowArrayStream){source_schema, source_next, source_error, source_release, src};
}

TEST(batches_of_any_size_are_read)
{
    static const int64_t sizes[][2] = {{0, 0}, {1, 1}, {2048, 2}, {2049, 3}, {100000, 2}, {0, 3}, {7, 1000}};
    FIXTURE(f);
    for (size_t i = 0; i < countof(sizes); i++) {
        int live = 0;
        struct err e = {0};
        struct source src = {.batch = sizes[i][0], .batches = sizes[i][1], .fail_at = -1, .live = &live};
        struct ArrowArrayStream in = source_stream(&src);
        long long n = sizes[i][0] * sizes[i][1], nulls = (n + 2) / 3;
        CASE(arena_fmt(f.a, "%lld x %lld", (long long)sizes[i][0], (long long)sizes[i][1]));
        REQUIRE(duckdb->relation_arrow(f.s, "in", &in, &e) || (BAD("%s", e.msg), false));
        CHECK_STR(
            rows(&f,
                 "SELECT count(*), coalesce(sum(id), 0), count(*) FILTER (\"a \"\"name\"\"\" IS NULL), "
                 "count(*) FILTER (\"a \"\"name\"\"\" = 'this is the name of number ' || id) FROM \"in\""),
            arena_fmt(f.a, "%lld|%lld|%lld|%lld", n, n * (n - 1) / 2, nulls, n - nulls));
        CHECK_INT(live, 0);
    }
}

TEST(a_stream_is_read_once)
{
    FIXTURE(f);
    int live = 0;
    struct err e = {0};
    struct source src = {.batch = 10, .batches = 1, .fail_at = -1, .live = &live};
    struct ArrowArrayStream in = source_stream(&src);
    REQUIRE(duckdb->relation_arrow(f.s, "in", &in, &e));
    CHECK_STR(rows(&f, "SELECT count(*) FROM \"in\""), "10");
    CHECK_STR(rows(&f, "SELECT count(*) FROM \"in\""), "error: an Arrow stream can be read only once");
}

TEST(a_stream_that_fails_says_why)
{
    FIXTURE(f);
    for (int at = 0; at < 3; at++) {
        int live = 0;
        struct err e = {0};
        struct source src = {.batch = 10000, .batches = 5, .fail_at = at, .live = &live};
        struct ArrowArrayStream in = source_stream(&src);
        REQUIRE(duckdb->relation_arrow(f.s, "in", &in, &e));
        const struct engine_stage g = {.sql = "SELECT * FROM \"in\"", .store = f.store, .dir = "t"};
        struct engine_staged r;
        CHECK(!duckdb->stage(f.a, f.s, &g, &r, &e));
        CHECK_INT(e.kind, ERR_NET);
        CHECK_STR(e.msg, "the cable was pulled");
        CHECK_INT(live, 0);
    }
}

TEST(a_relation_that_is_replaced_lets_go_of_its_stream)
{
    FIXTURE(f);
    int live = 0;
    struct err e = {0};
    struct source src = {.batch = 10, .batches = 1, .fail_at = -1, .live = &live}, more = src;
    struct ArrowArrayStream in = source_stream(&src), next = source_stream(&more);
    REQUIRE(duckdb->relation_arrow(f.s, "in", &in, &e));
    REQUIRE(duckdb->relation_arrow(f.s, "in", &next, &e));
    CHECK_INT(live, 1);
    CHECK_STR(rows(&f, "SELECT count(*) FROM \"in\""), "10");
    CHECK_INT(live, 0);
    in = source_stream(&src);
    REQUIRE(duckdb->relation_arrow(f.s, "in", &in, &e));
    REQUIRE(duckdb->relation_sql(f.s, "in", "SELECT 1", false, &e));
    CHECK_INT(live, 0);
}

TEST(a_session_that_ends_lets_go_of_its_streams)
{
    FIXTURE(f);
    int live = 0;
    struct err e = {0};
    struct source src = {.batch = 10, .batches = 1, .fail_at = -1, .live = &live};
    struct arena *a = arena_new();
    struct session *s;
    struct ArrowArrayStream in = source_stream(&src);
    REQUIRE(duckdb->session(a, f.g, NULL, &s, &e));
    REQUIRE(duckdb->relation_arrow(s, "in", &in, &e));
    CHECK_INT(live, 1);
    arena_free(a);
    CHECK_INT(live, 0);
}

TEST(a_query_streams)
{
    FIXTURE(f);
    struct ArrowArrayStream in =
        stream_of(&f, f.s, "SELECT i, 'text ' || i AS s FROM range(100000000000) t(i)");
    struct ArrowSchema schema;
    REQUIRE(in.get_schema(&in, &schema) == 0);
    CHECK_STR(schema.children[0]->format, "l");
    CHECK_STR(schema.children[1]->name, "s");
    schema.release(&schema);
    long long n = 0;
    for (int k = 0; k < 100; k++) {
        struct ArrowArray array;
        REQUIRE(in.get_next(&in, &array) == 0 && array.release);
        n += array.length;
        array.release(&array);
    }
    CHECK(n >= 100000);
    in.release(&in);
    CHECK_STR(rows(&f, "SELECT 1"), "1");
}

TEST(an_error_on_the_way_has_its_place)
{
    FIXTURE(f);
    struct ArrowArrayStream in = {0};
    struct err e = {0};
    struct ArrowArray array;
    REQUIRE(duckdb->query(f.s,
                          "SELECT i,\n  CASE WHEN i = 900000 THEN 'x'::INTEGER + i ELSE i END AS v FROM "
                          "range(1000000) t(i)",
                          no_params, at_10_5, &in, &e) ||
            (BAD("%s", e.msg), false));
    int code;
    while ((code = in.get_next(&in, &array)) == 0 && array.release)
        array.release(&array);
    CHECK_INT(code, ERANGE);
    CHECK_HAS(in.get_last_error(&in), "could not convert string 'x' to INT32");
    engine_stream_fail(&in, code, &e);
    CHECK_INT(e.kind, ERR_DATA);
    CHECK_INT(e.at.line, 11);
    in.release(&in);
}

TEST(other_streams_errors_get_the_kind_of_their_code)
{
    int live = 0;
    struct source src = {.live = &live};
    struct ArrowArrayStream in = source_stream(&src);
    struct err e = {0};
    static const enum err_kind kinds[] = {ERR_USER, ERR_AUTH,     ERR_NET, ERR_LIMIT,
                                          ERR_DATA, ERR_CONFLICT, ERR_IO,  ERR_CANCELED};
    for (size_t i = 0; i < countof(kinds); i++) {
        CASE(err_name(kinds[i]));
        CHECK(!engine_stream_fail(&in, engine_stream_code(kinds[i]), &e));
        CHECK_INT(e.kind, kinds[i]);
        CHECK_STR(e.msg, "the cable was pulled");
    }
    in.release(&in);
}
