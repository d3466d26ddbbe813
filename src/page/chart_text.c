/* A chart in characters: bars of labels and figures, and figures over time or another figure as one line. */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "page/chart.h"
#include "page/format.h"
#include "page/strokes.h"
#include "project/read.h"

enum { MAX_BARS = 40, LEAST_BAR = 10 };

struct plot {
    struct arena *a;
    const struct page_query *query;
    size_t label, value; /* columns */
    const char *format;  /* of the values */
    double least, most;
};

static bool is_mark(const struct yaml *view, const char *type)
{
    const struct yaml *mark = yaml_get(view, "mark");
    if (mark && mark->kind == YAML_MAP)
        mark = yaml_get(mark, "type");
    return mark && mark->kind == YAML_TEXT && strcmp(mark->text, type) == 0;
}

static const struct yaml *channel(const struct yaml *view, const char *name)
{
    const struct yaml *encoding = yaml_get(view, "encoding");
    const struct yaml *def = encoding && encoding->kind == YAML_MAP ? yaml_get(encoding, name) : NULL;
    return def && def->kind == YAML_MAP ? def : NULL;
}

/* The column that a channel shows row by row; SIZE_MAX = none. */
static size_t column_of(const struct page_query *q, const struct yaml *def)
{
    const struct yaml *field = def ? yaml_get(def, "field") : NULL;
    if (!field || field->kind != YAML_TEXT || yaml_get(def, "aggregate"))
        return SIZE_MAX;
    for (size_t k = 0; k < q->ncolumns; k++)
        if (strcmp(q->columns[k], field->text) == 0)
            return k;
    return SIZE_MAX;
}

/* Bins that the data has are as good as labels. */
static bool is_binned(const struct yaml *def)
{
    const struct yaml *bin = yaml_get(def, "bin");
    if (bin && bin->kind == YAML_MAP)
        return yaml_get(bin, "binned") != NULL;
    return bin && bin->kind == YAML_TEXT && strcmp(bin->text, "binned") == 0;
}

static bool is_as_it_is(const struct yaml *def)
{
    return !yaml_get(def, "timeUnit") && (!yaml_get(def, "bin") || is_binned(def));
}

static bool is_figure(const struct plot *p, size_t column)
{
    return column != SIZE_MAX && page_chart_number(p->query->types[column]);
}

static bool parts_of(const struct yaml *view, const char *const *names, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (channel(view, names[i]) && yaml_get(channel(view, names[i]), "field"))
            return true;
    return false;
}

/* Bars of labels. */
static bool find_bars(struct plot *p, const struct yaml *view)
{
    static const char *const parts[] = {"xOffset", "yOffset", "row", "column", "facet"};
    const struct yaml *x = channel(view, "x"), *y = channel(view, "y");
    size_t of_x = column_of(p->query, x), of_y = column_of(p->query, y);
    if (!is_mark(view, "bar") || of_x == SIZE_MAX || of_y == SIZE_MAX || !is_as_it_is(x) || !is_as_it_is(y) ||
        parts_of(view, parts, countof(parts)))
        return false;
    bool label_is_x = !is_figure(p, of_x) || is_binned(x);
    p->label = label_is_x ? of_x : of_y;
    p->value = label_is_x ? of_y : of_x;
    return is_figure(p, p->value) && (!is_figure(p, p->label) || is_binned(label_is_x ? x : y));
}

/* Figures along something that goes on from row to row. */
static bool find_line(struct plot *p, const struct yaml *view)
{
    static const char *const parts[] = {"color", "detail", "xOffset", "row", "column", "facet"};
    const struct yaml *x = channel(view, "x"), *y = channel(view, "y");
    p->label = column_of(p->query, x);
    p->value = column_of(p->query, y);
    if ((!is_mark(view, "line") && !is_mark(view, "area") && !is_mark(view, "bar")) || p->label == SIZE_MAX ||
        !is_figure(p, p->value) || yaml_get(x, "bin") || !is_as_it_is(y) ||
        parts_of(view, parts, countof(parts)))
        return false;
    const struct engine_rows *r = &p->query->rows;
    const char *type = p->query->types[p->label];
    bool figures = page_chart_number(type);
    if (!figures && strcmp(type, "DATE") != 0 && strncmp(type, "TIMESTAMP", 9) != 0)
        return false;
    for (size_t i = 0; i < r->nrows; i++) {
        const char *now = r->rows[i][p->label], *before = i ? r->rows[i - 1][p->label] : NULL;
        if (!now ||
            (before && (figures ? strtod(before, NULL) >= strtod(now, NULL) : strcmp(before, now) >= 0)))
            return false;
    }
    return r->nrows > 1;
}

