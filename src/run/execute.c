/* The tasks of a run on a pool of threads. One lock guards every task's state; the work itself runs outside
 * it. */
#include <fcntl.h>
#include <pthread.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "run/claim.h"
#include "run/run.h"
#include "run/state.h"

enum { MAX_ATTEMPTS = 5, DEFAULT_THREADS = 4 };

struct execution {
    const struct run_options *o;
    const struct run_watcher *watch;
    struct run *run;
    struct workshop w;
    struct clock clock;
    struct state *state;
    size_t *task_of_asset; /* index into run->tasks + 1; 0 = not chosen */
    const struct asset *assets;
    pthread_mutex_t lock;
    pthread_cond_t moved;
    atomic_bool stop; /* by a signal, or by a failure with fail_fast */
    bool failed;
    struct err first; /* error of the run */
};

const char *task_state_name(enum task_state s)
{
    static const char *const names[] = {
        [TASK_WAITING] = "waiting",     [TASK_RUNNING] = "running", [TASK_DONE] = "done",
        [TASK_UNCHANGED] = "unchanged", [TASK_FAILED] = "failed",   [TASK_SKIPPED] = "skipped",
        [TASK_CANCELED] = "canceled",
    };
    return names[s];
}

static const struct clock real_time = {0};

static void changed(struct execution *x, struct run_task *t)
{
    state_task(x->state, x->run, t);
    if (x->watch->task)
        x->watch->task(x->watch->arg, x->run, t);
    pthread_cond_broadcast(&x->moved);
}

struct ear {
    struct execution *x;
    struct run_task *task;
};

static void on_report(void *arg, const struct task *t, const struct progress *p)
{
    (void)t;
    struct ear *ear = arg;
    pthread_mutex_lock(&ear->x->lock);
    ear->task->progress = *p;
    if (ear->x->watch->progress)
        ear->x->watch->progress(ear->x->watch->arg, ear->x->run, ear->task);
    pthread_mutex_unlock(&ear->x->lock);
}

/* The task that keeps t from starting: one that is not done yet, or one that failed. */
static struct run_task *in_the_way(struct execution *x, const struct run_task *t)
{
    for (size_t i = 0; i < t->asset->nneeds; i++) {
        size_t k = x->task_of_asset[t->asset->needs[i]];
        if (k == 0)
            continue; /* not part of this run: its table is taken as it is */
        struct run_task *other = &x->run->tasks[k - 1];
        if (other->state != TASK_DONE && other->state != TASK_UNCHANGED)
            return other;
    }
    return NULL;
}

static bool is_over(enum task_state s)
{
    return s == TASK_FAILED || s == TASK_SKIPPED || s == TASK_CANCELED;
}

/* The next task that may start; NULL when none may now. Tasks behind a failed one are settled here. */
static struct run_task *next_ready(struct execution *x, bool *ret_waiting)
{
    *ret_waiting = false;
    for (size_t i = 0; i < x->run->ntasks; i++) {
        struct run_task *t = &x->run->tasks[i];
        if (t->state == TASK_RUNNING)
            *ret_waiting = true;
        if (t->state != TASK_WAITING)
            continue;
        struct run_task *other = in_the_way(x, t);
        bool stop = atomic_load(&x->stop) || (x->o->cancel && atomic_load(x->o->cancel));
        if (stop || (other && is_over(other->state))) {
            t->state = stop ? TASK_CANCELED : TASK_SKIPPED;
            t->blocked_by = other ? other->asset->name : NULL;
            changed(x, t);
        } else if (other) {
            *ret_waiting = true;
        } else {
            return t;
        }
    }
    return NULL;
}

static void sleep_ms(int64_t ms)
{
    struct timespec ts = {.tv_sec = ms / 1000, .tv_nsec = ms % 1000 * 1000000};
    nanosleep(&ts, NULL);
}

