/* web_data.h - files of web/ that pages carry, compiled in; NUL-terminated. PAGE_CSS_HASH and PAGE_JS_HASH
 * are what a Content-Security-Policy calls them. */
#pragma once
#include "page/page_hashes.h"

extern const char web_page_css[], web_page_js[];
