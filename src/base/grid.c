/* Widths first: what every column needs, then what it gets. */
#include "base/grid.h"

#include <string.h>

#include "base/text.h"

enum { GAP = 2, CUT_LEAST = 8, WRAP_LEAST = 10 };

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

/* --- what is in the cells --- */

struct column {
    const char **cells; /* nrows + 1: the head first */
    bool right;
    int need, least, width;
    int below; /* what the cells need, without the head */
};

struct layout {
    const struct grid *g;
    struct arena *a;
    struct column *columns;
    size_t n; /* columns shown */
};

static bool is_control(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7f && rune < 0xa0);
}

static const char *printable(struct arena *a, const char *s)
{
    uint32_t rune = 0;
    size_t n = strlen(s), clean = 0;
    for (int len; clean < n && (len = text_rune(s + clean, n - clean, &rune)) > 0 && !is_control(rune);)
        clean += (size_t)len;
    if (clean == n)
        return s;
    auto_buf b = BUF(SIZE_MAX / 8);
    for (int len; n > 0; s += len, n -= (size_t)len) {
        len = text_rune(s, n, &rune);
        if (len == 0) {
            buf_addf(&b, "\\x%02x", (unsigned char)*s);
            len = 1;
        } else if (!is_control(rune)) {
            buf_add(&b, s, (size_t)len);
        } else if (rune == '\n' || rune == '\t' || rune == '\r') {
            buf_addf(&b, "\\%c", rune == '\n' ? 'n' : rune == '\t' ? 't' : 'r');
        } else {
            buf_addf(&b, "\\x%02x", (unsigned)rune);
        }
    }
    return arena_strn(a, b.p, b.len);
}

static int width_of(const char *s)
{
    return text_width(s, strlen(s));
}

static int longest_word(const char *s)
{
    int most = 0;
    for (size_t n; *s; s += n + (s[n] == ' ')) {
        n = strcspn(s, " ");
        int w = text_width(s, n);
        most = w > most ? w : most;
    }
    return most;
}

static int least_of(const struct grid *g, const struct column *c, const char *s, bool head)
{
    if (g->narrow == GRID_WRAP) {
        int w = longest_word(s);
        return c->right || w < WRAP_LEAST ? w : WRAP_LEAST;
    }
    int w = width_of(s);
    return (c->right && !head) || w < CUT_LEAST ? w : CUT_LEAST; /* a figure that is cut is another one */
}

static void measure(struct layout *l, size_t i)
{
    const struct grid *g = l->g;
    struct column *c = &l->columns[i];
    c->cells = arena_make(l->a, const char *, g->nrows + 1);
    c->cells[0] = printable(l->a, g->names[i]);
    c->right = g->right ? g->right[i] : g->nrows > 0;
    for (size_t r = 0; r < g->nrows; r++) {
        const char *s = g->cells[r * g->ncolumns + i];
        c->cells[r + 1] = s ? printable(l->a, s) : "";
        if (!g->right)
            c->right = c->right && (!s || !*s || numeric(s));
    }
    for (size_t r = 0; r <= g->nrows; r++) {
        int need = width_of(c->cells[r]);
        c->need = need > c->need ? need : c->need;
        c->below = r && need > c->below ? need : c->below;
    }
    for (size_t r = 0; r <= g->nrows; r++) {
        int least = least_of(g, c, c->cells[r], r == 0);
        c->least = least > c->least ? least : c->least;
    }
}

/* --- what they get --- */

/* The next line of a wrapped text: its bytes; *p moves behind it and the blanks that follow. */
static struct str next_line(const char **p, int width)
{
    const char *s = *p;
    size_t n = strlen(s), fits = text_fit(s, n, width), end = fits;
    if (fits < n) {
        while (end > 0 && s[end] != ' ')
            end--;
        if (end == 0)
            end = fits ? fits : 1;
    }
    *p = s + end + strspn(s + end, " ");
    while (end > 0 && s[end - 1] == ' ')
        end--;
    return (struct str){s, end};
}

/* The longest line of a text that is wrapped at that width. */
static int longest_line(const char *s, int width)
{
    int most = 0;
    while (*s) {
        struct str line = next_line(&s, width);
        int w = text_width(line.p, line.n);
        most = w > most ? w : most;
    }
    return most;
}

struct caps {
    int head, all; /* GRID_WRAP: heads may make a column as wide as that; no column is wider than that */
};

static int larger(int x, int y)
{
    return x > y ? x : y;
}

static int smaller(int x, int y)
{
    return x < y ? x : y;
}

static int capped(const struct layout *l, const struct column *c, struct caps caps)
{
    if (l->g->narrow == GRID_CUT)
        return larger(smaller(c->need, caps.all), c->least);
    int w = larger(larger(c->below, smaller(c->need, caps.head)), c->least);
    w = larger(smaller(w, caps.all), c->least);
    /* a head in several lines may need less than it was given */
    return w < c->need ? larger(longest_line(c->cells[0], w), smaller(c->below, w)) : w;
}

