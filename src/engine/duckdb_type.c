/* DuckDB's types, Delta's types, and the cast between them. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"

static void free_duck(char **p)
{
    duck.free(*p);
}
#define auto_duck auto_call(free_duck) char

struct scalar { /* a type without parts */
    duckdb_type id;
    const char *name;   /* in SQL */
    const char *stored; /* in Delta, NULL = cannot be */
};

static const struct scalar scalars[] = {
    {DUCKDB_TYPE_BOOLEAN, "BOOLEAN", "boolean"},
    {DUCKDB_TYPE_TINYINT, "TINYINT", "byte"},
    {DUCKDB_TYPE_SMALLINT, "SMALLINT", "short"},
    {DUCKDB_TYPE_INTEGER, "INTEGER", "integer"},
    {DUCKDB_TYPE_BIGINT, "BIGINT", "long"},
    {DUCKDB_TYPE_UTINYINT, "UTINYINT", "short"},
    {DUCKDB_TYPE_USMALLINT, "USMALLINT", "integer"},
    {DUCKDB_TYPE_UINTEGER, "UINTEGER", "long"},
    {DUCKDB_TYPE_UBIGINT, "UBIGINT", "decimal(20,0)"},
    {DUCKDB_TYPE_HUGEINT, "HUGEINT", "long"},
    {DUCKDB_TYPE_UHUGEINT, "UHUGEINT", "long"},
    {DUCKDB_TYPE_FLOAT, "FLOAT", "float"},
    {DUCKDB_TYPE_DOUBLE, "DOUBLE", "double"},
    {DUCKDB_TYPE_VARCHAR, "VARCHAR", "string"},
    {DUCKDB_TYPE_ENUM, "ENUM", "string"},
    {DUCKDB_TYPE_UUID, "UUID", "string"},
    {DUCKDB_TYPE_BLOB, "BLOB", "binary"},
    {DUCKDB_TYPE_DATE, "DATE", "date"},
    {DUCKDB_TYPE_TIMESTAMP, "TIMESTAMP", "timestamp"},
    {DUCKDB_TYPE_TIMESTAMP_S, "TIMESTAMP_S", "timestamp"},
    {DUCKDB_TYPE_TIMESTAMP_MS, "TIMESTAMP_MS", "timestamp"},
    {DUCKDB_TYPE_TIMESTAMP_NS, "TIMESTAMP_NS", "timestamp"},
    {DUCKDB_TYPE_TIMESTAMP_TZ, "TIMESTAMP WITH TIME ZONE", "timestamp"},
    {DUCKDB_TYPE_TIME, "TIME", NULL},
    {DUCKDB_TYPE_TIME_TZ, "TIME WITH TIME ZONE", NULL},
    {DUCKDB_TYPE_TIME_NS, "TIME_NS", NULL},
    {DUCKDB_TYPE_INTERVAL, "INTERVAL", NULL},
    {DUCKDB_TYPE_BIT, "BIT", NULL},
    {DUCKDB_TYPE_BIGNUM, "BIGNUM", NULL},
    {DUCKDB_TYPE_SQLNULL, "\"NULL\"", NULL},
};

static const struct scalar *find_scalar(duckdb_type id)
{
    for (size_t i = 0; i < countof(scalars); i++)
        if (scalars[i].id == id)
            return &scalars[i];
    return NULL;
}

/* --- names --- */

static void add_enum(struct buf *b, duckdb_logical_type t)
{
    buf_addf(b, "ENUM(");
    for (uint32_t i = 0, n = duck.enum_dictionary_size(t); i < n; i++) {
        auto_duck *value = duck.enum_dictionary_value(t, i);
        buf_addf(b, "%s", i ? ", " : "");
        sql_literal(b, value);
    }
    buf_addf(b, ")");
}

static void add_members(struct buf *b, duckdb_logical_type t, bool is_union)
{
    idx_t n = is_union ? duck.union_type_member_count(t) : duck.struct_type_child_count(t);
    buf_addf(b, "%s(", is_union ? "UNION" : "STRUCT");
    for (idx_t i = 0; i < n; i++) {
        auto_duck *name = is_union ? duck.union_type_member_name(t, i) : duck.struct_type_child_name(t, i);
        auto_type type = is_union ? duck.union_type_member_type(t, i) : duck.struct_type_child_type(t, i);
        buf_addf(b, "%s", i ? ", " : "");
        sql_ident(b, name);
        buf_addf(b, " ");
        duck_type_name(b, type);
    }
    buf_addf(b, ")");
}

static void add_map(struct buf *b, duckdb_logical_type t)
{
    auto_type key = duck.map_type_key_type(t), value = duck.map_type_value_type(t);
    buf_addf(b, "MAP(");
    duck_type_name(b, key);
    buf_addf(b, ", ");
    duck_type_name(b, value);
    buf_addf(b, ")");
}

void duck_type_name(struct buf *b, duckdb_logical_type t)
{
    auto_duck *alias = duck.logical_type_get_alias(t);
    if (alias && strcmp(alias, "JSON") == 0) {
        buf_addf(b, "JSON");
        return;
    }
    duckdb_type id = duck.get_type_id(t);
    if (id == DUCKDB_TYPE_DECIMAL) {
        buf_addf(b, "DECIMAL(%d,%d)", duck.decimal_width(t), duck.decimal_scale(t));
    } else if (id == DUCKDB_TYPE_ENUM) {
        add_enum(b, t);
    } else if (id == DUCKDB_TYPE_LIST) {
        auto_type child = duck.list_type_child_type(t);
        duck_type_name(b, child);
        buf_addf(b, "[]");
    } else if (id == DUCKDB_TYPE_ARRAY) {
        auto_type child = duck.array_type_child_type(t);
        duck_type_name(b, child);
        buf_addf(b, "[%" PRIu64 "]", (uint64_t)duck.array_type_array_size(t));
    } else if (id == DUCKDB_TYPE_STRUCT || id == DUCKDB_TYPE_UNION) {
        add_members(b, t, id == DUCKDB_TYPE_UNION);
    } else if (id == DUCKDB_TYPE_MAP) {
        add_map(b, t);
    } else {
        const struct scalar *s = find_scalar(id);
        buf_addf(b, "%s", s ? s->name : alias ? alias : "UNKNOWN");
    }
}

