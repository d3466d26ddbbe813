#include "run/claim.h"

#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "test.h"

static struct project *project_in(struct arena *a)
{
    char *dir = arena_str(a, "/tmp/cupel-claim-XXXXXX");
    REQUIRE(mkdtemp(dir) != NULL);
    struct project *p = arena_make(a, struct project, 1);
    p->state = fs_join(a, dir, ".cupel");
    p->root = dir;
    return p;
}

TEST(an_interrupted_run_is_taken_over_by_one_with_the_same_options)
{
    auto_arena *keep = arena_new();
    struct project *p = project_in(keep);
    struct err e = {0};
    struct claim first, again, other;
    const struct run_options o = {.spelled = "select=gold.*"}, o2 = {.spelled = "select="};

    struct arena *a = arena_new();
    REQUIRE(claim_run(a, p, &o, &first, &e));
    CHECK(!first.resumed);
    first.run_id = arena_str(keep, first.run_id);
    arena_free(a); /* as a kill would: the lock goes, run.json stays */

    a = arena_new();
    REQUIRE(claim_run(a, p, &o, &again, &e));
    CHECK(again.resumed);
    CHECK_STR(again.run_id, first.run_id);
    CHECK_INT(again.now_us, first.now_us);
    arena_free(a);

    a = arena_new();
    REQUIRE(claim_run(a, p, &o2, &other, &e));
    CHECK(!other.resumed);
    CHECK_HAS(other.note, "was interrupted with other options");
    CHECK(claim_end(a, p, &e));
    arena_free(a);

    a = arena_new();
    REQUIRE(claim_run(a, p, &o2, &other, &e));
    CHECK(!other.resumed);
    CHECK_STR(other.note, NULL);
    arena_free(a);
    CHECK(fs_remove_tree(p->root, &e));
}

TEST(a_pinned_clock_is_the_runs_time)
{
    auto_arena *a = arena_new();
    struct project *p = project_in(a);
    struct err e = {0};
    struct claim c;
    const struct run_options o = {.spelled = "now", .now_pinned = true, .now_us = 1234567};
    REQUIRE(claim_run(a, p, &o, &c, &e));
    CHECK_INT(c.now_us, 1234567);
    CHECK(fs_remove_tree(p->root, &e));
}

TEST(one_run_at_a_time)
{
    auto_arena *a = arena_new();
    struct project *p = project_in(a);
    struct err e = {0};
    struct claim c;
    const struct run_options o = {.spelled = ""};
    REQUIRE(claim_run(a, p, &o, &c, &e));
    pid_t child = fork();
    if (child == 0) {
        struct err ce = {0};
        struct arena *ca = arena_new();
        bool refused = !claim_run(ca, p, &o, &c, &ce) && ce.kind == ERR_CONFLICT &&
                       strstr(ce.msg, "another run is at work on this project");
        _exit(refused ? 0 : 1);
    }
    int status;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK_INT(status, 0);
    CHECK(fs_remove_tree(p->root, &e));
}

TEST(a_torn_run_json_is_an_error_with_its_name)
{
    auto_arena *a = arena_new();
    struct project *p = project_in(a);
    struct err e = {0};
    struct claim c;
    REQUIRE(fs_mkdirs(p->state, &e));
    REQUIRE(fs_write_atomic(fs_join(a, p->state, "run.json"), "{\"run", 5, &e));
    CHECK(!claim_run(a, p, &(struct run_options){.spelled = ""}, &c, &e));
    CHECK_HAS(e.msg, "run.json");
    CHECK(fs_remove_tree(p->root, &e));
}
