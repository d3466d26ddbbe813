#include "page/chart.h"

#include <ctype.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "base/json.h"
#include "project/read.h"

enum { MAX_SPEC = 16 << 20, MAX_DATA = 256 << 20 };

/* --- checks --- */

/* Nothing is loaded, wherever a part of the spec asks for it. */
static void check_urls(const struct yaml *y, struct problems *problems)
{
    for (size_t i = 0; y->kind != YAML_TEXT && i < y->n; i++) {
        bool data =
            y->kind == YAML_MAP && strcmp(y->keys[i].name, "data") == 0 && y->items[i]->kind == YAML_MAP;
        const struct yaml *url = data ? yaml_get(y->items[i], "url") : NULL;
        if (url) {
            struct err e;
            fail_at(&e, ERR_USER, url->at, "a chart loads nothing: its rows come from a query");
            hint(&e, "data: {name: QUERY}; SQL reads files, too: SELECT * FROM 'cars.csv'");
            problems_add(problems, &e);
        }
        if (!data && !(y->kind == YAML_MAP && strcmp(y->keys[i].name, "datasets") == 0))
            check_urls(y->items[i], problems);
    }
}

void page_chart_check(struct arena *a, const struct page_queries *qs, const struct chart_spec *spec,
                      struct problems *problems)
{
    struct chart_table *tables = arena_make(a, struct chart_table, qs->n + 1);
    for (size_t i = 0; i < qs->n; i++)
        tables[i] = (struct chart_table){qs->v[i].name, qs->v[i].columns, qs->v[i].types, qs->v[i].ncolumns,
                                         qs->v[i].unknown};
    check_urls(spec->root, problems);
    chart_check(a, spec, tables, qs->n, problems);
}

/* --- rows as JSON --- */

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

bool page_chart_number(const char *type)
{
    return !strchr(type, '[') && !begins(type, "STRUCT") && !begins(type, "MAP") &&
           (strstr(type, "INT") || begins(type, "DECIMAL") || strcmp(type, "DOUBLE") == 0 ||
            strcmp(type, "FLOAT") == 0) &&
           !begins(type, "INTERVAL");
}

/* "2026-11-19 12:00:00.5+00" -> "2026-11-19T12:00:00.5Z": times are UTC. Years of other than four digits are
 * as JavaScript writes them: +012026, and -000043 for 44 BC. */
static void add_time(struct buf *b, const char *s)
{
    const char *era = strstr(s, " (BC)");
    size_t year = strcspn(s, "-"), day = strcspn(s, " ");
    const char *time = era ? era + strlen(" (BC)") : s + day;
    size_t n = strlen(time);
    long y = strtol(s, NULL, 10);
    if (!isdigit((unsigned char)*s)) { /* infinity */
        buf_addf(b, "null");
        return;
    }
    if (n >= 3 && strcmp(time + n - 3, "+00") == 0)
        n -= 3;
    if (!era && year == 4)
        buf_addf(b, "\"%.*s", (int)day, s);
    else
        buf_addf(b, "\"%+07ld%.*s", era ? 1 - y : y, (int)(day - year), s + year);
    if (n)
        buf_addf(b, "T%.*sZ", (int)n - 1, time + 1);
    buf_addf(b, "\"");
}

void page_chart_value(struct buf *b, const char *type, const char *s)
{
    bool number = page_chart_number(type);
    if (!s || (number && !isfinite(strtod(s, NULL))))
        buf_add(b, "null", 4);
    else if (number || strcmp(type, "BOOLEAN") == 0)
        buf_add(b, s, strlen(s));
    else if (begins(type, "TIMESTAMP") || (strcmp(type, "DATE") == 0 && strlen(s) != strlen("2026-11-19")))
        add_time(b, s);
    else
        json_quote(b, s, strlen(s));
}

bool page_chart_wants(const char *spec, const char *column)
{
    return strstr(spec, column) || strpbrk(column, "\"\\.[");
}

/* The names of the columns as the members of each row begin; NULL = not wanted. */
static const char **row_keys(struct arena *a, const struct page_query *q, const char *spec)
{
    const char **keys = arena_make(a, const char *, q->ncolumns + 1);
    for (size_t k = 0; k < q->ncolumns; k++) {
        auto_buf name = BUF(MAX_DATA);
        json_quote(&name, q->columns[k], strlen(q->columns[k]));
        if (page_chart_wants(spec, q->columns[k]))
            keys[k] = arena_fmt(a, "%s:", name.p);
    }
    return keys;
}

