#include "project/yaml.h"

#include <assert.h>
#include <libfyaml.h>
#include <string.h>

#include "lake/map.h"

enum { DEPTH_MAX = 64, ALIASED_MAX = 1000000 };

struct open { /* a list or mapping that is being read */
    struct yaml *node;
    size_t items_cap, keys_cap;
    struct map names;
    const struct yaml_key *key; /* MAP: read, its value not yet */
    const char *anchor;
};

struct reading {
    struct arena *a;
    const char *text;
    size_t n;
    struct src at;
    struct problems *problems;
    struct fy_parser *parser;
    struct fy_diag *diag;

    size_t pos; /* a place that is known: text[pos] is in line `line`, which begins at line_start */
    size_t line_start;
    int line;

    struct yaml *root;
    struct open open[DEPTH_MAX];
    size_t depth;
    struct map anchors;
    size_t aliased; /* values that aliases stand for */
    struct list_of(struct yaml *) anchored;
};

static struct src place(struct reading *r, size_t pos)
{
    if (pos > r->n)
        pos = r->n;
    if (pos < r->pos)
        r->pos = r->line_start = 0, r->line = 0;
    for (const char *nl; (nl = memchr(r->text + r->pos, '\n', pos - r->pos)); r->line++)
        r->line_start = r->pos = (size_t)(nl - r->text) + 1;
    r->pos = pos;
    int col = (int)(pos - r->line_start) + 1;
    return (struct src){r->at.file, r->at.line + r->line, r->line ? col : col + r->at.col - 1};
}

static size_t offset_of_line(const struct reading *r, int line)
{
    size_t pos = 0;
    for (const char *nl; line > 0; line--) {
        nl = memchr(r->text + pos, '\n', r->n - pos);
        pos = nl ? (size_t)(nl - r->text) + 1 : r->n;
    }
    return pos;
}

static bool complain(struct reading *r, struct src at, const char *message, const char *remedy)
{
    struct err e;
    fail_at(&e, ERR_USER, at, "%s", message);
    if (remedy)
        hint(&e, "%s", remedy);
    problems_add(r->problems, &e);
    return false;
}

/* --- what libfyaml says, in words that help --- */

/* A tab in the indentation of the line at pos or of the next one; SIZE_MAX = none. */
static size_t find_tab(const struct reading *r, size_t pos)
{
    while (pos && r->text[pos - 1] != '\n')
        pos--;
    for (int lines = 0; lines < 2 && pos < r->n; lines++) {
        size_t in = pos + strspn(r->text + pos, " ");
        if (r->text[in] == '\t')
            return in;
        const char *nl = memchr(r->text + pos, '\n', r->n - pos);
        pos = nl ? (size_t)(nl - r->text) + 1 : r->n;
    }
    return SIZE_MAX;
}

static const struct {
    const char *theirs, *ours, *remedy;
} sayings[] = {
    {"invalid multiline plain key", "the text that begins here runs into the next line's key",
     "look at the indentation, and that a space follows each ':'"},
    {"invalid nested block mapping", "a second ':' in one line", "put quotes around a value that holds ': '"},
    {"without closing quote", "the quote is not closed", NULL},
    {"wrongly indented double-quoted", "the quote is not closed", NULL},
    {"wrongly indented single-quoted", "the quote is not closed", NULL},
    {"extra closing brace", "a '}' too many", NULL},
    {"extra closing bracket", "a ']' too many", NULL},
    {"wrong indendation in sequence", "the '-' does not stand below the one before it", NULL},
    {"cannot start with", NULL, "put quotes around the text"},
};

/* A list or mapping in brackets is not closed, or a comma is missing in it. */
static bool not_closed(struct reading *r, size_t pos)
{
    struct src open = r->open[r->depth - 1].node->at;
    size_t rest = pos + strspn(r->text + pos, " \t\r\n");
    if (rest >= r->n)
        return complain(r, open, "not valid YAML: what is opened here is not closed", NULL);
    struct src at = place(r, pos);
    return complain(r, at, "not valid YAML: a ',' is missing here",
                    open.line == at.line
                        ? NULL
                        : arena_fmt(r->a, "or what is opened in line %d is not closed", open.line));
}

