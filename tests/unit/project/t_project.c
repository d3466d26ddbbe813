#include "engine/sqltext.h"

#include "cases.h"

/* An engine that finds names as the real one does, but for a text that says it should fail. */
static bool find_refs(struct arena *a, struct session *s, const char *text, struct src at,
                      struct engine_ref **ret, size_t *ret_n, struct err *e)
{
    (void)s;
    const char *bad = strstr(text, "syntax_error");
    if (bad)
        return fail_at(e, ERR_USER, sql_place(text, (size_t)(bad - text), at, 0), "syntax error");
    return sqltext_refs(a, text, at, ret, ret_n, e);
}
static const struct engine_driver names_only = {.name = "names", .refs = find_refs};

static void dump(const struct project *p, struct buf *out)
{
    buf_addf(out, "%s:", strncmp(p->name, "cupel-t-", 8) == 0 ? "(its folder)" : p->name);
    for (size_t i = 0; i < p->nassets; i++) {
        const struct asset *x = &p->assets[i];
        buf_addf(out, " %s", x->name);
        for (size_t k = 0; k < x->nneeds; k++) {
            CHECK(x->needs[k] < i);
            buf_addf(out, "%s%s", k ? "," : "<", p->assets[x->needs[k]].name);
        }
        if (!x->model)
            continue;
        for (size_t k = 0; k < x->model->ninputs; k++)
            buf_addf(out, "%s%s", k ? "," : "[", x->model->inputs[k]);
        buf_addf(out, "%s", x->model->ninputs ? "]" : "");
    }
    for (size_t i = 0; i < p->npages; i++)
        buf_addf(out, " page:%s", p->pages[i].name);
}

static void read_project(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct err e;
    case_files = true;
    struct project *p = case_project(a, input, problems, &e);
    if (!p) {
        buf_addf(out, "failed: %s [%s]", e.msg, e.hint);
        return;
    }
    project_link(p, &names_only, NULL, problems);
    dump(p, out);
    for (size_t i = 0; i < p->nassets; i++)
        CHECK(project_asset(p, p->assets[i].name) == &p->assets[i]);
}

TEST(projects_are_read_and_linked_with_their_mistakes)
{
    cases_run("project", read_project);
}

/* --- finding cupel.yaml --- */

TEST(cupel_yaml_is_looked_for_upwards)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct project *p;
    struct err e;
    char dir[] = "/tmp/cupel-t-project-XXXXXX", real[4096];
    REQUIRE(mkdtemp(dir) && realpath(dir, real));
    const char *deep = arena_fmt(a, "%s/models/silver", dir);
    REQUIRE(fs_mkdirs(deep, &e));
    REQUIRE(fs_write_atomic(arena_fmt(a, "%s/cupel.yaml", dir), "name: up\n", 9, &e));

    const struct project_options o = {.dir = deep};
    REQUIRE(project_load(a, &o, &p, &problems, &e));
    CHECK_STR(p->name, "up");
    CHECK_STR(p->root, real);
    CHECK_STR(p->state, arena_fmt(a, "%s/.cupel", real));
    CHECK_STR(p->env, "default");
    CHECK_INT(problems.n, 0);
    REQUIRE(fs_remove_tree(dir, &e));

    CASE("a folder that is not there");
    CHECK(!project_load(a, &o, &p, &problems, &e));
    CHECK_INT(e.kind, ERR_USER);
    CHECK_HAS(e.msg, "no such folder");
}

TEST(no_project_is_an_error_that_says_how_to_make_one)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct project *p;
    struct err e;
    char dir[] = "/tmp/cupel-t-project-XXXXXX";
    REQUIRE(mkdtemp(dir));
    const struct project_options o = {.dir = dir};
    CHECK(!project_load(a, &o, &p, &problems, &e));
    CHECK_INT(e.kind, ERR_USER);
    CHECK_STR(e.msg, arena_fmt(a, "no cupel.yaml in '%s' nor above it", dir));
    CHECK_HAS(e.hint, "cupel init");
    REQUIRE(fs_remove_tree(dir, &e));
}

/* --- looking up --- */

static struct project *small(struct arena *a)
{
    struct problems problems = {.a = a};
    struct err e;
    struct project *p =
        case_project(a,
                     "sources/tmdb.yaml = kind: http\nbase_url: http://h\nresources: {m: {path: /m, into: "
                     "bronze.movies}} || "
                     "models/silver/movies.sql = SELECT * FROM bronze.movies || "
                     "models/silver/v.sql = /*---\nmode: view\n---*/ SELECT * FROM silver.movies || "
                     "models/gold/top.sql = SELECT * FROM silver.v || "
                     "models/gold/bad.sql = SELECT * FROM quarantine.silver_movies, bronze.extraction_log",
                     &problems, &e);
    REQUIRE(p);
    project_link(p, &names_only, NULL, &problems);
    CHECK_INT(problems.n, 0);
    return p;
}

