#include "engine/sqltext.h"

#include <ctype.h>
#include <inttypes.h>
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "engine/sqltext_token.h"

enum { MAX_TEXT = 16 << 20 };

/* --- places --- */

struct sqltext_piece { /* ends where the next begins */
    size_t at;         /* in the plain text */
    size_t origin;     /* in the original */
    bool copied;       /* byte by byte; else all of it came from `origin` */
};

size_t sqltext_origin(const struct sqltext *t, size_t offset)
{
    size_t lo = 0, hi = t->npieces;
    while (hi - lo > 1) {
        size_t mid = (lo + hi) / 2;
        if (t->pieces[mid].at <= offset)
            lo = mid;
        else
            hi = mid;
    }
    if (t->npieces == 0)
        return offset;
    const struct sqltext_piece *p = &t->pieces[lo];
    return p->origin + (p->copied ? offset - p->at : 0);
}

struct src sqltext_place(const char *text, size_t offset, struct src at)
{
    if (at.line == 0)
        return at;
    for (size_t i = 0; i < offset && text[i]; i++) {
        if (text[i] == '\n') {
            at.line++;
            at.col = 1;
        } else {
            at.col++;
        }
    }
    return at;
}

/* --- names --- */

static bool is_name(const struct token *t)
{
    return t->kind == TOKEN_WORD || t->kind == TOKEN_QUOTED || t->kind == TOKEN_BACKTICK;
}

static bool is_mark(const char *text, const struct token *t, char c)
{
    return t->kind == TOKEN_MARK && t->end == t->start + 1 && text[t->start] == c;
}

/* Appends what a name stands for, its quotes undone. */
static void add_name(struct buf *b, const char *text, const struct token *t)
{
    if (t->kind == TOKEN_WORD) {
        buf_add(b, text + t->start, t->end - t->start);
        return;
    }
    char quote = text[t->start];
    for (size_t i = t->start + 1; i + 1 < t->end; i++) {
        buf_add(b, &text[i], 1);
        if (text[i] == quote)
            i++;
    }
}

/* How many tokens a dotted name takes, with its version: a.b.c@v3. */
static size_t dotted_name(const char *text, const struct token *t)
{
    size_t n = 1;
    while (is_mark(text, &t[n], '.') && is_name(&t[n + 1]))
        n += 2;
    return n + (t[n].kind == TOKEN_VERSION);
}

/* --- the plain text --- */

struct writer {
    struct arena *a;
    const char *text;
    struct src at;
    struct buf out;
    struct list_of(struct sqltext_piece) pieces;
    size_t copied; /* of the original, up to here */
};

static void copy_until(struct writer *w, size_t end)
{
    if (end > w->copied)
        *arena_push(w->a, &w->pieces) = (struct sqltext_piece){w->out.len, w->copied, true};
    buf_add(&w->out, w->text + w->copied, end - w->copied);
    w->copied = end;
}

/* What is appended next stands for these tokens. */
static void begin_replaced(struct writer *w, const struct token *first, const struct token *last)
{
    copy_until(w, first->start);
    *arena_push(w->a, &w->pieces) = (struct sqltext_piece){w->out.len, first->start, false};
    w->copied = last->end;
}

static void write_name(struct writer *w, const struct token *t, size_t n)
{
    begin_replaced(w, &t[0], &t[n - 1]);
    for (size_t i = 0; i < n && t[i].kind != TOKEN_VERSION; i += 2) {
        auto_buf part = BUF(MAX_TEXT);
        add_name(&part, w->text, &t[i]);
        if (t[i + 1].kind == TOKEN_VERSION && i + 1 < n)
            buf_add(&part, w->text + t[i + 1].start, t[i + 1].end - t[i + 1].start);
        buf_addf(&w->out, "%s", i ? "." : "");
        sql_ident(&w->out, part.p);
    }
}

