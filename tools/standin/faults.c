#include "faults.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "dice.h"

enum {
    LISTS_MASK = 1 << ROUTE_POPULAR | 1 << ROUTE_TOP_RATED | 1 << ROUTE_NOW_PLAYING,
    ALL_MASK = (1 << ROUTES) - 1
};

const char faults_help[] =
    "SPEC is a list, separated by commas, of kind[@route]=rate[:param]\n"
    "  a rate is a share of the requests, 0 to 1; without @route it is of all of them\n"
    "  routes: popular top_rated now_playing lists (these three) movie reviews credits keywords person "
    "genres\n"
    "  kinds:\n"
    "    400..599       answer with this HTTP status and TMDB's body for it; 429 takes the seconds of\n"
    "                   Retry-After as its parameter (429=0.05:2)\n"
    "    burst          the next PARAM requests (5) all get 429 with Retry-After: 1\n"
    "    cut            the full Content-Length, half the body, then the connection is closed\n"
    "    cutchunk       a chunked body that ends before its last chunk, whole or halved\n"
    "    garbage        status 200 with JSON cut in half, an HTML page, nothing, broken UTF-8, or two "
    "documents\n"
    "    reset          no answer: the connection is reset\n"
    "    slow           the right answer, PARAM ms (1000) later\n"
    "    stall          the headers, nothing for PARAM ms (10000), then the body\n"
    "    dupe           a page of a list has its first film again in place of its last\n"
    "    expire=N       from request N + 1 on the key is not valid any more (401)\n"
    "  example: 500=0.05,429=0.05:2,cut=0.03,404@person=0.01,expire=500\n";

static bool parse_kind(const char *name, struct fault *ret, struct err *e)
{
    static const struct {
        const char *name;
        enum fault_kind kind;
        int status;
        int64_t param;
    } kinds[] = {
        {"burst", FAULT_BURST, 429, 5},       {"cut", FAULT_CUT, 200, 0},
        {"cutchunk", FAULT_CUTCHUNK, 200, 0}, {"garbage", FAULT_GARBAGE, 200, 0},
        {"reset", FAULT_RESET, 0, 0},         {"slow", FAULT_SLOW, 200, 1000},
        {"stall", FAULT_STALL, 200, 10000},   {"dupe", FAULT_DUPE, 200, 0},
        {"expire", FAULT_EXPIRE, 401, 0},
    };
    for (size_t i = 0; i < countof(kinds); i++)
        if (strcmp(name, kinds[i].name) == 0) {
            *ret = (struct fault){.kind = kinds[i].kind, .status = kinds[i].status, .param = kinds[i].param};
            return true;
        }
    char *end;
    long status = strtol(name, &end, 10);
    if (*end || status < 400 || status > 599)
        return fail(e, "unknown kind of fault '%s' (see --help)", name);
    *ret = (struct fault){.kind = FAULT_STATUS, .status = (int)status, .param = 1};
    return true;
}

static bool parse_routes(const char *name, unsigned *ret, struct err *e)
{
    if (strcmp(name, "lists") == 0) {
        *ret = LISTS_MASK;
        return true;
    }
    for (unsigned i = 0; i < ROUTES; i++)
        if (strcmp(name, route_names[i]) == 0) {
            *ret = 1u << i;
            return true;
        }
    return fail(e, "unknown route '%s' (see --help)", name);
}

static bool parse_amount(struct fault_rule *r, const char *amount, struct err *e)
{
    char *end;
    if (r->fault.kind == FAULT_EXPIRE) {
        r->fault.param = strtoll(amount, &end, 10);
        return end != amount && !*end && r->fault.param >= 0 ? true
                                                             : fail(e, "expire takes a number of requests");
    }
    r->rate = strtod(amount, &end);
    if (end == amount || !(r->rate >= 0 && r->rate <= 1))
        return fail(e, "'%s': a rate is a number from 0 to 1", r->name);
    if (*end == ':') {
        const char *param = end + 1;
        r->fault.param = strtoll(param, &end, 10);
        if (end == param || r->fault.param < 0)
            return fail(e, "'%s': the parameter is a whole number", r->name);
    }
    return *end ? fail(e, "'%s': unexpected '%s'", r->name, end) : true;
}

