#include "base/json.h"

#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/text.h"

static void release(void *j)
{
    json_decref(j);
}

json_t *json_tie(struct arena *a, json_t *j)
{
    if (j)
        arena_defer(a, release, j);
    return j;
}

bool json_parse(struct arena *a, const char *p, size_t n, const char *what, json_t **ret, struct err *e)
{
    json_error_t je;
    json_t *j = json_loadb(n ? p : "", n, JSON_DECODE_ANY, &je);
    if (!j)
        return fail(e, ERR_DATA, "%s: invalid JSON at byte %d", what, je.position);
    *ret = json_tie(a, j);
    return true;
}

const char *json_str(const json_t *obj, const char *key, const char *def)
{
    const char *s = json_string_value(json_object_get(obj, key));
    return s ? s : def;
}

int64_t json_int(const json_t *obj, const char *key, int64_t def)
{
    const json_t *j = json_object_get(obj, key);
    if (json_is_integer(j))
        return json_integer_value(j);
    double v = json_is_real(j) ? json_real_value(j) : NAN; /* some writers say 3.0 */
    return v >= -0x1p63 && v < 0x1p63 && v == trunc(v) ? (int64_t)v : def;
}

bool json_bool(const json_t *obj, const char *key, bool def)
{
    const json_t *j = json_object_get(obj, key);
    return json_is_boolean(j) ? json_is_true(j) : def;
}

/* A real stays one when it is read back. That JSON has no word for infinity is jansson's care. */
static void write_real(struct buf *b, double v)
{
    text_real(b, v);
    if (v == trunc(v) && fabs(v) < 1e15)
        buf_add(b, ".0", 2);
}

void json_write(struct buf *b, const json_t *j)
{
    switch (j ? json_typeof(j) : JSON_NULL) {
    case JSON_OBJECT: {
        json_t *obj = (json_t *)(uintptr_t)j; /* jansson's iterators are not const */
        const char *comma = "";
        buf_addf(b, "{");
        for (void *it = json_object_iter(obj); it; it = json_object_iter_next(obj, it)) {
            const char *key = json_object_iter_key(it);
            buf_addf(b, "%s", comma);
            json_quote(b, key, strlen(key));
            buf_addf(b, ":");
            json_write(b, json_object_iter_value(it));
            comma = ",";
        }
        buf_addf(b, "}");
        break;
    }
    case JSON_ARRAY:
        buf_addf(b, "[");
        for (size_t i = 0; i < json_array_size(j); i++) {
            buf_addf(b, "%s", i ? "," : "");
            json_write(b, json_array_get(j, i));
        }
        buf_addf(b, "]");
        break;
    case JSON_STRING:
        json_quote(b, json_string_value(j), json_string_length(j));
        break;
    case JSON_INTEGER:
        buf_addf(b, "%" JSON_INTEGER_FORMAT, json_integer_value(j));
        break;
    case JSON_REAL:
        write_real(b, json_real_value(j));
        break;
    case JSON_TRUE:
        buf_addf(b, "true");
        break;
    case JSON_FALSE:
        buf_addf(b, "false");
        break;
    case JSON_NULL:
        buf_addf(b, "null");
        break;
    }
}

/* The letter behind the backslash, or 0. */
static char escape_of(uint32_t rune)
{
    switch (rune) {
    case '"':
    case '\\':
        return (char)rune;
    case '\b':
        return 'b';
    case '\f':
        return 'f';
    case '\n':
        return 'n';
    case '\r':
        return 'r';
    case '\t':
        return 't';
    default:
        return 0;
    }
}

/* Controls of a terminal, and the line separators that JavaScript does not allow in a string. */
static bool is_hidden(uint32_t rune)
{
    return rune < 0x20 || (rune >= 0x7f && rune < 0xa0) || rune == 0x2028 || rune == 0x2029;
}

void json_quote(struct buf *b, const char *p, size_t n)
{
    size_t plain = 0, len; /* bytes before p that go out as they are */
    buf_add(b, "\"", 1);
    for (const char *end = p + n; p < end; p += len) {
        uint32_t rune = 0;
        bool valid = (len = (size_t)text_rune(p, (size_t)(end - p), &rune)) != 0;
        char escape = escape_of(rune);
        if (valid && !escape && !is_hidden(rune)) {
            plain += len;
            continue;
        }
        buf_add(b, p - plain, plain);
        plain = 0;
        if (!valid)
            buf_add(b, "\xef\xbf\xbd", 3), len = 1;
        else if (escape)
            buf_add(b, (char[]){'\\', escape}, 2);
        else
            buf_addf(b, "\\u%04" PRIx32, rune);
    }
    buf_add(b, p - plain, plain);
    buf_add(b, "\"", 1);
}
