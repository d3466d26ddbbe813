/* `checks:` of a model's header. */
#include <string.h>

#include "project/internal.h"

struct checks_reading {
    const struct reader *r;
    struct list_of(struct check) v;
    struct model_notes *notes;
    const struct yaml *passing;
};

struct item { /* one `- kind: ...` with what stands beside it */
    const struct yaml *value;
    const char *kind;
    struct src at;
    const char *name;
    bool warn;
};

enum { NAME_MAX_BYTES = 60 };

/* The beginning of a text in one line, for names of checks. */
static const char *brief(struct arena *a, const char *text)
{
    struct str s = str_trim((struct str){text, strlen(text)});
    bool cut = s.n > NAME_MAX_BYTES;
    if (cut)
        for (s.n = NAME_MAX_BYTES; s.n && ((unsigned char)s.p[s.n] & 0xc0) == 0x80;)
            s.n--;
    char *out = arena_fmt(a, "%.*s%s", STR(s), cut ? "..." : "");
    for (char *p = out; *p; p++)
        if (*p == '\n' || *p == '\t' || *p == '\r')
            *p = ' ';
    return out;
}

static const char *joined(struct arena *a, const char *const *v, size_t n)
{
    auto_buf b = BUF(1 << 16);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%s", i ? ", " : "", v[i]);
    return arena_str(a, b.p);
}

static struct check *add(struct checks_reading *c, const struct item *it, enum check_kind kind,
                         const char *name)
{
    struct check *k = arena_push(c->r->a, &c->v);
    *k = (struct check){.kind = kind,
                        .name = it->name ? it->name : name,
                        .at = it->at,
                        .min = -1,
                        .max = -1,
                        .warn = it->warn};
    return k;
}

static void use(struct checks_reading *c, const char *column, struct src at)
{
    *arena_push(c->r->a, &c->notes->uses) = (struct column_use){column, "check", at};
}

static bool read_columns(struct checks_reading *c, const struct item *it, enum check_kind kind)
{
    struct texts t;
    if (it->value->kind == YAML_MAP)
        return reader_fail(c->r, it->value->at, NULL, "%s: a column or a list of columns is expected",
                           it->kind);
    if (!read_texts(c->r, it->value, &t))
        return false;
    if (!t.n)
        return reader_fail(c->r, it->value->at, NULL, "%s: no columns", it->kind);
    struct check *k = add(c, it, kind, arena_fmt(c->r->a, "%s(%s)", it->kind, joined(c->r->a, t.v, t.n)));
    k->columns = t.v;
    k->ncolumns = t.n;
    for (size_t i = 0; i < t.n; i++)
        use(c, t.v[i], t.at[i]);
    return true;
}

static bool read_not_null(struct checks_reading *c, const struct item *it)
{
    return read_columns(c, it, CHECK_NOT_NULL);
}

static bool read_unique(struct checks_reading *c, const struct item *it)
{
    return read_columns(c, it, CHECK_UNIQUE);
}

static bool need_map(struct checks_reading *c, const struct item *it, const char *like)
{
    return it->value->kind == YAML_MAP ||
           reader_fail(c->r, it->value->at, like, "%s: %s where a mapping is expected", it->kind,
                       yaml_name(it->value));
}

static const char *const *one_column(struct checks_reading *c, const struct yaml_key *key)
{
    const char **v = arena_make(c->r->a, const char *, 1);
    v[0] = key->name;
    use(c, key->name, key->at);
    return v;
}

static bool read_accepted(struct checks_reading *c, const struct item *it)
{
    struct arena *a = c->r->a;
    const struct yaml *map = it->value;
    if (!need_map(c, it, "accepted_values: {column: [value, ...]}"))
        return false;
    for (size_t i = 0; i < map->n; i++) {
        struct texts t;
        if (map->items[i]->kind == YAML_MAP || yaml_is_null(map->items[i]))
            return reader_fail(c->r, map->items[i]->at, NULL,
                               "accepted_values: a list of values is expected");
        if (!read_texts(c->r, map->items[i], &t))
            return false;
        if (!t.n)
            return reader_fail(c->r, map->items[i]->at, NULL, "accepted_values: no values");
        const char **literals = arena_make(a, const char *, t.n);
        for (size_t k = 0; k < t.n; k++) {
            auto_buf b = BUF(1 << 20);
            sql_literal(&b, t.v[k]);
            literals[k] = arena_str(a, b.p);
        }
        struct check *k =
            add(c, it, CHECK_ACCEPTED_VALUES, arena_fmt(a, "accepted_values(%s)", map->keys[i].name));
        k->columns = one_column(c, &map->keys[i]);
        k->ncolumns = 1;
        k->values = literals;
        k->nvalues = t.n;
    }
    return true;
}

