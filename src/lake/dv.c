#include "lake/dv.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "lake/delta_log.h"
#include "lake/path.h"

/* Of one vector: 2^31 bytes is what the format can say; and of a file of them. */
#define VECTOR_MAX      ((size_t)1 << 30)
#define VECTOR_FILE_MAX ((size_t)2 << 30)

enum { VERSION = 1, UUID_CHARS = 20 };

/* --- Z85: four bytes as five letters --- */

static const char letters[] =
    "0123456789abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ.-:+=^!/*?&<>()[]{}@%$#";

static bool z85_decode(const char *s, size_t n, unsigned char *out)
{
    if (n % 5)
        return false;
    for (size_t i = 0; i < n; i += 5, out += 4) {
        uint64_t v = 0;
        for (size_t k = 0; k < 5; k++) {
            const char *at = s[i + k] ? strchr(letters, s[i + k]) : NULL;
            if (!at)
                return false;
            v = v * 85 + (uint64_t)(at - letters);
        }
        if (v > UINT32_MAX)
            return false;
        for (int k = 0; k < 4; k++)
            out[k] = (unsigned char)(v >> (24 - 8 * k));
    }
    return true;
}

/* n bytes, zeroes put behind them up to a multiple of four. */
static char *z85_encode(struct arena *a, const void *bytes, size_t n)
{
    const unsigned char *p = bytes;
    size_t blocks = (n + 3) / 4;
    char *text = arena_alloc(a, blocks * 5 + 1, 1);
    for (size_t i = 0; i < blocks; i++) {
        uint32_t v = 0;
        for (size_t k = 0; k < 4; k++)
            v = v << 8 | (i * 4 + k < n ? p[i * 4 + k] : 0);
        for (int k = 4; k >= 0; k--, v /= 85)
            text[i * 5 + (size_t)k] = letters[v % 85];
    }
    return text;
}

/* --- where it is --- */

