/* The query as DuckDB's own parser understands it: json_serialize_sql() and back. */
#include "page/filter.h"

#include <string.h>

#include "base/json.h"
#include "engine/sqltext.h"

struct splitter {
    struct arena *a;
    const struct page_inputs *in;
    const bool *open;
    struct list_of(struct filter) found;
    json_t *keys; /* expressions */
};

static bool is_class(const json_t *node, const char *class)
{
    return json_is_object(node) && strcmp(json_str(node, "class", ""), class) == 0;
}

static bool is_type(const json_t *node, const char *type)
{
    return json_is_object(node) && strcmp(json_str(node, "type", ""), type) == 0;
}

/* --- what stands in an expression --- */

static bool input_of(const struct splitter *s, const json_t *node, size_t *input, int *part)
{
    if (!is_class(node, "PARAMETER"))
        return false;
    for (size_t i = 0; i < s->in->n; i++) {
        int p = input_part(&s->in->v[i], json_str(node, "identifier", ""));
        if (p >= 0 && s->open[i]) {
            *input = i;
            *part = p;
            return true;
        }
    }
    return false;
}

/* Calls fn for the node and all below it. */
static void walk(const json_t *node, void (*fn)(const json_t *node, void *arg), void *arg)
{
    const char *key;
    size_t i;
    json_t *child;
    fn(node, arg);
    if (json_is_object(node))
        json_object_foreach((json_t *)(uintptr_t)node, key, child) walk(child, fn, arg);
    else
        json_array_foreach(node, i, child) walk(child, fn, arg);
}

struct survey {
    const struct splitter *s;
    bool *used; /* inputs; NULL = not asked */
    bool any, window, query, column;
};

static void look(const json_t *node, void *arg)
{
    struct survey *x = arg;
    size_t input;
    int part;
    if (!json_is_object(node))
        return;
    if (input_of(x->s, node, &input, &part)) {
        x->any = true;
        if (x->used)
            x->used[input] = true;
    }
    x->window = x->window || is_class(node, "WINDOW");
    x->query = x->query || is_class(node, "SUBQUERY");
    x->column = x->column || is_class(node, "COLUMN_REF");
}

/* Of the row alone: it may become a column. */
static bool is_key(const struct splitter *s, const json_t *node)
{
    struct survey x = {.s = s};
    walk(node, look, &x);
    return x.column && !x.any && !x.window && !x.query;
}

/* --- conditions --- */

static void add(struct splitter *s, const json_t *key, struct filter f)
{
    size_t n = json_array_size(s->keys);
    if (n == 0 || !json_equal(json_array_get(s->keys, n - 1), key))
        json_array_append_new(s->keys, json_deep_copy(key));
    f.key = json_array_size(s->keys) - 1;
    *arena_push(s->a, &s->found) = f;
}

static bool comparison(struct splitter *s, const json_t *node)
{
    static const struct {
        const char *type;
        enum filter_op op, turned;
    } ops[] = {{"COMPARE_EQUAL", FILTER_EQ, FILTER_EQ},
               {"COMPARE_NOTEQUAL", FILTER_NE, FILTER_NE},
               {"COMPARE_LESSTHAN", FILTER_LT, FILTER_GT},
               {"COMPARE_LESSTHANOREQUALTO", FILTER_LE, FILTER_GE},
               {"COMPARE_GREATERTHAN", FILTER_GT, FILTER_LT},
               {"COMPARE_GREATERTHANOREQUALTO", FILTER_GE, FILTER_LE}};
    const json_t *left = json_object_get(node, "left"), *right = json_object_get(node, "right");
    struct filter f = {0};
    bool turned = input_of(s, left, &f.input, &f.part);
    const json_t *key = turned ? right : left;
    if ((!turned && !input_of(s, right, &f.input, &f.part)) || !is_key(s, key))
        return false;
    for (size_t i = 0; i < countof(ops); i++)
        if (is_type(node, ops[i].type)) {
            f.op = turned ? ops[i].turned : ops[i].op;
            add(s, key, f);
            return true;
        }
    return false;
}

static bool between(struct splitter *s, const json_t *node)
{
    const json_t *key = json_object_get(node, "input");
    struct filter from = {.op = FILTER_GE}, to = {.op = FILTER_LE};
    if (!is_type(node, "COMPARE_BETWEEN") ||
        !input_of(s, json_object_get(node, "lower"), &from.input, &from.part) ||
        !input_of(s, json_object_get(node, "upper"), &to.input, &to.part) || from.input != to.input ||
        !is_key(s, key))
        return false;
    add(s, key, from);
    add(s, key, to);
    return true;
}