static bool not_yaml(struct reading *r)
{
    void *walk = NULL;
    const struct fy_diag_error *d = fy_diag_errors_iterate(r->diag, &walk);
    size_t pos = d ? offset_of_line(r, d->line - 1) : 0;
    for (int col = d ? d->column : 1; col > 1 && pos < r->n && r->text[pos] != '\n'; col--) {
        int bytes = text_rune(r->text + pos, r->n - pos, &(uint32_t){0});
        pos += bytes > 0 ? (size_t)bytes : 1;
    }
    size_t tab = find_tab(r, pos);
    if (tab != SIZE_MAX)
        return complain(r, place(r, tab), "not valid YAML: a tab in the indentation", "indent with spaces");

    const char *message = d && d->msg ? d->msg : "cannot be read", *remedy = NULL;
    for (size_t i = 0; i < countof(sayings); i++)
        if (strstr(message, sayings[i].theirs)) {
            message = sayings[i].ours ? sayings[i].ours : message;
            remedy = sayings[i].remedy;
            break;
        }
    if (pos && r->text[pos - 1] == '$' && r->text[pos] == '{') {
        message = "inside { } and [ ] a '${' needs quotes";
        remedy = "like \"${NAME}\"";
    }
    bool flow = strstr(message, "flow ") || strstr(message, "expected node content");
    if (!remedy && r->depth && flow)
        return not_closed(r, pos);
    return complain(r, place(r, pos), arena_fmt(r->a, "not valid YAML: %s", message), remedy);
}

/* --- building the tree --- */

static bool add_key(struct reading *r, struct open *o, const struct yaml *key)
{
    if (key->kind != YAML_TEXT)
        return complain(r, key->at, "a key must be a text", NULL);
    size_t known = o->names.n, i = map_add(r->a, &o->names, key->text);
    if (i < known) {
        complain(r, key->at,
                 arena_fmt(r->a, "duplicate key '%s': it stands in line %d already", key->text,
                           o->node->keys[i].at.line),
                 NULL);
        static const struct yaml_key passed_over;
        o->key = &passed_over;
        return true;
    }
    size_t n = o->node->n;
    struct yaml_key *k = arena_grow(r->a, (void **)&o->node->keys, &n, &o->keys_cap, sizeof *k);
    *k = (struct yaml_key){key->text, key->at};
    o->key = k;
    return true;
}

static bool add(struct reading *r, struct yaml *y)
{
    if (!r->depth) {
        r->root = y;
        return true;
    }
    struct open *o = &r->open[r->depth - 1];
    if (o->node->kind == YAML_MAP && !o->key)
        return add_key(r, o, y);
    if (o->node->kind == YAML_LIST || o->key->name)
        *(struct yaml **)arena_grow(r->a, (void **)&o->node->items, &o->node->n, &o->items_cap, sizeof y) = y;
    o->key = NULL;
    return true;
}

static bool plain_null(const char *text)
{
    return !*text || strcmp(text, "~") == 0 || strcmp(text, "null") == 0;
}

/* A literal block's lines are those of the file, each set in by as much as the first that is not empty. */
static void find_indent(struct reading *r, struct yaml *y, size_t pos)
{
    while (pos && r->text[pos - 1] != '\n')
        pos--;
    for (const char *p = y->text; *p; p += strcspn(p, "\n"), p += *p == '\n') {
        size_t in_value = strcspn(p, "\n"), in_file = strcspn(r->text + pos, "\r\n");
        if (in_value && in_file >= in_value) {
            y->indent = (int)(in_file - in_value);
            break;
        }
        const char *nl = memchr(r->text + pos, '\n', r->n - pos);
        pos = nl ? (size_t)(nl - r->text) + 1 : r->n;
    }
    y->at.col = y->indent + 1;
}

