/* The fields of a spec: which there are at each place, and what their columns' types allow.
 *
 * Transforms that give fields nobody can tell beforehand (pivot, rows written in the spec) leave the place
 * open: nothing is said of it from there on. */
#include <string.h>

#include "base/text.h"
#include "chart/check.h"
#include "project/read.h"

struct chart_field {
    const char *name, *type; /* type NULL = not known */
};

struct scope {
    const char *table; /* whose columns they are; NULL after a transform has added some */
    bool open, bare;   /* bare: of no data at all */
    struct fields list_of(struct chart_field) fields;
};

struct walk {
    struct arena *a;
    const struct chart_table *tables;
    size_t ntables;
    struct problems *problems;
};

static const char *text_at(const struct yaml *map, const char *key)
{
    const struct yaml *y = map && map->kind == YAML_MAP ? yaml_get(map, key) : NULL;
    return y && y->kind == YAML_TEXT ? y->text : NULL;
}

static const struct yaml *get(const struct yaml *map, const char *key)
{
    return map && map->kind == YAML_MAP ? yaml_get(map, key) : NULL;
}

/* --- scopes --- */

static void add_field(struct walk *w, struct scope *s, const char *name, const char *type)
{
    struct fields copy = {0}; /* the one that is shared with other views stays as it is */
    for (size_t i = 0; i < s->fields.n; i++)
        if (strcmp(s->fields.v[i].name, name) != 0)
            *arena_push(w->a, &copy) = s->fields.v[i];
    *arena_push(w->a, &copy) = (struct chart_field){name, type};
    s->fields = copy;
    s->table = NULL;
}

static const struct chart_field *find_field(const struct scope *s, const char *name)
{
    for (size_t i = 0; i < s->fields.n; i++)
        if (strcmp(s->fields.v[i].name, name) == 0)
            return &s->fields.v[i];
    return NULL;
}

/* "a.b" and "a['b']" look into the column a; "a\.b" is a column with a dot in its name. */
static const char *column_of(struct walk *w, const char *path)
{
    auto_buf b = BUF(1 << 16);
    for (const char *p = path; *p && *p != '.' && *p != '['; p++) {
        if (*p == '\\' && p[1])
            p++;
        buf_add(&b, p, 1);
    }
    return arena_strn(w->a, b.p, b.len);
}

static const struct chart_field *require(struct walk *w, const struct scope *s, const char *path,
                                         struct src at)
{
    const char *name = column_of(w, path);
    const struct chart_field *f = find_field(s, name);
    if (f || s->open || !*name)
        return f;
    const char **names = arena_make(w->a, const char *, s->fields.n + 1);
    for (size_t i = 0; i < s->fields.n; i++)
        names[i] = s->fields.v[i].name;
    const char *near = text_nearest(name, names, s->fields.n);
    struct err e;
    if (s->table)
        fail_at(&e, ERR_USER, at, "'%s' gives no column '%s'", s->table, name);
    else
        fail_at(&e, ERR_USER, at, "no field '%s' here: neither the query nor a transform gives it", name);
    if (s->bare)
        hint(&e, "a chart takes its rows from a query: data: {name: QUERY}");
    else if (near)
        hint(&e, "did you mean '%s'?", near);
    problems_add(w->problems, &e);
    return NULL;
}

/* The value of a key is the name of a field, or a list of them. */
static void require_at(struct walk *w, const struct scope *s, const struct yaml *map, const char *key)
{
    const struct yaml *y = get(map, key);
    if (y && y->kind == YAML_TEXT && !yaml_is_null(y))
        require(w, s, y->text, y->at);
    for (size_t i = 0; y && y->kind == YAML_LIST && i < y->n; i++)
        if (y->items[i]->kind == YAML_TEXT)
            require(w, s, y->items[i]->text, y->items[i]->at);
}

/* --- expressions: datum.name, datum['name'] --- */

static bool in_word(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_' || c == '$';
}

