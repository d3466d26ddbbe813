#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/log.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/run_conf.h"
#include "cli/signals.h"
#include "cli/view.h"

const struct opt run_opts[] = {
    {"select", 's', OPT_LIST, offsetof(struct run_conf, select), "SELECTOR",
     "What to run: silver.movies, gold.*, +gold.trending, tag:hourly, source:tmdb"},
    {"exclude", 0, OPT_LIST, offsetof(struct run_conf, exclude), "SELECTOR", "What to leave out"},
    {"full-refresh", 0, OPT_FLAG, offsetof(struct run_conf, full_refresh), NULL,
     "Make incremental tables anew from all of their inputs"},
    {"start-date", 0, OPT_TEXT, offsetof(struct run_conf, start), "DATE",
     "$start of the models: from this time on"},
    {"end-date", 0, OPT_TEXT, offsetof(struct run_conf, end), "DATE",
     "$end of the models: up to, without, this time"},
    {"now", 0, OPT_TEXT, offsetof(struct run_conf, now), "TIME",
     "Pin the run's clock ($now, partitions, timestamps)"},
    {"pages", 0, OPT_TEXT, offsetof(struct run_conf, pages), "N", "Short for --var pages=N"},
    {"categories", 0, OPT_TEXT, offsetof(struct run_conf, categories), "A,B",
     "Short for --var categories=A,B"},
    {"threads", 0, OPT_COUNT, offsetof(struct run_conf, threads), "N", "Tasks side by side (default 4)"},
    {"fail-fast", 0, OPT_FLAG, offsetof(struct run_conf, fail_fast), NULL,
     "Stop everything at the first failure"},
    {0},
};

static const char *joined(struct arena *a, const struct opt_list *l)
{
    if (l->n == 0)
        return NULL;
    auto_buf b = BUF(1 << 16);
    for (size_t i = 0; i < l->n; i++)
        buf_addf(&b, "%s%s", i ? " " : "", l->v[i]);
    return arena_str(a, b.p);
}

static void add_var(struct app *app, const char *name, const char *value)
{
    if (!value)
        return;
    *arena_push(app->a, &app->vars) = arena_fmt(app->a, "%s=%s", name, value);
    *arena_push(app->a, &app->vars) = NULL;
    app->vars.n--;
}

static bool time_option(const char *name, const char *text, int64_t *ret, struct err *e)
{
    return !text || clock_parse(text, ret, e) || wrap(e, "--%s", name);
}

/* What makes two runs the same: everything that was asked, in one order. */
static const char *spell(struct app *app, const struct run_options *o, const struct run_conf *c)
{
    auto_buf b = BUF(1 << 20);
    buf_addf(&b, "select=%s exclude=%s", o->select ? o->select : "", o->exclude ? o->exclude : "");
    buf_addf(&b, "%s start=%s end=%s now=%s env=%s", o->full_refresh ? " full-refresh" : "",
             c->start ? c->start : "", c->end ? c->end : "", c->now ? c->now : "", app->env ? app->env : "");
    for (size_t i = 0; i < app->vars.n; i++)
        buf_addf(&b, " %s", app->vars.v[i]);
    return arena_str(app->a, b.p);
}

bool run_conf_options(struct app *app, const struct run_conf *c, struct run_options *o, struct err *e)
{
    add_var(app, "pages", c->pages);
    add_var(app, "categories", c->categories);
    *o = (struct run_options){.select = joined(app->a, &c->select),
                              .exclude = joined(app->a, &c->exclude),
                              .full_refresh = c->full_refresh,
                              .fail_fast = c->fail_fast,
                              .now_pinned = c->now != NULL,
                              .start_us = INT64_MIN,
                              .end_us = INT64_MAX,
                              .threads = (int)c->threads,
                              .cancel = signals_stop()};
    if (c->threads > 64)
        return fail(e, ERR_USER, "--threads must be at most 64");
    if (!time_option("now", c->now, &o->now_us, e) || !time_option("start-date", c->start, &o->start_us, e) ||
        !time_option("end-date", c->end, &o->end_us, e))
        return false;
    if (o->start_us >= o->end_us)
        return fail(e, ERR_USER, "--start-date must be before --end-date");
    o->spelled = spell(app, o, c);
    return true;
}

/* The view or the log, not both; all of the log is in the run's file. */
static void set_up_log(const struct app *app)
{
    log_setup(&(struct log_conf){.text_fd = app->logged || app->debug ? STDERR_FILENO : -1,
                                 .json = app->log_json,
                                 .color = app->color,
                                 .min = app->debug ? LOG_DEBUG : LOG_INFO,
                                 .file_fd = -1});
}

/* The run ends with its first error; the others are said before. */
static void print_other_errors(const struct app *app, const struct run *r, const struct err *first)
{
    for (size_t i = 0; i < r->ntasks; i++) {
        const struct err *e = &r->tasks[i].err;
        if (r->tasks[i].state == TASK_FAILED &&
            (strcmp(e->msg, first->msg) != 0 || e->at.line != first->at.line))
            app_error(app, e);
    }
}

static bool run(struct app *app, const void *conf, struct err *e)
{
    struct run_options o;
    struct opened x;
    signals_catch();
    if (!run_conf_options(app, conf, &o, e) || !app_open(app, OPEN_BOUND, &o, &x, e))
        return false;

    const char *term = getenv("TERM");
    bool live = isatty(STDERR_FILENO) && term && strcmp(term, "dumb") != 0;
    struct view *v = view_new(app->a, &(struct view_conf){.live = live,
                                                          .color = app->color,
                                                          .json = app->json,
                                                          .quiet = (app->logged || app->debug) && !app->json,
                                                          .stop = signals_stop()});
    struct run_watcher watch = view_watcher(v);
    struct run *r;
    set_up_log(app);
    bool ok = run_execute(app->a, x.project, &engine_duckdb, x.engine, &o, &watch, &r, e);
    view_end(v);
    if (!ok && !app->json)
        print_other_errors(app, r, e);
    return ok;
}

const struct cmd cmd_run = {
    .name = "run",
    .args = "",
    .summary = "fetch the sources and make the tables that are not up to date",
    .help = "Every task writes, checks and then publishes in one commit, so a run may be stopped or killed "
            "at any\n"
            "time; the next `cupel run` goes on where it was. A selector takes the words of dbt: a+ is a and "
            "all\n"
            "that come after it, +a all before, 2+a two steps, a comma means and, a space or.\n",
    .options = run_opts,
    .conf_size = sizeof(struct run_conf),
    .run = run,
};
