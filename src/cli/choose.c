/* Which tables a command of maintenance is for. */
#include <string.h>

#include "base/text.h"
#include "cli/cmd.h"
#include "cli/signals.h"

struct names list_of(const char *);

static const char *dotted(struct arena *a, const char *dir)
{
    char *name = arena_str(a, dir);
    for (char *p = name; *p; p++)
        if (*p == '/')
            *p = '.';
    return name;
}

static bool has(const char *const *v, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(v[i], name) == 0)
            return true;
    return false;
}

static void add(struct arena *a, struct names *out, const char *name)
{
    if (!has(out->v, out->n, name))
        *arena_push(a, out) = name;
}

/* The tables of what a selector chooses, as far as they have been made. */
static bool add_selected(struct app *app, const struct opened *x, const char *selector,
                         const struct names *all, struct names *out, struct err *e)
{
    const struct project *p = x->project;
    bool *chosen = arena_make(app->a, bool, p->nassets);
    if (!project_select(p, selector, NULL, chosen, e))
        return false;
    for (size_t i = 0; i < p->nassets; i++) {
        const struct asset *asset = &p->assets[i];
        if (chosen[i] && asset->kind == ASSET_MODEL && has(all->v, all->n, asset->name))
            add(app->a, out, asset->name);
        for (size_t k = 0; chosen[i] && asset->kind == ASSET_SOURCE && k < asset->source->ntables; k++)
            if (has(all->v, all->n, asset->source->tables[k].name))
                add(app->a, out, asset->source->tables[k].name);
    }
    return true;
}

bool app_choose(struct app *app, const struct opened *x, const char ***ret, size_t *ret_n, struct err *e)
{
    struct names all = {0}, out = {0};
    const char **dirs;
    size_t n;
    if (!lake_tables(app->a, x->shop.lake, &dirs, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        *arena_push(app->a, &all) = dotted(app->a, dirs[i]);
    for (size_t i = 0; i < app->nargs; i++) {
        const char *word = app->args[i];
        if (has(all.v, all.n, word))
            add(app->a, &out, word);
        else if (strchr(word, '@') || (!strpbrk(word, "*+:, ") && !project_asset(x->project, word)))
            return app_no_table(x, word, e);
        else if (!add_selected(app, x, word, &all, &out, e))
            return false;
    }
    *ret = app->nargs ? out.v : all.v;
    *ret_n = app->nargs ? out.n : all.n;
    return true;
}

void app_task(struct app *app, const struct opened *x, struct task *ret)
{
    *ret = (struct task){.a = app->a, .clock = x->shop.clock, .cancel = signals_stop()};
}

bool app_each(struct app *app, const struct opened *x,
              bool (*one)(void *arg, struct task *t, const char *table, struct err *e), void *arg,
              struct err *e)
{
    const char **tables;
    size_t n;
    enum err_kind failed = ERR_NONE;
    if (!app_choose(app, x, &tables, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        struct arena *mine = arena_new();
        struct task t;
        struct err why = {0};
        app_task(app, x, &t);
        t.a = mine;
        t.name = tables[i];
        bool ok = one(arg, &t, tables[i], &why);
        arena_free(mine);
        if (ok)
            continue;
        app_error(app, &why);
        failed = failed == ERR_NONE ? why.kind : failed;
        if (why.kind == ERR_CANCELED)
            break;
    }
    return failed == ERR_NONE || fail(e, failed, "%s", ""); /* said already */
}

bool app_bytes(const char *option, const char *text, int64_t *ret, struct err *e)
{
    *ret = 0;
    if (!text)
        return true;
    if (!text_size_bytes(text, ret, e))
        return wrap(e, "--%s", option);
    return *ret > 0 || fail(e, ERR_USER, "--%s must be more than 0", option);
}

void app_list(struct arena *a, const struct opt_list *l, const char *const **ret, size_t *ret_n)
{
    struct names out = {0};
    for (size_t i = 0; i < l->n; i++) {
        for (const char *p = l->v[i]; *p;) {
            size_t n = strcspn(p, ",");
            struct str word = str_trim((struct str){p, n});
            if (word.n)
                *arena_push(a, &out) = arena_strn(a, word.p, word.n);
            p += n + (p[n] == ',');
        }
    }
    *ret = out.v;
    *ret_n = out.n;
}
