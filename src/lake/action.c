#include "lake/action.h"

#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "lake/path.h"
#include "lake/pull.h"

struct pairs list_of(struct pair);
struct texts list_of(const char *);

/* {"key":"value",...}; null is an empty one. */
static struct pairs read_pairs(struct pull *j)
{
    struct pairs list = {0};
    struct str key;
    if (pull_null(j) || !pull_object(j))
        return list;
    while (pull_key(j, &key)) {
        struct pair p = {arena_strn(j->a, key.p, key.n), NULL};
        if (pull_null(j))
            ;
        else if (pull_is(j, '"'))
            p.value = pull_string(j);
        else
            p.value = pull_raw(j); /* some writers leave numbers without quotes */
        *arena_push(j->a, &list) = p;
    }
    return list;
}

/* ["a",...] with a NULL behind the last; null is an empty one. */
static const char **read_texts(struct pull *j, size_t *ret_n)
{
    struct texts list = {0};
    if (!pull_null(j) && pull_array(j))
        while (pull_item(j))
            *arena_push(j->a, &list) = pull_string(j);
    if (ret_n)
        *ret_n = list.n;
    *arena_push(j->a, &list) = NULL;
    return list.v;
}

static int64_t read_int(struct pull *j, int64_t def)
{
    return pull_null(j) ? def : pull_int(j);
}

static bool read_bool(struct pull *j, bool def)
{
    return pull_null(j) ? def : pull_bool(j);
}

static int64_t stats_rows(struct pull *j)
{
    struct str key;
    if (!pull_object(j))
        return -1;
    while (pull_key(j, &key)) {
        if (str_is(key, "numRecords"))
            return read_int(j, -1);
        pull_skip(j);
    }
    return -1;
}

static int64_t rows_of_stats(struct arena *a, const char *stats)
{
    struct pull j = pull_begin(a, stats, strlen(stats));
    int64_t rows = stats_rows(&j);
    return j.why || rows < 0 ? -1 : rows;
}

int64_t action_stats_rows(const char *stats)
{
    auto_arena *a = arena_new();
    return rows_of_stats(a, stats);
}

/* Statistics as columns, which some checkpoints have in place of the text: only the count is taken. */
static int64_t parsed_rows(struct pull *j)
{
    struct str s = pull_skip(j);
    struct pull in = pull_begin(j->a, s.p, s.n);
    if (j->why || pull_null(&in))
        return -1;
    int64_t rows = stats_rows(&in);
    return in.why ? -1 : rows;
}

static const struct lake_dv *read_dv(struct pull *j)
{
    struct lake_dv *dv = arena_make(j->a, struct lake_dv, 1);
    *dv = (struct lake_dv){.offset = -1, .size_bytes = -1, .cardinality = -1};
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "storageType"))
            dv->storage = *pull_string(j);
        else if (str_is(key, "pathOrInlineDv"))
            dv->path_or_inline = pull_text(j);
        else if (str_is(key, "offset"))
            dv->offset = read_int(j, -1);
        else if (str_is(key, "sizeInBytes"))
            dv->size_bytes = read_int(j, -1);
        else if (str_is(key, "cardinality"))
            dv->cardinality = read_int(j, -1);
        else
            pull_skip(j);
    }
    if (!dv->storage || !strchr("uip", dv->storage) || !dv->path_or_inline)
        pull_fail(j, "a deletion vector that is stored nowhere");
    return dv;
}

static struct lake_row_ids *row_ids_of(struct pull *j, struct lake_row_ids *ids)
{
    if (ids)
        return ids;
    ids = arena_make(j->a, struct lake_row_ids, 1);
    *ids = (struct lake_row_ids){-1, -1};
    return ids;
}

