/* Names of the project turned into tables of the lake and relations of a session. */
#include <ctype.h>
#include <string.h>

#include "asset/internal.h"
#include "engine/sqltext.h"

bool table_latest(struct arena *a, const struct lake_table *t, struct lake_snapshot **ret, struct err *e)
{
    bool missing = false;
    if (lake_snapshot(a, t, LAKE_LATEST, ret, &missing, e))
        return true;
    if (!missing)
        return wrap(e, "table '%s'", t->dir);
    *ret = NULL;
    return true;
}

const struct model *table_model(const struct workshop *w, const char *table)
{
    const struct asset *maker = project_table(w->project, table);
    /* A model's quarantine has the same maker, and is no model. */
    return maker && maker->kind == ASSET_MODEL && strcmp(maker->name, table) == 0 ? maker->model : NULL;
}

const struct model *table_view(const struct workshop *w, const char *table)
{
    const struct model *m = table_model(w, table);
    return m && m->mode == MODE_VIEW ? m : NULL;
}

/* --- relations --- */

bool asset_no_table(const struct project *p, const char *name, struct src at, struct err *e)
{
    auto_arena *a = arena_new();
    struct list_of(const char *) names = {0};
    for (size_t i = 0; i < p->nmodels; i++)
        *arena_push(a, &names) = p->models[i].name;
    for (size_t i = 0; i < p->nsources; i++)
        for (size_t k = 0; k < p->sources[i].ntables; k++)
            *arena_push(a, &names) = p->sources[i].tables[k].name;
    const char *near = text_nearest(name, names.v, names.n);
    if (near && strcmp(near, name) == 0) {
        fail_at(e, ERR_USER, at, "table '%s' is not made yet, and there is a mistake in what makes it", name);
        return hint(e, "`cupel validate` says which");
    }
    fail_at(e, ERR_USER, at, "unknown table '%s'", name);
    return near ? hint(e, "did you mean '%s'?", near) : hint(e, "`cupel tables` lists those that there are");
}

bool table_unfilled(const struct workshop *w, struct session *s, const char *name, struct err *e)
{
    const struct model *m = table_model(w, name);
    if (m && m->columns)
        return w->driver->relation_empty(s, name, m->columns, m->ncolumns, e);
    const char *ddl = project_table_ddl(w->project, name);
    if (ddl)
        return w->driver->relation_ddl(s, name, ddl, e);
    return asset_no_table(w->project, name, (struct src){0}, e);
}

bool table_view_relation(struct arena *a, const struct workshop *w, struct session *s,
                         const struct model *view, struct err *e)
{
    struct engine_params params = project_params(a, w->project, &w->params);
    struct sqltext plain; /* a view of the engine has no parameters: they are written as literals */
    return (sqltext_plain(a, view->sql, &params, view->sql_at, &plain, e) &&
            w->driver->relation_sql(s, view->name, plain.sql, false, e)) ||
           wrap(e, "view '%s'", view->name);
}

static bool relation_at(struct arena *a, const struct workshop *w, struct session *s, const char *name,
                        struct err *e)
{
    struct lake_table t;
    struct lake_at at;
    struct lake_snapshot *snap;
    if (!asset_place(a, w, name, &t, &at, e))
        return false;
    const char *table = asset_path(a, name) ? t.store->uri : arena_strn(a, name, strcspn(name, "@"));
    if (table_view(w, table))
        return fail(e, ERR_USER, "'%s' is a view: it has no versions", table);
    if (!lake_snapshot(a, &t, at, &snap, NULL, e)) /* which says a path itself */
        return asset_path(a, name) ? false : wrap(e, "table '%s'", table);
    return w->driver->relation_files(s, name, &t, snap, NULL, 0, e);
}

static bool relation(struct arena *a, const struct workshop *w, struct session *s, const char *name,
                     struct err *e)
{
    if (asset_path(a, name) || strchr(name, '@'))
        return relation_at(a, w, s, name, e);
    const struct model *view = table_view(w, name);
    if (view) {
        for (size_t i = 0; i < view->ninputs; i++)
            if (!asset_relation(a, w, s, view->inputs[i], e))
                return false;
        return table_view_relation(a, w, s, view, e);
    }
    struct lake_table t = asset_table(a, w, name);
    struct lake_snapshot *snap;
    if (!table_latest(a, &t, &snap, e))
        return false;
    return snap ? w->driver->relation_files(s, name, &t, snap, NULL, 0, e) : table_unfilled(w, s, name, e);
}

