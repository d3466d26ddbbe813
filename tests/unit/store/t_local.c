#include <dirent.h>
#include <errno.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/fs.h"
#include "fault.h"
#include "store/store.h"
#include "test.h"

static void drop(void *path)
{
    struct err e;
    fault_off();
    if (!fs_remove_tree(path, &e))
        BAD("%s", e.msg);
}

static struct store *fresh(struct arena *a)
{
    struct err e = {0};
    struct store *s = NULL;
    const char *tmp = getenv("TMPDIR");
    char *dir = fs_join(a, tmp ? tmp : "/tmp", "cupel-store-XXXXXX");
    REQUIRE(mkdtemp(dir));
    arena_defer(a, drop, dir);
    REQUIRE(store_open(a, dir, NULL, &s, &e));
    return s;
}

/* The names in a folder, hidden ones too, with the sizes of files. */
static const char *listed(struct arena *a, struct store *s, const char *dir, const char *after)
{
    struct store_entry *entries;
    size_t n;
    struct err e = {0};
    const char *all = "";
    if (!s->driver->list(s, a, dir, after, &entries, &n, &e))
        return arena_str(a, e.msg);
    for (size_t i = 0; i < n; i++)
        all = entries[i].is_dir
                  ? arena_fmt(a, "%s%s%s/", all, i ? " " : "", entries[i].name)
                  : arena_fmt(a, "%s%s%s:%d", all, i ? " " : "", entries[i].name, (int)entries[i].size);
    return all;
}

static const char *content(struct arena *a, struct store *s, const char *path)
{
    struct err e = {0};
    auto_buf b = BUF(1000);
    return s->driver->read(s, path, &b, NULL, &e) ? arena_str(a, b.p) : arena_fmt(a, "! %s", e.msg);
}

TEST(uris_become_stores)
{
    char cwd[1000];
    REQUIRE(getcwd(cwd, sizeof cwd));
    auto_arena *a = arena_new();
    const struct {
        const char *uri, *root, *error;
    } cases[] = {
        {"/data/lake", "/data/lake", NULL},
        {"/data/lake//", "/data/lake", NULL},
        {"/", "/", NULL},
        {"file:///data/lake", "/data/lake", NULL},
        {"lake", fs_join(a, cwd, "lake"), NULL},
        {"gs://bucket/lake", NULL, "cannot store anything in 'gs://bucket/lake': unknown scheme 'gs'"},
        {"file://lake", NULL, "'file://lake': a path behind file:// begins with a slash"},
        {"", NULL, "'' names no folder"},
        {"file://", NULL, "'file://' names no folder"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e = {0};
        struct store *s = NULL;
        CASE(cases[i].uri);
        if (store_open(a, cases[i].uri, NULL, &s, &e)) {
            CHECK_STR(s->root, cases[i].root);
        } else {
            CHECK_STR(e.msg, cases[i].error);
            CHECK_INT(e.kind, ERR_USER);
        }
    }
}

TEST(a_new_object_is_put_once)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    bool taken = true;
    CHECK(s->driver->put_new(s, "t/_delta_log/0.json", "one", 3, &taken, &e));
    CHECK(!taken);
    CHECK(s->driver->put_new(s, "t/_delta_log/0.json", "second", 6, &taken, &e));
    CHECK(taken);
    CHECK_STR(content(a, s, "t/_delta_log/0.json"), "one");
    CHECK_STR(listed(a, s, "t/_delta_log", NULL), "0.json:3");
    CHECK(s->driver->put(s, "t/_delta_log/0.json", "third", 5, &e));
    CHECK_STR(content(a, s, "t/_delta_log/0.json"), "third");
    CHECK(s->driver->put(s, "hint", "", 0, &e));
    CHECK_STR(listed(a, s, "", NULL), "hint:0 t/");
    CHECK_STR(store_uri(a, s, ""), s->root);
    CHECK_STR(store_uri(a, s, "t/x"), arena_fmt(a, "%s/t/x", s->root));
}

