#include "run/state.h"

#include <sys/stat.h>
#include <unistd.h>

#include "base/fs.h"
#include "test.h"

static char *folder(struct arena *a)
{
    char *dir = arena_str(a, "/tmp/cupel-state-XXXXXX");
    REQUIRE(mkdtemp(dir) != NULL);
    return dir;
}

static void record(struct state *s, const char *id, const char *final, enum task_state state)
{
    struct asset asset = {.kind = ASSET_MODEL, .name = "silver.movies"};
    struct check_result check = {"unique(movie_id)", "error", 0};
    struct run_task t = {
        .asset = &asset,
        .state = state,
        .attempts = 2,
        .started_us = 5,
        .seconds = 1.5,
        .result = {.rows = 7, .quarantined = 1, .version = 3, .checks = &check, .nchecks = 1}};
    if (state == TASK_FAILED)
        fail(&t.err, ERR_DATA, "bad rows");
    struct run r = {.id = id,
                    .now_us = 10,
                    .started_us = id[1],
                    .finished_us = 30,
                    .state = final,
                    .tasks = &t,
                    .ntasks = 1};
    state_run_begun(s, &r, "select=");
    state_task(s, &r, &t);
    state_run_done(s, &r);
}

TEST(runs_and_tasks_are_remembered)
{
    auto_arena *a = arena_new();
    char *dir = folder(a);
    struct err e = {0};
    const char *note;
    struct state *s;
    REQUIRE(state_open(a, dir, &s, &note, &e));
    CHECK_STR(note, NULL);
    record(s, "r1", "success", TASK_DONE);
    record(s, "r2", "failed", TASK_FAILED);

    struct state_run *runs;
    size_t n;
    REQUIRE(state_runs(a, s, 0, &runs, &n, &e));
    REQUIRE(n == 2);
    CHECK_STR(runs[0].id, "r2");
    CHECK_STR(runs[0].state, "failed");
    CHECK_INT(runs[0].failed, 1);
    CHECK_INT(runs[1].rows, 7);
    REQUIRE(state_runs(a, s, 1, &runs, &n, &e));
    CHECK_INT(n, 1);

    struct state_task *tasks;
    REQUIRE(state_tasks(a, s, "r2", &tasks, &n, &e));
    REQUIRE(n == 1);
    CHECK_STR(tasks[0].name, "silver.movies");
    CHECK_STR(tasks[0].error, "bad rows");
    CHECK_INT(tasks[0].attempts, 2);
    CHECK_INT(tasks[0].version, 3);
    CHECK(fs_remove_tree(dir, &e));
}

TEST(a_history_is_looked_at_where_nothing_can_be_written)
{
    auto_arena *a = arena_new();
    char *top = folder(a), *dir = fs_join(a, top, "50% of #1?");
    struct err e = {0};
    const char *note;
    struct state *s;
    struct state_run *runs;
    size_t n;
    REQUIRE(fs_mkdirs(dir, &e));
    {
        auto_arena *writer = arena_new();
        REQUIRE(state_open(writer, dir, &s, &note, &e));
        record(s, "r1", "success", TASK_DONE);
        CASE("beside the writer");
        REQUIRE(state_look(writer, dir, &s, &e));
        REQUIRE(state_runs(writer, s, 0, &runs, &n, &e));
        CHECK_INT(n, 1);
    }
    CASE("read-only");
    const char *db = fs_join(a, dir, "state.db");
    CHECK(fs_remove(arena_fmt(a, "%s-wal", db), &e) && fs_remove(arena_fmt(a, "%s-shm", db), &e));
    REQUIRE(chmod(db, 0444) == 0 && chmod(dir, 0555) == 0);
    auto_arena *reader = arena_new();
    CHECK(state_look(reader, dir, &s, &e) && state_runs(a, s, 0, &runs, &n, &e));
    CHECK_INT(n, 1);
    REQUIRE(chmod(dir, 0755) == 0 && chmod(db, 0644) == 0);
    CASE("no database");
    REQUIRE(fs_write_atomic(db, "this is no database, and long enough to be seen as none", 55, &e));
    CHECK(!state_look(reader, dir, &s, &e));
    CHECK_HAS(e.hint, "the next run moves");
    CHECK(fs_exists(db));
    CHECK(fs_remove_tree(top, &e));
}

TEST(a_damaged_history_is_moved_aside)
{
    auto_arena *a = arena_new();
    char *dir = folder(a);
    const char *path = fs_join(a, dir, "state.db");
    struct err e = {0};
    REQUIRE(fs_write_atomic(path, "this is no database, and long enough to be seen as none", 55, &e));
    const char *note;
    struct state *s;
    REQUIRE(state_open(a, dir, &s, &note, &e));
    CHECK_HAS(note, "the history was damaged");
    CHECK(fs_exists(arena_fmt(a, "%s.bad", path)));
    record(s, "r1", "success", TASK_DONE);
    struct state_run *runs;
    size_t n;
    REQUIRE(state_runs(a, s, 0, &runs, &n, &e));
    CHECK_INT(n, 1);
    CHECK(fs_remove_tree(dir, &e));
}
