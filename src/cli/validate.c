#include "cli/cmd.h"

static bool validate(struct app *app, const void *conf, struct err *e)
{
    (void)conf;
    struct opened x;
    if (!app_open(app, OPEN_CHECKED, NULL, &x, e))
        return false;
    const struct project *p = x.project;
    if (app->json)
        print_json(json_pack("{s:b, s:I, s:I, s:I, s:I, s:o}", "ok", 1, "errors", (json_int_t)0, "sources",
                             (json_int_t)p->nsources, "models", (json_int_t)p->nmodels, "pages",
                             (json_int_t)p->npages, "problems", app_problems_json(&x.problems)));
    else
        printf("%s is valid: %zu source%s, %zu model%s, %zu page%s\n", p->name, p->nsources,
               p->nsources == 1 ? "" : "s", p->nmodels, p->nmodels == 1 ? "" : "s", p->npages,
               p->npages == 1 ? "" : "s");
    return true;
}

const struct cmd cmd_validate = {
    .name = "validate",
    .args = "",
    .summary = "find the mistakes of the project without touching data",
    .help = "Reads every file, asks the engine what each SELECT reads and gives, and checks names, types, "
            "cycles, checks\n"
            "and what pages show. Mistakes are shown with file, line, column and a hint.\n",
    .quick = true,
    .run = validate,
};