static bool write_rows(struct arena *a, const struct page_query *q, const char *spec, struct chart_data *ret,
                       struct err *e)
{
    auto_buf b = BUF(MAX_DATA);
    const char **keys = row_keys(a, q, spec);
    buf_addf(&b, "[");
    for (size_t i = 0; i < q->rows.nrows; i++) {
        size_t members = 0;
        buf_addf(&b, i ? ",\n{" : "{");
        for (size_t k = 0; k < q->ncolumns; k++)
            if (keys[k]) {
                buf_add(&b, ",", members++ > 0);
                buf_add(&b, keys[k], strlen(keys[k]));
                page_chart_value(&b, q->types[k], q->rows.rows[i][k]);
            }
        buf_addf(&b, "}");
    }
    buf_addf(&b, "]");
    *ret = (struct chart_data){q->name, arena_str(a, b.p), b.len};
    return buf_done(&b, e) || wrap(e, "the rows of query '%s'", q->name);
}

bool page_chart_read(struct arena *a, const struct page_queries *qs, const struct block *b,
                     struct page_chart *ret, struct err *e)
{
    struct problems problems = {.a = a};
    struct page_chart c = {.name = b->name, .at = b->name_at};
    if (chart_spec_read(a, b->body, b->at, &problems, &c.spec)) {
        for (size_t i = 0; i < c.spec.nsources; i++) {
            const struct chart_source *s = &c.spec.sources[i];
            if (!query_find(a, qs, (struct str){s->name, strlen(s->name)}, s->at, e))
                return false;
        }
        page_chart_check(a, qs, &c.spec, &problems);
    }
    if (problems.n) {
        *e = problems.v[0];
        return false;
    }
    auto_buf json = BUF(MAX_SPEC);
    chart_spec_json(c.spec.root, &json);
    if (!buf_done(&json, e))
        return false;
    c.json = arena_str(a, json.p);
    c.title = c.spec.title;
    c.ndata = c.spec.nsources;
    c.data = arena_make(a, struct chart_data, c.ndata + 1);
    for (size_t i = 0; i < c.ndata; i++) {
        const char *name = c.spec.sources[i].name;
        const struct page_query *q =
            query_find(a, qs, (struct str){name, strlen(name)}, c.spec.sources[i].at, e);
        if (!q || !write_rows(a, q, c.json, &c.data[i], e))
            return false;
    }
    *ret = c;
    return true;
}

bool page_chart_caption(struct arena *a, struct page_chart *c, const char *line, struct err *e)
{
    json_t *spec;
    auto_buf b = BUF(MAX_SPEC);
    if (!json_parse(a, c->json, strlen(c->json), "the spec", &spec, e))
        return false;
    const json_t *title = json_object_get(spec, "title");
    json_t *new = json_is_object(title) ? json_deep_copy(title) : json_object();
    if (!json_is_object(title))
        json_object_set_new(new, "text", title ? json_deep_copy(title) : json_string(""));
    const json_t *old = json_object_get(new, "subtitle");
    json_t *lines = json_is_array(old) ? json_copy((json_t *)(uintptr_t)old) : json_array();
    if (json_is_string(old))
        json_array_append_new(lines, json_string(json_string_value(old)));
    json_array_append_new(lines, json_string(line));
    json_object_set_new(new, "subtitle", lines);
    json_object_set_new(spec, "title", new);
    json_write(&b, spec);
    c->captioned = arena_str(a, b.p);
    return buf_done(&b, e);
}

/* --- drawn --- */

void page_chart_warnings(const struct page_chart *c, const struct chart_svg *drawn, struct problems *ret)
{
    const char *lines = drawn->warnings;
    while (*lines) {
        size_t n = strcspn(lines, "\n");
        struct err e;
        fail_at(&e, ERR_NONE, c->at, "chart '%s': %.*s", c->name, (int)n, lines);
        problems_add(ret, &e);
        lines += n + (lines[n] == '\n');
    }
}

bool page_chart_draw(struct chart_engine *g, const struct page_chart *c, enum chart_theme theme,
                     struct chart_size size, struct chart_svg *ret, struct problems *warnings, struct err *e)
{
    const char *spec = c->captioned ? c->captioned : c->json;
    const struct chart_job j = {.spec = spec,
                                .spec_n = strlen(spec),
                                .data = c->data,
                                .ndata = c->ndata,
                                .theme = theme,
                                .width = size.width,
                                .height = size.height};
    if (!chart_svg(g, &j, ret, e)) {
        e->at = c->at;
        return wrap(e, "chart '%s'", c->name);
    }
    page_chart_warnings(c, ret, warnings);
    return true;
}
