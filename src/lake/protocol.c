#include "lake/protocol.h"

#include <string.h>
#include <strings.h>

static bool one_of(const char *name, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* What is done here, or asks nothing of a reader. */
static const char *const readable[] = {"columnMapping",      "deletionVectors", "timestampNtz",
                                       "typeWidening",       "v2Checkpoint",    "typeWidening-preview",
                                       "vacuumProtocolCheck"};
/* What is done here, or asks nothing of a writer as long as it is not in use: see feature_in_use(). */
static const char *const writable[] = {
    "allowColumnDefaults", "appendOnly",        "changeDataFeed",       "checkConstraints",
    "columnMapping",       "deletionVectors",   "domainMetadata",       "generatedColumns",
    "identityColumns",     "inCommitTimestamp", "invariants",           "timestampNtz",
    "typeWidening",        "v2Checkpoint",      "typeWidening-preview", "vacuumProtocolCheck"};

static bool no_reader(const char *table, const char *feature, int reader, int writer, struct err *e)
{
    return fail(e, ERR_DATA,
                "table '%s' needs reader feature '%s' (protocol %d, %d), which this version does not read",
                table, feature, reader, writer);
}

static bool no_writer(const char *table, const char *feature, int reader, int writer, struct err *e)
{
    fail(e, ERR_DATA,
         "table '%s' needs writer feature '%s' (protocol %d, %d): this version reads it, but cannot write it",
         table, feature, reader, writer);
    return hint(e, "write it with the engine that made it");
}

static bool is_mapped(const char *mode)
{
    return mode && strcasecmp(mode, "none") != 0;
}

const char *protocol_mapping(const struct protocol *p, const struct metadata *m)
{
    bool on = p->reader == 2;
    for (size_t i = 0; p->reader == 3 && p->reader_features[i]; i++)
        on |= strcmp(p->reader_features[i], "columnMapping") == 0;
    for (size_t i = 0; on && i < m->nconfiguration; i++)
        if (strcmp(m->configuration[i].key, "delta.columnMapping.mode") == 0)
            return is_mapped(m->configuration[i].value) ? m->configuration[i].value : NULL;
    return NULL;
}

bool protocol_may_read(const char *table, const struct protocol *p, const struct metadata *m, struct err *e)
{
    if (p->reader > 3)
        return fail(e, ERR_DATA,
                    "table '%s' needs reader version %d (protocol %d, %d): this version reads up to 3", table,
                    p->reader, p->reader, p->writer);
    for (size_t i = 0; p->reader == 3 && p->reader_features[i]; i++)
        if (!one_of(p->reader_features[i], readable, countof(readable)))
            return no_reader(table, p->reader_features[i], p->reader, p->writer, e);
    const char *mode = protocol_mapping(p, m);
    if (is_mapped(mode) && strcasecmp(mode, "name") != 0 && strcasecmp(mode, "id") != 0)
        return fail(
            e, ERR_DATA,
            "table '%s' has columns mapped by '%s' (protocol %d, %d), which this version does not read",
            table, mode, p->reader, p->writer);
    return true;
}

/* Does the metadata of a column, at any depth, speak of `key`? The quotes make it a key or a whole string. */
static bool fields_say(const struct lake_field *f, size_t n, const char *key);

static bool type_says(const struct lake_type *t, const char *key)
{
    return t && (fields_say(t->fields, t->nfields, key) || type_says(t->element, key) ||
                 type_says(t->key, key) || type_says(t->value, key));
}

static bool fields_say(const struct lake_field *f, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++)
        if ((f[i].metadata && strstr(f[i].metadata, key)) || type_says(f[i].type, key))
            return true;
    return false;
}

/* What is in use and cannot be done here; NULL = nothing. The properties and the columns tell. */
static const char *feature_in_use(const struct lake_schema *s, const struct lake_property *props,
                                  size_t nprops)
{
    for (size_t i = 0; i < nprops; i++) {
        const char *key = props[i].key, *value = props[i].value;
        if (!value)
            continue;
        bool on = strcasecmp(value, "true") == 0;
        if (on && strcmp(key, "delta.enableRowTracking") == 0)
            return "rowTracking";
        if (strncmp(key, "delta.feature.", 14) == 0 && !one_of(key + 14, writable, countof(writable)))
            return key + 14;
    }
    for (size_t i = 0; i < s->n; i++) { /* within structs; others are seen to */
        if (type_says(s->fields[i].type, "\"delta.invariants\""))
            return "invariants";
        if (type_says(s->fields[i].type, "\"CURRENT_DEFAULT\""))
            return "allowColumnDefaults";
    }
    if (fields_say(s->fields, s->n, "\"delta.identity.start\""))
        return "identityColumns";
    return NULL;
}

