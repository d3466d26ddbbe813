#include "store/s3.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>
#include <unistd.h>

#include "base/clock.h"
#include "store/dice.h"
#include "store/s3_ask.h"
#include "store/s3_parts.h"
#include "store/xml.h"

enum {
    ERROR_BYTES = 1 << 20, /* of an answer that only says what went wrong */
    LIST_BYTES = 16 << 20, /* of a page of a listing */
};

/* --- reading --- */

/* Is it the object that is not there, or the bucket, or the key's owner? */
static bool is_missing(const struct http_answer *r, const struct buf *body)
{
    auto_arena *a = arena_new();
    const char *code = xml_text(a, (struct str){body->p, body->len}, "Code");
    return r->status == 404 && (!code || strcmp(code, "NoSuchKey") == 0);
}

static bool not_found(const struct store *s, const char *path, const struct http_answer *r,
                      const struct buf *body, bool *ret_missing, struct err *e)
{
    if (is_missing(r, body))
        return remote_missing(s, path, ret_missing, e);
    s3_fail(e, r, body);
    return remote_named(e, s, "read", path);
}

static bool s3_read(struct store *s, const char *path, struct buf *out, bool *ret_missing, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf body = BUF(out->max > ERROR_BYTES ? out->max : ERROR_BYTES);
    struct http_answer r;
    const struct s3_ask ask = {.method = "GET", .key = s3_key(a, s->state, path), .query = "", .save_fd = -1};
    if (ret_missing)
        *ret_missing = false;
    if (!s3_do(a, s, &ask, (int[]){200, 404, 0}, &body, &r, e))
        return remote_named(e, s, "read", path);
    if (r.status == 404)
        return not_found(s, path, &r, &body, ret_missing, e);
    buf_add(out, body.p, body.len);
    return buf_done(out, e) || remote_named(e, s, "read", path);
}

static bool s3_stat(struct store *s, struct arena *a, const char *path, struct store_stat *ret,
                    bool *ret_missing, struct err *e)
{
    static const char *const want[] = {"etag", NULL};
    auto_buf body = BUF(ERROR_BYTES);
    struct http_answer r;
    const struct s3_ask ask = {
        .method = "HEAD", .key = s3_key(a, s->state, path), .query = "", .save_fd = -1, .want = want};
    if (ret_missing)
        *ret_missing = false;
    if (!s3_do(a, s, &ask, (int[]){200, 404, 0}, &body, &r, e))
        return remote_named(e, s, "look for", path);
    if (r.status == 404)
        return remote_missing(s, path, ret_missing, e);
    if (r.length < 0)
        return fail(e, ERR_NET, "the server does not say how long it is") ||
               remote_named(e, s, "look for", path);
    *ret = (struct store_stat){.size = r.length, .tag = r.values[0]};
    return true;
}

static bool s3_download(struct store *s, const char *path, int64_t size, int fd, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf body = BUF(ERROR_BYTES);
    struct http_answer r;
    struct effort f = effort_begin(s, size);
    const struct s3_ask ask = {.method = "GET", .key = s3_key(a, s->state, path), .query = "", .save_fd = fd};
    int64_t asked_ms;
    do {
        asked_ms = 0;
        if (ftruncate(fd, 0) != 0 || lseek(fd, 0, SEEK_SET) != 0)
            return fail(e, ERR_IO, "cannot write a local file: %s", strerror(errno));
        if (s3_send(a, s, &ask, f.deadline_ms, &body, &r, e)) {
            if (r.status == 200)
                return true;
            if (r.status == 404)
                return not_found(s, path, &r, &body, NULL, e);
            s3_fail(e, &r, &body);
            asked_ms = r.retry_after_ms;
        }
    } while (effort_again(&f, asked_ms, e));
    return remote_named(e, s, "read", path);
}

/* --- listing --- */

struct entries list_of(struct store_entry);
struct listing {
    struct arena *a;
    const char *folder, *after; /* "lake/t/", "" for the bucket's top */
    bool encoded;               /* keys are percent-encoded */
    struct entries found;
};