/* Attempts until it passes, fails for good, or has lost too many commit races. */
static bool attempt(struct execution *x, struct run_task *rt, struct err *e)
{
    struct ear ear = {x, rt};
    for (rt->attempts = 1;; rt->attempts++) {
        rt->arena = arena_new();
        struct task t = {.a = rt->arena,
                         .run_id = x->run->id,
                         .name = rt->asset->name,
                         .clock = &x->clock,
                         .cancel = &x->stop,
                         .report = on_report,
                         .report_arg = &ear};
        if (asset_run(&t, &x->w, rt->asset, &rt->result, e))
            return true;
        if (e->kind == ERR_CONFLICT && rt->attempts >= MAX_ATTEMPTS && !*e->hint)
            hint(e,
                 "others commit to this table faster than its rows are made (%d attempts): run again later",
                 rt->attempts);
        if (e->kind != ERR_CONFLICT || rt->attempts >= MAX_ATTEMPTS || !task_live(&t, &(struct err){0}))
            return false;
        log_info(EV("task.retry"), KV("why", e->msg), KV("attempt", rt->attempts));
        rt->result = (struct asset_result){.version = -1};
        arena_free(rt->arena);
        /* Longer each time, and not as long as the other one does. */
        sleep_ms(25 * rt->attempts + clock_mono_us() % (50 * rt->attempts));
    }
}

static void log_end(const struct run_task *t)
{
    if (t->state == TASK_FAILED)
        log_error(EV("task.failed"), KV("kind", err_name(t->err.kind)), KV("error", t->err.msg),
                  KV("hint", t->err.hint), KV("file", t->err.at.file ? t->err.at.file : ""),
                  KV("line", t->err.at.line), KV("column", t->err.at.col), KV("secs", t->seconds));
    else
        log_info(EV("task.done"), KV("state", task_state_name(t->state)), KV("rows", t->result.rows),
                 KV("quarantined", t->result.quarantined), KV("version", t->result.version),
                 KV("secs", t->seconds), KV("note", t->result.note ? t->result.note : ""));
}

static void carry_out(struct execution *x, struct run_task *rt)
{
    log_context(x->run->id, rt->asset->name);
    log_debug(EV("task.begun"));
    int64_t start = clock_mono_us();
    struct err e = {0};
    bool ok = attempt(x, rt, &e);
    double seconds = (double)(clock_mono_us() - start) / 1e6;

    pthread_mutex_lock(&x->lock);
    rt->seconds = seconds;
    rt->finished_us = clock_now_us(&real_time);
    if (ok) {
        rt->state = rt->result.outcome == OUTCOME_UPDATED ? TASK_DONE : TASK_UNCHANGED;
    } else {
        rt->state = e.kind == ERR_CANCELED ? TASK_CANCELED : TASK_FAILED;
        rt->err = e;
        if (!x->failed || x->first.kind == ERR_CANCELED)
            x->first = e;
        x->failed = true;
        if (x->o->fail_fast)
            atomic_store(&x->stop, true);
    }
    log_end(rt);
    changed(x, rt);
    pthread_mutex_unlock(&x->lock);
    log_context(x->run->id, NULL);
}

static void *worker(void *arg)
{
    struct execution *x = arg;
    pthread_mutex_lock(&x->lock);
    for (;;) {
        bool waiting;
        struct run_task *t = next_ready(x, &waiting);
        if (t) {
            t->state = TASK_RUNNING;
            t->started_us = clock_now_us(&real_time);
            changed(x, t);
            pthread_mutex_unlock(&x->lock);
            carry_out(x, t);
            pthread_mutex_lock(&x->lock);
        } else if (waiting) {
            pthread_cond_wait(&x->moved, &x->lock);
        } else {
            break;
        }
    }
    pthread_mutex_unlock(&x->lock);
    return NULL;
}

/* Hands a signal on to the tasks: a flag of the process becomes a flag of this run. */
struct relay {
    struct execution *x;
    pthread_cond_t wake; /* under the execution's lock */
    bool end;
};