static void write_literal(struct buf *b, const struct engine_param *p)
{
    static const char *const types[] = {
        [PARAM_TEXT] = "VARCHAR",    [PARAM_INT] = "BIGINT",   [PARAM_REAL] = "DOUBLE",
        [PARAM_BOOL] = "BOOLEAN",    [PARAM_DATE] = "DATE",    [PARAM_TIMESTAMP] = "TIMESTAMPTZ",
        [PARAM_TEXTS] = "VARCHAR[]", [PARAM_INTS] = "BIGINT[]"};
    char time[32];
    if (p->null) {
        buf_addf(b, "CAST(NULL AS %s)", types[p->type]);
        return;
    }
    switch (p->type) {
    case PARAM_TEXT:
        if (p->text)
            sql_literal(b, p->text);
        else
            buf_addf(b, "NULL");
        return;
    case PARAM_INT:
        buf_addf(b, "CAST(%" PRIi64 " AS BIGINT)", p->num);
        return;
    case PARAM_REAL:
        buf_addf(b, "CAST(%.17g AS DOUBLE)", p->real);
        return;
    case PARAM_BOOL:
        buf_addf(b, "%s", p->num ? "true" : "false");
        return;
    case PARAM_TIMESTAMP:
        buf_addf(b, "CAST('%s' AS TIMESTAMPTZ)", clock_format(time, p->num, 6));
        return;
    case PARAM_DATE:
        buf_addf(b, "CAST('%.10s' AS DATE)", clock_format(time, p->num * US_PER_DAY, 0));
        return;
    case PARAM_TEXTS:
        buf_addf(b, "CAST([");
        for (size_t i = 0; i < p->n; i++) {
            buf_addf(b, "%s", i ? ", " : "");
            sql_literal(b, p->texts[i]);
        }
        buf_addf(b, "] AS VARCHAR[])");
        return;
    case PARAM_INTS:
        buf_addf(b, "CAST([");
        for (size_t i = 0; i < p->n; i++)
            buf_addf(b, "%s%" PRIi64, i ? ", " : "", p->nums[i]);
        buf_addf(b, "] AS BIGINT[])");
        return;
    }
}

static bool write_param(struct writer *w, const struct token *t, const struct engine_params *params,
                        struct err *e)
{
    const char *name = arena_strn(w->a, w->text + t->start + 1, t->end - t->start - 1);
    const char **names = arena_make(w->a, const char *, params->n);
    for (size_t i = 0; i < params->n; i++) {
        names[i] = params->v[i].name;
        if (strcmp(name, names[i]) == 0) {
            begin_replaced(w, t, t);
            write_literal(&w->out, &params->v[i]);
            return true;
        }
    }
    fail_at(e, ERR_USER, sqltext_place(w->text, t->start, w->at), "unknown parameter '$%s'", name);
    const char *near = text_nearest(name, names, params->n);
    return near ? hint(e, "did you mean '$%s'?", near) : false;
}

static bool write_tokens(struct writer *w, const struct token *t, size_t n,
                         const struct engine_params *params, struct err *e)
{
    for (size_t i = 0; i < n; i++) {
        if (is_name(&t[i])) {
            size_t len = dotted_name(w->text, &t[i]);
            bool plain = t[i + len - 1].kind != TOKEN_VERSION;
            for (size_t k = 0; k < len; k++)
                plain = plain && t[i + k].kind != TOKEN_BACKTICK;
            if (!plain)
                write_name(w, &t[i], len);
            i += len - 1;
        } else if (t[i].kind == TOKEN_POSITION) {
            fail_at(e, ERR_USER, sqltext_place(w->text, t[i].start, w->at),
                    "a parameter without a name: '%.*s'", (int)(t[i].end - t[i].start), w->text + t[i].start);
            return hint(e, "write it as $name");
        } else if (t[i].kind == TOKEN_PARAM && params && !write_param(w, &t[i], params, e)) {
            return false;
        }
    }
    return true;
}

bool sqltext_plain(struct arena *a, const char *text, const struct engine_params *params, struct src at,
                   struct sqltext *ret, struct err *e)
{
    struct token *t;
    size_t n, bad;
    if (!sqltext_tokens(a, text, &t, &n, &bad, e)) {
        e->at = sqltext_place(text, bad, at);
        return false;
    }
    while (n > 0 && is_mark(text, &t[n - 1], ';'))
        n--;