/* text is one rule; it is cut into pieces in place. */
static bool parse_rule(struct fault_rule *r, char *text, struct err *e)
{
    char *amount = strchr(text, '=');
    if (!amount)
        return fail(e, "'%s': a fault is kind[@route]=rate[:param]", text);
    *amount++ = '\0';
    snprintf(r->name, sizeof r->name, "%s", text);

    r->routes = ALL_MASK;
    char *route = strchr(text, '@');
    if (route) {
        *route++ = '\0';
        if (!parse_routes(route, &r->routes, e))
            return false;
    }
    if (!parse_kind(text, &r->fault, e) || !parse_amount(r, amount, e))
        return false;
    if (r->fault.kind == FAULT_DUPE)
        r->routes &= LISTS_MASK;
    return true;
}

/* The rules of a route share one die. */
static bool check_sums(const struct faults *f, struct err *e)
{
    for (unsigned route = 0; route < ROUTES; route++) {
        double sum = 0;
        for (int i = 0; i < f->n; i++)
            sum += f->rules[i].routes >> route & 1 ? f->rules[i].rate : 0;
        if (sum > 1 + 1e-9)
            return fail(e, "the rates of '%s' add up to %.3g, more than 1", route_names[route], sum);
    }
    return true;
}

static void free_string(char **s)
{
    free(*s);
}

bool faults_parse(struct faults *f, const char *spec, uint64_t seed, struct err *e)
{
    *f = (struct faults){.seed = seed};
    auto_call(free_string) char *copy = strdup(spec ? spec : "");
    char *rest = NULL;
    for (char *text = strtok_r(copy, ",", &rest); text; text = strtok_r(NULL, ",", &rest)) {
        if (f->n == (int)countof(f->rules))
            return fail(e, "more than %zu faults", countof(f->rules));
        if (!parse_rule(&f->rules[f->n], text, e))
            return false;
        for (int i = 0; i < f->n; i++)
            if (strcmp(f->rules[i].name, f->rules[f->n].name) == 0)
                return fail(e, "fault '%s' is given twice", f->rules[i].name);
        f->n++;
    }
    return check_sums(f, e);
}

static struct fault strike(struct fault_rule *r, uint64_t dice)
{
    r->injected++;
    struct fault fault = r->fault;
    fault.dice = dice_mix(dice, 1);
    if (fault.kind == FAULT_BURST)
        fault.param = 1; /* from here on it is the wait */
    return fault;
}

/* A key that has run out, or a burst that is still on; NULL = neither. */
static struct fault_rule *standing(struct faults *f, enum route route, uint64_t number)
{
    for (int i = 0; i < f->n; i++) {
        struct fault_rule *r = &f->rules[i];
        if (!(r->routes >> route & 1))
            continue;
        if (r->fault.kind == FAULT_EXPIRE && number > (uint64_t)r->fault.param)
            return r;
        if (r->left > 0 && r->left-- > 0)
            return r;
    }
    return NULL;
}

struct fault faults_draw(struct faults *f, enum route route, uint64_t number)
{
    uint64_t dice = dice_mix(f->seed, number);
    struct fault_rule *on = standing(f, route, number);
    if (on)
        return strike(on, dice);

    double u = dice_unit(dice);
    for (int i = 0; i < f->n; i++) {
        struct fault_rule *r = &f->rules[i];
        if (!(r->routes >> route & 1))
            continue;
        if (u < r->rate) {
            if (r->fault.kind == FAULT_BURST)
                r->left = r->fault.param - 1;
            return strike(r, dice);
        }
        u -= r->rate;
    }
    return (struct fault){0};
}

void faults_json(const struct faults *f, struct text *out)
{
    text_adds(out, "{");
    for (int i = 0; i < f->n; i++)
        text_addf(out, "%s\"%s\":%" PRIu64, i ? "," : "", f->rules[i].name, f->rules[i].injected);
    text_adds(out, "}");
}

void faults_reset_counts(struct faults *f)
{
    for (int i = 0; i < f->n; i++)
        f->rules[i].injected = 0;
}
