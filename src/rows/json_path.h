/* json_path.h - a compiled path: what json_scan.c walks along. */
#pragma once
#include "rows/json_scan.h"

struct json_step {
    enum { STEP_KEY, STEP_INDEX, STEP_FIRST } kind;
    struct str key;
    size_t n; /* INDEX: from 0; FIRST: how many, SIZE_MAX = all */
};

struct json_path {
    size_t n;
    struct json_step step[];
};
