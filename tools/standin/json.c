#include "json.h"

#include <string.h>

static bool wrong(struct json *j, const char *why)
{
    if (!j->why)
        j->why = why;
    j->p = j->end;
    return false;
}

char json_peek(struct json *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\t' || *j->p == '\r' || *j->p == '\n'))
        j->p++;
    return j->p < j->end ? *j->p : '\0';
}

bool json_enter(struct json *j, char open)
{
    if (json_peek(j) != open)
        return wrong(j, open == '{' ? "expected an object" : "expected an array");
    j->p++;
    j->opened = true;
    return true;
}

/* Is the quote at q inside the string that starts at `from`: an odd number of backslashes before it? */
static bool escaped(const char *from, const char *q)
{
    const char *b = q;
    while (b > from && b[-1] == '\\')
        b--;
    return (q - b) % 2 == 1;
}

/* From the opening quote to behind the closing one. */
static bool pass_string(struct json *j)
{
    const char *from = ++j->p;
    for (;;) {
        const char *q = memchr(j->p, '"', (size_t)(j->end - j->p));
        if (!q)
            return wrong(j, "unterminated string");
        j->p = q + 1;
        if (!escaped(from, q))
            return true;
    }
}

static bool pass_nested(struct json *j)
{
    int depth = 0;
    do {
        switch (*j->p) {
        case '"':
            if (!pass_string(j))
                return false;
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            depth--;
            break;
        default:
            break;
        }
        j->p++;
    } while (depth && j->p < j->end);
    return depth ? wrong(j, "unbalanced brackets") : true;
}

static void pass_word(struct json *j)
{
    while (j->p < j->end && !strchr(",]} \t\r\n", *j->p))
        j->p++;
}

struct str json_value(struct json *j)
{
    char c = json_peek(j);
    const char *from = j->p;
    j->opened = false;
    if (c == '"')
        pass_string(j);
    else if (c == '{' || c == '[')
        pass_nested(j);
    else
        pass_word(j);
    if (j->p == from)
        wrong(j, "expected a value");
    return j->why ? (struct str){.p = "", .n = 0} : (struct str){.p = from, .n = (size_t)(j->p - from)};
}

/* Pass the comma between members; false behind the closing bracket. */
static bool next_member(struct json *j, char close)
{
    if (j->why)
        return false;
    char c = json_peek(j);
    bool first = j->opened;
    j->opened = false;
    if (c == close) {
        j->p++;
        return false;
    }
    if (!c)
        return wrong(j, "unbalanced brackets");
    if (first)
        return true;
    if (c != ',')
        return wrong(j, "expected a comma");
    j->p++;
    return true;
}

bool json_key(struct json *j, struct str *ret_key)
{
    if (!next_member(j, '}'))
        return false;
    if (json_peek(j) != '"')
        return wrong(j, "expected a key in quotes");
    const char *from = j->p + 1;
    if (!pass_string(j))
        return false;
    struct str key = {.p = from, .n = (size_t)(j->p - 1 - from)};
    if (json_peek(j) != ':')
        return wrong(j, "expected ':' after a key");
    j->p++;
    *ret_key = key;
    return true;
}

bool json_item(struct json *j)
{
    if (!next_member(j, ']'))
        return false;
    return json_peek(j) != ']' ? true : wrong(j, "expected a value");
}

bool json_at_end(struct json *j)
{
    return json_peek(j) == '\0' && !j->why;
}

struct str json_unquote(struct str value)
{
    if (value.n < 2 || value.p[0] != '"')
        return (struct str){.p = "", .n = 0};
    return (struct str){.p = value.p + 1, .n = value.n - 2};
}
