#include "connector/http_report.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "net/curl.h"
#include "rows/json_scan.h"

enum { PROBLEMS_MAX = 100, MESSAGE_MAX = 500 };

struct problem {
    const char *request, *message;
    int status;
};

struct http_report {
    struct arena *a;
    const struct http_resource *r;
    const char *const *secrets;
    struct read_stats stats;
    struct {
        struct problem *v;
        size_t n, cap;
    } problems;
};

struct http_report *http_report_new(struct arena *a, const struct http_resource *r,
                                    const char *const *secrets)
{
    struct http_report *report = arena_make(a, struct http_report, 1);
    *report = (struct http_report){.a = a,
                                   .r = r,
                                   .secrets = secrets,
                                   .stats = {.resource = r->name, .table = r->into, .problems = "[]"}};
    return report;
}

struct read_stats *http_report_stats(struct http_report *r)
{
    return &r->stats;
}

void http_report_problem(struct http_report *r, struct str request, int status, const char *message)
{
    if (r->problems.n == PROBLEMS_MAX)
        return;
    char *shown = arena_strn(r->a, message, strnlen(message, MESSAGE_MAX));
    http_blank(shown, r->secrets);
    *arena_push(r->a, &r->problems) = (struct problem){arena_strn(r->a, request.p, request.n), shown, status};
}

static const char *problems_json(struct arena *a, const struct http_report *r)
{
    auto_buf b = BUF(SIZE_MAX / 2);
    buf_addf(&b, "[");
    for (size_t i = 0; i < r->problems.n; i++) {
        const struct problem *p = &r->problems.v[i];
        buf_addf(&b, "%s{\"request\":", i ? "," : "");
        json_quote(&b, p->request, strlen(p->request));
        buf_addf(&b, ",\"status\":%d,\"message\":", p->status);
        json_quote(&b, p->message, strlen(p->message));
        buf_addf(&b, "}");
    }
    buf_addf(&b, "]");
    return arena_str(a, b.p);
}

/* "lists: 57 of 60 arrived (95.0%), 98% are required". NULL = enough. */
static const char *shortfall(struct arena *a, const struct http_report *r)
{
    const struct read_stats *s = &r->stats;
    int64_t due = s->wanted - s->missing;
    double share = due > 0 ? (double)s->arrived / (double)due : 1;
    if (share >= r->r->require)
        return NULL;
    return arena_fmt(a, "%s: %" PRIi64 " of %" PRIi64 " arrived (%.1f%%), %g%% are required", s->resource,
                     s->arrived, due, share * 100, r->r->require * 100);
}

void http_report_close(struct arena *a, struct http_report *const *reports, size_t n, struct read_result *ret)
{
    *ret = (struct read_result){.stats = arena_make(a, struct read_stats, n + 1), .n = n, .complete = true};
    for (size_t i = 0; i < n; i++) {
        reports[i]->stats.problems = problems_json(a, reports[i]);
        ret->stats[i] = reports[i]->stats;
        const char *why = shortfall(a, reports[i]);
        if (!why)
            continue;
        ret->complete = false;
        ret->why = ret->why ? arena_fmt(a, "%s; %s", ret->why, why) : why;
    }
}

void http_report_status(char *out, size_t room, int status, struct str body, const char *const *secrets)
{
    static const char *const paths[] = {"$.status_message", "$.message", "$.error.message", "$.error",
                                        "$.detail"};
    auto_arena *scratch = arena_new();
    auto_buf said = BUF(1 << 20);
    struct json_path *path;
    struct err ignored;
    struct str value;
    const char *why;
    size_t at;
    bool json = json_scan_valid(body, &at, &why);
    for (size_t i = 0; i < countof(paths) && json && said.len == 0; i++)
        if (json_path_parse(scratch, paths[i], &path, &ignored) && json_scan_get(body, path, &value))
            json_scan_text(value, &said);
    snprintf(out, room, "the server answers %d%s%.*s", status, said.len ? ": " : "", MESSAGE_MAX, said.p);
    http_blank(out, secrets);
}
