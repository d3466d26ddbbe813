#include <string.h>

#include "asset/maintain.h"
#include "base/text.h"
#include "cli/query_out.h"

struct diff_conf {
    struct opt_list key;
    const char *format, *out;
    int64_t limit;
    bool no_key, exit_code;
};

static const struct opt options[] = {
    {"key", 'k', OPT_LIST, offsetof(struct diff_conf, key), "COLUMNS",
     "What tells rows apart (a,b); the model's key unless told"},
    {"no-key", 0, OPT_FLAG, offsetof(struct diff_conf, no_key), NULL, "Compare whole rows"},
    {"output", 'o', OPT_TEXT, offsetof(struct diff_conf, format), "FORMAT",
     "The rows alone: table, csv, json, ndjson or parquet"},
    {"out", 0, OPT_TEXT, offsetof(struct diff_conf, out), "FILE",
     "Write them to a file, whole or not at all"},
    {"limit", 0, OPT_COUNT, offsetof(struct diff_conf, limit), "N", "Show the first N rows"},
    {"exit-code", 0, OPT_FLAG, offsetof(struct diff_conf, exit_code), NULL,
     "Exit with 1 if there is a difference"},
    {0},
};

static const char *type_text(struct arena *a, const struct lake_type *t)
{
    auto_buf b = BUF(1 << 16);
    human_type(&b, t);
    return arena_str(a, b.p);
}

static void tell_schema(struct arena *a, const struct diff *d)
{
    for (size_t i = 0; i < d->ncolumns; i++) {
        const struct diff_column *c = &d->columns[i];
        const char *from = c->from ? type_text(a, c->from) : NULL, *to = c->to ? type_text(a, c->to) : NULL;
        if (!from)
            printf("  column +     %s %s\n", c->name, to);
        else if (!to)
            printf("  column -     %s %s\n", c->name, from);
        else if (strcmp(from, to) != 0)
            printf("  column       %s: %s -> %s\n", c->name, from, to);
    }
    if (d->partitions)
        puts("  partitions   are others");
    for (size_t i = 0; i < d->nproperties; i++)
        printf("  property     %s: %s -> %s\n", d->properties[i].key,
               d->properties[i].from ? d->properties[i].from : "not set",
               d->properties[i].to ? d->properties[i].to : "not set");
}

static void tell(struct app *app, const struct diff *d)
{
    struct arena *a = app->a;
    printf("  rows         %s added, %s removed", human_int(a, d->added), human_int(a, d->removed));
    if (d->nkey) {
        printf(", %s changed by", human_int(a, d->changed));
        for (size_t i = 0; i < d->nkey; i++)
            printf("%s %s", i ? "," : "", d->key[i]);
    }
    puts("");
    for (size_t i = 0; i < d->ncolumns; i++)
        if (d->columns[i].changed)
            printf("  changed in   %s: %s\n", d->columns[i].name, human_int(a, d->columns[i].changed));
    tell_schema(a, d);
    printf("  read         %s of %s files\n", human_int(a, (int64_t)d->files_read),
           human_int(a, (int64_t)d->files));
}

static json_t *diff_json(struct app *app, const struct diff *d, const char *from, const char *to)
{
    json_t *key = json_array(), *columns = json_array(), *properties = json_array();
    for (size_t i = 0; i < d->nkey; i++)
        json_array_append_new(key, json_string(d->key[i]));
    for (size_t i = 0; i < d->ncolumns; i++) {
        const struct diff_column *c = &d->columns[i];
        json_array_append_new(columns,
                              json_pack("{s:s, s:s?, s:s?, s:I}", "name", c->name, "from",
                                        c->from ? type_text(app->a, c->from) : NULL, "to",
                                        c->to ? type_text(app->a, c->to) : NULL, "changed", c->changed));
    }
    for (size_t i = 0; i < d->nproperties; i++)
        json_array_append_new(properties, json_pack("{s:s, s:s?, s:s?}", "key", d->properties[i].key, "from",
                                                    d->properties[i].from, "to", d->properties[i].to));
    return json_pack("{s:s, s:s, s:I, s:I, s:b, s:o, s:I, s:I, s:I, s:I, s:I, s:o, s:o, s:b}", "from", from,
                     "to", to, "from_version", d->from->version, "to_version", d->to->version, "equal",
                     diff_is_empty(d), "key", key, "added", d->added, "removed", d->removed, "changed",
                     d->changed, "files", (json_int_t)d->files, "files_read", (json_int_t)d->files_read,
                     "columns", columns, "properties", properties, "partitions_differ", d->partitions);
}

