/* Arrow streams out of a query, and into one. */
#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/text.h"
#include "engine/internal.h"
#include "nanoarrow/nanoarrow.h"

/* --- out: a query's rows --- */

struct out { /* private_data; begins with the error, as engine_stream_last_error wants */
    struct err err;
    struct arena *a;
    struct session *s;
    struct origin origin;
    struct sqltext plain;
    duckdb_result result;
    duckdb_arrow_options options;
};

static bool arrow_fail(struct err *e, duckdb_error_data data)
{
    if (!data)
        return true;
    bool bad = duck.error_data_has_error(data);
    if (bad)
        duck_fail(e, duck.error_data_message(data), true, NULL);
    duck.destroy_error_data(&data);
    return !bad;
}

static int out_schema(struct ArrowArrayStream *stream, struct ArrowSchema *ret)
{
    struct out *o = stream->private_data;
    idx_t n = duck.column_count(&o->result);
    duckdb_logical_type *types = calloc(n + 1, sizeof *types);
    const char **names = calloc(n + 1, sizeof *names);
    if (!types || !names)
        abort();
    for (idx_t i = 0; i < n; i++) {
        types[i] = duck.column_logical_type(&o->result, i);
        names[i] = duck.column_name(&o->result, i);
    }
    bool ok = arrow_fail(&o->err, duck.to_arrow_schema(o->options, types, names, n, ret));
    for (idx_t i = 0; i < n; i++)
        duck.destroy_logical_type(&types[i]);
    free(types);
    free(names);
    return ok ? 0 : engine_stream_code(o->err.kind);
}

static int out_next(struct ArrowArrayStream *stream, struct ArrowArray *ret)
{
    struct out *o = stream->private_data;
    memset(ret, 0, sizeof *ret);
    duck_watch_begin(o->s);
    auto_chunk chunk = duck.fetch_chunk(o->result);
    duck_watch_end(o->s);
    const char *message = chunk ? NULL : duck.result_error(&o->result);
    if (message && *message) {
        duck_fail(&o->err, message, true, &o->origin);
        return engine_stream_code(o->err.kind);
    }
    if (!chunk || duck.data_chunk_get_size(chunk) == 0)
        return 0;
    return arrow_fail(&o->err, duck.data_chunk_to_arrow(o->options, chunk, ret))
               ? 0
               : engine_stream_code(o->err.kind);
}

static void out_free(struct out *o)
{
    if (o->options)
        duck.destroy_arrow_options(&o->options);
    duck.destroy_result(&o->result);
    arena_free(o->a);
}

static void out_release(struct ArrowArrayStream *stream)
{
    out_free(stream->private_data);
    stream->release = NULL;
}

bool duck_query(struct session *s, const char *sql, struct engine_params params, struct src at,
                struct ArrowArrayStream *ret, struct err *e)
{
    struct arena *a = arena_new();
    struct out *o = arena_make(a, struct out, 1);
    o->a = a;
    o->s = s;
    o->origin = (struct origin){.text = arena_str(a, sql), .plain = &o->plain, .at = at};
    struct statement st = {.params = params, .origin = &o->origin, .stream = true};
    bool ok = sqltext_plain(a, sql, NULL, at, &o->plain, e) &&
              (o->plain.n > 0 || fail_at(e, ERR_USER, at, "there is no SQL here"));
    st.sql = o->plain.sql;
    if (!ok || !duck_run(s, &st, &o->result, e)) {
        out_free(o);
        return false;
    }
    duck.connection_get_arrow_options(s->con, &o->options);
    *ret = (struct ArrowArrayStream){.get_schema = out_schema,
                                     .get_next = out_next,
                                     .get_last_error = engine_stream_last_error,
                                     .release = out_release,
                                     .private_data = o};
    return true;
}

/* --- in: a relation that reads a stream, once --- */

struct arrow_in {
    struct arrow_in *next; /* of the engine's, under its lock */
    struct session *s;
    char *name; /* NULL until it has become a relation */
    int64_t id;
    struct ArrowArrayStream stream; /* released when it has ended */
    struct ArrowSchema schema;
    duckdb_arrow_converted_schema converted;
    duckdb_logical_type *types;
    bool read;      /* somebody has begun */
    struct err err; /* the stream's own failure, which DuckDB can only quote */
};

struct batch { /* an array of the stream, kept until the last of its slices is gone */
    struct ArrowArray array;
    atomic_int refs;
};

struct reading { /* the state of the one reader */
    struct arrow_in *in;
    struct batch *batch;
    int64_t offset;          /* in the batch */
    duckdb_data_chunk chunk; /* what the output refers to */
};

static void batch_unref(struct batch *b)
{
    if (!b || atomic_fetch_sub(&b->refs, 1) > 1)
        return;
    if (b->array.release)
        b->array.release(&b->array);
    free(b);
}

struct slice { /* private_data of a slice's array */
    struct batch *batch;
    struct ArrowArray *children;
    struct ArrowArray **pointers;
};

