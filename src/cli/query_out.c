/* Rows are asked for as text and written as they come: nothing but a table is held in memory. */
#include "cli/query_out.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/terminal.h"
#include "engine/sqltext.h"
#include "engine/text_rows.h"

enum { TABLE_ROWS = 40, MAX_SQL = 64 << 20 };

/* --- where it goes --- */

struct sink {
    FILE *f;
    const char *path, *temporary; /* NULL = stdout */
};

static bool sink_open(const struct question *q, struct sink *ret, struct err *e)
{
    *ret = (struct sink){.f = stdout, .path = q->out};
    if (!q->out)
        return true;
    ret->temporary = arena_fmt(q->app->a, "%s.tmp", q->out);
    ret->f = fopen(ret->temporary, "w");
    return ret->f || fs_fail(e, "cannot write", q->out);
}

static bool say_written(const struct question *q)
{
    if (q->app->json)
        print_json(json_pack("{s:[s]}", "written", q->out));
    else
        printf("%s\n", q->out);
    return true;
}

/* Ends it; ok = everything was written to it. */
static bool sink_close(const struct question *q, struct sink *s, bool ok, struct err *e)
{
    if (!s->path)
        return ok;
    int failed = ferror(s->f) | fclose(s->f);
    if (ok && (failed || rename(s->temporary, s->path) != 0))
        ok = fs_fail(e, "cannot write", s->path);
    if (!ok)
        unlink(s->temporary);
    return ok && say_written(q);
}

static bool rows_open(const struct question *q, const char *select, int64_t limit, struct text_rows **ret,
                      struct err *e)
{
    struct app *app = q->app;
    auto_buf b = BUF(MAX_SQL);
    buf_addf(&b, "SELECT %s FROM (\n%s\n) AS cupel_row(", select, q->sql);
    for (size_t i = 0; i < q->ncolumns; i++)
        buf_addf(&b, "%sc%zu", i ? ", " : "", i);
    buf_addf(&b, ")");
    if (limit > 0)
        buf_addf(&b, " LIMIT %lld", (long long)limit);
    return buf_done(&b, e) &&
           text_rows_open(app->a, &engine_duckdb, q->x->session, b.p,
                          project_params(app->a, q->x->project, &q->x->shop.params), ret, e);
}

static const char as_text[] = "CAST(COLUMNS(*) AS VARCHAR)";

/* --- CSV --- */

static void add_csv(FILE *f, struct str s)
{
    if (!s.p)
        return;
    bool quoted = s.n == 0;
    for (size_t i = 0; i < s.n && !quoted; i++)
        quoted = strchr(",\"\r\n", s.p[i]) != NULL;
    if (!quoted) {
        fwrite(s.p, 1, s.n, f);
        return;
    }
    putc('"', f);
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] == '"')
            putc('"', f);
        putc(s.p[i], f);
    }
    putc('"', f);
}

static bool write_csv(const struct question *q, struct err *e)
{
    struct text_rows *r;
    struct sink s;
    const struct str *row;
    if (!rows_open(q, as_text, q->limit, &r, e) || !sink_open(q, &s, e))
        return false;
    for (size_t i = 0; i < q->ncolumns; i++) {
        fputs(i ? "," : "", s.f);
        add_csv(s.f, (struct str){q->columns[i].name, strlen(q->columns[i].name)});
    }
    putc('\n', s.f);
    bool ok;
    while ((ok = text_rows_next(r, &row, e)) && row && !ferror(s.f)) {
        for (size_t i = 0; i < q->ncolumns; i++) {
            if (i)
                putc(',', s.f);
            add_csv(s.f, row[i]);
        }
        putc('\n', s.f);
    }
    return sink_close(q, &s, ok, e);
}

/* --- JSON --- */

static bool name_taken(const struct question *q, size_t n, char *const *names, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    for (size_t i = n + 1; i < q->ncolumns; i++)
        if (strcasecmp(q->columns[i].name, name) == 0 && strcasecmp(q->columns[n].name, name) != 0)
            return true;
    return false;
}

