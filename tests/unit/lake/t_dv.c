#include "lake/dv.h"

#include "base/text.h"
#include "lake_test.h"

static struct rowset set_of(struct arena *a, const int64_t *rows, size_t n)
{
    struct rowset s;
    rowset_of(a, rows, n, &s);
    return s;
}

/* "0 3 65536": by rowset_next(), each checked by rowset_has(). */
static const char *show(struct arena *a, const struct rowset *s)
{
    auto_buf b = BUF(1 << 20);
    uint64_t n = 0;
    for (int64_t row = rowset_next(s, 0); row >= 0; row = rowset_next(s, row + 1), n++) {
        buf_addf(&b, "%s%" PRIi64, b.len ? " " : "", row);
        if (!rowset_has(s, row))
            BAD("%" PRIi64 " is told, and not in the set", row);
    }
    CHECK_INT(n, s->rows);
    return arena_strn(a, b.p, b.len);
}

TEST(bytes_of_any_kind_are_read_or_refused)
{
    auto_arena *a = arena_new();
    int64_t rows[300];
    for (int i = 0; i < 300; i++)
        rows[i] = i < 100 ? i * 3 : i < 200 ? 70000 + i : (INT64_C(1) << 32) + i;
    struct rowset s = set_of(a, rows, 300), back;
    auto_buf b = BUF(1 << 20);
    rowset_write(&b, &s);
    uint64_t dice = 88172645463325252;
    for (int i = 0; i < 20000; i++) {
        auto_arena *each = arena_new();
        const char *why = NULL;
        char *bytes = arena_strn(each, b.p, b.len);
        for (int k = 0; k < 1 + i % 3; k++) {
            dice ^= dice << 13, dice ^= dice >> 7, dice ^= dice << 17;
            bytes[(dice >> 20) % (i % 2 ? 60 : b.len)] = (char)(dice >> 8);
        }
        if (rowset_read(each, bytes, b.len - (dice >> 40) % 3, &back, &why)) {
            uint64_t n = 0;
            for (int64_t row = rowset_next(&back, 0); row >= 0 && n <= 70000;
                 row = rowset_next(&back, row + 1))
                n += rowset_has(&back, row);
            if (n <= 70000)
                CHECK_INT(n, back.rows);
        } else {
            CHECK(why && *why);
        }
    }
}

TEST(a_set_has_what_was_put_in)
{
    static const int64_t rows[] = {70000, 3, 1, INT64_C(5) << 32, 3, 65535, 65536, 0};
    auto_arena *a = arena_new();
    struct rowset s = set_of(a, rows, countof(rows)), none = set_of(a, NULL, 0);
    CHECK_STR(show(a, &s), "0 1 3 65535 65536 70000 21474836480");
    CHECK_STR(show(a, &none), "");
    CHECK(!rowset_has(&s, 2));
    CHECK(!rowset_has(&s, -1));
    CHECK(!rowset_has(&none, 0));
    CHECK_INT(rowset_next(&s, 65537), 70000);
    CHECK_INT(rowset_next(&s, -7), 0);
    CHECK_INT(rowset_next(&s, (INT64_C(5) << 32) + 1), -1);
}

/* Rows from `from` on, `step` apart: small steps make runs and bits, large ones lists. */
static struct rowset stripes(struct arena *a, int64_t from, int64_t step, size_t n)
{
    auto_arena *scratch = arena_new();
    int64_t *rows = arena_make(scratch, int64_t, n);
    for (size_t i = 0; i < n; i++)
        rows[i] = from + (int64_t)i * step;
    return set_of(a, rows, n);
}

TEST(sets_of_every_form_come_back_from_their_bytes)
{
    static const struct {
        const char *label;
        int64_t from, step;
        size_t n;
        enum rowset_kind kind;
    } cases[] = {
        {"one row", 5, 1, 1, ROWSET_LIST},
        {"a list", 5, 100, 3000, ROWSET_LIST},
        {"a run over chunks", 60000, 1, 200000, ROWSET_RUNS},
        {"bits", 0, 2, 100000, ROWSET_BITS},
        {"beyond 32 bits", (INT64_C(1) << 32) - 10, 3, 20, ROWSET_LIST},
        {"a whole chunk", 0, 1, 65536, ROWSET_RUNS},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        auto_buf b = BUF(1 << 20), again = BUF(1 << 20);
        const char *why = NULL;
        struct rowset s = stripes(a, cases[i].from, cases[i].step, cases[i].n), back;
        CASE(cases[i].label);
        CHECK_INT(s.chunks[0].kind, cases[i].kind);
        CHECK_INT(s.rows, cases[i].n);
        rowset_write(&b, &s);
        if (!rowset_read(a, b.p, b.len, &back, &why))
            BAD("%s", why);
        REQUIRE(!why);
        CHECK_INT(back.rows, cases[i].n);
        rowset_write(&again, &back);
        CHECK(again.len == b.len && memcmp(again.p, b.p, b.len) == 0);
        for (int64_t row = cases[i].from - 3; row < cases[i].from + 300; row++) {
            int64_t off = row - cases[i].from;
            bool want = off >= 0 && off % cases[i].step == 0 && off / cases[i].step < (int64_t)cases[i].n;
            CHECK_INT(rowset_has(&back, row), want);
        }
    }
}

