/* sqltext_token.h - the words and marks of a text of SQL, with their places; white space and comments left
 * out. */
#pragma once
#include "base/arena.h"
#include "base/err.h"

enum token_kind {
    TOKEN_WORD,     /* select, movies: unquoted */
    TOKEN_QUOTED,   /* "movies" */
    TOKEN_BACKTICK, /* `movies` */
    TOKEN_STRING,   /* 'x', e'x', $$x$$ */
    TOKEN_NUMBER,
    TOKEN_PARAM,    /* $name */
    TOKEN_POSITION, /* ?, $1 */
    TOKEN_VERSION,  /* @v3, @2026-11-01: only right behind a name */
    TOKEN_MARK,     /* one character, or :: or := */
    TOKEN_END
};

struct token {
    enum token_kind kind;
    size_t start, end; /* bytes of the text */
};

/* The list ends with a TOKEN_END. A quote or comment that never ends is ERR_USER; *ret_at is its offset. */
bool sqltext_tokens(struct arena *a, const char *text, struct token **ret, size_t *ret_n, size_t *ret_at,
                    struct err *e) must_check;

/* sqltext_reads_files() of a text whose tokens are known. */
bool sqltext_tokens_read_files(struct arena *a, const char *text, const struct token *t, size_t n);
