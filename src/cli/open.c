/* Opening a project for a command. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/cmd.h"
#include "page/page.h"

static const char *file_text(const struct project *p, const char *file)
{
    for (size_t i = 0; p && i < p->nmodels; i++)
        if (strcmp(p->models[i].path, file) == 0)
            return p->models[i].text;
    for (size_t i = 0; p && i < p->nsources; i++)
        if (strcmp(p->sources[i].path, file) == 0)
            return p->sources[i].text;
    for (size_t i = 0; p && i < p->npages; i++)
        if (strcmp(p->pages[i].path, file) == 0)
            return p->pages[i].text;
    return NULL;
}

static json_t *problem_json(const struct err *e)
{
    json_t *j = json_pack("{s:s, s:s, s:s}", "severity", e->kind == ERR_NONE ? "warning" : "error", "message",
                          e->msg, "hint", e->hint);
    if (j && e->at.file)
        json_object_set_new(j, "file", json_string(e->at.file));
    if (j && e->at.line) {
        json_object_set_new(j, "line", json_integer(e->at.line));
        json_object_set_new(j, "column", json_integer(e->at.col));
    }
    return j;
}

/* err_print says "error"; a warning is the same with another word. */
static void print_warning(const struct err *e, const char *text)
{
    char *shown = NULL;
    size_t n = 0;
    FILE *f = open_memstream(&shown, &n);
    if (!f)
        abort();
    err_print(f, e, text);
    fclose(f);
    char *word = strstr(shown, "error: ");
    if (word)
        fprintf(stderr, "%.*swarning: %s", (int)(word - shown), shown, word + strlen("error: "));
    free(shown);
}

static void print_problem(const struct app *app, const struct project *p, const struct err *e)
{
    const char *text = e->at.file ? file_text(p, e->at.file) : NULL;
    if (!text && e->at.line && p) {
        char *read;
        struct err ignored;
        if (fs_read(app->a, fs_join(app->a, p->root, e->at.file), 16 << 20, &read, NULL, &ignored))
            text = read;
    }
    if (e->kind == ERR_NONE)
        print_warning(e, text);
    else
        err_print(stderr, e, text);
}

size_t app_problems(const struct app *app, const struct project *p, const struct problems *problems)
{
    size_t errors = 0;
    for (size_t i = 0; i < problems->n; i++) {
        if (!app->json)
            print_problem(app, p, &problems->v[i]);
        errors += problems->v[i].kind != ERR_NONE;
    }
    if (problems->total > problems->n) {
        if (!app->json)
            fprintf(stderr, "... and %zu more\n", problems->total - problems->n);
        errors += problems->total - problems->n;
    }
    return errors;
}

json_t *app_problems_json(const struct problems *problems)
{
    json_t *list = json_array();
    for (size_t i = 0; i < problems->n; i++)
        json_array_append_new(list, problem_json(&problems->v[i]));
    return list;
}

/* Those who only look need not mind a mistake in a model: they need cupel.yaml, which says where the lake is.
 */
static bool only_assets_wrong(const struct problems *problems)
{
    for (size_t i = 0; i < problems->n; i++)
        if (problems->v[i].kind != ERR_NONE &&
            (!problems->v[i].at.file || strcmp(problems->v[i].at.file, "cupel.yaml") == 0))
            return false;
    return true;
}

static bool said_already(const struct app *app, const struct project *p, const struct problems *problems,
                         struct err *e)
{
    size_t errors = app_problems(app, p, problems);
    if (errors == 0)
        return true;
    if (app->json)
        print_json(json_pack("{s:b, s:I, s:o}", "ok", 0, "errors", (json_int_t)errors, "problems",
                             app_problems_json(problems)));
    else
        fprintf(stderr, "%zu error%s\n", errors, errors == 1 ? "" : "s");
    return fail(e, ERR_USER, "%s", "");
}

static bool open_engine(struct app *app, struct opened *o, struct err *e)
{
    const struct project *p = o->project;
    struct engine_conf conf = p->engine;
    if (!conf.spill_dir)
        conf.spill_dir = fs_join(app->a, p->state, "spill");
    conf.memo = fs_join(app->a, p->state, "columns");
    conf.folder = p->root;
    return engine_duckdb.open(app->a, &conf, &o->engine, e) &&
           engine_duckdb.session(app->a, o->engine, NULL, &o->session, e);
}

/* Who only looks makes no folder in the project. */
static void remember(const struct opened *o, bool make)
{
    struct err ignored;
    if (!make || fs_mkdirs(o->project->state, &ignored))
        engine_duckdb.remember(o->engine);
}

