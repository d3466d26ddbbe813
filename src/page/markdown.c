#include "page/markdown.h"

#include <md4c.h>
#include <string.h>

#include "base/grid.h"

enum { MAX_DEPTH = 16 };

struct writer {
    struct buf *out;
    int width;
    struct buf text; /* of the block at hand */
    int depth;       /* of lists and quotes */
    struct {
        bool ordered, item_begun;
        unsigned next;
    } list[MAX_DEPTH];
    int quotes;
    bool code;
    const char *href_end;

    struct arena *a; /* of the table at hand */
    struct list_of(const char *) cells;
    struct list_of(bool) right;
    size_t columns;
};

static void blank_line(struct writer *w)
{
    if (w->out->len && !(w->out->len >= 2 && memcmp(w->out->p + w->out->len - 2, "\n\n", 2) == 0))
        buf_addf(w->out, "\n");
}

static int indent(const struct writer *w)
{
    return 2 * (w->depth + w->quotes);
}

/* The bullet or number of the item that begins here, else blanks. */
static void add_margin(struct writer *w, bool first)
{
    int d = w->depth - 1;
    for (int i = 0; i < w->quotes; i++)
        buf_addf(w->out, "> ");
    if (d < 0)
        return;
    if (first && !w->list[d].item_begun) {
        w->list[d].item_begun = true;
        if (w->list[d].ordered)
            buf_addf(w->out, "%*s%u.", 2 * d, "", w->list[d].next++);
        else
            buf_addf(w->out, "%*s-", 2 * d, "");
        buf_addf(w->out, " ");
    } else {
        buf_addf(w->out, "%*s", 2 * (d + 1), "");
    }
}

/* The gathered text, filled to the width; a newline in it (a hard break) stays. */
static void flush_filled(struct writer *w)
{
    const char *p = w->text.p;
    int column = 0, room = w->width - indent(w);
    bool first = true;
    while (*p) {
        size_t n = strcspn(p, " \n");
        int wide = text_width(p, n);
        if (first || (column && column + 1 + wide > room)) {
            if (!first)
                buf_addf(w->out, "\n");
            add_margin(w, first);
            first = false;
            column = 0;
        }
        if (column && n) {
            buf_addf(w->out, " ");
            column++;
        }
        buf_add(w->out, p, n);
        column += wide;
        p += n;
        if (*p == '\n' && p[1]) {
            buf_addf(w->out, "\n");
            add_margin(w, false);
            column = 0;
        }
        p += *p != '\0';
    }
    if (!first)
        buf_addf(w->out, "\n");
    w->text.len = 0;
    if (w->text.cap)
        w->text.p[0] = '\0';
}

static void flush_heading(struct writer *w, unsigned level)
{
    int wide = text_width(w->text.p, w->text.len);
    buf_add(w->out, w->text.p, w->text.len);
    buf_addf(w->out, "\n");
    for (int i = 0; level <= 2 && i < wide; i++)
        buf_addf(w->out, level == 1 ? "=" : "-");
    if (level <= 2)
        buf_addf(w->out, "\n");
    w->text.len = 0;
}

static void flush_code(struct writer *w)
{
    for (const char *p = w->text.p; *p;) {
        size_t n = strcspn(p, "\n");
        add_margin(w, false);
        buf_addf(w->out, "    %.*s\n", (int)n, p);
        p += n + (p[n] == '\n');
    }
    w->text.len = 0;
}

static void flush_table(struct writer *w)
{
    struct grid g = {.names = w->cells.v,
                     .ncolumns = w->columns,
                     .nrows = w->columns ? w->cells.n / w->columns - 1 : 0,
                     .cells = w->cells.v + w->columns,
                     .right = w->right.v,
                     .rule = true,
                     .width = w->width - indent(w),
                     .narrow = GRID_WRAP};
    grid_add(w->out, &g);
    arena_free(w->a);
    w->a = NULL;
    w->cells.n = w->cells.cap = w->right.n = w->right.cap = w->columns = 0;
}

