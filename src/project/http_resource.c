/* One resource of an HTTP source: what is asked for, how often, and which table it fills. */
#include <string.h>

#include "project/http_source.h"
#include "rows/json_scan.h"

enum { PAGES_MAX = 1000000 };

/* --- pairs and paths --- */

bool http_pairs_read(const struct reader *r, const struct yaml *map, struct http_pair **ret, size_t *ret_n)
{
    struct http_pair *v = arena_make(r->a, struct http_pair, map->n);
    bool ok = true;
    for (size_t i = 0; i < map->n; i++) {
        const char *value = read_text(r, map->items[i]);
        v[i] = (struct http_pair){map->keys[i].name, value ? value : ""};
        ok = ok && value;
    }
    *ret = v;
    *ret_n = map->n;
    return ok;
}

static bool check_path(const struct reader *r, const struct yaml *y, const char *text)
{
    struct json_path *ignored;
    struct err e;
    if (json_path_parse(r->a, text, &ignored, &e))
        return true;
    return reader_fail(r, y->at,
                       e.hint[0] ? e.hint : "a path is written like $.results or $.credits.cast[:3].id", "%s",
                       e.msg);
}

static const char *read_path(const struct reader *r, const struct yaml *y)
{
    const char *text = y ? read_text(r, y) : NULL;
    return text && check_path(r, y, text) ? text : NULL;
}

/* --- the keys of a resource --- */

struct resource_keys {
    const char *path, *into;
    const struct yaml *for_, *each, *query, *pages, *items, *columns;
    int64_t refresh, limit;
    double require;
};
static const struct field resource_rows[] = {
    {"path", FIELD_TEXT, offsetof(struct resource_keys, path), 0, 0, true},
    {"for", FIELD_MAP, offsetof(struct resource_keys, for_), 0, 0, false},
    {"each", FIELD_NODE, offsetof(struct resource_keys, each), 0, 0, false},
    {"query", FIELD_MAP, offsetof(struct resource_keys, query), 0, 0, false},
    {"pages", FIELD_MAP, offsetof(struct resource_keys, pages), 0, 0, false},
    {"items", FIELD_NODE, offsetof(struct resource_keys, items), 0, 0, false},
    {"into", FIELD_TEXT, offsetof(struct resource_keys, into), 0, 0, false},
    {"columns", FIELD_MAP, offsetof(struct resource_keys, columns), 0, 0, false},
    {"refresh", FIELD_DURATION, offsetof(struct resource_keys, refresh), 0, 0, false},
    {"limit", FIELD_INT, offsetof(struct resource_keys, limit), 0, INT64_MAX, false},
    {"require", FIELD_SHARE, offsetof(struct resource_keys, require), 0, 0, false},
    {0},
};

struct page_keys {
    const char *param;
    int64_t first, last;
    const struct yaml *total;
};
static const struct field page_rows[] = {
    {"param", FIELD_TEXT, offsetof(struct page_keys, param), 0, 0, true},
    {"first", FIELD_INT, offsetof(struct page_keys, first), 0, PAGES_MAX, false},
    {"last", FIELD_INT, offsetof(struct page_keys, last), 0, PAGES_MAX, false},
    {"total", FIELD_NODE, offsetof(struct page_keys, total), 0, 0, false},
    {0},
};

static bool read_pages(const struct reader *r, const struct yaml *map, struct http_resource *res)
{
    struct page_keys k = {.first = 1, .last = PAGES_MAX};
    if (!read_fields(r, map, map->at, "pages", page_rows, &k))
        return false;
    if (k.last < k.first)
        return reader_fail(r, yaml_get(map, "last")->at, NULL,
                           "pages: the last page (%lld) is before the first (%lld)", (long long)k.last,
                           (long long)k.first);
    res->page_param = k.param;
    res->page_first = k.first;
    res->page_last = k.last;
    res->page_total = read_path(r, k.total);
    return !k.total || res->page_total;
}

static bool read_for(const struct reader *r, const struct yaml *map, struct http_resource *res)
{
    struct texts values;
    if (map->n != 1)
        return reader_fail(r, map->at, "for: {category: [popular, top_rated]}",
                           "for: one variable with its values is expected");
    if (!is_name((struct str){map->keys[0].name, strlen(map->keys[0].name)}))
        return reader_fail(r, map->keys[0].at, "only a-z, 0-9 and _", "'%s' is no name for a placeholder",
                           map->keys[0].name);
    if (!read_texts(r, map->items[0], &values))
        return false;
    if (!values.n)
        return reader_fail(r, map->items[0]->at, NULL, "for: no values for '%s'", map->keys[0].name);
    res->for_var = map->keys[0].name;
    res->for_values = values.v;
    res->nfor_values = values.n;
    return true;
}

/* --- each --- */

struct each_list {
    struct list_of(struct http_each) v;
    struct list_of(const char *) values; /* those of the entry at the end that has no parent */
};

