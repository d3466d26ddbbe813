#include "lake_test.h"

static const char whole[] =
    "{\"type\":\"struct\",\"fields\":["
    "{\"name\":\"id\",\"type\":\"long\",\"nullable\":false,\"metadata\":{\"comment\":\"a \\\"key\\\"\"}},"
    "{\"name\":\"price\",\"type\":\"decimal(10,2)\",\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"tags\",\"type\":{\"type\":\"array\",\"elementType\":\"string\",\"containsNull\":false},"
    "\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"by\",\"type\":{\"type\":\"map\",\"keyType\":\"string\",\"valueType\":{\"type\":\"struct\","
    "\"fields\":"
    "[{\"name\":\"x\",\"type\":\"timestamp\",\"nullable\":true,\"metadata\":{}}]},\"valueContainsNull\":true}"
    ","
    "\"nullable\":true,\"metadata\":{}},"
    "{\"name\":\"\xc3\xa4 "
    "b\",\"type\":{\"type\":\"struct\",\"fields\":[]},\"nullable\":true,\"metadata\":{}}]}";

TEST(a_schema_survives_being_read_and_written)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_schema s, again;
    REQUIRE(lake_schema_parse(a, whole, &s, &e));
    CHECK_INT(s.n, 5);
    CHECK_STR(s.fields[0].name, "id");
    CHECK(!s.fields[0].nullable);
    CHECK_STR(s.fields[1].type->primitive, "decimal(10,2)");
    CHECK_INT(s.fields[2].type->kind, LAKE_ARRAY);
    CHECK(!s.fields[2].type->contains_null);
    CHECK_INT(s.fields[3].type->value->kind, LAKE_STRUCT);
    CHECK_STR(s.fields[4].name, "\xc3\xa4 b");
    auto_buf b = BUF(10000);
    lake_schema_write(&b, &s);
    CHECK_STR(b.p, whole);
    REQUIRE(lake_schema_parse(a, b.p, &again, &e));
    CHECK(lake_schema_equal(&s, &again));
    again.n--;
    CHECK(!lake_schema_equal(&s, &again));
}

