#include "chart/check.h"

#include <string.h>

#include "project/read.h"

/* Vega is what Vega-Lite is made of: none of its keys would be known. */
static bool is_vega(const struct yaml *root, struct problems *problems)
{
    const struct yaml *schema = yaml_get(root, "$schema");
    struct err e;
    if (!schema || schema->kind != YAML_TEXT || !strstr(schema->text, "/schema/vega/"))
        return false;
    fail_at(&e, ERR_USER, schema->at, "this is a spec of Vega: charts are Vega-Lite");
    hint(&e, "a spec of Vega-Lite has data, mark and encoding");
    problems_add(problems, &e);
    return true;
}

void chart_check(struct arena *a, const struct chart_spec *s, const struct chart_table *tables, size_t n,
                 struct problems *problems)
{
    if (is_vega(s->root, problems))
        return;
    schema_check(a, s->root, problems);
    fields_check(a, s->root, tables, n, problems);
}
