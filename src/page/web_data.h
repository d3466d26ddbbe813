/* web_data.h - what pages carry as HTML, compiled in; NUL-terminated. PAGE_CSS_HASH and its like are what a
 * Content-Security-Policy calls them. */
#pragma once
#include "page/page_hashes.h"

extern const char web_page_css[], web_fonts_css[], web_page_js[], web_open_js[], web_input_js[];
extern const char web_charts_js_packed[]; /* as pack.h writes it; Vega, its theme and what draws by it */
