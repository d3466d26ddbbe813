/* DuckDB's errors in our words, at their place in the user's text. */
#include <ctype.h>
#include <errno.h>
#include <string.h>

#include "base/json.h"
#include "base/text.h"
#include "engine/internal.h"

/* What an exception of DuckDB's means for whoever has to act on it. */
static enum err_kind kind_of(const char *type, bool running)
{
    static const struct {
        const char *type;
        enum err_kind binding, running;
    } kinds[] = {
        {"Conversion", ERR_USER, ERR_DATA},
        {"Out of Range", ERR_USER, ERR_DATA},
        {"Invalid Input", ERR_USER, ERR_DATA},
        {"Mismatch Type", ERR_USER, ERR_DATA},
        {"Decimal", ERR_USER, ERR_DATA},
        {"Divide by Zero", ERR_USER, ERR_DATA},
        {"Constraint", ERR_USER, ERR_DATA},
        {"Object Size", ERR_USER, ERR_DATA},
        {"Out of Memory", ERR_LIMIT, ERR_LIMIT},
        {"IO", ERR_IO, ERR_IO},
        {"Permission", ERR_IO, ERR_IO},
        {"Interrupt", ERR_CANCELED, ERR_CANCELED},
        {"INTERRUPT", ERR_CANCELED, ERR_CANCELED},
        {"HTTP", ERR_NET, ERR_NET},
        {"Network", ERR_NET, ERR_NET},
        {"Connection", ERR_NET, ERR_NET},
    };
    for (size_t i = 0; i < countof(kinds); i++)
        if (strcmp(kinds[i].type, type) == 0)
            return running ? kinds[i].running : kinds[i].binding;
    return ERR_USER;
}

/* The first line (or all, for a hint) with our quotes, a small letter in front and no mark behind. */
static char *in_our_style(struct arena *a, const char *s, bool first_line)
{
    size_t n = first_line ? strcspn(s, "\n") : strlen(s);
    while (n > 0 && (strchr(".! \n\t", s[n - 1])))
        n--;
    char *out = arena_strn(a, s, n);
    size_t len = 0;
    for (size_t i = 0; i < n; i++) {
        char c = out[i] == '\n' || out[i] == '\t' ? ' ' : out[i] == '"' ? '\'' : out[i];
        if (c != ' ' || len == 0 || out[len - 1] != ' ')
            out[len++] = c;
    }
    out[len] = '\0';
    if (isupper((unsigned char)out[0]) && islower((unsigned char)out[1]))
        out[0] = (char)tolower((unsigned char)out[0]);
    return out;
}

/* The dotted name that stands at text[at], for the engine tells a table's last part only. */
static char *name_at(struct arena *a, const char *text, size_t at, const char *def)
{
    size_t n = 0;
    for (bool quoted = false; text[at + n]; n++) {
        char c = text[at + n];
        if (c == '"' || c == '`')
            quoted = !quoted;
        else if (!quoted && !isalnum((unsigned char)c) && !strchr("_.@", c) && (unsigned char)c < 0x80)
            break;
    }
    char *name = arena_strn(a, text + at, n);
    size_t len = 0;
    for (size_t i = 0; i < n; i++)
        if (name[i] != '"' && name[i] != '`')
            name[len++] = name[i];
    name[len] = '\0';
    return len >= strlen(def) ? name : arena_str(a, def);
}

struct told { /* what DuckDB said */
    const char *type, *message, *subtype, *name, *what, *candidates, *position;
    bool running;
    size_t offset; /* in the user's text */
    bool placed;
};

