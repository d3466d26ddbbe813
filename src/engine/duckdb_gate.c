/* Gates: rows that fail are written down and held back while the rest goes by, in the same pass.
 *
 * A stage's rows pass through a column
 *
 *     CASE WHEN <every gate> THEN true ELSE cupel_reject(run, bits, reasons, row) END
 *
 * which is computed once for each row (the function is volatile, so that no optimizer may move, repeat or
 * fold it) and, of that, cupel_reject only for the rows that fail. It counts the row, keeps it if there is
 * room, and gives false; for gates that only warn cupel_warn counts and gives true.
 */
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "engine/internal.h"

struct kept { /* a rejected row; allocated with its texts behind it */
    struct kept *next;
    const char *bits, *reasons, *row;
};

struct gate_run {
    struct engine *engine;
    struct gate_run *next; /* of the engine's, under its lock */
    int64_t id;
    const struct gate *gates;
    size_t ngates;

    pthread_mutex_t lock; /* of all below */
    int64_t *failed;      /* by gate */
    int64_t rejected;
    int64_t max_kept, nkept, kept_bytes;
    struct kept *first, **last;
};

/* --- the functions --- */

static struct gate_run *find_run(struct engine *g, int64_t id)
{
    pthread_mutex_lock(&g->lock);
    struct gate_run *r = g->gate_runs;
    while (r && r->id != id)
        r = r->next;
    pthread_mutex_unlock(&g->lock);
    return r;
}

static struct kept *copy_row(struct str bits, struct str reasons, struct str row)
{
    struct kept *k = calloc(1, sizeof *k + bits.n + reasons.n + row.n + 3);
    if (!k)
        return NULL;
    char *p = (char *)(k + 1);
    k->bits = memcpy(p, bits.p, bits.n);
    k->reasons = memcpy(p + bits.n + 1, reasons.p, reasons.n);
    k->row = memcpy(p + bits.n + reasons.n + 2, row.p, row.n);
    return k;
}

/* One character for each gate: 1 = passed. */
static void count(struct gate_run *r, struct str bits, bool warn)
{
    size_t bit = 0;
    for (size_t i = 0; i < r->ngates && bit < bits.n; i++)
        if (r->gates[i].warn == warn && bits.p[bit++] != '1')
            r->failed[i]++;
}

static void keep(struct gate_run *r, struct str bits, struct str reasons, struct str row)
{
    int64_t n = (int64_t)(bits.n + reasons.n + row.n);
    if (r->nkept >= r->max_kept || r->kept_bytes + n > MAX_REJECT_BYTES)
        return;
    struct kept *k = copy_row(bits, reasons, row);
    if (!k)
        return;
    *r->last = k;
    r->last = &k->next;
    r->nkept++;
    r->kept_bytes += n;
}

static void answer(duckdb_data_chunk in, duckdb_vector out, duckdb_function_info info, bool warn)
{
    struct engine *g = duck.scalar_function_get_extra_info(info);
    idx_t n = duck.data_chunk_get_size(in);
    const int64_t *ids = duck.vector_get_data(duck.data_chunk_get_vector(in, 0));
    duckdb_vector bits = duck.data_chunk_get_vector(in, 1);
    duckdb_vector reasons = warn ? NULL : duck.data_chunk_get_vector(in, 2);
    duckdb_vector rows = warn ? NULL : duck.data_chunk_get_vector(in, 3);
    bool *passes = duck.vector_get_data(out);
    struct gate_run *r = n ? find_run(g, ids[0]) : NULL;
    if (n && !r) {
        duck.scalar_function_set_error(info, "not inside a stage");
        return;
    }
    for (idx_t i = 0; i < n; i++) {
        struct str b = duck_string(bits, i);
        pthread_mutex_lock(&r->lock);
        count(r, b, warn);
        if (!warn) {
            r->rejected++;
            keep(r, b, duck_is_null(reasons, i) ? (struct str){"", 0} : duck_string(reasons, i),
                 duck_string(rows, i));
        }
        pthread_mutex_unlock(&r->lock);
        passes[i] = warn;
    }
}

static void reject(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    answer(in, out, info, false);
}

static void warned(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    answer(in, out, info, true);
}

bool duck_gates_register(struct engine *g, struct err *e)
{
    static const duckdb_type run = DUCKDB_TYPE_BIGINT, text = DUCKDB_TYPE_VARCHAR;
    const struct duck_function rejects = {.name = "cupel_reject",
                                          .parameters = {run, text, text, text},
                                          .result = DUCKDB_TYPE_BOOLEAN,
                                          .call = reject,
                                          .is_volatile = true,
                                          .takes_nulls = true};
    const struct duck_function warns = {.name = "cupel_warn",
                                        .parameters = {run, text},
                                        .result = DUCKDB_TYPE_BOOLEAN,
                                        .call = warned,
                                        .is_volatile = true,
                                        .takes_nulls = true};
    return duck_function_add(g, &rejects, e) && duck_function_add(g, &warns, e);
}

/* --- the expression --- */

static void add_bits(struct buf *b, const struct engine_stage *g, bool warn)
{
    buf_addf(b, "concat(''");
    for (size_t i = 0; i < g->ngates; i++)
        if (g->gates[i].warn == warn)
            buf_addf(b, ", CASE WHEN (%s\n) THEN '1' ELSE '0' END", g->gates[i].sql);
    buf_addf(b, ")");
}

