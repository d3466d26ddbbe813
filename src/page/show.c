#include "page/show.h"

#include <string.h>

#include "page/format.h"
#include "project/read.h"

static struct reader reader_of(struct arena *a, struct problems *problems)
{
    static const struct environment none;
    return (struct reader){.a = a, .problems = problems, .env = &none};
}

/* *ret NULL = the body is empty. */
static bool read_body(const struct reader *r, const struct block *b, const struct yaml **ret)
{
    struct yaml *y = NULL;
    bool ok = yaml_parse(r->a, b->body, strlen(b->body), b->at, r->problems, &y);
    *ret = y;
    return ok;
}

static bool check_format(const struct reader *r, const struct yaml *map, const char *format)
{
    return !format || format_known(format) ||
           reader_fail(r, yaml_get(map, "format")->at, FORMAT_PLAIN, "unknown format '%s'", format);
}

/* One of the words; its number. */
static bool read_word(const struct reader *r, const struct yaml *map, const char *key,
                      const char *const *words, size_t n, int *ret)
{
    const struct yaml *y = yaml_get(map, key);
    const char *text = y ? read_text(r, y) : NULL;
    for (size_t i = 0; text && i < n; i++)
        if (strcmp(text, words[i]) == 0) {
            *ret = (int)i;
            return true;
        }
    return !y || (text && reader_unknown(r, y->at, key, text, words, n));
}

/* --- tables --- */

struct column_keys {
    const char *title, *format;
    const struct yaml *align;
    bool bar;
};
static const struct field column_rows[] = {
    {"title", FIELD_TEXT, offsetof(struct column_keys, title), 0, 0, false},
    {"format", FIELD_TEXT, offsetof(struct column_keys, format), 0, 0, false},
    {"align", FIELD_NODE, offsetof(struct column_keys, align), 0, 0, false},
    {"bar", FIELD_FLAG, offsetof(struct column_keys, bar), 0, 0, false},
    {0},
};

static bool read_column(const struct reader *r, const struct yaml *y, struct show_column *c)
{
    static const char *const sides[] = {"left", "right"};
    if (y->kind == YAML_TEXT && (yaml_is_null(y) || !*y->text))
        return true;
    if (y->kind == YAML_TEXT) {
        const char *title = read_text(r, y);
        c->title = title ? title : c->name;
        return title != NULL;
    }
    struct column_keys k = {.title = c->name};
    int side = -1;
    bool ok = read_fields(r, y, c->at, "a column", column_rows, &k) && check_format(r, y, k.format) &&
              read_word(r, y, "align", sides, countof(sides), &side);
    c->title = k.title;
    c->format = ok ? k.format : NULL;
    c->bar = k.bar;
    c->align = side < 0 ? ALIGN_AUTO : side ? ALIGN_RIGHT : ALIGN_LEFT;
    return ok;
}

struct show_keys {
    const struct yaml *columns;
    int64_t limit;
};
static const struct field show_rows[] = {
    {"columns", FIELD_MAP, offsetof(struct show_keys, columns), 0, 0, false},
    {"limit", FIELD_INT, offsetof(struct show_keys, limit), 1, INT64_MAX, false},
    {0},
};

bool show_read(struct arena *a, const struct block *b, struct problems *problems, struct show *ret)
{
    struct reader r = reader_of(a, problems);
    const struct yaml *y;
    struct show_keys k = {0};
    *ret = (struct show){0};
    bool ok = read_body(&r, b, &y) && read_fields(&r, y, b->at, "a table block", show_rows, &k);
    size_t n = k.columns ? k.columns->n : 0;
    struct show_column *c = arena_make(a, struct show_column, n);
    for (size_t i = 0; i < n; i++) {
        const struct yaml_key *key = &k.columns->keys[i];
        c[i] = (struct show_column){.name = key->name, .title = key->name, .at = key->at};
        ok = read_column(&r, k.columns->items[i], &c[i]) && ok;
    }
    *ret = (struct show){c, n, k.limit};
    return ok;
}

/* --- values --- */

struct tile_keys {
    const char *title, *format, *column, *compare, *note, *trend;
    const struct yaml *better;
};
static const struct field tile_rows[] = {
    {"title", FIELD_TEXT, offsetof(struct tile_keys, title), 0, 0, false},
    {"format", FIELD_TEXT, offsetof(struct tile_keys, format), 0, 0, false},
    {"column", FIELD_TEXT, offsetof(struct tile_keys, column), 0, 0, false},
    {"compare", FIELD_TEXT, offsetof(struct tile_keys, compare), 0, 0, false},
    {"note", FIELD_TEXT, offsetof(struct tile_keys, note), 0, 0, false},
    {"better", FIELD_NODE, offsetof(struct tile_keys, better), 0, 0, false},
    {"trend", FIELD_TEXT, offsetof(struct tile_keys, trend), 0, 0, false},
    {0},
};

static struct src value_at(const struct yaml *map, const char *key)
{
    const struct yaml *y = map ? yaml_get(map, key) : NULL;
    return y ? y->at : (struct src){0};
}

bool tile_read(struct arena *a, const struct block *b, struct problems *problems, struct tile *ret)
{
    static const char *const betters[] = {"up", "down", "none"};
    struct reader r = reader_of(a, problems);
    const struct yaml *y;
    struct tile_keys k = {.title = b->name};
    int better = BETTER_UP;
    *ret = (struct tile){.title = b->name};
    if (!read_body(&r, b, &y) || !read_fields(&r, y, b->at, "a value block", tile_rows, &k) ||
        !check_format(&r, y, k.format) ||
        (y && !read_word(&r, y, "better", betters, countof(betters), &better)))
        return false;
    const char *dot = k.trend ? strchr(k.trend, '.') : NULL;
    if (k.trend && !dot)
        return reader_fail(&r, value_at(y, "trend"), "trend: QUERY.COLUMN", "trend: '%s' names no column",
                           k.trend);
    *ret = (struct tile){.title = k.title,
                         .format = k.format,
                         .column = k.column,
                         .compare = k.compare,
                         .note = k.note,
                         .trend = dot ? dot + 1 : NULL,
                         .trend_query = dot ? arena_strn(a, k.trend, (size_t)(dot - k.trend)) : NULL,
                         .better = (typeof(ret->better))better,
                         .column_at = value_at(y, "column"),
                         .compare_at = value_at(y, "compare"),
                         .trend_at = value_at(y, "trend")};
    return true;
}
