/* A document on A4 pages: laid out twice, first to learn on which page each heading comes. Or as one picture,
 * a page as long as it takes. */
#include <cairo-pdf.h>
#include <librsvg/rsvg.h>
#include <math.h>
#include <pango/pangocairo.h>
#include <string.h>

#include "base/buf.h"
#include "chart/lib_internal.h"

#define PAGE_WIDTH  595.276
#define PAGE_HEIGHT 841.89
#define MARGIN      51.0
#define BODY        9.5 /* sizes of type */
#define CELL        8.0
#define PAD         4.0 /* around a cell's text */
#define GAP         6.0 /* between blocks */
#define LIST_STEP   14.0
#define TILE_GAP    9.0
#define TILE_PAD    8.0
#define TILE_VALUE  24.0 /* heights in a tile */
#define TILE_CHANGE 11.0
#define TILE_TREND  18.0
#define PICTURE_GAP 12.0
#define POINTS      0.75   /* of a pixel */
#define WIDE        1600.0 /* a picture, in pixels */

#define BAR        70.0 /* least width of a column with bars */
#define WORD       64.0 /* a word that is longer may be parted */
#define LEAST_CELL 5.5  /* size of type in a table that is too wide for CELL */

enum {
    MAX_BYTES = 512 << 20,
    MAX_HIGH = 32000 /* pixels, less than cairo's limit */,
    TILES_A_ROW = 4,
    CONTENTS_FROM = 3
};

struct color {
    double r, g, b;
};
static const struct color ink = {0.067, 0.094, 0.153}, quiet = {0.294, 0.333, 0.388},
                          line = {0.82, 0.835, 0.86}, accent = {0.043, 0.404, 0.698},
                          good = {0.102, 0.435, 0.216}, bad = {0.643, 0.149, 0.173};

struct entry { /* of the contents */
    const struct paper_block *heading;
    int page;
};

struct printer {
    const struct paper *paper;
    cairo_surface_t *surface;
    cairo_t *c;
    PangoFontMap *fonts;
    PangoContext *context;
    double y;       /* where the next block begins */
    double cell;    /* size of type in the table at hand */
    double follows; /* room for what must not be parted from a heading */
    int page;       /* from 1 */
    int pages;      /* of the pass before, 0 = not known yet */
    bool tagged;
    bool tall; /* one page that has no end */
    struct entry *entries;
    size_t nentries, entry;
};

/* --- type --- */

static PangoLayout *layout_new(struct printer *p, const char *text, bool markup, double size, int weight,
                               double width)
{
    PangoLayout *l = pango_layout_new(p->context);
    PangoFontDescription *font = pango_font_description_from_string("Inter, sans-serif");
    pango_font_description_set_absolute_size(font, size * PANGO_SCALE);
    pango_font_description_set_weight(font, (PangoWeight)weight);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    if (markup)
        pango_layout_set_markup(l, text, -1);
    else
        pango_layout_set_text(l, text, -1);
    if (width > 0) {
        pango_layout_set_width(l, (int)(width * PANGO_SCALE));
        pango_layout_set_wrap(l, PANGO_WRAP_WORD_CHAR);
    }
    return l;
}

static double layout_width(PangoLayout *l)
{
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    return (double)r.width / PANGO_SCALE;
}

static double layout_height(PangoLayout *l)
{
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    return (double)r.height / PANGO_SCALE;
}

static void ink_with(struct printer *p, struct color c)
{
    cairo_set_source_rgb(p->c, c.r, c.g, c.b);
}

static void show(struct printer *p, PangoLayout *l, double x, double y, struct color c)
{
    ink_with(p, c);
    cairo_move_to(p->c, x, y);
    pango_cairo_show_layout(p->c, l);
}

/* One text, thrown away when it is shown; its width. */
static double show_text(struct printer *p, const char *text, double size, int weight, double x, double y,
                        struct color c)
{
    PangoLayout *l = layout_new(p, text, false, size, weight, 0);
    double width = layout_width(l);
    show(p, l, x, y, c);
    g_object_unref(l);
    return width;
}

