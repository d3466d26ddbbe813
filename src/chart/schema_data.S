/* schema_data.S - Vega-Lite's JSON schema, compacted by the build, in the program's read-only data. */
    .section .rodata
    .global chart_schema
    .type chart_schema, %object
    .balign 16
chart_schema:
    .incbin "vega-lite-schema.json"
chart_schema_end:
    .byte 0
    .size chart_schema, . - chart_schema
    .global chart_schema_len
    .type chart_schema_len, %object
    .balign 8
chart_schema_len:
    .quad chart_schema_end - chart_schema
    .size chart_schema_len, 8

    .section .note.GNU-stack, "", %progbits
