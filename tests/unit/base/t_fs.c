#include "base/fs.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "fault.h"
#include "test.h"

/* A fresh folder that goes away with the arena. */
static void drop(void *path)
{
    struct err e;
    fault_off();
    if (!fs_remove_tree(path, &e))
        BAD("%s", e.msg);
}

static const char *fresh(struct arena *a)
{
    const char *tmp = getenv("TMPDIR");
    char *dir = fs_join(a, tmp ? tmp : "/tmp", "cupel-t-XXXXXX");
    REQUIRE(mkdtemp(dir));
    arena_defer(a, drop, dir);
    return dir;
}

/* Plain ones, so that a test does not prove fs.c with fs.c. */
static void put(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    REQUIRE(f);
    fputs(text, f);
    fclose(f);
}

static const char *content(const char *path)
{
    static char text[200000];
    FILE *f = fopen(path, "r");
    if (!f)
        return NULL;
    text[fread(text, 1, sizeof text - 1, f)] = '\0';
    fclose(f);
    return text;
}

static const char *listed(struct arena *a, const char *dir)
{
    const char **names, *all = "";
    size_t n;
    struct err e = {0};
    if (!fs_list(a, dir, &names, &n, &e))
        return arena_str(a, e.msg);
    for (size_t i = 0; i < n; i++)
        all = arena_fmt(a, "%s%s%s", all, i ? " " : "", names[i]);
    return all;
}

TEST(a_file_is_read_whole)
{
    auto_arena *a = arena_new();
    const char *path = fs_join(a, fresh(a), "f");
    struct err e = {0};
    char *text = NULL;
    size_t n = 99;

    put(path, "select 1\n");
    CHECK(fs_read(a, path, 100, &text, &n, &e));
    CHECK_STR(text, "select 1\n");
    CHECK_INT(n, 9);
    CHECK(fs_read(a, path, 9, &text, NULL, &e));
    put(path, "");
    CHECK(fs_read(a, path, 0, &text, &n, &e));
    CHECK_STR(text, "");
    CHECK_INT(n, 0);

    char *big = arena_make(a, char, 150001);
    memset(big, 'x', 150000);
    put(path, big);
    fault_chop(1000);
    CHECK(fs_read(a, path, 150000, &text, &n, &e));
    fault_off();
    CHECK_INT(n, 150000);
    CHECK_STR(text, big);
}

TEST(a_file_that_cannot_be_read)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *path = fs_join(a, dir, "f");
    struct err e = {0};
    char *text = NULL;
    size_t n = 99;

    CHECK(!fs_read(a, path, 100, &text, &n, &e));
    CHECK_INT(e.kind, ERR_USER);
    CHECK_STR(e.msg, arena_fmt(a, "no such file '%s'", path));

    put(path, "12345");
    CHECK(!fs_read(a, path, 4, &text, &n, &e));
    CHECK_INT(e.kind, ERR_LIMIT);
    CHECK_STR(e.msg, arena_fmt(a, "cannot read '%s': more than 4 bytes", path));

    CHECK(!fs_read(a, dir, 100, &text, &n, &e));
    CHECK_INT(e.kind, ERR_USER);
    CHECK_STR(e.msg, arena_fmt(a, "'%s' is a folder, not a file", dir));

    CHECK(!fs_read(a, fs_join(a, path, "g"), 100, &text, &n, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK_STR(e.msg, arena_fmt(a, "cannot read '%s/g': not a directory", path));

    CHECK(!text);
    CHECK_INT(n, 99);
}

TEST(a_pipe_is_read_to_its_end)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    char *text = NULL;
    size_t n = 0;
    int fd[2];
    REQUIRE(pipe(fd) == 0);
    REQUIRE(write(fd[1], "from a pipe", 11) == 11);
    close(fd[1]);
    CHECK(fs_read(a, arena_fmt(a, "/dev/fd/%d", fd[0]), 100, &text, &n, &e));
    CHECK_STR(text, "from a pipe");
    CHECK_INT(n, 11);
    close(fd[0]);
}

