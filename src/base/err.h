/* err.h - the one way a failure travels.
 *
 * A function that can fail returns bool (true = done) and takes `struct err *e` as its last argument.
 * It fills *e with fail(); a caller that has something to add says so with wrap(). Both return false,
 * so an error path is one line. Nobody logs and returns: whoever stops the error prints it, once.
 */
#pragma once
#include <stdio.h>

#include "base/base.h"

enum err_kind {
    ERR_NONE,
    ERR_USER,     /* the YAML, the SQL or the command line is wrong: show the place, never retry */
    ERR_AUTH,     /* credentials refused */
    ERR_NET,      /* the other side is unreachable, busy or closed on us: retriable */
    ERR_LIMIT,    /* a cap of ours was hit (size, time, depth) */
    ERR_DATA,     /* the data does not fit the schema or fails its checks */
    ERR_CONFLICT, /* somebody else committed first, or holds the lock: retriable after a re-read */
    ERR_IO,       /* the disk or the object store failed */
    ERR_CANCELED,
    ERR_KINDS
};

struct src {          /* a place in a file of the user's; line 0 means "none" */
    const char *file; /* must outlive the error: in the project's arena, or static */
    int line, col;    /* both from 1; col counts bytes */
};

struct err {
    enum err_kind kind;
    struct src at;
    const char *cfile; /* where in our code it was born: for --debug and the JSON log */
    int cline;
    char msg[1024];
    char hint[256]; /* the remedy, "" = none; printed as "hint: ..." on its own line */
};

/* All are false. wrap() puts "<message>: " in front of what *e already says; hint() sets the remedy. */
#define fail(e, kind, ...)        err_false(err_set(e, kind, (struct src){0}, __FILE__, __LINE__, __VA_ARGS__))
#define fail_at(e, kind, at, ...) err_false(err_set(e, kind, at, __FILE__, __LINE__, __VA_ARGS__))
#define wrap(e, ...)              err_false(err_wrap(e, __VA_ARGS__))
#define hint(e, ...)              err_false(err_hint(e, __VA_ARGS__))

bool err_set(struct err *e, enum err_kind kind, struct src at, const char *cfile, int cline, const char *fmt,
             ...) printf_like(6, 7);
bool err_wrap(struct err *e, const char *fmt, ...) printf_like(2, 3);
bool err_hint(struct err *e, const char *fmt, ...) printf_like(2, 3);

/* Lets the compiler see that a failure is false, and so that what is written only on success was written
 * where a caller goes on. */
static inline bool err_false(bool ok)
{
    (void)ok;
    return false;
}

/* "user", "auth", ... */
const char *err_name(enum err_kind kind);

/* The exit code of a process that stops on an error of this kind: user 2, auth 3, net 4, limit 5, data 6,
 * conflict 7, io 8, canceled 130. */
int err_exit_code(enum err_kind kind);

static inline bool err_retriable(const struct err *e)
{
    return e->kind == ERR_NET || e->kind == ERR_CONFLICT;
}

/* Print as a compiler does: "file:line:col: error: message", then the source line and a caret when
 * `text`, the whole content of at.file, is given, then the hint. A line of YAML with a secret in it is not
 * shown. */
void err_print(FILE *out, const struct err *e, const char *text);