static void draw_line(struct printer *p, double x1, double y1, double x2, double y2, double width,
                      struct color c)
{
    ink_with(p, c);
    cairo_set_line_width(p->c, width);
    cairo_move_to(p->c, x1, y1);
    cairo_line_to(p->c, x2, y2);
    cairo_stroke(p->c);
}

/* --- pages --- */

static double bottom(const struct printer *p)
{
    return p->tall ? INFINITY : PAGE_HEIGHT - MARGIN;
}

static double inner_width(void)
{
    return PAGE_WIDTH - 2 * MARGIN;
}

static void add_footer(struct printer *p)
{
    char number[64];
    if (p->pages)
        snprintf(number, sizeof number, "%d / %d", p->page, p->pages);
    else
        snprintf(number, sizeof number, "%d", p->page);
    PangoLayout *l = layout_new(p, number, false, CELL, 400, 0);
    double y = PAGE_HEIGHT - MARGIN / 2 - layout_height(l) / 2;
    show(p, l, PAGE_WIDTH - MARGIN - layout_width(l), y, quiet);
    g_object_unref(l);
    if (p->paper->footer)
        show_text(p, p->paper->footer, CELL, 400, MARGIN, y, quiet);
}

static void end_page(struct printer *p)
{
    add_footer(p);
    cairo_show_page(p->c);
}

static void next_page(struct printer *p)
{
    end_page(p);
    p->page++;
    p->y = MARGIN;
}

/* A new page, unless that much room is left on this one or nothing is on it yet. */
static void need_room(struct printer *p, double height)
{
    if (p->y > MARGIN && p->y + height > bottom(p))
        next_page(p);
}

/* --- texts --- */

/* Line by line, so that a long text goes on on the next page. */
static void flow(struct printer *p, PangoLayout *l, double x, struct color c)
{
    PangoLayoutIter *it = pango_layout_get_iter(l);
    bool more = true;
    while (more) {
        PangoRectangle r;
        pango_layout_iter_get_line_extents(it, NULL, &r);
        double height = (double)r.height / PANGO_SCALE;
        double base = (double)(pango_layout_iter_get_baseline(it) - r.y) / PANGO_SCALE;
        need_room(p, height);
        ink_with(p, c);
        cairo_move_to(p->c, x + (double)r.x / PANGO_SCALE, p->y + base);
        pango_cairo_show_layout_line(p->c, pango_layout_iter_get_line_readonly(it));
        p->y += height;
        more = pango_layout_iter_next_line(it);
    }
    pango_layout_iter_free(it);
}

static void print_text(struct printer *p, const struct paper_block *b)
{
    double x = MARGIN + LIST_STEP * b->level + (b->quote ? LIST_STEP : 0);
    PangoLayout *l = layout_new(p, b->text, true, BODY, 400, PAGE_WIDTH - MARGIN - x);
    pango_layout_set_line_spacing(l, 1.3F);
    need_room(p, fmin(layout_height(l), 3 * BODY * 1.4));
    if (b->marker) {
        PangoLayout *m = layout_new(p, b->marker, false, BODY, 400, 0);
        show(p, m, x - layout_width(m) - 4, p->y + 1, quiet);
        g_object_unref(m);
    }
    double top = p->y;
    int page = p->page;
    flow(p, l, x, b->quote ? quiet : ink);
    if (b->quote && page == p->page)
        draw_line(p, x - 8, top, x - 8, p->y, 2, line);
    p->y += b->level ? GAP / 2 : GAP;
    g_object_unref(l);
}

static void print_code(struct printer *p, const struct paper_block *b)
{
    PangoLayout *l = layout_new(p, b->text, false, CELL, 400, inner_width() - 2 * PAD);
    PangoFontDescription *font = pango_font_description_from_string("monospace");
    pango_font_description_set_absolute_size(font, CELL * PANGO_SCALE);
    pango_layout_set_font_description(l, font);
    pango_font_description_free(font);
    flow(p, l, MARGIN + PAD, ink);
    p->y += GAP;
    g_object_unref(l);
}

static void print_rule(struct printer *p)
{
    need_room(p, 3 * GAP);
    draw_line(p, MARGIN, p->y + GAP, PAGE_WIDTH - MARGIN, p->y + GAP, 0.5, line);
    p->y += 3 * GAP;
}

