#include "lake/pull.h"

#include <errno.h>
#include <string.h>

enum { MAX_DEPTH = 100 };

struct pull pull_begin(struct arena *a, const char *p, size_t n)
{
    return (struct pull){.a = a, .start = p, .p = p, .end = p + n};
}

bool pull_fail(struct pull *j, const char *why)
{
    if (!j->why) {
        j->why = why;
        j->at = (size_t)(j->p - j->start);
        j->p = j->end;
    }
    return false;
}

static void skip_space(struct pull *j)
{
    while (j->p < j->end && (*j->p == ' ' || *j->p == '\n' || *j->p == '\r' || *j->p == '\t'))
        j->p++;
}

static bool take(struct pull *j, char c)
{
    skip_space(j);
    if (j->p == j->end || *j->p != c)
        return false;
    j->p++;
    return true;
}

static bool expect(struct pull *j, char c, const char *why)
{
    if (take(j, c))
        return true;
    return pull_fail(j, j->p == j->end ? "it is cut off" : why);
}

bool pull_end(struct pull *j)
{
    skip_space(j);
    if (j->p != j->end)
        pull_fail(j, "there is more behind it");
    return !j->why;
}

bool pull_object(struct pull *j)
{
    return j->fresh = expect(j, '{', "an object is expected");
}

bool pull_array(struct pull *j)
{
    return j->fresh = expect(j, '[', "an array is expected");
}

/* Is there another one before the closing bracket? */
static bool more(struct pull *j, char close)
{
    bool fresh = j->fresh;
    j->fresh = false;
    if (j->why || take(j, close))
        return false;
    return fresh || expect(j, ',', "a comma is expected");
}

bool pull_item(struct pull *j)
{
    return more(j, ']');
}

#define EACH(byte) (UINT64_C(0x0101010101010101) * (byte))

static uint64_t has_zero(uint64_t x)
{
    return (x - EACH(1)) & ~x & EACH(0x80);
}

/* Past the bytes, eight at a time, that are nothing but themselves in a string. *all gathers the bits. */
static const char *skip_plain(const char *p, const char *end, uint64_t *all)
{
    for (uint64_t x; end - p >= 8; p += 8) {
        memcpy(&x, p, sizeof x);
        uint64_t control = (x - EACH(0x20)) & ~x & EACH(0x80);
        if (control | has_zero(x ^ EACH('"')) | has_zero(x ^ EACH('\\')))
            break;
        *all |= x;
    }
    return p;
}

/* The text between the quotes, checked but for its escapes. */
static struct str scan_string(struct pull *j, bool *ret_escaped)
{
    struct str s = {"", 0};
    *ret_escaped = false;
    if (!expect(j, '"', "a string is expected"))
        return s;
    const char *from = j->p;
    uint64_t all = 0;
    for (j->p = skip_plain(j->p, j->end, &all); j->p < j->end && *j->p != '"'; j->p++) {
        unsigned char c = (unsigned char)*j->p;
        all |= c;
        if (c < 0x20) {
            pull_fail(j, "a control character in a string");
            return s;
        }
        if (c == '\\') {
            *ret_escaped = true;
            j->p += j->p + 1 < j->end;
            j->p = skip_plain(j->p + 1, j->end, &all) - 1;
        }
    }
    if (j->p >= j->end) {
        pull_fail(j, "it is cut off");
        return s;
    }
    s = (struct str){from, (size_t)(j->p - from)};
    if (all & EACH(0x80) && !text_utf8(s.p, s.n)) {
        pull_fail(j, "a string is not UTF-8");
        return (struct str){"", 0};
    }
    j->p++;
    return s;
}

