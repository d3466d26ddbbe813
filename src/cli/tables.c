#include <string.h>

#include "cli/cmd.h"

static const char *dotted(struct arena *a, const char *dir)
{
    char *name = arena_str(a, dir);
    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '.';
    return name;
}

struct totals {
    int64_t rows, bytes;
};

static struct totals add_up(const struct lake_snapshot *s)
{
    struct totals t = {0};
    for (size_t i = 0; i < s->nfiles; i++) {
        t.bytes += s->files[i].size;
        if (s->files[i].rows >= 0 && t.rows >= 0)
            t.rows += lake_file_rows(&s->files[i]);
        else
            t.rows = -1;
    }
    return t;
}

static bool tables(struct app *app, const void *conf, struct err *e)
{
    (void)conf;
    struct opened x;
    const char **names;
    size_t n;
    app->anywhere = app->nargs > 0;
    if (!app_open(app, OPEN_FILES, NULL, &x, e) ||
        (app->anywhere && !store_open(app->a, app->args[0], &x.project->storage, &x.shop.lake, e)) ||
        !lake_tables(app->a, x.shop.lake, &names, &n, e))
        return false;
    app_tidy_up(app, x.shop.lake);
    struct list_of(const char *) cells = {0};
    json_t *list = json_array();
    for (size_t i = 0; i < n; i++) {
        const char *name =
            app->anywhere ? store_name(app->a, x.shop.lake, names[i]) : dotted(app->a, names[i]);
        struct lake_table t = {.store = x.shop.lake,
                               .dir = names[i],
                               .parquet = engine_duckdb.parquet(x.engine),
                               .clock = x.shop.clock};
        struct lake_snapshot *s;
        if (!lake_snapshot(app->a, &t, LAKE_LATEST, &s, NULL, e)) {
            json_decref(list);
            return wrap(e, "table '%s'", name);
        }
        struct totals sum = add_up(s);
        char when[32];
        clock_format(when, s->timestamp_ms * 1000, 0);
        *arena_push(app->a, &cells) = name;
        *arena_push(app->a, &cells) = arena_fmt(app->a, "%lld", (long long)s->version);
        *arena_push(app->a, &cells) = sum.rows < 0 ? "?" : human_int(app->a, sum.rows);
        *arena_push(app->a, &cells) = human_int(app->a, (int64_t)s->nfiles);
        *arena_push(app->a, &cells) = human_bytes(app->a, sum.bytes);
        *arena_push(app->a, &cells) = arena_str(app->a, when);
        json_array_append_new(list, json_pack("{s:s, s:I, s:I, s:I, s:I, s:s}", "table", name, "version",
                                              s->version, "rows", sum.rows, "files", (json_int_t)s->nfiles,
                                              "bytes", sum.bytes, "changed", when));
    }
    if (app->json) {
        print_json(json_pack("{s:o}", "tables", list));
        return true;
    }
    json_decref(list);
    if (n == 0)
        fputs(app->anywhere ? "no tables there\n" : "no tables yet: `cupel run` makes them\n", stderr);
    static const char *const heads[] = {"table", "version", "rows", "files", "size", "changed"};
    if (n > 0)
        grid_print(stdout,
                   &(struct grid){.names = heads, .ncolumns = countof(heads), .nrows = n, .cells = cells.v});
    return true;
}

const struct cmd cmd_tables = {
    .name = "tables",
    .args = "[FOLDER]",
    .summary = "the tables of the lake, or below a folder, with rows, files and size",
    .max_args = 1,
    .quick = true,
    .lenient = true,
    .run = tables,
};
