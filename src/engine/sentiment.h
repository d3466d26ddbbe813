/* sentiment.h - how a text feels: VADER's published rules (Hutto and Gilbert, ICWSM 2014) over its lexicon.
 *
 * Pure and thread-safe after sentiment_init(). The score is VADER's `compound`, in [-1, 1], to four decimals.
 */
#pragma once
#include "base/err.h"

void sentiment_init(void); /* builds the lexicon's table once; cheap to call again, from any thread */
double sentiment_score(const char *text, size_t n);
