#include "store/s3_ask.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

#include "base/sha256.h"
#include "store/xml.h"

enum { MAX_HEADERS = 8 };

static const char empty_hash[] = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

char *s3_key(struct arena *a, const struct s3 *s, const char *path)
{
    size_t n = strlen(path);
    while (n && path[n - 1] == '/') /* a folder's name may end in one */
        n--;
    return arena_fmt(a, "%s%s%.*s", s->prefix, *s->prefix && n ? "/" : "", (int)n, path);
}

bool s3_hash(const struct content *c, int64_t offset, int64_t n, char out[65], struct err *e)
{
    struct sha256 h;
    sha256_init(&h);
    if (c->p) {
        sha256_add(&h, (const char *)c->p + offset, (size_t)n);
    } else {
        char piece[64 * 1024];
        for (int64_t done = 0; done < n;) {
            size_t some = n - done < (int64_t)sizeof piece ? (size_t)(n - done) : sizeof piece;
            ssize_t got = pread(c->fd, piece, some, offset + done);
            if (got < 0 && errno == EINTR)
                continue;
            if (got <= 0)
                return fail(e, ERR_IO, "cannot read a local file: %s",
                            got ? strerror(errno) : "it is cut off");
            sha256_add(&h, piece, (size_t)got);
            done += got;
        }
    }
    sha256_hex(&h, out);
    return true;
}

static bool url_of(const struct s3 *s3, const struct s3_ask *ask, struct buf *url, struct err *e)
{
    buf_addf(url, "%s/", s3->base);
    if (ask->key)
        remote_encode(url, ask->key, true);
    if (*ask->query)
        buf_addf(url, "?%s", ask->query);
    return buf_done(url, e);
}

bool s3_send(struct arena *a, struct store *s, const struct s3_ask *ask, int64_t deadline_ms,
             struct buf *body, struct http_answer *ret, struct err *e)
{
    const struct s3 *s3 = s->state;
    auto_buf url = BUF(64 << 10);
    const char *headers[MAX_HEADERS] = {0};
    size_t n = 0;
    headers[n++] = arena_fmt(a, "x-amz-content-sha256: %s", ask->hash ? ask->hash : empty_hash);
    if (s3->session)
        headers[n++] = s3->session;
    for (const char *const *h = ask->headers; h && *h; h++)
        headers[n++] = *h;
    if (!s3->has_key)
        return fail(e, ERR_AUTH, "there is no key for S3") ||
               hint(e, "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or the keys under storage.s3 in "
                       "cupel.yaml");
    if (!url_of(s3, ask, &url, e))
        return false;
    const struct http_call q = {
        .method = ask->method,
        .url = url.p,
        .headers = headers,
        .deadline_ms = deadline_ms,
        .body = ask->send ? ask->send->p : NULL,
        .from_fd = ask->send ? ask->send->fd : -1,
        .offset = ask->offset,
        .nbody = ask->send ? ask->send->n : 0,
        .save_fd = ask->save_fd,
        .want = ask->want,
    };
    return http_call(a, s->remote->http, &q, body, ret, e) ||
           (e->kind == ERR_NET && !*e->hint &&
            hint(e, "asked was %s: AWS_ENDPOINT_URL and storage.s3 say which", s3->base));
}

/* --- what an answer means --- */

static const struct {
    const char *code;
    enum err_kind kind;
    const char *hint;
} meanings[] = {
    {"AccessDenied", ERR_AUTH, "the key may not do this: see the bucket's policy"},
    {"InvalidAccessKeyId", ERR_AUTH,
     "the server does not know the key that AWS_ACCESS_KEY_ID or storage.s3.access_key names"},
    {"XAdminUserNotFound", ERR_AUTH, /* versitygw's word for it */
     "the server does not know the key that AWS_ACCESS_KEY_ID or storage.s3.access_key names"},
    {"SignatureDoesNotMatch", ERR_AUTH,
     "the secret (AWS_SECRET_ACCESS_KEY, storage.s3.secret_key) is not this key's, or the region is another"},
    {"ExpiredToken", ERR_AUTH, "the session token (AWS_SESSION_TOKEN, storage.s3.session_token) has expired"},
    {"InvalidToken", ERR_AUTH,
     "the session token (AWS_SESSION_TOKEN, storage.s3.session_token) is not valid"},
    {"AuthorizationHeaderMalformed", ERR_AUTH, "AWS_REGION or storage.s3.region is not the bucket's"},
    {"RequestTimeTooSkewed", ERR_AUTH, "this machine's clock and the server's differ"},
    {"PermanentRedirect", ERR_USER,
     "the region or the endpoint (AWS_REGION, AWS_ENDPOINT_URL, storage.s3) is not the bucket's"},
    {"NoSuchBucket", ERR_USER, "make the bucket first: cupel makes none"},
    {"InvalidBucketName", ERR_USER, NULL},
    {"NotImplemented", ERR_USER, "this server lacks what a lake needs: conditional PUT"},
    {"RequestTimeout", ERR_NET, NULL},
    {"BadDigest", ERR_NET, NULL},
    {"XAmzContentSHA256Mismatch", ERR_NET, NULL},
    {"IncompleteBody", ERR_NET, NULL},
    {"ConditionalRequestConflict", ERR_CONFLICT, NULL},
    {"OperationAborted", ERR_CONFLICT, NULL},
};

static enum err_kind kind_of(int status)
{
    return status == 401 || status == 403   ? ERR_AUTH
           : status == 409                  ? ERR_CONFLICT
           : status == 408 || status == 429 ? ERR_NET
           : status >= 500 && status != 501 ? ERR_NET
           : status >= 300 && status < 400  ? ERR_USER
                                            : ERR_IO;
}

bool s3_fail(struct err *e, const struct http_answer *r, const struct buf *body)
{
    auto_arena *a = arena_new();
    const struct str text = {body->p, body->len};
    const char *code = xml_text(a, text, "Code"), *words = xml_text(a, text, "Message");
    enum err_kind kind = kind_of(r->status);
    const char *remedy = NULL;
    for (size_t i = 0; code && i < countof(meanings); i++)
        if (strcmp(meanings[i].code, code) == 0)
            kind = meanings[i].kind, remedy = meanings[i].hint;
    fail(e, kind, "the server answers %d%s%s%s%.300s", r->status, code ? " " : "", code ? code : "",
         words ? ": " : "", words ? words : "");
    return remedy && hint(e, "%s", remedy);
}

static bool is_among(int status, const int *list)
{
    while (*list && *list != status)
        list++;
    return *list;
}

bool s3_do(struct arena *a, struct store *s, const struct s3_ask *ask, const int *accept, struct buf *body,
           struct http_answer *ret, struct err *e)
{
    struct effort f = effort_begin(s, ask->send ? ask->send->n : 0);
    int64_t asked_ms;
    do {
        asked_ms = 0;
        if (s3_send(a, s, ask, f.deadline_ms, body, ret, e)) {
            if (is_among(ret->status, accept))
                return true;
            s3_fail(e, ret, body);
            asked_ms = ret->retry_after_ms;
        }
    } while (effort_again(&f, asked_ms, e));
    return false;
}
