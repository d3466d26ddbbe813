/* web_data.S - files of web/ that pages carry, in the program's read-only data. */
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
    file web_page_js, page.js

    .section .note.GNU-stack, "", %progbits
