/* pack.h - what travels inside an HTML file compressed: gzip, written as text. web/open.js opens it. */
#pragma once
#include "base/buf.h"

void pack_base64(struct buf *out, const char *p, size_t n);
/* Appends <script type="application/gzip" id="ID">...</script>, which is data to a browser. */
bool pack_script(struct buf *out, const char *id, const char *text, size_t n, struct err *e) must_check;