static int by_name(const void *x, const void *y)
{
    return strcmp(((const struct store_entry *)x)->name, ((const struct store_entry *)y)->name);
}

static int hex(char c)
{
    return c >= '0' && c <= '9'   ? c - '0'
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
                                  : -1;
}

static void decode(char *text)
{
    char *out = text;
    for (const char *p = text; *p; p++) {
        int hi = *p == '%' ? hex(p[1]) : -1, lo = hi >= 0 ? hex(p[2]) : -1;
        *out++ = lo >= 0 ? (char)(hi * 16 + lo) : *p == '+' ? ' ' : *p;
        p += lo >= 0 ? 2 : 0;
    }
    *out = '\0';
}

/* A key as a name in the folder; NULL = it is none. */
static const char *name_of(const struct listing *l, char *key)
{
    size_t n = strlen(l->folder);
    if (!key)
        return NULL;
    if (l->encoded)
        decode(key);
    if (strncmp(key, l->folder, n) != 0)
        return NULL;
    const char *name = key + n;
    return *name && (!l->after || strcmp(name, l->after) > 0) ? name : NULL;
}

static void add_object(struct listing *l, struct str item)
{
    const char *name = name_of(l, xml_text(l->a, item, "Key"));
    const char *size = xml_text(l->a, item, "Size"), *when = xml_text(l->a, item, "LastModified");
    struct err ignored;
    int64_t us = 0;
    if (!name || strchr(name, '/'))
        return;
    if (!when || !clock_parse(when, &us, &ignored))
        us = 0;
    *arena_push(l->a, &l->found) =
        (struct store_entry){.name = name, .size = size ? strtoll(size, NULL, 10) : 0, .mtime_ms = us / 1000};
}

static void add_folder(struct listing *l, struct str item)
{
    char *key = xml_text(l->a, item, "Prefix");
    if (key && l->encoded)
        decode(key);
    size_t n = key ? strlen(key) : 0, skip = strlen(l->folder);
    if (n <= skip + 1 || strncmp(key, l->folder, skip) != 0 || key[n - 1] != '/')
        return;
    key[n - 1] = '\0';
    if (!l->after || strcmp(key + skip, l->after) > 0)
        *arena_push(l->a, &l->found) = (struct store_entry){.name = key + skip, .is_dir = true};
}

/* *token: of the next page, NULL = this was the last. */
static bool read_page(struct listing *l, const struct buf *body, const char **token, struct err *e)
{
    struct str all = {body->p, body->len}, at = all, item;
    if (!xml_next("ListBucketResult", &at, &all))
        return fail(e, ERR_NET, "the answer is no listing");
    const char *encoding = xml_text(l->a, all, "EncodingType");
    l->encoded = encoding && strcmp(encoding, "url") == 0;
    for (at = all; xml_next("Contents", &at, &item);)
        add_object(l, item);
    for (at = all; xml_next("CommonPrefixes", &at, &item);)
        add_folder(l, item);
    const char *more = xml_text(l->a, all, "IsTruncated");
    *token = more && strcmp(more, "true") == 0 ? xml_text(l->a, all, "NextContinuationToken") : NULL;
    return true;
}

static bool list_pages(struct store *s, struct listing *l, struct err *e)
{
    const char *token = NULL;
    do {
        auto_buf query = BUF(64 << 10), body = BUF(LIST_BYTES);
        struct http_answer r;
        if (token) {
            buf_addf(&query, "continuation-token=");
            remote_encode(&query, token, false);
            buf_addf(&query, "&");
        }
        buf_addf(&query, "delimiter=%%2F&encoding-type=url&list-type=2&prefix=");
        remote_encode(&query, l->folder, false);
        if (l->after && !token) {
            buf_addf(&query, "&start-after=");
            remote_encode(&query, l->folder, false);
            remote_encode(&query, l->after, false);
        }
        const struct s3_ask ask = {.method = "GET", .query = query.p, .save_fd = -1};
        if (!buf_done(&query, e) || !s3_do(l->a, s, &ask, (int[]){200, 0}, &body, &r, e) ||
            !read_page(l, &body, &token, e))
            return false;
    } while (token);
    return true;
}