/* --- headings and the contents --- */

static double heading_size(int level)
{
    static const double sizes[] = {20, 13.5, 11, 10, BODY, BODY};
    return sizes[level < 1 ? 0 : level > 6 ? 5 : level - 1];
}

/* A place that links lead to, and an entry in the file's outline. */
static void mark_heading(struct printer *p, size_t no, int *parents, const struct paper_block *b)
{
    char name[64], link[64];
    if (!p->tagged)
        return;
    snprintf(name, sizeof name, "name='h%zu'", no);
    snprintf(link, sizeof link, "dest='h%zu'", no);
    cairo_tag_begin(p->c, CAIRO_TAG_DEST, name);
    cairo_tag_end(p->c, CAIRO_TAG_DEST);
    int level = b->level < 1 ? 1 : b->level > 6 ? 6 : b->level, parent = CAIRO_PDF_OUTLINE_ROOT;
    for (int i = level - 1; i >= 1 && parent == CAIRO_PDF_OUTLINE_ROOT; i--)
        parent = parents[i];
    parents[level] = cairo_pdf_surface_add_outline(p->surface, parent, b->plain, link,
                                                   level == 1 ? CAIRO_PDF_OUTLINE_FLAG_OPEN : 0);
    for (int i = level + 1; i <= 6; i++)
        parents[i] = CAIRO_PDF_OUTLINE_ROOT;
}

/* It does not stand alone at the foot of a page. */
static void print_heading(struct printer *p, const struct paper_block *b, int *parents)
{
    double size = heading_size(b->level);
    PangoLayout *l = layout_new(p, b->text, true, size, 600, inner_width());
    if (p->y > MARGIN)
        p->y += b->level <= 2 ? 2.5 * GAP : 1.5 * GAP;
    need_room(p, layout_height(l) + p->follows);
    mark_heading(p, p->entry, parents, b);
    p->entries[p->entry++].page = p->page;
    flow(p, l, MARGIN, ink);
    p->y += b->level == 1 ? 1.5 * GAP : GAP * 0.7;
    g_object_unref(l);
}

static bool in_contents(const struct paper_block *b)
{
    return b->level == 2;
}

static void print_contents(struct printer *p)
{
    size_t n = 0;
    for (size_t i = 0; i < p->nentries; i++)
        n += in_contents(p->entries[i].heading);
    if (n < CONTENTS_FROM || p->tall)
        return;
    for (size_t i = 0; i < p->nentries; i++) {
        const struct entry *x = &p->entries[i];
        char number[32], link[64];
        if (!in_contents(x->heading))
            continue;
        snprintf(number, sizeof number, "%d", x->page);
        snprintf(link, sizeof link, "dest='h%zu'", i);
        PangoLayout *l = layout_new(p, x->heading->text, true, BODY, 400, inner_width() - 40);
        PangoLayout *at = layout_new(p, number, false, BODY, 400, 0);
        pango_layout_set_height(l, 0);
        pango_layout_set_ellipsize(l, PANGO_ELLIPSIZE_END);
        need_room(p, layout_height(l) + 3);
        if (p->tagged)
            cairo_tag_begin(p->c, CAIRO_TAG_LINK, link);
        show(p, l, MARGIN, p->y, ink);
        if (p->pages)
            show(p, at, PAGE_WIDTH - MARGIN - layout_width(at), p->y, quiet);
        if (p->tagged)
            cairo_tag_end(p->c, CAIRO_TAG_LINK);
        p->y += layout_height(l) + 3;
        g_object_unref(l);
        g_object_unref(at);
    }
    p->y += GAP;
}

/* --- tables --- */

static double text_width(struct printer *p, const char *text, int weight, double *ret_word)
{
    PangoLayout *l = layout_new(p, text, false, p->cell, weight, 0);
    double width = layout_width(l);
    pango_layout_set_width(l, 1);
    pango_layout_set_wrap(l, PANGO_WRAP_WORD);
    PangoRectangle r;
    pango_layout_get_extents(l, NULL, &r);
    *ret_word = (double)r.width / PANGO_SCALE;
    g_object_unref(l);
    return width;
}