TEST(any_call_of_a_read_may_fail)
{
    auto_arena *a = arena_new();
    const char *path = fs_join(a, fresh(a), "f");
    put(path, "0123456789");
    int rounds = 0;
    TORTURE (n) {
        struct err e = {0};
        char *text = NULL;
        fault_chop(4);
        if (fs_read(a, path, 100, &text, NULL, &e)) {
            CHECK_STR(text, "0123456789");
            CHECK(!fault_hit() || strcmp(fault_call(), "close") == 0);
        } else {
            CHECK_INT(e.kind, ERR_IO);
            CHECK(!text);
        }
        rounds++;
    }
    fault_off();
    CHECK_INT(rounds, 8); /* open, 4 reads, realloc, close, and none */

    struct err e;
    char *text = NULL;
    fault_only("read");
    fault_errno(EINTR);
    fault_arm(0);
    CHECK(fs_read(a, path, 100, &text, NULL, &e));
    CHECK_INT(fault_hit(), 1);
    CHECK_STR(text, "0123456789");
    fault_off();
}

TEST(a_file_is_written_whole)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *path = fs_join(a, dir, "f");
    struct err e = {0};
    CHECK(fs_write_atomic(path, "one", 3, &e));
    CHECK_STR(content(path), "one");
    CHECK(fs_write_atomic(path, "two", 3, &e));
    CHECK_STR(content(path), "two");
    CHECK(fs_write_atomic(path, NULL, 0, &e));
    CHECK_STR(content(path), "");
    fault_chop(1);
    CHECK(fs_write_atomic(path, "piece by piece", 14, &e));
    fault_off();
    CHECK_STR(content(path), "piece by piece");
    CHECK_STR(listed(a, dir), "f");
    fault_only("write");
    fault_errno(EINTR);
    fault_arm(0);
    CHECK(fs_write_atomic(path, "again", 5, &e));
    CHECK_INT(fault_hit(), 1);
    fault_off();
    CHECK_STR(content(path), "again");

    struct stat st;
    REQUIRE(chmod(path, 0600) == 0);
    CHECK(fs_write_atomic(path, "secret", 6, &e));
    REQUIRE(stat(path, &st) == 0);
    CHECK_INT(st.st_mode & 07777, 0600);
}

TEST(a_file_beside_us_can_be_written)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a);
    struct err e = {0};
    int here = open(".", O_RDONLY | O_DIRECTORY);
    REQUIRE(here >= 0 && chdir(dir) == 0);
    CHECK(fs_write_atomic("f", "x", 1, &e));
    CHECK_STR(e.msg, "");
    CHECK(fs_mkdirs("a/b/", &e));
    CHECK(fs_write_atomic("a//f", "y", 1, &e));
    REQUIRE(fchdir(here) == 0);
    close(here);
    CHECK_STR(content(fs_join(a, dir, "f")), "x");
    CHECK_STR(content(fs_join(a, dir, "a/f")), "y");
    CHECK_STR(listed(a, dir), "a f");
}

TEST(a_name_left_by_a_killed_process_is_passed_over)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a);
    struct err e = {0};
    for (int i = 0; i < 300; i++)
        put(arena_fmt(a, "%s/.tmp-%d-%d", dir, (int)getpid(), i), "left over");
    CHECK(fs_write_atomic(fs_join(a, dir, "f"), "new", 3, &e));
    CHECK_STR(content(fs_join(a, dir, "f")), "new");
    CHECK_STR(content(arena_fmt(a, "%s/.tmp-%d-7", dir, (int)getpid())), "left over");
}

