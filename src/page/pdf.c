/* A page as a document of A4 pages: its blocks become those of chart/paper.h, which are laid out elsewhere.
 */
#include <md4c.h>
#include <string.h>

#include "chart/chart.h"
#include "page/markdown.h"
#include "page/sheet.h"

enum { MAX_DEPTH = 16 };

struct writer {
    struct arena *a;
    const struct sheet *sheet;
    struct list_of(struct paper_block) blocks;
    const char *title;

    /* of the Markdown at hand */
    struct buf markup, plain;
    int depth, quotes;
    struct {
        bool ordered;
        unsigned next;
    } list[MAX_DEPTH];
    const char *marker; /* of the item that begins */
    int hidden;         /* inside HTML or an image */
    struct list_of(const char *) cells;
    struct list_of(bool) right;
    size_t ncolumns;
};

static struct paper_block *add_block(struct writer *w, enum paper_kind kind)
{
    struct paper_block *b = arena_push(w->a, &w->blocks);
    b->kind = kind;
    return b;
}

/* --- Markdown --- */

static void clear(struct writer *w)
{
    buf_free(&w->markup);
    buf_free(&w->plain);
    w->markup = BUF(64 << 20);
    w->plain = BUF(64 << 20);
}

static void add_plain(struct writer *w, const char *p, size_t n)
{
    buf_add(&w->plain, p, n);
    for (const char *end = p + n; p < end; p++) {
        if (*p == '&' || *p == '<' || *p == '>')
            buf_addf(&w->markup, "%s", *p == '&' ? "&amp;" : *p == '<' ? "&lt;" : "&gt;");
        else
            buf_add(&w->markup, p, 1);
    }
}

static void end_text(struct writer *w)
{
    if (w->plain.len) {
        struct paper_block *b = add_block(w, PAPER_TEXT);
        b->text = arena_str(w->a, w->markup.p);
        b->marker = w->marker;
        b->level = w->depth;
        b->quote = w->quotes > 0;
        w->marker = NULL;
    }
    clear(w);
}

static void end_heading(struct writer *w, int level)
{
    struct paper_block *b = add_block(w, PAPER_HEADING);
    b->text = arena_str(w->a, w->markup.p);
    b->plain = arena_str(w->a, w->plain.p);
    b->level = level;
    w->title = w->title ? w->title : b->plain;
    clear(w);
}

static void end_code(struct writer *w)
{
    while (w->plain.len && w->plain.p[w->plain.len - 1] == '\n')
        w->plain.p[--w->plain.len] = '\0';
    add_block(w, PAPER_CODE)->text = arena_str(w->a, w->plain.p);
    clear(w);
}

static void end_table(struct writer *w)
{
    struct paper_block *b = add_block(w, PAPER_TABLE);
    b->heads = w->cells.v;
    b->cells = w->cells.v + w->ncolumns;
    b->right = w->right.v;
    b->ncolumns = w->ncolumns;
    b->nrows = w->ncolumns ? w->cells.n / w->ncolumns - 1 : 0;
}

static const char *item_marker(struct writer *w)
{
    int d = w->depth - 1;
    return w->list[d].ordered ? arena_fmt(w->a, "%u.", w->list[d].next++) : "•";
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct writer *w = arg;
    switch (type) {
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        if (w->depth >= MAX_DEPTH)
            return -1;
        end_text(w);
        w->list[w->depth].ordered = type == MD_BLOCK_OL;
        w->list[w->depth++].next = type == MD_BLOCK_OL ? ((MD_BLOCK_OL_DETAIL *)detail)->start : 0;
        break;
    case MD_BLOCK_LI:
        w->marker = item_marker(w);
        break;
    case MD_BLOCK_QUOTE:
        w->quotes++;
        break;
    case MD_BLOCK_HR:
        add_block(w, PAPER_RULE);
        break;
    case MD_BLOCK_HTML:
        w->hidden++;
        break;
    case MD_BLOCK_TABLE:
        w->cells.v = NULL;
        w->right.v = NULL;
        w->cells.n = w->cells.cap = w->right.n = w->right.cap = w->ncolumns = 0;
        break;
    case MD_BLOCK_TH:
        *arena_push(w->a, &w->right) = ((MD_BLOCK_TD_DETAIL *)detail)->align == MD_ALIGN_RIGHT;
        w->ncolumns++;
        break;
    case MD_BLOCK_DOC:
    case MD_BLOCK_H:
    case MD_BLOCK_CODE:
    case MD_BLOCK_P:
    case MD_BLOCK_THEAD:
    case MD_BLOCK_TBODY:
    case MD_BLOCK_TR:
    case MD_BLOCK_TD:
        break;
    }
    return 0;
}

