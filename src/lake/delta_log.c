#include "lake/delta_log.h"

#include <inttypes.h>
#include <string.h>

#include "lake/path.h"
#include "lake/pull.h"

const char *log_table_name(const struct lake_table *t)
{
    return t->dir && *t->dir ? t->dir : t->store->uri;
}

char *log_path(struct arena *a, const struct lake_table *t, const char *name)
{
    return t->dir && *t->dir ? arena_fmt(a, "%s/%s", t->dir, name) : arena_str(a, name);
}

char *log_commit_path(struct arena *a, const struct lake_table *t, int64_t version)
{
    return log_path(a, t, arena_fmt(a, LOG_DIR "/%020" PRIi64 ".json", version));
}

/* Exactly n digits. */
static bool scan_number(const char **p, int n, int64_t *ret)
{
    int64_t v = 0;
    for (int i = 0; i < n; i++, (*p)++) {
        if (**p < '0' || **p > '9' || __builtin_mul_overflow(v, 10, &v) ||
            __builtin_add_overflow(v, **p - '0', &v))
            return false;
    }
    *ret = v;
    return true;
}

/* The names of the log: a version, and what that file is to it. */
enum log_name {
    NAME_OTHER,
    NAME_COMMIT,
    NAME_CHECKPOINT,
    NAME_PART,
    NAME_V2_JSON,
    NAME_V2_PARQUET,
    NAME_COMPACTED /* its last version is in *part */
};

static enum log_name parse_name(const char *name, int64_t *version, int64_t *part, int64_t *parts)
{
    const char *p = name;
    if (!scan_number(&p, 20, version) || *version > INT64_MAX / 2) /* so that there is a next one */
        return NAME_OTHER;
    if (strcmp(p, ".json") == 0)
        return NAME_COMMIT;
    if (strcmp(p, ".checkpoint.parquet") == 0)
        return NAME_CHECKPOINT;
    const char *last = p + 1;
    if (*p == '.' && scan_number(&last, 20, part) && strcmp(last, ".compacted.json") == 0)
        return *part > *version && *part <= INT64_MAX / 2 ? NAME_COMPACTED : NAME_OTHER;
    if (strncmp(p, ".checkpoint.", 12) != 0)
        return NAME_OTHER;
    const char *tail = p + 12;
    p = tail;
    if (scan_number(&p, 10, part) && *p++ == '.' && scan_number(&p, 10, parts) && strcmp(p, ".parquet") == 0)
        return NAME_PART;
    if (strcspn(tail, ".") != 36) /* a UUID */
        return NAME_OTHER;
    return strcmp(tail + 36, ".json") == 0      ? NAME_V2_JSON
           : strcmp(tail + 36, ".parquet") == 0 ? NAME_V2_PARQUET
                                                : NAME_OTHER;
}

struct commits list_of(struct log_commit);
struct checkpoints list_of(struct log_checkpoint);
struct compactions list_of(struct log_compaction);

struct sorted {
    struct commits commits;
    struct checkpoints checkpoints;
    struct compactions compactions;
};

/* All parts of a checkpoint, of which entry `first` is number 1; they stand together in the listing. */
static bool gather_parts(struct arena *a, const struct store_entry *entries, size_t n, size_t first,
                         struct log_checkpoint *ret)
{
    int64_t version, v, part, parts, of, found = 0, bytes = 0;
    parse_name(entries[first].name, &version, &part, &parts);
    if (part != 1 || parts < 1 || parts > (int64_t)n)
        return false;
    const char **names = arena_make(a, const char *, (size_t)parts);
    for (size_t i = first; i < n && found < parts; i++) {
        enum log_name kind = parse_name(entries[i].name, &v, &part, &of);
        if (kind == NAME_OTHER || v != version)
            break;
        if (kind == NAME_PART && of == parts && part == found + 1) {
            names[found++] = entries[i].name;
            bytes += entries[i].size;
        }
    }
    *ret = (struct log_checkpoint){version, entries[first].mtime_ms, names, (size_t)parts, bytes, false};
    return found == parts;
}

static void sort_entry(struct arena *a, const struct store_entry *entries, size_t n, size_t i,
                       struct sorted *to)
{
    const struct store_entry *x = &entries[i];
    struct log_checkpoint c;
    int64_t version = 0, part, parts;
    enum log_name kind = x->is_dir ? NAME_OTHER : parse_name(x->name, &version, &part, &parts);
    switch (kind) {
    case NAME_COMMIT:
        *arena_push(a, &to->commits) = (struct log_commit){version, x->mtime_ms, x->size};
        break;
    case NAME_COMPACTED:
        *arena_push(a, &to->compactions) = (struct log_compaction){version, part, x->name};
        break;
    case NAME_PART:
        if (gather_parts(a, entries, n, i, &c))
            *arena_push(a, &to->checkpoints) = c;
        break;
    case NAME_CHECKPOINT:
    case NAME_V2_JSON:
    case NAME_V2_PARQUET: {
        const char **names = arena_make(a, const char *, 1);
        names[0] = x->name;
        *arena_push(a, &to->checkpoints) =
            (struct log_checkpoint){version, x->mtime_ms, names, 1, x->size, kind == NAME_V2_JSON};
        break;
    }
    case NAME_OTHER:
        break;
    }
}

