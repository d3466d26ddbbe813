/* Small files become large ones, partition by partition, and rows are sorted along a curve if asked. */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "asset/maintain.h"
#include "base/fs.h"
#include "base/json.h"
#include "base/log.h"
#include "engine/curve.h"

enum {
    SCAN_FILES = 10000,   /* in one statement: the engine keeps something of each */
    SAMPLE_ROWS = 100000, /* from which ranks are told */
};
#define TARGET_BYTES ((int64_t)128 << 20)
#define STEP_BYTES   ((int64_t)4 << 30) /* read, after which a commit is made */

struct files list_of(const struct lake_file *);
struct written list_of(struct lake_file);

struct group { /* of files of one partition that are written again together */
    const struct lake_file **files;
    size_t n;
};

struct packing {
    struct task *t;
    const struct workshop *w;
    const struct optimize_options *o;
    struct optimize_result *ret;
    const char *name;
    struct lake_table table;
    const struct lake_snapshot *base;
    struct session *s;
    int64_t target;
    const char *tag; /* of files that are sorted as asked; NULL = no order is asked for */
    struct rewrite rewrite;
    struct list_of(struct group) groups;

    /* the commit that is being made */
    struct staging staging;
    bool staging_on;
    struct files removes;
    struct written adds;
    int64_t bytes;
};

/* --- what is to be written again --- */

static int compare_text(const char *x, const char *y)
{
    return x && y ? strcmp(x, y) : (x != NULL) - (y != NULL);
}

/* By partition, and in it by age. */
struct placed {
    const struct lake_file *f;
    size_t npartition_by;
};

static bool same_partition(const struct placed *x, const struct placed *y)
{
    for (size_t i = 0; i < x->npartition_by; i++)
        if (compare_text(x->f->values[i], y->f->values[i]) != 0)
            return false;
    return true;
}

static int by_place(const void *l, const void *r)
{
    const struct placed *x = l, *y = r;
    for (size_t i = 0; i < x->npartition_by; i++) {
        int order = compare_text(x->f->values[i], y->f->values[i]);
        if (order)
            return order;
    }
    if (x->f->mtime_ms != y->f->mtime_ms)
        return x->f->mtime_ms < y->f->mtime_ms ? -1 : 1;
    return strcmp(x->f->path, y->f->path);
}

static bool is_small(const struct packing *p, const struct lake_file *f)
{
    return f->size < p->target / 4 * 3;
}

static bool is_sorted(const struct packing *p, const struct lake_file *f)
{
    return f->tags && strcmp(f->tags, p->tag) == 0;
}

/* Of the files of one partition. A lone small file has nobody to join; sorted are all or none, since an order
 * is one of all the rows. */
static void choose_files(struct packing *p, const struct placed *files, size_t n)
{
    struct arena *a = p->t->a;
    struct group g = {.files = arena_make(a, const struct lake_file *, n)};
    bool sorted = p->tag != NULL, needed = false;
    for (size_t i = 0; i < n; i++) {
        const struct lake_file *f = files[i].f;
        bool holes = f->dv != NULL;
        needed = needed || holes || (sorted && !is_sorted(p, f));
        if (sorted || holes || is_small(p, f))
            g.files[g.n++] = f;
    }
    if (!sorted && g.n > 1)
        needed = true;
    if (needed && g.n)
        *arena_push(a, &p->groups) = g;
}

/* --- which partitions --- */

