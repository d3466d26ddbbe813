#include "connector/inbox.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "fault.h"
#include "test.h"

/* What opening found: "position:request=body;" for each frame. */
struct seen {
    struct buf text;
    size_t n;
};

static bool see(void *arg, const struct inbox_frame *f, struct str body, struct err *e)
{
    struct seen *s = arg;
    (void)e;
    buf_addf(&s->text, "%lld:%.*s=%.*s;", (long long)f->position, STR(f->request), STR(body));
    s->n++;
    return true;
}

static char *folder(struct arena *a)
{
    char *dir = arena_str(a, "/tmp/cupel-inbox-XXXXXX");
    REQUIRE(mkdtemp(dir));
    return dir;
}

static void remove_folder(const char *dir)
{
    struct err e;
    CHECK(fs_remove_tree(dir, &e));
}

static struct str str(const char *s)
{
    return (struct str){s, strlen(s)};
}

static bool open_it(struct arena *a, const char *dir, int64_t after, struct seen *seen, struct inbox **ret,
                    struct err *e)
{
    *seen = (struct seen){.text = BUF(100000)};
    return inbox_open(
        a, &(struct inbox_conf){.dir = dir, .name = "movies", .after = after, .each = see, .arg = seen}, ret,
        e);
}

static bool add(struct inbox *b, const char *request, const char *body, struct err *e)
{
    struct inbox_frame f = {.arrived_us = 7,
                            .status = 200,
                            .request = str(request),
                            .for_value = str("f"),
                            .each_value = str("155")};
    return inbox_append(b, &f, str(body), e);
}

/* Three frames behind position 9. */
static void fill(const char *dir)
{
    auto_arena *a = arena_new();
    struct seen seen;
    struct inbox *b;
    struct err e;
    REQUIRE(open_it(a, dir, 9, &seen, &b, &e));
    CHECK(add(b, "/a", "one", &e));
    CHECK(add(b, "/b", "", &e));
    CHECK(add(b, "/c", "three", &e));
    CHECK(inbox_sync(b, &e));
}

static const char three[] = "10:/a=one;11:/b=;12:/c=three;";

static char *log_of(struct arena *a, const char *dir)
{
    return fs_join(a, dir, "movies.log");
}

TEST(frames_come_back_in_order)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a);
    struct seen seen;
    struct inbox *b;
    struct err e;
    fill(dir);
    {
        auto_arena *open = arena_new();
        REQUIRE(open_it(open, dir, 9, &seen, &b, &e));
        CHECK_STR(seen.text.p, three);
        buf_free(&seen.text);
        CHECK(!inbox_damage(b));
        CHECK(!inbox_lost_stored(b));
        CHECK(add(b, "/d", "four", &e));
    }
    auto_arena *again = arena_new();
    REQUIRE(open_it(again, dir, 9, &seen, &b, &e));
    CHECK_STR(seen.text.p, "10:/a=one;11:/b=;12:/c=three;13:/d=four;");
    buf_free(&seen.text);
    remove_folder(dir);
}

static struct inbox_frame kept;
static bool keep_second(void *arg, const struct inbox_frame *f, struct str body, struct err *e)
{
    (void)arg, (void)body, (void)e;
    if (f->position == 11)
        kept = *f;
    return true;
}

