#include "base/text.h"

#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <string.h>
#include <strings.h>

bool str_is(struct str s, const char *lit)
{
    return strlen(lit) == s.n && (s.n == 0 || memcmp(s.p, lit, s.n) == 0);
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

struct str str_trim(struct str s)
{
    while (s.n && is_space(s.p[0]))
        s.p++, s.n--;
    while (s.n && is_space(s.p[s.n - 1]))
        s.n--;
    return s;
}

enum { WORD_MAX = 64 }; /* a longer word is not a slip of the finger */

/* Edit distance where two swapped neighbours count once; case does not count. Both shorter than WORD_MAX. */
static size_t distance(const char *a, size_t na, const char *b, size_t nb)
{
    size_t rows[3][WORD_MAX + 1];
    size_t *before = rows[0], *last = rows[1], *row = rows[2];
    for (size_t j = 0; j <= nb; j++)
        before[j] = last[j] = j;
    for (size_t i = 1; i <= na; i++) {
        row[0] = i;
        for (size_t j = 1; j <= nb; j++) {
            int x = tolower((unsigned char)a[i - 1]), y = tolower((unsigned char)b[j - 1]);
            size_t d = last[j - 1] + (x != y);
            if (last[j] + 1 < d)
                d = last[j] + 1;
            if (row[j - 1] + 1 < d)
                d = row[j - 1] + 1;
            if (i > 1 && j > 1 && x == tolower((unsigned char)b[j - 2]) &&
                y == tolower((unsigned char)a[i - 2]) && before[j - 2] + 1 < d)
                d = before[j - 2] + 1;
            row[j] = d;
        }
        size_t *spare = before;
        before = last, last = row, row = spare;
    }
    return last[nb];
}

const char *text_nearest(const char *word, const char *const *names, size_t n)
{
    size_t nw = strlen(word), best = SIZE_MAX;
    const char *found = NULL;
    if (nw == 0 || nw > WORD_MAX)
        return NULL;
    for (size_t i = 0; i < n; i++) {
        size_t len = strlen(names[i]);
        if (len > WORD_MAX)
            continue;
        size_t d = distance(word, nw, names[i], len);
        if (d < best && d * 3 <= (len > nw ? len : nw))
            best = d, found = names[i];
    }
    return found;
}

/* A decimal number at the start of s, no sign and no exponent: the whole part and what follows the point.
 * Returns the first byte after it, or NULL if there is none or it does not fit. */
static const char *scan_number(const char *s, int64_t *whole, double *frac)
{
    if (!is_digit(*s))
        return NULL;
    *whole = 0;
    for (; is_digit(*s); s++)
        if (__builtin_mul_overflow(*whole, 10, whole) || __builtin_add_overflow(*whole, *s - '0', whole))
            return NULL;
    *frac = 0;
    if (*s == '.') {
        if (!is_digit(*++s))
            return NULL;
        for (double digit = 0.1; is_digit(*s); s++, digit /= 10)
            *frac += (*s - '0') * digit;
    }
    return s;
}

struct unit {
    const char *name;
    int64_t each;
};

/* "<number><spaces><unit>" in the smallest unit. false = not of that shape, or too large. */
static bool scan_amount(const char *s, const struct unit *units, bool any_case, int64_t *ret)
{
    int64_t whole, all;
    double frac;
    while (is_space(*s))
        s++;
    if (!(s = scan_number(s, &whole, &frac)))
        return false;
    struct str name = str_trim((struct str){s, strlen(s)});
    for (; units->name; units++) {
        if (strlen(units->name) != name.n)
            continue;
        if (any_case ? strncasecmp(units->name, name.p, name.n) : strncmp(units->name, name.p, name.n))
            continue;
        if (__builtin_mul_overflow(whole, units->each, &all) ||
            __builtin_add_overflow(all, (int64_t)(frac * (double)units->each + 0.5), &all))
            return false;
        *ret = all;
        return true;
    }
    return false;
}

enum { SEC = 1000, MIN = 60 * SEC, HOUR = 60 * MIN, DAY = 24 * HOUR, WEEK = 7 * DAY };

static const struct unit durations[] = {
    {"ms", 1},      {"s", SEC},      {"sec", SEC},    {"second", SEC},  {"seconds", SEC},
    {"m", MIN},     {"min", MIN},    {"minute", MIN}, {"minutes", MIN}, {"h", HOUR},
    {"hour", HOUR}, {"hours", HOUR}, {"d", DAY},      {"day", DAY},     {"days", DAY},
    {"w", WEEK},    {"week", WEEK},  {"weeks", WEEK}, {NULL, 0},
};

bool text_duration_ms(const char *s, int64_t *ret_ms, struct err *e)
{
    if (scan_amount(s, durations, false, ret_ms))
        return true;
    fail(e, ERR_USER, "'%s' is not a duration", s);
    return hint(e, "a number and a unit: 500ms, 30s, 5m, 4h, 730 days, 2 weeks");
}

bool text_percent(const char *s, double *ret, struct err *e)
{
    int64_t whole;
    double frac, v;
    struct str all = str_trim((struct str){s, strlen(s)});
    const char *end = scan_number(all.p, &whole, &frac);
    struct str rest = end ? str_trim((struct str){end, (size_t)(all.p + all.n - end)}) : (struct str){0};
    if (!end || !(rest.n == 0 || str_is(rest, "%"))) {
        fail(e, ERR_USER, "'%s' is not a share", s);
        return hint(e, "a percentage or a fraction: 95%%, 0.95");
    }
    /* Rounded once, so that 99.9% is 0.999 to the last bit and a check can hold at its limit. */
    char exact[64];
    while (all.p[0] == '0' && is_digit(all.p[1]))
        all.p++, all.n--;
    snprintf(exact, sizeof exact, "%.*se%d", (int)(end - all.p < 50 ? end - all.p : 50), all.p,
             rest.n ? -2 : 0);
    v = strtod(exact, NULL);
    if (v > 1) {
        fail(e, ERR_USER, "'%s' is more than 100%%", s);
        if (!rest.n && v <= 100)
            hint(e, "write '%.*s%%'", STR(all));
        return false;
    }
    *ret = v;
    return true;
}

static const struct unit sizes[] = {
    {"", 1},
    {"B", 1},
    {"KB", 1000},
    {"MB", 1000 * 1000},
    {"GB", 1000 * 1000 * 1000},
    {"TB", INT64_C(1000) * 1000 * 1000 * 1000},
    {"KiB", INT64_C(1) << 10},
    {"MiB", INT64_C(1) << 20},
    {"GiB", INT64_C(1) << 30},
    {"TiB", INT64_C(1) << 40},
    {NULL, 0},
};

bool text_size_bytes(const char *s, int64_t *ret, struct err *e)
{
    if (scan_amount(s, sizes, true, ret))
        return true;
    fail(e, ERR_USER, "'%s' is not a size", s);
    return hint(e, "bytes, or a number and a unit: 1000, 512MB, 8 GiB");
}

bool text_int(const char *s, int64_t *ret, struct err *e)
{
    const char *digits = s + (*s == '-');
    if (!*digits || digits[strspn(digits, "0123456789")])
        return fail(e, ERR_USER, "'%s' is not a whole number", s);
    errno = 0;
    long long v = strtoll(s, NULL, 10);
    if (errno == ERANGE)
        return fail(e, ERR_USER, "'%s' is too large a number", s);
    *ret = v;
    return true;
}

static void add_quoted(struct buf *b, const char *p, size_t n, char quote)
{
    buf_add(b, &quote, 1);
    for (size_t i = 0; i < n; i++) {
        if (p[i] == quote)
            buf_add(b, &quote, 1);
        buf_add(b, p + i, 1);
    }
    buf_add(b, &quote, 1);
}

void sql_ident(struct buf *b, const char *name)
{
    add_quoted(b, name, strlen(name), '"');
}

void sql_literal(struct buf *b, const char *s)
{
    add_quoted(b, s, strlen(s), '\'');
}

void sql_table(struct buf *b, const char *dotted)
{
    for (;;) {
        size_t n = strcspn(dotted, ".");
        add_quoted(b, dotted, n, '"');
        dotted += n;
        if (!*dotted++)
            return;
        buf_add(b, ".", 1);
    }
}

uint64_t text_hash(const void *p, size_t n, uint64_t seed)
{
    uint64_t h = seed ? seed : UINT64_C(0xcbf29ce484222325);
    const unsigned char *c = p;
    for (size_t i = 0; i < n; i++)
        h = (h ^ c[i]) * UINT64_C(0x100000001b3);
    return h;
}

void text_real(struct buf *b, double v)
{
    char s[32];
    for (int digits = 15; digits <= 17; digits++) {
        snprintf(s, sizeof s, "%.*g", digits, v);
        if (isnan(v) || strtod(s, NULL) == v)
            break;
    }
    buf_add(b, isnan(v) ? "nan" : s, strlen(isnan(v) ? "nan" : s));
}
