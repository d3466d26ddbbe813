/* Reading the vectors of a chunk, which are flat when they leave a result. */
#include "base/text.h"
#include "engine/internal.h"

bool duck_is_null(duckdb_vector v, idx_t row)
{
    const uint64_t *valid = duck.vector_get_validity(v);
    return valid && !(valid[row / 64] >> (row % 64) & 1);
}

struct str duck_string(duckdb_vector v, idx_t row)
{
    /* Short strings are in the vector itself, so the slice must not point at a copy. */
    const duckdb_string_t *s = &((const duckdb_string_t *)duck.vector_get_data(v))[row];
    uint32_t n = s->value.inlined.length;
    return (struct str){
        n <= sizeof s->value.inlined.inlined ? s->value.inlined.inlined : s->value.pointer.ptr, n};
}
