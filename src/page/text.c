/* A page as text. */
#include <string.h>

#include "base/grid.h"
#include "page/markdown.h"
#include "page/sheet.h"
#include "page/strokes.h"

struct writer {
    const struct sheet *sheet;
    int width;
    struct buf *out;
};

enum { BAR_CELLS = 10, LINE_CELLS = 24 };

/* --- blocks --- */

static bool has_bars(const struct sheet_table *t, size_t column)
{
    for (size_t i = 0; i < t->nrows; i++)
        if (t->bars[i * t->ncolumns + column] >= 0)
            return true;
    return false;
}

/* Bars are columns of their own, behind the figures. */
static void draw_bars(struct arena *a, struct sheet_table *t)
{
    size_t n = t->ncolumns, wide = 0;
    for (size_t k = 0; k < n; k++)
        wide += has_bars(t, k) ? 2 : 1;
    if (wide == n)
        return;
    const char **titles = arena_make(a, const char *, wide),
               **cells = arena_make(a, const char *, wide * t->nrows);
    bool *right = arena_make(a, bool, wide);
    for (size_t k = 0, to = 0; k < n; k++, to++) {
        bool bars = has_bars(t, k);
        titles[to] = t->titles[k];
        right[to] = t->right[k];
        for (size_t i = 0; i < t->nrows; i++) {
            auto_buf b = BUF(256);
            cells[i * wide + to] = t->cells[i * n + k];
            if (bars) {
                stroke_bar(&b, t->bars[i * n + k], BAR_CELLS);
                cells[i * wide + to + 1] = arena_str(a, b.p);
            }
        }
        if (bars)
            titles[++to] = "";
    }
    t->titles = titles;
    t->cells = cells;
    t->right = right;
    t->ncolumns = wide;
}

static int widest_word(const char *s)
{
    int most = 0;
    for (const char *p = s; *p;) {
        size_t n = strcspn(p, " ");
        int w = text_width(p, n);
        most = w > most ? w : most;
        p += n + strspn(p + n, " ");
    }
    return most;
}

/* Do all cells fit into lines of that width, each on one line, with a bar for each column that has some?
 * Heads may take more lines. */
static bool fits_with_bars(const struct sheet_table *t, int width)
{
    enum { GAP = 2 };
    int sum = -GAP;
    for (size_t k = 0; k < t->ncolumns; k++) {
        int most = widest_word(t->titles[k]);
        for (size_t i = 0; i < t->nrows; i++) {
            const char *s = t->cells[i * t->ncolumns + k];
            int w = text_width(s, strlen(s));
            most = w > most ? w : most;
        }
        sum += most + GAP + (has_bars(t, k) ? BAR_CELLS + GAP : 0);
    }
    return sum <= width;
}

static void add_padded(struct buf *b, const char *s, int width, bool right)
{
    int blanks = width - text_width(s, strlen(s));
    buf_addf(b, "%*s%s%*s", right && blanks > 0 ? blanks : 0, "", s, !right && blanks > 0 ? blanks : 0, "");
}

/* One line each: title, value, change, line. */
static bool write_tiles(struct writer *w, size_t from, size_t end, struct err *e)
{
    struct sheet_tile *t = arena_make(w->sheet->a, struct sheet_tile, end - from);
    size_t n = 0;
    int titles = 0, values = 0;
    for (size_t i = from; i < end; i++) {
        if (w->sheet->blocks[i].kind != BLOCK_VALUE)
            continue;
        if (!sheet_tile(w->sheet, &w->sheet->blocks[i], &t[n], e))
            return false;
        int title = text_width(t[n].title, strlen(t[n].title)),
            value = text_width(t[n].value, strlen(t[n].value));
        titles = title > titles ? title : titles;
        values = value > values ? value : values;
        n++;
    }
    if (w->out->len)
        buf_addf(w->out, "\n");
    for (size_t i = 0; i < n; i++) {
        static const char *const arrows[] = {"▼", "=", "▲"};
        add_padded(w->out, t[i].title, titles, false);
        buf_addf(w->out, "  ");
        add_padded(w->out, t[i].value, values, true);
        if (t[i].change)
            buf_addf(w->out, "  %s %s%s%s", arrows[t[i].direction + 1], t[i].change, t[i].note ? " " : "",
                     t[i].note ? t[i].note : "");
        if (t[i].ntrend) {
            buf_addf(w->out, "  ");
            stroke_line(w->out, t[i].trend, t[i].ntrend, LINE_CELLS);
        }
        buf_addf(w->out, "\n");
    }
    return true;
}

static bool write_table(struct writer *w, const struct block *b, struct err *e)
{
    struct sheet_table t;
    if (!sheet_table(w->sheet, b, &t, e))
        return false;
    if (fits_with_bars(&t, w->width)) /* figures first */
        draw_bars(w->sheet->a, &t);
    if (w->out->len && w->out->p[w->out->len - 1] == '\n')
        buf_addf(w->out, "\n");
    grid_add(w->out, &(struct grid){.names = t.titles,
                                    .ncolumns = t.ncolumns,
                                    .nrows = t.nrows,
                                    .cells = t.cells,
                                    .right = t.right,
                                    .rule = true,
                                    .width = w->width,
                                    .narrow = GRID_WRAP});
    if (t.nrows == 0)
        buf_addf(w->out, "(no rows)\n");
    return true;
}

static bool write_markdown(struct writer *w, const struct block *b, struct err *e)
{
    auto_buf text = BUF(64 << 20);
    auto_buf rendered = BUF(64 << 20);
    if (!sheet_markdown(w->sheet, b, NULL, &text, e) || !markdown_text(text.p, w->width, &rendered, e))
        return false;
    if (rendered.len && w->out->len)
        buf_addf(w->out, "\n");
    buf_add(w->out, rendered.p, rendered.len);
    return buf_done(&rendered, e);
}

static void write_inputs(struct writer *w, size_t from, size_t end)
{
    if (w->out->len)
        buf_addf(w->out, "\n");
    for (size_t i = from; i < end; i++) {
        const struct page_input *in = sheet_input(w->sheet, &w->sheet->blocks[i]);
        if (in)
            buf_addf(w->out, "%s: %s\n", in->title, input_part_shown(w->sheet->a, in, -1));
    }
}

static void write_chart(struct writer *w, const struct block *b)
{
    if (w->out->len)
        buf_addf(w->out, "\n");
    page_chart_text(w->sheet->a, &w->sheet->queries, &sheet_chart(w->sheet, b)->chart, w->width, w->out);
}

/* What a value or the page itself has of orders to a terminal is not handed on. */
static void tame(char *p, const char *end)
{
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        bool second = c == 0xc2 && p + 1 < end && (unsigned char)p[1] < 0xa0;
        if (second)
            *p++ = '?';
        if (second || (c < 0x20 && c != '\n') || c == 0x7f)
            *p = '?';
    }
}

bool page_text(const struct sheet *s, int width, struct buf *out, struct err *e)
{
    struct writer w = {s, width, out};
    size_t start = out->len;
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
        if (s->blocks[i].kind == BLOCK_CHART)
            write_chart(&w, &s->blocks[i]);
        if (s->blocks[i].kind == BLOCK_MARKDOWN && !write_markdown(&w, &s->blocks[i], e))
            return false;
    }
    tame(out->p + start, out->p + out->len);
    return buf_done(out, e);
}
