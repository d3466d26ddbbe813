#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "lake/lake.h"
#include "lake/pull.h"

enum { MAX_DEPTH = 64 };

struct fields list_of(struct lake_field);

static const struct lake_type *read_type(struct pull *j, int depth);

/* "decimal(10,2)" by its numbers; "decimal" alone is (10,0). */
static bool decimal_of(const char *name, int *ret_precision, int *ret_scale)
{
    int p = 10, s = 0, n = 0;
    if (strncmp(name, "decimal", 7) != 0)
        return false;
    if (name[7] && (sscanf(name + 7, "(%2d,%2d)%n", &p, &s, &n) != 2 || name[7 + n]))
        return false;
    *ret_precision = p;
    *ret_scale = s;
    return p >= 1 && p <= 38 && s >= 0 && s <= p;
}

static bool is_primitive(const char *name)
{
    static const char *const names[] = {"string", "long",  "integer",   "short",
                                        "byte",   "float", "double",    "boolean",
                                        "binary", "date",  "timestamp", "timestamp_ntz"};
    int p, s;
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(names[i], name) == 0)
            return true;
    return decimal_of(name, &p, &s);
}

static struct lake_field read_field(struct pull *j, int depth)
{
    struct lake_field f = {.nullable = true, .metadata = "{}", .id = -1};
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "name")) {
            f.name = pull_string(j);
        } else if (str_is(key, "type")) {
            f.type = read_type(j, depth);
        } else if (str_is(key, "nullable")) {
            f.nullable = pull_bool(j);
        } else if (str_is(key, "metadata")) {
            const char *text = pull_raw(j);
            f.metadata = text ? text : "{}";
        } else {
            pull_skip(j);
        }
    }
    if (!f.name || !f.type)
        pull_fail(j, "a column without a name or a type");
    f.physical = f.name;
    return f;
}

static struct fields read_fields(struct pull *j, int depth)
{
    struct fields list = {0};
    pull_array(j);
    while (pull_item(j))
        *arena_push(j->a, &list) = read_field(j, depth);
    return list;
}

static enum lake_kind read_kind(struct pull *j)
{
    const char *name = pull_string(j);
    if (strcmp(name, "struct") == 0)
        return LAKE_STRUCT;
    if (strcmp(name, "array") == 0)
        return LAKE_ARRAY;
    if (strcmp(name, "map") == 0)
        return LAKE_MAP;
    pull_fail(j, "an unknown kind of type");
    return LAKE_PRIMITIVE;
}

static const struct lake_type *read_type(struct pull *j, int depth)
{
    struct lake_type *t = arena_make(j->a, struct lake_type, 1);
    struct str key;
    bool has_fields = false;
    if (depth > MAX_DEPTH) {
        pull_fail(j, "it is nested too deeply");
        return t;
    }
    if (pull_is(j, '"')) {
        t->primitive = pull_string(j);
        if (strcmp(t->primitive, "decimal") == 0)
            t->primitive = "decimal(10,0)";
        return t;
    }
    t->contains_null = true;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "type")) {
            t->kind = read_kind(j);
        } else if (str_is(key, "elementType")) {
            t->element = read_type(j, depth + 1);
        } else if (str_is(key, "keyType")) {
            t->key = read_type(j, depth + 1);
        } else if (str_is(key, "valueType")) {
            t->value = read_type(j, depth + 1);
        } else if (str_is(key, "containsNull") || str_is(key, "valueContainsNull")) {
            t->contains_null = pull_bool(j);
        } else if (str_is(key, "fields")) {
            struct fields list = read_fields(j, depth + 1);
            t->fields = list.v, t->nfields = list.n, has_fields = true;
        } else {
            pull_skip(j);
        }
    }
    if ((t->kind == LAKE_ARRAY && !t->element) || (t->kind == LAKE_MAP && (!t->key || !t->value)) ||
        (t->kind == LAKE_STRUCT && !has_fields) || t->kind == LAKE_PRIMITIVE)
        pull_fail(j, "a type that is not whole");
    return t;
}

