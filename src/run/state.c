#include "run/state.h"

#include <sqlite3.h>
#include <stdio.h>
#include <string.h>

#include "base/fs.h"
#include "base/log.h"

struct state {
    sqlite3 *db;
};

static const char schema[] =
    "PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL;"
    "CREATE TABLE IF NOT EXISTS runs(id TEXT PRIMARY KEY, state TEXT, options TEXT,"
    " now_us INTEGER, started_us INTEGER, finished_us INTEGER);"
    "CREATE TABLE IF NOT EXISTS tasks(run TEXT, name TEXT, kind TEXT, state TEXT,"
    " attempts INTEGER, started_us INTEGER, seconds REAL, rows INTEGER,"
    " quarantined INTEGER, version INTEGER, note TEXT, error TEXT, PRIMARY KEY(run, name));"
    "CREATE TABLE IF NOT EXISTS checks(run TEXT, task TEXT, name TEXT, severity TEXT,"
    " failed INTEGER);"
    "CREATE INDEX IF NOT EXISTS checks_run ON checks(run, task);";

static void close_db(void *arg)
{
    sqlite3_close_v2(((struct state *)arg)->db);
}

static bool try_open(const char *path, struct state *s)
{
    if (sqlite3_open_v2(path, &s->db, SQLITE_OPEN_READWRITE | SQLITE_OPEN_CREATE, NULL) == SQLITE_OK) {
        sqlite3_busy_timeout(s->db, 5000);
        if (sqlite3_exec(s->db, schema, NULL, NULL, NULL) == SQLITE_OK)
            return true;
    }
    return false;
}

bool state_open(struct arena *a, const char *dir, struct state **ret, const char **ret_note, struct err *e)
{
    struct state *s = arena_make(a, struct state, 1);
    const char *path = fs_join(a, dir, "state.db");
    *ret_note = NULL;
    if (!try_open(path, s)) {
        int code = sqlite3_errcode(s->db);
        char *why = arena_str(a, sqlite3_errmsg(s->db));
        sqlite3_close_v2(s->db);
        s->db = NULL;
        if (code != SQLITE_CORRUPT && code != SQLITE_NOTADB)
            return fail(e, ERR_IO, "history '%s': %s", path, why);
        const char *aside = arena_fmt(a, "%s.bad", path);
        if (rename(path, aside) != 0)
            return fs_fail(e, "cannot move aside", path);
        struct err ignored;
        if (!fs_remove(arena_fmt(a, "%s-wal", path), &ignored) ||
            !fs_remove(arena_fmt(a, "%s-shm", path), &ignored))
            log_debug(EV("state.leftover"), KV("file", path));
        *ret_note = arena_fmt(a, "the history was damaged (%s): moved to %s, begun anew", why, aside);
        if (!try_open(path, s)) {
            fail(e, ERR_IO, "history '%s': %s", path, sqlite3_errmsg(s->db));
            sqlite3_close_v2(s->db);
            return false;
        }
    }
    arena_defer(a, close_db, s);
    *ret = s;
    return true;
}

/* A path as SQLite's URIs spell it. */
static void add_uri(struct buf *b, const char *path, const char *options)
{
    buf_addf(b, "file:");
    for (const char *p = path; *p; p++)
        if (strchr("?#%", *p))
            buf_addf(b, "%%%02X", (unsigned)*p);
        else
            buf_add(b, p, 1);
    buf_addf(b, "?%s", options);
}

static bool try_look(const char *path, const char *options, struct state *s)
{
    auto_buf uri = BUF(1 << 16);
    add_uri(&uri, path, options);
    sqlite3_close_v2(s->db);
    s->db = NULL;
    if (sqlite3_open_v2(uri.p, &s->db, SQLITE_OPEN_READONLY | SQLITE_OPEN_URI, NULL) != SQLITE_OK)
        return false;
    sqlite3_busy_timeout(s->db, 5000);
    return sqlite3_exec(s->db, "SELECT count(*) FROM runs", NULL, NULL, NULL) == SQLITE_OK;
}

bool state_look(struct arena *a, const char *dir, struct state **ret, struct err *e)
{
    struct state *s = arena_make(a, struct state, 1);
    const char *path = fs_join(a, dir, "state.db");
    arena_defer(a, close_db, s);
    /* Its write-ahead log needs a file beside it; where none can be made, nobody is writing either. */
    if (!try_look(path, "mode=ro", s) && !try_look(path, "immutable=1", s)) {
        fail(e, ERR_IO, "history '%s': %s", path, sqlite3_errmsg(s->db));
        return hint(e, "the next run moves a damaged one aside and begins anew");
    }
    *ret = s;
    return true;
}

/* The history is a courtesy: what it cannot hold is said at debug level and nothing stops. */
struct bound {
    enum { B_TEXT, B_INT, B_REAL } type;
    const char *text;
    int64_t num;
    double real;
};
#define TEXT(s) ((struct bound){B_TEXT, .text = (s)})
#define INT(n)  ((struct bound){B_INT, .num = (n)})
#define REAL(x) ((struct bound){B_REAL, .real = (x)})

