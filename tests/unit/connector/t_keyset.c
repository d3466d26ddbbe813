#include "connector/keyset.h"

#include "fault.h"
#include "test.h"

TEST(a_text_is_kept_once)
{
    auto_arena *a = arena_new();
    struct keyset *k = keyset_new(a);
    struct str kept, again;
    char text[] = "abc";
    void **at = keyset_at(k, (struct str){text, 3}, &kept);
    CHECK(*at == NULL);
    *at = k;
    text[0] = 'x';
    CHECK(str_is(kept, "abc"));
    CHECK(keyset_at(k, (struct str){"abc", 3}, &again) == at);
    CHECK(again.p == kept.p);
    CHECK(keyset_get(k, (struct str){"abc", 3}) == k);
    CHECK(!keyset_get(k, (struct str){"ab", 2}));
    CHECK(!keyset_get(k, (struct str){"", 0}));
    CHECK_INT(keyset_count(k), 1);
}

TEST(many_texts)
{
    auto_arena *a = arena_new();
    struct keyset *k = keyset_new(a);
    static int values[10000];
    char text[20];
    for (size_t i = 0; i < countof(values); i++) {
        int n = snprintf(text, sizeof text, "%zu", i * 7919);
        *keyset_at(k, (struct str){text, (size_t)n}, NULL) = &values[i];
    }
    CHECK_INT(keyset_count(k), countof(values));
    for (size_t i = 0; i < countof(values); i++) {
        int n = snprintf(text, sizeof text, "%zu", i * 7919);
        CHECK(keyset_get(k, (struct str){text, (size_t)n}) == &values[i]);
    }
}
