#include <string.h>

#include "cli/cmd.h"

struct runs_conf {
    int64_t limit;
};
static const struct opt runs_options[] = {
    {"limit", 'n', OPT_COUNT, offsetof(struct runs_conf, limit), "N", "The newest N runs (default 20)"},
    {0},
};

static bool runs(struct app *app, const void *conf, struct err *e)
{
    const struct runs_conf *c = conf;
    struct opened x;
    struct state *s;
    struct state_run *r;
    size_t n;
    if (!app_history(app, &x, &s, e) ||
        !state_runs(app->a, s, c->limit > 0 ? (size_t)c->limit : 20, &r, &n, e))
        return false;
    struct list_of(const char *) cells = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char started[32], now[32];
        clock_format(started, r[i].started_us, 0);
        clock_format(now, r[i].now_us, 0);
        double secs = r[i].finished_us ? (double)(r[i].finished_us - r[i].started_us) / 1e6 : 0;
        *arena_push(app->a, &cells) = r[i].id;
        *arena_push(app->a, &cells) = app_run_state(&x, &r[i]);
        *arena_push(app->a, &cells) = arena_str(app->a, started);
        bool over = r[i].finished_us && strcmp(r[i].state, "running") != 0;
        *arena_push(app->a, &cells) = over ? human_seconds(app->a, secs) : "";
        *arena_push(app->a, &cells) = human_int(app->a, r[i].tasks);
        *arena_push(app->a, &cells) = human_int(app->a, r[i].failed);
        *arena_push(app->a, &cells) = human_int(app->a, r[i].rows);
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:s, s:s, s:f, s:I, s:I, s:I}", "run", r[i].id, "state",
                                        app_run_state(&x, &r[i]), "now", now, "started", started, "seconds",
                                        secs, "tasks", r[i].tasks, "failed", r[i].failed, "rows", r[i].rows));
    }
    if (app->json) {
        print_json(json_pack("{s:o}", "runs", list));
        return true;
    }
    json_decref(list);
    static const char *const heads[] = {"run", "state", "started", "took", "tasks", "failed", "rows"};
    static const bool right[] = {false, false, false, true, true, true, true};
    grid_print(stdout,
               &(struct grid){
                   .names = heads, .ncolumns = countof(heads), .nrows = n, .cells = cells.v, .right = right});
    return true;
}

const struct cmd cmd_runs = {
    .name = "runs",
    .args = "",
    .summary = "the runs so far, newest first",
    .options = runs_options,
    .conf_size = sizeof(struct runs_conf),
    .quick = true,
    .lenient = true,
    .run = runs,
};
