/* Figures as people read them. */
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "cli/cmd.h"

const char *human_int(struct arena *a, int64_t n)
{
    char digits[32];
    int len = snprintf(digits, sizeof digits, "%lld", (long long)(n < 0 ? -n : n));
    char *out = arena_alloc(a, (size_t)len * 2 + 2, 1), *p = out;
    if (n < 0)
        *p++ = '-';
    for (int i = 0; i < len; i++) {
        if (i && (len - i) % 3 == 0)
            *p++ = ',';
        *p++ = digits[i];
    }
    return out;
}

const char *human_bytes(struct arena *a, int64_t n)
{
    static const char *const units[] = {"B", "kB", "MB", "GB", "TB", "PB"};
    double x = (double)n;
    size_t u = 0;
    while (x >= 1000 && u + 1 < countof(units)) {
        x /= 1000;
        u++;
    }
    return arena_fmt(a, u == 0 || x >= 100 ? "%.0f %s" : "%.1f %s", x, units[u]);
}

const char *human_seconds(struct arena *a, double s)
{
    if (s < 0.01)
        return arena_fmt(a, "%.1f ms", s * 1e3);
    if (s < 1)
        return arena_fmt(a, "%.0f ms", s * 1e3);
    if (s < 120)
        return arena_fmt(a, "%.1f s", s);
    return arena_fmt(a, "%d min %02d s", (int)s / 60, (int)s % 60);
}

const char *human_left(struct arena *a, double s)
{
    int64_t n = (int64_t)(s + 0.5);
    if (n < 60)
        return arena_fmt(a, "%lld s", (long long)n);
    if (n < 3600)
        return arena_fmt(a, "%lld min %02lld s", (long long)n / 60, (long long)n % 60);
    return arena_fmt(a, "%lld h %02lld min", (long long)n / 3600, (long long)n / 60 % 60);
}

void print_json(json_t *j)
{
    char *line = j ? json_dumps(j, JSON_COMPACT | JSON_REAL_PRECISION(9)) : NULL;
    puts(line ? line : "null");
    free(line);
    json_decref(j);
}

void human_type(struct buf *b, const struct lake_type *t)
{
    switch (t->kind) {
    case LAKE_PRIMITIVE:
        buf_addf(b, "%s", t->primitive);
        break;
    case LAKE_ARRAY:
        buf_addf(b, "array<");
        human_type(b, t->element);
        buf_addf(b, ">");
        break;
    case LAKE_MAP:
        buf_addf(b, "map<");
        human_type(b, t->key);
        buf_addf(b, ", ");
        human_type(b, t->value);
        buf_addf(b, ">");
        break;
    case LAKE_STRUCT:
        buf_addf(b, "struct<");
        for (size_t i = 0; i < t->nfields; i++) {
            buf_addf(b, "%s%s: ", i ? ", " : "", t->fields[i].name);
            human_type(b, t->fields[i].type);
        }
        buf_addf(b, ">");
        break;
    }
}
