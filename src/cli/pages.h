/* pages.h - which pages of the project a command is for. */
#pragma once
#include "cli/cmd.h"

/* Those that the arguments name, by name or pattern, in the order of the project; all: every one.
 */
bool pages_choose(struct app *app, const struct opened *x, bool all, const struct page ***ret, size_t *ret_n,
                  struct err *e) must_check;
/* Are the names of their charts, which become names of files, all different? Also says whether there is a
 * chart at all. Pages that cannot be read have none here. */
bool pages_charts(struct app *app, const struct page *const *pages, size_t n, bool *ret_some,
                  struct err *e) must_check;
