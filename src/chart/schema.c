/* A spec walked along Vega-Lite's JSON schema. At each place the schemas that may hold are kept as a set:
 * those that the keys and words found there rule out are dropped as long as one is left, so that a message is
 * about what the user most likely meant. */
#include <limits.h>
#include <pthread.h>
#include <string.h>

#include "base/json.h"
#include "chart/check.h"
#include "project/read.h"

extern const char chart_schema[];
extern const size_t chart_schema_len;

struct set list_of(json_t *);

struct walk {
    struct arena *a;
    json_t *definitions;
    struct problems *problems;
};

static void complain(struct walk *w, struct src at, const char *message, const char *remedy)
{
    struct err e;
    fail_at(&e, ERR_USER, at, "%s", message);
    if (remedy)
        hint(&e, "%s", remedy);
    problems_add(w->problems, &e);
}

static void add(struct walk *w, struct set *s, json_t *schema)
{
    static const char prefix[] = "#/definitions/";
    const char *ref;
    while ((ref = json_str(schema, "$ref", NULL)) && strncmp(ref, prefix, sizeof prefix - 1) == 0)
        schema = json_object_get(w->definitions, ref + sizeof prefix - 1);
    json_t *any = json_object_get(schema, "anyOf"), *one;
    size_t i;
    json_array_foreach(any, i, one) add(w, s, one);
    if (any || !schema)
        return;
    for (i = 0; i < s->n; i++)
        if (s->v[i] == schema)
            return;
    *arena_push(w->a, s) = schema;
}

/* --- one schema --- */

static bool is_open(const json_t *schema) /* anything goes */
{
    return !json_object_get(schema, "type") && !json_object_get(schema, "enum") &&
           !json_object_get(schema, "const") && !json_object_get(schema, "properties");
}

static bool has_type(const json_t *schema, const char *type)
{
    json_t *t = json_object_get(schema, "type"), *one;
    size_t i;
    if (json_is_string(t))
        return strcmp(json_string_value(t), type) == 0;
    json_array_foreach(t, i, one) if (strcmp(json_string_value(one), type) == 0) return true;
    return false;
}

/* Those of a set that are of a type, or open. */
static struct set of_type(struct walk *w, const struct set *s, const char *type)
{
    struct set ret = {0};
    for (size_t i = 0; i < s->n; i++)
        if (has_type(s->v[i], type) || is_open(s->v[i]))
            *arena_push(w->a, &ret) = s->v[i];
    return ret;
}

static bool any_open(const struct set *s)
{
    for (size_t i = 0; i < s->n; i++)
        if (is_open(s->v[i]))
            return true;
    return false;
}

static bool is_value(const json_t *v, enum scalar kind, const char *text)
{
    switch (kind) {
    case SCALAR_NULL:
        return json_is_null(v);
    case SCALAR_BOOL:
        return json_is_boolean(v) && (text[0] == 't' || text[0] == 'T') == json_is_true(v);
    case SCALAR_NUMBER:
        return json_is_number(v) && strtod(text, NULL) == json_number_value(v);
    case SCALAR_TEXT:
        break;
    }
    return json_is_string(v) && strcmp(json_string_value(v), text) == 0;
}

static bool accepts(const json_t *schema, const struct yaml *y)
{
    enum scalar kind = scalar_of(y);
    json_t *constant = json_object_get(schema, "const"), *words = json_object_get(schema, "enum"), *one;
    size_t i;
    if (is_open(schema))
        return true;
    if (constant)
        return is_value(constant, kind, y->text);
    if (words) {
        json_array_foreach(words, i, one) if (is_value(one, kind, y->text)) return true;
        return false;
    }
    switch (kind) {
    case SCALAR_NULL:
        return has_type(schema, "null");
    case SCALAR_BOOL:
        return has_type(schema, "boolean");
    case SCALAR_NUMBER:
        return has_type(schema, "number") || has_type(schema, "integer");
    case SCALAR_TEXT:
        break;
    }
    return has_type(schema, "string");
}

/* The schema of a key of a mapping; NULL = the key is unknown there. */
static json_t *property(const json_t *schema, const char *key)
{
    json_t *p = json_object_get(json_object_get(schema, "properties"), key);
    json_t *more = json_object_get(schema, "additionalProperties");
    if (p)
        return p;
    static json_t *open;
    if (!open)
        open = json_object();
    return json_is_false(more) ? NULL : json_is_object(more) ? more : open;
}