/* The partitions as a table of the engine, numbered, so that the user's condition can be asked of them. */
static bool relate_partitions(struct packing *p, const struct placed *files, const size_t *first, size_t n,
                              struct err *e)
{
    struct arena *a = p->t->a;
    static const struct lake_type number = {.kind = LAKE_PRIMITIVE, .primitive = "long"};
    const struct lake_snapshot *s = p->base;
    struct engine_column *cols = arena_make(a, struct engine_column, s->npartition_by + 1);
    cols[0] = (struct engine_column){"cupel_no", "BIGINT", &number};
    for (size_t i = 0; i < s->npartition_by; i++)
        for (size_t k = 0; k < s->schema.n; k++)
            if (strcasecmp(s->schema.fields[k].name, s->partition_by[i]) == 0)
                cols[i + 1] = (struct engine_column){s->partition_by[i], NULL, s->schema.fields[k].type};
    auto_buf sql = BUF(64 << 20);
    buf_addf(&sql, "INSERT INTO cupel_partitions VALUES ");
    for (size_t i = 0; i < n; i++) {
        buf_addf(&sql, "%s(%zu", i ? ", " : "", i);
        for (size_t k = 0; k < s->npartition_by; k++) {
            const char *value = files[first[i]].f->values[k];
            buf_addf(&sql, ", ");
            if (value)
                sql_literal(&sql, value);
            else
                buf_addf(&sql, "NULL");
        }
        buf_addf(&sql, ")");
    }
    int64_t none;
    return buf_done(&sql, e) &&
           p->w->driver->relation_empty(p->s, "cupel_partitions", cols, s->npartition_by + 1, e) &&
           /* the table is made when it is first asked for */
           engine_int(p->w->driver, p->s, "SELECT count(*) FROM cupel_partitions", &none, NULL, e) &&
           p->w->driver->exec(p->s, sql.p, e);
}

static bool ask_partitions(struct packing *p, bool *chosen, struct err *e)
{
    auto_buf sql = BUF(1 << 20);
    struct engine_rows rows;
    buf_addf(&sql, "SELECT cupel_no FROM cupel_partitions WHERE (%s\n)", p->o->where);
    if (!buf_done(&sql, e) ||
        !engine_rows(p->w->driver, p->t->a, p->s, sql.p, (struct engine_params){0}, SIZE_MAX, &rows, e)) {
        e->at = (struct src){0};
        wrap(e, "--where \"%s\"", p->o->where);
        return e->hint[0] ? false : hint(e, "it can ask for the partition columns alone");
    }
    for (size_t i = 0; i < rows.nrows; i++)
        chosen[strtoull(rows.rows[i][0], NULL, 10)] = true;
    return true;
}

static bool choose(struct packing *p, struct err *e)
{
    struct arena *a = p->t->a;
    const struct lake_snapshot *s = p->base;
    struct placed *files = arena_make(a, struct placed, s->nfiles);
    size_t *first = arena_make(a, size_t, s->nfiles + 1), n = 0;
    for (size_t i = 0; i < s->nfiles; i++)
        files[i] = (struct placed){&s->files[i], s->npartition_by};
    if (s->nfiles)
        qsort(files, s->nfiles, sizeof *files, by_place);
    for (size_t i = 0; i < s->nfiles; i++)
        if (i == 0 || !same_partition(&files[i - 1], &files[i]))
            first[n++] = i;
    first[n] = s->nfiles;
    bool *chosen = arena_make(a, bool, n);
    if (p->o->where && !s->npartition_by)
        return fail(e, ERR_USER, "--where: table '%s' has no partitions", p->name);
    if (p->o->where && n && !(relate_partitions(p, files, first, n, e) && ask_partitions(p, chosen, e)))
        return false;
    for (size_t i = 0; i < n; i++)
        if (!p->o->where || chosen[i])
            choose_files(p, files + first[i], first[i + 1] - first[i]);
    return true;
}

/* --- the curve --- */

static const struct lake_field *find_column(const struct packing *p, const char *name)
{
    for (size_t i = 0; i < p->rewrite.stored.n; i++)
        if (strcasecmp(p->rewrite.stored.fields[i].name, name) == 0)
            return &p->rewrite.stored.fields[i];
    return NULL;
}

/* Of a column, as a number or a text whose order is its own. */
static void add_coordinate(struct buf *b, const struct lake_field *f, bool *ret_text)
{
    const char *type = f->type->primitive;
    bool text = strcmp(type, "string") == 0 || strcmp(type, "binary") == 0;
    bool time = strcmp(type, "date") == 0 || strncmp(type, "timestamp", 9) == 0;
    buf_addf(b, text ? "CAST(" : time ? "epoch(" : "CAST(");
    sql_ident(b, f->name);
    buf_addf(b, text ? " AS VARCHAR)" : time ? ")" : " AS DOUBLE)");
    *ret_text = text;
}