static int leave_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct writer *w = arg;
    switch (type) {
    case MD_BLOCK_H:
        end_heading(w, (int)((MD_BLOCK_H_DETAIL *)detail)->level);
        break;
    case MD_BLOCK_P:
    case MD_BLOCK_LI:
        end_text(w);
        break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        w->depth--;
        break;
    case MD_BLOCK_QUOTE:
        w->quotes--;
        break;
    case MD_BLOCK_CODE:
        end_code(w);
        break;
    case MD_BLOCK_HTML:
        w->hidden--;
        break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        *arena_push(w->a, &w->cells) = arena_strn(w->a, w->plain.p, w->plain.len);
        clear(w);
        break;
    case MD_BLOCK_TABLE:
        end_table(w);
        break;
    case MD_BLOCK_DOC:
    case MD_BLOCK_HR:
    case MD_BLOCK_THEAD:
    case MD_BLOCK_TBODY:
    case MD_BLOCK_TR:
        break;
    }
    return 0;
}

static const struct {
    MD_SPANTYPE type;
    const char *open, *close;
} spans[] = {
    {MD_SPAN_EM, "<i>", "</i>"},
    {MD_SPAN_STRONG, "<b>", "</b>"},
    {MD_SPAN_CODE, "<tt>", "</tt>"},
    {MD_SPAN_DEL, "<s>", "</s>"},
    {MD_SPAN_A, "<span foreground=\"#0b67b2\">", "</span>"},
};

static int enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct writer *w = arg;
    (void)detail;
    for (size_t i = 0; i < countof(spans); i++)
        if (spans[i].type == type)
            buf_addf(&w->markup, "%s", spans[i].open);
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct writer *w = arg;
    (void)detail;
    for (size_t i = 0; i < countof(spans); i++)
        if (spans[i].type == type)
            buf_addf(&w->markup, "%s", spans[i].close);
    return 0;
}

static int add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *arg)
{
    struct writer *w = arg;
    const char *said = type == MD_TEXT_ENTITY ? markdown_entity((struct str){text, size}) : NULL;
    if (w->hidden || type == MD_TEXT_HTML || type == MD_TEXT_NULLCHAR)
        return 0;
    if (type == MD_TEXT_BR || type == MD_TEXT_SOFTBR)
        add_plain(w, type == MD_TEXT_BR ? "\n" : " ", 1);
    else
        add_plain(w, said ? said : text, said ? strlen(said) : size);
    return 0;
}

static bool write_markdown(struct writer *w, const struct block *b, struct err *e)
{
    auto_buf text = BUF(64 << 20);
    const MD_PARSER parser = {.flags =
                                  MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEURLAUTOLINKS,
                              .enter_block = enter_block,
                              .leave_block = leave_block,
                              .enter_span = enter_span,
                              .leave_span = leave_span,
                              .text = add_text};
    if (!sheet_markdown(w->sheet, b, NULL, &text, e))
        return false;
    clear(w);
    int rc = md_parse(text.p, (MD_SIZE)text.len, &parser, w);
    bool ok = buf_done(&w->markup, e) && buf_done(&w->plain, e);
    clear(w);
    return ok && (rc == 0 || fail_at(e, ERR_LIMIT, b->at, "the Markdown is nested too deeply"));
}

/* --- the other blocks --- */

static bool write_table(struct writer *w, const struct block *block, struct err *e)
{
    struct sheet_table t;
    if (!sheet_table(w->sheet, block, &t, e))
        return false;
    struct paper_block *b = add_block(w, PAPER_TABLE);
    b->heads = t.titles;
    b->cells = t.cells;
    b->right = t.right;
    b->bars = t.bars;
    b->ncolumns = t.ncolumns;
    b->nrows = t.nrows;
    return true;
}

