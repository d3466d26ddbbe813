/* errors.h - TMDB's own error bodies. */
#pragma once
#include "text.h"

/* Append TMDB's body for an HTTP status and return the status. */
int error_body(struct text *out, int status);
