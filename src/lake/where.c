/* Can a file hold such a row? Told by partition values and statistics. */
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "lake/lake.h"
#include "lake/pull.h"

/* --- values of a type, as text --- */

static bool is_number(const char *s)
{
    return *s == '-' || (*s >= '0' && *s <= '9');
}

static bool is_whole(const char *s)
{
    s += *s == '-';
    return *s && strlen(s) < 19 && !s[strspn(s, "0123456789")];
}

static bool is_type(const char *type, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(type, names[i], strlen(names[i])) == 0)
            return true;
    return false;
}

static bool is_numeric(const char *type)
{
    static const char *const names[] = {"byte", "short", "integer", "long", "float", "double", "decimal"};
    return is_type(type, names, countof(names));
}

static bool parse_time(const char *s, int64_t *ret)
{
    struct err ignored;
    return clock_parse(s, ret, &ignored);
}

/* Doubles that are told apart came from numbers that are told apart, in the same order. */
static bool less_number(const char *x, const char *y)
{
    if (is_whole(x) && is_whole(y))
        return strtoll(x, NULL, 10) < strtoll(y, NULL, 10);
    return is_number(x) && is_number(y) && strtod(x, NULL) < strtod(y, NULL);
}

/* Is x less than y, by more than slack_us if it is a time? False as well when nobody can tell. */
static bool less(const char *type, const char *x, const char *y, int64_t slack_us)
{
    int64_t a, b;
    if (!x || !y)
        return false;
    if (is_numeric(type))
        return less_number(x, y);
    if (strcmp(type, "string") == 0)
        return strcmp(x, y) < 0;
    if (strcmp(type, "date") == 0)
        return strlen(x) == 10 && strlen(y) == 10 && strcmp(x, y) < 0;
    if (strncmp(type, "timestamp", 9) == 0)
        return parse_time(x, &a) && parse_time(y, &b) && a + slack_us < b;
    return false;
}

bool lake_value_same(const char *type, const char *x, const char *y)
{
    int64_t a, b;
    if (!x || !y)
        return x == y;
    if (strcmp(x, y) == 0)
        return true;
    if (is_numeric(type))
        return is_number(x) && is_number(y) && !less_number(x, y) && !less_number(y, x);
    if (strcmp(type, "boolean") == 0)
        return strcasecmp(x, y) == 0;
    return strncmp(type, "timestamp", 9) == 0 && parse_time(x, &a) && parse_time(y, &b) && a == b;
}

/* --- files --- */

/* What a value of statistics is, without JSON's quotes. */
static const char *plain(struct arena *a, const char *json)
{
    if (!json || *json != '"')
        return json;
    struct pull j = pull_begin(a, json, strlen(json));
    const char *text = pull_string(&j);
    return pull_end(&j) ? text : NULL;
}

/* Statistics of times may lack what is below a millisecond. */
static bool surely_less(const char *type, const char *x, const char *y)
{
    return less(type, x, y, 999);
}

static bool overlaps(struct arena *a, const char *type, const struct lake_where *w, const char *min,
                     const char *max)
{
    const char *from = plain(a, w->min), *to = plain(a, w->max);
    return !(max && from && surely_less(type, max, from)) && !(min && to && surely_less(type, to, min));
}

static bool is_one_of(const char *type, const char *value, const struct lake_where *w)
{
    for (size_t i = 0; i < w->nvalues; i++)
        if (lake_value_same(type, value, w->values[i]))
            return true;
    return false;
}

bool lake_files_range(struct arena *a, const struct lake_field *column, const struct lake_file *files,
                      size_t n, struct lake_where *ret)
{
    const char *type = column->type->kind == LAKE_PRIMITIVE ? column->type->primitive : "";
    struct lake_where w = {.column = column->name};
    for (size_t i = 0; i < n; i++) {
        const char *min, *max;
        if (!lake_file_range(a, &files[i], lake_physical(column), &min, &max))
            return false;
        w.min = !w.min || less(type, plain(a, min), plain(a, w.min), 0) ? min : w.min;
        w.max = !w.max || less(type, plain(a, w.max), plain(a, max), 0) ? max : w.max;
    }
    *ret = w;
    return n > 0;
}

static bool may_hold(struct arena *a, const struct lake_snapshot *s, const struct lake_file *f,
                     const struct lake_where *w)
{
    const struct lake_field *column = NULL;
    for (size_t i = 0; i < s->schema.n; i++)
        if (strcasecmp(s->schema.fields[i].name, w->column) == 0)
            column = &s->schema.fields[i];
    if (!column || column->type->kind != LAKE_PRIMITIVE)
        return true;
    const char *type = column->type->primitive;
    for (size_t i = 0; i < s->npartition_by; i++) {
        if (strcasecmp(s->partition_by[i], w->column) != 0)
            continue;
        const char *value = f->values[i];
        if (w->values)
            return is_one_of(type, value, w);
        return value && overlaps(a, type, w, value, value);
    }
    const char *min, *max;
    if (w->values || !lake_file_range(a, f, lake_physical(column), &min, &max))
        return true;
    return overlaps(a, type, w, plain(a, min), plain(a, max));
}

bool lake_file_may_hold(const struct lake_snapshot *s, const struct lake_file *f, const struct lake_where *w,
                        size_t n)
{
    auto_arena *a = arena_new();
    bool may = true;
    for (size_t i = 0; i < n && may; i++)
        may = may_hold(a, s, f, &w[i]);
    return may;
}