static bool tell_rows(struct app *app, struct opened *x, const struct diff_conf *c, const struct diff *d,
                      struct err *e)
{
    struct engine_column *columns;
    struct question q = {.app = app, .x = x, .sql = d->sql, .limit = c->limit, .out = c->out};
    const struct format *format = format_find(c->format ? c->format : "table", e);
    if (!format || !engine_duckdb.bind(app->a, x->session, d->sql, (struct engine_params){0}, (struct src){0},
                                       &columns, &q.ncolumns, e))
        return false;
    q.columns = columns;
    return format->write(&q, e);
}

static bool open_side(struct app *app, const struct opened *x, const char *name, struct diff_side *ret,
                      struct err *e)
{
    struct lake_snapshot *s;
    bool missing = false;
    *ret = (struct diff_side){.name = name};
    if (!asset_place(app->a, &x->shop, name, &ret->table, &ret->at, e))
        return false;
    if (lake_snapshot(app->a, &ret->table, LAKE_LATEST, &s, &missing, e))
        return true;
    const char *sign = strrchr(name, '@');
    return missing ? app_no_table(x, sign ? arena_strn(app->a, name, (size_t)(sign - name)) : name, e)
                   : wrap(e, "table '%s'", name);
}

/* The model's, when it is of both sides. */
static void default_key(struct app *app, const struct opened *x, const struct diff_side *from,
                        const struct diff_side *to, const char *const **key, size_t *nkey)
{
    const char *sign = strrchr(to->name, '@');
    const char *name = sign ? arena_strn(app->a, to->name, (size_t)(sign - to->name)) : to->name;
    const struct asset *maker = project_table(x->project, name);
    bool same = strcmp(from->table.dir, to->table.dir) == 0 && from->table.store == to->table.store;
    if (!same || !maker || maker->kind != ASSET_MODEL || strcmp(maker->name, name) != 0)
        return;
    *key = maker->model->key;
    *nkey = maker->model->nkey;
}

static bool diff(struct app *app, const void *conf, struct err *e)
{
    const struct diff_conf *c = conf;
    struct opened x;
    struct task t;
    struct diff_side from, to;
    struct diff d;
    const char *sign = strrchr(app->args[0], '@');
    const char *second = app->nargs > 1 ? app->args[1]
                         : sign         ? arena_strn(app->a, app->args[0], (size_t)(sign - app->args[0]))
                                        : NULL;
    if (!second) {
        fail(e, ERR_USER, "'%s' is to be compared with what?", app->args[0]);
        return hint(e, "cupel diff %s@v3 %s@v5, or %s@v3 for what came since", app->args[0], app->args[0],
                    app->args[0]);
    }
    if (c->no_key && c->key.n)
        return fail(e, ERR_USER, "either --key or --no-key");
    if (c->format && !format_find(c->format, e))
        return false;
    if (!app_open(app, OPEN_LINKED, NULL, &x, e) || !open_side(app, &x, app->args[0], &from, e) ||
        !open_side(app, &x, second, &to, e))
        return false;
    const char *const *key = NULL;
    size_t nkey = 0;
    if (c->key.n)
        app_list(app->a, &c->key, &key, &nkey);
    else if (!c->no_key)
        default_key(app, &x, &from, &to, &key, &nkey);
    app_task(app, &x, &t);
    if (!asset_diff(&t, &x.shop, x.session, &from, &to, key, nkey, &d, e))
        return false;
    app->exit_code = c->exit_code && !diff_is_empty(&d);
    if (c->format || c->out)
        return tell_rows(app, &x, c, &d, e);
    if (app->json) {
        print_json(diff_json(app, &d, from.name, to.name));
        return true;
    }
    printf("%s -> %s%s\n", from.name, to.name, diff_is_empty(&d) ? ": no difference" : "");
    if (!diff_is_empty(&d))
        tell(app, &d);
    if (!c->limit || d.added + d.removed + d.changed == 0)
        return true;
    puts("");
    return tell_rows(app, &x, c, &d, e);
}

const struct cmd cmd_diff = {
    .name = "diff",
    .args = "TABLE@VERSION [TABLE[@VERSION]]",
    .summary = "what differs between two versions, or two tables",
    .help =
        "Counts rows that came, went and changed, by the model's key or --key, and tells columns, properties "
        "and\n"
        "partitions that differ. With one table what came since. Files that both versions have are not "
        "read.\n"
        "--limit shows rows as well; -o gives nothing but them: change, the key, the columns that changed, "
        "and\n"
        "their values before and after.\n",
    .options = options,
    .conf_size = sizeof(struct diff_conf),
    .min_args = 1,
    .max_args = 2,
    .lenient = true,
    .run = diff,
};
