/* What the run tells is copied into rows; a thread of the view's own draws them, so that the clock runs on
 * while the tasks say nothing. A frame is one write(2), and lines are overwritten rather than cleared:
 * nothing flickers. */
#include "cli/view.h"

#include <pthread.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#include "base/buf.h"
#include "base/log.h"
#include "cli/terminal.h"

enum { FRAME_MS = 100, PLAIN_MS = 60000, SAMPLE_MS = 1000, SAMPLES = 11, BAR = 20, MAX_LINES = 64 };

struct sample {
    int64_t ms, done;
};

struct row { /* a task, as far as it is shown */
    const char *name;
    enum task_state state;
    int64_t since_ms;
    struct progress progress;
    struct sample samples[SAMPLES]; /* the newest last */
    size_t nsamples;
    int64_t said_ms; /* plain: when it was last spoken of */
};

struct view {
    struct view_conf c;
    struct arena *a;
    pthread_mutex_t lock; /* all below */
    pthread_cond_t wake;
    pthread_t ticker;
    bool ticking, ended;
    struct row *rows;
    size_t nrows;
    int name_width;
    int drawn[MAX_LINES]; /* widths of the lines at the foot of the screen */
    size_t ndrawn;
};

/* --- words --- */

static const char *color_of(enum task_state s)
{
    switch (s) {
    case TASK_DONE:
        return "\033[32m";
    case TASK_FAILED:
        return "\033[31m";
    case TASK_SKIPPED:
    case TASK_CANCELED:
        return "\033[33m";
    case TASK_RUNNING:
        return "\033[36m";
    case TASK_UNCHANGED:
    case TASK_WAITING:
        break;
    }
    return "\033[2m";
}

