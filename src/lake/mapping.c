#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/json.h"
#include "lake/mapping.h"
#include "lake/pull.h"

static const char mode_key[] = "delta.columnMapping.mode", max_key[] = "delta.columnMapping.maxColumnId";
static const char id_key[] = "delta.columnMapping.id", name_key[] = "delta.columnMapping.physicalName";

static const char *property_of(const struct lake_property *props, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(props[i].key, key) == 0)
            return props[i].value;
    return NULL;
}

enum lake_mapping lake_mapping_of(const struct lake_property *props, size_t nprops)
{
    const char *mode = property_of(props, nprops, mode_key);
    if (!mode || strcasecmp(mode, "none") == 0)
        return LAKE_MAPPING_NONE;
    return strcasecmp(mode, "id") == 0 ? LAKE_MAPPING_ID : LAKE_MAPPING_NAME;
}

/* --- what the metadata of a field says --- */

/* False: it is no JSON. What it does not say stays as it was. */
static bool read_metadata(struct arena *a, struct lake_field *f, const char **ret_physical)
{
    struct str key;
    const char *text = f->metadata ? f->metadata : "{}";
    struct pull j = pull_begin(a, text, strlen(text));
    *ret_physical = NULL;
    pull_object(&j);
    while (pull_key(&j, &key)) {
        if (str_is(key, name_key))
            *ret_physical = pull_text(&j);
        else if (str_is(key, id_key))
            f->id = pull_int(&j);
        else
            pull_skip(&j);
    }
    return pull_end(&j);
}

static bool map_fields(struct arena *a, const struct lake_field **fields, size_t n, struct err *e);

static bool map_type(struct arena *a, const struct lake_type **type, struct err *e)
{
    if (!*type || (*type)->kind == LAKE_PRIMITIVE)
        return true;
    struct lake_type *t = arena_make(a, struct lake_type, 1);
    *t = **type;
    *type = t;
    return map_type(a, &t->element, e) && map_type(a, &t->key, e) && map_type(a, &t->value, e) &&
           map_fields(a, &t->fields, t->nfields, e);
}

static bool map_field(struct arena *a, struct lake_field *f, struct err *e)
{
    const char *physical;
    if (!read_metadata(a, f, &physical) || !physical || !*physical)
        return fail(e, ERR_DATA, "column '%s' has no physical name, and the table has column mapping",
                    f->name);
    f->physical = physical;
    return map_type(a, &f->type, e);
}

static bool map_fields(struct arena *a, const struct lake_field **fields, size_t n, struct err *e)
{
    struct lake_field *mapped = arena_make(a, struct lake_field, n);
    for (size_t i = 0; i < n; i++) {
        mapped[i] = (*fields)[i];
        if (!map_field(a, &mapped[i], e))
            return false;
    }
    *fields = mapped;
    return true;
}

bool mapping_read(struct arena *a, struct lake_schema *s, struct err *e)
{
    return map_fields(a, &s->fields, s->n, e);
}

/* --- the highest id --- */

static int64_t max_of_fields(const struct lake_field *f, size_t n);

static int64_t greater(int64_t x, int64_t y)
{
    return x > y ? x : y;
}

static int64_t max_of_type(const struct lake_type *t)
{
    if (!t)
        return 0;
    return greater(greater(max_of_fields(t->fields, t->nfields), max_of_type(t->element)),
                   greater(max_of_type(t->key), max_of_type(t->value)));
}

static int64_t max_of_fields(const struct lake_field *f, size_t n)
{
    int64_t max = 0;
    for (size_t i = 0; i < n; i++)
        max = greater(max, greater(f[i].id, max_of_type(f[i].type)));
    return max;
}

static int64_t max_id(const struct lake_snapshot *base, const struct lake_schema *s)
{
    const char *said = base ? property_of(base->properties, base->nproperties, max_key) : NULL;
    struct err ignored;
    int64_t max = max_of_fields(s->fields, s->n), n;
    if (base)
        max = greater(max, max_of_fields(base->schema.fields, base->schema.n));
    return said && text_int(said, &n, &ignored) ? greater(max, n) : max;
}

struct lake_property mapping_max_id(struct arena *a, const struct lake_snapshot *base,
                                    const struct lake_schema *s)
{
    return (struct lake_property){max_key, arena_fmt(a, "%" PRIi64, max_id(base, s))};
}

