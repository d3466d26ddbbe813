#include "engine/sqltext.h"

#include "test.h"

static const struct src here = {"m.sql", 10, 5};

/* Names joined by a space. */
static const char *refs(struct arena *a, const char *sql)
{
    struct engine_ref *r;
    size_t n;
    struct err e;
    if (!sqltext_refs(a, sql, here, &r, &n, &e))
        return arena_fmt(a, "error %d:%d %s", e.at.line, e.at.col, e.msg);
    const char *s = "";
    for (size_t i = 0; i < n; i++)
        s = arena_fmt(a, "%s%s%s", s, i ? " " : "", r[i].name);
    return s;
}

TEST(tables_are_found)
{
    static const struct {
        const char *sql, *want;
    } cases[] = {
        {"", ""},
        {"SELECT 1", ""},
        {"SELECT * FROM silver.movies", "silver.movies"},
        {"select * from Silver.Movies m", "Silver.Movies"},
        {"SELECT * FROM a.x, b.y AS y, c.z", "a.x b.y c.z"},
        {"SELECT * FROM a.x JOIN b.y USING (id), c.z", "a.x b.y c.z"},
        {"SELECT * FROM a.x JOIN b.y ON a.x.id = b.y.id AND left(a.x.s, 2) = 'q', c.z WHERE p, q",
         "a.x b.y c.z"},
        {"SELECT * FROM a.x, a.x q", "a.x"},
        {"FROM a.x", "a.x"},
        {"FROM a.x SELECT id, name", "a.x"},
        {"SELECT a, b FROM (SELECT * FROM a.x) t, (FROM b.y) u", "a.x b.y"},
        {"SELECT * FROM ((a.x JOIN b.y USING (id)) LEFT JOIN c.z USING (id))", "a.x b.y c.z"},
        {"SELECT * FROM a.x CROSS JOIN b.y NATURAL JOIN c.z POSITIONAL JOIN d.w ASOF LEFT JOIN e.v ON x >= y",
         "a.x b.y c.z d.w e.v"},
        {"SELECT * FROM a.x SEMI JOIN b.y USING (id) ANTI JOIN c.z USING (id)", "a.x b.y c.z"},
        {"SELECT * FROM range(10) t(i), a.x, LATERAL (SELECT t.i) u, unnest(a.x.l) v", "a.x"},
        {"SELECT * FROM read_parquet('f.parquet'), 'g.parquet', a.x", "a.x"},
        {"SELECT x.a FROM (VALUES (t.a, u.b), ('x', v.c)) AS x(a, b)", ""},
        {"VALUES (1, 2), (3, 4)", ""},
        {"SELECT * FROM a.x WHERE id IN (SELECT id FROM b.y) AND EXISTS (FROM c.z WHERE z.id = x.id)",
         "a.x b.y c.z"},
        {"SELECT (SELECT max(v) FROM a.x) AS m, b.y.v FROM b.y", "a.x b.y"},
        {"SELECT * FROM a.x UNION ALL BY NAME SELECT * FROM b.y EXCEPT FROM c.z", "a.x b.y c.z"},
        {"SELECT extract(year FROM d), substring(s FROM 2 FOR 3), trim(BOTH ' ' FROM s) FROM a.x", "a.x"},
        {"SELECT extract(year FROM (SELECT max(d) FROM b.y)) FROM a.x", "b.y a.x"},
        {"SELECT x IS DISTINCT FROM y, x IS NOT DISTINCT FROM y FROM a.x", "a.x"},
        {"SELECT DISTINCT a FROM a.x", "a.x"},
        {"SELECT DISTINCT ON (a) a FROM a.x", "a.x"},
        {"SELECT 1 AS from, 2 AS join FROM a.x", "a.x"},
        {"SELECT t.from, t.join FROM a.x t", "a.x"},
        {"WITH t AS (SELECT * FROM a.x) SELECT * FROM t", "a.x"},
        {"WITH t(p, q) AS MATERIALIZED (FROM a.x), u AS NOT MATERIALIZED (FROM t, b.y) FROM u, T, c.z",
         "a.x b.y c.z"},
        {"WITH t AS (WITH u AS (FROM a.x) FROM u) FROM t, u", "a.x u"},
        {"WITH t AS (FROM t) FROM t", "t"},
        {"WITH RECURSIVE t AS (SELECT 1 UNION ALL FROM t, a.x) FROM t", "a.x"},
        {"SELECT * FROM (WITH t AS (FROM a.x) SELECT * FROM t) v, t", "a.x t"},
        {"WITH t AS (FROM a.x) SELECT * FROM s.t", "a.x s.t"},
        {"SELECT CAST(x AS TIMESTAMP WITH TIME ZONE) FROM a.x, b.y", "a.x b.y"},
        {"SELECT * FROM unnest([1]) WITH ORDINALITY, a.x", "a.x"},
        {"SELECT [g.name FOR g IN gs IF g.id > 1] FROM a.x", "a.x"},
        {"SELECT {'from': 1, 'x': m.a}, list_filter(l, lambda q: q.id > 1) FROM a.x m", "a.x"},
        {"SELECT sum(x) OVER (PARTITION BY a ORDER BY b, c ROWS 3 PRECEDING), count(*) FILTER (WHERE q) FROM "
         "a.x",
         "a.x"},
        {"SELECT * EXCLUDE (a, b) REPLACE (c AS d) FROM a.x", "a.x"},
        {"SELECT * FROM a.x TABLESAMPLE 10%, b.y USING SAMPLE 5", "a.x b.y"},
        {"FROM p: a.x, q: b.y", "a.x b.y"},
        {"FROM a.x GROUP BY ALL ORDER BY m, n LIMIT 5", "a.x"},
        {"PIVOT a.x ON y USING sum(z)", "a.x"},
        {"FROM (PIVOT a.x ON y IN (1, 2) USING sum(z) GROUP BY q) p, b.y", "a.x b.y"},
        {"FROM a.x PIVOT (sum(z) FOR y IN (1, 2)), b.y", "a.x b.y"},
        {"UNPIVOT a.x ON a, b INTO NAME n VALUE v", "a.x"},
        {"DESCRIBE a.x; SUMMARIZE b.y; DESCRIBE SELECT * FROM c.z; TABLE d.w", "a.x b.y c.z d.w"},
        {"SELECT a FROM a.x -- FROM b.y\n, /* FROM c.z /* nested */ , */ d.w", "a.x d.w"},
        {"SELECT 'FROM b.y', $$ FROM c.z $$, $q$ FROM $$ d.w $q$, e'\\' FROM e.v' FROM a.x", "a.x"},
        {"SELECT * FROM \"Sil ver\".\"mo\"\"vies.x\"", "Sil ver.mo\"vies.x"},
        {"SELECT * FROM silver.movies@v3, silver.movies", "silver.movies@v3 silver.movies"},
        {"SELECT * FROM silver.movies@2026-11-01 m, x.y@2026-11-01T10:00:00.5Z",
         "silver.movies@2026-11-01 x.y@2026-11-01T10:00:00.5Z"},
        {"FROM delta.`/lake/a.b@v3`", "delta./lake/a.b@v3"},
        {"FROM delta.`/lake/a.b`@v3", "delta./lake/a.b@v3"},
        {"SELECT é.ü FROM é.ü WHERE é.ü = $now", "é.ü"},
        {"FROM cat.sch.tab", "cat.sch.tab"},
        {"SELECT * FROM a.x WHERE (((", "a.x"},
        {"SELECT * FROM a.x ))) , b.y", "a.x b.y"},
        {"SELECT 'oops FROM a.x", "error 10:12 this string never ends"},
        {"SELECT 1,\n  \"oops FROM a.x", "error 11:3 this quoted name never ends"},
        {"SELECT 1 /* oops /* */", "error 10:14 this comment never ends"},
        {"SELECT $a$ oops $b$", "error 10:12 this dollar-quoted string never ends"},
        {"SELECT `oops", "error 10:12 this name in backticks never ends"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].sql);
        CHECK_STR(refs(a, cases[i].sql), cases[i].want);
    }
}

