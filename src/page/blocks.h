/* blocks.h - a page cut into its parts: Markdown between fenced `sql NAME`, `table NAME`, `value NAME`,
 * `chart NAME` and `input NAME` blocks. Pure. */
#pragma once
#include "base/text.h"

enum block_kind { BLOCK_MARKDOWN, BLOCK_SQL, BLOCK_TABLE, BLOCK_VALUE, BLOCK_CHART, BLOCK_INPUT };
struct block {
    enum block_kind kind;
    const char *name; /* of all but Markdown */
    const char *body; /* without the fences, NUL-terminated */
    struct src at;    /* of body[0] */
    struct src name_at;
};

/* Other fenced blocks stay part of the Markdown. A block without a name, an unknown name of a block kind near
 * ours, or a fence that is never closed is an error with its place. Front matter (--- to ---) is left out. */
bool blocks_split(struct arena *a, const char *file, const char *text, struct block **ret, size_t *ret_n,
                  struct err *e) must_check;
