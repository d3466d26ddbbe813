#include "cli/pages.h"

#include <fnmatch.h>
#include <string.h>

#include "base/text.h"
#include "page/blocks.h"

/* Is there a file whose path begins like that and that could not be read? Its mistake is *e then. */
static bool unreadable(const struct opened *x, const char *begin, struct err *e)
{
    for (size_t i = 0; i < x->problems.n; i++)
        if (x->problems.v[i].at.file && strncmp(x->problems.v[i].at.file, begin, strlen(begin)) == 0) {
            *e = x->problems.v[i];
            return true;
        }
    return false;
}

static bool no_page(struct app *app, const struct opened *x, const char *name, struct err *e)
{
    const struct project *p = x->project;
    if (unreadable(x, arena_fmt(app->a, "pages/%s.md", name), e))
        return false;
    const char **names = arena_make(app->a, const char *, p->npages + 1);
    for (size_t i = 0; i < p->npages; i++)
        names[i] = p->pages[i].name;
    const char *near = text_nearest(name, names, p->npages);
    fail(e, ERR_USER, "no page '%s'", name);
    if (near)
        return hint(e, "did you mean '%s'?", near);
    return hint(e, "pages are the files in pages/*.md");
}

bool pages_choose(struct app *app, const struct opened *x, bool all, const struct page ***ret, size_t *ret_n,
                  struct err *e)
{
    const struct project *p = x->project;
    bool *chosen = arena_make(app->a, bool, p->npages + 1);
    for (size_t k = 0; k < app->nargs; k++) {
        bool some = false;
        for (size_t i = 0; i < p->npages; i++)
            if (strcmp(p->pages[i].name, app->args[k]) == 0 ||
                fnmatch(app->args[k], p->pages[i].name, 0) == 0)
                chosen[i] = some = true;
        if (!some)
            return no_page(app, x, app->args[k], e);
    }
    *ret = arena_make(app->a, const struct page *, p->npages + 1);
    *ret_n = 0;
    for (size_t i = 0; i < p->npages; i++)
        if (all || chosen[i])
            (*ret)[(*ret_n)++] = &p->pages[i];
    if (*ret_n)
        return true;
    if (unreadable(x, "pages/", e))
        return false;
    fail(e, ERR_USER, "the project has no pages");
    return hint(e, "pages are the files in pages/*.md");
}

struct named {
    const char *name;
    struct src at;
};

static bool clash(const struct named *a, const struct named *b, struct err *e)
{
    fail_at(e, ERR_USER, b->at, "'%s' and '%s' both have a chart '%s': they would be one file", a->at.file,
            b->at.file, b->name);
    return hint(e, "give one of them another name, or render the pages into folders of their own");
}

bool pages_charts(struct app *app, const struct page *const *pages, size_t n, bool *ret_some, struct err *e)
{
    struct list_of(struct named) seen = {0};
    for (size_t i = 0; i < n; i++) {
        struct block *blocks;
        size_t nblocks, before = seen.n;
        struct err ignored; /* said when the page is rendered */
        if (!blocks_split(app->a, pages[i]->path, pages[i]->text, &blocks, &nblocks, &ignored))
            continue;
        for (size_t k = 0; k < nblocks; k++) {
            const struct named x = {blocks[k].name, blocks[k].name_at};
            if (blocks[k].kind != BLOCK_CHART)
                continue;
            for (size_t j = 0; j < before; j++)
                if (strcmp(seen.v[j].name, x.name) == 0)
                    return clash(&seen.v[j], &x, e);
            *arena_push(app->a, &seen) = x;
        }
    }
    *ret_some = seen.n > 0;
    return true;
}
