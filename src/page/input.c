/* What input blocks say, and the values that follow from it. */
#include "page/input.h"

#include <ctype.h>
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "engine/sqltext_token.h"
#include "page/format.h"
#include "page/input_days.h"
#include "project/read.h"

struct input_keys {
    const struct yaml *type, *options, *chosen, *min, *max, *step;
    const char *title, *all, *placeholder, *format;
};

/* --- blocks --- */

#define ROW(name, type, member, required)                                                                    \
    {                                                                                                        \
        name, type, offsetof(struct input_keys, member), 0, 0, required                                      \
    }
static const struct field select_rows[] = {
    ROW("type", FIELD_NODE, type, true),       ROW("title", FIELD_TEXT, title, false),
    ROW("options", FIELD_NODE, options, true), ROW("all", FIELD_TEXT, all, false),
    ROW("default", FIELD_NODE, chosen, false), {0}};
static const struct field slider_rows[] = {
    ROW("type", FIELD_NODE, type, true),      ROW("title", FIELD_TEXT, title, false),
    ROW("min", FIELD_NODE, min, true),        ROW("max", FIELD_NODE, max, true),
    ROW("step", FIELD_NODE, step, false),     ROW("default", FIELD_NODE, chosen, false),
    ROW("format", FIELD_TEXT, format, false), {0}};
static const struct field dates_rows[] = {
    ROW("type", FIELD_NODE, type, true),       ROW("title", FIELD_TEXT, title, false),
    ROW("min", FIELD_NODE, min, false),        ROW("max", FIELD_NODE, max, false),
    ROW("default", FIELD_NODE, chosen, false), {0}};
static const struct field search_rows[] = {ROW("type", FIELD_NODE, type, true),
                                           ROW("title", FIELD_TEXT, title, false),
                                           ROW("placeholder", FIELD_TEXT, placeholder, false),
                                           ROW("default", FIELD_NODE, chosen, false),
                                           {0}};
static const struct {
    const char *word, *what;
    const struct field *rows;
} kinds[] = {[INPUT_SELECT] = {"select", "a select", select_rows},
             [INPUT_SLIDER] = {"slider", "a slider", slider_rows},
             [INPUT_DATES] = {"date_range", "a date range", dates_rows},
             [INPUT_SEARCH] = {"search", "a search", search_rows}};

static bool read_kind(const struct reader *r, const struct block *b, const struct yaml *y,
                      enum input_kind *ret)
{
    const struct yaml *type = y && y->kind == YAML_MAP ? yaml_get(y, "type") : NULL;
    const char *words[countof(kinds)];
    for (size_t i = 0; i < countof(kinds); i++)
        words[i] = kinds[i].word;
    if (!type)
        return reader_fail(r, y ? y->at : b->name_at, "types are select, slider, date_range and search",
                           "this input needs a type");
    const char *word = read_text(r, type);
    for (size_t i = 0; word && i < countof(kinds); i++)
        if (strcmp(word, words[i]) == 0) {
            *ret = (enum input_kind)i;
            return true;
        }
    return word && reader_unknown(r, type->at, "type", word, words, countof(words));
}

static bool read_block(const struct reader *r, const struct block *b, struct page_input *in)
{
    struct input_keys *k = arena_make(r->a, struct input_keys, 1);
    struct yaml *y = NULL;
    k->title = b->name;
    in->keys = k;
    if (!yaml_parse(r->a, b->body, strlen(b->body), b->at, r->problems, &y) ||
        !read_kind(r, b, y, &in->kind) ||
        !read_fields(r, y, b->at, kinds[in->kind].what, kinds[in->kind].rows, k))
        return false;
    in->title = k->title;
    in->placeholder = k->placeholder;
    if (k->format && !format_known(k->format))
        return reader_fail(r, yaml_get(y, "format")->at, FORMAT_PLAIN, "unknown format '%s'", k->format);
    return true;
}

int input_part(const struct page_input *in, const char *param)
{
    size_t n = strlen(in->name);
    if (in->kind != INPUT_DATES)
        return strcmp(param, in->name) == 0 ? 0 : -1;
    if (strncmp(param, in->name, n) != 0)
        return -1;
    return strcmp(param + n, "_start") == 0 ? 0 : strcmp(param + n, "_end") == 0 ? 1 : -1;
}

