/* page.h - a page is Markdown with fenced blocks: `sql NAME` is a query that later blocks use, `table NAME`
 * shows one.
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
 * Rendered as text for now; the other media will take the same blocks.
 */
#pragma once
#include "asset/asset.h"

/* The whole page as text for a terminal or a mail, `width` columns wide, appended to out. Mistakes have their
 * place in the page's file. */
bool page_text(struct arena *a, const struct workshop *w, struct session *s, const struct page *p, int width,
               struct buf *out, struct err *e) must_check;

/* Adds the mistakes of all pages to `problems`, without touching data: the project is bound (project_bind)
 * and `session` is the one it was bound with, where relations of the tables that pages read are made. */
void page_check(const struct project *p, const struct engine_driver *d, struct session *s,
                struct problems *problems);