static void *relay_signal(void *arg)
{
    enum { LOOK_MS = 20 };
    struct relay *r = arg;
    pthread_mutex_lock(&r->x->lock);
    while (!r->end) {
        if (r->x->o->cancel && atomic_load(r->x->o->cancel) && !atomic_exchange(&r->x->stop, true))
            pthread_cond_broadcast(&r->x->moved);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += LOOK_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&r->wake, &r->x->lock, &until);
    }
    pthread_mutex_unlock(&r->x->lock);
    return NULL;
}

static void end_relay(struct relay *r, pthread_t thread)
{
    pthread_mutex_lock(&r->x->lock);
    r->end = true;
    pthread_cond_signal(&r->wake);
    pthread_mutex_unlock(&r->x->lock);
    pthread_join(thread, NULL);
    pthread_cond_destroy(&r->wake);
}

static bool run_threads(struct execution *x, struct err *e)
{
    enum { MAX_THREADS = 64 };
    pthread_t threads[MAX_THREADS], relay_thread;
    size_t want = x->o->threads > 0 ? (size_t)x->o->threads : DEFAULT_THREADS, n = 0;
    if (want > x->run->ntasks)
        want = x->run->ntasks;
    if (want > MAX_THREADS)
        want = MAX_THREADS;
    struct relay relay = {.x = x, .wake = PTHREAD_COND_INITIALIZER};
    if (pthread_create(&relay_thread, NULL, relay_signal, &relay) != 0)
        return fail(e, ERR_IO, "cannot start a thread");
    while (n < want && pthread_create(&threads[n], NULL, worker, x) == 0)
        n++;
    if (n == 0)
        worker(x);
    for (size_t i = 0; i < n; i++)
        pthread_join(threads[i], NULL);
    end_relay(&relay, relay_thread);
    return true;
}

static bool choose(struct arena *a, const struct project *p, const struct run_options *o, struct execution *x,
                   struct err *e)
{
    bool *chosen = arena_make(a, bool, p->nassets);
    if (!project_select(p, o->select, o->exclude, chosen, e))
        return false;
    x->run->tasks = arena_make(a, struct run_task, p->nassets);
    x->task_of_asset = arena_make(a, size_t, p->nassets);
    for (size_t i = 0; i < p->nassets; i++) {
        if (!chosen[i])
            continue;
        x->run->tasks[x->run->ntasks] = (struct run_task){.asset = &p->assets[i], .result.version = -1};
        x->task_of_asset[i] = ++x->run->ntasks;
    }
    return x->run->ntasks > 0 || fail(e, ERR_USER, "nothing is selected");
}

static void free_tasks(void *arg)
{
    struct run *r = arg;
    for (size_t i = 0; i < r->ntasks; i++)
        arena_free(r->tasks[i].arena);
}

bool run_workshop(struct arena *a, const struct project *p, const struct engine_driver *d,
                  struct engine *engine, const struct run_options *o, struct workshop *ret, struct err *e)
{
    static const struct clock real = {0};
    int64_t now_us = o->now_pinned ? o->now_us : clock_now_us(&real);
    struct civil c = civil_from_us(now_us);
    const char *lake = strstr(p->lake, "://") || p->lake[0] == '/' ? p->lake : fs_join(a, p->root, p->lake);
    *ret = (struct workshop){
        .project = p,
        .driver = d,
        .engine = engine,
        .clock = &real,
        .params = {.now_us = now_us, .start_us = o->start_us, .end_us = o->end_us, .run_id = ""},
        .batch_run_id = arena_fmt(a, "batch_%04d_%02d_%02d_%02d", c.year, c.month, c.day, c.hour),
        .now_pinned = o->now_pinned,
        .full_refresh = o->full_refresh,
    };
    return store_open(a, lake, &p->storage, &ret->lake, e);
}

static void close_log(void *arg)
{
    log_set_file(-1);
    close((int)(intptr_t)arg);
}