TEST(lists_are_sorted_and_may_begin_later)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    static const char *const names[] = {"b", "c", "a", "0001.json", "0001", ".hidden", "B"};
    for (size_t i = 0; i < countof(names); i++)
        CHECK(s->driver->put(s, arena_fmt(a, "d/%s", names[i]), "x", 1, &e));
    CHECK_STR(listed(a, s, "d", NULL), ".hidden:1 0001:1 0001.json:1 B:1 a:1 b:1 c:1");
    CHECK_STR(listed(a, s, "d", "0001"), "0001.json:1 B:1 a:1 b:1 c:1");
    CHECK_STR(listed(a, s, "d", "c"), "");
    CHECK_STR(listed(a, s, "nowhere", NULL), "");
    CHECK_STR(listed(a, s, "d/a", NULL), "");
    CHECK(symlink("/nowhere", store_uri(a, s, "d/zlink")) == 0);
    CHECK_STR(listed(a, s, "d", "b"), "c:1");
}

TEST(reading_says_what_is_missing_and_what_is_too_much)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    bool missing = false;
    auto_buf b = BUF(4);
    CHECK(!s->driver->read(s, "x", &b, &missing, &e));
    CHECK(missing);
    CHECK_INT(e.kind, ERR_USER);
    CHECK_STR(e.msg, arena_fmt(a, "no such file '%s/x'", s->root));
    CHECK(s->driver->put(s, "x", "12345", 5, &e));
    CHECK(!s->driver->read(s, "x", &b, &missing, &e));
    CHECK(!missing);
    CHECK_INT(e.kind, ERR_LIMIT);
    CHECK(!s->driver->read(s, "x/y", &b, &missing, &e));
    CHECK(missing);
    auto_buf folder = BUF(4);
    CHECK(!s->driver->read(s, "", &folder, &missing, &e));
    CHECK(!missing);
    CHECK_INT(e.kind, ERR_IO);
    CHECK(s->driver->remove(s, "x", &e));
    CHECK(s->driver->remove(s, "x", &e));
    CHECK_STR(listed(a, s, "", NULL), "");
}

TEST(a_finished_file_is_adopted)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    bool taken = true;
    CHECK(s->driver->put(s, "tmp/.one", "1", 1, &e));
    CHECK(s->driver->put(s, "tmp/.two", "2", 1, &e));
    CHECK(s->driver->adopt(s, store_uri(a, s, "tmp/.one"), "t/x", &taken, &e));
    CHECK(!taken);
    CHECK(s->driver->adopt(s, store_uri(a, s, "tmp/.two"), "t/x", &taken, &e));
    CHECK(taken);
    CHECK_STR(content(a, s, "t/x"), "1");
    CHECK_STR(listed(a, s, "tmp", NULL), "");
    CHECK(!s->driver->adopt(s, store_uri(a, s, "tmp/.none"), "t/y", &taken, &e));
    CHECK_INT(e.kind, ERR_IO);
}

TEST(without_hard_links_a_rename_does)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    bool taken = true;
    fault_only("link");
    fault_mode(FAULT_STICK);
    fault_errno(EPERM);
    fault_arm(0);
    CHECK(s->driver->put_new(s, "x", "1", 1, &taken, &e));
    CHECK(fault_hit() == 1);
    CHECK(!taken);
    fault_off();
    CHECK_STR(listed(a, s, "", NULL), "x:1");
}

TEST(folders_are_made_where_no_file_stands)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    bool taken;
    CHECK(s->driver->mkdirs(s, "a/b/c", &e));
    CHECK(s->driver->mkdirs(s, "a/b", &e));
    CHECK(s->driver->mkdirs(s, "", &e));
    CHECK_STR(listed(a, s, "a/b", NULL), "c/");
    CHECK(s->driver->put(s, "f", "", 0, &e));
    CHECK(!s->driver->mkdirs(s, "f", &e));
    CHECK_STR(e.msg, arena_fmt(a, "cannot make folder '%s/f': a file has that name", s->root));
    CHECK(!s->driver->put_new(s, "f/x", "", 0, &taken, &e));
    CHECK_INT(e.kind, ERR_IO);
}