/* Values that part a sample of the column into as many ranges of equal weight as a coordinate can tell. */
static bool add_bounds(struct packing *p, struct buf *b, const struct lake_field *f, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf sql = BUF(1 << 16);
    struct engine_rows rows;
    bool text;
    enum { RANGES = (1 << CURVE_BITS) - 2 };
    buf_addf(&sql,
             "SELECT DISTINCT v FROM (SELECT v, row_number() OVER (ORDER BY v) AS i, count(*) OVER () AS n "
             "FROM (SELECT v FROM (SELECT ");
    add_coordinate(&sql, f, &text);
    buf_addf(&sql,
             " AS v FROM cupel_old) USING SAMPLE reservoir(%d ROWS) REPEATABLE (1)) WHERE v IS NOT NULL) "
             "WHERE i %% greatest((n + %d) // %d, 1) = 0 ORDER BY v",
             SAMPLE_ROWS, RANGES - 1, RANGES);
    if (!buf_done(&sql, e) ||
        !engine_rows(p->w->driver, a, p->s, sql.p, (struct engine_params){0}, RANGES, &rows, e))
        return false;
    buf_addf(b, "[");
    for (size_t i = 0; i < rows.nrows; i++) {
        buf_addf(b, "%s", i ? ", " : "");
        sql_literal(b, rows.rows[i][0]);
    }
    buf_addf(b, "]::%s[]", text ? "VARCHAR" : "DOUBLE");
    return true;
}

static bool add_order(struct packing *p, struct buf *b, struct err *e)
{
    bool text;
    buf_addf(b, " ORDER BY cupel_%s([", p->o->hilbert ? "hilbert" : "zorder");
    for (size_t i = 0; i < p->o->nby; i++) {
        const struct lake_field *f = find_column(p, p->o->by[i]);
        auto_buf value = BUF(1 << 16);
        add_coordinate(&value, f, &text);
        buf_addf(b, "%scupel_rank%s(%s, ", i ? ", " : "", text ? "_text" : "", value.p);
        if (!add_bounds(p, b, f, e))
            return false;
        buf_addf(b, ")");
    }
    buf_addf(b, "])");
    return true;
}

static bool check_order(const struct packing *p, struct err *e)
{
    const char *option = p->o->hilbert ? "--hilbert-by" : "--zorder-by";
    if (p->o->nby > CURVE_MAX)
        return fail(e, ERR_USER, "%s: at most %d columns", option, CURVE_MAX);
    for (size_t i = 0; i < p->o->nby; i++) {
        const struct lake_field *f = find_column(p, p->o->by[i]);
        if (!f && rewrite_is_partition(p->base, p->o->by[i]))
            return fail(e, ERR_USER, "%s: table '%s' is partitioned by '%s', which sorts it already", option,
                        p->name, p->o->by[i]);
        if (!f)
            return fail(e, ERR_USER, "%s: table '%s' has no column '%s'", option, p->name, p->o->by[i]);
        if (f->type->kind != LAKE_PRIMITIVE)
            return fail(e, ERR_USER, "%s: column '%s' has no order to sort by", option, f->name);
    }
    return true;
}

/* As other writers of Delta tag such files: {"ZCUBE_ZORDER_BY":"[\"a\"]","ZCUBE_ZORDER_CURVE":"hilbert"} */
static const char *sorted_tag(struct packing *p)
{
    auto_buf list = BUF(1 << 16), tag = BUF(1 << 16);
    buf_addf(&list, "[");
    for (size_t i = 0; i < p->o->nby; i++) {
        const struct lake_field *f = find_column(p, p->o->by[i]);
        buf_addf(&list, "%s", i ? "," : "");
        json_quote(&list, f->name, strlen(f->name));
    }
    buf_addf(&list, "]");
    buf_addf(&tag, "{\"ZCUBE_ZORDER_BY\":");
    json_quote(&tag, list.p, list.len);
    buf_addf(&tag, ",\"ZCUBE_ZORDER_CURVE\":\"%s\"}", p->o->hilbert ? "hilbert" : "zorder");
    return arena_str(p->t->a, tag.p);
}

