/* run_conf.h - the options that `run` and `plan` share. */
#pragma once
#include "cli/cmd.h"

struct run_conf {
    struct opt_list select, exclude;
    bool full_refresh, fail_fast;
    const char *start, *end, *now, *pages, *categories;
    int64_t threads;
};
extern const struct opt run_opts[];
bool run_conf_options(struct app *app, const struct run_conf *c, struct run_options *o,
                      struct err *e) must_check;
