#include "base/text.h"
#include "cli/run_conf.h"

static bool plan(struct app *app, const void *conf, struct err *e)
{
    struct run_options o;
    struct opened x;
    if (!run_conf_options(app, conf, &o, e) || !app_open(app, OPEN_LINKED, &o, &x, e))
        return false;
    const struct project *p = x.project;
    bool *chosen = arena_make(app->a, bool, p->nassets);
    bool *stale = arena_make(app->a, bool, p->nassets);
    if (!project_select(p, o.select, o.exclude, chosen, e))
        return false;

    atomic_bool never = false;
    struct task t = {.a = app->a, .run_id = "plan", .name = "plan", .clock = x.shop.clock, .cancel = &never};
    struct list_of(const char *) cells = {0};
    json_t *list = json_array();
    size_t n = 0, todo = 0;
    for (size_t i = 0; i < p->nassets; i++) {
        struct asset_plan ap;
        if (!chosen[i])
            continue;
        if (!asset_plan(&t, &x.shop, &p->assets[i], &ap, e)) {
            json_decref(list);
            return false;
        }
        const char *after = NULL;
        for (size_t k = 0; k < p->assets[i].nneeds; k++)
            if (stale[p->assets[i].needs[k]])
                after = p->assets[p->assets[i].needs[k]].name;
        stale[i] = ap.stale || after;
        if (!ap.stale && after)
            ap.reason = arena_fmt(app->a, "after %s", after);
        todo += stale[i];
        n++;
        *arena_push(app->a, &cells) = stale[i] ? ap.action : "-";
        *arena_push(app->a, &cells) = p->assets[i].name;
        *arena_push(app->a, &cells) = ap.reason;
        json_array_append_new(list, json_pack("{s:s, s:s, s:b, s:s}", "asset", p->assets[i].name, "action",
                                              ap.action, "stale", stale[i], "reason", ap.reason));
    }
    if (app->json) {
        print_json(json_pack("{s:o}", "plan", list));
        return true;
    }
    json_decref(list);
    grid_print(stdout, &(struct grid){.names = (const char *[]){"action", "asset", "why"},
                                      .ncolumns = 3,
                                      .nrows = n,
                                      .cells = cells.v});
    printf("%zu of %zu to do\n", todo, n);
    return true;
}

const struct cmd cmd_plan = {
    .name = "plan",
    .args = "",
    .summary = "what `run` would do, and why, without touching data",
    .options = run_opts,
    .conf_size = sizeof(struct run_conf),
    .quick = true,
    .run = plan,
};
