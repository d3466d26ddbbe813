/* text.h - slices of bytes, and bytes that grow.
 *
 * A slice (struct str) owns nothing. A text owns its bytes, is always followed by a NUL, and ends the
 * process when there is no memory: this program holds one feed and a few bodies, nothing a user can
 * blow up.
 */
#pragma once
#include <stddef.h>
#include <stdint.h>

#include "err.h"

struct str {
    const char *p;
    size_t n;
};
#define STR(literal) ((struct str){.p = (literal), .n = sizeof(literal) - 1})

struct str str_of(const char *s);
bool str_is(struct str s, const char *name);
int64_t str_int(struct str s); /* a JSON number's integer part; anything else is 0 */
double str_real(struct str s); /* the bytes after the slice must end the number */

struct text {
    char *p;
    size_t n, cap;
};

/* Zeroed memory or the end of the process; the caller frees it. */
void *must_alloc(size_t n, size_t size) __attribute__((malloc, returns_nonnull));

void text_reserve(struct text *t, size_t more);
void text_add(struct text *t, struct str s);
void text_adds(struct text *t, const char *s);
void text_addf(struct text *t, const char *fmt, ...) printf_like(2, 3);
void text_free(struct text *t);
#define auto_text auto_call(text_free) struct text

/* The bytes written so far, valid until the next change. */
static inline struct str text_str(const struct text *t)
{
    return (struct str){.p = t->p, .n = t->n};
}

/* A number as TMDB writes it: up to three decimals, at least one, no trailing zeros. */
void text_add_real(struct text *t, double v);
