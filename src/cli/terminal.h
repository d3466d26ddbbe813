/* terminal.h - what is known of the terminal, if there is one. */
#pragma once
#include <stdbool.h>

/* Columns of the terminal behind fd; 0 = it is none. Asked anew each time: windows change their size. */
int terminal_width(int fd);
/* Can it show nothing beyond ASCII? Said by LC_ALL, LC_CTYPE or LANG; if none is set we hope for UTF-8. */
bool terminal_ascii(void);
