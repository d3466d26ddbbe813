/* signals.h - Ctrl-C and SIGTERM ask the work to stop; a second one ends the process at once. */
#pragma once
#include <stdatomic.h>

/* For `run` alone: other commands end as signals end a program, also when nobody reads their output. */
void signals_catch(void);
const atomic_bool *signals_stop(void); /* true once one has come */