    struct writer w = {.a = a, .text = text, .at = at, .out = BUF(MAX_TEXT)};
    bool ok = write_tokens(&w, t, n, params, e);
    if (ok && n > 0)
        copy_until(&w, t[n - 1].end);
    if (ok && buf_done(&w.out, e))
        *ret = (struct sqltext){.sql = arena_strn(a, w.out.p, w.out.len),
                                .n = w.out.len,
                                .pieces = w.pieces.v,
                                .npieces = w.pieces.n};
    else
        ok = false;
    buf_free(&w.out);
    return ok;
}

/* --- tables --- */

enum word { /* what matters of a keyword here */
            W_NONE,
            W_CLAUSE, /* ends a FROM list: SELECT, WHERE, ... */
            W_FROM,
            W_JOIN,
            W_WITH,
            W_RECURSIVE,
            W_AS,
            W_PASS,    /* may stand between FROM and a name: LATERAL, ONLY */
            W_COMMAND, /* at the start of a statement it is followed by a table: DESCRIBE, PIVOT */
            W_REST     /* no table's name, but ends nothing: ON, USING, LEFT, ... */
};

static enum word keyword(const char *p, size_t n)
{
    static const struct {
        const char *word;
        enum word what;
    } words[] = {
        {"select", W_CLAUSE},
        {"where", W_CLAUSE},
        {"group", W_CLAUSE},
        {"having", W_CLAUSE},
        {"order", W_CLAUSE},
        {"limit", W_CLAUSE},
        {"offset", W_CLAUSE},
        {"fetch", W_CLAUSE},
        {"union", W_CLAUSE},
        {"intersect", W_CLAUSE},
        {"except", W_CLAUSE},
        {"qualify", W_CLAUSE},
        {"window", W_CLAUSE},
        {"values", W_CLAUSE},
        {"set", W_CLAUSE},
        {"from", W_FROM},
        {"join", W_JOIN},
        {"with", W_WITH},
        {"recursive", W_RECURSIVE},
        {"as", W_AS},
        {"lateral", W_PASS},
        {"only", W_PASS},
        {"table", W_COMMAND},
        {"describe", W_COMMAND},
        {"desc", W_COMMAND},
        {"summarize", W_COMMAND},
        {"show", W_COMMAND},
        {"pivot", W_COMMAND},
        {"unpivot", W_COMMAND},
        {"pivot_wider", W_COMMAND},
        {"pivot_longer", W_COMMAND},
        {"on", W_REST},
        {"using", W_REST},
        {"left", W_REST},
        {"right", W_REST},
        {"full", W_REST},
        {"inner", W_REST},
        {"outer", W_REST},
        {"cross", W_REST},
        {"natural", W_REST},
        {"positional", W_REST},
        {"asof", W_REST},
        {"semi", W_REST},
        {"anti", W_REST},
        {"distinct", W_REST},
        {"all", W_REST},
        {"not", W_REST},
    };
    for (size_t i = 0; i < countof(words); i++)
        if (strlen(words[i].word) == n && strncasecmp(words[i].word, p, n) == 0)
            return words[i].what;
    return W_NONE;
}

struct level {     /* one pair of brackets, or the whole */
    bool from;     /* inside a FROM list: a comma is followed by a table */
    bool expect;   /* a table's name is next */
    bool start;    /* nothing but brackets has come yet: a statement may begin */
    bool odd_from; /* extract(year FROM x): the next FROM is no clause */
    bool with;     /* inside WITH ..., before its SELECT */
    bool cte;      /* a CTE's name is next */
    bool recursive;
    size_t nctes;       /* how many CTEs were known outside */
    const char *naming; /* the CTE whose body this level holds, known when it ends */
};

struct reader {
    struct arena *a;
    const char *text;
    const struct token *t;
    struct list_of(struct level) levels;
    struct list_of(const char *) ctes;
    struct list_of(struct engine_ref) refs;
    const char *pending; /* the CTE just named */
};

static struct level *top(struct reader *r)
{
    return &r->levels.v[r->levels.n - 1];
}

