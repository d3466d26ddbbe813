#include <string.h>

#include "asset/maintain.h"
#include "cli/cmd.h"
#include "cli/signals.h"

struct optimize_conf {
    struct opt_list zorder, hilbert;
    const char *target, *where;
    bool dry_run;
};

static const struct opt options[] = {
    {"zorder-by", 0, OPT_LIST, offsetof(struct optimize_conf, zorder), "COLUMNS",
     "Sort by these columns (a,b) along a Z-order curve"},
    {"hilbert-by", 0, OPT_LIST, offsetof(struct optimize_conf, hilbert), "COLUMNS",
     "Sort by these columns along a Hilbert curve"},
    {"target-size", 0, OPT_TEXT, offsetof(struct optimize_conf, target), "SIZE",
     "How large files should be (default 128MB)"},
    {"where", 0, OPT_TEXT, offsetof(struct optimize_conf, where), "SQL",
     "Only partitions of which this is true"},
    {"dry-run", 0, OPT_FLAG, offsetof(struct optimize_conf, dry_run), NULL,
     "Say which files would be written again, and leave them"},
    {0},
};

struct optimizing {
    struct app *app;
    const struct opened *x;
    struct optimize_options o;
    json_t *list;
    struct list_of(const char *) cells;
    size_t n;
};

static const char *pair(struct arena *a, const char *from, const char *to)
{
    return arena_fmt(a, "%s -> %s", from, to);
}

static void tell(struct optimizing *z, const char *table, const struct optimize_result *r)
{
    struct arena *a = z->app->a;
    bool dry = z->o.dry_run;
    json_array_append_new(
        z->list, json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I, s:I, s:I}", "table", table, "dry_run", dry,
                           "version", r->version, "partitions", (json_int_t)r->partitions, "files_removed",
                           (json_int_t)r->removed, "files_added", (json_int_t)r->added, "bytes_removed",
                           r->bytes_removed, "bytes_added", r->bytes_added, "rows", r->rows));
    if (r->removed == 0)
        return;
    z->n++;
    *arena_push(a, &z->cells) = arena_str(a, table);
    *arena_push(a, &z->cells) = human_int(a, (int64_t)r->partitions);
    *arena_push(a, &z->cells) =
        pair(a, human_int(a, (int64_t)r->removed),
             arena_fmt(a, "%s%s", dry ? "about " : "", human_int(a, (int64_t)r->added)));
    *arena_push(a, &z->cells) =
        dry ? human_bytes(a, r->bytes_removed)
            : pair(a, human_bytes(a, r->bytes_removed), human_bytes(a, r->bytes_added));
    *arena_push(a, &z->cells) = r->version < 0 ? "" : arena_fmt(a, "v%lld", (long long)r->version);
}

/* Another writer may replace the files that we read: then all is done again from what there is. */
static bool one(void *arg, struct task *t, const char *table, struct err *e)
{
    enum { ATTEMPTS = 5 };
    struct optimizing *z = arg;
    struct optimize_result r;
    for (int i = 1; !asset_optimize(t, &z->x->shop, table, &z->o, &r, e); i++)
        if (e->kind != ERR_CONFLICT || i == ATTEMPTS)
            return false;
    tell(z, table, &r);
    return true;
}

static bool optimize(struct app *app, const void *conf, struct err *e)
{
    const struct optimize_conf *c = conf;
    struct opened x;
    const char *const *by = NULL;
    size_t nby = 0;
    struct optimizing z = {.app = app, .x = &x};
    if (c->zorder.n && c->hilbert.n)
        return fail(e, ERR_USER, "either --zorder-by or --hilbert-by: rows have one order");
    app_list(app->a, c->zorder.n ? &c->zorder : &c->hilbert, &by, &nby);
    z.o = (struct optimize_options){
        .by = by, .nby = nby, .hilbert = c->hilbert.n > 0, .where = c->where, .dry_run = c->dry_run};
    if ((nby || c->where) && app->nargs == 0) {
        fail(e, ERR_USER, "columns and conditions are a table's: which one?");
        return hint(e, "cupel optimize TABLE --zorder-by COLUMNS");
    }
    signals_catch();
    if (!app_bytes("target-size", c->target, &z.o.target_bytes, e) ||
        !app_open(app, OPEN_LINKED, NULL, &x, e))
        return false;
    if (!c->dry_run)
        asset_sweep_staged(&x.shop); /* what an optimize that was killed has left */
    z.list = json_array();
    bool ok = app_each(app, &x, one, &z, e);
    if (app->json) {
        print_json(json_pack("{s:o}", "tables", z.list));
        return ok;
    }
    json_decref(z.list);
    static const char *const heads[] = {"table", "partitions", "files", "size", "version"};
    if (z.n)
        grid_print(stdout, &(struct grid){
                               .names = heads, .ncolumns = countof(heads), .nrows = z.n, .cells = z.cells.v});
    else if (ok)
        puts("nothing to do");
    return ok;
}

const struct cmd cmd_optimize = {
    .name = "optimize",
    .args = "[TABLE...]",
    .summary = "write small files together, sort rows for faster reading",
    .help =
        "Small files of a partition become few large ones, and files with deleted rows are written without "
        "them;\n"
        "with --zorder-by or --hilbert-by every file of a partition that is not sorted like that already.\n"
        "No row changes: models that read the table find nothing new. TABLE may be a selector (silver.*, "
        "tag:x);\n"
        "without one all tables of the lake are meant. Runs and readers may be at work meanwhile.\n",
    .options = options,
    .conf_size = sizeof(struct optimize_conf),
    .max_args = SIZE_MAX,
    .lenient = true,
    .run = optimize,
};
