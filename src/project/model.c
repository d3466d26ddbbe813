/* models/<schema>/<name>.sql: what the header says, and the SELECT. */
#include <string.h>
#include <strings.h>

#include "engine/sqltext.h"
#include "project/internal.h"

struct header_keys {
    const char *mode, *sequence_by, *keep_by, *schema, *description;
    struct texts key, partition_by, tags;
    const struct yaml *incremental, *checks, *properties, *merge;
    int64_t keep;
    double passing;
};
static const struct field header_rows[] = {
    {"mode", FIELD_TEXT, offsetof(struct header_keys, mode), 0, 0, false},
    {"key", FIELD_TEXTS, offsetof(struct header_keys, key), 0, 0, false},
    {"partition_by", FIELD_TEXTS, offsetof(struct header_keys, partition_by), 0, 0, false},
    {"incremental", FIELD_NODE, offsetof(struct header_keys, incremental), 0, 0, false},
    {"sequence_by", FIELD_TEXT, offsetof(struct header_keys, sequence_by), 0, 0, false},
    {"merge", FIELD_MAP, offsetof(struct header_keys, merge), 0, 0, false},
    {"keep", FIELD_DURATION, offsetof(struct header_keys, keep), 0, 0, false},
    {"keep_by", FIELD_TEXT, offsetof(struct header_keys, keep_by), 0, 0, false},
    {"checks", FIELD_NODE, offsetof(struct header_keys, checks), 0, 0, false},
    {"passing", FIELD_SHARE, offsetof(struct header_keys, passing), 0, 0, false},
    {"schema", FIELD_TEXT, offsetof(struct header_keys, schema), 0, 0, false},
    {"properties", FIELD_MAP, offsetof(struct header_keys, properties), 0, 0, false},
    {"tags", FIELD_TEXTS, offsetof(struct header_keys, tags), 0, 0, false},
    {"description", FIELD_TEXT, offsetof(struct header_keys, description), 0, 0, false},
    {0},
};

static const char *const modes[] = {[MODE_REPLACE] = "replace",
                                    [MODE_APPEND] = "append",
                                    [MODE_MERGE] = "merge",
                                    [MODE_PARTITIONS] = "partitions",
                                    [MODE_VIEW] = "view"};

struct model_reading {
    const struct reader *r;
    const struct yaml *map;
    struct model *m;
    struct model_notes *notes;
};

static struct src value_at(const struct model_reading *x, const char *key)
{
    const struct yaml *y = yaml_get(x->map, key);
    return y ? y->at : x->map->at;
}

static bool read_mode(const struct model_reading *x, const char *mode)
{
    for (size_t i = 0; i < countof(modes); i++)
        if (strcmp(modes[i], mode) == 0) {
            x->m->mode = (enum model_mode)i;
            return true;
        }
    return reader_unknown(x->r, value_at(x, "mode"), "mode", mode, modes, countof(modes));
}

static bool read_schema(const struct model_reading *x, const char *schema)
{
    static const char *const known[] = {"evolve", "freeze"};
    x->m->evolve = strcmp(schema, "evolve") == 0;
    return x->m->evolve || strcmp(schema, "freeze") == 0 ||
           reader_unknown(x->r, value_at(x, "schema"), "schema contract", schema, known, countof(known));
}

static void use(const struct model_reading *x, const char *what, const struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        *arena_push(x->r->a, &x->notes->uses) = (struct column_use){t->v[i], what, t->at[i]};
}

static bool no_twice(const struct model_reading *x, const char *what, const struct texts *t)
{
    for (size_t i = 0; i < t->n; i++)
        for (size_t k = 0; k < i; k++)
            if (strcasecmp(t->v[i], t->v[k]) == 0)
                return reader_fail(x->r, t->at[i], NULL, "%s: column '%s' stands there twice", what, t->v[i]);
    return true;
}

/* --- incremental --- */

struct incremental_list {
    struct list_of(struct incremental) v;
    struct list_of(struct src) key_at;
};

static bool add_incremental(const struct model_reading *x, struct incremental_list *l, const char *table,
                            struct src at, const char *key, struct src key_at)
{
    if (!is_table_name(table))
        return reader_fail(x->r, at, "incremental: schema.table", "incremental: '%s' is no name for a table",
                           table);
    for (size_t i = 0; i < l->v.n; i++)
        if (strcmp(l->v.v[i].table, table) == 0)
            return reader_fail(x->r, at, NULL, "incremental: '%s' stands there twice", table);
    *arena_push(x->r->a, &l->v) = (struct incremental){table, key, at};
    *arena_push(x->r->a, &l->key_at) = key_at;
    if (key)
        *arena_push(x->r->a, &x->notes->uses) = (struct column_use){key, "incremental", key_at};
    return true;
}

