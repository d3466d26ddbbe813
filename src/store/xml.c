#include "store/xml.h"

#include <string.h>

#include "base/buf.h"

bool xml_next(const char *name, struct str *at, struct str *ret)
{
    size_t n = strlen(name);
    const char *end = at->p + at->n;
    for (const char *p = at->p; p && (p = memchr(p, '<', (size_t)(end - p))); p++) {
        if ((size_t)(end - p) < n + 2 || memcmp(p + 1, name, n) != 0 || !strchr("> \t\r\n/", p[n + 1]))
            continue;
        const char *open_end = memchr(p, '>', (size_t)(end - p));
        if (!open_end)
            return false;
        const char *from = open_end + 1, *to = from;
        if (open_end[-1] != '/') {
            for (;; to++) {
                to = memchr(to, '<', (size_t)(end - to));
                if (!to || (size_t)(end - to) < n + 3)
                    return false;
                if (to[1] == '/' && memcmp(to + 2, name, n) == 0 && to[n + 2] == '>')
                    break;
            }
        }
        *ret = (struct str){from, (size_t)(to - from)};
        const char *next = open_end[-1] == '/' ? from : to + n + 3;
        *at = (struct str){next, (size_t)(end - next)};
        return true;
    }
    return false;
}

static size_t add_rune(char *out, unsigned long c)
{
    size_t n = 0;
    if (c < 0x80) {
        out[n++] = (char)c;
    } else if (c < 0x800) {
        out[n++] = (char)(0xc0 | c >> 6);
        out[n++] = (char)(0x80 | (c & 0x3f));
    } else if (c < 0x10000) {
        out[n++] = (char)(0xe0 | c >> 12);
        out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        out[n++] = (char)(0x80 | (c & 0x3f));
    } else {
        out[n++] = (char)(0xf0 | c >> 18);
        out[n++] = (char)(0x80 | (c >> 12 & 0x3f));
        out[n++] = (char)(0x80 | (c >> 6 & 0x3f));
        out[n++] = (char)(0x80 | (c & 0x3f));
    }
    return n;
}

/* Of an entity from its '&' on: how long it is, what it stands for; 0 = it is none. No longer than it. */
static size_t entity(struct str in, char *out, size_t *ret_n)
{
    static const struct {
        const char *name;
        char c;
    } known[] = {{"&amp;", '&'}, {"&lt;", '<'}, {"&gt;", '>'}, {"&quot;", '"'}, {"&apos;", '\''}};
    for (size_t i = 0; i < countof(known); i++) {
        size_t n = strlen(known[i].name);
        if (in.n >= n && memcmp(in.p, known[i].name, n) == 0) {
            *out = known[i].c;
            *ret_n = 1;
            return n;
        }
    }
    char digits[12] = "";
    const char *semicolon = memchr(in.p, ';', in.n < 11 ? in.n : 11);
    if (!semicolon || in.p[1] != '#')
        return 0;
    memcpy(digits, in.p + 2, (size_t)(semicolon - in.p - 2));
    bool hex = *digits == 'x';
    char *end;
    unsigned long c = strtoul(digits + hex, &end, hex ? 16 : 10);
    if (*end || c == 0 || c > 0x10ffff)
        return 0;
    *ret_n = add_rune(out, c);
    return (size_t)(semicolon + 1 - in.p);
}

char *xml_text(struct arena *a, struct str in, const char *name)
{
    struct str t;
    if (!xml_next(name, &in, &t))
        return NULL;
    char *text = arena_strn(a, t.p, t.n);
    size_t n = 0;
    for (size_t i = 0; i < t.n;) {
        size_t made = 0, used = t.p[i] == '&' ? entity((struct str){t.p + i, t.n - i}, text + n, &made) : 0;
        if (used) {
            i += used, n += made;
        } else {
            text[n++] = t.p[i++];
        }
    }
    text[n] = '\0';
    return text;
}

void xml_add(struct buf *b, const char *text)
{
    for (const char *p = text; *p; p++)
        switch (*p) {
        case '&':
            buf_addf(b, "&amp;");
            break;
        case '<':
            buf_addf(b, "&lt;");
            break;
        case '>':
            buf_addf(b, "&gt;");
            break;
        case '"':
            buf_addf(b, "&quot;");
            break;
        default:
            buf_add(b, p, 1);
        }
}
