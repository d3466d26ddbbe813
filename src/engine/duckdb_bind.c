/* What a SELECT needs and gives, found without reading any data. */
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"

bool duck_refs(struct arena *a, struct session *s, const char *text, struct src at, struct engine_ref **ret,
               size_t *ret_n, struct err *e)
{
    (void)s;
    return sqltext_refs(a, text, at, ret, ret_n, e);
}

/* --- parameters --- */

static duckdb_value list_value(const struct engine_param *p)
{
    bool texts = p->type == PARAM_TEXTS;
    duckdb_logical_type type = duck.create_logical_type(texts ? DUCKDB_TYPE_VARCHAR : DUCKDB_TYPE_BIGINT);
    duckdb_value *values = calloc(p->n + 1, sizeof *values);
    if (!values)
        abort();
    for (size_t i = 0; i < p->n; i++)
        values[i] = texts ? duck.create_varchar(p->texts[i]) : duck.create_int64(p->nums[i]);
    duckdb_value list = duck.create_list_value(type, values, p->n);
    for (size_t i = 0; i < p->n; i++)
        duck.destroy_value(&values[i]);
    free(values);
    duck.destroy_logical_type(&type);
    return list;
}

static duckdb_value param_value(const struct engine_param *p)
{
    if (p->null)
        return duck.create_null_value();
    switch (p->type) {
    case PARAM_TEXT:
        return p->text ? duck.create_varchar(p->text) : duck.create_null_value();
    case PARAM_INT:
        return duck.create_int64(p->num);
    case PARAM_REAL:
        return duck.create_double(p->real);
    case PARAM_BOOL:
        return duck.create_bool(p->num != 0);
    case PARAM_TIMESTAMP:
        return duck.create_timestamp_tz((duckdb_timestamp){p->num});
    case PARAM_DATE:
        return duck.create_date((duckdb_date){(int32_t)p->num});
    case PARAM_TEXTS:
    case PARAM_INTS:
        return list_value(p);
    }
    return NULL;
}

bool duck_bind_params(duckdb_prepared_statement p, struct engine_params params, struct err *e)
{
    for (size_t i = 0; i < params.n && duck.nparams(p) > 0; i++) {
        idx_t index;
        if (duck.bind_parameter_index(p, &index, params.v[i].name) != DuckDBSuccess)
            continue; /* not in this text */
        duckdb_value value = param_value(&params.v[i]);
        bool ok = value && duck.bind_value(p, index, value) == DuckDBSuccess;
        duck.destroy_value(&value);
        if (!ok)
            return fail(e, ERR_USER, "parameter '$%s' was refused", params.v[i].name);
    }
    return true;
}

/* --- columns --- */

static bool describe(struct arena *a, duckdb_prepared_statement p, struct engine_column **ret, size_t *ret_n,
                     struct err *e)
{
    idx_t n = duck.prepared_statement_column_count(p);
    struct engine_column *cols = arena_make(a, struct engine_column, n);
    for (idx_t i = 0; i < n; i++) {
        auto_buf type_name = BUF(MAX_SQL);
        const char *name = duck.prepared_statement_column_name(p, i);
        duckdb_logical_type type = duck.prepared_statement_column_logical_type(p, i);
        duck_type_name(&type_name, type);
        cols[i] = (struct engine_column){arena_str(a, name), arena_strn(a, type_name.p, type_name.len),
                                         duck_type_stored(a, type)};
        duck.destroy_logical_type(&type);
        duck.free((void *)(uintptr_t)name);
        if (!buf_done(&type_name, e))
            return false;
    }
    *ret = cols;
    *ret_n = n;
    return true;
}

static bool ask(struct arena *a, struct session *s, const struct origin *o, struct engine_column **ret,
                size_t *ret_n, struct err *e)
{
    duckdb_connection con;
    auto_prepared p = NULL;
    if (!duck_bind_con(s, &con, e) || !duck_relations_need(s, o->plain->sql, e))
        return false;
    if (duck.prepare(con, o->plain->sql, &p) != DuckDBSuccess)
        return duck_fail(e, duck.prepare_error(p), false, o);
    duckdb_statement_type type = duck.prepared_statement_type(p);
    if (type != DUCKDB_STATEMENT_TYPE_SELECT) {
        fail_at(e, ERR_USER, o->at, "not a SELECT");
        return hint(e, "a model is one SELECT (it may begin with WITH or FROM)");
    }
    return describe(a, p, ret, ret_n, e);
}

bool duck_bind(struct arena *a, struct session *s, const char *sql, struct engine_params params,
               struct src at, struct engine_column **ret, size_t *ret_n, struct err *e)
{
    auto_arena *scratch = arena_new();
    struct sqltext plain;
    struct memo_key key = {0};
    if (!sqltext_plain(scratch, sql, &params, at, &plain, e))
        return false;
    if (plain.n == 0)
        return fail_at(e, ERR_USER, at, "there is no SQL here");
    memo_key_add(&key, plain.sql);
    bool known = duck_relations_key(s, plain.sql, &key);
    if (known && memo_find(s->engine->memo, a, key, ret, ret_n))
        return true;
    if (!ask(a, s, &(struct origin){.text = sql, .plain = &plain, .at = at}, ret, ret_n, e))
        return false;
    if (known)
        memo_add(s->engine->memo, key, *ret, *ret_n);
    return true;
}