static bool read_incremental_item(const struct model_reading *x, struct incremental_list *l,
                                  const struct yaml *y)
{
    if (y->kind == YAML_LIST)
        return reader_fail(x->r, y->at, NULL, "incremental: a list inside a list");
    if (y->kind == YAML_TEXT) {
        const char *table = read_text(x->r, y);
        return table && add_incremental(x, l, table, y->at, NULL, y->at);
    }
    for (size_t i = 0; i < y->n; i++) {
        const char *key = read_text(x->r, y->items[i]);
        if (!key || !add_incremental(x, l, y->keys[i].name, y->keys[i].at, key, y->items[i]->at))
            return false;
    }
    return true;
}

static bool read_incremental(const struct model_reading *x, const struct yaml *y)
{
    struct incremental_list l = {0};
    for (size_t i = 0; y->kind == YAML_LIST && i < y->n; i++)
        if (!read_incremental_item(x, &l, y->items[i]))
            return false;
    if (y->kind != YAML_LIST && !read_incremental_item(x, &l, y))
        return false;
    x->m->incremental = l.v.v;
    x->m->nincremental = l.v.n;
    x->notes->incremental_key_at = l.key_at.v;
    return true;
}

/* --- properties of the table --- */

static bool read_properties(const struct model_reading *x, const struct yaml *y)
{
    struct list_of(struct lake_property) list = {0};
    bool ok = true;
    for (size_t i = 0; i < y->n; i++) {
        struct err e;
        const char *value = read_text(x->r, y->items[i]);
        if (value && !lake_property_check(y->keys[i].name, value, &e))
            value = NULL, reader_fail(x->r, y->keys[i].at, *e.hint ? e.hint : NULL, "properties: %s", e.msg);
        if (value)
            *arena_push(x->r->a, &list) = (struct lake_property){y->keys[i].name, value};
        ok = ok && value;
    }
    x->m->properties = list.v;
    x->m->nproperties = list.n;
    return ok;
}

/* --- clauses of a merge --- */

static bool read_merge(const struct model_reading *x, const struct yaml *y)
{
    struct merge_when *w = &x->m->when;
    const struct field rows[] = {
        {"update_when", FIELD_TEXT, offsetof(struct merge_when, update), 0, 0, false},
        {"delete_when", FIELD_TEXT, offsetof(struct merge_when, delete), 0, 0, false},
        {"insert_when", FIELD_TEXT, offsetof(struct merge_when, insert), 0, 0, false},
        {0},
    };
    struct src *const places[] = {&w->update_at, &w->delete_at, &w->insert_at};
    for (size_t i = 0; i < countof(places); i++) {
        const struct yaml *value = yaml_get(y, rows[i].name);
        *places[i] = value ? value->at : y->at;
    }
    return read_fields(x->r, y, y->at, "merge", rows, w);
}

/* --- what goes with what --- */

static bool check_view(const struct model_reading *x)
{
    static const char *const stored[] = {"key",    "partition_by", "incremental", "sequence_by",
                                         "keep",   "keep_by",      "checks",      "passing",
                                         "schema", "properties",   "merge"};
    bool ok = true;
    for (size_t i = 0; i < countof(stored); i++)
        if (yaml_get(x->map, stored[i]))
            ok = reader_fail(x->r, yaml_key_at(x->map, stored[i]), NULL,
                             "a view stores nothing: '%s' has no meaning", stored[i]);
    return ok;
}

