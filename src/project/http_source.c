/* YAML of an HTTP source -> struct http_source: settings, and resources with parents before children. */
#include <string.h>

#include "project/http_source.h"

enum { SEC_MS = 1000 };

/* --- the source's own settings --- */

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

/* "4/s", "40/m", "1000/h" */
static bool read_rate(const struct reader *r, const struct yaml *y, const char *text, double *ret)
{
    static const struct {
        const char *unit;
        double seconds;
    } units[] = {{"s", 1},    {"sec", 1},     {"second", 1}, {"m", 60},
                 {"min", 60}, {"minute", 60}, {"h", 3600},   {"hour", 3600}};
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
    return reader_fail(r, y->at, "requests in a time: 4/s, 40/m, 1000/h; 0/s = no limit",
                       "rate: '%s' is not a rate", text);
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
        return http_pairs_read(r, k.query, &s->auth_query, &s->nauth_query);
    if (k.headers)
        return http_pairs_read(r, k.headers, &s->auth_headers, &s->nauth_headers) &&
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

static bool read_base_url(const struct reader *r, const struct yaml *y, const char *url,
                          struct http_source *s)
{
    size_t n = strlen(url);
    while (n && url[n - 1] == '/')
        n--;
    s->base_url = arena_strn(r->a, url, n);
    const char *host = strncmp(url, "https://", 8) == 0  ? url + 8
                       : strncmp(url, "http://", 7) == 0 ? url + 7
                                                         : NULL;
    if (*r->missing_env && !n)
        return true; /* said already */
    if (!host || !host[strspn(host, "/")] || url[strcspn(url, " \t\r\n")])
        return reader_fail(r, y->at, "it begins with http:// or https://", "base_url: '%s' is not an address",
                           url);
    if (strpbrk(url, "?#"))
        return reader_fail(r, y->at, "put parameters under 'query:' or 'auth:'",
                           "base_url: without '?' and '#'");
    return true;
}

/* --- the order of resources --- */

struct ordering {
    const struct http_reading *h;
    const struct http_resource *given; /* numbered as in names */
    enum { NEW, OPEN, DONE } * state;
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
        return reader_fail(o->h->r, res->at, NULL, "resource '%s' has more than %d parents above it",
                           res->name, CHAIN_MAX);
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
        ok = http_resource_read(h, &map->keys[i], map->items[i], &h->s->resources[i]) && ok;
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
    ok = (!k.headers || (http_pairs_read(r, k.headers, &s->headers, &s->nheaders) &&
                         check_headers(r, k.headers, s->headers))) &&
         ok;
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
