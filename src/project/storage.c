/* `storage:` of cupel.yaml: how a lake in S3 or in HDFS is reached, and what is kept of it on local disk. */
#include <string.h>

#include "base/fs.h"
#include "project/internal.h"

struct storage_keys {
    const struct yaml *s3, *hdfs;
    const char *cache;
    int64_t cache_size, timeout;
};
static const struct field storage_rows[] = {
    {"s3", FIELD_MAP, offsetof(struct storage_keys, s3), 0, 0, false},
    {"hdfs", FIELD_MAP, offsetof(struct storage_keys, hdfs), 0, 0, false},
    {"cache", FIELD_TEXT, offsetof(struct storage_keys, cache), 0, 0, false},
    {"cache_size", FIELD_SIZE, offsetof(struct storage_keys, cache_size), 0, 0, false},
    {"timeout", FIELD_DURATION, offsetof(struct storage_keys, timeout), 0, 0, false},
    {0},
};

struct s3_keys {
    const char *endpoint, *region;
    bool path_style;
    const struct yaml *access_key, *secret_key, *session_token;
};
static const struct field s3_rows[] = {
    {"endpoint", FIELD_TEXT, offsetof(struct s3_keys, endpoint), 0, 0, false},
    {"region", FIELD_TEXT, offsetof(struct s3_keys, region), 0, 0, false},
    {"path_style", FIELD_FLAG, offsetof(struct s3_keys, path_style), 0, 0, false},
    {"access_key", FIELD_NODE, offsetof(struct s3_keys, access_key), 0, 0, false},
    {"secret_key", FIELD_NODE, offsetof(struct s3_keys, secret_key), 0, 0, false},
    {"session_token", FIELD_NODE, offsetof(struct s3_keys, session_token), 0, 0, false},
    {0},
};

struct hdfs_keys {
    struct texts namenodes;
    const char *user;
};
static const struct field hdfs_rows[] = {
    {"namenodes", FIELD_TEXTS, offsetof(struct hdfs_keys, namenodes), 0, 0, false},
    {"user", FIELD_TEXT, offsetof(struct hdfs_keys, user), 0, 0, false},
    {0},
};

/* --- S3 --- */

static bool is_endpoint(const char *s)
{
    size_t n = strncmp(s, "http://", 7) == 0 ? 7 : strncmp(s, "https://", 8) == 0 ? 8 : 0;
    return n && s[n] && s[n] != '/' && !strpbrk(s + n, " ?#@");
}

static bool is_region(const char *s)
{
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_")] == '\0';
}

/* A part of a key. That a variable of the environment is not set is only a warning, as it is for a source's
 * key: who checks a project need not have it. */
static void read_secret(const struct reader *r, const char *name, const struct yaml *y, bool is_secret,
                        const char **ret)
{
    const struct field row = {name, FIELD_TEXT, 0, 0, 0, false};
    const char *unset = NULL;
    struct reader own = *r;
    own.missing_env = &unset;
    if (!y || !read_field(&own, y, &row, ret))
        return;
    if (is_secret && !strstr(y->text, "${"))
        reader_warn(r, y->at, "write ${NAME} here, and NAME in .env or in the environment",
                    "%s: a secret stands in the file itself", name);
}

static void read_key(const struct reader *r, const struct yaml *map, const struct s3_keys *k,
                     struct store_conf *ret)
{
    const struct yaml *some = k->access_key   ? k->access_key
                              : k->secret_key ? k->secret_key
                                              : k->session_token;
    if (!some)
        return;
    ret->s3.access_key = ret->s3.secret_key = ret->s3.session_token = "";
    if (!k->access_key || !k->secret_key)
        reader_fail(r,
                    yaml_key_at(map, k->access_key   ? "access_key"
                                     : k->secret_key ? "secret_key"
                                                     : "session_token"),
                    NULL, "s3: access_key and secret_key go together");
    read_secret(r, "access_key", k->access_key, false, &ret->s3.access_key);
    read_secret(r, "secret_key", k->secret_key, true, &ret->s3.secret_key);
    read_secret(r, "session_token", k->session_token, true, &ret->s3.session_token);
}

