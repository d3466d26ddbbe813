/* The DuckDB driver: the instance, its sessions, and how a statement is run and stopped. */
#include <errno.h>
#include <inttypes.h>
#include <signal.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/fs.h"
#include "base/text.h"
#include "engine/internal.h"

enum { WATCH_MS = 20 };

int64_t duck_next_id(struct engine *g)
{
    return atomic_fetch_add_explicit(&g->next_id, 1, memory_order_relaxed) + 1;
}

/* --- stopping --- */

static void *watch(void *arg)
{
    struct engine *g = arg;
    pthread_mutex_lock(&g->lock);
    while (!g->stop) {
        if (!g->running) {
            pthread_cond_wait(&g->wake, &g->lock);
            continue;
        }
        for (struct session *s = g->running; s; s = s->next_running)
            if (atomic_load_explicit(s->cancel, memory_order_relaxed))
                duck.interrupt(s->con);
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_nsec += WATCH_MS * 1000000L;
        until.tv_sec += until.tv_nsec / 1000000000L;
        until.tv_nsec %= 1000000000L;
        pthread_cond_timedwait(&g->wake, &g->lock, &until);
    }
    pthread_mutex_unlock(&g->lock);
    return NULL;
}

void duck_watch_begin(struct session *s)
{
    struct engine *g = s->engine;
    if (!s->cancel)
        return;
    pthread_mutex_lock(&g->lock);
    if (!g->watching)
        g->watching = pthread_create(&g->watcher, NULL, watch, g) == 0;
    if (!g->running)
        pthread_cond_signal(&g->wake);
    s->next_running = g->running;
    g->running = s;
    pthread_mutex_unlock(&g->lock);
}

void duck_watch_end(struct session *s)
{
    struct engine *g = s->engine;
    if (!s->cancel)
        return;
    pthread_mutex_lock(&g->lock);
    for (struct session **p = &g->running; *p; p = &(*p)->next_running) {
        if (*p == s) {
            *p = s->next_running;
            break;
        }
    }
    pthread_mutex_unlock(&g->lock);
}

static bool not_canceled(const struct session *s, struct err *e)
{
    return !s->cancel || !atomic_load_explicit(s->cancel, memory_order_relaxed) ||
           fail(e, ERR_CANCELED, "stopped");
}

/* --- statements --- */

/* Whoever only checks and plans is served faster by one thread, which the others would have to be woken
 * beside. */
bool duck_awake(struct engine *g, struct err *e)
{
    char sql[128];
    if (atomic_load_explicit(&g->awake, memory_order_acquire))
        return true;
    if (!duck_engine_need(g, e))
        return false;
    pthread_mutex_lock(&g->con_lock);
    snprintf(sql, sizeof sql, "SET GLOBAL parquet_metadata_cache = true; SET GLOBAL threads = %d",
             g->threads);
    bool ok = atomic_load(&g->awake) || duck_exec(g->con, sql, e);
    atomic_store_explicit(&g->awake, ok, memory_order_release);
    pthread_mutex_unlock(&g->con_lock);
    return ok;
}

bool duck_run(struct session *s, const struct statement *st, duckdb_result *ret, struct err *e)
{
    *ret = (duckdb_result){0};
    if (!not_canceled(s, e) || !duck_session_need(s, e) || !duck_awake(s->engine, e) ||
        !duck_relations_need(s, st->sql, e))
        return false;
    auto_prepared p = NULL;
    duck_watch_begin(s);
    bool ok = duck.prepare(s->con, st->sql, &p) == DuckDBSuccess ||
              duck_fail(e, duck.prepare_error(p), false, st->origin);
    ok = ok && duck_bind_params(p, st->params, e);
    if (ok) {
        duckdb_state done =
            st->stream ? duck.execute_prepared_streaming(p, ret) : duck.execute_prepared(p, ret);
        ok = done == DuckDBSuccess || duck_fail(e, duck.result_error(ret), true, st->origin);
        if (!ok && e->kind != ERR_CANCELED)
            duck_arrow_error(s, e);
    }
    duck_watch_end(s);
    return ok;
}

bool duck_exec(duckdb_connection con, const char *sql, struct err *e)
{
    auto_result r = {0};
    return duck.query(con, sql, &r) == DuckDBSuccess || duck_fail(e, duck.result_error(&r), true, NULL);
}

bool duck_exec_in(struct session *s, const char *sql, struct err *e)
{
    if (!not_canceled(s, e) || !duck_session_need(s, e) || !duck_relations_need(s, sql, e))
        return false;
    duck_watch_begin(s);
    bool ok = duck_exec(s->con, sql, e);
    duck_watch_end(s);
    return ok;
}