/* A primitive of the type, at any depth, that is not known here; NULL = all are. */
static const char *unknown_type(const struct lake_type *t)
{
    const char *bad = NULL;
    if (!t)
        return NULL;
    if (t->kind == LAKE_PRIMITIVE)
        return is_primitive(t->primitive) ? NULL : t->primitive;
    for (size_t i = 0; i < t->nfields && !bad; i++)
        bad = unknown_type(t->fields[i].type);
    bad = bad ? bad : unknown_type(t->element);
    bad = bad ? bad : unknown_type(t->key);
    return bad ? bad : unknown_type(t->value);
}

bool lake_schema_parse(struct arena *a, const char *json, struct lake_schema *ret, struct err *e)
{
    struct pull j = pull_begin(a, json, strlen(json));
    const struct lake_type *t = read_type(&j, 0);
    if (!pull_end(&j))
        return fail(e, ERR_DATA, "the schema cannot be read: at byte %zu: %s", j.at, j.why);
    if (t->kind != LAKE_STRUCT)
        return fail(e, ERR_DATA, "the schema is not a struct");
    for (size_t i = 0; i < t->nfields; i++) {
        const char *bad = unknown_type(t->fields[i].type);
        if (bad)
            return fail(e, ERR_DATA, "column '%s' has type '%s', which this version does not know",
                        t->fields[i].name, bad);
    }
    *ret = (struct lake_schema){t->fields, t->nfields};
    return true;
}

/* --- back to JSON --- */

static void write_fields(struct buf *b, const struct lake_field *f, size_t n);

static void write_type(struct buf *b, const struct lake_type *t)
{
    switch (t->kind) {
    case LAKE_PRIMITIVE:
        json_quote(b, t->primitive, strlen(t->primitive));
        break;
    case LAKE_ARRAY:
        buf_addf(b, "{\"type\":\"array\",\"elementType\":");
        write_type(b, t->element);
        buf_addf(b, ",\"containsNull\":%s}", t->contains_null ? "true" : "false");
        break;
    case LAKE_STRUCT:
        write_fields(b, t->fields, t->nfields);
        break;
    case LAKE_MAP:
        buf_addf(b, "{\"type\":\"map\",\"keyType\":");
        write_type(b, t->key);
        buf_addf(b, ",\"valueType\":");
        write_type(b, t->value);
        buf_addf(b, ",\"valueContainsNull\":%s}", t->contains_null ? "true" : "false");
        break;
    }
}

static void write_fields(struct buf *b, const struct lake_field *f, size_t n)
{
    buf_addf(b, "{\"type\":\"struct\",\"fields\":[");
    for (size_t i = 0; i < n; i++) {
        buf_addf(b, "%s{\"name\":", i ? "," : "");
        json_quote(b, f[i].name, strlen(f[i].name));
        buf_addf(b, ",\"type\":");
        write_type(b, f[i].type);
        buf_addf(b, ",\"nullable\":%s,\"metadata\":%s}", f[i].nullable ? "true" : "false",
                 f[i].metadata ? f[i].metadata : "{}");
    }
    buf_addf(b, "]}");
}

void lake_schema_write(struct buf *b, const struct lake_schema *s)
{
    write_fields(b, s->fields, s->n);
}

static bool fields_equal(const struct lake_field *x, size_t nx, const struct lake_field *y, size_t ny);

static bool type_equal(const struct lake_type *x, const struct lake_type *y)
{
    if (x == y)
        return true;
    if (!x || !y || x->kind != y->kind)
        return false;
    switch (x->kind) {
    case LAKE_PRIMITIVE:
        return strcmp(x->primitive, y->primitive) == 0;
    case LAKE_STRUCT:
        return fields_equal(x->fields, x->nfields, y->fields, y->nfields);
    default:
        return x->contains_null == y->contains_null && type_equal(x->element, y->element) &&
               type_equal(x->key, y->key) && type_equal(x->value, y->value);
    }
}

static bool fields_equal(const struct lake_field *x, size_t nx, const struct lake_field *y, size_t ny)
{
    bool same = nx == ny;
    for (size_t i = 0; i < nx && same; i++)
        same = strcmp(x[i].name, y[i].name) == 0 && x[i].nullable == y[i].nullable &&
               strcmp(x[i].metadata ? x[i].metadata : "{}", y[i].metadata ? y[i].metadata : "{}") == 0 &&
               type_equal(x[i].type, y[i].type);
    return same;
}