/* How many bytes of files that begin with a dot there are: leftovers. */
static int leftovers(struct arena *a, struct store *s, const char *dir)
{
    const char *all = listed(a, s, dir, NULL);
    return all[0] == '.' || strstr(all, " .") != NULL;
}

TEST(any_call_of_a_put_may_fail)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_STICK};
    for (size_t m = 0; m < countof(modes); m++) {
        int failed = 0;
        for (int n = 0, hit = 1; hit; n++) {
            auto_arena *a = arena_new();
            struct store *s = fresh(a);
            struct err e = {0};
            bool taken = true;
            fault_mode(modes[m]);
            fault_chop(5);
            fault_arm(n);
            bool ok = s->driver->put_new(s, "t/log/x", "hello world", 11, &taken, &e);
            hit = fault_hit();
            CASE(fault_call());
            bool unlink_failed = modes[m] == FAULT_STICK || strcmp(fault_call(), "unlink") == 0;
            fault_off();
            const char *there = content(a, s, "t/log/x");
            failed += !ok;
            CHECK(!ok || !taken);
            CHECK(ok || e.kind == ERR_IO);
            CHECK(strcmp(there, "hello world") == 0 || strncmp(there, "! no such file", 14) == 0);
            if (ok)
                CHECK_STR(there, "hello world");
            if (!unlink_failed)
                CHECK(!leftovers(a, s, "t/log"));
            bool again = s->driver->put_new(s, "t/log/x", "hello world", 11, &taken, &e);
            CHECK(again);
            CHECK_STR(content(a, s, "t/log/x"), "hello world");
        }
        CHECK(failed >= 5);
    }
}

TEST(a_full_disk_leaves_nothing_and_says_so)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    bool taken = false;
    fault_only("write");
    fault_arm(0);
    CHECK(!s->driver->put_new(s, "x", "1", 1, &taken, &e));
    fault_off();
    CHECK_STR(e.msg, arena_fmt(a, "cannot write '%s/x': no space left on device", s->root));
    CHECK_HAS(e.hint, "free some space");
    CHECK_STR(listed(a, s, "", NULL), "");
}

TEST(a_crash_in_a_put_leaves_all_or_nothing)
{
    for (int n = 0;; n++) {
        auto_arena *a = arena_new();
        struct store *s = fresh(a);
        struct err e = {0};
        bool taken;
        int status;
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            fault_mode(FAULT_CRASH);
            fault_arm(n);
            bool ok = s->driver->put_new(s, "t/x", "hello", 5, &taken, &e);
            _exit(ok ? 0 : 1);
        }
        REQUIRE(waitpid(child, &status, 0) == child && WIFEXITED(status));
        const char *there = content(a, s, "t/x");
        CHECK(strcmp(there, "hello") == 0 || strncmp(there, "! no such file", 14) == 0);
        CHECK(s->driver->put_new(s, "t/x", "hello", 5, &taken, &e));
        CHECK_STR(content(a, s, "t/x"), "hello");
        if (WEXITSTATUS(status) == 0)
            break;
        CHECK_INT(WEXITSTATUS(status), FAULT_EXIT);
    }
}

/* What was synced: every file, and each folder on the way to the root, once. */
TEST(syncing_costs_one_call_for_each_file_and_folder)
{
    auto_arena *a = arena_new();
    struct store *s = fresh(a);
    struct err e = {0};
    static const char *const paths[] = {"t/p=1/a", "t/p=1/b", "t/p=2/c"};
    for (size_t i = 0; i < countof(paths); i++)
        CHECK(s->driver->put(s, paths[i], "x", 1, &e));
    int calls = 0;
    for (bool ok = false; !ok; calls++) {
        fault_only("fsync");
        fault_arm(calls);
        ok = s->driver->sync(s, paths, countof(paths), &e);
        CHECK(ok || e.kind == ERR_IO);
        fault_off();
    }
    CHECK_INT(calls - 1, 3 + 4);
    CHECK(s->driver->sync(s, NULL, 0, &e));
    CHECK(!s->driver->sync(s, (const char *const[]){"t/none"}, 1, &e));
    CHECK_INT(e.kind, ERR_IO);
}