TEST(a_file_that_cannot_be_written)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *path = fs_join(a, dir, "none/f");
    struct err e = {0};
    CHECK(!fs_write_atomic(path, "x", 1, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK_STR(e.msg, arena_fmt(a, "cannot write '%s': no such file or directory", path));
    CHECK_STR(e.hint, "");

    CHECK(!fs_write_atomic(dir, "x", 1, &e)); /* a folder */
    CHECK_INT(e.kind, ERR_IO);

    path = fs_join(a, dir, "f");
    fault_only("write");
    fault_arm(0);
    CHECK(!fs_write_atomic(path, "x", 1, &e));
    fault_off();
    CHECK_STR(e.msg, arena_fmt(a, "cannot write '%s': no space left on device", path));
    CHECK_STR(e.hint, "free some space on the disk, then try again");
    CHECK_STR(listed(a, dir), "");

    char *deep = arena_make(a, char, 6000);
    memset(deep, 'd', 5000);
    CHECK(!fs_write_atomic(fs_join(a, dir, deep), "x", 1, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK(!fs_write_atomic(fs_join(a, deep, "x"), "x", 1, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK(!fs_remove_tree(deep, &e));
    CHECK_HAS(e.msg, "cannot remove 'dddd");
    deep[4090] = '\0'; /* fits, but not with the temporary name */
    CHECK(!fs_write_atomic(fs_join(a, deep, "x"), "x", 1, &e));
    CHECK_INT(e.kind, ERR_IO);
}

TEST(a_failed_write_leaves_the_old_file_or_the_new)
{
    static const enum fault_mode modes[] = {FAULT_ONCE, FAULT_STICK};
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *path = fs_join(a, dir, "f");
    for (size_t i = 0; i < countof(modes); i++) {
        int rounds = 0;
        for (int n = 0, hit = 1; hit; n++) {
            struct err e = {0};
            put(path, "old");
            fault_mode(modes[i]);
            fault_chop(1);
            fault_arm(n);
            bool ok = fs_write_atomic(path, "new", 3, &e);
            hit = fault_hit();
            const char *call = fault_call();
            fault_off();

            CASE(call);
            const char *now = content(path);
            CHECK(now && (strcmp(now, "new") == 0 || (!ok && strcmp(now, "old") == 0)));
            CHECK(ok || e.kind == ERR_IO);
            CHECK(!ok || !hit || strcmp(call, "close") == 0); /* of the folder: nothing is lost */
            if (modes[i] == FAULT_ONCE)
                CHECK_STR(listed(a, dir), "f");
            rounds++;
        }
        CHECK_INT(rounds, 11); /* open, 3 writes, fsync, close, rename, open, fsync, close, and none */
    }
}

TEST(a_crash_leaves_the_old_file_or_the_new)
{
    auto_arena *a = arena_new();
    const char *path = fs_join(a, fresh(a), "f");
    int status = -1;
    for (int n = 0; n < 50 && status != 0; n++) {
        put(path, "old");
        fflush(stdout);
        pid_t child = fork();
        REQUIRE(child >= 0);
        if (child == 0) {
            struct err e;
            fault_mode(FAULT_CRASH);
            fault_chop(1);
            fault_arm(n);
            _exit(!fs_write_atomic(path, "new", 3, &e));
        }
        REQUIRE(waitpid(child, &status, 0) == child);
        CHECK(status == 0 || WEXITSTATUS(status) == FAULT_EXIT);
        const char *now = content(path);
        CHECK(now && (strcmp(now, "new") == 0 || (status && strcmp(now, "old") == 0)));
    }
    CHECK_INT(status, 0);
}

TEST(folders_are_made)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a);
    struct err e = {0};
    CHECK(fs_mkdirs(fs_join(a, dir, "a/b/c"), &e));
    CHECK(fs_is_dir(fs_join(a, dir, "a/b/c")));
    CHECK(fs_mkdirs(fs_join(a, dir, "a/b/c"), &e));
    CHECK(fs_mkdirs(fs_join(a, dir, "a//x/"), &e));
    CHECK(fs_is_dir(fs_join(a, dir, "a/x")));
    CHECK(fs_mkdirs("/", &e));
    CHECK(fs_mkdirs(".", &e));
    CHECK(!fs_mkdirs("", &e));

    const char *file = fs_join(a, dir, "f");
    put(file, "");
    CHECK(!fs_mkdirs(file, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK_STR(e.msg, arena_fmt(a, "cannot make folder '%s': a file has that name", file));
    CHECK(!fs_mkdirs(fs_join(a, file, "g"), &e));
    CHECK_STR(e.msg, arena_fmt(a, "cannot make folder '%s/g': not a directory", file));

    fault_only("mkdir");
    fault_errno(EACCES);
    fault_arm(0);
    CHECK(!fs_mkdirs(fs_join(a, dir, "no"), &e));
    fault_off();
    CHECK_STR(e.msg, arena_fmt(a, "cannot make folder '%s/no': permission denied", dir));
}

TEST(any_call_of_making_folders_may_fail)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *path = fs_join(a, dir, "a/b/c");
    TORTURE (n) {
        struct err e = {0};
        fault_arm(-1);
        CHECK(fs_remove_tree(fs_join(a, dir, "a"), &e));
        fault_arm(n);
        if (fs_mkdirs(path, &e))
            CHECK(fs_is_dir(path) && !fault_hit());
        else
            CHECK_INT(e.kind, ERR_IO);
    }
    fault_off();
    CHECK(fs_is_dir(path));
}

TEST(what_is_there)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *file = fs_join(a, dir, "f"), *link = fs_join(a, dir, "l");
    put(file, "");
    CHECK(fs_exists(dir) && fs_is_dir(dir));
    CHECK(fs_exists(file) && !fs_is_dir(file));
    CHECK(!fs_exists(link) && !fs_is_dir(link));
    REQUIRE(symlink(dir, link) == 0);
    CHECK(fs_exists(link) && fs_is_dir(link));
}

TEST(files_are_removed)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *file = fs_join(a, dir, "f");
    struct err e = {0};
    put(file, "");
    CHECK(fs_remove(file, &e));
    CHECK(!fs_exists(file));
    CHECK(fs_remove(file, &e));
    CHECK(!fs_remove(dir, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK_STR(e.msg, arena_fmt(a, "cannot remove '%s': is a directory", dir));
}

static void plant(struct arena *a, const char *dir)
{
    struct err e;
    CHECK(fs_mkdirs(fs_join(a, dir, "t/a/b"), &e));
    CHECK(fs_mkdirs(fs_join(a, dir, "t/.hidden"), &e));
    put(fs_join(a, dir, "t/1"), "");
    put(fs_join(a, dir, "t/a/b/2"), "");
    put(fs_join(a, dir, "t/.hidden/3"), "");
}

TEST(trees_are_removed_and_links_are_not_followed)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *tree = fs_join(a, dir, "t"), *kept = fs_join(a, dir, "kept");
    struct err e = {0};
    plant(a, dir);
    CHECK(fs_mkdirs(kept, &e));
    put(fs_join(a, kept, "f"), "");
    REQUIRE(symlink(kept, fs_join(a, tree, "link")) == 0);
    REQUIRE(symlink("nowhere", fs_join(a, tree, "dangling")) == 0);
    for (int i = 0; i < 500; i++)
        put(arena_fmt(a, "%s/a/%d", tree, i), "");
    CHECK(fs_remove_tree(tree, &e));
    CHECK_STR(listed(a, dir), "kept");
    CHECK_STR(listed(a, kept), "f");
    CHECK(fs_remove_tree(tree, &e));

    const char *link = fs_join(a, dir, "link");
    REQUIRE(symlink(kept, link) == 0);
    CHECK(fs_remove_tree(fs_join(a, link, ""), &e)); /* "link/" */
    CHECK_STR(listed(a, dir), "kept");
    CHECK_STR(listed(a, kept), "f");

    CHECK(fs_remove_tree(fs_join(a, kept, "f"), &e));
    CHECK_STR(listed(a, kept), "");
}

TEST(any_call_of_a_removal_may_fail)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *tree = fs_join(a, dir, "t");
    TORTURE (n) {
        struct err e = {0};
        fault_arm(-1);
        plant(a, dir);
        fault_arm(n);
        if (!fs_remove_tree(tree, &e)) {
            CHECK_INT(e.kind, ERR_IO);
            CHECK_STR(e.msg, arena_fmt(a, "cannot remove '%s': input/output error", tree));
            CHECK(fs_exists(tree));
        }
    }
    fault_off();
    CHECK(!fs_exists(tree));
}

TEST(folders_and_files_are_synced)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), *file = fs_join(a, dir, "f");
    struct err e = {0};
    put(file, "");
    CHECK(fs_sync_dir(dir, &e));
    CHECK(fs_sync_file(file, &e));
    CHECK(!fs_sync_dir(file, &e));
    CHECK_STR(e.msg, arena_fmt(a, "cannot sync '%s': not a directory", file));
    CHECK(!fs_sync_file(fs_join(a, dir, "none"), &e));
    CHECK_STR(e.msg, arena_fmt(a, "cannot sync '%s/none': no such file or directory", dir));

    fault_only("fsync");
    fault_arm(0);
    CHECK(!fs_sync_dir(dir, &e));
    CHECK_STR(e.msg, arena_fmt(a, "cannot sync '%s': input/output error", dir));
    fault_errno(EINVAL); /* a file system that cannot */
    fault_arm(0);
    CHECK(fs_sync_dir(dir, &e));
    fault_arm(0);
    CHECK(!fs_sync_file(file, &e));
    fault_off();
}

