/* Inputs in HTML: their controls, and as JSON what they choose among. */
#include <math.h>
#include <string.h>

#include "base/json.h"
#include "page/format.h"
#include "page/html.h"

struct html_live {
    const struct sheet *sheet;
    struct sheet pool;
    struct buf *tables, *tiles, *texts; /* lists of JSON without their brackets */
    int ntables, ntiles, ntexts;
    bool **wanted; /* by query: of its columns, those that charts take */
};

static void quote(struct buf *b, const char *s)
{
    if (s)
        json_quote(b, s, strlen(s));
    else
        buf_addf(b, "null");
}

/* In as few digits as give the same number; null when there is none. */
static void add_number(struct buf *b, double x)
{
    char text[32] = "null";
    for (int digits = 15; isfinite(x) && digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x)
            break;
    }
    buf_addf(b, "%s", text);
}

static const char *title_of(const struct page_input *in)
{
    return in->title ? in->title : in->name;
}

struct html_live *html_live_new(const struct sheet *s, struct buf *tables, struct buf *tiles,
                                struct buf *texts)
{
    bool works = false;
    for (size_t i = 0; s->live && i < s->inputs.n; i++)
        works = works || !s->live->why[i];
    if (!works)
        return NULL;
    struct html_live *l = arena_make(s->a, struct html_live, 1);
    *l = (struct html_live){.sheet = s, .pool = *s, .tables = tables, .tiles = tiles, .texts = texts};
    l->pool.queries.v = arena_make(s->a, struct page_query, s->queries.n + 1);
    memcpy(l->pool.queries.v, s->queries.v, s->queries.n * sizeof *s->queries.v);
    l->wanted = arena_make(s->a, bool *, s->queries.n + 1);
    for (size_t i = 0; i < s->live->n; i++) {
        const struct live_query *q = &s->live->v[i];
        l->wanted[q->query] = arena_make(s->a, bool, q->ncolumns + 1);
        struct engine_rows *rows = &l->pool.queries.v[q->query].rows;
        *rows = q->pool;
        rows->ncolumns = q->ncolumns;
    }
    return l;
}

const struct sheet *html_live_pool(const struct html_live *l)
{
    return &l->pool;
}

static const struct live_query *changing(const struct html_live *l, const struct page_query *q)
{
    return live_find(l->sheet->live, (size_t)(q - l->sheet->queries.v));
}

static const struct page_query *find(const struct html_live *l, const char *name)
{
    for (size_t i = 0; i < l->sheet->queries.n; i++)
        if (strcmp(l->sheet->queries.v[i].name, name) == 0)
            return &l->sheet->queries.v[i];
    return NULL;
}

static void begin(struct buf *b, int number, const struct page_query *q)
{
    buf_addf(b, "%s{\"query\":", number ? ",\n" : "");
    quote(b, q ? q->name : NULL);
}

static void quote_buf(struct buf *to, struct buf *html)
{
    json_quote(to, html->p, html->len);
    html->len = 0;
}

/* --- tables --- */

static bool is_bar(const struct sheet_table *t, size_t column)
{
    for (size_t i = 0; i < t->nrows; i++)
        if (t->bars[i * t->ncolumns + column] >= 0)
            return true;
    return false;
}

/* Figures whose bars are drawn against the largest that is shown. */
static void add_bars(struct buf *b, const struct sheet_table *t)
{
    const char *comma = "";
    for (size_t k = 0; k < t->ncolumns; k++) {
        if (!is_bar(t, k))
            continue;
        buf_addf(b, "%s\"%zu\":[", comma, k);
        for (size_t i = 0; i < t->nrows; i++) {
            const char *s = t->values[i * t->ncolumns + k];
            double x = s ? strtod(s, NULL) : NAN;
            buf_addf(b, i ? "," : "");
            add_number(b, x);
        }
        buf_addf(b, "]");
        comma = ",";
    }
}

bool html_live_table(struct html_live *l, const struct block *block, int *ret, struct err *e)
{
    const struct page_query *q = l ? find(l, block->name) : NULL;
    struct sheet_table t;
    auto_buf html = BUF(64 << 20);
    *ret = -1;
    if (!q || !changing(l, q))
        return true;
    int64_t limit;
    if (!sheet_table_all(&l->pool, block, &t, &limit, e))
        return false;
    begin(l->tables, l->ntables, q);
    buf_addf(l->tables, ",\"limit\":%lld,\"rows\":[", (long long)limit);
    for (size_t i = 0; i < t.nrows; i++) {
        buf_addf(l->tables, "%s", i ? ",\n" : "");
        html_cells(&html, &t, i, false);
        quote_buf(l->tables, &html);
    }
    buf_addf(l->tables, "],\"bars\":{");
    add_bars(l->tables, &t);
    buf_addf(l->tables, "}}");
    *ret = l->ntables++;
    return buf_done(&html, e);
}

