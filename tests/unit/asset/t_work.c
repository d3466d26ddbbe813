#include "asset/internal.h"
#include "lake/lake_test.h"

/* A project of one model over bronze.e and bronze.f, and a lake whose tables have no rows but a history. */
struct world {
    struct arena *a;
    struct workshop w;
    struct project *project;
    struct task t;
};

static void put(struct world *x, const char *name, const char *text)
{
    struct err e;
    const char *path = fs_join(x->a, x->w.lake->root, name);
    char *dir = arena_str(x->a, path);
    *strrchr(dir, '/') = '\0';
    if (!fs_mkdirs(dir, &e) || !fs_write_atomic(path, text, strlen(text), &e))
        BAD("%s", e.msg);
}

static void open_world(struct world *x, struct arena *a, const char *header, const char *sql)
{
    static const char input[] = "/*---\nmode: append\n---*/ SELECT 1 AS id";
    static atomic_bool never;
    struct lake_table any = test_table(a);
    struct problems problems = {.a = a};
    struct err e = {0};
    *x = (struct world){.a = a, .w = {.driver = &engine_duckdb, .lake = any.store, .clock = &test_clock}};
    put(x, "cupel.yaml", "name: t\nlake: lake\n");
    put(x, "models/bronze/e.sql", input);
    put(x, "models/bronze/f.sql", input);
    put(x, "models/bronze/v.sql", "/*---\nmode: view\n---*/ SELECT * FROM bronze.f");
    put(x, "models/silver/t.sql", arena_fmt(a, "/*---\n%s\n---*/\n%s", header, sql));
    const struct project_options o = {.dir = any.store->root};
    REQUIRE(project_load(a, &o, &x->project, &problems, &e));
    project_link(x->project, &engine_duckdb, NULL, &problems);
    if (problems.n)
        BAD("%s", problems.v[0].msg);
    x->w.project = x->project;
    x->w.params = (struct run_params){.now_us = 5000, .start_us = INT64_MIN, .end_us = INT64_MAX};
    x->t = (struct task){.a = a, .run_id = "r", .name = "t", .clock = &test_clock, .cancel = &never};
}

/* Without txns a commit adds a row. */
static void commit(struct world *x, const char *name, const struct lake_txn *txns, size_t ntxns,
                   const struct lake_property *properties, size_t nproperties)
{
    struct err e = {0};
    struct lake_table t = asset_table(x->a, &x->w, name);
    struct lake_snapshot *base;
    int64_t version;
    REQUIRE(table_latest(x->a, &t, &base, &e));
    const struct lake_file f =
        test_file(x->a, &t, arena_fmt(x->a, "part-%d", base ? (int)base->version + 1 : 0));
    const struct lake_commit c = {.base = base,
                                  .adds = &f,
                                  .nadds = ntxns ? 0 : 1,
                                  .schema = base ? NULL : &test_schema,
                                  .txns = txns,
                                  .ntxns = ntxns,
                                  .properties = properties,
                                  .nproperties = nproperties};
    if (!lake_commit(x->a, &t, &c, &version, &e))
        BAD("%s", e.msg);
}

static const struct model *model(const struct world *x)
{
    const struct asset *a = project_asset(x->project, "silver.t");
    REQUIRE(a);
    return a->model;
}

