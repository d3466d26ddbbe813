/* One read, on one thread: the plan says what to ask, the inbox what is here already, the pool fetches the
 * rest, and every good answer goes to the inbox, then to the plan (which may find more to ask) and to the
 * delivery. */
#include "connector/http_read.h"

#include <assert.h>
#include <inttypes.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"
#include "connector/http_answer.h"
#include "connector/http_ask.h"
#include "connector/http_deliver.h"
#include "connector/http_plan.h"
#include "connector/http_report.h"
#include "connector/inbox.h"
#include "connector/keyset.h"

enum {
    WAKE_MS = 200,
    PAUSE_MAX_MS = 5 * 60 * 1000, /* no server may put us off for longer */
    ROUNDS = 2,                   /* of attempts: a request that is given up gets another chance at the end */
    SILENCE_MS = 2 * 60 * 1000, /* not one answer for so long, and for so many attempts: the server is gone */
    SILENCE_ATTEMPTS = 20,
    BODY_MAX = 64 << 20, /* when the source does not say */
    GONE_BODY = 4096,    /* how much of a 404's body is kept, for its message */
};

struct resource {
    const struct http_resource *r;
    const struct http_shape *shape;
    struct http_report *report;
    struct read_stats *stats;
    struct inbox *inbox;
    struct keyset *frames; /* identity -> struct inbox_frame, as found at the start */
    int64_t stored;        /* the table's position */
    size_t table;          /* of the delivery; only if r->into */
};

struct reader {
    struct task *t;
    const struct http_source *s;
    const struct read_spec *spec;
    struct arena *a; /* of this read */
    struct http_pool *pool;
    struct http_plan *plan;
    struct http_delivery *delivery;
    struct resource *resources;
    struct http_shape *shapes;
    const char *const *secrets, *const *headers;
    uint64_t dice;
    struct {
        struct http_ask **v;
        size_t n, cap;
    } fresh, given_up; /* just planned; to be tried again at the end */
    size_t nfresh_done;
    int64_t answered; /* answers of any kind in this read */
    int64_t silent_since_ms, silent_attempts;
    struct err silence; /* why the last unanswered attempt failed */
    bool stopped;       /* with `err`, at once */
    bool deliver_rest;  /* what has arrived is delivered all the same */
    struct err err;
};

static struct resource *resource_of(struct reader *r, const struct http_ask *ask)
{
    return &r->resources[ask->resource];
}

static bool stop(struct reader *r, bool deliver_rest)
{
    r->stopped = true;
    r->deliver_rest = deliver_rest;
    return false;
}

static double roll(struct reader *r)
{
    r->dice ^= r->dice << 13;
    r->dice ^= r->dice >> 7;
    r->dice ^= r->dice << 17;
    return (double)(r->dice >> 11) / (double)(UINT64_C(1) << 53);
}

static void report(struct reader *r)
{
    struct progress p = {.unit = "requests"};
    if (!r->t->report)
        return;
    for (size_t i = 0; i < r->s->nresources; i++) {
        const struct read_stats *s = r->resources[i].stats;
        p.total += http_plan_wanted(r->plan, i);
        p.done += s->arrived + s->missing + s->failed;
        p.failed += s->failed;
        p.retried += s->retries;
        p.missing += s->missing;
    }
    r->t->report(r->t->report_arg, r->t, &p);
}

bool http_source_pool(struct arena *a, const struct http_source *s, struct http_pool **ret, struct err *e)
{
    const struct http_pool_conf conf = {
        .rate = s->rate,
        .concurrency = s->concurrency > 0 ? s->concurrency : 1,
        .connect_timeout_ms = s->connect_timeout_ms,
        .timeout_ms = s->timeout_ms,
        .max_body_bytes = s->max_body_bytes > 0 ? s->max_body_bytes : BODY_MAX,
        .user_agent = "cupel/" CUPEL_VERSION,
        .secrets = http_secrets(a, s),
    };
    return http_pool_new(a, &conf, ret, e);
}

