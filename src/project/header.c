/* The header of a model: YAML in the first comment of its SQL file, between slash-star and three dashes on
 * both sides. */
#include <string.h>

#include "project/internal.h"

static const char opening[] = "/*---", closing[] = "---*/";

static struct src place_of(const char *path, const char *text, size_t offset)
{
    return sql_place(text, offset, (struct src){path, 1, 1}, 0);
}

/* Is there the opening of a header at p, and not a line of a box drawn with dashes? */
static bool opens(const char *p)
{
    return strncmp(p, opening, sizeof opening - 1) == 0 && p[sizeof opening - 1] != '-' &&
           p[sizeof opening - 1] != '*';
}

/* Blank lines and comments of one line may stand above it. */
static size_t skip_above(const char *text)
{
    size_t i = 0;
    for (;;) {
        i += strspn(text + i, " \t\r\n");
        if (text[i] != '-' || text[i + 1] != '-')
            return i;
        i += strcspn(text + i, "\n");
    }
}

/* A header further down is read by nobody: say so. */
static bool refuse_late(const struct reader *r, const char *path, const char *text, size_t from)
{
    for (const char *p = text + from; (p = strstr(p, opening)); p++)
        if (opens(p) && (p == text || p[-1] == '\n'))
            return reader_fail(r, place_of(path, text, (size_t)(p - text)), "move it above the SELECT",
                               "the header must be the first thing in the file");
    return true;
}

bool header_read(const struct reader *r, const char *path, const char *text, const struct yaml **ret,
                 size_t *ret_end)
{
    size_t from = skip_above(text);
    *ret = NULL;
    *ret_end = 0;
    if (!opens(text + from))
        return refuse_late(r, path, text, from);
    size_t start = from + sizeof opening - 1;
    const char *end = strstr(text + start, "*/");
    *ret_end = end ? (size_t)(end - text) + 2 : SIZE_MAX;
    if (!end)
        return reader_fail(r, place_of(path, text, from), "it ends with ---*/", "the header is not closed");
    size_t stop = *ret_end - (sizeof closing - 1);
    if (stop < start || strncmp(text + stop, closing, sizeof closing - 1) != 0)
        return reader_fail(r, place_of(path, text, *ret_end - 2),
                           "inside the header the text '*/' cannot stand",
                           "the header ends with '*/', '---*/' is expected");
    struct yaml *root;
    if (!yaml_parse(r->a, text + start, stop - start, place_of(path, text, start), r->problems, &root))
        return false;
    *ret = root;
    return refuse_late(r, path, text, *ret_end);
}