TEST(folders_are_listed_in_order)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a), **names = NULL;
    size_t n = 99;
    struct err e = {0};
    CHECK(fs_list(a, dir, &names, &n, &e));
    CHECK_INT(n, 0);
    CHECK(names);
    put(fs_join(a, dir, "b"), "");
    put(fs_join(a, dir, "a.sql"), "");
    put(fs_join(a, dir, ".z"), "");
    CHECK(fs_mkdirs(fs_join(a, dir, "c"), &e));
    CHECK_STR(listed(a, dir), ".z a.sql b c");

    names = NULL;
    CHECK(!fs_list(a, fs_join(a, dir, "none"), &names, &n, &e));
    CHECK_INT(e.kind, ERR_IO);
    CHECK_STR(e.msg, arena_fmt(a, "cannot list '%s/none': no such file or directory", dir));
    CHECK(!names);
}

static const char *walked(struct arena *a, const char *dir, const char *suffix)
{
    const char **names, *all = "";
    size_t n;
    struct err e = {0};
    if (!fs_walk(a, dir, suffix, &names, &n, &e))
        return arena_str(a, e.msg);
    for (size_t i = 0; i < n; i++)
        all = arena_fmt(a, "%s%s%s", all, i ? " " : "", names[i]);
    return all;
}

