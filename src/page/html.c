/* A page as one HTML file: styles, script and data are in it, and nothing else may be loaded or run. */
#include <ctype.h>
#include <math.h>
#include <md4c-html.h>
#include <string.h>

#include "base/json.h"
#include "page/sheet.h"
#include "page/web_data.h"

struct writer {
    const struct sheet *sheet;
    bool live; /* charts are drawn where the page is read */
    struct buf *out;
    const char *title; /* of the first heading; NULL until it comes */
    struct map ids;    /* of headings */
    size_t heading;    /* where the text of the one at hand begins in out; 0 = none */
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

/* --- Markdown --- */

/* "Top <em>performers</em> &amp; more" -> "top-performers-amp-more", and a number if it was there already. */
static const char *heading_id(struct writer *w, const char *html)
{
    auto_buf b = BUF(1 << 16);
    bool tag = false;
    for (const char *p = html; *p; p++) {
        unsigned char c = (unsigned char)*p;
        if (c == '<' || c == '>')
            tag = c == '<';
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
    if (!sheet_markdown(w->sheet, b, &text, e))
        return false;
    return md_html(text.p, (MD_SIZE)text.len, on_html, w, flags, MD_HTML_FLAG_SKIP_UTF8_BOM) == 0 ||
           fail_at(e, ERR_LIMIT, b->at, "the Markdown is nested too deeply");
}

/* --- tables --- */

static void write_cell(struct buf *b, const struct sheet_table *t, size_t row, size_t column)
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
    if (bar >= 0)
        buf_addf(b,
                 "<svg viewBox=\"0 0 100 1\" preserveAspectRatio=\"none\" aria-hidden=\"true\"><rect "
                 "width=\"%.1f\" height=\"1\"/></svg>",
                 bar * 100);
    buf_addf(b, bar >= 0 ? "<span>" : "");
    add_text(b, cell, strlen(cell));
    buf_addf(b, bar >= 0 ? "</span>" : "");
}

static bool write_table(struct writer *w, const struct block *block, struct err *e)
{
    struct sheet_table t;
    struct buf *b = w->out;
    if (!sheet_table(w->sheet, block, &t, e))
        return false;
    buf_addf(b, "<div class=\"rows\" tabindex=\"0\" role=\"region\" aria-label=\"");
    add_text(b, block->name, strlen(block->name));
    buf_addf(b, "\"><table>\n<thead><tr>");
    for (size_t k = 0; k < t.ncolumns; k++) {
        buf_addf(b, "<th scope=\"col\"%s%s><button type=\"button\">", t.right[k] ? " class=\"r\"" : "",
                 t.figures[k] ? " data-figures" : "");
        add_text(b, t.titles[k], strlen(t.titles[k]));
        buf_addf(b, "</button></th>");
    }
    buf_addf(b, "</tr></thead>\n<tbody>\n");
    for (size_t i = 0; i < t.nrows; i++) {
        buf_addf(b, "<tr>");
        for (size_t k = 0; k < t.ncolumns; k++)
            write_cell(b, &t, i, k);
        buf_addf(b, "\n");
    }
    buf_addf(b, "</tbody></table>%s</div>\n", t.nrows ? "" : "<p class=\"none\">No rows.</p>");
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

static void write_tile(struct buf *b, const struct sheet_tile *t)
{
    static const char *const words[] = {"down", "unchanged:", "up"}, *const arrows[] = {"▼", "=", "▲"},
                             *const classes[] = {"bad", "even", "good"};
    buf_addf(b, "<div><dt>");
    add_text(b, t->title, strlen(t->title));
    buf_addf(b, "</dt><dd class=\"v\">");
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
    if (t->ntrend) {
        buf_addf(b, "<dd class=\"trend\">");
        write_trend(b, t->trend, t->ntrend);
        buf_addf(b, "</dd>");
    }
    buf_addf(b, "</div>\n");
}

static bool write_tiles(struct writer *w, size_t from, size_t end, struct err *e)
{
    buf_addf(w->out, "<dl class=\"values\">\n");
    for (size_t i = from; i < end; i++) {
        struct sheet_tile t;
        if (w->sheet->blocks[i].kind != BLOCK_VALUE)
            continue;
        if (!sheet_tile(w->sheet, &w->sheet->blocks[i], &t, e))
            return false;
        write_tile(w->out, &t);
    }
    buf_addf(w->out, "</dl>\n");
    return true;
}

/* --- inputs --- */

static void write_inputs(struct writer *w, size_t from, size_t end)
{
    buf_addf(w->out, "<dl class=\"inputs\">\n");
    for (size_t i = from; i < end; i++) {
        const struct page_input *in = sheet_input(w->sheet, &w->sheet->blocks[i]);
        if (!in)
            continue;
        const char *shown = input_part_shown(w->sheet->a, in, -1);
        buf_addf(w->out, "<div><dt>");
        add_text(w->out, in->title, strlen(in->title));
        buf_addf(w->out, "</dt><dd>");
        add_text(w->out, shown, strlen(shown));
        buf_addf(w->out, "</dd></div>\n");
    }
    buf_addf(w->out, "</dl>\n");
}

/* --- charts --- */

static void add_base64(struct buf *b, const char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *u = (const unsigned char *)p;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)u[i] << 16;
        bits |= i + 1 < n ? (uint32_t)u[i + 1] << 8 : 0;
        bits |= i + 2 < n ? u[i + 2] : 0;
        const char four[] = {digits[bits >> 18], digits[bits >> 12 & 63],
                             (char)(i + 1 < n ? digits[bits >> 6 & 63] : '='),
                             (char)(i + 2 < n ? digits[bits & 63] : '=')};
        buf_add(b, four, sizeof four);
    }
}

