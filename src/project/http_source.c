/* YAML of an HTTP source -> struct http_source: settings, and resources with parents before children. */
#include <math.h>
#include <string.h>

#include "project/internal.h"
#include "rows/json_scan.h"

enum { SEC_MS = 1000, PAGES_MAX = 1000000 };

struct http_reading {
    const struct reader *r;
    const struct yaml *resources; /* the mapping */
    struct map names;             /* of the resources, numbered as in the mapping */
    struct http_source *s;
    double require;
};

/* --- pairs, durations, paths --- */

static bool read_pairs(const struct reader *r, const struct yaml *map, struct http_pair **ret, size_t *ret_n)
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

/* A header that would split or smuggle a line is refused. */
static bool check_headers(const struct reader *r, const struct yaml *map, const struct http_pair *v)
{
    bool ok = true;
    for (size_t i = 0; i < map->n; i++) {
        if (!v[i].name[0] || v[i].name[strcspn(v[i].name, " \t\r\n:")])
            ok = reader_fail(r, map->keys[i].at, NULL, "'%s' is no name for a header", v[i].name);
        if (v[i].value[strcspn(v[i].value, "\r\n")])
            ok = reader_fail(r, map->items[i]->at, NULL, "a header's value is one line");
    }
    return ok;
}

static bool check_path(const struct reader *r, const struct yaml *y, const char *text)
{
    struct json_path *ignored;
    struct err e;
    if (json_path_parse(r->a, text, &ignored, &e))
        return true;
    return reader_fail(r, y->at, e.hint[0] ? e.hint : "a path is written like $.results or $.credits.cast[:3].id", "%s",
                       e.msg);
}

static const char *read_path(const struct reader *r, const struct yaml *y)
{
    const char *text = y ? read_text(r, y) : NULL;
    return text && check_path(r, y, text) ? text : NULL;
}

/* "4/s", "40/m", "1000/h" */
static bool read_rate(const struct reader *r, const struct yaml *y, const char *text, double *ret)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1}, {"sec", 1}, {"second", 1}, {"m", 60}, {"min", 60}, {"minute", 60}, {"h", 3600}, {"hour", 3600}};
    const char *slash = strchr(text, '/');
    struct str unit = slash ? str_trim((struct str){slash + 1, strlen(slash + 1)}) : (struct str){0};
    char *end = NULL;
    double n = text[0] >= '0' && text[0] <= '9' ? strtod(text, &end) : -1;
    if (end)
        end += strspn(end, " ");
    for (size_t i = 0; slash && end == slash && n >= 0 && n < 1e9 && i < countof(units); i++)
        if (str_is(unit, units[i].unit)) {
            *ret = n / units[i].seconds;
            return true;
        }
    return reader_fail(r, y->at, "requests in a time: 4/s, 40/m, 1000/h; 0/s = no limit", "rate: '%s' is not a rate",
                       text);
}

/* "1s..60s" */
static bool read_backoff(const struct reader *r, const struct yaml *y, const char *text, struct retry *ret)
{
    static const char how[] = "the first wait and the longest one: 1s..60s";
    const char *dots = strstr(text, "..");
    struct err e;
    int64_t base, max;
    if (!dots || !text_duration_ms(arena_strn(r->a, text, (size_t)(dots - text)), &base, &e) ||
        !text_duration_ms(dots + 2, &max, &e))
        return reader_fail(r, y->at, how, "backoff: '%s' is not understood", text);
    if (base > max)
        return reader_fail(r, y->at, how, "backoff: the first wait is longer than the longest one");
    ret->base_ms = base;
    ret->max_ms = max;
    return true;
}

/* --- the source's own settings --- */

struct auth_keys {
    const struct yaml *query, *headers, *bearer;
};
static const struct field auth_rows[] = {
    {"query", FIELD_MAP, offsetof(struct auth_keys, query), 0, 0, false},
    {"headers", FIELD_MAP, offsetof(struct auth_keys, headers), 0, 0, false},
    {"bearer", FIELD_NODE, offsetof(struct auth_keys, bearer), 0, 0, false},
    {0},
};

