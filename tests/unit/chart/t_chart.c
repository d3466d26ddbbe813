#include "chart/chart.h"

#include "base/json.h"
#include "test.h"

static const char bars[] =
    "{\"data\": {\"name\": \"q\"}, \"mark\": \"bar\", \"title\": \"Films\", \"encoding\": {"
    "\"y\": {\"field\": \"genre\", \"type\": \"nominal\"},"
    "\"x\": {\"field\": \"n\", \"type\": \"quantitative\"}}}";
static const char rows[] = "[{\"genre\": \"Drama\", \"n\": 12}, {\"genre\": \"Comedy\", \"n\": 7}]";
static const struct chart_data data[] = {{"q", rows, sizeof rows - 1}};

struct fixture {
    struct arena *a;
    struct chart_engine *g;
};

static struct fixture fixture_open(void)
{
    struct err e = {0};
    struct fixture f = {.a = arena_new()};
    if (!chart_open(f.a, &f.g, &e))
        BAD("%s", e.msg);
    REQUIRE(f.g);
    return f;
}

static void fixture_close(struct fixture *f)
{
    arena_free(f->a);
}
#define FIXTURE(f) __attribute__((cleanup(fixture_close))) struct fixture f = fixture_open()

static struct chart_job job_of(const char *spec)
{
    return (struct chart_job){.spec = spec,
                              .spec_n = strlen(spec),
                              .data = data,
                              .ndata = countof(data),
                              .width = 800,
                              .height = 500};
}

static const char *draw(struct fixture *f, const char *spec)
{
    struct err e = {0};
    struct chart_svg svg = {0};
    struct chart_job j = job_of(spec);
    if (!chart_svg(f->g, &j, &svg, &e))
        BAD("%s", e.msg);
    REQUIRE(svg.svg);
    CHECK_STR(svg.warnings, "");
    return svg.svg;
}

static int count(const char *text, const char *part)
{
    int n = 0;
    for (const char *p = text; (p = strstr(p, part)); p += strlen(part))
        n++;
    return n;
}

TEST(rows_become_bars)
{
    FIXTURE(f);
    const char *svg = draw(&f, bars);
    CHECK_HAS(svg, "width=\"800\" height=\"500\"");
    CHECK_HAS(svg, ">Drama<");
    CHECK_HAS(svg, ">Comedy<");
    CHECK_HAS(svg, ">Films<");
    CHECK_HAS(svg, "Inter");
    CHECK_INT(count(svg, "fill=\"#0b67b2\""), 2);
}

TEST(the_same_chart_is_the_same_bytes)
{
    static const char jitter[] = "{\"data\": {\"sequence\": {\"start\": 0, \"stop\": 50, \"as\": \"i\"}}, "
                                 "\"transform\": [{\"calculate\": "
                                 "\"random()\", \"as\": \"r\"}], \"mark\": \"point\", \"encoding\": {\"x\": "
                                 "{\"field\": \"i\", \"type\": "
                                 "\"quantitative\"}, \"y\": {\"field\": \"r\", \"type\": \"quantitative\"}}}";
    FIXTURE(one);
    FIXTURE(two);
    const char *first = draw(&one, jitter);
    draw(&two, bars);
    CHECK_STR(draw(&two, jitter), first);
}