/* --- values --- */

/* Can that row be the first of an answer? */
static bool *firsts(struct arena *a, const struct live_query *q)
{
    bool *first = arena_make(a, bool, q->pool.nrows + 1);
    for (size_t i = 0; i < q->pool.nrows; i++)
        first[i] = q->split.n > 0;
    for (size_t i = 0; i < q->nanswers; i++)
        if (q->answers[i].n)
            first[q->answers[i].rows[0]] = true;
    return first;
}

/* The sheet in which a query gives that one row, or none. */
static struct sheet with_row(const struct html_live *l, const struct page_query *q, size_t row)
{
    struct sheet one = l->pool;
    size_t n = one.queries.n, number = (size_t)(q - l->sheet->queries.v);
    struct page_query *v = arena_make(one.a, struct page_query, n + 1);
    memcpy(v, one.queries.v, n * sizeof *v);
    v[number].rows.nrows = row != SIZE_MAX;
    v[number].rows.rows = row != SIZE_MAX ? v[number].rows.rows + row : NULL;
    one.queries.v = v;
    return one;
}

static bool add_tile(const struct html_live *l, const struct page_query *q, const struct block *b, size_t row,
                     struct err *e)
{
    struct sheet one = with_row(l, q, row);
    struct sheet_tile t;
    auto_buf html = BUF(1 << 20);
    if (!sheet_tile_head(&one, b, &t, e))
        return false;
    html_tile(&html, &t);
    quote_buf(l->tiles, &html);
    return true;
}

static bool add_tiles(const struct html_live *l, const struct page_query *q, const struct block *b,
                      struct err *e)
{
    const bool *first = firsts(l->sheet->a, changing(l, q));
    const char *comma = "";
    struct sheet_tile t;
    auto_buf html = BUF(1 << 20);
    if (!sheet_tile_head(l->sheet, b, &t, e))
        return false;
    html_tile_title(&html, &t);
    buf_addf(l->tiles, ",\"title\":");
    quote_buf(l->tiles, &html);
    buf_addf(l->tiles, ",\"tiles\":{");
    for (size_t i = 0; i < changing(l, q)->pool.nrows; i++) {
        if (!first[i])
            continue;
        buf_addf(l->tiles, "%s\"%zu\":", comma, i);
        if (!add_tile(l, q, b, i, e))
            return false;
        comma = ",";
    }
    buf_addf(l->tiles, "},\"none\":");
    return add_tile(l, q, b, SIZE_MAX, e);
}

bool html_live_tile(struct html_live *l, const struct block *b, int *ret, struct err *e)
{
    const struct page_query *q = l ? find(l, b->name) : NULL;
    struct tile_columns at;
    *ret = -1;
    if (!q)
        return true;
    if (!sheet_tile_columns(l->sheet, b, &at, e))
        return false;
    const struct live_query *trend = at.trend_query ? changing(l, at.trend_query) : NULL;
    if (!changing(l, q) && !trend)
        return true;
    begin(l->tiles, l->ntiles, changing(l, q) ? q : NULL);
    if (changing(l, q) && !add_tiles(l, q, b, e))
        return false;
    if (trend) {
        buf_addf(l->tiles, ",\"trend\":{\"query\":");
        quote(l->tiles, at.trend_query->name);
        buf_addf(l->tiles, ",\"values\":[");
        for (size_t i = 0; i < trend->pool.nrows; i++) {
            const char *s = trend->pool.rows[i][at.trend];
            char *end;
            double x = s ? strtod(s, &end) : NAN;
            buf_addf(l->tiles, i ? "," : "");
            add_number(l->tiles, s && end > s && !*end ? x : NAN);
        }
        buf_addf(l->tiles, "]}");
    }
    buf_addf(l->tiles, "}");
    *ret = l->ntiles++;
    return true;
}

/* --- texts --- */

static int add_input_text(struct html_live *l, const struct page_value *v)
{
    size_t i = (size_t)(v->input - l->sheet->inputs.v);
    if (l->sheet->live->why[i])
        return -1;
    buf_addf(l->texts, "%s{\"input\":%zu,\"part\":%d}", l->ntexts ? ",\n" : "", i, v->part);
    return l->ntexts++;
}