/* ---- what became of a request */

static void touch(struct reader *r, struct resource *res)
{
    int64_t now = clock_now_us(r->t->clock);
    if (!res->stats->started_us)
        res->stats->started_us = now;
    res->stats->finished_us = now;
}

static void arrived(struct reader *r, struct http_ask *ask, const struct inbox_frame *f, struct str body,
                    const struct http_answer *answer)
{
    struct resource *res = resource_of(r, ask);
    res->stats->arrived++;
    res->stats->bytes += (int64_t)body.n;
    if (!res->r->into)
        res->stats->records += answer->records;
    else if (f) /* else the delivery has it since the start */
        http_delivery_add(r->delivery, res->table, f, answer->records);
    http_plan_arrived(r->plan, ask, body, answer);
}

static void missing(struct reader *r, struct http_ask *ask, int status, struct str body)
{
    struct resource *res = resource_of(r, ask);
    char said[600];
    http_report_status(said, sizeof said, status, body, r->secrets);
    http_report_problem(res->report, ask->identity, status, said);
    res->stats->missing++;
    http_plan_closed(r->plan, ask, HTTP_MISSING);
}

static void failed(struct reader *r, struct http_ask *ask, int status, const char *why)
{
    struct resource *res = resource_of(r, ask);
    http_report_problem(res->report, ask->identity, status, why);
    res->stats->failed++;
    http_plan_closed(r->plan, ask, HTTP_FAILED);
}

/* ---- asking */

static void submit(struct reader *r, struct http_ask *ask, int64_t not_before_ms)
{
    if (!ask->address) {
        auto_buf address = BUF(1 << 24);
        http_address(&address, r->s, ask->identity);
        ask->address = arena_strn(r->a, address.p, address.len);
    }
    http_submit(r->pool, &(struct http_request){.url = ask->address,
                                                .headers = r->headers,
                                                .not_before_ms = not_before_ms,
                                                .order = ask->order,
                                                .arg = ask});
}

static void retry(struct reader *r, struct http_ask *ask, int status, const struct err *why, int64_t asked_ms)
{
    struct resource *res = resource_of(r, ask);
    int64_t wait = retry_wait(&r->s->retry, ++ask->attempts, why, asked_ms, roll(r));
    if (wait >= 0) {
        res->stats->retries++;
        submit(r, ask, clock_mono_ms() + wait);
    } else if (err_retriable(why) && ask->round + 1 < ROUNDS) {
        *arena_push(r->a, &r->given_up) = ask;
    } else {
        failed(r, ask, status, why->msg);
    }
}

/* Those that were given up, all over again. */
static void next_round(struct reader *r)
{
    int64_t from = clock_mono_ms() + r->s->retry.base_ms;
    for (size_t i = 0; i < r->given_up.n; i++) {
        struct http_ask *ask = r->given_up.v[i];
        ask->round++;
        ask->attempts = 0;
        resource_of(r, ask)->stats->retries++;
        submit(r, ask, from);
    }
    r->given_up.n = 0;
}

/* Is the answer on disk? Then it counts as if it had just come. */
static bool resume(struct reader *r, struct http_ask *ask, bool *ret_found, struct err *e)
{
    struct resource *res = resource_of(r, ask);
    const struct inbox_frame *f = keyset_get(res->frames, ask->identity);
    auto_buf body = BUF(SIZE_MAX / 2);
    struct http_answer answer;
    *ret_found = false;
    if (!f)
        return true;
    if (!inbox_read(res->inbox, f, &body, e))
        return false;
    struct str text = {body.p, body.len};
    if (f->status != 200) {
        missing(r, ask, f->status, text);
    } else {
        struct err bad;
        if (!http_answer_check(res->shape, text, &answer, &bad)) /* the source was changed since */
            return true;
        res->stats->resumed++;
        arrived(r, ask, NULL, text, &answer);
    }
    *ret_found = true;
    return true;
}

