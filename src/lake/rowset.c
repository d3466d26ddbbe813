#include "lake/rowset.h"

#include <endian.h>
#include <stdlib.h>
#include <string.h>

#include "base/base.h"

enum {
    WORDS = 1024,       /* of 64 bits: one chunk */
    LIST_MAX = 4096,    /* rows of a list: more take less room as bits */
    OFFSETS_FROM = 4,   /* chunks from which on a bitmap with runs has offsets */
    COOKIE = 12346,     /* a bitmap without runs */
    COOKIE_RUNS = 12347 /* one that may have them */
};
static const uint32_t magic = 1681511377; /* RoaringBitmapArray, portable */

static bool bit(const uint64_t *bits, uint32_t i)
{
    return bits[i >> 6] >> (i & 63) & 1;
}

static void set_bits(uint64_t *bits, uint32_t from, uint32_t to)
{
    for (uint32_t i = from; i <= to;) {
        if ((i & 63) == 0 && to - i >= 63) {
            bits[i >> 6] = UINT64_MAX;
            i += 64;
        } else {
            bits[i >> 6] |= UINT64_C(1) << (i & 63);
            i++;
        }
    }
}

/* The first bit that is `want` from `from` on, 65,536 = none. */
static uint32_t find_bit(const uint64_t *bits, uint32_t from, bool want)
{
    for (uint32_t w = from >> 6; w < WORDS; w++) {
        uint64_t x = want ? bits[w] : ~bits[w];
        if (w == from >> 6)
            x &= UINT64_MAX << (from & 63);
        if (x)
            return w * 64 + (uint32_t)__builtin_ctzll(x);
    }
    return WORDS * 64;
}

/* --- asking --- */