/* *ret_parsed: the rows, by statistics that come as columns. */
static void read_file_fields(struct pull *j, struct file_act *f, int64_t *ret_parsed)
{
    struct lake_row_ids *ids = NULL;
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "path")) {
            f->log_path = pull_text(j);
        } else if (str_is(key, "partitionValues")) {
            f->has_values = !pull_is(j, 'n');
            struct pairs values = read_pairs(j);
            f->values = values.v, f->nvalues = values.n;
        } else if (str_is(key, "size")) {
            f->size = read_int(j, -1);
        } else if (str_is(key, "modificationTime") || str_is(key, "deletionTimestamp")) {
            f->time_ms = read_int(j, 0);
        } else if (str_is(key, "dataChange")) {
            f->has_change = !pull_is(j, 'n');
            f->data_change = read_bool(j, true);
        } else if (str_is(key, "stats")) {
            f->stats = pull_text(j);
        } else if (str_is(key, "stats_parsed")) {
            *ret_parsed = parsed_rows(j);
        } else if (str_is(key, "tags")) {
            f->tags = pull_raw(j);
        } else if (str_is(key, "deletionVector")) {
            f->dv = pull_null(j) ? NULL : read_dv(j);
        } else if (str_is(key, "baseRowId") && !pull_is(j, 'n')) {
            ids = row_ids_of(j, ids);
            ids->base = pull_int(j);
        } else if (str_is(key, "defaultRowCommitVersion") && !pull_is(j, 'n')) {
            ids = row_ids_of(j, ids);
            ids->commit_version = pull_int(j);
        } else if (str_is(key, "clusteringProvider")) {
            f->clustered_by = pull_text(j);
        } else {
            pull_skip(j);
        }
    }
    f->row_ids = ids;
}

static void name_file(struct pull *j, struct file_act *f, int64_t parsed)
{
    if (!f->log_path || !*f->log_path) {
        pull_fail(j, "a file without a path");
        return;
    }
    f->path = path_decode(j->a, f->log_path);
    f->rows = f->stats ? rows_of_stats(j->a, f->stats) : parsed;
}

static struct file_act *new_file(struct arena *a)
{
    struct file_act *f = arena_make(a, struct file_act, 1);
    *f = (struct file_act){.size = -1, .rows = -1, .data_change = true};
    return f;
}

static struct file_act *read_file(struct pull *j)
{
    struct file_act *f = new_file(j->a);
    int64_t parsed = -1;
    read_file_fields(j, f, &parsed);
    name_file(j, f, parsed);
    return f;
}

/* What the protocol demands of each; a line that lost it in the middle may have lost more. */
static struct file_act *read_add(struct pull *j)
{
    struct file_act *f = read_file(j);
    if (f->size < 0 || !f->has_values)
        pull_fail(j, f->size < 0 ? "an add without the file's size" : "an add without partition values");
    return f;
}

static struct file_act *read_remove(struct pull *j)
{
    struct file_act *f = read_file(j);
    if (!f->has_change)
        pull_fail(j, "a remove that does not say whether data change");
    return f;
}

static bool same_text(struct str x, struct str y)
{
    return x.p && x.n == y.n && memcmp(x.p, y.p, x.n) == 0;
}

static bool remember_pairs(struct arena *a, struct str text, struct pairs_memo *memo, const char **ret_why)
{
    struct str copy = {arena_strn(a, text.p, text.n), text.n};
    struct pull j = pull_begin(a, copy.p, copy.n);
    struct pairs pairs = read_pairs(&j);
    if (!pull_end(&j)) {
        *ret_why = j.why;
        return false;
    }
    *memo = (struct pairs_memo){copy, pairs.v, pairs.n};
    return true;
}

/* One that would be cut there as a string of C, and then be another name. */
static bool has_nul(struct str s)
{
    return s.p && memchr(s.p, 0, s.n);
}

bool action_of_columns(struct arena *a, const struct lake_parquet_add *x, struct pairs_memo *memo,
                       struct file_act **ret, const char **ret_why)
{
    if (has_nul(x->path) || has_nul(x->stats)) {
        *ret_why = "a zero byte in a string";
        return false;
    }
    struct file_act *f = new_file(a);
    int64_t parsed = -1;
    struct pull j = pull_begin(a, x->others.p ? x->others.p : "", x->others.p ? x->others.n : 0);
    if (x->others.p)
        read_file_fields(&j, f, &parsed);
    f->log_path = x->path.p ? arena_strn(a, x->path.p, x->path.n) : NULL;
    f->stats = x->stats.p ? arena_strn(a, x->stats.p, x->stats.n) : NULL;
    f->size = x->size;
    f->time_ms = x->mtime_ms < 0 ? 0 : x->mtime_ms;
    f->data_change = x->data_change;
    f->has_values = x->values.p != NULL;
    if (f->has_values) {
        if (!same_text(memo->text, x->values) && !remember_pairs(a, x->values, memo, ret_why))
            return false;
        f->values = memo->v, f->nvalues = memo->n;
    }
    name_file(&j, f, parsed);
    if (!pull_end(&j)) {
        *ret_why = j.why;
        return false;
    }
    *ret = f;
    return true;
}

