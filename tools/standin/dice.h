/* dice.h - chance that is a pure function of its inputs, so that every run of a seed is the same. */
#pragma once
#include "text.h"

/* Mix two numbers into one that looks random (the finaliser of splitmix64). */
static inline uint64_t dice_mix(uint64_t a, uint64_t b)
{
    uint64_t x = a + 0x9e3779b97f4a7c15u * (b + 1);
    x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
    x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
    return x ^ (x >> 31);
}

/* Uniform in [0, 1). */
static inline double dice_unit(uint64_t x)
{
    return (double)(x >> 11) * 0x1p-53;
}

/* FNV-1a, then mixed: the made-up ids of names come from here. */
static inline uint64_t dice_str(struct str s)
{
    uint64_t h = 0xcbf29ce484222325u;
    for (size_t i = 0; i < s.n; i++)
        h = (h ^ (unsigned char)s.p[i]) * 0x100000001b3u;
    return dice_mix(h, 0);
}