/* --- writing --- */

static void forget(struct packing *p, const struct lake_file *f)
{
    struct err ignored;
    if (!p->w->lake->driver->remove(p->w->lake, fs_join(p->t->a, p->table.dir, f->path), &ignored))
        log_debug(EV("staged.left"), KV("table", p->name), KV("file", f->path));
}

/* The rows of some files of one partition as files in its folder. */
static bool write_files(struct packing *p, const struct lake_file *const *files, size_t n,
                        struct engine_staged *ret, struct err *e)
{
    auto_buf order = BUF(64 << 20);
    if (p->tag &&
        (!rewrite_relate(&p->rewrite, files, n, e) || !add_order(p, &order, e) || !buf_done(&order, e)))
        return false;
    if (!rewrite_files(&p->rewrite, files, n, order.p, ret, e))
        return false;
    for (size_t i = 0; i < ret->nfiles; i++) {
        ret->files[i].tags = p->tag;
        ret->files[i].data_change = false;
    }
    return true;
}

/* No row may be lost or doubled: as many are written as were there. */
static bool check_rows(const struct packing *p, const struct group *g, int64_t written, struct err *e)
{
    int64_t rows = 0;
    for (size_t i = 0; i < g->n; i++) {
        if (g->files[i]->rows < 0)
            return true; /* nobody has said how many there are */
        rows += g->files[i]->rows - (g->files[i]->dv ? g->files[i]->dv->cardinality : 0);
    }
    return rows == written ||
           fail(e, ERR_DATA,
                "table '%s' should have %" PRIi64 " rows in %zu files, by their statistics, and "
                "has %" PRIi64,
                p->name, rows, g->n, written);
}

/* A long group is written in pieces: what ends one, a file that is not full, begins the next. */
static bool write_group(struct packing *p, const struct group *g, struct err *e)
{
    struct arena *a = p->t->a;
    size_t step = p->tag ? g->n : SCAN_FILES;
    struct lake_file carried;
    bool carry = false;
    int64_t rows = 0;
    const struct lake_file **piece = arena_make(a, const struct lake_file *, (step < g->n ? step : g->n) + 1);
    for (size_t done = 0; done < g->n;) {
        struct engine_staged staged;
        size_t n = 0, end = done + step < g->n ? done + step : g->n;
        if (carry)
            piece[n++] = &carried;
        while (done < end)
            piece[n++] = g->files[done++];
        if (!task_live(p->t, e) || !write_files(p, piece, n, &staged, e))
            return false;
        if (carry)
            forget(p, &carried);
        carry = false;
        for (size_t i = 0; i < staged.nfiles; i++) {
            const struct lake_file *f = &staged.files[i];
            if (done < g->n && !carry && is_small(p, f)) {
                carried = *f;
                carry = true;
                continue;
            }
            *arena_push(a, &p->adds) = *f;
            rows += f->rows;
        }
    }
    for (size_t i = 0; i < g->n; i++) {
        *arena_push(a, &p->removes) = g->files[i];
        p->bytes += g->files[i]->size;
    }
    return check_rows(p, g, rows, e);
}

static void add_up(struct packing *p, const struct lake_file *files, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        p->ret->bytes_added += files[i].size;
        p->ret->rows += files[i].rows;
    }
    p->ret->added += n;
    p->ret->removed += p->removes.n;
    for (size_t i = 0; i < p->removes.n; i++)
        p->ret->bytes_removed += p->removes.v[i]->size;
}