static struct protocol *read_protocol(struct pull *j)
{
    static const char *const none[] = {NULL};
    struct protocol *p = arena_make(j->a, struct protocol, 1);
    *p = (struct protocol){.reader_features = none, .writer_features = none};
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "minReaderVersion"))
            p->reader = (int)read_int(j, 0);
        else if (str_is(key, "minWriterVersion"))
            p->writer = (int)read_int(j, 0);
        else if (str_is(key, "readerFeatures"))
            p->reader_features = read_texts(j, NULL);
        else if (str_is(key, "writerFeatures"))
            p->writer_features = read_texts(j, NULL);
        else
            pull_skip(j);
    }
    if (p->reader < 1 || p->writer < 1)
        pull_fail(j, "a protocol without its versions");
    return p;
}

static const char *read_provider(struct pull *j)
{
    const char *provider = NULL;
    struct str key;
    if (pull_null(j) || !pull_object(j))
        return NULL;
    while (pull_key(j, &key)) {
        if (str_is(key, "provider"))
            provider = pull_text(j);
        else
            pull_skip(j);
    }
    return provider;
}

static struct metadata *read_metadata(struct pull *j)
{
    struct metadata *m = arena_make(j->a, struct metadata, 1);
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "id")) {
            m->id = pull_text(j);
        } else if (str_is(key, "name")) {
            m->name = pull_text(j);
        } else if (str_is(key, "description")) {
            m->description = pull_text(j);
        } else if (str_is(key, "format")) {
            m->provider = read_provider(j);
        } else if (str_is(key, "schemaString")) {
            m->schema = pull_text(j);
        } else if (str_is(key, "partitionColumns")) {
            m->partition_by = read_texts(j, &m->npartition_by);
        } else if (str_is(key, "configuration")) {
            struct pairs conf = read_pairs(j);
            m->configuration = conf.v, m->nconfiguration = conf.n;
        } else if (str_is(key, "createdTime")) {
            m->created_ms = read_int(j, 0);
        } else {
            pull_skip(j);
        }
    }
    return m;
}

static struct txn_act *read_txn(struct pull *j)
{
    struct txn_act *t = arena_make(j->a, struct txn_act, 1);
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "appId"))
            t->app_id = pull_text(j);
        else if (str_is(key, "version"))
            t->version = read_int(j, 0);
        else if (str_is(key, "lastUpdated"))
            t->updated_ms = read_int(j, 0);
        else
            pull_skip(j);
    }
    if (!t->app_id)
        pull_fail(j, "a txn without an appId");
    return t;
}

/* Information only, and every writer has its own idea of it: what has another type than expected is left out.
 */
static struct commit_info *read_info(struct pull *j)
{
    struct commit_info *i = arena_make(j->a, struct commit_info, 1);
    int64_t in_commit = 0;
    struct str key;
    i->read_version = -1;
    pull_object(j);
    while (pull_key(j, &key)) {
        bool text = pull_is(j, '"'), object = pull_is(j, '{');
        if (str_is(key, "timestamp") && !text)
            i->timestamp_ms = read_int(j, 0);
        else if (str_is(key, "inCommitTimestamp") && !text)
            in_commit = read_int(j, 0);
        else if (str_is(key, "operation") && text)
            i->operation = pull_string(j);
        else if (str_is(key, "operationParameters") && object)
            i->parameters = pull_raw(j);
        else if (str_is(key, "operationMetrics") && object)
            i->metrics = pull_raw(j);
        else if (str_is(key, "userMetadata") && text)
            i->user = pull_string(j);
        else if (str_is(key, "engineInfo") && text)
            i->engine = pull_string(j);
        else if (str_is(key, "userName") && text)
            i->user_name = pull_string(j);
        else if (str_is(key, "isolationLevel") && text)
            i->isolation = pull_string(j);
        else if (str_is(key, "readVersion") && !text)
            i->read_version = read_int(j, -1);
        else if (str_is(key, "isBlindAppend") && !text)
            i->blind = read_bool(j, false);
        else
            pull_skip(j);
    }
    if (in_commit)
        i->timestamp_ms = in_commit;
    return i;
}

static struct domain_act *read_domain(struct pull *j)
{
    struct domain_act *d = arena_make(j->a, struct domain_act, 1);
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "domain"))
            d->domain = pull_text(j);
        else if (str_is(key, "configuration"))
            d->configuration = pull_text(j);
        else if (str_is(key, "removed"))
            d->removed = read_bool(j, false);
        else
            pull_skip(j);
    }
    if (!d->domain)
        pull_fail(j, "metadata of a domain without its name");
    return d;
}