static bool read_auth(const struct reader *r, const struct yaml *map, struct http_source *s)
{
    struct auth_keys k = {0};
    if (!read_fields(r, map, map->at, "auth", auth_rows, &k))
        return false;
    if (!!k.query + !!k.headers + !!k.bearer != 1)
        return reader_fail(r, map->at, "query: {api_key: ...}, headers: {...} or bearer: ...",
                           "auth must be one of query, headers and bearer");
    if (k.query)
        return read_pairs(r, k.query, &s->auth_query, &s->nauth_query);
    if (k.headers)
        return read_pairs(r, k.headers, &s->auth_headers, &s->nauth_headers) &&
               check_headers(r, k.headers, s->auth_headers);
    const char *token = read_text(r, k.bearer);
    if (!token)
        return false;
    if (token[strcspn(token, "\r\n")])
        return reader_fail(r, k.bearer->at, NULL, "bearer: a token is one line");
    s->auth_headers = arena_make(r->a, struct http_pair, 1);
    s->auth_headers[0] = (struct http_pair){"Authorization", arena_fmt(r->a, "Bearer %s", token)};
    s->nauth_headers = 1;
    return true;
}

struct limit_keys {
    const char *rate;
    int64_t concurrency;
};
static const struct field limit_rows[] = {
    {"rate", FIELD_TEXT, offsetof(struct limit_keys, rate), 0, 0, false},
    {"concurrency", FIELD_INT, offsetof(struct limit_keys, concurrency), 1, 1000, false},
    {0},
};

struct retry_keys {
    int64_t attempts;
    const char *backoff;
};
static const struct field retry_rows[] = {
    {"attempts", FIELD_INT, offsetof(struct retry_keys, attempts), 1, 100, false},
    {"backoff", FIELD_TEXT, offsetof(struct retry_keys, backoff), 0, 0, false},
    {0},
};

struct source_keys {
    const char *kind, *base_url;
    const struct yaml *auth, *headers, *limit, *retry, *resources;
    int64_t timeout, connect_timeout, batch, keep, max_body;
    double require;
    struct texts tags;
};
static const struct field source_rows[] = {
    {"kind", FIELD_TEXT, offsetof(struct source_keys, kind), 0, 0, false},
    {"base_url", FIELD_TEXT, offsetof(struct source_keys, base_url), 0, 0, true},
    {"auth", FIELD_MAP, offsetof(struct source_keys, auth), 0, 0, false},
    {"headers", FIELD_MAP, offsetof(struct source_keys, headers), 0, 0, false},
    {"limit", FIELD_MAP, offsetof(struct source_keys, limit), 0, 0, false},
    {"retry", FIELD_MAP, offsetof(struct source_keys, retry), 0, 0, false},
    {"timeout", FIELD_DURATION, offsetof(struct source_keys, timeout), 0, 0, false},
    {"connect_timeout", FIELD_DURATION, offsetof(struct source_keys, connect_timeout), 0, 0, false},
    {"max_body", FIELD_SIZE, offsetof(struct source_keys, max_body), 0, 0, false},
    {"batch", FIELD_INT, offsetof(struct source_keys, batch), 1, 1000000, false},
    {"keep", FIELD_DURATION, offsetof(struct source_keys, keep), 0, 0, false},
    {"require", FIELD_SHARE, offsetof(struct source_keys, require), 0, 0, false},
    {"tags", FIELD_TEXTS, offsetof(struct source_keys, tags), 0, 0, false},
    {"resources", FIELD_MAP, offsetof(struct source_keys, resources), 0, 0, true},
    {0},
};

