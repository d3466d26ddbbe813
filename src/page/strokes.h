/* strokes.h - bars and lines out of block characters. */
#pragma once
#include "base/buf.h"

/* A share, in [0, 1], of so many cells, in eighths of one; what is more than 0 is seen. */
void stroke_bar(struct buf *out, double share, int cells);
/* Values in their order as heights, each cell the mean of its share of them; no more cells than values. NAN =
 * nothing there. */
void stroke_line(struct buf *out, const double *v, size_t n, size_t cells);
