/* page.h - a page is Markdown with fenced blocks: `sql NAME` is a query that later blocks use, `table NAME`
 * shows one, `chart NAME` draws one by Vega-Lite.
 *
 *     ```sql top
 *     SELECT title, revenue FROM silver.movies ORDER BY revenue DESC LIMIT 10
 *     ```
 *     ```table top
 *     columns: {title: Film, revenue: {title: "Revenue ($)", format: "#,##0"}}
 *     limit: 5
 *     ```
 *     The best earned {{ top.revenue | #,##0 }} dollars.
 *
 * Its queries are run once (sheet.h); each medium writes what the blocks show.
 */
#pragma once
#include "asset/asset.h"

struct sheet;

/* The whole page as text for a terminal or a mail, `width` columns wide, appended to out. */
bool page_text(const struct sheet *s, int width, struct buf *out, struct err *e) must_check;
/* As a PDF of A4 pages; created: "2026-11-21T12:00:00Z", the time that it says it was made at. */
bool page_pdf(const struct sheet *s, const char *created, struct buf *out, struct err *e) must_check;
/* As one picture, laid out as on paper but without its pages. */
bool page_png(const struct sheet *s, struct buf *out, struct err *e) must_check;
struct page_html_how {
    bool live;    /* charts are drawn where the page is read, and react; else they are pictures */
    bool picture; /* the first one is a picture, too, till it is drawn */
    const struct page_link *links; /* above the page; n = 0: none */
    size_t nlinks;
};
struct page_link {
    const char *title, *href;
    bool here; /* it is that page */
};
/* As one HTML file that needs no other and no network. */
bool page_html(const struct sheet *s, struct page_html_how how, struct buf *out, struct err *e) must_check;

/* The first page of a folder of pages: nothing but their titles. */
bool page_index(const char *title, const struct page_link *links, size_t n, struct buf *out,
                struct err *e) must_check;
/* What a page is called: its first heading, or its name when that depends on data; and the address of one as
 * seen from another, by their names, when both are HTML in one folder. */
const char *page_title(struct arena *a, const struct page *p);
const char *page_href(struct arena *a, const char *from, const char *to);

/* Adds the mistakes of all pages to `problems`, without touching data: the project is bound (project_bind)
 * and `session` is the one it was bound with, where relations of the tables that pages read are made. */
void page_check(const struct project *p, const struct engine_driver *d, struct session *s,
                struct problems *problems);
