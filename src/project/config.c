/* cupel.yaml: the project's name, lake, storage, engine and variables, and what an environment changes of
 * them. */
#include <string.h>

#include "project/internal.h"

static const char *const reserved_names[] = {"now", "run_id", "start", "end"};

/* --- variables --- */

static bool is_real(const char *s)
{
    char *end;
    return s[strspn(s, "+-.0123456789eE")] == '\0' && s[strcspn(s, "0123456789")] &&
           (strtod(s, &end), *end == '\0');
}

static struct engine_param scalar_value(const char *name, const char *text, bool typed)
{
    struct engine_param p = {.name = name, .type = PARAM_TEXT, .text = text};
    struct err ignored;
    if (!typed)
        return p;
    if (strcmp(text, "true") == 0 || strcmp(text, "false") == 0) {
        p.type = PARAM_BOOL;
        p.num = text[0] == 't';
    } else if (text_int(text, &p.num, &ignored)) {
        p.type = PARAM_INT;
    } else if (is_real(text)) {
        p.type = PARAM_REAL;
        p.real = strtod(text, NULL);
    }
    return p;
}

static struct engine_param list_value(struct arena *a, const char *name, const char *const *texts, size_t n,
                                      bool typed)
{
    int64_t *nums = arena_make(a, int64_t, n);
    struct err ignored;
    bool ints = typed && n > 0;
    for (size_t i = 0; i < n; i++)
        ints = ints && text_int(texts[i], &nums[i], &ignored);
    if (ints)
        return (struct engine_param){.name = name, .type = PARAM_INTS, .nums = nums, .n = n};
    return (struct engine_param){.name = name, .type = PARAM_TEXTS, .texts = texts, .n = n};
}

/* Plain YAML has types; a text in quotes is a text, unless it is there for the sake of ${...}. */
static bool is_typed(const struct yaml *y)
{
    return y->kind == YAML_TEXT && (y->style == STYLE_PLAIN || strstr(y->text, "${"));
}

bool variable_read(const struct reader *r, const struct yaml_key *key, const struct yaml *y,
                   struct variable *ret)
{
    if (!is_name((struct str){key->name, strlen(key->name)}) || (key->name[0] >= '0' && key->name[0] <= '9'))
        return reader_fail(r, key->at, "a variable is $name in SQL: only a-z, 0-9 and _",
                           "'%s' is no name for a variable", key->name);
    for (size_t i = 0; i < countof(reserved_names); i++)
        if (strcmp(key->name, reserved_names[i]) == 0)
            return reader_fail(r, key->at, "every run sets $now, $run_id, $start and $end",
                               "a variable cannot be called '%s'", key->name);
    *ret = (struct variable){.name = key->name, .at = key->at};
    if (y->kind == YAML_MAP)
        return reader_fail(r, y->at, NULL, "variable '%s': a mapping where a value or a list is expected",
                           key->name);
    if (y->kind == YAML_TEXT && !read_variable(r, y)) {
        const char *text = read_text(r, y);
        if (text)
            ret->value = scalar_value(key->name, text, is_typed(y));
        return text;
    }
    bool typed = true;
    for (size_t i = 0; y->kind == YAML_LIST && i < y->n; i++)
        typed = typed && is_typed(y->items[i]);
    struct texts t;
    if (!read_texts(r, y, &t))
        return false;
    ret->value = y->kind == YAML_LIST || t.n != 1 ? list_value(r->a, key->name, t.v, t.n, typed)
                                                  : scalar_value(key->name, t.v[0], true);
    return true;
}

static struct variable *variable_slot(struct arena *a, struct project *p, const char *name, size_t *cap)
{
    for (size_t i = 0; i < p->nvars; i++)
        if (strcmp(p->vars[i].name, name) == 0)
            return &p->vars[i];
    return arena_grow(a, (void **)&p->vars, &p->nvars, cap, sizeof *p->vars);
}

static void read_vars(struct project *p, struct reader *r, const struct yaml *map, size_t *cap)
{
    for (size_t i = 0; map && i < map->n; i++) {
        struct variable v;
        if (variable_read(r, &map->keys[i], map->items[i], &v))
            *variable_slot(r->a, p, v.name, cap) = v;
        r->vars = p->vars;
        r->nvars = p->nvars;
    }
}

