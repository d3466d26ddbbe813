#include "base/text.h"
#include "engine_test.h"
#include "lake/dv.h"

static const struct lake_type num = {.primitive = "long"}, text = {.primitive = "string"},
                              real = {.primitive = "double"}, when = {.primitive = "timestamp"},
                              day = {.primitive = "date"};

/* A Parquet file of the table "t" that some other writer made. */
static struct lake_file file(const struct fixture *f, const char *path, const char *const *values,
                             const char *sql)
{
    auto_buf b = BUF(1 << 16);
    const char *whole = arena_fmt(f->a, "%s/t/%s", f->dir, path);
    struct err e;
    char *dir = arena_str(f->a, whole);
    *strrchr(dir, '/') = '\0';
    CHECK(fs_mkdirs(dir, &e));
    buf_addf(&b, "COPY (%s) TO ", sql);
    sql_literal(&b, whole);
    buf_addf(&b, " (FORMAT parquet)");
    exec(f, b.p);
    return (struct lake_file){.path = path, .values = values, .rows = -1, .version = -1};
}

static const char *read_as(const struct fixture *f, const struct lake_snapshot *snap, const char *sql)
{
    struct err e = {0};
    const struct lake_table t = {.store = f->store, .dir = "t"};
    if (!duckdb->relation_files(f->s, "t", &t, snap, NULL, 0, &e))
        return arena_fmt(f->a, "%s: %s", err_name(e.kind), e.msg);
    return rows(f, sql);
}

TEST(a_table_without_files_has_its_columns)
{
    static const struct lake_type list = {.kind = LAKE_ARRAY, .element = &num};
    static const struct lake_field fields[] = {
        {"id", &num, true, "{}"}, {"it's \"x\"", &list, true, "{}"}, {"d", &day, true, "{}"}};
    FIXTURE(f);
    const struct lake_snapshot snap = {.schema = {fields, 3}};
    CHECK_STR(read_as(&f, &snap, "SELECT count(*), typeof(any_value(\"it's \"\"x\"\"\")) FROM t"),
              "0|BIGINT[]");
    CHECK_STR(read_as(&f, &snap, "SELECT column_name, column_type FROM (DESCRIBE t)"),
              "id|BIGINT;it's \"x\"|BIGINT[];d|DATE");
}

TEST(files_of_older_schemas_have_nulls)
{
    static const struct lake_field fields[] = {{"id", &num, true, "{}"},
                                               {"New", &text, true, "{}"},
                                               {"newer", &real, true, "{}"},
                                               {"ts", &when, true, "{}"}};
    FIXTURE(f);
    const struct lake_file files[] = {
        file(&f, "a.parquet", NULL, "SELECT 1::INTEGER AS id"),
        file(&f, "b.parquet", NULL,
             "SELECT 'x' AS new, 2::BIGINT AS ID, TIMESTAMP '2026-01-01 00:00:00' AS ts"),
        file(&f, "c.parquet", NULL, "SELECT 3 AS id, 'gone' AS dropped"),
    };
    const struct lake_snapshot snap = {.schema = {fields, 4}, .files = files, .nfiles = 3};
    CHECK_STR(read_as(&f, &snap, "FROM t ORDER BY id"),
              "1|NULL|NULL|NULL;2|x|NULL|2026-01-01 00:00:00+00;3|NULL|NULL|NULL");
    const struct lake_snapshot one = {.schema = {fields, 4}, .files = files, .nfiles = 1};
    CHECK_STR(read_as(&f, &one, "FROM t"), "1|NULL|NULL|NULL");
}

