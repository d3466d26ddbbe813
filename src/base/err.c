#include "base/err.h"

#include <stdarg.h>
#include <string.h>

bool err_set(struct err *e, enum err_kind kind, struct src at, const char *cfile, int cline, const char *fmt,
             ...)
{
    *e = (struct err){.kind = kind, .at = at, .cfile = cfile, .cline = cline};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);
    return false;
}

bool err_wrap(struct err *e, const char *fmt, ...)
{
    char inner[sizeof e->msg];
    memcpy(inner, e->msg, sizeof inner);

    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->msg, sizeof e->msg, fmt, ap);
    va_end(ap);

    size_t n = strlen(e->msg);
    snprintf(e->msg + n, sizeof e->msg - n, ": %s", inner);
    return false;
}

bool err_hint(struct err *e, const char *fmt, ...)
{
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(e->hint, sizeof e->hint, fmt, ap);
    va_end(ap);
    return false;
}

static const struct {
    const char *name;
    int exit_code;
} kinds[ERR_KINDS] = {
    [ERR_NONE] = {"none", 0}, [ERR_USER] = {"user", 2},         [ERR_AUTH] = {"auth", 3},
    [ERR_NET] = {"net", 4},   [ERR_LIMIT] = {"limit", 5},       [ERR_DATA] = {"data", 6},
    [ERR_IO] = {"io", 8},     [ERR_CONFLICT] = {"conflict", 7}, [ERR_CANCELED] = {"canceled", 130},
};

const char *err_name(enum err_kind kind)
{
    return kinds[kind].name;
}

int err_exit_code(enum err_kind kind)
{
    return kinds[kind].exit_code;
}

/* A line of YAML with a secret that is no ${NAME} is not for a log to keep. */
static bool holds_secret(const char *file, const char *line, size_t n)
{
    static const char *const words[] = {"secret", "token", "password", "api_key"};
    const char *dot = file ? strrchr(file, '.') : NULL;
    if (!dot || (strcmp(dot, ".yaml") != 0 && strcmp(dot, ".yml") != 0))
        return false;
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        const char *p = memmem(line, n, words[i], strlen(words[i])), *end = line + n;
        p = p ? memchr(p, ':', (size_t)(end - p)) : NULL;
        for (p += p != NULL; p && p < end && strchr(" \"'", *p); p++)
            ;
        if (p && p < end && strncmp(p, "${", 2) != 0)
            return true;
    }
    return false;
}

static bool inside_char(char c)
{
    return ((unsigned char)c & 0xc0) == 0x80;
}

/* How many bytes the character takes that begins there; 0 = it is none that can be shown. */
static int char_bytes(const char *p, const char *end)
{
    unsigned char c = (unsigned char)*p;
    int n = c < 0x80                ? 1
            : c >= 0xc2 && c < 0xe0 ? 2
            : c >= 0xe0 && c < 0xf0 ? 3
            : c >= 0xf0 && c < 0xf5 ? 4
                                    : 0;
    if (n > end - p || (c < 0x20 && c != '\t') || c == 0x7f)
        return 0;
    for (int i = 1; i < n; i++)
        if (!inside_char(p[i]))
            return 0;
    return n;
}

/* What would be an order to a terminal, or is no text, is a question mark. */
static void print_text(FILE *out, const char *p, const char *end)
{
    for (int n; p < end; p += n ? n : 1)
        if ((n = char_bytes(p, end)) > 0)
            fwrite(p, 1, (size_t)n, out);
        else
            fputc('?', out);
}

/* The source line, of a long one what is around the place, with a caret under the column; tabs are kept in
 * the padding so that it lines up. */
static void print_line(FILE *out, const struct err *e, const char *text)
{
    enum { LONGEST = 160, BEFORE = 100 };
    for (int line = 1; text && line < e->at.line; line++)
        text = (text = strchr(text, '\n')) ? text + 1 : NULL;
    if (!text)
        return;
    int len = (int)strcspn(text, "\r\n"), from = 0, to = len,
        caret = e->at.col - 1 < len ? e->at.col - 1 : len;
    if (holds_secret(e->at.file, text, (size_t)len))
        return;
    if (len > LONGEST) {
        from = caret > BEFORE ? caret - BEFORE : 0;
        to = len - from > LONGEST ? from + LONGEST : len;
        while (from < caret && inside_char(text[from]))
            from++;
        while (to > caret && to < len && inside_char(text[to]))
            to--;
    }
    const char *cut = from ? "..." : "";
    fprintf(out, "%5d | %s", e->at.line, cut);
    print_text(out, text + from, text + to);
    fprintf(out, "%s\n      | %*s", to < len ? "..." : "", (int)strlen(cut), "");
    for (int i = from; i < caret; i++)
        if (!inside_char(text[i]))
            fputc(text[i] == '\t' ? '\t' : ' ', out);
    fputs("^\n", out);
}

void err_print(FILE *out, const struct err *e, const char *text)
{
    if (e->at.line)
        fprintf(out, "%s:%d:%d: error: %s\n", e->at.file, e->at.line, e->at.col, e->msg);
    else if (e->at.file)
        fprintf(out, "%s: error: %s\n", e->at.file, e->msg);
    else
        fprintf(out, "error: %s\n", e->msg);
    if (e->at.line)
        print_line(out, e, text);
    if (e->hint[0])
        fprintf(out, "hint: %s\n", e->hint);
}