/* The name behind "datum"; n = 0: it is not a plain one. */
static struct str name_behind(const char *p)
{
    if (*p == '.') {
        struct str name = {p + 1, 0};
        while (in_word(name.p[name.n]))
            name.n++;
        return name;
    }
    if (*p == '[' && (p[1] == '\'' || p[1] == '"'))
        return (struct str){p + 2, strcspn(p + 2, p[1] == '"' ? "\"\\" : "'\\")};
    return (struct str){p, 0};
}

static void check_expression(struct walk *w, const struct scope *s, const struct yaml *y)
{
    static const char word[] = "datum";
    if (!y || y->kind != YAML_TEXT)
        return;
    for (const char *p = y->text; (p = strstr(p, word)); p += sizeof word - 1) {
        struct str name = name_behind(p + sizeof word - 1);
        bool own = p == y->text || (!in_word(p[-1]) && p[-1] != '.');
        if (!own || !name.n || find_field(s, arena_strn(w->a, name.p, name.n)))
            continue;
        auto_buf path = BUF(1 << 16); /* not looked into: a dot in brackets is part of the name */
        for (size_t i = 0; i < name.n; i++)
            buf_addf(&path, "%s%c", strchr(".[\\", name.p[i]) ? "\\" : "", name.p[i]);
        require(w, s, arena_strn(w->a, path.p, path.len), yaml_place(y, (size_t)(name.p - y->text)));
    }
}

static void check_predicate(struct walk *w, const struct scope *s, const struct yaml *y)
{
    if (!y)
        return;
    if (y->kind == YAML_TEXT)
        check_expression(w, s, y);
    for (size_t i = 0; y->kind == YAML_LIST && i < y->n; i++)
        check_predicate(w, s, y->items[i]);
    if (y->kind != YAML_MAP)
        return;
    require_at(w, s, y, "field");
    check_predicate(w, s, get(y, "and"));
    check_predicate(w, s, get(y, "or"));
    check_predicate(w, s, get(y, "not"));
}

/* --- types --- */

static bool begins(const char *s, const char *with)
{
    return strncmp(s, with, strlen(with)) == 0;
}

static bool is_text_type(const char *t)
{
    return begins(t, "VARCHAR") || begins(t, "ENUM") || strcmp(t, "BOOLEAN") == 0 || strcmp(t, "UUID") == 0;
}

static bool is_time_type(const char *t)
{
    return begins(t, "DATE") || begins(t, "TIMESTAMP") || begins(t, "TIME");
}

static bool is_number_type(const char *t)
{
    return strstr(t, "INT") != NULL || begins(t, "DECIMAL") || strcmp(t, "DOUBLE") == 0 ||
           strcmp(t, "FLOAT") == 0;
}

static bool needs_numbers(const char *op)
{
    static const char *const ops[] = {"sum",       "mean",  "average", "median", "q1",  "q3",  "variance",
                                      "variancep", "stdev", "stdevp",  "stderr", "ci0", "ci1", "product"};
    for (size_t i = 0; op && i < countof(ops); i++)
        if (strcmp(op, ops[i]) == 0)
            return true;
    return false;
}

static void wrong_type(struct walk *w, struct src at, const char *remedy, const char *message)
{
    struct err e;
    fail_at(&e, ERR_USER, at, "%s", message);
    if (remedy)
        hint(&e, "%s", remedy);
    problems_add(w->problems, &e);
}