static double value_of(const struct plot *p, size_t row)
{
    const char *s = p->query->rows.rows[row][p->value];
    return s ? strtod(s, NULL) : NAN;
}

/* As many decimals as say something of the largest; none when all are whole. */
static void measure(struct plot *p)
{
    bool whole = true;
    p->least = INFINITY;
    p->most = -INFINITY;
    for (size_t i = 0; i < p->query->rows.nrows; i++) {
        double x = value_of(p, i);
        if (!isfinite(x))
            continue;
        p->least = fmin(p->least, x);
        p->most = fmax(p->most, x);
        whole = whole && x == floor(x);
    }
    double size = fmax(fabs(p->least), fabs(p->most));
    p->format = whole || size >= 1000 ? "#,##0" : size >= 100 ? "#,##0.0" : size >= 1 ? "0.00" : "0.0000";
}

/* "2026-11-21 12:00:00+00" -> "2026-11-21 12:00"; by the year, "2026". */
static const char *label_of(const struct plot *p, size_t row, const struct yaml *def)
{
    const struct yaml *unit = def ? yaml_get(def, "timeUnit") : NULL;
    const char *s = p->query->rows.rows[row][p->label], *type = p->query->types[p->label];
    if (!s)
        return "-";
    if (unit && unit->kind == YAML_TEXT &&
        (strcmp(unit->text, "year") == 0 || strcmp(unit->text, "utcyear") == 0))
        return arena_strn(p->a, s, strcspn(s, "-"));
    size_t n = strlen("2026-11-21 12:00");
    return strncmp(type, "TIMESTAMP", 9) == 0 && strlen(s) > n ? arena_strn(p->a, s, n)
                                                               : format_line(p->a, s);
}

static bool add_bars(const struct plot *p, int width, struct buf *out)
{
    size_t rows = p->query->rows.nrows;
    int labels = 0, values = 0;
    if (rows == 0 || rows > MAX_BARS || !(p->least >= 0) || !(p->most > 0))
        return false;
    const char **cells = arena_make(p->a, const char *, rows);
    for (size_t i = 0; i < rows; i++) {
        const char *label = label_of(p, i, NULL);
        int n = text_width(label, strlen(label));
        cells[i] = format_value(p->a, p->format, p->query->rows.rows[i][p->value]);
        labels = n > labels ? n : labels;
        n = text_width(cells[i], strlen(cells[i]));
        values = n > values ? n : values;
    }
    int room = width - labels - values - 4;
    if (room < LEAST_BAR)
        return false;
    for (size_t i = 0; i < rows; i++) {
        const char *label = label_of(p, i, NULL);
        double x = value_of(p, i);
        buf_addf(out, "%s%*s  %*s%s", label, labels - text_width(label, strlen(label)), "",
                 values - text_width(cells[i], strlen(cells[i])), "", cells[i]);
        if (x > 0) {
            buf_addf(out, "  ");
            stroke_bar(out, x / p->most, room);
        }
        buf_addf(out, "\n");
    }
    return true;
}

static const char *shown(const struct plot *p, double x)
{
    return format_value(p->a, p->format, arena_fmt(p->a, "%.17g", x));
}

static bool add_line(const struct plot *p, const struct yaml *x, int width, struct buf *out)
{
    size_t n = p->query->rows.nrows;
    double *v = arena_make(p->a, double, n);
    for (size_t i = 0; i < n; i++)
        v[i] = value_of(p, i);
    if (!(p->most >= p->least))
        return false;
    stroke_line(out, v, n, (size_t)width);
    buf_addf(out, "\n%s to %s: %s to %s\n", label_of(p, 0, x), label_of(p, n - 1, x), shown(p, p->least),
             shown(p, p->most));
    return true;
}

static bool draw(struct plot *p, const struct page_queries *qs, const struct page_chart *c, int width,
                 struct buf *out)
{
    const struct yaml *view = c->spec.root;
    if (c->ndata != 1 || yaml_get(view, "transform"))
        return false;
    for (size_t i = 0; i < qs->n; i++)
        if (strcmp(qs->v[i].name, c->data[0].name) == 0)
            p->query = &qs->v[i];
    if (find_bars(p, view)) {
        measure(p);
        return add_bars(p, width, out);
    }
    if (!find_line(p, view))
        return false;
    measure(p);
    return add_line(p, channel(view, "x"), width, out);
}

void page_chart_text(struct arena *a, const struct page_queries *qs, const struct page_chart *c, int width,
                     struct buf *out)
{
    struct plot p = {.a = a};
    if (c->title)
        buf_addf(out, "%s\n", c->title);
    if (!draw(&p, qs, c, width, out))
        buf_addf(out, "[chart %s: --to png and svg draw it]\n", c->name);
}
