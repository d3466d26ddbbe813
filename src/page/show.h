/* show.h - the options of the blocks that show something of a query: YAML in their bodies. */
#pragma once
#include "page/blocks.h"
#include "project/project.h"

/* ```table NAME
 *     columns: {title: Film, revenue: {title: "Revenue ($)", format: "#,##0", align: right, bar: true}}
 *     limit: 5
 */
struct show_column {
    const char *name, *title;
    const char *format; /* NULL = as it is */
    enum { ALIGN_AUTO, ALIGN_LEFT, ALIGN_RIGHT } align;
    bool bar; /* beside the figure stands its size, against the largest of the column */
    struct src at;
};
struct show {
    const struct show_column *columns; /* n = 0: all of the query's, as they are */
    size_t n;
    int64_t limit; /* rows, 0 = all */
};

/* ```value NAME
 *     column: revenue
 *     title: Revenue
 *     format: "$#,##0.0 M"
 *     compare: last_year
 *     note: than the year before
 *     better: up
 *     trend: by_year.revenue
 */
struct tile {
    const char *title;
    const char *format;              /* NULL = as it is */
    const char *column;              /* of the first row; NULL = the first column */
    const char *compare;             /* the column with what it is compared with, NULL = none */
    const char *note;                /* what that is, in words; NULL = none */
    const char *trend, *trend_query; /* a column of another query, in its order; NULL = none */
    enum { BETTER_UP, BETTER_DOWN, BETTER_NONE } better;
    struct src column_at, compare_at, trend_at;
};

/* An empty body is fine. False = reported, with places in the page; *ret then has what could be read. */
bool show_read(struct arena *a, const struct block *b, struct problems *problems,
               struct show *ret) must_check;
bool tile_read(struct arena *a, const struct block *b, struct problems *problems,
               struct tile *ret) must_check;