static int total(const struct layout *l, struct caps caps)
{
    int sum = 0;
    for (size_t i = 0; i < l->n; i++)
        sum += capped(l, &l->columns[i], caps) + (i ? GAP : 0);
    return sum;
}

/* Heads go on in further lines first, then the widest columns give way: all get at most as much as the
 * largest cap that lets them fit. */
static void share(struct layout *l)
{
    struct caps caps = {0};
    int room = l->g->width;
    l->n = l->g->ncolumns;
    for (size_t i = 0; i < l->n; i++)
        caps.all = larger(caps.all, l->columns[i].need);
    caps.head = caps.all;
    if (room > 0) {
        while (l->n > 1 && l->g->narrow == GRID_CUT && total(l, (struct caps){0}) > room)
            l->n--;
        while (l->g->narrow == GRID_WRAP && caps.head > 1 && total(l, caps) > room)
            caps.head--;
        while (caps.all > 1 && total(l, caps) > room && total(l, caps) > total(l, (struct caps){0}))
            caps.all--;
    }
    for (size_t i = 0; i < l->n; i++)
        l->columns[i].width = capped(l, &l->columns[i], caps);
    struct column *one = &l->columns[0];
    if (room > 0 && l->n == 1 && l->g->narrow == GRID_CUT && one->width > room)
        one->width = room;
}

/* --- lines --- */

static void pad(struct buf *out, int n, const char *with)
{
    for (; n > 0; n--)
        buf_addf(out, "%s", with);
}

static void trim_end(struct buf *out, size_t from)
{
    while (out->len > from && out->p[out->len - 1] == ' ')
        out->p[--out->len] = '\0';
}

static void add_cell(struct buf *out, const struct layout *l, const struct column *c, struct str s)
{
    int w = text_width(s.p, s.n);
    if (w > c->width) {
        const char *dots = l->g->ascii ? "..." : "\xe2\x80\xa6";
        int dots_wide = l->g->ascii ? 3 : 1;
        if (c->width <= dots_wide)
            dots = "", dots_wide = 0;
        size_t fits = text_fit(s.p, s.n, c->width - dots_wide);
        w = text_width(s.p, fits) + dots_wide;
        buf_add(out, s.p, fits);
        buf_addf(out, "%s", dots);
        pad(out, c->width - w, " ");
        return;
    }
    pad(out, c->right ? c->width - w : 0, " ");
    buf_add(out, s.p, s.n);
    pad(out, c->right ? 0 : c->width - w, " ");
}

static size_t lines_of(const struct column *c, size_t row)
{
    size_t n = 0;
    for (const char *p = c->cells[row]; *p; n++)
        next_line(&p, c->width);
    return n;
}

/* A row of the table; heads that go on stand on the rule, cells hang from above. */
static void add_row(struct buf *out, const struct layout *l, size_t row)
{
    bool wrap_it = l->g->narrow == GRID_WRAP;
    size_t high = 1;
    const char **at = arena_make(l->a, const char *, l->n);
    for (size_t i = 0; i < l->n; i++) {
        at[i] = l->columns[i].cells[row];
        size_t n = wrap_it ? lines_of(&l->columns[i], row) : 1;
        high = n > high ? n : high;
    }
    for (size_t k = 0; k < high; k++) {
        size_t from = out->len;
        for (size_t i = 0; i < l->n; i++) {
            const struct column *c = &l->columns[i];
            struct str s = {at[i], wrap_it ? 0 : strlen(at[i])};
            if (wrap_it && (row > 0 || k + lines_of(c, row) >= high))
                s = next_line(&at[i], c->width);
            add_cell(out, l, c, s);
            pad(out, i + 1 < l->n ? GAP : 0, " ");
        }
        trim_end(out, from);
        buf_addf(out, "\n");
    }
}

size_t grid_add(struct buf *out, const struct grid *g)
{
    auto_arena *a = arena_new();
    struct layout l = {.g = g, .a = a, .columns = arena_make(a, struct column, g->ncolumns)};
    for (size_t i = 0; i < g->ncolumns; i++)
        measure(&l, i);
    if (g->ncolumns == 0)
        return 0;
    share(&l);
    add_row(out, &l, 0);
    for (size_t i = 0; g->rule && i < l.n; i++) {
        pad(out, l.columns[i].width, g->ascii ? "-" : "\xe2\x94\x80");
        buf_addf(out, i + 1 == l.n ? "\n" : "  ");
    }
    for (size_t r = 0; r < g->nrows; r++)
        add_row(out, &l, r + 1);
    return l.n;
}

size_t grid_print(FILE *out, const struct grid *g)
{
    auto_buf b = BUF(SIZE_MAX / 4);
    size_t n = grid_add(&b, g);
    fwrite(b.p, 1, b.len, out);
    return n;
}
