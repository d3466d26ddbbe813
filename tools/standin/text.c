#include "text.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void no_memory(void)
{
    fputs("tmdb-standin: fatal: out of memory\n", stderr);
    abort();
}

void *must_alloc(size_t n, size_t size)
{
    void *p = calloc(n ? n : 1, size);
    if (!p)
        no_memory();
    return p;
}

struct str str_of(const char *s)
{
    return (struct str){.p = s, .n = strlen(s)};
}

bool str_is(struct str s, const char *name)
{
    return s.n == strlen(name) && memcmp(s.p, name, s.n) == 0;
}

int64_t str_int(struct str s)
{
    int64_t v = 0;
    size_t i = s.n && s.p[0] == '-' ? 1 : 0;
    for (; i < s.n && s.p[i] >= '0' && s.p[i] <= '9' && v < INT64_MAX / 10 - 1; i++)
        v = v * 10 + (s.p[i] - '0');
    return s.n && s.p[0] == '-' ? -v : v;
}

double str_real(struct str s)
{
    return s.n ? strtod(s.p, NULL) : 0;
}

void text_reserve(struct text *t, size_t more)
{
    if (t->n + more < t->cap)
        return;
    size_t cap = t->cap * 2 > t->n + more + 1 ? t->cap * 2 : t->n + more + 1;
    char *p = realloc(t->p, cap);
    if (!p)
        no_memory();
    t->p = p;
    t->cap = cap;
}

void text_add(struct text *t, struct str s)
{
    text_reserve(t, s.n);
    if (s.n)
        memcpy(t->p + t->n, s.p, s.n);
    t->n += s.n;
    t->p[t->n] = '\0';
}

void text_adds(struct text *t, const char *s)
{
    text_add(t, str_of(s));
}

void text_addf(struct text *t, const char *fmt, ...)
{
    va_list ap, again;
    va_start(ap, fmt);
    va_copy(again, ap);
    size_t n = (size_t)vsnprintf(NULL, 0, fmt, ap);
    text_reserve(t, n + 1);
    vsnprintf(t->p + t->n, n + 1, fmt, again);
    t->n += n;
    va_end(again);
    va_end(ap);
}

void text_free(struct text *t)
{
    free(t->p);
    *t = (struct text){0};
}

void text_add_real(struct text *t, double v)
{
    char s[64];
    int n = snprintf(s, sizeof s, "%.3f", v);
    while (n > 2 && s[n - 1] == '0' && s[n - 2] != '.')
        n--;
    text_add(t, (struct str){.p = s, .n = (size_t)n});
}