/* "ab^-aqEH.-t@S}K{vb[*k^" is the folder "ab" and, in 20 letters, a UUID. */
static const char *uuid_path(struct arena *a, const char *text)
{
    unsigned char id[16];
    size_t n = strlen(text);
    if (n < UUID_CHARS || !z85_decode(text + n - UUID_CHARS, UUID_CHARS, id))
        return NULL;
    char hex[37], *out = hex;
    for (size_t i = 0; i < sizeof id; i++)
        out += snprintf(out, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", id[i]);
    size_t folder = n - UUID_CHARS;
    return arena_fmt(a, "%.*s%sdeletion_vector_%s.bin", (int)folder, text, folder ? "/" : "", hex);
}

const char *lake_dv_path(struct arena *a, const struct lake_dv *dv)
{
    if (dv->storage == 'u')
        return uuid_path(a, dv->path_or_inline);
    return dv->storage == 'p' ? path_decode(a, dv->path_or_inline) : NULL;
}

/* Below the store's root; NULL = it is not there. */
static const char *store_path(struct arena *a, const struct lake_table *t, const char *path)
{
    if (!path_is_absolute(path))
        return log_path(a, t, path);
    const char *root = t->store->uri;
    size_t n = strlen(root);
    while (n && root[n - 1] == '/')
        n--;
    return strncmp(path, root, n) == 0 && path[n] == '/' ? path + n + 1 : NULL;
}

/* --- reading --- */

static bool damaged(const struct lake_table *t, const char *where, const char *why, struct err *e)
{
    return fail(e, ERR_DATA, "the deletion vector in '%s' of table '%s' is damaged: %s", where,
                log_table_name(t), why);
}

static bool parse(struct arena *a, const struct lake_table *t, const char *where, const struct lake_dv *dv,
                  const void *p, size_t n, struct rowset *ret, struct err *e)
{
    const char *why = NULL;
    struct rowset rows;
    if (!rowset_read(a, p, n, &rows, &why))
        return damaged(t, where, why, e);
    if (dv->cardinality >= 0 && (uint64_t)dv->cardinality != rows.rows)
        return damaged(t, where, "it has not as many rows as the log says", e);
    *ret = rows;
    return true;
}

static bool load_inline(struct arena *a, const struct lake_table *t, const struct lake_dv *dv,
                        struct rowset *ret, struct err *e)
{
    static const char where[] = LOG_DIR;
    size_t n = strlen(dv->path_or_inline), most = n / 5 * 4;
    unsigned char *bytes = arena_alloc(a, most + 1, 1);
    if (!z85_decode(dv->path_or_inline, n, bytes))
        return damaged(t, where, "it is not Z85", e);
    if (dv->size_bytes > (int64_t)most || (dv->size_bytes >= 0 && dv->size_bytes + 3 < (int64_t)most))
        return damaged(t, where, "its size is not what the log says", e);
    return parse(a, t, where, dv, bytes, dv->size_bytes < 0 ? most : (size_t)dv->size_bytes, ret, e);
}

static uint32_t big_endian(const unsigned char *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static bool parse_file(struct arena *a, const struct lake_table *t, const char *path,
                       const struct lake_dv *dv, const struct buf *b, struct rowset *ret, struct err *e)
{
    const unsigned char *p = (const unsigned char *)b->p;
    uint64_t at = dv->offset < 0 ? 1 : (uint64_t)dv->offset, n = (uint64_t)dv->size_bytes;
    if (dv->size_bytes < 0 || n > VECTOR_MAX)
        return damaged(t, path, "its size is out of range", e);
    if (!b->len || p[0] != VERSION)
        return damaged(t, path, "the file is not of version 1", e);
    if (at < 1 || at > b->len || b->len - at < n + 8)
        return damaged(t, path, "the file is cut off", e);
    if (big_endian(p + at) != n)
        return damaged(t, path, "its size is not what the log says", e);
    if (big_endian(p + at + 4 + n) != (uint32_t)crc32_z(0, p + at + 4, n))
        return damaged(t, path, "its checksum does not match", e);
    return parse(a, t, path, dv, p + at + 4, n, ret, e);
}

/* On the same disk: a shallow clone has the vectors of the table that it was made from. */
static bool elsewhere(struct arena *a, const struct lake_table *t, const char *path, struct store **ret,
                      const char **ret_path)
{
    struct err ignored;
    const char *slash = strrchr(path, '/');
    if (*path != '/' || !slash[1] || strcmp(t->store->driver->scheme, "file") != 0)
        return false;
    *ret_path = slash + 1;
    return store_open(a, slash == path ? "/" : arena_strn(a, path, (size_t)(slash - path)), NULL, ret,
                      &ignored);
}

static bool read_file(struct arena *a, const struct lake_table *t, const char *path, struct buf *b,
                      struct err *e)
{
    bool missing = false;
    struct store *store = t->store;
    const char *stored = store_path(a, t, path);
    if (!stored && !elsewhere(a, t, path, &store, &stored))
        return fail(e, ERR_DATA, "the deletion vector '%s' of table '%s' is not below '%s'", path,
                    log_table_name(t), t->store->uri);
    if (store->driver->read(store, stored, b, &missing, e))
        return true;
    return missing
               ? fail(e, ERR_DATA, "the deletion vector '%s' of table '%s' is gone", path, log_table_name(t))
               : wrap(e, "the deletion vector '%s' of table '%s'", path, log_table_name(t));
}

/* A file of vectors that was read, and may be wanted again. */
struct last {
    const char *path;
    struct buf bytes;
};

static bool load(struct arena *a, const struct lake_table *t, const struct lake_dv *dv, const char *path,
                 struct last *last, struct rowset *ret, struct err *e)
{
    if (!dv) {
        *ret = (struct rowset){0};
        return true;
    }
    if (dv->storage == 'i')
        return load_inline(a, t, dv, ret, e);
    if (!path)
        return damaged(t, dv->path_or_inline, "that does not name a file", e);
    if (!last->path || strcmp(last->path, path) != 0) {
        buf_free(&last->bytes);
        *last = (struct last){NULL, BUF(VECTOR_FILE_MAX)};
        if (!read_file(a, t, path, &last->bytes, e))
            return false;
        last->path = path;
    }
    return parse_file(a, t, path, dv, &last->bytes, ret, e);
}

bool lake_dv_load(struct arena *a, const struct lake_table *t, const struct lake_dv *dv, struct rowset *ret,
                  struct err *e)
{
    struct last last = {NULL, BUF(VECTOR_FILE_MAX)};
    bool ok = load(a, t, dv, dv ? lake_dv_path(a, dv) : NULL, &last, ret, e);
    buf_free(&last.bytes);
    return ok;
}

struct place {
    const char *path;
    size_t i;
};

static int by_path(const void *x, const void *y)
{
    const char *p = ((const struct place *)x)->path, *q = ((const struct place *)y)->path;
    return p && q ? strcmp(p, q) : (p != NULL) - (q != NULL);
}

bool lake_dv_load_all(struct arena *a, const struct lake_table *t, const struct lake_file *const *files,
                      size_t n, struct rowset **ret, struct err *e)
{
    struct rowset *rows = arena_make(a, struct rowset, n);
    struct place *places = arena_make(a, struct place, n);
    struct last last = {NULL, BUF(VECTOR_FILE_MAX)};
    size_t some = 0;
    bool ok = true;
    for (size_t i = 0; i < n; i++)
        if (files[i]->dv)
            places[some++] = (struct place){lake_dv_path(a, files[i]->dv), i};
    if (some)
        qsort(places, some, sizeof *places, by_path);
    for (size_t i = 0; i < some && ok; i++)
        ok = load(a, t, files[places[i].i]->dv, places[i].path, &last, &rows[places[i].i], e) ||
             wrap(e, "file '%s'", files[places[i].i]->path);
    buf_free(&last.bytes);
    if (ok)
        *ret = rows;
    return ok;
}

/* --- writing --- */

const struct lake_dv *lake_dv_inline(struct arena *a, const struct rowset *rows)
{
    auto_buf b = BUF(VECTOR_MAX);
    struct lake_dv *dv = arena_make(a, struct lake_dv, 1);
    rowset_write(&b, rows);
    *dv = (struct lake_dv){'i', z85_encode(a, b.p, b.len), -1, (int64_t)b.len, (int64_t)rows->rows};
    return dv;
}

static int hex(char c)
{
    return c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10;
}

static const char *encode_uuid(struct arena *a, const char *uuid)
{
    unsigned char id[16];
    size_t n = 0;
    for (const char *p = uuid; *p && n < sizeof id; p += 2) {
        p += *p == '-';
        id[n++] = (unsigned char)(hex(p[0]) << 4 | hex(p[1]));
    }
    return z85_encode(a, id, sizeof id);
}

static void put_big_endian(struct buf *b, uint32_t v)
{
    const unsigned char bytes[] = {(unsigned char)(v >> 24), (unsigned char)(v >> 16),
                                   (unsigned char)(v >> 8), (unsigned char)v};
    buf_add(b, bytes, sizeof bytes);
}

bool lake_dv_append(struct arena *a, const char *uuid, const struct rowset *rows, struct buf *file,
                    const struct lake_dv **ret, struct err *e)
{
    static const char version = VERSION;
    auto_buf b = BUF(VECTOR_MAX);
    rowset_write(&b, rows);
    if (!buf_done(&b, e))
        return false;
    if (!file->len)
        buf_add(file, &version, 1);
    int64_t offset = (int64_t)file->len;
    put_big_endian(file, (uint32_t)b.len);
    buf_add(file, b.p, b.len);
    put_big_endian(file, (uint32_t)crc32_z(0, (const unsigned char *)b.p, b.len));
    if (!buf_done(file, e))
        return false;
    struct lake_dv *dv = arena_make(a, struct lake_dv, 1);
    *dv = (struct lake_dv){'u', encode_uuid(a, uuid), offset, (int64_t)b.len, (int64_t)rows->rows};
    *ret = dv;
    return true;
}
