/* cupel: reads the command line, runs one command, prints its error and exits by the error's kind. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/log.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/help.h"

const struct cmd *const commands[] = {&cmd_init,    &cmd_validate, &cmd_plan,    &cmd_run,   &cmd_query,
                                      &cmd_tables,  &cmd_show,     &cmd_history, &cmd_diff,  &cmd_delete,
                                      &cmd_restore, &cmd_optimize, &cmd_vacuum,  &cmd_prune, &cmd_render,
                                      &cmd_runs,    &cmd_logs,     NULL};

struct global {
    const char *dir, *env, *log;
    struct opt_list vars;
    bool json, debug, help, version;
};

static const struct opt global_options[] = {
    {"project", 'C', OPT_TEXT, offsetof(struct global, dir), "DIR",
     "The project's folder (default: here or above)"},
    {"env", 'e', OPT_TEXT, offsetof(struct global, env), "NAME", "The environment of cupel.yaml to use"},
    {"var", 0, OPT_LIST, offsetof(struct global, vars), "NAME=VALUE", "Set a variable of the project"},
    {"json", 0, OPT_FLAG, offsetof(struct global, json), NULL, "Answer in JSON, for programs"},
    {"log", 0, OPT_TEXT, offsetof(struct global, log), "text|json",
     "Write the log to stderr, in place of progress"},
    {"debug", 0, OPT_FLAG, offsetof(struct global, debug), NULL,
     "Log everything, and say where errors were born"},
    {"version", 'V', OPT_FLAG, offsetof(struct global, version), NULL, "Say which version this is"},
    {"help", 'h', OPT_FLAG, offsetof(struct global, help), NULL, "Say how it is used"},
    {0},
};

static const struct opt *find_option(const struct opt *rows, const char *name, size_t n, char letter)
{
    for (const struct opt *o = rows; o && o->name; o++)
        if (letter ? o->letter == letter : strlen(o->name) == n && strncmp(o->name, name, n) == 0)
            return o;
    return NULL;
}

static bool unknown_option(const struct cmd *c, const char *word, struct err *e)
{
    const char *names[64];
    size_t n = 0;
    for (const struct opt *o = c ? c->options : NULL; o && o->name && n < countof(names); o++)
        names[n++] = o->name;
    for (const struct opt *o = global_options; o->name && n < countof(names); o++)
        names[n++] = o->name;
    char bare[64];
    snprintf(bare, sizeof bare, "%.*s", (int)strcspn(word + 2, "="), word[1] == '-' ? word + 2 : word + 1);
    const char *near = text_nearest(bare, names, n);
    fail(e, ERR_USER, "unknown option '%s'", word);
    return near ? hint(e, "did you mean --%s?", near)
                : hint(e, "see `cupel %s%s--help`", c ? c->name : "", c ? " " : "");
}

static bool set_option(struct arena *a, const struct opt *o, void *conf, const char *value, struct err *e)
{
    void *at = (char *)conf + o->offset;
    switch (o->type) {
    case OPT_FLAG:
        *(bool *)at = true;
        return true;
    case OPT_TEXT:
        *(const char **)at = value;
        return true;
    case OPT_COUNT:
        if (!text_int(value, at, e))
            return wrap(e, "--%s", o->name);
        return *(int64_t *)at > 0 || fail(e, ERR_USER, "--%s must be 1 or more", o->name);
    case OPT_LIST:
        break;
    }
    struct opt_list *list = at;
    *arena_push(a, list) = value;
    *arena_push(a, list) = NULL;
    list->n--;
    return true;
}

/* Splits the command line into options and the rest. The first word that is no option is the command. */
struct line {
    struct app *app;
    struct global *global;
    const struct cmd *cmd;
    void *conf;
    struct list_of(const char *) args;
};