/* What is done with a column of a type: op is its aggregate, type the channel's. */
static void check_type(struct walk *w, const struct chart_field *f, const struct yaml *def, struct src at)
{
    const char *op = text_at(def, "aggregate"), *type = text_at(def, "type");
    if (!op)
        op = text_at(def, "op");
    if (!f || !f->type || strchr(f->type, '[') || begins(f->type, "STRUCT") || begins(f->type, "MAP"))
        return;
    if (needs_numbers(op) && !is_number_type(f->type)) {
        wrong_type(w, at, NULL, arena_fmt(w->a, "'%s' of '%s', which is %s", op, f->name, f->type));
        return;
    }
    const struct yaml *bin = get(def, "bin");
    bool binned = bin && !(bin->kind == YAML_TEXT && scalar_of(bin) != SCALAR_BOOL) &&
                  !(bin->kind == YAML_TEXT && (bin->text[0] == 'f' || bin->text[0] == 'F'));
    if (binned && is_text_type(f->type))
        wrong_type(w, at, "bins are of numbers",
                   arena_fmt(w->a, "'%s' is %s: it cannot be binned", f->name, f->type));
    else if (type && strcmp(type, "quantitative") == 0 && !op && is_text_type(f->type))
        wrong_type(w, at, "its type is nominal or ordinal",
                   arena_fmt(w->a, "'%s' is %s: it cannot be quantitative", f->name, f->type));
    else if (type && strcmp(type, "quantitative") == 0 && !op && is_time_type(f->type))
        wrong_type(w, at, "its type is temporal",
                   arena_fmt(w->a, "'%s' is %s: it cannot be quantitative", f->name, f->type));
    else if (type && strcmp(type, "temporal") == 0 && !op && !get(def, "timeUnit") &&
             (is_number_type(f->type) || strcmp(f->type, "BOOLEAN") == 0))
        wrong_type(w, at, "give a date: make_date(year, 1, 1), to_timestamp(seconds)",
                   arena_fmt(w->a, "'%s' is %s: it cannot be temporal", f->name, f->type));
}

/* --- transforms --- */

/* The names of `as`, or those given. */
static void add_as(struct walk *w, struct scope *s, const struct yaml *t, const char *const *names, size_t n,
                   const char *type)
{
    const struct yaml *as = get(t, "as");
    if (as && as->kind == YAML_TEXT)
        add_field(w, s, as->text, type);
    for (size_t i = 0; as && as->kind == YAML_LIST && i < as->n; i++)
        if (as->items[i]->kind == YAML_TEXT)
            add_field(w, s, as->items[i]->text, type);
    for (size_t i = 0; !as && i < n; i++)
        add_field(w, s, names[i], type);
}

static const char *type_of_op(const char *op, const struct chart_field *f)
{
    static const char *const same[] = {"min", "max", "first_value", "last_value", "lag", "lead"};
    for (size_t i = 0; op && i < countof(same); i++)
        if (strcmp(op, same[i]) == 0)
            return f ? f->type : NULL;
    return op && (strcmp(op, "values") == 0 || begins(op, "arg")) ? NULL : "DOUBLE";
}

/* [{op, field, as}, ...] of aggregate, joinaggregate and window; looked up in `from`, added to `to`. */
static void apply_ops(struct walk *w, const struct scope *from, struct scope *to, const struct yaml *ops)
{
    for (size_t i = 0; ops && ops->kind == YAML_LIST && i < ops->n; i++) {
        const struct yaml *one = ops->items[i], *field = get(one, "field");
        const char *op = text_at(one, "op");
        const struct chart_field *f = NULL;
        if (field && field->kind == YAML_TEXT && strcmp(field->text, "*") != 0) {
            f = require(w, from, field->text, field->at);
            check_type(w, f, one, field->at);
        }
        add_as(w, to, one, NULL, 0, type_of_op(op, f));
    }
}

static void keep_only(struct walk *w, struct scope *s, const struct yaml *t, const char *key)
{
    struct scope kept = {.open = s->open};
    const struct yaml *by = get(t, key);
    for (size_t i = 0; by && by->kind == YAML_LIST && i < by->n; i++)
        if (by->items[i]->kind == YAML_TEXT) {
            const struct chart_field *f = require(w, s, by->items[i]->text, by->items[i]->at);
            add_field(w, &kept, by->items[i]->text, f ? f->type : NULL);
        }
    kept.open = false;
    *s = kept;
}

static const struct chart_table *find_table(struct walk *w, const char *name)
{
    for (size_t i = 0; name && i < w->ntables; i++)
        if (strcmp(w->tables[i].name, name) == 0)
            return &w->tables[i];
    return NULL;
}