TEST(trees_are_walked)
{
    auto_arena *a = arena_new();
    const char *dir = fresh(a);
    struct err e = {0};
    CHECK_STR(walked(a, fs_join(a, dir, "none"), ".sql"), "");
    CHECK_STR(walked(a, dir, ".sql"), "");
    CHECK(fs_mkdirs(fs_join(a, dir, "s/deep.sql"), &e));
    CHECK(fs_mkdirs(fs_join(a, dir, ".git"), &e));
    put(fs_join(a, dir, "b.sql"), "");
    put(fs_join(a, dir, "a.yaml"), "");
    put(fs_join(a, dir, "sql"), "");
    put(fs_join(a, dir, ".x.sql"), "");
    put(fs_join(a, dir, ".git/y.sql"), "");
    put(fs_join(a, dir, "s/a.sql"), "");
    put(fs_join(a, dir, "s/deep.sql/z.sql"), "");
    REQUIRE(symlink("../b.sql", fs_join(a, dir, "s/link.sql")) == 0);
    REQUIRE(symlink("nowhere", fs_join(a, dir, "s/dangling.sql")) == 0);
    REQUIRE(symlink("..", fs_join(a, dir, "s/loop")) == 0);
    REQUIRE(mkfifo(fs_join(a, dir, "fifo.sql"), 0600) == 0);
    CHECK_STR(walked(a, dir, ".sql"), "b.sql s/a.sql s/deep.sql/z.sql s/link.sql");
    CHECK_STR(walked(a, dir, ".yaml"), "a.yaml");
    CHECK_STR(walked(a, dir, NULL), "a.yaml b.sql s/a.sql s/deep.sql/z.sql s/link.sql sql");

    const char *file = fs_join(a, dir, "b.sql");
    CHECK_STR(walked(a, file, ""), arena_fmt(a, "cannot list '%s': not a directory", file));
    fault_only("opendir");
    fault_errno(EACCES);
    fault_arm(1);
    CHECK_STR(walked(a, dir, ""), arena_fmt(a, "cannot list '%s/s': permission denied", dir));
    fault_off();
}

TEST(paths_are_joined)
{
    auto_arena *a = arena_new();
    CHECK_STR(fs_join(a, "a", "b"), "a/b");
    CHECK_STR(fs_join(a, "a/", "b"), "a/b");
    CHECK_STR(fs_join(a, "/", "b"), "/b");
    CHECK_STR(fs_join(a, "", "b"), "b");
    CHECK_STR(fs_join(a, ".", "b/c"), "./b/c");
}