TEST(folders_need_not_tell_the_partition)
{
    static const struct lake_field fields[] = {
        {"p", &text, true, "{}"}, {"id", &num, true, "{}"}, {"d", &day, true, "{}"}};
    static const char *const by[] = {"d", "p"};
    static const char *const values[][2] = {{"2026-01-01", "a"}, {"2026-01-02", NULL},
                                            {NULL, "c/d=e"},     {"2026-01-03", "__HIVE_DEFAULT_PARTITION__"},
                                            {"2026-01-04", ""},  {"2026-01-05", "null"}};
    static const char *const honest[] = {"d=2026-01-01/p=a/1.parquet",
                                         "d=2026-01-02/p=__HIVE_DEFAULT_PARTITION__/2.parquet",
                                         "d=__HIVE_DEFAULT_PARTITION__/p=c%2Fd%3De/3.parquet"};
    static const char *const other[] = {"1.parquet",     "x/2.parquet", "d=2020-01-01/p=z/3.parquet",
                                        "p=a/4.parquet", "5.parquet",   "d=2026-01-05/p=null/6.parquet"};
    FIXTURE(f);
    struct lake_file files[6];
    for (size_t i = 0; i < 3; i++)
        files[i] = file(&f, honest[i], values[i], arena_fmt(f.a, "SELECT %zu AS id", i));
    struct lake_snapshot snap = {
        .schema = {fields, 3}, .partition_by = by, .npartition_by = 2, .files = files, .nfiles = 3};
    CHECK_STR(read_as(&f, &snap, "FROM t ORDER BY id"), "a|0|2026-01-01;NULL|1|2026-01-02;c/d=e|2|NULL");
    CHECK_STR(read_as(&f, &snap, "SELECT id FROM t WHERE p IS NULL AND d >= DATE '2026-01-02'"), "1");

    for (size_t i = 0; i < 6; i++)
        files[i] = file(&f, other[i], values[i], arena_fmt(f.a, "SELECT %zu AS id", i));
    snap.nfiles = 6;
    CHECK_STR(read_as(&f, &snap, "FROM t ORDER BY id"),
              "a|0|2026-01-01;NULL|1|2026-01-02;c/"
              "d=e|2|NULL;__HIVE_DEFAULT_PARTITION__|3|2026-01-03;NULL|4|2026-01-04;null|5|2026-01-05");
    CHECK_STR(read_as(&f, &snap, "SELECT id FROM t WHERE p = 'a'"), "0");
}

/* Names in files: x_a is "a", within the struct x_s of the list x_l x_b is "b"; y_b came later. */
static const struct lake_field deep[] = {{"b", &num, true, "{}", "x_b"}, {"c", &text, true, "{}", "y_b"}};
static const struct lake_type deep_struct = {.kind = LAKE_STRUCT, .fields = deep, .nfields = 2},
                              deep_list = {.kind = LAKE_ARRAY, .element = &deep_struct},
                              deep_map = {.kind = LAKE_MAP, .key = &text, .value = &deep_struct};
static const struct lake_field mapped[] = {
    {"a", &num, true, "{}", "x_a", 7},         {"filename", &text, true, "{}", "x_f", 8},
    {"s", &deep_struct, true, "{}", "x_s", 9}, {"l", &deep_list, true, "{}", "x_l", 10},
    {"m", &deep_map, true, "{}", "x_m", 11},   {"p", &day, true, "{}", "x_p", 12}};

TEST(columns_may_have_other_names_in_files)
{
    static const char *const by[] = {"p"}, *const values[] = {"2026-01-01"}, *const none[] = {NULL};
    FIXTURE(f);
    const struct lake_file files[] = {
        file(&f, "a.parquet", values,
             "SELECT 1::INTEGER AS x_a, {'x_b': 2::SMALLINT} AS x_s, [{'x_b': 3}, NULL] AS x_l, "
             "MAP {'k': {'x_b': 4}} AS x_m, 'old' AS a"),
        file(&f, "p=2020-01-01/b.parquet", none,
             "SELECT 'f' AS x_f, {'y_b': 'w', 'x_b': 5} AS x_s, NULL AS x_l, 6 AS x_a, "
             "NULL::MAP(VARCHAR, STRUCT(x_b BIGINT)) AS x_m"),
    };
    const struct lake_snapshot snap = {.schema = {mapped, 6},
                                       .mapping = LAKE_MAPPING_NAME,
                                       .partition_by = by,
                                       .npartition_by = 1,
                                       .files = files,
                                       .nfiles = 2};
    CHECK_STR(read_as(&f, &snap, "FROM t ORDER BY a"),
              "1|NULL|{'b': 2, 'c': NULL}|[{'b': 3, 'c': NULL}, NULL]|{k={'b': 4, 'c': NULL}}|2026-01-01;"
              "6|f|{'b': 5, 'c': w}|NULL|NULL|NULL");
    CHECK_STR(read_as(&f, &snap, "SELECT a FROM t WHERE p IS NULL AND s.b = 5"), "6");
}

