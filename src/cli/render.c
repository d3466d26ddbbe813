#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/terminal.h"
#include "page/page.h"

struct render_conf {
    const char *to, *out, *now;
    int64_t width;
};
static const struct opt render_options[] = {
    {"to", 0, OPT_TEXT, offsetof(struct render_conf, to), "FORMAT", "txt"},
    {"out", 0, OPT_TEXT, offsetof(struct render_conf, out), "DIR", "Write DIR/PAGE.txt (default: print it)"},
    {"now", 0, OPT_TEXT, offsetof(struct render_conf, now), "TIME", "$now of the page's queries"},
    {"width", 0, OPT_COUNT, offsetof(struct render_conf, width), "COLUMNS",
     "Of the text (default 100, less on a narrower terminal)"},
    {0},
};

enum { DEFAULT_WIDTH = 100 };

static const struct page *find_page(const struct project *p, const char *name, struct err *e)
{
    const char **names = calloc(p->npages + 1, sizeof *names);
    for (size_t i = 0; i < p->npages; i++) {
        if (strcmp(p->pages[i].name, name) == 0) {
            free(names);
            return &p->pages[i];
        }
        if (names)
            names[i] = p->pages[i].name;
    }
    const char *near = names ? text_nearest(name, names, p->npages) : NULL;
    fail(e, ERR_USER, "no page '%s'", name);
    if (near)
        hint(e, "did you mean '%s'?", near);
    else
        hint(e, "pages are the files in pages/*.md");
    free(names);
    return NULL;
}

static bool render(struct app *app, const void *conf, struct err *e)
{
    const struct render_conf *c = conf;
    if (c->to && strcmp(c->to, "txt") != 0) {
        fail(e, ERR_USER, "--to %s is not in this build", c->to);
        return hint(e, "--to txt is");
    }
    int terminal = c->out ? 0 : terminal_width(STDOUT_FILENO);
    int width = c->width ? (int)c->width : terminal && terminal < DEFAULT_WIDTH ? terminal : DEFAULT_WIDTH;
    if (c->width && (c->width < 20 || c->width > 10000))
        return fail(e, ERR_USER, "--width must be from 20 to 10000");
    struct run_options o = {.start_us = INT64_MIN, .end_us = INT64_MAX, .now_pinned = c->now != NULL};
    struct opened x;
    if (c->now && !clock_parse(c->now, &o.now_us, e))
        return wrap(e, "--now");
    if (!app_open(app, OPEN_BOUND, &o, &x, e))
        return false;
    const struct page *page = find_page(x.project, app->args[0], e);
    auto_buf out = BUF(256 << 20);
    if (!page || !page_text(app->a, &x.shop, x.session, page, width < 20 ? 20 : width, &out, e))
        return false;
    if (!c->out) {
        fwrite(out.p, 1, out.len, stdout);
        return true;
    }
    const char *path = arena_fmt(app->a, "%s/%s.txt", c->out, page->name);
    if (!fs_mkdirs(c->out, e) || !fs_write_atomic(path, out.p, out.len, e))
        return false;
    if (app->json)
        print_json(json_pack("{s:[s]}", "written", path));
    else
        printf("%s\n", path);
    return true;
}

const struct cmd cmd_render = {
    .name = "render",
    .args = "PAGE",
    .summary = "a page of the project as text",
    .options = render_options,
    .conf_size = sizeof(struct render_conf),
    .min_args = 1,
    .max_args = 1,
    .run = render,
};