static bool word_is(const struct reader *r, const struct token *t, const char *word)
{
    return t->kind == TOKEN_WORD && t->end - t->start == strlen(word) &&
           strncasecmp(r->text + t->start, word, t->end - t->start) == 0;
}

static void open_level(struct reader *r, const struct token *prev, bool round)
{
    static const char *const takes_from[] = {"extract", "substring", "trim", "overlay", "position"};
    struct level new = {.start = round, .nctes = r->ctes.n};
    if (round && top(r)->expect) {
        new.from = new.expect = true;
        top(r)->expect = false;
    }
    for (size_t i = 0; prev && i < countof(takes_from); i++)
        new.odd_from |= round &&word_is(r, prev, takes_from[i]);
    if (round && r->pending && prev && !new.odd_from &&
        (word_is(r, prev, "as") || word_is(r, prev, "materialized"))) {
        new.naming = r->pending;
        r->pending = NULL;
    }
    *arena_push(r->a, &r->levels) = new;
}

static void close_level(struct reader *r)
{
    if (r->levels.n < 2)
        return; /* the engine will say so */
    struct level old = *top(r);
    r->levels.n--;
    r->ctes.n = old.nctes;
    if (old.naming)
        *arena_push(r->a, &r->ctes) = old.naming;
    top(r)->start = false;
}

static bool is_cte(const struct reader *r, const char *name)
{
    for (size_t i = 0; i < r->ctes.n; i++)
        if (strcasecmp(r->ctes.v[i], name) == 0)
            return true;
    return false;
}

static void add_ref(struct reader *r, const struct token *t, size_t n)
{
    auto_buf name = BUF(MAX_TEXT);
    for (size_t i = 0; i < n; i++) {
        if (is_name(&t[i]))
            add_name(&name, r->text, &t[i]);
        else
            buf_add(&name, r->text + t[i].start, t[i].end - t[i].start);
    }
    if (n == 1 && is_cte(r, name.p))
        return;
    for (size_t i = 0; i < r->refs.n; i++)
        if (strcmp(r->refs.v[i].name, name.p) == 0)
            return;
    *arena_push(r->a, &r->refs) = (struct engine_ref){arena_strn(r->a, name.p, name.len), t->start};
}

/* A name that is no keyword; gives how many tokens it took. */
static size_t read_name(struct reader *r, size_t i)
{
    const struct token *t = &r->t[i];
    struct level *l = top(r);
    if (l->cte) {
        auto_buf name = BUF(MAX_TEXT);
        add_name(&name, r->text, t);
        r->pending = arena_strn(r->a, name.p, name.len);
        if (l->recursive)
            *arena_push(r->a, &r->ctes) = r->pending;
        l->cte = false;
        return 1;
    }
    size_t n = dotted_name(r->text, t);
    if (!l->expect)
        return n;
    if (is_mark(r->text, &t[n], ':')) /* FROM alias: name */
        return n + 1;
    l->expect = false;
    if (!is_mark(r->text, &t[n], '('))
        add_ref(r, t, n);
    return n;
}

/* FROM that begins a list of tables, and not `extract(year FROM x)` or `x IS DISTINCT FROM y`. */
static bool is_from_clause(struct reader *r, size_t i)
{
    struct level *l = top(r);
    bool odd = l->odd_from;
    l->odd_from = false;
    return !odd && !(i >= 2 && word_is(r, &r->t[i - 1], "distinct") &&
                     (word_is(r, &r->t[i - 2], "is") || word_is(r, &r->t[i - 2], "not")));
}

/* WITH that begins a list of CTEs, and not WITH TIME ZONE, WITH ORDINALITY, WITH TIES. */
static bool is_with_clause(const struct reader *r, size_t i)
{
    return !word_is(r, &r->t[i + 1], "time") && !word_is(r, &r->t[i + 1], "ordinality") &&
           !word_is(r, &r->t[i + 1], "ties");
}