static bool commit(struct packing *p, struct err *e)
{
    struct arena *a = p->t->a;
    auto_buf by = BUF(1 << 16);
    buf_addf(&by, "[");
    for (size_t i = 0; i < p->o->nby; i++) {
        buf_addf(&by, "%s", i ? "," : "");
        json_quote(&by, p->o->by[i], strlen(p->o->by[i]));
    }
    buf_addf(&by, "]");
    auto_buf parameters = BUF(1 << 20);
    buf_addf(&parameters, "{\"predicate\":");
    const char *where = p->o->where ? p->o->where : "";
    json_quote(&parameters, where, strlen(where));
    buf_addf(&parameters, ",\"zOrderBy\":");
    json_quote(&parameters, by.p, by.len);
    buf_addf(&parameters, ",\"auto\":\"false\"}");
    if (!buf_done(&parameters, e))
        return false;
    add_up(p, p->adds.v, p->adds.n);
    const struct lake_commit c = {
        .base = p->base,
        .adds = p->adds.v,
        .nadds = p->adds.n,
        .removes = p->removes.v,
        .nremoves = p->removes.n,
        .operation = "OPTIMIZE",
        .parameters = parameters.p,
        .metrics =
            arena_fmt(a, "{\"numAddedFiles\":\"%zu\",\"numRemovedFiles\":\"%zu\"}", p->adds.n, p->removes.n),
        .run_id = p->t->run_id,
    };
    p->staging_on = false;
    if (!staging_commit(a, p->w, &p->table, &p->staging, &c, &p->ret->version, e))
        return false;
    p->ret->commits++;
    p->adds = (struct written){0};
    p->removes = (struct files){0};
    p->bytes = 0;
    return true;
}

static bool write_groups(struct packing *p, struct err *e)
{
    for (size_t i = 0; i < p->groups.n; i++) {
        if (!p->staging_on) {
            if (!staging_begin(p->t->a, p->w, &p->table, p->base, &p->staging, e))
                return false;
            p->staging_on = true;
            p->rewrite.token = p->staging.token;
        }
        if (!write_group(p, &p->groups.v[i], e))
            return false;
        p->ret->partitions++;
        bool last = i + 1 == p->groups.n;
        if ((last || p->bytes >= STEP_BYTES) && !commit(p, e))
            return false;
    }
    return true;
}

/* --- all of it --- */

static void guess(struct packing *p)
{
    struct optimize_result *r = p->ret;
    r->partitions = p->groups.n;
    for (size_t i = 0; i < p->groups.n; i++) {
        int64_t bytes = 0;
        for (size_t k = 0; k < p->groups.v[i].n; k++)
            bytes += p->groups.v[i].files[k]->size;
        r->removed += p->groups.v[i].n;
        r->added += (size_t)((bytes + p->target - 1) / p->target);
        r->bytes_removed += bytes;
    }
}

static int64_t target_bytes(const struct packing *p)
{
    struct err ignored;
    int64_t bytes;
    const char *asked = lake_property(p->base, "delta.targetFileSize");
    if (p->o->target_bytes > 0)
        return p->o->target_bytes;
    return asked && text_size_bytes(asked, &bytes, &ignored) && bytes > 0 ? bytes : TARGET_BYTES;
}

bool asset_optimize(struct task *t, const struct workshop *w, const char *table,
                    const struct optimize_options *o, struct optimize_result *ret, struct err *e)
{
    struct packing p = {.t = t, .w = w, .o = o, .ret = ret, .name = table};
    struct lake_snapshot *base;
    *ret = (struct optimize_result){.version = -1};
    p.table = asset_table(t->a, w, table);
    if (!lake_snapshot(t->a, &p.table, LAKE_LATEST, &base, NULL, e))
        return wrap(e, "table '%s'", table);
    p.base = base;
    p.target = target_bytes(&p);
    rewrite_init(t->a, &p.rewrite, w, &p.table, base);
    p.rewrite.file_bytes = p.target;
    if (!lake_may_change(&p.table, base, false, e) || !check_order(&p, e))
        return false;
    p.tag = o->nby ? sorted_tag(&p) : NULL;
    if (!w->driver->session(t->a, w->engine, t, &p.s, e) || !choose(&p, e))
        return false;
    p.rewrite.s = p.s;
    if (o->dry_run) {
        guess(&p);
        return true;
    }
    /* An order is told from the files before they are read for good. */
    if (!p.tag && p.groups.n && !w->driver->read_once(p.s, e))
        return false;
    if (write_groups(&p, e))
        return true;
    if (p.staging_on)
        staging_drop(w, &p.table, &p.staging, p.adds.v, p.adds.n);
    return false;
}