int html_live_text(struct html_live *l, const struct page_value *v)
{
    if (v->input)
        return add_input_text(l, v);
    const struct live_query *q = changing(l, v->query);
    if (!q)
        return -1;
    const bool *first = firsts(l->sheet->a, q);
    const char *comma = "";
    begin(l->texts, l->ntexts, v->query);
    buf_addf(l->texts, ",\"texts\":{");
    for (size_t i = 0; i < q->pool.nrows; i++) {
        if (!first[i])
            continue;
        buf_addf(l->texts, "%s\"%zu\":", comma, i);
        quote(l->texts, sheet_value(l->sheet->a, v, q->pool.rows[i]));
        comma = ",";
    }
    buf_addf(l->texts, "},\"none\":");
    quote(l->texts, sheet_value(l->sheet->a, v, NULL));
    buf_addf(l->texts, "}");
    return l->ntexts++;
}

/* --- charts --- */

bool html_live_changes(const struct html_live *l, const char *query)
{
    const struct page_query *q = l ? find(l, query) : NULL;
    return q && changing(l, q);
}

void html_live_chart(struct html_live *l, const struct page_chart *c, struct buf *out)
{
    const char *comma = "";
    buf_addf(out, ",\"pool\":{");
    for (size_t i = 0; l && i < c->ndata; i++) {
        const struct page_query *q = find(l, c->data[i].name);
        const char *between = "";
        if (!q || !changing(l, q))
            continue;
        buf_addf(out, "%s", comma);
        quote(out, q->name);
        buf_addf(out, ":[");
        for (size_t k = 0; k < q->ncolumns; k++) {
            if (!page_chart_wants(c->json, q->columns[k]))
                continue;
            l->wanted[q - l->sheet->queries.v][k] = true;
            buf_addf(out, "%s", between);
            quote(out, q->columns[k]);
            between = ",";
        }
        buf_addf(out, "]");
        comma = ",";
    }
    buf_addf(out, "}");
}

/* {"QUERY":{"COLUMN":[value, ...], ...}, ...} of all that charts take, each column once. */
static void add_columns(const struct html_live *l, struct buf *b)
{
    const char *comma = "";
    for (size_t i = 0; i < l->sheet->live->n; i++) {
        const struct live_query *q = &l->sheet->live->v[i];
        const struct page_query *of = &l->sheet->queries.v[q->query];
        const char *between = "";
        buf_addf(b, "%s", comma);
        quote(b, of->name);
        buf_addf(b, ":{");
        for (size_t k = 0; k < q->ncolumns; k++) {
            if (!l->wanted[q->query][k])
                continue;
            buf_addf(b, "%s", between);
            quote(b, of->columns[k]);
            buf_addf(b, ":[");
            for (size_t r = 0; r < q->pool.nrows; r++) {
                buf_addf(b, r ? "," : "");
                page_chart_value(b, of->types[k], q->pool.rows[r][k]);
            }
            buf_addf(b, "]");
            between = ",";
        }
        buf_addf(b, "}");
        comma = ",\n";
    }
}

/* --- controls --- */

static void add_select(struct buf *b, const struct page_input *in)
{
    for (size_t i = 0; i < in->noptions; i++) {
        buf_addf(b, "<option value=\"%zu\"%s>", i, i == in->chosen ? " selected" : "");
        html_text(b, in->options[i].label);
    }
    buf_addf(b, "</select>");
}

static void add_day(struct arena *a, struct buf *b, const struct page_input *in, int64_t day,
                    const char *which)
{
    buf_addf(b, "<input type=\"date\" disabled autocomplete=\"off\" value=\"%s\"", input_day(a, day));
    if (in->min <= in->max)
        buf_addf(b, " min=\"%s\" max=\"%s\"", input_day(a, in->min), input_day(a, in->max));
    buf_addf(b, " aria-label=\"");
    html_text(b, title_of(in));
    buf_addf(b, ", %s\">", which);
}

