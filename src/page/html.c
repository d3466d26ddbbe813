/* A page as one HTML file: styles, script and data are in it, and nothing else may be loaded or run. */
#include <ctype.h>
#include <math.h>
#include <md4c-html.h>
#include <string.h>

#include "base/json.h"
#include "page/html.h"
#include "page/pack.h"
#include "page/web_data.h"

struct writer {
    const struct sheet *sheet;
    struct page_html_how how;
    struct html_live *changes; /* NULL = none */
    struct buf *out;
    struct buf *data;                /* of live charts, as a list of JSON without its brackets */
    const struct sheet_chart *first; /* of the live ones; NULL = there is none */
    const char *title;               /* of the first heading; NULL until it comes */
    struct map ids;                  /* of headings */
    struct map labels;               /* of tables */
    bool wide;                       /* charts stand side by side */
    size_t heading;                  /* where the text of the one at hand begins in out; 0 = none */
};

static void add_text(struct buf *b, const char *s, size_t n)
{
    for (const char *end = s + n; s < end; s++) {
        const char *entity = *s == '&'   ? "&amp;"
                             : *s == '<' ? "&lt;"
                             : *s == '>' ? "&gt;"
                             : *s == '"' ? "&quot;"
                                         : NULL;
        if (entity)
            buf_addf(b, "%s", entity);
        else
            buf_add(b, s, 1);
    }
}

void html_text(struct buf *b, const char *s)
{
    add_text(b, s, strlen(s));
}

/* --- Markdown --- */

/* Values that change are marked by characters that no text has, since what is in front of them may be code or
 * a heading: \1 number \2 value \3. */
enum { MARK_OPEN = 1, MARK_NUMBER_END, MARK_CLOSE };

/* `line` is what stands before a value: in an address or a tag it stays as it is. */
static bool in_attribute(struct str line)
{
    bool address = false, tag = false;
    for (size_t i = 0; i < line.n; i++) {
        address = line.p[i] == '(' && i && line.p[i - 1] == ']' ? true : address && line.p[i] != ')';
        tag = line.p[i] == '<' ? true : tag && line.p[i] != '>';
    }
    return address || tag;
}

static void mark(void *arg, const struct page_value *v, struct str line, const char *value, struct buf *out)
{
    struct writer *w = arg;
    int number = w->changes && !in_attribute(line) ? html_live_text(w->changes, v) : -1;
    if (number >= 0)
        buf_addf(out, "%c%d%c", MARK_OPEN, number, MARK_NUMBER_END);
    sheet_escape(out, line, value);
    if (number >= 0)
        buf_addf(out, "%c", MARK_CLOSE);
}

/* The marks in what was written from `start` on become elements. */
static bool place_marks(struct writer *w, size_t start, struct err *e)
{
    auto_buf html = BUF(64 << 20);
    const char *p = w->out->p + start, *next;
    if (!w->changes)
        return true;
    for (; (next = strpbrk(p, "\1\3")); p = next + 1) {
        buf_add(&html, p, (size_t)(next - p));
        if (*next == MARK_CLOSE) {
            buf_addf(&html, "</span>");
            continue;
        }
        size_t digits = strspn(next + 1, "0123456789");
        buf_addf(&html, "<span data-text=\"%.*s\">", (int)digits, next + 1);
        next += digits + 1;
    }
    buf_addf(&html, "%s", p);
    w->out->len = start;
    buf_add(w->out, html.p, html.len);
    return buf_done(&html, e);
}

/* "Top <em>performers</em> &amp; more" -> "top-performers-amp-more", and a number if it was there already. */
static const char *heading_id(struct writer *w, const char *html)
{
    auto_buf b = BUF(1 << 16);
    bool tag = false;
    for (const char *p = html; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (strchr("<>\1\2\3", c))
            tag = c == '<' || c == MARK_OPEN;
        else if (!tag && (isalnum(c) || c >= 0x80))
            buf_addf(&b, "%c", tolower(c));
        else if (!tag && b.len && b.p[b.len - 1] != '-')
            buf_addf(&b, "-");
    }
    while (b.len && b.p[b.len - 1] == '-')
        b.p[--b.len] = '\0';
    struct arena *a = w->sheet->a;
    const char *id = b.len ? arena_str(a, b.p) : "section";
    size_t known = w->ids.n;
    for (int i = 2; map_add(a, &w->ids, id) < known; i++)
        id = arena_fmt(a, "%s-%d", b.len ? b.p : "section", i);
    return id;
}

