/* A page as text. */
#include "base/grid.h"
#include "page/markdown.h"
#include "page/sheet.h"

struct writer {
    const struct sheet *sheet;
    int width;
    struct buf *out;
};

static bool write_table(struct writer *w, const struct block *b, struct err *e)
{
    struct sheet_table t;
    if (!sheet_table(w->sheet, b, &t, e))
        return false;
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
    if (!sheet_markdown(w->sheet, b, &text, e) || !markdown_text(text.p, w->width, &rendered, e))
        return false;
    if (rendered.len && w->out->len)
        buf_addf(w->out, "\n");
    buf_add(w->out, rendered.p, rendered.len);
    return buf_done(&rendered, e);
}

bool page_text(const struct sheet *s, int width, struct buf *out, struct err *e)
{
    struct writer w = {s, width, out};
    for (size_t i = 0; i < s->nblocks; i++) {
        if (s->blocks[i].kind == BLOCK_TABLE && !write_table(&w, &s->blocks[i], e))
            return false;
        if (s->blocks[i].kind == BLOCK_MARKDOWN && !write_markdown(&w, &s->blocks[i], e))
            return false;
    }
    return buf_done(out, e);
}
