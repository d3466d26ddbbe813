/* dv.h - deletion vectors: which rows of a data file are no more, and where that is written.
 *
 * Few are written into the log itself (inline), the others into files of many: a byte for the version, then
 * each one behind its size and in front of its CRC-32.
 */
#pragma once
#include "lake/lake.h"
#include "lake/rowset.h"

/* The rows that a file's vector takes away; dv = NULL is none. Size, checksum and cardinality are checked:
 * what does not agree is ERR_DATA naming the file. A file that is gone is ERR_DATA too. */
bool lake_dv_load(struct arena *a, const struct lake_table *t, const struct lake_dv *dv, struct rowset *ret,
                  struct err *e) must_check;

/* The same for many files, in their order (rows[i] of files[i]): each file of vectors is read once. */
bool lake_dv_load_all(struct arena *a, const struct lake_table *t, const struct lake_file *const *files,
                      size_t n, struct rowset **ret, struct err *e) must_check;

/* Where the vector is stored: relative to the table, or absolute; NULL = inline. */
const char *lake_dv_path(struct arena *a, const struct lake_dv *dv);

/* A vector for an add, its strings in a's memory: inline, and in a file. The bytes of the file are gathered
 * in `file` (empty at first; any number of vectors go into one), to be put under lake_dv_path() and synced
 * before the commit that names it; `uuid` is of lake_uuid(), one for each file. */
const struct lake_dv *lake_dv_inline(struct arena *a, const struct rowset *rows);
bool lake_dv_append(struct arena *a, const char *uuid, const struct rowset *rows, struct buf *file,
                    const struct lake_dv **ret, struct err *e) must_check;
