/* The paths of json_scan.h: `$.credits.cast[:3].id` as a list of steps. */
#include "rows/json_path.h"

#include <string.h>

enum { STEPS_MAX = 32, INDEX_DIGITS = 9 };

static bool bad(struct err *e, const char *text, const char *at, const char *want)
{
    return fail(e, ERR_USER, "path '%s': %s is expected at column %td", text, want, at - text + 1);
}

/* Behind "[": n], :n], *] or "key"]. */
static const char *bracket(struct arena *a, const char *text, const char *p, struct json_step *step,
                           struct err *e)
{
    if (*p == '"' || *p == '\'') {
        const char *end = strchr(p + 1, *p);
        if (!end)
            return bad(e, text, p + strlen(p), "a closing quote"), NULL;
        *step = (struct json_step){.kind = STEP_KEY, .key = {arena_strn(a, p + 1, (size_t)(end - p - 1)), 0}};
        step->key.n = (size_t)(end - p - 1);
        p = end + 1;
    } else if (*p == '*') {
        *step = (struct json_step){.kind = STEP_FIRST, .n = SIZE_MAX};
        p++;
    } else {
        *step = (struct json_step){.kind = *p == ':' ? STEP_FIRST : STEP_INDEX};
        p += *p == ':';
        size_t digits = strspn(p, "0123456789");
        if (digits == 0 || digits > INDEX_DIGITS)
            return bad(e, text, p, "a number, ':' and a number, '*' or a quoted key"), NULL;
        step->n = strtoul(p, NULL, 10);
        p += digits;
    }
    if (*p != ']')
        return bad(e, text, p, "']'"), NULL;
    return p + 1;
}

bool json_path_parse(struct arena *a, const char *text, struct json_path **ret, struct err *e)
{
    struct json_step steps[STEPS_MAX];
    size_t n = 0;
    if (*text != '$')
        return bad(e, text, text, "'$'");
    for (const char *p = text + 1; *p; n++) {
        if (n == STEPS_MAX)
            return fail(e, ERR_USER, "path '%s': more than %d steps", text, STEPS_MAX);
        if (*p == '[') {
            if (!(p = bracket(a, text, p + 1, &steps[n], e)))
                return false;
        } else if (*p == '.') {
            size_t len = strcspn(++p, ".[]\"' \t\n");
            if (len == 0)
                return bad(e, text, p, "a key");
            steps[n] = (struct json_step){.kind = STEP_KEY, .key = {arena_strn(a, p, len), len}};
            p += len;
        } else {
            return bad(e, text, p, "'.' or '['");
        }
    }
    struct json_path *path = arena_alloc(a, 1, sizeof *path + n * sizeof *path->step);
    path->n = n;
    memcpy(path->step, steps, n * sizeof *steps);
    *ret = path;
    return true;
}