static bool read_relationships(struct checks_reading *c, const struct item *it)
{
    struct arena *a = c->r->a;
    const struct yaml *map = it->value;
    if (!need_map(c, it, "relationships: {column: schema.table.column}"))
        return false;
    for (size_t i = 0; i < map->n; i++) {
        const char *to = read_text(c->r, map->items[i]), *dot = to ? strrchr(to, '.') : NULL;
        if (!to)
            return false;
        const char *table = dot ? arena_strn(a, to, (size_t)(dot - to)) : "";
        if (!is_table_name(table) || !dot[1])
            return reader_fail(c->r, map->items[i]->at, "relationships: {column: schema.table.column}",
                               "relationships: '%s' is no column of a table", to);
        struct check *k =
            add(c, it, CHECK_RELATIONSHIPS, arena_fmt(a, "relationships(%s -> %s)", map->keys[i].name, to));
        k->columns = one_column(c, &map->keys[i]);
        k->ncolumns = 1;
        k->to_table = table;
        k->to_column = dot + 1;
        k->sql_at = map->items[i]->at;
        *arena_push(a, &c->notes->needs) = (struct need){table, map->items[i]->at, false};
    }
    return true;
}

static bool read_row_count(struct checks_reading *c, const struct item *it)
{
    struct counts {
        int64_t min, max;
    } n = {-1, -1};
    static const struct field rows[] = {
        {"min", FIELD_INT, offsetof(struct counts, min), 0, INT64_MAX, false},
        {"max", FIELD_INT, offsetof(struct counts, max), 0, INT64_MAX, false},
        {0},
    };
    if (!need_map(c, it, "row_count: {min: 1, max: 1000}") ||
        !read_fields(c->r, it->value, it->at, "row_count", rows, &n))
        return false;
    if (n.min < 0 && n.max < 0)
        return reader_fail(c->r, it->value->at, NULL, "row_count: neither min nor max");
    if (n.max >= 0 && n.min > n.max)
        return reader_fail(c->r, it->value->at, NULL, "row_count: min is more than max");
    struct arena *a = c->r->a;
    const char *name = n.max < 0 ? arena_fmt(a, "row_count(min %lld)", (long long)n.min)
                       : n.min < 0
                           ? arena_fmt(a, "row_count(max %lld)", (long long)n.max)
                           : arena_fmt(a, "row_count(%lld to %lld)", (long long)n.min, (long long)n.max);
    struct check *k = add(c, it, CHECK_ROW_COUNT, name);
    k->min = n.min;
    k->max = n.max;
    return true;
}

/* SQL is taken as it stands: what varies comes in as a parameter. */
static bool read_sql(struct checks_reading *c, const struct item *it, enum check_kind kind)
{
    const struct yaml *y = it->value;
    if (y->kind != YAML_TEXT)
        return reader_fail(c->r, y->at, NULL, "%s: %s where SQL is expected", it->kind, yaml_name(y));
    struct sql_text t;
    size_t open;
    struct err e;
    if (!sql_scan(c->r->a, y->text, &t, &open, &e))
        return reader_fail(c->r, yaml_place(y, open), NULL, "%s: %s", it->kind, e.msg);
    if (!t.end)
        return reader_fail(c->r, y->at, NULL, "%s: no SQL", it->kind);
    if (t.second != SIZE_MAX)
        return reader_fail(c->r, yaml_place(y, t.second), NULL, "%s: a second statement", it->kind);
    struct check *k =
        add(c, it, kind, arena_fmt(c->r->a, "%s(%s)", it->kind, brief(c->r->a, y->text + t.start)));
    k->sql = arena_strn(c->r->a, y->text + t.start, t.end - t.start);
    k->sql_at = yaml_place(y, t.start);
    k->sql_indent = y->style == STYLE_LITERAL ? y->indent : 0;
    return true;
}