TEST(numbers_as_people_read_them)
{
    static const struct {
        const char *format, *value, *want;
    } cases[] = {
        {"usd", "0", "$0"},
        {"usd", "950", "$950"},
        {"usd", "1234", "$1.23k"},
        {"usd", "25000000", "$25M"},
        {"usd", "999999999", "$1B"},
        {"usd", "2923706026", "$2.92B"},
        {"usd", "-1500000", "\xe2\x88\x92$1.5M"},
        {"usd", "null", ""},
        {"short", "1000", "1k"},
        {"short", "123456", "123k"},
        {"short", "7.25", "7.25"},
        {"times", "0.333", "0.33\xc3\x97"},
        {"times", "12.4", "12\xc3\x97"},
        {"figure", "6007461455", "6,007,461,455"},
        {"figure", "-1234.5678",
         "\xe2\x88\x92"
         "1,235"},
        {"figure", "12.34567", "12.35"},
        {"figure", "0.00456789", "0.004568"},
        {"figure", "100", "100"},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].value);
        const char *spec =
            arena_fmt(f.a,
                      "{\"data\": {\"values\": [{\"v\": %s}]}, \"mark\": \"text\", \"encoding\": "
                      "{\"text\": {\"field\": \"v\", \"formatType\": \"%s\"}}}",
                      cases[i].value, cases[i].format);
        CHECK_HAS(draw(&f, spec), arena_fmt(f.a, ">%s<", cases[i].want));
    }
}

TEST(dates_are_utc)
{
    FIXTURE(f);
    CHECK_HAS(
        draw(
            &f,
            "{\"data\": {\"values\": [{\"d\": \"2026-11-21T23:59:00Z\"}]}, \"mark\": \"text\", \"encoding\": "
            "{\"text\": {\"field\": \"d\", \"type\": \"temporal\", \"format\": \"%Y-%m-%d %H:%M\"}}}"),
        ">2026-11-21 23:59<");
}

TEST(long_titles_are_wrapped)
{
    FIXTURE(f);
    const char *svg = draw(
        &f,
        "{\"title\": \"The films of the two thousands earned more than those of the nineties, eighties and "
        "seventies taken together\", \"data\": {\"name\": \"q\"}, \"mark\": \"point\", \"encoding\": {}}");
    CHECK_INT(count(svg, "<tspan"), 2);
}

#define PANEL                                                                                                \
    "{\"mark\": \"bar\", \"encoding\": {\"y\": {\"field\": \"genre\", \"type\": \"nominal\"}, "              \
    "\"x\": {\"field\": \"n\", \"type\": \"quantitative\"}}"

TEST(panels_are_scaled_to_fit)
{
    static const struct {
        const char *label, *spec, *want;
    } cases[] = {
        {"beside each other", "{\"data\": {\"name\": \"q\"}, \"hconcat\": [" PANEL "}, " PANEL "}]}",
         "width=\"800\" height=\"500\""},
        {"below each other",
         "{\"data\": {\"name\": \"q\"}, \"vconcat\": [" PANEL "}, " PANEL "}], \"title\": \"T\"}",
         "width=\"800\" height=\"500\""},
        {"cells of a facet",
         "{\"data\": {\"name\": \"q\"}, \"facet\": {\"field\": \"genre\"}, \"columns\": 2, \"spec\": " PANEL
         "}}",
         "width=\"800\" height=\"500\""},
        {"sizes are kept",
         "{\"data\": {\"name\": \"q\"}, \"hconcat\": [" PANEL ", \"width\": 100, \"height\": 40}]}",
         "width=\"228\" height=\"118\""},
        {"or are shares, when that is asked for",
         "{\"data\": {\"name\": \"q\"}, \"autosize\": \"fit\", \"hconcat\": [" PANEL
         ", \"width\": 100, \"height\": 40}, " PANEL ", \"width\": 200, \"height\": 40}]}",
         "width=\"800\" height=\"500\""},
        {"too many to fit stay as they are",
         "{\"data\": {\"sequence\": {\"start\": 0, \"stop\": 40, \"as\": \"i\"}}, \"facet\": {\"row\": "
         "{\"field\": "
         "\"i\"}}, \"spec\": {\"mark\": \"point\", \"encoding\": {\"x\": {\"field\": \"i\", \"type\": "
         "\"quantitative\"}, \"y\": {\"field\": \"i\", \"type\": \"quantitative\"}}}}",
         "height=\"12981\""},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        CHECK_HAS(draw(&f, cases[i].spec), cases[i].want);
    }
}

