#include "rows/rows.h"

#include "fault.h"
#include "nanoarrow/nanoarrow.h"
#include "test.h"

static const struct rows_column all[] = {
    {"t", ROWS_TEXT}, {"i", ROWS_INT64},      {"j", ROWS_INT32}, {"r", ROWS_REAL},
    {"b", ROWS_BOOL}, {"at", ROWS_TIMESTAMP}, {"on", ROWS_DATE},
};

static void put_row(struct rows *r, const char *text, int64_t n)
{
    rows_text(r, text, strlen(text));
    rows_int(r, n);
    rows_int(r, n);
    rows_real(r, (double)n / 2);
    rows_int(r, n % 2);
    rows_int(r, n * 1000000);
    rows_int(r, n);
}

TEST(columns_have_their_types)
{
    static const char *const formats[] = {"u", "l", "i", "g", "b", "tsu:UTC", "tdD"};
    struct rows *r;
    struct err e;
    struct ArrowArrayStream s;
    struct ArrowSchema schema;
    REQUIRE(rows_new(all, countof(all), &r, &e));
    REQUIRE(rows_take(r, &s, &e));
    REQUIRE(s.get_schema(&s, &schema) == 0);
    CHECK_STR(schema.format, "+s");
    CHECK_INT(schema.n_children, countof(all));
    for (size_t i = 0; i < countof(all); i++) {
        CHECK_STR(schema.children[i]->name, all[i].name);
        CHECK_STR(schema.children[i]->format, formats[i]);
    }
    schema.release(&schema);
    s.release(&s);
    rows_free(r);
}

TEST(rows_come_out_as_they_went_in)
{
    struct rows *r;
    struct err e;
    struct ArrowArrayStream s;
    struct ArrowSchema schema;
    struct ArrowArray array;
    struct ArrowArrayView v;
    REQUIRE(rows_new(all, countof(all), &r, &e));
    for (int round = 0; round < 2; round++) { /* the builder serves again */
        put_row(r, "one", 1);
        put_row(r, "", -2);
        for (size_t i = 0; i < countof(all); i++)
            rows_null(r);
        CHECK_INT(rows_count(r), 3);
        REQUIRE(rows_take(r, &s, &e));
        CHECK_INT(rows_count(r), 0);
        REQUIRE(s.get_schema(&s, &schema) == 0 && s.get_next(&s, &array) == 0 && array.release);
        REQUIRE(ArrowArrayViewInitFromSchema(&v, &schema, NULL) == 0);
        REQUIRE(ArrowArrayViewSetArray(&v, &array, NULL) == 0);
        CHECK_INT(v.length, 3);
        struct ArrowStringView t = ArrowArrayViewGetStringUnsafe(v.children[0], 0);
        CHECK(t.size_bytes == 3 && memcmp(t.data, "one", 3) == 0);
        CHECK_INT(ArrowArrayViewGetStringUnsafe(v.children[0], 1).size_bytes, 0);
        CHECK_INT(ArrowArrayViewGetIntUnsafe(v.children[1], 1), -2);
        CHECK_INT(ArrowArrayViewGetIntUnsafe(v.children[2], 0), 1);
        CHECK(ArrowArrayViewGetDoubleUnsafe(v.children[3], 0) == 0.5);
        CHECK_INT(ArrowArrayViewGetIntUnsafe(v.children[4], 0), 1);
        CHECK_INT(ArrowArrayViewGetIntUnsafe(v.children[4], 1), 0);
        CHECK_INT(ArrowArrayViewGetIntUnsafe(v.children[5], 1), -2000000);
        CHECK_INT(ArrowArrayViewGetIntUnsafe(v.children[6], 1), -2);
        for (size_t i = 0; i < countof(all); i++) {
            CHECK(!ArrowArrayViewIsNull(v.children[i], 0));
            CHECK(ArrowArrayViewIsNull(v.children[i], 2));
        }
        ArrowArrayViewReset(&v);
        array.release(&array);
        REQUIRE(s.get_next(&s, &array) == 0);
        CHECK(!array.release);
        schema.release(&schema);
        s.release(&s);
    }
    rows_free(r);
}

TEST(what_does_not_fit_its_column_is_an_error_once)
{
    static const struct rows_column one[] = {{"j", ROWS_INT32}};
    struct rows *r;
    struct err e;
    struct ArrowArrayStream s;
    REQUIRE(rows_new(one, 1, &r, &e));
    rows_int(r, INT64_C(1) << 40);
    rows_int(r, 1);
    CHECK(!rows_take(r, &s, &e));
    CHECK_INT(e.kind, ERR_DATA);
    rows_int(r, 1);
    REQUIRE(rows_take(r, &s, &e));
    s.release(&s);
    rows_free(r);
}

TEST(rows_that_nobody_takes_are_freed)
{
    struct rows *r;
    struct err e;
    REQUIRE(rows_new(all, countof(all), &r, &e));
    put_row(r, "left", 1);
    rows_text(r, "half a row", 10);
    rows_free(r);
    rows_free(NULL);
}
