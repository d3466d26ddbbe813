#include "page/format.h"

#include <math.h>
#include <stdio.h>
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

static char *format_number(struct arena *a, const struct pattern *p, double x)
{
    char text[400];
    snprintf(text, sizeof text, "%.*f", p->digits, fabs(p->percent ? x * 100 : x));
    bool zero = strspn(text, "0.") == strlen(text);
    size_t whole = strcspn(text, ".");
    auto_buf b = BUF(1024);
    buf_addf(&b, "%s%.*s", x < 0 && !zero ? "-" : "", STR(p->before));
    if (p->grouped)
        add_grouped(&b, text, whole);
    else
        buf_add(&b, text, whole);
    buf_addf(&b, "%s%.*s", text + whole, STR(p->after));
    return arena_str(a, b.p);
}

char *format_value(struct arena *a, const char *pattern, const char *value)
{
    if (!value)
        return arena_str(a, "-");
    if (!pattern || strcmp(pattern, "text") == 0)
        return arena_str(a, value);
    if (strcmp(pattern, "yyyy-MM-dd") == 0)
        return arena_strn(a, value, strnlen(value, 10));
    struct pattern p;
    char *end;
    double x = strtod(value, &end);
    if (end == value || *end || !isfinite(x) || !parse_pattern(pattern, &p))
        return arena_str(a, value);
    return format_number(a, &p, x);
}
