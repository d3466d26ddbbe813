/* signals.h - Ctrl-C and SIGTERM ask the work to stop; a second one ends the process at once. */
#pragma once
#include <stdatomic.h>

void signals_catch(void);
const atomic_bool *signals_stop(void); /* true once one has come */
