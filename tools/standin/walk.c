#include "walk.h"

#include <math.h>

#include "dice.h"

/* Noise in [-1, 1] with a knot every `period` days and a smooth curve between knots: its slope is never
 * above 3 / period. */
static double smooth(uint64_t seed, double day, double period)
{
    double at = day / period, knot = floor(at), t = at - knot;
    double a = dice_unit(dice_mix(seed, (uint64_t)(int64_t)knot));
    double b = dice_unit(dice_mix(seed, (uint64_t)((int64_t)knot + 1)));
    return 2 * (a + (b - a) * t * t * (3 - 2 * t)) - 1;
}

/* Wanders around 0, and is 0 on the epoch. */
static double wander(uint64_t seed, double days)
{
    static const struct {
        double period, size;
    } waves[] = {{3, 0.04}, {9, 0.10}, {31, 0.20}, {120, 0.30}};
    double sum = 0;
    for (size_t i = 0; i < countof(waves); i++) {
        uint64_t s = dice_mix(seed, i);
        sum += waves[i].size * (smooth(s, days, waves[i].period) - smooth(s, 0, waves[i].period));
    }
    return sum;
}

/* Votes since the epoch. The pace swings within a fortnight, by less than the pace itself: the slope of
 * 4 * smooth(14) is at most 6/7. */
static double votes_since(uint64_t seed, double days, struct walk start)
{
    double pace =
        ((double)start.votes * 0.0004 + start.popularity * 0.02) * (0.5 + dice_unit(dice_mix(seed, 9)));
    return pace * (days + 4 * (smooth(seed, days, 14) - smooth(seed, 0, 14)));
}

struct walk walk_at(int64_t id, int32_t day, struct walk start)
{
    uint64_t seed = dice_mix((uint64_t)id, 0x77616c6b);
    double days = day - WALK_EPOCH;

    double votes = (double)start.votes + floor(votes_since(seed, days, start));
    double average = start.average + 0.25 * wander(dice_mix(seed, 1), days);
    return (struct walk){
        .popularity = start.popularity * exp(wander(dice_mix(seed, 2), days)),
        .average = start.average <= 0 ? 0 : fmin(fmax(average, 0.5), 10),
        .votes = votes < 0 ? 0 : (int64_t)votes,
    };
}
