#include <string.h>

#include "asset/maintain.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/signals.h"

struct vacuum_conf {
    const char *retain;
    bool force, dry_run;
};

static const struct opt options[] = {
    {"retain", 0, OPT_TEXT, offsetof(struct vacuum_conf, retain), "TIME",
     "Keep what versions of this time need (default 7d, or the table's own)"},
    {"force", 0, OPT_FLAG, offsetof(struct vacuum_conf, force), NULL,
     "Allow a --retain that is shorter than that"},
    {"dry-run", 0, OPT_FLAG, offsetof(struct vacuum_conf, dry_run), NULL,
     "Say which files would be removed, and leave them"},
    {0},
};

struct cleaning {
    struct app *app;
    const struct opened *x;
    int64_t retain_ms;
    bool force, dry_run;
    json_t *list;
    struct list_of(const char *) cells;
    size_t n;
};

static void tell_files(const struct lake_vacuum *v, const char *table)
{
    enum { SHOWN = 20 };
    size_t shown = v->n < SHOWN ? v->n : SHOWN;
    for (size_t i = 0; i < shown; i++)
        printf("%s: %s%s\n", table, v->v[i].path, v->v[i].is_dir ? "/" : "");
    if (v->n > shown)
        printf("%s: ... and %zu more: --json lists all\n", table, v->n - shown);
}

static void tell(struct cleaning *c, const char *table, const struct vacuum_result *r)
{
    const struct lake_vacuum *v = &r->files;
    struct arena *a = c->app->a;
    json_t *files = json_array(), *log = json_array();
    for (size_t i = 0; i < v->n; i++)
        json_array_append_new(files, json_string(v->v[i].path));
    for (size_t i = 0; i < r->log.n; i++)
        json_array_append_new(log, json_string(r->log.names[i]));
    json_array_append_new(c->list, json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:o, s:o, s:I}", "table", table,
                                             "dry_run", c->dry_run, "files_removed", (json_int_t)v->nfiles,
                                             "bytes_removed", v->bytes, "retention_ms", v->retain_ms,
                                             "files_young", v->kept, "removed", files, "log_removed", log,
                                             "log_first", r->log.first));
    if (c->dry_run && !c->app->json)
        tell_files(v, table);
    if (v->n + r->log.n == 0)
        return;
    c->n++;
    *arena_push(a, &c->cells) = arena_str(a, table);
    *arena_push(a, &c->cells) = human_int(a, (int64_t)v->nfiles);
    *arena_push(a, &c->cells) = human_int(a, (int64_t)r->log.n);
    *arena_push(a, &c->cells) = human_bytes(a, v->bytes + r->log.bytes);
}

static bool one(void *arg, struct task *t, const char *table, struct err *e)
{
    struct cleaning *c = arg;
    struct vacuum_result v;
    if (!asset_vacuum(t, &c->x->shop, table, c->retain_ms, c->force, c->dry_run, &v, e))
        return false;
    tell(c, table, &v);
    return true;
}

static bool vacuum(struct app *app, const void *conf, struct err *e)
{
    const struct vacuum_conf *v = conf;
    struct opened x;
    struct cleaning c = {.app = app, .x = &x, .retain_ms = -1, .force = v->force, .dry_run = v->dry_run};
    if (v->retain && !text_duration_ms(v->retain, &c.retain_ms, e))
        return wrap(e, "--retain");
    signals_catch();
    if (!app_open(app, OPEN_LINKED, NULL, &x, e))
        return false;
    if (!v->dry_run)
        asset_sweep_staged(&x.shop);
    c.list = json_array();
    bool ok = app_each(app, &x, one, &c, e);
    if (app->json) {
        print_json(json_pack("{s:o}", "tables", c.list));
        return ok;
    }
    json_decref(c.list);
    static const char *const heads[] = {"table", "files", "of the log", "size"};
    if (c.n)
        grid_print(stdout, &(struct grid){
                               .names = heads, .ncolumns = countof(heads), .nrows = c.n, .cells = c.cells.v});
    else if (ok)
        puts("nothing to remove");
    return ok;
}

const struct cmd cmd_vacuum = {
    .name = "vacuum",
    .args = "[TABLE...]",
    .summary = "remove files that no version within the retention needs",
    .help =
        "Files of old versions go once they have been replaced for longer than the retention, and with them "
        "the\n"
        "possibility to read those versions or to restore them; so do files that a writer left unfinished "
        "that\n"
        "long ago. The retention is 7 days, or the table's delta.deletedFileRetentionDuration. What the "
        "table\n"
        "needs, what is younger, and what is not below its folder is never touched.\n",
    .options = options,
    .conf_size = sizeof(struct vacuum_conf),
    .max_args = SIZE_MAX,
    .lenient = true,
    .run = vacuum,
};