const struct page_input *input_find(const struct page_inputs *in, const char *name)
{
    for (size_t i = 0; i < in->n; i++)
        if (strcmp(in->v[i].name, name) == 0)
            return &in->v[i];
    return NULL;
}

/* The parameters of an input may not be another's, nor the project's. */
static bool check_name(const struct reader *r, const struct page_inputs *in, const struct page_input *x,
                       struct engine_params params)
{
    const char *range[] = {arena_fmt(r->a, "%s_start", x->name), arena_fmt(r->a, "%s_end", x->name)};
    const char *const *mine = x->kind == INPUT_DATES ? range : &x->name;
    if (!is_name((struct str){x->name, strlen(x->name)}) || isdigit((unsigned char)*x->name))
        return reader_fail(r, x->name_at, "the queries call it $name: use a-z, 0-9 and _",
                           "'%s' cannot be the name of an input", x->name);
    if (input_find(in, x->name))
        return reader_fail(r, x->name_at, NULL, "there is an input '%s' on this page already", x->name);
    for (size_t m = 0; m < (x->kind == INPUT_DATES ? 2 : 1); m++) {
        for (size_t i = 0; i < params.n; i++)
            if (strcmp(params.v[i].name, mine[m]) == 0)
                return reader_fail(r, x->name_at, "give it another name",
                                   "$%s is a variable of the project already", mine[m]);
        for (size_t i = 0; i < in->n; i++)
            if (input_part(&in->v[i], mine[m]) >= 0)
                return reader_fail(r, x->name_at, "give it another name", "$%s stands for input '%s' already",
                                   mine[m], in->v[i].name);
    }
    return true;
}

void inputs_read(struct arena *a, const struct block *blocks, size_t n, struct engine_params params,
                 struct problems *problems, struct page_inputs *ret)
{
    static const struct environment none;
    struct reader r = {.a = a, .problems = problems, .env = &none};
    *ret = (struct page_inputs){.v = arena_make(a, struct page_input, n + 1)};
    for (size_t i = 0; i < params.n; i++)
        if (strcmp(params.v[i].name, "now") == 0)
            ret->today = params.v[i].num / US_PER_DAY;
    for (size_t i = 0; i < n; i++) {
        const struct block *b = &blocks[i];
        if (b->kind != BLOCK_INPUT)
            continue;
        struct page_input x = {.name = b->name,
                               .title = b->name,
                               .at = b->at,
                               .name_at = b->name_at,
                               .chosen = SIZE_MAX,
                               .min = 1,
                               .text = ""};
        x.broken = !read_block(&r, b, &x);
        x.type = x.kind == INPUT_DATES ? PARAM_DATE : PARAM_TEXT;
        if (!check_name(&r, ret, &x, params))
            continue;
        for (size_t k = 0; k < n; k++)
            if (blocks[k].kind == BLOCK_SQL && strcmp(blocks[k].name, x.name) == 0)
                x.broken = !reader_fail(&r, x.name_at, "give it another name",
                                        "there is a query '%s' on this page", x.name);
        ret->v[ret->n++] = x;
    }
}

/* --- values --- */

struct filler {
    struct reader r;
    struct page_inputs *in;
    const struct block *blocks;
    size_t nblocks;
    const struct page_queries *qs;
    bool data;
};

/* "genres.genre": a query and its column; false: it is something else. */
static bool is_ref(const struct yaml *y)
{
    if (!y || y->kind != YAML_TEXT || !(isalpha((unsigned char)*y->text) || *y->text == '_'))
        return false;
    const char *dot = strchr(y->text, '.');
    return dot && dot[1] && !strpbrk(y->text, " \t");
}

static bool find_ref(const struct filler *f, const struct yaml *y, const struct page_query **ret,
                     size_t *column)
{
    struct err e;
    const char *dot = strchr(y->text, '.');
    struct src at = yaml_place(y, (size_t)(dot + 1 - y->text));
    struct str name = {y->text, (size_t)(dot - y->text)};
    bool *used = arena_make(f->r.a, bool, f->in->n + 1);
    for (size_t i = 0; i < f->nblocks; i++)
        if (f->blocks[i].kind == BLOCK_SQL && str_is(name, f->blocks[i].name) &&
            inputs_used(f->r.a, f->in, f->blocks[i].body, used))
            return reader_fail(&f->r, y->at, "take them from a query that uses no input",
                               "query '%s' depends on an input itself", f->blocks[i].name);
    *ret = query_find(f->r.a, f->qs, name, y->at, &e);
    if (*ret && query_column(*ret, dot + 1, at, column, &e))
        return true;
    problems_add(f->r.problems, &e);
    return false;
}

