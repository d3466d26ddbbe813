#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/inotify.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "cli/cmd.h"
#include "cli/pages.h"
#include "cli/terminal.h"
#include "page/sheet.h"

struct render_conf {
    const char *to, *out, *now, *theme;
    int64_t width;
    struct opt_list inputs;
    bool all, index, still, watch, whole;
};
static const struct opt render_options[] = {
    {"all", 0, OPT_FLAG, offsetof(struct render_conf, all), NULL, "All pages of the project"},
    {"to", 0, OPT_TEXT, offsetof(struct render_conf, to), "FORMATS",
     "txt (default), html, pdf of the page, svg and png of its charts; several: txt,png"},
    {"out", 0, OPT_TEXT, offsetof(struct render_conf, out), "DIR",
     "Write DIR/PAGE.FORMAT, and DIR/CHART.FORMAT of charts (default: print the page)"},
    {"input", 'i', OPT_LIST, offsetof(struct render_conf, inputs), "NAME=VALUE",
     "What an input of the page is set to: genre=Drama, days=2026-01-01..2026-01-31"},
    {"theme", 0, OPT_TEXT, offsetof(struct render_conf, theme), "THEME",
     "light (default) or dark, of svg and png"},
    {"static", 0, OPT_FLAG, offsetof(struct render_conf, still), NULL,
     "html: charts as pictures, for mails and where no script may run"},
    {"whole", 0, OPT_FLAG, offsetof(struct render_conf, whole), NULL,
     "png: the page as one picture, DIR/PAGE.png, instead of its charts"},
    {"index", 0, OPT_FLAG, offsetof(struct render_conf, index), NULL,
     "html: links between the pages, and DIR/index.html that lists them"},
    {"watch", 0, OPT_FLAG, offsetof(struct render_conf, watch), NULL,
     "Render again whenever the page is saved, until Ctrl-C"},
    {"now", 0, OPT_TEXT, offsetof(struct render_conf, now), "TIME", "$now of the page's queries"},
    {"width", 0, OPT_COUNT, offsetof(struct render_conf, width), "COLUMNS",
     "Of the text (default 100, less on a narrower terminal)"},
    {0},
};

enum { DEFAULT_WIDTH = 100, MAX_FORMATS = 8 };

struct rendering {
    struct app *app;
    const struct render_conf *conf;
    enum chart_theme theme;
    struct sheet sheet;
    json_t *written;
    int64_t now_us;
    const struct format *formats[MAX_FORMATS];
    size_t nformats;
    const struct page **pages;
    const char **titles; /* of the pages, when they have links to one another */
    size_t npages;
};

/* --- the media --- */

static bool as_text(const struct rendering *r, struct buf *out, struct err *e)
{
    const struct render_conf *c = r->conf;
    int terminal = c->out ? 0 : terminal_width(STDOUT_FILENO);
    int width = c->width ? (int)c->width : terminal && terminal < DEFAULT_WIDTH ? terminal : DEFAULT_WIDTH;
    return page_text(&r->sheet, width < 20 ? 20 : width, out, e);
}

static const struct page_link *links_from(const struct rendering *r, const char *name)
{
    struct page_link *links = arena_make(r->app->a, struct page_link, r->npages);
    for (size_t i = 0; i < r->npages; i++)
        links[i] = (struct page_link){.title = r->titles[i],
                                      .href = page_href(r->app->a, name, r->pages[i]->name),
                                      .here = strcmp(name, r->pages[i]->name) == 0};
    return links;
}

static bool as_html(const struct rendering *r, struct buf *out, struct err *e)
{
    struct page_html_how how = {.live = !r->conf->still,
                                .picture = !r->conf->watch}; /* who is writing does not wait for one */
    if (r->conf->index) {
        how.links = links_from(r, r->sheet.page->name);
        how.nlinks = r->npages;
    }
    return page_html(&r->sheet, how, out, e);
}

