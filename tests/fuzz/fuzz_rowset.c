/* fuzz_rowset.c - any bytes as a deletion vector: they are refused, or a set that is the same when it is
 * written and read again, and of which every way to ask says the same. */
#include <stdlib.h>

#include "lake/rowset.h"

enum { LOOK = 20000 }; /* rows: a few bytes can stand for millions of them */

static void same(const struct rowset *x, const struct rowset *y)
{
    int64_t row = -1;
    for (int i = 0; i < LOOK; i++) {
        int64_t next = rowset_next(x, row + 1);
        bool keep = true;
        if (next != rowset_next(y, row + 1))
            abort();
        if (next < 0)
            return;
        rowset_keep(x, &next, 1, &keep);
        if (next <= row || !rowset_has(x, next) || keep || (next - 1 > row && rowset_has(x, next - 1)))
            abort();
        row = next;
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    auto_arena *a = arena_new();
    struct rowset s, again, both;
    const char *why = NULL;
    if (!rowset_read(a, data, size, &s, &why)) {
        if (!why)
            abort();
        return 0;
    }
    auto_buf b = BUF(SIZE_MAX / 2);
    rowset_write(&b, &s);
    if (b.failed)
        return 0;
    if (!rowset_read(a, b.p, b.len, &again, &why) || again.rows != s.rows)
        abort();
    same(&s, &again);
    rowset_union(a, &s, &again, &both);
    if (both.rows != s.rows)
        abort();
    return 0;
}
