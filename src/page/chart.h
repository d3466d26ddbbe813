/* chart.h - the charts of a page: a spec checked against the queries, the queries' rows handed to what draws.
 */
#pragma once
#include "chart/chart.h"
#include "chart/check.h"
#include "page/query.h"

/* Reports the mistakes of a spec whose sources are among the queries, or have been reported. */
void page_chart_check(struct arena *a, const struct page_queries *qs, const struct chart_spec *spec,
                      struct problems *problems);

struct page_chart {           /* ready to be drawn */
    const char *name, *title; /* title NULL = none */
    struct src at;
    struct chart_spec spec;
    const char *json;      /* the spec */
    const char *captioned; /* the same, with a line below its title; NULL = it has none */
    struct chart_data *data;
    size_t ndata;
};
/* Reads and checks the block; the rows that it asks for are written as JSON, of each query only the columns
 * that the spec has the names of. The first mistake is *e. */
bool page_chart_read(struct arena *a, const struct page_queries *qs, const struct block *b,
                     struct page_chart *ret, struct err *e) must_check;

/* Does a spec (JSON) name that column? One that it does not cannot be asked for. */
bool page_chart_wants(const char *spec, const char *column);
/* Is a column of that type (in SQL's words) one of numbers? */
bool page_chart_number(const char *type);
/* Appends a value of a column of that type as a chart takes it, as JSON. NULL = null. */
void page_chart_value(struct buf *out, const char *type, const char *value);
/* A line below the title, for pictures: they travel without their page. */
bool page_chart_caption(struct arena *a, struct page_chart *c, const char *line, struct err *e) must_check;

enum { PAGE_CHART_WIDTH = 800, PAGE_CHART_HEIGHT = 500 }; /* when it stands alone */
struct chart_size {
    int width, height; /* pixels */
};
/* Of that size, unless the spec has sizes. Errors and Vega's warnings have the chart's place. */
bool page_chart_draw(struct chart_engine *g, const struct page_chart *c, enum chart_theme theme,
                     struct chart_size size, struct chart_svg *ret, struct problems *warnings,
                     struct err *e) must_check;

/* Adds what Vega said as it drew it. */
void page_chart_warnings(const struct page_chart *c, const struct chart_svg *drawn, struct problems *ret);

/* The chart in characters, `width` columns wide: bars of labels and figures, or figures along a time as a
 * line; of other charts only a line that says that there is one. */
void page_chart_text(struct arena *a, const struct page_queries *qs, const struct page_chart *c, int width,
                     struct buf *out);
