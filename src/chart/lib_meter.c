#include <pango/pangocairo.h>
#include <string.h>

#include "chart/lib_internal.h"

struct meter {
    PangoContext *context;
    PangoLayout *layout;
    PangoFontDescription *font;
};

PangoContext *text_context(PangoFontMap *fonts)
{
    PangoContext *c = pango_font_map_create_context(fonts);
    cairo_font_options_t *o = cairo_font_options_create();
    cairo_font_options_set_hint_metrics(o, CAIRO_HINT_METRICS_OFF);
    cairo_font_options_set_hint_style(o, CAIRO_HINT_STYLE_NONE);
    pango_cairo_context_set_font_options(c, o);
    cairo_font_options_destroy(o);
    pango_cairo_context_set_resolution(c, 72);
    pango_context_set_round_glyph_positions(c, FALSE);
    return c;
}

struct meter *meter_new(void)
{
    struct meter *m = calloc(1, sizeof *m);
    if (!m)
        abort();
    PangoFontMap *map = pango_cairo_font_map_new();
    m->context = text_context(map);
    g_object_unref(map);
    m->layout = pango_layout_new(m->context);
    m->font = pango_font_description_new();
    return m;
}

void meter_free(struct meter *m)
{
    if (!m)
        return;
    pango_font_description_free(m->font);
    g_object_unref(m->layout);
    g_object_unref(m->context);
    free(m);
}

static PangoWeight weight_of(const char *text)
{
    if (strcmp(text, "bold") == 0)
        return PANGO_WEIGHT_BOLD;
    long n = strtol(text, NULL, 10);
    return n >= 1 && n <= 1000 ? (PangoWeight)n : PANGO_WEIGHT_NORMAL;
}

double meter_width(struct meter *m, const struct meter_font *f, const char *text, size_t n)
{
    pango_font_description_set_family(m->font, f->family);
    pango_font_description_set_absolute_size(m->font, f->size * PANGO_SCALE);
    pango_font_description_set_weight(m->font, weight_of(f->weight));
    pango_font_description_set_style(m->font, strcmp(f->style, "italic") == 0 ? PANGO_STYLE_ITALIC
                                                                              : PANGO_STYLE_NORMAL);
    pango_layout_set_font_description(m->layout, m->font);
    pango_layout_set_text(m->layout, text, (int)n);
    PangoRectangle r;
    pango_layout_get_extents(m->layout, NULL, &r);
    return (double)r.width / PANGO_SCALE;
}
