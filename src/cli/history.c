#include <string.h>

#include "base/text.h"
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

/* Text of the log that is JSON, as it is. */
static json_t *object(const char *text)
{
    json_t *j = text ? json_loads(text, JSON_DECODE_ANY, NULL) : NULL;
    return j ? j : json_null();
}

static json_t *version_json(const struct lake_version *v, const char *when)
{
    json_t *j = json_pack(
        "{s:I, s:s, s:s?, s:s?, s:s?, s:I, s:I, s:I, s:I, s:I, s:b, s:b}", "version", v->version, "timestamp",
        when, "operation", v->operation, "run", v->run_id, "engine", v->engine, "files_added", v->files_added,
        "files_removed", v->files_removed, "rows_added", v->rows_added, "bytes_added", v->bytes_added,
        "bytes_removed", v->bytes_removed, "blind_append", v->blind_append, "data_change", v->data_change);
    json_object_set_new(j, "parameters", object(v->parameters));
    json_object_set_new(j, "metrics", object(v->metrics));
    json_object_set_new(j, "user", json_string(v->user_name ? v->user_name : ""));
    json_object_set_new(j, "user_metadata", v->user_metadata ? json_string(v->user_metadata) : json_null());
    json_object_set_new(j, "isolation", v->isolation ? json_string(v->isolation) : json_null());
    json_object_set_new(j, "read_version", v->read_version < 0 ? json_null() : json_integer(v->read_version));
    return j;
}

/* What a commit was asked for, on a line: "mode Overwrite, predicate id = 3". */
static const char *details(struct arena *a, const struct lake_version *v)
{
    enum { SHOWN = 60 };
    json_t *j = object(v->parameters), *value;
    const char *key;
    auto_buf b = BUF(1 << 20);
    json_object_foreach(j, key, value)
    {
        const char *text = json_string_value(value);
        if (text && *text && strcmp(text, "[]") != 0 && strcmp(text, "{}") != 0 && strcmp(text, "null") != 0)
            buf_addf(&b, "%s%s %s", b.len ? ", " : "", key, text);
    }
    json_decref(j);
    size_t n = text_fit(b.p, b.len, SHOWN);
    return n < b.len ? arena_fmt(a, "%.*s...", (int)n, b.p) : arena_str(a, b.p);
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
        *arena_push(app->a, &cells) = v[i].data_change ? count(app->a, v[i].rows_added) : "";
        *arena_push(app->a, &cells) = count(app->a, v[i].files_added);
        *arena_push(app->a, &cells) = count(app->a, v[i].files_removed);
        *arena_push(app->a, &cells) = v[i].run_id && v[i].run_id[0] ? v[i].run_id : v[i].engine;
        *arena_push(app->a, &cells) = details(app->a, &v[i]);
        json_array_append_new(list, version_json(&v[i], when));
    }
    if (app->json) {
        print_json(json_pack("{s:s, s:o}", "table", app->args[0], "history", list));
        return true;
    }
    json_decref(list);
    static const char *const heads[] = {"version", "time",    "operation", "rows added",
                                        "files +", "files -", "by",        "details"};
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