TEST(a_table_is_found_at_its_place)
{
    auto_arena *a = arena_new();
    struct engine_ref *r;
    size_t n;
    struct err e;
    REQUIRE(sqltext_refs(a, "SELECT 1 FROM\n a.x, \"b\".y@v3", here, &r, &n, &e) && n == 2);
    CHECK_INT(r[0].offset, 15);
    CHECK_INT(r[1].offset, 20);
}

static const int64_t nums[] = {1, 2};
static const char *const texts[] = {"a", "b'c"};
static const struct engine_param values[] = {
    {.name = "name", .type = PARAM_TEXT, .text = "it's"},
    {.name = "none", .type = PARAM_TEXT},
    {.name = "n", .type = PARAM_INT, .num = -5},
    {.name = "x", .type = PARAM_REAL, .real = 0.5},
    {.name = "yes", .type = PARAM_BOOL, .num = 1},
    {.name = "now", .type = PARAM_TIMESTAMP, .num = 1500000},
    {.name = "texts", .type = PARAM_TEXTS, .texts = texts, .n = 2},
    {.name = "day", .type = PARAM_DATE, .num = 20778},
    {.name = "all", .type = PARAM_TEXT, .null = true},
    {.name = "nums", .type = PARAM_INTS, .nums = nums, .n = 2},
};
static const struct engine_params params = {values, countof(values)};

