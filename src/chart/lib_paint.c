#include <cairo-pdf.h>
#include <librsvg/rsvg.h>
#include <math.h>
#include <string.h>

#include "base/buf.h"
#include "chart/lib_internal.h"

enum { MAX_SIDE = 20000, MAX_BYTES = 512 << 20 };

static bool gerror_fail(struct err *e, const char *what, GError *g)
{
    fail(e, ERR_DATA, "%s: %s", what, g ? g->message : "no reason given");
    if (g)
        g_error_free(g);
    return false;
}

static bool open_svg(const char *svg, size_t n, RsvgHandle **ret, double *width, double *height,
                     struct err *e)
{
    GError *g = NULL;
    RsvgHandle *h = rsvg_handle_new_from_data((const guint8 *)svg, n, &g);
    if (!h)
        return gerror_fail(e, "the chart's SVG cannot be read", g);
    if (!rsvg_handle_get_intrinsic_size_in_pixels(h, width, height)) {
        g_object_unref(h);
        return fail(e, ERR_DATA, "the chart's SVG has no size");
    }
    *ret = h;
    return true;
}

static cairo_status_t collect(void *arg, const unsigned char *p, unsigned n)
{
    buf_add(arg, p, n);
    return CAIRO_STATUS_SUCCESS;
}

static bool draw(RsvgHandle *h, cairo_surface_t *s, double width, double height, struct err *e)
{
    GError *g = NULL;
    cairo_t *c = cairo_create(s);
    const RsvgRectangle view = {0, 0, width, height};
    bool ok = rsvg_handle_render_document(h, c, &view, &g) || gerror_fail(e, "cannot draw the chart", g);
    cairo_status_t status = cairo_status(c);
    cairo_destroy(c);
    return ok && (status == CAIRO_STATUS_SUCCESS ||
                  fail(e, ERR_IO, "cannot draw the chart: %s", cairo_status_to_string(status)));
}

/* Hands over what was collected; it is the caller's to free. */
static bool take(struct buf *b, char **ret, size_t *ret_n, struct err *e)
{
    if (!buf_done(b, e))
        return false;
    *ret = b->p;
    *ret_n = b->len;
    *b = BUF(b->max);
    return true;
}

bool paint_png(const char *svg, size_t n, double scale, char **ret, size_t *ret_n, struct err *e)
{
    RsvgHandle *h;
    double width, height;
    if (!fonts_ready(e) || !open_svg(svg, n, &h, &width, &height, e))
        return false;
    width = round(width * scale);
    height = round(height * scale);
    if (!(width >= 1 && height >= 1 && width <= MAX_SIDE && height <= MAX_SIDE)) {
        g_object_unref(h);
        return fail(e, ERR_LIMIT, "a picture of %.0f x %.0f pixels: at most %d a side", width, height,
                    MAX_SIDE);
    }
    cairo_surface_t *s = cairo_image_surface_create(CAIRO_FORMAT_ARGB32, (int)width, (int)height);
    auto_buf out = BUF(MAX_BYTES);
    bool ok = draw(h, s, width, height, e) && png_write(s, &out, e);
    cairo_surface_destroy(s);
    g_object_unref(h);
    return ok && take(&out, ret, ret_n, e);
}

bool paint_pdf(const char *svg, size_t n, char **ret, size_t *ret_n, struct err *e)
{
    static const double points = 0.75; /* a pixel is 1/96 of an inch, a point 1/72 */
    RsvgHandle *h;
    double width, height;
    if (!fonts_ready(e) || !open_svg(svg, n, &h, &width, &height, e))
        return false;
    width *= points;
    height *= points;
    auto_buf out = BUF(MAX_BYTES);
    cairo_surface_t *s = cairo_pdf_surface_create_for_stream(collect, &out, width, height);
    bool ok = draw(h, s, width, height, e);
    cairo_surface_finish(s);
    cairo_surface_destroy(s);
    g_object_unref(h);
    return ok && take(&out, ret, ret_n, e);
}
