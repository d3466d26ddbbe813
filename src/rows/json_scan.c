#include "rows/json_scan.h"

#include <errno.h>
#include <string.h>

#include "rows/json_path.h"

enum { DEPTH_MAX = 512 };

/* ---- words of eight bytes */

#define BYTES(c)  (UINT64_C(0x0101010101010101) * (c))
#define HIGH_BITS BYTES(UINT64_C(0x80))

static uint64_t load8(const unsigned char *p)
{
    uint64_t x;
    memcpy(&x, p, sizeof x);
#if __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__
    x = __builtin_bswap64(x);
#endif
    return x;
}

/* The high bit of each byte that is zero; above the lowest such byte there may be false ones. */
static uint64_t zero_bytes(uint64_t x)
{
    return (x - BYTES(1)) & ~x & HIGH_BITS;
}

static uint64_t quote_bytes(uint64_t x)
{
    return zero_bytes(x ^ BYTES('"')) | zero_bytes(x ^ BYTES('\\'));
}

static uint64_t control_bytes(uint64_t x)
{
    return (x - BYTES(0x20)) & ~x & HIGH_BITS;
}

static size_t first_byte(uint64_t bits)
{
    return (size_t)__builtin_ctzll(bits) / 8;
}

/* ---- is it valid? */

struct scan {
    const unsigned char *p, *end;
    const char *why;
};

static bool bad(struct scan *s, const char *why)
{
    s->why = s->p >= s->end ? "the text ends too early" : why;
    return false;
}

static void skip_space(struct scan *s)
{
    while (s->p < s->end && (*s->p == ' ' || *s->p == '\n' || *s->p == '\r' || *s->p == '\t'))
        s->p++;
}