static bool read_limit(const struct reader *r, const struct yaml *map, struct http_source *s)
{
    struct limit_keys k = {NULL, s->concurrency};
    if (!read_fields(r, map, map->at, "limit", limit_rows, &k))
        return false;
    s->concurrency = k.concurrency;
    return !k.rate || read_rate(r, yaml_get(map, "rate"), k.rate, &s->rate);
}

static bool read_retry(const struct reader *r, const struct yaml *map, struct http_source *s)
{
    struct retry_keys k = {s->retry.attempts, NULL};
    if (!read_fields(r, map, map->at, "retry", retry_rows, &k))
        return false;
    s->retry.attempts = (int)k.attempts;
    return !k.backoff || read_backoff(r, yaml_get(map, "backoff"), k.backoff, &s->retry);
}

static bool read_base_url(const struct reader *r, const struct yaml *y, const char *url, struct http_source *s)
{
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    s->base_url = arena_strn(r->a, url, n);
    const char *host = strncmp(url, "https://", 8) == 0 ? url + 8 : strncmp(url, "http://", 7) == 0 ? url + 7 : NULL;
    if (*r->missing_env && !n)
        return true; /* said already */
    if (!host || !host[strspn(host, "/")] || url[strcspn(url, " \t\r\n")])
        return reader_fail(r, y->at, "it begins with http:// or https://", "base_url: '%s' is not an address", url);
    if (strpbrk(url, "?#"))
        return reader_fail(r, y->at, "put parameters under 'query:' or 'auth:'", "base_url: without '?' and '#'");
    return true;
}

/* --- resources --- */

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
        return reader_fail(r, yaml_get(map, "last")->at, NULL, "pages: the last page (%lld) is before the first (%lld)",
                           (long long)k.last, (long long)k.first);
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
        return reader_fail(r, map->at, "for: {category: [popular, top_rated]}", "for: one variable with its values is expected");
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

static bool each_parent(const struct http_reading *h, struct each_list *l, const struct yaml *y, const char *text)
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
    for (const char *p = res->path; (p = strpbrk(p, "{}")); ) {
        struct src at = yaml_place(y, (size_t)(p - res->path));
        const char *end = *p == '{' ? strchr(p, '}') : NULL;
        struct str name = {p + 1, end ? (size_t)(end - p - 1) : 0};
        if (!end || !is_name(name))
            return reader_fail(r, at, "a placeholder is a name in braces: {id}", "path: a brace that is no placeholder");
        if (res->for_var && str_is(name, res->for_var))
            for_seen = true;
        else if (!res->each_var)
            res->each_var = arena_strn(r->a, name.p, name.n);
        else if (!str_is(name, res->each_var))
            return reader_fail(r, at, NULL, "path: '{%.*s}' has no values: 'each' fills '{%s}'", STR(name), res->each_var);
        p = end + 1;
    }
    if (res->for_var && !for_seen)
        return reader_fail(r, y->at, NULL, "path: '{%s}' of 'for' is not in it", res->for_var);
    if (res->each_var && !res->neach)
        return reader_fail(r, y->at, "say where its values come from: each: RESOURCE.id, or for: {...}",
                           "path: '{%s}' has no values", res->each_var);
    if (res->neach && !res->each_var)
        return reader_fail(r, yaml_key_at(map, "each"), NULL, "each: the path has no placeholder for its values");
    return true;
}

/* --- columns --- */

