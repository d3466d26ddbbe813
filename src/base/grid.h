/* grid.h - a small table of text: columns line up by what a terminal shows, figures are set right.
 *
 * Cells are shown on one line each: control characters in them are written as \n, \t, \x1b, so that data can
 * neither break the table nor talk to the terminal. No line has blanks at its end.
 */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct grid {
    const char *const *names;
    size_t ncolumns, nrows;
    const char *const *cells; /* row by row; NULL is an empty cell */
    const bool *right;        /* for each column; NULL: those that hold nothing but figures */
    bool rule;                /* a line under the heads */
    bool ascii;               /* no character of ours beyond ASCII */
    int width;                /* how wide lines may be, 0 = as wide as they need */
    enum {
        GRID_CUT, /* too wide: texts are cut, and the last columns are left out if that is not enough */
        GRID_WRAP /* too wide: heads and texts go on in further lines */
    } narrow;
};
/* Returns how many columns are shown. */
size_t grid_add(struct buf *out, const struct grid *g);
size_t grid_print(FILE *out, const struct grid *g);