static bool as_pdf(const struct rendering *r, struct buf *out, struct err *e)
{
    char time[32];
    return page_pdf(&r->sheet, clock_format(time, r->now_us, 0), out, e);
}

static bool as_picture(const struct rendering *r, struct buf *out, struct err *e)
{
    return page_png(&r->sheet, out, e);
}

static bool as_svg(const struct rendering *r, const struct sheet_chart *c, struct buf *out, struct err *e)
{
    struct chart_svg svg;
    if (!sheet_svg(&r->sheet, c, SHEET_ALONE, r->theme, &svg, e))
        return false;
    buf_add(out, svg.svg, svg.n);
    return buf_done(out, e);
}

static bool as_png(const struct rendering *r, const struct sheet_chart *c, struct buf *out, struct err *e)
{
    const char *png;
    size_t n;
    if (!sheet_png(&r->sheet, c, SHEET_ALONE, r->theme, &png, &n, e))
        return false;
    buf_add(out, png, n);
    return buf_done(out, e);
}

static const struct format {
    const char *name;
    bool (*write)(const struct rendering *r, struct buf *out, struct err *e); /* the page; or: */
    bool (*draw)(const struct rendering *r, const struct sheet_chart *c, struct buf *out, struct err *e);
} formats[] = {{"txt", as_text, NULL},
               {"html", as_html, NULL},
               {"pdf", as_pdf, NULL},
               {"svg", NULL, as_svg},
               {"png", NULL, as_png}},
  whole_png = {"png", as_picture, NULL};

static bool find_formats(struct app *app, const char *list, const struct format **ret, size_t *ret_n,
                         struct err *e)
{
    const char *names[countof(formats)];
    *ret_n = 0;
    for (size_t i = 0; i < countof(formats); i++)
        names[i] = formats[i].name;
    for (const char *p = list; p; p = strchr(p, ',') ? strchr(p, ',') + 1 : NULL) {
        const char *name = arena_strn(app->a, p, strcspn(p, ","));
        size_t i = 0;
        while (i < countof(formats) && strcmp(formats[i].name, name) != 0)
            i++;
        if (i == countof(formats) || *ret_n == MAX_FORMATS) {
            const char *near = text_nearest(name, names, countof(names));
            fail(e, ERR_USER, "--to: there is no format '%s'", name);
            return hint(e, near ? "did you mean '%s'?" : "there are txt, html, pdf, svg and png%s",
                        near ? near : "");
        }
        ret[(*ret_n)++] = &formats[i];
    }
    return true;
}

/* DIR/NAME.FORMAT; a page may be in a folder of pages/. */
static bool put(struct rendering *r, const char *name, const struct format *f, const struct buf *b,
                struct err *e)
{
    struct app *app = r->app;
    const char *path = arena_fmt(app->a, "%s/%s.%s", r->conf->out, name, f->name);
    char *dir = arena_str(app->a, path);
    *strrchr(dir, '/') = '\0';
    if (!fs_mkdirs(dir, e) || !fs_write_atomic(path, b->p, b->len, e))
        return false;
    if (!app->json)
        printf("%s\n", path);
    json_array_append_new(r->written, json_string(path));
    return true;
}

static bool write_charts(struct rendering *r, const struct format *f, struct err *e)
{
    const struct sheet *s = &r->sheet;
    bool some = false;
    for (size_t i = 0; i < s->nblocks; i++) {
        const struct sheet_chart *c = sheet_chart(s, &s->blocks[i]);
        auto_buf out = BUF(512 << 20);
        if (c && (!f->draw(r, c, &out, e) || !put(r, c->chart.name, f, &out, e)))
            return false;
        some = some || c;
    }
    return some || r->npages > 1 || fail(e, ERR_USER, "page '%s' has no charts", s->page->name);
}