static bool each_parent(const struct http_reading *h, struct each_list *l, const struct yaml *y,
                        const char *text)
{
    const struct reader *r = h->r;
    const char *dot = strchr(text, '.');
    const char *parent = dot ? arena_strn(r->a, text, (size_t)(dot - text)) : text;
    if (map_find(&h->names, parent) == SIZE_MAX) {
        struct list_of(const char *) known = {0};
        for (size_t i = 0; i < h->resources->n; i++)
            *arena_push(r->a, &known) = h->resources->keys[i].name;
        return reader_unknown(r, y->at, "resource", parent, known.v, known.n);
    }
    if (!dot)
        return reader_fail(r, y->at, arena_fmt(r->a, "what of its records: %s.id", parent),
                           "each: '%s' is a resource, a path in it is expected", parent);
    const char *path = arena_fmt(r->a, "$%s", dot);
    if (!check_path(r, y, path))
        return false;
    *arena_push(r->a, &l->v) = (struct http_each){.parent = parent, .path = path, .at = y->at};
    return true;
}

static void each_value(const struct http_reading *h, struct each_list *l, const char *text, struct src at)
{
    if (!l->v.n || l->v.v[l->v.n - 1].parent) {
        *arena_push(h->r->a, &l->v) = (struct http_each){.at = at};
        l->values = (typeof(l->values)){0};
    }
    *arena_push(h->r->a, &l->values) = text;
    l->v.v[l->v.n - 1].values = l->values.v;
    l->v.v[l->v.n - 1].nvalues = l->values.n;
}

static bool read_each_item(const struct http_reading *h, struct each_list *l, const struct yaml *y)
{
    const struct variable *var = read_variable(h->r, y);
    if (var) {
        struct texts t;
        if (!read_texts(h->r, y, &t))
            return false;
        for (size_t i = 0; i < t.n; i++)
            each_value(h, l, t.v[i], y->at);
        return true;
    }
    const char *text = read_text(h->r, y);
    int64_t n;
    struct err ignored;
    if (!text)
        return false;
    if (!text_int(text, &n, &ignored))
        return each_parent(h, l, y, text);
    each_value(h, l, text, y->at);
    return true;
}

static bool read_each(const struct http_reading *h, const struct yaml *y, struct http_resource *res)
{
    struct each_list l = {0};
    if (y->kind == YAML_MAP)
        return reader_fail(h->r, y->at, "each: lists.id, or a list of such and of numbers",
                           "each: a mapping where a value or a list is expected");
    for (size_t i = 0; y->kind == YAML_LIST && i < y->n; i++)
        if (!read_each_item(h, &l, y->items[i]))
            return false;
    if (y->kind == YAML_TEXT && !read_each_item(h, &l, y))
        return false;
    if (!l.v.n)
        return reader_fail(h->r, y->at, NULL, "each: no values");
    res->each = l.v.v;
    res->neach = l.v.n;
    return true;
}

/* --- placeholders --- */

static bool is_placeholder(const struct http_resource *res, struct str name)
{
    return (res->for_var && str_is(name, res->for_var)) || (res->each_var && str_is(name, res->each_var));
}

/* Every {name} of the path is the variable of `for` or the one of `each`. */
static bool read_placeholders(const struct http_reading *h, const struct yaml *map, struct http_resource *res)
{
    const struct yaml *y = yaml_get(map, "path");
    const struct reader *r = h->r;
    bool for_seen = false;
    for (const char *p = res->path; (p = strpbrk(p, "{}"));) {
        struct src at = yaml_place(y, (size_t)(p - res->path));
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        struct str name = {p + 1, end ? (size_t)(end - p - 1) : 0};
        if (!end || !is_name(name))
            return reader_fail(r, at, "a placeholder is a name in braces: {id}",
                               "path: a brace that is no placeholder");
        if (res->for_var && str_is(name, res->for_var))
            for_seen = true;
        else if (!res->each_var)
            res->each_var = arena_strn(r->a, name.p, name.n);
        else if (!str_is(name, res->each_var))
            return reader_fail(r, at, NULL, "path: '{%.*s}' has no values: 'each' fills '{%s}'", STR(name),
                               res->each_var);
        p = end + 1;
    }
    if (res->for_var && !for_seen)
        return reader_fail(r, y->at, NULL, "path: '{%s}' of 'for' is not in it", res->for_var);
    if (res->each_var && !res->neach)
        return reader_fail(r, y->at, "say where its values come from: each: RESOURCE.id, or for: {...}",
                           "path: '{%s}' has no values", res->each_var);
    if (res->neach && !res->each_var)
        return reader_fail(r, yaml_key_at(map, "each"), NULL,
                           "each: the path has no placeholder for its values");
    return true;
}

/* --- columns --- */

static const char *const added_columns[] = {"raw_json",       "api_endpoint", "extraction_timestamp",
                                            "ingestion_date", "batch_run_id", "year",
                                            "month",          "day",          "hour"};
static const char *const column_types[] = {"BIGINT", "VARCHAR", "DOUBLE", "BOOLEAN"};