static void end_heading(struct writer *w)
{
    const char *html = arena_str(w->sheet->a, w->out->p + w->heading);
    const char *id = heading_id(w, html);
    int level = w->out->p[w->heading - 2]; /* the 2 of "<h2>" */
    if (!w->title)
        w->title = html;
    w->out->len = w->heading - strlen("<h2>");
    buf_addf(w->out, "<h%c id=\"%s\">%s", level, id, html);
    w->heading = 0;
}

/* The library hands over tags whole: headings get their id on the way, tables a box that scrolls. */
static void on_html(const MD_CHAR *p, MD_SIZE n, void *arg)
{
    struct writer *w = arg;
    struct str s = {p, n};
    bool head = n >= 4 && p[0] == '<' && p[1] == 'h' && isdigit((unsigned char)p[2]) && p[3] == '>';
    if (n >= 5 && memcmp(p, "</h", 3) == 0 && isdigit((unsigned char)p[3]) && w->heading)
        end_heading(w);
    if (str_is(str_trim(s), "<table>"))
        buf_addf(w->out, "<div class=\"rows\" tabindex=\"0\" role=\"region\" aria-label=\"Table\">");
    buf_add(w->out, p, n);
    if (str_is(str_trim(s), "</table>"))
        buf_addf(w->out, "</div>\n");
    if (head)
        w->heading = w->out->len;
}

static bool write_markdown(struct writer *w, const struct block *b, struct err *e)
{
    auto_buf text = BUF(64 << 20);
    const unsigned flags = MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEURLAUTOLINKS;
    const struct sheet_marks marks = {w, mark};
    size_t start = w->out->len;
    if (!sheet_markdown(w->sheet, b, &marks, &text, e))
        return false;
    if (md_html(text.p, (MD_SIZE)text.len, on_html, w, flags, MD_HTML_FLAG_SKIP_UTF8_BOM) != 0)
        return fail_at(e, ERR_LIMIT, b->at, "the Markdown is nested too deeply");
    return place_marks(w, start, e);
}

/* --- tables --- */

static void write_cell(struct buf *b, const struct sheet_table *t, size_t row, size_t column, bool bars)
{
    const char *cell = t->cells[row * t->ncolumns + column], *value = t->values[row * t->ncolumns + column];
    double bar = t->bars[row * t->ncolumns + column];
    const char *classes[] = {t->right[column] ? "r" : NULL, value ? NULL : "null", bar >= 0 ? "bar" : NULL};
    buf_addf(b, "<td");
    for (size_t i = 0, n = 0; i < countof(classes); i++)
        if (classes[i])
            buf_addf(b, "%s%s", n++ ? " " : " class=\"", classes[i]);
    if (classes[0] || classes[1] || classes[2])
        buf_addf(b, "\"");
    if (value && t->figures[column] && strcmp(cell, value) != 0)
        buf_addf(b, " data-v=\"%s\"", value);
    buf_addf(b, ">");
    if (bar >= 0 && bars)
        buf_addf(b,
                 "<svg viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
                 "width=\"%.1f\" height=\"1\"/></svg>",
                 bar * 100);
    buf_addf(b, bar >= 0 ? "<span>" : "");
    add_text(b, cell, strlen(cell));
    buf_addf(b, bar >= 0 ? "</span>" : "");
}

void html_cells(struct buf *b, const struct sheet_table *t, size_t row, bool bars)
{
    for (size_t k = 0; k < t->ncolumns; k++)
        write_cell(b, t, row, k, bars);
}

/* What the box of a table is called; no two are the same. */
static const char *table_label(struct writer *w, const char *name)
{
    const char *label = name;
    struct arena *a = w->sheet->a;
    size_t known = w->labels.n;
    for (int i = 2; map_add(a, &w->labels, label) < known; i++)
        label = arena_fmt(a, "%s, %d", name, i);
    return label;
}

static bool write_table(struct writer *w, const struct block *block, struct err *e)
{
    struct sheet_table t, all;
    struct buf *b = w->out;
    int number;
    int64_t limit;
    if (!sheet_table(w->sheet, block, &t, e) || !html_live_table(w->changes, block, &number, e))
        return false;
    if (number >= 0) {
        if (!sheet_table_all(html_live_pool(w->changes), block, &all, &limit, e))
            return false;
        t.right = all.right;
        t.figures = all.figures;
    }
    buf_addf(b, "<div class=\"rows\" tabindex=\"0\" role=\"region\" aria-label=\"");
    html_text(b, table_label(w, block->name));
    buf_addf(b, "\"><table>\n<thead><tr>");
    for (size_t k = 0; k < t.ncolumns; k++) {
        buf_addf(b, "<th scope=\"col\"%s%s><button type=\"button\">", t.right[k] ? " class=\"r\"" : "",
                 t.figures[k] ? " data-figures" : "");
        add_text(b, t.titles[k], strlen(t.titles[k]));
        buf_addf(b, "</button></th>");
    }
    buf_addf(b, number >= 0 ? "</tr></thead>\n<tbody data-table=\"%d\">\n" : "</tr></thead>\n<tbody>\n",
             number);
    for (size_t i = 0; i < t.nrows; i++) {
        buf_addf(b, "<tr>");
        html_cells(b, &t, i, true);
        buf_addf(b, "\n");
    }
    buf_addf(b, "</tbody></table>");
    if (t.nrows == 0 || number >= 0)
        buf_addf(b, "<p class=\"none\"%s>No rows.</p>", t.nrows ? " hidden" : "");
    buf_addf(b, "</div>\n");
    return true;
}