static bool take_command(struct line *l, const char *word, struct err *e)
{
    const char *names[32];
    size_t n = 0;
    for (size_t i = 0; commands[i]; i++) {
        if (strcmp(commands[i]->name, word) == 0) {
            l->cmd = commands[i];
            l->conf = arena_alloc(l->app->a, 1, commands[i]->conf_size ? commands[i]->conf_size : 1);
            return true;
        }
        names[n++] = commands[i]->name;
    }
    fail(e, ERR_USER, "unknown command '%s'", word);
    const char *near = text_nearest(word, names, n);
    return near ? hint(e, "did you mean `cupel %s`?", near) : hint(e, "`cupel --help` lists the commands");
}

/* One option with its value, which may be in the next word: returns how many words it took, 0 on error. */
static int take_option(struct line *l, char **words, struct err *e)
{
    const char *word = words[0];
    bool is_long = word[1] == '-';
    const char *name = is_long ? word + 2 : word + 1, *eq = is_long ? strchr(word, '=') : NULL;
    size_t n = eq ? (size_t)(eq - name) : strlen(name);
    char letter = is_long ? 0 : name[0];

    void *conf = l->global;
    const struct opt *o = find_option(global_options, name, n, letter);
    if (!o && l->cmd) {
        conf = l->conf;
        o = find_option(l->cmd->options, name, n, letter);
    }
    if (!o)
        return unknown_option(l->cmd, word, e);
    const char *value = eq ? eq + 1 : !is_long && name[1] ? name + 1 : NULL;
    if (o->type == OPT_FLAG) {
        if (value)
            return fail(e, ERR_USER, "option '%s' takes no value", word);
        return set_option(l->app->a, o, conf, NULL, e);
    }
    if (value)
        return set_option(l->app->a, o, conf, value, e);
    if (!words[1]) {
        fail(e, ERR_USER, "option '%s' needs a value", word);
        return hint(e, "--%s %s: %s", o->name, o->arg, o->help);
    }
    return set_option(l->app->a, o, conf, words[1], e) ? 2 : 0;
}

/* "-- text" is SQL that begins with a comment. */
static bool is_option(const char *word)
{
    return word[0] == '-' && word[1] && !(word[1] == '-' && (word[2] == ' ' || word[2] == '\n'));
}

static bool read_line(struct line *l, char **words, struct err *e)
{
    bool only_args = false;
    for (; *words; words++) {
        if (!only_args && strcmp(*words, "--") == 0) {
            only_args = true;
        } else if (!only_args && is_option(*words)) {
            int took = take_option(l, words, e);
            if (took == 0)
                return false;
            words += took - 1;
        } else if (!l->cmd) {
            if (!take_command(l, *words, e))
                return false;
        } else {
            *arena_push(l->app->a, &l->args) = *words;
        }
    }
    return true;
}

static bool check_args(const struct line *l, struct err *e)
{
    const struct cmd *c = l->cmd;
    if (l->args.n < c->min_args)
        fail(e, ERR_USER, "`cupel %s` needs %s", c->name, c->args);
    else if (l->args.n > c->max_args)
        fail(e, ERR_USER, "unexpected argument '%s'", l->args.v[c->max_args]);
    else
        return true;
    return hint(e, "usage: cupel %s [OPTIONS]%s%s", c->name, c->args[0] ? " " : "", c->args);
}

static bool set_up_log(const struct global *g, struct app *app, struct err *e)
{
    if (g->log && strcmp(g->log, "text") != 0 && strcmp(g->log, "json") != 0)
        return fail(e, ERR_USER, "--log: '%s' is neither text nor json", g->log);
    app->logged = g->log != NULL;
    app->log_json = g->log && strcmp(g->log, "json") == 0;
    log_setup(&(struct log_conf){.text_fd = STDERR_FILENO,
                                 .json = app->log_json,
                                 .color = app->color,
                                 .min = g->debug ? LOG_DEBUG : LOG_INFO,
                                 .file_fd = -1});
    return true;
}