TEST(columns_may_be_found_by_their_ids)
{
    FIXTURE(f);
    struct err e;
    const struct lake_file one = {.path = "a.parquet", .rows = -1};
    CHECK(fs_mkdirs(arena_fmt(f.a, "%s/t", f.dir), &e));
    exec(&f, arena_fmt(f.a,
                       "COPY (SELECT 1 AS other, 'f' AS name, 2 AS a) TO '%s/t/a.parquet' (FORMAT parquet, "
                       "FIELD_IDS {other: 7, name: 8, a: 1})",
                       f.dir));
    const struct lake_snapshot snap = {
        .schema = {mapped, 3}, .mapping = LAKE_MAPPING_ID, .files = &one, .nfiles = 1};
    CHECK_STR(read_as(&f, &snap, "FROM t"), "1|f|NULL");
}

/* A vector over these rows. */
static const struct lake_dv *vector(const struct fixture *f, const int64_t *rows, size_t n)
{
    struct rowset set;
    rowset_of(f->a, rows, n, &set);
    return lake_dv_inline(f->a, &set);
}

TEST(deleted_rows_are_not_read)
{
    static const struct lake_field fields[] = {{"id", &num, true, "{}"}, {"p", &num, true, "{}"}};
    static const char *const by[] = {"p"}, *const values[][1] = {{"0"}, {"1"}, {"2"}};
    static const int64_t few[] = {0, 7, 4999}, far[] = {5000};
    FIXTURE(f);
    struct lake_file files[3];
    for (size_t i = 0; i < 3; i++)
        files[i] = file(&f, arena_fmt(f.a, "p=%zu/a.parquet", i), values[i],
                        arena_fmt(f.a, "SELECT %zu * 10000 + i AS id FROM range(5000) t(i)", i));
    files[0].dv = vector(&f, few, 3);
    files[2].dv = vector(&f, far, 1); /* behind the file's end: nothing */
    struct lake_snapshot snap = {.schema = {fields, 2}, .files = files, .nfiles = 3};
    for (size_t i = 0; i < 2; i++) {
        snap.partition_by = by;
        snap.npartition_by = i;
        CASE(i ? "partitioned" : "plain");
        CHECK_STR(read_as(&f, &snap, "SELECT count(*), sum(id) FROM t"), "14997|187487494");
        CHECK_STR(read_as(&f, &snap, "SELECT id FROM t WHERE id < 9 ORDER BY id"), "1;2;3;4;5;6;8");
        CHECK_STR(read_as(&f, &snap, "SELECT count(*) FROM t WHERE id >= 20000"), "5000");
    }
    CHECK_STR(read_as(&f, &snap, "SELECT count(*) FROM t WHERE p = 2"), "5000");
    CHECK_STR(read_as(&f, &snap, "SELECT count(*) FROM t WHERE p = 0"), "4997");

    files[1].dv = &(struct lake_dv){'i', "bad", -1, 8, 1};
    CHECK_STR(
        read_as(&f, &snap, "FROM t"),
        "data: file 'p=1/a.parquet': the deletion vector in '_delta_log' of table 't' is damaged: it is "
        "not Z85");
    CHECK_HAS(rows(&f, "SELECT cupel_live(99, 'x', 1)"), "not inside a table");
}

TEST(an_absolute_path_is_of_another_table)
{
    static const struct lake_field fields[] = {{"id", &num, true, "{}"}};
    FIXTURE(f);
    struct lake_file a = file(&f, "a.parquet", NULL, "SELECT 1 AS id");
    a.path = arena_fmt(f.a, "file://%s/t/a.parquet", f.dir);
    const struct lake_snapshot snap = {.schema = {fields, 1}, .files = &a, .nfiles = 1};
    CHECK_STR(read_as(&f, &snap, "FROM t"), "1");
}

TEST(a_missing_file_is_an_error_of_the_disk)
{
    static const struct lake_field fields[] = {{"id", &num, true, "{}"}};
    FIXTURE(f);
    const struct lake_file gone = {.path = "gone.parquet"};
    const struct lake_snapshot snap = {.schema = {fields, 1}, .files = &gone, .nfiles = 1};
    CHECK_HAS(read_as(&f, &snap, "FROM t"), "io: no files found that match the pattern");
}

