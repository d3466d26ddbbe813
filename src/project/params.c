#include <string.h>

#include "project/internal.h"

struct engine_params project_params(struct arena *a, const struct project *p, const struct run_params *r)
{
    /* An open end is DuckDB's and PostgreSQL's infinity, so that `ts >= $start` holds for every ts. */
    int64_t start = r->start_us == INT64_MIN ? -INT64_MAX : r->start_us;
    const struct engine_param own[] = {
        {.name = "now", .type = PARAM_TIMESTAMP, .num = r->now_us},
        {.name = "run_id", .type = PARAM_TEXT, .text = r->run_id ? r->run_id : ""},
        {.name = "start", .type = PARAM_TIMESTAMP, .num = start},
        {.name = "end", .type = PARAM_TIMESTAMP, .num = r->end_us},
    };
    struct engine_param *v = arena_make(a, struct engine_param, countof(own) + p->nvars);
    memcpy(v, own, sizeof own);
    for (size_t i = 0; i < p->nvars; i++)
        v[countof(own) + i] = p->vars[i].value;
    return (struct engine_params){v, countof(own) + p->nvars};
}