static bool s3_list(struct store *s, struct arena *a, const char *dir, const char *after,
                    struct store_entry **ret, size_t *ret_n, struct err *e)
{
    const char *key = s3_key(a, s->state, dir);
    struct listing l = {.a = a, .folder = *key ? arena_fmt(a, "%s/", key) : "", .after = after};
    if (!list_pages(s, &l, e))
        return remote_named(e, s, "list", dir);
    if (l.found.n)
        qsort(l.found.v, l.found.n, sizeof *l.found.v, by_name);
    *ret = l.found.v;
    *ret_n = l.found.n;
    return true;
}

/* --- putting --- */

enum owner { NOBODY, OURS, OTHERS };

/* After "the name is taken": by us? An attempt may have done its work and lost its answer, and libcurl
 * repeats a request by itself when a kept connection breaks. Servers that drop our header are asked for the
 * content. */
static bool find_owner(struct store *s, const char *path, const char *id, const struct content *c,
                       enum owner *ret, struct err *e)
{
    static const char *const want[] = {"x-amz-meta-" S3_ID, NULL};
    auto_arena *a = arena_new();
    auto_buf body = BUF((size_t)c->n + ERROR_BYTES);
    struct http_answer r;
    const struct s3_ask head = {
        .method = "HEAD", .key = s3_key(a, s->state, path), .query = "", .save_fd = -1, .want = want};
    if (!s3_do(a, s, &head, (int[]){200, 404, 0}, &body, &r, e))
        return false;
    *ret = r.status != 200 ? NOBODY : strcmp(r.values[0], id) == 0 ? OURS : OTHERS;
    if (*ret != OTHERS || *r.values[0] || r.length != c->n || !c->p)
        return true;
    const struct s3_ask get = {.method = "GET", .key = head.key, .query = "", .save_fd = -1};
    if (!s3_do(a, s, &get, (int[]){200, 404, 0}, &body, &r, e))
        return false;
    bool same = (int64_t)body.len == c->n && memcmp(body.p, c->p, body.len) == 0;
    *ret = r.status != 200 ? NOBODY : same ? OURS : OTHERS;
    return true;
}

/* In one request. Only a new one may find the name taken; then another's object is there to be read: a server
 * may refuse a name while somebody else's put is still under way, or removes it. */
static bool put_single(struct store *s, const char *path, const struct content *c, const char *id,
                       bool is_new, enum owner *ret, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf body = BUF(ERROR_BYTES);
    struct http_answer r;
    char hash[65];
    const char *headers[] = {arena_fmt(a, "x-amz-meta-" S3_ID ": %s", id), is_new ? "If-None-Match: *" : NULL,
                             NULL};
    if (!s3_hash(c, 0, c->n, hash, e))
        return false;
    const struct s3_ask ask = {.method = "PUT",
                               .key = s3_key(a, s->state, path),
                               .query = "",
                               .headers = headers,
                               .send = c,
                               .hash = hash,
                               .save_fd = -1};
    struct effort f = effort_begin(s, c->n);
    do {
        if (!s3_do(a, s, &ask, is_new ? (int[]){200, 412, 0} : (int[]){200, 0}, &body, &r, e))
            return false;
        *ret = OURS;
        if (r.status == 412 && !find_owner(s, path, id, c, ret, e))
            return false;
        if (*ret != NOBODY)
            return true;
        fail(e, ERR_CONFLICT, "the server says that it is there, and that it is not");
    } while (effort_again(&f, 0, e));
    return false;
}

