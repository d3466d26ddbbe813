#include "cli/cmd.h"

struct history_conf {
    int64_t limit;
};

static const struct opt history_options[] = {
    {"limit", 'n', OPT_COUNT, offsetof(struct history_conf, limit), "N", "The newest N versions only"},
    {0},
};

static const char *count(struct arena *a, int64_t n)
{
    return n < 0 ? "" : human_int(a, n);
}

static json_t *version_json(const struct lake_version *v, const char *when)
{
    return json_pack("{s:I, s:s, s:s?, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I}", "version", v->version,
                     "timestamp", when, "operation", v->operation, "run", v->run_id, "engine", v->engine,
                     "metrics", v->metrics, "files_added", v->files_added, "files_removed", v->files_removed,
                     "rows_added", v->rows_added, "bytes_added", v->bytes_added);
}

static bool history(struct app *app, const void *conf, struct err *e)
{
    const struct history_conf *c = conf;
    struct opened x;
    struct lake_table t;
    struct lake_at at;
    app->anywhere = asset_path(app->a, app->args[0]);
    if (!app_open(app, OPEN_FILES, NULL, &x, e) || !app_place(app, &x, app->args[0], &t, &at, e))
        return false;
    struct lake_version *v;
    struct lake_snapshot *s;
    size_t n;
    bool missing = false;
    if (!lake_snapshot(app->a, &t, at, &s, &missing, e))
        return missing && !app->anywhere ? app_no_table(&x, app->args[0], e)
                                         : wrap(e, "table '%s'", app->args[0]);
    if (!lake_history(app->a, &t, (size_t)c->limit, &v, &n, e))
        return wrap(e, "table '%s'", app->args[0]);

    struct list_of(const char *) cells = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        char when[32];
        clock_format(when, v[i].timestamp_ms * 1000, 0);
        *arena_push(app->a, &cells) = arena_fmt(app->a, "%lld", (long long)v[i].version);
        *arena_push(app->a, &cells) = arena_str(app->a, when);
        *arena_push(app->a, &cells) = v[i].operation;
        *arena_push(app->a, &cells) = count(app->a, v[i].rows_added);
        *arena_push(app->a, &cells) = count(app->a, v[i].files_added);
        *arena_push(app->a, &cells) = count(app->a, v[i].files_removed);
        *arena_push(app->a, &cells) = v[i].run_id && v[i].run_id[0] ? v[i].run_id : v[i].engine;
        json_array_append_new(list, version_json(&v[i], when));
    }
    if (app->json) {
        print_json(json_pack("{s:s, s:o}", "table", app->args[0], "history", list));
        return true;
    }
    json_decref(list);
    static const char *const heads[] = {"version", "time",    "operation", "rows added",
                                        "files +", "files -", "by"};
    grid_print(stdout,
               &(struct grid){.names = heads, .ncolumns = countof(heads), .nrows = n, .cells = cells.v});
    return true;
}

const struct cmd cmd_history = {
    .name = "history",
    .args = "TABLE",
    .help = "A table of the project by its name, or any Delta table by its path.\n",
    .summary = "the versions of a table, newest first",
    .options = history_options,
    .conf_size = sizeof(struct history_conf),
    .min_args = 1,
    .max_args = 1,
    .quick = true,
    .lenient = true,
    .run = history,
};