static enum param_type type_of(const char *sql)
{
    if (strchr(sql, '[') || strchr(sql, '('))
        return strncmp(sql, "DECIMAL", 7) == 0 && !strchr(sql, '[') ? PARAM_REAL : PARAM_TEXT;
    if (strstr(sql, "INT") && strncmp(sql, "INTERVAL", 8) != 0)
        return PARAM_INT;
    if (strcmp(sql, "DATE") == 0)
        return PARAM_DATE;
    return strcmp(sql, "DOUBLE") == 0 || strcmp(sql, "FLOAT") == 0 ? PARAM_REAL : PARAM_TEXT;
}

static bool is_whole(const char *s)
{
    int64_t ignored;
    struct err e;
    return text_int(s, &ignored, &e);
}

static bool is_number(const char *s, double *ret)
{
    char *end;
    *ret = strtod(s, &end);
    return end > s && !*end && isfinite(*ret) && !strpbrk(s, "xX");
}

static enum param_type type_of_texts(const char *const *v, size_t n)
{
    bool whole = n > 0, number = n > 0, day = n > 0;
    for (size_t i = 0; i < n; i++) {
        double x;
        int64_t d;
        whole = whole && is_whole(v[i]);
        number = number && is_number(v[i], &x);
        day = day && input_day_read(v[i], &d);
    }
    return whole ? PARAM_INT : number ? PARAM_REAL : day ? PARAM_DATE : PARAM_TEXT;
}

/* The option that is meant: by its value or by its label. */
static size_t option_of(const struct page_input *in, const char *text)
{
    double want, have;
    for (size_t i = 0; i < in->noptions; i++) {
        const char *value = in->options[i].value;
        if (value && (strcmp(value, text) == 0 || (in->type == PARAM_REAL && is_number(value, &have) &&
                                                   is_number(text, &want) && have == want)))
            return i;
    }
    for (size_t i = 0; i < in->noptions; i++)
        if (strcmp(in->options[i].label, text) == 0)
            return i;
    return SIZE_MAX;
}

/* --- select --- */

static void add_option(struct page_input *in, struct map *seen, struct arena *a, const char *value,
                       const char *label)
{
    size_t known = seen->n;
    if (map_add(a, seen, value) == known)
        in->options[in->noptions++] = (struct input_option){value, label};
}

static bool options_of_query(const struct filler *f, const struct yaml *y, struct page_input *in)
{
    const struct page_query *q;
    size_t column;
    struct map seen = {0};
    if (!find_ref(f, y, &q, &column))
        return false;
    if (column == SIZE_MAX)
        return true;
    in->type = type_of(q->types[column]);
    in->options = arena_make(f->r.a, struct input_option, q->rows.nrows + 1);
    in->noptions = in->keys->all != NULL;
    for (size_t i = 0; i < q->rows.nrows; i++)
        if (q->rows.rows[i][column])
            add_option(in, &seen, f->r.a, q->rows.rows[i][column], q->rows.rows[i][column]);
    if (in->noptions > INPUT_MAX_OPTIONS)
        return reader_fail(&f->r, y->at, "a search finds more", "'%s' gives %zu options, %d are possible",
                           y->text, in->noptions, INPUT_MAX_OPTIONS);
    return true;
}

static bool options_of_list(const struct filler *f, const struct yaml *y, struct page_input *in)
{
    struct arena *a = f->r.a;
    const char **values = arena_make(a, const char *, y->n + 1),
               **labels = arena_make(a, const char *, y->n + 1);
    struct map seen = {0};
    if (y->n == 0)
        return reader_fail(&f->r, y->at, NULL, "there are no options");
    for (size_t i = 0; i < y->n; i++) {
        labels[i] = read_text(&f->r, y->items[i]);
        if (!labels[i])
            return false;
        if (yaml_is_null(y->items[i]))
            return reader_fail(&f->r, y->items[i]->at, "all: LABEL makes an option for everything",
                               "an option without a value");
        values[i] = y->kind == YAML_MAP ? y->keys[i].name : labels[i];
    }
    in->type = type_of_texts(values, y->n);
    in->options = arena_make(a, struct input_option, y->n + 1);
    in->noptions = in->keys->all != NULL;
    for (size_t i = 0; i < y->n; i++)
        add_option(in, &seen, a, values[i], labels[i]);
    return true;
}