static bool put(struct store *s, const char *path, const struct content *c, bool is_new, bool *ret_taken,
                struct err *e)
{
    auto_arena *a = arena_new();
    const char *id = dice_hex(a);
    enum owner owner = OURS;
    enum s3_end end = S3_PUT;
    bool ok = c->n <= S3_SINGLE_BYTES ? put_single(s, path, c, id, is_new, &owner, e)
                                      : s3_put_parts(s, s3_key(a, s->state, path), c, id, is_new, &end, e) &&
                                            (end == S3_PUT || find_owner(s, path, id, c, &owner, e));
    if (!ok || (owner != OURS && !is_new) || owner == NOBODY)
        return (ok && fail(e, ERR_NET, "the upload is gone")) || remote_named(e, s, "write", path);
    *ret_taken = owner == OTHERS;
    return true;
}

/* A server that does not know If-None-Match would let one commit overwrite another. */
static bool check_once(struct store *s, struct err *e)
{
    static const char marker[] = ".cupel-put-once";
    static const char text[] = "cupel has put this to see that the server honours If-None-Match.\n";
    struct s3 *s3 = s->state;
    const struct content c = {.p = text, .n = sizeof text - 1};
    bool taken = false;
    if (atomic_load(&s3->puts_once))
        return true;
    for (int i = 0; i < 2 && !taken; i++)
        if (!put(s, marker, &c, true, &taken, e))
            return false;
    if (!taken) {
        fail(e, ERR_USER, "this S3 server overwrites what exists though it is told not to (If-None-Match)");
        return hint(e, "commits would be lost: use a server that has conditional writes");
    }
    atomic_store(&s3->puts_once, true);
    return true;
}

static bool put_once(struct store *s, const char *path, const struct content *c, bool *ret_taken,
                     struct err *e)
{
    if (!check_once(s, e))
        return false;
    if (put(s, path, c, true, ret_taken, e))
        return true;
    bool unanswered = e->kind == ERR_NET || !*e->hint;
    e->kind = ERR_IO; /* the last attempt may have been refused, and an earlier one have done its work */
    return unanswered && hint(e, "it may have been written all the same");
}

static bool s3_put_new(struct store *s, const char *path, const void *p, size_t n, bool *ret_taken,
                       struct err *e)
{
    return put_once(s, path, &(struct content){.p = n ? p : "", .n = (int64_t)n}, ret_taken, e);
}

static bool s3_put(struct store *s, const char *path, const void *p, size_t n, struct err *e)
{
    bool taken;
    return put(s, path, &(struct content){.p = n ? p : "", .n = (int64_t)n}, false, &taken, e);
}

static bool s3_upload(struct store *s, int fd, int64_t n, const char *path, struct err *e)
{
    bool taken;
    return put(s, path, &(struct content){.p = n ? NULL : "", .fd = fd, .n = n}, false, &taken, e);
}

static bool s3_adopt(struct store *s, const char *local_file, const char *path, bool *ret_taken,
                     struct err *e)
{
    return remote_adopt(s, local_file, path, ret_taken, put_once, e);
}

static bool s3_remove(struct store *s, const char *path, struct err *e)
{
    auto_arena *a = arena_new();
    auto_buf body = BUF(ERROR_BYTES);
    struct http_answer r;
    const struct s3_ask ask = {
        .method = "DELETE", .key = s3_key(a, s->state, path), .query = "", .save_fd = -1};
    remote_forget(s, path);
    if (s3_do(a, s, &ask, (int[]){204, 200, 404, 0}, &body, &r, e) &&
        (r.status != 404 || is_missing(&r, &body) || s3_fail(e, &r, &body)))
        return true;
    return remote_named(e, s, "remove", path);
}

static bool s3_mkdirs(struct store *s, const char *dir, struct err *e)
{
    (void)s, (void)dir, (void)e; /* a bucket has no folders */
    return true;
}

/* --- opening --- */

static const char *env(const char *name, const char *other)
{
    const char *value = getenv(name);
    return value && *value ? value : other;
}

/* What settings say is in front; "" is nothing. */
static const char *first(const char *said, const char *other)
{
    return !said ? other : *said ? said : NULL;
}

