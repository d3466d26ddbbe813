#include <ctype.h>
#include <inttypes.h>
#include <string.h>

#include "base/json.h"
#include "lake/lake.h"
#include "lake/pull.h"

enum { INDEXED_COLUMNS = 32, MAX_CHARS = 32, TIE_CHARS = 64, MAX_PARTS = 64 };

struct stats { /* being made */
    const struct lake_column_stats *cols;
    size_t ncols;
    const char *const *partition_by;
    size_t npartition_by;
    const char *names; /* those that have statistics; NULL = the first ones */
    int64_t left;      /* leaf columns that may still have them */
};

enum stat { STAT_MIN, STAT_MAX, STAT_NULLS };

/* Does `"s"."q"` name the column of this path? A quote within a name is doubled. */
static bool is_named(const char *quoted, const char *const *path, size_t depth)
{
    for (size_t i = 0; i < depth; i++) {
        if (i && *quoted++ != '.')
            return false;
        if (*quoted++ != '"')
            return false;
        for (const char *p = path[i]; *p; p++) {
            if (*quoted++ != *p)
                return false;
            if (*p == '"' && *quoted++ != '"')
                return false;
        }
        if (*quoted++ != '"')
            return false;
    }
    return !*quoted;
}

static const struct lake_column_stats *stats_of(const struct stats *s, const char *const *path, size_t depth)
{
    for (size_t i = 0; i < s->ncols; i++)
        if (is_named(s->cols[i].column, path, depth))
            return &s->cols[i];
    return NULL;
}

/* How many bytes the first n characters take. */
static size_t prefix_bytes(const char *s, size_t n)
{
    const char *p = s;
    for (uint32_t rune; n && *p; n--) {
        int len = text_rune(p, strlen(p), &rune);
        p += len ? len : 1;
    }
    return (size_t)(p - s);
}

/* What a part could not hold is missing in the whole. */
static void join(struct buf *b, const struct buf *part)
{
    if (part->failed && !b->failed)
        b->failed = part->failed;
    buf_add(b, part->p, part->len);
}

/* A longer maximum is cut, and what then follows is made greater than what was cut off: DEL is enough behind
 * plain letters, the last character that there is behind others. When that is what stood there, the cut is
 * made later; too late is no maximum at all. */
static bool write_max_string(struct buf *b, const char *s)
{
    size_t n = prefix_bytes(s, MAX_CHARS);
    if (!s[n]) {
        json_quote(b, s, n);
        return true;
    }
    for (int chars = MAX_CHARS; chars < TIE_CHARS && s[n]; chars++) {
        uint32_t next = 0;
        int len = text_rune(s + n, strlen(s + n), &next);
        if (len && next < 0x10ffff) {
            auto_buf cut = BUF(SIZE_MAX / 2);
            buf_add(&cut, s, n);
            buf_addf(&cut, "%s", next < 0x7f ? "\x7f" : "\xf4\x8f\xbf\xbf");
            json_quote(b, cut.p, cut.len);
            b->failed = b->failed ? b->failed : cut.failed;
            return true;
        }
        n += len ? (size_t)len : 1;
    }
    return false;
}

static bool write_string(struct buf *b, enum stat what, const char *s)
{
    if (!text_utf8(s, strlen(s)))
        return false;
    if (what == STAT_MAX)
        return write_max_string(b, s);
    json_quote(b, s, prefix_bytes(s, MAX_CHARS));
    return true;
}

/* To the millisecond, away from the values between. */
static bool write_timestamp(struct buf *b, enum stat what, const char *s, bool zone)
{
    struct err ignored;
    int64_t us, rest;
    char text[32];
    if (!clock_parse(s, &us, &ignored))
        return false;
    rest = (us % 1000 + 1000) % 1000;
    us -= rest;
    if (what == STAT_MAX && rest)
        us += 1000;
    clock_format(text, us, 3);
    if (!zone)
        text[strcspn(text, "Z")] = '\0';
    buf_addf(b, "\"%s\"", text);
    return true;
}

