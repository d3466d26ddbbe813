#include "lake/vacuum.h"

#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "lake/dv.h"
#include "lake/path.h"
#include "lake/protocol.h"
#include "lake/replay.h"

enum { MAX_DEPTH = 64 };
#define DAY_MS     (INT64_C(24) * 3600 * 1000)
#define CHANGE_DIR "_change_data"

/* --- how long --- */

bool lake_interval(const struct lake_snapshot *s, const char *property, int64_t def, int64_t *ret,
                   struct err *e)
{
    const char *value = lake_property(s, property);
    struct err why;
    *ret = def;
    if (!value)
        return true;
    const char *text = strncasecmp(value, "interval ", 9) == 0 ? value + 9 : value;
    return text_duration_ms(text, ret, &why) ||
           fail(e, ERR_DATA, "property %s = '%s' cannot be understood: %s", property, value, why.msg);
}

/* "7 days", "12 hours", "90 s" */
static const char *days(struct arena *a, int64_t ms)
{
    static const struct {
        int64_t ms;
        const char *name;
    } units[] = {{DAY_MS, "day"}, {3600 * 1000, "hour"}, {60 * 1000, "minute"}, {1000, "second"}};
    for (size_t i = 0; i < countof(units); i++)
        if (ms && ms % units[i].ms == 0)
            return arena_fmt(a, "%" PRIi64 " %s%s", ms / units[i].ms, units[i].name,
                             ms == units[i].ms ? "" : "s");
    return arena_fmt(a, "%" PRIi64 " ms", ms);
}

static bool retention(struct arena *a, const struct lake_snapshot *s, const struct lake_vacuum_options *o,
                      int64_t *ret, struct err *e)
{
    int64_t least;
    if (!lake_interval(s, "delta.deletedFileRetentionDuration", 7 * DAY_MS, &least, e)) {
        if (!o->force || o->retain_ms < 0)
            return false;
        least = 0;
    }
    *ret = o->retain_ms < 0 ? least : o->retain_ms;
    if (*ret >= least || o->force)
        return true;
    fail(e, ERR_USER,
         "a retention of %s is shorter than the table's %s: whoever reads or writes it now may still need "
         "the files",
         days(a, *ret), days(a, least));
    return hint(e, "if nobody is at work on it, and older versions are not needed: --force");
}

/* --- what there is --- */

struct found {
    const char *path; /* relative to the table */
    int64_t size, mtime_ms;
    size_t parent; /* of the folders; SIZE_MAX = the table itself */
};

struct search {
    struct arena *a;
    const struct lake_table *t;
    const char *const *columns; /* physical names of the partition columns */
    size_t ncolumns;
    struct list_of(struct found) files, dirs;
    struct list_of(size_t) entries; /* for each folder: how many it has */
};

static bool is_partition_dir(const struct search *s, const char *name)
{
    for (size_t i = 0; i < s->ncolumns; i++) {
        size_t n = strlen(s->columns[i]);
        if (strncasecmp(name, s->columns[i], n) == 0 && name[n] == '=')
            return true;
    }
    return false;
}

static bool is_hidden(const struct search *s, const struct store_entry *x, bool top)
{
    if (*x->name != '.' && *x->name != '_')
        return false;
    if (x->is_dir && top && strcmp(x->name, CHANGE_DIR) == 0)
        return false;
    return !x->is_dir || !is_partition_dir(s, x->name);
}

static bool is_table(const struct store_entry *entries, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (entries[i].is_dir && strcmp(entries[i].name, LOG_DIR) == 0)
            return true;
    return false;
}

/* `no` is the folder's number. One that is a table of its own looks empty to us, but is not. */
static bool walk(struct search *s, const char *dir, size_t no, int depth, struct err *e)
{
    auto_arena *scratch = arena_new();
    struct store_entry *entries;
    size_t n;
    bool top = no == SIZE_MAX;
    if (depth > MAX_DEPTH)
        return fail(e, ERR_LIMIT, "folders below table '%s' are deeper than %d", log_table_name(s->t),
                    MAX_DEPTH);
    if (!s->t->store->driver->list(s->t->store, scratch, log_path(scratch, s->t, dir), NULL, &entries, &n, e))
        return false;
    if (!top)
        s->entries.v[no] = n;
    if (!top && is_table(entries, n))
        return true;
    for (size_t i = 0; i < n; i++) {
        const struct store_entry *x = &entries[i];
        if (is_hidden(s, x, top) || x->is_link)
            continue;
        const char *path = *dir ? arena_fmt(s->a, "%s/%s", dir, x->name) : arena_str(s->a, x->name);
        const struct found f = {path, x->size, x->mtime_ms, no};
        if (!x->is_dir) {
            *arena_push(s->a, &s->files) = f;
            continue;
        }
        *arena_push(s->a, &s->dirs) = f;
        *arena_push(s->a, &s->entries) = 0;
        if (!walk(s, path, s->dirs.n - 1, depth + 1, e))
            return false;
    }
    return true;
}