static bool add_conditions(struct buf *b, const struct engine_stage *g, bool warn, bool reject_list)
{
    bool any = false;
    for (size_t i = 0; i < g->ngates; i++) {
        if (g->gates[i].warn == warn) {
            buf_addf(b, "%s(%s\n)", any ? " AND " : "", g->gates[i].sql);
            any = true;
        }
    }
    if (!warn && g->reject) {
        buf_addf(b, "%scoalesce(%s(", any ? " AND " : "", reject_list ? "len" : "");
        sql_ident(b, g->reject);
        buf_addf(b, ") = %s, true)", reject_list ? "0" : "''");
        any = true;
    }
    return any;
}

static void add_row(struct buf *b, const char *const *columns, size_t n)
{
    buf_addf(b, "CAST(to_json({");
    for (size_t i = 0; i < n; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        sql_literal(b, columns[i]);
        buf_addf(b, ": ");
        sql_ident(b, columns[i]);
    }
    buf_addf(b, "}) AS VARCHAR)");
}

void duck_gates_sql(struct buf *b, const struct gate_run *r, const struct engine_stage *g,
                    const char *const *columns, size_t ncolumns, bool reject_list)
{
    auto_buf pass = BUF(MAX_SQL), warn = BUF(MAX_SQL);
    bool has_pass = add_conditions(&pass, g, false, reject_list);
    bool has_warn = add_conditions(&warn, g, true, false);

    if (has_pass)
        buf_addf(b, "CASE WHEN %s THEN ", pass.p);
    if (has_warn) {
        buf_addf(b, "CASE WHEN %s THEN true ELSE cupel_warn(%" PRIi64 ", ", warn.p, r->id);
        add_bits(b, g, true);
        buf_addf(b, ") END");
    } else {
        buf_addf(b, "true");
    }
    if (!has_pass)
        return;
    buf_addf(b, " ELSE cupel_reject(%" PRIi64 ", ", r->id);
    add_bits(b, g, false);
    buf_addf(b, ", ");
    if (g->reject) {
        buf_addf(b, "CAST(to_json(");
        sql_ident(b, g->reject);
        buf_addf(b, ") AS VARCHAR)");
    } else {
        buf_addf(b, "NULL");
    }
    buf_addf(b, ", ");
    add_row(b, columns, ncolumns);
    buf_addf(b, ") END");
}

/* --- one stage --- */

struct gate_run *duck_gates_begin(struct session *s, const struct engine_stage *g)
{
    struct gate_run *r = calloc(1, sizeof *r);
    int64_t *failed = calloc(g->ngates + 1, sizeof *failed);
    if (!r || !failed)
        abort();
    *r = (struct gate_run){.engine = s->engine,
                           .id = duck_next_id(s->engine),
                           .gates = g->gates,
                           .ngates = g->ngates,
                           .failed = failed,
                           .max_kept = g->max_rejects};
    r->last = &r->first;
    pthread_mutex_init(&r->lock, NULL);
    pthread_mutex_lock(&s->engine->lock);
    r->next = s->engine->gate_runs;
    s->engine->gate_runs = r;
    pthread_mutex_unlock(&s->engine->lock);
    return r;
}

/* The names of the gates that failed, then the row's own reasons. */
static void reasons_of(struct arena *a, const struct gate_run *r, const struct kept *k,
                       struct engine_reject *ret)
{
    struct list_of(const char *) reasons = {0};
    size_t bit = 0;
    for (size_t i = 0; i < r->ngates; i++)
        if (!r->gates[i].warn && k->bits[bit++] != '1')
            *arena_push(a, &reasons) = arena_str(a, r->gates[i].name);

    json_t *own = *k->reasons ? json_loads(k->reasons, JSON_DECODE_ANY, NULL) : NULL;
    if (json_is_string(own) && json_string_length(own) > 0)
        *arena_push(a, &reasons) = arena_str(a, json_string_value(own));
    for (size_t i = 0; i < json_array_size(own); i++) {
        const char *reason = json_string_value(json_array_get(own, i));
        if (reason)
            *arena_push(a, &reasons) = arena_str(a, reason);
    }
    json_decref(own);
    ret->reasons = reasons.v;
    ret->nreasons = reasons.n;
}

void duck_gates_end(struct arena *a, struct gate_run *r, struct engine_staged *ret)
{
    struct engine *g = r->engine;
    pthread_mutex_lock(&g->lock);
    for (struct gate_run **p = &g->gate_runs; *p; p = &(*p)->next) {
        if (*p == r) {
            *p = r->next;
            break;
        }
    }
    pthread_mutex_unlock(&g->lock);

    if (ret) {
        ret->rejected = r->rejected;
        ret->gate_failed = arena_make(a, int64_t, r->ngates);
        memcpy(ret->gate_failed, r->failed, r->ngates * sizeof *r->failed);
        ret->rejects = arena_make(a, struct engine_reject, (size_t)r->nkept);
        for (const struct kept *k = r->first; k; k = k->next) {
            struct engine_reject *to = &ret->rejects[ret->nrejects++];
            reasons_of(a, r, k, to);
            to->row = arena_str(a, k->row);
        }
    }
    for (struct kept *k = r->first, *next; k; k = next) {
        next = k->next;
        free(k);
    }
    pthread_mutex_destroy(&r->lock);
    free(r->failed);
    free(r);
}