bool protocol_may_write(const char *table, const struct lake_snapshot *s, struct err *e)
{
    for (size_t i = 0; s->writer >= 7 && s->writer_features[i]; i++)
        if (!one_of(s->writer_features[i], writable, countof(writable)))
            return no_writer(table, s->writer_features[i], s->reader, s->writer, e);
    const char *feature = feature_in_use(&s->schema, s->properties, s->nproperties);
    /* A property that the protocol does not back: nobody has given the columns their names. */
    if (!feature && s->mapping == LAKE_MAPPING_NONE &&
        lake_mapping_of(s->properties, s->nproperties) != LAKE_MAPPING_NONE)
        feature = "columnMapping";
    if (feature)
        return no_writer(table, feature, s->reader, s->writer, e);
    if (s->writer > 7)
        return fail(e, ERR_DATA,
                    "table '%s' needs writer version %d (protocol %d, %d): this version writes up to 7",
                    table, s->writer, s->reader, s->writer);
    return true;
}

static const char *zoneless_column(const struct lake_field *f, size_t n);

static bool is_zoneless(const struct lake_type *t)
{
    return t && ((t->kind == LAKE_PRIMITIVE && strcmp(t->primitive, "timestamp_ntz") == 0) ||
                 is_zoneless(t->element) || is_zoneless(t->key) || is_zoneless(t->value) ||
                 zoneless_column(t->fields, t->nfields));
}

static const char *zoneless_column(const struct lake_field *f, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (is_zoneless(f[i].type))
            return f[i].name;
    return NULL;
}

static int by_letters(const void *x, const void *y)
{
    return strcasecmp(*(const char *const *)x, *(const char *const *)y);
}

static const char *twice(const struct lake_schema *s)
{
    auto_arena *a = arena_new();
    const char **names = arena_make(a, const char *, s->n);
    for (size_t i = 0; i < s->n; i++)
        names[i] = s->fields[i].name;
    qsort(names, s->n, sizeof *names, by_letters);
    for (size_t i = 1; i < s->n; i++)
        if (strcasecmp(names[i - 1], names[i]) == 0)
            return names[i];
    return NULL;
}

/* --- what a table asks for --- */

/* Features, and since which writer version all tables have them; 7 = only by name. */
static const struct feature {
    const char *name;
    int writer;
    bool reader; /* readers must know it, too */
} features[] = {
    {"appendOnly", 2, false},      {"invariants", 2, false},       {"checkConstraints", 3, false},
    {"changeDataFeed", 4, false},  {"generatedColumns", 4, false}, {"columnMapping", 5, true},
    {"identityColumns", 6, false}, {"deletionVectors", 7, true},   {"inCommitTimestamp", 7, false},
    {"v2Checkpoint", 7, true},     {"typeWidening", 7, true},
};

static bool is_on(const struct lake_property *props, size_t n, const char *key, const char *value)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(props[i].key, key) == 0)
            return props[i].value && strcasecmp(props[i].value, value) == 0;
    return false;
}

static bool is_constrained(const struct lake_property *props, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strncmp(props[i].key, "delta.constraints.", 18) == 0)
            return true;
    return false;
}

static bool asks_for(const struct feature *f, const struct lake_property *props, size_t n)
{
    static const struct {
        const char *feature, *key, *value;
    } keys[] = {
        {"deletionVectors", "delta.enableDeletionVectors", "true"},
        {"inCommitTimestamp", "delta.enableInCommitTimestamps", "true"},
        {"v2Checkpoint", "delta.checkpointPolicy", "v2"},
        {"changeDataFeed", "delta.enableChangeDataFeed", "true"},
        {"typeWidening", "delta.enableTypeWidening", "true"},
    };
    for (size_t i = 0; i < countof(keys); i++)
        if (strcmp(keys[i].feature, f->name) == 0)
            return is_on(props, n, keys[i].key, keys[i].value);
    if (strcmp(f->name, "columnMapping") == 0)
        return lake_mapping_of(props, n) != LAKE_MAPPING_NONE;
    return strcmp(f->name, "checkConstraints") == 0 && is_constrained(props, n);
}

