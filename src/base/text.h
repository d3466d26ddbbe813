/* text.h - small pure functions on strings: slices, similarity, durations, percentages, SQL quoting. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct str { /* a slice of somebody else's bytes; print with %.*s, STR(s) */
    const char *p;
    size_t n;
};
#define STR(s) (int)(s).n, (s).p

bool str_is(struct str s, const char *lit);
struct str str_trim(struct str s);

/* The one of `names` (n of them) nearest to `word` by edit distance, or NULL when none is near enough to be
 * meant (more than a third of the letters differ). For "did you mean". */
const char *text_nearest(const char *word, const char *const *names, size_t n);

/* "500ms", "30s", "5m", "4h", "730 days", "2 weeks" -> milliseconds. A bare number has no unit and is
 * refused. */
bool text_duration_ms(const char *s, int64_t *ret_ms, struct err *e) must_check;
/* "95%", "95 %", "0.95" -> 0.95; refuses what is not in [0, 1]. */
bool text_percent(const char *s, double *ret, struct err *e) must_check;
/* "512MB", "8 GiB", "1000" -> bytes. */
bool text_size_bytes(const char *s, int64_t *ret, struct err *e) must_check;
/* A whole decimal number, the entire string. */
bool text_int(const char *s, int64_t *ret, struct err *e) must_check;

/* SQL text is built only with these two: "a""b" and 'it''s'. */
void sql_ident(struct buf *b, const char *name);
void sql_literal(struct buf *b, const char *s);
/* schema.table, each part quoted. */
void sql_table(struct buf *b, const char *dotted);

/* fnv-1a, 64 bit: fingerprints of texts, not for secrets. */
uint64_t text_hash(const void *p, size_t n, uint64_t seed);

/* The first character of p[0..n): how many bytes it takes, 0 if they are not valid UTF-8 or n is 0. */
int text_rune(const char *p, size_t n, uint32_t *ret);
/* Is it valid UTF-8 (no surrogates, nothing overlong)? */
bool text_utf8(const char *p, size_t n);
/* How many terminal columns the text takes (East Asian wide = 2, combining = 0). */
int text_width(const char *p, size_t n);
/* How many bytes of the text take at most `width` terminal columns. */
size_t text_fit(const char *p, size_t n, int width);

/* Appends the shortest decimal that reads back as the same double: 0.1, 1e+22, nan. */
void text_real(struct buf *b, double v);
