/* chart.h - a Vega-Lite spec and rows drawn as SVG, PNG or PDF, without a browser.
 *
 * The engine is in libcupel-chart.so (lib.h), which is opened by the first chart: chart_open() fails when it
 * is not there. The same spec and rows give the same bytes on any machine: dice are seeded, times are UTC,
 * fonts are brought along. A chart has limits of time and memory and reads nothing but the rows it is given.
 */
#pragma once
#include "base/arena.h"
#include "chart/lib.h"

struct chart_engine; /* one thread at a time */

/* Lives until the arena is freed. Looks for the library at $CUPEL_CHART, beside the program, in ../lib/cupel
 * from there, and where the build put it. */
bool chart_open(struct arena *a, struct chart_engine **ret, struct err *e) must_check;

/* Charts will be drawn soon: what the first one waits for is begun beside what the caller does till then. */
void chart_prepare(struct arena *a);

/* ERR_USER when the spec is wrong, with Vega's words, ERR_LIMIT when a limit stopped it. The next chart can
 * be drawn after either. *ret is in the engine's arena. */
bool chart_svg(struct chart_engine *g, const struct chart_job *j, struct chart_svg *ret,
               struct err *e) must_check;
/* scale 2 = two pixels for each of the SVG's. *ret is in the engine's arena. */
bool chart_png(struct chart_engine *g, const struct chart_svg *svg, double scale, const char **ret,
               size_t *ret_n, struct err *e) must_check;
/* A document of several pages, without a chart engine's limits: nothing in it runs. */
bool chart_paper(struct arena *a, const struct paper *p, const char **ret, size_t *ret_n,
                 struct err *e) must_check;
/* The same as one picture, 1600 pixels wide and as high as it takes. */
bool chart_paper_png(struct arena *a, const struct paper *p, const char **ret, size_t *ret_n,
                     struct err *e) must_check;
bool chart_pdf(struct chart_engine *g, const struct chart_svg *svg, const char **ret, size_t *ret_n,
               struct err *e) must_check;