static const char *read_sidecar(struct pull *j)
{
    const char *path = NULL;
    struct str key;
    pull_object(j);
    while (pull_key(j, &key)) {
        if (str_is(key, "path"))
            path = pull_text(j);
        else
            pull_skip(j);
    }
    if (!path)
        pull_fail(j, "a sidecar without a path");
    return path;
}

static unsigned kind_of(struct str key)
{
    static const struct {
        const char *key;
        unsigned kind;
    } kinds[] = {
        {"add", WANT_ADD},         {"remove", WANT_REMOVE},         {"commitInfo", WANT_INFO},
        {"txn", WANT_TXN},         {"metaData", WANT_METADATA},     {"protocol", WANT_PROTOCOL},
        {"sidecar", WANT_SIDECAR}, {"domainMetadata", WANT_DOMAIN},
    };
    for (size_t i = 0; i < countof(kinds); i++)
        if (str_is(key, kinds[i].key))
            return kinds[i].kind;
    return 0;
}

bool action_parse(struct arena *a, const char *p, size_t n, unsigned want, struct action *ret,
                  const char **ret_why, size_t *ret_at)
{
    struct pull j = pull_begin(a, p, n);
    struct action x = {0};
    struct str key;
    pull_object(&j);
    while (pull_key(&j, &key)) {
        if (pull_null(&j))
            continue;
        switch (kind_of(key) & want) {
        case WANT_ADD:
            x.add = read_add(&j);
            break;
        case WANT_REMOVE:
            x.remove = read_remove(&j);
            break;
        case WANT_PROTOCOL:
            x.protocol = read_protocol(&j);
            break;
        case WANT_METADATA:
            x.metadata = read_metadata(&j);
            break;
        case WANT_TXN:
            x.txn = read_txn(&j);
            break;
        case WANT_INFO:
            x.info = read_info(&j);
            break;
        case WANT_DOMAIN:
            x.domain = read_domain(&j);
            break;
        case WANT_SIDECAR:
            x.sidecar = read_sidecar(&j);
            break;
        default:
            pull_skip(&j);
        }
    }
    if (!pull_end(&j)) {
        *ret_why = j.why;
        *ret_at = j.at;
        return false;
    }
    *ret = x;
    return true;
}

static void write_text(struct buf *b, const char *before, const char *s)
{
    buf_addf(b, "%s", before);
    if (s)
        json_quote(b, s, strlen(s));
    else
        buf_addf(b, "null");
}

void action_write_object(struct buf *b, const struct pair *v, size_t n)
{
    buf_addf(b, "{");
    for (size_t i = 0; i < n; i++) {
        write_text(b, i ? "," : "", v[i].key);
        write_text(b, ":", v[i].value);
    }
    buf_addf(b, "}");
}

static void write_texts(struct buf *b, const char *before, const char *const *v)
{
    buf_addf(b, "%s[", before);
    for (size_t i = 0; v && v[i]; i++)
        write_text(b, i ? "," : "", v[i]);
    buf_addf(b, "]");
}

void action_write_protocol(struct buf *b, const struct protocol *p)
{
    buf_addf(b, "{\"protocol\":{\"minReaderVersion\":%d,\"minWriterVersion\":%d", p->reader, p->writer);
    if (p->reader >= 3)
        write_texts(b, ",\"readerFeatures\":", p->reader_features);
    if (p->writer >= 7)
        write_texts(b, ",\"writerFeatures\":", p->writer_features);
    buf_addf(b, "}}\n");
}

void action_write_metadata(struct buf *b, const struct metadata *m)
{
    write_text(b, "{\"metaData\":{\"id\":", m->id);
    if (m->name)
        write_text(b, ",\"name\":", m->name);
    if (m->description)
        write_text(b, ",\"description\":", m->description);
    buf_addf(b, ",\"format\":{\"provider\":\"parquet\",\"options\":{}}");
    write_text(b, ",\"schemaString\":", m->schema);
    write_texts(b, ",\"partitionColumns\":", m->partition_by);
    buf_addf(b, ",\"configuration\":");
    action_write_object(b, m->configuration, m->nconfiguration);
    if (m->created_ms)
        buf_addf(b, ",\"createdTime\":%" PRIi64, m->created_ms);
    buf_addf(b, "}}\n");
}