static const json_t *argument(const json_t *function, size_t i)
{
    return json_array_get(json_object_get(function, "children"), i);
}

static bool is_call(const json_t *node, const char *name, size_t args)
{
    return is_class(node, "FUNCTION") && strcmp(json_str(node, "function_name", ""), name) == 0 &&
           json_array_size(json_object_get(node, "children")) == args;
}

/* The parts of 'a' || $p || 'b' or concat('a', $p, 'b'): texts, and the input once. */
static bool read_pattern(struct splitter *s, const json_t *node, struct filter *f, bool *seen)
{
    if (is_call(node, "||", 2))
        return read_pattern(s, argument(node, 0), f, seen) && read_pattern(s, argument(node, 1), f, seen);
    if (is_class(node, "FUNCTION") && strcmp(json_str(node, "function_name", ""), "concat") == 0) {
        size_t i;
        const json_t *child;
        json_array_foreach(json_object_get(node, "children"), i,
                           child) if (!read_pattern(s, child, f, seen)) return false;
        return true;
    }
    if (!*seen && input_of(s, node, &f->input, &f->part))
        return *seen = true;
    const json_t *text = json_object_get(json_object_get(node, "value"), "value");
    if (!is_class(node, "CONSTANT") || !json_is_string(text))
        return false;
    const char **side = *seen ? &f->after : &f->before;
    *side = arena_fmt(s->a, "%s%s", *side, json_string_value(text));
    return true;
}

static json_t *call_of(const char *name, const json_t *key)
{
    return json_pack("{s:s, s:s, s:s, s:s, s:s, s:[O], s:n, s:{s:s, s:s, s:[]}, s:b, s:b, s:b, s:s}", "class",
                     "FUNCTION", "type", "FUNCTION", "alias", "", "function_name", name, "schema", "",
                     "children", (json_t *)(uintptr_t)key, "filter", "order_bys", "type", "ORDER_MODIFIER",
                     "alias", "", "orders", "distinct", 0, "is_operator", 0, "export_state", 0, "catalog",
                     "");
}

static bool like(struct splitter *s, const json_t *node)
{
    bool lower = is_call(node, "~~*", 2), seen = false;
    struct filter f = {.op = FILTER_LIKE, .lower = lower, .before = "", .after = ""};
    const json_t *key = argument(node, 0);
    if ((!lower && !is_call(node, "~~", 2)) || !read_pattern(s, argument(node, 1), &f, &seen) || !seen ||
        !is_key(s, key))
        return false;
    if (lower) {
        f.before = arena_str(s->a, f.before);
        json_t *small = json_tie(s->a, call_of("lower", key));
        add(s, small, f);
    } else {
        add(s, key, f);
    }
    return true;
}

/* contains(x, $p), contains(lower(x), lower($p)) */
static bool contains(struct splitter *s, const json_t *node)
{
    struct filter f = {.op = FILTER_CONTAINS, .before = "", .after = ""};
    const json_t *key = argument(node, 0), *value = argument(node, 1);
    if (!is_call(node, "contains", 2))
        return false;
    f.lower = is_call(value, "lower", 1);
    if (f.lower && !is_call(key, "lower", 1))
        return false;
    if (!input_of(s, f.lower ? argument(value, 0) : value, &f.input, &f.part) || !is_key(s, key))
        return false;
    add(s, key, f);
    return true;
}

/* list_contains(x, $p): the key is the list as JSON. */
static bool has(struct splitter *s, const json_t *node)
{
    struct filter f = {.op = FILTER_HAS};
    const json_t *key = argument(node, 0);
    if ((!is_call(node, "list_contains", 2) && !is_call(node, "list_has", 2) &&
         !is_call(node, "array_contains", 2) && !is_call(node, "array_has", 2)) ||
        !input_of(s, argument(node, 1), &f.input, &f.part) || !is_key(s, key))
        return false;
    add(s, json_tie(s->a, call_of("to_json", key)), f);
    return true;
}

static bool condition(struct splitter *s, const json_t *node);

