/* Names of the project turned into tables of the lake and relations of a session. */
#include <string.h>

#include "asset/internal.h"

struct lake_table asset_table(struct arena *a, const struct workshop *w, const char *name)
{
    char *dir = arena_str(a, name);
    for (char *p = dir; *p; p++)
        if (*p == '.')
            *p = '/';
    return (struct lake_table){
        .store = w->lake,
        .dir = dir,
        .parquet = w->engine ? w->driver->parquet(w->engine) : NULL,
        .clock = w->clock,
    };
}

char *watermark_id(struct arena *a, const char *asset, const char *input)
{
    return arena_fmt(a, "cupel/%s/%s", asset, input);
}

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

/* "v12" or a time behind the '@' of a name. */
static bool parse_at(const char *text, struct lake_at *ret, struct err *e)
{
    int64_t n;
    if (text[0] == 'v') {
        if (!text_int(text + 1, &n, e) || n < 0)
            return fail(e, ERR_USER, "'%s' is no version: write @v12 or @2026-11-01", text);
        *ret = (struct lake_at){.version = n};
        return true;
    }
    if (!clock_parse(text, &n, e))
        return fail(e, ERR_USER, "'%s' is neither a version nor a time: write @v12 or @2026-11-01", text);
    *ret = (struct lake_at){.version = -1, .timestamp_ms = n / 1000};
    return true;
}

static bool relation_at(struct arena *a, const struct workshop *w, struct session *s, const char *name,
                        const char *at_text, struct err *e)
{
    char *table = arena_strn(a, name, (size_t)(at_text - name));
    struct lake_at at;
    if (!parse_at(at_text + 1, &at, e))
        return false;
    struct lake_table t = asset_table(a, w, table);
    struct lake_snapshot *snap;
    if (!lake_snapshot(a, &t, at, &snap, NULL, e))
        return wrap(e, "table '%s'", table);
    return w->driver->relation_files(s, name, &t, snap, NULL, 0, e);
}

/* A table that the project makes but nobody has filled yet: no rows, the columns it will have. */
static bool relation_unfilled(const struct workshop *w, struct session *s, const char *name,
                              const struct asset *maker, struct err *e)
{
    if (maker && maker->kind == ASSET_MODEL && strcmp(maker->name, name) == 0 && maker->model->columns)
        return w->driver->relation_empty(s, name, maker->model->columns, maker->model->ncolumns, e);
    const char *ddl = project_table_ddl(w->project, name);
    if (ddl)
        return w->driver->relation_ddl(s, name, ddl, e);
    fail(e, ERR_USER, "no table '%s'", name);
    return hint(e, "`cupel tables` lists those that there are");
}

bool asset_relation(struct arena *a, const struct workshop *w, struct session *s, const char *name,
                    struct err *e)
{
    const char *at = strchr(name, '@');
    if (at)
        return relation_at(a, w, s, name, at, e);

    const struct asset *maker = project_table(w->project, name);
    if (maker && maker->kind == ASSET_MODEL && maker->model->mode == MODE_VIEW &&
        strcmp(maker->model->name, name) == 0) {
        for (size_t i = 0; i < maker->model->ninputs; i++)
            if (!asset_relation(a, w, s, maker->model->inputs[i], e))
                return wrap(e, "view '%s'", name);
        return w->driver->relation_sql(s, name, maker->model->sql, false, e) || wrap(e, "view '%s'", name);
    }

    struct lake_table t = asset_table(a, w, name);
    struct lake_snapshot *snap;
    if (!table_latest(a, &t, &snap, e))
        return false;
    return snap ? w->driver->relation_files(s, name, &t, snap, NULL, 0, e)
                : relation_unfilled(w, s, name, maker, e);
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
        if (!asset_relation(a, w, s, refs[i].name, e))
            return false;
    }
    return true;
}