static bool read_row(struct checks_reading *c, const struct item *it)
{
    return read_sql(c, it, CHECK_ROWS);
}

static bool read_query(struct checks_reading *c, const struct item *it)
{
    return read_sql(c, it, CHECK_QUERY);
}

static bool read_passing(struct checks_reading *c, const struct item *it)
{
    if (c->passing)
        return reader_fail(c->r, it->at, NULL, "'passing' stands here twice");
    c->passing = it->value;
    return true;
}

static const struct {
    const char *name;
    bool (*read)(struct checks_reading *c, const struct item *it);
} kinds[] = {
    {"not_null", read_not_null},
    {"unique", read_unique},
    {"accepted_values", read_accepted},
    {"row", read_row},
    {"relationships", read_relationships},
    {"row_count", read_row_count},
    {"query", read_query},
    {"passing", read_passing},
};

static bool read_severity(struct checks_reading *c, const struct yaml *y, bool *ret)
{
    const char *text = read_text(c->r, y);
    if (!text)
        return false;
    *ret = strcmp(text, "warn") == 0;
    return *ret || strcmp(text, "error") == 0 ||
           reader_fail(c->r, y->at, "warn or error", "severity: '%s' is not known", text);
}

static bool unknown_kind(struct checks_reading *c, const struct yaml_key *key)
{
    const char *known[countof(kinds) + 2] = {"severity", "name"};
    for (size_t i = 0; i < countof(kinds); i++)
        known[i + 2] = kinds[i].name;
    const char *near = text_nearest(key->name, known, countof(known));
    if (near)
        return reader_fail(c->r, key->at, NULL, "unknown check '%s' (did you mean '%s'?)", key->name, near);
    return reader_fail(c->r, key->at,
                       "not_null, unique, accepted_values, row, relationships, row_count, query, passing",
                       "unknown check '%s'", key->name);
}

static bool read_item(struct checks_reading *c, const struct yaml *map)
{
    if (map->kind != YAML_MAP)
        return reader_fail(c->r, map->at, "- not_null: [a, b]", "checks: %s where a check is expected",
                           yaml_name(map));
    struct item it = {0};
    size_t kind = SIZE_MAX;
    for (size_t i = 0; i < map->n; i++) {
        const struct yaml_key *key = &map->keys[i];
        if (strcmp(key->name, "severity") == 0) {
            if (!read_severity(c, map->items[i], &it.warn))
                return false;
        } else if (strcmp(key->name, "name") == 0) {
            if (!(it.name = read_text(c->r, map->items[i])))
                return false;
        } else {
            size_t k = 0;
            while (k < countof(kinds) && strcmp(kinds[k].name, key->name) != 0)
                k++;
            if (k == countof(kinds))
                return unknown_kind(c, key);
            if (kind != SIZE_MAX)
                return reader_fail(c->r, key->at, "begin each with '-' on a line of its own",
                                   "two checks in one: '%s' and '%s'", it.kind, key->name);
            kind = k;
            it.kind = key->name;
            it.at = key->at;
            it.value = map->items[i];
        }
    }
    if (kind == SIZE_MAX)
        return reader_fail(c->r, map->at, "- not_null: [a, b]", "checks: no check in this item");
    if (yaml_is_null(it.value))
        return reader_fail(c->r, it.value->at, NULL, "'%s' has no value", it.kind);
    return kinds[kind].read(c, &it);
}

bool checks_read(const struct reader *r, const struct yaml *list, struct model *m, struct model_notes *notes,
                 const struct yaml **ret_passing)
{
    struct checks_reading c = {.r = r, .notes = notes};
    if (list->kind != YAML_LIST)
        return reader_fail(r, list->at, "- not_null: [a, b]", "checks: %s where a list is expected",
                           yaml_name(list));
    bool ok = true;
    for (size_t i = 0; i < list->n; i++)
        ok = read_item(&c, list->items[i]) && ok;
    m->checks = c.v.v;
    m->nchecks = c.v.n;
    *ret_passing = c.passing;
    return ok;
}