TEST(rows_are_kept_in_any_order)
{
    auto_arena *a = arena_new();
    struct rowset x = stripes(a, 0, 7, 30000), y = stripes(a, 100000, 1, 50000), s;
    rowset_union(a, &x, &y, &s);
    enum { N = 4000 };
    int64_t rows[N];
    bool keep[N];
    for (int pass = 0; pass < 3; pass++) {
        for (int i = 0; i < N; i++)
            rows[i] = pass == 0 ? 98000 + i : pass == 1 ? 300000 - 73 * i : (i * INT64_C(7919)) % 250000;
        rowset_keep(&s, rows, N, keep);
        for (int i = 0; i < N; i++)
            CHECK_INT(keep[i], !rowset_has(&s, rows[i]));
    }
    CHECK_INT(s.rows, 30000 + 50000 - 7143);
}

TEST(bytes_that_are_no_set_are_refused)
{
    auto_arena *a = arena_new();
    struct rowset s = stripes(a, 0, 2, 100000), runs = stripes(a, 0, 1, 70000), list = stripes(a, 1, 9, 40);
    const struct rowset *sets[] = {&s, &runs, &list};
    for (size_t k = 0; k < countof(sets); k++) {
        auto_buf b = BUF(1 << 20);
        const char *why = NULL;
        struct rowset back;
        rowset_write(&b, sets[k]);
        size_t step = b.len > 1000 ? 97 : 1;
        for (size_t n = 0; n < b.len; n += step) {
            CHECK(!rowset_read(a, b.p, n, &back, &why));
            CHECK_STR(why, n < 4 || n >= 4 ? "it is cut off" : "");
        }
        buf_add(&b, "", 1);
        CHECK(!rowset_read(a, b.p, b.len, &back, &why));
        CHECK_STR(why, "there is more behind it");
    }
    static const struct {
        size_t at;
        unsigned char byte;
        const char *why;
    } cases[] = {
        {0, 0, "it is not of the portable format"},
        {15, 0x80, "a row number is out of range"},
        {16, 0, "it is not a Roaring bitmap"},
        {22, 0x7f, "it has too many parts"},
        {26, 38, "there is more behind it"},
        {32, 11, "its rows are not in order"},
        {11, 1, "it is cut off"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(1 << 20);
        const char *why = NULL;
        struct rowset back;
        rowset_write(&b, &list);
        b.p[cases[i].at] = (char)cases[i].byte;
        CASE(cases[i].why);
        CHECK(!rowset_read(a, b.p, b.len, &back, &why));
        CHECK_STR(why, cases[i].why);
    }
}

/* As Spark writes it. */
static const struct lake_dv example = {'i', "^Bg9^0rr910000000000iXQKl0rr91000f55c8Xg0@@D72lkbi5=-{L", -1, 44,
                                       6};

TEST(a_vector_in_the_log_is_read)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_table t = test_table(a);
    struct rowset s, back;
    REQUIRE(lake_dv_load(a, &t, &example, &s, &e));
    CHECK_STR(show(a, &s), "3 4 7 11 18 29");
    CHECK(!lake_dv_path(a, &example));
    const struct lake_dv *dv = lake_dv_inline(a, &s);
    REQUIRE(lake_dv_load(a, &t, dv, &back, &e));
    CHECK_STR(show(a, &back), "3 4 7 11 18 29");
    REQUIRE(lake_dv_load(a, &t, NULL, &back, &e));
    CHECK_INT(back.rows, 0);
}

