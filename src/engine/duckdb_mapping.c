/* Column mapping: what files call fields by other names than the table. */
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"

/* Are there fields within it that files call by other names? */
static bool is_renamed(const struct lake_type *t)
{
    for (size_t i = 0; i < t->nfields; i++)
        if (strcmp(t->fields[i].name, lake_physical(&t->fields[i])) != 0 || is_renamed(t->fields[i].type))
            return true;
    return (t->element && is_renamed(t->element)) || (t->key && is_renamed(t->key)) ||
           (t->value && is_renamed(t->value));
}

static const char *name_of(const struct lake_field *f, enum mapping_way way, bool after)
{
    return (way == MAPPING_TO_FILES) == after ? lake_physical(f) : f->name;
}

static void add_renamed(struct buf *b, const struct lake_type *t, const char *x, enum mapping_way way,
                        int depth)
{
    auto_arena *a = arena_new();
    if (!is_renamed(t)) {
        buf_addf(b, "%s", x);
        return;
    }
    const char *item = arena_fmt(a, "x%d", depth);
    switch (t->kind) {
    case LAKE_STRUCT:
        buf_addf(b, "CASE WHEN %s IS NOT NULL THEN struct_pack(", x);
        for (size_t i = 0; i < t->nfields; i++) {
            auto_buf part = BUF(MAX_SQL);
            buf_addf(&part, "%s.", x);
            sql_ident(&part, name_of(&t->fields[i], way, false));
            buf_addf(b, "%s", i ? ", " : "");
            sql_ident(b, name_of(&t->fields[i], way, true));
            buf_addf(b, " := ");
            add_renamed(b, t->fields[i].type, part.p, way, depth);
        }
        buf_addf(b, ") END");
        return;
    case LAKE_ARRAY:
        buf_addf(b, "list_transform(%s, lambda %s: ", x, item);
        add_renamed(b, t->element, item, way, depth + 1);
        buf_addf(b, ")");
        return;
    case LAKE_MAP:
        buf_addf(b,
                 "CASE WHEN %s IS NOT NULL THEN map_from_entries(list_transform(map_entries(%s), lambda %s: "
                 "struct_pack(k := ",
                 x, x, item);
        add_renamed(b, t->key, arena_fmt(a, "%s.key", item), way, depth + 1);
        buf_addf(b, ", v := ");
        add_renamed(b, t->value, arena_fmt(a, "%s.value", item), way, depth + 1);
        buf_addf(b, "))) END");
        return;
    case LAKE_PRIMITIVE:
        break;
    }
}

void duck_mapping_sql(struct buf *b, const struct lake_type *t, const char *x, enum mapping_way way)
{
    add_renamed(b, t, x, way, 0);
}

bool duck_is_mapped(const struct lake_schema *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (s->fields[i].id > 0 || strcmp(s->fields[i].name, lake_physical(&s->fields[i])) != 0 ||
            is_renamed(s->fields[i].type))
            return true;
    return false;
}

/* --- FIELD_IDS of a COPY: {"a": 1, "s": {__duckdb_field_id: 2, "x": 3}} --- */

static void add_inner_ids(struct buf *b, const struct lake_type *t);

static void add_field_id(struct buf *b, const struct lake_field *f)
{
    sql_ident(b, lake_physical(f));
    if (f->type->kind == LAKE_PRIMITIVE) {
        buf_addf(b, ": %" PRIi64, f->id);
        return;
    }
    buf_addf(b, ": {__duckdb_field_id: %" PRIi64, f->id);
    add_inner_ids(b, f->type);
    buf_addf(b, "}");
}

/* Elements, keys and values have no id of their own. */
static void add_part_ids(struct buf *b, const char *part, const struct lake_type *t)
{
    auto_buf ids = BUF(MAX_SQL);
    add_inner_ids(&ids, t);
    if (ids.len > 2)
        buf_addf(b, ", %s: {%s}", part, ids.p + 2); /* without its comma */
}

static void add_inner_ids(struct buf *b, const struct lake_type *t)
{
    switch (t->kind) {
    case LAKE_STRUCT:
        for (size_t i = 0; i < t->nfields; i++) {
            if (t->fields[i].id <= 0)
                continue;
            buf_addf(b, ", ");
            add_field_id(b, &t->fields[i]);
        }
        return;
    case LAKE_ARRAY:
        add_part_ids(b, "element", t->element);
        return;
    case LAKE_MAP:
        add_part_ids(b, "key", t->key);
        add_part_ids(b, "value", t->value);
        return;
    case LAKE_PRIMITIVE:
        return;
    }
}

void duck_field_id(struct buf *b, const struct lake_field *f)
{
    if (f->id <= 0)
        return;
    buf_addf(b, "%s", b->len ? ", " : "");
    add_field_id(b, f);
}