static bool write_one(struct rendering *r, const struct format *f, struct err *e)
{
    auto_buf out = BUF(512 << 20);
    if (f->draw)
        return write_charts(r, f, e);
    if (!f->write(r, &out, e))
        return false;
    if (r->conf->out)
        return put(r, r->sheet.page->name, f, &out, e);
    fwrite(out.p, 1, out.len, stdout);
    return true;
}

static bool find_theme(const char *name, enum chart_theme *ret, struct err *e)
{
    bool dark = name && strcmp(name, "dark") == 0;
    *ret = dark ? CHART_DARK : CHART_LIGHT;
    return dark || !name || strcmp(name, "light") == 0 ||
           fail(e, ERR_USER, "--theme is light or dark, not '%s'", name);
}

/* --- once, or at every save --- */

static bool render_once(struct rendering *r, const struct opened *x, struct arena *a, const struct page *page,
                        struct page_memory *memory, struct err *e)
{
    bool html = false;
    for (size_t i = 0; i < r->nformats; i++)
        html = html || r->formats[i]->write == as_html;
    const struct sheet_wish wish = {
        .inputs = r->conf->inputs.v, .memory = memory, .live = html && !r->conf->still};
    if (!sheet_make(a, &x->shop, x->session, page, &wish, &r->sheet, e))
        return false;
    for (size_t i = 0; i < r->nformats; i++)
        if (!write_one(r, r->formats[i], e))
            return false;
    app_problems(r->app, x->project, r->sheet.warnings);
    return true;
}

static void close_fd(void *arg)
{
    close((int)(intptr_t)arg);
}

/* Editors write the file, or write another one and give it the name: the folder tells of both. */
static bool watch_open(struct arena *a, const char *path, int *ret, struct err *e)
{
    char *dir = arena_str(a, path);
    *strrchr(dir, '/') = '\0';
    int fd = inotify_init1(IN_CLOEXEC);
    if (fd < 0 || inotify_add_watch(fd, dir, IN_CLOSE_WRITE | IN_MOVED_TO) < 0)
        return fs_fail(e, "cannot watch", dir);
    arena_defer(a, close_fd, (void *)(intptr_t)fd);
    *ret = fd;
    return true;
}

/* Until something is done to the file of that name; what comes within a moment of it counts as one. */
static bool watch_wait(int fd, const char *name, struct err *e)
{
    enum { MOMENT_MS = 10 };
    bool saved = false;
    for (;;) {
        struct pollfd p = {.fd = fd, .events = POLLIN};
        char events[16 << 10] __attribute__((aligned(8)));
        if (saved && poll(&p, 1, MOMENT_MS) == 0)
            return true;
        ssize_t n = read(fd, events, sizeof events);
        if (n < 0 && errno != EINTR)
            return fs_fail(e, "cannot watch", name);
        for (ssize_t at = 0; at < n;) {
            const struct inotify_event *event = (const void *)(events + at);
            saved = saved || (event->len && strcmp(event->name, name) == 0);
            at += (ssize_t)(sizeof *event + event->len);
        }
    }
}

static bool render_again(struct rendering *r, const struct opened *x, const struct page *page,
                         struct page_memory *memory, const char *path)
{
    auto_arena *a = arena_new();
    struct page fresh = *page;
    struct err e;
    char *text;
    size_t n;
    int64_t begun = clock_mono_us();
    bool ok = fs_read(a, path, 16 << 20, &text, &n, &e);
    fresh.text = text;
    ok = ok && (text_utf8(text, n) || fail(&e, ERR_USER, "'%s' is not valid UTF-8", page->path)) &&
         render_once(r, x, a, &fresh, memory, &e);
    fflush(stdout);
    if (ok)
        fprintf(stderr, "rendered in %.0f ms\n", (double)(clock_mono_us() - begun) / 1e3);
    else
        err_print(stderr, &e, text);
    page_memory_sweep(memory);
    return ok;
}