static bool is_listed(const char *const *list, const char *name)
{
    for (; *list; list++)
        if (strcmp(*list, name) == 0)
            return true;
    return false;
}

struct names list_of(const char *);

static const char *const *names_of(struct arena *a, struct names *list)
{
    *arena_push(a, list) = NULL;
    return list->v;
}

static void add_names(struct arena *a, struct names *list, const char *const *names)
{
    for (; *names; names++)
        *arena_push(a, list) = *names;
}

struct protocol protocol_with(struct arena *a, const struct lake_snapshot *base,
                              const struct lake_property *props, size_t nprops, bool *ret_changed)
{
    static const char *const none[] = {NULL};
    struct protocol p = {1, 2, none, none};
    if (base)
        p = (struct protocol){base->reader, base->writer, base->reader_features, base->writer_features};
    const struct protocol was = p;
    struct names readers = {0}, writers = {0};
    for (size_t i = 0; i < countof(features); i++) {
        if (!asks_for(&features[i], props, nprops))
            continue;
        if (was.writer < 7 && features[i].writer > p.writer)
            p.writer = features[i].writer;
        int reader = features[i].writer < 7 ? 2 : 3; /* column mapping has a number, too */
        if (features[i].reader && p.reader < reader)
            p.reader = reader;
    }
    if (p.writer < 7 && p.reader < 3) {
        *ret_changed = !base || p.writer != was.writer || p.reader != was.reader;
        return p;
    }
    if (p.reader == 2 && was.reader < 2)
        p.reader = 3;
    add_names(a, &readers, was.reader_features);
    add_names(a, &writers, was.writer_features);
    for (size_t i = 0; i < countof(features); i++) {
        const struct feature *f = &features[i];
        bool asked = asks_for(f, props, nprops);
        if (!is_listed(was.writer_features, f->name) &&
            (asked || (was.writer < 7 && f->writer <= was.writer)))
            *arena_push(a, &writers) = f->name;
        if (p.reader == 3 && f->reader && !is_listed(was.reader_features, f->name) &&
            (asked || (was.reader == 2 && strcmp(f->name, "columnMapping") == 0)))
            *arena_push(a, &readers) = f->name;
    }
    size_t nwas = 0;
    while (was.writer_features[nwas])
        nwas++;
    *ret_changed = !base || p.writer != was.writer || p.reader != was.reader || writers.n != nwas;
    p.reader_features = names_of(a, &readers);
    p.writer_features = names_of(a, &writers);
    return p;
}

/* A column that has the name of one of the feed's. */
static const char *feed_column(const struct lake_schema *s)
{
    static const char *const names[] = {"_change_type", "_commit_version", "_commit_timestamp"};
    for (size_t i = 0; i < s->n; i++)
        for (size_t k = 0; k < countof(names); k++)
            if (strcasecmp(s->fields[i].name, names[k]) == 0)
                return s->fields[i].name;
    return NULL;
}

bool protocol_may_have(const char *table, const struct protocol *p, const struct lake_schema *s,
                       const struct lake_property *props, size_t nprops, struct err *e)
{
    const char *name = twice(s);
    if (name)
        return fail(e, ERR_DATA, "table '%s' would have column '%s' twice", table, name);
    name = is_listed(p->writer_features, "timestampNtz") ? NULL : zoneless_column(s->fields, s->n);
    if (name) {
        fail(e, ERR_DATA,
             "column '%s' of table '%s' is a timestamp without a time zone, which Delta tables of protocol "
             "(%d, %d) cannot hold",
             name, table, p->reader, p->writer);
        return hint(e, "cast it to TIMESTAMPTZ");
    }
    name = is_on(props, nprops, "delta.enableChangeDataFeed", "true") ? feed_column(s) : NULL;
    if (name)
        return fail(e, ERR_DATA, "table '%s' has a column '%s', and its change data feed one of that name",
                    table, name);
    name = feature_in_use(s, props, nprops);
    if (name)
        return fail(e, ERR_DATA, "table '%s': this version cannot make tables with '%s'", table, name);
    return true;
}
