#include "connector/http.h"

#include <inttypes.h>

#include "base/fs.h"
#include "base/text.h"
#include "connector/connector.h"
#include "fault.h"
#include "mock_http.h"
#include "nanoarrow/nanoarrow.h"
#include "test.h"

#define KEY "s3cret/key+1"
#define NOW INT64_C(1763708400000000) /* 2025-11-21T07:00:00Z */

/* ---- an API of films: two lists, details, reviews until an empty page, people */

struct script { /* for the first `times` requests of a path, in place of the right answer */
    const char *path;
    int times, status; /* status 0: raw bytes, -1: reset */
    const char *headers, *body;
    int used;
};

struct api {
    struct script *_Atomic script; /* ends with {0} */
    bool shuffle;                  /* answers take different times */
    atomic_int key_good_for;       /* requests, 0 = all */
};

static bool scripted(struct mock *m, int fd, const char *path, bool *ret_go_on)
{
    struct api *api = m->arg;
    for (struct script *s = api->script; s && s->path; s++) {
        if (strcmp(s->path, path) != 0)
            continue;
        pthread_mutex_lock(&m->lock);
        bool now = s->used < s->times;
        s->used += now;
        pthread_mutex_unlock(&m->lock);
        if (!now)
            continue;
        if (s->status < 0)
            *ret_go_on = mock_reset(fd);
        else if (s->status == 0)
            *ret_go_on = mock_raw(fd, s->body);
        else
            *ret_go_on = mock_say(fd, s->status, s->headers ? s->headers : "", s->body ? s->body : "{}");
        return true;
    }
    return false;
}

static int number(const char *path, const char *behind)
{
    const char *p = strstr(path, behind);
    return p ? (int)strtol(p + strlen(behind), NULL, 10) : 0;
}

static bool serve(struct mock *m, int fd, const char *path, const char *headers)
{
    static const char *const pages[] = {"[{\"id\":1},{\"id\":2},{\"id\":3}]", "[{\"id\":3},{\"id\":4}]",
                                        "[{\"id\":5},{\"id\":4},{\"id\":1}]"};
    struct api *api = m->arg;
    char body[600];
    bool go_on;
    (void)headers;
    pthread_mutex_lock(&m->lock);
    int nth = (int)m->requests;
    pthread_mutex_unlock(&m->lock);
    if (api->shuffle)
        mock_sleep_ms((int)(text_hash(path, strlen(path), 1 + (uint64_t)nth) % 20));
    if (scripted(m, fd, path, &go_on))
        return go_on;
    if (!strstr(path, "api_key=s3cret%2Fkey%2B1") && !strstr(path, "api_key=s3cret/key%2B1"))
        return mock_say(
            fd, 401, "",
            "{\"status_code\":7,\"status_message\":\"Invalid API key: You must be granted a valid key.\"}");
    if (api->key_good_for && nth > api->key_good_for)
        return mock_say(fd, 401, "", "{\"status_code\":7,\"status_message\":\"Invalid API key " KEY ".\"}");

    int page = number(path, "page="), id;
    if (strncmp(path, "/3/list/a", 9) == 0)
        snprintf(body, sizeof body, "{\"page\":%d,\"results\":%s,\"total_pages\":2}", page, pages[page == 2]);
    else if (strncmp(path, "/3/list/b", 9) == 0)
        snprintf(body, sizeof body, "{\"page\":1,\"results\":%s,\"total_pages\":1}", pages[2]);
    else if ((id = number(path, "/3/person/")))
        snprintf(body, sizeof body, "{\"name\":\"P%d\",\"id\":%d}", id, id);
    else if (strstr(path, "/reviews") && (id = number(path, "/3/film/")))
        snprintf(body, sizeof body, page > id % 3 ? "[]" : "[{\"id\":\"r%d-%d\"},{\"id\":\"r%d-same\"}]", id,
                 page, id);
    else if ((id = number(path, "/3/film/")) && id < 90)
        snprintf(body, sizeof body,
                 " {\"title\":\"Film \\u00e9 %d\", "
                 "\"id\":%d,\"score\":%d.5,\"ok\":true,\"cast\":[{\"id\":%d},{\"id\":%d},{\"id\":7},{\"id\":"
                 "8}]}\n",
                 id, id, id, id * 10, id * 10 + 1);
    else
        return mock_say(
            fd, 404, "",
            "{\"status_code\":34,\"status_message\":\"The resource you requested could not be found.\"}");
    return mock_say(fd, 200, "Content-Type: application/json\r\n", body);
}