static void add_state(struct buf *b, const struct view *v, enum task_state s)
{
    buf_addf(b, "  %s%-9s%s ", v->c.color ? color_of(s) : "", task_state_name(s),
             v->c.color ? "\033[0m" : "");
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

static void describe_done(struct buf *b, struct arena *a, const struct asset_result *r)
{
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
    if (r->note)
        buf_addf(b, ", %s", r->note);
}

static void describe_end(struct buf *b, struct arena *a, const struct run_task *t)
{
    switch (t->state) {
    case TASK_DONE:
        describe_done(b, a, &t->result);
        break;
    case TASK_UNCHANGED:
        buf_addf(b, "%s", t->result.note ? t->result.note : "up to date");
        break;
    case TASK_FAILED:
        if (t->result.read.n)
            describe_read(b, a, &t->result.read);
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

/* A second in the last ten; 0 = too early to say. */
static double rate_of(const struct row *r, int64_t now_ms)
{
    if (r->nsamples == 0 || now_ms - r->samples[0].ms < 2 * SAMPLE_MS)
        return 0;
    return (double)(r->progress.done - r->samples[0].done) * 1000 / (double)(now_ms - r->samples[0].ms);
}

static void add_bar(struct buf *b, const struct view *v, const struct progress *p)
{
    int full = (int)((double)p->done / (double)p->total * BAR);
    bool ascii = terminal_ascii();
    full = full < 0 ? 0 : full > BAR ? BAR : full;
    buf_addf(b, "%s", v->c.color ? "\033[36m" : "");
    for (int i = 0; i < full; i++)
        buf_addf(b, "%s", ascii ? "#" : "\xe2\x94\x81");
    buf_addf(b, "%s", v->c.color ? "\033[0m\033[2m" : "");
    for (int i = full; i < BAR; i++)
        buf_addf(b, "%s", ascii ? "." : v->c.color ? "\xe2\x94\x81" : "\xe2\x94\x80");
    buf_addf(b, "%s  ", v->c.color ? "\033[0m" : "");
}

static void add_progress(struct buf *b, struct arena *a, const struct row *r, int64_t now_ms)
{
    const struct progress *p = &r->progress;
    if (!p->unit)
        return;
    double rate = rate_of(r, now_ms);
    buf_addf(b, "%s", human_int(a, p->done));
    if (p->total >= 0)
        buf_addf(b, " of %s", human_int(a, p->total));
    buf_addf(b, " %s", p->unit);
    if (rate > 0)
        buf_addf(b, rate < 9.95 ? ", %.1f/s" : ", %.0f/s", rate);
    if (rate > 0 && p->total > p->done)
        buf_addf(b, ", %s left", human_left(a, (double)(p->total - p->done) / rate));
    if (p->retried)
        buf_addf(b, ", %s retried", human_int(a, p->retried));
    if (p->missing)
        buf_addf(b, ", %s missing", human_int(a, p->missing));
    if (p->failed)
        buf_addf(b, ", %s failed", human_int(a, p->failed));
}

/* --- drawing; all under the view's lock --- */

struct frame {
    struct buf b;
    struct arena *a;
    int width;  /* of the terminal */
    int height; /* lines that may be drawn */
    int lines[MAX_LINES];
    size_t n;
};

/* A line at the foot: what does not fit is cut, so that it takes one line of the screen. Colours are only at
 * its start (and in `lead`), text is plain. */
static void add_line(struct frame *f, const char *lead, int lead_width, const char *text)
{
    int room = f->width - 1 - lead_width;
    size_t fit = text_fit(text, strlen(text), room > 0 ? room : 0);
    if (f->n == MAX_LINES)
        return;
    buf_addf(&f->b, "%s", lead);
    buf_add(&f->b, text, fit);
    buf_addf(&f->b, "\033[K\n");
    f->lines[f->n++] = lead_width + text_width(text, fit);
}

static void add_running(struct frame *f, const struct view *v, const struct row *r, int64_t now_ms)
{
    auto_buf lead = BUF(4096), text = BUF(4096);
    int width = 2 + 10;
    add_state(&lead, v, r->state);
    char head[128];
    snprintf(head, sizeof head, "%-*s %9s  ", v->name_width, r->name,
             human_left(f->a, (double)(now_ms - r->since_ms) / 1000));
    if (r->progress.unit && r->progress.total > 0 && f->width >= width + v->name_width + 11 + BAR + 40) {
        buf_addf(&lead, "%s", head);
        add_bar(&lead, v, &r->progress);
        width += text_width(head, strlen(head)) + BAR + 2;
    } else {
        buf_addf(&text, "%s", head);
    }
    add_progress(&text, f->a, r, now_ms);
    if (f->width > width)
        add_line(f, lead.p, width, text.p);
    else
        add_line(f, "", 0, r->name);
}

static void add_waiting(struct frame *f, const struct view *v, size_t running_left)
{
    size_t waiting = 0;
    auto_buf names = BUF(1 << 16), text = BUF(1 << 17);
    for (size_t i = 0; i < v->nrows; i++)
        if (v->rows[i].state == TASK_WAITING && waiting++ < 20)
            buf_addf(&names, "%s%s", names.len ? ", " : "", v->rows[i].name);
    if (running_left)
        add_line(f, "", 0, arena_fmt(f->a, "  and %zu more at work", running_left));
    if (!waiting)
        return;
    buf_addf(&text, "  %zu waiting: %s%s", waiting, names.p, waiting > 20 ? ", ..." : "");
    add_line(f, v->c.color ? "\033[2m" : "", 0, text.p);
    if (v->c.color)
        buf_addf(&f->b, "\033[0m");
}

static void write_all(const char *p, size_t n)
{
    for (ssize_t k; n > 0; p += k, n -= (size_t)k)
        if ((k = write(STDERR_FILENO, p, n)) <= 0)
            return;
}

/* Up to where the foot begins: a terminal that has become narrower since has broken its lines. */
static void go_up(struct frame *f, const struct view *v)
{
    int up = 0;
    for (size_t i = 0; i < v->ndrawn; i++)
        up += v->drawn[i] > f->width ? (v->drawn[i] + f->width - 1) / f->width : 1;
    if (up)
        buf_addf(&f->b, "\033[%dA\r", up);
}

static void frame_begin(struct frame *f, struct view *v)
{
    struct winsize w = {0};
    *f = (struct frame){
        .b = BUF(1 << 20), .a = arena_new(), .width = terminal_width(STDERR_FILENO), .height = 24};
    if (ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_row > 4)
        f->height = w.ws_row;
    if (f->width <= 0)
        f->width = 80;
    go_up(f, v);
}

static void frame_end(struct frame *f, struct view *v)
{
    buf_addf(&f->b, "\033[J");
    write_all(f->b.p, f->b.len);
    memcpy(v->drawn, f->lines, sizeof v->drawn);
    v->ndrawn = f->n;
    buf_free(&f->b);
    arena_free(f->a);
}

static void add_foot(struct frame *f, struct view *v)
{
    int64_t now = clock_mono_ms();
    size_t room = f->height > 6 ? (size_t)f->height - 4 : 2, running = 0, shown = 0;
    for (size_t i = 0; i < v->nrows; i++) {
        if (v->rows[i].state != TASK_RUNNING)
            continue;
        if (running++ < room && shown < MAX_LINES - 4) {
            add_running(f, v, &v->rows[i], now);
            shown++;
        }
    }
    add_waiting(f, v, running - shown);
    if (v->c.stop && atomic_load(v->c.stop))
        add_line(f, "", 0, "  stopping: what is at work ends its step; Ctrl-C again ends at once");
}

/* `text` above the foot, and the foot anew. */
static void draw(struct view *v, const char *text, size_t n)
{
    struct frame f;
    frame_begin(&f, v);
    for (const char *end; n > 0; n -= (size_t)(end - text), text = end) {
        const char *newline = memchr(text, '\n', n);
        end = newline ? newline + 1 : text + n;
        buf_add(&f.b, text, (size_t)(end - text) - (newline != NULL));
        buf_addf(&f.b, "\033[K\n");
    }
    if (!v->ended)
        add_foot(&f, v);
    frame_end(&f, v);
}

/* A finished line: above the foot on a terminal. */
static void say(struct view *v, const char *text, size_t n)
{
    if (v->c.live)
        draw(v, text, n);
    else
        write_all(text, n);
}

/* What takes long is spoken of now and then where nothing is drawn. */
static void say_running(struct view *v)
{
    auto_arena *a = arena_new();
    int64_t now = clock_mono_ms();
    for (size_t i = 0; i < v->nrows; i++) {
        struct row *r = &v->rows[i];
        if (r->state != TASK_RUNNING || now - (r->said_ms ? r->said_ms : r->since_ms) < PLAIN_MS)
            continue;
        auto_buf b = BUF(4096);
        add_state(&b, v, r->state);
        buf_addf(&b, "%-*s %9s  ", v->name_width, r->name, human_left(a, (double)(now - r->since_ms) / 1000));
        add_progress(&b, a, r, now);
        buf_addf(&b, "\n");
        write_all(b.p, b.len);
        r->said_ms = now;
    }
}

static void *tick(void *arg)
{
    struct view *v = arg;
    pthread_mutex_lock(&v->lock);
    while (!v->ended) {
        struct timespec until;
        clock_gettime(CLOCK_MONOTONIC, &until);
        until.tv_nsec += FRAME_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&v->wake, &v->lock, &until);
        if (!v->ended && v->c.live)
            draw(v, NULL, 0);
        else if (!v->ended)
            say_running(v);
    }
    pthread_mutex_unlock(&v->lock);
    return NULL;
}

/* --- JSON --- */

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

static json_t *error_json(const struct err *e)
{
    json_t *j = json_pack("{s:s, s:s, s:s}", "kind", err_name(e->kind), "message", e->msg, "hint", e->hint);
    if (j && e->at.file)
        json_object_set_new(j, "file", json_string(e->at.file));
    if (j && e->at.line) {
        json_object_set_new(j, "line", json_integer(e->at.line));
        json_object_set_new(j, "column", json_integer(e->at.col));
    }
    return j;
}

static void json_task(const struct run *r, const struct run_task *t)
{
    json_t *j = json_pack("{s:s, s:s, s:s, s:s, s:i, s:f, s:I, s:I, s:I, s:s?}", "event", "task", "run",
                          r->id, "task", t->asset->name, "state", task_state_name(t->state), "attempts",
                          t->attempts, "seconds", t->seconds, "rows", t->result.rows, "quarantined",
                          t->result.quarantined, "version", t->result.version, "note", t->result.note);
    if (j && t->err.kind)
        json_object_set_new(j, "error", error_json(&t->err));
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

/* --- what the run tells; one call at a time --- */

static void take_tasks(struct view *v, const struct run *r)
{
    pthread_condattr_t monotonic;
    v->rows = arena_make(v->a, struct row, r->ntasks);
    v->nrows = r->ntasks;
    for (size_t i = 0; i < r->ntasks; i++) {
        v->rows[i].name = r->tasks[i].asset->name;
        int w = text_width(v->rows[i].name, strlen(v->rows[i].name));
        v->name_width = w > v->name_width ? w : v->name_width;
    }
    v->name_width = v->name_width > 40 ? 40 : v->name_width;
    pthread_condattr_init(&monotonic);
    pthread_condattr_setclock(&monotonic, CLOCK_MONOTONIC);
    pthread_cond_init(&v->wake, &monotonic);
    pthread_condattr_destroy(&monotonic);
    v->ticking = pthread_create(&v->ticker, NULL, tick, v) == 0;
}

static void on_begun(void *arg, const struct run *r)
{
    struct view *v = arg;
    char when[32];
    clock_format(when, r->now_us, 0);
    if (v->c.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:b, s:I}", "event", "run", "run", r->id, "now", when,
                             "resumed", r->resumed, "tasks", (json_int_t)r->ntasks));
        fflush(stdout);
    }
    if (v->c.json || v->c.quiet)
        return;
    fprintf(stderr, "run %s for %s, %zu task%s%s\n", r->id, when, r->ntasks, r->ntasks == 1 ? "" : "s",
            r->resumed ? ": goes on where it was interrupted" : "");
    take_tasks(v, r);
}

