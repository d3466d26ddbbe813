#include "engine/curve.h"

#include <string.h>

uint64_t curve_zorder(const uint32_t *point, size_t n)
{
    uint64_t place = 0;
    for (int bit = CURVE_BITS - 1; bit >= 0; bit--)
        for (size_t i = 0; i < n; i++)
            place = place << 1 | (point[i] >> bit & 1);
    return place;
}

/* From the coarsest cube to the finest: each is turned so that the curve enters it where it left the one
 * before. What remains, with the bits taken in turns, is the place (J. Skilling, 2004). */
static void turn(uint32_t *x, size_t n)
{
    for (uint32_t q = UINT32_C(1) << (CURVE_BITS - 1); q > 1; q >>= 1) {
        uint32_t low = q - 1;
        for (size_t i = 0; i < n; i++) {
            if (x[i] & q) {
                x[0] ^= low;
            } else {
                uint32_t swap = (x[0] ^ x[i]) & low;
                x[0] ^= swap;
                x[i] ^= swap;
            }
        }
    }
}

static void gray(uint32_t *x, size_t n)
{
    uint32_t flip = 0;
    for (size_t i = 1; i < n; i++)
        x[i] ^= x[i - 1];
    for (uint32_t q = UINT32_C(1) << (CURVE_BITS - 1); q > 1; q >>= 1)
        if (x[n - 1] & q)
            flip ^= q - 1;
    for (size_t i = 0; i < n; i++)
        x[i] ^= flip;
}

uint64_t curve_hilbert(const uint32_t *point, size_t n)
{
    uint32_t x[CURVE_MAX];
    memcpy(x, point, n * sizeof *x);
    turn(x, n);
    gray(x, n);
    return curve_zorder(x, n);
}