/* Every new request is looked for on disk, which may lead to more, and asked for if it is not there. */
static bool ask_fresh(struct reader *r, struct err *e)
{
    do {
        http_plan_advance(r->plan);
        for (; r->nfresh_done < r->fresh.n; r->nfresh_done++) {
            struct http_ask *ask = r->fresh.v[r->nfresh_done];
            bool found;
            touch(r, resource_of(r, ask));
            if (!resume(r, ask, &found, e))
                return false;
            if (!found)
                submit(r, ask, 0);
        }
        r->fresh.n = r->nfresh_done = 0;
        http_plan_advance(r->plan);
    } while (r->fresh.n);
    return true;
}

static void new_ask(void *arg, struct http_ask *ask)
{
    struct reader *r = arg;
    *arena_push(r->a, &r->fresh) = ask;
}

/* ---- answers */

static bool keep(struct reader *r, struct http_ask *ask, int status, struct str body, struct inbox_frame *f)
{
    *f = (struct inbox_frame){.arrived_us = clock_now_us(r->t->clock),
                              .status = status,
                              .request = ask->identity,
                              .for_value = ask->filled.for_value,
                              .each_value = ask->filled.each_value};
    return inbox_append(resource_of(r, ask)->inbox, f, body, &r->err) || stop(r, false);
}

static bool good(struct reader *r, struct http_ask *ask, struct str body)
{
    struct resource *res = resource_of(r, ask);
    struct http_answer answer;
    struct inbox_frame f;
    struct err bad;
    if (!http_answer_check(res->shape, body, &answer, &bad)) {
        retry(r, ask, 200, &bad, 0);
        return true;
    }
    if (!keep(r, ask, 200, body, &f))
        return false;
    arrived(r, ask, &f, body, &answer);
    return true;
}

static bool refused(struct reader *r, struct http_ask *ask, int status, struct str body)
{
    char said[600];
    http_report_status(said, sizeof said, status, body, r->secrets);
    http_report_problem(resource_of(r, ask)->report, ask->identity, status, said);
    fail(&r->err, ERR_AUTH, "'%s': %s", r->s->base_url, said);
    hint(&r->err, "check the credentials of the source");
    return stop(r, true);
}

static bool unanswered(struct reader *r, struct http_ask *ask, const struct err *why)
{
    int64_t now = clock_mono_ms();
    if (why->kind == ERR_AUTH) { /* the server's certificate */
        r->err = *why;
        wrap(&r->err, "'%s'", r->s->base_url);
        return stop(r, true);
    }
    r->silence = *why;
    if (r->silent_attempts++ == 0)
        r->silent_since_ms = now;
    if (err_retriable(why) && r->silent_attempts >= SILENCE_ATTEMPTS &&
        now - r->silent_since_ms >= SILENCE_MS) {
        r->err = *why;
        wrap(&r->err, "'%s' has stopped answering", r->s->base_url);
        return stop(r, true);
    }
    retry(r, ask, 0, why, 0);
    return true;
}

static bool is_busy(int status)
{
    return status == 408 || status == 429 || status >= 500;
}

static void bad(struct reader *r, struct http_ask *ask, const struct http_response *resp, struct str body)
{
    struct err why;
    char said[600];
    int64_t asked_ms = resp->retry_after_ms < PAUSE_MAX_MS ? resp->retry_after_ms : PAUSE_MAX_MS;
    http_report_status(said, sizeof said, resp->status, body, r->secrets);
    fail(&why, is_busy(resp->status) ? ERR_NET : ERR_DATA, "%s", said);
    if (asked_ms && is_busy(resp->status))
        http_pause(r->pool, clock_mono_ms() + asked_ms);
    retry(r, ask, resp->status, &why, asked_ms);
}