static struct yaml *text_node(struct reading *r, struct fy_token *t)
{
    struct yaml *y = arena_make(r->a, struct yaml, 1);
    const struct fy_mark *mark = t ? fy_token_start_mark(t) : NULL;
    size_t n = 0;
    const char *p = t ? fy_token_get_text(t, &n) : NULL;
    y->text = arena_strn(r->a, p, p ? n : 0);
    const struct open *o = r->depth ? &r->open[r->depth - 1] : NULL;
    if (!mark) {
        y->at = o && o->key && o->key->name ? o->key->at : place(r, r->pos);
        return y;
    }
    y->at = place(r, mark->input_pos);
    switch (fy_token_scalar_style(t)) {
    case FYSS_SINGLE_QUOTED:
    case FYSS_DOUBLE_QUOTED:
        y->style = STYLE_QUOTED;
        y->at.col--; /* libfyaml's mark is behind the quote */
        break;
    case FYSS_LITERAL:
        y->style = STYLE_LITERAL;
        find_indent(r, y, mark->input_pos);
        break;
    case FYSS_FOLDED:
        y->style = STYLE_FOLDED;
        y->at.col += (int)strspn(r->text + mark->input_pos, " ");
        break;
    case FYSS_ANY:
    case FYSS_PLAIN:
    case FYSS_MAX:
        break;
    }
    return y;
}

static const char *anchor_name(struct reading *r, struct fy_token *t)
{
    size_t n = 0;
    const char *p = t ? fy_token_get_text(t, &n) : NULL;
    return p ? arena_strn(r->a, p, n) : NULL;
}

static void remember(struct reading *r, const char *anchor, struct yaml *y)
{
    if (!anchor)
        return;
    size_t i = map_add(r->a, &r->anchors, anchor);
    if (i == r->anchored.n)
        (void)arena_push(r->a, &r->anchored);
    r->anchored.v[i] = y;
}

/* How many values it is, with all below; counting stops at `most`. */
static size_t weight(const struct yaml *y, size_t most)
{
    size_t n = 1;
    for (size_t i = 0; y->kind != YAML_TEXT && i < y->n && n < most; i++)
        n += weight(y->items[i], most - n);
    return n;
}

static bool on_alias(struct reading *r, struct fy_token *t)
{
    const char *name = anchor_name(r, t);
    const struct fy_mark *mark = fy_token_start_mark(t);
    size_t i = name ? map_find(&r->anchors, name) : SIZE_MAX;
    if (i == SIZE_MAX)
        return complain(r, place(r, mark && mark->input_pos ? mark->input_pos - 1 : 0),
                        arena_fmt(r->a, "'*%s' stands for nothing: there is no '&%s' before it",
                                  name ? name : "", name ? name : ""),
                        "put quotes around a text that begins with '*'");
    r->aliased += weight(r->anchored.v[i], ALIASED_MAX + 1 - r->aliased);
    if (r->aliased > ALIASED_MAX)
        return complain(r, place(r, mark && mark->input_pos ? mark->input_pos - 1 : 0),
                        "aliases stand for more than a million values", NULL);
    return add(r, r->anchored.v[i]);
}

static bool on_open(struct reading *r, enum yaml_kind kind, struct fy_token *start, struct fy_token *anchor)
{
    const struct fy_mark *mark = start ? fy_token_start_mark(start) : NULL;
    struct src at = place(r, mark ? mark->input_pos : r->pos);
    if (r->depth == DEPTH_MAX)
        return complain(r, at, "nested too deep", NULL);
    struct yaml *y = arena_make(r->a, struct yaml, 1);
    *y = (struct yaml){.kind = kind, .at = at};
    r->open[r->depth++] = (struct open){.node = y, .anchor = anchor_name(r, anchor)};
    return true;
}

static bool on_close(struct reading *r)
{
    assert(r->depth > 0);
    struct open *o = &r->open[--r->depth];
    remember(r, o->anchor, o->node);
    return add(r, o->node);
}

static bool refuse_tag(struct reading *r, struct fy_token *tag)
{
    const struct fy_mark *mark = tag ? fy_token_start_mark(tag) : NULL;
    return !tag || complain(r, place(r, mark ? mark->input_pos : r->pos), "YAML tags are not used here",
                            "put quotes around what must stay a text");
}

