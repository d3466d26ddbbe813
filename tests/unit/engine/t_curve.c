#include "engine/curve.h"

#include "test.h"

TEST(zorder_takes_the_bits_in_turns)
{
    static const struct {
        const char *label;
        uint32_t point[3];
        size_t n;
        uint64_t want;
    } cases[] = {
        {"the origin", {0, 0}, 2, 0},
        {"one coordinate is itself", {619}, 1, 619},
        {"the first coordinate weighs more", {1, 0}, 2, 2},
        {"the second less", {0, 1}, 2, 1},
        {"bits are interleaved", {5, 3}, 2, 0x27},
        {"three coordinates", {1, 1, 0}, 3, 6},
        {"the last place", {1023, 1023}, 2, (1 << 20) - 1},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        CHECK_INT((int64_t)curve_zorder(cases[i].point, cases[i].n), (int64_t)cases[i].want);
    }
}

/* The first cube of a side of 2^bits, in the order of the curve: neighbours differ by one step. */
static void walk(size_t n, int bits)
{
    size_t side = (size_t)1 << bits, all = (size_t)1 << (bits * (int)n);
    uint32_t(*points)[CURVE_MAX] = calloc(all, sizeof *points);
    bool *seen = calloc(all, sizeof *seen);
    REQUIRE(points && seen);
    for (size_t i = 0; i < all; i++) {
        uint32_t p[CURVE_MAX] = {0};
        for (size_t k = 0, rest = i; k < n; k++, rest /= side)
            p[k] = (uint32_t)(rest % side);
        uint64_t place = curve_hilbert(p, n);
        REQUIRE(place < all);
        CHECK(!seen[place]);
        seen[place] = true;
        for (size_t k = 0; k < n; k++)
            points[place][k] = p[k];
    }
    for (size_t i = 1; i < all; i++) {
        uint32_t steps = 0;
        for (size_t k = 0; k < n; k++)
            steps += points[i][k] > points[i - 1][k] ? points[i][k] - points[i - 1][k]
                                                     : points[i - 1][k] - points[i][k];
        CHECK_INT(steps, 1);
    }
    free(points);
    free(seen);
}

TEST(hilbert_goes_from_neighbour_to_neighbour)
{
    CASE("in two dimensions");
    walk(2, 4);
    CASE("in three, of a depth at which the curve begins along the same axis");
    walk(3, 4);
}