bool log_list(struct arena *a, const struct lake_table *t, int64_t from, struct log_listing *ret,
              struct err *e)
{
    struct store_entry *entries;
    size_t n;
    struct sorted to = {0};
    const char *after = from > 0 ? arena_fmt(a, "%020" PRIi64, from) : NULL;
    if (!t->store->driver->list(t->store, a, log_path(a, t, LOG_DIR), after, &entries, &n, e))
        return false;
    for (size_t i = 0; i < n; i++)
        sort_entry(a, entries, n, i, &to);
    *ret = (struct log_listing){to.commits.v,     to.commits.n,     to.checkpoints.v,
                                to.checkpoints.n, to.compactions.v, to.compactions.n};
    return true;
}

int64_t log_last(const struct log_listing *l)
{
    int64_t last = -1;
    if (l->ncommits)
        last = l->commits[l->ncommits - 1].version;
    if (l->ncheckpoints && l->checkpoints[l->ncheckpoints - 1].version > last)
        last = l->checkpoints[l->ncheckpoints - 1].version;
    return last;
}

int64_t log_hint(const struct lake_table *t)
{
    struct err e;
    auto_arena *a = arena_new();
    auto_buf b = BUF(16 << 20);
    if (!t->store->driver->read(t->store, log_path(a, t, LOG_HINT), &b, NULL, &e))
        return -1;
    struct pull j = pull_begin(a, b.p, b.len);
    struct str key;
    int64_t version = -1;
    pull_object(&j);
    while (pull_key(&j, &key)) {
        if (str_is(key, "version"))
            version = pull_int(&j);
        else
            pull_skip(&j);
    }
    return pull_end(&j) && version >= 0 ? version : -1;
}

struct source { /* of lines: where they come from, where they go */
    struct arena *a;
    const struct lake_table *t;
    const char *name; /* of the file */
    unsigned want;
    log_each *each;
    void *arg;
    int64_t line;
    struct pairs_memo values; /* of the last add that came in columns */
};

static bool take_line(struct source *s, const char *p, size_t n, bool last, struct err *e)
{
    struct action x;
    const char *why;
    size_t at;
    s->line++;
    if (action_parse(s->a, p, n, s->want, &x, &why, &at))
        return s->each(s->arg, &x, e);
    if (last && (at == n || p[n - 1] != '}'))
        return fail(e, ERR_DATA, "'%s' of table '%s' is cut off: line %" PRIi64 " ends after %zu bytes",
                    s->name, log_table_name(s->t), s->line, n);
    return fail(e, ERR_DATA, "'%s' of table '%s' is damaged: line %" PRIi64 ", byte %zu: %s", s->name,
                log_table_name(s->t), s->line, at + 1, why);
}

static bool is_blank(const char *p, size_t n)
{
    while (n && strchr(" \t\r", *p) && *p)
        p++, n--;
    return n == 0;
}

static bool read_lines(struct source *s, const struct buf *b, struct err *e)
{
    bool any = false;
    for (const char *p = b->p, *end = b->p + b->len; p < end;) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        size_t n = (size_t)((eol ? eol : end) - p);
        if (!is_blank(p, n)) {
            if (!take_line(s, p, n, !eol, e))
                return false;
            any = true;
        }
        p += n + 1;
    }
    return any || fail(e, ERR_DATA, "'%s' of table '%s' is empty", s->name, log_table_name(s->t));
}

static bool read_json(struct source *s, const char *path, bool *ret_missing, int64_t *ret_bytes,
                      struct err *e)
{
    auto_buf b = BUF(LOG_COMMIT_MAX);
    if (!s->t->store->driver->read(s->t->store, path, &b, ret_missing, e))
        return false;
    if (ret_bytes)
        *ret_bytes += (int64_t)b.len;
    return read_lines(s, &b, e);
}

bool log_read_commit(struct arena *a, const struct lake_table *t, int64_t version, unsigned want,
                     log_each *each, void *arg, bool *ret_missing, int64_t *ret_bytes, struct err *e)
{
    char name[32];
    snprintf(name, sizeof name, "%020" PRIi64 ".json", version);
    struct source s = {.a = a, .t = t, .name = name, .want = want, .each = each, .arg = arg};
    return read_json(&s, log_commit_path(a, t, version), ret_missing, ret_bytes, e);
}

bool log_read_compaction(struct arena *a, const struct lake_table *t, const struct log_compaction *c,
                         unsigned want, log_each *each, void *arg, int64_t *ret_bytes, struct err *e)
{
    struct source s = {a, t, c->name, want, each, arg, 0};
    return read_json(&s, log_path(a, t, arena_fmt(a, LOG_DIR "/%s", c->name)), NULL, ret_bytes, e);
}