/* --- names and ids for columns that have none --- */

struct assign {
    struct arena *a;
    int64_t last_id;
    bool by_name; /* columns of the table's go by their own names: its files were written before */
    struct err *e;
};

static bool assign_fields(struct assign *x, const struct lake_field **fields, size_t n,
                          const struct lake_field *have, size_t nhave);

static const char *with_mapping(struct arena *a, const char *metadata, int64_t id, const char *physical)
{
    auto_buf b = BUF(SIZE_MAX / 2);
    struct str rest = {metadata, strlen(metadata)};
    rest = str_trim(rest);
    buf_addf(&b, "{\"%s\":%" PRIi64 ",\"%s\":", id_key, id, name_key);
    json_quote(&b, physical, strlen(physical));
    rest = str_trim((struct str){rest.p + 1, rest.n - 1});
    buf_addf(&b, "%s%.*s", rest.n > 1 ? "," : "", STR(rest));
    return arena_strn(a, b.p, b.len);
}

/* The inside of a type; have: what it was, or NULL. */
static bool assign_type(struct assign *x, const struct lake_type **type, const struct lake_type *have)
{
    if (!*type || (*type)->kind == LAKE_PRIMITIVE)
        return true;
    static const struct lake_type nothing;
    struct lake_type *t = arena_make(x->a, struct lake_type, 1);
    *t = **type;
    *type = t;
    const struct lake_type *was = have && have->kind == t->kind ? have : &nothing;
    return assign_type(x, &t->element, was->element) && assign_type(x, &t->key, was->key) &&
           assign_type(x, &t->value, was->value) &&
           assign_fields(x, &t->fields, t->nfields, was->fields, was->nfields);
}

static bool same_type(const struct lake_type *x, const struct lake_type *y)
{
    return x->kind == y->kind && (x->kind != LAKE_PRIMITIVE || strcmp(x->primitive, y->primitive) == 0);
}

/* The field that another one is in the table as it was; NULL = it is new. Of another type it is new, too:
 * nobody should take old values for it. */
static const struct lake_field *old_field(const struct assign *x, const struct lake_field *f,
                                          const struct lake_field *have, size_t nhave)
{
    for (size_t i = 0; i < nhave; i++)
        if (strcasecmp(have[i].name, f->name) == 0)
            return x->by_name || same_type(f->type, have[i].type) ? &have[i] : NULL;
    return NULL;
}

static bool assign_field(struct assign *x, struct lake_field *f, const struct lake_field *was)
{
    const char *physical;
    bool bare = !f->metadata || strcmp(f->metadata, "{}") == 0;
    if (bare)
        f->metadata = was && !x->by_name && was->metadata ? was->metadata : "{}";
    if (!read_metadata(x->a, f, &physical))
        return fail(x->e, ERR_DATA, "the metadata of column '%s' cannot be read", f->name);
    if (!physical || !*physical) {
        physical = was && x->by_name ? was->name : arena_fmt(x->a, "col-%s", lake_uuid(x->a));
        f->id = ++x->last_id;
        f->metadata = with_mapping(x->a, f->metadata, f->id, physical);
    }
    f->physical = physical;
    return assign_type(x, &f->type, was ? was->type : NULL);
}

static bool assign_fields(struct assign *x, const struct lake_field **fields, size_t n,
                          const struct lake_field *have, size_t nhave)
{
    struct lake_field *mapped = arena_make(x->a, struct lake_field, n);
    for (size_t i = 0; i < n; i++) {
        mapped[i] = (*fields)[i];
        if (!assign_field(x, &mapped[i], old_field(x, &mapped[i], have, nhave)))
            return false;
    }
    *fields = mapped;
    return true;
}

bool lake_schema_map(struct arena *a, const struct lake_snapshot *base, const struct lake_property *props,
                     size_t nprops, struct lake_schema *s, struct err *e)
{
    static const struct lake_schema none;
    const struct lake_schema *have = base ? &base->schema : &none;
    if (lake_mapping_of(props, nprops) == LAKE_MAPPING_NONE)
        return true;
    struct assign x = {
        .a = a, .last_id = max_id(base, s), .by_name = base && base->mapping == LAKE_MAPPING_NONE, .e = e};
    return assign_fields(&x, &s->fields, s->n, have->fields, have->n);
}
