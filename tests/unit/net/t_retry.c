#include "net/retry.h"

#include "fault.h"
#include "test.h"

TEST(retry_waits)
{
    static const struct retry r = {.attempts = 4, .base_ms = 1000, .max_ms = 3000};
    static const struct {
        const char *label;
        int done;
        enum err_kind kind;
        int64_t asked_ms;
        double dice;
        int64_t want;
    } cases[] = {
        {"first failure waits the base", 1, ERR_NET, 0, 0.0, 1000},
        {"second doubles", 2, ERR_NET, 0, 0.0, 2000},
        {"third is capped", 3, ERR_NET, 0, 0.0, 3000},
        {"fourth was the last", 4, ERR_NET, 0, 0.0, -1},
        {"so would a fifth", 5, ERR_NET, 0, 0.0, -1},
        {"jitter only shortens", 1, ERR_NET, 0, 0.5, 875},
        {"by a quarter at most", 1, ERR_NET, 0, 0.999999, 751},
        {"Retry-After wins when longer", 1, ERR_NET, 9000, 0.0, 9000},
        {"and loses when shorter", 2, ERR_NET, 500, 0.0, 2000},
        {"and gives no more attempts", 4, ERR_NET, 9000, 0.0, -1},
        {"a lost commit race is tried again", 1, ERR_CONFLICT, 0, 0.0, 1000},
        {"a wrong config never is", 1, ERR_USER, 0, 0.0, -1},
        {"nor are bad credentials", 1, ERR_AUTH, 0, 0.0, -1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        const struct err e = {.kind = cases[i].kind};
        CHECK_INT(retry_wait(&r, cases[i].done, &e, cases[i].asked_ms, cases[i].dice), cases[i].want);
    }
}

TEST(a_great_many_attempts_do_not_overflow)
{
    static const struct retry r = {.attempts = 1000000, .base_ms = 1, .max_ms = INT64_C(86400000)};
    const struct err e = {.kind = ERR_NET};
    CHECK_INT(retry_wait(&r, 999999, &e, 0, 0), 86400000);
}