static void slice_release(struct ArrowArray *array)
{
    struct slice *s = array->private_data;
    batch_unref(s->batch);
    free(s->children);
    free(s->pointers);
    free(s);
    array->release = NULL;
}

/* Rows [offset, offset + n) of a batch, without copying any. */
static void slice(struct batch *b, int64_t offset, int64_t n, struct ArrowArray *ret)
{
    size_t k = (size_t)b->array.n_children;
    struct slice *s = calloc(1, sizeof *s);
    struct ArrowArray *children = calloc(k + 1, sizeof *children),
                      **pointers = calloc(k + 1, sizeof *pointers);
    if (!s || !children || !pointers)
        abort();
    for (size_t i = 0; i < k; i++) {
        children[i] = *b->array.children[i];
        children[i].offset += b->array.offset + offset;
        children[i].length = n;
        if (children[i].null_count > 0)
            children[i].null_count = -1;
        pointers[i] = &children[i];
    }
    *s = (struct slice){b, children, pointers};
    atomic_fetch_add(&b->refs, 1);
    *ret = (struct ArrowArray){.length = n,
                               .n_buffers = b->array.n_buffers,
                               .n_children = b->array.n_children,
                               .buffers = b->array.buffers,
                               .children = pointers,
                               .release = slice_release,
                               .private_data = s};
}

static bool next_batch(struct reading *r, struct err *e)
{
    batch_unref(r->batch);
    r->offset = 0;
    r->batch = calloc(1, sizeof *r->batch);
    if (!r->batch)
        abort();
    atomic_init(&r->batch->refs, 1);
    struct ArrowArrayStream *in = &r->in->stream;
    int code = in->get_next(in, &r->batch->array);
    if (code == 0 && r->batch->array.release)
        return true;
    r->batch->array.release = NULL;
    bool ok = code == 0 || engine_stream_fail(in, code, e);
    in->release(in); /* whoever made it need not wait for the session's end */
    return ok;
}

static void drop_chunk(struct reading *r)
{
    if (r->chunk)
        duck.destroy_data_chunk(&r->chunk);
}

static bool next_chunk(struct reading *r, struct err *e)
{
    int64_t most = (int64_t)duck.vector_size();
    drop_chunk(r);
    while (!r->batch || (r->batch->array.release && r->offset >= r->batch->array.length))
        if (!next_batch(r, e))
            return false;
    if (!r->batch->array.release)
        return true; /* the end */
    int64_t left = r->batch->array.length - r->offset, n = left < most ? left : most;
    struct ArrowArray part;
    slice(r->batch, r->offset, n, &part);
    bool ok = arrow_fail(e, duck.data_chunk_from_arrow(r->in->s->con, &part, r->in->converted, &r->chunk));
    if (part.release)
        part.release(&part);
    r->offset += n;
    return ok;
}

static void reading_free(void *arg)
{
    struct reading *r = arg;
    drop_chunk(r);
    batch_unref(r->batch);
    free(r);
}

static void read_chunk(duckdb_function_info info, duckdb_data_chunk out)
{
    struct reading *r = duck.function_get_init_data(info);
    if (!next_chunk(r, &r->in->err)) {
        duck.function_set_error(info, r->in->err.msg);
        return;
    }
    idx_t n = r->chunk ? duck.data_chunk_get_size(r->chunk) : 0;
    for (idx_t i = 0; n && i < duck.data_chunk_get_column_count(out); i++)
        duck.vector_reference_vector(duck.data_chunk_get_vector(out, i),
                                     duck.data_chunk_get_vector(r->chunk, i));
    duck.data_chunk_set_size(out, n);
}

static void begin_reading(duckdb_init_info info)
{
    struct arrow_in *in = *(struct arrow_in **)duck.init_get_bind_data(info);
    if (in->read) {
        duck.init_set_error(info, "an Arrow stream can be read only once");
        return;
    }
    struct reading *r = calloc(1, sizeof *r);
    if (!r)
        abort();
    in->read = true;
    r->in = in;
    duck.init_set_max_threads(info, 1);
    duck.init_set_init_data(info, r, reading_free);
}

static void bind_reading(duckdb_bind_info info)
{
    struct engine *g = duck.bind_get_extra_info(info);
    duckdb_value value = duck.bind_get_parameter(info, 0);
    int64_t id = duck.get_int64(value);
    duck.destroy_value(&value);

    pthread_mutex_lock(&g->lock);
    struct arrow_in *in = g->arrows;
    while (in && in->id != id)
        in = in->next;
    pthread_mutex_unlock(&g->lock);
    if (!in) {
        duck.bind_set_error(info, "the Arrow stream is gone");
        return;
    }
    for (int64_t i = 0; i < in->schema.n_children; i++)
        duck.bind_add_result_column(info, in->schema.children[i]->name, in->types[i]);
    struct arrow_in **data = malloc(sizeof(struct arrow_in *));
    if (!data)
        abort();
    *data = in;
    duck.bind_set_bind_data(info, data, free);
}