TEST(a_frame_has_all_it_was_given_and_its_body_can_be_read_again)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a);
    struct inbox *b;
    struct err e;
    auto_buf body = BUF(1 << 20);
    auto_buf big = BUF(1 << 20);
    for (int i = 0; i < 20000; i++)
        buf_addf(&big, "%d,", i);
    struct inbox_frame f = {.arrived_us = INT64_C(1763708400123456),
                            .status = 404,
                            .request = str("/movie/1?x=y"),
                            .for_value = str(""),
                            .each_value = str("\xc3\xa9")};
    {
        auto_arena *open = arena_new();
        struct inbox_conf c = {.dir = dir, .name = "odd name/..", .after = 9};
        REQUIRE(inbox_open(open, &c, &b, &e));
        CHECK(add(b, "/a", "one", &e));
        CHECK(inbox_append(b, &f, (struct str){big.p, big.len}, &e));
        CHECK_INT(f.position, 11);
        CHECK(inbox_read(b, &f, &body, &e));
        CHECK_STR(body.p, big.p);
    }
    CHECK(fs_exists(fs_join(a, dir, "odd%20name%2f%2e%2e.log")));
    auto_arena *open = arena_new();
    struct inbox_conf c = {.dir = dir, .name = "odd name/..", .after = 9, .each = keep_second};
    REQUIRE(inbox_open(open, &c, &b, &e));
    CHECK_INT(kept.arrived_us, f.arrived_us);
    CHECK_INT(kept.status, 404);
    CHECK_INT(kept.nbody, big.len);
    CHECK_INT(kept.body_at, f.body_at);
    CHECK(inbox_read(b, &kept, &body, &e));
    CHECK_STR(body.p, big.p);
    remove_folder(dir);
}

TEST(a_new_inbox_starts_behind_what_is_stored)
{
    static const struct {
        const char *label;
        int64_t after, want;
    } cases[] = {{"nothing", -1, 0}, {"zero", 0, 1}, {"much", INT64_C(5000000000), INT64_C(5000000001)}};
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        const char *dir = folder(a);
        struct inbox *b;
        struct err e;
        struct inbox_frame f = {.status = 200, .request = str("/a")};
        CASE(cases[i].label);
        REQUIRE(
            inbox_open(a, &(struct inbox_conf){.dir = dir, .name = "x", .after = cases[i].after}, &b, &e));
        CHECK(!inbox_lost_stored(b));
        CHECK(inbox_append(b, &f, str("body"), &e));
        CHECK_INT(f.position, cases[i].want);
        remove_folder(dir);
    }
}

static void write_file(const char *path, const char *p, size_t n)
{
    FILE *f = fopen(path, "w");
    REQUIRE(f && fwrite(p, 1, n, f) == n && fclose(f) == 0);
}

/* Cut anywhere, the log opens with the frames that are whole, and grows from there. */
TEST(a_torn_end_is_cut_off)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a), *path = log_of(a, dir);
    char *whole;
    size_t n, last = 0;
    struct err e;
    fill(dir);
    REQUIRE(fs_read(a, path, 1 << 20, &whole, &n, &e));
    for (size_t size = 0; size <= n; size++) {
        struct seen seen;
        struct inbox *b;
        write_file(path, whole, size);
        {
            auto_arena *open = arena_new();
            REQUIRE(open_it(open, dir, 9, &seen, &b, &e));
            CHECK(strncmp(seen.text.p, three, seen.text.len) == 0);
            CHECK(seen.n >= last);
            last = seen.n;
            CHECK(!inbox_damage(b));
            CHECK(add(b, "/new", "x", &e));
        }
        size_t found = seen.n;
        buf_free(&seen.text);
        auto_arena *open = arena_new();
        REQUIRE(open_it(open, dir, 9, &seen, &b, &e));
        CHECK_INT(seen.n, found + 1);
        CHECK_HAS(seen.text.p, ":/new=x;");
        buf_free(&seen.text);
    }
    CHECK_INT(last, 3);
    remove_folder(dir);
}

static size_t count_bad(struct arena *a, const char *dir)
{
    const char **names;
    size_t n, bad = 0;
    struct err e;
    REQUIRE(fs_list(a, dir, &names, &n, &e));
    for (size_t i = 0; i < n; i++)
        bad += strstr(names[i], ".bad") != NULL;
    return bad;
}

/* Any bit wrong anywhere: nothing of the damaged frame is taken for good, what is before it stays, and what
 * is behind it is kept aside. */
