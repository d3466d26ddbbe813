#include <string.h>

#include "base/text.h"
#include "cli/cmd.h"

static bool is_partition(const struct lake_snapshot *s, const char *name)
{
    for (size_t i = 0; i < s->npartition_by; i++)
        if (strcmp(s->partition_by[i], name) == 0)
            return true;
    return false;
}

struct sums {
    int64_t rows, bytes, small, vectors, deleted, partitions;
};

static bool same_partition(const struct lake_snapshot *s, const struct lake_file *x,
                           const struct lake_file *y)
{
    for (size_t i = 0; i < s->npartition_by; i++) {
        const char *p = x->values[i], *q = y->values[i];
        if (p && q ? strcmp(p, q) != 0 : p != q)
            return false;
    }
    return true;
}

/* By their partitions. qsort has no argument to tell it how many values there are. */
struct placed {
    const struct lake_file *f;
    size_t n;
};

static int by_values(const void *l, const void *r)
{
    const struct placed *x = l, *y = r;
    for (size_t i = 0; i < x->n; i++) {
        const char *p = x->f->values[i], *q = y->f->values[i];
        int order = p && q ? strcmp(p, q) : (p != NULL) - (q != NULL);
        if (order)
            return order;
    }
    return 0;
}

static int64_t count_partitions(const struct lake_snapshot *s)
{
    auto_arena *a = arena_new();
    struct placed *files = arena_make(a, struct placed, s->nfiles);
    int64_t n = 0;
    for (size_t i = 0; i < s->nfiles; i++)
        files[i] = (struct placed){&s->files[i], s->npartition_by};
    if (s->nfiles)
        qsort(files, s->nfiles, sizeof *files, by_values);
    for (size_t i = 0; i < s->nfiles; i++)
        n += i == 0 || !same_partition(s, files[i - 1].f, files[i].f);
    return n;
}

static struct sums add_up(const struct lake_snapshot *s)
{
    enum { SMALL_BYTES = 16 << 20 };
    struct sums t = {.partitions = s->npartition_by ? count_partitions(s) : 0};
    for (size_t i = 0; i < s->nfiles; i++) {
        int64_t rows = lake_file_rows(&s->files[i]);
        t.rows += rows > 0 ? rows : 0;
        t.bytes += s->files[i].size;
        t.small += s->files[i].size < SMALL_BYTES;
        t.vectors += s->files[i].dv != NULL;
        t.deleted += s->files[i].dv ? s->files[i].dv->cardinality : 0;
    }
    return t;
}

static void show_files(struct app *app, const struct lake_snapshot *s, const struct sums *t)
{
    struct arena *a = app->a;
    int64_t n = (int64_t)s->nfiles;
    printf("  files        %s, %s", human_int(a, n), human_bytes(a, t->bytes));
    if (n)
        printf("; %lld %% of them under 16 MB", (long long)(t->small * 100 / n));
    if (t->vectors)
        printf("; %s rows deleted in %s", human_int(a, t->deleted), human_int(a, t->vectors));
    puts("");
}

static void show_features(const struct lake_snapshot *s)
{
    for (size_t i = 0; s->reader_features[i]; i++)
        printf("%s %s", i ? "," : "; readers need", s->reader_features[i]);
    for (size_t i = 0; s->writer_features[i]; i++)
        printf("%s %s", i ? "," : "; writers need", s->writer_features[i]);
}

static void show_text(struct app *app, const char *name, const struct lake_snapshot *s)
{
    struct sums t = add_up(s);
    char when[32], made[32];
    printf("%s\n  version      %lld of %s\n", name, (long long)s->version,
           clock_format(when, s->timestamp_ms * 1000, 0));
    if (s->created_ms)
        printf("  made         %s\n", clock_format(made, s->created_ms * 1000, 0));
    printf("  rows         %s\n", human_int(app->a, t.rows));
    show_files(app, s, &t);
    printf("  protocol     reader %d, writer %d", s->reader, s->writer);
    show_features(s);
    printf("\n  partitions  ");
    for (size_t i = 0; i < s->npartition_by; i++)
        printf("%s %s", i ? "," : "", s->partition_by[i]);
    if (s->npartition_by)
        printf(" (%s)\n", human_int(app->a, t.partitions));
    else
        puts(" none");
    for (size_t i = 0; i < s->nproperties; i++)
        printf("  property     %s = %s\n", s->properties[i].key, s->properties[i].value);
    for (size_t i = 0; i < s->ntxns; i++)
        printf("  watermark    %s = %lld\n", s->txns[i].app_id, (long long)s->txns[i].version);
    puts("");

    struct list_of(const char *) cells = {0};
    for (size_t i = 0; i < s->schema.n; i++) {
        auto_buf b = BUF(1 << 16);
        human_type(&b, s->schema.fields[i].type);
        *arena_push(app->a, &cells) = s->schema.fields[i].name;
        *arena_push(app->a, &cells) = arena_str(app->a, b.p);
        *arena_push(app->a, &cells) = is_partition(s, s->schema.fields[i].name) ? "partition" : "";
    }
    grid_print(stdout, &(struct grid){.names = (const char *[]){"column", "type", ""},
                                      .ncolumns = 3,
                                      .nrows = s->schema.n,
                                      .cells = cells.v});
}