static bool base_of(struct arena *a, struct s3 *s3, const struct store_conf *conf, const char *bucket,
                    const char *region, struct err *e)
{
    const char *endpoint =
        first(conf->s3.endpoint, env("AWS_ENDPOINT_URL_S3", env("AWS_ENDPOINT_URL", NULL)));
    bool dotted = strchr(bucket, '.'), in_path = conf->s3.style == S3_STYLE_PATH;
    if (!endpoint) { /* a certificate would not fit a name with dots */
        in_path = in_path || (dotted && conf->s3.style == S3_STYLE_NOT_SAID);
        endpoint = arena_fmt(a, "https://s3.%s.amazonaws.com", region);
    } else {
        in_path = in_path || conf->s3.style == S3_STYLE_NOT_SAID;
    }
    size_t scheme = strncmp(endpoint, "http://", 7) == 0 ? 7 : strncmp(endpoint, "https://", 8) == 0 ? 8 : 0;
    size_t n = strlen(endpoint);
    while (n > scheme && endpoint[n - 1] == '/')
        n--;
    if (!scheme || n == scheme)
        return fail(e, ERR_USER, "the endpoint of S3: an http:// or https:// URL is expected");
    s3->base = in_path ? arena_fmt(a, "%.*s/%s", (int)n, endpoint, bucket)
                       : arena_fmt(a, "%.*s%s.%.*s", (int)scheme, endpoint, bucket, (int)(n - scheme),
                                   endpoint + scheme);
    return true;
}

static bool bucket_ok(const char *bucket)
{
    size_t n = strlen(bucket);
    return n >= 3 && n <= 63 && bucket[strspn(bucket, "abcdefghijklmnopqrstuvwxyz0123456789.-_")] == '\0';
}

/* The settings' key, or the environment's: never something of both. */
static void find_key(struct arena *a, struct s3 *s3, const struct store_conf *conf, struct http_sigv4 *sign,
                     const char **secrets)
{
    bool said = conf->s3.access_key || conf->s3.secret_key;
    const char *key = first(conf->s3.access_key, said ? NULL : env("AWS_ACCESS_KEY_ID", NULL));
    const char *secret = first(conf->s3.secret_key, said ? NULL : env("AWS_SECRET_ACCESS_KEY", NULL));
    const char *session = first(conf->s3.session_token, said ? NULL : env("AWS_SESSION_TOKEN", NULL));
    s3->has_key = key && secret; /* if not, that is said when something is asked of the server */
    if (!s3->has_key)
        return;
    sign->key_id = arena_str(a, key);
    sign->secret = secrets[0] = arena_str(a, secret);
    secrets[1] = session ? arena_str(a, session) : NULL;
    s3->session = session ? arena_fmt(a, "x-amz-security-token: %s", session) : NULL;
}

static bool s3_open(struct arena *a, struct store *s, const char *rest, struct err *e)
{
    struct s3 *s3 = arena_make(a, struct s3, 1);
    size_t n = strcspn(rest, "/");
    const char *bucket = arena_strn(a, rest, n);
    const char *region = first(s->conf->s3.region, env("AWS_REGION", env("AWS_DEFAULT_REGION", "us-east-1")));
    const char **secrets = arena_make(a, const char *, 3);
    struct http_sigv4 sign = {.region = arena_str(a, region ? region : "us-east-1"), .service = "s3"};
    if (!bucket_ok(bucket))
        return fail(e, ERR_USER, "'%s': '%s' is no name of a bucket", s->uri, bucket);
    s3->prefix = rest + n + (rest[n] == '/');
    s->state = s3;
    find_key(a, s3, s->conf, &sign, secrets);
    return base_of(a, s3, s->conf, bucket, sign.region, e) &&
           remote_open(a, s, &sign, secrets, arena_fmt(a, "%s/%s", s3->base, s3->prefix), e);
}

const struct store_driver store_s3 = {
    .scheme = "s3",
    .read = s3_read,
    .exists = remote_exists,
    .list = s3_list,
    .put_new = s3_put_new,
    .put = s3_put,
    .remove = s3_remove,
    .sync = remote_sync,
    .adopt = s3_adopt,
    .mkdirs = s3_mkdirs,
    .open = s3_open,
    .stat = s3_stat,
    .download = s3_download,
    .upload = s3_upload,
};
