/* Merge: new rows replace those of the same key. Files that hold one to be replaced are written again without
 * it, together with the new rows; the others stay. */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/fs.h"
#include "base/log.h"

enum { MAX_PARTITIONS = 1000 };

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

/* source replaces target when it is not older; what has no sequence is older than all. */
static void not_older(struct buf *b, const struct model *m)
{
    buf_addf(b, "(target.");
    sql_ident(b, m->sequence_by);
    buf_addf(b, " IS NULL OR coalesce(source.");
    sql_ident(b, m->sequence_by);
    buf_addf(b, " >= target.");
    sql_ident(b, m->sequence_by);
    buf_addf(b, ", false))");
}

/* Where whole groups are made anew there is nothing to choose. */
static bool is_choosy(const struct job *j)
{
    const struct model *m = j->m;
    return !j->groups && (m->sequence_by || m->when.update || m->when.delete || m->when.insert);
}

/* Of two rows of one key: the new one takes the place of the old one. */
static void takes_place(struct buf *b, const struct job *j)
{
    const struct model *m = j->m;
    const char *and = "";
    if (!is_choosy(j) || !(m->sequence_by || m->when.update || m->when.delete)) {
        buf_addf(b, "true");
        return;
    }
    buf_addf(b, "(");
    if (m->sequence_by) {
        not_older(b, m);
        and = " AND ";
    }
    if (m->when.update) {
        buf_addf(b, "%s(%s\n) IS TRUE", and, m->when.update);
        and = " AND ";
    }
    if (m->when.delete)
        buf_addf(b, "%s(%s\n) IS NOT TRUE", and, m->when.delete);
    buf_addf(b, ")");
}

/* Of an old row "target": a new one takes its place, or says that it goes, or its group is made anew. */
static void is_replaced(struct buf *b, const struct job *j)
{
    buf_addf(b, "EXISTS (SELECT 1 FROM cupel_in AS source WHERE ");
    same_key(b, j->m, "source", "target");
    if (is_choosy(j)) {
        buf_addf(b, " AND (");
        takes_place(b, j);
        if (j->m->when.delete)
            buf_addf(b, " OR (%s\n) IS TRUE", j->m->when.delete);
        buf_addf(b, ")");
    }
    buf_addf(b, ")");
    for (size_t i = 0; j->groups && i < j->touched.n; i++) {
        buf_addf(b, " OR EXISTS (SELECT 1 FROM %s AS k WHERE k.", j->touched.v[i].relation);
        sql_ident(b, j->touched.v[i].column);
        buf_addf(b, " = target.");
        sql_ident(b, j->touched.v[i].column);
        buf_addf(b, ")");
    }
}

static void has_old(struct buf *b, const struct job *j)
{
    buf_addf(b, "EXISTS (SELECT 1 FROM cupel_old AS target WHERE ");
    same_key(b, j->m, "source", "target");
}

/* A new row "source" that does not take the place of the one that is there (cupel_old) is left out; and one
 * that would be the first of its key and may not be. */
static void is_stored(struct buf *b, const struct job *j)
{
    if (!is_choosy(j))
        return;
    buf_addf(b, " WHERE NOT ");
    has_old(b, j);
    buf_addf(b, " AND NOT ");
    takes_place(b, j);
    buf_addf(b, ")");
    if (j->m->when.insert) {
        buf_addf(b, " AND ((%s\n) IS TRUE OR ", j->m->when.insert);
        has_old(b, j);
        buf_addf(b, "))");
    }
}

/* Rows of the files to be written again that stay, and the new rows. */
static void merge_select(struct buf *b, const struct job *j)
{
    buf_addf(b, "SELECT target.* FROM cupel_hit AS target WHERE NOT (");
    is_replaced(b, j);
    buf_addf(b, ") UNION ALL BY NAME SELECT source.* FROM cupel_in AS source");
    is_stored(b, j);
}

