#include <ctype.h>
#include <string.h>

#include "page/blocks.h"
#include "page/page.h"

/* The first heading of the first level, without its marks; NULL = there is none that is the same each time.
 */
static const char *first_heading(struct arena *a, const char *markdown)
{
    for (const char *p = markdown; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        if (strncmp(p, "# ", 2) != 0)
            continue;
        const char *line = arena_strn(a, p + 2, strcspn(p + 2, "\r\n"));
        auto_buf title = BUF(1 << 16);
        if (strstr(line, "{{"))
            return NULL;
        for (const char *c = line; *c; c++)
            if (!strchr("*`", *c) && !(*c == '\\' && ispunct((unsigned char)c[1])))
                buf_addf(&title, "%c", *c);
        struct str said = str_trim((struct str){title.p, title.len});
        return said.n ? arena_strn(a, said.p, said.n) : NULL;
    }
    return NULL;
}

const char *page_title(struct arena *a, const struct page *p)
{
    struct block *blocks;
    size_t n;
    struct err ignored; /* said when the page is rendered */
    const char *title = NULL;
    if (blocks_split(a, p->path, p->text, &blocks, &n, &ignored))
        for (size_t i = 0; i < n && !title; i++)
            title = blocks[i].kind == BLOCK_MARKDOWN ? first_heading(a, blocks[i].body) : NULL;
    return title ? title : p->name;
}

const char *page_href(struct arena *a, const char *from, const char *to)
{
    auto_buf b = BUF(1 << 16);
    for (const char *p = from; (p = strchr(p, '/')); p++)
        buf_addf(&b, "../");
    for (const char *p = to; *p; p++)
        buf_addf(&b, isalnum((unsigned char)*p) || strchr("-_.~/", *p) ? "%c" : "%%%02X", (unsigned char)*p);
    buf_addf(&b, ".html");
    return arena_str(a, b.p);
}
