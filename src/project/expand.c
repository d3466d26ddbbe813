/* ${NAME} and ${var.NAME} in the texts of YAML. */
#include <string.h>

#include "project/read.h"

enum { EXPANDED_MAX = 1 << 20, NESTED_MAX = 8 };

struct expansion {
    const struct reader *r;
    const struct yaml *y;
    struct buf *out;
    int nested; /* ${A:-${B}} */
};

static bool expand(struct expansion *x, struct str s, size_t offset);

static bool is_env_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
        if (!letter && !(i && c >= '0' && c <= '9'))
            return false;
    }
    return s.n > 0;
}

static const struct variable *find_variable(const struct reader *r, struct str name)
{
    for (size_t i = 0; i < r->nvars; i++)
        if (str_is(name, r->vars[i].name))
            return &r->vars[i];
    return NULL;
}

static const struct variable *variable_or_fail(const struct reader *r, struct str name, struct src at)
{
    const struct variable *var = find_variable(r, name);
    if (var)
        return var;
    struct list_of(const char *) known = {0};
    for (size_t i = 0; i < r->nvars; i++)
        *arena_push(r->a, &known) = r->vars[i].name;
    if (known.n)
        reader_unknown(r, at, "variable", arena_strn(r->a, name.p, name.n), known.v, known.n);
    else
        reader_fail(r, at, "variables stand under 'vars:' in cupel.yaml", "unknown variable '%.*s'",
                    STR(name));
    return NULL;
}

static bool add_variable(struct expansion *x, struct str name, struct src at)
{
    const struct variable *var = variable_or_fail(x->r, name, at);
    if (!var)
        return false;
    const struct engine_param *p = &var->value;
    switch (p->type) {
    case PARAM_TEXT:
        buf_addf(x->out, "%s", p->text);
        return true;
    case PARAM_INT:
    case PARAM_TIMESTAMP:
    case PARAM_DATE:
        buf_addf(x->out, "%lld", (long long)p->num);
        return true;
    case PARAM_REAL:
        text_real(x->out, p->real);
        return true;
    case PARAM_BOOL:
        buf_addf(x->out, "%s", p->num ? "true" : "false");
        return true;
    case PARAM_TEXTS:
    case PARAM_INTS:
        break;
    }
    return reader_fail(x->r, at, "a list can only be the whole value: \"${var.NAME}\"",
                       "variable '%s' is a list, one value is expected", var->name);
}

static bool not_set(struct expansion *x, struct str name, struct str message, struct src at)
{
    const struct reader *r = x->r;
    const char *remedy = message.n ? arena_strn(r->a, message.p, message.n)
                                   : arena_fmt(r->a, "set %.*s in .env or in the environment", STR(name));
    if (!r->missing_env)
        return reader_fail(r, at, remedy, "'%.*s' is not set", STR(name));
    if (!*r->missing_env)
        *r->missing_env = arena_strn(r->a, name.p, name.n);
    reader_warn(r, at, remedy, "'%.*s' is not set: a run will need it", STR(name));
    return true;
}

/* What stands between ${ and }. */
static bool expand_one(struct expansion *x, struct str in, size_t offset)
{
    struct src at = yaml_place(x->y, offset);
    if (in.n > 4 && strncmp(in.p, "var.", 4) == 0)
        return add_variable(x, (struct str){in.p + 4, in.n - 4}, at);

    size_t n = 0;
    while (n < in.n && in.p[n] != ':')
        n++;
    struct str name = {in.p, n}, rest = {in.p + n, in.n - n};
    bool with_default = rest.n >= 2 && rest.p[1] == '-', with_message = rest.n >= 2 && rest.p[1] == '?';
    if (!is_env_name(name) || (rest.n && !with_default && !with_message))
        return reader_fail(x->r, at,
                           "${NAME}, ${NAME:-default}, ${NAME:?message}, ${var.NAME}; $${ for a plain ${",
                           "'${%.*s}' is not understood", STR(in));

    const char *value = environment_get(x->r->env, arena_strn(x->r->a, name.p, name.n));
    if (value && (*value || !rest.n)) {
        buf_addf(x->out, "%s", value);
        return true;
    }
    struct str word = rest.n ? (struct str){rest.p + 2, rest.n - 2} : rest;
    if (!with_default)
        return not_set(x, name, word, at);
    x->nested++;
    bool ok = x->nested > NESTED_MAX ? reader_fail(x->r, at, NULL, "too many ${ inside one another")
                                     : expand(x, word, offset + n + 4);
    x->nested--;
    return ok;
}

/* The length of what stands between ${ and its }; SIZE_MAX = it does not end. */
static size_t find_end(struct str s)
{
    int open = 1;
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] == '{')
            open++;
        else if (s.p[i] == '}' && --open == 0)
            return i;
    return SIZE_MAX;
}

static bool expand(struct expansion *x, struct str s, size_t offset)
{
    for (size_t i = 0; i < s.n;) {
        struct str rest = {s.p + i, s.n - i};
        if (rest.n >= 3 && strncmp(rest.p, "$${", 3) == 0) {
            buf_add(x->out, "${", 2);
            i += 3;
        } else if (rest.n >= 2 && strncmp(rest.p, "${", 2) == 0) {
            size_t n = find_end((struct str){rest.p + 2, rest.n - 2});
            if (n == SIZE_MAX)
                return reader_fail(x->r, yaml_place(x->y, offset + i), NULL, "'${' without its '}'");
            if (!expand_one(x, (struct str){rest.p + 2, n}, offset + i))
                return false;
            i += n + 3;
        } else {
            buf_add(x->out, rest.p, 1);
            i++;
        }
    }
    return true;
}

const char *read_text(const struct reader *r, const struct yaml *y)
{
    if (y->kind != YAML_TEXT || yaml_is_null(y)) {
        reader_fail(r, y->at, NULL, "%s where one value is expected", yaml_name(y));
        return NULL;
    }
    if (!strstr(y->text, "${"))
        return y->text;
    auto_buf out = BUF(EXPANDED_MAX);
    struct expansion x = {.r = r, .y = y, .out = &out};
    struct err e;
    if (!expand(&x, (struct str){y->text, strlen(y->text)}, 0))
        return NULL;
    if (!buf_done(&out, &e)) {
        reader_fail(r, y->at, NULL, "the text grows past %d bytes", EXPANDED_MAX);
        return NULL;
    }
    return arena_strn(r->a, out.p, out.len);
}

const struct variable *read_variable(const struct reader *r, const struct yaml *y)
{
    size_t n = y->kind == YAML_TEXT ? strlen(y->text) : 0;
    if (n < 8 || strncmp(y->text, "${var.", 6) != 0 || strcspn(y->text, "}") != n - 1)
        return NULL;
    return find_variable(r, (struct str){y->text + 6, n - 7});
}