static void read_s3(const struct reader *r, const struct yaml *map, struct store_conf *ret)
{
    struct s3_keys k = {0};
    const struct yaml *style = yaml_get(map, "path_style");
    read_fields(r, map, map->at, "s3", s3_rows, &k);
    if (k.endpoint && !is_endpoint(k.endpoint))
        reader_fail(r, yaml_get(map, "endpoint")->at, "https://s3.example.com, or http://127.0.0.1:9000",
                    "endpoint: '%s' is not an http:// or https:// URL", k.endpoint);
    else if (k.endpoint)
        ret->s3.endpoint = k.endpoint;
    if (k.region && !is_region(k.region))
        reader_fail(r, yaml_get(map, "region")->at, "eu-central-1, for example",
                    "region: '%s' is no name of a region", k.region);
    else if (k.region)
        ret->s3.region = k.region;
    if (style)
        ret->s3.style = k.path_style ? S3_STYLE_PATH : S3_STYLE_HOST;
    read_key(r, map, &k, ret);
}

/* --- HDFS --- */

static bool is_node(const char *s)
{
    const char *bracket = strrchr(s, ']'), *port = strchr(bracket ? bracket : s, ':');
    return *s && !strpbrk(s, "/@?#% ,") && (!port || (port[1] && !port[1 + strspn(port + 1, "0123456789")]));
}

static void read_hdfs(const struct reader *r, const struct yaml *map, struct store_conf *ret)
{
    struct hdfs_keys k = {0};
    read_fields(r, map, map->at, "hdfs", hdfs_rows, &k);
    bool good = true;
    for (size_t i = 0; i < k.namenodes.n; i++)
        if (!is_node(k.namenodes.v[i]))
            good = reader_fail(r, k.namenodes.at[i], "host:9870, its HTTP address: one for each NameNode",
                               "namenodes: '%s' is no address of a NameNode", k.namenodes.v[i]);
    if (good && k.namenodes.n) {
        ret->hdfs.namenodes = k.namenodes.v;
        ret->hdfs.nnamenodes = k.namenodes.n;
    }
    if (k.user)
        ret->hdfs.user = k.user;
}

/* --- all of it --- */

void storage_read(const struct reader *r, const char *root, const struct yaml *map, struct store_conf *ret)
{
    struct storage_keys k = {0};
    if (!map)
        return;
    read_fields(r, map, map->at, "storage", storage_rows, &k);
    if (k.s3)
        read_s3(r, k.s3, ret);
    if (k.hdfs)
        read_hdfs(r, k.hdfs, ret);
    if (k.cache)
        ret->cache = *k.cache == '/' ? k.cache : fs_join(r->a, root, k.cache);
    if (k.cache_size)
        ret->cache_bytes = k.cache_size;
    if (k.timeout && k.timeout < STORE_LEAST_TIMEOUT_MS)
        reader_fail(r, yaml_get(map, "timeout")->at, NULL, "timeout: a second is the least");
    else if (k.timeout)
        ret->timeout_ms = k.timeout;
}

static const char *in_environment(const struct environment *env, const char *name, const char *other)
{
    const char *value = environment_get(env, name);
    if ((!value || !*value) && other)
        value = environment_get(env, other);
    return value && *value ? value : NULL;
}

void storage_from_environment(const struct environment *env, struct store_conf *ret)
{
    if (!ret->s3.endpoint)
        ret->s3.endpoint = in_environment(env, "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL");
    if (!ret->s3.region)
        ret->s3.region = in_environment(env, "AWS_REGION", "AWS_DEFAULT_REGION");
    if (!ret->s3.access_key && !ret->s3.secret_key) {
        ret->s3.access_key = in_environment(env, "AWS_ACCESS_KEY_ID", NULL);
        ret->s3.secret_key = in_environment(env, "AWS_SECRET_ACCESS_KEY", NULL);
        ret->s3.session_token = in_environment(env, "AWS_SESSION_TOKEN", NULL);
    }
    if (!ret->hdfs.user)
        ret->hdfs.user = in_environment(env, "HADOOP_USER_NAME", NULL);
}
