#include "lake/action.h"

#include "lake_test.h"

static struct str text(const char *p)
{
    return (struct str){p, p ? strlen(p) : 0};
}

TEST(adds_that_come_in_columns)
{
    static const struct {
        const char *label, *path, *values, *stats, *others, *why;
        int64_t rows;
    } cases[] = {
        {"all", "a%20b", "{\"p\":\"1\"}", "{\"numRecords\":3}", "{\"tags\":{\"t\":\"v\"},\"baseRowId\":7}",
         NULL, 3},
        {"the same values", "a%20b", "{\"p\":\"1\"}", NULL, "{\"stats_parsed\":{\"numRecords\":4}}", NULL, 4},
        {"other values", "a%20b", "{\"p\":\"1\"}", "{}", NULL, NULL, -1},
        {"no path", NULL, "{}", NULL, NULL, "a file without a path", 0},
        {"an empty path", "", "{}", NULL, NULL, "a file without a path", 0},
        {"values that are none", "a", "[1]", NULL, NULL, "an object is expected", 0},
        {"a vector that is stored nowhere", "a", "{}", NULL, "{\"deletionVector\":{}}",
         "a deletion vector that is stored nowhere", 0},
    };
    auto_arena *a = arena_new();
    struct pairs_memo memo = {0};
    for (size_t i = 0; i < countof(cases); i++) {
        struct file_act *f = NULL;
        const char *why = NULL;
        const struct lake_parquet_add x = {
            .path = text(cases[i].path),
            .values = text(cases[i].values),
            .stats = text(cases[i].stats),
            .others = text(cases[i].others),
            .size = 5,
            .mtime_ms = -1,
        };
        bool ok = action_of_columns(a, &x, &memo, &f, &why);
        if (ok != !cases[i].why || (!ok && strcmp(why, cases[i].why) != 0)) {
            BAD("%s: %s", cases[i].label, why ? why : "it was taken");
            continue;
        }
        if (!ok)
            continue;
        CHECK_STR(f->path, "a b");
        CHECK_INT(f->rows, cases[i].rows);
        CHECK_INT(f->size, 5);
        CHECK_INT(f->time_ms, 0);
        CHECK(!f->data_change && f->has_values);
        CHECK_INT(f->nvalues, 1);
        CHECK_STR(f->values[0].value, "1");
    }
}

/* A path that C would cut off is another path. */
TEST(no_zero_byte_gets_through)
{
    auto_arena *a = arena_new();
    struct pairs_memo memo = {0};
    struct file_act *f;
    const char *why = NULL;
    struct lake_parquet_add x = {.path = {"a\0b", 3}};
    CHECK(!action_of_columns(a, &x, &memo, &f, &why));
    CHECK_STR(why, "a zero byte in a string");
    x = (struct lake_parquet_add){.path = text("a"), .stats = {"{}\0", 3}};
    CHECK(!action_of_columns(a, &x, &memo, &f, &why));
}