static bool write_date(struct buf *b, const char *s)
{
    struct err ignored;
    int64_t us;
    if (strlen(s) != 10 || !clock_parse(s, &us, &ignored))
        return false;
    buf_addf(b, "\"%s\"", s);
    return true;
}

/* As JSON has numbers: "nan" and "inf" are none. */
static bool write_number(struct buf *b, const char *s)
{
    return (*s == '-' || (*s >= '0' && *s <= '9')) && pull_compact(b, s);
}

static bool write_value(struct buf *b, enum stat what, const char *type, const struct lake_column_stats *c)
{
    const char *s = what == STAT_MIN ? c->min : c->max;
    if (!s || c->has_nan || strcmp(type, "boolean") == 0 || strcmp(type, "binary") == 0)
        return false;
    if (strcmp(type, "string") == 0)
        return write_string(b, what, s);
    if (strcmp(type, "date") == 0)
        return write_date(b, s);
    if (strncmp(type, "timestamp", 9) == 0)
        return write_timestamp(b, what, s, strcmp(type, "timestamp") == 0);
    return write_number(b, s);
}

static bool is_partition(const struct stats *s, const char *name)
{
    for (size_t i = 0; i < s->npartition_by; i++)
        if (strcmp(s->partition_by[i], name) == 0)
            return true;
    return false;
}

/* One part of "s.`odd name`", from *p on, which goes past it. */
static bool takes_part(const char **p, const char *name)
{
    const char *s = *p;
    bool quoted = *s == '`';
    s += quoted;
    for (; *name && *s; name++, s++) {
        if (tolower((unsigned char)*name) != tolower((unsigned char)*s))
            return false;
        if (quoted && *s == '`' && *++s != '`')
            return false;
    }
    if (*name || (quoted && *s++ != '`'))
        return false;
    *p = s;
    return true;
}

/* Is the column one of those named, or in a struct that is? */
static bool is_listed(const char *names, const char *const *path, size_t depth)
{
    for (const char *p = names; *p; p += *p == ',') {
        p += strspn(p, " \t\n");
        const char *end = p;
        for (size_t i = 0; i < depth && takes_part(&end, path[i]); i++) {
            const char *rest = end + strspn(end, " \t\n");
            if (!*rest || *rest == ',')
                return true;
            if (*end++ != '.')
                break;
        }
        for (bool quoted = false; *p && (quoted || *p != ','); p++)
            quoted ^= *p == '`';
    }
    return false;
}

static bool is_indexed(struct stats *s, const char *const *path, size_t depth)
{
    return s->names ? is_listed(s->names, path, depth) : s->left-- > 0;
}

struct lake_indexed lake_indexed(const struct lake_property *props, size_t nprops)
{
    struct lake_indexed x = {INDEXED_COLUMNS, NULL};
    struct err ignored;
    int64_t n;
    for (size_t i = 0; i < nprops; i++) {
        const char *key = props[i].key, *value = props[i].value;
        if (value && strcmp(key, "delta.dataSkippingStatsColumns") == 0)
            x.names = value;
        else if (value && strcmp(key, "delta.dataSkippingNumIndexedCols") == 0 &&
                 text_int(value, &n, &ignored) && n >= -1)
            x.first = n;
    }
    return x;
}

struct path { /* of a column: as the table names it, and as files do */
    const char *names[MAX_PARTS], *physical[MAX_PARTS];
};