/* ---- a source of it */

static struct http_source source_of(const struct mock *m)
{
    static const char *const lists[] = {"a", "b"}, *const ids[] = {"5", "99"};
    static struct http_each of_lists[] = {{.parent = "lists", .path = "$.id"}, {.values = ids, .nvalues = 2}};
    static struct http_each of_films[] = {{.parent = "films", .path = "$.id"}};
    static struct http_each of_cast[] = {{.parent = "films", .path = "$.cast[:3].id"}};
    static struct http_pair with[] = {{"with", "cast,crew"}};
    static struct http_column film[] = {{.name = "film_id", .path = "$.id", .type = "BIGINT"},
                                        {.name = "title", .path = "$.title", .type = "VARCHAR"},
                                        {.name = "score", .path = "$.score", .type = "DOUBLE"},
                                        {.name = "ok", .path = "$.ok", .type = "BOOLEAN"},
                                        {.name = "asked", .path = "{id}", .type = "BIGINT"},
                                        {.name = "none", .path = "$.title", .type = "BIGINT"}};
    static struct http_column review[] = {{.name = "review_id", .path = "$.id", .type = "VARCHAR"},
                                          {.name = "film_id", .path = "{id}", .type = "BIGINT"}};
    static struct http_column person[] = {{.name = "person_id", .path = "$.id", .type = "BIGINT"}};
    static struct http_pair auth[] = {{"api_key", KEY}}, headers[] = {{"X-Token", "Bearer h1dden-token"}};
    static char base[100];
    static struct http_resource r[4];
    snprintf(base, sizeof base, "http://127.0.0.1:%d/3", m->port);
    r[0] = (struct http_resource){.name = "lists",
                                  .path = "/list/{cat}",
                                  .for_var = "cat",
                                  .for_values = lists,
                                  .nfor_values = 2,
                                  .page_param = "page",
                                  .page_first = 1,
                                  .page_last = 20,
                                  .page_total = "$.total_pages",
                                  .items = "$.results",
                                  .require = 1};
    r[1] = (struct http_resource){.name = "films",
                                  .path = "/film/{id}",
                                  .each = of_lists,
                                  .neach = 2,
                                  .each_var = "id",
                                  .query = with,
                                  .nquery = 1,
                                  .into = "bronze.films",
                                  .columns = film,
                                  .ncolumns = 6,
                                  .require = 1};
    r[2] = (struct http_resource){.name = "reviews",
                                  .path = "/film/{id}/reviews",
                                  .each = of_films,
                                  .neach = 1,
                                  .each_var = "id",
                                  .page_param = "page",
                                  .page_first = 1,
                                  .page_last = 9,
                                  .items = "$",
                                  .into = "bronze.reviews",
                                  .columns = review,
                                  .ncolumns = 2,
                                  .require = 1};
    r[3] = (struct http_resource){.name = "people",
                                  .path = "/person/{id}",
                                  .each = of_cast,
                                  .neach = 1,
                                  .each_var = "id",
                                  .into = "bronze.people",
                                  .columns = person,
                                  .ncolumns = 1,
                                  .require = 1,
                                  .limit = 4};
    return (struct http_source){.base_url = base,
                                .auth_query = auth,
                                .nauth_query = 1,
                                .auth_headers = headers,
                                .nauth_headers = 1,
                                .concurrency = 4,
                                .retry = {.attempts = 3, .base_ms = 5, .max_ms = 40},
                                .connect_timeout_ms = 1000,
                                .timeout_ms = 1000,
                                .batch = 2,
                                .max_body_bytes = 1 << 20,
                                .resources = r,
                                .nresources = 4};
}

/* ---- a lake in memory */

enum { TABLES = 3 };
static const char *const tables[TABLES] = {"bronze.films", "bronze.reviews", "bronze.people"};

struct lake {
    struct buf rows[TABLES]; /* "key endpoint position\n" */
    int64_t position[TABLES];
    size_t commits;
    int fail_at;         /* commit, 0 = never */
    int64_t known_since; /* as asked last */
    const char *known;   /* key in people */
    atomic_bool *cancel_at_commit;
    struct buf full; /* of the first film row: every column */
};

static size_t table_of(const char *name)
{
    for (size_t i = 0; i < TABLES; i++)
        if (strcmp(tables[i], name) == 0)
            return i;
    abort();
}