/* A number of a PNG's head: width at 16, height at 20. */
static unsigned png_side(const char *png, size_t at)
{
    const unsigned char *u = (const unsigned char *)png + at;
    return (unsigned)u[0] << 24 | (unsigned)u[1] << 16 | (unsigned)u[2] << 8 | u[3];
}

/* JSON inside a script element, which "</script>" in a text of it would end. */
static void add_json(struct buf *b, const char *json)
{
    for (const char *p = json; *p; p += strcspn(p, "<")) {
        for (; *p == '<'; p++)
            buf_addf(b, "\\u003c");
        buf_add(b, p, strcspn(p, "<"));
    }
}

static void write_live(struct writer *w, const struct page_chart *c)
{
    struct buf *b = w->out;
    const char *title = c->title ? c->title : c->name;
    buf_addf(b, "<figure class=\"chart\" role=\"img\" aria-label=\"");
    add_text(b, title, strlen(title));
    buf_addf(b,
             "\"><script type=\"application/json\">{\"width\":%d,\"height\":%d,\"spec\":", PAGE_CHART_WIDTH,
             PAGE_CHART_HEIGHT);
    add_json(b, c->json);
    buf_addf(b, ",\"data\":{");
    for (size_t i = 0; i < c->ndata; i++) {
        buf_addf(b, "%s", i ? "," : "");
        json_quote(b, c->data[i].name, strlen(c->data[i].name));
        buf_addf(b, ":");
        add_json(b, c->data[i].json);
    }
    buf_addf(b, "}}</script><div></div><noscript>A script draws this chart.</noscript></figure>\n");
}

/* As a PNG: it looks the same whatever fonts the reader's machine has. */
static bool write_chart(struct writer *w, const struct block *b, struct err *e)
{
    const struct page_chart *c = sheet_chart(w->sheet, b);
    const char *png, *title = c->title ? c->title : c->name;
    size_t n;
    if (w->live) {
        write_live(w, c);
        return true;
    }
    if (!sheet_png(w->sheet, c, CHART_LIGHT, &png, &n, e))
        return false;
    buf_addf(w->out, "<figure class=\"chart\"><img width=\"%u\" height=\"%u\" alt=\"", png_side(png, 16) / 2,
             png_side(png, 20) / 2);
    add_text(w->out, title, strlen(title));
    buf_addf(w->out, "\" src=\"data:image/png;base64,");
    add_base64(w->out, png, n);
    buf_addf(w->out, "\"></figure>\n");
    return true;
}

/* --- the file --- */

static const struct script {
    const char *text, *hash;
} chart_scripts[] = {{web_vega_js, VEGA_JS_HASH},
                     {web_vega_lite_js, VEGA_LITE_JS_HASH},
                     {web_embed_js, EMBED_JS_HASH},
                     {web_kit_js, KIT_JS_HASH},
                     {web_chart_js, CHART_JS_HASH}};

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

static void write_head(struct buf *b, const char *title, bool charts)
{
    buf_addf(
        b,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n"
        "<meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n"
        "<meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; img-src data:; font-src "
        "data:; style-src %s %s; script-src %s",
        PAGE_CSS_HASH, FONTS_CSS_HASH, PAGE_JS_HASH);
    for (size_t i = 0; charts && i < countof(chart_scripts); i++)
        buf_addf(b, " %s", chart_scripts[i].hash);
    buf_addf(b,
             "; base-uri 'none'; form-action 'none'\">\n<meta name=\"generator\" content=\"cupel %s\">\n"
             "<title>%s</title>\n",
             CUPEL_VERSION, title);
    write_style(b, web_fonts_css);
    write_style(b, web_page_css);
    buf_addf(b, "</head>\n<body>\n<main>\n");
}

static void write_foot(struct buf *b, bool charts)
{
    buf_addf(b, "</main>\n");
    write_script(b, web_page_js);
    if (charts) {
        buf_addf(b, "<script type=\"application/json\" id=\"theme\">");
        add_json(b, web_theme);
        buf_addf(b, "</script>\n");
        for (size_t i = 0; i < countof(chart_scripts); i++)
            write_script(b, chart_scripts[i].text);
    }
    buf_addf(b, "</body>\n</html>\n");
}

/* What a heading's HTML says, without its tags. */
static const char *plain(struct arena *a, const char *html)
{
    auto_buf b = BUF(1 << 16);
    bool tag = false;
    for (const char *p = html; *p; p++) {
        if (*p == '<' || *p == '>')
            tag = *p == '<';
        else if (!tag)
            buf_add(&b, p, 1);
    }
    return arena_str(a, b.p);
}

bool page_html(const struct sheet *s, bool live, struct buf *out, struct err *e)
{
    auto_buf body = BUF(256 << 20);
    struct writer w = {.sheet = s, .live = live, .out = &body};
    for (size_t i = 0; i < s->nblocks; i++) {
        size_t end = sheet_row_end(s, i);
        if (s->blocks[i].kind == BLOCK_VALUE) {
            if (!write_tiles(&w, i, end, e))
                return false;
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_INPUT) {
            write_inputs(&w, i, end);
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_TABLE && !write_table(&w, &s->blocks[i], e))
            return false;
        if (s->blocks[i].kind == BLOCK_CHART && !write_chart(&w, &s->blocks[i], e))
            return false;
        if (s->blocks[i].kind == BLOCK_MARKDOWN && !write_markdown(&w, &s->blocks[i], e))
            return false;
    }
    if (!buf_done(&body, e))
        return false;
    bool charts = live && s->ncharts > 0;
    write_head(out, w.title ? plain(s->a, w.title) : s->page->name, charts);
    buf_add(out, body.p, body.len);
    write_foot(out, charts);
    return buf_done(out, e);
}
