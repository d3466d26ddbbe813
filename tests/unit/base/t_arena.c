#include "base/arena.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "test.h"

static char order[16];
static void note(void *p)
{
    size_t n = strlen(order);
    snprintf(order + n, sizeof order - n, "%s", (const char *)p);
}

TEST(deferred_calls_run_backwards_at_the_end)
{
    order[0] = '\0';
    struct arena *a = arena_new();
    char one[] = "1", two[] = "2", three[] = "3";
    arena_defer(a, note, one);
    arena_defer(a, note, two);
    arena_make(a, char, 200000);
    arena_defer(a, note, three);
    CHECK_STR(order, "");
    arena_free(a);
    CHECK_STR(order, "321");
}

struct peek {
    const char *seen;
    size_t n;
};
static void look(void *p)
{
    struct peek *peek = p;
    peek->n = strlen(peek->seen);
}

TEST(deferred_calls_may_still_read_the_arena)
{
    static struct peek peek;
    struct arena *a = arena_new();
    peek = (struct peek){.seen = arena_fmt(a, "%s-%d", "part", 7)};
    arena_defer(a, look, &peek);
    arena_free(a);
    CHECK_INT(peek.n, 6);
}

TEST(no_arena_is_freed_too)
{
    arena_free(NULL);
    auto_arena *a = NULL;
    (void)a;
}

TEST(memory_is_zeroed_and_aligned_for_anything)
{
    auto_arena *a = arena_new();
    for (size_t i = 0; i < 20000; i++) {
        char *p = arena_make(a, char, i % 50 + 1);
        CHECK_INT((uintptr_t)p % _Alignof(max_align_t), 0);
        CHECK(p[0] == 0 && p[i % 50] == 0);
        memset(p, 0xee, i % 50 + 1);
    }
}

TEST(one_block_may_be_larger_than_a_chunk)
{
    auto_arena *a = arena_new();
    int64_t *before = arena_make(a, int64_t, 1);
    int64_t *big = arena_make(a, int64_t, 100000);
    int64_t *after = arena_make(a, int64_t, 1);
    *before = 1, big[0] = 2, big[99999] = 3, *after = 4;
    CHECK_INT(big[50000], 0);
    CHECK_INT(*before, 1);
    CHECK_INT(big[99999], 3);
}

TEST(nothing_is_something_too)
{
    auto_arena *a = arena_new();
    CHECK(arena_make(a, int, 0) != NULL);
}

TEST(strings_are_copied)
{
    auto_arena *a = arena_new();
    char word[] = "silver.movies";
    char *whole = arena_str(a, word), *part = arena_strn(a, word, 6);
    word[0] = 'X';
    CHECK_STR(whole, "silver.movies");
    CHECK_STR(part, "silver");
    CHECK_STR(arena_strn(a, NULL, 0), "");
    CHECK_STR(arena_fmt(a, "%s", ""), "");
    CHECK(!arena_str(a, NULL));

    char long_word[100000];
    memset(long_word, 'y', sizeof long_word - 1);
    long_word[sizeof long_word - 1] = '\0';
    CHECK_INT(strlen(arena_fmt(a, "%s!", long_word)), sizeof long_word);
}

TEST(a_list_grows_and_keeps_what_it_holds)
{
    auto_arena *a = arena_new();
    struct list_of(int) list = {0};
    for (int i = 0; i < 1000; i++) {
        int *p = arena_push(a, &list);
        CHECK_INT(*p, 0);
        *p = i;
    }
    CHECK_INT(list.n, 1000);
    CHECK(list.cap >= list.n);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(list.v[i], i);
}

TEST(out_of_memory_ends_the_process)
{
    static volatile size_t huge = SIZE_MAX / 2;
    fflush(stdout);
    pid_t child = fork();
    REQUIRE(child >= 0);
    if (child == 0) {
        dup2(open("/dev/null", O_WRONLY), 2);
        arena_alloc(arena_new(), huge, 4); /* must not wrap around to a small size */
        _exit(0);
    }
    int status = 0;
    REQUIRE(waitpid(child, &status, 0) == child);
    CHECK(status != 0);
}
