/* grid.h - a small table of text: columns line up by what a terminal shows, figures are set right. */
#pragma once
#include "base/arena.h"
#include "base/buf.h"

struct grid {
    const char *const *names;
    size_t ncolumns, nrows;
    const char *const *cells; /* row by row; NULL is an empty cell */
    const bool *right;        /* for each column; NULL: those that hold nothing but figures */
    bool rule;                /* a line under the heads */
};
void grid_add(struct buf *out, const struct grid *g);
void grid_print(FILE *out, const struct grid *g);