TEST(what_is_written_is_escaped)
{
    FIXTURE(f);
    const char *svg = draw(&f, "{\"title\": \"a<b & \\\"c\\\"\", \"data\": {\"name\": \"q\"}, \"mark\": "
                               "{\"type\": \"text\", \"text\": \"\", \"font\": \"A \\\"&<>\\t\\n\\r\"}}");
    CHECK_HAS(svg, ">a&lt;b &amp; \"c\"</text>");
    CHECK_HAS(svg, "font-family=\"A &quot;&amp;&lt;&gt;&#x9;&#xA;&#xD;\"");
    CHECK_HAS(svg, "font-size=\"12px\" fill=\"#374151\"/>"); /* an empty text */
}

TEST(bars_of_a_row_each_are_no_stacks)
{
    static const struct {
        const char *label, *spec;
        int clips;
    } cases[] = {
        {"rows of their own", "", 0},
        {"colours make no difference", ", \"color\": {\"field\": \"g\"}", 0},
        {"two rows", ", \"y\": {\"field\": \"same\", \"type\": \"nominal\"}", 1},
        {"asked for", ", \"x\": {\"field\": \"n\", \"type\": \"quantitative\", \"stack\": true}", 2},
        {"months", ", \"y\": {\"field\": \"day\", \"type\": \"ordinal\", \"timeUnit\": \"yearmonth\"}", 0},
        {"the same year", ", \"y\": {\"field\": \"day\", \"type\": \"ordinal\", \"timeUnit\": \"year\"}", 1},
        {"months of any year",
         ", \"y\": {\"field\": \"day\", \"type\": \"ordinal\", \"timeUnit\": \"month\"}", 2},
        {"a column that is computed", ", \"y\": {\"field\": \"made\", \"type\": \"nominal\"}", 1},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        const char *spec =
            arena_fmt(f.a,
                      "{\"data\": {\"values\": [{\"g\": \"a\", \"same\": 1, \"made\": 1, \"day\": "
                      "\"2026-01-15\", \"n\": 3}, "
                      "{\"g\": \"b\", \"same\": 1, \"made\": 2, \"day\": \"2026-02-15\", \"n\": 4}]}, "
                      "\"transform\": [{\"calculate\": \"7\", \"as\": \"made\"}], "
                      "\"layer\": [{\"mark\": \"bar\", \"encoding\": {\"y\": {\"field\": \"g\", \"type\": "
                      "\"nominal\"}, "
                      "\"x\": {\"field\": \"n\", \"type\": \"quantitative\"}%s}}]}",
                      cases[i].spec);
        const char *svg = draw(&f, spec);
        CHECK_INT(count(svg, "<clipPath"), cases[i].clips);
    }
    CASE("logarithms, which cannot be stacked");
    CHECK_INT(
        count(draw(&f, "{\"data\": {\"name\": \"q\"}, \"mark\": \"bar\", \"encoding\": {\"y\": {\"field\": "
                       "\"genre\", \"type\": \"nominal\"}, \"x\": {\"field\": \"n\", \"type\": "
                       "\"quantitative\", \"scale\": {\"type\": \"log\"}}}}"),
              "fill=\"#0b67b2\""),
        2);
}

TEST(dots_are_circles)
{
    FIXTURE(f);
    static const char spec[] =
        "{\"data\": {\"name\": \"q\"}, \"mark\": {\"type\": \"point\", \"size\": 100%s}, \"encoding\": "
        "{\"x\": {\"field\": "
        "\"n\", \"type\": \"quantitative\"}, \"y\": {\"value\": 30}, \"size\": {\"value\": 101}%s}}";
    const char *svg = draw(&f, arena_fmt(f.a, spec, "", ""));
    CHECK_INT(count(svg, " cy=\"30\" r=\"5.025\" "), 2);
    CHECK_INT(count(svg, "A5"), 0);
    svg = draw(&f, arena_fmt(f.a, spec, ", \"shape\": \"square\"", ""));
    CHECK_INT(count(svg, "<circle"), 0);
    CASE("one shape for each");
    svg = draw(&f, arena_fmt(f.a, spec, "", ", \"shape\": {\"field\": \"genre\", \"legend\": null}"));
    CHECK_INT(count(svg, "<circle"), 0);
    CHECK_INT(count(svg, "A5.025,5.025,0,1,1,"), 2);
}