/* The first chunk that is not below `high`. */
static size_t find_chunk(const struct rowset *s, uint64_t high)
{
    size_t lo = 0, hi = s->n;
    while (lo < hi) {
        size_t mid = lo + (hi - lo) / 2;
        if (s->chunks[mid].high < high)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

/* The first entry whose rows do not all lie below `low`. */
static uint32_t find_entry(const struct rowset_chunk *c, uint32_t low)
{
    uint32_t lo = 0, hi = c->n;
    while (lo < hi) {
        uint32_t mid = lo + (hi - lo) / 2;
        uint32_t last = c->kind == ROWSET_LIST ? c->v[mid] : (uint32_t)c->v[2 * mid] + c->v[2 * mid + 1];
        if (last < low)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo;
}

static bool entry_has(const struct rowset_chunk *c, uint32_t i, uint32_t low)
{
    return i < c->n && (c->kind == ROWSET_LIST ? c->v[i] : c->v[2 * (size_t)i]) <= low;
}

static bool chunk_has(const struct rowset_chunk *c, uint32_t low)
{
    return c->kind == ROWSET_BITS ? bit(c->bits, low) : entry_has(c, find_entry(c, low), low);
}

bool rowset_has(const struct rowset *s, int64_t row)
{
    uint64_t high = (uint64_t)row >> 16;
    size_t i = row < 0 ? s->n : find_chunk(s, high);
    return i < s->n && s->chunks[i].high == high && chunk_has(&s->chunks[i], (uint32_t)row & 0xffff);
}

static int64_t chunk_next(const struct rowset_chunk *c, uint32_t low)
{
    if (c->kind == ROWSET_BITS)
        return find_bit(c->bits, low, true);
    uint32_t i = find_entry(c, low);
    if (i == c->n)
        return WORDS * 64;
    uint32_t first = c->kind == ROWSET_LIST ? c->v[i] : c->v[2 * (size_t)i];
    return first > low ? first : low;
}

int64_t rowset_next(const struct rowset *s, int64_t from)
{
    from = from < 0 ? 0 : from;
    uint64_t high = (uint64_t)from >> 16;
    for (size_t i = find_chunk(s, high); i < s->n; i++) {
        const struct rowset_chunk *c = &s->chunks[i];
        int64_t low = chunk_next(c, c->high == high ? (uint32_t)from & 0xffff : 0);
        if (low < WORDS * 64)
            return (int64_t)(c->high << 16) + low;
    }
    return -1;
}

void rowset_keep(const struct rowset *s, const int64_t *rows, size_t n, bool *ret)
{
    for (size_t i = 0; i < n;) {
        uint64_t high = (uint64_t)rows[i] >> 16;
        size_t at = rows[i] < 0 ? s->n : find_chunk(s, high);
        const struct rowset_chunk *c = at < s->n && s->chunks[at].high == high ? &s->chunks[at] : NULL;
        uint32_t entry = c && c->kind != ROWSET_BITS ? find_entry(c, (uint32_t)rows[i] & 0xffff) : 0;
        int64_t before = rows[i];
        for (; i < n && (uint64_t)rows[i] >> 16 == high && rows[i] >= before; i++) {
            uint32_t low = (uint32_t)rows[i] & 0xffff;
            before = rows[i];
            if (!c) {
                ret[i] = true;
            } else if (c->kind == ROWSET_BITS) {
                ret[i] = !bit(c->bits, low);
            } else {
                while (entry < c->n && (c->kind == ROWSET_LIST ? c->v[entry]
                                                               : (uint32_t)c->v[2 * (size_t)entry] +
                                                                     c->v[2 * (size_t)entry + 1]) < low)
                    entry++;
                ret[i] = !entry_has(c, entry, low);
            }
        }
    }
}

/* --- making --- */

struct chunks list_of(struct rowset_chunk);

struct making {
    struct arena *a;
    struct chunks chunks;
    uint64_t rows;
};

static uint16_t *list_bits(struct arena *a, const uint64_t *bits, uint32_t rows)
{
    uint16_t *v = arena_make(a, uint16_t, rows);
    uint32_t n = 0;
    for (uint32_t i = find_bit(bits, 0, true); i < WORDS * 64; i = find_bit(bits, i + 1, true))
        v[n++] = (uint16_t)i;
    return v;
}

static uint16_t *list_runs(struct arena *a, const uint64_t *bits, uint32_t runs)
{
    uint16_t *v = arena_make(a, uint16_t, 2 * (size_t)runs);
    uint32_t n = 0;
    for (uint32_t i = find_bit(bits, 0, true); i < WORDS * 64; i = find_bit(bits, i, true)) {
        uint32_t end = find_bit(bits, i, false);
        v[n++] = (uint16_t)i;
        v[n++] = (uint16_t)(end - 1 - i);
        if (end == WORDS * 64)
            break;
        i = end;
    }
    return v;
}

/* In the form that takes the least room. */
static void push_bits(struct making *m, uint64_t high, const uint64_t *bits)
{
    uint32_t rows = 0, runs = 0;
    uint64_t carry = 0;
    for (size_t w = 0; w < WORDS; w++) {
        rows += (uint32_t)__builtin_popcountll(bits[w]);
        runs += (uint32_t)__builtin_popcountll(bits[w] & ~(bits[w] << 1 | carry));
        carry = bits[w] >> 63;
    }
    if (!rows)
        return;
    struct rowset_chunk c = {.high = high, .rows = rows};
    size_t plain = rows <= LIST_MAX ? 2 * (size_t)rows : WORDS * 8;
    if (2 + 4 * (size_t)runs < plain) {
        c.kind = ROWSET_RUNS;
        c.n = runs;
        c.v = list_runs(m->a, bits, runs);
    } else if (rows <= LIST_MAX) {
        c.kind = ROWSET_LIST;
        c.n = rows;
        c.v = list_bits(m->a, bits, rows);
    } else {
        uint64_t *copy = arena_make(m->a, uint64_t, WORDS);
        memcpy(copy, bits, WORDS * sizeof *bits);
        c.kind = ROWSET_BITS;
        c.bits = copy;
    }
    *arena_push(m->a, &m->chunks) = c;
    m->rows += rows;
}

static int by_number(const void *x, const void *y)
{
    int64_t a = *(const int64_t *)x, b = *(const int64_t *)y;
    return (a > b) - (a < b);
}

void rowset_of(struct arena *a, const int64_t *rows, size_t n, struct rowset *ret)
{
    auto_arena *scratch = arena_new();
    struct making m = {.a = a};
    int64_t *sorted = arena_make(scratch, int64_t, n);
    uint64_t *bits = arena_make(scratch, uint64_t, WORDS);
    if (n)
        memcpy(sorted, rows, n * sizeof *rows);
    if (n)
        qsort(sorted, n, sizeof *sorted, by_number);
    for (size_t i = 0; i < n;) {
        uint64_t high = (uint64_t)sorted[i] >> 16;
        memset(bits, 0, WORDS * sizeof *bits);
        for (; i < n && (uint64_t)sorted[i] >> 16 == high; i++)
            bits[(sorted[i] & 0xffff) >> 6] |= UINT64_C(1) << (sorted[i] & 63);
        push_bits(&m, high, bits);
    }
    *ret = (struct rowset){m.chunks.v, m.chunks.n, m.rows};
}

static void add_chunk(uint64_t *bits, const struct rowset_chunk *c)
{
    if (c->kind == ROWSET_BITS)
        for (size_t w = 0; w < WORDS; w++)
            bits[w] |= c->bits[w];
    else if (c->kind == ROWSET_LIST)
        for (uint32_t i = 0; i < c->n; i++)
            set_bits(bits, c->v[i], c->v[i]);
    else
        for (uint32_t i = 0; i < c->n; i++)
            set_bits(bits, c->v[2 * i], (uint32_t)c->v[2 * i] + c->v[2 * i + 1]);
}

void rowset_union(struct arena *a, const struct rowset *x, const struct rowset *y, struct rowset *ret)
{
    auto_arena *scratch = arena_new();
    struct making m = {.a = a};
    uint64_t *bits = arena_make(scratch, uint64_t, WORDS);
    for (size_t i = 0, k = 0; i < x->n || k < y->n;) {
        uint64_t hx = i < x->n ? x->chunks[i].high : UINT64_MAX;
        uint64_t hy = k < y->n ? y->chunks[k].high : UINT64_MAX;
        memset(bits, 0, WORDS * sizeof *bits);
        if (hx <= hy)
            add_chunk(bits, &x->chunks[i++]);
        if (hy <= hx)
            add_chunk(bits, &y->chunks[k++]);
        push_bits(&m, hx < hy ? hx : hy, bits);
    }
    *ret = (struct rowset){m.chunks.v, m.chunks.n, m.rows};
}

/* --- bytes --- */

static void put16(struct buf *b, uint32_t v)
{
    uint16_t le = htole16((uint16_t)v);
    buf_add(b, &le, sizeof le);
}

static void put32(struct buf *b, uint32_t v)
{
    uint32_t le = htole32(v);
    buf_add(b, &le, sizeof le);
}

static void put64(struct buf *b, uint64_t v)
{
    uint64_t le = htole64(v);
    buf_add(b, &le, sizeof le);
}

static size_t chunk_bytes(const struct rowset_chunk *c)
{
    return c->kind == ROWSET_BITS   ? WORDS * 8
           : c->kind == ROWSET_LIST ? 2 * (size_t)c->n
                                    : 2 + 4 * (size_t)c->n;
}

static void put_chunk(struct buf *b, const struct rowset_chunk *c)
{
    size_t n = c->kind == ROWSET_RUNS ? 2 * (size_t)c->n : c->n;
    if (c->kind == ROWSET_RUNS)
        put16(b, c->n);
    for (size_t i = 0; c->kind == ROWSET_BITS && i < WORDS; i++)
        put64(b, c->bits[i]);
    for (size_t i = 0; c->kind != ROWSET_BITS && i < n; i++)
        put16(b, c->v[i]);
}

/* The chunks of one 32-bit bitmap, in Roaring's portable format. */
static void put_bitmap(struct buf *b, const struct rowset_chunk *c, size_t n)
{
    bool runs = false;
    size_t flags = (n + 7) / 8;
    for (size_t i = 0; i < n; i++)
        runs |= c[i].kind == ROWSET_RUNS;
    put32(b, runs ? COOKIE_RUNS | (uint32_t)(n - 1) << 16 : COOKIE);
    if (!runs)
        put32(b, (uint32_t)n);
    for (size_t i = 0; runs && i < flags; i++) {
        unsigned char byte = 0;
        for (size_t k = 0; k < 8 && i * 8 + k < n; k++)
            byte |= (unsigned char)((c[i * 8 + k].kind == ROWSET_RUNS) << k);
        buf_add(b, &byte, 1);
    }
    for (size_t i = 0; i < n; i++) {
        put16(b, (uint32_t)c[i].high & 0xffff);
        put16(b, c[i].rows - 1);
    }
    size_t at = (runs ? 4 + flags : 8) + 8 * n;
    for (size_t i = 0; (!runs || n >= OFFSETS_FROM) && i < n; i++) {
        put32(b, (uint32_t)at);
        at += chunk_bytes(&c[i]);
    }
    for (size_t i = 0; i < n; i++)
        put_chunk(b, &c[i]);
}

void rowset_write(struct buf *b, const struct rowset *s)
{
    uint64_t bitmaps = 0;
    for (size_t i = 0; i < s->n; i++)
        bitmaps += i == 0 || s->chunks[i].high >> 16 != s->chunks[i - 1].high >> 16;
    put32(b, magic);
    put64(b, bitmaps);
    for (size_t i = 0, end; i < s->n; i = end) {
        for (end = i; end < s->n && s->chunks[end].high >> 16 == s->chunks[i].high >> 16;)
            end++;
        put32(b, (uint32_t)(s->chunks[i].high >> 16));
        put_bitmap(b, s->chunks + i, end - i);
    }
}

struct bytes { /* what is still to be read; the first failure sticks */
    const unsigned char *p, *end;
    const char *why;
};

static const unsigned char *take(struct bytes *in, size_t n)
{
    static const unsigned char zeroes[8];
    if (!in->why && (size_t)(in->end - in->p) < n)
        in->why = "it is cut off";
    if (in->why)
        return n <= sizeof zeroes ? zeroes : NULL;
    in->p += n;
    return in->p - n;
}

static uint32_t take16(struct bytes *in)
{
    const unsigned char *p = take(in, 2);
    return (uint32_t)p[0] | (uint32_t)p[1] << 8;
}

static uint32_t take32(struct bytes *in)
{
    uint32_t low = take16(in);
    return low | take16(in) << 16;
}

static uint64_t take64(struct bytes *in)
{
    uint64_t low = take32(in);
    return low | (uint64_t)take32(in) << 32;
}

static void take_bits(struct arena *a, struct bytes *in, struct rowset_chunk *c)
{
    uint32_t rows = 0;
    const unsigned char *p = take(in, (size_t)WORDS * 8);
    if (!p)
        return;
    uint64_t *bits = arena_make(a, uint64_t, WORDS);
    memcpy(bits, p, (size_t)WORDS * 8);
    for (size_t i = 0; i < WORDS; i++) {
        bits[i] = le64toh(bits[i]);
        rows += (uint32_t)__builtin_popcountll(bits[i]);
    }
    c->bits = bits;
    if (rows != c->rows)
        in->why = "a bitmap has not as many rows as it says";
}

static const uint16_t *take_numbers(struct arena *a, struct bytes *in, size_t n)
{
    const unsigned char *p = take(in, 2 * n);
    if (in->why || !p)
        return NULL;
    uint16_t *v = arena_make(a, uint16_t, n);
    memcpy(v, p, 2 * n);
    for (size_t i = 0; i < n; i++)
        v[i] = le16toh(v[i]);
    return v;
}

static void take_list(struct arena *a, struct bytes *in, struct rowset_chunk *c)
{
    c->n = c->rows;
    c->v = take_numbers(a, in, c->n);
    for (uint32_t i = 1; c->v && i < c->n; i++)
        if (c->v[i] <= c->v[i - 1])
            in->why = "its rows are not in order";
}

static void take_runs(struct arena *a, struct bytes *in, struct rowset_chunk *c)
{
    uint32_t rows = 0, next = 0;
    c->n = take16(in);
    c->v = take_numbers(a, in, 2 * (size_t)c->n);
    for (uint32_t i = 0; c->v && i < c->n; i++) {
        uint32_t first = c->v[2 * i], last = first + c->v[2 * i + 1];
        if (first < next || last > 0xffff)
            in->why = "its runs are not in order";
        rows += last - first + 1;
        next = last + 1;
    }
    if (!in->why && rows != c->rows)
        in->why = "a run has not as many rows as it says";
}

static void take_bitmap(struct making *m, struct bytes *in, uint64_t key)
{
    uint32_t cookie = take32(in), n = (cookie >> 16) + 1;
    bool runs = (cookie & 0xffff) == COOKIE_RUNS;
    if (!runs && cookie != COOKIE && !in->why)
        in->why = "it is not a Roaring bitmap";
    if (!runs)
        n = take32(in);
    if (n > 0x10000 && !in->why)
        in->why = "it has too many parts";
    if (in->why)
        return;
    const unsigned char *flags = take(in, runs ? (n + 7) / 8 : 0);
    const unsigned char *heads = take(in, 4 * (size_t)n);
    if (!runs || n >= OFFSETS_FROM)
        (void)take(in, 4 * (size_t)n); /* the parts stand one behind another */
    for (uint32_t i = 0; i < n && !in->why; i++) {
        struct bytes head = {heads + 4 * (size_t)i, heads + 4 * (size_t)i + 4, NULL};
        struct rowset_chunk c = {.high = key << 16 | take16(&head), .rows = take16(&head) + 1};
        if (m->chunks.n && m->chunks.v[m->chunks.n - 1].high >= c.high) {
            in->why = "its parts are not in order";
            return;
        }
        c.kind = runs && flags[i / 8] >> (i % 8) & 1 ? ROWSET_RUNS
                 : c.rows <= LIST_MAX                ? ROWSET_LIST
                                                     : ROWSET_BITS;
        if (c.kind == ROWSET_RUNS)
            take_runs(m->a, in, &c);
        else if (c.kind == ROWSET_LIST)
            take_list(m->a, in, &c);
        else
            take_bits(m->a, in, &c);
        *arena_push(m->a, &m->chunks) = c;
        m->rows += c.rows;
    }
}

bool rowset_read(struct arena *a, const void *p, size_t n, struct rowset *ret, const char **ret_why)
{
    struct bytes in = {p, (const unsigned char *)p + n, NULL};
    struct making m = {.a = a};
    if (take32(&in) != magic && !in.why)
        in.why = "it is not of the portable format";
    uint64_t bitmaps = take64(&in);
    for (uint64_t i = 0; i < bitmaps && !in.why; i++) {
        uint64_t key = take32(&in);
        if (key > INT32_MAX && !in.why)
            in.why = "a row number is out of range";
        if (!in.why)
            take_bitmap(&m, &in, key);
    }
    if (!in.why && in.p != in.end)
        in.why = "there is more behind it";
    if (in.why) {
        *ret_why = in.why;
        return false;
    }
    *ret = (struct rowset){m.chunks.v, m.chunks.n, m.rows};
    return true;
}