static int hex_value(unsigned char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c |= 0x20;
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* The four hex digits at p, or -1. */
static int hex4(const unsigned char *p, const unsigned char *end)
{
    int v = 0;
    for (int i = 0; i < 4; i++) {
        int h = p + i < end ? hex_value(p[i]) : -1;
        if (h < 0)
            return -1;
        v = v << 4 | h;
    }
    return v;
}

static bool is_high(int unit)
{
    return unit >= 0xd800 && unit < 0xdc00;
}

static bool is_low(int unit)
{
    return unit >= 0xdc00 && unit < 0xe000;
}

/* Behind the backslash. */
static bool scan_escape(struct scan *s)
{
    if (s->p < s->end && *s->p && strchr("\"\\/bfnrt", *s->p)) {
        s->p++;
        return true;
    }
    if (s->p >= s->end || *s->p != 'u')
        return bad(s, "an unknown escape in a string");
    int unit = hex4(s->p + 1, s->end);
    if (unit < 0)
        return bad(s, "\\u without four hex digits");
    if (is_high(unit) && s->end - s->p >= 11 && s->p[5] == '\\' && s->p[6] == 'u' &&
        is_low(hex4(s->p + 7, s->end)))
        s->p += 6;
    else if (is_high(unit) || is_low(unit))
        return bad(s, "half of a surrogate pair in a string");
    s->p += 5;
    return true;
}

/* How many bytes the character at p takes that begins with a byte above 0x7f; 0 = it is not UTF-8. */
static size_t utf8_length(const unsigned char *p, const unsigned char *end)
{
    size_t left = (size_t)(end - p);
    unsigned char second = left > 1 ? p[1] : 0;
    if (p[0] >= 0xc2 && p[0] <= 0xdf)
        return (second & 0xc0) == 0x80 ? 2 : 0;
    if (left < 3 || (second & 0xc0) != 0x80 || (p[2] & 0xc0) != 0x80)
        return 0;
    if ((p[0] & 0xf0) == 0xe0)
        return (p[0] == 0xe0 && second < 0xa0) || (p[0] == 0xed && second > 0x9f) ? 0 : 3;
    if (left < 4 || (p[3] & 0xc0) != 0x80)
        return 0;
    return p[0] < 0xf0 || p[0] > 0xf4 || (p[0] == 0xf0 && second < 0x90) || (p[0] == 0xf4 && second > 0x8f)
               ? 0
               : 4;
}

/* Behind the opening quote. */
static bool scan_string(struct scan *s)
{
    for (;;) {
        while (s->end - s->p >= 8) {
            uint64_t x = load8(s->p);
            uint64_t special = quote_bytes(x) | control_bytes(x) | (x & HIGH_BITS);
            if (special) {
                s->p += first_byte(special);
                break;
            }
            s->p += 8;
        }
        if (s->p >= s->end)
            return bad(s, "");
        if (*s->p == '"') {
            s->p++;
            return true;
        }
        if (*s->p == '\\') {
            s->p++;
            if (!scan_escape(s))
                return false;
        } else if (*s->p < 0x20) {
            return bad(s, "a control character in a string");
        } else if (*s->p < 0x80) {
            s->p++;
        } else {
            size_t n = utf8_length(s->p, s->end);
            if (n == 0) {
                s->why = "a string that is not UTF-8";
                return false;
            }
            s->p += n;
        }
    }
}

static bool scan_digits(struct scan *s)
{
    const unsigned char *from = s->p;
    while (s->p < s->end && *s->p >= '0' && *s->p <= '9')
        s->p++;
    return s->p > from || bad(s, "a number without a digit where one must be");
}

static bool scan_number(struct scan *s)
{
    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0')
        s->p++; /* nothing but a point or an exponent may follow: the caller finds what does */
    else if (!scan_digits(s))
        return false;
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p | 0x20) == 'e') {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(struct scan *s, const char *word)
{
    for (; *word; word++, s->p++)
        if (s->p >= s->end || *s->p != (unsigned char)*word)
            return bad(s, "an unknown word");
    return true;
}

static bool scan_value(struct scan *s, int depth);

static bool scan_member(struct scan *s, int depth)
{
    if (s->p >= s->end || *s->p != '"')
        return bad(s, "a key in quotes is expected");
    s->p++;
    if (!scan_string(s))
        return false;
    skip_space(s);
    if (s->p >= s->end || *s->p != ':')
        return bad(s, "':' is expected");
    s->p++;
    return scan_value(s, depth);
}

/* Behind the opening bracket. */
static bool scan_container(struct scan *s, int depth, unsigned char close)
{
    if (depth > DEPTH_MAX)
        return bad(s, "nested more than 512 deep");
    skip_space(s);
    if (s->p < s->end && *s->p == close) {
        s->p++;
        return true;
    }
    for (;;) {
        skip_space(s);
        if (!(close == '}' ? scan_member(s, depth) : scan_value(s, depth)))
            return false;
        skip_space(s);
        if (s->p >= s->end || (*s->p != ',' && *s->p != close))
            return bad(s, close == '}' ? "',' or '}' is expected" : "',' or ']' is expected");
        if (*s->p++ == close)
            return true;
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): its depth is bounded */
static bool scan_value(struct scan *s, int depth)
{
    skip_space(s);
    if (s->p >= s->end)
        return bad(s, "");
    switch (*s->p) {
    case '"':
        s->p++;
        return scan_string(s);
    case '{':
        s->p++;
        return scan_container(s, depth + 1, '}');
    case '[':
        s->p++;
        return scan_container(s, depth + 1, ']');
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (*s->p != '-' && (*s->p < '0' || *s->p > '9'))
            return bad(s, "a value is expected");
        return scan_number(s);
    }
}

bool json_scan_valid(struct str doc, size_t *ret_at, const char **ret_why)
{
    const unsigned char *from = (const unsigned char *)doc.p;
    struct scan s = {from, from + doc.n, NULL};
    bool ok = scan_value(&s, 0);
    if (ok) {
        skip_space(&s);
        if (s.p == s.end)
            return true;
        s.why = "something follows the document";
    }
    *ret_at = (size_t)(s.p - from);
    *ret_why = s.why;
    return false;
}

/* ---- looking into a document known to be valid. All of it stays inside [p, end) even if it is not. */

typedef const unsigned char *at;

static at skip_blank(at p, at end)
{
    while (p < end && *p <= ' ')
        p++;
    return p;
}

/* From behind the opening quote to behind the closing one. */
static at skip_string(at p, at end)
{
    for (;;) {
        while (end - p >= 8) {
            uint64_t special = quote_bytes(load8(p));
            if (special) {
                p += first_byte(special);
                break;
            }
            p += 8;
        }
        if (p >= end)
            return end;
        if (*p == '"')
            return p + 1;
        p += *p == '\\' ? 2 : 1;
    }
}

static at skip_value(at p, at end)
{
    size_t depth = 0;
    while (p < end) {
        switch (*p) {
        case '"':
            p = skip_string(p + 1, end);
            break;
        case '{':
        case '[':
            depth++;
            p++;
            continue;
        case '}':
        case ']':
            if (depth == 0)
                return p;
            depth--;
            p++;
            break;
        case ',':
            if (depth == 0)
                return p;
            p++;
            continue;
        case ':':
        case ' ':
        case '\n':
        case '\r':
        case '\t':
            if (depth == 0)
                return p;
            p++;
            continue;
        default:
            p++;
            continue;
        }
        if (depth == 0)
            break;
    }
    return p < end ? p : end;
}

static size_t put_utf8(char out[4], uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3f));
    out[0] = (char)((0xf00 >> n & 0xff) | c);
    return n;
}

/* What the escape behind a backslash stands for, in UTF-8; returns what follows it. Half a pair is U+FFFD. */
static at unescape(at p, at end, char out[4], size_t *n)
{
    static const char from[] = "\"\\/bfnrt", to[] = "\"\\/\b\f\n\r\t";
    const char *known = p < end && *p ? strchr(from, *p) : NULL;
    *n = 1;
    if (known) {
        out[0] = to[known - from];
        return p + 1;
    }
    int unit = p < end && *p == 'u' ? hex4(p + 1, end) : -1;
    if (unit < 0) {
        *n = 0;
        return p < end ? p + 1 : end;
    }
    uint32_t c = (uint32_t)unit;
    p += 5;
    if (is_high(unit) && end - p >= 6 && p[0] == '\\' && p[1] == 'u' && is_low(hex4(p + 2, end))) {
        c = 0x10000 + ((c - 0xd800) << 10) + ((uint32_t)hex4(p + 2, end) - 0xdc00);
        p += 6;
    } else if (is_high(unit) || is_low(unit)) {
        c = 0xfffd;
    }
    *n = put_utf8(out, c);
    return p;
}

