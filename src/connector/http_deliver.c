#include "connector/http_deliver.h"

#include <pthread.h>
#include <string.h>

#include "base/log.h"
#include "connector/http_row.h"
#include "connector/keyset.h"
#include "nanoarrow/nanoarrow.h"

struct queue {
    struct inbox_frame *v; /* heap: shared by two threads, under the lock */
    size_t n, cap, taken;
};

struct table {
    const struct http_shape *shape;
    struct inbox *inbox;
    int64_t stored;     /* position */
    struct queue queue; /* under the lock */
    int64_t waiting;    /* records in the queue, under the lock */

    /* The thread's: */
    struct keyset *keys;
    struct rows *rows;
    int64_t position; /* of the last frame in `rows` */
    int64_t records;
};

struct http_delivery {
    struct http_delivery_conf conf;
    struct arena *a; /* the thread's, after the start */
    struct table *tables;
    size_t n, cap;
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool started, ended;
    bool finish, stop; /* under the lock */
    bool bad;          /* under the lock */
    struct err err;
};

static void delivery_close(void *arg)
{
    struct http_delivery *d = arg;
    struct err ignored;
    if (d->started && !d->ended && !http_delivery_end(d, false, &ignored))
        log_debug(EV("delivery.failed"), KV("message", ignored.msg));
    for (size_t i = 0; i < d->n; i++) {
        rows_free(d->tables[i].rows);
        free(d->tables[i].queue.v);
    }
    pthread_mutex_destroy(&d->lock);
    pthread_cond_destroy(&d->changed);
    arena_free(d->a);
}

struct http_delivery *http_delivery_new(struct arena *a, const struct http_delivery_conf *c)
{
    struct http_delivery *d = arena_make(a, struct http_delivery, 1);
    d->conf = *c;
    d->a = arena_new();
    pthread_mutex_init(&d->lock, NULL);
    pthread_cond_init(&d->changed, NULL);
    arena_defer(a, delivery_close, d);
    return d;
}

size_t http_delivery_table(struct http_delivery *d, const struct http_shape *s, int64_t stored)
{
    struct {
        struct table *v;
        size_t n, cap;
    } list = {d->tables, d->n, d->cap};
    *arena_push(d->a, &list) =
        (struct table){.shape = s, .stored = stored, .position = stored, .keys = keyset_new(d->a)};
    d->tables = list.v, d->n = list.n, d->cap = list.cap;
    return d->n - 1;
}

void http_delivery_inbox(struct http_delivery *d, size_t table, struct inbox *inbox)
{
    d->tables[table].inbox = inbox;
}

static bool is_new_key(struct table *t, struct str key)
{
    void **at = keyset_at(t->keys, key, NULL);
    bool fresh = !*at;
    *at = t;
    return fresh;
}

void http_delivery_stored_key(struct http_delivery *d, size_t table, struct str key)
{
    struct table *t = &d->tables[table];
    if (is_new_key(t, key))
        t->records++;
}

/* ---- the thread */

struct record_of {
    struct http_delivery *d;
    struct table *t;
    const struct inbox_frame *f;
    struct http_origin origin;
};

static bool take_record(void *arg, struct str record)
{
    struct record_of *o = arg;
    struct table *t = o->t;
    auto_buf key = BUF(1 << 20);
    bool keyed = t->shape->r->ncolumns > 0;
    if (keyed && (!http_record_key(t->shape, record, &o->origin.filled, &key) || key.failed))
        return true; /* a frame of before the source was changed: it is asked for again */
    if (keyed && !is_new_key(t, (struct str){key.p, key.len}))
        return true;
    t->records++;
    if (o->f->position > t->stored)
        http_row_put(t->rows, t->shape, o->d->conf.spec, record, &o->origin);
    return true;
}

static bool take_frame(struct http_delivery *d, struct table *t, const struct inbox_frame *f,
                       struct buf *body, struct err *e)
{
    struct record_of o = {d, t, f, {f->request, {f->for_value, f->each_value}, f->arrived_us}};
    if (!inbox_read(t->inbox, f, body, e))
        return false;
    http_answer_records(t->shape, (struct str){body->p, body->len}, take_record, &o);
    if (f->position > t->stored)
        t->position = f->position;
    return true;
}

static bool deliver(struct http_delivery *d, struct table *t, struct err *e)
{
    struct ArrowArrayStream stream;
    const char *name = t->shape->r->into;
    size_t rows = rows_count(t->rows);
    if (!inbox_sync(t->inbox, e) || !rows_take(t->rows, &stream, e))
        return wrap(e, "table '%s'", name);
    log_debug(EV("batch.delivered"), KV("table", name), KV("rows", rows), KV("position", t->position));
    return d->conf.spec->deliver(d->conf.spec->ctx, name, &stream, t->position, e);
}

