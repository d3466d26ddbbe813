/* input.h - the controls of a page: what ```input NAME blocks declare, the values that they can have, the one
 * that is chosen, and the parameters of queries that stand for it.
 *
 *     ```input genre            ```input since            ```input days               ```input find
 *     type: select              type: slider              type: date_range            type: search
 *     options: genres.genre     min: 1950                 default: last 30 days       placeholder: part of a
 * title all: All genres           max: years.last           ```                         ```
 *     ```                       step: 10
 *                               ```
 *
 * $genre and $since are of the type of their values, NULL stands for "all"; the range is $days_start and
 * $days_end, both DATEs and both within it; $find is a VARCHAR, empty when nothing is searched for.
 */
#pragma once
#include "page/query.h"

enum input_kind { INPUT_SELECT, INPUT_SLIDER, INPUT_DATES, INPUT_SEARCH };
enum { INPUT_MAX_OPTIONS = 10000, INPUT_MAX_STEPS = 1000 };

struct input_option {
    const char *value; /* NULL = all */
    const char *label;
};

struct page_input {
    const char *name, *title;
    struct src at, name_at; /* at: of the body */
    enum input_kind kind;
    enum param_type type;
    bool broken; /* its mistakes were reported */

    struct input_option *options; /* of a select, or the steps of a slider */
    size_t noptions, chosen;      /* chosen is SIZE_MAX when there are none */
    int64_t start, end, min, max; /* of a range, in days since 1970; min > max: no bounds */
    const char *text, *placeholder;

    const struct input_keys *keys; /* as written */
};
struct page_inputs {
    struct page_input *v;
    size_t n;
    int64_t today; /* in days since 1970 */
};

/* The input blocks of a page. Names must differ from each other and from those of `params`. */
void inputs_read(struct arena *a, const struct block *blocks, size_t n, struct engine_params params,
                 struct problems *problems, struct page_inputs *ret);
/* Types, and from literal values also options and defaults, once the queries that use no input are among
 * `qs`: bound, or with rows when `data` (then with everything). */
void inputs_fill(struct arena *a, struct page_inputs *in, const struct block *blocks, size_t n,
                 const struct page_queries *qs, bool data, struct problems *problems);
/* "genre=Drama", "days=2026-01-01..2026-01-31": ERR_USER when it is none of the possible values. */
bool inputs_choose(struct arena *a, struct page_inputs *in, const char *assignment, struct err *e) must_check;

/* The one of that name; NULL = none. */
const struct page_input *input_find(const struct page_inputs *in, const char *name);
/* Which inputs the parameters of a text of SQL stand for; how many. used has room for in->n. */
size_t inputs_used(struct arena *a, const struct page_inputs *in, const char *sql, bool *used);
/* Warns of inputs that none of the queries uses. */
void inputs_check_use(struct arena *a, const struct page_inputs *in, const struct block *blocks, size_t n,
                      struct problems *problems);
/* "$days" where "$days_start" is meant: a hint for the error that binding gave. */
void inputs_hint(struct arena *a, const struct page_inputs *in, struct err *e);

/* `own` and one or two for each input. typed: NULLs of their types, for binding. */
struct engine_params inputs_params(struct arena *a, const struct page_inputs *in, struct engine_params own,
                                   bool typed);
/* "genre", or "days_start" and "days_end": which of the two, -1 = none of this input. */
int input_part(const struct page_input *in, const char *param);

/* "Drama", "2026-01-01 to 2026-01-31". */
const char *input_shown(struct arena *a, const struct page_input *in);
/* The same, or with part 0 or 1 a range's start or end. */
const char *input_part_shown(struct arena *a, const struct page_input *in, int part);
/* "2026-01-31" */
const char *input_day(struct arena *a, int64_t day);
