#include "chart/lib_internal.h"

__attribute__((visibility("default"))) extern const struct chart_lib cupel_chart_lib;
const struct chart_lib cupel_chart_lib = {
    .version = CUPEL_VERSION,
    .open = script_open,
    .close = script_close,
    .svg = script_svg,
    .png = paint_png,
    .pdf = paint_pdf,
    .paper = paper_pdf,
    .paper_png = paper_png,
};
