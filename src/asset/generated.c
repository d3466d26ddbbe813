/* Columns that the rows do not have: generated ones are computed from the others, those with a default get
 * it. Their expressions are Spark's SQL; only what surely means the same here is computed, everything else is
 * refused by name. (A value that the rows do have is checked: see constraint.c.) */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "asset/internal.h"
#include "base/json.h"

bool generated_translate(struct buf *b, const char *sql)
{
    for (const char *p = sql; *p;) {
        char quote = *p;
        if (quote != '\'' && quote != '"' && quote != '`') {
            buf_add(b, p++, 1);
            continue;
        }
        char to = quote == '`' ? '"' : '\'';
        buf_add(b, &to, 1);
        for (p++; *p && (*p != quote || p[1] == quote); p++) {
            if (*p == '\\')
                return false;
            p += *p == quote;
            if (*p == to)
                buf_add(b, &to, 1);
            buf_add(b, p, 1);
        }
        if (!*p++)
            return false;
        buf_add(b, &to, 1);
    }
    return true;
}

const char *generated_metadata(struct arena *a, const struct lake_field *f, const char *key)
{
    json_t *m = NULL;
    struct err ignored;
    if (!f->metadata || !strstr(f->metadata, key) ||
        !json_parse(a, f->metadata, strlen(f->metadata), f->name, &m, &ignored))
        return NULL;
    return json_str(m, key, NULL);
}

/* --- what means the same --- */

static bool is_word_of(const char *p, size_t n, const char *const *words, size_t nwords)
{
    for (size_t i = 0; i < nwords; i++)
        if (strlen(words[i]) == n && strncasecmp(p, words[i], n) == 0)
            return true;
    return false;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* Behind a quoted text, or at its end if it is cut off. */
static const char *past_quoted(const char *p)
{
    char quote = *p++;
    while (*p && *p != quote)
        p++;
    return *p ? p + 1 : p;
}

static const char *past_word(const char *p)
{
    while (is_word(*p))
        p++;
    return p;
}

static const char *past_space(const char *p)
{
    return p + strspn(p, " \t\r\n");
}

/* Whole numbers only: that of a text or of a real number is not the same everywhere. */
static bool has_other_than_whole(const struct lake_schema *s)
{
    static const char *const same[] = {"byte", "short", "integer", "long", "date", "timestamp"};
    for (size_t i = 0; i < s->n; i++) {
        const struct lake_type *t = s->fields[i].type;
        if (t->kind != LAKE_PRIMITIVE || !is_word_of(t->primitive, strlen(t->primitive), same, countof(same)))
            return true;
    }
    return false;
}

/* CAST(... AS type). From a word on that is the type. */
static bool is_safe_type(const char *p, const struct lake_schema *used)
{
    static const char *const whole[] = {"tinyint", "smallint", "int", "integer", "bigint", "long"};
    size_t n = (size_t)(past_word(p) - p);
    if (n == 4 && strncasecmp(p, "date", n) == 0)
        return true;
    return is_word_of(p, n, whole, countof(whole)) && !has_other_than_whole(used);
}

/* A division is of other types here than there, and so is its rounding. */
static bool is_safe_sign(char c)
{
    return isspace((unsigned char)c) || (c && strchr("()+-*%,.<>=!", c));
}

/* used: the columns that the expression may be of. */
static bool is_safe(const char *sql, const struct lake_schema *used)
{
    static const char *const functions[] = {
        "cast",    "year", "month",    "day",    "dayofmonth", "hour",      "minute", "second",
        "quarter", "abs",  "coalesce", "length", "and",        "or",        "not",    "in",
        "case",    "when", "then",     "else",   "between",    "date_trunc"};
    for (const char *p = sql; *p;) {
        const char *word = p;
        if (*p == '\'' || *p == '"' || *p == '`') {
            p = past_quoted(p);
            continue;
        }
        if (!is_word(*p)) {
            if (!is_safe_sign(*p++))
                return false;
            continue;
        }
        p = past_word(p);
        size_t n = (size_t)(p - word);
        /* 1.5 is a decimal there, of a precision of its own */
        if (isdigit((unsigned char)*word) && (strspn(word, "0123456789") < n || *p == '.'))
            return false;
        if (*past_space(p) == '(' && !is_word_of(word, n, functions, countof(functions)))
            return false;
        if (n == 2 && strncasecmp(word, "as", 2) == 0 && !is_safe_type(past_space(p), used))
            return false;
    }
    return true;
}

/* --- the columns of a stage --- */

static bool is_given(const struct engine_column *cols, size_t n, const char *name)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(cols[i].name, name) == 0)
            return true;
    return false;
}