static bool has_bars(const struct paper_block *b, size_t column)
{
    for (size_t i = 0; b->bars && i < b->nrows; i++)
        if (b->bars[i * b->ncolumns + column] >= 0)
            return true;
    return false;
}

/* What the texts of each column need on one line; `least`: without parting a figure or a word that is not
 * very long. The sum of that. */
static double column_needs(struct printer *p, const struct paper_block *b, double *width, double *least)
{
    double sum = 0;
    for (size_t k = 0; k < b->ncolumns; k++) {
        double word, w = text_width(p, b->heads[k], 600, &word);
        width[k] = w;
        least[k] = fmin(word, WORD);
        for (size_t i = 0; i < b->nrows && i < 2000; i++) {
            w = text_width(p, b->cells[i * b->ncolumns + k], 400, &word);
            width[k] = fmax(width[k], w);
            least[k] = fmax(least[k], b->right[k] ? w : fmin(word, WORD));
        }
        if (has_bars(b, k))
            width[k] = fmax(width[k], BAR);
        width[k] += 2 * PAD + 0.5;
        least[k] += 2 * PAD + 0.5;
        sum += least[k];
    }
    return sum;
}

/* Columns get what their texts need; if that is too much, those that are wider than they must be give what
 * they have more, in proportion. Where that is not enough, type gets smaller. */
static double *column_widths(struct printer *p, const struct paper_block *b)
{
    double *width = calloc(b->ncolumns * 2 + 1, sizeof *width), *least = width + b->ncolumns;
    double all = 0, room = inner_width();
    if (!width)
        abort();
    p->cell = CELL;
    double words = column_needs(p, b, width, least);
    for (int i = 0; i < 3 && words > room && p->cell > LEAST_CELL; i++) { /* pads do not shrink */
        p->cell = fmax(LEAST_CELL, p->cell * room / words * 0.99);
        words = column_needs(p, b, width, least);
    }
    for (size_t k = 0; k < b->ncolumns; k++)
        all += width[k];
    if (all <= room)
        return width;
    double share = words < room ? (room - words) / (all - words) : 0,
           shrink = words > room ? room / words : 1;
    for (size_t k = 0; k < b->ncolumns; k++)
        width[k] = (least[k] + (width[k] - least[k]) * share) * shrink;
    return width;
}

/* The texts of a row, laid out; its height. */
static double lay_row(struct printer *p, const struct paper_block *b, const char *const *cells, int weight,
                      const double *width, PangoLayout **ret)
{
    double height = p->cell;
    for (size_t k = 0; k < b->ncolumns; k++) {
        ret[k] = layout_new(p, cells[k], false, p->cell, weight, width[k] - 2 * PAD);
        if (b->right[k])
            pango_layout_set_alignment(ret[k], PANGO_ALIGN_RIGHT);
        height = fmax(height, layout_height(ret[k]));
    }
    return height + PAD;
}

static void print_row(struct printer *p, const struct paper_block *b, const double *width,
                      PangoLayout **texts, double height, const double *bars, bool head)
{
    double x = MARGIN;
    for (size_t k = 0; k < b->ncolumns; k++) {
        if (bars && bars[k] > 0) {
            cairo_set_source_rgba(p->c, accent.r, accent.g, accent.b, 0.18);
            cairo_rectangle(p->c, x + PAD / 2, p->y + 1, (width[k] - PAD) * bars[k], height - 2);
            cairo_fill(p->c);
        }
        double down = head ? height - PAD / 2 - layout_height(texts[k]) : PAD / 2;
        show(p, texts[k], x + PAD, p->y + down, ink);
        g_object_unref(texts[k]);
        x += width[k];
    }
    p->y += height;
    draw_line(p, MARGIN, p->y, x, p->y, head ? 0.9 : 0.4, head ? ink : line);
}

static void print_head(struct printer *p, const struct paper_block *b, const double *width,
                       PangoLayout **texts)
{
    double height = lay_row(p, b, b->heads, 600, width, texts);
    print_row(p, b, width, texts, height, NULL, true);
}

