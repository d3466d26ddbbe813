#include "cli/view.h"

#include <pthread.h>
#include <string.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"

struct view {
    bool live, color, json;
    int drawn;       /* lines of the live part that are on the screen */
    int64_t last_ms; /* when it was drawn */
    struct arena *a;
};

/* Everything here runs under the run's lock: one thread at a time. */

static const char *paint(const struct view *v, enum task_state s)
{
    if (!v->color)
        return "";
    switch (s) {
    case TASK_DONE:
        return "\033[32m";
    case TASK_FAILED:
        return "\033[31m";
    case TASK_SKIPPED:
    case TASK_CANCELED:
        return "\033[33m";
    case TASK_UNCHANGED:
    case TASK_WAITING:
    case TASK_RUNNING:
        break;
    }
    return "\033[2m";
}

static const char *unpaint(const struct view *v)
{
    return v->color ? "\033[0m" : "";
}

static void erase(struct view *v)
{
    if (v->drawn > 0)
        fprintf(stderr, "\033[%dA\033[J", v->drawn);
    v->drawn = 0;
}

static void describe_read(struct buf *b, struct arena *a, const struct read_result *r)
{
    int64_t arrived = 0, missing = 0, failed = 0, resumed = 0;
    for (size_t i = 0; i < r->n; i++) {
        arrived += r->stats[i].arrived;
        missing += r->stats[i].missing;
        failed += r->stats[i].failed;
        resumed += r->stats[i].resumed;
    }
    buf_addf(b, "%s answers", human_int(a, arrived));
    if (resumed)
        buf_addf(b, " (%s found on disk)", human_int(a, resumed));
    if (missing)
        buf_addf(b, ", %s missing", human_int(a, missing));
    if (failed)
        buf_addf(b, ", %s failed", human_int(a, failed));
    buf_addf(b, ", ");
}

static void describe_end(struct buf *b, struct arena *a, const struct run_task *t)
{
    const struct asset_result *r = &t->result;
    switch (t->state) {
    case TASK_DONE:
        if (r->read.n)
            describe_read(b, a, &r->read);
        buf_addf(b, "%s row%s", human_int(a, r->rows), r->rows == 1 ? "" : "s");
        if (r->quarantined)
            buf_addf(b, ", %s quarantined", human_int(a, r->quarantined));
        for (size_t i = 0; i < r->nchecks; i++)
            if (r->checks[i].failed && strcmp(r->checks[i].severity, "warn") == 0)
                buf_addf(b, ", warning: %s (%s)", r->checks[i].name, human_int(a, r->checks[i].failed));
        if (r->version >= 0)
            buf_addf(b, ", v%lld", (long long)r->version);
        break;
    case TASK_UNCHANGED:
        buf_addf(b, "%s", r->note ? r->note : "up to date");
        break;
    case TASK_FAILED:
        if (r->read.n)
            describe_read(b, a, &r->read);
        buf_addf(b, "%s", t->err.msg);
        break;
    case TASK_SKIPPED:
        buf_addf(b, "needs %s", t->blocked_by ? t->blocked_by : "what failed");
        break;
    case TASK_CANCELED:
        buf_addf(b, "stopped");
        break;
    case TASK_WAITING:
    case TASK_RUNNING:
        break;
    }
}

static void describe_progress(struct buf *b, struct arena *a, const struct progress *p)
{
    if (!p->unit)
        return;
    buf_addf(b, "%s", human_int(a, p->done));
    if (p->total >= 0)
        buf_addf(b, " of %s", human_int(a, p->total));
    buf_addf(b, " %s", p->unit);
    if (p->retried)
        buf_addf(b, ", %s retried", human_int(a, p->retried));
    if (p->missing)
        buf_addf(b, ", %s missing", human_int(a, p->missing));
    if (p->failed)
        buf_addf(b, ", %s failed", human_int(a, p->failed));
}

static void draw(struct view *v, const struct run *r)
{
    auto_arena *a = arena_new();
    erase(v);
    size_t waiting = 0;
    for (size_t i = 0; i < r->ntasks; i++) {
        const struct run_task *t = &r->tasks[i];
        waiting += t->state == TASK_WAITING;
        if (t->state != TASK_RUNNING)
            continue;
        auto_buf b = BUF(200);
        describe_progress(&b, a, &t->progress);
        double secs = (double)(clock_now_us(&(struct clock){0}) - t->started_us) / 1e6;
        fprintf(stderr, "  %-9s %-28s %7.1f s  %s\n", "running", t->asset->name, secs, b.p);
        v->drawn++;
    }
    if (waiting) {
        fprintf(stderr, "%s  %zu waiting%s\n", v->color ? "\033[2m" : "", waiting, unpaint(v));
        v->drawn++;
    }
    v->last_ms = clock_mono_ms();
}

