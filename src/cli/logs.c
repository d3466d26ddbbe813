#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "cli/cmd.h"

struct logs_conf {
    const char *task;
    bool full, follow;
};
static const struct opt logs_options[] = {
    {"task", 't', OPT_TEXT, offsetof(struct logs_conf, task), "NAME", "The log's lines of this task"},
    {"full", 0, OPT_FLAG, offsetof(struct logs_conf, full), NULL, "Every line of the log"},
    {"follow", 'f', OPT_FLAG, offsetof(struct logs_conf, follow), NULL,
     "Lines of the log as they come, until the run ends"},
    {0},
};

static bool find_run(struct app *app, struct state *s, struct state_run *ret, struct err *e)
{
    struct state_run *r;
    size_t n;
    if (!state_runs(app->a, s, 0, &r, &n, e))
        return false;
    const char *want = app->nargs ? app->args[0] : "";
    for (size_t i = 0; i < n; i++)
        if (strncmp(r[i].id, want, strlen(want)) == 0) {
            *ret = r[i];
            return true;
        }
    fail(e, ERR_USER, *want ? "no run '%s'" : "nothing has run here yet", want);
    return hint(e, *want ? "`cupel runs` lists them" : "`cupel run` makes the tables");
}

static bool know_task(struct app *app, const struct state_task *t, size_t n, const char *name, struct err *e)
{
    const char **names = arena_make(app->a, const char *, n + 1);
    for (size_t i = 0; i < n; i++) {
        if (strcmp(t[i].name, name) == 0)
            return true;
        names[i] = t[i].name;
    }
    const char *near = text_nearest(name, names, n);
    fail(e, ERR_USER, "no task '%s' in this run", name);
    return near ? hint(e, "did you mean '%s'?", near) : hint(e, "`cupel logs` lists them");
}

/* --- lines of the log --- */

static void print_value(const char *key, const json_t *v)
{
    if (json_is_string(v) && strpbrk(json_string_value(v), " \"=\n")) {
        auto_buf b = BUF(1 << 20);
        json_quote(&b, json_string_value(v), json_string_length(v));
        printf(" %s=%s", key, b.p);
    } else if (json_is_string(v)) {
        printf(" %s=%s", key, *json_string_value(v) ? json_string_value(v) : "\"\"");
    } else {
        char *text = json_dumps(v, JSON_ENCODE_ANY | JSON_COMPACT | JSON_REAL_PRECISION(6));
        printf(" %s=%s", key, text ? text : "?");
        free(text);
    }
}

/* As the log on stderr looks: "12:04:07 INFO  task.done task=load rows=1200". */
static void print_event(json_t *j)
{
    static const char *const own[] = {"ts", "level", "event", "run", "src"};
    const char *ts = json_str(j, "ts", ""), *level = json_str(j, "level", ""), *t = strchr(ts, 'T');
    char upper[8] = "";
    for (size_t i = 0; level[i] && i < 5; i++)
        upper[i] = (char)(level[i] >= 'a' ? level[i] - 'a' + 'A' : level[i]);
    printf("%.8s %-5s %s", t ? t + 1 : ts, upper, json_str(j, "event", ""));
    const char *key;
    json_t *v;
    json_object_foreach(j, key, v)
    {
        bool skip = false;
        for (size_t i = 0; i < countof(own); i++)
            skip = skip || strcmp(key, own[i]) == 0;
        if (!skip)
            print_value(key, v);
    }
    putchar('\n');
}

static void print_line(const struct app *app, const char *line, size_t n, const char *task)
{
    json_t *j = json_loadb(line, n, 0, NULL);
    if (j && (!task || strcmp(json_str(j, "task", ""), task) == 0)) {
        if (app->json)
            printf("%.*s\n", (int)n, line);
        else
            print_event(j);
    }
    json_decref(j);
}

/* Whole lines from the offset on; *from moves behind them. */
static bool print_lines(const struct app *app, const char *path, off_t *from, const char *task, struct err *e)
{
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    if (!f)
        return errno == ENOENT || fs_fail(e, "cannot read", path);
    fseeko(f, *from, SEEK_SET);
    for (ssize_t n; (n = getline(&line, &room, f)) > 0 && line[n - 1] == '\n'; *from += n)
        print_line(app, line, (size_t)n - 1, task);
    free(line);
    fclose(f);
    fflush(stdout);
    return true;
}

static bool follow(struct app *app, const struct opened *x, const char *run, const char *path,
                   const char *task, struct err *e)
{
    off_t from = 0;
    for (bool going = true; going;) {
        going = app_running(x, run);
        if (!print_lines(app, path, &from, task, e))
            return false;
        if (going)
            nanosleep(&(struct timespec){.tv_nsec = 200 * 1000000}, NULL);
    }
    return true;
}

/* --- what became of the tasks --- */

