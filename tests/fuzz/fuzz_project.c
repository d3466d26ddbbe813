/* fuzz_project.c - any bytes as a source, a model or cupel.yaml (by the first letter: s, m, c): they are read
 * or refused with places inside the text, and nothing else. */
#include <assert.h>
#include <string.h>

#include "project/internal.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libfyaml 0.7 loses 4 KB when a long quoted text is not closed. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libfyaml\n";
}

static int lines_of(const char *text)
{
    int n = 1;
    for (; (text = strchr(text, '\n')); text++)
        n++;
    return n;
}

static void read_as(char kind, struct arena *a, const char *text, struct problems *problems)
{
    static struct environment env;
    static const int64_t ids[] = {0, 299534};
    static const struct variable vars[] = {
        {"ids", {.name = "ids", .type = PARAM_INTS, .nums = ids, .n = 2}, {0}},
        {"n", {.name = "n", .type = PARAM_INT, .num = 3}, {0}}};
    const struct reader r = {.a = a, .problems = problems, .env = &env, .vars = vars, .nvars = 2};
    if (kind == 's') {
        struct source s = {.name = "s", .path = "f", .text = text};
        assert(source_read(&r, &s) || problems->n);
    } else if (kind == 'm') {
        struct model m = {.name = "s.m", .path = "f", .text = text};
        struct model_notes notes = {0};
        assert(model_read(&r, &m, &notes) || problems->n);
        if (m.sql)
            assert(strstr(text, m.sql) && m.sql_at.line >= 1 && m.sql_at.line <= lines_of(text));
    } else {
        struct project p = {.a = a, .root = "/p", .env = "dev", .in = arena_make(a, struct internals, 1)};
        const struct project_options o = {0};
        struct err e;
        (void)!config_read(&p, &o, text, strlen(text), problems, &e);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size < 1)
        return 0;
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    const char *text = arena_strn(a, (const char *)data + 1, size - 1);
    read_as((char)data[0], a, text, &problems);
    for (size_t i = 0; i < problems.n; i++)
        assert(problems.v[i].msg[0] && problems.v[i].at.line >= 0 &&
               problems.v[i].at.line <= lines_of(text) && problems.v[i].at.col >= 0);
    return 0;
}
