/* maintain.h - what keeps a table in shape: each is one library function, and a command of the same name.
 *
 * None of them needs the project's lock: what they stage is written down under a lock of its own, and their
 * commits collide with those of others by Delta's rules (ERR_CONFLICT; a new attempt may pass). */
#pragma once
#include "asset/asset.h"
#include "lake/cleanup.h"
#include "lake/restore.h"
#include "lake/vacuum.h"

/* --- optimize.c --- */

struct optimize_options {
    const char *const
        *by; /* columns to sort along a curve by; n = 0: rows stay in the order of their files */
    size_t nby;
    bool hilbert;         /* the Hilbert curve, not the Z-order */
    int64_t target_bytes; /* of a file, 0 = the table's delta.targetFileSize, or 128 MiB */
    const char *where;    /* SQL condition on the partition columns; NULL = all partitions */
    bool dry_run;
};
struct optimize_result {
    int64_t version;       /* committed, -1 = nothing was */
    size_t partitions;     /* in which files are, or would be, written again */
    size_t removed, added; /* files; a dry run guesses `added` from the sizes */
    int64_t bytes_removed, bytes_added, rows;
    size_t commits;
};
/* Small files of a partition are written together as few of about the target size; a file with deleted rows
 * is written without them. With `by` every file of a partition that is not sorted like that already. No row
 * comes or goes: the commit says dataChange = false. Done again, it does nothing.
 *
 * Rows stay in the order of their files, as far as several threads let them. Much is committed in steps (4
 * GiB), so that little is lost when it is stopped. */
bool asset_optimize(struct task *t, const struct workshop *w, const char *table,
                    const struct optimize_options *o, struct optimize_result *ret, struct err *e) must_check;

/* --- delete.c --- */

struct delete_result {
    int64_t version, rows;           /* committed, -1 = nothing was; rows that went, or would go */
    size_t files, marked, rewritten; /* that had such rows; of them by deletion vectors, and written again */
};
/* Takes the rows away of which `where` is true: SQL on the columns of the table, which is one of the
 * project's. */
bool asset_delete(struct task *t, const struct workshop *w, const char *table, const char *where,
                  bool dry_run, struct delete_result *ret, struct err *e) must_check;

/* --- vacuum.c --- */

/* What can go of a table, and with `dry_run` no more than that: see lake/vacuum.h. Files that a process of
 * this project is staging are kept however short the retention is. It and a restore keep each other out
 * (ERR_CONFLICT), since a restore brings back files that a vacuum may take. */
struct vacuum_result {
    struct lake_vacuum files;
    struct lake_log_expired log; /* the log is cleaned up as well */
};
bool asset_vacuum(struct task *t, const struct workshop *w, const char *table, int64_t retain_ms, bool force,
                  bool dry_run, struct vacuum_result *ret, struct err *e) must_check;

/* --- restore.c --- */

/* Makes a table what it was: see lake/restore.h. *ret_version = -1 when nothing was to be done, or with
 * dry_run; then missing files are told in the plan and are no error. */
bool asset_restore(struct task *t, const struct workshop *w, const struct lake_table *table,
                   struct lake_at at, bool dry_run, struct lake_restore *ret, int64_t *ret_version,
                   struct err *e) must_check;

/* --- diff.c --- */

struct diff_side {
    const char *name; /* as it was asked for: "silver.movies@v3" */
    struct lake_table table;
    struct lake_at at;
};
struct diff_column {
    const char *name;
    const struct lake_type *from, *to; /* NULL = it is not on that side */
    int64_t changed;                   /* rows in which its value is another, when compared by key */
};
struct diff {
    const struct lake_snapshot *from, *to;
    size_t files_read, files; /* of both sides; files common to both are not read */
    const char *const *key;   /* rows are compared by; n = 0: as a whole, and none is "changed" */
    size_t nkey;
    int64_t added, removed, changed;
    struct diff_column *columns; /* of `to` in their order, then those of `from` alone */
    size_t ncolumns;
    struct lake_property_change {
        const char *key, *from, *to; /* NULL = not set */
    } * properties;
    size_t nproperties;
    bool partitions; /* partitioned in another way */
    /* A SELECT over the session that gives the rows: change, the key, columns, before and after (JSON of the
     * columns that differ); without a key change and the columns that both sides have. */
    const char *sql;
};
/* What makes `to` another table than `from`: versions of one or two tables. key NULL = the model's, or none.
 * It relates cupel_from and cupel_to in the session. A key that tells no rows apart is ERR_DATA. */
bool asset_diff(struct task *t, const struct workshop *w, struct session *s, const struct diff_side *from,
                const struct diff_side *to, const char *const *key, size_t nkey, struct diff *ret,
                struct err *e) must_check;
bool diff_is_empty(const struct diff *d);

/* --- prune.c --- */

struct prune_result {
    int64_t keep_ms;    /* 0 = the table is kept for ever */
    const char *column; /* by which rows are old; NULL = as old as the file that they are in */
    int64_t before_us;
    int64_t version;           /* committed, -1 = nothing was */
    size_t removed, rewritten; /* files: those with nothing to be kept, and those with something */
    int64_t rows;              /* gone; -1 = the statistics do not tell */
    int64_t bytes;             /* of the files that are no longer part of the table */
};
/* Rows older than the `keep` of what makes the table go: a row is as old as keep_by says, or else a source's
 * extraction_timestamp, a merge's sequence_by, a quarantine's quarantined_at, if it is a time or a date; or
 * else as the file that it is in. A row whose time is null stays. Files with old rows alone are removed
 * without being read; others are written again.
 *
 * Readers of changes pass the commit over (LAKE_PRUNE): what was made of the rows stays. */
bool asset_prune(struct task *t, const struct workshop *w, const char *table, bool dry_run,
                 struct prune_result *ret, struct err *e) must_check;
