#include "asset/internal.h"
#include "asset/maintain.h"

bool asset_restore(struct task *t, const struct workshop *w, const struct lake_table *table,
                   struct lake_at at, bool dry_run, struct lake_restore *ret, int64_t *ret_version,
                   struct err *e)
{
    *ret_version = -1;
    return (dry_run || files_lock(t->a, w, e)) && lake_restore_plan(t->a, table, at, ret, e) &&
           (dry_run || lake_restore_empty(ret) || lake_restore_commit(t->a, table, ret, ret_version, e));
}
