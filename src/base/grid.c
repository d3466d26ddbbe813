#include "base/grid.h"

#include <string.h>

#include "base/text.h"

static bool numeric(const char *s)
{
    bool digit = false;
    for (; *s; s++) {
        if (*s >= '0' && *s <= '9')
            digit = true;
        else if (!strchr("+-.,eE% ", *s))
            return false;
    }
    return digit;
}

static const char *cell_text(const struct grid *g, size_t row, size_t col)
{
    const char *s = g->cells[row * g->ncolumns + col];
    return s ? s : "";
}

static void pad(struct buf *out, int n, const char *with)
{
    for (; n > 0; n--)
        buf_addf(out, "%s", with);
}

static void add_cell(struct buf *out, const char *s, int width, bool right, bool last)
{
    int w = text_width(s, strlen(s));
    if (right)
        pad(out, width - w, " ");
    buf_add(out, s, strlen(s));
    if (!right && !last)
        pad(out, width - w, " ");
    buf_addf(out, last ? "\n" : "  ");
}

void grid_add(struct buf *out, const struct grid *g)
{
    auto_arena *a = arena_new();
    int *width = arena_make(a, int, g->ncolumns);
    bool *right = arena_make(a, bool, g->ncolumns);
    for (size_t c = 0; c < g->ncolumns; c++) {
        width[c] = text_width(g->names[c], strlen(g->names[c]));
        right[c] = g->nrows > 0;
        if (g->right)
            right[c] = g->right[c];
        for (size_t r = 0; r < g->nrows; r++) {
            const char *s = cell_text(g, r, c);
            int w = text_width(s, strlen(s));
            width[c] = w > width[c] ? w : width[c];
            if (!g->right)
                right[c] = right[c] && (!*s || numeric(s));
        }
    }
    for (size_t c = 0; c < g->ncolumns; c++)
        add_cell(out, g->names[c], width[c], right[c], c + 1 == g->ncolumns);
    for (size_t c = 0; g->rule && c < g->ncolumns; c++) {
        pad(out, width[c], "\xe2\x94\x80");
        buf_addf(out, c + 1 == g->ncolumns ? "\n" : "  ");
    }
    for (size_t r = 0; r < g->nrows; r++)
        for (size_t c = 0; c < g->ncolumns; c++)
            add_cell(out, cell_text(g, r, c), width[c], right[c], c + 1 == g->ncolumns);
}

void grid_print(FILE *out, const struct grid *g)
{
    auto_buf b = BUF(256 << 20);
    grid_add(&b, g);
    fwrite(b.p, 1, b.len, out);
}