static bool check_combinations(const struct model_reading *x)
{
    const struct model *m = x->m;
    const struct reader *r = x->r;
    bool ok = true;
    if (m->mode == MODE_VIEW)
        return check_view(x);
    if (m->mode == MODE_MERGE && !m->nkey)
        ok = reader_fail(r, value_at(x, "mode"), "key: the column or columns that tell rows apart",
                         "mode merge needs 'key'");
    if (m->mode == MODE_PARTITIONS && !m->npartition_by)
        ok = reader_fail(r, value_at(x, "mode"), "partition_by: the columns whose values make a partition",
                         "mode partitions needs 'partition_by'");
    if (m->nincremental && m->mode == MODE_REPLACE)
        ok = reader_fail(r, yaml_key_at(x->map, "incremental"), "mode: merge, append or partitions",
                         "incremental has no meaning where every run replaces all");
    for (size_t i = 0; i < m->nincremental; i++)
        if (m->incremental[i].key && m->mode == MODE_APPEND)
            ok = reader_fail(r, x->notes->incremental_key_at[i], "mode: merge",
                             "incremental: by a key, rows are made anew: append cannot do that");
    if (yaml_get(x->map, "merge") && m->mode != MODE_MERGE)
        ok = reader_fail(r, yaml_key_at(x->map, "merge"), "mode: merge",
                         "merge has a meaning only for mode merge");
    for (size_t i = 0; i < m->nincremental && yaml_get(x->map, "merge"); i++)
        if (m->incremental[i].key)
            ok = reader_fail(r, yaml_key_at(x->map, "merge"), NULL,
                             "merge: where rows are made anew as groups there is nothing to choose");
    if (m->keep_by && !m->keep_ms)
        ok = reader_fail(r, yaml_key_at(x->map, "keep_by"), "keep: 730 days",
                         "keep_by has no meaning without 'keep'");
    if (m->sequence_by && m->mode != MODE_MERGE)
        ok = reader_fail(r, yaml_key_at(x->map, "sequence_by"), "mode: merge",
                         "sequence_by has a meaning only for merge");
    return ok;
}

static void warn_partitions(const struct model_reading *x, const struct texts *by, const struct texts *key)
{
    static const char few[] =
        "partition by what a query leaves out most of the table with: often one column, like the year";
    if (by->n >= 3)
        reader_warn(x->r, by->at[0], few,
                    "partitioned by %zu columns: every combination of their values is a folder "
                    "with files of its own, often thousands of tiny ones",
                    by->n);
    for (size_t i = 0; i < by->n && key->n == 1; i++)
        if (strcasecmp(by->v[i], key->v[0]) == 0)
            reader_warn(x->r, by->at[i], few, "partitioned by the key '%s': every row is a file of its own",
                        key->v[0]);
}

static bool read_header(const struct model_reading *x)
{
    const struct reader *r = x->r;
    struct model *m = x->m;
    struct header_keys k = {.passing = 1};
    bool ok = read_fields(r, x->map, x->map->at, "the header", header_rows, &k);
    ok = (!k.mode || read_mode(x, k.mode)) && ok;
    ok = (!k.schema || read_schema(x, k.schema)) && ok;
    m->description = k.description;
    m->key = k.key.v;
    m->nkey = k.key.n;
    m->partition_by = k.partition_by.v;
    m->npartition_by = k.partition_by.n;
    m->sequence_by = k.sequence_by;
    m->keep_ms = k.keep;
    m->keep_by = k.keep_by;
    m->tags = k.tags.v;
    m->ntags = k.tags.n;
    m->passing = k.passing;
    ok = no_twice(x, "key", &k.key) && ok;
    ok = no_twice(x, "partition_by", &k.partition_by) && ok;
    use(x, "key", &k.key);
    use(x, "partition_by", &k.partition_by);
    if (k.partition_by.n)
        x->notes->partition_at = k.partition_by.at[0];
    if (k.keep_by)
        use(x, "keep_by", &(struct texts){&k.keep_by, &yaml_get(x->map, "keep_by")->at, 1});
    if (k.sequence_by)
        use(x, "sequence_by", &(struct texts){&k.sequence_by, &yaml_get(x->map, "sequence_by")->at, 1});
    ok = (!k.incremental || read_incremental(x, k.incremental)) && ok;
    ok = (!k.merge || read_merge(x, k.merge)) && ok;
    ok = (!k.properties || read_properties(x, k.properties)) && ok;
    const struct yaml *passing = NULL;
    ok = (!k.checks || checks_read(r, k.checks, m, x->notes, &passing)) && ok;
    if (passing && yaml_get(x->map, "passing"))
        ok = reader_fail(r, passing->at, NULL, "'passing' stands in the header twice");
    static const struct field passing_row = {"passing", FIELD_SHARE, 0, 0, 0, false};
    ok = (!passing || read_field(r, passing, &passing_row, &m->passing)) && ok;
    if (ok)
        ok = check_combinations(x);
    if (ok)
        warn_partitions(x, &k.partition_by, &k.key);
    return ok;
}

/* --- the SELECT --- */

static bool is_run_param(const char *name)
{
    static const char *const names[] = {"now", "run_id", "start", "end"};
    for (size_t i = 0; i < countof(names); i++)
        if (strcasecmp(names[i], name) == 0)
            return true;
    return false;
}

static bool is_select(struct str word)
{
    static const char *const words[] = {"select", "with", "from", "values", "table", "pivot", "unpivot", "("};
    for (size_t i = 0; i < countof(words); i++)
        if (strlen(words[i]) == word.n && strncasecmp(words[i], word.p, word.n) == 0)
            return true;
    return false;
}