static void read_keyword(struct reader *r, size_t i, enum word what)
{
    struct level *l = top(r);
    switch (what) {
    case W_CLAUSE:
        l->from = l->expect = l->with = false;
        return;
    case W_FROM:
        if (is_from_clause(r, i)) {
            l->from = l->expect = true;
            l->with = false;
        }
        return;
    case W_JOIN:
        l->expect = true;
        return;
    case W_WITH:
        if (is_with_clause(r, i)) {
            l->with = l->cte = true;
            l->from = l->expect = l->recursive = false;
        }
        return;
    case W_RECURSIVE:
        l->recursive = l->with;
        return;
    case W_COMMAND:
        if (l->start)
            l->expect = true;
        return;
    case W_NONE:
    case W_AS:
    case W_PASS:
    case W_REST:
        return;
    }
}

static size_t read_word(struct reader *r, size_t i)
{
    const struct token *t = &r->t[i];
    enum word what = t->kind == TOKEN_WORD ? keyword(r->text + t->start, t->end - t->start) : W_NONE;
    struct level *l = top(r);
    bool label = i > 0 && word_is(r, &r->t[i - 1], "as") && !l->start && !l->with; /* SELECT 1 AS from */
    bool call = is_mark(r->text, &r->t[i + 1], '(') && (what == W_REST || (what == W_COMMAND && !l->start));
    size_t n = 1;
    if (what == W_NONE || label || call)
        n = read_name(r, i);
    else
        read_keyword(r, i, what);
    if (what != W_COMMAND)
        top(r)->start = false;
    return n;
}

static void read_mark(struct reader *r, size_t i)
{
    struct level *l = top(r);
    switch (r->text[r->t[i].start]) {
    case '(':
    case '[':
    case '{':
        open_level(r, i > 0 ? &r->t[i - 1] : NULL, r->text[r->t[i].start] == '(');
        return;
    case ')':
    case ']':
    case '}':
        close_level(r);
        return;
    case ',':
        l->expect = l->from;
        l->cte = l->with;
        return;
    case ';':
        r->levels.n = 1;
        r->levels.v[0] = (struct level){.start = true};
        r->ctes.n = 0;
        return;
    default:
        l->expect = false;
        l->start = false;
        return;
    }
}

bool sqltext_refs(struct arena *a, const char *text, struct src at, struct engine_ref **ret, size_t *ret_n,
                  struct err *e)
{
    struct reader r = {.a = a, .text = text};
    struct token *t;
    size_t n, bad;
    if (!sqltext_tokens(a, text, &t, &n, &bad, e)) {
        e->at = sqltext_place(text, bad, at);
        return false;
    }
    r.t = t;
    *arena_push(a, &r.levels) = (struct level){.start = true};
    for (size_t i = 0; i < n;) {
        if (is_name(&t[i])) {
            i += read_word(&r, i);
            continue;
        }
        if (t[i].kind == TOKEN_MARK)
            read_mark(&r, i);
        else
            top(&r)->expect = top(&r)->start = false;
        i++;
    }
    *ret = r.refs.v;
    *ret_n = r.refs.n;
    return true;
}

/* --- files --- */

static bool reads_files(const char *word)
{
    static const char *const starts[] = {"read_", "parquet_", "sniff_", "st_read"};
    for (size_t i = 0; i < countof(starts); i++)
        if (strncasecmp(word, starts[i], strlen(starts[i])) == 0)
            return true;
    return strcasestr(word, "_scan") || strcasecmp(word, "glob") == 0;
}

bool sqltext_tokens_read_files(struct arena *a, const char *text, const struct token *t, size_t n)
{
    for (size_t i = 0; i + 1 < n; i++) {
        const char *word = arena_strn(a, text + t[i].start, t[i].end - t[i].start);
        if (!is_name(&t[i]))
            continue;
        if (t[i + 1].kind == TOKEN_STRING && (strcasecmp(word, "from") == 0 || strcasecmp(word, "join") == 0))
            return true;
        if (text[t[i + 1].start] == '(' && reads_files(word))
            return true;
    }
    return false;
}

bool sqltext_reads_files(const char *text)
{
    auto_arena *a = arena_new();
    struct token *t;
    size_t n, bad;
    struct err ignored;
    return sqltext_tokens(a, text, &t, &n, &bad, &ignored) && sqltext_tokens_read_files(a, text, t, n);
}