/* --- mappings --- */

static bool has_required(const json_t *schema, const struct yaml *y)
{
    json_t *one;
    size_t i;
    json_array_foreach(json_object_get(schema, "required"), i,
                       one) if (!yaml_get(y, json_string_value(one))) return false;
    return true;
}

enum fit { FIT, UNKNOWN_KEY, WRONG_WORD };

static enum fit fit_of(struct walk *w, const json_t *schema, const char *key, const struct yaml *value)
{
    json_t *p = property(schema, key);
    if (!p)
        return UNKNOWN_KEY;
    struct set values = {0};
    if (value->kind == YAML_TEXT)
        add(w, &values, p);
    for (size_t i = 0; i < values.n; i++)
        if (accepts(values.v[i], value))
            return FIT;
    return values.n ? WRONG_WORD : FIT;
}

/* Keeps those of which the least is wrong. What fits another one tells them apart (`type: log` rules out the
 * other scales), what fits none is a slip that any of them may have. */
static void narrow(struct walk *w, struct set *s, const struct yaml *y)
{
    int *wrong = arena_make(w->a, int, s->n + 1), least = INT_MAX;
    enum fit *fits = arena_make(w->a, enum fit, s->n + 1);
    for (size_t k = 0; k < y->n; k++) {
        bool fits_one = false, known_to_one = false;
        for (size_t i = 0; i < s->n; i++) {
            fits[i] = fit_of(w, s->v[i], y->keys[k].name, y->items[k]);
            fits_one = fits_one || fits[i] == FIT;
            known_to_one = known_to_one || fits[i] != UNKNOWN_KEY;
        }
        for (size_t i = 0; i < s->n; i++)
            wrong[i] += fits[i] == FIT           ? 0
                        : fits[i] == UNKNOWN_KEY ? (known_to_one ? 2 : 1)
                                                 : (fits_one ? 3 : 1);
    }
    for (size_t i = 0; i < s->n; i++)
        least = wrong[i] < least ? wrong[i] : least;
    struct set kept = {0};
    for (size_t i = 0; i < s->n; i++)
        if (wrong[i] == least)
            *arena_push(w->a, &kept) = s->v[i];
    *s = kept;
}

/* Drops those that want a key which is not there, unless that would be all. */
static void drop_incomplete(struct walk *w, struct set *s, const struct yaml *y)
{
    struct set kept = {0};
    for (size_t i = 0; i < s->n; i++)
        if (has_required(s->v[i], y))
            *arena_push(w->a, &kept) = s->v[i];
    if (kept.n)
        *s = kept;
}

/* The schema that knows most of the keys. */
static const json_t *likeliest(const struct set *s, const struct yaml *y)
{
    const json_t *best = NULL;
    size_t most = 0;
    for (size_t i = 0; i < s->n; i++) {
        size_t known = 0;
        for (size_t k = 0; k < y->n; k++)
            known += property(s->v[i], y->keys[k].name) != NULL;
        if (!best || known > most)
            best = s->v[i], most = known;
    }
    return best;
}

static void unknown_key(struct walk *w, const struct set *s, const struct yaml_key *key)
{
    struct list_of(const char *) names = {0};
    for (size_t i = 0; i < s->n; i++) {
        const char *name;
        json_t *ignored;
        json_object_foreach(json_object_get(s->v[i], "properties"), name, ignored) *
            arena_push(w->a, &names) = name;
    }
    const char *near = text_nearest(key->name, names.v, names.n);
    complain(w, key->at, arena_fmt(w->a, "unknown key '%s'", key->name),
             near ? arena_fmt(w->a, "did you mean '%s'?", near) : NULL);
}

static void check(struct walk *w, const struct yaml *y, const struct set *s);

static void check_map(struct walk *w, const struct yaml *y, struct set s)
{
    if (any_open(&s))
        return;
    drop_incomplete(w, &s, y);
    narrow(w, &s, y);
    const json_t *best = likeliest(&s, y);
    for (size_t i = 0; i < y->n; i++) {
        struct set values = {0};
        bool known = best && property(best, y->keys[i].name);
        if (!known) {
            unknown_key(w, &s, &y->keys[i]);
            continue;
        }
        for (size_t k = 0; k < s.n; k++)
            if (property(s.v[k], y->keys[i].name))
                add(w, &values, property(s.v[k], y->keys[i].name));
        check(w, y->items[i], &values);
    }
}

