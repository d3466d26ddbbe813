#include "chart/check.h"

#include "test.h"

static const char *const columns[] = {"genre", "n", "day", "share", "a.b", "ok"};
static const char *const types[] = {"VARCHAR", "BIGINT", "DATE", "DECIMAL(9,2)", "DOUBLE", "BOOLEAN"};
static const struct chart_table tables[] = {
    {"q", columns, types, countof(columns), false},
    {"lost", NULL, NULL, 0, true},
};

/* "line:column message (hint); ..." of all that is wrong with it. */
static const char *said(struct arena *a, const char *text)
{
    struct problems found = {.a = a};
    struct chart_spec spec;
    if (chart_spec_read(a, text, (struct src){"p.md", 1, 1}, &found, &spec))
        chart_check(a, &spec, tables, countof(tables), &found);
    auto_buf b = BUF(1 << 16);
    for (size_t i = 0; i < found.n; i++) {
        const struct err *e = &found.v[i];
        buf_addf(&b, "%s%d:%d %s%s%s%s", i ? "; " : "", e->at.line, e->at.col, e->msg, *e->hint ? " (" : "",
                 e->hint, *e->hint ? ")" : "");
    }
    return arena_str(a, b.p);
}

TEST(keys_and_values_are_vega_lites)
{
    static const struct {
        const char *label, *spec, *want;
    } cases[] = {
        {"all is well", "{data: {name: q}, mark: bar, encoding: {x: {field: n, type: quantitative}}}", ""},
        {"JSON is YAML", "{\"data\": {\"name\": \"q\"}, \"mark\": {\"type\": \"bar\"}}", ""},
        {"a key", "{data: {name: q}, mark: bar, encodng: {}}",
         "1:30 unknown key 'encodng' (did you mean 'encoding'?)"},
        {"a key of a channel", "{data: {name: q}, mark: bar, encoding: {x: {field: n, titel: N}}}",
         "1:55 unknown key 'titel' (did you mean 'title'?)"},
        {"a key far from all", "{data: {name: q}, mark: bar, frobnicate: 1}",
         "1:30 unknown key 'frobnicate'"},
        {"a key of one scale only, rightly",
         "{data: {name: q}, mark: bar, encoding: {x: {field: n, scale: {type: log, base: 2}}}}", ""},
        {"a mark", "{data: {name: q}, mark: brr}", "1:25 unknown value 'brr' (did you mean 'bar'?)"},
        {"a word where a number is", "{data: {name: q}, mark: {type: bar, opacity: much}}",
         "1:46 'much' must be a number or a mapping"},
        {"a number where a text is", "{data: {name: q}, mark: bar, description: 7}",
         "1:43 '7' must be a text (put quotes around what is a text)"},
        {"a word that no other kind of channel has, either",
         "{data: {name: q}, mark: bar, encoding: {y: {field: n, aggregate: summ, type: quantitative}}}",
         "1:66 unknown value 'summ' (did you mean 'sum'?)"},
        {"a word of a parameter", "{data: {name: q}, mark: bar, params: [{name: p, select: intervall}]}",
         "1:57 unknown value 'intervall' (did you mean 'interval'?)"},
        {"a list where one is not", "{data: {name: q}, mark: [bar]}",
         "1:25 a list: this must be a text or a mapping"},
        {"a transform", "{data: {name: q}, transform: [{filtr: x}], mark: bar}",
         "1:32 unknown key 'filtr' (did you mean 'filter'?)"},
        {"layers", "{data: {name: q}, layer: [{mark: bar}, {mrk: line}]}",
         "1:41 unknown key 'mrk' (did you mean 'mark'?)"},
        {"not a mapping", "[1]", "1:1 a chart is a mapping: data, mark, encoding"},
        {"nothing", "", "1:1 a chart is a mapping: data, mark, encoding"},
        {"not YAML", "{data: ", "1:1 not valid YAML: what is opened here is not closed"},
        {"a key twice", "{mark: bar, mark: line, data: {name: q}}",
         "1:13 duplicate key 'mark': it stands in line 1 already"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        CHECK_STR(said(a, cases[i].spec), cases[i].want);
    }
}

TEST(fields_are_the_querys)
{
    static const struct {
        const char *label, *rest, *want;
    } cases[] = {
        {"a column", "mark: bar\nencoding: {x: {field: genr}}",
         "3:23 'q' gives no column 'genr' (did you mean 'genre'?)"},
        {"inside a column", "mark: bar\nencoding: {x: {field: \"genre.x[0]\"}}", ""},
        {"a dot in a name", "mark: bar\nencoding: {x: {field: 'a\\.b'}}", ""},
        {"a count has none", "mark: bar\nencoding: {x: {aggregate: count}}", ""},
        {"in lists and conditions",
         "mark: bar\nencoding: {tooltip: [{field: n}, {field: x1}], color: {condition: {test: 'true', field: "
         "x2}, value: red}}",
         "3:42 'q' gives no column 'x1'; 3:89 'q' gives no column 'x2'"},
        {"to sort by", "mark: bar\nencoding: {x: {field: genre, sort: {field: m, op: sum}}}",
         "3:44 'q' gives no column 'm'"},
        {"facets", "facet: {field: gnre}\nspec: {mark: bar}",
         "2:16 'q' gives no column 'gnre' (did you mean 'genre'?)"},
        {"repeat", "repeat: {row: [n, m]}\nspec: {mark: bar, encoding: {x: {field: {repeat: row}}}}",
         "2:19 'q' gives no column 'm'"},
        {"expressions",
         "transform: [{calculate: \"datum.n + datum['m'] + data.x + mydatum.z\", as: s}]\nmark: bar",
         "2:43 'q' gives no column 'm'"},
        {"predicates", "transform: [{filter: {and: [{field: m, equal: 1}, 'datum.k > 1']}}]\nmark: bar",
         "2:37 'q' gives no column 'm'; 2:58 'q' gives no column 'k'"},
        {"what transforms add",
         "transform: [{calculate: '1', as: c}, {window: [{op: rank, as: r}], sort: [{field: c}]}, "
         "{joinaggregate: [{op: sum, field: n, as: t}]}]\nmark: bar\nencoding: {x: {field: c}, y: {field: "
         "r}, color: {field: t}}",
         ""},
        {"what an aggregate leaves",
         "transform: [{aggregate: [{op: sum, field: n, as: s}], groupby: [genre]}]\nmark: bar\n"
         "encoding: {x: {field: s}, y: {field: day}}",
         "4:38 no field 'day' here: neither the query nor a transform gives it"},
        {"folded",
         "transform: [{fold: [n, share]}]\nmark: bar\nencoding: {x: {field: key}, y: {field: value}}", ""},
        {"a pivot gives what nobody knows",
         "transform: [{pivot: genre, value: n}]\nmark: bar\nencoding: {x: {field: Drama}}", ""},
        {"a density",
         "transform: [{density: share, groupby: [genre]}]\nmark: area\nencoding: {x: {field: value}, y: "
         "{field: density}, "
         "color: {field: genre}, row: {field: n}}",
         "4:88 no field 'n' here: neither the query nor a transform gives it"},
        {"rows of its own", "layer: [{data: {values: [{z: 1}]}, mark: bar, encoding: {x: {field: z}}}]", ""},
        {"a query that could not be told",
         "layer: [{data: {name: lost}, mark: bar, encoding: {x: {field: z}}}]", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        CHECK_STR(said(a, arena_fmt(a, "data: {name: q}\n%s\n", cases[i].rest)), cases[i].want);
    }
}

TEST(types_fit_what_is_done)
{
    static const struct {
        const char *label, *x, *want;
    } cases[] = {
        {"text", "{field: genre, type: quantitative}",
         "3:23 'genre' is VARCHAR: it cannot be quantitative (its type is nominal or ordinal)"},
        {"days", "{field: day, type: quantitative}",
         "3:23 'day' is DATE: it cannot be quantitative (its type is temporal)"},
        {"numbers as times", "{field: n, type: temporal}",
         "3:23 'n' is BIGINT: it cannot be temporal (give a date: make_date(year, 1, 1), "
         "to_timestamp(seconds))"},
        {"the mean of texts", "{field: genre, aggregate: mean, type: quantitative}",
         "3:23 'mean' of 'genre', which is VARCHAR"},
        {"bins of texts", "{field: genre, bin: true}",
         "3:23 'genre' is VARCHAR: it cannot be binned (bins are of numbers)"},
        {"texts counted", "{field: genre, aggregate: distinct, type: quantitative}", ""},
        {"days ordered", "{field: day, type: ordinal}", ""},
        {"days as times", "{field: day, type: temporal, timeUnit: year}", ""},
        {"sums", "{field: share, aggregate: sum, type: quantitative}", ""},
        {"whole numbers named", "{field: n, type: nominal}", ""},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        CASE(cases[i].label);
        CHECK_STR(said(a, arena_fmt(a, "data: {name: q}\nmark: bar\nencoding: {x: %s}\n", cases[i].x)),
                  cases[i].want);
    }
}

TEST(words_of_yaml_become_json)
{
    static const struct {
        const char *yaml, *json;
    } cases[] = {
        {"{a: 1, b: -2.5e3, c: .5}", "{\"a\":1,\"b\":-2500,\"c\":0.5}"},
        {"{a: true, b: False, c: ~, d: , e: null}",
         "{\"a\":true,\"b\":false,\"c\":null,\"d\":null,\"e\":null}"},
        {"{a: '1', b: \"true\", c: yes, d: 1.2.3, e: 2026-01-02}",
         "{\"a\":\"1\",\"b\":\"true\",\"c\":\"yes\",\"d\":\"1.2.3\",\"e\":\"2026-01-02\"}"},
        {"{a: [], b: {}, c: [x, [y]]}", "{\"a\":[],\"b\":{},\"c\":[\"x\",[\"y\"]]}"},
        {"a: \"say \\\"\\u00b7\\\"\"", "{\"a\":\"say \\\"\xc2\xb7\\\"\"}"},
        {"{a: &x {b: 1}, c: *x}", "{\"a\":{\"b\":1},\"c\":{\"b\":1}}"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct problems problems = {.a = a};
        struct chart_spec spec;
        CASE(cases[i].yaml);
        REQUIRE(chart_spec_read(a, cases[i].yaml, (struct src){"p.md", 1, 1}, &problems, &spec));
        auto_buf b = BUF(1 << 16);
        chart_spec_json(spec.root, &b);
        CHECK_STR(b.p, cases[i].json);
    }
}

TEST(sources_and_title)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct chart_spec spec;
    REQUIRE(chart_spec_read(a,
                            "title: {text: [Two, lines]}\ndata: {name: q}\nlayer:\n  - {mark: bar}\n  - "
                            "{data: {name: s.t}, mark: bar}\n"
                            "  - {data: {name: q}}\n  - {data: {name: own, values: [{data: {name: no}}]}}\n"
                            "  - {transform: [{lookup: a, from: {data: {name: r}, key: b}}]}\n",
                            (struct src){"p.md", 11, 1}, &problems, &spec));
    CHECK_STR(spec.title, "Two lines");
    REQUIRE(spec.nsources == 3);
    CHECK_STR(spec.sources[0].name, "q");
    CHECK_INT(spec.sources[0].at.line, 12);
    CHECK_STR(spec.sources[1].name, "s.t");
    CHECK_STR(spec.sources[2].name, "r");
}