static const char *const added_columns[] = {"raw_json", "api_endpoint", "extraction_timestamp", "ingestion_date",
                                            "batch_run_id", "year", "month", "day", "hour"};
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
            return reader_fail(r, key->at, NULL, "column '%s' is in every table of a source already", key->name);
    if (!text)
        return false;
    const char *colons = strstr(text, "::");
    size_t n = colons ? (size_t)(colons - text) : strlen(text);
    *ret = (struct http_column){.name = key->name, .path = arena_strn(r->a, text, n), .type = "VARCHAR", .at = key->at};
    if (colons && !column_type(r, yaml_place(y, n + 2), colons + 2, &ret->type))
        return false;
    if (ret->path[0] != '{')
        return check_path(r, y, ret->path);
    struct str name = {ret->path + 1, n > 2 ? n - 2 : 0};
    if (ret->path[n - 1] != '}' || !is_placeholder(res, name))
        return reader_fail(r, y->at, NULL, "column '%s': the path has no placeholder '%s'", key->name, ret->path);
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
        return reader_fail(r, map->at, "columns: {id: \"$.id::BIGINT\"}", "columns: the first is the key, there is none");
    res->columns = arena_make(r->a, struct http_column, map->n);
    for (size_t i = 0; i < map->n; i++)
        ok = read_column(r, res, &map->keys[i], map->items[i], &res->columns[i]) && ok;
    res->ncolumns = map->n;
    return ok;
}

static bool read_into(const struct http_reading *h, const struct yaml *map, const char *into, struct http_resource *res)
{
    const struct yaml *y = yaml_get(map, "into");
    if (!is_table_name(into))
        return reader_fail(h->r, y->at, "bronze.NAME, of a-z, 0-9 and _", "into: '%s' is no name for a table", into);
    for (size_t i = 0; i < h->s->nresources; i++)
        if (h->s->resources[i].into && strcmp(h->s->resources[i].into, into) == 0)
            return reader_fail(h->r, y->at, NULL, "into: '%s' is filled by resource '%s' already", into,
                               h->s->resources[i].name);
    res->into = into;
    res->at = y->at;
    return true;
}

static bool read_resource(const struct http_reading *h, const struct yaml_key *key, const struct yaml *map,
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
    ok = (!k.query || read_pairs(r, k.query, &res->query, &res->nquery)) && ok;
    ok = (!k.pages || read_pages(r, k.pages, res)) && ok;
    ok = ok && read_placeholders(h, map, res);
    ok = (!k.into || read_into(h, map, k.into, res)) && ok;
    if (k.into)
        return ok && read_columns(r, k.columns, res);
    if (k.columns || k.refresh)
        ok = reader_fail(r, yaml_key_at(map, k.columns ? "columns" : "refresh"), "name the table: into: bronze.NAME",
                         "resource '%s' is not stored: '%s' has no meaning", res->name,
                         k.columns ? "columns" : "refresh");
    return ok;
}

/* --- the order of resources --- */

struct ordering {
    const struct http_reading *h;
    const struct http_resource *given; /* numbered as in names */
    enum { NEW, OPEN, DONE } *state;
    size_t *path, npath; /* those that are OPEN, outermost first */
    struct http_resource *sorted;
    size_t n;
};

static bool cycle(struct ordering *o, size_t again, struct src at)
{
    auto_buf b = BUF(900);
    size_t i = 0;
    while (o->path[i] != again)
        i++;
    for (; i < o->npath; i++)
        buf_addf(&b, "%s -> ", o->given[o->path[i]].name);
    buf_addf(&b, "%s", o->given[again].name);
    return reader_fail(o->h->r, at, NULL, "resources go round in a circle: %s", b.p);
}

/* Depth is bounded by the resources of one file; 64 parents deep is a mistake of somebody's. */
static bool place_resource(struct ordering *o, size_t i)
{
    enum { CHAIN_MAX = 64 };
    const struct http_resource *res = &o->given[i];
    if (o->npath == CHAIN_MAX)
        return reader_fail(o->h->r, res->at, NULL, "resource '%s' has more than %d parents above it", res->name, CHAIN_MAX);
    o->state[i] = OPEN;
    o->path[o->npath++] = i;
    for (size_t k = 0; k < res->neach; k++) {
        if (!res->each[k].parent)
            continue;
        size_t parent = map_find(&o->h->names, res->each[k].parent);
        if (o->state[parent] == OPEN)
            return cycle(o, parent, res->each[k].at);
        if (o->state[parent] == NEW && !place_resource(o, parent))
            return false;
    }
    o->npath--;
    o->state[i] = DONE;
    o->sorted[o->n++] = *res;
    return true;
}