static void on_task(void *arg, const struct run *r, const struct run_task *t)
{
    struct view *v = arg;
    if (v->c.json)
        json_task(r, t);
    if (v->c.json || v->c.quiet)
        return;
    pthread_mutex_lock(&v->lock);
    struct row *row = &v->rows[t - r->tasks];
    row->state = t->state;
    if (t->state == TASK_RUNNING) {
        row->since_ms = clock_mono_ms();
    } else if (t->state != TASK_CANCELED || t->started_us) { /* what never began is only counted */
        auto_arena *a = arena_new();
        auto_buf b = BUF(1 << 16);
        add_state(&b, v, t->state);
        buf_addf(&b, "%-*s %9s  ", v->name_width, t->asset->name,
                 t->started_us ? human_seconds(a, t->seconds) : "");
        describe_end(&b, a, t);
        buf_addf(&b, "\n");
        say(v, b.p, b.len);
    }
    pthread_mutex_unlock(&v->lock);
}

static void take_sample(struct row *r)
{
    int64_t now = clock_mono_ms();
    if (r->nsamples && now - r->samples[r->nsamples - 1].ms < SAMPLE_MS)
        return;
    if (r->nsamples == SAMPLES)
        memmove(r->samples, r->samples + 1, --r->nsamples * sizeof *r->samples);
    r->samples[r->nsamples++] = (struct sample){now, r->progress.done};
}