/* Data move: a default that is no option of a query's any more is not the page's mistake. */
static bool choose_default(const struct filler *f, struct page_input *in, size_t otherwise, bool literal)
{
    const struct yaml *y = in->keys->chosen;
    const char *text = y ? read_text(&f->r, y) : NULL;
    in->chosen = in->noptions ? otherwise : SIZE_MAX;
    if (!y)
        return true;
    size_t i = text ? option_of(in, text) : SIZE_MAX;
    if (i != SIZE_MAX) {
        in->chosen = i;
        return true;
    }
    if (!text)
        return false;
    const char **labels = arena_make(f->r.a, const char *, in->noptions + 1);
    for (size_t k = 0; k < in->noptions; k++)
        labels[k] = in->options[k].label;
    const char *near = text_nearest(text, labels, in->noptions);
    const char *remedy = near ? arena_fmt(f->r.a, "did you mean '%s'?", near) : NULL;
    if (literal)
        return reader_fail(&f->r, y->at, remedy, "the default '%s' is none of the options", text);
    if (in->noptions)
        reader_warn(&f->r, y->at, remedy, "the default '%s' is none of the options, '%s' is taken", text,
                    in->options[otherwise].label);
    return true;
}

static bool fill_select(const struct filler *f, struct page_input *in)
{
    const struct yaml *y = in->keys->options;
    bool literal = y->kind != YAML_TEXT;
    if (!literal && !is_ref(y))
        return reader_fail(&f->r, y->at, "options: [A, B], or QUERY.COLUMN", "'%s' is no list of options",
                           y->text);
    if (literal ? !options_of_list(f, y, in) : !options_of_query(f, y, in))
        return false;
    if (in->keys->all && in->options)
        in->options[0] = (struct input_option){NULL, in->keys->all};
    if (!literal && !f->data)
        return true;
    if (in->noptions == 0)
        reader_warn(&f->r, y->at, NULL, "input '%s' has no options now", in->name);
    return choose_default(f, in, 0, literal);
}

/* --- slider --- */

/* A number, or a column of a query: NAN when there is no row, or only columns are known. */
static bool read_bound(const struct filler *f, const struct yaml *y, const char *key, double *ret)
{
    const struct page_query *q;
    size_t column;
    *ret = NAN;
    if (!is_ref(y)) {
        const char *text = read_text(&f->r, y);
        return text && (is_number(text, ret) || reader_fail(&f->r, y->at, "a number, or QUERY.COLUMN",
                                                            "%s: '%s' is no number", key, text));
    }
    if (!find_ref(f, y, &q, &column))
        return false;
    if (column == SIZE_MAX)
        return true;
    enum param_type type = type_of(q->types[column]);
    if (type != PARAM_INT && type != PARAM_REAL)
        return reader_fail(&f->r, y->at, NULL, "%s: '%s' is %s, no number", key, y->text, q->types[column]);
    if (q->rows.nrows && q->rows.rows[0][column] && !is_number(q->rows.rows[0][column], ret))
        *ret = NAN;
    return true;
}

static int decimals(const struct yaml *y)
{
    const char *dot = y && !is_ref(y) && y->kind == YAML_TEXT ? strchr(y->text, '.') : NULL;
    size_t n = dot ? strspn(dot + 1, "0123456789") : 0;
    return (int)(n > 9 ? 9 : n);
}

static size_t nearest_step(const struct page_input *in, const char *text)
{
    double want, have;
    size_t best = 0;
    double least = INFINITY;
    if (!is_number(text, &want))
        return SIZE_MAX;
    for (size_t i = 0; i < in->noptions; i++)
        if (is_number(in->options[i].value, &have) && fabs(have - want) < least) {
            least = fabs(have - want);
            best = i;
        }
    return in->noptions ? best : SIZE_MAX;
}