static bool write_tiles(struct writer *w, size_t from, size_t end, struct err *e)
{
    struct list_of(struct paper_tile) tiles = {0};
    for (size_t i = from; i < end; i++) {
        struct sheet_tile t;
        static const char *const arrows[] = {"▼", "=", "▲"};
        if (w->sheet->blocks[i].kind != BLOCK_VALUE)
            continue;
        if (!sheet_tile(w->sheet, &w->sheet->blocks[i], &t, e))
            return false;
        *arena_push(w->a, &tiles) = (struct paper_tile){
            .title = t.title,
            .value = t.value,
            .change = t.change ? arena_fmt(w->a, "%s %s", arrows[t.direction + 1], t.change) : NULL,
            .note = t.note,
            .good = t.good,
            .trend = t.trend,
            .ntrend = t.ntrend};
    }
    struct paper_block *b = add_block(w, PAPER_TILES);
    b->tiles = tiles.v;
    b->ntiles = tiles.n;
    return true;
}

/* Two that stand side by side share a line. */
static bool write_charts(struct writer *w, size_t from, size_t end, struct err *e)
{
    struct paper_picture *left = NULL; /* waits for the one beside it */
    for (size_t i = from; i < end; i++) {
        struct chart_svg svg;
        const struct sheet_chart *c = sheet_chart(w->sheet, &w->sheet->blocks[i]);
        if (!c)
            continue;
        if (!sheet_svg(w->sheet, c, SHEET_PAPER, CHART_LIGHT, &svg, e))
            return false;
        if (!left) {
            struct paper_block *b = add_block(w, PAPER_PICTURES);
            b->pictures = left = arena_make(w->a, struct paper_picture, 2);
            b->npictures = sheet_paired(c) ? 2 : 1;
            *left = (struct paper_picture){svg.svg, svg.n};
        } else {
            left[1] = (struct paper_picture){svg.svg, svg.n};
            left = NULL;
        }
    }
    return true;
}

/* Those that stand side by side in one paragraph. */
static void write_inputs(struct writer *w, size_t from, size_t end)
{
    clear(w);
    for (size_t i = from; i < end; i++) {
        const struct page_input *in = sheet_input(w->sheet, &w->sheet->blocks[i]);
        if (!in)
            continue;
        const char *shown = input_part_shown(w->a, in, -1);
        buf_addf(&w->markup, "%s<b>", w->plain.len ? "   " : "");
        add_plain(w, in->title, strlen(in->title));
        buf_addf(&w->markup, ":</b> ");
        add_plain(w, shown, strlen(shown));
    }
    end_text(w);
}

static bool write_blocks(struct writer *w, struct err *e)
{
    const struct sheet *s = w->sheet;
    for (size_t i = 0; i < s->nblocks; i++) {
        size_t end = sheet_row_end(s, i);
        if (s->blocks[i].kind == BLOCK_VALUE) {
            if (!write_tiles(w, i, end, e))
                return false;
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_CHART) {
            if (!write_charts(w, i, end, e))
                return false;
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_INPUT) {
            write_inputs(w, i, end);
            i = end - 1;
        }
        if (s->blocks[i].kind == BLOCK_TABLE && !write_table(w, &s->blocks[i], e))
            return false;
        if (s->blocks[i].kind == BLOCK_MARKDOWN && !write_markdown(w, &s->blocks[i], e))
            return false;
    }
    return true;
}

/* The page as the chart library takes it; its parts are in the sheet's arena. */
static bool paper_of(const struct sheet *s, const char *created, struct paper *ret, struct err *e)
{
    struct writer w = {.a = s->a, .sheet = s, .markup = BUF(1), .plain = BUF(1)};
    if (!write_blocks(&w, e))
        return false;
    const char *title = w.title ? w.title : s->page->name;
    *ret = (struct paper){
        .title = title, .created = created, .footer = title, .blocks = w.blocks.v, .n = w.blocks.n};
    return true;
}

bool page_pdf(const struct sheet *s, const char *created, struct buf *out, struct err *e)
{
    struct paper paper;
    const char *pdf;
    size_t n;
    if (!paper_of(s, created, &paper, e) || !chart_paper(s->a, &paper, &pdf, &n, e))
        return false;
    buf_add(out, pdf, n);
    return buf_done(out, e);
}

bool page_png(const struct sheet *s, struct buf *out, struct err *e)
{
    struct paper paper;
    const char *png;
    size_t n;
    if (!paper_of(s, NULL, &paper, e) || !chart_paper_png(s->a, &paper, &png, &n, e))
        return false;
    buf_add(out, png, n);
    return buf_done(out, e);
}
