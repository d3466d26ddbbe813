/* spec.h - a Vega-Lite spec as a page holds it: YAML, or JSON, which is YAML too. */
#pragma once
#include "project/yaml.h"

struct chart_spec {
    const struct yaml *root; /* a mapping */
    const char *title;       /* its words, NULL = none */
    const char *spoken; /* to who does not see it: its description, else title and subtitle; NULL = none */
    const struct chart_source {
        const char *name; /* of a query or table */
        struct src at;
    } * sources; /* what `data: {name: ...}` asks for anywhere in it, each once */
    size_t nsources;
};

/* False: it is no YAML, or not a mapping, which has been reported. */
bool chart_spec_read(struct arena *a, const char *text, struct src at, struct problems *problems,
                     struct chart_spec *ret) must_check;

/* Appends it as JSON: plain words of YAML become numbers, true, false and null. */
void chart_spec_json(const struct yaml *y, struct buf *out);

enum scalar { SCALAR_TEXT, SCALAR_NUMBER, SCALAR_BOOL, SCALAR_NULL };
/* What a YAML_TEXT stands for. */
enum scalar scalar_of(const struct yaml *y);