static struct scope scope_of(struct walk *w, const struct chart_table *t)
{
    struct scope s = {.open = !t || t->unknown};
    for (size_t i = 0; !s.open && i < t->ncolumns; i++)
        add_field(w, &s, t->columns[i], t->types[i]);
    s.table = s.open ? NULL : t->name;
    return s;
}

static void apply_lookup(struct walk *w, struct scope *s, const struct yaml *t)
{
    const struct yaml *from = get(t, "from"), *fields = get(from, "fields");
    const struct chart_table *other = find_table(w, text_at(get(from, "data"), "name"));
    require_at(w, s, t, "lookup");
    if (other) {
        struct scope there = scope_of(w, other);
        require_at(w, &there, from, "key");
        require_at(w, &there, from, "fields");
    }
    if (!fields && !get(t, "as"))
        s->open = true;
    add_as(w, s, t, NULL, 0, NULL);
    for (size_t i = 0; fields && fields->kind == YAML_LIST && i < fields->n; i++)
        if (fields->items[i]->kind == YAML_TEXT)
            add_field(w, s, fields->items[i]->text, NULL);
}

static void apply_fitted(struct walk *w, struct scope *s, const struct yaml *t, const char *y)
{
    const char *names[] = {text_at(t, "on"), text_at(t, y)};
    require_at(w, s, t, y);
    require_at(w, s, t, "on");
    keep_only(w, s, t, "groupby");
    if (names[0] && names[1])
        add_as(w, s, t, names, 2, "DOUBLE");
    if (get(t, "params"))
        s->open = true;
}

/* Transforms that keep the rows' other fields. */
static bool apply_adding(struct walk *w, struct scope *s, const struct yaml *t)
{
    const struct scope before = *s;
    const char *as = text_at(t, "as");
    if (get(t, "filter")) {
        check_predicate(w, s, get(t, "filter"));
    } else if (get(t, "calculate")) {
        check_expression(w, s, get(t, "calculate"));
        add_as(w, s, t, NULL, 0, NULL);
    } else if (get(t, "joinaggregate") || get(t, "window")) {
        const struct yaml *sort = get(t, "sort");
        require_at(w, s, t, "groupby");
        apply_ops(w, &before, s, get(t, get(t, "window") ? "window" : "joinaggregate"));
        for (size_t i = 0; sort && sort->kind == YAML_LIST && i < sort->n; i++)
            require_at(w, s, sort->items[i], "field"); /* of what the window gives, too */
    } else if (get(t, "bin") || get(t, "timeUnit")) {
        const struct yaml *field = get(t, "field");
        if (field && field->kind == YAML_TEXT)
            check_type(w, require(w, s, field->text, field->at), t, field->at);
        add_as(w, s, t, NULL, 0, NULL);
        if (as)
            add_field(w, s, arena_fmt(w->a, "%s_end", as), NULL);
    } else if (get(t, "stack")) {
        require_at(w, s, t, "stack");
        require_at(w, s, t, "groupby");
        add_as(w, s, t, NULL, 0, "DOUBLE");
        if (as)
            add_field(w, s, arena_fmt(w->a, "%s_end", as), "DOUBLE");
    } else if (get(t, "fold")) {
        static const char *const names[] = {"key", "value"};
        require_at(w, s, t, "fold");
        add_as(w, s, t, names, 2, NULL);
    } else if (get(t, "flatten")) {
        require_at(w, s, t, "flatten");
        add_as(w, s, t, NULL, 0, NULL);
        const struct yaml *list = get(t, "flatten");
        for (size_t i = 0; !get(t, "as") && list->kind == YAML_LIST && i < list->n; i++)
            if (list->items[i]->kind == YAML_TEXT)
                add_field(w, s, list->items[i]->text, NULL);
    } else if (get(t, "impute")) {
        require_at(w, s, t, "impute");
        require_at(w, s, t, "key");
    } else if (get(t, "extent")) {
        require_at(w, s, t, "extent");
    } else {
        return get(t, "sample") != NULL;
    }
    return true;
}

