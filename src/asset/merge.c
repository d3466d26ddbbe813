/* Merge: new rows replace those of the same key. Files that hold one to be replaced are written again without
 * it, together with the new rows; the others stay. */
#include <stdlib.h>
#include <string.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/log.h"

/* --- SQL --- */

static void same_key(struct buf *b, const struct model *m, const char *x, const char *y)
{
    for (size_t i = 0; i < m->nkey; i++) {
        buf_addf(b, "%s%s.", i ? " AND " : "", x);
        sql_ident(b, m->key[i]);
        buf_addf(b, " = %s.", y);
        sql_ident(b, m->key[i]);
    }
}

/* i replaces o when it is not older; what has no sequence is older than all. */
static void not_older(struct buf *b, const struct model *m)
{
    buf_addf(b, "(o.");
    sql_ident(b, m->sequence_by);
    buf_addf(b, " IS NULL OR coalesce(i.");
    sql_ident(b, m->sequence_by);
    buf_addf(b, " >= o.");
    sql_ident(b, m->sequence_by);
    buf_addf(b, ", false))");
}

/* Rows of the touched files that stay, and the new rows; one that is older than what is there is left out.
 * Where whole groups are made anew there is no older and newer. */
static void merge_select(struct buf *b, const struct job *j)
{
    const struct model *m = j->m;
    bool sequence = m->sequence_by && !j->groups;
    buf_addf(b, "SELECT o.* FROM cupel_hit AS o WHERE NOT EXISTS (SELECT 1 FROM cupel_in AS i WHERE ");
    same_key(b, m, "i", "o");
    if (sequence) {
        buf_addf(b, " AND ");
        not_older(b, m);
    }
    buf_addf(b, ")");
    for (size_t i = 0; j->groups && i < j->touched.n; i++) {
        buf_addf(b, " AND NOT EXISTS (SELECT 1 FROM %s AS k WHERE k.", j->touched.v[i].relation);
        sql_ident(b, j->touched.v[i].column);
        buf_addf(b, " = o.");
        sql_ident(b, j->touched.v[i].column);
        buf_addf(b, ")");
    }
    buf_addf(b, " UNION ALL BY NAME SELECT i.* FROM cupel_in AS i");
    if (sequence) {
        buf_addf(b, " WHERE NOT EXISTS (SELECT 1 FROM cupel_hit AS o WHERE ");
        same_key(b, m, "i", "o");
        buf_addf(b, " AND NOT ");
        not_older(b, m);
        buf_addf(b, ")");
    }
}

bool job_unique_key(struct job *j, const char *relation, struct err *e)
{
    auto_buf sql = BUF(1 << 16), key = BUF(1 << 16);
    for (size_t i = 0; i < j->m->nkey; i++) {
        buf_addf(&key, "%s", i ? ", " : "");
        sql_ident(&key, j->m->key[i]);
    }
    buf_addf(&sql, "SELECT count(*) FROM (SELECT 1 FROM ");
    sql_table(&sql, relation);
    buf_addf(&sql, " GROUP BY %s HAVING count(*) > 1)", key.p);
    int64_t n;
    if (!buf_done(&sql, e) || !engine_int(j->w->driver, j->s, sql.p, &n, NULL, e))
        return false;
    if (n == 0)
        return true;
    fail(e, ERR_DATA, "%s: its SELECT gives %lld key%s more than once", j->m->name, (long long)n,
         n == 1 ? "" : "s");
    return hint(e,
                "a merge needs one row a key, like: QUALIFY row_number() OVER (PARTITION BY %s ORDER BY ... "
                "DESC) = 1",
                key.p);
}

/* --- which files hold rows to be replaced --- */

struct range { /* JSON values of one type, from statistics */
    const char *min, *max;
};

static bool is_number(const char *json)
{
    return *json == '-' || (*json >= '0' && *json <= '9');
}

static bool is_whole(const char *json)
{
    return json[*json == '-'] && !json[strspn(json + (*json == '-'), "0123456789") + (*json == '-')];
}

/* x < y; false as well when nobody can tell. */
static bool is_less(const char *x, const char *y)
{
    if (is_whole(x) && is_whole(y) && strlen(x) < 19 && strlen(y) < 19)
        return strtoll(x, NULL, 10) < strtoll(y, NULL, 10);
    return is_number(x) && is_number(y) && strtod(x, NULL) < strtod(y, NULL);
}

/* Of the first key column over the new rows. Numbers only: texts may be cut, and times are spelled in many
 * ways. */