/* The columns that the expression names, by their names anywhere in it: rather one too many. */
static struct lake_schema used_by(struct arena *a, const char *sql, const struct lake_schema *schema)
{
    struct lake_field *f = arena_make(a, struct lake_field, schema->n);
    struct lake_schema used = {f, 0};
    for (size_t i = 0; i < schema->n; i++)
        if (strcasestr(sql, schema->fields[i].name))
            f[used.n++] = schema->fields[i];
    return used;
}

static bool cannot(const char *table, const struct lake_field *f, const char *kind, const char *expression,
                   struct err *e)
{
    fail(e, ERR_DATA,
         "table '%s' has the %s '%s' (%s), which the rows do not have and which cannot be computed here",
         table, kind, f->name, expression);
    return hint(e, "have the SELECT give it%s", *kind == 'g' ? ": its value is checked" : "");
}

static bool compute(struct arena *a, const char *table, const struct lake_field *f, const char *expression,
                    const struct lake_schema *schema, struct engine_computed *ret, struct err *e)
{
    auto_buf sql = BUF(1 << 20);
    const struct lake_schema used = used_by(a, expression, schema);
    if (!is_safe(expression, &used) || !generated_translate(&sql, expression))
        return cannot(table, f, "generated column", expression, e);
    *ret = (struct engine_computed){f->name, arena_str(a, sql.p)};
    return buf_done(&sql, e);
}

/* "1.5", "-0.25": alone it is the same everywhere. */
static bool is_number(const char *p)
{
    p += *p == '-';
    size_t whole = strspn(p, "0123456789");
    p += whole;
    if (*p == '.')
        p += 1 + strspn(p + 1, "0123456789");
    return whole && !*p;
}

/* A default is an expression of no columns. */
static bool compute_default(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                            const struct lake_field *f, const char *expression, struct engine_computed *ret,
                            struct err *e)
{
    static const struct lake_schema none;
    auto_buf sql = BUF(1 << 20), probe = BUF(1 << 20);
    struct engine_column *cols;
    size_t n;
    struct err why;
    if ((!is_number(expression) && !is_safe(expression, &none)) || !generated_translate(&sql, expression))
        return cannot(table, f, "default of column", expression, e);
    buf_addf(&probe, "SELECT (%s\n) AS value", sql.p);
    if (!buf_done(&sql, e) || !buf_done(&probe, e))
        return false;
    if (!w->driver->bind(a, s, probe.p, (struct engine_params){0}, (struct src){0}, &cols, &n, &why))
        return cannot(table, f, "default of column", expression, e);
    *ret = (struct engine_computed){f->name, arena_str(a, sql.p)};
    return true;
}

bool generated_columns(struct arena *a, const struct workshop *w, struct session *s, const char *table,
                       const struct lake_schema *schema, struct engine_stage *g, struct err *e)
{
    struct list_of(struct engine_computed) list = {0};
    struct engine_column *cols = NULL;
    size_t n = 0;
    for (size_t i = 0; i < schema->n; i++) {
        const struct lake_field *f = &schema->fields[i];
        const char *expression = generated_metadata(a, f, "delta.generationExpression");
        const char *value = expression ? NULL : generated_metadata(a, f, "CURRENT_DEFAULT");
        if (!expression && !value)
            continue;
        if (!cols && !w->driver->bind(a, s, g->sql, g->params, g->at, &cols, &n, e))
            return false;
        if (is_given(cols, n, f->name))
            continue;
        struct engine_computed *c = arena_push(a, &list);
        if (!(expression ? compute(a, table, f, expression, schema, c, e)
                         : compute_default(a, w, s, table, f, value, c, e)))
            return false;
    }
    g->computed = list.v;
    g->ncomputed = list.n;
    return true;
}