TEST(schemas_that_are_not_understood_are_refused)
{
#define COLUMN(type) "{\"type\":\"struct\",\"fields\":[{\"name\":\"x\",\"type\":" type "}]}"
    static const struct {
        const char *label, *json, *error;
    } cases[] = {
        {"nothing", "", "the schema cannot be read: at byte 0: it is cut off"},
        {"cut off", "{\"type\":\"struct\",\"fields\":[{\"name\":\"x\"",
         "the schema cannot be read: at byte 38: it is cut off"},
        {"not a struct", "\"long\"", "the schema is not a struct"},
        {"an unknown type", COLUMN("\"variant\""),
         "column 'x' has type 'variant', which this version does not know"},
        {"one below", COLUMN("{\"type\":\"array\",\"elementType\":\"interval\"}"),
         "column 'x' has type 'interval', which this version does not know"},
        {"a decimal too wide", COLUMN("\"decimal(39,2)\""),
         "column 'x' has type 'decimal(39,2)', which this version does not know"},
        {"a decimal with a tail", COLUMN("\"decimal(3,2)x\""),
         "column 'x' has type 'decimal(3,2)x', which this version does not know"},
        {"an array of nothing", COLUMN("{\"type\":\"array\"}"),
         "the schema cannot be read: at byte 62: a type that is not whole"},
        {"an unknown kind", COLUMN("{\"type\":\"set\"}"),
         "the schema cannot be read: at byte 59: an unknown kind of type"},
        {"no type", "{\"type\":\"struct\",\"fields\":[{\"name\":\"x\"}]}",
         "the schema cannot be read: at byte 39: a column without a name or a type"},
        {"decimal alone is fine", COLUMN("\"decimal\""), NULL},
        {"and zoneless timestamps", COLUMN("\"timestamp_ntz\""), NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        struct lake_schema s;
        CASE(cases[i].label);
        if (lake_schema_parse(a, cases[i].json, &s, &e)) {
            CHECK(!cases[i].error);
        } else {
            CHECK_STR(e.msg, cases[i].error);
            CHECK_INT(e.kind, ERR_DATA);
        }
    }
}

TEST(nesting_has_an_end)
{
    struct err e = {0};
    auto_arena *a = arena_new();
    auto_buf b = BUF(1 << 20);
    struct lake_schema s;
    for (int i = 0; i < 1000; i++)
        buf_addf(&b, "{\"type\":\"array\",\"elementType\":");
    CHECK(!lake_schema_parse(a, b.p, &s, &e));
    CHECK_HAS(e.msg, "it is nested too deeply");
}

/* "a:long,b:string" in the words of the tests below. */
static struct lake_schema parse_short(struct arena *a, const char *text)
{
    struct err e = {0};
    struct lake_schema s = {0};
    auto_buf b = BUF(10000);
    buf_addf(&b, "{\"type\":\"struct\",\"fields\":[");
    for (const char *comma = ""; *text; comma = ",") {
        size_t name = strcspn(text, ":"), type = strcspn(text + name, " ");
        const char *t = text + name + 1;
        bool required = t[type - 2] == '!';
        buf_addf(&b, "%s{\"name\":\"%.*s\",\"type\":%s%.*s%s,\"nullable\":%s}", comma, (int)name, text,
                 *t == '{' ? "" : "\"", (int)(type - 1 - required), t, *t == '{' ? "" : "\"",
                 required ? "false" : "true");
        text += name + type;
        text += *text == ' ';
    }
    buf_addf(&b, "]}");
    if (!lake_schema_parse(a, b.p, &s, &e))
        BAD("%s in %s", e.msg, b.p);
    return s;
}

#define STRUCT_A "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\"}]}"
#define STRUCT_AB                                                                                            \
    "{\"type\":\"struct\",\"fields\":[{\"name\":\"a\",\"type\":\"long\"},{\"name\":\"b\",\"type\":\"date\"}" \
    "]}"
#define ARRAY(of) "{\"type\":\"array\",\"elementType\":\"" of "\"}"

TEST(rows_of_one_schema_go_into_a_table_of_another)
{
    static const struct {
        const char *label, *have, *add;
        bool evolve;
        const char *want; /* the columns, or the error */
        bool changed;
    } cases[] = {
        {"the same", "a:long b:string", "a:long b:string", false, "a:long b:string", false},
        {"in another order", "a:long b:string", "b:string a:long", false, "a:long b:string", false},
        {"in other letters", "a:long", "A:long", false, "a:long", false},
        {"a narrower integer", "a:long", "a:byte", false, "a:long", false},
        {"a narrower float", "a:double", "a:float", false, "a:double", false},
        {"a narrower decimal", "a:decimal(10,2)", "a:decimal(9,1)", false, "a:decimal(10,2)", false},
        {"a decimal with more digits before the point", "a:decimal(10,2)", "a:decimal(10,1)", false,
         "column 'a' is decimal(10,2) in the table, and decimal(10,1) in the rows", false},
        {"a wider integer", "a:integer", "a:long", true,
         "column 'a' is integer in the table, and long in the rows", false},
        {"an integer is no float", "a:double", "a:integer", true,
         "column 'a' is double in the table, and integer in the rows", false},
        {"text is no number", "a:long", "a:string", false,
         "column 'a' is long in the table, and string in the rows", false},
        {"a new column", "a:long", "a:long b:date!", false, "column 'b' of the rows is not in the table",
         false},
        {"a new column, wanted", "a:long", "b:date! a:long", true, "a:long b:date", true},
        {"a missing column", "a:long b:date", "a:long", false, "column 'b' of the table is not in the rows",
         false},
        {"a missing column, accepted", "a:long b:date", "a:long", true, "a:long b:date", false},
        {"a missing column that must be there", "a:long b:date!", "a:long", true,
         "column 'b' of the table may not be null, and the rows do not have it", false},
        {"within a struct", "s:" STRUCT_A, "s:" STRUCT_AB, false,
         "column 's.b' of the rows is not in the table", false},
        {"within a struct, wanted", "s:" STRUCT_A, "s:" STRUCT_AB, true, "s:struct<a,b>", true},
        {"elements of arrays", "l:" ARRAY("long"), "l:" ARRAY("short"), false, "l:array<long>", false},
        {"other elements", "l:" ARRAY("long"), "l:" ARRAY("string"), false,
         "column 'l.element' is long in the table, and string in the rows", false},
        {"another kind", "l:" ARRAY("long"), "l:" STRUCT_AB, false,
         "column 'l' is array<long> in the table, and struct<a:long,b:date> in the rows", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        struct lake_schema have = parse_short(a, cases[i].have), add = parse_short(a, cases[i].add), got;
        bool changed = false;
        CASE(cases[i].label);
        if (!lake_schema_merge(a, &have, &add, cases[i].evolve, false, &got, &changed, &e)) {
            CHECK_STR(e.msg, cases[i].want);
            CHECK_INT(e.kind, ERR_DATA);
            continue;
        }
        const char *all = "";
        for (size_t k = 0; k < got.n; k++) {
            const struct lake_type *t = got.fields[k].type;
            const char *type = t->kind == LAKE_PRIMITIVE ? t->primitive
                               : t->kind == LAKE_ARRAY
                                   ? arena_fmt(a, "array<%s>", t->element->primitive)
                                   : arena_fmt(a, "struct<%s,%s>", t->fields[0].name, t->fields[1].name);
            all = arena_fmt(a, "%s%s%s:%s", all, k ? " " : "", got.fields[k].name, type);
            CHECK(got.fields[k].nullable);
        }
        CHECK_STR(all, cases[i].want);
        CHECK_INT(changed, cases[i].changed);
    }
}

TEST(columns_become_wider)
{
    static const struct {
        const char *label, *have, *metadata, *add, *type, *want; /* of the one column; NULL = it may not */
    } cases[] = {
        {"an integer", "integer", "{}", "long", "long",
         "{\"delta.typeChanges\":[{\"toType\":\"long\",\"fromType\":\"integer\"}]}"},
        {"once more", "short",
         "{\"comment\":\"x\", \"delta.typeChanges\": [ {\"toType\":\"short\",\"fromType\":\"byte\"} ]}",
         "integer", "integer",
         "{\"comment\":\"x\",\"delta.typeChanges\":[ {\"toType\":\"short\",\"fromType\":\"byte\"} "
         ",{\"toType\":\"integer\",\"fromType\":\"short\"}]}"},
        {"a float", "float", "{}", "double", "double",
         "{\"delta.typeChanges\":[{\"toType\":\"double\",\"fromType\":\"float\"}]}"},
        {"a decimal", "decimal(5,2)", "{}", "decimal(8,4)", "decimal(8,4)",
         "{\"delta.typeChanges\":[{\"toType\":\"decimal(8,4)\",\"fromType\":\"decimal(5,2)\"}]}"},
        {"what is narrower fits", "long", "{}", "integer", "long", "{}"},
        {"a decimal with fewer digits before the point", "decimal(5,2)", "{}", "decimal(5,3)", NULL, NULL},
        {"text", "long", "{}", "string", NULL, NULL},
        {"back", "double", "{}", "long", NULL, NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct err e = {0};
        CASE(cases[i].label);
        const struct lake_type was = {.kind = LAKE_PRIMITIVE, .primitive = cases[i].have};
        const struct lake_type is = {.kind = LAKE_PRIMITIVE, .primitive = cases[i].add};
        const struct lake_field have[] = {
            {.name = "c", .type = &was, .nullable = true, .metadata = cases[i].metadata}};
        const struct lake_field add[] = {{.name = "c", .type = &is, .nullable = true, .metadata = "{}"}};
        const struct lake_schema x = {have, 1}, y = {add, 1};
        struct lake_schema got;
        bool changed = false;
        bool ok = lake_schema_merge(a, &x, &y, true, true, &got, &changed, &e);
        CHECK_INT(ok, cases[i].type != NULL);
        if (!ok || !cases[i].type)
            continue;
        CHECK_STR(got.fields[0].type->primitive, cases[i].type);
        CHECK_STR(got.fields[0].metadata, cases[i].want);
        CHECK_INT(changed, strcmp(cases[i].type, cases[i].have) != 0);
    }
}