static bool position(void *ctx, const char *table, int64_t *ret, struct err *e)
{
    (void)e;
    *ret = ((struct lake *)ctx)->position[table_of(table)];
    return true;
}

static void add_value(struct buf *b, const struct ArrowArrayView *v, int64_t i)
{
    if (ArrowArrayViewIsNull(v, i)) {
        buf_addf(b, "null");
    } else if (v->storage_type == NANOARROW_TYPE_STRING) {
        struct ArrowStringView s = ArrowArrayViewGetStringUnsafe(v, i);
        buf_addf(b, "%.*s", (int)s.size_bytes, s.data);
    } else if (v->storage_type == NANOARROW_TYPE_DOUBLE) {
        buf_addf(b, "%g", ArrowArrayViewGetDoubleUnsafe(v, i));
    } else {
        buf_addf(b, "%" PRIi64, ArrowArrayViewGetIntUnsafe(v, i));
    }
}

static bool deliver(void *ctx, const char *table, struct ArrowArrayStream *rows, int64_t at, struct err *e)
{
    struct lake *l = ctx;
    size_t t = table_of(table);
    struct ArrowSchema schema;
    struct ArrowArray array;
    if (++l->commits == (size_t)l->fail_at) {
        rows->release(rows);
        return fail(e, ERR_IO, "the lake is full");
    }
    CHECK(at > l->position[t]);
    CHECK(rows->get_schema(rows, &schema) == 0);
    while (rows->get_next(rows, &array) == 0 && array.release) {
        struct ArrowArrayView v;
        CHECK(ArrowArrayViewInitFromSchema(&v, &schema, NULL) == 0 &&
              ArrowArrayViewSetArray(&v, &array, NULL) == 0);
        size_t endpoint = 0;
        while (strcmp(schema.children[endpoint]->name, "api_endpoint") != 0)
            endpoint++;
        for (int64_t i = 0; i < v.length; i++) {
            add_value(&l->rows[t], v.children[0], i);
            buf_addf(&l->rows[t], " ");
            add_value(&l->rows[t], v.children[endpoint], i);
            buf_addf(&l->rows[t], "\n");
            for (int64_t c = 0;
                 t == 0 && c < v.n_children && ArrowArrayViewGetIntUnsafe(v.children[0], i) == 3; c++) {
                buf_addf(&l->full, "%s=", schema.children[c]->name);
                add_value(&l->full, v.children[c], i);
                buf_addf(&l->full, "\n");
            }
        }
        ArrowArrayViewReset(&v);
        array.release(&array);
    }
    schema.release(&schema);
    rows->release(rows);
    l->position[t] = at;
    if (l->cancel_at_commit)
        atomic_store(l->cancel_at_commit, true);
    return true;
}

static bool known(void *ctx, const char *table, const char *column, int64_t since_us,
                  void (*each)(void *arg, const char *key), void *arg, struct err *e)
{
    struct lake *l = ctx;
    auto_arena *a = arena_new();
    size_t t = table_of(table);
    (void)column, (void)e;
    l->known_since = since_us;
    if (t == 2 && l->known && since_us < NOW - 1)
        each(arg, l->known);
    for (const char *line = l->rows[t].p; *line; line = strchr(line, '\n') + 1)
        each(arg, arena_strn(a, line, strcspn(line, " ")));
    return true;
}

static void lake_init(struct lake *l)
{
    *l = (struct lake){.full = BUF(10000)};
    for (size_t i = 0; i < TABLES; i++) {
        l->rows[i] = BUF(100000);
        l->position[i] = -1;
    }
}

static void lake_done(struct lake *l)
{
    for (size_t i = 0; i < TABLES; i++)
        buf_free(&l->rows[i]);
    buf_free(&l->full);
}

static int by_text(const void *x, const void *y)
{
    return strcmp(*(const char *const *)x, *(const char *const *)y);
}

/* The rows of a table in alphabetic order, "; " between them. */
static const char *sorted(struct arena *a, const struct lake *l, const char *table)
{
    const char *lines[1000];
    size_t n = 0;
    auto_buf out = BUF(100000);
    for (char *p = arena_str(a, l->rows[table_of(table)].p); *p && n < countof(lines);) {
        lines[n++] = p;
        p += strcspn(p, "\n");
        *p++ = '\0';
    }
    qsort(lines, n, sizeof *lines, by_text);
    for (size_t i = 0; i < n; i++)
        buf_addf(&out, "%s%s", i ? "; " : "", lines[i]);
    return arena_str(a, out.p);
}

