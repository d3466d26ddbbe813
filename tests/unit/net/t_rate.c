#include "net/rate.h"

#include "fault.h"
#include "test.h"

enum { MAX = 20000 };
static int64_t at[MAX];

static uint32_t dice = 1;
static int64_t roll(int64_t below)
{
    dice = dice * 1664525 + 1013904223;
    return (int64_t)(dice >> 8) % below;
}

/* Starts as often as it may for `us`, asking again when told to, each time up to `late` too late. */
static size_t run(double per_second, int64_t us, int64_t late)
{
    auto_arena *a = arena_new();
    struct rate *r = rate_new(a, per_second);
    size_t n = 0;
    for (int64_t now = 5; now < us && n < MAX;) {
        int64_t wait = rate_take(r, now);
        if (wait == 0)
            at[n++] = now;
        else
            now += wait + (late ? roll(late) : 0);
    }
    return n;
}

/* The most starts in any window of a second. */
static size_t most(size_t n, int64_t window_us)
{
    size_t max = 0;
    for (size_t from = 0, to = 0; from < n; from++) {
        while (to < n && at[to] < at[from] + window_us)
            to++;
        max = to - from > max ? to - from : max;
    }
    return max;
}

TEST(no_window_of_a_second_has_more_than_the_rate)
{
    static const struct {
        const char *label;
        double rate;
        int64_t late_us;
        size_t most, at_least, at_most; /* at_*: in 100 seconds */
    } cases[] = {
        {"four", 4, 0, 4, 400, 400},
        {"one", 1, 0, 1, 100, 100},
        {"fifty", 50, 0, 50, 5000, 5000},
        {"a fraction counts down", 2.5, 0, 2, 200, 200},
        {"asking late costs its lateness only", 4, 1000, 4, 399, 400},
        {"very late", 4, 400000, 4, 280, 400},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        size_t n = run(cases[i].rate, 100 * 1000000, cases[i].late_us);
        CHECK_INT(most(n, 1000000), cases[i].most);
        CHECK(n >= cases[i].at_least && n <= cases[i].at_most);
    }
}

TEST(less_than_one_a_second_is_spaced)
{
    CHECK_INT(run(0.5, 100 * 1000000, 0), 50);
    CHECK_INT(most(50, 2000000), 1);
    CHECK_INT(run(0.01, 1000 * INT64_C(1000000), 0), 10);
}

TEST(no_limit_never_waits)
{
    auto_arena *a = arena_new();
    struct rate *r = rate_new(a, 0);
    for (int i = 0; i < 1000; i++)
        CHECK_INT(rate_take(r, 1), 0);
    rate_move(r, 1, 2);
}

TEST(the_wait_says_when)
{
    auto_arena *a = arena_new();
    struct rate *r = rate_new(a, 2);
    CHECK_INT(rate_take(r, 1000), 0);
    CHECK_INT(rate_take(r, 5000), 0);
    CHECK_INT(rate_take(r, 6000), 995000);
    CHECK_INT(rate_take(r, 1000999), 1);
    CHECK_INT(rate_take(r, 1001000), 0);
    CHECK_INT(rate_take(r, 1001000), 4000);
}

TEST(what_left_later_counts_later)
{
    auto_arena *a = arena_new();
    struct rate *r = rate_new(a, 2);
    CHECK_INT(rate_take(r, 1000), 0);
    CHECK_INT(rate_take(r, 2000), 0);
    rate_move(r, 1000, 500000);
    CHECK_INT(rate_take(r, 600000), 402000); /* the one of 2000 is now the oldest */
    CHECK_INT(rate_take(r, 1002000), 0);
    CHECK_INT(rate_take(r, 1002000), 498000);
    rate_move(r, 77, 99); /* not there any more */
    CHECK_INT(rate_take(r, 1002000), 498000);
}

struct start {
    int64_t counted, leaves;
};

/* As the pool does it: requests wait for a connection for up to two seconds before they leave. */
TEST(requests_leave_within_the_rate_however_long_they_wait_for_a_connection)
{
    auto_arena *a = arena_new();
    struct rate *r = rate_new(a, 4);
    struct start open[8];
    size_t nopen = 0, n = 0;
    for (int64_t now = 0; now < 400 * INT64_C(1000000); now += 1 + roll(3000)) {
        for (size_t i = 0; i < nopen;) {
            if (open[i].leaves <= now) {
                rate_move(r, open[i].counted, now);
                at[n++] = now;
                open[i] = open[--nopen];
            } else {
                rate_move(r, open[i].counted, now);
                open[i].counted = now;
                i++;
            }
        }
        if (nopen < countof(open) && rate_take(r, now) == 0)
            open[nopen++] = (struct start){now, now + (roll(3) ? 0 : roll(2000000))};
    }
    CHECK(n > 800);
    CHECK_INT(most(n, 1000000), 4);
}