static bool watch(struct rendering *r, const struct opened *x, const struct page *page, struct err *e)
{
    struct arena *a = r->app->a;
    const char *path = fs_join(a, x->project->root, page->path);
    struct page_memory *memory = page_memory_open(a);
    int fd = -1;
    if (!watch_open(a, path, &fd, e))
        return false;
    do
        render_again(r, x, page, memory, path);
    while (watch_wait(fd, strrchr(path, '/') + 1, e));
    return false;
}

static bool check_whole(struct rendering *r, struct err *e)
{
    bool some = false;
    for (size_t i = 0; i < r->nformats; i++)
        if (r->formats[i]->draw == as_png) {
            r->formats[i] = &whole_png;
            some = true;
        }
    if (!some)
        return fail(e, ERR_USER, "--whole is for --to png");
    return r->theme == CHART_LIGHT || fail(e, ERR_USER, "--whole: the page is drawn on light ground only");
}

static bool check_options(struct rendering *r, struct err *e)
{
    const struct render_conf *c = r->conf;
    if (c->whole && !check_whole(r, e))
        return false;
    if (c->whole && !c->out)
        return fail(e, ERR_USER, "--whole needs --out DIR");
    if (r->nformats > 1 && !c->out)
        return fail(e, ERR_USER, "several formats need --out DIR");
    if (r->formats[0]->draw && !c->out)
        return fail(e, ERR_USER, "--to %s needs --out DIR: each chart is a file", r->formats[0]->name);
    return !c->width || (c->width >= 20 && c->width <= 10000) ||
           fail(e, ERR_USER, "--width must be from 20 to 10000");
}

/* Is the chart library wanted? Paper is laid out by it, too. */
static bool will_draw(const struct rendering *r)
{
    bool some = false;
    for (size_t i = 0; i < r->nformats; i++)
        some = some || r->formats[i]->draw || r->formats[i]->write == as_pdf ||
               r->formats[i]->write == as_picture || (r->formats[i]->write == as_html && r->conf->still);
    return some;
}

static bool prepare_index(struct rendering *r, struct err *e)
{
    bool html = false;
    for (size_t i = 0; i < r->nformats; i++)
        html = html || r->formats[i]->write == as_html;
    if (!html || !r->conf->out || r->conf->watch)
        return fail(e, ERR_USER, "--index is for --to html --out DIR, and not for --watch");
    r->titles = arena_make(r->app->a, const char *, r->npages);
    for (size_t i = 0; i < r->npages; i++) {
        if (strcmp(r->pages[i]->name, "index") == 0) {
            struct src at = {r->pages[i]->path, 1, 1};
            return fail_at(e, ERR_USER, at, "this page would be index.html itself: --index needs that name");
        }
        r->titles[i] = page_title(r->app->a, r->pages[i]);
    }
    return true;
}

/* What can be told before anything is asked or written. */
static bool check_pages(struct rendering *r, struct err *e)
{
    const struct render_conf *c = r->conf;
    if (c->index && !prepare_index(r, e))
        return false;
    bool draws = false, some;
    for (size_t i = 0; i < r->nformats; i++)
        draws = draws || r->formats[i]->draw;
    if (r->npages < 2)
        return true;
    if (!c->out)
        return fail(e, ERR_USER, "several pages need --out DIR");
    if (c->watch)
        return fail(e, ERR_USER, "--watch is for one page");
    if (c->inputs.n) {
        fail(e, ERR_USER, "--input is for one page");
        return hint(e, "render the pages one by one");
    }
    return !draws || (pages_charts(r->app, r->pages, r->npages, &some, e) &&
                      (some || r->nformats > 1 || fail(e, ERR_USER, "none of the pages has charts")));
}

/* Files of pages that are not among the pages, since they are no text. */
static enum err_kind say_unreadable(struct app *app, const struct opened *x)
{
    enum err_kind kind = ERR_NONE;
    for (size_t i = 0; i < x->problems.n; i++) {
        const struct err *e = &x->problems.v[i];
        if (e->kind == ERR_NONE || !e->at.file || strncmp(e->at.file, "pages/", strlen("pages/")) != 0)
            continue;
        app_error(app, e);
        kind = e->kind;
    }
    return kind;
}