static void add_control(struct arena *a, struct buf *b, const struct page_input *in)
{
    switch (in->kind) {
    case INPUT_SELECT:
        buf_addf(b, "<select id=\"input:%s\" disabled autocomplete=\"off\">", in->name);
        add_select(b, in);
        return;
    case INPUT_SLIDER:
        buf_addf(b,
                 "<input type=\"range\" id=\"input:%s\" disabled autocomplete=\"off\" min=\"0\" max=\"%zu\" "
                 "value=\"%zu\" aria-valuetext=\"",
                 in->name, in->noptions ? in->noptions - 1 : 0, in->noptions ? in->chosen : 0);
        html_text(b, input_shown(a, in));
        buf_addf(b, "\"><output for=\"input:%s\">", in->name);
        html_text(b, input_shown(a, in));
        buf_addf(b, "</output>");
        return;
    case INPUT_DATES:
        add_day(a, b, in, in->start, "from");
        buf_addf(b, "<span aria-hidden=\"true\">–</span>");
        add_day(a, b, in, in->end, "to");
        return;
    case INPUT_SEARCH:
        buf_addf(b, "<input type=\"search\" id=\"input:%s\" disabled autocomplete=\"off\" value=\"",
                 in->name);
        html_text(b, in->text);
        buf_addf(b, "\" placeholder=\"");
        html_text(b, in->placeholder ? in->placeholder : "");
        buf_addf(b, "\">");
        return;
    }
}

/* Controls wait for the script: without one they would do nothing. */
static void add_live(struct arena *a, struct buf *b, const struct page_input *in, size_t number,
                     const char *why)
{
    bool range = in->kind == INPUT_DATES;
    buf_addf(b, range ? "<fieldset" : "<div");
    buf_addf(b, why ? " class=\"fixed\">" : " data-input=\"%zu\">", number);
    if (range)
        buf_addf(b, "<legend>");
    else
        buf_addf(b, "<label for=\"input:%s\">", in->name);
    html_text(b, title_of(in));
    buf_addf(b, range ? "</legend>" : "</label>");
    buf_addf(b, "<span class=\"control\">");
    add_control(a, b, in);
    buf_addf(b, "</span><span class=\"shown\">");
    html_text(b, input_part_shown(a, in, -1));
    buf_addf(b, "</span>");
    if (why)
        buf_addf(b, "<small>Fixed in this file: %s.</small>", why);
    buf_addf(b, range ? "</fieldset>\n" : "</div>\n");
}

void html_inputs(const struct sheet *s, size_t from, size_t end, bool live, struct buf *b)
{
    buf_addf(b, live ? "<div class=\"inputs\" role=\"group\" aria-label=\"Inputs\">\n"
                     : "<dl class=\"inputs\">\n");
    for (size_t i = from; i < end; i++) {
        const struct page_input *in = sheet_input(s, &s->blocks[i]);
        if (in && live) {
            size_t number = (size_t)(in - s->inputs.v);
            add_live(s->a, b, in, number, s->live->why[number]);
        } else if (in) {
            buf_addf(b, "<div><dt>");
            html_text(b, in->title);
            buf_addf(b, "</dt><dd>");
            html_text(b, input_part_shown(s->a, in, -1));
            buf_addf(b, "</dd></div>\n");
        }
    }
    buf_addf(b, live ? "</div>\n" : "</dl>\n");
}

/* --- all of it --- */

static void add_input(struct arena *a, struct buf *b, const struct page_input *in, const char *why)
{
    static const char *const kinds[] = {"select", "slider", "date_range", "search"};
    buf_addf(b, "{\"kind\":\"%s\",\"name\":", kinds[in->kind]);
    quote(b, in->name);
    buf_addf(b, ",\"title\":");
    quote(b, title_of(in));
    buf_addf(b, ",\"works\":%s,\"number\":%s", why ? "false" : "true",
             in->type == PARAM_INT || in->type == PARAM_REAL ? "true" : "false");
    if (in->kind == INPUT_DATES)
        buf_addf(b, ",\"value\":[\"%s\",\"%s\"]", input_day(a, in->start), input_day(a, in->end));
    else if (in->kind == INPUT_SEARCH) {
        buf_addf(b, ",\"value\":");
        quote(b, in->text);
    } else {
        buf_addf(b, ",\"value\":%lld,\"options\":[", in->noptions ? (long long)in->chosen : -1);
        for (size_t i = 0; i < in->noptions; i++) {
            const struct input_option *o = &in->options[i];
            bool same = o->value && strcmp(o->value, o->label) == 0;
            buf_addf(b, i ? "," : "");
            if (!same)
                buf_addf(b, "[");
            quote(b, o->value);
            if (!same) {
                buf_addf(b, ",");
                quote(b, o->label);
                buf_addf(b, "]");
            }
        }
        buf_addf(b, "]");
    }
    buf_addf(b, "}");
}