/* A value of the command line has the type that the project gives the variable. */
static bool assign(struct arena *a, struct engine_param *v, const char *text, struct err *e)
{
    static const char *const wanted[] = {[PARAM_INT] = "a whole number",
                                         [PARAM_REAL] = "a number",
                                         [PARAM_BOOL] = "true or false",
                                         [PARAM_INTS] = "whole numbers with commas between them"};
    struct engine_param new;
    if (v->type == PARAM_TEXTS || v->type == PARAM_INTS) {
        struct list_of(const char *) items = {0};
        for (const char *s = text; *s; s += strcspn(s, ","), s += *s == ',') {
            struct str item = str_trim((struct str){s, strcspn(s, ",")});
            *arena_push(a, &items) = arena_strn(a, item.p, item.n);
        }
        new = list_value(a, v->name, items.v, items.n, v->type == PARAM_INTS);
        if (!new.n)
            new.type = v->type;
    } else {
        new = scalar_value(v->name, arena_str(a, text), v->type != PARAM_TEXT);
        if (v->type == PARAM_REAL && new.type == PARAM_INT)
            new = (struct engine_param){.name = v->name, .type = PARAM_REAL, .real = (double)new.num};
    }
    if (new.type != v->type)
        return fail(e, ERR_USER, "--var %s: '%s' is not %s", v->name, text, wanted[v->type]);
    *v = new;
    return true;
}

bool variable_set(struct arena *a, struct project *p, const char *assignment, struct err *e)
{
    const char *eq = strchr(assignment, '=');
    if (!eq)
        return fail(e, ERR_USER, "--var %s: NAME=VALUE is expected", assignment);
    struct str name = {assignment, (size_t)(eq - assignment)};
    struct list_of(const char *) known = {0};
    for (size_t i = 0; i < p->nvars; i++) {
        *arena_push(a, &known) = p->vars[i].name;
        if (str_is(name, p->vars[i].name))
            return assign(a, &p->vars[i].value, eq + 1, e);
    }
    const char *word = arena_strn(a, name.p, name.n), *near = text_nearest(word, known.v, known.n);
    if (near)
        fail(e, ERR_USER, "--var %s: unknown variable (did you mean '%s'?)", word, near);
    else
        fail(e, ERR_USER, "--var %s: unknown variable", word);
    return hint(e, "variables stand under 'vars:' in cupel.yaml");
}

/* --- the file --- */

struct engine_keys {
    int64_t threads, memory;
};
static const struct field engine_setting_rows[] = {
    {"threads", FIELD_INT, offsetof(struct engine_keys, threads), 1, 1024, false},
    {"memory", FIELD_SIZE, offsetof(struct engine_keys, memory), 0, 0, false},
    {0},
};

struct config_keys {
    const char *name, *lake;
    const struct yaml *storage, *engine, *vars, *environments, *jobs, *alerts, *connections;
};
static const struct field config_rows[] = {
    {"name", FIELD_TEXT, offsetof(struct config_keys, name), 0, 0, false},
    {"lake", FIELD_TEXT, offsetof(struct config_keys, lake), 0, 0, false},
    {"storage", FIELD_MAP, offsetof(struct config_keys, storage), 0, 0, false},
    {"engine", FIELD_MAP, offsetof(struct config_keys, engine), 0, 0, false},
    {"vars", FIELD_MAP, offsetof(struct config_keys, vars), 0, 0, false},
    {"environments", FIELD_MAP, offsetof(struct config_keys, environments), 0, 0, false},
    {"connections", FIELD_MAP, offsetof(struct config_keys, connections), 0, 0, false},
    {"jobs", FIELD_MAP, offsetof(struct config_keys, jobs), 0, 0, false},
    {"alerts", FIELD_MAP, offsetof(struct config_keys, alerts), 0, 0, false},
    {0},
};

struct environment_keys {
    const char *lake;
    const struct yaml *storage, *engine, *vars;
};
static const struct field environment_rows[] = {
    {"lake", FIELD_TEXT, offsetof(struct environment_keys, lake), 0, 0, false},
    {"storage", FIELD_MAP, offsetof(struct environment_keys, storage), 0, 0, false},
    {"engine", FIELD_MAP, offsetof(struct environment_keys, engine), 0, 0, false},
    {"vars", FIELD_MAP, offsetof(struct environment_keys, vars), 0, 0, false},
    {0},
};

