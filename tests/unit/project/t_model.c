#include "cases.h"

static struct engine_param limit = {.name = "limit", .type = PARAM_INT, .num = 20};

static struct reader reader(struct arena *a, struct problems *problems)
{
    static struct variable vars[1];
    static struct environment env;
    vars[0] = (struct variable){.name = "limit", .value = limit};
    return (struct reader){.a = a, .problems = problems, .env = &env, .vars = vars, .nvars = 1};
}

static void dump_texts(const char *what, const char *const *v, size_t n, struct buf *out)
{
    for (size_t i = 0; i < n; i++)
        buf_addf(out, "%s%s%s", i ? "," : what, i ? "" : "=", v[i]);
}

static void dump_check(const struct check *c, struct buf *out)
{
    buf_addf(out, "; %s@%d:%d%s", c->name, c->at.line, c->at.col, c->warn ? " warn" : "");
    dump_texts(" of", c->columns, c->ncolumns, out);
    dump_texts(" in", c->values, c->nvalues, out);
    if (c->sql)
        buf_addf(out, " <%s>@%d:%d+%d", c->sql, c->sql_at.line, c->sql_at.col, c->sql_indent);
    if (c->to_table)
        buf_addf(out, " to %s . %s", c->to_table, c->to_column);
    if (c->kind == CHECK_ROW_COUNT)
        buf_addf(out, " %lld..%lld", (long long)c->min, (long long)c->max);
}

static void dump(const struct model *m, struct buf *out)
{
    static const char *const modes[] = {"replace", "append", "merge", "partitions", "view"};
    buf_addf(out, "%s", modes[m->mode]);
    dump_texts(" key", m->key, m->nkey, out);
    dump_texts(" by", m->partition_by, m->npartition_by, out);
    for (size_t i = 0; i < m->nincremental; i++)
        buf_addf(out, " inc=%s/%s@%d:%d", m->incremental[i].table,
                 m->incremental[i].key ? m->incremental[i].key : "", m->incremental[i].at.line,
                 m->incremental[i].at.col);
    if (m->sequence_by)
        buf_addf(out, " seq=%s", m->sequence_by);
    if (m->keep_ms)
        buf_addf(out, " keep=%lld", (long long)m->keep_ms);
    buf_addf(out, " passing=");
    text_real(out, m->passing);
    buf_addf(out, "%s", m->evolve ? "" : " freeze");
    dump_texts(" tags", m->tags, m->ntags, out);
    if (m->description)
        buf_addf(out, " \"%s\"", m->description);
    if (m->uses_now)
        buf_addf(out, " now");
    for (size_t i = 0; i < m->nchecks; i++)
        dump_check(&m->checks[i], out);
}

/* Input is the YAML of a header, which begins in line 2. */
static void read_header(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct reader r = reader(a, problems);
    struct model m = {.name = "silver.movies", .path = "models/silver/movies.sql"};
    struct model_notes notes = {0};
    m.text = arena_fmt(a, "/*---\n%s\n---*/\nSELECT 1 AS a\n", input);
    CHECK(model_read(&r, &m, &notes));
    dump(&m, out);
}

TEST(headers_are_read_with_their_mistakes)
{
    cases_run("header", read_header);
}

/* Input is a whole file. */
static void read_file(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct reader r = reader(a, problems);
    struct model m = {.name = "silver.movies", .path = "models/silver/movies.sql", .text = input};
    struct model_notes notes = {0};
    bool ok = model_read(&r, &m, &notes);
    CHECK(ok || problems->n);
    if (!ok)
        return;
    dump(&m, out);
    buf_addf(out, " <%s>@%d:%d", m.sql, m.sql_at.line, m.sql_at.col);
    dump_texts(" params", notes.params, notes.nparams, out);
}

TEST(model_files_are_cut_into_header_and_select)
{
    cases_run("model", read_file);
}

static uint64_t fingerprint(const char *text, int64_t limit_value)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct model m = {.name = "silver.movies", .path = "m.sql", .text = text};
    struct model_notes notes = {0};
    limit.num = limit_value;
    struct reader r = reader(a, &problems);
    REQUIRE(model_read(&r, &m, &notes));
    CHECK_INT(problems.n, 0);
    return m.fingerprint;
}

TEST(the_fingerprint_is_of_what_decides_the_rows)
{
    static const struct {
        const char *label, *text;
        bool same;
    } cases[] = {
        {"white space and comments", "/*---\nkey: a\n---*/\nSELECT  a -- the a\n\tFROM t WHERE a = 'x'  ;\n",
         true},
        {"a description", "/*---\nkey: a\ndescription: all the a\n---*/\nSELECT a FROM t WHERE a = 'x'",
         true},
        {"tags and keep", "/*---\nkey: a\ntags: x\nkeep: 3 days\n---*/\nSELECT a FROM t WHERE a = 'x'", true},
        {"a check of the table", "/*---\nkey: a\nchecks: [unique: a]\n---*/\nSELECT a FROM t WHERE a = 'x'",
         true},
        {"a check of rows", "/*---\nkey: a\nchecks: [not_null: a]\n---*/\nSELECT a FROM t WHERE a = 'x'",
         false},
        {"another check of rows",
         "/*---\nkey: a\nchecks: [row: a > 'b']\n---*/\nSELECT a FROM t WHERE a = 'x'", false},
        {"a check that only warns",
         "/*---\nkey: a\nchecks: [{not_null: a, severity: warn}]\n---*/\nSELECT a FROM t WHERE a = 'x'",
         true},
        {"the key", "/*---\nkey: b\n---*/\nSELECT a FROM t WHERE a = 'x'", false},
        {"the mode", "/*---\nkey: a\nmode: merge\n---*/\nSELECT a FROM t WHERE a = 'x'", false},
        {"the partitions", "/*---\nkey: a\npartition_by: c\n---*/\nSELECT a FROM t WHERE a = 'x'", false},
        {"space inside quotes", "/*---\nkey: a\n---*/\nSELECT a FROM t WHERE a = 'x '", false},
        {"words that grow together", "/*---\nkey: a\n---*/\nSELECTa FROM t WHERE a = 'x'", false},
    };
    uint64_t base = fingerprint("/*---\nkey: a\n---*/\nSELECT a FROM t WHERE a = 'x'", 20);
    for (size_t i = 0; i < countof(cases) - 1; i++) {
        CASE(cases[i].label);
        CHECK_INT(fingerprint(cases[i].text, 20) == base, cases[i].same);
    }
    CASE("a variable that it uses");
    static const char with[] = "SELECT $limit", without[] = "SELECT 20";
    CHECK(fingerprint(with, 20) != fingerprint(with, 21));
    CHECK(fingerprint(with, 20) == fingerprint(with, 20));
    CASE("a variable that it does not use");
    CHECK(fingerprint(without, 20) == fingerprint(without, 21));
}