static bool duck_read_once(struct session *s, struct err *e)
{
    return duck_awake(s->engine, e) &&
           duck_exec_in(
               s, "SET GLOBAL parquet_metadata_cache = false; SET GLOBAL prefetch_all_parquet_files = true",
               e);
}

/* --- sessions --- */

static void session_close(void *arg)
{
    struct session *s = arg;
    struct engine *g = s->engine;
    if (!s->con)
        return;
    duck_arrow_drop(s, NULL);
    if (s->bind_con)
        duck.disconnect(&s->bind_con);
    duck.disconnect(&s->con);

    char sql[64];
    struct err ignored;
    snprintf(sql, sizeof sql, "DETACH %s", s->catalog);
    pthread_mutex_lock(&g->con_lock);
    /* A failure leaves an empty catalogue behind until the engine is closed: nobody can name it. */
    bool detached = duck_exec(g->con, sql, &ignored);
    (void)detached;
    pthread_mutex_unlock(&g->con_lock);
}

static bool duck_session(struct arena *a, struct engine *g, const struct task *t, struct session **ret,
                         struct err *e)
{
    (void)e;
    struct session *s = arena_make(a, struct session, 1);
    s->engine = g;
    s->a = a;
    s->cancel = t ? t->cancel : NULL;
    s->catalog = arena_fmt(a, "cupel_%" PRIi64, duck_next_id(g));
    arena_defer(a, session_close, s);
    *ret = s;
    return true;
}

bool duck_session_need(struct session *s, struct err *e)
{
    duckdb_connection con;
    if (s->con)
        return true;
    if (!duck_engine_need(s->engine, e))
        return false;
    if (duck.connect(s->engine->db, &con) != DuckDBSuccess)
        return fail(e, ERR_IO, "DuckDB gave no connection");
    if (!duck_exec(con, arena_fmt(s->a, "ATTACH ':memory:' AS %s; USE %s", s->catalog, s->catalog), e)) {
        duck.disconnect(&con);
        return false;
    }
    s->con = con;
    return true;
}

bool duck_bind_con(struct session *s, duckdb_connection *ret, struct err *e)
{
    if (!s->bind_con) {
        duckdb_connection con;
        if (!duck_session_need(s, e))
            return false;
        if (duck.connect(s->engine->db, &con) != DuckDBSuccess)
            return fail(e, ERR_IO, "DuckDB gave no connection");
        if (!duck_exec(con, arena_fmt(s->a, "PRAGMA disable_optimizer; USE %s", s->catalog), e)) {
            duck.disconnect(&con);
            return false;
        }
        s->bind_con = con;
    }
    *ret = s->bind_con;
    return true;
}

/* --- the instance --- */

static void engine_close(void *arg)
{
    struct engine *g = arg;
    pthread_mutex_lock(&g->lock);
    g->stop = true;
    pthread_cond_signal(&g->wake);
    pthread_mutex_unlock(&g->lock);
    if (g->watching)
        pthread_join(g->watcher, NULL);
    if (atomic_load(&g->opened)) {
        duck.disconnect(&g->con);
        duck.close(&g->db);
    }
    pthread_cond_destroy(&g->wake);
    pthread_mutex_destroy(&g->lock);
    pthread_mutex_destroy(&g->open_lock);
    pthread_mutex_destroy(&g->con_lock);
}

/* A spill folder of this process alone: DuckDB's file names are the same in every process. Those of dead
 * processes are removed. */
static const char *spill_dir(struct arena *a, const char *dir)
{
    const char **names;
    size_t n;
    struct err ignored;
    if (fs_list(a, dir, &names, &n, &ignored)) {
        for (size_t i = 0; i < n; i++) {
            int64_t pid;
            if (strncmp(names[i], "spill-", 6) == 0 && text_int(names[i] + 6, &pid, &ignored) && pid > 1 &&
                kill((pid_t)pid, 0) != 0 && errno == ESRCH &&
                !fs_remove_tree(fs_join(a, dir, names[i]), &ignored))
                continue; /* somebody else's: leave it */
        }
    }
    return arena_fmt(a, "%s/spill-%ld", dir, (long)getpid());
}

static int64_t machine_bytes(void)
{
    return (int64_t)sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE);
}