bool lake_schema_equal(const struct lake_schema *x, const struct lake_schema *y)
{
    return fields_equal(x->fields, x->n, y->fields, y->n);
}

/* "array<struct<a:long>>", as Spark shows a type. */
static void show_type(struct buf *b, const struct lake_type *t)
{
    switch (t->kind) {
    case LAKE_PRIMITIVE:
        buf_addf(b, "%s", t->primitive);
        return;
    case LAKE_ARRAY:
        buf_addf(b, "array<");
        show_type(b, t->element);
        break;
    case LAKE_MAP:
        buf_addf(b, "map<");
        show_type(b, t->key);
        buf_addf(b, ",");
        show_type(b, t->value);
        break;
    case LAKE_STRUCT:
        buf_addf(b, "struct<");
        for (size_t i = 0; i < t->nfields; i++) {
            buf_addf(b, "%s%s:", i ? "," : "", t->fields[i].name);
            show_type(b, t->fields[i].type);
        }
        break;
    }
    buf_addf(b, ">");
}

/* Does every value of the narrower type have an equal one in the wider? */
static bool widens(const char *narrow, const char *wide)
{
    static const char *const whole[] = {"byte", "short", "integer", "long"};
    size_t from = countof(whole), to = countof(whole);
    for (size_t i = 0; i < countof(whole); i++) {
        from = strcmp(whole[i], narrow) == 0 ? i : from;
        to = strcmp(whole[i], wide) == 0 ? i : to;
    }
    int p, s, wp, ws;
    if (decimal_of(narrow, &p, &s) && decimal_of(wide, &wp, &ws))
        return ws >= s && wp - ws >= p - s;
    return strcmp(narrow, wide) == 0 || (strcmp(narrow, "float") == 0 && strcmp(wide, "double") == 0) ||
           (from < to && to < countof(whole));
}

/* May a column of the narrower type become one of the wider, with files of both? */
static bool may_become(const char *narrow, const char *wide)
{
    int p, s;
    return strcmp(narrow, wide) != 0 && widens(narrow, wide) &&
           (decimal_of(narrow, &p, &s) == decimal_of(wide, &p, &s));
}

/* The metadata of a column, with one more change of its type behind those that it had. */
static const char *with_change(struct arena *a, const char *metadata, const char *from, const char *to)
{
    static const char key_of[] = "delta.typeChanges";
    struct pull j = pull_begin(a, metadata, strlen(metadata));
    auto_buf b = BUF(SIZE_MAX / 2), changes = BUF(SIZE_MAX / 2);
    struct str key;
    pull_object(&j);
    buf_addf(&b, "{");
    while (pull_key(&j, &key)) {
        struct str value = pull_skip(&j);
        if (str_is(key, key_of)) {
            value = str_trim(value); /* [...] */
            if (value.n > 2 && *value.p == '[')
                buf_addf(&changes, "%.*s,", (int)value.n - 2, value.p + 1);
            continue;
        }
        json_quote(&b, key.p, key.n);
        buf_addf(&b, ":%.*s,", STR(value));
    }
    buf_addf(&b, "\"%s\":[%s{\"toType\":\"%s\",\"fromType\":\"%s\"}]}", key_of, changes.len ? changes.p : "",
             to, from);
    return arena_strn(a, b.p, b.len);
}

struct merge {
    struct arena *a;
    bool evolve, widen, changed;
    struct err *e;
};

static bool merge_fields(struct merge *m, const char *path, const struct lake_field *have, size_t nhave,
                         const struct lake_field *add, size_t nadd, const struct lake_field **ret,
                         size_t *ret_n);

static bool mismatch(struct merge *m, const char *path, const struct lake_type *have,
                     const struct lake_type *add)
{
    auto_buf x = BUF(300), y = BUF(300); /* a text that is longer shows its beginning */
    show_type(&x, have);
    show_type(&y, add);
    return fail(m->e, ERR_DATA, "column '%s' is %s in the table, and %s in the rows", path, x.p, y.p);
}