TEST(every_table_has_a_maker)
{
    auto_arena *a = arena_new();
    struct project *p = small(a);
    static const struct {
        const char *table, *maker, *ddl;
    } cases[] = {
        {"bronze.movies", "tmdb", "id VARCHAR"},
        {"bronze.extraction_log", "tmdb", "source VARCHAR, resource VARCHAR"},
        {"silver.movies", "silver.movies", NULL},
        {"quarantine.silver_movies", "silver.movies", "reasons VARCHAR[]"},
        {"quarantine.silver_v", NULL, NULL},
        {"silver.moves", NULL, NULL},
        {"tmdb", NULL, NULL},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].table);
        const struct asset *maker = project_table(p, cases[i].table);
        const char *ddl = project_table_ddl(p, cases[i].table);
        CHECK_STR(maker ? maker->name : NULL, cases[i].maker);
        CHECK(!ddl == !cases[i].ddl);
        if (ddl)
            CHECK_HAS(ddl, cases[i].ddl);
    }
    CHECK(!project_asset(p, "silver.moves"));
}

static uint64_t fingerprint_of_top(struct arena *a, const char *view)
{
    struct problems problems = {.a = a};
    struct err e;
    struct project *p = case_project(
        a,
        arena_fmt(a,
                  "models/a/v.sql = /*---\nmode: view\n---*/ %s || models/a/w.sql = /*---\nmode: view\n---*/ "
                  "SELECT * FROM a.v || models/a/top.sql = SELECT * FROM a.w",
                  view),
        &problems, &e);
    REQUIRE(p);
    project_link(p, &names_only, NULL, &problems);
    return project_asset(p, "a.top")->model->fingerprint;
}

TEST(what_a_view_says_is_in_the_fingerprint_of_its_readers)
{
    auto_arena *a = arena_new();
    CHECK(fingerprint_of_top(a, "SELECT 1") == fingerprint_of_top(a, "SELECT   1 -- one\n"));
    CHECK(fingerprint_of_top(a, "SELECT 1") != fingerprint_of_top(a, "SELECT 2"));
}

TEST(a_long_chain_is_put_in_order)
{
    enum { LENGTH = 3000 };
    auto_arena *a = arena_new();
    struct internals *in = arena_make(a, struct internals, 1);
    struct problems problems = {.a = a};
    struct project p = {.a = a, .in = in, .models = arena_make(a, struct model, LENGTH), .nmodels = LENGTH};
    const struct reader r = {.a = a, .problems = &problems};
    in->notes = arena_make(a, struct model_notes, LENGTH);
    for (size_t i = 0; i < LENGTH; i++) { /* each reads the next, the last none */
        p.models[i] =
            (struct model){.name = arena_fmt(a, "s.m%05zu", i), .path = "m.sql", .sql_at = {"m.sql", 1, 1}};
        p.models[i].sql = i + 1 < LENGTH ? arena_fmt(a, "SELECT * FROM s.m%05zu", i + 1) : "SELECT 1";
        REQUIRE(maker_add(&p, &r, p.models[i].name, (struct maker){MAKER_MODEL, i, NULL, {0}, false}));
    }
    project_link(&p, &names_only, NULL, &problems);
    CHECK_INT(problems.n, 0);
    REQUIRE(p.nassets == LENGTH);
    CHECK_STR(p.assets[0].name, "s.m02999");
    CHECK_STR(p.assets[LENGTH - 1].name, "s.m00000");
}

/* --- selecting --- */

static struct project *chain(struct arena *a)
{
    struct problems problems = {.a = a};
    struct err e;
    struct project *p =
        case_project(a,
                     "sources/api.yaml = kind: http\nbase_url: http://h\ntags: raw\nresources: {m: {path: "
                     "/m, into: bronze.m}} || "
                     "models/silver/a.sql = /*---\ntags: [hourly, big]\n---*/ SELECT * FROM bronze.m || "
                     "models/silver/b.sql = /*---\ntags: hourly\n---*/ SELECT * FROM silver.a || "
                     "models/gold/c.sql = SELECT * FROM silver.b || "
                     "models/gold/d.sql = SELECT * FROM silver.a || "
                     "models/gold/e.sql = SELECT 1",
                     &problems, &e);
    REQUIRE(p);
    project_link(p, &names_only, NULL, &problems);
    CHECK_INT(problems.n, 0);
    return p;
}

static void select_cases(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    static struct arena *own;
    static struct project *p;
    if (!p) {
        own = arena_new();
        p = chain(own);
    }
    (void)problems;
    const char *bar = strstr(input, " -- ");
    const char *select = arena_strn(a, input, bar ? (size_t)(bar - input) : strlen(input));
    bool chosen[16];
    struct err e;
    if (!project_select(p, strcmp(select, "all") == 0 ? NULL : select, bar ? bar + 4 : NULL, chosen, &e)) {
        problems_add(problems, &e);
        return;
    }
    for (size_t i = 0; i < p->nassets; i++)
        if (chosen[i])
            buf_addf(out, "%s%s", out->len ? " " : "", p->assets[i].name);
    if (input[0] == '\n') { /* the last case */
        arena_free(own);
        p = NULL;
    }
}

TEST(selectors_mean_what_they_mean_in_dbt)
{
    cases_run("select", select_cases);
}