TEST(opacity_is_that_of_the_paint)
{
    static const struct {
        const char *mark, *want, *never;
    } cases[] = {
        {"\"type\": \"bar\", \"opacity\": 0.5", "fill-opacity=\"0.5\"", " opacity="},
        {"\"type\": \"bar\", \"opacity\": 0.5, \"fillOpacity\": 0.5", "fill-opacity=\"0.25\"", " opacity="},
        {"\"type\": \"rule\", \"opacity\": 0.5", "stroke-opacity=\"0.5\"", " opacity="},
        {"\"type\": \"bar\", \"opacity\": 0.5, \"stroke\": \"red\"", " opacity=\"0.5\"", "fill-opacity"},
        {"\"type\": \"bar\", \"opacity\": 1, \"stroke\": \"red\"", "stroke=\"red\"", "opacity"},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].mark);
        const char *svg =
            draw(&f, arena_fmt(f.a,
                               "{\"data\": {\"name\": \"q\"}, \"mark\": {%s}, \"encoding\": {\"y\": "
                               "{\"field\": \"genre\", \"type\": \"nominal\"}, \"x\": {\"field\": "
                               "\"n\", \"type\": \"quantitative\"}}}",
                               cases[i].mark));
        CHECK_HAS(svg, cases[i].want);
        CHECK(!strstr(svg, cases[i].never));
    }
}

TEST(named_ticks_are_drawn_all)
{
    FIXTURE(f);
    const char *svg = draw(
        &f, "{\"data\": {\"name\": \"q\"}, \"mark\": \"point\", \"encoding\": {\"y\": {\"field\": \"n\", "
            "\"type\": \"quantitative\", \"axis\": {\"values\": [0, 1, 2, 3, 4, 5, 6, 7, 8, 9]}}}}");
    for (int i = 0; i < 10; i++)
        CHECK_HAS(svg, arena_fmt(f.a, ">%d<", i));
}

TEST(themes)
{
    FIXTURE(f);
    struct err e;
    static const struct {
        enum chart_theme theme;
        const char *want;
    } cases[] = {{CHART_LIGHT, "#ffffff"}, {CHART_DARK, "#111827"}, {CHART_PLAIN, "fill=\"white\""}};
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].want);
        struct chart_job j = job_of(bars);
        struct chart_svg svg;
        j.theme = cases[i].theme;
        REQUIRE(chart_svg(f.g, &j, &svg, &e));
        CHECK_HAS(svg.svg, cases[i].want);
    }
}

TEST(pictures)
{
    FIXTURE(f);
    struct err e = {0};
    struct chart_svg svg;
    struct chart_job j = job_of(bars);
    const char *p = "";
    size_t n = 0;
    REQUIRE(chart_svg(f.g, &j, &svg, &e));
    REQUIRE(chart_png(f.g, &svg, 2, &p, &n, &e));
    static const unsigned char head[] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a, '\n', 0, 0, 0,    13,
                                         'I',  'H', 'D', 'R', 0,    0,    0x06, 0x40, 0, 0, 0x03, 0xe8};
    CHECK(n > sizeof head && memcmp(p, head, sizeof head) == 0); /* 1600 x 1000 */
    REQUIRE(chart_pdf(f.g, &svg, &p, &n, &e));
    CHECK(n > 1000 && memcmp(p, "%PDF-", 5) == 0);
    CHECK(!chart_png(f.g, &svg, 100, &p, &n, &e));
    CHECK_STR(e.msg, "a picture of 80000 x 50000 pixels: at most 20000 a side");
    CHECK_INT(e.kind, ERR_LIMIT);
}

