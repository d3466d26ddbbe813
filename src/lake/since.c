/* What happened to a table's rows after a version. */
#include <stdlib.h>
#include <string.h>

#include "lake/delta_log.h"
#include "lake/dv.h"
#include "lake/map.h"
#include "lake/path.h"

struct files list_of(const struct lake_file *);

/* What the commits so far make of a path. */
enum fate {
    FATE_NONE,  /* it came and went, or went and came back */
    FATE_CAME,  /* its rows are new */
    FATE_MOVED, /* its rows were there before, in other files */
    FATE_WENT,  /* its rows are no more */
};

struct event {
    enum fate fate;
    const struct lake_file *file; /* NULL: one of those that were there before */
};

struct since {
    struct arena *a;
    const struct lake_snapshot *s;
    int64_t version;  /* whose actions come in */
    bool prune;       /* it only takes away what is too old to be kept */
    struct map paths; /* numbers the events, by lake_file_id() */
    struct list_of(struct event) events;
    bool another_table;
};

static const char *const *values_of(struct arena *a, const struct file_act *f, const struct lake_snapshot *s)
{
    const char **values = arena_make(a, const char *, s->npartition_by);
    for (size_t i = 0; i < s->npartition_by; i++) {
        const char *column = lake_physical_name(s, s->partition_by[i]);
        for (size_t k = 0; k < f->nvalues; k++)
            if (strcmp(f->values[k].key, column) == 0 && f->values[k].value && *f->values[k].value)
                values[i] = f->values[k].value;
    }
    return values;
}

static const struct lake_file *file_of(const struct since *x, const struct file_act *f)
{
    struct lake_file *file = arena_make(x->a, struct lake_file, 1);
    *file = (struct lake_file){
        .path = f->path,
        .log_path = f->log_path,
        .values = values_of(x->a, f, x->s),
        .dv = f->dv,
        .tags = f->tags,
        .row_ids = f->row_ids,
        .clustered_by = f->clustered_by,
        .size = f->size,
        .mtime_ms = f->time_ms,
        .rows = f->rows,
        .stats = f->stats,
        .version = x->version,
        .data_change = f->data_change,
    };
    return file;
}

static struct event *event_of(struct since *x, const struct file_act *f)
{
    size_t no = map_add(x->a, &x->paths, lake_file_id(x->a, f->path, f->dv));
    if (no == x->events.n)
        arena_push(x->a, &x->events);
    return &x->events.v[no];
}

static void take_add(struct since *x, const struct file_act *f)
{
    struct event *ev = event_of(x, f);
    if (ev->fate == FATE_WENT) /* brought back, as a restore does */
        *ev = (struct event){FATE_NONE, ev->file};
    else if (ev->fate == FATE_NONE)
        *ev = (struct event){f->data_change && !x->prune ? FATE_CAME : FATE_MOVED, file_of(x, f)};
}

/* A rewrite that changes no rows (dataChange=false) is passed over: the files that it removed still stand for
 * their rows, and stay on disk until a vacuum. So is a prune. */
static void take_remove(struct since *x, const struct file_act *f)
{
    if (!f->data_change || x->prune)
        return;
    struct event *ev = event_of(x, f);
    ev->fate = ev->fate == FATE_CAME ? FATE_NONE : FATE_WENT;
}

static bool take(void *arg, const struct action *act, struct err *e)
{
    (void)e;
    struct since *x = arg;
    if (act->info) /* in front of all others where the program is the writer */
        x->prune = act->info->operation && strcmp(act->info->operation, LAKE_PRUNE) == 0;
    if (act->remove)
        take_remove(x, act->remove);
    if (act->add)
        take_add(x, act->add);
    const char *id = x->s->table_id;
    if (act->metadata && id && act->metadata->id && strcmp(act->metadata->id, id) != 0)
        x->another_table = true;
    return true;
}

/* *ret_known is false when a commit is no longer there. */
static bool read_commits(struct since *x, const struct lake_table *t, int64_t after, bool *ret_known,
                         struct err *e)
{
    for (x->version = after + 1; x->version <= x->s->version; x->version++) {
        bool missing = false;
        *ret_known = true;
        x->prune = false;
        if (!log_read_commit(x->a, t, x->version, WANT_ADD | WANT_REMOVE | WANT_METADATA | WANT_INFO, take, x,
                             &missing, NULL, e)) {
            *ret_known = false;
            return missing;
        }
    }
    *ret_known = !x->another_table;
    return true;
}

/* Of a snapshot, by number. */
static struct map index_files(struct arena *a, const struct lake_snapshot *s)
{
    struct map names = {0};
    for (size_t i = 0; i < s->nfiles; i++)
        map_add(a, &names, lake_file_id(a, s->files[i].path, s->files[i].dv));
    return names;
}

static bool same_partitioning(const struct lake_snapshot *x, const struct lake_snapshot *y)
{
    bool same = x->npartition_by == y->npartition_by;
    for (size_t i = 0; same && i < x->npartition_by; i++)
        same = strcmp(x->partition_by[i], y->partition_by[i]) == 0;
    return same;
}

