#include "page/blocks.h"

#include <string.h>

struct cutter {
    struct arena *a;
    const char *file;
    struct list_of(struct block) blocks;
    const char *from; /* start of the Markdown not yet cut off */
    int from_line;
};

static const char *next_line(const char *p)
{
    p += strcspn(p, "\n");
    return *p ? p + 1 : p;
}

static void cut_markdown(struct cutter *c, const char *end)
{
    if (end > c->from)
        *arena_push(c->a, &c->blocks) =
            (struct block){.kind = BLOCK_MARKDOWN,
                           .body = arena_strn(c->a, c->from, (size_t)(end - c->from)),
                           .at = {c->file, c->from_line, 1}};
}

/* The fence that opens at p: how many of its character, 0 = none. */
static size_t fence(const char *p)
{
    size_t n = strspn(p, p[0] == '~' ? "~" : "`");
    return (p[0] == '`' || p[0] == '~') && n >= 3 ? n : 0;
}

/* Where the line that closes the fence begins, which holds nothing else; NULL = never. */
static const char *closing(const char *p, char mark, size_t n, int *line)
{
    for (; *p; p = next_line(p), ++*line) {
        size_t ticks = p[0] == mark ? fence(p) : 0;
        if (ticks >= n && strchr("\r\n", p[ticks + strspn(p + ticks, " \t")]))
            return p;
    }
    return NULL;
}

static bool block_kind(struct str word, enum block_kind *ret)
{
    static const struct {
        const char *word;
        enum block_kind kind;
    } kinds[] = {{"sql", BLOCK_SQL},
                 {"table", BLOCK_TABLE},
                 {"value", BLOCK_VALUE},
                 {"chart", BLOCK_CHART},
                 {"input", BLOCK_INPUT}};
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_is(word, kinds[i].word)) {
            *ret = kinds[i].kind;
            return true;
        }
    return false;
}

/* Does a block of ours begin in there? Then the one around it was to end before. */
static bool holds_block(const char *p, const char *end)
{
    enum block_kind ignored;
    for (; p < end; p = next_line(p)) {
        const char *word = p + fence(p) + strspn(p + fence(p), " \t");
        if (fence(p) && block_kind((struct str){word, strcspn(word, " \t\r\n")}, &ignored))
            return true;
    }
    return false;
}

static bool read_name(struct cutter *c, const char *line, size_t ticks, int at_line, struct block *b,
                      struct err *e)
{
    const char *word = line + ticks + strspn(line + ticks, " \t");
    size_t n = strcspn(word, " \t\r\n");
    const char *name = word + n + strspn(word + n, " \t");
    size_t name_n = strcspn(name, " \t\r\n");
    b->name_at = (struct src){c->file, at_line, (int)(name - line) + 1};
    if (name_n == 0) {
        fail_at(e, ERR_USER, b->name_at, "this block needs a name");
        return hint(e, "write ```%.*s NAME", (int)n, word);
    }
    b->name = arena_strn(c->a, name, name_n);
    if (b->kind == BLOCK_CHART && (memchr(name, '/', name_n) || name[0] == '.')) {
        fail_at(e, ERR_USER, b->name_at, "'%s' cannot be the name of a chart", b->name);
        return hint(e, "its pictures are files of that name: no / in it, and no . at its begin");
    }
    return true;
}

/* "```tabel top" would be shown as a piece of code. */
static bool check_kind(const struct cutter *c, const char *line, const char *word, int at_line, struct err *e)
{
    static const char *const kinds[] = {"table", "value", "chart", "input"};
    size_t n = strcspn(word, " \t\r\n"), blanks = strspn(word + n, " \t");
    const char *near = text_nearest(arena_strn(c->a, word, n), kinds, countof(kinds));
    if (!blanks || !word[n + blanks] || strchr("\r\n", word[n + blanks]) || !near)
        return true;
    struct src at = {c->file, at_line, (int)(word - line) + 1};
    fail_at(e, ERR_USER, at, "unknown kind of block '%.*s'", (int)n, word);
    return hint(e, "did you mean '%s'?", near);
}

/* Editors of some systems begin a file with a mark. */
static const char *skip_byte_order(const char *text)
{
    return strncmp(text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
}

static const char *skip_front_matter(const char *text, int *line)
{
    if (strncmp(text, "---\n", 4) != 0)
        return text;
    int at = 2;
    for (const char *p = text + 4; *p; p = next_line(p), at++)
        if (strncmp(p, "---", 3) == 0 && (p[3] == '\n' || p[3] == '\0')) {
            *line = at + 1;
            return next_line(p);
        }
    return text;
}

bool blocks_split(struct arena *a, const char *file, const char *text, struct block **ret, size_t *ret_n,
                  struct err *e)
{
    struct cutter c = {.a = a, .file = file};
    int line = 1;
    const char *p = skip_front_matter(skip_byte_order(text), &line);
    c.from = p;
    c.from_line = line;
    while (*p) {
        size_t ticks = fence(p);
        if (!ticks) {
            p = next_line(p);
            line++;
            continue;
        }
        const char *word = p + ticks + strspn(p + ticks, " \t");
        struct block b = {0};
        bool ours = block_kind((struct str){word, strcspn(word, " \t\r\n")}, &b.kind);
        if (ours ? !read_name(&c, p, ticks, line, &b, e) : !check_kind(&c, p, word, line, e))
            return false;
        const char *body = next_line(p);
        int end_line = line + 1;
        const char *end = closing(body, p[0], ticks, &end_line);
        if (!end || (ours && holds_block(body, end))) {
            struct src open = {file, line, 1};
            fail_at(e, ERR_USER, open, "this block is never closed");
            return hint(e, "close it with a line of %.*s", (int)ticks, p);
        }
        if (ours) {
            cut_markdown(&c, p);
            b.body = arena_strn(a, body, (size_t)(end - body));
            b.at = (struct src){file, line + 1, 1};
            *arena_push(a, &c.blocks) = b;
        }
        p = next_line(end);
        line = end_line + 1;
        if (ours) {
            c.from = p;
            c.from_line = line;
        }
    }
    cut_markdown(&c, p);
    *ret = c.blocks.v;
    *ret_n = c.blocks.n;
    return true;
}