/* The next frame of the table, if there is one. */
static bool next_frame(struct http_delivery *d, struct table *t, struct inbox_frame *ret, bool *ret_stop)
{
    pthread_mutex_lock(&d->lock);
    bool more = t->queue.taken < t->queue.n;
    if (more)
        *ret = t->queue.v[t->queue.taken++];
    if (!more)
        t->queue.n = t->queue.taken = 0, t->waiting = 0;
    *ret_stop = d->stop;
    pthread_mutex_unlock(&d->lock);
    return more && !*ret_stop;
}

/* Whole batches; what is left over stays in `rows` for the next time, or goes too when it is the last. */
static bool drain(struct http_delivery *d, struct table *t, bool last, struct err *e)
{
    struct inbox_frame f;
    auto_buf body = BUF(SIZE_MAX / 2);
    bool stop;
    while (next_frame(d, t, &f, &stop)) {
        if (!take_frame(d, t, &f, &body, e))
            return false;
        if ((int64_t)rows_count(t->rows) >= d->conf.batch &&
            (!task_live(d->conf.task, e) || !deliver(d, t, e)))
            return false;
    }
    return stop || !last || rows_count(t->rows) == 0 || (task_live(d->conf.task, e) && deliver(d, t, e));
}

static void note_failure(struct http_delivery *d, const struct err *e)
{
    pthread_mutex_lock(&d->lock);
    d->bad = true;
    d->err = *e;
    pthread_mutex_unlock(&d->lock);
    if (d->conf.failed)
        d->conf.failed(d->conf.arg);
}

static bool has_batch(const struct http_delivery *d, const struct table *t)
{
    return t->waiting + (int64_t)rows_count(t->rows) >= d->conf.batch;
}

/* Waits for something to do. NULL table: it is time to finish. */
static struct table *wait_for_batch(struct http_delivery *d, bool *ret_stop)
{
    struct table *found = NULL;
    pthread_mutex_lock(&d->lock);
    while (!d->stop) {
        for (size_t i = 0; i < d->n && !found; i++)
            if (has_batch(d, &d->tables[i]))
                found = &d->tables[i];
        if (found || d->finish)
            break;
        pthread_cond_wait(&d->changed, &d->lock);
    }
    *ret_stop = d->stop;
    pthread_mutex_unlock(&d->lock);
    return found;
}

static void *delivery_thread(void *arg)
{
    struct http_delivery *d = arg;
    struct err e;
    bool stop, ok = true;
    log_context(d->conf.task->run_id, d->conf.task->name);
    for (struct table *t; ok && (t = wait_for_batch(d, &stop)) && !stop;)
        ok = drain(d, t, false, &e);
    for (size_t i = 0; i < d->n && ok && !stop; i++)
        ok = drain(d, &d->tables[i], true, &e);
    if (!ok)
        note_failure(d, &e);
    return NULL;
}

/* ---- the reader's side */

bool http_delivery_start(struct http_delivery *d, struct err *e)
{
    for (size_t i = 0; i < d->n; i++) {
        size_t n;
        const struct rows_column *columns = http_row_columns(d->a, d->tables[i].shape, &n);
        if (!rows_new(columns, n, &d->tables[i].rows, e))
            return false;
    }
    if (pthread_create(&d->thread, NULL, delivery_thread, d) != 0)
        return fail(e, ERR_IO, "no thread can be started");
    d->started = true;
    return true;
}

void http_delivery_add(struct http_delivery *d, size_t table, const struct inbox_frame *f, int64_t records)
{
    struct table *t = &d->tables[table];
    struct queue *q = &t->queue;
    pthread_mutex_lock(&d->lock);
    if (q->n == q->cap) {
        q->cap = q->cap ? q->cap * 2 : 64;
        struct inbox_frame *more = realloc(q->v, q->cap * sizeof *more);
        if (!more)
            abort();
        q->v = more;
    }
    q->v[q->n++] = *f;
    t->waiting += records;
    if (t->waiting >= d->conf.batch)
        pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
}

bool http_delivery_failed(struct http_delivery *d)
{
    pthread_mutex_lock(&d->lock);
    bool bad = d->bad;
    pthread_mutex_unlock(&d->lock);
    return bad;
}

bool http_delivery_end(struct http_delivery *d, bool rest, struct err *e)
{
    if (!d->started)
        return true;
    pthread_mutex_lock(&d->lock);
    d->finish |= rest;
    d->stop |= !rest;
    pthread_cond_signal(&d->changed);
    pthread_mutex_unlock(&d->lock);
    if (!d->ended)
        pthread_join(d->thread, NULL);
    d->ended = true;
    if (d->bad)
        *e = d->err;
    return !d->bad;
}

int64_t http_delivery_records(const struct http_delivery *d, size_t table)
{
    return d->tables[table].records;
}