/* --- values --- */

/* A line through the values from left to right, broken where there is none. */
static void write_trend(struct buf *b, const double *v, size_t n)
{
    double least = INFINITY, most = -INFINITY;
    bool pen = false;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            least = fmin(least, v[i]), most = fmax(most, v[i]);
    buf_addf(b, "<svg viewBox=\"0 0 100 24\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><path d=\"");
    for (size_t i = 0; i < n; i++) {
        double y = most > least ? 22 - 20 * (v[i] - least) / (most - least) : 12;
        if (isfinite(v[i]))
            buf_addf(b, "%c%.1f %.1f", pen ? 'L' : 'M', n > 1 ? 100 * (double)i / (double)(n - 1) : 50, y);
        pen = isfinite(v[i]);
    }
    buf_addf(b, "\"/></svg>");
}

void html_tile_title(struct buf *b, const struct sheet_tile *t)
{
    buf_addf(b, "<dt>");
    html_text(b, t->title);
    buf_addf(b, "</dt>");
}

void html_tile(struct buf *b, const struct sheet_tile *t)
{
    static const char *const words[] = {"down", "unchanged:", "up"}, *const arrows[] = {"▼", "=", "▲"},
                             *const classes[] = {"bad", "even", "good"};
    buf_addf(b, "<dd class=\"v\">");
    add_text(b, t->value, strlen(t->value));
    buf_addf(b, "</dd>");
    if (t->change) {
        buf_addf(b, "<dd class=\"%s\"><span aria-hidden=\"true\">%s</span><span class=\"said\">%s</span> %s",
                 classes[t->good + 1], arrows[t->direction + 1], words[t->direction + 1], t->change);
        if (t->note) {
            buf_addf(b, " <span class=\"note\">");
            add_text(b, t->note, strlen(t->note));
            buf_addf(b, "</span>");
        }
        buf_addf(b, "</dd>");
    }
}

void html_trend(struct buf *b, const struct sheet_tile *t)
{
    if (t->ntrend) {
        buf_addf(b, "<dd class=\"trend\">");
        write_trend(b, t->trend, t->ntrend);
        buf_addf(b, "</dd>");
    }
}

static bool write_tiles(struct writer *w, size_t from, size_t end, struct err *e)
{
    buf_addf(w->out, "<dl class=\"values\">\n");
    for (size_t i = from; i < end; i++) {
        struct sheet_tile t;
        if (w->sheet->blocks[i].kind != BLOCK_VALUE)
            continue;
        int number;
        if (!sheet_tile(w->sheet, &w->sheet->blocks[i], &t, e) ||
            !html_live_tile(w->changes, &w->sheet->blocks[i], &number, e))
            return false;
        buf_addf(w->out, number >= 0 ? "<div data-tile=\"%d\">" : "<div>", number);
        html_tile_title(w->out, &t);
        html_tile(w->out, &t);
        html_trend(w->out, &t);
        buf_addf(w->out, "</div>\n");
    }
    buf_addf(w->out, "</dl>\n");
    return true;
}

/* --- charts --- */

/* A number of a PNG's head: width at 16, height at 20. */
static unsigned png_side(const char *png, size_t at)
{
    const unsigned char *u = (const unsigned char *)png + at;
    return (unsigned)u[0] << 24 | (unsigned)u[1] << 16 | (unsigned)u[2] << 8 | u[3];
}