/* --- lists and words --- */

static void check_list(struct walk *w, const struct yaml *y, const struct set *s)
{
    struct set items = {0};
    for (size_t i = 0; i < s->n; i++) {
        json_t *of = json_object_get(s->v[i], "items"), *one;
        size_t k;
        if (!of)
            return;
        if (json_is_object(of))
            add(w, &items, of);
        json_array_foreach(of, k, one) add(w, &items, one);
    }
    for (size_t i = 0; i < y->n; i++)
        check(w, y->items[i], &items);
}

/* "a number or a list" */
static const char *wanted(struct walk *w, const struct set *s)
{
    static const struct {
        const char *type, *word;
    } types[] = {{"string", "a text"},
                 {"number", "a number"},
                 {"boolean", "true or false"},
                 {"array", "a list"},
                 {"object", "a mapping"}};
    const char *found[countof(types)];
    size_t n = 0;
    for (size_t t = 0; t < countof(types); t++)
        if (of_type(w, s, types[t].type).n)
            found[n++] = types[t].word;
    auto_buf b = BUF(256);
    for (size_t i = 0; i < n; i++)
        buf_addf(&b, "%s%s", i == 0 ? "" : i + 1 == n ? " or " : ", ", found[i]);
    return arena_str(w->a, b.p);
}

static void wrong_word(struct walk *w, const struct yaml *y, const struct set *s)
{
    struct list_of(const char *) words = {0};
    bool text = false;
    for (size_t i = 0; i < s->n; i++) {
        json_t *one, *c = json_object_get(s->v[i], "const");
        size_t k;
        if (json_is_string(c))
            *arena_push(w->a, &words) = json_string_value(c);
        json_array_foreach(json_object_get(s->v[i], "enum"), k, one) if (json_is_string(one)) *
            arena_push(w->a, &words) = json_string_value(one);
        text = text || has_type(s->v[i], "string");
    }
    if (scalar_of(y) == SCALAR_TEXT && words.n) {
        const char *near = text_nearest(y->text, words.v, words.n);
        auto_buf b = BUF(sizeof((struct err *)0)->hint);
        for (size_t i = 0; i < words.n && !near; i++)
            buf_addf(&b, "%s%s", i ? ", " : "there are: ", words.v[i]);
        complain(w, y->at, arena_fmt(w->a, "unknown value '%s'", y->text),
                 near                 ? arena_fmt(w->a, "did you mean '%s'?", near)
                 : b.len && !b.failed ? b.p
                                      : NULL);
        return;
    }
    bool quotes = text && scalar_of(y) != SCALAR_TEXT;
    complain(w, y->at, arena_fmt(w->a, "'%s' must be %s", y->text, wanted(w, s)),
             quotes ? "put quotes around what is a text" : NULL);
}

static void check(struct walk *w, const struct yaml *y, const struct set *s)
{
    if (y->kind == YAML_TEXT) {
        for (size_t i = 0; i < s->n; i++)
            if (accepts(s->v[i], y))
                return;
        if (s->n)
            wrong_word(w, y, s);
        return;
    }
    struct set fits = of_type(w, s, y->kind == YAML_MAP ? "object" : "array");
    if (!fits.n && s->n)
        complain(w, y->at, arena_fmt(w->a, "%s: this must be %s", yaml_name(y), wanted(w, s)), NULL);
    else if (y->kind == YAML_MAP)
        check_map(w, y, fits);
    else if (!any_open(&fits))
        check_list(w, y, &fits);
}

/* Read by the first chart that is checked, and kept. */
static json_t *schema_read(void)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static json_t *schema;

    pthread_mutex_lock(&lock);
    if (!schema)
        schema = json_loadb(chart_schema, chart_schema_len, 0, NULL);
    pthread_mutex_unlock(&lock);
    if (!schema)
        abort();
    return schema;
}

void schema_check(struct arena *a, const struct yaml *root, struct problems *problems)
{
    json_t *schema = schema_read();
    struct walk w = {.a = a, .definitions = json_object_get(schema, "definitions"), .problems = problems};
    struct set top = {0};
    add(&w, &top, schema);
    check(&w, root, &top);
}
