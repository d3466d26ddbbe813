#include "cases.h"

static struct arena *lasting;
static struct engine *engine;

static bool open_engine(void)
{
    struct err e;
    const struct engine_conf conf = {.threads = 1, .memory_bytes = 512 << 20};
    if (!lasting) {
        lasting = arena_new();
        if (!engine_duckdb.open(lasting, &conf, &engine, &e)) {
            printf("# %s\n", e.msg);
            return false;
        }
    }
    return engine;
}

static void dump(const struct project *p, struct buf *out)
{
    for (size_t i = 0; i < p->nassets; i++) {
        const struct model *m = p->assets[i].model;
        if (!m)
            continue;
        buf_addf(out, "%s%s", out->len ? "; " : "", m->name);
        for (size_t k = 0; k < m->ncolumns; k++)
            buf_addf(out, "%s%s %s", k ? ", " : "(", m->columns[k].name, m->columns[k].sql_type);
        buf_addf(out, "%s%s", m->ncolumns ? ")" : "", m->reject ? " reject" : "");
    }
}

static void bind(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct err e;
    struct session *s;
    case_files = true;
    struct project *p = case_project(a, input, problems, &e);
    REQUIRE(p);
    auto_arena *of_session = arena_new();
    REQUIRE(engine_duckdb.session(of_session, engine, NULL, &s, &e));
    project_link(p, &engine_duckdb, s, problems);
    project_bind(p, &engine_duckdb, s, problems);
    dump(p, out);
}

TEST(columns_are_found_with_their_mistakes)
{
    REQUIRE(open_engine());
    cases_run("bind", bind);
    arena_free(lasting);
    lasting = NULL;
}
