/* curve.h - curves that fill a space: points that are near each other stay near on a line.
 *
 * Rows sorted by the place of their point on such a curve lie in files whose ranges are narrow in every one
 * of the columns, and not only in the first as with a plain sort. Coordinates are ranks, so that the space is
 * filled evenly whatever the values are.
 */
#pragma once
#include "base/base.h"

enum {
    CURVE_BITS = 10, /* of a coordinate */
    CURVE_MAX = 6,   /* coordinates: their bits are one number */
};

/* The place of a point on the Z-order (Morton) curve: the bits of its n coordinates taken in turns. */
uint64_t curve_zorder(const uint32_t *point, size_t n);
/* Its place on the Hilbert curve: neighbours on the line are neighbours in space, which the Z-order's jumps
 * are not. */
uint64_t curve_hilbert(const uint32_t *point, size_t n);
