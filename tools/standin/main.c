/* tmdb-standin - a stand-in for the TMDB v3 API, for tests, the demo and benchmarks. */
#include <signal.h>
#include <stdio.h>
#include <string.h>

#include "options.h"
#include "server.h"

/* Every thread leaves these signals to main(), which waits for one. */
static void block_signals(sigset_t *ret)
{
    sigemptyset(ret);
    sigaddset(ret, SIGTERM);
    sigaddset(ret, SIGINT);
    pthread_sigmask(SIG_BLOCK, ret, NULL);
    signal(SIGPIPE, SIG_IGN);
}

static bool serve(const struct options *o, const struct films *films, struct faults *faults, struct err *e)
{
    const struct server_conf conf = {
        .port = (uint16_t)o->port,
        .key = o->key,
        .latency_ms = o->latency_ms,
        .stats = o->stats,
        .threads = (unsigned)o->threads,
    };
    struct server *server = NULL;
    sigset_t ends;
    block_signals(&ends);
    if (!server_start(&server, &conf, films, faults, e))
        return false;
    printf("listening on http://127.0.0.1:%u/3\n", server_port(server));
    fflush(stdout);

    int received;
    sigwait(&ends, &received);
    if (o->stats) {
        auto_text stats = {0};
        server_stats(server, &stats);
        fputs(stats.p, stderr);
    }
    server_stop(server);
    return true;
}

static bool run(const struct options *o, struct films *films, struct err *e)
{
    struct faults faults;
    int32_t day = o->date ? day_parse(str_of(o->date)) : DAY_NONE;
    if (o->date && day == DAY_NONE)
        return fail(e, "--date: '%s' is not a day like 2024-01-31", o->date);
    if (!faults_parse(&faults, o->faults, (uint64_t)o->seed, e))
        return wrap(e, "--faults");
    return films_load(films, o->data, day, e) && serve(o, films, &faults, e);
}

int main(int argc, char **argv)
{
    (void)argc;
    struct err e;
    struct options o;
    bool ok = options_parse(&o, argv, &e);
    if (ok && o.help) {
        auto_text help = {0};
        options_help(&help);
        fputs(help.p, stdout);
        return 0;
    }
    struct films films = {0};
    ok = ok && run(&o, &films, &e);
    films_free(&films);
    if (!ok)
        fprintf(stderr, "tmdb-standin: error: %s\n", e.msg);
    return ok ? 0 : 2;
}