void action_write_txn(struct buf *b, const struct txn_act *t)
{
    write_text(b, "{\"txn\":{\"appId\":", t->app_id);
    buf_addf(b, ",\"version\":%" PRIi64, t->version);
    if (t->updated_ms)
        buf_addf(b, ",\"lastUpdated\":%" PRIi64, t->updated_ms);
    buf_addf(b, "}}\n");
}

void action_write_domain(struct buf *b, const struct domain_act *d)
{
    write_text(b, "{\"domainMetadata\":{\"domain\":", d->domain);
    write_text(b, ",\"configuration\":", d->configuration ? d->configuration : "");
    buf_addf(b, ",\"removed\":%s}}\n", d->removed ? "true" : "false");
}

/* What a file has besides, the same in an add and a remove. */
static void write_more(struct buf *b, const struct file_act *f)
{
    if (f->tags)
        buf_addf(b, ",\"tags\":%s", f->tags);
    if (f->dv) {
        const char kind[] = {f->dv->storage, '\0'};
        write_text(b, ",\"deletionVector\":{\"storageType\":", kind);
        write_text(b, ",\"pathOrInlineDv\":", f->dv->path_or_inline);
        if (f->dv->offset >= 0)
            buf_addf(b, ",\"offset\":%" PRIi64, f->dv->offset);
        buf_addf(b, ",\"sizeInBytes\":%" PRIi64 ",\"cardinality\":%" PRIi64 "}", f->dv->size_bytes,
                 f->dv->cardinality);
    }
    if (f->row_ids && f->row_ids->base >= 0)
        buf_addf(b, ",\"baseRowId\":%" PRIi64, f->row_ids->base);
    if (f->row_ids && f->row_ids->commit_version >= 0)
        buf_addf(b, ",\"defaultRowCommitVersion\":%" PRIi64, f->row_ids->commit_version);
}

void action_write_add(struct buf *b, const struct file_act *f)
{
    write_text(b, "{\"add\":{\"path\":", f->log_path);
    buf_addf(b, ",\"partitionValues\":");
    action_write_object(b, f->values, f->nvalues);
    buf_addf(b, ",\"size\":%" PRIi64 ",\"modificationTime\":%" PRIi64 ",\"dataChange\":%s", f->size,
             f->time_ms, f->data_change ? "true" : "false");
    if (f->stats)
        write_text(b, ",\"stats\":", f->stats);
    else if (f->rows >= 0)
        buf_addf(b, ",\"stats\":\"{\\\"numRecords\\\":%" PRIi64 "}\"", f->rows);
    write_more(b, f);
    if (f->clustered_by)
        write_text(b, ",\"clusteringProvider\":", f->clustered_by);
    buf_addf(b, "}}\n");
}

void action_write_change(struct buf *b, const struct file_act *f)
{
    write_text(b, "{\"cdc\":{\"path\":", f->log_path);
    buf_addf(b, ",\"partitionValues\":");
    action_write_object(b, f->values, f->nvalues);
    buf_addf(b, ",\"size\":%" PRIi64 ",\"dataChange\":false}}\n", f->size);
}

void action_write_remove(struct buf *b, const struct file_act *f)
{
    write_text(b, "{\"remove\":{\"path\":", f->log_path);
    buf_addf(b, ",\"deletionTimestamp\":%" PRIi64 ",\"dataChange\":%s", f->time_ms,
             f->data_change ? "true" : "false");
    if (f->has_values && f->size >= 0) {
        buf_addf(b, ",\"extendedFileMetadata\":true,\"partitionValues\":");
        action_write_object(b, f->values, f->nvalues);
        buf_addf(b, ",\"size\":%" PRIi64, f->size);
    }
    write_more(b, f);
    buf_addf(b, "}}\n");
}

struct file_act action_of_file(struct arena *a, const struct lake_file *f, const char *const *columns,
                               size_t n)
{
    struct pair *values = arena_make(a, struct pair, n);
    for (size_t i = 0; i < n; i++) {
        const char *value = f->values ? f->values[i] : NULL;
        values[i] =
            (struct pair){columns[i], value && *value ? value : NULL}; /* empty is null, by the protocol */
    }
    return (struct file_act){
        .path = f->path,
        .log_path = f->log_path ? f->log_path : path_encode(a, f->path),
        .values = values,
        .nvalues = n,
        .has_values = true,
        .size = f->size,
        .time_ms = f->mtime_ms,
        .rows = -1,
        .stats = f->stats,
        .tags = f->tags,
        .data_change = f->data_change,
        .dv = f->dv,
        .row_ids = f->row_ids,
        .clustered_by = f->clustered_by,
    };
}
