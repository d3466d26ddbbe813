/* engine_test.h - what the tests of the engine share: a DuckDB, a session, a store in a folder that goes
 * away. */
#pragma once
#include <unistd.h>

#include "base/fs.h"
#include "engine/engine.h"
#include "fault.h"
#include "test.h"

static const struct engine_driver *const duckdb = &engine_duckdb;
static const struct src at_10_5 = {"m.sql", 10, 5};
static const struct engine_params no_params;

struct fixture {
    struct arena *a;
    struct engine *g;
    struct session *s;
    struct store *store;
    const char *dir; /* the store's root */
};

static inline void fixture_drop(void *dir)
{
    struct err e;
    fault_off();
    if (!fs_remove_tree(dir, &e))
        BAD("%s", e.msg);
}

static inline struct fixture fixture_conf(struct engine_conf conf)
{
    struct err e = {0};
    struct fixture f = {.a = arena_new()};
    const char *tmp = getenv("TMPDIR");
    char *dir = fs_join(f.a, tmp ? tmp : "/tmp", "cupel-engine-XXXXXX");
    REQUIRE(mkdtemp(dir));
    f.dir = dir;
    arena_defer(f.a, fixture_drop, dir);
    REQUIRE(store_open(f.a, dir, NULL, &f.store, &e));
    if (!duckdb->open(f.a, &conf, &f.g, &e) || !duckdb->session(f.a, f.g, NULL, &f.s, &e))
        BAD("%s", e.msg);
    REQUIRE(f.s);
    return f;
}

static inline struct fixture fixture_open(void)
{
    return fixture_conf((struct engine_conf){.threads = 2, .memory_bytes = 512 << 20});
}

static inline void fixture_close(struct fixture *f)
{
    arena_free(f->a);
}
#define FIXTURE(f) __attribute__((cleanup(fixture_close))) struct fixture f = fixture_open()

static inline bool exec(const struct fixture *f, const char *sql)
{
    struct err e = {0};
    if (duckdb->exec(f->s, sql, &e))
        return true;
    BAD("%s: %s", sql, e.msg);
    return false;
}

static inline long long count(const struct fixture *f, const char *sql)
{
    struct err e = {0};
    int64_t n = -1;
    if (!engine_int(duckdb, f->s, sql, &n, NULL, &e))
        BAD("%s: %s", sql, e.msg);
    return n;
}

/* Rows as "a|b;c|NULL", at most 50. */
static inline const char *rows_in(const struct fixture *f, struct session *s, const char *sql,
                                  struct engine_params p)
{
    struct err e = {0};
    struct engine_rows r;
    if (!engine_rows(duckdb, f->a, s, sql, p, 50, &r, &e))
        return arena_fmt(f->a, "error: %s", e.msg);
    const char *out = "";
    for (size_t i = 0; i < r.nrows; i++)
        for (size_t c = 0; c < r.ncolumns; c++)
            out = arena_fmt(f->a, "%s%s%s", out,
                            c   ? "|"
                            : i ? ";"
                                : "",
                            r.rows[i][c] ? r.rows[i][c] : "NULL");
    return out;
}

static inline const char *rows(const struct fixture *f, const char *sql)
{
    return rows_in(f, f->s, sql, no_params);
}
