/* Files of one partition are written again. */
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/fs.h"

bool rewrite_is_partition(const struct lake_snapshot *s, const char *column)
{
    for (size_t i = 0; i < s->npartition_by; i++)
        if (strcasecmp(s->partition_by[i], column) == 0)
            return true;
    return false;
}

void rewrite_init(struct arena *a, struct rewrite *r, const struct workshop *w, const struct lake_table *t,
                  const struct lake_snapshot *base)
{
    struct lake_field *f = arena_make(a, struct lake_field, base->schema.n);
    size_t n = 0;
    for (size_t i = 0; i < base->schema.n; i++)
        if (!rewrite_is_partition(base, base->schema.fields[i].name))
            f[n++] = base->schema.fields[i];
    *r = (struct rewrite){.a = a, .w = w, .table = *t, .base = base, .stored = {f, n}};
}

bool rewrite_relate(struct rewrite *r, const struct lake_file *const *files, size_t n, struct err *e)
{
    return r->w->driver->relation_files(r->s, "cupel_old", &r->table, r->base, files, n, e);
}

bool rewrite_files(struct rewrite *r, const struct lake_file *const *files, size_t n, const char *tail,
                   struct engine_staged *ret, struct err *e)
{
    struct arena *a = r->a;
    const struct lake_snapshot *s = r->base;
    const char **names = arena_make(a, const char *, s->npartition_by);
    for (size_t i = 0; i < s->npartition_by; i++)
        names[i] = lake_physical_name(s, s->partition_by[i]);
    const char *folder = lake_partition_dir(a, names, files[0]->values, s->npartition_by);
    auto_buf sql = BUF(64 << 20);
    if (!rewrite_relate(r, files, n, e))
        return false;
    buf_addf(&sql, "SELECT ");
    for (size_t i = 0; i < r->stored.n; i++) {
        buf_addf(&sql, "%s", i ? ", " : "");
        sql_ident(&sql, r->stored.fields[i].name);
    }
    buf_addf(&sql, " FROM cupel_old%s", tail);
    const struct lake_indexed indexed = lake_indexed(s->properties, s->nproperties);
    const struct engine_stage stage = {.sql = sql.p,
                                       .indexed = &indexed,
                                       .store = r->w->lake,
                                       .dir = *folder ? fs_join(a, r->table.dir, folder) : r->table.dir,
                                       .token = r->token,
                                       .schema = &r->stored,
                                       .file_bytes = r->file_bytes};
    if (!buf_done(&sql, e) || !r->w->driver->stage(a, r->s, &stage, ret, e))
        return false;
    for (size_t i = 0; i < ret->nfiles; i++) {
        struct lake_file *f = &ret->files[i];
        f->path = *folder ? fs_join(a, folder, f->path) : f->path;
        f->values = files[0]->values;
    }
    return true;
}