static json_t *read_json(const struct read_result *r)
{
    json_t *list = json_array();
    for (size_t i = 0; i < r->n; i++) {
        const struct read_stats *s = &r->stats[i];
        json_array_append_new(list, json_pack("{s:s, s:s?, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o?}",
                                              "resource", s->resource, "table", s->table, "wanted", s->wanted,
                                              "arrived", s->arrived, "resumed", s->resumed, "missing",
                                              s->missing, "failed", s->failed, "retries", s->retries,
                                              "records", s->records, "bytes", s->bytes, "problems",
                                              s->problems ? json_loads(s->problems, 0, NULL) : NULL));
    }
    return list;
}

static void json_task(const struct run *r, const struct run_task *t)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:I, s:I, s:I, s:s?}", "event", "task", "run",
                          r->id, "task", t->asset->name, "state", task_state_name(t->state), "attempts",
                          t->attempts, "seconds", t->seconds, "rows", t->result.rows, "quarantined",
                          t->result.quarantined, "version", t->result.version, "note", t->result.note);
    if (j && t->err.kind)
        json_object_set_new(j, "error",
                            json_pack("{s:s, s:s}", "kind", err_name(t->err.kind), "message", t->err.msg));
    json_t *checks = json_array();
    for (size_t i = 0; i < t->result.nchecks; i++)
        json_array_append_new(checks,
                              json_pack("{s:s, s:s, s:I}", "name", t->result.checks[i].name, "severity",
                                        t->result.checks[i].severity, "failed", t->result.checks[i].failed));
    if (j)
        json_object_set_new(j, "checks", checks);
    if (j && t->result.read.n)
        json_object_set_new(j, "resources", read_json(&t->result.read));
    print_json(j);
    fflush(stdout);
}

static void on_begun(void *arg, const struct run *r)
{
    struct view *v = arg;
    char when[32];
    clock_format(when, r->now_us, 0);
    if (v->json)
        print_json(json_pack("{s:s, s:s, s:s, s:b, s:I}", "event", "run", "run", r->id, "now", when,
                             "resumed", r->resumed, "tasks", (json_int_t)r->ntasks));
    else
        fprintf(stderr, "run %s for %s, %zu task%s%s\n", r->id, when, r->ntasks, r->ntasks == 1 ? "" : "s",
                r->resumed ? ": goes on where it was interrupted" : "");
}

static void on_task(void *arg, const struct run *r, const struct run_task *t)
{
    struct view *v = arg;
    if (v->json) {
        json_task(r, t);
        return;
    }
    if (t->state == TASK_RUNNING) {
        if (v->live)
            draw(v, r);
        return;
    }
    erase(v);
    auto_arena *a = arena_new();
    auto_buf b = BUF(4096);
    describe_end(&b, a, t);
    fprintf(stderr, "  %s%-9s%s %-28s %7.2f s  %s\n", paint(v, t->state), task_state_name(t->state),
            unpaint(v), t->asset->name, t->seconds, b.p);
    if (v->live)
        draw(v, r);
}

static void on_progress(void *arg, const struct run *r, const struct run_task *t)
{
    struct view *v = arg;
    (void)t;
    if (v->live && clock_mono_ms() - v->last_ms >= 100)
        draw(v, r);
}

static void on_note(void *arg, const char *text)
{
    struct view *v = arg;
    if (v->json)
        print_json(json_pack("{s:s, s:s}", "event", "note", "text", text));
    else
        fprintf(stderr, "note: %s\n", text);
}

static void on_done(void *arg, const struct run *r)
{
    struct view *v = arg;
    size_t count[TASK_CANCELED + 1] = {0};
    for (size_t i = 0; i < r->ntasks; i++)
        count[r->tasks[i].state]++;
    double secs = (double)(r->finished_us - r->started_us) / 1e6;
    if (v->json) {
        print_json(json_pack("{s:s, s:s, s:s, s:f}", "event", "done", "run", r->id, "state", r->state,
                             "seconds", secs));
        return;
    }
    erase(v);
    fprintf(stderr, "%s in %.2f s: %zu done, %zu unchanged", r->state, secs, count[TASK_DONE],
            count[TASK_UNCHANGED]);
    for (enum task_state s = TASK_FAILED; s <= TASK_CANCELED; s++)
        if (count[s])
            fprintf(stderr, ", %zu %s", count[s], task_state_name(s));
    fputc('\n', stderr);
}

struct view *view_new(struct arena *a, bool live, bool color, bool json)
{
    struct view *v = arena_make(a, struct view, 1);
    *v = (struct view){.live = live && !json, .color = color, .json = json, .a = a};
    return v;
}

struct run_watcher view_watcher(struct view *v)
{
    return (struct run_watcher){.arg = v,
                                .begun = on_begun,
                                .task = on_task,
                                .progress = on_progress,
                                .note = on_note,
                                .done = on_done};
}
