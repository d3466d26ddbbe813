#include "page/format.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

struct pattern {
    struct str before, after;
    bool grouped, percent;
    int digits; /* behind the point */
};

static bool parse_pattern(const char *text, struct pattern *p)
{
    const char *start = strpbrk(text, "#0");
    if (!start)
        return false;
    const char *end = start + strspn(start, "#0,.");
    struct str core = {start, (size_t)(end - start)};
    const char *point = memchr(core.p, '.', core.n);
    if (core.p[core.n - 1] == '.' || core.p[core.n - 1] == ',')
        return false;
    *p = (struct pattern){.before = {text, (size_t)(start - text)},
                          .after = {end, strlen(end)},
                          .grouped = memchr(core.p, ',', core.n) != NULL,
                          .digits = point ? (int)(core.p + core.n - point - 1) : 0};
    p->percent = p->after.n > 0 && memchr(p->after.p, '%', p->after.n);
    return p->digits <= 12;
}

static bool is_plain(const char *pattern)
{
    return strcmp(pattern, "text") == 0 || strcmp(pattern, "yyyy-MM-dd") == 0;
}

bool format_known(const char *pattern)
{
    struct pattern p;
    return is_plain(pattern) || parse_pattern(pattern, &p);
}

static void add_grouped(struct buf *b, const char *digits, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(b, "%s%c", i && (n - i) % 3 == 0 ? "," : "", digits[i]);
}

/* --- figures, digit by digit: sums of money and keys may have more of them than a double holds --- */

enum { DOUBLE_DIGITS = 15 };

struct figure { /* 0.digits, times ten to the power of `whole` */
    bool negative;
    char digits[512];
    int n, whole;
};

static bool figure_read(const char *s, struct figure *ret)
{
    bool some = false, point = false;
    *ret = (struct figure){.negative = *s == '-'};
    for (s += *s == '-' || *s == '+'; isdigit((unsigned char)*s) || (*s == '.' && !point); s++) {
        if (*s == '.') {
            point = true;
            continue;
        }
        some = true;
        if (ret->n == 0 && *s == '0') {
            ret->whole -= point;
            continue;
        }
        if (ret->n == (int)sizeof ret->digits - 1) /* room for one that rounding puts in front */
            return false;
        ret->digits[ret->n++] = *s;
        ret->whole += !point;
    }
    if (some && (*s == 'e' || *s == 'E')) {
        char *end;
        long exponent = strtol(s + 1, &end, 10);
        if (end == s + 1 || labs(exponent) > 400)
            return false;
        ret->whole += (int)exponent;
        s = end;
    }
    return some && !*s;
}

/* To so many digits behind the point. */
static void figure_round(struct figure *f, int digits)
{
    int keep = f->whole + digits;
    bool up = keep >= 0 && keep < f->n && f->digits[keep] >= '5';
    if (keep < f->n)
        f->n = keep < 0 ? 0 : keep;
    if (!up)
        return;
    int i = f->n - 1;
    for (; i >= 0 && f->digits[i] == '9'; i--)
        f->digits[i] = '0';
    if (i >= 0) {
        f->digits[i]++;
        return;
    }
    memmove(f->digits + 1, f->digits, (size_t)f->n++);
    f->digits[0] = '1';
    f->whole++;
}

/* Its digits as text, with at least one before the point. */
static void figure_text(struct figure *f, int digits, struct buf *b)
{
    figure_round(f, digits);
    for (int i = f->whole < 1 ? f->whole - 1 : 0; i < f->whole + digits; i++) {
        if (i == f->whole)
            buf_addf(b, ".");
        buf_addf(b, "%c", i >= 0 && i < f->n ? f->digits[i] : '0');
    }
}

static char *format_figure(struct arena *a, const struct pattern *p, struct figure *f, const char *value)
{
    auto_buf text = BUF(4096);
    auto_buf b = BUF(4096);
    if (p->percent)
        f->whole += 2;
    if (f->n > DOUBLE_DIGITS)
        figure_text(f, p->digits, &text);
    else
        buf_addf(&text, "%.*f", p->digits, fabs(strtod(value, NULL) * (p->percent ? 100 : 1)));
    bool zero = strspn(text.p, "0.") == text.len;
    size_t whole = strcspn(text.p, ".");
    buf_addf(&b, "%s%.*s", f->negative && !zero ? "-" : "", STR(p->before));
    if (p->grouped)
        add_grouped(&b, text.p, whole);
    else
        buf_add(&b, text.p, whole);
    buf_addf(&b, "%s%.*s", text.p + whole, STR(p->after));
    return arena_str(a, b.p);
}

/* "2026-11-21 06:00:00+00" -> "2026-11-21"; "0044-03-15 (BC)" keeps its era. */
static char *format_day(struct arena *a, const char *value)
{
    const char *era = strstr(value, " (BC)");
    return arena_fmt(a, "%.*s%s", (int)strcspn(value, " "), value, era ? era : "");
}

char *format_value(struct arena *a, const char *pattern, const char *value)
{
    struct pattern p;
    struct figure f;
    if (!value)
        return arena_str(a, "-");
    if (pattern && strcmp(pattern, "yyyy-MM-dd") == 0)
        return format_day(a, value);
    if (!pattern || strcmp(pattern, "text") == 0 || !figure_read(value, &f) || !parse_pattern(pattern, &p))
        return arena_str(a, value);
    return format_figure(a, &p, &f, value);
}

const char *format_line(struct arena *a, const char *s)
{
    if (!strpbrk(s, "\r\n\t"))
        return s;
    char *line = arena_str(a, s);
    for (char *p = line; (p = strpbrk(p, "\r\n\t"));)
        *p = ' ';
    return line;
}
