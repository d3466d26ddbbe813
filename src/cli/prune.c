#include <string.h>

#include "asset/maintain.h"
#include "cli/cmd.h"
#include "cli/signals.h"

struct prune_conf {
    bool dry_run;
};

static const struct opt options[] = {
    {"dry-run", 0, OPT_FLAG, offsetof(struct prune_conf, dry_run), NULL,
     "Say what would be removed, and leave it"},
    {0},
};

struct pruned {
    struct app *app;
    const struct opened *x;
    bool dry_run;
    json_t *list;
    struct list_of(const char *) cells;
    size_t n;
};

static void tell(struct pruned *p, const char *table, const struct prune_result *r)
{
    struct arena *a = p->app->a;
    char when[32];
    clock_format(when, r->before_us, 0);
    json_array_append_new(p->list, json_pack("{s:s, s:b, s:I, s:s, s:s?, s:I, s:I, s:I, s:I, s:I}", "table",
                                             table, "dry_run", p->dry_run, "keep_ms", r->keep_ms, "before",
                                             when, "column", r->column, "version", r->version, "rows",
                                             r->rows, "files_removed", (json_int_t)r->removed,
                                             "files_rewritten", (json_int_t)r->rewritten, "bytes", r->bytes));
    if (r->removed + r->rewritten == 0)
        return;
    p->n++;
    *arena_push(a, &p->cells) = arena_str(a, table);
    *arena_push(a, &p->cells) = arena_str(a, when);
    *arena_push(a, &p->cells) = r->column ? arena_str(a, r->column) : "files";
    *arena_push(a, &p->cells) = r->rows < 0 ? "" : human_int(a, r->rows);
    *arena_push(a, &p->cells) = human_int(a, (int64_t)r->removed);
    *arena_push(a, &p->cells) = human_int(a, (int64_t)r->rewritten);
    *arena_push(a, &p->cells) = r->version < 0 ? "" : arena_fmt(a, "v%lld", (long long)r->version);
}

static bool one(void *arg, struct task *t, const char *table, struct err *e)
{
    enum { ATTEMPTS = 5 };
    struct pruned *p = arg;
    struct prune_result r;
    for (int i = 1; !asset_prune(t, &p->x->shop, table, p->dry_run, &r, e); i++)
        if (e->kind != ERR_CONFLICT || i == ATTEMPTS)
            return false;
    if (r.keep_ms)
        tell(p, table, &r);
    else if (p->app->nargs)
        fprintf(stderr, "note: %s is kept for ever: what makes it says no `keep`\n", table);
    return true;
}

static bool prune(struct app *app, const void *conf, struct err *e)
{
    const struct prune_conf *c = conf;
    struct opened x;
    struct pruned p = {.app = app, .x = &x, .dry_run = c->dry_run};
    signals_catch();
    if (!app_open(app, OPEN_LINKED, NULL, &x, e))
        return false;
    if (!c->dry_run)
        asset_sweep_staged(&x.shop);
    p.list = json_array();
    bool ok = app_each(app, &x, one, &p, e);
    if (app->json) {
        print_json(json_pack("{s:o}", "tables", p.list));
        return ok;
    }
    json_decref(p.list);
    static const char *const heads[] = {"table",         "before",    "by",     "rows",
                                        "files removed", "rewritten", "version"};
    if (p.n)
        grid_print(stdout, &(struct grid){
                               .names = heads, .ncolumns = countof(heads), .nrows = p.n, .cells = p.cells.v});
    else if (ok)
        puts("nothing is older than it is kept");
    return ok;
}

const struct cmd cmd_prune = {
    .name = "prune",
    .args = "[TABLE...]",
    .summary = "remove rows that are older than their table's `keep`",
    .help =
        "A row is as old as the column that keep_by names, or else a source's extraction_timestamp, a "
        "merge's\n"
        "sequence_by, or the file that it is in. Models that read the table do not see that the rows went: "
        "what\n"
        "was made of them stays. A vacuum gives the room back, once the retention is over. Tables without "
        "`keep`\n"
        "are left alone.\n",
    .options = options,
    .conf_size = sizeof(struct prune_conf),
    .max_args = SIZE_MAX,
    .lenient = true,
    .run = prune,
};