static void apply_transform(struct walk *w, struct scope *s, const struct yaml *t)
{
    static const char *const density[] = {"value", "density"}, *const quantile[] = {"prob", "value"};
    if (t->kind != YAML_MAP || apply_adding(w, s, t))
        return;
    if (get(t, "aggregate")) {
        const struct scope before = *s;
        keep_only(w, s, t, "groupby");
        apply_ops(w, &before, s, get(t, "aggregate"));
    } else if (get(t, "lookup")) {
        apply_lookup(w, s, t);
    } else if (get(t, "density") || get(t, "quantile")) {
        bool dense = get(t, "density") != NULL;
        require_at(w, s, t, dense ? "density" : "quantile");
        keep_only(w, s, t, "groupby");
        add_as(w, s, t, dense ? density : quantile, 2, "DOUBLE");
    } else if (get(t, "regression") || get(t, "loess")) {
        apply_fitted(w, s, t, get(t, "regression") ? "regression" : "loess");
    } else {
        if (get(t, "pivot")) {
            require_at(w, s, t, "pivot");
            require_at(w, s, t, "value");
            require_at(w, s, t, "groupby");
        }
        *s = (struct scope){.open = true};
    }
}

/* --- views --- */

static void check_definition(struct walk *w, const struct scope *s, const struct yaml *def)
{
    for (size_t i = 0; def && def->kind == YAML_LIST && i < def->n; i++)
        check_definition(w, s, def->items[i]);
    if (!def || def->kind != YAML_MAP)
        return;
    const struct yaml *field = get(def, "field"), *sort = get(def, "sort");
    if (field && field->kind == YAML_TEXT)
        check_type(w, require(w, s, field->text, field->at), def, field->at);
    if (sort && sort->kind == YAML_MAP)
        require_at(w, s, sort, "field");
    check_definition(w, s, get(def, "condition"));
}

static void check_repeat(struct walk *w, const struct scope *s, const struct yaml *r)
{
    for (size_t i = 0; r && r->kind != YAML_TEXT && i < r->n; i++) {
        const struct yaml *one = r->items[i];
        if (r->kind == YAML_MAP)
            check_repeat(w, s, one);
        else if (one->kind == YAML_TEXT)
            require(w, s, one->text, one->at);
    }
}

static void check_view(struct walk *w, struct scope s, const struct yaml *view)
{
    static const char *const lists[] = {"layer", "hconcat", "vconcat", "concat"};
    if (!view || view->kind != YAML_MAP)
        return;
    const struct yaml *data = get(view, "data"), *transforms = get(view, "transform"),
                      *e = get(view, "encoding"), *facet = get(view, "facet");
    if (data)
        s = scope_of(w, get(data, "values") ? NULL : find_table(w, text_at(data, "name")));
    for (size_t i = 0; transforms && transforms->kind == YAML_LIST && i < transforms->n; i++)
        apply_transform(w, &s, transforms->items[i]);
    for (size_t i = 0; e && e->kind == YAML_MAP && i < e->n; i++)
        check_definition(w, &s, e->items[i]);
    check_definition(w, &s, facet);
    check_definition(w, &s, get(facet, "row"));
    check_definition(w, &s, get(facet, "column"));
    check_repeat(w, &s, get(view, "repeat"));
    check_view(w, s, get(view, "spec"));
    for (size_t k = 0; k < countof(lists); k++) {
        const struct yaml *views = get(view, lists[k]);
        for (size_t i = 0; views && views->kind == YAML_LIST && i < views->n; i++)
            check_view(w, s, views->items[i]);
    }
}

static bool has_data(const struct yaml *y)
{
    for (size_t i = 0; y->kind != YAML_TEXT && i < y->n; i++)
        if ((y->kind == YAML_MAP && strcmp(y->keys[i].name, "data") == 0) || has_data(y->items[i]))
            return true;
    return false;
}

void fields_check(struct arena *a, const struct yaml *root, const struct chart_table *tables, size_t n,
                  struct problems *problems)
{
    struct walk w = {.a = a, .tables = tables, .ntables = n, .problems = problems};
    bool some = has_data(root);
    check_view(&w, (struct scope){.open = some, .bare = !some}, root);
}
