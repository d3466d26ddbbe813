#include "store/s3_parts.h"

#include <inttypes.h>
#include <string.h>

#include "store/s3_ask.h"
#include "store/xml.h"

enum { MAX_PARTS = 10000, BODY_BYTES = 4 << 20 };
#define PART_BYTES (INT64_C(32) << 20)

struct upload {
    struct arena *a;
    struct store *s;
    const char *key, *id; /* id: the upload's, encoded */
    const struct content *c;
    int64_t part_bytes;
    size_t n;
    const char **etags;
};

static bool begin(struct upload *u, const char *put_id, struct err *e)
{
    auto_buf body = BUF(BODY_BYTES), encoded = BUF(64 << 10);
    struct http_answer r;
    const char *headers[] = {arena_fmt(u->a, "x-amz-meta-" S3_ID ": %s", put_id), NULL};
    const struct s3_ask ask = {
        .method = "POST", .key = u->key, .query = "uploads=", .headers = headers, .save_fd = -1};
    if (!s3_do(u->a, u->s, &ask, (int[]){200, 0}, &body, &r, e))
        return false;
    const char *id = xml_text(u->a, (struct str){body.p, body.len}, "UploadId");
    if (!id)
        return fail(e, ERR_NET, "the server gives no upload id");
    remote_encode(&encoded, id, false);
    u->id = arena_str(u->a, encoded.p);
    return buf_done(&encoded, e);
}

static bool put_part(struct upload *u, size_t i, struct err *e)
{
    static const char *const want[] = {"etag", NULL};
    auto_arena *a = arena_new();
    auto_buf body = BUF(BODY_BYTES);
    struct http_answer r;
    char hash[65];
    int64_t offset = (int64_t)i * u->part_bytes, left = u->c->n - offset;
    struct content part = *u->c;
    part.n = left < u->part_bytes ? left : u->part_bytes;
    if (!s3_hash(u->c, offset, part.n, hash, e))
        return false;
    if (part.p)
        part.p = (const char *)part.p + offset;
    const struct s3_ask ask = {.method = "PUT",
                               .key = u->key,
                               .query = arena_fmt(a, "partNumber=%zu&uploadId=%s", i + 1, u->id),
                               .send = &part,
                               .offset = offset,
                               .hash = hash,
                               .save_fd = -1,
                               .want = want};
    if (!s3_do(a, u->s, &ask, (int[]){200, 0}, &body, &r, e))
        return false;
    if (!*r.values[0])
        return fail(e, ERR_NET, "the server gives no ETag for a part");
    u->etags[i] = arena_str(u->a, r.values[0]);
    return true;
}

static bool complete(struct upload *u, bool is_new, enum s3_end *ret, struct err *e)
{
    auto_buf xml = BUF(BODY_BYTES), body = BUF(BODY_BYTES);
    struct http_answer r;
    char hash[65];
    const char *headers[] = {is_new ? "If-None-Match: *" : NULL, NULL};
    buf_addf(&xml, "<CompleteMultipartUpload xmlns=\"http://s3.amazonaws.com/doc/2006-03-01/\">");
    for (size_t i = 0; i < u->n; i++) {
        buf_addf(&xml, "<Part><PartNumber>%zu</PartNumber><ETag>", i + 1);
        xml_add(&xml, u->etags[i]);
        buf_addf(&xml, "</ETag></Part>");
    }
    buf_addf(&xml, "</CompleteMultipartUpload>");
    const struct content c = {.p = xml.p, .n = (int64_t)xml.len};
    if (!buf_done(&xml, e) || !s3_hash(&c, 0, c.n, hash, e))
        return false;
    const struct s3_ask ask = {.method = "POST",
                               .key = u->key,
                               .query = arena_fmt(u->a, "uploadId=%s", u->id),
                               .headers = headers,
                               .send = &c,
                               .hash = hash,
                               .save_fd = -1};
    if (!s3_do(u->a, u->s, &ask, (int[]){200, 404, 412, 0}, &body, &r, e))
        return false;
    /* An error may come in a success, since the server begins to answer before it is done. */
    bool good = r.status == 200 && !xml_text(u->a, (struct str){body.p, body.len}, "Code");
    *ret = good ? S3_PUT : S3_UNSURE;
    return true;
}

static void drop(struct upload *u)
{
    auto_buf body = BUF(BODY_BYTES);
    struct http_answer r;
    struct err ignored;
    const struct s3_ask ask = {
        .method = "DELETE", .key = u->key, .query = arena_fmt(u->a, "uploadId=%s", u->id), .save_fd = -1};
    (void)!s3_do(u->a, u->s, &ask, (int[]){204, 200, 404, 0}, &body, &r, &ignored);
}

bool s3_put_parts(struct store *s, const char *key, const struct content *c, const char *id, bool is_new,
                  enum s3_end *ret, struct err *e)
{
    auto_arena *a = arena_new();
    struct upload u = {.a = a, .s = s, .key = key, .c = c, .part_bytes = PART_BYTES};
    while (u.part_bytes * MAX_PARTS < c->n)
        u.part_bytes *= 2;
    u.n = (size_t)((c->n + u.part_bytes - 1) / u.part_bytes);
    u.etags = arena_make(a, const char *, u.n);
    if (!begin(&u, id, e))
        return false;
    bool ok = true;
    for (size_t i = 0; ok && i < u.n; i++)
        ok = put_part(&u, i, e);
    ok = ok && complete(&u, is_new, ret, e);
    if (!ok || *ret == S3_UNSURE)
        drop(&u);
    return ok;
}