/* One that fails is said and does not keep the others from being written; the call fails then with the worst
 * kind and an empty message. */
static bool render_all(struct rendering *r, const struct opened *x, struct err *e)
{
    enum err_kind worst = r->conf->all ? say_unreadable(r->app, x) : ERR_NONE;
    for (size_t i = 0; i < r->npages; i++) {
        auto_arena *a = arena_new();
        struct err why = {0};
        if (render_once(r, x, a, r->pages[i], NULL, &why))
            continue;
        if (r->npages == 1 && worst == ERR_NONE) {
            *e = why;
            return false;
        }
        if (!why.at.file)
            wrap(&why, "page '%s'", r->pages[i]->name);
        app_error(r->app, &why);
        worst = err_exit_code(why.kind) > err_exit_code(worst) ? why.kind : worst;
    }
    return worst == ERR_NONE || fail(e, worst, "%s", ""); /* said already */
}

/* Of the pages that are there, be it from an earlier time. */
static bool write_index(struct rendering *r, const char *title, struct err *e)
{
    auto_buf out = BUF(64 << 20);
    const struct format html = {.name = "html"};
    const struct page_link *all = links_from(r, "index");
    struct page_link *links = arena_make(r->app->a, struct page_link, r->npages);
    size_t n = 0;
    for (size_t i = 0; i < r->npages; i++)
        if (fs_exists(arena_fmt(r->app->a, "%s/%s.html", r->conf->out, r->pages[i]->name)))
            links[n++] = all[i];
    return page_index(title, links, n, &out, e) && put(r, "index", &html, &out, e);
}

static bool render(struct app *app, const void *conf, struct err *e)
{
    const struct render_conf *c = conf;
    struct rendering r = {.app = app, .conf = c, .written = json_tie(app->a, json_array())};
    if (c->all ? app->nargs > 0 : app->nargs == 0) {
        fail(e, ERR_USER, c->all ? "--all is instead of names of pages" : "which page?");
        return hint(e, "cupel render PAGE..., or cupel render --all");
    }
    if (!find_formats(app, c->to ? c->to : "txt", r.formats, &r.nformats, e) ||
        !find_theme(c->theme, &r.theme, e) || !check_options(&r, e))
        return false;
    struct run_options o = {.start_us = INT64_MIN, .end_us = INT64_MAX, .now_pinned = c->now != NULL};
    struct opened x;
    if (c->now && !clock_parse(c->now, &o.now_us, e))
        return wrap(e, "--now");
    if (will_draw(&r))
        chart_prepare(app->a);
    if (!app_open(app, OPEN_BOUND, &o, &x, e))
        return false;
    r.now_us = x.shop.params.now_us;
    struct asset_made made = {.a = app->a};
    if (!pages_choose(app, &x, c->all, &r.pages, &r.npages, e) || !check_pages(&r, e))
        return false;
    if (c->watch)
        return watch(&r, &x, r.pages[0], e);
    x.shop.made = &made;
    bool ok = render_all(&r, &x, e);
    struct err why;
    if (c->index && !write_index(&r, x.project->name, ok ? e : &why))
        ok = false;
    if (app->json && c->out && (ok || r.npages > 1))
        print_json(json_pack("{s:O}", "written", r.written));
    return ok;
}

const struct cmd cmd_render = {
    .name = "render",
    .args = "[PAGE...]",
    .summary = "pages of the project as text, HTML or PDF, their charts as pictures",
    .help = "PAGE may be a pattern ('sales/*'). Several pages are written to --out DIR, all from the same "
            "versions of\n"
            "the tables. One that fails is said and does not keep the others from being written.\n",
    .options = render_options,
    .conf_size = sizeof(struct render_conf),
    .max_args = SIZE_MAX,
    .quick = true,
    .lenient = true,
    .run = render,
};