static bool hex4(const char *p, const char *end, uint32_t *ret)
{
    uint32_t v = 0;
    if (end - p < 4)
        return false;
    for (int i = 0; i < 4; i++) {
        char c = p[i];
        if (c >= '0' && c <= '9')
            v = v << 4 | (uint32_t)(c - '0');
        else if ((c | 0x20) >= 'a' && (c | 0x20) <= 'f')
            v = v << 4 | (uint32_t)((c | 0x20) - 'a' + 10);
        else
            return false;
    }
    *ret = v;
    return true;
}

static char *put_rune(char *out, uint32_t r)
{
    if (r < 0x80) {
        *out++ = (char)r;
        return out;
    }
    if (r < 0x800) {
        *out++ = (char)(0xc0 | r >> 6);
    } else {
        if (r < 0x10000) {
            *out++ = (char)(0xe0 | r >> 12);
        } else {
            *out++ = (char)(0xf0 | r >> 18);
            *out++ = (char)(0x80 | (r >> 12 & 0x3f));
        }
        *out++ = (char)(0x80 | (r >> 6 & 0x3f));
    }
    *out++ = (char)(0x80 | (r & 0x3f));
    return out;
}

/* What stands behind a backslash and a u: one character, or a pair that stands for one. */
static bool scan_rune(const char **p, const char *end, uint32_t *ret)
{
    uint32_t r, low;
    if (!hex4(*p, end, &r) || r == 0)
        return false;
    *p += 4;
    if (r >= 0xd800 && r < 0xdc00) {
        if (end - *p < 6 || (*p)[0] != '\\' || (*p)[1] != 'u' || !hex4(*p + 2, end, &low) || low < 0xdc00 ||
            low > 0xdfff)
            return false;
        *p += 6;
        r = 0x10000 + ((r - 0xd800) << 10) + (low - 0xdc00);
    }
    *ret = r;
    return r < 0xd800 || r > 0xdfff;
}

/* What one letter behind a backslash stands for; 0 = nothing. */
static char escape(char c)
{
    switch (c) {
    case '"':
    case '\\':
    case '/':
        return c;
    case 'b':
        return '\b';
    case 'f':
        return '\f';
    case 'n':
        return '\n';
    case 'r':
        return '\r';
    case 't':
        return '\t';
    default:
        return '\0';
    }
}

static char *unescape(struct pull *j, struct str s)
{
    char *text = arena_alloc(j->a, s.n + 1, 1), *out = text; /* an escape is longer than what it stands for */
    const char *end = s.p + s.n;
    for (const char *p = s.p; p < end;) {
        const char *next = memchr(p, '\\', (size_t)(end - p));
        size_t n = (size_t)((next ? next : end) - p);
        memcpy(out, p, n);
        out += n;
        p += n;
        if (!next)
            break;
        p++;
        char plain = p < end ? escape(*p) : '\0';
        uint32_t rune;
        if (plain) {
            *out++ = plain;
            p++;
        } else if (p < end && *p++ == 'u' && scan_rune(&p, end, &rune)) {
            out = put_rune(out, rune);
        } else {
            pull_fail(j, "a bad escape in a string");
            return text;
        }
    }
    *out = '\0';
    return text;
}

bool pull_key(struct pull *j, struct str *ret)
{
    bool escaped;
    if (!more(j, '}'))
        return false;
    *ret = scan_string(j, &escaped);
    if (escaped && !j->why) {
        ret->p = unescape(j, *ret);
        ret->n = strlen(ret->p);
    }
    expect(j, ':', "a colon is expected");
    return !j->why;
}

char *pull_string(struct pull *j)
{
    bool escaped;
    struct str s = scan_string(j, &escaped);
    return escaped && !j->why ? unescape(j, s) : arena_strn(j->a, s.p, s.n);
}

static bool take_word(struct pull *j, const char *word)
{
    size_t n = strlen(word);
    skip_space(j);
    if ((size_t)(j->end - j->p) < n || memcmp(j->p, word, n) != 0)
        return false;
    j->p += n;
    return true;
}

bool pull_null(struct pull *j)
{
    return take_word(j, "null");
}