/* Files that were there before and went are known by their paths only: the version before says the rest. */
static bool find_went(struct since *x, const struct lake_table *t, int64_t after, bool *ret_known,
                      struct err *e)
{
    struct lake_snapshot *old = NULL;
    struct map names = {0};
    *ret_known = true;
    for (size_t i = 0; i < x->events.n; i++) {
        struct event *ev = &x->events.v[i];
        if (ev->fate != FATE_WENT || ev->file)
            continue;
        if (!old) {
            if (!lake_snapshot(x->a, t, (struct lake_at){.version = after}, &old, NULL, e)) {
                *ret_known = false;
                return e->kind == ERR_USER || e->kind == ERR_DATA;
            }
            names = index_files(x->a, old);
        }
        size_t no = map_find(&names, x->paths.v[i].name);
        if (no == SIZE_MAX || !same_partitioning(old, x->s)) {
            *ret_known = false;
            return true;
        }
        ev->file = &old->files[no];
    }
    return true;
}

static bool is_there(struct arena *a, const struct lake_table *t, const char *path, bool *ret, struct err *e)
{
    *ret = true;
    return path_is_absolute(path) || t->store->driver->exists(t->store, log_path(a, t, path), ret, e);
}

/* Can everything still be read that the table no longer has? */
static bool find_on_disk(const struct since *x, const struct lake_table *t, bool *ret_known, struct err *e)
{
    struct map live = index_files(x->a, x->s);
    *ret_known = true;
    for (size_t i = 0; *ret_known && i < x->events.n; i++) {
        const struct event *ev = &x->events.v[i];
        bool read = ev->fate == FATE_WENT ||
                    (ev->fate == FATE_CAME && map_find(&live, x->paths.v[i].name) == SIZE_MAX);
        const char *vector = ev->file && ev->file->dv ? lake_dv_path(x->a, ev->file->dv) : NULL;
        if (read && (!is_there(x->a, t, ev->file->path, ret_known, e) ||
                     (*ret_known && vector && !is_there(x->a, t, vector, ret_known, e))))
            return false;
    }
    return true;
}

static void gather(struct since *x, enum fate fate, const struct lake_file ***ret, size_t *ret_n)
{
    struct files files = {0};
    for (size_t i = 0; i < x->events.n; i++)
        if (x->events.v[i].fate == fate)
            *arena_push(x->a, &files) = x->events.v[i].file;
    *ret = files.v;
    *ret_n = files.n;
}

static void every_file(struct arena *a, const struct lake_snapshot *s, bool known, struct lake_changes *ret)
{
    *ret = (struct lake_changes){
        .added = arena_make(a, const struct lake_file *, s->nfiles), .nadded = s->nfiles, .known = known};
    for (size_t i = 0; i < s->nfiles; i++)
        ret->added[i] = &s->files[i];
}

bool lake_changes_since(struct arena *a, const struct lake_table *t, const struct lake_snapshot *s,
                        int64_t after, struct lake_changes *ret, struct err *e)
{
    struct since x = {.a = a, .s = s};
    bool known = after <= s->version; /* behind its end: it is not the table that it was */
    if (after < 0 || !known) {
        every_file(a, s, known, ret);
        return true;
    }
    if (!read_commits(&x, t, after, &known, e) || (known && !find_went(&x, t, after, &known, e)) ||
        (known && !find_on_disk(&x, t, &known, e)))
        return false;
    if (!known) {
        every_file(a, s, false, ret);
        return true;
    }
    *ret = (struct lake_changes){.known = true};
    gather(&x, FATE_CAME, &ret->added, &ret->nadded);
    gather(&x, FATE_WENT, &ret->removed, &ret->nremoved);
    return true;
}

/* --- has a file been committed? --- */

struct looking {
    const char *prefix;
    bool found;
};

static bool begins(const char *path, const char *prefix)
{
    const char *slash = strrchr(path, '/');
    return strncmp(slash ? slash + 1 : path, prefix, strlen(prefix)) == 0;
}

static bool look(void *arg, const struct action *act, struct err *e)
{
    (void)e;
    struct looking *x = arg;
    if (!act->add)
        return true;
    auto_arena *a = arena_new();
    const char *vector = act->add->dv ? lake_dv_path(a, act->add->dv) : NULL;
    x->found = x->found || begins(act->add->path, x->prefix) || (vector && begins(vector, x->prefix));
    return true;
}

bool lake_added_since(const struct lake_table *t, int64_t after, const char *prefix, bool *ret, struct err *e)
{
    int64_t latest;
    struct looking x = {.prefix = prefix};
    if (!lake_latest(t, &latest, e))
        return false;
    for (int64_t v = after + 1; v <= latest && !x.found; v++) {
        auto_arena *a = arena_new();
        bool missing = false;
        if (log_read_commit(a, t, v, WANT_ADD, look, &x, &missing, NULL, e))
            continue;
        if (!missing)
            return false;
        x.found = true; /* the log no longer tells */
    }
    *ret = x.found;
    return true;
}

/* --- has anything changed? --- */

static bool look_for_change(void *arg, const struct action *act, struct err *e)
{
    (void)e;
    bool *found = arg;
    *found = *found || act->metadata || (act->add && act->add->data_change) ||
             (act->remove && act->remove->data_change);
    return true;
}

bool lake_changed_since(const struct lake_table *t, int64_t after, bool *ret, struct err *e)
{
    int64_t latest;
    bool found = false;
    if (!lake_latest(t, &latest, e))
        return false;
    found = latest < after;
    for (int64_t v = after + 1; v <= latest && !found; v++) {
        auto_arena *a = arena_new();
        bool missing = false;
        unsigned want = WANT_ADD | WANT_REMOVE | WANT_METADATA;
        if (log_read_commit(a, t, v, want, look_for_change, &found, &missing, NULL, e))
            continue;
        if (!missing)
            return false;
        found = true; /* the log no longer tells */
    }
    *ret = found;
    return true;
}
