#include "store/dice.h"

#include <sys/random.h>
#include <unistd.h>

#include "base/clock.h"

static void throw_dice(uint64_t d[2])
{
    if (getrandom(d, 16, 0) == 16)
        return;
    d[0] = (uint64_t)clock_mono_us() << 22 ^ (uint64_t)getpid();
    d[1] = (uintptr_t)d ^ (uint64_t)clock_now_us(NULL) << 12;
}

char *dice_hex(struct arena *a)
{
    uint64_t d[2];
    throw_dice(d);
    return arena_fmt(a, "%016llx%016llx", (unsigned long long)d[0], (unsigned long long)d[1]);
}

double dice_unit(void)
{
    uint64_t d[2];
    throw_dice(d);
    return (double)(d[0] >> 11) / (double)(1ULL << 53);
}