/* `$p IS NULL OR condition`, `$p = '' OR condition` */
static bool guarded(struct splitter *s, const json_t *node)
{
    const json_t *children = json_object_get(node, "children"), *guard = json_array_get(children, 0);
    size_t input, from = s->found.n, keys = json_array_size(s->keys);
    int part;
    if (!is_type(node, "CONJUNCTION_OR") || json_array_size(children) != 2)
        return false;
    const json_t *text = json_object_get(json_object_get(json_object_get(guard, "right"), "value"), "value");
    bool null = is_type(guard, "OPERATOR_IS_NULL") && input_of(s, argument(guard, 0), &input, &part);
    bool empty = !null && is_type(guard, "COMPARE_EQUAL") &&
                 input_of(s, json_object_get(guard, "left"), &input, &part) && json_is_string(text) &&
                 !*json_string_value(text);
    bool ok = (null || empty) && condition(s, json_array_get(children, 1));
    for (size_t i = from; i < s->found.n; i++) {
        ok = ok && s->found.v[i].input == input;
        s->found.v[i].if_null = s->found.v[i].if_null || null;
        s->found.v[i].if_empty = s->found.v[i].if_empty || empty;
    }
    if (ok)
        return true;
    s->found.n = from;
    while (json_array_size(s->keys) > keys)
        json_array_remove(s->keys, json_array_size(s->keys) - 1);
    return false;
}

static bool condition(struct splitter *s, const json_t *node)
{
    return comparison(s, node) || between(s, node) || like(s, node) || contains(s, node) || has(s, node) ||
           guarded(s, node);
}

/* --- the query --- */

/* The ANDs on the top of a condition. */
static void flatten(json_t *node, json_t *ret)
{
    size_t i;
    json_t *child;
    if (is_type(node, "CONJUNCTION_AND"))
        json_array_foreach(json_object_get(node, "children"), i, child) flatten(child, ret);
    else
        json_array_append(ret, node);
}

/* Nothing in it needs all rows that pass its WHERE, but for one LIMIT. */
static bool row_by_row(const struct splitter *s, const json_t *node, int64_t *limit)
{
    size_t i;
    const json_t *m;
    struct survey x = {.s = s};
    if (!is_type(node, "SELECT_NODE") || json_array_size(json_object_get(node, "group_expressions")) ||
        json_array_size(json_object_get(node, "group_sets")) ||
        !json_is_null(json_object_get(node, "having")) || !json_is_null(json_object_get(node, "qualify")) ||
        !json_is_null(json_object_get(node, "sample")) ||
        strcmp(json_str(node, "aggregate_handling", ""), "STANDARD_HANDLING") != 0)
        return false;
    walk(json_object_get(node, "select_list"), look, &x);
    *limit = 0;
    json_array_foreach(json_object_get(node, "modifiers"), i, m)
    {
        const json_t *n = json_object_get(json_object_get(json_object_get(m, "limit"), "value"), "value");
        if (is_type(m, "ORDER_MODIFIER"))
            walk(m, look, &x);
        else if (is_type(m, "LIMIT_MODIFIER") && json_is_integer(n) && json_integer_value(n) > 0 &&
                 json_is_null(json_object_get(m, "offset")))
            *limit = json_integer_value(n);
        else
            return false;
    }
    return !x.window;
}

static void drop_limit(json_t *node)
{
    json_t *modifiers = json_object_get(node, "modifiers");
    for (size_t i = json_array_size(modifiers); i-- > 0;)
        if (is_type(json_array_get(modifiers, i), "LIMIT_MODIFIER"))
            json_array_remove(modifiers, i);
}

/* Conditions on an input that something else uses, too, stay in the SQL. */
static void take_out(struct splitter *s, json_t *node, bool *rest)
{
    json_t *all = json_tie(s->a, json_array()), *kept = NULL;
    flatten(json_object_get(node, "where_clause"), all);
    size_t n = json_array_size(all);
    for (bool again = true; again;) {
        struct survey x = {.s = s, .used = rest};
        s->found.n = 0;
        s->keys = json_tie(s->a, json_array());
        kept = json_tie(s->a, json_array());
        memset(rest, 0, s->in->n * sizeof *rest);
        json_t *where = json_incref(json_object_get(node, "where_clause"));
        json_object_set_new(node, "where_clause", json_null());
        walk(node, look, &x);
        json_object_set_new(node, "where_clause", where);
        again = false;
        for (size_t i = 0; i < n; i++) {
            size_t from = s->found.n;
            json_t *c = json_array_get(all, i);
            bool out = condition(s, c);
            if (!out) {
                json_array_append(kept, c);
                walk(c, look, &x);
            }
            for (size_t k = from; k < s->found.n; k++)
                again = again || rest[s->found.v[k].input];
        }
        for (size_t k = 0; k < s->found.n; k++)
            again = again || rest[s->found.v[k].input];
        if (!again)
            break;
        /* What is used elsewhere counts as closed: its conditions are no longer found. */
        bool *open = arena_make(s->a, bool, s->in->n);
        for (size_t i = 0; i < s->in->n; i++)
            open[i] = s->open[i] && !rest[i];
        s->open = open;
    }
    json_t *where = json_array_size(kept) == 0 ? json_null()
                    : json_array_size(kept) == 1
                        ? json_incref(json_array_get(kept, 0))
                        : json_pack("{s:s, s:s, s:s, s:O}", "class", "CONJUNCTION", "type", "CONJUNCTION_AND",
                                    "alias", "", "children", kept);
    json_object_set_new(node, "where_clause", where);
}