/* ---- a whole read */

struct world {
    struct arena *a;
    struct mock mock;
    struct api api;
    struct lake lake;
    const char *inbox;
    atomic_bool cancel;
    struct http_source source;
    struct read_result result;
    struct err e;
    struct progress progress;
    bool pinned;
};

static void world_open(struct world *w)
{
    *w = (struct world){.a = arena_new()};
    char *dir = arena_str(w->a, "/tmp/cupel-http-XXXXXX");
    lake_init(&w->lake);
    REQUIRE(mkdtemp(dir));
    w->inbox = arena_fmt(w->a, "%s/inbox", dir);
    w->mock = (struct mock){.serve = serve, .arg = &w->api};
    REQUIRE(mock_start(&w->mock));
    w->source = source_of(&w->mock);
}

static void world_close(struct world *w)
{
    struct err e;
    mock_stop(&w->mock);
    lake_done(&w->lake);
    *strrchr((char *)(uintptr_t)w->inbox, '/') = '\0';
    CHECK(fs_remove_tree(w->inbox, &e));
    arena_free(w->a);
}

static void on_progress(void *arg, const struct task *t, const struct progress *p)
{
    struct world *w = arg;
    (void)t;
    w->progress = *p;
}

static bool read_it(struct world *w)
{
    static const struct clock clock = {.pinned_us = NOW + 5};
    struct task t = {.a = w->a,
                     .run_id = "run-1",
                     .name = "tmdb",
                     .clock = &clock,
                     .cancel = &w->cancel,
                     .report = on_progress,
                     .report_arg = w};
    struct read_spec spec = {.source = "tmdb",
                             .inbox_dir = w->inbox,
                             .now_us = NOW,
                             .now_pinned = w->pinned,
                             .batch_run_id = "batch_2025_11_21_07",
                             .ctx = &w->lake,
                             .position = position,
                             .deliver = deliver,
                             .known = known};
    w->e = (struct err){0};
    return connector_http.read(&t, &w->source, &spec, &w->result, &w->e);
}

/* "arrived of wanted, missing, failed, resumed, records" */
static const char *counts(struct world *w, size_t i)
{
    const struct read_stats *s = &w->result.stats[i];
    return arena_fmt(w->a,
                     "%s %" PRIi64 "/%" PRIi64 " missing %" PRIi64 " failed %" PRIi64 " resumed %" PRIi64
                     " records %" PRIi64,
                     s->resource, s->arrived, s->wanted, s->missing, s->failed, s->resumed, s->records);
}

#define FILM(n) #n " /film/" #n "?with=cast,crew"
static const char all_films[] = FILM(1) "; " FILM(2) "; " FILM(3) "; " FILM(4) "; " FILM(5);
static const char all_reviews[] =
    "r1-1 /film/1/reviews?page=1; r1-same /film/1/reviews?page=1; r2-1 /film/2/reviews?page=1; "
    "r2-2 /film/2/reviews?page=2; r2-same /film/2/reviews?page=1; r4-1 /film/4/reviews?page=1; "
    "r4-same /film/4/reviews?page=1; r5-1 /film/5/reviews?page=1; r5-2 /film/5/reviews?page=2; "
    "r5-same /film/5/reviews?page=1";
/* The first four of films 1 (10, 11, 7), 2 (20, ...), as the lists name them. */
static const char all_people[] = "10 /person/10; 11 /person/11; 20 /person/20; 7 /person/7";

static void check_tables(struct world *w)
{
    CHECK_STR(sorted(w->a, &w->lake, "bronze.films"), all_films);
    CHECK_STR(sorted(w->a, &w->lake, "bronze.reviews"), all_reviews);
    CHECK_STR(sorted(w->a, &w->lake, "bronze.people"), all_people);
}

static size_t asked_twice(struct world *w)
{
    size_t n = 0;
    for (size_t i = 0; i < w->mock.requests; i++)
        n += mock_asked(&w->mock, w->mock.paths[i]) > 1;
    return n;
}

