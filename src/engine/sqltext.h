/* sqltext.h - what can be told of a text of SQL without an engine: its tables, its parameters, where it ends.
 *
 * Pure functions over the text's tokens; nothing is checked beyond quotes and comments, since the engine does
 * that. Two things are ours and no engine's: a table may carry a version (silver.movies@v3,
 * silver.movies@2026-11-01T10:00:00Z) and names may stand in backticks (delta.`/lake/movies`).
 * sqltext_plain() turns both into quoted identifiers ("silver"."movies@v3") and remembers where every byte
 * came from, so that an engine's error can still be shown at its place.
 */
#pragma once
#include "engine/engine.h"

struct sqltext {
    const char *sql;                    /* as the engine gets it, NUL-terminated */
    size_t n;                           /* without semicolons, white space and comments at its end */
    const struct sqltext_piece *pieces; /* where the bytes came from */
    size_t npieces;
};

/* With `params` each $name is replaced by a literal of the value's type: for binding, where the types count;
 * NULL leaves them. A name that is not among them is ERR_USER at its place, as are `?` and `$1` at any time.
 */
bool sqltext_plain(struct arena *a, const char *text, const struct engine_params *params, struct src at,
                   struct sqltext *ret, struct err *e) must_check;

/* The offset in the original text that an offset in t->sql came from. */
size_t sqltext_origin(const struct sqltext *t, size_t offset);

/* The place of text[offset] when text[0] stands at `at`; no place when `at` is none. */
struct src sqltext_place(const char *text, size_t offset, struct src at);

/* See engine_driver.refs. */
bool sqltext_refs(struct arena *a, const char *text, struct src at, struct engine_ref **ret, size_t *ret_n,
                  struct err *e) must_check;

/* Does it read files (read_csv('...'), FROM 'a.parquet'), that may change without a table's version moving?
 * Functions that do are told by their names. */
bool sqltext_reads_files(const char *text);