/* `cupel help COMMAND` is `cupel COMMAND --help`. */
static bool take_help(char ***words, struct global *g)
{
    if (!(*words)[0] || strcmp((*words)[0], "help") != 0)
        return false;
    ++*words;
    g->help = true;
    return (*words)[0] && strcmp((*words)[0], "--markdown") == 0;
}

static bool dispatch(struct app *app, char **words, struct err *e)
{
    struct global g = {0};
    struct line l = {.app = app, .global = &g};
    if (take_help(&words, &g)) {
        help_markdown(global_options);
        return true;
    }
    for (char **w = words; *w && strcmp(*w, "--") != 0; w++) /* also for what is wrong before it */
        app->json = app->json || strcmp(*w, "--json") == 0;
    if (!read_line(&l, words, e))
        return false;
    app->json = g.json;
    if (g.version) {
        puts("cupel " CUPEL_VERSION);
        return true;
    }
    if (g.help || !l.cmd) {
        if (l.cmd)
            help_command(l.cmd, global_options);
        else
            help_usage(g.help ? stdout : stderr, global_options);
        return g.help || (fail(e, ERR_USER, "%s", ""), false);
    }
    app->dir = g.dir;
    app->env = g.env;
    app->vars = g.vars;
    app->debug = g.debug;
    app->quick = l.cmd->quick;
    app->lenient = l.cmd->lenient;
    *arena_push(app->a, &l.args) = NULL;
    l.args.n--;
    app->args = l.args.v;
    app->nargs = l.args.n;
    return check_args(&l, e) && set_up_log(&g, app, e) && l.cmd->run(app, l.conf, e);
}

/* The text of the file that an error points into, for its line and caret. */
void app_error(const struct app *app, const struct err *e)
{
    if (!e->msg[0])
        return; /* said already */
    char *text = NULL;
    struct err ignored;
    if (e->at.line && app->text_file && strcmp(e->at.file, app->text_file) == 0)
        text = arena_str(app->a, app->text);
    else if (e->at.line && !fs_read(app->a, e->at.file, 16 << 20, &text, NULL, &ignored) && app->dir &&
             !fs_read(app->a, fs_join(app->a, app->dir, e->at.file), 16 << 20, &text, NULL, &ignored))
        text = NULL;
    if (app->json || app->log_json) {
        json_t *j = json_pack("{s:s, s:s, s:s}", "error", e->msg, "kind", err_name(e->kind), "hint", e->hint);
        if (j && e->at.line)
            json_object_set_new(
                j, "at",
                json_pack("{s:s, s:i, s:i}", "file", e->at.file, "line", e->at.line, "column", e->at.col));
        char *line = j ? json_dumps(j, JSON_COMPACT) : NULL;
        fprintf(stderr, "%s\n", line ? line : "{}");
        free(line);
        json_decref(j);
    } else {
        err_print(stderr, e, text);
    }
    if (app->debug)
        fprintf(stderr, "born at %s:%d (%s)\n", e->cfile, e->cline, err_name(e->kind));
}

/* A reader that has gone away is no mistake of ours to speak of. */
static int end_stdout(void)
{
    if (fflush(stdout) == 0 && !ferror(stdout))
        return 0;
    if (errno != EPIPE)
        fprintf(stderr, "error: cannot write to stdout: %s\n", strerror(errno));
    return err_exit_code(ERR_IO);
}

int main(int argc, char **argv)
{
    struct arena *a = arena_new();
    struct app app = {.a = a, .color = isatty(STDERR_FILENO) && !getenv("NO_COLOR")};
    struct err e = {0};
    (void)argc;
    bool ok = dispatch(&app, argv + 1, &e);
    int code = end_stdout();
    if (ok && code == 0)
        code = app.exit_code;
    if (!ok) {
        app_error(&app, &e);
        code = err_exit_code(e.kind);
    }
#ifndef CUPEL_SANITIZE /* which tells of what nobody frees */
    if (app.quick)
        _exit(code);
#endif
    arena_free(a);
    return code;
}