/* What the merge does to rows, for the change data feed: a row of a key that stays is updated. */
static void feed_select(struct buf *b, const struct job *j)
{
    buf_addf(b, "SELECT target.*, CASE WHEN EXISTS (SELECT 1 FROM cupel_in AS source WHERE ");
    same_key(b, j->m, "source", "target");
    buf_addf(b, " AND ");
    takes_place(b, j);
    buf_addf(b, ") THEN 'update_preimage' ELSE 'delete' END AS _change_type FROM cupel_old AS target WHERE ");
    is_replaced(b, j);
    buf_addf(b, " UNION ALL BY NAME SELECT source.*, CASE WHEN ");
    has_old(b, j);
    buf_addf(b, ") THEN 'update_postimage' ELSE 'insert' END AS _change_type FROM cupel_in AS source");
    is_stored(b, j);
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

static const struct lake_field *field_of(const struct job *j, const char *column)
{
    for (size_t i = 0; i < j->schema.n; i++)
        if (strcasecmp(j->schema.fields[i].name, column) == 0)
            return &j->schema.fields[i];
    return NULL;
}

static bool is_partition(const struct job *j, const char *column)
{
    for (size_t i = 0; i < j->npartition_by; i++)
        if (strcasecmp(j->partition_by[i], column) == 0)
            return true;
    return false;
}

/* The values of a partition column that occur in the new rows, as the log spells them. */
static bool partition_values(struct job *j, const char *column, struct lake_where *ret, struct err *e)
{
    auto_buf sql = BUF(1 << 16);
    struct engine_rows rows;
    const struct engine_params none = {0};
    buf_addf(&sql, "SELECT DISTINCT nullif(CAST(");
    sql_ident(&sql, column);
    buf_addf(&sql, " AS VARCHAR), '') FROM cupel_in");
    if (!buf_done(&sql, e) ||
        !engine_rows(j->w->driver, j->t->a, j->s, sql.p, none, MAX_PARTITIONS + 1, &rows, e))
        return false;
    const char **values = arena_make(j->t->a, const char *, rows.nrows);
    for (size_t i = 0; i < rows.nrows; i++)
        values[i] = rows.rows[i][0];
    if (rows.nrows <= MAX_PARTITIONS)
        *ret = (struct lake_where){.column = column, .values = values, .nvalues = rows.nrows};
    return true;
}

/* What rows the new ones can replace: those whose key columns lie where theirs do. */
static bool find_reads(struct job *j, const struct engine_staged *in, struct err *e)
{
    struct arena *a = j->t->a;
    for (size_t i = 0; i < j->m->nkey; i++) {
        const struct lake_field *f = field_of(j, j->m->key[i]);
        struct lake_where w = {0};
        if (f && is_partition(j, f->name) && !partition_values(j, f->name, &w, e))
            return false;
        if (w.column || (f && lake_files_range(a, f, in->files, in->nfiles, &w)))
            *arena_push(a, &j->reads) = w;
    }
    return true;
}

/* Ticks the files with a row whose `key` is in a relation, of those that can have one (as `where` says). */
static bool find_matching(struct job *j, const char *const *key, size_t nkey, const char *relation,
                          const struct lake_where *where, size_t nwhere, bool *hit, struct err *e)
{
    auto_arena *a = arena_new();
    const struct lake_snapshot *base = j->work.base;
    const struct lake_file **files = arena_make(a, const struct lake_file *, base->nfiles);
    bool *found = arena_make(a, bool, base->nfiles);
    size_t n = 0;
    for (size_t i = 0; i < base->nfiles; i++)
        if (!hit[i] && lake_file_may_hold(base, &base->files[i], where, nwhere))
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
    if (in->rows && (!find_reads(j, in, e) ||
                     !find_matching(j, j->m->key, j->m->nkey, "cupel_in", j->reads.v, j->reads.n, hit, e)))
        return false;
    for (size_t i = 0; j->groups && i < j->touched.n; i++)
        if (!find_matching(j, &j->touched.v[i].column, 1, j->touched.v[i].relation, NULL, 0, hit, e))
            return false;
    if (j->groups)
        j->reads.n = 0; /* rows of touched keys as well */
    for (size_t i = 0; i < base->nfiles; i++)
        if (hit[i])
            *arena_push(j->t->a, &j->removes) = &base->files[i];
    return true;
}

/* --- marking rows --- */

struct file_list list_of(const struct lake_file *);
struct marks { /* the touched files, by what becomes of them */
    struct file_list old, rewritten, marked;
    struct list_of(struct engine_hits) hits; /* of those marked */
    struct lake_file *adds;
};

/* What becomes of the files that have a row to be replaced (j->removes, of which those that stay are taken).
 */
static bool sort_files(struct job *j, struct marks *m, struct err *e)
{
    struct arena *a = j->t->a;
    struct file_list removes = {0};
    size_t n = j->removes.n;
    auto_buf sql = BUF(1 << 20);
    m->old = (struct file_list){j->removes.v, n, n};
    m->rewritten = m->old;
    if (!vectors_on(j->work.base))
        return true;
    struct engine_hits *hits = arena_make(a, struct engine_hits, n);
    is_replaced(&sql, j);
    if (!buf_done(&sql, e) ||
        !j->w->driver->matching_rows(a, j->s, &j->work.table, j->work.base, m->old.v, n, sql.p, hits, e))
        return false;
    m->rewritten = (struct file_list){0};
    for (size_t i = 0; i < n; i++) {
        const struct lake_file *f = m->old.v[i];
        enum fate fate = vectors_fate(j->work.base, f, hits[i].n);
        if (fate != FATE_STAYS)
            *arena_push(a, &removes) = f;
        if (fate == FATE_REWRITTEN)
            *arena_push(a, &m->rewritten) = f;
        if (fate == FATE_MARKED) {
            *arena_push(a, &m->marked) = f;
            *arena_push(a, &m->hits) = hits[i];
        }
    }
    j->removes.v = removes.v;
    j->removes.n = removes.n;
    return true;
}

static bool write_marks(struct job *j, const struct marks *m, struct err *e)
{
    struct arena *a = j->t->a;
    size_t n = m->marked.n;
    if (n == 0)
        return true;
    struct lake_file *files = arena_make(a, struct lake_file, j->staged.nfiles + n);
    for (size_t i = 0; i < j->staged.nfiles; i++)
        files[n + i] = j->staged.files[i];
    if (!vectors_write(a, j->w, &j->work.table, &j->staging, m->marked.v, m->hits.v, n, files, e))
        return false;
    j->staged.files = files;
    j->staged.nfiles += n;
    return true;
}

static bool write_feed(struct job *j, struct err *e)
{
    auto_buf sql = BUF(1 << 20);
    if (j->removes.n == 0 || !feed_on(j->properties.v, j->properties.n))
        return true;
    feed_select(&sql, j);
    return buf_done(&sql, e) && feed_stage(j->t->a, j->w, j->s, &j->work.table, &j->schema, j->partition_by,
                                           j->npartition_by, sql.p, &j->staging, e);
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
    struct lake_snapshot snap = {.schema = j->schema,
                                 .mapping = lake_mapping_of(j->properties.v, j->properties.n),
                                 .files = in->files,
                                 .nfiles = in->nfiles};
    if (!buf_done(&sql, e) || !j->w->driver->relation_files(j->s, "cupel_in", &in_table, &snap, NULL, 0, e) ||
        !job_unique_key(j, "cupel_in", e) || !find_hits(j, in, e))
        return false;
    struct marks marks = {0};
    if (in->rows == 0 && j->removes.n == 0)
        return true;
    if (!sort_files(j, &marks, e))
        return false;
    const struct engine_stage stage = {.sql = sql.p,
                                       .store = j->w->lake,
                                       .dir = j->work.table.dir,
                                       .partition_by = j->partition_by,
                                       .npartition_by = j->npartition_by};
    return job_files(j, "cupel_hit", &j->work.table, j->work.base, marks.rewritten.v, marks.rewritten.n, e) &&
           job_files(j, "cupel_old", &j->work.table, j->work.base, marks.old.v, marks.old.n, e) &&
           job_stage(j, &stage, &j->staged, e) && write_marks(j, &marks, e) && write_feed(j, e);
}

bool job_merge(struct job *j, struct err *e)
{
    struct arena *a = j->t->a;
    const char *root = fs_join(a, j->w->project->state, "stage"), *dir = lake_uuid(a),
               *path = fs_join(a, root, dir);
    struct store *store;
    struct engine_staged in = {0};
    struct err ignored;
    if (!fs_mkdirs(path, e) || !store_open(a, root, NULL, &store, e))
        return false;
    bool ok = merge_in(j, store, dir, &in, e);
    j->staged.rejects = in.rejects;
    j->staged.nrejects = in.nrejects;
    j->staged.gate_failed = in.gate_failed;
    if (!fs_remove_tree(path, &ignored))
        log_debug(EV("staged.left"), KV("folder", dir));
    return ok;
}