TEST(thousands_of_files_are_a_table)
{
    enum { N = 3000 };
    static const struct lake_field fields[] = {{"id", &num, true, "{}"}};
    FIXTURE(f);
    struct lake_file *files = arena_make(f.a, struct lake_file, N);
    files[0] = file(&f, "0.parquet", NULL, "SELECT 1 AS id");
    for (size_t i = 1; i < N; i++) {
        files[i].path = arena_fmt(f.a, "%zu.parquet", i);
        REQUIRE(link(arena_fmt(f.a, "%s/t/0.parquet", f.dir),
                     arena_fmt(f.a, "%s/t/%s", f.dir, files[i].path)) == 0);
    }
    const struct lake_snapshot snap = {.schema = {fields, 1}, .files = files, .nfiles = N};
    CHECK_STR(read_as(&f, &snap, "SELECT count(*), sum(id) FROM t"), "3000|3000");
}

TEST(thousands_of_small_partitioned_files_are_a_table)
{
    enum { N = 1500 };
    static const struct lake_field fields[] = {{"id", &num, true, "{}"}, {"p", &num, true, "{}"}};
    static const char *const by[] = {"p"}, *const values[][1] = {{"0"}, {"1"}, {NULL}};
    FIXTURE(f);
    struct lake_file *files = arena_make(f.a, struct lake_file, N);
    files[0] = file(&f, "p=0/0.parquet", values[0], "SELECT 1 AS id");
    for (size_t i = 1; i < N; i++) { /* the folders agree, and nobody asks */
        files[i].path = arena_fmt(f.a, "p=0/%zu.parquet", i);
        files[i].values = values[i % 3];
        REQUIRE(link(arena_fmt(f.a, "%s/t/p=0/0.parquet", f.dir),
                     arena_fmt(f.a, "%s/t/%s", f.dir, files[i].path)) == 0);
    }
    const struct lake_snapshot snap = {
        .schema = {fields, 2}, .partition_by = by, .npartition_by = 1, .files = files, .nfiles = N};
    CHECK_STR(read_as(&f, &snap, "SELECT p, count(*), sum(id) FROM t GROUP BY p ORDER BY p"),
              "0|500|500;1|500|500;NULL|500|500");
    CHECK_STR(read_as(&f, &snap, "SELECT count(*) FROM t WHERE p = 1"), "500");
}

TEST(the_files_that_hold_a_key_are_found)
{
    static const struct lake_field fields[] = {
        {"id", &num, true, "{}"}, {"k", &text, true, "{}"}, {"p", &num, true, "{}"}};
    static const char *const by[] = {"p"}, *const one[] = {"id"}, *const two[] = {"k", "p"};
    static const char *const values[][1] = {{"0"}, {"1"}, {"2"}, {"3"}};
    FIXTURE(f);
    struct err e = {0};
    struct lake_file files[4];
    const struct lake_file *list[4];
    for (size_t i = 0; i < 4; i++) {
        files[i] = file(&f, arena_fmt(f.a, "p=%zu/it's.parquet", i), values[i],
                        arena_fmt(f.a, "SELECT %zu * 10 + i AS id, 'k' || i AS k FROM range(10) t(i)", i));
        list[i] = &files[3 - i];
    }
    const struct lake_table t = {.store = f.store, .dir = "t"};
    const struct lake_snapshot snap = {
        .schema = {fields, 3}, .partition_by = by, .npartition_by = 1, .files = files, .nfiles = 4};
    bool hit[4] = {true, true, true, true};

    REQUIRE(duckdb->relation_sql(
        f.s, "keys", "SELECT 15 AS id UNION ALL SELECT 35 UNION ALL SELECT NULL UNION ALL SELECT 99", true,
        &e));
    CHECK(duckdb->matching_files(f.s, &t, &snap, list, 4, one, 1, "keys", hit, &e) ||
          (BAD("%s", e.msg), false));
    CHECK(hit[0] && !hit[1] && hit[2] && !hit[3]);

    REQUIRE(duckdb->relation_sql(f.s, "keys", "SELECT 'k3' AS k, 2 AS p", true, &e));
    CHECK(duckdb->matching_files(f.s, &t, &snap, list, 4, two, 2, "keys", hit, &e) ||
          (BAD("%s", e.msg), false));
    CHECK(!hit[0] && hit[1] && !hit[2] && !hit[3]);

    CHECK(duckdb->matching_files(f.s, &t, &snap, list, 0, two, 2, "keys", hit, &e));
    CHECK(!duckdb->matching_files(f.s, &t, &snap, list, 4, one, 1, "keys", hit, &e));
}
