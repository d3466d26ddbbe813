#include "options.h"

#include <stdlib.h>
#include <string.h>

#include "faults.h"

enum type { STRING, NUMBER, FLAG };

/* One row parses an option and is its line of --help. */
static const struct row {
    const char *name, *value;
    enum type type;
    size_t offset;
    int64_t max; /* of a number */
    const char *help;
} rows[] = {
    {"port", "N", NUMBER, offsetof(struct options, port), 65535,
     "listen on this port of 127.0.0.1 (0: a free one)"},
    {"data", "FILE", STRING, offsetof(struct options, data), 0,
     "serve these records, one a line, plain or zstd"},
    {"key", "KEY", STRING, offsetof(struct options, key), 0,
     "ask for this key: api_key=KEY or Authorization: Bearer"},
    {"latency", "MS", NUMBER, offsetof(struct options, latency_ms), 600000, "answer this late"},
    {"faults", "SPEC", STRING, offsetof(struct options, faults), 0, "go wrong on purpose, see below"},
    {"seed", "N", NUMBER, offsetof(struct options, seed), INT64_MAX, "of the faults (1)"},
    {"date", "DAY", STRING, offsetof(struct options, date), 0,
     "YYYY-MM-DD: popularity and votes as on that day"},
    {"stats", NULL, FLAG, offsetof(struct options, stats), 0,
     "serve GET /stats, POST /stats/reset; print them at the end"},
    {"threads", "N", NUMBER, offsetof(struct options, threads), 64, "that answer (1)"},
    {"help", NULL, FLAG, offsetof(struct options, help), 0, "this text"},
};

/* The row for "name" or "name=value", or NULL. */
static const struct row *find_row(const char *arg, const char **ret_value)
{
    size_t n = strcspn(arg, "=");
    for (size_t i = 0; i < countof(rows); i++)
        if (str_is((struct str){.p = arg, .n = n}, rows[i].name)) {
            *ret_value = arg[n] ? arg + n + 1 : NULL;
            return &rows[i];
        }
    return NULL;
}

static bool store(struct options *o, const struct row *row, const char *value, struct err *e)
{
    void *field = (char *)o + row->offset;
    if (row->type == STRING) {
        memcpy(field, &value, sizeof value);
        return true;
    }
    char *end;
    int64_t n = strtoll(value, &end, 10);
    if (end == value || *end || n < 0 || n > row->max)
        return fail(e, "--%s: '%s' is not a number from 0 to %lld", row->name, value, (long long)row->max);
    memcpy(field, &n, sizeof n);
    return true;
}

bool options_parse(struct options *o, char **argv, struct err *e)
{
    *o = (struct options){.seed = 1, .threads = 1};
    for (char **arg = argv + 1; *arg; arg++) {
        const char *value = NULL;
        const struct row *row = strncmp(*arg, "--", 2) == 0 ? find_row(*arg + 2, &value) : NULL;
        if (!row)
            return fail(e, "unknown option '%s' (see --help)", *arg);
        if (row->type == FLAG) {
            if (value)
                return fail(e, "--%s takes no value", row->name);
            *((bool *)((char *)o + row->offset)) = true;
            continue;
        }
        if (!value && !(value = *++arg))
            return fail(e, "--%s needs a value", row->name);
        if (!store(o, row, value, e))
            return false;
    }
    return true;
}

void options_help(struct text *out)
{
    text_adds(out, "tmdb-standin - a server with the shapes, errors and moods of the TMDB v3 API\n\n"
                   "usage: tmdb-standin [OPTION...]\n\n");
    for (size_t i = 0; i < countof(rows); i++)
        text_addf(out, "  --%-8s %-5s  %s\n", rows[i].name, rows[i].value ? rows[i].value : "", rows[i].help);
    text_addf(out, "\nWithout --data it serves the films that are built in.\n\nFaults\n  %s", faults_help);
}