static void add_keys(const struct splitter *s, json_t *node)
{
    for (size_t i = 0; i < json_array_size(s->keys); i++) {
        json_t *key = json_deep_copy(json_array_get(s->keys, i));
        json_object_set_new(key, "alias", json_string(arena_fmt(s->a, "cupel key %zu", i)));
        json_array_append_new(json_object_get(node, "select_list"), key);
    }
}

static const char *ask(struct splitter *s, const struct engine_driver *d, struct session *session,
                       const char *sql, const char *text)
{
    const struct engine_param p = {.name = "text", .type = PARAM_TEXT, .text = text};
    struct engine_rows r;
    struct err ignored;
    if (!engine_rows(d, s->a, session, sql, (struct engine_params){&p, 1}, 1, &r, &ignored) || r.nrows != 1)
        return NULL;
    return r.rows[0][0];
}

/* "No place" is a number there that JSON readers of 64 bits refuse. */
static const char serialize[] =
    "SELECT replace(json_serialize_sql($text::VARCHAR)::VARCHAR, '\"query_location\":18446744073709551615', "
    "'\"query_location\":0')";

void filter_split(struct arena *a, const struct engine_driver *d, struct session *session, const char *sql,
                  const struct page_inputs *in, const bool *open, struct split *ret)
{
    struct splitter s = {.a = a, .in = in, .open = open};
    struct sqltext plain;
    struct err ignored;
    json_t *tree;
    bool *used = arena_make(a, bool, in->n + 1);
    *ret = (struct split){.sql = sql, .rest = arena_make(a, bool, in->n + 1)};
    inputs_used(a, in, sql, used);
    for (size_t i = 0; i < in->n; i++)
        ret->rest[i] = used[i] && open[i];
    const char *text = sqltext_plain(a, sql, NULL, (struct src){0}, &plain, &ignored)
                           ? ask(&s, d, session, serialize, plain.sql)
                           : NULL;
    if (!text || !json_parse(a, text, strlen(text), "the query", &tree, &ignored))
        return;
    json_t *statements = json_object_get(tree, "statements"),
           *node = json_object_get(json_array_get(statements, 0), "node");
    if (json_array_size(statements) != 1 || !row_by_row(&s, node, &ret->limit) ||
        !json_is_object(json_object_get(node, "where_clause"))) {
        ret->limit = 0;
        return;
    }
    bool *rest = arena_make(a, bool, in->n + 1);
    take_out(&s, node, rest);
    auto_buf out = BUF(16 << 20);
    if (s.found.n) {
        drop_limit(node);
        add_keys(&s, node);
        json_write(&out, tree);
    }
    const char *back = s.found.n && buf_done(&out, &ignored)
                           ? ask(&s, d, session, "SELECT json_deserialize_sql($text::JSON)", out.p)
                           : NULL;
    if (!back) {
        ret->limit = 0;
        return;
    }
    for (size_t i = 0; i < in->n; i++)
        ret->rest[i] = used[i] && open[i];
    for (size_t i = 0; i < s.found.n; i++)
        ret->rest[s.found.v[i].input] = false;
    ret->sql = back;
    ret->v = s.found.v;
    ret->n = s.found.n;
    ret->nkeys = json_array_size(s.keys);
}

bool filter_comparable(const struct page_input *in, const struct filter *f, const char *type)
{
    bool text = strcmp(type, "VARCHAR") == 0,
         plain = !strpbrk(type, "[(") || strncmp(type, "DECIMAL", 7) == 0;
    bool number = plain && strncmp(type, "INTERVAL", 8) != 0 &&
                  (strstr(type, "INT") || strcmp(type, "DOUBLE") == 0 || strncmp(type, "DECIMAL", 7) == 0);
    bool day = strcmp(type, "DATE") == 0 || strncmp(type, "TIMESTAMP", 9) == 0;
    if (f->op == FILTER_LIKE || f->op == FILTER_CONTAINS)
        return text && in->type == PARAM_TEXT;
    if (f->op == FILTER_HAS)
        return strcmp(type, "JSON") == 0 && in->type != PARAM_DATE;
    if (in->type == PARAM_TEXT)
        return text && (f->op == FILTER_EQ || f->op == FILTER_NE);
    return in->type == PARAM_DATE ? day : number;
}