static void put(struct state *s, const char *sql, const struct bound *v, size_t n)
{
    sqlite3_stmt *st = NULL;
    int rc = sqlite3_prepare_v2(s->db, sql, -1, &st, NULL);
    for (size_t i = 0; rc == SQLITE_OK && i < n; i++) {
        int at = (int)i + 1;
        if (v[i].type == B_INT)
            rc = sqlite3_bind_int64(st, at, v[i].num);
        else if (v[i].type == B_REAL)
            rc = sqlite3_bind_double(st, at, v[i].real);
        else
            rc = sqlite3_bind_text(st, at, v[i].text, -1, SQLITE_STATIC);
    }
    if (rc == SQLITE_OK)
        rc = sqlite3_step(st);
    if (rc != SQLITE_DONE)
        log_debug(EV("state.lost"), KV("why", sqlite3_errmsg(s->db)));
    sqlite3_finalize(st);
}
#define PUT(s, sql, ...)                                                                                     \
    put(s, sql, (const struct bound[]){__VA_ARGS__}, countof(((const struct bound[]){__VA_ARGS__})))

void state_run_begun(struct state *s, const struct run *r, const char *spelled)
{
    PUT(s,
        "INSERT INTO runs(id, state, options, now_us, started_us) VALUES(?, 'running', ?, ?, ?)"
        " ON CONFLICT(id) DO UPDATE SET state = 'running'",
        TEXT(r->id), TEXT(spelled), INT(r->now_us), INT(r->started_us));
}

void state_task(struct state *s, const struct run *r, const struct run_task *t)
{
    PUT(s, "INSERT OR REPLACE INTO tasks VALUES(?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", TEXT(r->id),
        TEXT(t->asset->name), TEXT(t->asset->kind == ASSET_SOURCE ? "source" : "model"),
        TEXT(task_state_name(t->state)), INT(t->attempts), INT(t->started_us), REAL(t->seconds),
        INT(t->result.rows), INT(t->result.quarantined), INT(t->result.version), TEXT(t->result.note),
        TEXT(t->err.kind ? t->err.msg : NULL));
    if (t->state == TASK_RUNNING)
        return;
    PUT(s, "DELETE FROM checks WHERE run = ? AND task = ?", TEXT(r->id), TEXT(t->asset->name));
    for (size_t i = 0; i < t->result.nchecks; i++) {
        const struct check_result *c = &t->result.checks[i];
        PUT(s, "INSERT INTO checks VALUES(?, ?, ?, ?, ?)", TEXT(r->id), TEXT(t->asset->name), TEXT(c->name),
            TEXT(c->severity), INT(c->failed));
    }
}

void state_run_done(struct state *s, const struct run *r)
{
    PUT(s, "UPDATE runs SET state = ?, finished_us = ? WHERE id = ?", TEXT(r->state), INT(r->finished_us),
        TEXT(r->id));
}

static const char *text_at(struct arena *a, sqlite3_stmt *st, int i)
{
    return arena_str(a, (const char *)sqlite3_column_text(st, i));
}

bool state_runs(struct arena *a, struct state *s, size_t limit, struct state_run **ret, size_t *ret_n,
                struct err *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(
            s->db,
            "SELECT r.id, r.state, r.options, r.now_us, r.started_us, coalesce(r.finished_us, 0),"
            " count(t.run), coalesce(sum(t.state = 'failed'), 0), coalesce(sum(t.rows), 0)"
            " FROM runs r LEFT JOIN tasks t ON t.run = r.id"
            " GROUP BY r.id ORDER BY r.started_us DESC, r.id DESC LIMIT ?",
            -1, &st, NULL) != SQLITE_OK)
        return fail(e, ERR_IO, "history: %s", sqlite3_errmsg(s->db));
    sqlite3_bind_int64(st, 1, limit ? (int64_t)limit : -1);
    struct list_of(struct state_run) runs = {0};
    while (sqlite3_step(st) == SQLITE_ROW)
        *arena_push(a, &runs) = (struct state_run){.id = text_at(a, st, 0),
                                                   .state = text_at(a, st, 1),
                                                   .options = text_at(a, st, 2),
                                                   .now_us = sqlite3_column_int64(st, 3),
                                                   .started_us = sqlite3_column_int64(st, 4),
                                                   .finished_us = sqlite3_column_int64(st, 5),
                                                   .tasks = sqlite3_column_int64(st, 6),
                                                   .failed = sqlite3_column_int64(st, 7),
                                                   .rows = sqlite3_column_int64(st, 8)};
    sqlite3_finalize(st);
    *ret = runs.v;
    *ret_n = runs.n;
    return true;
}

bool state_tasks(struct arena *a, struct state *s, const char *run, struct state_task **ret, size_t *ret_n,
                 struct err *e)
{
    sqlite3_stmt *st;
    if (sqlite3_prepare_v2(
            s->db,
            "SELECT name, state, error, note, started_us, attempts, rows, quarantined, version,"
            " seconds FROM tasks WHERE run = ? ORDER BY started_us, name",
            -1, &st, NULL) != SQLITE_OK)
        return fail(e, ERR_IO, "history: %s", sqlite3_errmsg(s->db));
    sqlite3_bind_text(st, 1, run, -1, SQLITE_STATIC);
    struct list_of(struct state_task) tasks = {0};
    while (sqlite3_step(st) == SQLITE_ROW)
        *arena_push(a, &tasks) = (struct state_task){.name = text_at(a, st, 0),
                                                     .state = text_at(a, st, 1),
                                                     .error = text_at(a, st, 2),
                                                     .note = text_at(a, st, 3),
                                                     .started_us = sqlite3_column_int64(st, 4),
                                                     .attempts = sqlite3_column_int64(st, 5),
                                                     .rows = sqlite3_column_int64(st, 6),
                                                     .quarantined = sqlite3_column_int64(st, 7),
                                                     .version = sqlite3_column_int64(st, 8),
                                                     .seconds = sqlite3_column_double(st, 9)};
    sqlite3_finalize(st);
    *ret = tasks.v;
    *ret_n = tasks.n;
    return true;
}
