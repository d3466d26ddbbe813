/* test.h - the whole harness: thin macros over cmocka.
 *
 * TEST(name) registers itself. A CHECK that fails reports the place, the CASE it was in and both
 * values, and goes on; the test fails at its end. REQUIRE is a CHECK that ends the test. One program
 * per module includes this once; main() is here.
 */
#pragma once
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* cmocka's fail() and skip() must not stay in the way of ours. */
#pragma push_macro("fail")
#undef fail
#include <cmocka.h>
#undef fail
#undef skip
#pragma pop_macro("fail")

struct test {
    const char *name;
    void (*fn)(void);
    struct test *next;
};
static struct test *tests, **tests_end = &tests;
static const char *test_name = "", *test_case = "";
static int test_bad;

#define TEST(name)                                                                                           \
    static void name(void);                                                                                  \
    __attribute__((constructor)) static void name##_register(void)                                           \
    {                                                                                                        \
        static struct test t = {#name, name, NULL};                                                          \
        *tests_end = &t;                                                                                     \
        tests_end = &t.next;                                                                                 \
    }                                                                                                        \
    static void name(void)

/* To stderr, since stdout is TAP. */
__attribute__((format(printf, 3, 4))) static void test_complain(const char *file, int line, const char *fmt,
                                                                ...)
{
    va_list ap;
    va_start(ap, fmt);
    fprintf(stderr, "%s:%d: [%s] ", file, line, test_case);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    test_bad++;
}

#define CASE(label) (test_case = (label))
#define SKIP(why)   (printf("# skipped: %s\n", (why)), _skip(__FILE__, __LINE__))
#define BAD(...)    test_complain(__FILE__, __LINE__, __VA_ARGS__)
#define CHECK(x)    ((x) ? (void)0 : (void)BAD("%s", #x))
#define CHECK_INT(got, want)                                                                                 \
    do {                                                                                                     \
        long long g_ = (long long)(got), w_ = (long long)(want);                                             \
        if (g_ != w_)                                                                                        \
            BAD("%s = %lld, want %lld", #got, g_, w_);                                                       \
    } while (0)
#define CHECK_STR(got, want)                                                                                 \
    do {                                                                                                     \
        const char *g_ = (got), *w_ = (want);                                                                \
        if (!g_ || !w_ ? g_ != w_ : strcmp(g_, w_) != 0)                                                     \
            BAD("%s = \"%s\", want \"%s\"", #got, g_ ? g_ : "(null)", w_ ? w_ : "(null)");                   \
    } while (0)
#define CHECK_HAS(got, part)                                                                                 \
    do {                                                                                                     \
        const char *g_ = (got), *w_ = (part);                                                                \
        if (!g_ || !strstr(g_, w_))                                                                          \
            BAD("%s = \"%s\", want \"%s\" in it", #got, g_ ? g_ : "(null)", w_);                             \
    } while (0)
#define REQUIRE(x)                                                                                           \
    do {                                                                                                     \
        if (!(x)) {                                                                                          \
            BAD("%s", #x);                                                                                   \
            fail_test();                                                                                     \
        }                                                                                                    \
    } while (0)

static inline void fail_test(void)
{
    fflush(stdout);
    _fail(test_name, test_bad); /* not the case: its label may be gone by now */
}

static void test_run(void **state)
{
    const struct test *t = *state;
    test_bad = 0, test_name = t->name, test_case = "";
    t->fn();
    if (test_bad)
        fail_test();
}

/* With arguments: only the tests whose name holds one of them. */
int main(int argc, char **argv)
{
    static struct CMUnitTest list[1000];
    size_t n = 0;
    setvbuf(stdout, NULL, _IOLBF, 0);
    for (struct test *t = tests; t && n < sizeof(list) / sizeof(*list); t = t->next) {
        int wanted = argc < 2;
        for (int i = 1; i < argc; i++)
            wanted |= strstr(t->name, argv[i]) != NULL;
        if (wanted)
            list[n++] = (struct CMUnitTest){t->name, test_run, NULL, NULL, t};
    }
    const char *slash = strrchr(argv[0], '/');
    return _cmocka_run_group_tests(slash ? slash + 1 : argv[0], list, n, NULL, NULL);
}
