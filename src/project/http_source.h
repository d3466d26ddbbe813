/* http_source.h - what the two readers of an HTTP source share. */
#pragma once
#include "project/internal.h"

struct http_reading {
    const struct reader *r;
    const struct yaml *resources; /* the mapping */
    struct map names;             /* of the resources, numbered as in the mapping */
    struct http_source *s;
    double require;
};

/* name: text */
bool http_pairs_read(const struct reader *r, const struct yaml *map, struct http_pair **ret, size_t *ret_n);
/* One entry of `resources:`; those before it stand in h->s->resources already. */
bool http_resource_read(const struct http_reading *h, const struct yaml_key *key, const struct yaml *map,
                        struct http_resource *res);