TEST(damage_is_found_and_moved_aside)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a), *path = log_of(a, dir);
    char *whole;
    size_t n;
    struct err e;
    fill(dir);
    REQUIRE(fs_read(a, path, 1 << 20, &whole, &n, &e));
    size_t last_frame = n - 48 - strlen("/c") - strlen("f155") - strlen("three");
    for (size_t byte = 0; byte < n; byte++) {
        if (byte >= 28 && byte < 32) /* unused bytes of the head */
            continue;
        auto_arena *open = arena_new();
        struct seen seen;
        struct inbox *b;
        size_t before = count_bad(open, dir);
        whole[byte] ^= (char)(1 << byte % 8);
        write_file(path, whole, n);
        whole[byte] ^= (char)(1 << byte % 8);
        REQUIRE(open_it(open, dir, 12, &seen, &b, &e));
        CHECK(seen.n < 3 && strncmp(seen.text.p, three, seen.text.len) == 0);
        CHECK(inbox_lost_stored(b));
        CHECK_INT(count_bad(open, dir), before + (byte < last_frame));
        if (byte < last_frame)
            CHECK_HAS(inbox_damage(b), "is damaged at byte");
        else
            CHECK(!inbox_damage(b)); /* not to be told from a torn end */
        struct inbox_frame f = {.status = 200, .request = str("/a")};
        CHECK(inbox_append(b, &f, str("again"), &e));
        CHECK_INT(f.position, 13);
        buf_free(&seen.text);
    }
    remove_folder(dir);
}

TEST(one_process_at_a_time)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a);
    struct seen seen;
    struct inbox *b;
    struct err e = {0};
    REQUIRE(open_it(a, dir, -1, &seen, &b, &e));
    pid_t child = fork();
    if (child == 0) { /* a lock is by open file, so a second opening in this process stands for another one */
        auto_arena *other = arena_new();
        _exit(!open_it(other, dir, -1, &seen, &b, &e) && e.kind == ERR_CONFLICT ? 0 : 1);
    }
    int status;
    waitpid(child, &status, 0);
    CHECK_INT(status, 0);
    remove_folder(dir);
}

/* A full disk, at every call: an error, and the log opens with what was there before. */
TEST(a_failed_append_leaves_the_log_whole)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a);
    struct seen seen;
    struct err e = {0};
    fill(dir);
    for (int mode = FAULT_ONCE; mode <= FAULT_STICK; mode++) {
        fault_chop(5);
        fault_mode((enum fault_mode)mode);
        for (int n = 0, hit = 1; hit; n++) {
            auto_arena *open = arena_new();
            struct inbox *b;
            REQUIRE(open_it(open, dir, 9, &seen, &b, &e));
            CHECK(strncmp(seen.text.p, three, strlen(three)) == 0);
            buf_free(&seen.text);
            fault_arm(n);
            bool ok = add(b, "/d", "four", &e);
            hit = fault_hit();
            fault_arm(-1);
            CHECK_INT(ok, !hit);
            if (!ok)
                CHECK_INT(e.kind, ERR_IO);
        }
        fault_off();
    }
    remove_folder(dir);
}

/* The process ends at every call in turn, then it is opened again. */
TEST(a_crash_at_any_call_loses_at_most_the_last_frame)
{
    auto_arena *a = arena_new();
    const char *dir = folder(a);
    struct err e = {0};
    for (int n = 0, crashed = 1; crashed && n < 200; n++) {
        struct seen seen;
        struct inbox *b;
        pid_t child = fork();
        if (child == 0) {
            auto_arena *open = arena_new();
            fault_chop(7);
            fault_mode(FAULT_CRASH);
            fault_arm(n);
            if (open_it(open, dir, 9, &seen, &b, &e) && add(b, "/a", "one", &e) && add(b, "/b", "", &e) &&
                inbox_sync(b, &e))
                _exit(0);
            _exit(1);
        }
        int status;
        waitpid(child, &status, 0);
        crashed = WEXITSTATUS(status) == FAULT_EXIT;
        CHECK(crashed || WEXITSTATUS(status) == 0);
        auto_arena *open = arena_new();
        REQUIRE(open_it(open, dir, 9, &seen, &b, &e));
        CHECK(!inbox_damage(b));
        CHECK(strncmp(seen.text.p, "10:/a=one;11:/b=;", seen.text.len) == 0);
        CHECK(crashed || seen.n == 2);
        buf_free(&seen.text);
        CHECK(fs_remove(log_of(a, dir), &e));
    }
    remove_folder(dir);
}
