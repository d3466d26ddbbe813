#include "page/strokes.h"

#include <math.h>

void stroke_bar(struct buf *out, double share, int cells)
{
    static const char *const eighths[] = {"", "▏", "▎", "▍", "▌", "▋", "▊", "▉"};
    int n = share > 0 ? (int)lround(share * cells * 8) : 0;
    n = share > 0 && n == 0 ? 1 : n;
    for (int i = 0; i < n / 8; i++)
        buf_addf(out, "█");
    buf_addf(out, "%s", eighths[n % 8]);
}

static double mean(const double *v, size_t n)
{
    double sum = 0;
    size_t known = 0;
    for (size_t i = 0; i < n; i++)
        if (isfinite(v[i]))
            sum += v[i], known++;
    return known ? sum / (double)known : NAN;
}

void stroke_line(struct buf *out, const double *v, size_t n, size_t cells)
{
    static const char *const heights[] = {"▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
    double least = INFINITY, most = -INFINITY;
    cells = n < cells ? n : cells;
    for (int pass = 0; pass < 2; pass++)
        for (size_t i = 0; i < cells; i++) {
            size_t from = i * n / cells, end = (i + 1) * n / cells;
            double x = mean(v + from, end - from);
            int height = most > least ? (int)((x - least) / (most - least) * 7 + 0.5) : 3;
            if (pass)
                buf_addf(out, "%s", isfinite(x) ? heights[height] : " ");
            else if (isfinite(x))
                least = fmin(least, x), most = fmax(most, x);
        }
}