static bool column_type(const struct reader *r, struct src at, const char *type, const char **ret)
{
    for (size_t i = 0; i < countof(column_types); i++)
        if (strcmp(type, column_types[i]) == 0) {
            *ret = column_types[i];
            return true;
        }
    return reader_unknown(r, at, "type", type, column_types, countof(column_types));
}

static bool read_column(const struct reader *r, const struct http_resource *res, const struct yaml_key *key,
                        const struct yaml *y, struct http_column *ret)
{
    const char *text = read_text(r, y);
    if (!is_name((struct str){key->name, strlen(key->name)}))
        return reader_fail(r, key->at, "only a-z, 0-9 and _", "'%s' is no name for a column", key->name);
    for (size_t i = 0; i < countof(added_columns); i++)
        if (strcmp(key->name, added_columns[i]) == 0)
            return reader_fail(r, key->at, NULL, "column '%s' is in every table of a source already",
                               key->name);
    if (!text)
        return false;
    const char *colons = strstr(text, "::");
    size_t n = colons ? (size_t)(colons - text) : strlen(text);
    *ret = (struct http_column){
        .name = key->name, .path = arena_strn(r->a, text, n), .type = "VARCHAR", .at = key->at};
    if (colons && !column_type(r, yaml_place(y, n + 2), colons + 2, &ret->type))
        return false;
    if (ret->path[0] != '{')
        return check_path(r, y, ret->path);
    struct str name = {ret->path + 1, n > 2 ? n - 2 : 0};
    if (ret->path[n - 1] != '}' || !is_placeholder(res, name))
        return reader_fail(r, y->at, NULL, "column '%s': the path has no placeholder '%s'", key->name,
                           ret->path);
    return true;
}

static bool read_columns(const struct reader *r, const struct yaml *map, struct http_resource *res)
{
    bool ok = true;
    if (!map) {
        res->columns = arena_make(r->a, struct http_column, 1);
        res->columns[0] = (struct http_column){"id", "$.id", "VARCHAR", res->at};
        res->ncolumns = 1;
        return true;
    }
    if (!map->n)
        return reader_fail(r, map->at, "columns: {id: \"$.id::BIGINT\"}",
                           "columns: the first is the key, there is none");
    res->columns = arena_make(r->a, struct http_column, map->n);
    for (size_t i = 0; i < map->n; i++)
        ok = read_column(r, res, &map->keys[i], map->items[i], &res->columns[i]) && ok;
    res->ncolumns = map->n;
    return ok;
}

static bool read_into(const struct http_reading *h, const struct yaml *map, const char *into,
                      struct http_resource *res)
{
    const struct yaml *y = yaml_get(map, "into");
    if (!is_table_name(into))
        return reader_fail(h->r, y->at, "bronze.NAME, of a-z, 0-9 and _", "into: '%s' is no name for a table",
                           into);
    for (size_t i = 0; i < h->s->nresources; i++)
        if (h->s->resources[i].into && strcmp(h->s->resources[i].into, into) == 0)
            return reader_fail(h->r, y->at, NULL, "into: '%s' is filled by resource '%s' already", into,
                               h->s->resources[i].name);
    res->into = into;
    res->at = y->at;
    return true;
}

bool http_resource_read(const struct http_reading *h, const struct yaml_key *key, const struct yaml *map,
                        struct http_resource *res)
{
    const struct reader *r = h->r;
    struct resource_keys k = {.require = h->require};
    *res = (struct http_resource){.name = key->name, .at = key->at};
    if (!is_name((struct str){key->name, strlen(key->name)}))
        return reader_fail(r, key->at, "only a-z, 0-9 and _", "'%s' is no name for a resource", key->name);
    bool ok = read_fields(r, map, key->at, arena_fmt(r->a, "resource '%s'", key->name), resource_rows, &k);
    if (map->kind != YAML_MAP)
        return false;
    res->path = k.path;
    res->refresh_ms = k.refresh;
    res->limit = k.limit;
    res->require = k.require;
    res->items = read_path(r, k.items);
    ok = (!k.items || res->items) && ok;
    if (k.path && (k.path[0] != '/' || k.path[strcspn(k.path, " \t\r\n?#")]))
        ok = reader_fail(r, yaml_get(map, "path")->at, "parameters go under 'query:'",
                         "path: '%s' must begin with '/', without '?', '#' and spaces", k.path);
    ok = (!k.for_ || read_for(r, k.for_, res)) && ok;
    ok = (!k.each || read_each(h, k.each, res)) && ok;
    ok = (!k.query || http_pairs_read(r, k.query, &res->query, &res->nquery)) && ok;
    ok = (!k.pages || read_pages(r, k.pages, res)) && ok;
    ok = ok && read_placeholders(h, map, res);
    ok = (!k.into || read_into(h, map, k.into, res)) && ok;
    if (k.into)
        return ok && read_columns(r, k.columns, res);
    if (k.columns || k.refresh)
        ok = reader_fail(
            r, yaml_key_at(map, k.columns ? "columns" : "refresh"), "name the table: into: bronze.NAME",
            "resource '%s' is not stored: '%s' has no meaning", res->name, k.columns ? "columns" : "refresh");
    return ok;
}
