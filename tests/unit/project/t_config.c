#include <sys/stat.h>
#include <unistd.h>

#include "cases.h"

static void dump_param(const struct engine_param *p, struct buf *out)
{
    buf_addf(out, "%s", p->name);
    switch (p->type) {
    case PARAM_TEXT:
        buf_addf(out, "='%s'", p->text);
        break;
    case PARAM_INT:
        buf_addf(out, "=%lld", (long long)p->num);
        break;
    case PARAM_REAL:
        buf_addf(out, "=");
        text_real(out, p->real);
        buf_addf(out, "r");
        break;
    case PARAM_BOOL:
        buf_addf(out, "=%s", p->num ? "yes" : "no");
        break;
    case PARAM_TIMESTAMP:
    case PARAM_DATE:
        buf_addf(out, "=@%lld", (long long)p->num);
        break;
    case PARAM_TEXTS:
        for (size_t i = 0; i < p->n; i++)
            buf_addf(out, "%s'%s'", i ? "," : "=[", p->texts[i]);
        buf_addf(out, "%s]", p->n ? "" : "=[");
        break;
    case PARAM_INTS:
        for (size_t i = 0; i < p->n; i++)
            buf_addf(out, "%s%lld", i ? "," : "=[", (long long)p->nums[i]);
        buf_addf(out, "]");
        break;
    }
}

static void dump(const struct project *p, struct buf *out)
{
    buf_addf(out, "%s %s threads=%d memory=%lld", p->name, p->lake, p->engine.threads,
             (long long)p->engine.memory_bytes);
    for (size_t i = 0; i < p->nvars; i++) {
        buf_addf(out, " ");
        dump_param(&p->vars[i].value, out);
    }
}

static const char *said(const char *s)
{
    return !s ? "-" : *s ? s : "''";
}

static void dump_storage(const struct store_conf *c, struct buf *out)
{
    static const char *const styles[] = {"", " path", " host"};
    buf_addf(out, " s3=%s,%s,%s,%s,%s%s", said(c->s3.endpoint), said(c->s3.region), said(c->s3.access_key),
             said(c->s3.secret_key), said(c->s3.session_token), styles[c->s3.style]);
    buf_addf(out, " hdfs=%s", said(c->hdfs.user));
    for (size_t i = 0; i < c->hdfs.nnamenodes; i++)
        buf_addf(out, ",%s", c->hdfs.namenodes[i]);
    buf_addf(out, " cache=%s,%lld,%lld", said(c->cache), (long long)c->cache_bytes, (long long)c->timeout_ms);
}

/* An input of "-e dev --var a=1 : name: x" has options before the colon. */
static void read_config(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    struct project p = {
        .a = a, .root = "/home/me/demo", .env = "default", .in = arena_make(a, struct internals, 1)};
    struct project_options o = {0};
    const char *vars[9] = {0};
    size_t n = 0;
    struct err e;
    const char *colon = strstr(input, " : ");
    if (*input == '-' && colon) {
        for (const char *s = input; s < colon; s += strcspn(s, " "), s += *s == ' ') {
            const char *word = arena_strn(a, s, strcspn(s, " "));
            if (strncmp(word, "-e", 2) == 0)
                p.env = word + 2;
            else if (n < 8 && *word)
                vars[n++] = word + 1;
        }
        o.vars = vars;
        input = colon + 3;
    }
    if (!config_read(&p, &o, input, strlen(input), problems, &e)) {
        buf_addf(out, "failed: %s [%s]", e.msg, e.hint);
        return;
    }
    dump(&p, out);
    if (strstr(input, "storage"))
        dump_storage(&p.storage, out);
}

TEST(config_is_read_with_its_mistakes)
{
    setenv("CUPEL_T_SET", "from-env", 1);
    setenv("CUPEL_T_FIVE", "5", 1);
    setenv("CUPEL_T_EMPTY", "", 1);
    unsetenv("CUPEL_T_UNSET");
    static const char *const of_storage[] = {
        "AWS_ENDPOINT_URL_S3", "AWS_ENDPOINT_URL",      "AWS_DEFAULT_REGION", "AWS_REGION",
        "AWS_ACCESS_KEY_ID",   "AWS_SECRET_ACCESS_KEY", "HADOOP_USER_NAME"};
    for (size_t i = 0; i < countof(of_storage); i++)
        unsetenv(of_storage[i]);
    setenv("AWS_DEFAULT_REGION", "of-env", 1);
    setenv("AWS_SESSION_TOKEN", "token-of-env", 1);
    cases_run("config", read_config);
}

/* --- .env --- */

static char *folder(struct arena *a)
{
    char *dir = arena_str(a, "/tmp/cupel-t-config-XXXXXX");
    REQUIRE(mkdtemp(dir));
    return dir;
}