/* Times are in UTC: a column without a zone holds them as they are. */
static bool is_zoneless_now(const char *add, const char *have)
{
    return strcmp(add, "timestamp") == 0 && strcmp(have, "timestamp_ntz") == 0;
}

static bool merge_type(struct merge *m, const char *path, const struct lake_type *have,
                       const struct lake_type *add, const struct lake_type **ret)
{
    if (have->kind != add->kind)
        return mismatch(m, path, have, add);
    struct lake_type *t = arena_make(m->a, struct lake_type, 1);
    *t = *have;
    *ret = t;
    switch (have->kind) {
    case LAKE_PRIMITIVE:
        return widens(add->primitive, have->primitive) || is_zoneless_now(add->primitive, have->primitive) ||
               mismatch(m, path, have, add);
    case LAKE_ARRAY:
        return merge_type(m, arena_fmt(m->a, "%s.element", path), have->element, add->element, &t->element);
    case LAKE_MAP:
        return merge_type(m, arena_fmt(m->a, "%s.key", path), have->key, add->key, &t->key) &&
               merge_type(m, arena_fmt(m->a, "%s.value", path), have->value, add->value, &t->value);
    case LAKE_STRUCT:
        break;
    }
    return merge_fields(m, path, have->fields, have->nfields, add->fields, add->nfields, &t->fields,
                        &t->nfields);
}

static const struct lake_field *field_named(const struct lake_field *f, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(f[i].name, name) == 0)
            return &f[i];
    return NULL;
}

static const char *join_name(struct arena *a, const char *path, const char *name)
{
    return *path ? arena_fmt(a, "%s.%s", path, name) : name;
}

static bool merge_fields(struct merge *m, const char *path, const struct lake_field *have, size_t nhave,
                         const struct lake_field *add, size_t nadd, const struct lake_field **ret,
                         size_t *ret_n)
{
    struct fields out = {0};
    for (size_t i = 0; i < nhave; i++) {
        const struct lake_field *other = field_named(add, nadd, have[i].name);
        struct lake_field f = have[i];
        const char *name = join_name(m->a, path, f.name);
        bool plain = other && f.type->kind == LAKE_PRIMITIVE && other->type->kind == LAKE_PRIMITIVE;
        if (plain && m->widen && may_become(f.type->primitive, other->type->primitive)) {
            f.metadata =
                with_change(m->a, f.metadata ? f.metadata : "{}", f.type->primitive, other->type->primitive);
            f.type = other->type;
            m->changed = true;
        } else if (other && !merge_type(m, name, f.type, other->type, &f.type)) {
            return false;
        }
        /* One that is computed need not be in the rows. */
        bool computed = f.metadata && (strstr(f.metadata, "\"delta.generationExpression\"") ||
                                       strstr(f.metadata, "\"CURRENT_DEFAULT\""));
        if (!other && !f.nullable && !computed)
            return fail(m->e, ERR_DATA,
                        "column '%s' of the table may not be null, and the rows do not have it", name);
        if (!other && !m->evolve && !computed)
            return fail(m->e, ERR_DATA, "column '%s' of the table is not in the rows", name);
        *arena_push(m->a, &out) = f;
    }
    for (size_t i = 0; i < nadd; i++) {
        if (field_named(have, nhave, add[i].name))
            continue;
        const char *name = join_name(m->a, path, add[i].name);
        if (!m->evolve)
            return fail(m->e, ERR_DATA, "column '%s' of the rows is not in the table", name);
        struct lake_field f = add[i];
        f.nullable = true; /* the rows that are there do not have it */
        *arena_push(m->a, &out) = f;
        m->changed = true;
    }
    *ret = out.v;
    *ret_n = out.n;
    return true;
}

bool lake_schema_merge(struct arena *a, const struct lake_schema *have, const struct lake_schema *add,
                       bool evolve, bool widen, struct lake_schema *ret, bool *ret_changed, struct err *e)
{
    struct merge m = {.a = a, .evolve = evolve, .widen = widen, .e = e};
    struct lake_schema s;
    if (!merge_fields(&m, "", have->fields, have->n, add->fields, add->n, &s.fields, &s.n))
        return false;
    *ret = s;
    if (ret_changed)
        *ret_changed = m.changed;
    return true;
}