/* {'title': c0, ...}: keys are unique, times are RFC 3339. */
static char *object_of(const struct question *q)
{
    struct arena *a = q->app->a;
    char **names = arena_make(a, char *, q->ncolumns);
    auto_buf b = BUF(MAX_SQL);
    buf_addf(&b, "to_json({");
    for (size_t i = 0; i < q->ncolumns; i++) {
        names[i] = arena_str(a, q->columns[i].name);
        for (int n = 1; name_taken(q, i, names, names[i]); n++)
            names[i] = arena_fmt(a, "%s_%d", q->columns[i].name, n);
        buf_addf(&b, "%s", i ? ", " : "");
        sql_literal(&b, *names[i] ? names[i] : " ");
        bool zoned = strcmp(q->columns[i].sql_type, "TIMESTAMP WITH TIME ZONE") == 0;
        bool plain = strcmp(q->columns[i].sql_type, "TIMESTAMP") == 0;
        if (zoned)
            buf_addf(&b, ": strftime(c%zu AT TIME ZONE 'UTC', '%%Y-%%m-%%dT%%H:%%M:%%S.%%fZ')", i);
        else if (plain)
            buf_addf(&b, ": strftime(c%zu, '%%Y-%%m-%%dT%%H:%%M:%%S.%%f')", i);
        else
            buf_addf(&b, ": c%zu", i);
    }
    buf_addf(&b, "})::VARCHAR");
    return arena_str(a, b.p);
}

/* The engine writes NaN and Infinity, which JSON has not: null stands for them. */
static void add_json(FILE *f, struct str s)
{
    bool quoted = false;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (quoted && c == '\\' && i + 1 < s.n) {
            putc(c, f);
            c = s.p[++i];
        } else if (c == '"') {
            quoted = !quoted;
        } else if (!quoted && (c == 'N' || c == 'I' || (c == '-' && i + 1 < s.n && s.p[i + 1] == 'I'))) {
            fputs("null", f);
            while (i + 1 < s.n &&
                   ((s.p[i + 1] >= 'a' && s.p[i + 1] <= 'z') || (s.p[i + 1] >= 'A' && s.p[i + 1] <= 'Z')))
                i++;
            continue;
        }
        putc(c, f);
    }
}

static bool write_objects(const struct question *q, bool lines, struct err *e)
{
    struct text_rows *r;
    struct sink s;
    const struct str *row;
    if (!rows_open(q, object_of(q), q->limit, &r, e) || !sink_open(q, &s, e))
        return false;
    bool ok, first = true;
    fputs(lines ? "" : "[", s.f);
    for (; (ok = text_rows_next(r, &row, e)) && row && !ferror(s.f); first = false) {
        fputs(lines || first ? "" : ",\n", s.f);
        add_json(s.f, row[0]);
        fputs(lines ? "\n" : "", s.f);
    }
    fputs(lines || !ok ? "" : "]\n", s.f);
    return sink_close(q, &s, ok, e);
}

static bool write_json(const struct question *q, struct err *e)
{
    return write_objects(q, false, e);
}

static bool write_ndjson(const struct question *q, struct err *e)
{
    return write_objects(q, true, e);
}

/* --- Parquet --- */

static bool write_parquet(const struct question *q, struct err *e)
{
    if (!q->out) {
        fail(e, ERR_USER, "-o parquet needs a file");
        return hint(e, "-o parquet --out FILE");
    }
    struct app *app = q->app;
    struct engine_params params = project_params(app->a, q->x->project, &q->x->shop.params);
    struct sqltext plain; /* parameters as literals: COPY takes none */
    if (!sqltext_plain(app->a, q->sql, &params, (struct src){0}, &plain, e))
        return false;
    const char *temporary = arena_fmt(app->a, "%s.tmp", q->out);
    auto_buf b = BUF(MAX_SQL);
    buf_addf(&b, "COPY (SELECT * FROM (\n%.*s\n)", (int)plain.n, plain.sql);
    if (q->limit > 0)
        buf_addf(&b, " LIMIT %lld", (long long)q->limit);
    buf_addf(&b, ") TO ");
    sql_literal(&b, temporary);
    buf_addf(&b, " (FORMAT parquet, COMPRESSION zstd)");
    if (!buf_done(&b, e) || !q->x->shop.driver->exec(q->x->session, b.p, e)) {
        unlink(temporary);
        return false;
    }
    return rename(temporary, q->out) == 0 ? say_written(q) : fs_fail(e, "cannot write", q->out);
}

