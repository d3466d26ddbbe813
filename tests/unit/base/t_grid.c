#include "base/grid.h"

#include "test.h"

static const char *shown(struct arena *a, const struct grid *g)
{
    auto_buf b = BUF(1 << 20);
    grid_add(&b, g);
    return arena_str(a, b.p);
}

TEST(columns_line_up_and_lines_end_without_blanks)
{
    auto_arena *a = arena_new();
    static const char *const names[] = {"film", "year", "note"};
    static const char *const cells[] = {"Amélie", "2001", "", "寄生獣", "1,999", NULL};
    struct grid g = {.names = names, .ncolumns = 3, .nrows = 2, .cells = cells};
    CHECK_STR(shown(a, &g), "film     year  note\n"
                            "Amélie   2001\n"
                            "寄生獣  1,999\n");
    g.rule = true;
    g.ascii = true;
    CHECK_STR(shown(a, &g), "film     year  note\n"
                            "------  -----  ----\n"
                            "Amélie   2001\n"
                            "寄生獣  1,999\n");
    g.nrows = 0;
    g.rule = false;
    CHECK_STR(shown(a, &g), "film  year  note\n");
}

TEST(data_cannot_break_the_table_or_talk_to_the_terminal)
{
    auto_arena *a = arena_new();
    static const char *const names[] = {"a\nb"};
    static const char *const cells[] = {"x\r\n\ty", "\033[31mred",
                                        "\xc2\x9b"
                                        "31m",
                                        "bad \xff", "\x7f"};
    struct grid g = {.names = names, .ncolumns = 1, .nrows = 5, .cells = cells};
    CHECK_STR(shown(a, &g), "a\\nb\n"
                            "x\\r\\n\\ty\n"
                            "\\x1b[31mred\n"
                            "\\x9b31m\n"
                            "bad \\xff\n"
                            "\\x7f\n");
}

TEST(too_wide_texts_are_cut_figures_are_not)
{
    auto_arena *a = arena_new();
    static const char *const names[] = {"a long head", "number", "text"};
    static const char *const cells[] = {"short", "12345678901", "a very long text that does not fit",
                                        "x",     "1",           "another"};
    struct grid g = {.names = names, .ncolumns = 3, .nrows = 2, .cells = cells, .width = 40};
    CHECK_INT(grid_print(stderr, &g), 3);
    CHECK_STR(shown(a, &g), "a long head       number  text\n"
                            "short        12345678901  a very long t…\n"
                            "x                      1  another\n");
    g.width = 22;
    CHECK_STR(shown(a, &g), "a long h…       number\n"
                            "short      12345678901\n"
                            "x                    1\n");
    g.ascii = true;
    g.width = 21;
    CHECK_STR(shown(a, &g), "a lon...       number\n"
                            "short     12345678901\n"
                            "x                   1\n");
    g.width = 4;
    auto_buf b = BUF(1 << 10);
    CHECK_INT(grid_add(&b, &g), 1);
    CHECK_STR(b.p, "a...\ns...\nx\n");
}

TEST(too_wide_texts_are_wrapped)
{
    auto_arena *a = arena_new();
    static const char *const names[] = {"Film", "Mean revenue (M$)"};
    static const char *const cells[] = {"Harry Potter and the Deathly Hallows: Part 2", "1,944.2", "Up",
                                        "9.1"};
    struct grid g = {.names = names,
                     .ncolumns = 2,
                     .nrows = 2,
                     .cells = cells,
                     .width = 30,
                     .narrow = GRID_WRAP,
                     .ascii = true,
                     .rule = true};
    CHECK_STR(shown(a, &g), "                          Mean\n"
                            "                       revenue\n"
                            "Film                      (M$)\n"
                            "---------------------  -------\n"
                            "Harry Potter and the   1,944.2\n"
                            "Deathly Hallows: Part\n"
                            "2\n"
                            "Up                         9.1\n");
    static const char *const long_cells[] = {"Donaudampfschifffahrtsgesellschaft", "1", "Up", "2"};
    g.cells = long_cells;
    g.width = 22;
    CHECK_STR(shown(a, &g), "                  Mean\n"
                            "               revenue\n"
                            "Film              (M$)\n"
                            "-------------  -------\n"
                            "Donaudampfsch        1\n"
                            "ifffahrtsgese\n"
                            "llschaft\n"
                            "Up                   2\n");
}