/* --- what is stored --- */

static const struct lake_type *stored_list(struct arena *a, duckdb_logical_type child)
{
    const struct lake_type *element = duck_type_stored(a, child);
    if (!element)
        return NULL;
    struct lake_type *t = arena_make(a, struct lake_type, 1);
    *t = (struct lake_type){.kind = LAKE_ARRAY, .element = element, .contains_null = true};
    return t;
}

static const struct lake_type *stored_map(struct arena *a, duckdb_logical_type map)
{
    auto_type k = duck.map_type_key_type(map), v = duck.map_type_value_type(map);
    const struct lake_type *key = duck_type_stored(a, k), *value = duck_type_stored(a, v);
    if (!key || !value)
        return NULL;
    struct lake_type *t = arena_make(a, struct lake_type, 1);
    *t = (struct lake_type){.kind = LAKE_MAP, .key = key, .value = value, .contains_null = true};
    return t;
}

static const struct lake_type *stored_struct(struct arena *a, duckdb_logical_type st)
{
    size_t n = duck.struct_type_child_count(st);
    struct lake_field *fields = arena_make(a, struct lake_field, n);
    for (size_t i = 0; i < n; i++) {
        auto_duck *name = duck.struct_type_child_name(st, i);
        auto_type child = duck.struct_type_child_type(st, i);
        fields[i] = (struct lake_field){.name = arena_str(a, name),
                                        .type = duck_type_stored(a, child),
                                        .nullable = true,
                                        .metadata = "{}"};
        if (!fields[i].type)
            return NULL;
    }
    struct lake_type *t = arena_make(a, struct lake_type, 1);
    *t = (struct lake_type){.kind = LAKE_STRUCT, .fields = fields, .nfields = n};
    return t;
}

static const struct lake_type *primitive(struct arena *a, const char *name)
{
    struct lake_type *t = arena_make(a, struct lake_type, 1);
    *t = (struct lake_type){.kind = LAKE_PRIMITIVE, .primitive = name};
    return t;
}

const struct lake_type *duck_type_stored(struct arena *a, duckdb_logical_type t)
{
    duckdb_type id = duck.get_type_id(t);
    if (id == DUCKDB_TYPE_DECIMAL)
        return primitive(a, arena_fmt(a, "decimal(%d,%d)", duck.decimal_width(t), duck.decimal_scale(t)));
    if (id == DUCKDB_TYPE_LIST) {
        auto_type child = duck.list_type_child_type(t);
        return stored_list(a, child);
    }
    if (id == DUCKDB_TYPE_ARRAY) {
        auto_type child = duck.array_type_child_type(t);
        return stored_list(a, child);
    }
    if (id == DUCKDB_TYPE_STRUCT)
        return stored_struct(a, t);
    if (id == DUCKDB_TYPE_MAP)
        return stored_map(a, t);
    const struct scalar *s = find_scalar(id);
    return s && s->stored ? primitive(a, s->stored) : NULL;
}

static void type_sql(struct buf *b, const struct lake_type *t, bool physical)
{
    static const struct {
        const char *stored, *sql;
    } types[] = {
        {"boolean", "BOOLEAN"},
        {"byte", "TINYINT"},
        {"short", "SMALLINT"},
        {"integer", "INTEGER"},
        {"long", "BIGINT"},
        {"float", "FLOAT"},
        {"double", "DOUBLE"},
        {"string", "VARCHAR"},
        {"binary", "BLOB"},
        {"date", "DATE"},
        {"timestamp", "TIMESTAMP WITH TIME ZONE"},
        {"timestamp_ntz", "TIMESTAMP"},
    };
    switch (t->kind) {
    case LAKE_PRIMITIVE:
        for (size_t i = 0; i < countof(types); i++) {
            if (strcmp(types[i].stored, t->primitive) == 0) {
                buf_addf(b, "%s", types[i].sql);
                return;
            }
        }
        buf_addf(b, "%s", t->primitive); /* decimal(p,s) */
        return;
    case LAKE_ARRAY:
        type_sql(b, t->element, physical);
        buf_addf(b, "[]");
        return;
    case LAKE_MAP:
        buf_addf(b, "MAP(");
        type_sql(b, t->key, physical);
        buf_addf(b, ", ");
        type_sql(b, t->value, physical);
        buf_addf(b, ")");
        return;
    case LAKE_STRUCT:
        buf_addf(b, "STRUCT(");
        for (size_t i = 0; i < t->nfields; i++) {
            buf_addf(b, "%s", i ? ", " : "");
            sql_ident(b, physical ? lake_physical(&t->fields[i]) : t->fields[i].name);
            buf_addf(b, " ");
            type_sql(b, t->fields[i].type, physical);
        }
        buf_addf(b, ")");
        return;
    }
}

void duck_type_sql(struct buf *b, const struct lake_type *t)
{
    type_sql(b, t, false);
}

void duck_physical_sql(struct buf *b, const struct lake_type *t)
{
    type_sql(b, t, true);
}