/* A short table is not parted. */
static double table_room(struct printer *p, const struct paper_block *b, const double *width,
                         PangoLayout **texts)
{
    enum { SHORT = 16 };
    double height = 60;
    for (size_t i = 0; b->nrows <= SHORT && i <= b->nrows; i++) {
        height = (i ? height : 0) +
                 lay_row(p, b, i ? b->cells + (i - 1) * b->ncolumns : b->heads, i ? 400 : 600, width, texts);
        for (size_t k = 0; k < b->ncolumns; k++)
            g_object_unref(texts[k]);
    }
    return height < (bottom(p) - MARGIN) / 2 ? height : 60;
}

static double whole_table_room(struct printer *p, const struct paper_block *b)
{
    double *width = column_widths(p, b);
    PangoLayout **texts = calloc(b->ncolumns + 1, sizeof *texts);
    if (!texts)
        abort();
    double room = table_room(p, b, width, texts);
    free(texts);
    free(width);
    return room;
}

static void print_table(struct printer *p, const struct paper_block *b)
{
    if (!b->ncolumns)
        return;
    double *width = column_widths(p, b);
    PangoLayout **texts = calloc(b->ncolumns, sizeof *texts);
    if (!texts)
        abort();
    need_room(p, table_room(p, b, width, texts));
    print_head(p, b, width, texts);
    for (size_t i = 0; i < b->nrows; i++) {
        double height = lay_row(p, b, b->cells + i * b->ncolumns, 400, width, texts);
        if (p->y + height > bottom(p)) {
            PangoLayout **head = calloc(b->ncolumns, sizeof *head);
            if (!head)
                abort();
            next_page(p);
            print_head(p, b, width, head);
            free(head);
        }
        print_row(p, b, width, texts, height, b->bars ? b->bars + i * b->ncolumns : NULL, false);
    }
    if (!b->nrows) {
        show_text(p, "No rows.", CELL, 400, MARGIN + PAD, p->y + PAD / 2, quiet);
        p->y += CELL + PAD;
    }
    p->y += 2 * GAP;
    free(texts);
    free(width);
}

/* --- values --- */

static void draw_trend(struct printer *p, const double *v, size_t n, double x, double y, double width,
                       double height)
{
    double least = INFINITY, most = -INFINITY;
    bool pen = false;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            least = fmin(least, v[i]), most = fmax(most, v[i]);
    ink_with(p, accent);
    cairo_set_line_width(p->c, 1);
    cairo_set_line_join(p->c, CAIRO_LINE_JOIN_ROUND);
    for (size_t i = 0; i < n; i++) {
        double at = x + (n > 1 ? width * (double)i / (double)(n - 1) : width / 2);
        double up = most > least ? (v[i] - least) / (most - least) : 0.5;
        if (isfinite(v[i]) && pen)
            cairo_line_to(p->c, at, y + height * (1 - up));
        else if (isfinite(v[i]))
            cairo_move_to(p->c, at, y + height * (1 - up));
        pen = isfinite(v[i]);
    }
    cairo_stroke(p->c);
}

/* In two lines at most. */
static PangoLayout *tile_title(struct printer *p, const struct paper_tile *t, double width)
{
    PangoLayout *l = layout_new(p, t->title, false, CELL, 400, width - 2 * TILE_PAD);
    pango_layout_set_height(l, -2);
    pango_layout_set_ellipsize(l, PANGO_ELLIPSIZE_END);
    return l;
}

/* What is in the tiles of a row: all have the same. */
struct tile_parts {
    double title; /* height */
    bool change, trend;
};

static struct tile_parts tile_parts(struct printer *p, const struct paper_tile *t, size_t n, double width)
{
    struct tile_parts parts = {0};
    for (size_t i = 0; i < n; i++) {
        PangoLayout *l = tile_title(p, &t[i], width);
        parts.title = fmax(parts.title, layout_height(l));
        parts.change = parts.change || t[i].change;
        parts.trend = parts.trend || t[i].ntrend;
        g_object_unref(l);
    }
    return parts;
}

static double tile_height(const struct tile_parts *parts)
{
    return 2 * TILE_PAD + parts->title + TILE_VALUE + (parts->change ? TILE_CHANGE : 0) +
           (parts->trend ? TILE_GAP / 2 + TILE_TREND : 0);
}