TEST(what_vega_swallows_is_an_error)
{
    static const struct {
        const char *label, *spec, *want;
    } cases[] = {
        {"not JSON", "{\"mark\": ", "end"},
        {"no mark of that name", "{\"data\": {\"name\": \"q\"}, \"mark\": \"barr\"}", "cannot read property"},
        {"an expression that fails at work",
         "{\"data\": {\"name\": \"q\"}, \"transform\": [{\"calculate\": \"nope(datum.n)\", \"as\": \"x\"}], "
         "\"mark\": \"bar\"}",
         "Unrecognized function: nope"},
        {"data from elsewhere", "{\"data\": {\"url\": \"https://example.org/x.csv\"}, \"mark\": \"bar\"}",
         "Loading failed https://example.org/x.csv"},
        {"a file", "{\"data\": {\"url\": \"/etc/passwd\"}, \"mark\": \"bar\"}", "Loading failed /etc/passwd"},
        {"an image of the disk is only named",
         "{\"data\": {\"name\": \"nothing\", \"url\": \"x.json\"}, \"mark\": \"bar\"}",
         "Loading failed x.json"},
    };
    FIXTURE(f);
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].label);
        struct err e = {0};
        struct chart_svg svg;
        struct chart_job j = job_of(cases[i].spec);
        CHECK(!chart_svg(f.g, &j, &svg, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_HAS(e.msg, cases[i].want);
    }
    draw(&f, bars);
}

TEST(limits_stop_what_never_ends)
{
    FIXTURE(f);
    struct err e = {0};
    struct chart_svg svg;
    static const char endless[] =
        "{\"data\": {\"sequence\": {\"start\": 0, \"stop\": 1e9}}, \"mark\": \"point\"}";
    static const char vast[] =
        "{\"data\": {\"sequence\": {\"start\": 0, \"stop\": 1e12}}, \"mark\": \"point\"}";
    struct chart_job j = job_of(endless);
    j.time_ms = 200;
    CHECK(!chart_svg(f.g, &j, &svg, &e));
    CHECK_STR(e.msg, "the chart took longer than 0.2 s and was stopped");
    CHECK_INT(e.kind, ERR_LIMIT);
    CASE("a regular expression");
    static const char regexp[] =
        "{\"data\": {\"values\": [{\"a\": \"aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!\"}]}, "
        "\"transform\": [{\"calculate\": "
        "\"test(regexp('(a+)+$'), datum.a)\", \"as\": \"x\"}], \"mark\": \"point\"}";
    struct chart_job slow = job_of(regexp);
    slow.time_ms = 200;
    CHECK(!chart_svg(f.g, &slow, &svg, &e));
    CHECK_STR(e.msg, "the chart took longer than 0.2 s and was stopped");
    CASE("memory");
    j.time_ms = 0;
    j.memory_bytes = 64 << 20;
    CHECK(!chart_svg(f.g, &j, &svg, &e));
    CHECK_STR(e.msg, "the chart needs more than 64 MB of memory");
    CHECK_INT(e.kind, ERR_LIMIT);
    CASE("an array that no memory holds");
    j.spec = vast;
    j.spec_n = sizeof vast - 1;
    CHECK(!chart_svg(f.g, &j, &svg, &e));
    CHECK_STR(e.msg, "the chart needs more than 64 MB of memory");
    CASE("afterwards");
    draw(&f, bars);
}

TEST(warnings_are_handed_on)
{
    FIXTURE(f);
    struct err e = {0};
    struct chart_svg svg = {.warnings = (char[]){""}};
    struct chart_job j =
        job_of("{\"data\": {\"name\": \"q\"}, \"mark\": \"bar\", \"encoding\": {\"x\": {\"field\": "
               "\"genre\", \"type\": \"nominal\", \"scale\": {\"type\": \"log\"}}}}");
    CHECK(chart_svg(f.g, &j, &svg, &e));
    CHECK_HAS(svg.warnings, "log");
}
