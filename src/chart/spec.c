#include "chart/spec.h"

#include <math.h>
#include <string.h>

#include "base/json.h"
#include "project/read.h"

static bool is_one_of(const char *s, const char *const *words, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(s, words[i]) == 0)
            return true;
    return false;
}

static bool is_number(const char *s, double *ret)
{
    char *end;
    if (!*s || s[strspn(s, "+-.0123456789eE")])
        return false;
    *ret = strtod(s, &end);
    return !*end && isfinite(*ret);
}

enum scalar scalar_of(const struct yaml *y)
{
    static const char *const bools[] = {"true", "True", "TRUE", "false", "False", "FALSE"};
    double number;
    if (y->style != STYLE_PLAIN)
        return SCALAR_TEXT;
    if (yaml_is_null(y) || strcmp(y->text, "Null") == 0 || strcmp(y->text, "NULL") == 0)
        return SCALAR_NULL;
    if (is_one_of(y->text, bools, countof(bools)))
        return SCALAR_BOOL;
    return is_number(y->text, &number) ? SCALAR_NUMBER : SCALAR_TEXT;
}

static void add_scalar(const struct yaml *y, struct buf *out)
{
    double number;
    switch (scalar_of(y)) {
    case SCALAR_NULL:
        buf_addf(out, "null");
        return;
    case SCALAR_BOOL:
        buf_addf(out, y->text[0] == 't' || y->text[0] == 'T' ? "true" : "false");
        return;
    case SCALAR_NUMBER:
        if (is_number(y->text, &number))
            text_real(out, number);
        return;
    case SCALAR_TEXT:
        break;
    }
    json_quote(out, y->text, strlen(y->text));
}

void chart_spec_json(const struct yaml *y, struct buf *out)
{
    if (y->kind == YAML_TEXT) {
        add_scalar(y, out);
        return;
    }
    buf_addf(out, y->kind == YAML_MAP ? "{" : "[");
    for (size_t i = 0; i < y->n; i++) {
        if (i)
            buf_addf(out, ",");
        if (y->kind == YAML_MAP) {
            json_quote(out, y->keys[i].name, strlen(y->keys[i].name));
            buf_addf(out, ":");
        }
        chart_spec_json(y->items[i], out);
    }
    buf_addf(out, y->kind == YAML_MAP ? "}" : "]");
}

/* --- what it asks for --- */

struct sources list_of(struct chart_source);

/* Rows that the spec itself has: written there, or made by a rule. */
static bool has_rows(const struct yaml *root, const struct yaml *data, const char *name)
{
    static const char *const own[] = {"values", "url", "sequence", "sphere", "graticule"};
    const struct yaml *sets = yaml_get(root, "datasets");
    for (size_t i = 0; i < countof(own); i++)
        if (yaml_get(data, own[i]))
            return true;
    return sets && sets->kind == YAML_MAP && yaml_get(sets, name);
}

static void find_sources(struct arena *a, const struct yaml *root, const struct yaml *y, struct sources *ret)
{
    if (y->kind == YAML_TEXT)
        return;
    for (size_t i = 0; i < y->n; i++) {
        const struct yaml *v = y->items[i];
        bool data = y->kind == YAML_MAP && strcmp(y->keys[i].name, "data") == 0 && v->kind == YAML_MAP;
        const struct yaml *name = data ? yaml_get(v, "name") : NULL;
        bool known = !name || name->kind != YAML_TEXT || has_rows(root, v, name->text);
        for (size_t k = 0; !known && k < ret->n; k++)
            known = strcmp(ret->v[k].name, name->text) == 0;
        if (!known)
            *arena_push(a, ret) = (struct chart_source){name->text, name->at};
        bool rows = data || (y == root && strcmp(y->keys[i].name, "datasets") == 0);
        if (!rows) /* those written in the spec are not looked at */
            find_sources(a, root, v, ret);
    }
}

/* A text, or a list of its lines; NULL = there is none. */
static const char *words_of(struct arena *a, const struct yaml *t)
{
    if (!t || (t->kind == YAML_TEXT && yaml_is_null(t)) || t->kind == YAML_MAP)
        return NULL;
    if (t->kind == YAML_TEXT)
        return t->text;
    auto_buf b = BUF(1 << 16);
    for (size_t i = 0; i < t->n; i++)
        buf_addf(&b, "%s%s", i ? " " : "", t->items[i]->kind == YAML_TEXT ? t->items[i]->text : "");
    return arena_str(a, b.p);
}

/* "The title: its subtitle", or the description that the author gives. */
static const char *spoken(struct arena *a, const struct yaml *root, const char *title)
{
    const struct yaml *t = yaml_get(root, "title");
    const char *description = words_of(a, yaml_get(root, "description"));
    const char *sub = t && t->kind == YAML_MAP ? words_of(a, yaml_get(t, "subtitle")) : NULL;
    if (description)
        return description;
    return title && sub ? arena_fmt(a, "%s: %s", title, sub) : title;
}

bool chart_spec_read(struct arena *a, const char *text, struct src at, struct problems *problems,
                     struct chart_spec *ret)
{
    struct yaml *root = NULL;
    if (!yaml_parse(a, text, strlen(text), at, problems, &root))
        return false;
    if (!root || root->kind != YAML_MAP) {
        struct err e;
        fail_at(&e, ERR_USER, root ? root->at : at, "a chart is a mapping: data, mark, encoding");
        problems_add(problems, &e);
        return false;
    }
    struct sources found = {0};
    find_sources(a, root, root, &found);
    const struct yaml *title = yaml_get(root, "title");
    title = title && title->kind == YAML_MAP ? yaml_get(title, "text") : title;
    *ret = (struct chart_spec){
        .root = root, .title = words_of(a, title), .sources = found.v, .nsources = found.n};
    ret->spoken = spoken(a, root, ret->title);
    return true;
}