static bool new_range(struct arena *a, const struct job *j, const struct engine_staged *in, struct range *ret)
{
    *ret = (struct range){0};
    for (size_t i = 0; i < in->nfiles; i++) {
        struct range r;
        if (!lake_file_range(a, &in->files[i], j->m->key[0], &r.min, &r.max) || !is_number(r.min) ||
            !is_number(r.max))
            return false;
        ret->min = !ret->min || is_less(r.min, ret->min) ? r.min : ret->min;
        ret->max = !ret->max || is_less(ret->max, r.max) ? r.max : ret->max;
    }
    return ret->min;
}

static bool may_hold(struct arena *a, const struct job *j, const struct lake_file *f,
                     const struct range *keys)
{
    struct range r;
    if (!keys || !lake_file_range(a, f, j->m->key[0], &r.min, &r.max))
        return true;
    return !is_less(r.max, keys->min) && !is_less(keys->max, r.min);
}

/* Ticks the files with a row whose `key` is in a relation, of those that can have one by their statistics. */
static bool find_matching(struct job *j, const char *const *key, size_t nkey, const char *relation,
                          const struct range *keys, bool *hit, struct err *e)
{
    auto_arena *a = arena_new();
    const struct lake_snapshot *base = j->work.base;
    const struct lake_file **files = arena_make(a, const struct lake_file *, base->nfiles);
    bool *found = arena_make(a, bool, base->nfiles);
    size_t n = 0;
    for (size_t i = 0; i < base->nfiles; i++)
        if (!hit[i] && may_hold(a, j, &base->files[i], keys))
            files[n++] = &base->files[i];
    if (!j->w->driver->matching_files(j->s, &j->work.table, base, files, n, key, nkey, relation, found, e))
        return false;
    for (size_t i = 0; i < n; i++)
        hit[files[i] - base->files] |= found[i];
    return true;
}

static bool find_hits(struct job *j, const struct engine_staged *in, struct err *e)
{
    const struct lake_snapshot *base = j->work.base;
    bool *hit = arena_make(j->t->a, bool, base->nfiles);
    struct range keys;
    bool ranged = new_range(j->t->a, j, in, &keys);
    if (in->rows && !find_matching(j, j->m->key, j->m->nkey, "cupel_in", ranged ? &keys : NULL, hit, e))
        return false;
    for (size_t i = 0; j->groups && i < j->touched.n; i++)
        if (!find_matching(j, &j->touched.v[i].column, 1, j->touched.v[i].relation, NULL, hit, e))
            return false;
    for (size_t i = 0; i < base->nfiles; i++)
        if (hit[i])
            *arena_push(j->t->a, &j->removes) = &base->files[i];
    return true;
}

/* --- staging --- */

/* The new rows lie in files below `dir` of a store of their own. */
static bool merge_in(struct job *j, struct store *store, const char *dir, struct engine_staged *in,
                     struct err *e)
{
    auto_buf sql = BUF(1 << 20);
    merge_select(&sql, j);
    if (!job_stage_select(j, store, dir, false, in, e))
        return false;
    struct lake_table in_table = {.store = store, .dir = dir, .clock = j->w->clock};
    struct lake_snapshot snap = {.schema = j->schema, .files = in->files, .nfiles = in->nfiles};
    if (!buf_done(&sql, e) || !j->w->driver->relation_files(j->s, "cupel_in", &in_table, &snap, NULL, 0, e) ||
        !job_unique_key(j, "cupel_in", e) || !find_hits(j, in, e))
        return false;
    if (in->rows == 0 && j->removes.n == 0)
        return true;
    const struct engine_stage stage = {.sql = sql.p,
                                       .store = j->w->lake,
                                       .dir = j->work.table.dir,
                                       .partition_by = j->partition_by,
                                       .npartition_by = j->npartition_by};
    return job_files(j, "cupel_hit", &j->work.table, j->work.base, j->removes.v, j->removes.n, e) &&
           job_stage(j, &stage, &j->staged, e);
}

bool job_merge(struct job *j, struct err *e)
{
    struct arena *a = j->t->a;
    const char *root = fs_join(a, j->w->project->state, "stage"), *dir = lake_uuid(a),
               *path = fs_join(a, root, dir);
    struct store *store;
    struct engine_staged in = {0};
    struct err ignored;
    if (!fs_mkdirs(path, e) || !store_open(a, root, &store, e))
        return false;
    bool ok = merge_in(j, store, dir, &in, e);
    j->staged.rejects = in.rejects;
    j->staged.nrejects = in.nrejects;
    j->staged.gate_failed = in.gate_failed;
    if (!fs_remove_tree(path, &ignored))
        log_debug(EV("staged.left"), KV("folder", dir));
    return ok;
}