static bool read_select(const struct model_reading *x, size_t from, struct sql_text *t)
{
    const struct reader *r = x->r;
    struct model *m = x->m;
    const struct src top = {m->path, 1, 1};
    const char *text = m->text + from;
    size_t open;
    struct err e;
    if (!sql_scan(r->a, text, t, &open, &e))
        return reader_fail(r, sql_place(m->text, from + open, top, 0), NULL, "%s", e.msg);
    if (!t->end)
        return reader_fail(r, top, NULL, "there is no SELECT in the file");
    m->sql = arena_strn(r->a, text + t->start, t->end - t->start);
    m->sql_at = sql_place(m->text, from + t->start, top, 0);
    m->reads_files = sqltext_reads_files(m->sql);
    x->notes->params = t->params;
    x->notes->nparams = t->nparams;
    for (size_t i = 0; i < t->nparams; i++) {
        m->uses_now = m->uses_now || is_run_param(t->params[i]);
        m->uses_range =
            m->uses_range || strcasecmp(t->params[i], "start") == 0 || strcasecmp(t->params[i], "end") == 0;
    }
    if (t->second != SIZE_MAX)
        return reader_fail(r, sql_place(m->text, from + t->second, top, 0),
                           "a second model goes into a file of its own",
                           "a model is one SELECT: here begins a second statement");
    return is_select(t->first_word) ||
           reader_fail(r, m->sql_at, "cupel makes the table from what the SELECT gives",
                       "a model is a SELECT, this begins with '%.*s'", STR(t->first_word));
}

/* --- the fingerprint: of all that decides what is in the table --- */

static uint64_t add_text(uint64_t h, const char *s)
{
    return text_hash(s ? s : "\1", (s ? strlen(s) : 1) + 1, h);
}

static uint64_t add_texts(uint64_t h, const char *const *v, size_t n)
{
    h = text_hash(&n, sizeof n, h);
    for (size_t i = 0; i < n; i++)
        h = add_text(h, v[i]);
    return h;
}

static uint64_t add_param(uint64_t h, const struct engine_param *p)
{
    h = text_hash(&p->type, sizeof p->type, h);
    h = text_hash(&p->num, sizeof p->num, h);
    h = text_hash(&p->real, sizeof p->real, h);
    h = add_text(h, p->text);
    if (p->type == PARAM_TEXTS)
        h = add_texts(h, p->texts, p->n);
    if (p->type == PARAM_INTS)
        h = text_hash(p->nums, p->n * sizeof *p->nums, h);
    return h;
}

static uint64_t fingerprint(const struct model_reading *x, const struct sql_text *t)
{
    const struct model *m = x->m;
    uint64_t h = t->hash;
    h = add_text(h, modes[m->mode]);
    h = add_texts(h, m->key, m->nkey);
    h = add_texts(h, m->partition_by, m->npartition_by);
    h = add_text(h, m->sequence_by);
    if (m->when.update || m->when.delete || m->when.insert)
        h = add_text(add_text(add_text(h, m->when.update), m->when.delete), m->when.insert);
    for (size_t i = 0; i < m->nincremental; i++)
        h = add_text(add_text(h, m->incremental[i].table), m->incremental[i].key);
    for (size_t i = 0; i < m->nchecks; i++) { /* those that hold rows back */
        const struct check *c = &m->checks[i];
        if (c->warn || c->kind == CHECK_UNIQUE || c->kind == CHECK_RELATIONSHIPS ||
            c->kind == CHECK_ROW_COUNT || c->kind == CHECK_QUERY)
            continue;
        h = text_hash(&c->kind, sizeof c->kind, h);
        h = add_texts(h, c->columns, c->ncolumns);
        h = add_texts(h, c->values, c->nvalues);
        h = add_text(h, c->sql);
    }
    for (size_t i = 0; i < t->nparams; i++)
        for (size_t k = 0; k < x->r->nvars; k++)
            if (strcasecmp(t->params[i], x->r->vars[k].name) == 0)
                h = add_param(add_text(h, x->r->vars[k].name), &x->r->vars[k].value);
    return h;
}

bool model_read(const struct reader *r, struct model *ret, struct model_notes *notes)
{
    struct model_reading x = {.r = r, .m = ret, .notes = notes};
    struct sql_text t = {0};
    size_t end;
    ret->evolve = true;
    ret->passing = 1;
    header_read(r, ret->path, ret->text, &x.map, &end);
    bool ok = end != SIZE_MAX && read_select(&x, end, &t);
    if (x.map)
        read_header(&x);
    ret->fingerprint = fingerprint(&x, &t);
    return ok;
}
