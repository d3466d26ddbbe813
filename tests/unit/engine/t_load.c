#include <sys/wait.h>
#include <unistd.h>

#include "base/arena.h"
#include "base/fs.h"
#include "engine/duck.h"
#include "test.h"

/* Loading happens once in a process, so each case has one of its own. */
static void load_in_child(const char *env, char *msg, size_t n)
{
    int fd[2];
    REQUIRE(pipe(fd) == 0);
    fflush(stdout);
    pid_t pid = fork();
    REQUIRE(pid >= 0);
    if (pid == 0) {
        struct err e = {0};
        setenv("CUPEL_DUCKDB", env, 1);
        bool ok = duck_load(&e);
        dprintf(fd[1], "%s|%s|%s", ok ? "ok" : err_name(e.kind), e.msg, e.hint);
        _exit(0);
    }
    close(fd[1]);
    size_t got = 0;
    for (ssize_t k; got + 1 < n && (k = read(fd[0], msg + got, n - 1 - got)) > 0;)
        got += (size_t)k;
    msg[got] = '\0';
    close(fd[0]);
    waitpid(pid, NULL, 0);
}

TEST(the_library_is_found_or_missed_aloud)
{
    char msg[2048];
    const char *real = getenv("CUPEL_DUCKDB");
    REQUIRE(real && *real);

    CASE("the right one");
    load_in_child(real, msg, sizeof msg);
    CHECK_STR(msg, "ok||");

    CASE("no such file");
    load_in_child("/nosuch/libduckdb.so", msg, sizeof msg);
    CHECK_HAS(msg, "io|cannot load DuckDB: /nosuch/libduckdb.so: cannot open shared object file");

    CASE("another library");
    load_in_child("libm.so.6", msg, sizeof msg);
    CHECK_HAS(msg, "io|'libm.so.6' has no function duckdb_");
    CHECK_HAS(msg, "|cupel needs libduckdb v1.5.5: `./dev setup` fetches it");
}

TEST(loading_twice_is_loading_once)
{
    struct err e = {0};
    CHECK(duck_load(&e));
    CHECK(duck_load(&e));
    CHECK_STR(duck.library_version(), DUCK_VERSION);
}
