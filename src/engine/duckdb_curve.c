/* SQL functions for sorting a table along a curve:
 *
 *   cupel_rank(DOUBLE, DOUBLE[])      how many of the sorted bounds are not greater, from 1 on; 0 for null
 *   cupel_rank_text(VARCHAR, VARCHAR[])
 *   cupel_zorder(UINTEGER[])          the place of a point on the curve
 *   cupel_hilbert(UINTEGER[])
 */
#include <math.h>
#include <string.h>

#include "engine/curve.h"
#include "engine/internal.h"

static const duckdb_list_entry *entries(duckdb_vector list)
{
    return duck.vector_get_data(list);
}

/* NaN is greater than all, as in SQL's order. */
static bool not_above(double bound, double v)
{
    return isnan(v) || bound <= v;
}

static void rank_real(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    duckdb_vector v = duck.data_chunk_get_vector(in, 0), list = duck.data_chunk_get_vector(in, 1);
    const double *values = duck.vector_get_data(v);
    const double *bounds = duck.vector_get_data(duck.list_vector_get_child(list));
    uint32_t *rank = duck.vector_get_data(out);
    for (idx_t i = 0, n = duck.data_chunk_get_size(in); i < n; i++) {
        const duckdb_list_entry *e = &entries(list)[i];
        uint64_t low = 0, high = e->length;
        while (low < high) {
            uint64_t mid = low + (high - low) / 2;
            if (not_above(bounds[e->offset + mid], values[i]))
                low = mid + 1;
            else
                high = mid;
        }
        rank[i] = duck_is_null(v, i) ? 0 : (uint32_t)low + 1;
    }
}

static int compare(struct str x, struct str y)
{
    int order = memcmp(x.p, y.p, x.n < y.n ? x.n : y.n);
    return order ? order : (x.n > y.n) - (x.n < y.n);
}

static void rank_text(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    duckdb_vector v = duck.data_chunk_get_vector(in, 0), list = duck.data_chunk_get_vector(in, 1);
    duckdb_vector bounds = duck.list_vector_get_child(list);
    uint32_t *rank = duck.vector_get_data(out);
    for (idx_t i = 0, n = duck.data_chunk_get_size(in); i < n; i++) {
        const duckdb_list_entry *e = &entries(list)[i];
        bool null = duck_is_null(v, i);
        uint64_t low = 0, high = null ? 0 : e->length;
        while (low < high) {
            uint64_t mid = low + (high - low) / 2;
            if (compare(duck_string(bounds, e->offset + mid), duck_string(v, i)) <= 0)
                low = mid + 1;
            else
                high = mid;
        }
        rank[i] = null ? 0 : (uint32_t)low + 1;
    }
}

static void places(duckdb_data_chunk in, duckdb_vector out, uint64_t (*curve)(const uint32_t *, size_t))
{
    duckdb_vector list = duck.data_chunk_get_vector(in, 0);
    const uint32_t *points = duck.vector_get_data(duck.list_vector_get_child(list));
    uint64_t *place = duck.vector_get_data(out);
    for (idx_t i = 0, n = duck.data_chunk_get_size(in); i < n; i++) {
        const duckdb_list_entry *e = &entries(list)[i];
        place[i] = e->length == 0 || e->length > CURVE_MAX ? 0 : curve(points + e->offset, e->length);
    }
}

static void zorder(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    places(in, out, curve_zorder);
}

static void hilbert(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    places(in, out, curve_hilbert);
}

bool duck_curve_register(struct engine *g, struct err *e)
{
    const duckdb_type real = DUCKDB_TYPE_DOUBLE, text = DUCKDB_TYPE_VARCHAR, rank = DUCKDB_TYPE_UINTEGER,
                      place = DUCKDB_TYPE_UBIGINT;
    const struct duck_function functions[] = {
        /* A null has its rank, too. */
        {"cupel_rank", {real}, .list = real, .result = rank, .call = rank_real, .takes_nulls = true},
        {"cupel_rank_text", {text}, .list = text, .result = rank, .call = rank_text, .takes_nulls = true},
        {"cupel_zorder", {0}, .list = rank, .result = place, .call = zorder, .takes_nulls = true},
        {"cupel_hilbert", {0}, .list = rank, .result = place, .call = hilbert, .takes_nulls = true},
    };
    bool ok = true;
    for (size_t i = 0; i < countof(functions) && ok; i++)
        ok = duck_function_add(g, &functions[i], e);
    return ok;
}
