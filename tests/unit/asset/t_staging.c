#include "asset/internal.h"
#include "lake/lake_test.h"

struct world {
    struct project project;
    struct workshop w;
    struct lake_table t;
};

static struct world *open_world(struct arena *a)
{
    struct world *x = arena_make(a, struct world, 1);
    x->t = test_table(a);
    x->project.state = fs_join(a, x->t.store->root, "state");
    x->w = (struct workshop){.project = &x->project, .lake = x->t.store, .clock = &test_clock};
    return x;
}

static bool is_there(struct arena *a, const struct world *x, const char *name)
{
    return fs_exists(arena_fmt(a, "%s/t/%s", x->t.store->root, name));
}

/* Stages a file and commits it while the n-th system call of the commit fails. */
static bool stage_and_commit(struct arena *a, struct world *x, int n, struct staging *staging,
                             const char **ret_name, int *ret_hit, struct err *e)
{
    struct lake_snapshot *base = test_snapshot(a, &x->t);
    int64_t version;
    REQUIRE(staging_begin(a, &x->w, &x->t, base, staging, e));
    *ret_name = arena_fmt(a, "part-%s-1.parquet", staging->token);
    const struct lake_file f = test_file(a, &x->t, *ret_name);
    const struct lake_commit c = {.base = base, .adds = &f, .nadds = 1};
    fault_arm(n);
    bool ok = staging_commit(a, &x->w, &x->t, staging, &c, &version, e);
    *ret_hit = fault_hit();
    fault_arm(-1);
    return ok;
}

TEST(a_failing_disk_never_takes_a_committed_file)
{
    for (int n = 0, hit = 1; hit; n++) {
        auto_arena *a = arena_new();
        struct world *x = open_world(a);
        struct staging staging;
        struct err e = {0};
        const char *name;
        char label[32];
        snprintf(label, sizeof label, "call %d", n);
        CASE(label);
        test_create(&x->t);
        bool ok = stage_and_commit(a, x, n, &staging, &name, &hit, &e);
        bool committed = test_snapshot(a, &x->t)->nfiles == 1;
        CHECK(!ok || committed);
        CHECK(!committed || is_there(a, x, name));
        asset_sweep(&x->w); /* as the next run does */
        CHECK_INT(is_there(a, x, name), committed);
        CHECK(!fs_exists(staging.journal));
    }
}

TEST(a_lost_race_leaves_nothing)
{
    auto_arena *a = arena_new();
    struct world *x = open_world(a);
    struct staging staging;
    struct err e = {0};
    test_create(&x->t);
    struct lake_snapshot *base = test_snapshot(a, &x->t);
    REQUIRE(staging_begin(a, &x->w, &x->t, base, &staging, &e));
    const struct lake_file mine = test_file(a, &x->t, "mine.parquet"),
                           theirs = test_file(a, &x->t, "theirs.parquet");
    int64_t version;
    REQUIRE(lake_commit(a, &x->t, &(struct lake_commit){.base = base, .adds = &theirs, .nadds = 1}, &version,
                        &e));
    const struct lake_commit c = {.base = base, .adds = &mine, .nadds = 1};
    CHECK(!staging_commit(a, &x->w, &x->t, &staging, &c, &version, &e));
    CHECK_INT(e.kind, ERR_CONFLICT);
    CHECK(!is_there(a, x, "mine.parquet"));
    CHECK(is_there(a, x, "theirs.parquet"));
    CHECK(!fs_exists(staging.journal));
}

TEST(the_sweep_takes_what_was_never_committed_and_no_more)
{
    auto_arena *a = arena_new();
    struct world *x = open_world(a);
    struct err e = {0};
    const char *dir = fs_join(a, x->project.state, "staged");
    test_create(&x->t);
    static const char *const files[] = {"part-aaaaaaaa-1.parquet", "p=1/q=%2F/part-aaaaaaaa-2.parquet",
                                        "part-bbbbbbbb-1.parquet", "part-cccccccc-1.parquet",
                                        "_delta_log/part-aaaaaaaa-3"};
    for (size_t i = 0; i < countof(files); i++)
        test_put(&x->t, files[i], "data");
    test_log(&x->t, 1, ADD("part-bbbbbbbb-1.parquet"));
    static const struct {
        const char *token, *text;
    } journals[] = {{"aaaaaaaa", "0 t\n"}, {"bbbbbbbb", "0 t\n"},         {"cccccccc", "0"},
                    {"dddddddd", "0 t"},   {"eeeeeeee", "-1 no/table\n"}, {"x", "0 t\n"},
                    {"ffffffff", ""}};
    CHECK_INT(asset_sweep(&x->w), 0);
    REQUIRE(fs_mkdirs(dir, &e) && fs_mkdirs(fs_join(a, x->project.state, "stage/rest"), &e));
    for (size_t i = 0; i < countof(journals); i++)
        REQUIRE(fs_write_atomic(fs_join(a, dir, journals[i].token), journals[i].text,
                                strlen(journals[i].text), &e));
    CHECK_INT(asset_sweep(&x->w), 2);
    for (size_t i = 0; i < countof(files); i++)
        CHECK_INT(is_there(a, x, files[i]), i >= 2);
    CHECK(!fs_exists(fs_join(a, x->project.state, "stage")));
    const char **names;
    size_t n;
    CHECK(fs_list(a, dir, &names, &n, &e) && n == 0);
}

TEST(a_full_disk_is_told_before_anything_is_staged)
{
    auto_arena *a = arena_new();
    struct world *x = open_world(a);
    struct staging staging;
    struct err e = {0};
    fault_only("write");
    fault_arm(0);
    CHECK(!staging_begin(a, &x->w, &x->t, NULL, &staging, &e));
    fault_off();
    CHECK_INT(e.kind, ERR_IO);
    CHECK(!fs_exists(staging.journal));
}
