/* query_out.h - the answers of a query in each format. */
#pragma once
#include "cli/cmd.h"

struct question {
    struct app *app;
    struct opened *x;
    const char *sql; /* one statement that gives rows, bound already */
    const struct engine_column *columns;
    size_t ncolumns;
    int64_t limit;   /* 0 = none was given */
    const char *out; /* a file; NULL = stdout */
};

struct format {
    const char *name, *summary;
    bool (*write)(const struct question *q, struct err *e);
};
extern const struct format formats[]; /* ends with a NULL name; the first one is the default */
/* NULL and ERR_USER for a name that none has. */
const struct format *format_find(const char *name, struct err *e) must_check;