TEST(vectors_share_a_file)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_table t = test_table(a);
    auto_buf file = BUF(1 << 20);
    const struct lake_dv *first, *second;
    struct rowset x = stripes(a, 0, 3, 10), y = stripes(a, 5, 1, 100000), back;
    const char *uuid = "d2c639aa-8816-431a-aaf6-d3fe2512ff61";
    REQUIRE(lake_dv_append(a, uuid, &x, &file, &first, &e));
    REQUIRE(lake_dv_append(a, uuid, &y, &file, &second, &e));
    CHECK_STR(lake_dv_path(a, first), "deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
    CHECK_STR(lake_dv_path(a, first), lake_dv_path(a, second));
    CHECK_INT(first->offset, 1);
    const char *path = arena_fmt(a, "t/%s", lake_dv_path(a, first));
    REQUIRE(t.store->driver->put(t.store, path, file.p, file.len, &e));
    REQUIRE(lake_dv_load(a, &t, first, &back, &e));
    CHECK_STR(show(a, &back), "0 3 6 9 12 15 18 21 24 27");
    REQUIRE(lake_dv_load(a, &t, second, &back, &e));
    CHECK_INT(back.rows, 100000);

    struct lake_dv absolute = *first;
    absolute.storage = 'p';
    absolute.path_or_inline = arena_fmt(a, "file://%s/%s", t.store->root, path);
    REQUIRE(lake_dv_load(a, &t, &absolute, &back, &e));
    CHECK_INT(back.rows, 10);
    struct lake_table clone = test_table(a);
    REQUIRE(lake_dv_load(a, &clone, &absolute, &back, &e));
    CHECK_INT(back.rows, 10);
    CHECK(strcmp(lake_file_id(a, "f", first), lake_file_id(a, "f", second)) != 0);
    CHECK_STR(lake_file_id(a, "f", NULL), "f");
}

TEST(a_vector_names_its_folder)
{
    auto_arena *a = arena_new();
    const struct lake_dv dv = {'u', "ab^-aqEH.-t@S}K{vb[*k^", 4, 40, 6};
    CHECK_STR(lake_dv_path(a, &dv), "ab/deletion_vector_d2c639aa-8816-431a-aaf6-d3fe2512ff61.bin");
}

TEST(vectors_that_are_damaged_are_refused)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct lake_table t = test_table(a);
    auto_buf file = BUF(1 << 20);
    const struct lake_dv *good;
    struct rowset x = stripes(a, 0, 3, 10), back;
    REQUIRE(lake_dv_append(a, "d2c639aa-8816-431a-aaf6-d3fe2512ff61", &x, &file, &good, &e));
    const char *name = lake_dv_path(a, good), *path = arena_fmt(a, "t/%s", name);
    struct lake_dv far = *good, large = *good, other = *good, fewer = *good, endless = *good;
    far.offset = 2;
    large.size_bytes++;
    other.size_bytes--;
    fewer.cardinality--;
    endless.size_bytes = INT64_MAX;
    struct lake_dv short_inline = example, odd_inline = example, large_inline = example;
    short_inline.path_or_inline = "^Bg9^0rr910000000000";
    odd_inline.path_or_inline = "^Bg9^0rr91000000000\"";
    large_inline.size_bytes = 45;
    const struct lake_dv nameless = {'u', "short", 1, 40, 6}, outside = {'p', "s3://some/where", 1, 40, 6};
    const struct {
        const char *label;
        const struct lake_dv *dv;
        int at; /* the byte of the file that is changed, -1 = none */
        const char *want;
    } cases[] = {
        {"version", good, 0, "the file is not of version 1"},
        {"size", good, 1, "its size is not what the log says"},
        {"data", good, 9, "its checksum does not match"},
        {"behind its end", &large, -1, "the file is cut off"},
        {"another size", &other, -1, "its size is not what the log says"},
        {"another place", &far, -1, "the file is cut off"},
        {"cardinality", &fewer, -1, "it has not as many rows as the log says"},
        {"endless", &endless, -1, "its size is out of range"},
        {"inline, cut", &short_inline, -1, "its size is not what the log says"},
        {"inline, a letter", &odd_inline, -1, "it is not Z85"},
        {"inline, size", &large_inline, -1, "its size is not what the log says"},
        {"no name", &nameless, -1, "that does not name a file"},
        {"outside", &outside, -1, "is not below"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(1 << 20);
        CASE(cases[i].label);
        buf_add(&b, file.p, file.len);
        if (cases[i].at >= 0)
            b.p[cases[i].at] = (char)(b.p[cases[i].at] ^ 0x10);
        REQUIRE(t.store->driver->put(t.store, path, b.p, b.len, &e));
        CHECK(!lake_dv_load(a, &t, cases[i].dv, &back, &e));
        CHECK_INT(e.kind, ERR_DATA);
        CHECK_HAS(e.msg, cases[i].want);
    }
    CASE("gone");
    REQUIRE(t.store->driver->remove(t.store, path, &e));
    CHECK(!lake_dv_load(a, &t, good, &back, &e));
    CHECK_STR(e.msg, arena_fmt(a, "the deletion vector '%s' of table 't' is gone", name));
}