static void print_tile(struct printer *p, const struct paper_tile *t, double x, double width,
                       const struct tile_parts *parts)
{
    double y = p->y + TILE_PAD, left = x + TILE_PAD, inner = width - 2 * TILE_PAD;
    ink_with(p, line);
    cairo_set_line_width(p->c, 0.6);
    cairo_rectangle(p->c, x, p->y, width, tile_height(parts));
    cairo_stroke(p->c);
    PangoLayout *title = tile_title(p, t, width);
    show(p, title, left, y, quiet);
    g_object_unref(title);
    y += parts->title;
    PangoLayout *value = layout_new(p, t->value, false, 16, 600, 0);
    double scale = fmin(1, inner / fmax(layout_width(value), 1));
    cairo_save(p->c);
    cairo_translate(p->c, left, y + 2);
    cairo_scale(p->c, scale, scale);
    show(p, value, 0, 0, ink);
    cairo_restore(p->c);
    g_object_unref(value);
    y += TILE_VALUE;
    if (t->change) {
        double w = show_text(p, t->change, CELL, 600, left, y,
                             t->good > 0   ? good
                             : t->good < 0 ? bad
                                           : quiet);
        if (t->note) {
            PangoLayout *note = layout_new(p, t->note, false, CELL, 400, inner - w - 4);
            pango_layout_set_ellipsize(note, PANGO_ELLIPSIZE_END);
            show(p, note, left + w + 4, y, quiet);
            g_object_unref(note);
        }
    }
    y += parts->change ? TILE_CHANGE : 0;
    if (t->ntrend)
        draw_trend(p, t->trend, t->ntrend, left, y + TILE_GAP / 2, inner, TILE_TREND);
}

/* In rows of about the same length, of tiles of the same width. */
static void print_tiles(struct printer *p, const struct paper_block *b)
{
    size_t rows = (b->ntiles + TILES_A_ROW - 1) / TILES_A_ROW, columns = (b->ntiles + rows - 1) / rows;
    double width = (inner_width() - TILE_GAP * (double)((columns < 3 ? 3 : columns) - 1)) /
                   (double)(columns < 3 ? 3 : columns);
    for (size_t i = 0; i < b->ntiles;) {
        size_t n = b->ntiles - i < columns ? b->ntiles - i : columns;
        const struct tile_parts parts = tile_parts(p, b->tiles + i, n, width);
        need_room(p, tile_height(&parts));
        for (size_t k = 0; k < n; k++)
            print_tile(p, &b->tiles[i + k], MARGIN + (width + TILE_GAP) * (double)k, width, &parts);
        p->y += tile_height(&parts) + TILE_GAP;
        i += n;
    }
    p->y += GAP;
}

/* --- pictures --- */

static double picture_width(const struct paper_block *b)
{
    return (inner_width() - PICTURE_GAP * (double)(b->npictures - 1)) / (double)b->npictures;
}

static double picture_scale(const struct printer *p, const struct paper_block *b, double width, double height)
{
    return fmin(POINTS, fmin(picture_width(b) / width, (bottom(p) - MARGIN) / height));
}

/* The height of the highest of them, as printed; 0 = not one can be read. */
static double pictures_height(const struct printer *p, const struct paper_block *b)
{
    double most = 0;
    for (size_t i = 0; i < b->npictures; i++) {
        const struct paper_picture *picture = &b->pictures[i];
        double width, height;
        RsvgHandle *h = rsvg_handle_new_from_data((const guint8 *)picture->svg, picture->n, NULL);
        if (h && rsvg_handle_get_intrinsic_size_in_pixels(h, &width, &height))
            most = fmax(most, height * picture_scale(p, b, width, height));
        if (h)
            g_object_unref(h);
    }
    return most;
}

/* How much of what begins at block i is not parted from a heading above it: a picture, a short table or the
 * head of a long one, and what leads there. */
