/* Draws Vega-Lite specs from files and says what is wrong with each: for tests.
 *
 *     chart_tool [light|dark] DATA OUT SPEC...
 *
 * With a theme as pages draw them, 800 x 500; else each as it is.
 *
 * `data: {url: data/x.csv}` is read from the folder DATA; OUT (- = nowhere) gets an SVG and a PNG of each.
 * Prints a line of JSON for each spec: {"spec": ..., "error": ..., "warnings": [...], "problems": [...],
 * "ms": ...}. */
#include <string.h>

#include "base/clock.h"
#include "base/fs.h"
#include "base/json.h"
#include "chart/chart.h"
#include "chart/check.h"

struct tool {
    struct arena *a;
    const char *data, *out;
    enum chart_theme theme;
    bool missing; /* something was asked for that DATA has not */
};

static char *load(void *arg, const char *url, size_t *ret_n)
{
    struct tool *t = arg;
    struct err e;
    char *text;
    if (strncmp(url, "data/", 5) != 0 ||
        !fs_read(t->a, fs_join(t->a, t->data, url + 5), 64 << 20, &text, ret_n, &e)) {
        t->missing = true;
        return NULL;
    }
    char *copy = malloc(*ret_n + 1);
    memcpy(copy, text, *ret_n + 1);
    return copy;
}

static const char *base_name(struct arena *a, const char *path)
{
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    return arena_strn(a, name, strcspn(name, "."));
}

static bool draw(struct tool *t, struct chart_engine *g, const char *path, struct chart_svg *svg,
                 struct err *e)
{
    char *spec;
    size_t n, png_n;
    const char *png;
    if (!fs_read(t->a, path, 16 << 20, &spec, &n, e))
        return false;
    bool page = t->theme != CHART_PLAIN;
    const struct chart_job job = {.spec = spec,
                                  .spec_n = n,
                                  .theme = t->theme,
                                  .width = page ? 800 : 0,
                                  .height = page ? 500 : 0,
                                  .load = load,
                                  .load_arg = t};
    if (!chart_svg(g, &job, svg, e) || !chart_png(g, svg, 1, &png, &png_n, e))
        return false;
    if (strcmp(t->out, "-") == 0)
        return true;
    const char *name = fs_join(t->a, t->out, base_name(t->a, path));
    return fs_write_atomic(arena_fmt(t->a, "%s.svg", name), svg->svg, svg->n, e) &&
           fs_write_atomic(arena_fmt(t->a, "%s.png", name), png, png_n, e);
}

/* What would be said of it in a page. */
static json_t *problems_of(struct arena *a, const char *path)
{
    struct problems found = {.a = a};
    struct chart_spec spec;
    struct err e;
    char *text;
    if (fs_read(a, path, 16 << 20, &text, NULL, &e) &&
        chart_spec_read(a, text, (struct src){path, 1, 1}, &found, &spec))
        chart_check(a, &spec, NULL, 0, &found);
    json_t *list = json_array();
    for (size_t i = 0; i < found.n; i++)
        json_array_append_new(list, json_string(arena_fmt(a, "%d:%d: %s", found.v[i].at.line,
                                                          found.v[i].at.col, found.v[i].msg)));
    return list;
}

static json_t *lines(const char *text)
{
    json_t *list = json_array();
    for (const char *p = text; *p;) {
        size_t n = strcspn(p, "\n");
        json_array_append_new(list, json_stringn(p, n));
        p += n + (p[n] == '\n');
    }
    return list;
}

int main(int argc, char **argv)
{
    struct err e;
    enum chart_theme theme = CHART_PLAIN;
    if (argc > 1 && (strcmp(argv[1], "light") == 0 || strcmp(argv[1], "dark") == 0)) {
        theme = argv[1][0] == 'l' ? CHART_LIGHT : CHART_DARK;
        argc--, argv++;
    }
    if (argc < 4) {
        fprintf(stderr, "usage: chart_tool [light|dark] DATA OUT SPEC...\n");
        return 2;
    }
    auto_arena *whole = arena_new();
    struct chart_engine *g;
    for (int i = 3; i < argc; i++) {
        auto_arena *a = arena_new();
        struct tool t = {.a = a, .data = argv[1], .out = argv[2], .theme = theme};
        struct chart_svg svg = {.warnings = (char[]){""}};
        if (i == 3 && !chart_open(whole, &g, &e)) {
            err_print(stderr, &e, NULL);
            return 1;
        }
        int64_t began = clock_mono_ms();
        bool ok = draw(&t, g, argv[i], &svg, &e);
        json_t *line = json_pack("{s:s, s:o, s:o, s:o, s:b, s:I}", "spec", base_name(a, argv[i]), "error",
                                 ok ? json_null() : json_string(e.msg), "warnings", lines(svg.warnings),
                                 "problems", problems_of(a, argv[i]), "missing", t.missing, "ms",
                                 (json_int_t)(clock_mono_ms() - began));
        json_dumpf(line, stdout, JSON_COMPACT);
        putchar('\n');
        fflush(stdout);
        json_decref(line);
    }
    return 0;
}
