#include "engine_test.h"

/* What a fresh engine with that file says of the SELECT over t(columns): "a BIGINT, b VARCHAR" or the error.
 */
static const char *says(struct arena *a, const char *memo, const char *columns, const char *sql)
{
    auto_arena *scratch = arena_new();
    struct engine *g;
    struct session *s;
    struct engine_column *v;
    struct err e = {0};
    size_t n;
    const struct engine_conf conf = {.threads = 1, .memory_bytes = 256 << 20, .memo = memo};
    REQUIRE(duckdb->open(scratch, &conf, &g, &e) && duckdb->session(scratch, g, NULL, &s, &e) &&
            duckdb->relation_ddl(s, "silver.t", columns, &e));
    if (!duckdb->bind(scratch, s, sql, no_params, (struct src){0}, &v, &n, &e))
        return arena_str(a, e.msg);
    duckdb->remember(g);
    const char *all = "";
    for (size_t i = 0; i < n; i++)
        all = arena_fmt(a, "%s%s%s %s", all, i ? ", " : "", v[i].name, v[i].sql_type);
    return all;
}

/* A word of the file made another one of the same length: who is told the new one has read it there. */
static void forge(struct arena *a, const char *path, const char *was, const char *now)
{
    struct err e = {0};
    char *text;
    size_t n;
    REQUIRE(fs_read(a, path, 1 << 20, &text, &n, &e));
    char *at = strstr(text, was);
    REQUIRE(at);
    memcpy(at, now, strlen(now));
    REQUIRE(fs_write_atomic(path, text, n, &e));
}

TEST(what_was_bound_is_remembered)
{
    FIXTURE(f);
    const char *memo = arena_fmt(f.a, "%s/columns", f.dir);
    static const char sql[] = "SELECT id, [name] AS names FROM silver.t";
    CHECK_STR(says(f.a, memo, "id BIGINT, name VARCHAR", sql), "id BIGINT, names VARCHAR[]");
    forge(f.a, memo, "BIGINT", "BUGINT");
    CHECK_STR(says(f.a, memo, "id BIGINT, name VARCHAR", sql), "id BUGINT, names VARCHAR[]");
    CASE("other columns of the table");
    CHECK_STR(says(f.a, memo, "id INTEGER, name VARCHAR", sql), "id INTEGER, names VARCHAR[]");
    CASE("a column less");
    CHECK(strstr(says(f.a, memo, "id INTEGER", sql), "name"));
    CASE("other text");
    CHECK_STR(says(f.a, memo, "id BIGINT, name VARCHAR", "SELECT id FROM silver.t"), "id BIGINT");
    CASE("all are kept");
    CHECK_STR(says(f.a, memo, "id BIGINT, name VARCHAR", sql), "id BUGINT, names VARCHAR[]");
}

TEST(what_may_change_by_itself_is_asked_each_time)
{
    static const char *const texts[] = {
        "SELECT * FROM read_csv('%s')",
        "SELECT * FROM '%s'",
        "SELECT t.id, c.* FROM silver.t t JOIN '%s' c ON true",
        "SELECT c.* FROM silver.t, \"%s\" c",
    };
    FIXTURE(f);
    const char *memo = arena_fmt(f.a, "%s/columns", f.dir), *csv = arena_fmt(f.a, "%s/x.csv", f.dir);
    struct err e = {0};
    for (size_t i = 0; i < countof(texts); i++) {
        CASE(texts[i]);
        auto_buf sql = BUF(4096);
        const char *hole = strstr(texts[i], "%s");
        buf_add(&sql, texts[i], (size_t)(hole - texts[i]));
        buf_addf(&sql, "%s%s", csv, hole + 2);
        REQUIRE(fs_write_atomic(csv, "a\n1\n", 4, &e));
        const char *first = says(f.a, memo, "id BIGINT", sql.p);
        REQUIRE(fs_write_atomic(csv, "b\nx\n", 4, &e));
        CHECK(strcmp(says(f.a, memo, "id BIGINT", sql.p), first) != 0);
    }
}

TEST(a_damaged_file_is_passed_over)
{
    FIXTURE(f);
    const char *memo = arena_fmt(f.a, "%s/columns", f.dir);
    struct err e = {0};
    char *text;
    size_t n;
    static const char sql[] = "SELECT * FROM silver.t";
    CHECK_STR(says(f.a, memo, "id BIGINT", sql), "id BIGINT");
    REQUIRE(fs_read(f.a, memo, 1 << 20, &text, &n, &e));
    for (size_t cut = 0; cut < n; cut += 7) {
        CASE(arena_fmt(f.a, "cut at %zu of %zu", cut, n));
        REQUIRE(fs_write_atomic(memo, text, cut, &e));
        CHECK_STR(says(f.a, memo, "id BIGINT", sql), "id BIGINT");
    }
    CASE("another engine's");
    REQUIRE(fs_write_atomic(memo, text, n, &e));
    forge(f.a, memo, "BIGINT", "BUGINT");
    forge(f.a, memo, "DuckDB v", "DuckDB w");
    CHECK_STR(says(f.a, memo, "id BIGINT", sql), "id BIGINT");
    CASE("a folder that cannot be written");
    CHECK_STR(says(f.a, "/proc/none/columns", "id BIGINT", sql), "id BIGINT");
}
