#include <string.h>

#include "asset/maintain.h"
#include "cli/cmd.h"

struct restore_conf {
    bool dry_run;
};

static const struct opt options[] = {
    {"dry-run", 0, OPT_FLAG, offsetof(struct restore_conf, dry_run), NULL,
     "Say what would change, and change nothing"},
    {0},
};

static json_t *paths(const struct lake_file *const *files, size_t n)
{
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++)
        json_array_append_new(list, json_string(files[i]->path));
    return list;
}

static void tell_json(const char *name, const struct lake_restore *r, int64_t version, bool dry_run)
{
    json_t *missing = json_array(), *marks = json_object();
    for (size_t i = 0; i < r->nmissing; i++)
        json_array_append_new(missing, json_string(r->missing[i]));
    for (size_t i = 0; i < r->ntxns; i++)
        json_object_set_new(marks, r->txns[i].app_id, json_integer(r->txns[i].version));
    print_json(json_pack("{s:s, s:b, s:I, s:I, s:I, s:o, s:o, s:o, s:b, s:o}", "table", name, "dry_run",
                         dry_run, "from", r->now->version, "to", r->then->version, "version", version,
                         "files_back", paths(r->back, r->nback), "files_gone", paths(r->gone, r->ngone),
                         "files_missing", missing, "schema_or_properties", r->metadata, "watermarks", marks));
}

static void tell(struct app *app, const char *name, const struct lake_restore *r, int64_t version,
                 bool dry_run)
{
    char when[32];
    clock_format(when, r->then->timestamp_ms * 1000, 0);
    if (lake_restore_empty(r)) {
        printf("%s is what it was at v%lld of %s: nothing to do\n", name, (long long)r->then->version, when);
        return;
    }
    if (dry_run)
        printf("%s would be again what it was at v%lld of %s\n", name, (long long)r->then->version, when);
    else
        printf("%s is again what it was at v%lld of %s: v%lld\n", name, (long long)r->then->version, when,
               (long long)version);
    printf("  files        %s back, %s gone\n", human_int(app->a, (int64_t)r->nback),
           human_int(app->a, (int64_t)r->ngone));
    if (r->metadata)
        puts("  schema       or properties as they were");
    for (size_t i = 0; i < r->ntxns; i++)
        printf("  watermark    %s = %lld\n", r->txns[i].app_id, (long long)r->txns[i].version);
    for (size_t i = 0; i < r->nmissing; i++)
        printf("  missing      %s\n", r->missing[i]);
}

static bool restore(struct app *app, const void *conf, struct err *e)
{
    const struct restore_conf *c = conf;
    const char *name = app->args[0], *sign = strrchr(name, '@');
    struct opened x;
    struct task t;
    struct lake_table table;
    struct lake_at at;
    struct lake_snapshot *s;
    struct lake_restore r;
    int64_t version;
    bool missing = false;
    if (!sign) {
        fail(e, ERR_USER, "'%s': to which version?", name);
        return hint(e, "%s@v3 or %s@2026-11-01; `cupel history %s` lists them", name, name, name);
    }
    if (!app_open(app, OPEN_LINKED, NULL, &x, e) || !asset_place(app->a, &x.shop, name, &table, &at, e))
        return false;
    app_tidy_up(app, table.store);
    const char *bare = arena_strn(app->a, name, (size_t)(sign - name));
    if (!lake_snapshot(app->a, &table, LAKE_LATEST, &s, &missing, e))
        return missing ? app_no_table(&x, bare, e) : wrap(e, "table '%s'", bare);
    app_task(app, &x, &t);
    if (!asset_restore(&t, &x.shop, &table, at, c->dry_run, &r, &version, e))
        return false;
    if (app->json)
        tell_json(bare, &r, version, c->dry_run);
    else
        tell(app, bare, &r, version, c->dry_run);
    return true;
}

const struct cmd cmd_restore = {
    .name = "restore",
    .args = "TABLE@VERSION",
    .summary = "make a table what it was: silver.movies@v3 or @2026-11-01",
    .help =
        "A new commit brings the files of that version back, and its schema and properties; the versions "
        "since\n"
        "stay in the history. How far the table had read of its inputs is restored as well: the next run "
        "makes\n"
        "again what has been undone, from what its inputs hold then. A version that a vacuum has taken files "
        "of\n"
        "is refused.\n",
    .options = options,
    .conf_size = sizeof(struct restore_conf),
    .min_args = 1,
    .max_args = 1,
    .quick = true,
    .lenient = true,
    .run = restore,
};
