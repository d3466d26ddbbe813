/* base.h - the few macros that everything uses. */
#pragma once
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>

#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define auto_call(fn)     __attribute__((cleanup(fn)))
#define countof(a)        (sizeof(a) / sizeof(*(a)))

static inline void free_ptr(void *p)
{
    free(*(void **)p);
}
#define auto_free auto_call(free_ptr)

#include "base/banned.h"