static void add_filters(struct buf *b, const struct split *s)
{
    static const char *const ops[] = {"=", "<>", "<", "<=", ">", ">=", "like", "contains", "has"};
    for (size_t i = 0; i < s->n; i++) {
        const struct filter *f = &s->v[i];
        buf_addf(b, "%s{\"op\":\"%s\",\"input\":%zu,\"part\":%d,\"key\":%zu", i ? "," : "", ops[f->op],
                 f->input, f->part, f->key);
        buf_addf(b, "%s%s%s", f->if_null ? ",\"ifNull\":true" : "", f->if_empty ? ",\"ifEmpty\":true" : "",
                 f->lower ? ",\"lower\":true" : "");
        if (f->op == FILTER_LIKE) {
            buf_addf(b, ",\"before\":");
            quote(b, f->before);
            buf_addf(b, ",\"after\":");
            quote(b, f->after);
        }
        buf_addf(b, "}");
    }
}

/* Numbers as such; times so that they compare with days as texts: without the +00 of UTC. */
static void add_key(struct buf *b, const char *type, const char *s)
{
    bool text = strcmp(type, "VARCHAR") == 0, time = strncmp(type, "TIMESTAMP", 9) == 0;
    size_t n = s ? strlen(s) : 0;
    if (time && n > 3 && strcmp(s + n - 3, "+00") == 0)
        n -= 3;
    if (s && strcmp(type, "JSON") == 0)
        buf_addf(b, "%s", s);
    else if (!s || text)
        quote(b, s);
    else if (time || strcmp(type, "DATE") == 0)
        json_quote(b, s, n);
    else
        add_number(b, strtod(s, NULL));
}

static void add_query(const struct html_live *l, struct buf *b, const struct live_query *q)
{
    quote(b, l->sheet->queries.v[q->query].name);
    buf_addf(b, ":{\"varies\":[");
    for (size_t i = 0; i < q->nvaries; i++)
        buf_addf(b, "%s%zu", i ? "," : "", q->varies[i]);
    buf_addf(b, "],\"cases\":[");
    for (size_t i = 0; i < q->ncases; i++)
        buf_addf(b, "%s%zu", i ? "," : "", q->cases[i]);
    buf_addf(b, "],\"answers\":[");
    for (size_t i = 0; i < q->nanswers; i++) {
        buf_addf(b, "%s[", i ? "," : "");
        for (size_t k = 0; k < q->answers[i].n; k++)
            buf_addf(b, "%s%zu", k ? "," : "", q->answers[i].rows[k]);
        buf_addf(b, "]");
    }
    buf_addf(b, "],\"limit\":%lld,\"filters\":[", (long long)q->split.limit);
    add_filters(b, &q->split);
    buf_addf(b, "],\"keys\":[");
    for (size_t k = 0; k < q->split.nkeys; k++) {
        buf_addf(b, "%s{\"time\":%s,\"of\":[", k ? "," : "",
                 strncmp(q->key_types[k], "TIMESTAMP", 9) == 0 ? "true" : "false");
        for (size_t i = 0; i < q->pool.nrows; i++) {
            buf_addf(b, i ? "," : "");
            add_key(b, q->key_types[k], q->pool.rows[i][q->ncolumns + k]);
        }
        buf_addf(b, "]}");
    }
    buf_addf(b, "]}");
}

bool html_live_write(const struct html_live *l, struct buf *b, struct err *e)
{
    const struct sheet *s = l->sheet;
    buf_addf(b, ",\n\"inputs\":[");
    for (size_t i = 0; i < s->inputs.n; i++) {
        buf_addf(b, i ? ",\n" : "");
        add_input(s->a, b, &s->inputs.v[i], s->live->why[i]);
    }
    buf_addf(b, "],\n\"queries\":{");
    for (size_t i = 0; i < s->live->n; i++) {
        buf_addf(b, i ? ",\n" : "");
        add_query(l, b, &s->live->v[i]);
    }
    buf_addf(b, "},\n\"rows\":{");
    add_columns(l, b);
    buf_addf(b, "},\n\"tables\":[");
    buf_add(b, l->tables->p, l->tables->len);
    buf_addf(b, "],\n\"tiles\":[");
    buf_add(b, l->tiles->p, l->tiles->len);
    buf_addf(b, "],\n\"texts\":[");
    buf_add(b, l->texts->p, l->texts->len);
    buf_addf(b, "]");
    return buf_done(l->tables, e) && buf_done(l->tiles, e) && buf_done(l->texts, e);
}
