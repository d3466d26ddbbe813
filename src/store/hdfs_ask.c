#include "store/hdfs_ask.h"

#include <string.h>

enum { ANSWER_BYTES = 32 << 20 }; /* a page of a listing */

char *hdfs_path(struct arena *a, const struct hdfs *h, const char *path)
{
    auto_buf b = BUF(64 << 10);
    remote_encode(&b, h->root, true);
    if (*path) {
        buf_addf(&b, "/");
        remote_encode(&b, path, true);
    }
    return arena_strn(a, b.p, b.len);
}

/* --- what an answer means --- */

static const struct {
    const char *name; /* of the exception */
    enum err_kind kind;
    const char *hint;
} meanings[] = {
    {"StandbyException", ERR_NET, "no NameNode of the list is active"},
    {"RetriableException", ERR_NET, NULL},
    {"SafeModeException", ERR_NET, "the NameNode is in safe mode"},
    {"AccessControlException", ERR_AUTH, "HADOOP_USER_NAME or storage.hdfs.user says who asks"},
    {"SecurityException", ERR_AUTH, "only simple authentication is known here, not Kerberos"},
    {"AuthenticationException", ERR_AUTH, "only simple authentication is known here, not Kerberos"},
    {"DSQuotaExceededException", ERR_LIMIT, NULL},
    {"NSQuotaExceededException", ERR_LIMIT, NULL},
    {"QuotaByStorageTypeExceededException", ERR_LIMIT, NULL},
    {"IllegalArgumentException", ERR_USER, NULL},
    {"InvalidPathException", ERR_USER, NULL},
    {"PathComponentTooLongException", ERR_USER, NULL},
    {"MaxDirectoryItemsExceededException", ERR_LIMIT, NULL},
    {"ParentNotDirectoryException", ERR_IO, "a file is where a folder is wanted"},
    {"PathIsNotDirectoryException", ERR_IO, "a file is where a folder is wanted"},
    {"UnsupportedOperationException", ERR_USER, NULL},
    {"IOException", ERR_NET, NULL}, /* too few DataNodes, a lost lease, a pipeline that broke */
};

static const json_t *exception_in(struct arena *a, const struct buf *body)
{
    json_t *j;
    struct err ignored;
    return json_parse(a, body->p, body->len, "answer", &j, &ignored) ? json_object_get(j, "RemoteException")
                                                                     : NULL;
}

static bool node_fail(struct err *e, const json_t *x, int status)
{
    const char *name = json_str(x, "exception", ""), *words = json_str(x, "message", "");
    enum err_kind kind = status == 401 ? ERR_AUTH : status >= 500 || status == 0 ? ERR_NET : ERR_IO;
    const char *remedy = status == 401 ? "only simple authentication is known here, not Kerberos" : NULL;
    for (size_t i = 0; i < countof(meanings); i++)
        if (strcmp(meanings[i].name, name) == 0)
            kind = meanings[i].kind, remedy = meanings[i].hint;
    if (!x && status == 404)
        remedy = "the list names the NameNodes' HTTP addresses (port 9870), not their RPC ports";
    fail(e, kind, "the server answers %d%s%s%s%.*s", status, *name ? " " : "", name, *words ? ": " : "",
         (int)strcspn(words, "\n") < 300 ? (int)strcspn(words, "\n") : 300, words);
    return remedy && hint(e, "%s", remedy);
}

/* 2xx, or an exception that is an answer, too. */
static bool understood(struct arena *a, const struct http_answer *r, const struct buf *body,
                       enum hdfs_says *ret, struct err *e)
{
    *ret = HDFS_DONE;
    if (r->status >= 200 && r->status < 300)
        return true;
    const json_t *x = exception_in(a, body);
    const char *name = json_str(x, "exception", "");
    if (strcmp(name, "FileNotFoundException") == 0)
        *ret = HDFS_MISSING;
    else if (strcmp(name, "FileAlreadyExistsException") == 0)
        *ret = HDFS_EXISTS;
    else if (strcmp(name, "PathIsNotEmptyDirectoryException") == 0)
        *ret = HDFS_IN_USE;
    else
        return node_fail(e, x, r->status);
    return true;
}

/* --- requests --- */

/* Of the nodes another one is asked next time, unless somebody has moved on already. */
static void move_on(struct hdfs *h, size_t tried)
{
    atomic_compare_exchange_strong(&h->active, &tried, (tried + 1) % h->n);
}

bool hdfs_ask(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
              int64_t deadline_ms, enum hdfs_says *ret, json_t **ret_json, struct err *e)
{
    struct hdfs *h = s->state;
    auto_buf body = BUF(ANSWER_BYTES);
    struct http_answer r;
    size_t node = atomic_load(&h->active);
    const struct http_call q = {
        .method = method,
        .url = arena_fmt(a, "%s/webhdfs/v1%s?op=%s&user.name=%s", h->nodes[node], hdfs_path(a, h, path), op,
                         h->user),
        .deadline_ms = deadline_ms,
        .save_fd = -1,
    };
    bool answered = http_call(a, s->remote->http, &q, &body, &r, e) ||
                    hint(e, "the lake's URI or storage.hdfs.namenodes names them: HTTP addresses, port 9870");
    bool ok = answered && understood(a, &r, &body, ret, e);
    if (!ok && e->kind == ERR_NET)
        move_on(h, node);
    *ret_json = NULL;
    return ok && (body.len == 0 || *ret != HDFS_DONE ||
                  json_parse(a, body.p, body.len, "the NameNode's answer", ret_json, e));
}

bool hdfs_do(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
             enum hdfs_says *ret, json_t **ret_json, struct err *e)
{
    struct effort f = effort_begin(s, 0);
    do
        if (hdfs_ask(a, s, method, path, op, f.deadline_ms, ret, ret_json, e))
            return true;
    while (effort_again(&f, 0, e));
    return false;
}

/* Where the bytes are, or shall go. */
static bool locate(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
                   int64_t deadline_ms, const char **ret_url, enum hdfs_says *ret, struct err *e)
{
    json_t *j;
    const char *full = arena_fmt(a, "%s&noredirect=true", op);
    if (!hdfs_ask(a, s, method, path, full, deadline_ms, ret, &j, e))
        return false;
    *ret_url = *ret == HDFS_DONE && j ? json_str(j, "Location", NULL) : NULL;
    return *ret != HDFS_DONE || *ret_url || fail(e, ERR_NET, "the NameNode names no DataNode");
}

bool hdfs_data(struct arena *a, struct store *s, const char *method, const char *path, const char *op,
               const struct content *send, int save_fd, int64_t deadline_ms, struct buf *body,
               enum hdfs_says *ret, struct err *e)
{
    const char *url;
    struct http_answer r;
    if (!locate(a, s, method, path, op, deadline_ms, &url, ret, e))
        return false;
    if (*ret != HDFS_DONE)
        return true;
    const struct http_call q = {
        .method = method,
        .url = url,
        .deadline_ms = deadline_ms,
        .body = send ? send->p : NULL,
        .from_fd = send ? send->fd : -1,
        .nbody = send ? send->n : 0,
        .save_fd = save_fd,
    };
    return (http_call(a, s->remote->http, &q, body, &r, e) && understood(a, &r, body, ret, e)) ||
           wrap(e, "DataNode at %.*s", (int)strcspn(url + 8, "/") + 8, url);
}