static bool parquet_line(void *arg, const char *p, size_t n, struct err *e)
{
    return take_line(arg, p, n, false, e);
}

/* The columns of a checkpoint that are wanted; the list ends with NULL. */
static void wanted_columns(unsigned want, const char *columns[9])
{
    static const struct {
        unsigned kind;
        const char *column;
    } all[] = {
        {WANT_ADD, "add"},
        {WANT_REMOVE, "remove"},
        {WANT_PROTOCOL, "protocol"},
        {WANT_METADATA, "metaData"},
        {WANT_TXN, "txn"},
        {WANT_SIDECAR, "sidecar"},
        {WANT_DOMAIN, "domainMetadata"},
    };
    for (size_t i = 0; i < countof(all); i++)
        if (want & all[i].kind)
            *columns++ = all[i].column;
    *columns = NULL;
}

static bool parquet_add(void *arg, const struct lake_parquet_add *x, struct err *e)
{
    struct source *s = arg;
    struct action action = {0};
    const char *why = NULL;
    if (!action_of_columns(s->a, x, &s->values, &action.add, &why))
        return fail(e, ERR_DATA, "it is damaged: an add, %s", why);
    return s->each(s->arg, &action, e);
}

static bool read_parquet(struct source *s, const char *path, struct err *e)
{
    const char *columns[9], *uri;
    const struct lake_parquet *p = s->t->parquet;
    if (!p)
        return fail(e, ERR_DATA, "'%s' of table '%s' cannot be read without an engine", s->name,
                    log_table_name(s->t));
    const struct store_object object = {path, -1};
    if (!store_fetch(s->t->store, &object, 1, e))
        return wrap(e, "'%s' of table '%s'", s->name, log_table_name(s->t));
    uri = store_uri(s->a, s->t->store, path);
    bool apart = p->read_adds && s->want & WANT_ADD;
    wanted_columns(apart ? s->want & ~(unsigned)WANT_ADD : s->want, columns);
    return (apart ? p->read_adds(p->ctx, uri, columns, parquet_line, parquet_add, s, e)
                  : p->read(p->ctx, uri, columns, parquet_line, s, e)) ||
           wrap(e, "'%s' of table '%s'", s->name, log_table_name(s->t));
}

struct sidecars list_of(const char *);
struct v2 {
    struct arena *a;
    struct sidecars files;
    log_each *each;
    void *arg;
};

static bool v2_action(void *arg, const struct action *x, struct err *e)
{
    struct v2 *v = arg;
    if (!x->sidecar)
        return v->each(v->arg, x, e);
    *arena_push(v->a, &v->files) = x->sidecar;
    return true;
}

/* All but what is in sidecars; the names of these into v->files. */
static bool read_top(struct v2 *v, const struct lake_table *t, const struct log_checkpoint *c, unsigned want,
                     int64_t *ret_bytes, struct err *e)
{
    struct arena *a = v->a;
    bool is_v2 = c->n == 1; /* one of the classic name may have sidecars, too */
    for (size_t i = 0; i < c->n; i++) {
        struct source s = {.a = a,
                           .t = t,
                           .name = c->names[i],
                           .want = want | (is_v2 ? WANT_SIDECAR : 0),
                           .each = v2_action,
                           .arg = v};
        char *path = log_path(a, t, arena_fmt(a, LOG_DIR "/%s", c->names[i]));
        if (c->json ? !read_json(&s, path, NULL, ret_bytes, e) : !read_parquet(&s, path, e))
            return false;
    }
    return true;
}

bool log_read_checkpoint(struct arena *a, const struct lake_table *t, const struct log_checkpoint *c,
                         unsigned want, log_each *each, void *arg, int64_t *ret_bytes, struct err *e)
{
    struct v2 v = {.a = a, .each = each, .arg = arg};
    if (!read_top(&v, t, c, want, ret_bytes, e))
        return false;
    for (size_t i = 0; i < v.files.n; i++) {
        const char *name = path_decode(a, v.files.v[i]);
        struct source s = {
            .a = a, .t = t, .name = name, .want = want & (WANT_ADD | WANT_REMOVE), .each = each, .arg = arg};
        if (!read_parquet(&s, log_path(a, t, arena_fmt(a, LOG_SIDECARS "/%s", name)), e))
            return false;
    }
    return true;
}

static bool nothing(void *arg, const struct action *x, struct err *e)
{
    (void)arg, (void)x, (void)e;
    return true;
}

bool log_sidecars(struct arena *a, const struct lake_table *t, const struct log_checkpoint *c,
                  const char ***ret, size_t *ret_n, struct err *e)
{
    struct v2 v = {.a = a, .each = nothing};
    if (c->n == 1 && !read_top(&v, t, c, WANT_SIDECAR, NULL, e))
        return false;
    for (size_t i = 0; i < v.files.n; i++)
        v.files.v[i] = path_decode(a, v.files.v[i]);
    *ret = v.files.v;
    *ret_n = v.files.n;
    return true;
}
