#include <string.h>
#include <strings.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/query_out.h"
#include "engine/sqltext.h"
#include "engine/sqltext_token.h"

struct query_conf {
    const char *format, *file, *out;
    int64_t limit;
};

static const struct opt query_options[] = {
    {"output", 'o', OPT_TEXT, offsetof(struct query_conf, format), "FORMAT",
     "table (default), csv, json, ndjson or parquet"},
    {"out", 0, OPT_TEXT, offsetof(struct query_conf, out), "FILE", "Write to a file, whole or not at all"},
    {"file", 'f', OPT_TEXT, offsetof(struct query_conf, file), "FILE",
     "Read the SQL from a file, - is stdin"},
    {"limit", 0, OPT_COUNT, offsetof(struct query_conf, limit), "N",
     "At most N rows (a table shows 40 unless told)"},
    {0},
};

/* --- what is asked --- */

static bool not_a_query(struct err *e, struct src at, struct str word)
{
    fail_at(e, ERR_USER, at, "'%.*s' is not a query", STR(word));
    if (word.n == 4 && strncasecmp(word.p, "SHOW", 4) == 0)
        return hint(e, "`cupel tables` lists the tables, `cupel show TABLE` says what one is");
    return hint(e, "a query is a SELECT: it reads; tables are changed by models and `cupel run`");
}

static bool is_mark(const char *sql, const struct token *t, char mark)
{
    return t->kind == TOKEN_MARK && sql[t->start] == mark;
}

/* One statement that reads: said here, in words for those who ask, before the engine says it in its own. */
static bool check_statement(struct arena *a, char *sql, struct src at, struct err *e)
{
    static const char *const readers[] = {"SELECT",   "WITH",      "FROM",  "VALUES",  "TABLE",
                                          "DESCRIBE", "SUMMARIZE", "PIVOT", "UNPIVOT", "DESC"};
    struct token *t;
    size_t n, bad;
    if (!sqltext_tokens(a, sql, &t, &n, &bad, e)) {
        e->at = sqltext_place(sql, bad, at);
        return false;
    }
    while (is_mark(sql, t, ';'))
        t++;
    if (t->kind == TOKEN_END) {
        fail(e, ERR_USER, "there is no SQL to run");
        return hint(e, "cupel query 'SELECT * FROM silver.movies LIMIT 5'");
    }
    const struct token *first = t;
    while (t->kind != TOKEN_END && !is_mark(sql, t, ';'))
        t++;
    const struct token *end = t;
    while (is_mark(sql, t, ';'))
        t++;
    if (t->kind != TOKEN_END) {
        fail_at(e, ERR_USER, sqltext_place(sql, t->start, at), "a second statement begins here");
        return hint(e, "ask one at a time");
    }
    bool known = is_mark(sql, first, '(');
    struct str word = {sql + first->start, first->end - first->start};
    for (size_t i = 0; i < countof(readers); i++)
        known = known || (strlen(readers[i]) == word.n && strncasecmp(readers[i], word.p, word.n) == 0);
    if (!known)
        return not_a_query(e, sqltext_place(sql, first->start, at), word);
    if (end->kind != TOKEN_END)
        sql[end->start] = '\0';
    for (char *p = sql; p < sql + first->start; p++) /* semicolons before it */
        *p = *p == '\n' ? '\n' : ' ';
    return true;
}

static bool read_sql(struct app *app, const struct query_conf *c, char **ret, struct err *e)
{
    enum { MAX_BYTES = 16 << 20 };
    if ((app->nargs == 1) == (c->file != NULL)) {
        fail(e, ERR_USER, app->nargs ? "either SQL or --file, not both" : "`cupel query` needs SQL");
        return hint(e, "cupel query 'SELECT * FROM silver.movies LIMIT 5'");
    }
    if (!c->file) {
        *ret = arena_str(app->a, app->args[0]);
        return true;
    }
    return fs_read(app->a, strcmp(c->file, "-") == 0 ? "/dev/stdin" : c->file, MAX_BYTES, ret, NULL, e);
}

/* The names in the SQL become relations; then its own mistakes are found before anything runs. */
static bool bind(struct question *q, struct src at, struct err *e)
{
    struct app *app = q->app;
    struct engine_column *columns;
    if (!asset_relations(app->a, &q->x->shop, q->x->session, q->sql, at, e) ||
        !engine_duckdb.bind(app->a, q->x->session, q->sql,
                            project_params(app->a, q->x->project, &q->x->shop.params), at, &columns,
                            &q->ncolumns, e)) {
        if (q->x->problems.total && !app->json)
            fputs("note: the project has mistakes of its own: `cupel validate` shows them\n", stderr);
        return false;
    }
    q->columns = columns;
    return true;
}

/* Are all the tables that it names told by their paths? */
static bool names_paths_only(struct arena *a, const char *sql)
{
    struct engine_ref *refs;
    size_t n;
    struct err ignored; /* what is wrong with the text is told when it is bound */
    if (!sqltext_refs(a, sql, (struct src){0}, &refs, &n, &ignored))
        return false;
    for (size_t i = 0; i < n; i++)
        if (strchr(refs[i].name, '.') && !asset_path(a, refs[i].name))
            return false;
    return true;
}

static bool query(struct app *app, const void *conf, struct err *e)
{
    const struct query_conf *c = conf;
    const struct format *format = format_find(c->format ? c->format : app->json ? "json" : "table", e);
    struct opened x;
    char *sql;
    if (!format || !read_sql(app, c, &sql, e))
        return false;
    struct src at = {c->file ? c->file : "query", 1, 1};
    app->text_file = at.file;
    app->text = arena_str(app->a, sql);
    struct question q = {.app = app, .x = &x, .sql = sql, .limit = c->limit, .out = c->out};
    if (!check_statement(app->a, sql, at, e))
        return false;
    app->anywhere = names_paths_only(app->a, sql);
    return app_open(app, OPEN_BOUND, NULL, &x, e) && bind(&q, at, e) && format->write(&q, e);
}

const struct cmd cmd_query = {
    .name = "query",
    .args = "SQL",
    .summary = "ask the lake: tables by name, silver.movies@v3 or @2026-11-01 for what they were",
    .help =
        "The SQL is DuckDB's; variables of the project and $now stand in it as $name. A table takes the "
        "width\n"
        "of the terminal; csv, json and ndjson are written as they come, whatever their size.\n"
        "\n"
        "delta.`/path/to/table`, with @v3 or @2026-11-01 inside the backticks, is any Delta table by its\n"
        "path; no project is needed for those.\n",
    .options = query_options,
    .conf_size = sizeof(struct query_conf),
    .max_args = 1,
    .lenient = true,
    .run = query,
};