/* --- a table --- */

static bool is_number(const char *type)
{
    static const char *const names[] = {"BIGINT",   "INTEGER",   "SMALLINT", "TINYINT",  "HUGEINT", "UBIGINT",
                                        "UINTEGER", "USMALLINT", "UTINYINT", "UHUGEINT", "DOUBLE",  "FLOAT"};
    for (size_t i = 0; i < countof(names); i++)
        if (strcmp(type, names[i]) == 0)
            return true;
    return strncmp(type, "DECIMAL(", 8) == 0 && !strchr(type, '[');
}

static bool write_table(const struct question *q, struct err *e)
{
    struct arena *a = q->app->a;
    struct text_rows *r;
    const struct str *row;
    size_t shown = q->limit > 0 ? (size_t)q->limit : TABLE_ROWS, n = 0;
    struct list_of(const char *) cells = {0};
    const char **names = arena_make(a, const char *, q->ncolumns);
    bool *right = arena_make(a, bool, q->ncolumns);
    if (q->out) {
        fail(e, ERR_USER, "a table is for looking at: --out needs another format");
        return hint(e, "-o csv, json, ndjson or parquet");
    }
    if (!rows_open(q, as_text, (int64_t)shown + (q->limit == 0), &r, e))
        return false;
    for (size_t i = 0; i < q->ncolumns; i++) {
        names[i] = q->columns[i].name;
        right[i] = is_number(q->columns[i].sql_type);
    }
    for (;; n++) {
        if (!text_rows_next(r, &row, e))
            return false;
        if (!row || n == shown)
            break;
        for (size_t i = 0; i < q->ncolumns; i++)
            *arena_push(a, &cells) = row[i].p ? arena_strn(a, row[i].p, row[i].n) : "NULL";
    }
    size_t fit = grid_print(stdout, &(struct grid){.names = names,
                                                   .ncolumns = q->ncolumns,
                                                   .nrows = n,
                                                   .cells = cells.v,
                                                   .right = right,
                                                   .ascii = terminal_ascii(),
                                                   .width = terminal_width(STDOUT_FILENO)});
    fflush(stdout);
    if (row)
        fprintf(stderr, "... there are more than %s rows: --limit N shows more\n", human_int(a, (int64_t)n));
    if (fit < q->ncolumns)
        fprintf(stderr, "... %zu of %zu columns fit here: name those you want, or use -o ndjson\n", fit,
                q->ncolumns);
    return true;
}

const struct format formats[] = {
    {"table", "to look at: 40 rows unless told, cut to the terminal's width", write_table},
    {"csv", "with a line of names; null is nothing, an empty text is \"\"", write_csv},
    {"json", "one array of objects", write_json},
    {"ndjson", "an object a line", write_ndjson},
    {"parquet", "a file, named by --out", write_parquet},
    {0},
};

const struct format *format_find(const char *name, struct err *e)
{
    const char *names[8];
    size_t n = 0;
    for (; formats[n].name; n++) {
        if (strcmp(formats[n].name, name) == 0)
            return &formats[n];
        names[n] = formats[n].name;
    }
    const char *near = text_nearest(name, names, n);
    fail(e, ERR_USER, "unknown format '%s'", name);
    if (near)
        hint(e, "did you mean '%s'?", near);
    else
        hint(e, "there are table, csv, json, ndjson and parquet");
    return NULL;
}
