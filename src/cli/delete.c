#include <string.h>

#include "asset/maintain.h"
#include "cli/cmd.h"
#include "cli/signals.h"

struct delete_conf {
    const char *where;
    bool dry_run;
};

static const struct opt options[] = {
    {"where", 0, OPT_TEXT, offsetof(struct delete_conf, where), "SQL", "The rows of which this is true"},
    {"dry-run", 0, OPT_FLAG, offsetof(struct delete_conf, dry_run), NULL,
     "Say how many there are, and leave them"},
    {0},
};

static void tell(struct app *app, const char *table, const struct delete_result *r, bool dry_run)
{
    struct arena *a = app->a;
    if (app->json) {
        print_json(json_pack("{s:s, s:b, s:I, s:I, s:I, s:I, s:I}", "table", table, "dry_run", dry_run,
                             "version", r->version, "rows", r->rows, "files", (json_int_t)r->files,
                             "files_marked", (json_int_t)r->marked, "files_rewritten",
                             (json_int_t)r->rewritten));
        return;
    }
    if (r->rows == 0) {
        printf("%s has no such row: nothing to do\n", table);
        return;
    }
    const char *rows = arena_fmt(a, "%s row%s", human_int(a, r->rows), r->rows == 1 ? "" : "s");
    const char *files = arena_fmt(a, "%s file%s", human_int(a, (int64_t)r->files), r->files == 1 ? "" : "s");
    if (dry_run)
        printf("%s in %s of %s would be deleted\n", rows, files, table);
    else
        printf("%s in %s of %s deleted: v%lld\n", rows, files, table, (long long)r->version);
    if (!dry_run && r->marked)
        printf("  %zu of the files are marked by deletion vectors: `cupel optimize` and `cupel vacuum` take "
               "the bytes "
               "away\n",
               r->marked);
}

static bool delete_rows(struct app *app, const void *conf, struct err *e)
{
    enum { ATTEMPTS = 5 };
    const struct delete_conf *c = conf;
    const char *table = app->args[0];
    struct opened x;
    struct task t;
    struct delete_result r;
    if (!c->where || !*c->where) {
        fail(e, ERR_USER, "which rows of '%s'?", table);
        return hint(e, "cupel delete %s --where \"id = 42\"; --where true for all of them", table);
    }
    if (strchr(table, '/') || strchr(table, '@'))
        return fail(e, ERR_USER, "'%s': rows are deleted from the latest version of a table of the project",
                    table);
    signals_catch();
    if (!app_open(app, OPEN_LINKED, NULL, &x, e))
        return false;
    if (!c->dry_run)
        asset_sweep_staged(&x.shop); /* what one that was killed has left */
    app_task(app, &x, &t);
    for (int i = 1; !asset_delete(&t, &x.shop, table, c->where, c->dry_run, &r, e); i++)
        if (e->kind != ERR_CONFLICT || i == ATTEMPTS)
            return false;
    tell(app, table, &r, c->dry_run);
    return true;
}

const struct cmd cmd_delete = {
    .name = "delete",
    .args = "TABLE",
    .summary = "take rows out of a table, as erasure requests ask",
    .help = "The SQL is DuckDB's, on the table's columns; it may ask other tables: --where \"id IN (SELECT "
            "id FROM "
            "bronze.erased)\".\n"
            "Files that hold such rows are written again without them, in one commit; a table with deletion "
            "vectors\n"
            "(delta.enableDeletionVectors) marks the rows instead. Older versions still have them, until "
            "`vacuum`. A "
            "model whose\n"
            "inputs have the rows brings them back when it is made anew: delete them there first.\n",
    .options = options,
    .conf_size = sizeof(struct delete_conf),
    .min_args = 1,
    .max_args = 1,
    .lenient = true,
    .run = delete_rows,
};
