/* Whatever the bytes, the scanner stays inside them; what it calls valid, jansson reads too. */
#include <assert.h>
#include <jansson.h>
#include <string.h>

#include "rows/json_scan.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static bool use(void *arg, struct str value)
{
    const struct str *doc = arg;
    int64_t n;
    auto_buf b = BUF(1 << 20);
    assert(value.p >= doc->p && value.p + value.n <= doc->p + doc->n);
    if (json_scan_text(value, &b))
        json_scan_int(value, &n);
    return true;
}

/* The first line is a path, the rest the document. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *end = size ? memchr(data, '\n', size) : NULL;
    size_t npath = end ? (size_t)(end - (const char *)data) : 0;
    auto_arena *a = arena_new();
    struct json_path *path;
    struct err e;
    const char *text = npath ? arena_strn(a, (const char *)data, npath) : "$.a[*].b";
    struct str doc = {end ? end + 1 : (const char *)data, end ? size - npath - 1 : size};
    size_t at = 0;
    const char *why = NULL;

    bool valid = json_scan_valid(doc, &at, &why);
    assert(valid || (why && at <= doc.n));
    if (json_path_parse(a, text, &path, &e))
        json_scan_each(doc, path, use, &doc);
    if (valid) {
        json_error_t je;
        json_t *j = json_loadb(doc.p, doc.n, JSON_DECODE_ANY | JSON_ALLOW_NUL, &je);
        /* what it refuses of valid texts: numbers out of range, and empty keys with a NUL */
        assert(j || strstr(je.text, "too big") || strstr(je.text, "overflow") || strstr(je.text, "NUL"));
        json_decref(j);
    }
    return 0;
}