/* No file of the inbox, no message and no problem holds a secret. */
static void check_secrets(struct world *w)
{
    static const char *const secrets[] = {KEY, "s3cret", "h1dden-token"};
    const char **names;
    size_t n;
    struct err e;
    REQUIRE(fs_list(w->a, w->inbox, &names, &n, &e));
    for (size_t s = 0; s < countof(secrets); s++) {
        for (size_t i = 0; i < n; i++) {
            char *text;
            size_t size;
            REQUIRE(fs_read(w->a, fs_join(w->a, w->inbox, names[i]), 1 << 24, &text, &size, &e));
            CHECK(!memmem(text, size, secrets[s], strlen(secrets[s])));
        }
        CHECK(!strstr(w->e.msg, secrets[s]));
        for (size_t i = 0; i < w->result.n; i++)
            CHECK(!strstr(w->result.stats[i].problems, secrets[s]));
    }
}

TEST(everything_is_fetched_once_and_stored_once)
{
    struct world w;
    world_open(&w);
    REQUIRE(read_it(&w));
    check_tables(&w);
    CHECK_INT(asked_twice(&w), 0);
    CHECK_STR(counts(&w, 0), "lists 3/3 missing 0 failed 0 resumed 0 records 8");
    CHECK_STR(counts(&w, 1), "films 5/6 missing 1 failed 0 resumed 0 records 5");
    CHECK_STR(counts(&w, 2), "reviews 11/11 missing 0 failed 0 resumed 0 records 10");
    CHECK_STR(counts(&w, 3), "people 4/4 missing 0 failed 0 resumed 0 records 4");
    CHECK(w.result.complete);
    CHECK_STR(w.result.stats[1].problems,
              "[{\"request\":\"/film/99?with=cast,crew\",\"status\":404,\"message\":\"the server answers "
              "404: The resource you "
              "requested could not be found.\"}]");
    CHECK_STR(w.result.stats[1].table, "bronze.films");
    CHECK_INT(w.progress.done, 24);
    CHECK_INT(w.progress.total, 24);
    CHECK_INT(w.progress.missing, 1);
    check_secrets(&w);
    world_close(&w);
}

TEST(a_row_has_every_column)
{
    struct world w;
    for (int pinned = 0; pinned < 2; pinned++) {
        world_open(&w);
        w.pinned = pinned;
        REQUIRE(read_it(&w));
        CHECK_STR(w.lake.full.p,
                  arena_fmt(w.a,
                            "film_id=3\ntitle=Film \xc3\xa9 "
                            "3\nscore=3.5\nok=1\nasked=3\nnone=null\nraw_json={\"title\":\"Film "
                            "\\u00e9 3\", "
                            "\"id\":3,\"score\":3.5,\"ok\":true,\"cast\":[{\"id\":30},{\"id\":31},{\"id\":7},"
                            "{\"id\":8}]}\n"
                            "api_endpoint=/film/3?with=cast,crew\nextraction_timestamp=%" PRIi64
                            "\ningestion_date=20413\n"
                            "batch_run_id=batch_2025_11_21_07\nyear=2025\nmonth=11\nday=21\nhour=7\n",
                            NOW + (pinned ? 0 : 5)));
        world_close(&w);
    }
}

TEST(the_tables_are_known_beforehand)
{
    auto_arena *a = arena_new();
    const struct mock m = {.port = 1};
    const struct http_source s = source_of(&m);
    const struct source_table *t;
    size_t n;
    http_tables(a, &s, &t, &n);
    CHECK_INT(n, 3);
    CHECK_STR(t[1].name, "bronze.reviews");
    CHECK_STR(t[1].key, "review_id");
    CHECK_INT(t[1].npartition_by, 4);
    CHECK_STR(t[1].partition_by[3], "hour");
    CHECK_STR(
        t[1].ddl,
        "\"review_id\" VARCHAR, \"film_id\" BIGINT, raw_json VARCHAR, api_endpoint VARCHAR, "
        "extraction_timestamp "
        "TIMESTAMPTZ, ingestion_date DATE, batch_run_id VARCHAR, year INTEGER, month INTEGER, day INTEGER, "
        "hour INTEGER");
}

