/* options.h - the command line. */
#pragma once
#include "text.h"

struct options {
    int64_t port, latency_ms, seed, threads;
    const char *data, *key, *faults, *date;
    bool stats, help;
};

/* Values point into argv. */
bool options_parse(struct options *o, char **argv, struct err *e) must_check;

void options_help(struct text *out);