/* --- what is needed --- */

struct need {
    struct arena *a;
    const struct lake_table *t;
    int64_t cutoff_ms;
    const char *root;     /* "/data/lake/silver/movies/" */
    struct map paths;     /* relative to the table */
    struct map strangers; /* names, without folders, of files that lie elsewhere, or are spelled so */
};

static const char *base_name(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* In one spelling: no "./", no "//". */
static const char *plain(struct arena *a, const char *path)
{
    if (strncmp(path, "./", 2) != 0 && !strstr(path, "/./") && !strstr(path, "//"))
        return path;
    char *out = arena_str(a, path), *to = out;
    for (const char *p = path; *p;) {
        bool start = to == out || to[-1] == '/';
        if (start && *p == '/')
            p++;
        else if (start && p[0] == '.' && p[1] == '/')
            p += 2;
        else
            *to++ = *p++;
    }
    *to = '\0';
    return out;
}

static void need_path(struct need *x, const char *path)
{
    if (!path)
        return;
    if (strncmp(path, "../", 3) == 0 || strstr(path, "/../"))
        map_add(x->a, &x->strangers, base_name(path));
    else if (!path_is_absolute(path))
        map_add(x->a, &x->paths, plain(x->a, path));
    else if (strncmp(path, x->root, strlen(x->root)) == 0)
        map_add(x->a, &x->paths, plain(x->a, path + strlen(x->root)));
    else
        map_add(x->a, &x->strangers, base_name(path));
}

static void need_file(struct need *x, const char *path, const struct lake_dv *dv)
{
    need_path(x, path);
    if (dv)
        need_path(x, lake_dv_path(x->a, dv));
}

/* A remove that does not say when is thought of as young. */
static bool is_young(const struct need *x, const struct file_act *f)
{
    return f->time_ms <= 0 || f->time_ms >= x->cutoff_ms;
}

static bool take_remove(void *arg, const struct action *act, struct err *e)
{
    (void)e;
    struct need *x = arg;
    if (act->remove && is_young(x, act->remove))
        need_file(x, act->remove->path, act->remove->dv);
    return true;
}

/* A checkpoint forgets removes sooner than a long retention does; the commits still have them. */
static bool need_removed(struct need *x, struct err *e)
{
    struct log_listing l;
    if (!log_list(x->a, x->t, 0, &l, e))
        return false;
    for (size_t i = 0; i < l.ncommits; i++) {
        bool missing = false;
        if (l.commits[i].mtime_ms < x->cutoff_ms)
            continue;
        if (!log_read_commit(x->a, x->t, l.commits[i].version, WANT_REMOVE, take_remove, x, &missing, NULL,
                             e) &&
            !missing)
            return false;
    }
    return true;
}

static bool need_all(struct need *x, const struct lake_snapshot *s, struct err *e)
{
    struct replay r;
    for (size_t i = 0; i < s->nfiles; i++)
        need_file(x, s->files[i].path, s->files[i].dv);
    if (!replay_log(x->a, x->t, (struct lake_at){.version = s->version}, true, &r, NULL, e))
        return false;
    for (size_t i = 0; i < r.entries.n; i++)
        if (!r.entries.v[i].live && is_young(x, r.entries.v[i].file))
            need_file(x, r.entries.v[i].file->path, r.entries.v[i].file->dv);
    return need_removed(x, e);
}

/* Every file of the table must have been found: if not, it is damaged, or its names are spelled in a way that
 * is not understood here, and then others might be, too. */
static bool all_found(const struct search *s, const struct need *x, const struct lake_snapshot *snap,
                      struct err *e)
{
    auto_arena *a = arena_new();
    struct map found = {0};
    for (size_t i = 0; i < s->files.n; i++)
        map_add(a, &found, s->files.v[i].path);
    for (size_t i = 0; i < snap->nfiles; i++) {
        const char *path = snap->files[i].path;
        bool there;
        if (path_is_absolute(path) || map_find(&found, plain(a, path)) != SIZE_MAX)
            continue;
        if (!x->t->store->driver->exists(x->t->store, log_path(a, x->t, path), &there, e))
            return false;
        if (there) /* in a folder that is hidden, or written since the listing */
            continue;
        fail(e, ERR_DATA, "table '%s' is damaged: its file '%s' is not there", log_table_name(x->t), path);
        return hint(e, "nothing is removed while it is; `cupel history` lists the versions to restore");
    }
    return true;
}

/* --- what goes --- */

static bool is_staged(const char *name, const char *const *prefixes, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(name, prefixes[i], strlen(prefixes[i])) == 0)
            return true;
    return false;
}

