#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/cmd.h"

struct query_conf {
    const char *format, *file, *out;
    int64_t limit;
    bool has_limit;
};

static const struct opt query_options[] = {
    {"output", 'o', OPT_TEXT, offsetof(struct query_conf, format), "FORMAT",
     "table (default), csv, json, ndjson or parquet"},
    {"out", 0, OPT_TEXT, offsetof(struct query_conf, out), "FILE", "Where parquet goes"},
    {"file", 'f', OPT_TEXT, offsetof(struct query_conf, file), "FILE", "Read the SQL from a file"},
    {"limit", 0, OPT_INT, offsetof(struct query_conf, limit), "N",
     "At most N rows (a table shows 40 unless told)"},
    {0},
};

enum { TABLE_ROWS = 40 };

static void write_csv(const struct engine_rows *r)
{
    auto_buf b = BUF(SIZE_MAX / 4);
    for (size_t i = 0; i <= r->nrows; i++) {
        for (size_t c = 0; c < r->ncolumns; c++) {
            const char *s = i == 0 ? r->names[c] : r->rows[i - 1][c];
            buf_addf(&b, "%s", c ? "," : "");
            if (s && (strpbrk(s, ",\"\r\n") || !*s)) {
                buf_add(&b, "\"", 1);
                for (; *s; s++)
                    buf_add(&b, *s == '"' ? "\"\"" : s, *s == '"' ? 2 : 1);
                buf_add(&b, "\"", 1);
            } else if (s) {
                buf_add(&b, s, strlen(s));
            }
        }
        buf_add(&b, "\n", 1);
        fwrite(b.p, 1, b.len, stdout);
        b.len = 0;
    }
}

static void write_json(const struct engine_rows *r, bool lines)
{
    if (!lines)
        putchar('[');
    for (size_t i = 0; i < r->nrows; i++) {
        if (!lines && i)
            fputs(",\n", stdout);
        fputs(r->rows[i][0], stdout);
        if (lines)
            putchar('\n');
    }
    if (!lines)
        puts("]");
}

static bool write_parquet(const struct opened *x, const char *sql, const char *out, struct err *e)
{
    if (!out) {
        fail(e, ERR_USER, "-o parquet needs --out FILE");
        return false;
    }
    auto_buf b = BUF(1 << 24);
    buf_addf(&b, "COPY (\n%s\n) TO ", sql);
    sql_literal(&b, out);
    buf_addf(&b, " (FORMAT parquet, COMPRESSION zstd)");
    return buf_done(&b, e) && x->shop.driver->exec(x->session, b.p, e);
}

static bool write_table(struct app *app, const struct engine_rows *r, int64_t shown)
{
    struct list_of(const char *) cells = {0};
    size_t n = r->nrows > (size_t)shown ? (size_t)shown : r->nrows;
    for (size_t i = 0; i < n; i++)
        for (size_t c = 0; c < r->ncolumns; c++)
            *arena_push(app->a, &cells) = r->rows[i][c];
    grid_print(stdout,
               &(struct grid){.names = r->names, .ncolumns = r->ncolumns, .nrows = n, .cells = cells.v});
    if (r->nrows > n)
        printf("... more than %s rows: --limit shows more\n", human_int(app->a, shown));
    return true;
}

/* The names in the SQL become relations; then its own mistakes are found before anything runs. */
static bool ready(struct app *app, struct opened *x, const char *sql, struct src at, struct err *e)
{
    struct engine_column *columns;
    size_t n;
    return asset_relations(app->a, &x->shop, x->session, sql, at, e) &&
           engine_duckdb.bind(app->a, x->session, sql, project_params(app->a, x->project, &x->shop.params),
                              at, &columns, &n, e);
}

static const char *limited(struct arena *a, const char *format, const char *sql, int64_t limit)
{
    bool json = strcmp(format, "json") == 0 || strcmp(format, "ndjson") == 0;
    const char *what = json ? "to_json(cupel_row)::VARCHAR" : "*";
    const char *text = arena_fmt(a, "SELECT %s FROM (\n%s\n) AS cupel_row", what, sql);
    return limit >= 0 ? arena_fmt(a, "%s LIMIT %lld", text, (long long)limit) : text;
}

static bool query(struct app *app, const void *conf, struct err *e)
{
    const struct query_conf *c = conf;
    static const char *const formats[] = {"table", "csv", "json", "ndjson", "parquet"};
    const char *format = c->format ? c->format : app->json ? "json" : "table";
    bool known = false;
    for (size_t i = 0; i < countof(formats); i++)
        known = known || strcmp(formats[i], format) == 0;
    if (!known) {
        const char *near = text_nearest(format, formats, countof(formats));
        fail(e, ERR_USER, "unknown format '%s'", format);
        return near ? hint(e, "did you mean %s?", near) : hint(e, "table, csv, json, ndjson or parquet");
    }
    if ((app->nargs == 1) == (c->file != NULL))
        return fail(e, ERR_USER, "`cupel query` needs either SQL or --file");

    struct opened x;
    char *sql = NULL;
    if (c->file && !fs_read(app->a, c->file, 16 << 20, &sql, NULL, e))
        return false;
    if (!sql)
        sql = arena_str(app->a, app->args[0]);
    struct src at = {c->file ? c->file : "query", 1, 1};
    for (size_t n = strlen(sql); n && strchr("; \t\r\n", sql[n - 1]); n--)
        sql[n - 1] = '\0';
    if (!app_open(app, OPEN_BOUND, NULL, &x, e) || !ready(app, &x, sql, at, e))
        return false;
    if (strcmp(format, "parquet") == 0)
        return write_parquet(&x, sql, c->out, e);

    bool table = strcmp(format, "table") == 0;
    int64_t shown = c->limit > 0 ? c->limit : TABLE_ROWS;
    int64_t limit = table ? shown + 1 : c->limit > 0 ? c->limit : -1;
    struct engine_rows rows;
    if (!engine_rows(&engine_duckdb, app->a, x.session, limited(app->a, format, sql, limit),
                     project_params(app->a, x.project, &x.shop.params), SIZE_MAX, &rows, e))
        return false;
    if (table)
        return write_table(app, &rows, shown);
    if (strcmp(format, "csv") == 0)
        write_csv(&rows);
    else
        write_json(&rows, strcmp(format, "ndjson") == 0);
    return true;
}

const struct cmd cmd_query = {
    .name = "query",
    .args = "SQL",
    .summary = "ask the lake: tables by name, silver.movies@v3 or @2026-11-01 for what they were",
    .options = query_options,
    .conf_size = sizeof(struct query_conf),
    .max_args = 1,
    .run = query,
};
