/* html.h - the pieces that HTML is made of, shared by what is painted first and what inputs change later: the
 * browser formats nothing, it chooses among what is written here. */
#pragma once
#include "page/sheet.h"

/* With &, <, > and quotes as entities. */
void html_text(struct buf *b, const char *s);
/* "<td>Drama<td class=\"r\">12"; without bars when a script draws them. */
void html_cells(struct buf *b, const struct sheet_table *t, size_t row, bool bars);
/* Its title; figure and change. What is left is the line. */
void html_tile_title(struct buf *b, const struct sheet_tile *t);
void html_tile(struct buf *b, const struct sheet_tile *t);
void html_trend(struct buf *b, const struct sheet_tile *t);

/* --- what changes --- */

/* The parts of a page that its inputs change, gathered while the page is written. */
struct html_live;
/* NULL: nothing changes. */
struct html_live *html_live_new(const struct sheet *s, struct buf *tables, struct buf *tiles,
                                struct buf *texts);
/* Each gives the number that the element has, -1 = it does not change. */
bool html_live_table(struct html_live *l, const struct block *b, int *ret, struct err *e) must_check;
bool html_live_tile(struct html_live *l, const struct block *b, int *ret, struct err *e) must_check;
int html_live_text(struct html_live *l, const struct page_value *v);
/* The page with all rows that the query of a block ever gives: what a table's columns look like does not
 * depend on what is chosen. */
const struct sheet *html_live_pool(const struct html_live *l);
/* Does what a query gives depend on an input that works? */
bool html_live_changes(const struct html_live *l, const char *query);
/* Appends ,"pool":{"QUERY":["COLUMN", ...], ...} for a chart: what it takes of queries that change. */
void html_live_chart(struct html_live *l, const struct page_chart *c, struct buf *out);
/* The controls of inputs that stand side by side. */
void html_inputs(const struct sheet *s, size_t from, size_t end, bool live, struct buf *out);
/* Appends ,"inputs":[...],... for the script. */
bool html_live_write(const struct html_live *l, struct buf *out, struct err *e) must_check;