/* false = the read ends now. */
static bool take(struct reader *r, struct http_ask *ask, const struct http_response *resp)
{
    struct str body = {resp->body, resp->nbody};
    struct inbox_frame f;
    touch(r, resource_of(r, ask));
    if (resp->status == 0)
        return unanswered(r, ask, &resp->err);
    r->answered++;
    r->silent_attempts = 0;
    if (resp->status >= 200 && resp->status < 300)
        return good(r, ask, body);
    if (resp->status == 401 || resp->status == 403)
        return refused(r, ask, resp->status, body);
    if (resp->status == 404 || resp->status == 410) {
        struct str kept = {body.p, body.n < GONE_BODY ? body.n : 0};
        if (!keep(r, ask, resp->status, kept, &f))
            return false;
        missing(r, ask, resp->status, body);
        return true;
    }
    bad(r, ask, resp, body);
    return true;
}

static bool done(void *arg, const struct http_request *req, const struct http_response *resp)
{
    struct reader *r = arg;
    if (!req) {
        report(r);
        return !http_delivery_failed(r->delivery);
    }
    if (!take(r, req->arg, resp))
        return false;
    return ask_fresh(r, &r->err) || stop(r, false);
}

/* ---- the beginning */

struct opening {
    struct reader *r;
    struct resource *res;
    size_t index;
};

static bool take_frame(void *arg, const struct inbox_frame *f, struct str body, struct err *e)
{
    struct opening *o = arg;
    struct arena *a = o->r->a;
    struct inbox_frame *kept = arena_make(a, struct inbox_frame, 1);
    (void)body, (void)e;

    *kept = *f;
    *keyset_at(o->res->frames, f->request, &kept->request) = kept;
    kept->for_value.p = arena_strn(a, f->for_value.p, f->for_value.n);
    kept->each_value.p = arena_strn(a, f->each_value.p, f->each_value.n);
    http_plan_in_inbox(o->r->plan, o->index, kept->each_value);
    if (o->res->r->into && f->status == 200)
        http_delivery_add(o->r->delivery, o->res->table, kept, 1);
    return true;
}

static void take_known(void *arg, const char *key)
{
    struct opening *o = arg;
    http_plan_known(o->r->plan, o->index, (struct str){key, strlen(key)});
}

static void take_stored_key(void *arg, const char *key)
{
    struct opening *o = arg;
    struct str text = {key, strlen(key)};
    http_delivery_stored_key(o->r->delivery, o->res->table, text);
    http_plan_in_inbox(o->r->plan, o->index, text);
}

/* The keys of the table that need no asking, and those that the inbox should have told of. */
static bool load_keys(struct opening *o, struct err *e)
{
    const struct read_spec *spec = o->r->spec;
    const struct http_resource *r = o->res->r;
    if (!r->into || r->ncolumns == 0)
        return true;
    const char *key = r->columns[0].name;
    /* When the whole folder was deleted, only the rows' own time tells that they are of this extraction. */
    bool lost = inbox_lost_stored(o->res->inbox) || (spec->now_pinned && o->res->stored >= 0);
    if (lost && !spec->known(spec->ctx, r->into, key, spec->now_us - 1, take_stored_key, o, e))
        return false;
    return r->refresh_ms == 0 || r->neach == 0 ||
           spec->known(spec->ctx, r->into, key, spec->now_us - r->refresh_ms * 1000, take_known, o, e);
}

static bool open_resource(struct reader *r, size_t i, struct err *e)
{
    struct resource *res = &r->resources[i];
    const struct http_resource *conf = &r->s->resources[i];
    struct opening o = {r, res, i};
    *res = (struct resource){.r = conf,
                             .shape = &r->shapes[i],
                             .report = http_report_new(r->t->a, conf, r->secrets),
                             .frames = keyset_new(r->a),
                             .stored = -1};
    res->stats = http_report_stats(res->report);
    if (conf->into) {
        if (!r->spec->position(r->spec->ctx, conf->into, &res->stored, e))
            return false;
        res->table = http_delivery_table(r->delivery, res->shape, res->stored);
    }
    const struct inbox_conf inbox = {
        .dir = r->spec->inbox_dir, .name = conf->name, .after = res->stored, .each = take_frame, .arg = &o};
    if (!inbox_open(r->a, &inbox, &res->inbox, e))
        return false;
    if (conf->into)
        http_delivery_inbox(r->delivery, res->table, res->inbox);
    if (inbox_damage(res->inbox))
        http_report_problem(res->report, (struct str){"inbox", 5}, 0, inbox_damage(res->inbox));
    return load_keys(&o, e);
}