/* An element to be drawn in; what is drawn goes to the data. */
static void write_live(struct writer *w, const struct page_chart *c)
{
    struct buf *b = w->data;
    const char *comma = "";
    buf_addf(w->out, "<figure class=\"chart\" role=\"img\" aria-label=\"");
    html_text(w->out, c->spec.spoken ? c->spec.spoken : c->name);
    buf_addf(w->out, "\"><div></div><noscript>A script draws this chart.</noscript></figure>\n");
    buf_addf(b, "%s{\"width\":%d,\"height\":%d,\"spec\":%s,\"data\":{", w->first ? ",\n" : "",
             PAGE_CHART_WIDTH, PAGE_CHART_HEIGHT, c->json);
    for (size_t i = 0; i < c->ndata; i++) {
        if (html_live_changes(w->changes, c->data[i].name))
            continue;
        buf_addf(b, "%s", comma);
        comma = ",";
        json_quote(b, c->data[i].name, strlen(c->data[i].name));
        buf_addf(b, ":");
        buf_add(b, c->data[i].json, c->data[i].n);
    }
    buf_addf(b, "}");
    html_live_chart(w->changes, c, b);
    buf_addf(b, "}");
}

/* As a PNG: it looks the same whatever fonts the reader's machine has. */
static bool write_chart(struct writer *w, const struct block *b, struct err *e)
{
    const struct sheet_chart *c = sheet_chart(w->sheet, b);
    const char *png;
    size_t n;
    if (w->how.live) {
        write_live(w, &c->chart);
        w->first = w->first ? w->first : c;
        return true;
    }
    if (!sheet_png(w->sheet, c, SHEET_SCREEN, CHART_LIGHT, &png, &n, e))
        return false;
    buf_addf(w->out, "<figure class=\"chart\"><img width=\"%u\" height=\"%u\" alt=\"", png_side(png, 16) / 2,
             png_side(png, 20) / 2);
    html_text(w->out, c->chart.spec.spoken ? c->chart.spec.spoken : c->chart.name);
    buf_addf(w->out, "\" src=\"data:image/png;base64,");
    pack_base64(w->out, png, n);
    buf_addf(w->out, "\"></figure>\n");
    return true;
}

static bool write_charts(struct writer *w, size_t from, size_t end, struct err *e)
{
    static const char *const words[] = {"", "", "two", "three"};
    size_t n = sheet_chart(w->sheet, &w->sheet->blocks[from])->row;
    if (n > 1)
        buf_addf(w->out, "<div class=\"charts %s\">\n", words[sheet_columns(n)]);
    for (size_t i = from; i < end; i++)
        if (w->sheet->blocks[i].kind == BLOCK_CHART && !write_chart(w, &w->sheet->blocks[i], e))
            return false;
    if (n > 1)
        buf_addf(w->out, "</div>\n");
    w->wide = w->wide || n > 1;
    return true;
}

/* --- the file --- */

static void write_style(struct buf *b, const char *css)
{
    buf_addf(b, "<style>");
    buf_add(b, css, strlen(css));
    buf_addf(b, "</style>\n");
}

static void write_script(struct buf *b, const char *js)
{
    buf_addf(b, "<script>");
    buf_add(b, js, strlen(js));
    buf_addf(b, "</script>\n");
}

static void write_head(struct buf *b, const char *title, bool wide, bool charts, bool inputs)
{
    buf_addf(
        b,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; font-src "
        "data:; style-src %s %s; script-src %s",
        PAGE_CSS_HASH, FONTS_CSS_HASH, PAGE_JS_HASH);
    if (charts || inputs)
        buf_addf(b, " %s", OPEN_JS_HASH);
    if (inputs)
        buf_addf(b, " %s", INPUT_JS_HASH);
    if (charts)
        buf_addf(b, " %s", CHARTS_JS_HASH);
    buf_addf(b,
             "; base-uri 'none'; form-action 'none'\">\n<meta name=\"generator\" content=\"cupel %s\">\n"
             "<title>%s</title>\n",
             CUPEL_VERSION, title);
    write_style(b, web_fonts_css);
    write_style(b, web_page_css);
    buf_addf(b, "</head>\n<body%s>\n", wide ? " class=\"wide\"" : "");
}

/* The first chart is there as a picture before the program that draws it is; if it is one of a few thousand
 * marks and needs no styles, which nothing in the page may have. */
static bool write_pictures(struct writer *w, struct buf *b, struct err *e)
{
    enum { MAX_ROWS_BYTES = 512 << 10, MAX_SVG_BYTES = 1 << 20 };
    static const char *const ids[] = {"picture-light", "picture-dark"};
    struct chart_svg svg[CHART_PLAIN];
    size_t bytes = 0;
    for (size_t i = 0; i < w->first->chart.ndata; i++)
        bytes += w->first->chart.data[i].n;
    if (bytes > MAX_ROWS_BYTES)
        return true;
    if (!sheet_themes(w->sheet, w->first, svg, e))
        return false;
    for (size_t i = 0; i < countof(svg); i++)
        if (svg[i].n > MAX_SVG_BYTES || strstr(svg[i].svg, " style="))
            return true;
    for (size_t i = 0; i < countof(svg); i++)
        if (!pack_script(b, ids[i], svg[i].svg, svg[i].n, e))
            return false;
    return true;
}

