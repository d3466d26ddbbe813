/* rowset.h - a set of row numbers, as Roaring bitmaps hold them: by 65,536 rows a list, a bit for each, or
 * runs, whichever is smallest. Its bytes are those of Delta's deletion vectors (RoaringBitmapArray,
 * portable).
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct rowset_chunk {
    uint64_t high; /* row >> 16 */
    enum rowset_kind { ROWSET_LIST, ROWSET_BITS, ROWSET_RUNS } kind;
    uint32_t rows, n; /* rows that it holds; entries of v */
    union {
        const uint16_t *v;    /* list: low halves, ascending; runs: first and length - 1, in turn */
        const uint64_t *bits; /* 1024 words */
    };
};

struct rowset { /* chunks ascend */
    const struct rowset_chunk *chunks;
    size_t n;
    uint64_t rows;
};

/* From row numbers in any order, doubles allowed; each from 0 to 2^47. */
void rowset_of(struct arena *a, const int64_t *rows, size_t n, struct rowset *ret);
void rowset_union(struct arena *a, const struct rowset *x, const struct rowset *y, struct rowset *ret);

bool rowset_has(const struct rowset *s, int64_t row);
/* The first row from `from` on; -1 = none. */
int64_t rowset_next(const struct rowset *s, int64_t from);
/* ret[i] = rows[i] is not in the set. Fast where the rows ascend. */
void rowset_keep(const struct rowset *s, const int64_t *rows, size_t n, bool *ret);

void rowset_write(struct buf *b, const struct rowset *s);
/* False, with a static text, for bytes that are not one whole set in order. It takes little more memory than
 * there are bytes. */
bool rowset_read(struct arena *a, const void *p, size_t n, struct rowset *ret, const char **ret_why);
