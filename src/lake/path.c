#include "lake/path.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "lake/lake.h"

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The byte that %41 stands for; -1 where there is none. One that would end the string stays as it is. */
static int escaped(const char *p)
{
    if (*p != '%' || hex(p[1]) < 0 || hex(p[2]) < 0)
        return -1;
    int c = hex(p[1]) << 4 | hex(p[2]);
    return c ? c : -1;
}

const char *path_decode(struct arena *a, const char *text)
{
    if (strncmp(text, "file:/", 6) == 0) {
        text += 5;
        if (strncmp(text, "///", 3) == 0)
            text += 2;
    }
    if (!strchr(text, '%'))
        return text;
    char *path = arena_alloc(a, strlen(text) + 1, 1), *out = path;
    for (int c; *text; out++) {
        c = escaped(text);
        *out = c < 0 ? *text : (char)c;
        text += c < 0 ? 1 : 3;
    }
    *out = '\0';
    return path;
}

static char *put_hex(char *out, char c)
{
    return out + snprintf(out, 4, "%%%02X", (unsigned)(unsigned char)c);
}

/* What Java's URI leaves as it is in a path, without the colon: "a:b/c" would be a URI of scheme a. */
static bool is_plain(char c)
{
    return (c >= '0' && c <= '9') || ((c | 0x20) >= 'a' && (c | 0x20) <= 'z') ||
           (c && strchr("/-_.!~*'()@&=+$,;", c));
}

const char *path_encode(struct arena *a, const char *path)
{
    const char *odd = path;
    while (is_plain(*odd))
        odd++;
    if (!*odd)
        return path;
    char *text = arena_alloc(a, 3 * strlen(path) + 1, 1), *out = text;
    for (; *path; path++) {
        if (is_plain(*path))
            *out++ = *path;
        else
            out = put_hex(out, *path);
    }
    *out = '\0';
    return text;
}

bool path_is_absolute(const char *path)
{
    size_t scheme = strcspn(path, ":/");
    return *path == '/' || strncmp(path + scheme, "://", 3) == 0;
}

enum { MAX_VALUE = 120, HASH = 17 }; /* of the 255 bytes that a name may have */

/* Escapes what Hive, and so Spark, escapes in the name of a folder; at most three bytes for each one of s. */
static char *put_escaped(char *out, const char *s)
{
    for (; *s; s++) {
        unsigned char c = (unsigned char)*s;
        if (c < 0x20 || c == 0x7f || strchr("\"#%'*/:=?\\{[]^", c))
            out = put_hex(out, *s);
        else
            *out++ = *s;
    }
    *out = '\0';
    return out;
}

/* Readers take the value from the log, never from the folder: one too long for a name is cut, and told apart
 * from others that begin the same by a hash. */
static char *put_value(char *out, const char *value)
{
    char *end = put_escaped(out, value);
    if (end - out <= MAX_VALUE)
        return end;
    end = out + MAX_VALUE;
    while (end > out && ((unsigned char)*end & 0xc0) == 0x80) /* inside a character */
        end--;
    if (end[-1] == '%')
        end -= 1;
    else if (end[-2] == '%') /* inside an escape */
        end -= 2;
    unsigned long long hash = text_hash(value, strlen(value), 0);
    return end + snprintf(end, HASH + 1, "-%016llx", hash);
}

char *lake_partition_dir(struct arena *a, const char *const *columns, const char *const *values, size_t n)
{
    static const char null[] = "__HIVE_DEFAULT_PARTITION__";
    size_t room = 1;
    for (size_t i = 0; i < n; i++)
        room += 3 * strlen(columns[i]) + 2 + (values[i] ? 3 * strlen(values[i]) + HASH : 0) + sizeof null;
    char *dir = arena_alloc(a, room, 1), *out = dir;
    for (size_t i = 0; i < n; i++) {
        if (i)
            *out++ = '/';
        out = put_escaped(out, columns[i]);
        *out++ = '=';
        out = put_value(out, values[i] && *values[i] ? values[i] : null);
    }
    return dir;
}