/* `what` of the columns as members of an object, whose brace is written. The path names the struct. */
static void write_columns(struct buf *b, struct stats *s, enum stat what, const struct lake_field *f,
                          size_t n, struct path *path, size_t depth)
{
    const char *comma = "";
    for (size_t i = 0; i < n && depth < MAX_PARTS; i++) {
        if (depth == 0 && is_partition(s, f[i].name))
            continue;
        auto_buf value = BUF(SIZE_MAX / 2);
        const char *name = lake_physical(&f[i]);
        path->names[depth] = f[i].name;
        path->physical[depth] = name;
        bool wrote = false;
        if (f[i].type->kind == LAKE_STRUCT) {
            write_columns(&value, s, what, f[i].type->fields, f[i].type->nfields, path, depth + 1);
            wrote = value.len > 0;
        } else if (is_indexed(s, path->names, depth + 1)) {
            const struct lake_column_stats *c =
                f[i].type->kind == LAKE_PRIMITIVE ? stats_of(s, path->physical, depth + 1) : NULL;
            if (c && what == STAT_NULLS && c->nulls >= 0) {
                buf_addf(&value, "%" PRIi64, c->nulls);
                wrote = true;
            } else if (c && what != STAT_NULLS) {
                wrote = write_value(&value, what, f[i].type->primitive, c);
            }
        }
        if (!wrote && !value.failed)
            continue;
        bool nested = f[i].type->kind == LAKE_STRUCT;
        buf_addf(b, "%s", comma);
        json_quote(b, name, strlen(name));
        buf_addf(b, nested ? ":{" : ":");
        join(b, &value);
        buf_addf(b, nested ? "}" : "");
        comma = ",";
    }
}

char *lake_stats(struct arena *a, const struct lake_schema *schema, const char *const *partition_by,
                 size_t npartition_by, const struct lake_indexed *which, int64_t rows,
                 const struct lake_column_stats *cols, size_t ncols)
{
    const struct lake_indexed usual = {INDEXED_COLUMNS, NULL}, *x = which ? which : &usual;
    static const char *const names[] = {"minValues", "maxValues", "nullCount"};
    struct path path;
    auto_buf b = BUF(SIZE_MAX / 2);
    struct stats s = {cols, ncols, partition_by, npartition_by, x->names, 0};
    buf_addf(&b, "{\"numRecords\":%" PRIi64, rows);
    for (size_t i = 0; i < countof(names); i++) {
        s.left = x->first < 0 ? INT64_MAX : x->first;
        buf_addf(&b, ",\"%s\":{", names[i]);
        write_columns(&b, &s, (enum stat)i, schema->fields, schema->n, &path, 0);
        buf_addf(&b, "}");
    }
    buf_addf(&b, "}");
    return b.failed ? NULL : arena_strn(a, b.p, b.len);
}

/* The text of a top-level member of an object; leaves the object half read. */
static bool find_member(struct pull *j, const char *name)
{
    struct str key;
    if (!pull_object(j))
        return false;
    while (pull_key(j, &key)) {
        if (str_is(key, name))
            return true;
        pull_skip(j);
    }
    return false;
}

static const char *stats_value(struct arena *a, const char *stats, const char *kind, const char *column)
{
    struct pull j = pull_begin(a, stats, strlen(stats));
    if (!find_member(&j, kind) || !find_member(&j, column))
        return NULL;
    const char *text = pull_raw(&j);
    return j.why ? NULL : text;
}

bool lake_file_range(struct arena *a, const struct lake_file *f, const char *column, const char **ret_min,
                     const char **ret_max)
{
    const char *min = f->stats ? stats_value(a, f->stats, "minValues", column) : NULL;
    const char *max = min ? stats_value(a, f->stats, "maxValues", column) : NULL;
    if (!max)
        return false;
    *ret_min = min;
    *ret_max = max;
    return true;
}

const char *lake_stats_loose(struct arena *a, const char *stats)
{
    struct pull j = pull_begin(a, stats, strlen(stats));
    auto_buf b = BUF(SIZE_MAX / 2);
    struct str key;
    pull_object(&j);
    buf_addf(&b, "{");
    while (pull_key(&j, &key)) {
        struct str value = pull_skip(&j);
        if (str_is(key, "tightBounds"))
            continue;
        json_quote(&b, key.p, key.n);
        buf_addf(&b, ":%.*s,", STR(value));
    }
    buf_addf(&b, "\"tightBounds\":false}");
    return pull_end(&j) && !b.failed ? arena_strn(a, b.p, b.len) : NULL;
}