static bool sort_resources(struct http_reading *h)
{
    struct arena *a = h->r->a;
    size_t n = h->s->nresources;
    struct ordering o = {.h = h, .given = h->s->resources};
    o.state = arena_alloc(a, n, sizeof *o.state);
    o.path = arena_make(a, size_t, n);
    o.sorted = arena_make(a, struct http_resource, n);
    for (size_t i = 0; i < n; i++)
        if (o.state[i] == NEW && !place_resource(&o, i))
            return false;
    h->s->resources = o.sorted;
    return true;
}

static void warn_useless(const struct http_reading *h)
{
    struct map parents = {0};
    for (size_t i = 0; i < h->s->nresources; i++)
        for (size_t k = 0; k < h->s->resources[i].neach; k++)
            if (h->s->resources[i].each[k].parent)
                map_add(h->r->a, &parents, h->s->resources[i].each[k].parent);
    for (size_t i = 0; i < h->s->nresources; i++)
        if (!h->s->resources[i].into && map_find(&parents, h->s->resources[i].name) == SIZE_MAX)
            reader_warn(h->r, h->s->resources[i].at, "name a table: into: bronze.NAME",
                        "resource '%s' is neither stored nor the parent of another", h->s->resources[i].name);
}

static bool read_resources(struct http_reading *h)
{
    struct arena *a = h->r->a;
    const struct yaml *map = h->resources;
    if (!map->n)
        return reader_fail(h->r, map->at, NULL, "resources: there is none");
    for (size_t i = 0; i < map->n; i++)
        map_add(a, &h->names, map->keys[i].name);
    h->s->resources = arena_make(a, struct http_resource, map->n);
    bool ok = true;
    for (size_t i = 0; i < map->n; i++) {
        ok = read_resource(h, &map->keys[i], map->items[i], &h->s->resources[i]) && ok;
        h->s->nresources = i + 1;
    }
    if (!ok || !sort_resources(h))
        return false;
    warn_useless(h);
    return true;
}

bool http_source_read(const struct reader *r, const struct yaml *root, struct src at, struct source *ret)
{
    struct source_keys k = {.timeout = 30 * SEC_MS,
                            .connect_timeout = 10 * SEC_MS,
                            .batch = 100,
                            .max_body = 64 << 20,
                            .require = 0.95};
    struct http_source *s = arena_make(r->a, struct http_source, 1);
    *s = (struct http_source){.concurrency = 5, .retry = {5, SEC_MS, 60 * SEC_MS}};
    bool ok = read_fields(r, root, at, "the source", source_rows, &k);
    ok = (!k.base_url || read_base_url(r, yaml_get(root, "base_url"), k.base_url, s)) && ok;
    ok = (!k.auth || read_auth(r, k.auth, s)) && ok;
    ok = (!k.headers || (read_pairs(r, k.headers, &s->headers, &s->nheaders) &&
                         check_headers(r, k.headers, s->headers))) && ok;
    ok = (!k.limit || read_limit(r, k.limit, s)) && ok;
    ok = (!k.retry || read_retry(r, k.retry, s)) && ok;
    s->timeout_ms = k.timeout;
    s->connect_timeout_ms = k.connect_timeout;
    s->batch = k.batch;
    s->max_body_bytes = k.max_body;

    struct http_reading h = {.r = r, .resources = k.resources, .s = s, .require = k.require};
    ok = k.resources && read_resources(&h) && ok;
    ret->conf = s;
    ret->keep_ms = k.keep;
    ret->tags = k.tags.v;
    ret->ntags = k.tags.n;
    if (!ok)
        return false;
    http_tables(r->a, s, &ret->tables, &ret->ntables);
    return true;
}