void app_tidy_up(struct app *app, const struct store *s)
{
    if (s->remote)
        app->quick = false;
}

static bool open_shop(struct app *app, const struct run_options *o, struct opened *ret, struct err *e)
{
    if (!run_workshop(app->a, ret->project, &engine_duckdb, ret->engine, o, &ret->shop, e))
        return false;
    app_tidy_up(app, ret->shop.lake);
    return true;
}

/* Only an engine: what is asked for is named by paths. */
static bool open_bare(struct app *app, struct opened *ret, struct err *e)
{
    static const struct run_options nothing = {.start_us = INT64_MIN, .end_us = INT64_MAX};
    ret->project = project_none(app->a);
    return open_engine(app, ret, e) && open_shop(app, &nothing, ret, e);
}

bool app_open(struct app *app, enum open_depth depth, const struct run_options *o, struct opened *ret,
              struct err *e)
{
    struct problems problems = {.a = app->a};
    const struct project_options po = {.dir = app->dir, .env = app->env, .vars = app->vars.v};
    *ret = (struct opened){0};
    if (app->anywhere && !project_is_there(app->dir))
        return open_bare(app, ret, e);
    if (!project_load(app->a, &po, &ret->project, &problems, e))
        return false;
    app->dir = ret->project->root;
    if (!open_engine(app, ret, e)) /* it starts when it is needed: for a checkpoint, for SQL */
        return false;
    if (depth > OPEN_FILES) {
        project_link(ret->project, &engine_duckdb, ret->session, &problems);
        if (depth > OPEN_LINKED)
            project_bind(ret->project, &engine_duckdb, ret->session, &problems);
        if (depth > OPEN_BOUND)
            page_check(ret->project, &engine_duckdb, ret->session, &problems);
        remember(ret, depth == OPEN_CHECKED);
    }
    ret->problems = problems;
    if (app->lenient && only_assets_wrong(&problems))
        problems = (struct problems){.a = app->a};
    static const struct run_options nothing = {.start_us = INT64_MIN, .end_us = INT64_MAX};
    return said_already(app, ret->project, &problems, e) && open_shop(app, o ? o : &nothing, ret, e);
}

bool app_place(struct app *app, const struct opened *x, const char *name, struct lake_table *ret,
               struct lake_at *ret_at, struct err *e)
{
    if (asset_path(app->a, name)) {
        if (!asset_place(app->a, &x->shop, name, ret, ret_at, e))
            return false;
        app_tidy_up(app, ret->store);
        return true;
    }
    *ret = asset_table(app->a, &x->shop, name);
    *ret_at = LAKE_LATEST;
    return true;
}

bool app_no_table(const struct opened *x, const char *name, struct err *e)
{
    const struct project *p = x->project;
    if (strchr(name, '@')) {
        fail(e, ERR_USER, "'%s': a table is named without a version here", name);
        return hint(e, "cupel query 'DESCRIBE %s'", name);
    }
    bool known = project_table_ddl(p, name) != NULL;
    for (size_t i = 0; i < p->nmodels; i++)
        known = known || strcmp(p->models[i].name, name) == 0;
    if (!known)
        return asset_no_table(p, name, (struct src){0}, e);
    fail(e, ERR_USER, "table '%s' is not made yet", name);
    return hint(e, "`cupel run` makes it");
}

bool app_history(struct app *app, struct opened *x, struct state **ret, struct err *e)
{
    if (!app_open(app, OPEN_FILES, NULL, x, e))
        return false;
    if (!fs_exists(fs_join(app->a, x->project->state, "state.db"))) {
        fail(e, ERR_USER, "nothing has run here yet");
        return hint(e, "`cupel run` makes the tables");
    }
    return state_look(app->a, x->project->state, ret, e);
}

/* Told by the process that the lock file names: asking for the lock itself could get into the way of a run
 * that begins. */
bool app_running(const struct opened *x, const char *run)
{
    auto_arena *a = arena_new();
    struct err ignored;
    char *who, *left, *words;
    const char *state = x->project->state;
    if (!fs_read(a, fs_join(a, state, "lock"), 64, &who, NULL, &ignored) ||
        !fs_read(a, fs_join(a, state, "run.json"), 1 << 20, &left, NULL, &ignored) || !strstr(left, run))
        return false;
    who[strcspn(who, "\n")] = '\0';
    return *who && fs_read(a, arena_fmt(a, "/proc/%s/cmdline", who), 1 << 20, &words, NULL, &ignored) &&
           strstr(words, "cupel");
}

const char *app_run_state(const struct opened *x, const struct state_run *r)
{
    return strcmp(r->state, "running") == 0 && !app_running(x, r->id) ? "interrupted" : r->state;
}
