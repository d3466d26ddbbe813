#include "cases.h"

static struct engine_param ints = {
    .name = "ids", .type = PARAM_INTS, .nums = (const int64_t[]){0, 299534}, .n = 2};
static struct engine_param texts = {
    .name = "categories", .type = PARAM_TEXTS, .texts = (const char *const[]){"popular", "top"}, .n = 2};
static struct engine_param pages = {.name = "pages", .type = PARAM_INT, .num = 20};

static struct reader reader(struct arena *a, struct problems *problems)
{
    static struct variable vars[3];
    static struct environment env;
    vars[0] = (struct variable){.name = "ids", .value = ints};
    vars[1] = (struct variable){.name = "categories", .value = texts};
    vars[2] = (struct variable){.name = "pages", .value = pages};
    return (struct reader){.a = a, .problems = problems, .env = &env, .vars = vars, .nvars = 3};
}

static void dump_pairs(const char *what, const struct http_pair *v, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(out, " %s[%s=%s]", what, v[i].name, v[i].value);
}

static void dump_texts(const char *what, const char *const *v, size_t n, struct buf *out)
{
    buf_addf(out, " %s[", what);
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s%s", i ? "," : "", v[i]);
    buf_addf(out, "]");
}

static void dump_resource(const struct http_resource *r, struct buf *out)
{
    buf_addf(out, "%s@%d:%d %s", r->name, r->at.line, r->at.col, r->path);
    if (r->for_var)
        dump_texts(r->for_var, r->for_values, r->nfor_values, out);
    for (size_t i = 0; i < r->neach; i++)
        if (r->each[i].parent)
            buf_addf(out, " %s<-%s:%s", r->each_var, r->each[i].parent, r->each[i].path);
        else
            dump_texts(r->each_var, r->each[i].values, r->each[i].nvalues, out);
    dump_pairs("query", r->query, r->nquery, out);
    if (r->page_param)
        buf_addf(out, " %s=%lld..%lld", r->page_param, (long long)r->page_first, (long long)r->page_last);
    if (r->page_total)
        buf_addf(out, " of %s", r->page_total);
    if (r->items)
        buf_addf(out, " items %s", r->items);
    if (r->into)
        buf_addf(out, " -> %s", r->into);
    for (size_t i = 0; i < r->ncolumns; i++)
        buf_addf(out, "%s%s:%s:%s", i ? ", " : " (", r->columns[i].name, r->columns[i].path,
                 r->columns[i].type);
    buf_addf(out, "%s", r->ncolumns ? ")" : "");
    if (r->refresh_ms || r->limit)
        buf_addf(out, " refresh=%lld limit=%lld", (long long)r->refresh_ms, (long long)r->limit);
    buf_addf(out, " require=");
    text_real(out, r->require);
}

static void dump(const struct source *s, struct buf *out)
{
    const struct http_source *h = s->conf;
    buf_addf(out, "%s %s rate=", s->connector->name, h->base_url);
    text_real(out, h->rate);
    buf_addf(out, " conc=%lld retry=%d,%lld,%lld timeout=%lld,%lld batch=%lld body=%lld keep=%lld",
             (long long)h->concurrency, h->retry.attempts, (long long)h->retry.base_ms,
             (long long)h->retry.max_ms, (long long)h->connect_timeout_ms, (long long)h->timeout_ms,
             (long long)h->batch, (long long)h->max_body_bytes, (long long)s->keep_ms);
    dump_pairs("auth_query", h->auth_query, h->nauth_query, out);
    dump_pairs("auth_header", h->auth_headers, h->nauth_headers, out);
    dump_pairs("header", h->headers, h->nheaders, out);
    if (s->ntags)
        dump_texts("tags", s->tags, s->ntags, out);
    if (s->missing_env)
        buf_addf(out, " missing=%s", s->missing_env);
    for (size_t i = 0; i < h->nresources; i++) {
        buf_addf(out, "; ");
        dump_resource(&h->resources[i], out);
    }
}

static void read_whole(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct reader r = reader(a, problems);
    struct source s = {.name = "tmdb", .path = "sources/tmdb.yaml", .text = input};
    unsetenv("CUPEL_T_UNSET");
    setenv("CUPEL_T_SET", "secret", 1);
    if (source_read(&r, &s))
        dump(&s, out);
}

TEST(sources_are_read_with_their_mistakes)
{
    cases_run("source", read_whole);
}

/* Input is what stands under `resources:`; it begins in line 4. */
static void read_resources(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct reader r = reader(a, problems);
    struct source s = {.name = "s", .path = "sources/s.yaml"};
    s.text = arena_fmt(a, "kind: http\nbase_url: http://h/3\nresources:\n%s\n", input);
    if (!source_read(&r, &s))
        return;
    const struct http_source *h = s.conf;
    for (size_t i = 0; i < h->nresources; i++) {
        buf_addf(out, "%s", i ? "; " : "");
        dump_resource(&h->resources[i], out);
    }
}

TEST(resources_are_read_with_their_mistakes)
{
    cases_run("resource", read_resources);
}

TEST(the_tables_of_a_source_come_from_its_connector)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct reader r = reader(a, &problems);
    struct source s = {.name = "s", .path = "sources/s.yaml"};
    s.text = "kind: http\nbase_url: http://h\nresources: {a: {path: /a, into: bronze.a}, b: {path: /b, into: "
             "bronze.b}}\n";
    REQUIRE(source_read(&r, &s));
    REQUIRE(s.ntables == 2);
    CHECK_STR(s.tables[0].name, "bronze.a");
    CHECK_STR(s.tables[1].name, "bronze.b");
    CHECK_INT(s.tables[1].at.line, 3);
}

TEST(a_source_has_a_name_of_its_own)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct reader r = reader(a, &problems);
    struct source s = {.name = "My-API", .path = "sources/My-API.yaml", .text = "kind: http\n"};
    CHECK(!source_read(&r, &s));
    CHECK_STR(problems.v[0].msg, "'My-API' is no name for a source");
}
