#include <stdarg.h>
#include <string.h>

#include "project/read.h"

enum { PROBLEMS_MAX = 100 };

static int compare(const struct err *x, const struct err *y)
{
    const char *fx = x->at.file ? x->at.file : "", *fy = y->at.file ? y->at.file : "";
    int by_file = strcmp(fx, fy);
    if (by_file)
        return by_file;
    return x->at.line != y->at.line ? x->at.line - y->at.line : x->at.col - y->at.col;
}

/* Room for an error in a full list: the last warning goes. */
static bool drop_warning(struct problems *p)
{
    for (size_t i = p->n; i-- > 0;)
        if (p->v[i].kind == ERR_NONE) {
            memmove(p->v + i, p->v + i + 1, (p->n - i - 1) * sizeof *p->v);
            p->n--, p->total--;
            return true;
        }
    return false;
}

void problems_add(struct problems *p, const struct err *e)
{
    bool full = p->n == PROBLEMS_MAX;
    if (full && e->kind == ERR_NONE)
        return;
    p->total++;
    if (full && !drop_warning(p))
        return;
    struct err *last = arena_push(p->a, p);
    size_t i = (size_t)(last - p->v);
    for (; i && compare(&p->v[i - 1], e) > 0; i--)
        ;
    memmove(p->v + i + 1, p->v + i, (p->n - 1 - i) * sizeof *p->v);
    p->v[i] = *e;
}

printf_like(5, 0) static void report(const struct reader *r, enum err_kind kind, struct src at,
                                     const char *remedy, const char *fmt, va_list ap)
{
    struct err e;
    char text[sizeof e.msg];
    vsnprintf(text, sizeof text, fmt, ap);
    fail_at(&e, kind, at, "%s", text);
    if (remedy)
        hint(&e, "%s", remedy);
    problems_add(r->problems, &e);
}

bool reader_fail(const struct reader *r, struct src at, const char *remedy, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(r, ERR_USER, at, remedy, fmt, ap);
    va_end(ap);
    return false;
}

void reader_warn(const struct reader *r, struct src at, const char *remedy, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    report(r, ERR_NONE, at, remedy, fmt, ap);
    va_end(ap);
}

bool reader_unknown(const struct reader *r, struct src at, const char *what, const char *word,
                    const char *const *known, size_t nknown)
{
    const char *near = text_nearest(word, known, nknown);
    if (near)
        return reader_fail(r, at, NULL, "unknown %s '%s' (did you mean '%s'?)", what, word, near);
    auto_buf b = BUF(sizeof((struct err *)0)->hint);
    for (size_t i = 0; i < nknown; i++)
        buf_addf(&b, "%s%s", i ? ", " : "there are: ", known[i]);
    return reader_fail(r, at, b.len && !b.failed ? b.p : NULL, "unknown %s '%s'", what, word);
}
