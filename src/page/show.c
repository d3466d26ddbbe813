#include "page/show.h"

#include <libfyaml.h>
#include <string.h>

#include "page/format.h"

struct reader {
    struct arena *a;
    const struct block *b;
    struct err *e;
};

static void destroy_document(void *arg)
{
    fy_document_destroy(arg);
}

static struct src place(const struct reader *r, struct fy_node *n)
{
    struct src at = {r->b->at.file, r->b->at.line, 1};
    struct fy_token *token = fy_node_is_scalar(n) ? fy_node_get_scalar_token(n) : NULL;
    const struct fy_mark *mark = token ? fy_token_start_mark(token) : NULL;
    if (mark) {
        at.line += mark->line;
        at.col = mark->column + 1;
    }
    return at;
}

static const char *text_of(struct reader *r, struct fy_node *n)
{
    size_t len;
    const char *p = fy_node_get_scalar(n, &len);
    return p ? arena_strn(r->a, p, len) : NULL;
}

static bool wrong(struct reader *r, struct fy_node *key, const char *what)
{
    return fail_at(r->e, ERR_USER, place(r, key), "'%s' must be %s", text_of(r, key), what);
}

static bool unknown(struct reader *r, struct fy_node *key, const char *const *names, size_t n)
{
    const char *word = text_of(r, key), *near = text_nearest(word ? word : "", names, n);
    fail_at(r->e, ERR_USER, place(r, key), "unknown key '%s'", word ? word : "");
    return near && hint(r->e, "did you mean '%s'?", near);
}

static bool read_detail(struct reader *r, struct fy_node *map, struct show_column *c)
{
    void *it = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(map, &it))) {
        struct fy_node *k = fy_node_pair_key(pair);
        const char *key = text_of(r, k), *value = text_of(r, fy_node_pair_value(pair));
        static const char *const known[] = {"title", "format", "align"};
        if (!key || !value)
            return wrong(r, k, "a text");
        if (strcmp(key, "title") == 0)
            c->title = value;
        else if (strcmp(key, "format") == 0)
            c->format = value;
        else if (strcmp(key, "align") == 0 && (strcmp(value, "left") == 0 || strcmp(value, "right") == 0))
            c->align = value[0] == 'l' ? ALIGN_LEFT : ALIGN_RIGHT;
        else if (strcmp(key, "align") == 0)
            return wrong(r, k, "left or right");
        else
            return unknown(r, k, known, countof(known));
        if (c->format && !format_known(c->format)) {
            fail_at(r->e, ERR_USER, place(r, fy_node_pair_value(pair)), "unknown format '%s'", c->format);
            return hint(r->e, FORMAT_HINT);
        }
    }
    return true;
}

static bool read_columns(struct reader *r, struct fy_node *key, struct fy_node *map, struct show *ret)
{
    if (!fy_node_is_mapping(map))
        return wrong(r, key, "a mapping of columns to titles");
    struct list_of(struct show_column) list = {0};
    void *it = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(map, &it))) {
        struct fy_node *k = fy_node_pair_key(pair), *v = fy_node_pair_value(pair);
        struct show_column *c = arena_push(r->a, &list);
        c->name = c->title = text_of(r, k);
        c->at = place(r, k);
        if (v && fy_node_is_mapping(v)) {
            if (!read_detail(r, v, c))
                return false;
        } else if (v && fy_node_is_scalar(v)) {
            const char *title = text_of(r, v);
            c->title = title && *title && strcmp(title, "null") != 0 ? title : c->name;
        }
    }
    ret->columns = list.v;
    ret->n = list.n;
    return true;
}

static bool read_map(struct reader *r, struct fy_node *root, struct show *ret)
{
    static const char *const known[] = {"columns", "limit"};
    void *it = NULL;
    struct fy_node_pair *pair;
    while ((pair = fy_node_mapping_iterate(root, &it))) {
        struct fy_node *k = fy_node_pair_key(pair), *v = fy_node_pair_value(pair);
        const char *key = text_of(r, k), *value = v ? text_of(r, v) : NULL;
        struct err ignored;
        if (key && strcmp(key, "columns") == 0) {
            if (!read_columns(r, k, v, ret))
                return false;
        } else if (key && strcmp(key, "limit") == 0) {
            if (!value || !text_int(value, &ret->limit, &ignored) || ret->limit < 1)
                return wrong(r, k, "a whole number from 1");
        } else {
            return unknown(r, k, known, countof(known));
        }
    }
    return true;
}

/* libfyaml's own words for a document that does not parse, with its place. */
static bool yaml_fail(struct reader *r, struct fy_diag *diag)
{
    void *it = NULL;
    struct fy_diag_error *first = fy_diag_errors_iterate(diag, &it);
    struct src at = r->b->at;
    if (first) {
        at.line += first->line > 0 ? first->line - 1 : 0;
        at.col = first->column > 0 ? first->column : 1;
    }
    return fail_at(r->e, ERR_USER, at, "invalid YAML: %s", first ? first->msg : "cannot be read");
}

bool show_read(struct arena *a, const struct block *b, struct show *ret, struct err *e)
{
    *ret = (struct show){0};
    if (b->body[strspn(b->body, " \t\r\n")] == '\0')
        return true;
    struct reader r = {a, b, e};
    struct fy_diag_cfg dc;
    fy_diag_cfg_default(&dc);
    dc.fp = NULL;
    struct fy_diag *diag = fy_diag_create(&dc);
    fy_diag_set_collect_errors(diag, true);
    const struct fy_parse_cfg pc = {.flags = FYPCF_QUIET, .diag = diag};
    struct fy_document *doc = fy_document_build_from_string(&pc, b->body, FY_NT);
    bool ok = doc || yaml_fail(&r, diag);
    fy_diag_destroy(diag);
    if (!ok)
        return false;
    arena_defer(a, destroy_document, doc);
    struct fy_node *root = fy_document_root(doc);
    if (!root || !fy_node_is_mapping(root))
        return fail_at(e, ERR_USER, b->at, "a table block holds YAML: columns and limit");
    return read_map(&r, root, ret);
}
