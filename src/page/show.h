/* show.h - the options of a `table NAME` block: YAML in its body. */
#pragma once
#include "page/blocks.h"

struct show_column {
    const char *name, *title;
    const char *format; /* NULL = as it is */
    enum { ALIGN_AUTO, ALIGN_LEFT, ALIGN_RIGHT } align;
    struct src at;
};
struct show {
    const struct show_column *columns; /* n = 0: all of the query's, as they are */
    size_t n;
    int64_t limit; /* rows, 0 = all */
};

/*     columns: {title: Film, revenue: {title: "Revenue ($)", format: "#,##0", align: right}}
 *     limit: 5
 * An empty body is fine. Mistakes have their place in the page. */
bool show_read(struct arena *a, const struct block *b, struct show *ret, struct err *e) must_check;
