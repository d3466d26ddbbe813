#include "connector/http_ask.h"

#include <inttypes.h>
#include <string.h>

/* What may stand as it is: RFC 3986, and of its reserved ones those that mean nothing in a path or a query.
 */
static void add_encoded(struct buf *b, struct str s, bool in_query)
{
    for (size_t i = 0; i < s.n; i++) {
        unsigned char c = (unsigned char)s.p[i];
        bool plain = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') ||
                     (c && strchr(in_query ? "-._~!$'()*,;:@/" : "-._~!$'()*,;:@", c));
        buf_addf(b, plain ? "%c" : "%%%02X", c);
    }
}

static struct str text(const char *s)
{
    return (struct str){s, strlen(s)};
}

/* The template with {name} filled. What stands around is the user's, taken as it is; in a query it is
 * encoded. */
static void add_filled(struct buf *b, const struct http_resource *r, const char *template,
                       struct str for_value, struct str each_value, bool in_query)
{
    for (const char *p = template; *p;) {
        size_t plain = strcspn(p, "{");
        if (in_query)
            add_encoded(b, (struct str){p, plain}, true);
        else
            buf_add(b, p, plain);
        p += plain;
        if (!*p)
            break;
        struct str name = {p + 1, strcspn(p + 1, "}")};
        bool is_for = r->for_var && str_is(name, r->for_var),
             is_each = r->each_var && str_is(name, r->each_var);
        if (is_for || is_each)
            add_encoded(b, is_for ? for_value : each_value, in_query);
        else
            add_encoded(b, (struct str){p, name.n + 1 + (p[name.n + 1] == '}')}, in_query);
        p += name.n + 1 + (p[name.n + 1] == '}');
    }
}

static void add_separator(struct buf *b, size_t from)
{
    buf_add(b, memchr(b->p + from, '?', b->len - from) ? "&" : "?", 1);
}

void http_identity(struct buf *b, const struct http_resource *r, struct str for_value, struct str each_value,
                   int64_t page)
{
    size_t from = b->len;
    add_filled(b, r, r->path, for_value, each_value, false);
    for (size_t i = 0; i < r->nquery; i++) {
        add_separator(b, from);
        add_encoded(b, text(r->query[i].name), true);
        buf_add(b, "=", 1);
        add_filled(b, r, r->query[i].value, for_value, each_value, true);
    }
    if (r->page_param) {
        add_separator(b, from);
        add_encoded(b, text(r->page_param), true);
        buf_addf(b, "=%" PRIi64, page);
    }
}

void http_address(struct buf *b, const struct http_source *s, struct str identity)
{
    size_t from = b->len;
    buf_add(b, s->base_url, strlen(s->base_url));
    buf_add(b, identity.p, identity.n);
    for (size_t i = 0; i < s->nauth_query; i++) {
        add_separator(b, from);
        add_encoded(b, text(s->auth_query[i].name), true);
        buf_add(b, "=", 1);
        add_encoded(b, text(s->auth_query[i].value), true);
    }
}

const char *const *http_header_lines(struct arena *a, const struct http_source *s)
{
    size_t n = 0;
    const char **lines = arena_make(a, const char *, s->nheaders + s->nauth_headers + 1);
    for (size_t i = 0; i < s->nheaders; i++)
        lines[n++] = arena_fmt(a, "%s: %s", s->headers[i].name, s->headers[i].value);
    for (size_t i = 0; i < s->nauth_headers; i++)
        lines[n++] = arena_fmt(a, "%s: %s", s->auth_headers[i].name, s->auth_headers[i].value);
    return lines;
}

struct secrets {
    struct arena *a;
    const char **v;
    size_t n;
};

static void add_secret(struct secrets *s, const char *value)
{
    auto_buf encoded = BUF(1 << 20);
    if (!*value)
        return;
    s->v[s->n++] = value;
    add_encoded(&encoded, text(value), true);
    if (!encoded.failed && strcmp(encoded.p, value) != 0)
        s->v[s->n++] = arena_str(s->a, encoded.p);
}

static int longer(const void *x, const void *y)
{
    size_t n = strlen(*(const char *const *)x), m = strlen(*(const char *const *)y);
    return n < m ? 1 : n > m ? -1 : 0;
}

const char *const *http_secrets(struct arena *a, const struct http_source *s)
{
    enum {
        TOO_SHORT = 8
    }; /* a plain header's value like "en" is no secret, and would blank half a message */
    struct secrets all = {
        a, arena_make(a, const char *, 4 * (s->nauth_query + s->nauth_headers + s->nheaders) + 1), 0};
    for (size_t i = 0; i < s->nauth_query; i++)
        add_secret(&all, s->auth_query[i].value);
    for (size_t i = 0; i < s->nauth_headers; i++) {
        const char *value = s->auth_headers[i].value, *token = strrchr(value, ' '); /* "Bearer <token>" */
        add_secret(&all, value);
        if (token)
            add_secret(&all, token + 1);
    }
    for (size_t i = 0; i < s->nheaders; i++)
        if (strlen(s->headers[i].value) >= TOO_SHORT)
            add_secret(&all, s->headers[i].value);
    qsort(all.v, all.n, sizeof *all.v, longer);
    return all.v;
}
