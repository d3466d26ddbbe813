/* vacuum.h - files below a table that no version within the retention needs.
 *
 * What is kept: every file (and deletion vector) of the latest version; those of older versions that were the
 * latest at some time within the retention, told by the removes in the log; everything that changed within
 * it, be it known to the log or not, since a writer may be about to commit it; what is hidden (names that
 * begin with a dot or an underscore, but for _change_data and folders of partitions); folders that are a
 * table of their own; what links lead to; and all that is not below the table, as a shallow clone's files
 * are.
 */
#pragma once
#include "lake/lake.h"

struct lake_vacuum_options {
    int64_t retain_ms; /* -1 = the table's delta.deletedFileRetentionDuration, or 7 days */
    bool force;        /* a retention shorter than that is meant */
    /* Names of files, without their folders, that begin with one of these are kept: their writers are at
     * work. Asked for after the files have been listed and before the log is read, so that a file which is
     * committed meanwhile is known by either. May be NULL. */
    bool (*staged)(void *arg, struct arena *a, const char *const **ret, size_t *ret_n, struct err *e);
    void *arg;
};

struct lake_vacuum {
    struct lake_doomed {
        const char *path; /* relative to the table */
        int64_t size;
        bool is_dir; /* a folder in which nothing will be left; behind its files */
    } * v;
    size_t n, cap, nfiles;
    int64_t bytes;
    int64_t retain_ms;
    int64_t kept; /* files that the log does not need, and that are too young */
};

/* What could go. A retention below the table's without force is ERR_USER. A table that lacks a file of its
 * own is ERR_DATA: it is not the time to take more away. */
bool lake_vacuum_find(struct arena *a, const struct lake_table *t, const struct lake_vacuum_options *o,
                      struct lake_vacuum *ret, struct err *e) must_check;
/* Takes it away. Stopped anywhere, it is begun again from the start. */
bool lake_vacuum_remove(const struct lake_table *t, const struct lake_vacuum *v, struct err *e) must_check;

/* "interval 30 days" of a table's property in milliseconds; `def` when it is not set. ERR_DATA when it cannot
 * be read. */
bool lake_interval(const struct lake_snapshot *s, const char *property, int64_t def, int64_t *ret,
                   struct err *e) must_check;