static void show_json(const char *name, const struct lake_snapshot *s)
{
    struct sums t = add_up(s);
    json_t *columns = json_array(), *by = json_array(), *properties = json_object(), *marks = json_object();
    for (size_t i = 0; i < s->schema.n; i++) {
        auto_buf b = BUF(1 << 16);
        human_type(&b, s->schema.fields[i].type);
        json_array_append_new(columns, json_pack("{s:s, s:s, s:b}", "name", s->schema.fields[i].name, "type",
                                                 b.p, "nullable", s->schema.fields[i].nullable));
    }
    for (size_t i = 0; i < s->npartition_by; i++)
        json_array_append_new(by, json_string(s->partition_by[i]));
    for (size_t i = 0; i < s->nproperties; i++)
        json_object_set_new(properties, s->properties[i].key, json_string(s->properties[i].value));
    for (size_t i = 0; i < s->ntxns; i++)
        json_object_set_new(marks, s->txns[i].app_id, json_integer(s->txns[i].version));
    json_t *readers = json_array(), *writers = json_array();
    for (size_t i = 0; s->reader_features[i]; i++)
        json_array_append_new(readers, json_string(s->reader_features[i]));
    for (size_t i = 0; s->writer_features[i]; i++)
        json_array_append_new(writers, json_string(s->writer_features[i]));
    char when[32], made[32];
    clock_format(when, s->timestamp_ms * 1000, 3);
    clock_format(made, s->created_ms * 1000, 3);
    json_t *j =
        json_pack("{s:s, s:s?, s:I, s:s, s:s?, s:I, s:I, s:I, s:I, s:f, s:I, s:I, s:I, s:i, s:i, s:o, s:o, "
                  "s:o, s:o, s:o, s:o}",
                  "table", name, "id", s->table_id, "version", s->version, "timestamp", when, "created",
                  s->created_ms ? made : NULL, "rows", t.rows, "files", (json_int_t)s->nfiles, "bytes",
                  t.bytes, "small_files", t.small, "small_file_ratio",
                  s->nfiles ? (double)t.small / (double)s->nfiles : 0.0, "files_with_vectors", t.vectors,
                  "deleted_rows", t.deleted, "partitions", t.partitions, "reader_version", s->reader,
                  "writer_version", s->writer, "reader_features", readers, "writer_features", writers,
                  "columns", columns, "partition_by", by, "properties", properties, "watermarks", marks);
    print_json(j);
}

static bool show_model(struct app *app, const struct model *m)
{
    static const char *const modes[] = {[MODE_REPLACE] = "replace",
                                        [MODE_APPEND] = "append",
                                        [MODE_MERGE] = "merge",
                                        [MODE_PARTITIONS] = "partitions",
                                        [MODE_VIEW] = "view"};
    printf("%s is %s\n  from         %s\n  mode         %s\n  reads       ", m->name,
           m->mode == MODE_VIEW ? "a view" : "not made yet", m->path, modes[m->mode]);
    for (size_t i = 0; i < m->ninputs; i++)
        printf("%s %s", i ? "," : "", m->inputs[i]);
    puts(m->ninputs ? "\n" : " nothing\n");
    struct list_of(const char *) cells = {0};
    for (size_t i = 0; i < m->ncolumns; i++) {
        *arena_push(app->a, &cells) = m->columns[i].name;
        *arena_push(app->a, &cells) = m->columns[i].sql_type;
    }
    grid_print(stdout, &(struct grid){.names = (const char *[]){"column", "type"},
                                      .ncolumns = 2,
                                      .nrows = m->ncolumns,
                                      .cells = cells.v});
    return true;
}

static bool show(struct app *app, const void *conf, struct err *e)
{
    (void)conf;
    struct opened x;
    const char *name = app->args[0];
    app->anywhere = asset_path(app->a, name);
    if (!app_open(app, OPEN_BOUND, NULL, &x, e))
        return false;
    struct lake_table t;
    struct lake_at at;
    struct lake_snapshot *s;
    bool missing = false;
    if (!app_place(app, &x, name, &t, &at, e))
        return false;
    if (!lake_snapshot(app->a, &t, at, &s, &missing, e)) {
        const struct asset *maker = missing ? project_table(x.project, name) : NULL;
        if (maker && maker->kind == ASSET_MODEL && strcmp(maker->name, name) == 0 && !app->json)
            return show_model(app, maker->model);
        if (missing && !app->anywhere)
            return app_no_table(&x, name, e);
        return app->anywhere ? false : wrap(e, "table '%s'", name);
    }
    if (app->json)
        show_json(name, s);
    else
        show_text(app, name, s);
    return true;
}

const struct cmd cmd_show = {
    .name = "show",
    .args = "TABLE",
    .help =
        "A table of the project by its name, or any Delta table by its path: ./movies, /data/movies@v3.\n",
    .summary = "what a table is: columns, partitions, files, watermarks",
    .min_args = 1,
    .max_args = 1,
    .quick = true,
    .lenient = true,
    .run = show,
};
