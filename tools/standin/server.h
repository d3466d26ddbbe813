/* server.h - HTTP on 127.0.0.1: keys, faults, latency, statistics around the routes. */
#pragma once
#include "films.h"
#include "stats.h"

struct server_conf {
    uint16_t port;      /* 0 = any free one */
    const char *key;    /* NULL = none is asked for */
    int64_t latency_ms; /* of every answer, from the arrival of its request */
    bool stats;         /* serve /stats */
    unsigned threads;
};

struct server;

/* The films must stay until server_stop(); so must *f, whose counts move. */
bool server_start(struct server **ret, const struct server_conf *conf, const struct films *films,
                  struct faults *f, struct err *e) must_check;

uint16_t server_port(const struct server *s);
void server_stats(struct server *s, struct text *out);

/* Stop and free. NULL is fine. */
void server_stop(struct server *s);
