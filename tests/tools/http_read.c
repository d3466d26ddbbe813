/* http_read.c - drives connector_http against a server, for measurements and for kill loops.
 *
 *     http_read URL DIR [name=value...]    concurrency rate batch attempts backoff_ms timeout_ms last limit
 * key lists
 *
 * The tables are folders below DIR: one file for each commit, named by its position and renamed into place,
 * so a commit is atomic as one of the lake is. A line of it is one row: key, api_endpoint, length and hash of
 * raw_json. Prints one line for each resource, then the verdict.
 */
#include <inttypes.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "connector/connector.h"
#include "connector/http.h"
#include "nanoarrow/nanoarrow.h"

struct store {
    const char *dir;
    bool null; /* count, store nothing */
};

static atomic_bool cancel;

static void on_signal(int sig)
{
    (void)sig;
    atomic_store(&cancel, true);
}

static bool position(void *ctx, const char *table, int64_t *ret, struct err *e)
{
    const struct store *s = ctx;
    auto_arena *a = arena_new();
    const char **names, *dir = fs_join(a, s->dir, table);
    size_t n;
    *ret = -1;
    if (s->null || !fs_exists(dir))
        return true;
    if (!fs_list(a, dir, &names, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        int64_t v;
        if (text_int(names[i], &v, e) && v > *ret)
            *ret = v;
    }
    return true;
}

static void add_row(struct buf *b, const struct ArrowArrayView *v, int64_t i)
{
    const struct ArrowArrayView *key = v->children[0], *raw = v->children[1], *from = v->children[2];
    if (key->storage_type == NANOARROW_TYPE_INT64) {
        buf_addf(b, "%" PRIi64, ArrowArrayViewGetIntUnsafe(key, i));
    } else {
        struct ArrowStringView k = ArrowArrayViewGetStringUnsafe(key, i);
        buf_addf(b, "%.*s", (int)k.size_bytes, k.data);
    }
    struct ArrowStringView f = ArrowArrayViewGetStringUnsafe(from, i),
                           r = ArrowArrayViewGetStringUnsafe(raw, i);
    buf_addf(b, "\t%.*s\t%" PRIi64 "\t%016" PRIx64 "\n", (int)f.size_bytes, f.data, r.size_bytes,
             text_hash(r.data, (size_t)r.size_bytes, 0));
}

static bool deliver(void *ctx, const char *table, struct ArrowArrayStream *rows, int64_t at, struct err *e)
{
    const struct store *s = ctx;
    auto_arena *a = arena_new();
    auto_buf out = BUF(SIZE_MAX / 2);
    struct ArrowSchema schema;
    struct ArrowArray array;
    const char *dir = fs_join(a, s->dir, table);
    if (s->null) {
        rows->release(rows);
        return true;
    }
    if (rows->get_schema(rows, &schema) != 0)
        return fail(e, ERR_DATA, "no schema");
    while (rows->get_next(rows, &array) == 0 && array.release) {
        struct ArrowArrayView v;
        if (ArrowArrayViewInitFromSchema(&v, &schema, NULL) != 0 ||
            ArrowArrayViewSetArray(&v, &array, NULL) != 0)
            return fail(e, ERR_DATA, "no view");
        for (int64_t i = 0; i < v.length; i++)
            add_row(&out, &v, i);
        ArrowArrayViewReset(&v);
        array.release(&array);
    }
    schema.release(&schema);
    rows->release(rows);
    return buf_done(&out, e) && fs_mkdirs(dir, e) &&
           fs_write_atomic(arena_fmt(a, "%s/%" PRIi64, dir, at), out.p, out.len, e);
}

/* All that is stored, whatever its time. */
static bool known(void *ctx, const char *table, const char *column, int64_t since_us,
                  void (*each)(void *arg, const char *key), void *arg, struct err *e)
{
    const struct store *s = ctx;
    auto_arena *a = arena_new();
    const char **names, *dir = fs_join(a, s->dir, table);
    size_t n;
    (void)column, (void)since_us;
    if (s->null || !fs_exists(dir))
        return true;
    if (!fs_list(a, dir, &names, &n, e))
        return false;
    for (size_t i = 0; i < n; i++) {
        char *text;
        int64_t v;
        if (!text_int(names[i], &v, e)) /* what a killed one left */
            continue;
        if (!fs_read(a, fs_join(a, dir, names[i]), SIZE_MAX / 2, &text, NULL, e))
            return false;
        for (char *line = text; *line; line = strchr(line, '\n') + 1)
            each(arg, arena_strn(a, line, strcspn(line, "\t")));
    }
    return true;
}

static int64_t option(char **argv, const char *name, int64_t def)
{
    for (; *argv; argv++)
        if (strncmp(*argv, name, strlen(name)) == 0 && (*argv)[strlen(name)] == '=')
            return strtoll(*argv + strlen(name) + 1, NULL, 10);
    return def;
}

static const char *option_text(char **argv, const char *name, const char *def)
{
    for (; *argv; argv++)
        if (strncmp(*argv, name, strlen(name)) == 0 && (*argv)[strlen(name)] == '=')
            return *argv + strlen(name) + 1;
    return def;
}

static struct http_source movies(const char *url, char **o)
{
    static const char *const lists[] = {"popular", "top_rated", "now_playing"}, *const ids[] = {"0",
                                                                                                "299534"};
    static struct http_each of_lists[] = {{.parent = "lists", .path = "$.id"}, {.values = ids, .nvalues = 2}};
    static struct http_each of_movies[] = {{.parent = "movies", .path = "$.id"}};
    static struct http_each of_cast[] = {{.parent = "movies", .path = "$.credits.cast[:3].id"}};
    static struct http_pair append[] = {{"append_to_response", "credits,keywords"}};
    static struct http_column movie[] = {{.name = "movie_id", .path = "$.id", .type = "BIGINT"}};
    static struct http_column review[] = {{.name = "review_id", .path = "$.id", .type = "VARCHAR"}};
    static struct http_column person[] = {{.name = "person_id", .path = "$.id", .type = "BIGINT"}};
    static struct http_column genre[] = {{.name = "genre_id", .path = "$.id", .type = "BIGINT"}};
    static struct http_pair auth[] = {{"api_key", ""}};
    static struct http_resource r[5];
    auth[0].value = option_text(o, "key", "secret-key-1");
    r[0] = (struct http_resource){.name = "lists",
                                  .path = "/movie/{category}",
                                  .for_var = "category",
                                  .for_values = lists,
                                  .nfor_values = (size_t)option(o, "lists", 3),
                                  .page_param = "page",
                                  .page_first = 1,
                                  .page_last = option(o, "last", 20),
                                  .page_total = "$.total_pages",
                                  .items = "$.results",
                                  .require = 0.95};
    r[1] = (struct http_resource){.name = "movies",
                                  .path = "/movie/{id}",
                                  .each = of_lists,
                                  .neach = 2,
                                  .each_var = "id",
                                  .query = append,
                                  .nquery = 1,
                                  .into = "movies",
                                  .columns = movie,
                                  .ncolumns = 1,
                                  .require = 0.95};
    r[2] = (struct http_resource){.name = "genres",
                                  .path = "/genre/movie/list",
                                  .items = "$.genres",
                                  .into = "genres",
                                  .columns = genre,
                                  .ncolumns = 1,
                                  .require = 0.95};
    r[3] = (struct http_resource){.name = "reviews",
                                  .path = "/movie/{id}/reviews",
                                  .each = of_movies,
                                  .neach = 1,
                                  .each_var = "id",
                                  .items = "$.results",
                                  .into = "reviews",
                                  .columns = review,
                                  .ncolumns = 1,
                                  .page_param = "page",
                                  .page_first = 1,
                                  .page_last = 5,
                                  .page_total = "$.total_pages",
                                  .require = 0.95};
    r[4] = (struct http_resource){.name = "people",
                                  .path = "/person/{id}",
                                  .each = of_cast,
                                  .neach = 1,
                                  .each_var = "id",
                                  .into = "people",
                                  .columns = person,
                                  .ncolumns = 1,
                                  .refresh_ms = INT64_C(30) * 86400000,
                                  .limit = option(o, "limit", 500),
                                  .require = 0.95};
    return (struct http_source){.base_url = url,
                                .auth_query = auth,
                                .nauth_query = 1,
                                .rate = (double)option(o, "rate", 0),
                                .concurrency = option(o, "concurrency", 5),
                                .retry = {.attempts = (int)option(o, "attempts", 5),
                                          .base_ms = option(o, "backoff_ms", 1000),
                                          .max_ms = 60000},
                                .connect_timeout_ms = 5000,
                                .timeout_ms = option(o, "timeout_ms", 30000),
                                .batch = option(o, "batch", 100),
                                .max_body_bytes = 16 << 20,
                                .resources = r,
                                .nresources = (size_t)option(o, "resources", 5)};
}

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + (double)t.tv_usec / 1e6;
}

