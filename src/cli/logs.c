#include <string.h>

#include "base/fs.h"
#include "cli/cmd.h"
#include "run/state.h"

struct logs_conf {
    const char *task;
    bool full;
};
static const struct opt logs_options[] = {
    {"task", 't', OPT_TEXT, offsetof(struct logs_conf, task), "NAME", "Lines of this task only"},
    {"full", 0, OPT_FLAG, offsetof(struct logs_conf, full), NULL, "Every line of the log, as JSON Lines"},
    {0},
};

static bool find_run(struct app *app, struct state *s, const char **ret, struct err *e)
{
    struct state_run *r;
    size_t n;
    if (!state_runs(app->a, s, 0, &r, &n, e))
        return false;
    const char *want = app->nargs ? app->args[0] : NULL;
    for (size_t i = 0; i < n; i++)
        if (!want || strncmp(r[i].id, want, strlen(want)) == 0) {
            *ret = r[i].id;
            return true;
        }
    fail(e, ERR_USER, want ? "no run '%s'" : "nothing has run here yet", want);
    return hint(e, "`cupel runs` lists them");
}

static bool print_log(struct app *app, const struct opened *x, const char *run, const char *task,
                      struct err *e)
{
    char *text;
    if (!fs_read(app->a, arena_fmt(app->a, "%s/logs/%s.jsonl", x->project->state, run), 1u << 30, &text, NULL,
                 e))
        return false;
    const char *mark = task ? arena_fmt(app->a, "\"task\":\"%s\"", task) : NULL;
    for (char *line = text, *end; *line; line = end) {
        end = line + strcspn(line, "\n");
        end += *end == '\n';
        char keep = *end;
        *end = '\0';
        if (!mark || strstr(line, mark))
            fputs(line, stdout);
        *end = keep;
    }
    return true;
}

static bool logs(struct app *app, const void *conf, struct err *e)
{
    const struct logs_conf *c = conf;
    struct opened x;
    struct state *s;
    const char *note, *run;
    struct state_task *t;
    size_t n;
    if (!app_open(app, OPEN_FILES, NULL, &x, e) || !fs_mkdirs(x.project->state, e) ||
        !state_open(app->a, x.project->state, &s, &note, e) || !find_run(app, s, &run, e))
        return false;
    if (c->full || c->task)
        return print_log(app, &x, run, c->task, e);
    if (!state_tasks(app->a, s, run, &t, &n, e))
        return false;

    struct list_of(const char *) cells = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        *arena_push(app->a, &cells) = t[i].name;
        *arena_push(app->a, &cells) = t[i].state;
        *arena_push(app->a, &cells) = human_seconds(app->a, t[i].seconds);
        *arena_push(app->a, &cells) = human_int(app->a, t[i].rows);
        *arena_push(app->a, &cells) = t[i].error ? t[i].error : t[i].note;
        json_array_append_new(list,
                              json_pack("{s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:s?, s:s?}", "task", t[i].name,
                                        "state", t[i].state, "seconds", t[i].seconds, "rows", t[i].rows,
                                        "quarantined", t[i].quarantined, "version", t[i].version, "attempts",
                                        t[i].attempts, "note", t[i].note, "error", t[i].error));
    }
    if (app->json) {
        print_json(json_pack("{s:s, s:o}", "run", run, "tasks", list));
        return true;
    }
    json_decref(list);
    printf("run %s\n", run);
    static const char *const heads[] = {"task", "state", "took", "rows", ""};
    grid_print(stdout,
               &(struct grid){.names = heads, .ncolumns = countof(heads), .nrows = n, .cells = cells.v});
    return true;
}

const struct cmd cmd_logs = {
    .name = "logs",
    .args = "[RUN]",
    .summary = "what the tasks of a run did (the last one, unless named)",
    .options = logs_options,
    .conf_size = sizeof(struct logs_conf),
    .max_args = 1,
    .quick = true,
    .run = logs,
};