static void read_engine(struct project *p, const struct reader *r, const struct yaml *map)
{
    struct engine_keys k = {p->engine.threads, p->engine.memory_bytes};
    if (map)
        read_fields(r, map, map->at, "engine", engine_setting_rows, &k);
    p->engine.threads = (int)k.threads;
    p->engine.memory_bytes = k.memory;
}

/* An environment that is not asked for now: its mistakes count, but not what is unset in the real one. */
static void look_over(const struct reader *r, const struct yaml *y, struct src at, const char *what)
{
    struct environment_keys k = {0};
    struct store_conf storage = {0};
    struct problems found = {.a = r->a};
    const char *unset = NULL;
    struct reader own = *r;
    own.problems = &found;
    own.missing_env = &unset;
    read_fields(&own, y, at, what, environment_rows, &k);
    storage_read(&own, "/", k.storage, &storage);
    for (size_t i = 0; i < found.n; i++)
        if (found.v[i].kind != ERR_NONE)
            problems_add(r->problems, &found.v[i]);
}

static void read_environments(struct project *p, struct reader *r, const struct yaml *map, size_t *cap)
{
    for (size_t i = 0; map && i < map->n; i++) {
        struct environment_keys k = {0};
        const char *what = arena_fmt(r->a, "environment '%s'", map->keys[i].name);
        if (strcmp(map->keys[i].name, p->env) != 0) {
            look_over(r, map->items[i], map->keys[i].at, what);
            continue;
        }
        read_fields(r, map->items[i], map->keys[i].at, what, environment_rows, &k);
        if (k.lake)
            p->lake = k.lake;
        storage_read(r, p->root, k.storage, &p->storage);
        read_engine(p, r, k.engine);
        read_vars(p, r, k.vars, cap);
    }
}

static bool environment_known(const struct project *p, const struct yaml *map, struct err *e)
{
    if (strcmp(p->env, "default") == 0 || yaml_get(map, p->env))
        return true;
    struct list_of(const char *) known = {0};
    auto_buf all = BUF(200);
    for (size_t i = 0; map && i < map->n; i++) {
        *arena_push(p->a, &known) = map->keys[i].name;
        buf_addf(&all, "%s%s", i ? ", " : "", map->keys[i].name);
    }
    const char *near = text_nearest(p->env, known.v, known.n);
    if (near)
        return fail(e, ERR_USER, "unknown environment '%s' (did you mean '%s'?)", p->env, near);
    fail(e, ERR_USER, "unknown environment '%s'", p->env);
    return known.n ? hint(e, "cupel.yaml has: %s", all.p) : hint(e, "cupel.yaml has no 'environments:'");
}

static bool is_project_name(const char *s)
{
    return *s && s[strspn(s, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-")] == '\0';
}

bool config_read(struct project *p, const struct project_options *o, const char *text, size_t n,
                 struct problems *problems, struct err *e)
{
    const struct src top = {"cupel.yaml", 1, 1};
    struct reader r = {.a = p->a, .problems = problems, .env = &p->in->env};
    const char *slash = strrchr(p->root, '/');
    p->name = slash && slash[1] ? slash + 1 : "project";
    p->lake = "lake";

    struct yaml *root;
    struct config_keys k = {0};
    size_t cap = 0;
    p->in->incomplete = !yaml_parse(p->a, text, n, top, problems, &root);
    if (p->in->incomplete)
        return true;
    read_fields(&r, root, top, "cupel.yaml", config_rows, &k);
    if (k.name && !is_project_name(k.name))
        reader_fail(&r, yaml_get(root, "name")->at, "letters, digits, _ and -",
                    "'%s' is no name for a project", k.name);
    p->name = k.name ? k.name : p->name;
    p->lake = k.lake ? k.lake : p->lake;
    if (!*p->lake)
        reader_fail(&r, yaml_get(root, "lake")->at, NULL, "lake: a folder or a URI is expected");
    if (!environment_known(p, k.environments, e))
        return false;
    storage_read(&r, p->root, k.storage, &p->storage);
    read_engine(p, &r, k.engine);
    read_vars(p, &r, k.vars, &cap);
    read_environments(p, &r, k.environments, &cap);
    storage_from_environment(&p->in->env, &p->storage);
    for (const char *const *v = o->vars; v && *v; v++)
        if (!variable_set(p->a, p, *v, e))
            return false;
    return true;
}