TEST(what_makes_a_model_run)
{
    static const char plain[] = "SELECT id FROM bronze.e", both[] = "SELECT e.id FROM bronze.e e, bronze.v v",
                      clock[] = "SELECT id, $now AS n FROM bronze.e",
                      range[] = "SELECT id FROM bronze.e WHERE $start < $end";
    static const char inc[] = "mode: merge\nkey: id\nincremental: bronze.e", app[] = "mode: append";
    static const struct {
        const char *label, *header, *sql;
        int e, f;                 /* versions that the inputs have, -1 = none */
        const char *marks;        /* "e 1, f 0, $now 5000": the table's watermarks; NULL = no table */
        bool refresh, other_text; /* asked for; the table was made by another text */
        int64_t start_us;
        int marked; /* commits to bronze.e behind all others that only set a watermark */
        bool stale;
        const char *reason;
    } cases[] = {
        {"new", "", plain, 0, -1, NULL, .stale = true, .reason = "the table does not exist yet"},
        {"nothing moved", "", plain, 1, -1, "e 1", .reason = "up to date"},
        {"one commit", "", plain, 1, -1, "e 0", .stale = true, .reason = "1 new commit of bronze.e"},
        {"two commits", inc, plain, 2, -1, "e 0", .stale = true, .reason = "2 new commits of bronze.e"},
        {"no row changed", "", plain, 0, -1, "e 0", .marked = 2, .reason = "up to date"},
        {"no row changed, and it goes along", inc, plain, 0, -1, "e 0", .marked = 2, .stale = true,
         .reason = "2 new commits of bronze.e"},
        {"not read yet", "", plain, 1, -1, "", .stale = true, .reason = "bronze.e is new"},
        {"not there", "", plain, -1, -1, "", .reason = "up to date"},
        {"not there any more", "", plain, -1, -1, "e 7", .reason = "up to date"},
        {"made anew", inc, plain, 1, -1, "e 7", .stale = true, .reason = "bronze.e was made anew"},
        {"behind a view", "", both, 0, 3, "e 0, f 1", .stale = true, .reason = "2 new commits of bronze.f"},
        {"only looked up", inc, both, 0, 3, "e 0, f 1", .reason = "up to date"},
        {"asked for", inc, plain, 1, -1, "e 1", .refresh = true, .stale = true,
         .reason = "full refresh asked for"},
        {"another text", "", plain, 1, -1, "e 1", .other_text = true, .stale = true,
         .reason = "its definition changed"},
        {"another text of what is appended", app, plain, 1, -1, "e 1", .other_text = true,
         .reason = "up to date; its definition changed: --full-refresh would make all rows anew"},
        {"another text of an incremental one", inc, plain, 1, -1, "e 1", .other_text = true,
         .reason = "up to date; its definition changed: --full-refresh would make all rows anew"},
        {"the same clock", "", clock, 1, -1, "e 1, $now 5000", .reason = "up to date"},
        {"the clock moved", "", clock, 1, -1, "e 1, $now 4000", .stale = true,
         .reason = "it reads the clock"},
        {"not for incremental ones", inc, clock, 1, -1, "e 1", .reason = "up to date"},
        {"a range", "", range, 1, -1, "e 1, $now 5000", .start_us = 7, .stale = true,
         .reason = "another range was asked for"},
        {"no range any more", "", range, 1, -1, "e 1, $now 5000, $range 77", .stale = true,
         .reason = "another range was asked for"},
        {"a range for an incremental one", inc, range, 1, -1, "e 1", .start_us = 7, .stale = true,
         .reason = "a range was asked for"},
        {"a range that it does not read", inc, plain, 1, -1, "e 1", .start_us = 7, .reason = "up to date"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_arena *a = arena_new();
        struct world x;
        struct model_work work;
        struct err e = {0};
        CASE(cases[i].label);
        open_world(&x, a, cases[i].header, cases[i].sql);
        for (int v = 0; v <= cases[i].e; v++)
            commit(&x, "bronze.e", NULL, 0, NULL, 0);
        for (int v = 0; v <= cases[i].f; v++)
            commit(&x, "bronze.f", NULL, 0, NULL, 0);
        for (int v = 0; v < cases[i].marked; v++)
            commit(&x, "bronze.e", &(struct lake_txn){"app", v}, 1, NULL, 0);
        struct list_of(struct lake_txn) txns = {0};
        for (char *p = arena_str(a, cases[i].marks), *mark; p && *p && (mark = strsep(&p, ",")) != NULL;) {
            mark += strspn(mark, " ");
            char *number = strchr(mark, ' ');
            *number = '\0';
            const char *input = *mark == '$' ? mark : arena_fmt(a, "bronze.%s", mark);
            *arena_push(a, &txns) = (struct lake_txn){watermark_id(a, "silver.t", input), atol(number + 1)};
        }
        const struct lake_property text = {"cupel.fingerprint",
                                           cases[i].other_text ? "x" : fingerprint_text(a, model(&x))};
        if (cases[i].marks)
            commit(&x, "silver.t", txns.v, txns.n, &text, 1);
        x.w.full_refresh = cases[i].refresh;
        if (cases[i].start_us)
            x.w.params.start_us = cases[i].start_us;
        REQUIRE(model_work(&x.t, &x.w, model(&x), &work, &e));
        CHECK_INT(work.stale, cases[i].stale);
        CHECK_STR(work.reason, cases[i].reason);
        REQUIRE(model_inputs(a, &x.w, model(&x), &work, &e));
        for (size_t k = 0; k < work.ninputs; k++)
            CHECK_INT(work.inputs[k].snap ? work.inputs[k].snap->version : -1, work.inputs[k].latest);
    }
}

/* A run that was killed between the two commits has read its inputs as far as the quarantine says. */
TEST(inputs_are_held_at_what_the_quarantine_has_seen)
{
    auto_arena *a = arena_new();
    struct world x;
    struct model_work work;
    struct err e = {0};
    open_world(&x, a, "mode: merge\nkey: id\nincremental: bronze.e",
               "SELECT e.id FROM bronze.e AS e, bronze.f");
    for (int v = 0; v < 5; v++) {
        commit(&x, "bronze.e", NULL, 0, NULL, 0);
        commit(&x, "bronze.f", NULL, 0, NULL, 0);
    }
    const struct lake_txn seen[] = {{"cupel/silver.t/bronze.e", 1}, {"cupel/silver.t/bronze.f", 0}};
    const struct lake_txn held[] = {{"cupel/silver.t/bronze.e", 3}, {"cupel/silver.t/bronze.f", 2}};
    commit(&x, "silver.t", seen, 2, NULL, 0);
    commit(&x, "quarantine.silver_t", held, 2, NULL, 0);
    REQUIRE(model_work(&x.t, &x.w, model(&x), &work, &e) && model_inputs(a, &x.w, model(&x), &work, &e));
    CHECK_INT(work.inputs[0].snap->version, 3);
    CHECK_INT(work.inputs[1].snap->version, 2);
    commit(&x, "silver.t", held, 2, NULL, 0); /* published: on to the latest */
    REQUIRE(model_work(&x.t, &x.w, model(&x), &work, &e) && model_inputs(a, &x.w, model(&x), &work, &e));
    CHECK_INT(work.inputs[0].snap->version, 4);
    CHECK_INT(work.inputs[1].snap->version, 4);
}

TEST(what_a_range_cannot_be_asked_of)
{
    static const char sql[] = "SELECT id FROM bronze.e WHERE $start < $end";
    for (int refresh = 0; refresh < 2; refresh++) {
        auto_arena *a = arena_new();
        struct world x;
        struct model_work work;
        struct err e = {0};
        open_world(&x, a,
                   refresh ? "mode: merge\nkey: id\nincremental: bronze.e"
                           : "mode: append\nincremental: bronze.e",
                   sql);
        x.w.params.end_us = 7;
        x.w.full_refresh = refresh;
        CHECK(!model_work(&x.t, &x.w, model(&x), &work, &e));
        CHECK_INT(e.kind, ERR_USER);
        CHECK_HAS(e.msg, refresh ? "a full refresh makes all rows" : "would double its rows");
    }
}
