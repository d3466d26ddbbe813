#include "project/read.h"

#include <string.h>

bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] >= 'a' && s.p[i] <= 'z') || (s.p[i] >= '0' && s.p[i] <= '9') || s.p[i] == '_'))
            return false;
    return s.n > 0;
}

bool is_table_name(const char *s)
{
    const char *dot = strchr(s, '.');
    return dot && is_name((struct str){s, (size_t)(dot - s)}) &&
           is_name((struct str){dot + 1, strlen(dot + 1)});
}

const struct yaml *yaml_get(const struct yaml *map, const char *key)
{
    for (size_t i = 0; map && map->kind == YAML_MAP && i < map->n; i++)
        if (strcmp(map->keys[i].name, key) == 0)
            return map->items[i];
    return NULL;
}

struct src yaml_key_at(const struct yaml *map, const char *key)
{
    for (size_t i = 0; i < map->n; i++)
        if (strcmp(map->keys[i].name, key) == 0)
            return map->keys[i].at;
    return map->at;
}

/* --- one value --- */

struct text_list {
    struct list_of(const char *) v;
    struct list_of(struct src) at;
};

static void push(struct arena *a, struct text_list *l, const char *text, struct src at)
{
    *arena_push(a, &l->v) = text;
    *arena_push(a, &l->at) = at;
}

static bool push_variable(const struct reader *r, struct text_list *l, const struct variable *var,
                          struct src at)
{
    const struct engine_param *p = &var->value;
    for (size_t i = 0; p->type == PARAM_TEXTS && i < p->n; i++)
        push(r->a, l, p->texts[i], at);
    for (size_t i = 0; p->type == PARAM_INTS && i < p->n; i++)
        push(r->a, l, arena_fmt(r->a, "%lld", (long long)p->nums[i]), at);
    return p->type == PARAM_TEXTS || p->type == PARAM_INTS;
}

static bool push_item(const struct reader *r, struct text_list *l, const struct yaml *y)
{
    const struct variable *var = read_variable(r, y);
    if (var && push_variable(r, l, var, y->at))
        return true;
    const char *text = read_text(r, y);
    if (text)
        push(r->a, l, text, y->at);
    return text;
}

bool read_texts(const struct reader *r, const struct yaml *y, struct texts *ret)
{
    struct text_list l = {0};
    if (y->kind == YAML_LIST) {
        for (size_t i = 0; i < y->n; i++)
            if (!push_item(r, &l, y->items[i]))
                return false;
    } else if (!push_item(r, &l, y)) {
        return false;
    }
    *ret = (struct texts){l.v.v, l.at.v, l.v.n};
    return true;
}

static bool fail_value(const struct reader *r, const struct yaml *y, const char *name, const struct err *e)
{
    return reader_fail(r, y->at, e->hint[0] ? e->hint : NULL, "%s: %s", name, e->msg);
}

static bool read_int(const struct reader *r, const struct yaml *y, const struct field *f, const char *text,
                     int64_t *ret)
{
    struct err e;
    int64_t v;
    if (!text_int(text, &v, &e))
        return fail_value(r, y, f->name, &e);
    if ((f->min || f->max) && (v < f->min || v > f->max))
        return f->max == INT64_MAX ? reader_fail(r, y->at, NULL, "%s: %lld is less than %lld", f->name,
                                                 (long long)v, (long long)f->min)
                                   : reader_fail(r, y->at, NULL, "%s: %lld is not between %lld and %lld",
                                                 f->name, (long long)v, (long long)f->min, (long long)f->max);
    *ret = v;
    return true;
}

static bool read_value(const struct reader *r, const struct yaml *y, const struct field *f, void *to)
{
    const char *text = read_text(r, y);
    struct err e;
    if (!text)
        return false;
    switch (f->type) {
    case FIELD_TEXT:
        *(const char **)to = text;
        return true;
    case FIELD_INT:
        return read_int(r, y, f, text, to);
    case FIELD_DURATION:
        return text_duration_ms(text, to, &e) || fail_value(r, y, f->name, &e);
    case FIELD_SIZE:
        return text_size_bytes(text, to, &e) || fail_value(r, y, f->name, &e);
    case FIELD_SHARE:
        return text_percent(text, to, &e) || fail_value(r, y, f->name, &e);
    case FIELD_FLAG:
        *(bool *)to = strcmp(text, "true") == 0;
        return *(bool *)to || strcmp(text, "false") == 0 ||
               reader_fail(r, y->at, NULL, "%s: '%s' where true or false is expected", f->name, text);
    case FIELD_TEXTS:
    case FIELD_NODE:
    case FIELD_MAP:
        break;
    }
    return false;
}

bool read_field(const struct reader *r, const struct yaml *y, const struct field *f, void *to)
{
    if (yaml_is_null(y))
        return f->type == FIELD_MAP || reader_fail(r, y->at, NULL, "'%s' has no value", f->name);
    bool one = y->kind == YAML_TEXT;
    switch (f->type) {
    case FIELD_TEXT:
    case FIELD_INT:
    case FIELD_DURATION:
    case FIELD_SIZE:
    case FIELD_SHARE:
    case FIELD_FLAG:
        if (!one)
            return reader_fail(r, y->at, NULL, "%s: %s where one value is expected", f->name, yaml_name(y));
        return read_value(r, y, f, to);
    case FIELD_TEXTS:
        if (y->kind == YAML_MAP)
            return reader_fail(r, y->at, NULL, "%s: a mapping where a value or a list is expected", f->name);
        return read_texts(r, y, to);
    case FIELD_MAP:
        if (y->kind != YAML_MAP)
            return reader_fail(r, y->at, NULL, "%s: %s where a mapping is expected", f->name, yaml_name(y));
        *(const struct yaml **)to = y;
        return true;
    case FIELD_NODE:
        *(const struct yaml **)to = y;
        return true;
    }
    return false;
}

static bool unknown_key(const struct reader *r, const struct yaml_key *key, const struct field *rows)
{
    struct list_of(const char *) known = {0};
    for (; rows->name; rows++)
        *arena_push(r->a, &known) = rows->name;
    return reader_unknown(r, key->at, "key", key->name, known.v, known.n);
}

static bool is_missing(const struct yaml *y, enum field_type type)
{
    return !y || (type == FIELD_MAP && yaml_is_null(y));
}

bool read_fields(const struct reader *r, const struct yaml *map, struct src at, const char *what,
                 const struct field *rows, void *ret)
{
    if (map && map->kind != YAML_MAP && !yaml_is_null(map))
        return reader_fail(r, map->at, NULL, "%s must be a mapping, this is %s", what, yaml_name(map));
    bool ok = true;
    for (size_t i = 0; map && i < map->n; i++) {
        const struct field *f = rows;
        while (f->name && strcmp(f->name, map->keys[i].name) != 0)
            f++;
        ok = (f->name ? read_field(r, map->items[i], f, (char *)ret + f->offset)
                      : unknown_key(r, &map->keys[i], rows)) &&
             ok;
    }
    for (const struct field *f = rows; f->name; f++)
        if (f->required && is_missing(yaml_get(map, f->name), f->type))
            ok = reader_fail(r, at, NULL, "%s needs '%s'", what, f->name);
    return ok;
}
