/* sheet.h - a page whose queries have been run: what each medium shows of it. */
#pragma once
#include "lake/map.h"
#include "page/blocks.h"
#include "page/chart.h"
#include "page/input.h"
#include "page/live.h"
#include "page/memory.h"
#include "page/page.h"
#include "page/query.h"

/* Where a chart is seen: charts of a row are drawn for the room that they get. */
enum sheet_medium {
    SHEET_ALONE,  /* a file of its own: the size that charts have */
    SHEET_SCREEN, /* up to three side by side */
    SHEET_PAPER,  /* two side by side */
    SHEET_MEDIA,
};

struct sheet_chart {
    struct page_chart chart;
    const struct block *block;
    size_t number, row; /* the how manieth it is of those that stand side by side, and how many they are */
    struct drawing drawn[SHEET_MEDIA][CHART_PLAIN]; /* by theme */
};

struct sheet {
    struct arena *a;
    const struct page *page;
    struct block *blocks;
    size_t nblocks;
    struct page_inputs inputs;
    struct page_queries queries;
    struct live *live; /* NULL = not wished, or there are no inputs */
    struct sheet_chart *charts;
    size_t ncharts;
    struct problems *warnings;  /* of inputs; what Vega says of charts as they are drawn */
    struct page_memory *memory; /* NULL = none */
};

struct sheet_wish {
    const char *const *inputs;  /* "genre=Drama", ends with NULL; may be NULL */
    struct page_memory *memory; /* of earlier times; NULL = nothing is kept */
    bool live;                  /* inputs shall work where the page is read */
};
/* Mistakes have their place in the page's file. */
bool sheet_make(struct arena *a, const struct workshop *w, struct session *s, const struct page *p,
                const struct sheet_wish *wish, struct sheet *ret, struct err *e) must_check;

/* What a table block shows: row by row, cells as they are to be read, values as the query gave them (NULL =
 * null). */
struct sheet_table {
    const char *const *titles, *const *cells, *const *values;
    const bool *right, *figures; /* of each column: set right; holds nothing but figures */
    const double *bars; /* as cells: the share of the column's largest, in [0, 1]; negative = no bar */
    size_t ncolumns, nrows;
};
bool sheet_table(const struct sheet *s, const struct block *b, struct sheet_table *ret,
                 struct err *e) must_check;
/* Without its limit (which is *limit, 0 = none). */
bool sheet_table_all(const struct sheet *s, const struct block *b, struct sheet_table *ret, int64_t *limit,
                     struct err *e) must_check;

struct sheet_tile {
    const char *title, *value;
    const char *change, *note; /* "12.3 %", NULL = nothing to compare; what it is compared with */
    int direction;             /* of the change: -1, 0, 1 */
    int good;                  /* is that good? -1 = no, 1 = yes, 0 = neither */
    const double *trend;       /* NAN = nothing there */
    size_t ntrend;
};
/* Value blocks that follow one another, with nothing but blanks and queries between them, stand side by side,
 * and so do inputs and charts: the index behind the last of those that begin at block i. */
size_t sheet_row_end(const struct sheet *s, size_t i);
/* How many of n charts stand side by side where there is room: 1, 2 or 3. */
size_t sheet_columns(size_t n);
bool sheet_tile(const struct sheet *s, const struct block *b, struct sheet_tile *ret,
                struct err *e) must_check;

/* Where a query of the page is asked; NULL = nowhere (it is a table that a chart names). */
const struct block *sheet_query_block(const struct sheet *s, const char *name);

/* The input of a block; NULL = it has none. */
const struct page_input *sheet_input(const struct sheet *s, const struct block *b);

/* The chart of a block, which belongs to the sheet. */
const struct sheet_chart *sheet_chart(const struct sheet *s, const struct block *b);
/* On paper two charts of a row share a line; the last of an odd number has one for itself. */
bool sheet_paired(const struct sheet_chart *c);
/* It drawn. The first that is asked for draws all of the page's, on several threads. */
bool sheet_svg(const struct sheet *s, const struct sheet_chart *c, enum sheet_medium medium,
               enum chart_theme theme, struct chart_svg *ret, struct err *e) must_check;
/* With two pixels for one, for screens and paper of today. */
bool sheet_png(const struct sheet *s, const struct sheet_chart *c, enum sheet_medium medium,
               enum chart_theme theme, const char **ret, size_t *ret_n, struct err *e) must_check;
/* It on a screen, in each theme, without the line that says what inputs are at. */
bool sheet_themes(const struct sheet *s, const struct sheet_chart *c, struct chart_svg ret[CHART_PLAIN],
                  struct err *e) must_check;

/* Where its figures are; and what it shows but for its line. */
bool sheet_tile_columns(const struct sheet *s, const struct block *b, struct tile_columns *ret,
                        struct err *e) must_check;
bool sheet_tile_head(const struct sheet *s, const struct block *b, struct sheet_tile *ret,
                     struct err *e) must_check;

/* What a value says of a row of its query; row NULL = there is none. */
const char *sheet_value(struct arena *a, const struct page_value *v, const char *const *row);
/* Appends it where nothing in it is markup; line: what stands before it on its line, which may begin code. */
void sheet_escape(struct buf *out, struct str line, const char *value);
struct sheet_marks { /* another way to write a value */
    void *arg;
    void (*write)(void *arg, const struct page_value *v, struct str line, const char *value, struct buf *out);
};
/* Appends the block's Markdown with its {{ values }} in place. marks may be NULL. */
bool sheet_markdown(const struct sheet *s, const struct block *b, const struct sheet_marks *marks,
                    struct buf *out, struct err *e) must_check;
