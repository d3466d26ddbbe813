/* Which assets a selection means: dbt's grammar. */
#include <fnmatch.h>
#include <string.h>

#include "project/internal.h"

struct selecting {
    const struct project *p;
    struct arena *a; /* scratch */
};

struct term { /* `2+path:models/gold+` without its plus signs */
    struct str word;
    int64_t before, after; /* how many steps up and down; INT64_MAX = all, 0 = none */
    bool at;               /* @word: with all that its dependents need */
};

/* --- what one word matches --- */

static const char *path_of(const struct asset *a)
{
    return a->kind == ASSET_MODEL ? a->model->path : a->source->path;
}

static bool has_tag(const struct asset *a, const char *pattern)
{
    const char *const *tags = a->kind == ASSET_MODEL ? a->model->tags : a->source->tags;
    size_t n = a->kind == ASSET_MODEL ? a->model->ntags : a->source->ntags;
    for (size_t i = 0; i < n; i++)
        if (fnmatch(pattern, tags[i], 0) == 0)
            return true;
    return false;
}

/* A folder, a file, or a pattern of paths. */
static bool on_path(const struct asset *a, const char *pattern)
{
    const char *path = path_of(a);
    size_t n = strlen(pattern);
    while (n && pattern[n - 1] == '/')
        n--;
    return (strncmp(path, pattern, n) == 0 && (path[n] == '/' || path[n] == '\0')) ||
           fnmatch(pattern, path, 0) == 0;
}

static bool is_source(const struct asset *a, const char *pattern)
{
    return a->kind == ASSET_SOURCE && fnmatch(pattern, a->name, 0) == 0;
}

/* Its own name, or for a source one of the tables that it fills. */
static bool named(const struct asset *a, const char *pattern)
{
    if (fnmatch(pattern, a->name, 0) == 0)
        return true;
    for (size_t i = 0; a->kind == ASSET_SOURCE && i < a->source->ntables; i++)
        if (fnmatch(pattern, a->source->tables[i].name, 0) == 0)
            return true;
    return false;
}

static const struct method {
    const char *prefix, *what;
    bool (*match)(const struct asset *a, const char *pattern);
} methods[] = {
    {"tag:", "with the tag", has_tag},
    {"path:", "at the path", on_path},
    {"source:", "that is a source called", is_source},
};

/* --- mistakes --- */

static bool fail_name(const struct selecting *x, const char *word, struct err *e)
{
    struct list_of(const char *) names = {0};
    for (size_t i = 0; i < x->p->nassets; i++) {
        const struct asset *a = &x->p->assets[i];
        *arena_push(x->a, &names) = a->name;
        for (size_t k = 0; a->kind == ASSET_SOURCE && k < a->source->ntables; k++)
            *arena_push(x->a, &names) = a->source->tables[k].name;
    }
    if (word[strcspn(word, "*?[")])
        return fail(e, ERR_USER, "nothing is called like '%s'", word);
    for (size_t i = 0; i < names.n; i++) { /* the name without its schema */
        const char *dot = strchr(names.v[i], '.');
        if (dot && strcmp(dot + 1, word) == 0)
            return fail(e, ERR_USER, "nothing is called '%s' (did you mean '%s'?)", word, names.v[i]);
    }
    const char *near = text_nearest(word, names.v, names.n);
    if (near)
        return fail(e, ERR_USER, "nothing is called '%s' (did you mean '%s'?)", word, near);
    return fail(e, ERR_USER, "nothing is called '%s'", word);
}

static bool fail_method(const struct selecting *x, const struct method *m, const char *pattern, struct err *e)
{
    struct list_of(const char *) known = {0};
    for (size_t i = 0; i < x->p->nassets; i++) {
        const struct asset *a = &x->p->assets[i];
        const char *const *tags = a->kind == ASSET_MODEL ? a->model->tags : a->source->tags;
        size_t n = a->kind == ASSET_MODEL ? a->model->ntags : a->source->ntags;
        if (m->match == has_tag)
            for (size_t k = 0; k < n; k++)
                *arena_push(x->a, &known) = tags[k];
        else if (m->match == is_source && a->kind == ASSET_SOURCE)
            *arena_push(x->a, &known) = a->name;
        else if (m->match == on_path)
            *arena_push(x->a, &known) = path_of(a);
    }
    const char *near = text_nearest(pattern, known.v, known.n);
    if (near)
        return fail(e, ERR_USER, "there is nothing %s '%s' (did you mean '%s'?)", m->what, pattern, near);
    return fail(e, ERR_USER, "there is nothing %s '%s'", m->what, pattern);
}

/* --- one term --- */

static bool parse_term(struct str s, struct term *ret, struct err *e)
{
    struct str all = s;
    struct term t = {0};
    if (!s.n)
        return fail(e, ERR_USER, "an empty selector beside a ','");
    if (s.p[0] == '@') {
        t.at = true;
        s.p++, s.n--;
    }
    size_t digits = 0;
    while (digits < s.n && s.p[digits] >= '0' && s.p[digits] <= '9')
        digits++;
    if (digits < s.n && s.p[digits] == '+') {
        t.before = digits && digits < 10 ? strtoll(s.p, NULL, 10) : INT64_MAX;
        s.p += digits + 1, s.n -= digits + 1;
    }
    digits = 0;
    while (digits < s.n && s.p[s.n - 1 - digits] >= '0' && s.p[s.n - 1 - digits] <= '9')
        digits++;
    if (digits < s.n && s.p[s.n - 1 - digits] == '+') {
        t.after = digits && digits < 10 ? strtoll(s.p + s.n - digits, NULL, 10) : INT64_MAX;
        s.n -= digits + 1;
    }
    if (!s.n || memchr(s.p, '+', s.n) || memchr(s.p, '@', s.n) || (t.at && (t.before || t.after))) {
        fail(e, ERR_USER, "the selector '%.*s' is not understood", STR(all));
        return hint(e, "silver.movies, gold.*, +gold.trending, silver.movies+1, tag:hourly, "
                       "path:models/gold, source:tmdb");
    }
    t.word = s;
    *ret = t;
    return true;
}