static bool instance_open(struct engine *g, struct err *e)
{
    auto_arena *a = arena_new();
    int64_t bytes = g->conf.memory_bytes > 0 ? g->conf.memory_bytes : machine_bytes() / 10 * 6;
    const char *memory = arena_fmt(a, "%" PRIi64 "B", bytes);
    const struct {
        const char *name, *value;
    } settings[] = {
        {"threads", "1"}, /* until there is data to work on: see duck_awake() */
        {"memory_limit", memory},
        {"temp_directory", g->conf.spill_dir ? spill_dir(a, g->conf.spill_dir) : ""},
        {"autoinstall_known_extensions", "false"},
        {"autoload_known_extensions", "false"},
        {"preserve_insertion_order", "false"}, /* an ORDER BY is kept all the same; memory stays bounded */
        {"errors_as_json", "true"},
        /* The files of a table never change, and the kernel caches them: footers are kept (see duck_awake),
         * not bytes. */
        {"enable_external_file_cache", "false"},
    };
    duckdb_config config;
    if (duck.create_config(&config) != DuckDBSuccess)
        return fail(e, ERR_IO, "DuckDB gave no configuration");
    char *message = NULL;
    bool ok = true;
    for (size_t i = 0; i < countof(settings) && ok; i++)
        ok = duck.set_config(config, settings[i].name, settings[i].value) == DuckDBSuccess ||
             fail(e, ERR_USER, "DuckDB refused %s = '%s'", settings[i].name, settings[i].value);
    if (ok && duck.open_ext(NULL, &g->db, config, &message) != DuckDBSuccess) {
        ok = duck_fail(e, message ? message : "it did not start", false, NULL) || wrap(e, "DuckDB");
        duck.free(message);
    }
    duck.destroy_config(&config);
    return ok;
}

static bool instance_furnish(struct engine *g, struct err *e)
{
    auto_buf sql = BUF(1 << 14);
    buf_addf(&sql, "SET GLOBAL TimeZone = 'UTC'");
    if (g->conf.folder && !strchr(g->conf.folder, ',')) { /* it is a list with commas between */
        buf_addf(&sql, "; SET GLOBAL file_search_path = ");
        sql_literal(&sql, g->conf.folder);
    }
    return buf_done(&sql, e) && duck_exec(g->con, sql.p, e) && duck_functions_register(g, e) &&
           duck_curve_register(g, e) && duck_gates_register(g, e) && duck_books_register(g, e) &&
           duck_arrow_register(g, e);
}

static bool instance_start(struct engine *g, struct err *e)
{
    if (!duck_load(e) || !instance_open(g, e))
        return false;
    if (duck.connect(g->db, &g->con) != DuckDBSuccess) {
        duck.close(&g->db);
        return fail(e, ERR_IO, "DuckDB gave no connection");
    }
    if (duck_exec(g->con, "PRAGMA disable_optimizer", e) && instance_furnish(g, e))
        return true;
    duck.disconnect(&g->con);
    duck.close(&g->db);
    return false;
}

bool duck_engine_need(struct engine *g, struct err *e)
{
    if (atomic_load_explicit(&g->opened, memory_order_acquire))
        return true;
    pthread_mutex_lock(&g->open_lock);
    bool ok = atomic_load(&g->opened) || instance_start(g, e);
    atomic_store_explicit(&g->opened, ok, memory_order_release);
    pthread_mutex_unlock(&g->open_lock);
    return ok;
}

static bool duck_open(struct arena *a, const struct engine_conf *c, struct engine **ret, struct err *e)
{
    (void)e;
    struct engine *g = arena_make(a, struct engine, 1);
    g->conf = *c;
    g->conf.spill_dir = arena_str(a, c->spill_dir);
    g->conf.folder = arena_str(a, c->folder);
    g->threads = c->threads > 0 ? c->threads : (int)sysconf(_SC_NPROCESSORS_ONLN);
    pthread_mutex_init(&g->open_lock, NULL);
    pthread_mutex_init(&g->con_lock, NULL);
    pthread_mutex_init(&g->lock, NULL);
    pthread_cond_init(&g->wake, NULL);
    arena_defer(a, engine_close, g);
    duck_parquet_init(g);
    g->memo = memo_open(a, c->memo);
    *ret = g;
    return true;
}

static const struct lake_parquet *duck_parquet(struct engine *g)
{
    return &g->parquet;
}

static void duck_remember(struct engine *g)
{
    memo_save(g->memo);
}

const struct engine_driver engine_duckdb = {
    .name = "duckdb",
    .open = duck_open,
    .session = duck_session,
    .refs = duck_refs,
    .bind = duck_bind,
    .remember = duck_remember,
    .relation_files = duck_relation_files,
    .relation_empty = duck_relation_empty,
    .relation_ddl = duck_relation_ddl,
    .relation_sql = duck_relation_sql,
    .relation_arrow = duck_relation_arrow,
    .matching_files = duck_matching_files,
    .matching_rows = duck_matching_rows,
    .stage = duck_stage,
    .query = duck_query,
    .exec = duck_exec_in,
    .read_once = duck_read_once,
    .parquet = duck_parquet,
};