/* Is the string, from behind its opening quote to its closing one, this key? */
static bool key_is(at p, at close, struct str key)
{
    if (!memchr(p, '\\', (size_t)(close - p)))
        return (size_t)(close - p) == key.n && memcmp(p, key.p, key.n) == 0;
    size_t i = 0;
    while (p < close) {
        char c[4] = {(char)*p};
        size_t n = 1;
        if (*p++ == '\\')
            p = unescape(p, close, c, &n);
        if (n > key.n - i || memcmp(c, key.p + i, n) != 0)
            return false;
        i += n;
    }
    return i == key.n;
}

struct walk {
    const struct json_path *path;
    at end;
    bool (*each)(void *arg, struct str value);
    void *arg;
};

static bool walk_from(const struct walk *w, size_t i, at p);

static bool walk_object(const struct walk *w, size_t i, at p)
{
    for (p = skip_blank(p + 1, w->end); p < w->end && *p == '"'; p = skip_blank(p, w->end)) {
        at key = p + 1, behind = skip_string(key, w->end);
        p = skip_blank(behind, w->end);
        p = skip_blank(p + (p < w->end), w->end); /* the colon */
        if (key_is(key, behind - 1 > key ? behind - 1 : key, w->path->step[i].key))
            return walk_from(w, i + 1, p);
        p = skip_blank(skip_value(p, w->end), w->end);
        if (p < w->end && *p == ',')
            p++;
    }
    return true;
}

static bool walk_array(const struct walk *w, size_t i, at p)
{
    const struct json_step *step = &w->path->step[i];
    p = skip_blank(p + 1, w->end);
    for (size_t k = 0; p < w->end && *p != ']'; k++) {
        if (step->kind == STEP_FIRST ? k == step->n : k > step->n)
            break;
        if (step->kind == STEP_FIRST || k == step->n)
            if (!walk_from(w, i + 1, p))
                return false;
        at next = skip_blank(skip_value(p, w->end), w->end);
        if (next >= w->end || *next != ',')
            break;
        p = skip_blank(next + 1, w->end);
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): as deep as the path is long */
static bool walk_from(const struct walk *w, size_t i, at p)
{
    if (p >= w->end)
        return true;
    if (i == w->path->n)
        return w->each(w->arg, (struct str){(const char *)p, (size_t)(skip_value(p, w->end) - p)});
    if (w->path->step[i].kind == STEP_KEY)
        return *p != '{' || walk_object(w, i, p);
    return *p != '[' || walk_array(w, i, p);
}

void json_scan_each(struct str doc, const struct json_path *path, bool (*each)(void *arg, struct str value),
                    void *arg)
{
    at from = (at)doc.p, end = from + doc.n;
    const struct walk w = {path, end, each, arg};
    walk_from(&w, 0, skip_blank(from, end));
}

static bool take(void *arg, struct str value)
{
    *(struct str *)arg = value;
    return false;
}

bool json_scan_get(struct str doc, const struct json_path *path, struct str *ret)
{
    struct str found = {0};
    json_scan_each(doc, path, take, &found);
    if (!found.p)
        return false;
    *ret = found;
    return true;
}

bool json_scan_text(struct str value, struct buf *b)
{
    if (value.n == 0 || value.p[0] == '{' || value.p[0] == '[' || value.p[0] == 'n')
        return false;
    if (value.p[0] != '"') {
        buf_add(b, value.p, value.n);
        return true;
    }
    at p = (at)value.p + 1, end = (at)value.p + value.n - (value.n > 1);
    while (p < end) {
        at plain = memchr(p, '\\', (size_t)(end - p));
        if (!plain)
            plain = end;
        buf_add(b, p, (size_t)(plain - p));
        if (plain == end)
            break;
        char c[4];
        size_t n;
        p = unescape(plain + 1, end, c, &n);
        buf_add(b, c, n);
    }
    return true;
}

bool json_scan_int(struct str value, int64_t *ret)
{
    char digits[24];
    if (value.n >= 2 && value.p[0] == '"' && value.p[value.n - 1] == '"')
        value = (struct str){value.p + 1, value.n - 2};
    size_t sign = value.n && value.p[0] == '-';
    if (value.n <= sign || value.n >= sizeof digits)
        return false;
    memcpy(digits, value.p, value.n);
    digits[value.n] = '\0';
    if (strspn(digits + sign, "0123456789") != value.n - sign)
        return false;
    errno = 0;
    long long v = strtoll(digits, NULL, 10);
    if (errno)
        return false;
    *ret = v;
    return true;
}
