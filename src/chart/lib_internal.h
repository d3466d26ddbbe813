/* lib_internal.h - what the files of libcupel-chart.so share. */
#pragma once
#include <cairo.h>
#include <pango/pango.h>

#include "base/buf.h"
#include "chart/lib.h"

/* The fonts that the library brings along, made known to fontconfig; once per process, from any thread. */
bool fonts_ready(struct err *e) must_check;

struct meter; /* measures texts as librsvg will draw them; one thread */

struct meter_font {
    const char *family;
    const char *weight; /* "bold", "600" */
    const char *style;  /* "italic" */
    double size;        /* in pixels */
};
/* Texts are laid out as librsvg does it: unhinted, at 72 dots an inch. The caller unrefs it. */
PangoContext *text_context(PangoFontMap *fonts);
struct meter *meter_new(void);
void meter_free(struct meter *m);
/* In pixels. */
double meter_width(struct meter *m, const struct meter_font *f, const char *text, size_t n);

bool paint_png(const char *svg, size_t n, double scale, char **ret, size_t *ret_n, struct err *e) must_check;
bool paint_pdf(const char *svg, size_t n, char **ret, size_t *ret_n, struct err *e) must_check;

/* Of an image surface; without an alpha channel when nothing shows through. */
bool png_write(cairo_surface_t *s, struct buf *out, struct err *e) must_check;

bool paper_pdf(const struct paper *p, char **ret, size_t *ret_n, struct err *e) must_check;
bool paper_png(const struct paper *p, char **ret, size_t *ret_n, struct err *e) must_check;

bool script_open(struct chart_vm **ret, struct err *e) must_check;
void script_close(struct chart_vm *vm);
bool script_svg(struct chart_vm *vm, const struct chart_job *j, struct chart_svg *ret, bool *spent,
                struct err *e) must_check;