TEST(the_plain_text_is_what_an_engine_reads)
{
    static const struct {
        const char *sql;
        bool literals;
        const char *want;
    } cases[] = {
        {"SELECT 1", false, "SELECT 1"},
        {"SELECT 1;; -- end\n", false, "SELECT 1"},
        {" SELECT 1 /* a */ ; /* b */ ", false, " SELECT 1"},
        {"", false, ""},
        {"FROM silver.movies@v3 m", false, "FROM \"silver\".\"movies@v3\" m"},
        {"SELECT silver.movies@v3.title", false, "SELECT \"silver\".\"movies@v3\".title"},
        {"FROM \"s\"\"x\".\"m\"@2026-11-01T10:00:00Z", false, "FROM \"s\"\"x\".\"m@2026-11-01T10:00:00Z\""},
        {"FROM delta.`/a b/c.d@v3` d", false, "FROM \"delta\".\"/a b/c.d@v3\" d"},
        {"FROM m@v3", false, "FROM \"m@v3\""},
        {"SELECT @ x, a @> b, [1] <@ c", false, "SELECT @ x, a @> b, [1] <@ c"},
        {"SELECT 'a.b@v3', \"a.b@v3\" -- a.b@v3", false, "SELECT 'a.b@v3', \"a.b@v3\""},
        {"SELECT $now, $$ $now $$", false, "SELECT $now, $$ $now $$"},
        {"SELECT $name, $none, $n, $yes", true, "SELECT 'it''s', NULL, CAST(-5 AS BIGINT), true"},
        {"SELECT $day, $all", true, "SELECT CAST('2026-11-21' AS DATE), CAST(NULL AS VARCHAR)"},
        {"SELECT $x", true, "SELECT CAST(0.5 AS DOUBLE)"},
        {"SELECT $now", true, "SELECT CAST('1970-01-01T00:00:01.500000Z' AS TIMESTAMPTZ)"},
        {"SELECT $texts, $nums", true, "SELECT CAST(['a', 'b''c'] AS VARCHAR[]), CAST([1, 2] AS BIGINT[])"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct sqltext t;
        struct err e = {0};
        CASE(cases[i].sql);
        CHECK(sqltext_plain(a, cases[i].sql, cases[i].literals ? &params : NULL, here, &t, &e));
        CHECK_STR(t.sql, cases[i].want);
        CHECK_INT(t.n, strlen(t.sql));
    }
}

TEST(parameters_must_have_a_name_and_a_value)
{
    static const struct {
        const char *sql, *msg, *hint;
        int line, col;
    } cases[] = {
        {"SELECT 1,\n  $noww", "unknown parameter '$noww'", "did you mean '$now'?", 11, 3},
        {"SELECT $elephants", "unknown parameter '$elephants'", "", 10, 12},
        {"SELECT ?", "a parameter without a name: '?'", "write it as $name", 10, 12},
        {"SELECT $1", "a parameter without a name: '$1'", "write it as $name", 10, 12},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct sqltext t;
        struct err e = {0};
        CASE(cases[i].sql);
        CHECK(!sqltext_plain(a, cases[i].sql, &params, here, &t, &e));
        CHECK_STR(e.msg, cases[i].msg);
        CHECK_STR(e.hint, cases[i].hint);
        CHECK_INT(e.at.line, cases[i].line);
        CHECK_INT(e.at.col, cases[i].col);
        CHECK_INT(e.kind, ERR_USER);
    }
}

TEST(places_survive_the_rewriting)
{
    auto_arena *a = arena_new();
    static const char sql[] = "SELECT titel, $n\nFROM silver.movies@v3 m\nWHERE x";
    struct sqltext t;
    struct err e = {0};
    REQUIRE(sqltext_plain(a, sql, &params, here, &t, &e));
    static const char *const words[] = {"SELECT", "titel", "\nFROM", "m\nWHERE", "x"};
    for (size_t i = 0; i < countof(words); i++) {
        CASE(words[i]);
        const char *in = strstr(t.sql, words[i]), *from = strstr(sql, words[i]);
        if (i == 4)
            in = strrchr(t.sql, 'x'), from = strrchr(sql, 'x');
        CHECK_INT(sqltext_origin(&t, (size_t)(in - t.sql)), from - sql);
    }
    CASE("inside what was replaced: its beginning");
    CHECK_INT(sqltext_origin(&t, (size_t)(strstr(t.sql, "movies@") - t.sql)), strstr(sql, "silver") - sql);
    CHECK_INT(sqltext_origin(&t, (size_t)(strstr(t.sql, "BIGINT") - t.sql)), strstr(sql, "$n") - sql);
    CHECK_INT(sqltext_origin(&t, t.n), sizeof sql - 1);
}

TEST(places_count_lines_and_bytes)
{
    struct src p = sqltext_place("ab\ncd", 1, here);
    CHECK_INT(p.line, 10);
    CHECK_INT(p.col, 6);
    p = sqltext_place("ab\ncd", 4, here);
    CHECK_INT(p.line, 11);
    CHECK_INT(p.col, 2);
    CHECK_INT(sqltext_place("ab", 1, (struct src){0}).line, 0);
}

TEST(files_are_read_where_a_function_or_a_text_says_so)
{
    static const char *const yes[] = {
        "SELECT * FROM read_csv('a.csv')", "FROM Read_Parquet ($feed)",
        "SELECT * FROM 'a.parquet'",       "SELECT * FROM x JOIN 'b.csv' USING (k)",
        "SELECT * FROM glob('*')",         "SELECT * FROM parquet_scan('a')"};
    static const char *const no[] = {"SELECT spread(x), 'read_csv(' FROM a.b", "SELECT read_at FROM a.b",
                                     "SELECT 1 -- FROM 'a.parquet'", "SELECT scan_ FROM a.b WHERE x = 'from'",
                                     "SELECT 'never closed"};
    for (size_t i = 0; i < countof(yes); i++) {
        CASE(yes[i]);
        CHECK(sqltext_reads_files(yes[i]));
    }
    for (size_t i = 0; i < countof(no); i++) {
        CASE(no[i]);
        CHECK(!sqltext_reads_files(no[i]));
    }
}