static int enter_block(MD_BLOCKTYPE type, void *detail, void *arg)
{
    struct writer *w = arg;
    switch (type) {
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        if (w->depth >= MAX_DEPTH)
            return -1;   /* md4c goes on after a positive one */
        if (w->text.len) /* a tight item's text before its inner list */
            flush_filled(w);
        if (w->depth == 0)
            blank_line(w);
        w->list[w->depth].ordered = type == MD_BLOCK_OL;
        w->list[w->depth++].next = type == MD_BLOCK_OL ? ((MD_BLOCK_OL_DETAIL *)detail)->start : 0;
        break;
    case MD_BLOCK_LI:
        w->list[w->depth - 1].item_begun = false;
        break;
    case MD_BLOCK_QUOTE:
        blank_line(w);
        w->quotes++;
        break;
    case MD_BLOCK_HR:
        blank_line(w);
        for (int i = 0; i < w->width; i++)
            buf_addf(w->out, "-");
        buf_addf(w->out, "\n");
        break;
    case MD_BLOCK_CODE:
        w->code = true;
        blank_line(w);
        break;
    case MD_BLOCK_TABLE:
        blank_line(w);
        w->a = arena_new();
        w->cells.v = NULL;
        w->right.v = NULL;
        break;
    case MD_BLOCK_TH:
        *arena_push(w->a, &w->right) = ((MD_BLOCK_TD_DETAIL *)detail)->align == MD_ALIGN_RIGHT;
        w->columns++;
        break;
    case MD_BLOCK_P:
        if (w->depth == 0 || w->list[w->depth - 1].item_begun)
            blank_line(w);
        break;
    case MD_BLOCK_H:
        blank_line(w);
        break;
    case MD_BLOCK_DOC:
    case MD_BLOCK_HTML:
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
        flush_heading(w, ((MD_BLOCK_H_DETAIL *)detail)->level);
        break;
    case MD_BLOCK_P:
    case MD_BLOCK_LI:
        flush_filled(w);
        break;
    case MD_BLOCK_UL:
    case MD_BLOCK_OL:
        w->depth--;
        break;
    case MD_BLOCK_QUOTE:
        w->quotes--;
        break;
    case MD_BLOCK_CODE:
        flush_code(w);
        w->code = false;
        break;
    case MD_BLOCK_TH:
    case MD_BLOCK_TD:
        *arena_push(w->a, &w->cells) = arena_strn(w->a, w->text.p, w->text.len);
        w->text.len = 0;
        break;
    case MD_BLOCK_TABLE:
        flush_table(w);
        break;
    case MD_BLOCK_HTML:
        w->text.len = 0; /* comments and tags say nothing on paper */
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

static int enter_span(MD_SPANTYPE type, void *detail, void *arg)
{
    (void)type, (void)detail, (void)arg;
    return 0;
}

static int leave_span(MD_SPANTYPE type, void *detail, void *arg)
{
    struct writer *w = arg;
    if (type == MD_SPAN_A) {
        const MD_ATTRIBUTE *href = &((MD_SPAN_A_DETAIL *)detail)->href;
        if (href->size && !(w->text.len >= href->size &&
                            memcmp(w->text.p + w->text.len - href->size, href->text, href->size) == 0))
            buf_addf(&w->text, " (%.*s)", (int)href->size, href->text);
    }
    return 0;
}

const char *markdown_entity(struct str s)
{
    static const struct {
        const char *entity, *text;
    } known[] = {{"&amp;", "&"},
                 {"&lt;", "<"},
                 {"&gt;", ">"},
                 {"&quot;", "\""},
                 {"&nbsp;", "\xc2\xa0"},
                 {"&mdash;", "\xe2\x80\x94"},
                 {"&ndash;", "\xe2\x80\x93"},
                 {"&hellip;", "\xe2\x80\xa6"},
                 {"&times;", "\xc3\x97"},
                 {"&euro;", "\xe2\x82\xac"}};
    for (size_t i = 0; i < countof(known); i++)
        if (str_is(s, known[i].entity))
            return known[i].text;
    return NULL;
}

static int add_text(MD_TEXTTYPE type, const MD_CHAR *text, MD_SIZE size, void *arg)
{
    struct writer *w = arg;
    switch (type) {
    case MD_TEXT_BR:
        buf_addf(&w->text, "\n");
        break;
    case MD_TEXT_SOFTBR:
        buf_addf(&w->text, " ");
        break;
    case MD_TEXT_ENTITY:
        if (markdown_entity((struct str){text, size}))
            buf_addf(&w->text, "%s", markdown_entity((struct str){text, size}));
        else
            buf_add(&w->text, text, size);
        break;
    case MD_TEXT_HTML:
    case MD_TEXT_NULLCHAR:
        break;
    case MD_TEXT_NORMAL:
    case MD_TEXT_CODE:
    case MD_TEXT_LATEXMATH:
        buf_add(&w->text, text, size);
        break;
    }
    return 0;
}

bool markdown_text(const char *text, int width, struct buf *out, struct err *e)
{
    struct writer w = {.out = out, .width = width, .text = BUF(16 << 20)};
    const MD_PARSER parser = {.flags =
                                  MD_FLAG_TABLES | MD_FLAG_STRIKETHROUGH | MD_FLAG_PERMISSIVEURLAUTOLINKS,
                              .enter_block = enter_block,
                              .leave_block = leave_block,
                              .enter_span = enter_span,
                              .leave_span = leave_span,
                              .text = add_text};
    int rc = md_parse(text, (MD_SIZE)strlen(text), &parser, &w);
    arena_free(w.a);
    bool ok = buf_done(&w.text, e);
    buf_free(&w.text);
    return ok && (rc == 0 || fail(e, ERR_LIMIT, "the Markdown is nested too deeply"));
}
