/* The change data feed: beside its files a commit that changes rows leaves files that say which, and how.
 * What only adds rows, or takes whole files away, needs none: readers see it from these. */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/fs.h"

static const char folder[] = "_change_data";

bool feed_on(const struct lake_property *props, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(props[i].key, "delta.enableChangeDataFeed") == 0)
            return props[i].value && strcasecmp(props[i].value, "true") == 0;
    return false;
}

bool feed_stage(struct arena *a, const struct workshop *w, struct session *s, const struct lake_table *t,
                const struct lake_schema *schema, const char *const *partition_by, size_t npartition_by,
                const char *sql, struct staging *st, struct err *e)
{
    static const struct lake_type text = {.kind = LAKE_PRIMITIVE, .primitive = "string"};
    static const struct lake_field kind = {
        .name = "_change_type", .type = &text, .nullable = true, .metadata = "{}"};
    struct lake_field *fields = arena_make(a, struct lake_field, schema->n + 1);
    for (size_t i = 0; i < schema->n; i++)
        fields[i] = schema->fields[i];
    fields[schema->n] = kind;
    const struct lake_schema with_kind = {fields, schema->n + 1};
    struct engine_staged staged = {0};
    const struct engine_stage stage = {.sql = sql,
                                       .store = w->lake,
                                       .dir = fs_join(a, t->dir, folder),
                                       .token = st->token,
                                       .schema = &with_kind,
                                       .partition_by = partition_by,
                                       .npartition_by = npartition_by};
    if (!w->driver->stage(a, s, &stage, &staged, e))
        return false;
    for (size_t i = 0; i < staged.nfiles; i++)
        staged.files[i].path = fs_join(a, folder, staged.files[i].path);
    st->changes = staged.files;
    st->nchanges = staged.nfiles;
    return true;
}
