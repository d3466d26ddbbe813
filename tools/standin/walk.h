/* walk.h - how popularity and votes move from day to day.
 *
 * A walk without memory: each figure is a pure function of the film and the day, yet a day is close to
 * the one before, because the wobble is a sum of smooth noises with periods from days to months. On
 * the epoch a film has exactly the figures of its record. Votes only ever grow.
 */
#pragma once
#include "text.h"

enum { WALK_EPOCH = 19723 }; /* 2024-01-01 */

struct walk {
    double popularity, average;
    int64_t votes;
};

/* The figures of film `id` on `day`, from those of the epoch. */
struct walk walk_at(int64_t id, int32_t day, struct walk start);
