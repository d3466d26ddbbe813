#include "project/yaml.h"

#include "cases.h"

static void dump(const struct yaml *y, struct buf *out)
{
    static const char *const styles[] = {"", "'", "|", ">"};
    switch (y->kind) {
    case YAML_TEXT:
        buf_addf(out, "%d:%d", y->at.line, y->at.col);
        buf_addf(out, "%s=", styles[y->style]);
        buf_addf(out, "%s", y->text);
        break;
    case YAML_LIST:
        buf_addf(out, "%d:%d[", y->at.line, y->at.col);
        for (size_t i = 0; i < y->n; i++) {
            buf_addf(out, "%s", i ? " " : "");
            dump(y->items[i], out);
        }
        buf_addf(out, "]");
        break;
    case YAML_MAP:
        buf_addf(out, "%d:%d{", y->at.line, y->at.col);
        for (size_t i = 0; i < y->n; i++) {
            buf_addf(out, "%s%s@%d:%d ", i ? ", " : "", y->keys[i].name, y->keys[i].at.line,
                     y->keys[i].at.col);
            dump(y->items[i], out);
        }
        buf_addf(out, "}");
        break;
    }
}

static void parse(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct yaml *y;
    if (!yaml_parse(a, input, strlen(input), (struct src){"f.yaml", 1, 1}, problems, &y)) {
        CHECK(problems->n > 0);
        return;
    }
    if (y)
        dump(y, out);
    else
        buf_addf(out, "nothing");
}

TEST(yaml_has_places_and_its_mistakes_too)
{
    cases_run("yaml", parse);
}

TEST(yaml_inside_another_file_has_that_files_places)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct yaml *y;
    static const char text[] = " {a: 1,\nb: x}";
    REQUIRE(yaml_parse(a, text, sizeof text - 1, (struct src){"m.sql", 3, 6}, &problems, &y));
    CHECK_INT(y->at.line, 3);
    CHECK_INT(y->at.col, 7);
    CHECK_INT(y->items[1]->at.line, 4);
    CHECK_INT(y->items[1]->at.col, 4);
    CHECK_STR(y->items[1]->at.file, "m.sql");
}

TEST(yaml_place_looks_into_a_text)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct yaml *y;
    static const char text[] =
        "a: plain\nb: 'quoted'\nc: |\n    one\n    two\n\n    three\nd: >\n  folded\n  text\n";
    REQUIRE(yaml_parse(a, text, sizeof text - 1, (struct src){"f", 1, 1}, &problems, &y));
    static const struct {
        const char *label;
        size_t item, offset;
        int line, col;
    } cases[] = {
        {"plain", 0, 2, 1, 6},
        {"quoted: behind the quote", 1, 2, 2, 7},
        {"block, first line", 2, 0, 4, 5},
        {"block, second line", 2, 5, 5, 6},
        {"block, behind an empty line", 2, 9, 7, 5},
        {"folded: where it begins", 3, 9, 9, 3},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        struct src at = yaml_place(y->items[cases[i].item], cases[i].offset);
        CHECK_INT(at.line, cases[i].line);
        CHECK_INT(at.col, cases[i].col);
    }
}

TEST(yaml_nested_too_deep_is_refused)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct yaml *y;
    char text[401];
    memset(text, '[', 200);
    memset(text + 200, ']', 200);
    text[400] = '\0';
    CHECK(!yaml_parse(a, text, 400, (struct src){"f", 1, 1}, &problems, &y));
    CHECK_STR(problems.v[0].msg, "nested too deep");
}