static bool write_data(struct writer *w, struct buf *b, struct err *e)
{
    auto_buf data = BUF(512 << 20);
    buf_addf(&data, "{\"charts\":[");
    buf_add(&data, w->data->p, w->data->len);
    buf_addf(&data, "]");
    if (w->changes && !html_live_write(w->changes, &data, e))
        return false;
    buf_addf(&data, "}");
    return buf_done(w->data, e) && buf_done(&data, e) && pack_script(b, "data", data.p, data.len, e);
}

static bool write_foot(struct writer *w, struct buf *b, struct err *e)
{
    buf_addf(b, w->changes ? "<p class=\"said\" role=\"status\"></p>\n</main>\n" : "</main>\n");
    write_script(b, web_page_js);
    if (w->first || w->changes) {
        if ((w->first && w->how.picture && !write_pictures(w, b, e)) || !write_data(w, b, e))
            return false;
        if (w->first)
            buf_addf(b, "<script type=\"application/gzip\" id=\"program\">%s</script>\n",
                     web_charts_js_packed);
        write_script(b, web_open_js);
    }
    if (w->changes)
        write_script(b, web_input_js);
    buf_addf(b, "</body>\n</html>\n");
    return true;
}

/* What a heading's HTML says, without its tags. */
static const char *plain(struct arena *a, const char *html)
{
    auto_buf b = BUF(1 << 16);
    bool tag = false;
    for (const char *p = html; *p; p++) {
        if (strchr("<>\1\2\3", *p))
            tag = *p == '<' || *p == MARK_OPEN;
        else if (!tag)
            buf_add(&b, p, 1);
    }
    return arena_str(a, b.p);
}

static void write_links(struct buf *b, const struct page_link *links, size_t n)
{
    buf_addf(b, "<ul>\n");
    for (size_t i = 0; i < n; i++) {
        buf_addf(b, "<li><a href=\"");
        html_text(b, links[i].href);
        buf_addf(b, links[i].here ? "\" aria-current=\"page\">" : "\">");
        html_text(b, links[i].title);
        buf_addf(b, "</a>\n");
    }
    buf_addf(b, "</ul>\n");
}

bool page_index(const char *title, const struct page_link *links, size_t n, struct buf *out, struct err *e)
{
    struct writer w = {0};
    auto_buf said = BUF(1 << 20);
    html_text(&said, title);
    write_head(out, said.p, false, false, false);
    buf_addf(out, "<main>\n<h1>%s</h1>\n", said.p);
    write_links(out, links, n);
    return write_foot(&w, out, e) && buf_done(&said, e) && buf_done(out, e);
}

bool page_html(const struct sheet *s, struct page_html_how how, struct buf *out, struct err *e)
{
    auto_buf body = BUF(256 << 20);
    auto_buf tables = BUF(256 << 20);
    auto_buf tiles = BUF(256 << 20);
    auto_buf texts = BUF(256 << 20);
    auto_buf data = BUF(256 << 20);
    struct writer w = {.sheet = s, .how = how, .out = &body, .data = &data};
    w.changes = html_live_new(s, &tables, &tiles, &texts);
    for (size_t i = 0; i < s->nblocks; i++) {
        size_t end = sheet_row_end(s, i);
        if (s->blocks[i].kind == BLOCK_VALUE) {
            if (!write_tiles(&w, i, end, e))
                return false;
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_INPUT) {
            html_inputs(s, i, end, s->live != NULL, w.out);
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_CHART) {
            if (!write_charts(&w, i, end, e))
                return false;
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_TABLE && !write_table(&w, &s->blocks[i], e))
            return false;
        if (s->blocks[i].kind == BLOCK_MARKDOWN && !write_markdown(&w, &s->blocks[i], e))
            return false;
    }
    if (!buf_done(&body, e))
        return false;
    write_head(out, w.title ? plain(s->a, w.title) : s->page->name, w.wide, w.first != NULL,
               w.changes != NULL);
    if (how.nlinks) {
        buf_addf(out, "<nav aria-label=\"Pages\">\n");
        write_links(out, how.links, how.nlinks);
        buf_addf(out, "</nav>\n");
    }
    buf_addf(out, "<main>\n");
    buf_add(out, body.p, body.len);
    return write_foot(&w, out, e) && buf_done(out, e);
}
