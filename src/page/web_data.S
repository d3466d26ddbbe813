/* web_data.S - what pages carry as HTML, in the program's read-only data. */
#include "page/page_hashes.h" /* so that it is made anew when they are */
    .section .rodata

    .macro file symbol, path
    .global \symbol
    .type \symbol, %object
\symbol:
    .incbin "\path"
    .byte 0
    .size \symbol, . - \symbol
    .endm

    file web_page_css, page.css
    file web_fonts_css, fonts.css
    file web_page_js, page.js
    file web_input_js, input.js
    file web_open_js, open.js
    file web_charts_js_packed, charts.js.packed

    .section .note.GNU-stack, "", %progbits
