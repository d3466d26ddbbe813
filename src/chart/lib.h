/* lib.h - what libcupel-chart.so offers the program: Vega-Lite to SVG, SVG to PNG and PDF.
 *
 * The library holds what only charts need (a JavaScript engine, Vega, fonts, librsvg with cairo and pango)
 * and is opened when the first one is drawn, so that a command without charts does not wait for it. It shares
 * no memory with the program but by malloc: what a call returns is freed with free(). Use chart.h.
 */
#pragma once
#include "base/err.h"
#include "chart/paper.h"

#define CHART_LIB_SYMBOL "cupel_chart_lib"

enum chart_theme {
    CHART_LIGHT,
    CHART_DARK,
    CHART_PLAIN /* Vega's own looks; the font and the formats are ours all the same */
};

struct chart_data { /* rows for `data: {name: ...}` */
    const char *name;
    const char *json; /* an array of objects */
    size_t n;
};

struct chart_job {
    const char *spec; /* Vega-Lite as JSON */
    size_t spec_n;
    const struct chart_data *data;
    size_t ndata;
    enum chart_theme theme;
    /* In pixels, axes and titles included; 0 = as the spec says. A spec with sizes of its own keeps them; one
     * of several panels does unless it says `autosize: fit`. */
    double width, height;
    int64_t time_ms;     /* of work; 0 = 20 s */
    size_t memory_bytes; /* of the JavaScript; 0 = 1 GiB */
    /* The content of `data: {url: ...}`, allocated by malloc; NULL = there is no such thing. Without the
     * function nothing is loaded. */
    char *(*load)(void *arg, const char *url, size_t *ret_n);
    void *load_arg;
};

struct chart_svg {
    char *svg;
    size_t n;
    char *warnings; /* Vega's, one a line; "" = none */
};

struct chart_vm; /* one JavaScript runtime with Vega in it: for one thread at a time */

struct chart_lib {
    const char *version; /* of the program that it was built with */
    bool (*open)(struct chart_vm **ret, struct err *e);
    void (*close)(struct chart_vm *vm);
    /* After a failure by a limit the runtime must be closed; *spent says so. */
    bool (*svg)(struct chart_vm *vm, const struct chart_job *j, struct chart_svg *ret, bool *spent,
                struct err *e);
    bool (*png)(const char *svg, size_t n, double scale, char **ret, size_t *ret_n, struct err *e);
    bool (*pdf)(const char *svg, size_t n, char **ret, size_t *ret_n, struct err *e);
    bool (*paper)(const struct paper *p, char **ret, size_t *ret_n, struct err *e);
    bool (*paper_png)(const struct paper *p, char **ret, size_t *ret_n, struct err *e);
};