static void read_dotenv(struct arena *a, const char *input, struct problems *problems, struct buf *out)
{
    const char *dir = folder(a);
    struct environment env = {0};
    struct err e;
    REQUIRE(fs_write_atomic(fs_join(a, dir, ".env"), input, strlen(input), &e));
    environment_read(a, dir, &env, problems);
    for (size_t i = 0; i < env.names.n; i++)
        buf_addf(out, "%s%s=<%s>", i ? " " : "", env.names.v[i].name, env.values.v[i]);
    REQUIRE(fs_remove_tree(dir, &e));
}

TEST(dotenv_is_read_with_its_mistakes)
{
    cases_run("dotenv", read_dotenv);
}

TEST(the_real_environment_wins)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct environment env = {0};
    struct err e;
    const char *dir = folder(a);
    static const char text[] = "CUPEL_T_SET=from-file\nCUPEL_T_FILE=file\n";
    setenv("CUPEL_T_SET", "from-env", 1);
    unsetenv("CUPEL_T_FILE");
    REQUIRE(fs_write_atomic(fs_join(a, dir, ".env"), text, sizeof text - 1, &e));
    environment_read(a, dir, &env, &problems);
    CHECK_STR(environment_get(&env, "CUPEL_T_SET"), "from-env");
    CHECK_STR(environment_get(&env, "CUPEL_T_FILE"), "file");
    CHECK(!environment_get(&env, "CUPEL_T_NONE"));
    CHECK(!environment_get(NULL, "CUPEL_T_NONE"));
    REQUIRE(fs_remove_tree(dir, &e));
}

TEST(a_mistake_in_dotenv_does_not_show_its_line)
{
    auto_arena *a = arena_new();
    struct problems problems = {.a = a};
    struct environment env = {0};
    struct err e;
    const char *dir = folder(a);
    static const char text[] = "KEY=\"topsecret\n";
    REQUIRE(fs_write_atomic(fs_join(a, dir, ".env"), text, sizeof text - 1, &e));
    environment_read(a, dir, &env, &problems);
    REQUIRE(problems.n == 1);
    CHECK_STR(problems.v[0].at.file, ".env");
    CHECK_INT(problems.v[0].at.line, 0);
    CHECK(!strstr(problems.v[0].msg, "topsecret"));
    REQUIRE(fs_remove_tree(dir, &e));
}

/* --- problems --- */

static void add(struct problems *p, const char *file, int line, int col, bool warning)
{
    struct err e;
    fail_at(&e, ERR_USER, ((struct src){file, line, col}), "%s:%d:%d", file, line, col);
    if (warning)
        e.kind = ERR_NONE;
    problems_add(p, &e);
}

TEST(problems_are_in_order_of_files_and_lines)
{
    auto_arena *a = arena_new();
    struct problems p = {.a = a};
    add(&p, "b", 2, 1, false);
    add(&p, "a", 9, 1, false);
    add(&p, "b", 1, 5, true);
    add(&p, "b", 1, 3, false);
    REQUIRE(p.n == 4);
    CHECK_STR(p.v[0].msg, "a:9:1");
    CHECK_STR(p.v[1].msg, "b:1:3");
    CHECK_STR(p.v[2].msg, "b:1:5");
    CHECK_STR(p.v[3].msg, "b:2:1");
}

TEST(the_101st_problem_is_only_counted_and_errors_push_warnings_out)
{
    auto_arena *a = arena_new();
    struct problems p = {.a = a};
    for (int i = 1; i <= 101; i++)
        add(&p, "w", i, 1, true);
    CHECK_INT(p.n, 100);
    CHECK_INT(p.total, 100);
    for (int i = 1; i <= 101; i++)
        add(&p, "e", i, 1, false);
    CHECK_INT(p.n, 100);
    CHECK_INT(p.total, 101);
    for (size_t i = 0; i < p.n; i++)
        CHECK_INT(p.v[i].kind, ERR_USER);
}

TEST(run_params_are_bound_by_name)
{
    auto_arena *a = arena_new();
    struct variable vars[] = {{"pages", {.name = "pages", .type = PARAM_INT, .num = 20}, {0}}};
    const struct project p = {.a = a, .vars = vars, .nvars = 1};
    const struct run_params r = {.now_us = 5, .start_us = INT64_MIN, .end_us = INT64_MAX};
    auto_buf out = BUF(1000);
    struct engine_params e = project_params(a, &p, &r);
    for (size_t i = 0; i < e.n; i++) {
        buf_addf(&out, " ");
        dump_param(&e.v[i], &out);
    }
    CHECK_STR(out.p, " now=@5 run_id='' start=@-9223372036854775807 end=@9223372036854775807 pages=20");
}
