#include "engine/sqltext_token.h"

#include <ctype.h>
#include <string.h>

struct lexer {
    const char *text;
    size_t pos;
    const char *open; /* what the text ended in, NULL = nothing */
};

static bool word_start(unsigned char c)
{
    return isalpha(c) || c == '_' || c >= 0x80;
}

static bool word_part(unsigned char c)
{
    return isalnum(c) || c == '_' || c == '$' || c >= 0x80;
}

/* Behind the closing quote; a doubled one is part of the text, as is one behind a backslash if that escapes.
 */
static bool skip_quoted(struct lexer *l, char quote, bool backslash, const char *what)
{
    size_t p = l->pos + 1;
    for (; l->text[p]; p++) {
        if (backslash && l->text[p] == '\\' && l->text[p + 1])
            p++;
        else if (l->text[p] == quote && l->text[p + 1] == quote)
            p++;
        else if (l->text[p] == quote) {
            l->pos = p + 1;
            return true;
        }
    }
    l->open = what;
    return false;
}

/* $tag$ ... $tag$; false with pos unmoved when it is no dollar quote. */
static bool skip_dollar_quoted(struct lexer *l)
{
    const char *s = l->text + l->pos;
    size_t n = 1;
    if (word_start((unsigned char)s[n]))
        while (isalnum((unsigned char)s[n]) || s[n] == '_' || (unsigned char)s[n] >= 0x80)
            n++;
    if (s[n] != '$')
        return false;
    n++;
    for (const char *p = s + n; (p = strchr(p, '$')); p++) {
        if (strncmp(p, s, n) == 0) {
            l->pos += (size_t)(p - s) + n;
            return true;
        }
    }
    l->open = "dollar-quoted string";
    return true;
}

static bool skip_comment(struct lexer *l)
{
    const char *s = l->text;
    size_t p = l->pos;
    if (s[p] == '-' && s[p + 1] == '-') {
        l->pos = p + strcspn(s + p, "\n");
        return true;
    }
    if (s[p] != '/' || s[p + 1] != '*')
        return false;
    int depth = 1;
    for (p += 2; s[p] && depth > 0; p++) {
        if (s[p] == '/' && s[p + 1] == '*')
            depth++, p++;
        else if (s[p] == '*' && s[p + 1] == '/')
            depth--, p++;
    }
    if (depth > 0)
        l->open = "comment";
    else
        l->pos = p;
    return true;
}

/* Behind "@v3" or "@2026-11-01T10:00:00.5+02:00"; false when the @ is something else. */
static bool skip_version(struct lexer *l)
{
    const char *s = l->text + l->pos + 1;
    size_t n = 0;
    if (isdigit((unsigned char)*s)) {
        while (isdigit((unsigned char)s[n]) || (s[n] && strchr("-:TZ+", s[n])) ||
               (s[n] == '.' && isdigit((unsigned char)s[n + 1])))
            n++;
    } else {
        while (word_part((unsigned char)s[n]))
            n++;
    }
    l->pos += n ? n + 1 : 0;
    return n > 0;
}

static enum token_kind skip_number(struct lexer *l)
{
    while (isalnum((unsigned char)l->text[l->pos]) || l->text[l->pos] == '_' || l->text[l->pos] == '.')
        l->pos++;
    return TOKEN_NUMBER;
}

static enum token_kind skip_dollar(struct lexer *l)
{
    const char *s = l->text;
    if (skip_dollar_quoted(l))
        return TOKEN_STRING;
    l->pos++;
    bool named = word_start((unsigned char)s[l->pos]);
    while (isalnum((unsigned char)s[l->pos]) || s[l->pos] == '_' || (unsigned char)s[l->pos] >= 0x80)
        l->pos++;
    return named ? TOKEN_PARAM : TOKEN_POSITION;
}

static enum token_kind skip_word(struct lexer *l)
{
    size_t start = l->pos;
    while (word_part((unsigned char)l->text[l->pos]))
        l->pos++;
    if (l->pos == start + 1 && (l->text[start] | 0x20) == 'e' && l->text[l->pos] == '\'') {
        skip_quoted(l, '\'', true, "string");
        return TOKEN_STRING;
    }
    return TOKEN_WORD;
}

static enum token_kind next(struct lexer *l, bool behind_name)
{
    const char *s = l->text + l->pos;
    unsigned char c = (unsigned char)*s;
    if (word_start(c))
        return skip_word(l);
    if (isdigit(c))
        return skip_number(l);
    if (c == '\'') {
        skip_quoted(l, '\'', false, "string");
        return TOKEN_STRING;
    }
    if (c == '"') {
        skip_quoted(l, '"', false, "quoted name");
        return TOKEN_QUOTED;
    }
    if (c == '`') {
        skip_quoted(l, '`', false, "name in backticks");
        return TOKEN_BACKTICK;
    }
    if (c == '$')
        return skip_dollar(l);
    if (c == '@' && behind_name && skip_version(l))
        return TOKEN_VERSION;
    l->pos += c == ':' && (s[1] == ':' || s[1] == '=') ? 2 : 1;
    return c == '?' ? TOKEN_POSITION : TOKEN_MARK;
}

bool sqltext_tokens(struct arena *a, const char *text, struct token **ret, size_t *ret_n, size_t *ret_at,
                    struct err *e)
{
    struct list_of(struct token) list = {0};
    struct lexer l = {.text = text};
    for (;;) {
        while (text[l.pos] && (isspace((unsigned char)text[l.pos]) || skip_comment(&l)) && !l.open)
            if (isspace((unsigned char)text[l.pos]))
                l.pos++;
        size_t start = l.pos;
        if (text[start] && !l.open) {
            const struct token *prev = list.n ? &list.v[list.n - 1] : NULL;
            bool behind_name =
                prev && prev->end == start &&
                (prev->kind == TOKEN_WORD || prev->kind == TOKEN_QUOTED || prev->kind == TOKEN_BACKTICK);
            enum token_kind kind = next(&l, behind_name);
            *arena_push(a, &list) = (struct token){kind, start, l.pos};
        }
        if (l.open) {
            *ret_at = start;
            return fail(e, ERR_USER, "this %s never ends", l.open);
        }
        if (!text[start])
            break;
    }
    *arena_push(a, &list) = (struct token){TOKEN_END, l.pos, l.pos};
    *ret = list.v;
    *ret_n = list.n - 1;
    return true;
}
