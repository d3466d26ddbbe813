/* faults.h - things that go wrong on purpose.
 *
 * A spec is a list of rules `kind[@route]=rate[:param]`. Each request draws one die, seeded by (seed,
 * number of the request), and the rules of its route share the die's range between them: a rate is
 * exact, and a retry, being another request, may fare better.
 */
#pragma once
#include <stdatomic.h>

#include "routes.h"

enum fault_kind {
    FAULT_NONE,
    FAULT_STATUS,   /* an HTTP error; status says which */
    FAULT_BURST,    /* 429, for param requests in a row */
    FAULT_CUT,      /* the full Content-Length, half the body, then the end */
    FAULT_CUTCHUNK, /* a chunked body that ends without its last chunk */
    FAULT_GARBAGE,  /* 200, but not what was asked for */
    FAULT_RESET,    /* no answer, the connection is reset */
    FAULT_SLOW,     /* the right answer, param ms later */
    FAULT_STALL,    /* headers, then nothing for param ms */
    FAULT_DUPE,     /* a list's page shows a film twice and leaves one out */
    FAULT_EXPIRE,   /* 401 from then on */
};

struct fault {
    enum fault_kind kind;
    int status;
    int64_t param;
    uint64_t dice; /* for variations of the kind */
};

struct fault_rule {
    struct fault fault;
    char name[40];   /* as written in front of '=' */
    unsigned routes; /* a bit each */
    double rate;
    _Atomic int64_t left; /* of a burst */
    _Atomic uint64_t injected;
};

struct faults {
    struct fault_rule rules[32];
    int n;
    uint64_t seed;
};

/* The part of --help about SPEC. */
extern const char faults_help[];

/* spec NULL or "" = none. */
bool faults_parse(struct faults *f, const char *spec, uint64_t seed, struct err *e) must_check;

/* What happens to request `number` (1, 2, ...). Counts it. */
struct fault faults_draw(struct faults *f, enum route route, uint64_t number);

/* {"500@movie":3,...}: how often each rule struck. */
void faults_json(const struct faults *f, struct text *out);
void faults_reset_counts(struct faults *f);
