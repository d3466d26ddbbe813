/* The connector's entry: reaching the system, and handing over to http_read.c. */
#include "connector/http.h"

#include <string.h>

#include "connector/http_ask.h"
#include "connector/http_read.h"
#include "connector/http_report.h"

struct probe {
    const struct http_source *s;
    const char *const *secrets;
    struct err *e;
    bool ok;
};

static bool probed(void *arg, const struct http_request *r, const struct http_response *resp)
{
    struct probe *p = arg;
    char said[600];
    if (!r)
        return true;
    p->ok = resp->status >= 200 && resp->status < 300;
    if (p->ok)
        return true;
    if (resp->status == 0) {
        *p->e = resp->err;
        return false;
    }
    bool refused = resp->status == 401 || resp->status == 403;
    http_report_status(said, sizeof said, resp->status, (struct str){resp->body, resp->nbody}, p->secrets);
    fail(p->e,
         refused                                      ? ERR_AUTH
         : resp->status == 429 || resp->status >= 500 ? ERR_NET
                                                      : ERR_USER,
         "%s", said);
    if (refused)
        hint(p->e, "check the credentials of the source");
    return false;
}

/* The first page of the first resource that needs no other's answers, or the base address. */
static void first_identity(struct buf *b, const struct http_source *s)
{
    for (size_t i = 0; i < s->nresources; i++) {
        const struct http_resource *r = &s->resources[i];
        const char *each = "", *first = r->nfor_values ? r->for_values[0] : "";
        if (r->neach && (r->each[0].parent || !r->each[0].nvalues))
            continue;
        if (r->neach)
            each = r->each[0].values[0];
        http_identity(b, r, (struct str){first, strlen(first)}, (struct str){each, strlen(each)},
                      r->page_first);
        return;
    }
}

static bool probe(struct task *t, const void *conf, struct err *e)
{
    const struct http_source *s = conf;
    auto_arena *scratch = arena_new();
    auto_buf identity = BUF(1 << 20), address = BUF(1 << 20);
    struct probe p = {s, http_secrets(scratch, s), e, false};
    struct http_pool *pool;
    if (!http_source_pool(scratch, s, &pool, e))
        return false;
    first_identity(&identity, s);
    http_address(&address, s, (struct str){identity.p, identity.len});
    if (!buf_done(&address, e))
        return false;
    http_submit(pool, &(struct http_request){.url = address.p, .headers = http_header_lines(scratch, s)});
    if (!http_run(pool, t, 0, probed, &p, e))
        return false;
    return p.ok || wrap(e, "'%s'", s->base_url);
}

static bool read_source(struct task *t, const void *conf, const struct read_spec *spec,
                        struct read_result *ret, struct err *e)
{
    return http_read(t, conf, spec, ret, e);
}

const struct connector connector_http = {
    .name = "http",
    .summary = "A JSON API over HTTP: paged lists, and the details of what they name",
    .probe = probe,
    .read = read_source,
};