static double room_from(struct printer *p, size_t i)
{
    enum { LINES = 60, FEW = 3 };
    const struct paper_block *b = i < p->paper->n ? &p->paper->blocks[i] : NULL;
    if (!b)
        return LINES;
    if (b->kind == PAPER_HEADING)
        return 1.3 * heading_size(b->level) + 3.5 * GAP + room_from(p, i + 1);
    if (b->kind == PAPER_PICTURES)
        return pictures_height(p, b) + GAP;
    if (b->kind == PAPER_TABLE)
        return whole_table_room(p, b);
    if (b->kind != PAPER_TEXT)
        return LINES;
    PangoLayout *l = layout_new(p, b->text, true, BODY, 400, inner_width());
    double height = 1.4 * layout_height(l) + GAP;
    bool leads = pango_layout_get_line_count(l) <= FEW && i + 1 < p->paper->n &&
                 (b[1].kind == PAPER_TABLE || b[1].kind == PAPER_PICTURES);
    g_object_unref(l);
    return leads ? height + room_from(p, i + 1) : fmin(height, LINES);
}

/* When there is a page that holds all of it. */
static double follows(struct printer *p, size_t i)
{
    enum { LINES = 60, HEADING = 60 };
    double high = room_from(p, i) + GAP;
    return p->tall || high + HEADING < bottom(p) - MARGIN ? high : LINES;
}

static bool print_picture(struct printer *p, const struct paper_block *b, size_t i, struct err *e)
{
    GError *g = NULL;
    double width, height;
    const struct paper_picture *picture = &b->pictures[i];
    RsvgHandle *h = rsvg_handle_new_from_data((const guint8 *)picture->svg, picture->n, &g);
    bool ok = h && rsvg_handle_get_intrinsic_size_in_pixels(h, &width, &height);
    if (ok) {
        double scale = picture_scale(p, b, width, height);
        const RsvgRectangle view = {MARGIN + (picture_width(b) + PICTURE_GAP) * (double)i, p->y,
                                    width * scale, height * scale};
        ok = rsvg_handle_render_document(h, p->c, &view, &g);
    }
    if (!ok)
        fail(e, ERR_DATA, "a picture cannot be drawn: %s", g ? g->message : "it has no size");
    if (g)
        g_error_free(g);
    if (h)
        g_object_unref(h);
    return ok;
}

static bool print_pictures(struct printer *p, const struct paper_block *b, struct err *e)
{
    double height = pictures_height(p, b);
    need_room(p, height);
    for (size_t i = 0; i < b->npictures; i++)
        if (!print_picture(p, b, i, e))
            return false;
    p->y += height + 2 * GAP;
    return true;
}

/* --- all of it --- */

static bool print_block(struct printer *p, const struct paper_block *b, int *parents, struct err *e)
{
    switch (b->kind) {
    case PAPER_HEADING:
        print_heading(p, b, parents);
        if (b->level == 1 && p->entry == 1)
            print_contents(p);
        return true;
    case PAPER_TEXT:
        print_text(p, b);
        return true;
    case PAPER_CODE:
        print_code(p, b);
        return true;
    case PAPER_RULE:
        print_rule(p);
        return true;
    case PAPER_TABLE:
        print_table(p, b);
        return true;
    case PAPER_TILES:
        print_tiles(p, b);
        return true;
    case PAPER_PICTURES:
        return print_pictures(p, b, e);
    }
    return true;
}

static cairo_status_t collect(void *arg, const unsigned char *bytes, unsigned n)
{
    buf_add(arg, bytes, n);
    return CAIRO_STATUS_SUCCESS;
}

static void describe(cairo_surface_t *s, const struct paper *paper)
{
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_TITLE, paper->title);
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATOR, "cupel " CUPEL_VERSION);
    cairo_pdf_surface_set_metadata(s, CAIRO_PDF_METADATA_CREATE_DATE, paper->created);
}

static bool print_blocks(struct printer *p, struct err *e)
{
    int parents[7] = {0};
    bool ok = true;
    p->y = MARGIN;
    p->page = 1;
    p->entry = 0;
    const struct paper_block *blocks = p->paper->blocks;
    for (size_t i = 0; i < p->paper->n && ok; i++) {
        if (blocks[i].kind == PAPER_HEADING)
            p->follows = follows(p, i + 1);
        ok = print_block(p, &blocks[i], parents, e);
    }
    return ok;
}

