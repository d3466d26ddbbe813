/* Our own SQL functions. */
#include "base/text.h"
#include "engine/internal.h"
#include "engine/sentiment.h"

bool duck_function_add(struct engine *g, const struct duck_function *f, struct err *e)
{
    duckdb_scalar_function made = duck.create_scalar_function();
    duckdb_logical_type result = duck.create_logical_type(f->result);
    duck.scalar_function_set_name(made, f->name);
    for (size_t i = 0; i < countof(f->parameters) && f->parameters[i] != DUCKDB_TYPE_INVALID; i++) {
        duckdb_logical_type type = duck.create_logical_type(f->parameters[i]);
        duck.scalar_function_add_parameter(made, type);
        duck.destroy_logical_type(&type);
    }
    if (f->list != DUCKDB_TYPE_INVALID) {
        duckdb_logical_type child = duck.create_logical_type(f->list), list = duck.create_list_type(child);
        duck.scalar_function_add_parameter(made, list);
        duck.destroy_logical_type(&list);
        duck.destroy_logical_type(&child);
    }
    duck.scalar_function_set_return_type(made, result);
    duck.scalar_function_set_extra_info(made, g, NULL);
    if (f->is_volatile)
        duck.scalar_function_set_volatile(made);
    if (f->takes_nulls)
        duck.scalar_function_set_special_handling(made);
    duck.scalar_function_set_function(made, f->call);
    bool ok = duck.register_scalar_function(g->con, made) == DuckDBSuccess;
    duck.destroy_logical_type(&result);
    duck.destroy_scalar_function(&made);
    return ok || fail(e, ERR_IO, "DuckDB refused the function %s", f->name);
}

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
    static const struct duck_function f = {
        "sentiment", {DUCKDB_TYPE_VARCHAR}, .result = DUCKDB_TYPE_DOUBLE, .call = sentiment};
    return duck_function_add(g, &f, e);
}