static bool fill_steps(const struct filler *f, struct page_input *in, double min, double max, double step)
{
    const struct input_keys *k = in->keys;
    int digits = decimals(k->step) > decimals(k->min) ? decimals(k->step) : decimals(k->min);
    min = is_ref(k->min) ? floor(min / step + 1e-9) * step : min;
    max = is_ref(k->max) ? min + ceil((max - min) / step - 1e-9) * step : max;
    double steps = floor((max - min) / step + 1e-9) + 1;
    if (max < min)
        return reader_fail(&f->r, k->max->at, NULL, "max is less than min");
    if (steps > INPUT_MAX_STEPS)
        return reader_fail(&f->r, k->step ? k->step->at : k->max->at, "a larger step makes fewer",
                           "%.0f steps from min to max, %d are possible", steps, INPUT_MAX_STEPS);
    in->options = arena_make(f->r.a, struct input_option, (size_t)steps + 1);
    for (size_t i = 0; i < (size_t)steps; i++) {
        double x = min + (double)i * step;
        const char *value = arena_fmt(f->r.a, "%.*f", digits, x == 0 ? 0.0 : x);
        in->options[in->noptions++] = (struct input_option){value, format_value(f->r.a, k->format, value)};
    }
    return true;
}

static bool fill_slider(const struct filler *f, struct page_input *in)
{
    const struct input_keys *k = in->keys;
    double min, max, step = 1;
    if (!read_bound(f, k->min, "min", &min) || !read_bound(f, k->max, "max", &max) ||
        (k->step && !read_bound(f, k->step, "step", &step)))
        return false;
    if (is_ref(k->step) || !(step > 0))
        return reader_fail(&f->r, k->step->at, NULL, "step must be a number above 0");
    in->type = decimals(k->step) || decimals(k->min) ? PARAM_REAL : PARAM_INT;
    const char *text = k->chosen ? read_text(&f->r, k->chosen) : "min";
    double ignored;
    if (!text)
        return false;
    bool end = strcmp(text, "max") == 0, word = end || strcmp(text, "min") == 0;
    if (!word && !is_number(text, &ignored))
        return reader_fail(&f->r, k->chosen->at, "a number, min or max", "the default '%s' is no number",
                           text);
    if (isnan(min) || isnan(max)) {
        if (f->data)
            reader_warn(&f->r, k->max->at, NULL, "input '%s' has no values now", in->name);
        return true;
    }
    if (!fill_steps(f, in, min, max, step))
        return false;
    bool literal = !is_ref(k->min) && !is_ref(k->max);
    in->chosen = end ? in->noptions - 1 : word ? 0 : literal ? option_of(in, text) : nearest_step(in, text);
    return in->chosen != SIZE_MAX ||
           reader_fail(&f->r, k->chosen->at,
                       arena_fmt(f->r.a, "from %s to %s by %s", in->options[0].label,
                                 in->options[in->noptions - 1].label, k->step ? k->step->text : "1"),
                       "the default %s is no step of the slider", text);
}

/* --- date range --- */

/* *ret stays as it is when the query has no row. */
static bool read_day_bound(const struct filler *f, const struct yaml *y, const char *key, int64_t *ret,
                           bool *known)
{
    const struct page_query *q;
    size_t column;
    if (!is_ref(y)) {
        const char *text = read_text(&f->r, y);
        *known = text && input_day_read(text, ret);
        return *known || (text && reader_fail(&f->r, y->at, "a day is like 2026-01-31; or QUERY.COLUMN",
                                              "%s: '%s' is no day", key, text));
    }
    if (!find_ref(f, y, &q, &column))
        return false;
    if (column != SIZE_MAX && type_of(q->types[column]) != PARAM_DATE &&
        strncmp(q->types[column], "TIMESTAMP", 9) != 0)
        return reader_fail(&f->r, y->at, NULL, "%s: '%s' is %s, no day", key, y->text, q->types[column]);
    if (column != SIZE_MAX && q->rows.nrows && q->rows.rows[0][column])
        *known = input_day_read(arena_strn(f->r.a, q->rows.rows[0][column], 10), ret);
    return true;
}

static bool fill_dates(const struct filler *f, struct page_input *in)
{
    const struct input_keys *k = in->keys;
    bool low = false, high = false;
    int64_t min = 0, max = 0;
    if ((k->min && !read_day_bound(f, k->min, "min", &min, &low)) ||
        (k->max && !read_day_bound(f, k->max, "max", &max, &high)))
        return false;
    in->min = low && high ? min : 1;
    in->max = low && high ? max : 0;
    if (low && high && min > max)
        return reader_fail(&f->r, k->max->at, NULL, "max is before min");
    const char *text = k->chosen ? read_text(&f->r, k->chosen) : NULL;
    if (k->chosen && !text)
        return false;
    if (k->chosen && !input_days_read(text, f->in->today, &in->start, &in->end))
        return reader_fail(&f->r, k->chosen->at, INPUT_DAYS_PLAIN, "'%s' is no range of days", text);
    if (!k->chosen && low && high) {
        in->start = min;
        in->end = max;
    } else if (!k->chosen) {
        in->start = f->in->today - 29;
        in->end = f->in->today;
    }
    return true;
}