static bool match_word(const struct selecting *x, struct str word, bool *hit, struct err *e)
{
    static const char *const later[] = {"state:", "result:"};
    const char *pattern = arena_strn(x->a, word.p, word.n);
    const struct method *m = NULL;
    for (size_t i = 0; i < countof(methods); i++)
        if (strncmp(pattern, methods[i].prefix, strlen(methods[i].prefix)) == 0)
            m = &methods[i];
    for (size_t i = 0; i < countof(later); i++)
        if (strncmp(pattern, later[i], strlen(later[i])) == 0)
            return fail(e, ERR_USER, "the selector '%s' is not in this version", pattern);
    if (!m && strchr(pattern, ':')) {
        fail(e, ERR_USER, "the selector '%s' is not understood", pattern);
        return hint(e, "before the ':' there can be tag, path or source");
    }
    const char *of = m ? pattern + strlen(m->prefix) : pattern;
    bool any = false;
    for (size_t i = 0; i < x->p->nassets; i++) {
        hit[i] = m ? m->match(&x->p->assets[i], of) : named(&x->p->assets[i], of);
        any = any || hit[i];
    }
    return any || (m ? fail_method(x, m, of, e) : fail_name(x, of, e));
}

/* Assets come after those that they need, so one pass in that order, or against it, finds the distances. */
static void spread(const struct selecting *x, const bool *from, int64_t before, int64_t after, bool *hit)
{
    const struct project *p = x->p;
    int64_t *up = arena_make(x->a, int64_t, p->nassets), *down = arena_make(x->a, int64_t, p->nassets);
    for (size_t i = 0; i < p->nassets; i++)
        up[i] = down[i] = from[i] ? 0 : INT64_MAX;
    for (size_t i = p->nassets; i-- > 0;)
        for (size_t k = 0; up[i] < before && k < p->assets[i].nneeds; k++)
            if (up[i] + 1 < up[p->assets[i].needs[k]])
                up[p->assets[i].needs[k]] = up[i] + 1;
    for (size_t i = 0; i < p->nassets; i++)
        for (size_t k = 0; k < p->assets[i].nneeds; k++) {
            int64_t step = down[p->assets[i].needs[k]];
            if (step < after && step + 1 < down[i])
                down[i] = step + 1;
        }
    for (size_t i = 0; i < p->nassets; i++)
        hit[i] = up[i] != INT64_MAX || down[i] != INT64_MAX;
}

static bool match_term(const struct selecting *x, struct str s, bool *hit, struct err *e)
{
    struct term t;
    bool *found = arena_make(x->a, bool, x->p->nassets), *below = arena_make(x->a, bool, x->p->nassets);
    if (!parse_term(s, &t, e) || !match_word(x, t.word, found, e))
        return false;
    if (!t.at) {
        spread(x, found, t.before, t.after, hit);
        return true;
    }
    spread(x, found, 0, INT64_MAX, below);
    spread(x, below, INT64_MAX, 0, hit);
    return true;
}

/* --- the whole: commas bind more than spaces --- */

static size_t piece(const char *s, size_t n, const char *ends)
{
    size_t i = 0;
    while (i < n && !strchr(ends, s[i]))
        i++;
    return i;
}

static bool match_all(const struct selecting *x, struct str terms, bool *hit, struct err *e)
{
    bool *one = arena_make(x->a, bool, x->p->nassets);
    memset(hit, true, x->p->nassets);
    for (const char *s = terms.p, *end = terms.p + terms.n; s <= end;) {
        size_t n = piece(s, (size_t)(end - s), ",");
        if (!match_term(x, (struct str){s, n}, one, e))
            return false;
        for (size_t i = 0; i < x->p->nassets; i++)
            hit[i] = hit[i] && one[i];
        s += n + 1;
    }
    return true;
}

static bool match_any(const struct selecting *x, const char *text, bool *hit, struct err *e)
{
    static const char space[] = " \t\n";
    bool *one = arena_make(x->a, bool, x->p->nassets), some = false;
    for (const char *s = text; *(s += strspn(s, space)); some = true) {
        size_t n = strcspn(s, space);
        if (!match_all(x, (struct str){s, n}, one, e))
            return false;
        for (size_t i = 0; i < x->p->nassets; i++)
            hit[i] = hit[i] || one[i];
        s += n;
    }
    return some || fail(e, ERR_USER, "an empty selector");
}

bool project_select(const struct project *p, const char *select, const char *exclude, bool *chosen,
                    struct err *e)
{
    auto_arena *scratch = arena_new();
    const struct selecting x = {p, scratch};
    bool *in = arena_make(scratch, bool, p->nassets), *out = arena_make(scratch, bool, p->nassets);
    if (select ? !match_any(&x, select, in, e) : (memset(in, true, p->nassets), false))
        return false;
    if (exclude && !match_any(&x, exclude, out, e))
        return false;
    for (size_t i = 0; i < p->nassets; i++)
        chosen[i] = in[i] && !out[i];
    return true;
}