static bool open_log(struct arena *a, const struct project *p, const struct run *r, struct err *e)
{
    const char *dir = fs_join(a, p->state, "logs");
    if (!fs_mkdirs(dir, e))
        return false;
    const char *path = arena_fmt(a, "%s/%s.jsonl", dir, r->id);
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0644);
    if (fd < 0)
        return fs_fail(e, "cannot open", path);
    log_set_file(fd);
    arena_defer(a, close_log, (void *)(intptr_t)fd);
    return true;
}

/* Everything that must be there before the first task: the lock, the id, the history, the log. */
static bool prepare(struct arena *a, const struct project *p, struct execution *x, struct err *e)
{
    struct claim claim;
    const char *note;
    if (!claim_run(a, p, x->o, &claim, e))
        return false;
    struct run_options o = *x->o;
    o.now_pinned = true; /* every part of the run works at one logical time */
    o.now_us = claim.now_us;
    if (!run_workshop(a, p, x->w.driver, x->w.engine, &o, &x->w, e))
        return false;
    x->w.clock = &x->clock;
    x->w.now_pinned = x->o->now_pinned;
    x->w.params.run_id = claim.run_id;
    if (x->o->now_pinned)
        x->clock.pinned_us = claim.now_us;
    x->run->id = claim.run_id;
    x->run->now_us = claim.now_us;
    x->run->resumed = claim.resumed;
    x->run->started_us = clock_now_us(&real_time);
    if (!open_log(a, p, x->run, e) || !state_open(a, p->state, &x->state, &note, e))
        return false;
    if (x->watch->note && claim.note)
        x->watch->note(x->watch->arg, claim.note);
    if (x->watch->note && note)
        x->watch->note(x->watch->arg, note);
    state_run_begun(x->state, x->run, x->o->spelled);
    size_t swept = asset_sweep(&x->w);
    if (swept)
        log_debug(EV("staged.swept"), KV("files", swept));
    return true;
}

/* An orderly end leaves nothing to take over; a run that was stopped does. */
static bool finish(struct arena *a, const struct project *p, struct execution *x, struct err *e)
{
    struct run *r = x->run;
    bool canceled = x->o->cancel && atomic_load(x->o->cancel);
    r->finished_us = clock_now_us(&real_time);
    r->state = canceled ? "canceled" : x->failed ? "failed" : "success";
    if (!canceled && !claim_end(a, p, e))
        return false;
    state_run_done(x->state, r);
    log_context(r->id, NULL);
    log_info(EV("run.done"), KV("state", r->state));
    log_context(NULL, NULL);
    if (x->watch->done)
        x->watch->done(x->watch->arg, r);
    if (canceled && (!x->failed || x->first.kind == ERR_CANCELED)) {
        fail(e, ERR_CANCELED, "stopped; run %s goes on with the next `cupel run`", r->id);
        return false;
    }
    if (x->failed)
        *e = x->first;
    return !x->failed;
}

bool run_execute(struct arena *a, const struct project *p, const struct engine_driver *d,
                 struct engine *engine, const struct run_options *o, const struct run_watcher *watch,
                 struct run **ret, struct err *e)
{
    struct execution *x = arena_make(a, struct execution, 1);
    *x = (struct execution){.o = o, .watch = watch, .w = {.driver = d, .engine = engine}};
    x->run = arena_make(a, struct run, 1);
    x->run->state = "running";
    *ret = x->run;
    arena_defer(a, free_tasks, x->run);
    if (!choose(a, p, o, x, e) || !prepare(a, p, x, e))
        return false;
    pthread_mutex_init(&x->lock, NULL);
    pthread_cond_init(&x->moved, NULL);
    if (watch->begun)
        watch->begun(watch->arg, x->run);
    bool ok = run_threads(x, e) && finish(a, p, x, e);
    pthread_cond_destroy(&x->moved);
    pthread_mutex_destroy(&x->lock);
    return ok;
}
