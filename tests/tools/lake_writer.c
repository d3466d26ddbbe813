/* lake_writer.c - one of several processes that write to a table, for tests that kill it and for
 * measurements.
 *
 *     lake_writer TABLE TEMPLATE WRITER FIRST LAST [rewrite]
 *
 * Commits number FIRST to LAST of WRITER, each a copy of the Parquet file TEMPLATE in the partition writer =
 * WRITER, seq = number, with a txn of its own; one that the table has is passed over, so that a writer which
 * was killed can be started again. TEMPLATE "engine": each commit has ten rows that the engine writes, and
 * the table no partitions; for measuring. "rewrite": each commit but the first takes the place of this
 * writer's file before. A line for each: number, version, milliseconds from opening the table to the commit's
 * end; written when the commit was acknowledged. The table: tests/tools/lake_tool create TABLE SCHEMA writer
 * seq.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/fs.h"
#include "engine/engine.h"

struct writer {
    const struct lake_table *t;
    const char *name;
    struct session *engine; /* NULL: the template's bytes are copied */
    const char *bytes;
    size_t n;
    bool rewrite;
};

/* This writer's file of a number below seq. */
static const struct lake_file *last_file(const struct lake_snapshot *s, const char *name, int64_t seq)
{
    for (size_t i = 0; i < s->nfiles; i++)
        if (strcmp(s->files[i].values[0], name) == 0 && strtoll(s->files[i].values[1], NULL, 10) < seq)
            return &s->files[i];
    return NULL;
}

/* As an engine does it: that the bytes get to the disk is up to the commit. */
static bool write_file(const char *path, const void *p, size_t n, struct err *e)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    bool ok = fd >= 0 && write(fd, p, n) == (ssize_t)n;
    if (fd >= 0 && close(fd) != 0)
        ok = false;
    return ok || fs_fail(e, "cannot write", path);
}

static bool append(struct arena *a, const struct writer *w, const struct lake_snapshot *s, int64_t seq,
                   int64_t *ret, struct err *e)
{
    const struct engine_stage g = {
        .sql = arena_fmt(a, "SELECT i AS v, 'w' AS writer, %" PRIi64 " AS seq FROM range(10) t(i)", seq),
        .store = w->t->store,
        .dir = "",
        .schema = &s->schema,
    };
    struct engine_staged staged;
    if (!engine_duckdb.stage(a, w->engine, &g, &staged, e))
        return false;
    const struct lake_txn txn = {arena_fmt(a, "writer-%s", w->name), seq};
    const struct lake_commit c = {.base = s,
                                  .adds = staged.files,
                                  .nadds = staged.nfiles,
                                  .txns = &txn,
                                  .ntxns = 1,
                                  .blind = true,
                                  .operation = "WRITE"};
    return lake_commit(a, w->t, &c, ret, e);
}

static bool commit(struct arena *a, const struct writer *w, const struct lake_snapshot *s, int64_t seq,
                   int64_t *ret, struct err *e)
{
    if (w->engine)
        return append(a, w, s, seq, ret, e);
    const char *number = arena_fmt(a, "%" PRIi64, seq);
    const char *values[] = {w->name, number};
    const struct lake_file *old = w->rewrite ? last_file(s, w->name, seq) : NULL;
    struct lake_file add = {
        .path = arena_fmt(a, "part-%s-%s-%s.parquet", w->name, number, lake_uuid(a)),
        .values = values,
        .size = (int64_t)w->n,
        .mtime_ms = clock_now_us(NULL) / 1000,
        .stats = "{\"numRecords\":1}",
        .data_change = true,
    };
    const struct lake_txn txn = {arena_fmt(a, "writer-%s", w->name), seq};
    const struct lake_commit c = {
        .base = s,
        .adds = &add,
        .nadds = 1,
        .removes = &old,
        .nremoves = old != NULL,
        .txns = &txn,
        .ntxns = 1,
        .blind = !old,
        .operation = old ? "MERGE" : "WRITE",
    };
    return write_file(store_uri(a, w->t->store, add.path), w->bytes, w->n, e) &&
           lake_commit(a, w->t, &c, ret, e);
}

/* Conflicts are not errors: the others were first, so it is tried again on what they left. */
static bool write_one(const struct writer *w, int64_t seq, struct err *e)
{
    for (int tries = 0;; tries++) {
        auto_arena *a = arena_new();
        struct lake_snapshot *s;
        int64_t version, began = clock_now_us(NULL);
        if (!lake_snapshot(a, w->t, LAKE_LATEST, &s, NULL, e))
            return false;
        if (lake_txn_version(s, arena_fmt(a, "writer-%s", w->name)) >= seq)
            return true;
        if (commit(a, w, s, seq, &version, e)) {
            double ms = (double)(clock_now_us(NULL) - began) / 1000;
            char *line = arena_fmt(a, "%" PRIi64 " %" PRIi64 " %.3f\n", seq, version, ms);
            return write(STDOUT_FILENO, line, strlen(line)) == (ssize_t)strlen(line) ||
                   fs_fail(e, "cannot write", "stdout");
        }
        if (e->kind != ERR_CONFLICT || tries == 1000)
            return false;
    }
}

int main(int argc, char **argv)
{
    auto_arena *a = arena_new();
    struct err e = {0};
    struct engine *engine;
    struct store *store;
    if (argc < 6) {
        fputs("lake_writer TABLE TEMPLATE WRITER FIRST LAST [rewrite]\n", stderr);
        return 2;
    }
    struct lake_table t = {.dir = ""};
    struct writer w = {.t = &t, .name = argv[3], .rewrite = argc > 6};
    char *bytes = NULL;
    bool with_engine = strcmp(argv[2], "engine") == 0;
    bool ok = store_open(a, argv[1], NULL, &store, &e) &&
              (with_engine || fs_read(a, argv[2], 1 << 20, &bytes, &w.n, &e));
    t.store = store;
    w.bytes = bytes;
    if (ok && getenv("CUPEL_DUCKDB")) { /* else: without an engine */
        ok = engine_duckdb.open(a, &(struct engine_conf){.threads = 1}, &engine, &e);
        t.parquet = ok ? engine_duckdb.parquet(engine) : NULL;
        ok = ok && (!with_engine || engine_duckdb.session(a, engine, NULL, &w.engine, &e));
    }
    for (int64_t seq = strtoll(argv[4], NULL, 10), last = strtoll(argv[5], NULL, 10); ok && seq <= last;
         seq++)
        ok = write_one(&w, seq, &e);
    if (!ok)
        err_print(stderr, &e, NULL);
    return ok ? 0 : err_exit_code(e.kind);
}