static void wake(void *arg)
{
    http_wake(arg);
}

static bool prepare(struct reader *r, struct err *e)
{
    const struct http_source *s = r->s;
    r->secrets = http_secrets(r->t->a, s);
    r->headers = http_header_lines(r->a, s);
    r->dice = text_hash(r->t->run_id, strlen(r->t->run_id), 0) | 1;
    r->resources = arena_make(r->a, struct resource, s->nresources + 1);
    r->shapes = arena_make(r->a, struct http_shape, s->nresources + 1);
    for (size_t i = 0; i < s->nresources; i++)
        if (!http_shape_compile(r->a, &s->resources[i], &r->shapes[i], e))
            return false;
    if (!http_plan_new(r->a, s, r->shapes, new_ask, r, &r->plan, e) ||
        !http_source_pool(r->a, s, &r->pool, e) || !fs_mkdirs(r->spec->inbox_dir, e))
        return false;
    r->delivery = http_delivery_new(r->a, &(struct http_delivery_conf){.spec = r->spec,
                                                                       .task = r->t,
                                                                       .batch = s->batch > 0 ? s->batch : 1,
                                                                       .failed = wake,
                                                                       .arg = r->pool});
    for (size_t i = 0; i < s->nresources; i++)
        if (!open_resource(r, i, e))
            return wrap(e, "resource '%s'", s->resources[i].name);
    return http_delivery_start(r->delivery, e);
}

/* ---- the whole */

/* Not one answer in the whole read, and something had been asked for: that is no incomplete extraction but
 * none. */
static bool reached(struct reader *r, struct err *e)
{
    if (r->answered || !r->silence.kind)
        return true;
    *e = r->silence;
    return wrap(e, "'%s' cannot be reached", r->s->base_url);
}

static bool fetch(struct reader *r, struct err *e)
{
    http_plan_start(r->plan);
    if (!ask_fresh(r, e))
        return false;
    for (;;) {
        if (!http_run(r->pool, r->t, WAKE_MS, done, r, e))
            return false;
        if (r->stopped) {
            *e = r->err;
            return false;
        }
        if (http_delivery_failed(r->delivery))
            return true; /* its end says why */
        if (r->given_up.n == 0)
            return reached(r, e);
        if (r->answered == 0) { /* nobody is there: a second round would say the same */
            r->deliver_rest = true;
            return reached(r, e);
        }
        next_round(r);
    }
}

static void close_stats(struct reader *r, struct read_result *ret)
{
    struct http_report **reports = arena_make(r->a, struct http_report *, r->s->nresources + 1);
    for (size_t i = 0; i < r->s->nresources; i++) {
        struct resource *res = &r->resources[i];
        reports[i] = res->report;
        res->stats->wanted = http_plan_wanted(r->plan, i);
        if (res->r->into)
            res->stats->records = http_delivery_records(r->delivery, res->table);
    }
    http_report_close(r->t->a, reports, r->s->nresources, ret);
}

bool http_read(struct task *t, const struct http_source *s, const struct read_spec *spec,
               struct read_result *ret, struct err *e)
{
    auto_arena *a = arena_new();
    struct reader r = {.t = t, .s = s, .spec = spec, .a = a};
    struct err late;
    *ret = (struct read_result){.complete = false, .why = "it did not begin"};
    if (!prepare(&r, e))
        return false;
    bool ok = fetch(&r, e);
    if (!http_delivery_end(r.delivery, ok || r.deliver_rest, &late) && ok) {
        *e = late;
        ok = false;
    }
    report(&r);
    close_stats(&r, ret);
    if (!ok)
        ret->complete = false, ret->why = arena_str(t->a, e->msg);
    return ok;
}
