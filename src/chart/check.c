#include "chart/check.h"

void chart_check(struct arena *a, const struct chart_spec *s, const struct chart_table *tables, size_t n,
                 struct problems *problems)
{
    schema_check(a, s->root, problems);
    fields_check(a, s->root, tables, n, problems);
}