static const char *message_of(struct arena *a, const struct told *t, const struct origin *o)
{
    bool missing = strcmp(t->subtype, "MISSING_ENTRY") == 0;
    bool table = strcmp(t->type, "Catalog") == 0 && strncmp(t->message, "Table with name ", 16) == 0;
    if (strcmp(t->subtype, "COLUMN_NOT_FOUND") == 0)
        return arena_fmt(a, "unknown column '%s'", t->name);
    if (table && t->placed)
        return arena_fmt(a, "unknown table '%s'", name_at(a, o->text, t->offset, t->name));
    if (missing && strstr(t->what, "Function"))
        return arena_fmt(a, "unknown function '%s'", t->name);
    if (missing && strcmp(t->what, "Table") == 0)
        return arena_fmt(a, "unknown table '%s'", t->name);
    return in_our_style(a, t->message, true);
}

static void hint_of(struct err *e, struct arena *a, const struct told *t)
{
    const char *rest = strchr(t->message, '\n');
    if (e->kind == ERR_LIMIT) {
        hint(e, "give the engine more memory or a folder to spill to");
    } else if (strcmp(t->subtype, "COLUMN_NOT_FOUND") == 0 && *t->candidates) {
        const char *first = arena_strn(a, t->candidates, strcspn(t->candidates, ","));
        const char *const names[] = {first};
        if (text_nearest(t->name, names, 1))
            hint(e, "did you mean '%s'?", first);
        else
            hint(e, "columns with the nearest names: %s", t->candidates);
    } else if (rest) {
        static const char near[] = "Candidate bindings: : ";
        rest += strspn(rest, "\n\t ");
        if (strncmp(rest, near, sizeof near - 1) == 0)
            hint(e, "columns with the nearest names: %s", in_our_style(a, rest + sizeof near - 1, false));
        else
            hint(e, "%s", in_our_style(a, rest, false));
    }
}

/* "Binder Error: ..." as plain text, from places that know no JSON. */
static void read_plain(struct arena *a, const char *text, struct told *t)
{
    const char *colon = strstr(text, " Error: ");
    const char *line = strstr(text, "\n\nLINE ");
    const char *message = colon && colon < text + strcspn(text, "\n") ? colon + 8 : text;
    t->type = message == text ? "" : arena_strn(a, text, (size_t)(colon - text));
    t->message = line ? arena_strn(a, message, (size_t)(line - message)) : message;
}

static void read_json(struct arena *a, const char *text, struct told *t)
{
    json_t *j;
    struct err ignored;
    const char *brace = strchr(text, '{');
    if (!brace || strncmp(brace, "{\"exception_type\"", 17) != 0 ||
        !json_parse(a, brace, strlen(brace), "error", &j, &ignored)) {
        read_plain(a, text, t);
        return;
    }
    t->type = json_str(j, "exception_type", "");
    t->message = json_str(j, "exception_message", text);
    t->subtype = json_str(j, "error_subtype", "");
    t->name = json_str(j, "name", "");
    t->what = json_str(j, "type", "");
    t->candidates = json_str(j, "candidates", "");
    t->position = json_str(j, "position", NULL);
}

/* The offset in the user's text, if the error is in it. */
static void find_place(struct told *t, const struct origin *o)
{
    int64_t at;
    struct err ignored;
    if (!o || !o->plain || !t->position || !text_int(t->position, &at, &ignored) || at < (int64_t)o->offset ||
        at > (int64_t)(o->offset + o->plain->n))
        return;
    t->offset = sqltext_origin(o->plain, (size_t)at - o->offset);
    t->placed = true;
}

bool duck_fail(struct err *e, const char *message, bool running, const struct origin *o)
{
    auto_arena *a = arena_new();
    struct told t = {.subtype = "", .name = "", .what = "", .candidates = "", .running = running};
    read_json(a, message ? message : "no reason given", &t);
    find_place(&t, o);

    struct src at = {0};
    if (o)
        at = t.placed ? sqltext_place(o->text, t.offset, o->at) : o->at;
    enum err_kind kind = kind_of(t.type, running);
    if (kind == ERR_CANCELED)
        return fail(e, ERR_CANCELED, "stopped");
    fail_at(e, kind, at, "%s", message_of(a, &t, o));
    hint_of(e, a, &t);
    return false;
}
