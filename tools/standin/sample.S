/* The sample films as they are on disk, between the two names that feed.c knows, and a NUL. */
    .section .rodata
    .global standin_sample
    .global standin_sample_end
standin_sample:
    .incbin SAMPLE_FILE
standin_sample_end:
    .byte 0
    .section .note.GNU-stack, "", %progbits
