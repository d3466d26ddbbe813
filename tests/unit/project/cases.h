/* cases.h - tests as data: groups of three lines in tests/cases/NAME.txt, parted by empty lines.
 *
 *     input, with \n, \t, \\ and \xNN
 *     what comes out
 *     the problems, "LINE:COL: text [hint]" joined by " | "; a dash = none
 *
 * Lines that begin with # are comments. With UPDATE=1 the file is written anew with what came out: git diff
 * reviews.
 */
#pragma once
#include "base/fs.h"
#include "project/internal.h"
#include "test.h"

typedef void case_fn(struct arena *a, const char *input, struct problems *problems, struct buf *out);

static bool case_files; /* problems are shown with their file */

static inline char *case_unescape(struct arena *a, const char *s)
{
    char *out = arena_str(a, s), *to = out;
    for (; *s; s++) {
        if (*s != '\\' || !s[1]) {
            *to++ = *s;
            continue;
        }
        s++;
        if (*s == 'x' && s[1] && s[2]) {
            char hex[3] = {s[1], s[2], 0};
            *to++ = (char)strtol(hex, NULL, 16);
            s += 2;
        } else {
            *to++ = *s == 'n' ? '\n' : *s == 't' ? '\t' : *s == 'r' ? '\r' : *s;
        }
    }
    *to = '\0';
    return out;
}

/* In one line, as case_unescape() reads it. */
static inline char *case_escape(struct arena *a, const char *s)
{
    auto_buf b = BUF(1 << 20);
    for (; *s; s++)
        *s == '\n' ? buf_addf(&b, "\\n") : *s == '\t' ? buf_addf(&b, "\\t") : buf_add(&b, s, 1);
    return arena_str(a, b.p);
}

static inline void case_problems(const struct problems *p, struct buf *out)
{
    for (size_t i = 0; i < p->n; i++) {
        const struct err *e = &p->v[i];
        buf_addf(out, "%s", i ? " | " : "");
        if (case_files && e->at.file)
            buf_addf(out, "%s:", e->at.file);
        if (e->at.line)
            buf_addf(out, "%d:%d: ", e->at.line, e->at.col);
        buf_addf(out, "%s%s", e->kind == ERR_NONE ? "warning: " : "", e->msg);
        if (e->hint[0])
            buf_addf(out, " [%s]", e->hint);
    }
    if (!p->n)
        buf_addf(out, "-");
}

static inline const char *case_line(const char **rest, struct arena *a)
{
    size_t n = strcspn(*rest, "\n");
    const char *line = arena_strn(a, *rest, n);
    *rest += n + ((*rest)[n] == '\n');
    return line;
}

static inline void cases_run(const char *name, case_fn *fn)
{
    auto_arena *a = arena_new();
    struct err e;
    char *text;
    const char *tests_dir = getenv("CUPEL_TESTS");
    const char *path = arena_fmt(a, "%s/cases/%s.txt", tests_dir ? tests_dir : "tests", name);
    REQUIRE(fs_read(a, path, 1 << 20, &text, NULL, &e));
    auto_buf all = BUF(4 << 20);
    for (const char *rest = text; *rest;) {
        const char *input = case_line(&rest, a);
        if (!*input || *input == '#') {
            buf_addf(&all, "%s\n", input);
            continue;
        }
        const char *want = case_line(&rest, a), *want_problems = case_line(&rest, a);
        auto_arena *own = arena_new();
        auto_buf out = BUF(1 << 20), problems_text = BUF(1 << 20);
        struct problems problems = {.a = own};
        CASE(input);
        fn(own, case_unescape(own, input), &problems, &out);
        case_problems(&problems, &problems_text);
        const char *got = out.len ? case_escape(a, out.p) : "-",
                   *got_problems = case_escape(a, problems_text.p);
        buf_addf(&all, "%s\n%s\n%s\n", input, got, got_problems);
        if (getenv("UPDATE"))
            continue;
        CHECK_STR(got, want);
        CHECK_STR(got_problems, want_problems);
    }
    if (getenv("UPDATE"))
        REQUIRE(fs_write_atomic(path, all.p, all.len, &e));
}

/* A folder with files: "path = text || path = text"; its cupel.yaml is there unless it is among them. Read as
 * a project; NULL = *e says why not. The folder is removed again. */
static inline struct project *case_project(struct arena *a, const char *input, struct problems *problems,
                                           struct err *e)
{
    char *dir = arena_str(a, "/tmp/cupel-t-project-XXXXXX");
    REQUIRE(mkdtemp(dir));
    struct err ignored;
    if (!strstr(input, "cupel.yaml = "))
        REQUIRE(fs_write_atomic(fs_join(a, dir, "cupel.yaml"), "name: t\n", 8, &ignored));
    for (const char *s = input; *s;) {
        const char *eq = strstr(s, " = "), *end = strstr(s, " || ");
        if (!end)
            end = s + strlen(s);
        REQUIRE(eq && eq < end);
        char *path = fs_join(a, dir, arena_strn(a, s, (size_t)(eq - s)));
        char *slash = strrchr(path, '/');
        *slash = '\0';
        REQUIRE(fs_mkdirs(path, &ignored));
        *slash = '/';
        REQUIRE(fs_write_atomic(path, eq + 3, (size_t)(end - eq - 3), &ignored));
        s = *end ? end + 4 : end;
    }
    const struct project_options o = {.dir = dir};
    struct project *p = NULL;
    bool ok = project_load(a, &o, &p, problems, e);
    REQUIRE(fs_remove_tree(dir, &ignored));
    return ok ? p : NULL;
}
