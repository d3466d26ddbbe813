/* The file: a line that says for which program and engine it holds, then one line an answer:
 * <key, 32 hex digits> {"types":["BIGINT",...],"schema":{...}} */
#include "engine/memo.h"

#include <inttypes.h>
#include <pthread.h>
#include <string.h>
#include <sys/stat.h>

#include "base/fs.h"
#include "base/json.h"
#include "base/text.h"
#include "engine/duck.h"
#include "lake/map.h"

enum {
    MAX_BYTES = 64 << 20,
    KEY_DIGITS = 32,
};

struct entry {
    struct str answer; /* JSON */
    bool used;
};

struct memo {
    struct arena *a;
    const char *path;
    pthread_mutex_t lock;
    bool loaded, changed;
    struct map keys; /* as text; entries by the same numbers */
    struct list_of(struct entry) entries;
};

/* This very program: another build may have other functions and types. */
static const char *heading(struct arena *a)
{
    struct stat st = {0};
    (void)stat("/proc/self/exe", &st);
    return arena_fmt(a, "cupel %s, %" PRIi64 " bytes of %" PRIi64 ".%09ld, DuckDB %s\n", CUPEL_VERSION,
                     (int64_t)st.st_size, (int64_t)st.st_mtim.tv_sec, st.st_mtim.tv_nsec, DUCK_VERSION);
}

/* --- the file --- */

static void take_line(struct memo *m, char *line, size_t n)
{
    if (n < KEY_DIGITS + 2 || line[KEY_DIGITS] != ' ')
        return;
    const char *key = arena_strn(m->a, line, KEY_DIGITS);
    if (map_add(m->a, &m->keys, key) == m->entries.n)
        *arena_push(m->a, &m->entries) =
            (struct entry){.answer = {line + KEY_DIGITS + 1, n - KEY_DIGITS - 1}};
}

static void load(struct memo *m)
{
    const char *head = heading(m->a);
    char *text;
    size_t n;
    struct err ignored;
    m->loaded = true;
    if (!fs_read(m->a, m->path, MAX_BYTES, &text, &n, &ignored) || strncmp(text, head, strlen(head)) != 0)
        return;
    for (char *p = text + strlen(head), *end; (end = strchr(p, '\n')); p = end + 1)
        take_line(m, p, (size_t)(end - p));
}

/* Answers that nobody asked for are kept until they are the larger part: another command may look at another
 * part of the project. */
static void write_file(const struct memo *m)
{
    size_t used = 0;
    struct err ignored;
    auto_arena *a = arena_new();
    auto_buf out = BUF(MAX_BYTES);
    for (size_t i = 0; i < m->entries.n; i++)
        used += m->entries.v[i].used;
    buf_addf(&out, "%s", heading(a));
    for (size_t i = 0; i < m->entries.n; i++)
        if (m->entries.v[i].used || m->entries.n < 2 * used + 100)
            buf_addf(&out, "%s %.*s\n", m->keys.v[i].name, STR(m->entries.v[i].answer));
    bool saved = buf_done(&out, &ignored) && fs_write_atomic(m->path, out.p, out.len, &ignored);
    (void)saved; /* a folder that cannot be written costs time, no more */
}

void memo_save(struct memo *m)
{
    pthread_mutex_lock(&m->lock);
    if (m->changed)
        write_file(m);
    m->changed = false;
    pthread_mutex_unlock(&m->lock);
}

static void memo_close(void *arg)
{
    struct memo *m = arg;
    pthread_mutex_destroy(&m->lock);
}

struct memo *memo_open(struct arena *a, const char *path)
{
    struct memo *m = arena_make(a, struct memo, 1);
    m->a = a;
    m->path = arena_str(a, path);
    pthread_mutex_init(&m->lock, NULL);
    arena_defer(a, memo_close, m);
    return m;
}

/* --- keys --- */

void memo_key_add(struct memo_key *k, const char *text)
{
    size_t n = strlen(text) + 1; /* with its end, so that "ab" + "c" is not "a" + "bc" */
    k->h[0] = text_hash(text, n, k->h[0] + 1);
    k->h[1] = text_hash(text, n, (k->h[1] ^ 0x9e3779b97f4a7c15u) * 31);
}

static char *key_text(struct arena *a, struct memo_key k)
{
    return arena_fmt(a, "%016" PRIx64 "%016" PRIx64, k.h[0], k.h[1]);
}

/* --- answers --- */

static bool read_answer(struct arena *a, struct str text, struct engine_column **ret, size_t *ret_n)
{
    struct err ignored;
    json_t *j;
    struct lake_schema schema;
    if (!json_parse(a, text.p, text.n, "memo", &j, &ignored))
        return false;
    const json_t *types = json_object_get(j, "types");
    const char *fields = json_str(j, "schema", NULL);
    if (!fields || !lake_schema_parse(a, fields, &schema, &ignored) || json_array_size(types) != schema.n)
        return false;
    struct engine_column *v = arena_make(a, struct engine_column, schema.n);
    for (size_t i = 0; i < schema.n; i++) {
        const char *type = json_string_value(json_array_get(types, i));
        if (!type)
            return false;
        v[i] = (struct engine_column){schema.fields[i].name, type, schema.fields[i].type};
    }
    *ret = v;
    *ret_n = schema.n;
    return true;
}

bool memo_find(struct memo *m, struct arena *a, struct memo_key k, struct engine_column **ret, size_t *ret_n)
{
    if (!m->path)
        return false;
    pthread_mutex_lock(&m->lock);
    if (!m->loaded)
        load(m);
    size_t i = map_find(&m->keys, key_text(a, k));
    bool ok = i != SIZE_MAX && read_answer(a, m->entries.v[i].answer, ret, ret_n);
    if (ok)
        m->entries.v[i].used = true;
    pthread_mutex_unlock(&m->lock);
    return ok;
}

static bool write_answer(struct arena *a, const struct engine_column *v, size_t n, struct buf *out)
{
    struct lake_field *fields = arena_make(a, struct lake_field, n);
    struct err ignored;
    auto_buf schema = BUF(MAX_BYTES);
    buf_addf(out, "{\"types\":[");
    for (size_t i = 0; i < n; i++) {
        if (!v[i].type)
            return false;
        fields[i] =
            (struct lake_field){.name = v[i].name, .type = v[i].type, .nullable = true, .metadata = "{}"};
        buf_addf(out, "%s", i ? "," : "");
        json_quote(out, v[i].sql_type, strlen(v[i].sql_type));
    }
    lake_schema_write(&schema, &(struct lake_schema){fields, n});
    buf_addf(out, "],\"schema\":");
    json_quote(out, schema.p, schema.len);
    buf_addf(out, "}");
    return buf_done(&schema, &ignored) && buf_done(out, &ignored);
}

void memo_add(struct memo *m, struct memo_key k, const struct engine_column *columns, size_t n)
{
    auto_buf answer = BUF(MAX_BYTES);
    if (!m->path)
        return;
    pthread_mutex_lock(&m->lock);
    if (write_answer(m->a, columns, n, &answer)) {
        size_t i = map_add(m->a, &m->keys, key_text(m->a, k));
        struct entry *e = i == m->entries.n ? arena_push(m->a, &m->entries) : &m->entries.v[i];
        *e = (struct entry){{arena_strn(m->a, answer.p, answer.len), answer.len}, true};
        m->changed = true;
    }
    pthread_mutex_unlock(&m->lock);
}
