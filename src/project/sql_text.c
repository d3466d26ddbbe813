/* SQL looked at word by word: where the statement begins and ends, its parameters, a hash of what it says. */
#include <string.h>

#include "engine/sqltext_token.h"
#include "project/internal.h"

static void add_param(struct arena *a, struct sql_text *t, size_t *cap, struct str name)
{
    for (size_t i = 0; i < t->nparams; i++)
        if (str_is(name, t->params[i]))
            return;
    *(const char **)arena_grow(a, (void **)&t->params, &t->nparams, cap, sizeof *t->params) =
        arena_strn(a, name.p, name.n);
}

bool sql_scan(struct arena *a, const char *text, struct sql_text *ret, size_t *ret_at, struct err *e)
{
    struct token *v;
    size_t n, cap = 0;
    bool ended = false;
    struct sql_text t = {.second = SIZE_MAX};
    if (!sqltext_tokens(a, text, &v, &n, ret_at, e))
        return false;
    for (size_t i = 0; v[i].kind != TOKEN_END; i++) {
        struct str word = {text + v[i].start, v[i].end - v[i].start};
        if (str_is(word, ";")) {
            ended = t.end > 0;
            continue;
        }
        if (ended) {
            t.second = v[i].start;
            break;
        }
        if (!t.end) {
            t.start = v[i].start;
            t.first_word = word;
        } else if (v[i].start > t.end) {
            t.hash = text_hash(" ", 1, t.hash);
        }
        t.hash = text_hash(word.p, word.n, t.hash);
        t.end = v[i].end;
        if (v[i].kind == TOKEN_PARAM)
            add_param(a, &t, &cap, (struct str){word.p + 1, word.n - 1});
    }
    *ret = t;
    return true;
}

struct src sql_place(const char *sql, size_t offset, struct src at, int indent)
{
    for (size_t i = 0; i < offset && sql[i]; i++)
        if (sql[i] == '\n')
            at.line++, at.col = indent + 1;
        else
            at.col++;
    return at;
}
