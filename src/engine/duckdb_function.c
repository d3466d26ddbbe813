/* Our own SQL functions. */
#include "base/text.h"
#include "engine/internal.h"
#include "engine/sentiment.h"

/* sentiment(VARCHAR) -> DOUBLE */
static void sentiment(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    (void)info;
    sentiment_init(); /* not before it is needed: it takes a millisecond */
    duckdb_vector text = duck.data_chunk_get_vector(in, 0);
    double *scores = duck.vector_get_data(out);
    duck.vector_ensure_validity_writable(out);
    uint64_t *valid = duck.vector_get_validity(out);
    for (idx_t i = 0, n = duck.data_chunk_get_size(in); i < n; i++) {
        if (duck_is_null(text, i)) {
            duck.validity_set_row_invalid(valid, i);
            continue;
        }
        struct str s = duck_string(text, i);
        scores[i] = sentiment_score(s.p, s.n);
    }
}

bool duck_functions_register(struct engine *g, struct err *e)
{
    duckdb_scalar_function f = duck.create_scalar_function();
    duckdb_logical_type text = duck.create_logical_type(DUCKDB_TYPE_VARCHAR);
    duckdb_logical_type real = duck.create_logical_type(DUCKDB_TYPE_DOUBLE);
    duck.scalar_function_set_name(f, "sentiment");
    duck.scalar_function_add_parameter(f, text);
    duck.scalar_function_set_return_type(f, real);
    duck.scalar_function_set_function(f, sentiment);
    bool ok = duck.register_scalar_function(g->con, f) == DuckDBSuccess;
    duck.destroy_logical_type(&text);
    duck.destroy_logical_type(&real);
    duck.destroy_scalar_function(&f);
    return ok || fail(e, ERR_IO, "DuckDB refused the function sentiment");
}
