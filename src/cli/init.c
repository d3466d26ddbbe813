#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "cli/cmd.h"

/* The smallest project that does something: a model over literal rows, one over that, and a page. */
static const struct {
    const char *path, *text;
} files[] = {
    {"cupel.yaml", "name: %s\n"
                   "lake: lake\n"
                   "vars: {threshold: 10}\n"},
    {".gitignore", "lake/\n.cupel/\n.env\nout/\n"},
    {".env.example", "# Copy to .env: settings and secrets that sources read as ${NAME}.\n# API_KEY=\n"},
    {"models/silver/orders.sql", "/*---\n"
                                 "description: Orders with their types, one row an order.\n"
                                 "key: order_id\n"
                                 "checks:\n"
                                 "  - not_null: [order_id, country]\n"
                                 "  - unique: order_id\n"
                                 "  - row: \"amount >= 0\"\n"
                                 "---*/\n"
                                 "SELECT * FROM (VALUES\n"
                                 "  (1, DATE '2026-11-01', 'France', 12.50),\n"
                                 "  (2, DATE '2026-11-01', 'Ghana', 99.00),\n"
                                 "  (3, DATE '2026-11-02', 'France', 3.20)\n"
                                 ") AS t(order_id, ordered_on, country, amount)\n"},
    {"models/gold/countries.sql", "/*---\n"
                                  "description: Revenue by country, from orders above the threshold.\n"
                                  "---*/\n"
                                  "SELECT country, count(*) AS orders, sum(amount) AS revenue\n"
                                  "FROM silver.orders\n"
                                  "WHERE amount >= $threshold\n"
                                  "GROUP BY country\n"},
    {"pages/overview.md",
     "# Orders\n\n"
     "```sql countries\n"
     "SELECT country, orders, revenue FROM gold.countries ORDER BY revenue DESC\n"
     "```\n\n"
     "The best country is {{ countries.country }}.\n\n"
     "```table countries\n"
     "columns: {country: Country, orders: Orders, revenue: {title: Revenue, format: \"#,##0.00\"}}\n"
     "```\n"},
};

static bool valid_name(const char *name)
{
    return *name && name[0] != '-' &&
           name[strspn(name, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

/* What the project in that folder is called: the folder's own name. */
static const char *name_of(struct arena *a, const char *dir)
{
    char real[PATH_MAX];
    const char *path = fs_is_dir(dir) && realpath(dir, real) ? real : dir;
    const char *slash = strrchr(path, '/');
    return arena_str(a, slash ? slash + 1 : path);
}

static const char *folder_of(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? arena_strn(a, path, (size_t)(slash - path)) : ".";
}

static bool init(struct app *app, const void *conf, struct err *e)
{
    (void)conf;
    size_t n = strlen(app->args[0]);
    while (n > 1 && app->args[0][n - 1] == '/')
        n--;
    const char *dir = arena_strn(app->a, app->args[0], n), *name = name_of(app->a, dir);
    if (!valid_name(name)) {
        fail(e, ERR_USER, "'%s' is no name for a project", name);
        return hint(e, "letters, digits, _ and -");
    }
    if (fs_exists(fs_join(app->a, dir, "cupel.yaml")))
        return fail(e, ERR_USER, "there is a project in '%s' already", dir);
    for (size_t i = 0; i < countof(files); i++) {
        const char *path = fs_join(app->a, dir, files[i].path);
        const char *text = files[i].text;
        if (i == 0)
            text = arena_fmt(app->a, "name: %s\n%s", name, strchr(text, '\n') + 1);
        if (!fs_mkdirs(folder_of(app->a, path), e) ||
            (!fs_exists(path) && !fs_write_atomic(path, text, strlen(text), e)))
            return false;
    }
    if (app->json)
        print_json(json_pack("{s:s}", "created", dir));
    else
        printf("%s is ready:\n%s%s%s  cupel run\n  cupel render overview --to txt\n", name,
               strcmp(dir, ".") == 0 ? "" : "  cd ", strcmp(dir, ".") == 0 ? "" : dir,
               strcmp(dir, ".") == 0 ? "" : "\n");
    return true;
}

const struct cmd cmd_init = {
    .name = "init",
    .args = "NAME",
    .summary = "begin a project in a new folder",
    .min_args = 1,
    .max_args = 1,
    .run = init,
};
