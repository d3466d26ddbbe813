/* The seeds of the fuzzer as a test of their own: each of them whole, and cut off at any byte. */
#include "../../fuzz/fuzz_delta_log.c"

#include "base/fs.h"
#include "test.h"

TEST(the_seeds_of_the_fuzzer_do_no_harm)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    const char *root = getenv("CUPEL_TESTS"), **names;
    size_t n, seeds;
    char *text;
    if (!root)
        SKIP("CUPEL_TESTS is not set");
    char *dir = fs_join(a, root, "fuzz/corpus/delta_log");
    REQUIRE(fs_list(a, dir, &names, &seeds, &e));
    CHECK(seeds > 5);
    for (size_t i = 0; i < seeds; i++) {
        CASE(names[i]);
        REQUIRE(fs_read(a, fs_join(a, dir, names[i]), 1 << 20, &text, &n, &e));
        for (size_t size = 0; size <= n; size++) {
            uint8_t *cut = malloc(size + 1); /* so that a sanitizer sees a byte too far */
            REQUIRE(cut);
            memcpy(cut, text, size);
            LLVMFuzzerTestOneInput(cut, size);
            free(cut);
        }
    }
}
