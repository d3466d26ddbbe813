#include "base/buf.h"

#include "fault.h"
#include "test.h"

TEST(an_empty_buf_is_an_empty_string)
{
    struct err e;
    auto_buf b = BUF(10);
    CHECK_STR(b.p, "");
    CHECK_INT(b.len, 0);
    CHECK(buf_done(&b, &e));
    buf_add(&b, NULL, 0);
    CHECK_STR(b.p, "");
    CHECK(buf_done(&b, &e));
}

TEST(a_buf_grows_to_its_cap_and_no_further)
{
    struct err e;
    auto_buf b = BUF(300);
    for (int i = 0; i < 30; i++)
        buf_addf(&b, "%09d ", i);
    CHECK(buf_done(&b, &e));
    CHECK_INT(b.len, 300);
    buf_add(&b, "x", 1);
    CHECK(!buf_done(&b, &e));
    CHECK_INT(e.kind, ERR_LIMIT);
    CHECK_STR(e.msg, "more than 300 bytes");
    CHECK_INT(b.len, 300);
    CHECK_INT(strlen(b.p), 300);
}

TEST(a_failure_stays)
{
    struct err e;
    auto_buf b = BUF(4);
    buf_addf(&b, "%s", "abc");
    buf_addf(&b, "%s", "too long");
    buf_add(&b, "d", 1); /* would fit */
    buf_add(&b, "", 0);
    CHECK_STR(b.p, "abc");
    CHECK(!buf_done(&b, &e));
    CHECK(!buf_done(&b, &e));
    CHECK_STR(e.msg, "more than 4 bytes");
}

TEST(a_freed_buf_can_be_used_again)
{
    struct err e;
    auto_buf b = BUF(4);
    buf_add(&b, "12345", 5);
    CHECK(!buf_done(&b, &e));
    buf_free(&b);
    CHECK(buf_done(&b, &e));
    buf_add(&b, "1234", 4);
    CHECK_STR(b.p, "1234");
    CHECK(buf_done(&b, &e));
}

TEST(bytes_may_be_zero)
{
    auto_buf b = BUF(10);
    buf_add(&b, "a\0b", 3);
    CHECK_INT(b.len, 3);
    CHECK_INT(memcmp(b.p, "a\0b", 4), 0);
}

TEST(every_allocation_of_a_buf_may_fail)
{
    int rounds = 0;
    TORTURE (n) {
        struct err e = {0};
        auto_buf b = BUF(10000);
        for (int i = 0; i < 500; i++)
            buf_addf(&b, "%d,", i);
        if (buf_done(&b, &e)) {
            CHECK(!fault_hit());
            CHECK_INT(b.len, 1890);
        } else {
            CHECK_INT(e.kind, ERR_IO);
            CHECK_HAS(e.msg, "no memory for ");
        }
        rounds++;
    }
    CHECK_INT(rounds, 7);
}