static void doom_files(struct search *s, const struct need *x, const char *const *staged, size_t nstaged,
                       struct lake_vacuum *ret)
{
    for (size_t i = 0; i < s->files.n; i++) {
        const struct found *f = &s->files.v[i];
        const char *name = base_name(f->path);
        if (map_find(&x->paths, f->path) != SIZE_MAX || map_find(&x->strangers, name) != SIZE_MAX)
            continue;
        if (f->mtime_ms >= x->cutoff_ms || is_staged(name, staged, nstaged)) {
            ret->kept++;
            continue;
        }
        *arena_push(s->a, ret) = (struct lake_doomed){f->path, f->size, false};
        ret->nfiles++;
        ret->bytes += f->size;
        if (f->parent != SIZE_MAX)
            s->entries.v[f->parent]--;
    }
}

/* Inner folders first. A young one may be about to be written into. */
static void doom_dirs(struct search *s, const struct need *x, struct lake_vacuum *ret)
{
    for (size_t i = s->dirs.n; i-- > 0;) {
        const struct found *d = &s->dirs.v[i];
        if (s->entries.v[i] || d->mtime_ms >= x->cutoff_ms || strcmp(d->path, CHANGE_DIR) == 0)
            continue;
        *arena_push(s->a, ret) = (struct lake_doomed){d->path, 0, true};
        if (d->parent != SIZE_MAX)
            s->entries.v[d->parent]--;
    }
}

static const char *const *physical_names(struct arena *a, const struct lake_snapshot *s)
{
    const char **names = arena_make(a, const char *, s->npartition_by);
    for (size_t i = 0; i < s->npartition_by; i++)
        names[i] = lake_physical_name(s, s->partition_by[i]);
    return names;
}

bool lake_vacuum_find(struct arena *a, const struct lake_table *t, const struct lake_vacuum_options *o,
                      struct lake_vacuum *ret, struct err *e)
{
    struct lake_snapshot *before, *s;
    const char *const *staged = NULL;
    size_t nstaged = 0;
    *ret = (struct lake_vacuum){0};
    if (!lake_snapshot(a, t, LAKE_LATEST, &before, NULL, e) ||
        !protocol_may_write(log_table_name(t), before, e) || !retention(a, before, o, &ret->retain_ms, e))
        return false;
    struct search found = {
        .a = a, .t = t, .columns = physical_names(a, before), .ncolumns = before->npartition_by};
    if (!walk(&found, "", SIZE_MAX, 0, e) || (o->staged && !o->staged(o->arg, a, &staged, &nstaged, e)) ||
        !lake_snapshot(a, t, LAKE_LATEST, &s, NULL, e))
        return false;
    struct need x = {.a = a,
                     .t = t,
                     .cutoff_ms = clock_now_us(t->clock) / 1000 - ret->retain_ms,
                     .root = arena_fmt(a, "%s/", store_name(a, t->store, t->dir))};
    if (!need_all(&x, s, e) || !all_found(&found, &x, s, e))
        return false;
    doom_files(&found, &x, staged, nstaged, ret);
    doom_dirs(&found, &x, ret);
    return true;
}

bool lake_vacuum_remove(const struct lake_table *t, const struct lake_vacuum *v, struct err *e)
{
    const struct store_driver *d = t->store->driver;
    for (size_t i = 0; i < v->n; i++) {
        auto_arena *a = arena_new();
        const char *path = log_path(a, t, v->v[i].path);
        if (!v->v[i].is_dir && !d->remove(t->store, path, e))
            return wrap(e, "vacuum of table '%s'", log_table_name(t));
        if (v->v[i].is_dir && d->remove_dir && !d->remove_dir(t->store, path, e))
            return wrap(e, "vacuum of table '%s'", log_table_name(t));
    }
    return true;
}
