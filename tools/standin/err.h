/* err.h - the one way a failure travels in this program: false, and the reason in *e. */
#pragma once
#include <stdbool.h>

#define must_check        __attribute__((warn_unused_result))
#define printf_like(f, a) __attribute__((format(printf, f, a)))
#define auto_call(fn)     __attribute__((cleanup(fn)))
#define countof(a)        (sizeof(a) / sizeof(*(a)))

struct err {
    char msg[512];
};

/* Both return false, so that an error path is one line. wrap() puts "<message>: " in front. */
bool fail(struct err *e, const char *fmt, ...) printf_like(2, 3);
bool wrap(struct err *e, const char *fmt, ...) printf_like(2, 3);