int main(int argc, char **argv)
{
    if (argc < 3)
        return fputs("usage: http_read URL DIR [name=value...]\n", stderr), 2;
    auto_arena *a = arena_new();
    struct err e = {0};
    struct store store = {argv[2], option(argv, "null", 0)};
    const struct clock clock = {0};
    const struct http_source source = movies(argv[1], argv + 3);
    struct task t = {.a = a, .run_id = "run", .name = "tmdb", .clock = &clock, .cancel = &cancel};
    struct read_spec spec = {.source = "tmdb",
                             .inbox_dir = fs_join(a, argv[2], "inbox"),
                             .now_us = INT64_C(1763700000000000),
                             .batch_run_id = "batch",
                             .ctx = &store,
                             .position = position,
                             .deliver = deliver,
                             .known = known};
    struct read_result result;
    signal(SIGTERM, on_signal);
    signal(SIGINT, on_signal);

    int64_t from = clock_mono_us();
    bool ok = connector_http.read(&t, &source, &spec, &result, &e);
    double wall = (double)(clock_mono_us() - from) / 1e6;
    for (size_t i = 0; i < result.n; i++) {
        const struct read_stats *s = &result.stats[i];
        printf("%s wanted=%" PRIi64 " arrived=%" PRIi64 " resumed=%" PRIi64 " missing=%" PRIi64
               " failed=%" PRIi64 " retries=%" PRIi64 " records=%" PRIi64 " bytes=%" PRIi64 "\n",
               s->resource, s->wanted, s->arrived, s->resumed, s->missing, s->failed, s->retries, s->records,
               s->bytes);
        if (option(argv, "problems", 0))
            printf("  %s\n", s->problems);
    }
    struct rusage u;
    getrusage(RUSAGE_SELF, &u);
    printf("%s %s%s wall=%.3f user=%.3f sys=%.3f rss_mb=%ld\n", ok ? "ok" : err_name(e.kind),
           ok ? (result.complete ? "complete" : "incomplete: ") : e.msg,
           ok && !result.complete ? result.why : "", wall, seconds(u.ru_utime), seconds(u.ru_stime),
           u.ru_maxrss / 1024);
    return ok ? 0 : err_exit_code(e.kind);
}