/* Whatever breaks once or twice, the tables come out the same. */
TEST(broken_answers_are_asked_for_again)
{
    static const struct {
        const char *label;
        struct script script[3];
    } cases[] = {
        {"500 twice", {{"/3/film/1?with=cast,crew&api_key=s3cret/key%2B1", 2, 500}}},
        {"429 with Retry-After",
         {{"/3/film/2?with=cast,crew&api_key=s3cret/key%2B1", 1, 429, "Retry-After: 1\r\n"}}},
        {"408", {{"/3/list/b?page=1&api_key=s3cret/key%2B1", 1, 408}}},
        {"reset", {{"/3/list/a?page=1&api_key=s3cret/key%2B1", 2, -1}}},
        {"cut off",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 0, NULL,
           "HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\n{\"id\":3"}}},
        {"no JSON", {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, "<html>busy</html>"}}},
        {"nothing", {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, ""}}},
        {"two documents",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"id\":3}{\"id\":3}"}}},
        {"broken UTF-8",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"id\":3,\"t\":\"\xff\"}"}}},
        {"no key",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"title\":\"no id\"}"}}},
        {"a key of null",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"id\":null}"}}},
        {"a key of the wrong type",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"id\":\"x\"}"}}},
        {"no array",
         {{"/3/list/a?page=2&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"results\":{},\"total_pages\":2}"}}},
        {"no number of pages",
         {{"/3/list/a?page=1&api_key=s3cret/key%2B1", 1, 200, NULL, "{\"results\":[]}"}}},
        {"given up once, good in the second round",
         {{"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 5, 503}}},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct world w;
        struct script script[4] = {cases[i].script[0], cases[i].script[1], cases[i].script[2]};
        world_open(&w);
        CASE(cases[i].label);
        w.api.script = script;
        int64_t from = clock_mono_ms();
        CHECK(read_it(&w));
        check_tables(&w);
        CHECK(w.result.complete);
        int64_t retries = w.result.stats[0].retries + w.result.stats[1].retries;
        if (script[0].status < 0) /* libcurl makes up by itself for a kept connection that was closed */
            CHECK(retries >= 1 && retries <= script[0].times);
        else
            CHECK_INT(retries, script[0].times);
        CHECK_INT(script[0].used, script[0].times);
        if (script[0].status == 429)
            CHECK(clock_mono_ms() - from >= 1000);
        check_secrets(&w);
        world_close(&w);
    }
}

TEST(what_stays_broken_is_failed_and_the_rest_arrives)
{
    static const struct {
        const char *label;
        struct script script;
        int64_t retries;
        const char *problem;
    } cases[] = {
        {"503 for ever",
         {"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 99, 503, NULL,
          "{\"message\":\"no " KEY " here\"}"},
         5,
         "\"status\":503,\"message\":\"the server answers 503: no *** here\""},
        {"422 is not asked for again",
         {"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 99, 422, NULL, "{\"error\":\"bad\"}"},
         0,
         "\"status\":422,\"message\":\"the server answers 422: bad\""},
        {"garbage for ever",
         {"/3/film/3?with=cast,crew&api_key=s3cret/key%2B1", 99, 200, NULL, "{\"id\":"},
         5,
         "\"message\":\"the answer is not JSON: the text ends too early at byte 6 of 6\""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct world w;
        struct script script[2] = {cases[i].script};
        world_open(&w);
        CASE(cases[i].label);
        w.api.script = script;
        w.source.resources[1].require = 0.95;
        CHECK(read_it(&w));
        CHECK_STR(counts(&w, 1), "films 4/6 missing 1 failed 1 resumed 0 records 4");
        CHECK_INT(w.result.stats[1].retries, cases[i].retries);
        CHECK_HAS(w.result.stats[1].problems, cases[i].problem);
        CHECK(!w.result.complete);
        CHECK_STR(w.result.why, "films: 4 of 5 arrived (80.0%), 95% are required");
        check_secrets(&w);

        /* The next read asks for that one only (and what hangs on it), and is complete. */
        w.api.script = NULL;
        size_t before = w.mock.requests;
        CHECK(read_it(&w));
        CHECK(w.result.complete);
        CHECK(w.mock.requests - before <= 3);
        CHECK_STR(counts(&w, 1), "films 5/6 missing 1 failed 0 resumed 4 records 5");
        CHECK_STR(sorted(w.a, &w.lake, "bronze.films"), all_films);
        CHECK_STR(sorted(w.a, &w.lake, "bronze.reviews"), all_reviews);
        world_close(&w);
    }
}

TEST(a_refused_key_stops_the_read_after_what_has_arrived_is_stored)
{
    struct world w;
    world_open(&w);
    w.api.key_good_for = 7;
    CHECK(!read_it(&w));
    CHECK_INT(w.e.kind, ERR_AUTH);
    CHECK_HAS(w.e.msg, "the server answers 401: Invalid API key ***.");
    CHECK_HAS(w.e.hint, "credentials");
    CHECK(!w.result.complete);
    CHECK_INT(w.result.n, 4);
    check_secrets(&w);
    size_t arrived = (size_t)w.result.stats[1].arrived, lines = 0;
    for (const char *p = w.lake.rows[0].p; *p; p++)
        lines += *p == '\n';
    CHECK_INT(lines, arrived);
    CHECK(arrived > 0);

    w.api.key_good_for = 0;
    CHECK(read_it(&w));
    check_tables(&w);
    world_close(&w);
}

/* The choice of people is the same in whatever order the answers came. */
TEST(a_limited_resource_takes_the_first_by_the_parents_order)
{
    for (int i = 0; i < 10; i++) {
        struct world w;
        world_open(&w);
        w.api.shuffle = true;
        w.source.concurrency = 1 + i;
        CHECK(read_it(&w));
        check_tables(&w);
        world_close(&w);
    }
}

TEST(what_is_known_is_not_asked_for_nor_counted)
{
    struct world w;
    world_open(&w);
    w.source.resources[3].refresh_ms = 1000;
    w.lake.known = "11";
    CHECK(read_it(&w));
    CHECK_INT(w.lake.known_since, NOW - 1000 * 1000);
    CHECK_STR(sorted(w.a, &w.lake, "bronze.people"),
              "10 /person/10; 20 /person/20; 21 /person/21; 7 /person/7");
    CHECK_STR(counts(&w, 3), "people 4/4 missing 0 failed 0 resumed 0 records 4");

    /* Now all of them are known, but they are this extraction's own. */
    size_t before = w.mock.requests;
    CHECK(read_it(&w));
    CHECK_INT(w.mock.requests, before);
    CHECK_STR(counts(&w, 3), "people 4/4 missing 0 failed 0 resumed 4 records 4");
    world_close(&w);
}

TEST(a_second_read_asks_for_nothing)
{
    struct world w;
    world_open(&w);
    CHECK(read_it(&w));
    size_t before = w.mock.requests, commits = w.lake.commits;
    CHECK(read_it(&w));
    CHECK_INT(w.mock.requests, before);
    CHECK_INT(w.lake.commits, commits);
    check_tables(&w);
    CHECK_STR(counts(&w, 1), "films 5/6 missing 1 failed 0 resumed 5 records 5");
    CHECK_STR(counts(&w, 2), "reviews 11/11 missing 0 failed 0 resumed 11 records 10");
    CHECK(w.result.complete);
    world_close(&w);
}

TEST(a_new_inbox_goes_on_behind_the_last_position)
{
    struct world w;
    struct err e;
    world_open(&w);
    CHECK(read_it(&w));
    int64_t before = w.lake.position[0];
    CHECK(fs_remove_tree(w.inbox, &e));
    for (size_t i = 0; i < TABLES; i++)
        w.lake.rows[i].len = 0, w.lake.rows[i].p[0] = '\0';
    CHECK(read_it(&w));
    check_tables(&w);
    CHECK(w.lake.position[0] > before);
    world_close(&w);
}

TEST(a_failed_delivery_ends_the_read_and_the_next_one_goes_on)
{
    for (int at = 1; at < 9; at++) {
        struct world w;
        world_open(&w);
        w.lake.fail_at = at;
        CHECK(!read_it(&w));
        CHECK_STR(w.e.msg, "the lake is full");
        w.lake.fail_at = 0;
        CHECK(read_it(&w));
        check_tables(&w);
        CHECK(asked_twice(&w) <= 2 * (size_t)w.source.concurrency); /* those in flight when it ended */
        world_close(&w);
    }
}

TEST(a_cancelled_read_goes_on_where_it_was)
{
    struct world w;
    world_open(&w);
    w.api.shuffle = true;
    w.lake.cancel_at_commit = &w.cancel;
    int rounds = 0;
    while (!read_it(&w) && rounds++ < 50) {
        CHECK_INT(w.e.kind, ERR_CANCELED);
        atomic_store(&w.cancel, false);
    }
    CHECK(rounds > 2);
    check_tables(&w);
    world_close(&w);
}

TEST(a_full_disk_ends_the_read_and_nothing_is_spoilt)
{
    for (int n = 4; n < 30; n += 5) { /* the heads of the four logs are written first */
        struct world w;
        world_open(&w);
        fault_only("pwrite");
        fault_mode(FAULT_STICK);
        fault_arm(n);
        bool ok = read_it(&w);
        fault_off();
        if (!ok)
            CHECK_INT(w.e.kind, ERR_IO);
        CHECK(read_it(&w));
        check_tables(&w);
        world_close(&w);
    }
}

/* Frames that were stored are gone from the disk: asked for again, not stored again. */
TEST(a_lost_inbox_doubles_nothing)
{
    struct world w;
    struct err e;
    world_open(&w);
    w.source.resources[3].refresh_ms = 1000;
    CHECK(read_it(&w));
    for (int i = 1; i < 4; i++) {
        const char *path = arena_fmt(w.a, "%s/%s.log", w.inbox, w.source.resources[i].name);
        char *text;
        size_t n;
        REQUIRE(fs_read(w.a, path, 1 << 20, &text, &n, &e));
        REQUIRE(fs_write_atomic(path, text, 300, &e)); /* within the second frame */
    }
    CHECK(read_it(&w));
    check_tables(&w);
    CHECK(w.result.complete);
    world_close(&w);
}

TEST(nobody_there_is_an_error_and_no_empty_extraction)
{
    struct world w;
    world_open(&w);
    mock_stop(&w.mock);
    CHECK(!read_it(&w));
    CHECK_INT(w.e.kind, ERR_NET);
    CHECK_HAS(w.e.msg, "cannot be reached");
    CHECK_INT(w.result.n, 4);
    mock_start(&w.mock);
    world_close(&w);
}

TEST(probing)
{
    static const struct {
        const char *label;
        struct script script;
        enum err_kind kind;
        const char *msg;
    } cases[] = {
        {"well", {0}, ERR_NONE, ""},
        {"refused",
         {"/3/list/a?page=1&api_key=s3cret/key%2B1", 1, 401, NULL,
          "{\"status_message\":\"Invalid API key\"}"},
         ERR_AUTH,
         "the server answers 401: Invalid API key"},
        {"busy", {"/3/list/a?page=1&api_key=s3cret/key%2B1", 1, 503}, ERR_NET, "the server answers 503"},
        {"another place",
         {"/3/list/a?page=1&api_key=s3cret/key%2B1", 1, 404},
         ERR_USER,
         "the server answers 404"},
        {"reset", {"/3/list/a?page=1&api_key=s3cret/key%2B1", 1, -1}, ERR_NET, "reset"},
    };
    static const struct clock clock;
    struct world w;
    world_open(&w);
    for (size_t i = 0; i < countof(cases); i++) {
        struct script script[2] = {cases[i].script};
        struct task t = {.a = w.a, .run_id = "r", .name = "t", .clock = &clock, .cancel = &w.cancel};
        struct err e = {0};
        CASE(cases[i].label);
        w.api.script = script;
        CHECK_INT(connector_http.probe(&t, &w.source, &e), cases[i].kind == ERR_NONE);
        CHECK_INT(e.kind, cases[i].kind);
        CHECK_HAS(e.msg, cases[i].msg);
    }
    world_close(&w);
}

TEST(mistakes_of_the_source_have_their_place)
{
    static struct http_column columns[] = {
        {.name = "id", .path = "$.id", .type = "BIGINT", .at = {"s.yaml", 9, 3}},
        {.name = "x", .path = "$.id", .type = "BIGINT", .at = {"s.yaml", 10, 3}}};
    static const struct {
        const char *label, *path, *type, *msg;
    } cases[] = {
        {"path", "$.a[", "BIGINT", "path '$.a[': a number"},
        {"type", "$.a", "JSON", "column 'x': unknown type 'JSON'"},
        {"placeholder", "{name}", "BIGINT", "column 'x': nothing fills '{name}'"},
    };
    struct world w;
    world_open(&w);
    w.source.resources[3].columns = columns;
    w.source.resources[3].ncolumns = 2;
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        columns[1].path = cases[i].path;
        columns[1].type = cases[i].type;
        CHECK(!read_it(&w));
        CHECK_INT(w.e.kind, ERR_USER);
        CHECK_INT(w.e.at.line, 10);
        CHECK_HAS(w.e.msg, cases[i].msg);
    }
    CHECK_STR(connector_find("http")->name, "http");
    CHECK(!connector_find("ftp"));
    world_close(&w);
}
