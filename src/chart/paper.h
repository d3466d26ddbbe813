/* paper.h - a document as libcupel-chart.so lays it out on pages: blocks from top to bottom.
 *
 * Texts are Pango markup unless said otherwise, UTF-8. Lengths are in points (1/72 inch).
 */
#pragma once
#include "base/err.h"

enum paper_kind {
    PAPER_HEADING, /* markup, level, id */
    PAPER_TEXT,    /* markup, marker, level, quote */
    PAPER_CODE,    /* text as it is */
    PAPER_RULE,
    PAPER_TABLE,    /* heads, cells, right, bars */
    PAPER_TILES,    /* tiles */
    PAPER_PICTURES, /* pictures, side by side */
};

struct paper_picture {
    const char *svg;
    size_t n;
};

struct paper_tile {
    const char *title, *value, *change, *note; /* plain texts; change and note may be NULL */
    int good;                                  /* -1, 0, 1 */
    const double *trend;                       /* NAN = nothing there */
    size_t ntrend;
};

struct paper_block {
    enum paper_kind kind;
    const char *text;   /* markup, or code */
    const char *plain;  /* of a heading: without markup, for the contents */
    const char *marker; /* of a list's item: "•", "3."; NULL = none */
    int level;          /* of a heading 1 to 6; of a text: lists it is in */
    bool quote;

    const char *const *heads, *const *cells; /* plain, row by row */
    const bool *right;
    const double *bars; /* as cells: share of the width in [0, 1]; negative = none; NULL = none at all */
    size_t ncolumns, nrows;

    const struct paper_tile *tiles;
    size_t ntiles;

    const struct paper_picture *pictures;
    size_t npictures;
};

struct paper {
    const char *title;   /* plain, for the file's properties */
    const char *created; /* "2026-11-21T12:00:00Z": the same paper made again has the same bytes */
    const char *footer;  /* plain, left of the page's number; NULL = none */
    const struct paper_block *blocks;
    size_t n;
};