bool duck_arrow_register(struct engine *g, struct err *e)
{
    duckdb_table_function f = duck.create_table_function();
    duckdb_logical_type id = duck.create_logical_type(DUCKDB_TYPE_BIGINT);
    duck.table_function_set_name(f, "cupel_arrow");
    duck.table_function_add_parameter(f, id);
    duck.table_function_set_extra_info(f, g, NULL);
    duck.table_function_set_bind(f, bind_reading);
    duck.table_function_set_init(f, begin_reading);
    duck.table_function_set_function(f, read_chunk);
    bool ok = duck.register_table_function(g->con, f) == DuckDBSuccess;
    duck.destroy_logical_type(&id);
    duck.destroy_table_function(&f);
    return ok || fail(e, ERR_IO, "DuckDB refused the function cupel_arrow");
}

/* DuckDB's types for the stream's columns: those of a chunk without rows. */
static bool find_types(struct arrow_in *in, struct err *e)
{
    struct ArrowError why;
    struct ArrowArray empty = {0};
    duckdb_data_chunk chunk = NULL;
    if (ArrowArrayInitFromSchema(&empty, &in->schema, &why) != NANOARROW_OK ||
        ArrowArrayStartAppending(&empty) != NANOARROW_OK ||
        ArrowArrayFinishBuildingDefault(&empty, &why) != NANOARROW_OK) {
        if (empty.release)
            empty.release(&empty);
        return fail(e, ERR_DATA, "this Arrow schema cannot be read: %s", why.message);
    }
    bool ok = arrow_fail(e, duck.schema_from_arrow(in->s->con, &in->schema, &in->converted)) &&
              arrow_fail(e, duck.data_chunk_from_arrow(in->s->con, &empty, in->converted, &chunk));
    if (empty.release)
        empty.release(&empty);
    if (!ok)
        return false;
    in->types = calloc((size_t)in->schema.n_children + 1, sizeof *in->types);
    if (!in->types)
        abort();
    for (int64_t i = 0; i < in->schema.n_children; i++)
        in->types[i] = duck.vector_get_column_type(duck.data_chunk_get_vector(chunk, (idx_t)i));
    duck.destroy_data_chunk(&chunk);
    return true;
}

static void arrow_in_free(struct arrow_in *in)
{
    for (int64_t i = 0; in->types && i < in->schema.n_children; i++)
        duck.destroy_logical_type(&in->types[i]);
    free(in->types);
    if (in->converted)
        duck.destroy_arrow_converted_schema(&in->converted);
    if (in->schema.release)
        in->schema.release(&in->schema);
    if (in->stream.release)
        in->stream.release(&in->stream);
    free(in->name);
    free(in);
}

void duck_arrow_drop(struct session *s, const char *name)
{
    struct engine *g = s->engine;
    struct arrow_in *gone = NULL;
    pthread_mutex_lock(&g->lock);
    for (struct arrow_in **p = &g->arrows; *p;) {
        struct arrow_in *in = *p;
        if (in->s != s || (name && (!in->name || strcmp(in->name, name) != 0))) {
            p = &in->next;
            continue;
        }
        *p = in->next;
        in->next = gone;
        gone = in;
    }
    pthread_mutex_unlock(&g->lock);
    for (struct arrow_in *next; gone; gone = next) {
        next = gone->next;
        arrow_in_free(gone);
    }
}

bool duck_arrow_error(struct session *s, struct err *e)
{
    bool found = false;
    pthread_mutex_lock(&s->engine->lock);
    for (struct arrow_in *in = s->engine->arrows; in && !found; in = in->next) {
        found = in->s == s && in->err.kind != ERR_NONE;
        if (found)
            *e = in->err;
        in->err.kind = found ? ERR_NONE : in->err.kind; /* it has been told */
    }
    pthread_mutex_unlock(&s->engine->lock);
    return found;
}

bool duck_relation_arrow(struct session *s, const char *name, struct ArrowArrayStream *stream, struct err *e)
{
    struct arrow_in *in = calloc(1, sizeof *in);
    if (!in)
        abort();
    *in = (struct arrow_in){.s = s, .id = duck_next_id(s->engine), .stream = *stream};
    stream->release = NULL;
    int code = in->stream.get_schema(&in->stream, &in->schema);
    bool ok = code == 0 || engine_stream_fail(&in->stream, code, e);
    if (!ok || !duck_session_need(s, e) || !find_types(in, e)) {
        arrow_in_free(in);
        return false;
    }
    pthread_mutex_lock(&s->engine->lock);
    in->next = s->engine->arrows;
    s->engine->arrows = in;
    pthread_mutex_unlock(&s->engine->lock);

    char sql[64];
    snprintf(sql, sizeof sql, "SELECT * FROM cupel_arrow(%" PRIi64 ")", in->id);
    if (!duck_relation_set(s, name, false, sql, e))
        return false; /* it goes with the session */
    in->name = strdup(name);
    return true;
}
