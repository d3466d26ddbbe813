/* The .env file of a project: NAME=value, one a line. */
#include <stdlib.h>
#include <string.h>

#include "base/fs.h"
#include "project/read.h"

enum { DOTENV_MAX = 1 << 20 };

struct line {
    const struct reader *r;
    struct environment *env;
    const char *start;
    int no;
};

/* Without a place that could be printed: the line may hold a secret. */
static bool bad(const struct line *l, const char *at, const char *message)
{
    return reader_fail(l->r, (struct src){.file = ".env"}, "NAME=value, NAME=\"value\" or # comment",
                       "line %d, column %d: %s", l->no, (int)(at - l->start) + 1, message);
}

/* 'as it is' or "with \n, \", \\ and \$". *rest is what follows the closing quote. */
static bool unquote(const struct line *l, struct str s, struct buf *out, struct str *rest)
{
    char quote = s.p[0];
    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];
        if (c == quote) {
            *rest = (struct str){s.p + i + 1, s.n - i - 1};
            return true;
        }
        if (c == '\\' && quote == '"' && i + 1 < s.n) {
            c = s.p[++i];
            c = c == 'n' ? '\n' : c == 't' ? '\t' : c == 'r' ? '\r' : c;
        }
        buf_add(out, &c, 1);
    }
    return bad(l, s.p, "the quote is not closed");
}

static bool is_comment(struct str s)
{
    s = str_trim(s);
    return !s.n || s.p[0] == '#';
}

static bool read_assignment(const struct line *l, struct str s)
{
    struct str name = {s.p, 0};
    while (name.n < s.n && s.p[name.n] != '=')
        name.n++;
    if (name.n == s.n)
        return bad(l, s.p, "a line without '='");
    struct str value = str_trim((struct str){s.p + name.n + 1, s.n - name.n - 1});
    name = str_trim(name);
    if (name.n > 7 && strncmp(name.p, "export", 6) == 0 && (name.p[6] == ' ' || name.p[6] == '\t'))
        name = str_trim((struct str){name.p + 6, name.n - 6});
    for (size_t i = 0; i < name.n; i++)
        if (!(name.p[i] == '_' || (name.p[i] >= '0' && name.p[i] <= '9' && i) ||
              (name.p[i] >= 'A' && name.p[i] <= 'Z') || (name.p[i] >= 'a' && name.p[i] <= 'z')))
            return bad(l, name.p + i, "a name has only letters, digits and _");
    if (!name.n)
        return bad(l, s.p, "no name before '='");

    auto_buf out = BUF(DOTENV_MAX);
    if (value.n && (value.p[0] == '"' || value.p[0] == '\'')) {
        struct str rest = {0};
        if (!unquote(l, value, &out, &rest))
            return false;
        if (!is_comment(rest))
            return bad(l, rest.p, "something behind the closing quote");
    } else {
        for (size_t i = 1; i < value.n; i++)
            if (value.p[i] == '#' && (value.p[i - 1] == ' ' || value.p[i - 1] == '\t'))
                value.n = i;
        if (value.n && value.p[0] == '#')
            value.n = 0;
        value = str_trim(value);
        buf_add(&out, value.p, value.n);
    }
    struct arena *a = l->r->a;
    size_t i = map_add(a, &l->env->names, arena_strn(a, name.p, name.n));
    if (i == l->env->values.n)
        (void)arena_push(a, &l->env->values);
    l->env->values.v[i] = arena_strn(a, out.p, out.len);
    return true;
}

void environment_read(struct arena *a, const char *dir, struct environment *ret, struct problems *problems)
{
    const char *path = fs_join(a, dir, ".env");
    const struct reader r = {.a = a, .problems = problems};
    char *text;
    size_t n;
    struct err e;
    if (!fs_exists(path))
        return;
    if (!fs_read(a, path, DOTENV_MAX, &text, &n, &e)) {
        e.at = (struct src){".env", 0, 0};
        problems_add(problems, &e);
        return;
    }
    struct line l = {.r = &r, .env = ret, .start = text};
    for (const char *end = text + n; l.start < end; l.start++) {
        l.no++;
        size_t len = strcspn(l.start, "\n");
        struct str s = str_trim((struct str){l.start, len});
        if (!is_comment(s))
            read_assignment(&l, s);
        l.start += len;
    }
}

const char *environment_get(const struct environment *env, const char *name)
{
    const char *real = getenv(name);
    if (real)
        return real;
    size_t i = env ? map_find(&env->names, name) : SIZE_MAX;
    return i == SIZE_MAX ? NULL : env->values.v[i];
}
