/* claim.h - one run at a time, and what an interrupted one leaves to the next. */
#pragma once
#include "run/run.h"

struct claim {
    const char *run_id;
    int64_t now_us;
    bool resumed;
    const char *note; /* about an interrupted run with other options; NULL = none */
};

/* Takes the project's lock for the life of the arena (ERR_CONFLICT names who has it), and says which run this
 * is: an interrupted one with the same options, or a new one. */
bool claim_run(struct arena *a, const struct project *p, const struct run_options *o, struct claim *ret,
               struct err *e) must_check;
/* The run has ended by itself: nothing is left to take over. */
bool claim_end(struct arena *a, const struct project *p, struct err *e) must_check;