static void on_progress(void *arg, const struct run *r, const struct run_task *t)
{
    struct view *v = arg;
    if (v->c.json || v->c.quiet)
        return;
    pthread_mutex_lock(&v->lock);
    struct row *row = &v->rows[t - r->tasks];
    row->progress = t->progress;
    take_sample(row);
    pthread_mutex_unlock(&v->lock);
}

static void on_note(void *arg, const char *text)
{
    struct view *v = arg;
    if (v->c.json)
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
    if (v->c.json) {
        print_json(json_pack("{s:s, s:s, s:s, s:f}", "event", "done", "run", r->id, "state", r->state,
                             "seconds", secs));
        return;
    }
    view_end(v);
    if (v->c.quiet)
        return;
    auto_arena *a = arena_new();
    fprintf(stderr, "%s in %s: %zu done, %zu unchanged", r->state, human_seconds(a, secs), count[TASK_DONE],
            count[TASK_UNCHANGED]);
    for (enum task_state s = TASK_FAILED; s <= TASK_CANCELED; s++)
        if (count[s])
            fprintf(stderr, ", %zu %s", count[s], task_state_name(s));
    fputc('\n', stderr);
}

void view_end(struct view *v)
{
    pthread_mutex_lock(&v->lock);
    bool was = v->ended;
    v->ended = true;
    if (!was && v->c.live && v->ndrawn)
        draw(v, NULL, 0);
    v->c.live = false;
    if (v->ticking)
        pthread_cond_signal(&v->wake);
    pthread_mutex_unlock(&v->lock);
    if (v->ticking && !was)
        pthread_join(v->ticker, NULL);
}

struct view *view_new(struct arena *a, const struct view_conf *c)
{
    struct view *v = arena_make(a, struct view, 1);
    *v = (struct view){.c = *c, .a = a};
    v->c.live = c->live && !c->json && !c->quiet;
    pthread_mutex_init(&v->lock, NULL);
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