bool pull_is(struct pull *j, char first)
{
    skip_space(j);
    return j->p < j->end && *j->p == first;
}

char *pull_text(struct pull *j)
{
    return pull_null(j) ? NULL : pull_string(j);
}

bool pull_bool(struct pull *j)
{
    if (take_word(j, "true"))
        return true;
    return take_word(j, "false") ? false : pull_fail(j, "true or false is expected");
}

static bool digits(struct pull *j)
{
    const char *from = j->p;
    while (j->p < j->end && *j->p >= '0' && *j->p <= '9')
        j->p++;
    return j->p > from;
}

static struct str scan_number(struct pull *j, bool *ret_whole)
{
    skip_space(j);
    const char *from = j->p;
    *ret_whole = true;
    j->p += j->p < j->end && *j->p == '-';
    const char *first = j->p;
    bool ok = digits(j) && (*first != '0' || j->p == first + 1);
    if (ok && j->p < j->end && *j->p == '.') {
        j->p++;
        *ret_whole = false;
        ok = digits(j);
    }
    if (ok && j->p < j->end && (*j->p | 0x20) == 'e') {
        j->p++;
        *ret_whole = false;
        j->p += j->p < j->end && (*j->p == '+' || *j->p == '-');
        ok = digits(j);
    }
    if (!ok)
        pull_fail(j, j->p == j->end ? "it is cut off" : "a value is expected");
    return (struct str){from, ok ? (size_t)(j->p - from) : 0};
}

int64_t pull_int(struct pull *j)
{
    bool whole;
    struct str s = scan_number(j, &whole);
    char text[32];
    if (j->why || s.n >= sizeof text)
        return pull_fail(j, "a number is out of range");
    memcpy(text, s.p, s.n);
    text[s.n] = '\0';
    if (whole) {
        errno = 0;
        int64_t v = strtoll(text, NULL, 10);
        return errno ? pull_fail(j, "a number is out of range") : v;
    }
    double v = strtod(text, NULL); /* some writers say 3.0 */
    return v >= -0x1p63 && v < 0x1p63 ? (int64_t)v : pull_fail(j, "a number is out of range");
}

static void skip_value(struct pull *j, int depth)
{
    bool unused;
    struct str key;
    if (depth > MAX_DEPTH)
        pull_fail(j, "it is nested too deeply");
    else if (pull_is(j, '{') && pull_object(j))
        while (pull_key(j, &key))
            skip_value(j, depth + 1);
    else if (pull_is(j, '[') && pull_array(j))
        while (pull_item(j))
            skip_value(j, depth + 1);
    else if (pull_is(j, '"'))
        scan_string(j, &unused);
    else if (!pull_null(j) && !take_word(j, "true") && !take_word(j, "false"))
        scan_number(j, &unused);
}

struct str pull_skip(struct pull *j)
{
    skip_space(j);
    const char *from = j->p;
    skip_value(j, 0);
    j->fresh = false;
    return j->why ? (struct str){"", 0} : (struct str){from, (size_t)(j->p - from)};
}

char *pull_raw(struct pull *j)
{
    if (pull_null(j))
        return NULL;
    struct str s = pull_skip(j);
    return arena_strn(j->a, s.p, s.n);
}

bool pull_compact(struct buf *b, const char *text)
{
    auto_arena *a = arena_new(); /* keys with escapes in them go there */
    size_t n = strlen(text);
    struct pull j = pull_begin(a, text, n);
    pull_skip(&j);
    if (!pull_end(&j))
        return false;
    bool quoted = false;
    for (size_t i = 0, from; i < n;) {
        for (from = i; i < n && (quoted || !strchr(" \t\r\n", text[i])); i++) {
            if (text[i] == '"')
                quoted = !quoted;
            else if (text[i] == '\\')
                i++;
        }
        buf_add(b, text + from, i - from);
        i += i < n;
    }
    return true;
}