/* Names are the engine's: Silver.Movies is silver.movies. */
static const char *lower(struct arena *a, const char *name)
{
    char *out = arena_str(a, name);
    for (char *p = out; *p && *p != '@'; p++)
        *p = (char)tolower((unsigned char)*p);
    return out;
}

static bool is_there(struct arena *a, const struct workshop *w, const char *name)
{
    struct err ignored;
    struct lake_table t = asset_table(a, w, arena_strn(a, name, strcspn(name, "@")));
    int64_t version;
    return lake_latest(&t, &version, &ignored) && version >= 0;
}

bool asset_relation(struct arena *a, const struct workshop *w, struct session *s, const char *name,
                    struct err *e)
{
    struct asset_made *made = w->made;
    if (made && map_find(&made->names, name) != SIZE_MAX)
        return true;
    a = made ? made->a : a;
    const char *low = lower(a, name);
    bool as_is = strcmp(low, name) == 0 || asset_path(a, name) || is_there(a, w, name);
    if (!relation(a, w, s, as_is ? name : low, e))
        return false;
    if (made)
        map_add(a, &made->names, arena_str(a, name));
    return true;
}

bool asset_relations(struct arena *a, const struct workshop *w, struct session *s, const char *sql,
                     struct src at, struct err *e)
{
    struct engine_ref *refs;
    size_t n;
    if (!w->driver->refs(a, s, sql, at, &refs, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        if (!strchr(refs[i].name, '.'))
            continue; /* a table function's alias or one of the engine's own */
        if (asset_relation(a, w, s, refs[i].name, e))
            continue;
        if (e->kind == ERR_USER && !e->at.line)
            e->at = sqltext_place(sql, refs[i].offset, at);
        return false;
    }
    return true;
}

static bool is_small(struct arena *a, const struct workshop *w, const char *name)
{
    const int64_t small = 16 << 20; /* bytes of files, which are compressed */
    struct lake_table t = asset_table(a, w, name);
    struct lake_snapshot *snap;
    struct err ignored;
    int64_t bytes = 0;
    if (!table_latest(a, &t, &snap, &ignored) || !snap)
        return false;
    for (size_t i = 0; i < snap->nfiles; i++)
        bytes += snap->files[i].size;
    return bytes <= small;
}

/* What the name ("schema.table") stood for becomes a table of the session's, and the name stands for that. */
static void keep(const struct workshop *w, struct session *s, const char *name, size_t number)
{
    auto_arena *a = arena_new();
    auto_buf all = BUF(4096);
    auto_buf again = BUF(4096);
    struct err ignored;
    size_t schema = strcspn(name, ".");
    const char *kept = arena_fmt(a, "kept %zu", number);
    buf_addf(&all, "SELECT * FROM ");
    sql_ident(&all, arena_strn(a, name, schema));
    buf_addf(&all, ".");
    sql_ident(&all, name + schema + 1);
    buf_addf(&again, "SELECT * FROM ");
    sql_ident(&again, kept);
    if (w->driver->relation_sql(s, kept, all.p, true, &ignored))
        (void)w->driver->relation_sql(s, name, again.p, false, &ignored);
}

void asset_keep(const struct workshop *w, struct session *s, const char *sql, struct src at)
{
    auto_arena *a = arena_new();
    struct asset_made *made = w->made;
    struct engine_ref *refs;
    struct err ignored;
    size_t n;
    if (!made || !w->driver->refs(a, s, sql, at, &refs, &n, &ignored))
        return;
    for (size_t i = 0; i < n; i++) {
        const char *name = refs[i].name;
        if (!strchr(name, '.') || map_find(&made->names, name) == SIZE_MAX ||
            map_find(&made->kept, name) != SIZE_MAX)
            continue;
        map_add(made->a, &made->kept, arena_str(made->a, name));
        if (!asset_path(a, name) && !strchr(name, '@') && !table_view(w, name) && is_small(a, w, name))
            keep(w, s, name, made->kept.n);
    }
}
