/* dice.h - random names. */
#pragma once
#include "base/arena.h"

/* 32 hex digits. */
char *dice_hex(struct arena *a);
/* Uniform in [0, 1). */
double dice_unit(void);