static bool fill_search(const struct filler *f, struct page_input *in)
{
    if (in->keys->chosen)
        in->text = read_text(&f->r, in->keys->chosen);
    return in->text != NULL;
}

void inputs_fill(struct arena *a, struct page_inputs *in, const struct block *blocks, size_t n,
                 const struct page_queries *qs, bool data, struct problems *problems)
{
    static bool (*const fill[])(const struct filler *, struct page_input *) = {[INPUT_SELECT] = fill_select,
                                                                               [INPUT_SLIDER] = fill_slider,
                                                                               [INPUT_DATES] = fill_dates,
                                                                               [INPUT_SEARCH] = fill_search};
    static const struct environment none;
    const struct filler f = {{.a = a, .problems = problems, .env = &none}, in, blocks, n, qs, data};
    for (size_t i = 0; i < in->n; i++)
        if (!in->v[i].broken)
            in->v[i].broken = !fill[in->v[i].kind](&f, &in->v[i]);
}

/* --- chosen ones --- */

static bool no_option(struct arena *a, const struct page_input *in, const char *text, struct err *e)
{
    const char **labels = arena_make(a, const char *, in->noptions + 1);
    for (size_t i = 0; i < in->noptions; i++)
        labels[i] = in->options[i].label;
    fail(e, ERR_USER, "--input %s: '%s' is none of its values", in->name, text);
    const char *near = text_nearest(text, labels, in->noptions);
    if (in->noptions == 0)
        return hint(e, "it has none now");
    if (in->kind == INPUT_SLIDER)
        return hint(e, "from %s to %s, in %zu steps", labels[0], labels[in->noptions - 1], in->noptions - 1);
    if (near)
        return hint(e, "did you mean '%s'?", near);
    auto_buf some = BUF(200);
    for (size_t i = 0; i < in->noptions && i < 6; i++)
        buf_addf(&some, "%s%s", i ? ", " : "", labels[i]);
    return hint(e, "there are %s%s", some.p, in->noptions > 6 ? " and more" : "");
}

bool inputs_choose(struct arena *a, struct page_inputs *in, const char *assignment, struct err *e)
{
    const char *equals = strchr(assignment, '=');
    if (!equals)
        return fail(e, ERR_USER, "--input: '%s' is not NAME=VALUE", assignment);
    const char *name = arena_strn(a, assignment, (size_t)(equals - assignment)), *text = equals + 1;
    const char **names = arena_make(a, const char *, in->n + 1);
    for (size_t i = 0; i < in->n; i++) {
        struct page_input *x = &in->v[i];
        names[i] = x->name;
        if (strcmp(x->name, name) != 0)
            continue;
        if (x->kind == INPUT_SEARCH) {
            x->text = text;
            return text_utf8(text, strlen(text)) || fail(e, ERR_USER, "--input %s: this is not UTF-8", name);
        }
        if (x->kind == INPUT_DATES) {
            if (input_days_read(text, in->today, &x->start, &x->end))
                return true;
            fail(e, ERR_USER, "--input %s: '%s' is no range of days", name, text);
            return hint(e, "%s", INPUT_DAYS_PLAIN);
        }
        bool all = !*text && x->noptions && !x->options[0].value;
        size_t found = all ? 0 : option_of(x, text);
        if (found == SIZE_MAX)
            return no_option(a, x, text, e);
        x->chosen = found;
        return true;
    }
    const char *near = text_nearest(name, names, in->n);
    fail(e, ERR_USER, "--input: the page has no input '%s'", name);
    return near ? hint(e, "did you mean '%s'?", near) : in->n ? false : hint(e, "it has none at all");
}

const char *input_day(struct arena *a, int64_t day)
{
    char time[32];
    return arena_strn(a, clock_format(time, day * US_PER_DAY, 0), 10);
}

const char *input_shown(struct arena *a, const struct page_input *in)
{
    if (in->kind == INPUT_SEARCH)
        return in->text;
    if (in->kind == INPUT_DATES)
        return in->start == in->end
                   ? input_day(a, in->start)
                   : arena_fmt(a, "%s to %s", input_day(a, in->start), input_day(a, in->end));
    return in->chosen == SIZE_MAX ? "-" : in->options[in->chosen].label;
}

