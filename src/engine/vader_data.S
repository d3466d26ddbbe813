/* vader_data.S - VADER's two word lists, as they were published, in the program's read-only data. */
    .section .rodata

    .macro file symbol, path
    .global \symbol
    .type \symbol, %object
    .balign 8
\symbol:
    .incbin "\path"
\symbol\()_end:
    .byte 0
    .size \symbol, . - \symbol
    .global \symbol\()_len
    .type \symbol\()_len, %object
    .balign 8
\symbol\()_len:
    .quad \symbol\()_end - \symbol
    .size \symbol\()_len, 8
    .endm

    file vader_lexicon, vader_lexicon.txt
    file vader_emoji, emoji_utf8_lexicon.txt

    .section .note.GNU-stack, "", %progbits