static bool print_all(struct printer *p, struct buf *out, struct err *e)
{
    p->surface = cairo_pdf_surface_create_for_stream(collect, out, PAGE_WIDTH, PAGE_HEIGHT);
    p->c = cairo_create(p->surface);
    describe(p->surface, p->paper);
    bool ok = print_blocks(p, e);
    end_page(p);
    cairo_destroy(p->c);
    cairo_surface_finish(p->surface);
    cairo_status_t status = cairo_surface_status(p->surface);
    cairo_surface_destroy(p->surface);
    return ok && (status == CAIRO_STATUS_SUCCESS ||
                  fail(e, ERR_IO, "cannot write a PDF: %s", cairo_status_to_string(status)));
}

static struct entry *find_entries(const struct paper *paper, size_t *ret_n)
{
    struct entry *v = calloc(paper->n + 1, sizeof *v);
    if (!v)
        abort();
    *ret_n = 0;
    for (size_t i = 0; i < paper->n; i++)
        if (paper->blocks[i].kind == PAPER_HEADING)
            v[(*ret_n)++] = (struct entry){&paper->blocks[i], 0};
    return v;
}

static void fonts_open(struct printer *p)
{
    p->fonts = pango_cairo_font_map_new();
    p->context = text_context(p->fonts);
}

static void fonts_close(struct printer *p)
{
    g_object_unref(p->context);
    g_object_unref(p->fonts);
}

bool paper_pdf(const struct paper *paper, char **ret, size_t *ret_n, struct err *e)
{
    struct printer p = {.paper = paper};
    auto_buf draft = BUF(MAX_BYTES);
    auto_buf out = BUF(MAX_BYTES);
    if (!fonts_ready(e))
        return false;
    fonts_open(&p);
    p.entries = find_entries(paper, &p.nentries);
    bool ok = print_all(&p, &draft, e);
    p.pages = p.page;
    p.tagged = true;
    ok = ok && print_all(&p, &out, e) && buf_done(&out, e);
    free(p.entries);
    fonts_close(&p);
    if (!ok)
        return false;
    *ret = out.p;
    *ret_n = out.len;
    out = BUF(MAX_BYTES);
    return true;
}

/* What was drawn, on white and in pixels, down to where it ends. */
static bool develop(struct printer *p, struct buf *out, struct err *e)
{
    double scale = WIDE / PAGE_WIDTH, high = ceil((p->y + MARGIN) * scale);
    if (high > MAX_HIGH) {
        fail(e, ERR_LIMIT, "the page is %.0f pixels high as a picture: at most %d", high, MAX_HIGH);
        return hint(e, "--to pdf has pages");
    }
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)WIDE, (int)high);
    cairo_t *c = cairo_create(s);
    cairo_set_source_rgb(c, 1, 1, 1);
    cairo_paint(c);
    cairo_scale(c, scale, scale);
    cairo_set_source_surface(c, p->surface, 0, 0);
    cairo_paint(c);
    cairo_status_t status = cairo_status(c);
    cairo_destroy(c);
    bool ok = (status == CAIRO_STATUS_SUCCESS ||
               fail(e, ERR_IO, "cannot draw the page: %s", cairo_status_to_string(status))) &&
              png_write(s, out, e);
    cairo_surface_destroy(s);
    return ok;
}

bool paper_png(const struct paper *paper, char **ret, size_t *ret_n, struct err *e)
{
    struct printer p = {.paper = paper, .tall = true};
    auto_buf out = BUF(MAX_BYTES);
    if (!fonts_ready(e))
        return false;
    fonts_open(&p);
    p.entries = find_entries(paper, &p.nentries);
    p.surface = cairo_recording_surface_create(CAIRO_CONTENT_COLOR_ALPHA, NULL);
    p.c = cairo_create(p.surface);
    bool ok = print_blocks(&p, e) && develop(&p, &out, e);
    cairo_destroy(p.c);
    cairo_surface_destroy(p.surface);
    free(p.entries);
    fonts_close(&p);
    if (!ok)
        return false;
    *ret = out.p;
    *ret_n = out.len;
    out = BUF(MAX_BYTES);
    return true;
}
