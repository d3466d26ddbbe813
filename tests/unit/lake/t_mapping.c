#include "lake/mapping.h"

#include "base/json.h"
#include "lake_test.h"

#define MAPPED(id, name)                                                                                     \
    "{\"delta.columnMapping.id\":" #id ",\"delta.columnMapping.physicalName\":\"" name "\"}"

static const struct lake_type long_type = {.kind = LAKE_PRIMITIVE, .primitive = "long"};
static const struct lake_type string_type = {.kind = LAKE_PRIMITIVE, .primitive = "string"};
static const struct lake_property by_name = {"delta.columnMapping.mode", "name"};

static struct lake_schema schema_of(struct lake_field *f, size_t n)
{
    return (struct lake_schema){f, n};
}

TEST(how_properties_say_it)
{
    static const struct {
        const char *mode;
        enum lake_mapping want;
    } cases[] = {{NULL, LAKE_MAPPING_NONE},   {"none", LAKE_MAPPING_NONE}, {"NONE", LAKE_MAPPING_NONE},
                 {"name", LAKE_MAPPING_NAME}, {"Id", LAKE_MAPPING_ID},     {"id", LAKE_MAPPING_ID}};
    for (size_t i = 0; i < countof(cases); i++) {
        const struct lake_property p[] = {{"other", "id"}, {"delta.columnMapping.mode", cases[i].mode}};
        CASE(cases[i].mode ? cases[i].mode : "nothing");
        CHECK_INT(lake_mapping_of(p, 2), cases[i].want);
    }
    CHECK_INT(lake_mapping_of(NULL, 0), LAKE_MAPPING_NONE);
}

TEST(new_columns_get_names_and_ids_at_any_depth)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    const struct lake_field inner[] = {{.name = "q", .type = &long_type, .metadata = "{}"}};
    const struct lake_type st = {.kind = LAKE_STRUCT, .fields = inner, .nfields = 1};
    const struct lake_type list = {.kind = LAKE_ARRAY, .element = &st};
    const struct lake_type map = {.kind = LAKE_MAP, .key = &string_type, .value = &list};
    struct lake_field f[] = {{.name = "a", .type = &long_type, .metadata = "{ \"comment\": \"x\" }"},
                             {.name = "m", .type = &map, .metadata = NULL}};
    struct lake_schema s = schema_of(f, 2);
    REQUIRE(lake_schema_map(a, NULL, NULL, 0, &s, &e)); /* not mapped: nothing happens */
    CHECK(s.fields == f);
    REQUIRE(lake_schema_map(a, NULL, &by_name, 1, &s, &e));
    CHECK_INT(s.fields[0].id, 1);
    CHECK_INT(s.fields[1].id, 2);
    const struct lake_field *q = &s.fields[1].type->value->element->fields[0];
    CHECK_INT(q->id, 3);
    CHECK(strncmp(q->physical, "col-", 4) == 0 && strcmp(q->physical, s.fields[0].physical) != 0);
    CHECK_STR(
        s.fields[0].metadata,
        arena_fmt(a,
                  "{\"delta.columnMapping.id\":1,\"delta.columnMapping.physicalName\":\"%s\",\"comment\": "
                  "\"x\" }",
                  s.fields[0].physical));
    CHECK_STR(mapping_max_id(a, NULL, &s).value, "3");

    /* What the metadata says by then is what is read from it, and stays. */
    struct lake_schema again = s, read = s;
    REQUIRE(lake_schema_map(a, NULL, &by_name, 1, &again, &e));
    REQUIRE(mapping_read(a, &read, &e));
    CHECK(lake_schema_equal(&s, &again) && lake_schema_equal(&s, &read));
    CHECK_STR(read.fields[1].type->value->element->fields[0].physical, q->physical);
}

TEST(columns_that_stay_keep_their_names)
{
    static const struct {
        const char *label;
        enum lake_mapping was;
        const char *name;
        const struct lake_type *type;
        const char *physical; /* NULL = a new one */
        int64_t id;
    } cases[] = {
        {"of the same name and type", LAKE_MAPPING_NAME, "A", &long_type, "p", 7},
        {"of another type it is another column", LAKE_MAPPING_NAME, "a", &string_type, NULL, 12},
        {"of another name too", LAKE_MAPPING_NAME, "b", &long_type, NULL, 12},
        {"files that were not mapped have its own name", LAKE_MAPPING_NONE, "A", &long_type, "a", 12},
        {"whatever its type is now", LAKE_MAPPING_NONE, "a", &string_type, "a", 12},
        {"but for new ones", LAKE_MAPPING_NONE, "b", &long_type, NULL, 12},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        bool mapped = cases[i].was != LAKE_MAPPING_NONE;
        const struct lake_field was = {.name = "a",
                                       .type = &long_type,
                                       .metadata = mapped ? MAPPED(7, "p") : "{}",
                                       .physical = mapped ? "p" : "a",
                                       .id = mapped ? 7 : -1};
        const struct lake_property max = {"delta.columnMapping.maxColumnId", "11"};
        const struct lake_snapshot base = {
            .schema = {&was, 1}, .mapping = cases[i].was, .properties = &max, .nproperties = 1};
        struct lake_field f = {.name = cases[i].name, .type = cases[i].type, .metadata = "{}"};
        struct lake_schema s = schema_of(&f, 1);
        CASE(cases[i].label);
        REQUIRE(lake_schema_map(a, &base, &by_name, 1, &s, &e));
        if (cases[i].physical)
            CHECK_STR(s.fields[0].physical, cases[i].physical);
        else
            CHECK(strncmp(s.fields[0].physical, "col-", 4) == 0);
        CHECK_INT(s.fields[0].id, cases[i].id);
        CHECK_STR(mapping_max_id(a, &base, &s).value, cases[i].id == 7 ? "11" : "12");
    }
}

TEST(what_cannot_be_mapped)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_field f = {.name = "a", .type = &long_type, .metadata = "{\"x\":"};
    struct lake_schema s = schema_of(&f, 1);
    CHECK(!lake_schema_map(a, NULL, &by_name, 1, &s, &e));
    CHECK_STR(e.msg, "the metadata of column 'a' cannot be read");
    f.metadata = "{\"delta.columnMapping.id\":1}";
    CHECK(!mapping_read(a, &s, &e));
    CHECK_STR(e.msg, "column 'a' has no physical name, and the table has column mapping");

    /* A commit whose columns have no names yet. */
    struct lake_table t = test_table(a);
    int64_t version;
    const struct lake_commit c = {.schema = &test_schema, .properties = &by_name, .nproperties = 1};
    CHECK(!lake_commit(a, &t, &c, &version, &e));
    CHECK_HAS(e.msg, "has no physical name, and the table has column mapping");
}