/* The last failure of a task as the log has it: with its place and hint, which the history has not. */
static void print_failure(const struct app *app, const char *path, const struct state_task *t)
{
    struct err e = {.kind = ERR_DATA};
    FILE *f = fopen(path, "r");
    char *line = NULL;
    size_t room = 0;
    snprintf(e.msg, sizeof e.msg, "%s", t->error);
    for (ssize_t n; f && (n = getline(&line, &room, f)) > 0;) {
        json_t *j = strstr(line, "\"task.failed\"") ? json_loadb(line, (size_t)n, 0, NULL) : NULL;
        if (j && strcmp(json_str(j, "task", ""), t->name) == 0 && *json_str(j, "file", "")) {
            e.at = (struct src){arena_str(app->a, json_str(j, "file", "")), (int)json_int(j, "line", 0),
                                (int)json_int(j, "column", 0)};
        }
        if (j && strcmp(json_str(j, "task", ""), t->name) == 0)
            snprintf(e.hint, sizeof e.hint, "%s", json_str(j, "hint", ""));
        json_decref(j);
    }
    free(line);
    if (f)
        fclose(f);
    char *text = NULL;
    struct err ignored;
    if (e.at.line && !fs_read(app->a, fs_join(app->a, app->dir, e.at.file), 16 << 20, &text, NULL, &ignored))
        text = NULL;
    printf("\n%s\n", t->name);
    err_print(stdout, &e, text);
}

static double seconds_of(const struct state_task *t, bool running)
{
    if (!running || strcmp(t->state, "running") != 0)
        return t->seconds;
    return (double)(clock_now_us(&(struct clock){0}) - t->started_us) / 1e6;
}

static bool is_failed(const struct state_task *t)
{
    return t->error && strcmp(t->state, "failed") == 0;
}

static json_t *task_json(const struct state_task *t, const char *state, double seconds)
{
    return json_pack("{s:s, s:s, s:f, s:I, s:I, s:I, s:I, s:s?, s:s?}", "task", t->name, "state", state,
                     "seconds", seconds, "rows", t->rows, "quarantined", t->quarantined, "version",
                     t->version, "attempts", t->attempts, "note", t->note, "error", t->error);
}

static void print_tasks(struct app *app, const struct opened *x, const struct state_run *r,
                        const struct state_task *t, size_t n, const char *path)
{
    bool running = app_running(x, r->id);
    const char *state = app_run_state(x, r);
    struct list_of(const char *) cells = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        bool at_work = strcmp(t[i].state, "running") == 0;
        const char *how = at_work && strcmp(state, "running") != 0 ? "interrupted" : t[i].state;
        double seconds = seconds_of(&t[i], running);
        *arena_push(app->a, &cells) = t[i].name;
        *arena_push(app->a, &cells) = how;
        bool began = t[i].started_us != 0;
        *arena_push(app->a, &cells) = (at_work && !running) || !began ? "" : human_seconds(app->a, seconds);
        *arena_push(app->a, &cells) = at_work || !began ? "" : human_int(app->a, t[i].rows);
        *arena_push(app->a, &cells) = is_failed(&t[i]) ? "see below" : t[i].note;
        json_array_append_new(list, task_json(&t[i], how, seconds));
    }
    if (app->json) {
        print_json(json_pack("{s:s, s:s, s:o}", "run", r->id, "state", state, "tasks", list));
        return;
    }
    json_decref(list);
    printf("run %s: %s\n", r->id, state);
    static const char *const heads[] = {"task", "state", "took", "rows", ""};
    static const bool right[] = {false, false, true, true, false};
    grid_print(stdout,
               &(struct grid){
                   .names = heads, .ncolumns = countof(heads), .nrows = n, .cells = cells.v, .right = right});
    for (size_t i = 0; i < n; i++)
        if (is_failed(&t[i]))
            print_failure(app, path, &t[i]);
}

static bool logs(struct app *app, const void *conf, struct err *e)
{
    const struct logs_conf *c = conf;
    struct opened x;
    struct state *s;
    struct state_run r;
    struct state_task *t;
    size_t n;
    off_t from = 0;
    if (!app_history(app, &x, &s, e) || !find_run(app, s, &r, e) ||
        !state_tasks(app->a, s, r.id, &t, &n, e) || (c->task && !know_task(app, t, n, c->task, e)))
        return false;
    const char *path = arena_fmt(app->a, "%s/logs/%s.jsonl", x.project->state, r.id);
    if (c->follow)
        return follow(app, &x, r.id, path, c->task, e);
    if (c->full || c->task)
        return print_lines(app, path, &from, c->task, e);
    print_tasks(app, &x, &r, t, n, path);
    return true;
}

const struct cmd cmd_logs = {
    .name = "logs",
    .args = "[RUN]",
    .summary = "what the tasks of a run did (the last one, unless named)",
    .help = "A run may be named by the first characters of its id. It may still be going on.\n",
    .options = logs_options,
    .conf_size = sizeof(struct logs_conf),
    .max_args = 1,
    .quick = true,
    .lenient = true,
    .run = logs,
};
