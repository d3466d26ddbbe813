/* lib_data.S - what libcupel-chart.so brings along: Vega as bytecode, our JavaScript, the theme, the fonts. */
    .section .rodata

    .macro file symbol, path
    .global \symbol
    .hidden \symbol
    .type \symbol, %object
    .balign 16
\symbol:
    .incbin "\path"
\symbol\()_end:
    .byte 0
    .size \symbol, . - \symbol
    .global \symbol\()_len
    .hidden \symbol\()_len
    .type \symbol\()_len, %object
    .balign 8
\symbol\()_len:
    .quad \symbol\()_end - \symbol
    .size \symbol\()_len, 8
    .endm

    file chart_host_js, host.jsc
    file chart_vega_js, vega.jsc
    file chart_vega_lite_js, vega-lite.jsc
    file chart_kit_js, kit.jsc
    file chart_draw_js, draw.jsc
    file chart_theme, theme.json
    file chart_font_400, inter-latin-400.ttf
    file chart_font_600, inter-latin-600.ttf
    file chart_font_ext_400, inter-latin-ext-400.ttf
    file chart_font_ext_600, inter-latin-ext-600.ttf

    .section .note.GNU-stack, "", %progbits