static bool on_event(struct reading *r, const struct fy_event *ev)
{
    switch (ev->type) {
    case FYET_DOCUMENT_START:
        return !r->root || complain(r, place(r, r->pos), "a second YAML document in one file", NULL);
    case FYET_SCALAR: {
        struct yaml *y = text_node(r, ev->scalar.value);
        remember(r, anchor_name(r, ev->scalar.anchor), y);
        return refuse_tag(r, ev->scalar.tag) && add(r, y);
    }
    case FYET_ALIAS:
        return on_alias(r, ev->alias.anchor);
    case FYET_MAPPING_START:
        return refuse_tag(r, ev->mapping_start.tag) &&
               on_open(r, YAML_MAP, ev->mapping_start.mapping_start, ev->mapping_start.anchor);
    case FYET_SEQUENCE_START:
        return refuse_tag(r, ev->sequence_start.tag) &&
               on_open(r, YAML_LIST, ev->sequence_start.sequence_start, ev->sequence_start.anchor);
    case FYET_MAPPING_END:
    case FYET_SEQUENCE_END:
        return on_close(r);
    case FYET_NONE:
    case FYET_STREAM_START:
    case FYET_STREAM_END:
    case FYET_DOCUMENT_END:
        break;
    }
    return true;
}

/* Bytes that no text of a user holds, and that end up in SQL, names and terminals. */
static bool check_bytes(struct reading *r)
{
    for (size_t i = 0; i < r->n;) {
        uint32_t rune = 0;
        int bytes = text_rune(r->text + i, r->n - i, &rune);
        if (bytes <= 0)
            return complain(r, place(r, i), "not valid UTF-8", "save the file as UTF-8");
        if ((rune < ' ' && rune != '\t' && rune != '\n' && rune != '\r') || rune == 0x7f)
            return complain(r, place(r, i), arena_fmt(r->a, "a control character (0x%02x)", (unsigned)rune),
                            NULL);
        i += (size_t)bytes;
    }
    return true;
}

static void swallow(struct fy_diag *d, void *user, const char *buf, size_t len)
{
    (void)d, (void)user, (void)buf, (void)len;
}

bool yaml_parse(struct arena *a, const char *text, size_t n, struct src at, struct problems *problems,
                struct yaml **ret)
{
    struct reading r = {.a = a, .text = text, .n = n, .at = at, .problems = problems};
    if (!check_bytes(&r))
        return false;

    struct fy_diag_cfg dc;
    fy_diag_cfg_default(&dc);
    dc.fp = NULL;
    dc.output_fn = swallow;
    dc.level = FYET_ERROR;
    r.diag = fy_diag_create(&dc);
    const struct fy_parse_cfg cfg = {.flags = FYPCF_QUIET | FYPCF_COLLECT_DIAG, .diag = r.diag};
    r.parser = r.diag ? fy_parser_create(&cfg) : NULL;
    bool ok = r.parser && n > 0 && fy_parser_set_string(r.parser, text, n) == 0;
    if (r.parser && n > 0)
        fy_diag_set_collect_errors(r.diag, true);
    for (struct fy_event *ev; ok && (ev = fy_parser_parse(r.parser));) {
        ok = on_event(&r, ev);
        fy_parser_event_free(r.parser, ev);
    }
    if (ok && fy_parser_get_stream_error(r.parser))
        ok = not_yaml(&r);
    if (r.parser)
        fy_parser_destroy(r.parser);
    if (r.diag) {
        fy_diag_reset_error(r.diag); /* the collected errors are freed by nothing else (libfyaml 0.7.12) */
        fy_diag_unref(r.diag);
    }
    if (ok)
        *ret = r.root;
    else if (n == 0)
        *ret = NULL;
    return ok || n == 0;
}

bool yaml_is_null(const struct yaml *y)
{
    return y->kind == YAML_TEXT && y->style == STYLE_PLAIN && plain_null(y->text);
}

struct src yaml_place(const struct yaml *y, size_t offset)
{
    struct src at = y->at;
    if (y->kind != YAML_TEXT || y->style == STYLE_FOLDED)
        return at;
    if (y->style != STYLE_LITERAL) {
        at.col += (int)offset + (y->style == STYLE_QUOTED);
        return at;
    }
    for (size_t i = 0; i < offset && y->text[i]; i++)
        if (y->text[i] == '\n')
            at.line++, at.col = y->indent + 1;
        else
            at.col++;
    return at;
}

const char *yaml_name(const struct yaml *y)
{
    static const char *const names[] = {
        [YAML_TEXT] = "one value", [YAML_LIST] = "a list", [YAML_MAP] = "a mapping"};
    return yaml_is_null(y) ? "no value" : names[y->kind];
}