const char *input_part_shown(struct arena *a, const struct page_input *in, int part)
{
    if (in->kind == INPUT_DATES && part >= 0)
        return input_day(a, part ? in->end : in->start);
    const char *s = input_shown(a, in);
    return *s ? s : "-";
}

/* --- parameters --- */

static struct engine_param value_of(const struct page_input *in)
{
    struct engine_param p = {.name = in->name, .type = in->type};
    const char *text = in->kind == INPUT_SEARCH                            ? in->text
                       : in->kind != INPUT_DATES && in->chosen != SIZE_MAX ? in->options[in->chosen].value
                                                                           : NULL;
    p.null = !text;
    p.text = text;
    if (text && p.type == PARAM_INT)
        p.num = strtoll(text, NULL, 10);
    if (text && p.type == PARAM_REAL)
        p.real = strtod(text, NULL);
    if (text && p.type == PARAM_DATE)
        p.null = !input_day_read(text, &p.num);
    return p;
}

struct engine_params inputs_params(struct arena *a, const struct page_inputs *in, struct engine_params own,
                                   bool typed)
{
    struct engine_param *v = arena_make(a, struct engine_param, own.n + 2 * in->n + 1);
    size_t n = own.n;
    if (own.n)
        memcpy(v, own.v, own.n * sizeof *v);
    for (size_t i = 0; i < in->n; i++) {
        const struct page_input *x = &in->v[i];
        if (x->kind == INPUT_DATES) {
            v[n++] = (struct engine_param){.name = arena_fmt(a, "%s_start", x->name),
                                           .type = PARAM_DATE,
                                           .null = typed,
                                           .num = x->start};
            v[n++] = (struct engine_param){
                .name = arena_fmt(a, "%s_end", x->name), .type = PARAM_DATE, .null = typed, .num = x->end};
            continue;
        }
        v[n] = value_of(x);
        v[n++].null |= typed;
    }
    return (struct engine_params){v, n};
}

size_t inputs_used(struct arena *a, const struct page_inputs *in, const char *sql, bool *used)
{
    struct token *t;
    size_t n, bad, found = 0;
    struct err ignored;
    if (in->n)
        memset(used, 0, in->n * sizeof *used);
    if (in->n == 0 || !sqltext_tokens(a, sql, &t, &n, &bad, &ignored))
        return 0;
    for (size_t i = 0; i < n; i++) {
        if (t[i].kind != TOKEN_PARAM)
            continue;
        const char *name = arena_strn(a, sql + t[i].start + 1, t[i].end - t[i].start - 1);
        for (size_t k = 0; k < in->n; k++)
            if (input_part(&in->v[k], name) >= 0 && !used[k]) {
                used[k] = true;
                found++;
            }
    }
    return found;
}

void inputs_check_use(struct arena *a, const struct page_inputs *in, const struct block *blocks, size_t n,
                      struct problems *problems)
{
    static const struct environment none;
    const struct reader r = {.a = a, .problems = problems, .env = &none};
    bool *any = arena_make(a, bool, in->n + 1), *used = arena_make(a, bool, in->n + 1);
    for (size_t i = 0; i < n; i++) {
        if (blocks[i].kind != BLOCK_SQL || !inputs_used(a, in, blocks[i].body, used))
            continue;
        for (size_t k = 0; k < in->n; k++)
            any[k] = any[k] || used[k];
    }
    for (size_t k = 0; k < in->n; k++) {
        const struct page_input *x = &in->v[k];
        const char *remedy = x->kind == INPUT_DATES
                                 ? arena_fmt(a, "a query says $%s_start and $%s_end", x->name, x->name)
                                 : arena_fmt(a, "a query says $%s", x->name);
        if (!any[k] && !x->broken)
            reader_warn(&r, x->name_at, remedy, "no query uses input '%s'", x->name);
    }
}

void inputs_hint(struct arena *a, const struct page_inputs *in, struct err *e)
{
    for (size_t i = 0; i < in->n; i++)
        if (in->v[i].kind == INPUT_DATES &&
            strcmp(e->msg, arena_fmt(a, "unknown parameter '$%s'", in->v[i].name)) == 0)
            hint(e, "a date range is $%s_start and $%s_end", in->v[i].name, in->v[i].name);
}
