#include "connector/http_plan.h"

#include <assert.h>
#include <string.h>

#include "connector/http_ask.h"
#include "connector/keyset.h"

struct http_key { /* a value of `each`; resources without it have one with an empty text */
    struct str text;
    struct http_chain **chains; /* by `for` value; NULL = not asked for */
    bool known, in_inbox;
    unsigned mark; /* of the last walk in canonical order that came by */
};

struct http_found {
    struct http_key **v;
    size_t n, cap;
};

struct http_chain { /* the pages of one address */
    struct http_key *key;
    struct http_filled filled;
    struct {
        struct http_ask **v;
        size_t n, cap;
    } asks; /* in order of pages */
};

struct use { /* a child that finds its keys in the answers of a resource */
    size_t child;
    struct json_path *path;
};

struct planned {
    const struct http_resource *r;
    const struct http_shape *shape;
    struct keyset *keys;
    struct use *uses;
    size_t nuses;
    size_t *each_use; /* for each entry of `each` with a parent: its place among the parent's uses */
    int64_t wanted, open, serial;
    bool waits; /* has a limit, so it goes wave by wave */
    bool started, over;
};

struct http_plan {
    struct arena *a;
    struct planned *resources;
    size_t n;
    unsigned mark;
    void (*new_ask)(void *arg, struct http_ask *ask);
    void *arg;
};

static size_t nfor(const struct planned *r)
{
    return r->r->nfor_values ? r->r->nfor_values : 1;
}

static struct http_key *key_of(struct http_plan *p, struct planned *r, struct str text)
{
    struct str kept;
    void **at = keyset_at(r->keys, text, &kept);
    if (!*at) {
        struct http_key *k = arena_make(p->a, struct http_key, 1);
        *k = (struct http_key){.text = kept, .chains = arena_make(p->a, struct http_chain *, nfor(r))};
        *at = k;
    }
    return *at;
}

/* ---- compiling */

static bool add_uses(struct http_plan *p, const struct http_source *s, size_t child, struct err *e)
{
    struct planned *r = &p->resources[child];
    r->each_use = arena_make(p->a, size_t, r->r->neach + 1);
    for (size_t i = 0; i < r->r->neach; i++) {
        const struct http_each *each = &r->r->each[i];
        size_t parent = 0;
        if (!each->parent)
            continue;
        while (parent < child && strcmp(s->resources[parent].name, each->parent) != 0)
            parent++;
        if (parent == child)
            return fail_at(e, ERR_USER, each->at, "'%s' is no resource above '%s'", each->parent, r->r->name);
        struct planned *above = &p->resources[parent];
        struct use *use = &above->uses[above->nuses];
        *use = (struct use){.child = child};
        if (!json_path_parse(p->a, each->path, &use->path, e)) {
            e->at = each->at;
            return false;
        }
        r->each_use[i] = above->nuses++;
    }
    return true;
}

bool http_plan_new(struct arena *a, const struct http_source *s, const struct http_shape *shapes,
                   void (*new_ask)(void *arg, struct http_ask *ask), void *arg, struct http_plan **ret,
                   struct err *e)
{
    struct http_plan *p = arena_make(a, struct http_plan, 1);
    size_t uses = 0;
    *p = (struct http_plan){.a = a, .n = s->nresources, .new_ask = new_ask, .arg = arg};
    p->resources = arena_make(a, struct planned, p->n + 1);
    for (size_t i = 0; i < p->n; i++)
        uses += s->resources[i].neach;
    for (size_t i = 0; i < p->n; i++) {
        const struct http_resource *r = &s->resources[i];
        p->resources[i] = (struct planned){.r = r,
                                           .shape = &shapes[i],
                                           .keys = keyset_new(a),
                                           .uses = arena_make(a, struct use, uses + 1),
                                           .waits = r->limit > 0};
        if (!add_uses(p, s, i, e))
            return false;
    }
    *ret = p;
    return true;
}

void http_plan_known(struct http_plan *p, size_t resource, struct str key)
{
    key_of(p, &p->resources[resource], key)->known = true;
}

void http_plan_in_inbox(struct http_plan *p, size_t resource, struct str key)
{
    key_of(p, &p->resources[resource], key)->in_inbox = true;
}

int64_t http_plan_wanted(const struct http_plan *p, size_t resource)
{
    return p->resources[resource].wanted;
}

/* ---- new requests */

static struct http_ask *ask_page(struct http_plan *p, struct planned *r, struct http_chain *c, int64_t page)
{
    size_t resource = (size_t)(r - p->resources);
    auto_buf identity = BUF(1 << 24);
    http_identity(&identity, r->r, c->filled.for_value, c->filled.each_value, page);

    struct http_ask *ask = arena_make(p->a, struct http_ask, 1);
    *ask = (struct http_ask){.resource = resource,
                             .chain = c,
                             .page = page,
                             .filled = c->filled,
                             .identity = {arena_strn(p->a, identity.p, identity.len), identity.len},
                             .order = (int64_t)resource << 40 | r->serial++};
    *arena_push(p->a, &c->asks) = ask;
    r->wanted++;
    r->open++;
    p->new_ask(p->arg, ask);
    return ask;
}

/* Asks for the first page of a key, unless that has been done or is not needed. */
static void ask_key(struct http_plan *p, struct planned *r, struct http_key *k, size_t i)
{
    if (k->chains[i] || (k->known && !k->in_inbox))
        return;
    const char *value = r->r->nfor_values ? r->r->for_values[i] : "";
    struct http_chain *c = arena_make(p->a, struct http_chain, 1);
    *c =
        (struct http_chain){.key = k, .filled = {.for_value = {value, strlen(value)}, .each_value = k->text}};
    k->chains[i] = c;
    ask_page(p, r, c, r->r->page_first);
}

/* The last page that there can be, as far as is known: page_first until an answer says more. */
static int64_t last_page(const struct planned *r, const struct http_chain *c)
{
    const struct http_ask *first = c->asks.v[0], *latest = c->asks.v[c->asks.n - 1];
    int64_t last = r->r->page_last, behind;
    if (!r->r->page_param)
        return latest->page;
    if (r->r->page_total) {
        if (first->state != HTTP_ARRIVED)
            return latest->page;
        if (__builtin_add_overflow(first->page, first->answer.pages - 1, &behind) || behind > last)
            return last;
        return behind;
    }
    bool more = latest->state == HTTP_ARRIVED && latest->answer.records > 0 && latest->page < last;
    return latest->page + more;
}

/* Asks for the pages that are now known to be there, at most `room` of them. */
static void ask_pages(struct http_plan *p, struct planned *r, struct http_chain *c, int64_t room)
{
    int64_t last = last_page(r, c);
    for (int64_t page = c->asks.v[c->asks.n - 1]->page + 1; page <= last && room > 0; page++, room--)
        ask_page(p, r, c, page);
}

/* ---- answers */

struct finding {
    struct http_plan *p;
    const struct use *use;
    struct http_found *found;
    struct buf text;
};

static bool find_key(void *arg, struct str value)
{
    struct finding *f = arg;
    struct planned *child = &f->p->resources[f->use->child];
    f->text.len = 0;
    if (!json_scan_text(value, &f->text) || f->text.failed || f->text.len == 0)
        return true;
    struct http_key *k = key_of(f->p, child, (struct str){f->text.p, f->text.len});
    *arena_push(f->p->a, f->found) = k;
    for (size_t i = 0; !child->waits && i < nfor(child); i++)
        ask_key(f->p, child, k, i);
    return true;
}

static bool find_in_record(void *arg, struct str record)
{
    struct finding *f = arg;
    json_scan_each(record, f->use->path, find_key, f);
    return true;
}

void http_plan_arrived(struct http_plan *p, struct http_ask *ask, struct str body,
                       const struct http_answer *answer)
{
    struct planned *r = &p->resources[ask->resource];
    assert(ask->state == HTTP_OPEN);
    ask->state = HTTP_ARRIVED;
    ask->answer = *answer;
    r->open--;
    ask->found = r->nuses ? arena_make(p->a, struct http_found, r->nuses) : NULL;
    for (size_t i = 0; i < r->nuses; i++) {
        struct finding f = {p, &r->uses[i], &ask->found[i], BUF(1 << 16)};
        http_answer_records(r->shape, body, find_in_record, &f);
        buf_free(&f.text);
    }
    if (!r->waits)
        ask_pages(p, r, ask->chain, INT64_MAX);
}

void http_plan_closed(struct http_plan *p, struct http_ask *ask, enum http_state state)
{
    assert(ask->state == HTTP_OPEN && state != HTTP_OPEN);
    ask->state = state;
    p->resources[ask->resource].open--;
}

/* ---- the canonical order */

struct key_list {
    struct http_key **v;
    size_t n, cap;
};

static void list_keys(struct http_plan *p, struct arena *scratch, struct planned *r, struct key_list *out);

static void list_key(struct arena *scratch, struct http_key *k, unsigned mark, struct key_list *out)
{
    if (k->mark == mark)
        return;
    k->mark = mark;
    *arena_push(scratch, out) = k;
}

/* The keys that the answers of a parent name, in the order of its requests. */
static void list_found(struct http_plan *p, struct arena *scratch, struct planned *parent, size_t use,
                       unsigned mark, struct key_list *out)
{
    struct key_list keys = {0};
    list_keys(p, scratch, parent, &keys);
    for (size_t i = 0; i < nfor(parent); i++) {
        for (size_t k = 0; k < keys.n; k++) {
            const struct http_chain *c = keys.v[k]->chains[i];
            for (size_t page = 0; c && page < c->asks.n; page++) {
                const struct http_ask *ask = c->asks.v[page];
                for (size_t f = 0; ask->state == HTTP_ARRIVED && f < ask->found[use].n; f++)
                    list_key(scratch, ask->found[use].v[f], mark, out);
            }
        }
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): parents come before children, so it ends */
static void list_keys(struct http_plan *p, struct arena *scratch, struct planned *r, struct key_list *out)
{
    unsigned mark = ++p->mark;
    if (r->r->neach == 0)
        list_key(scratch, key_of(p, r, (struct str){"", 0}), mark, out);
    for (size_t i = 0; i < r->r->neach; i++) {
        const struct http_each *each = &r->r->each[i];
        for (size_t v = 0; !each->parent && v < each->nvalues; v++)
            list_key(scratch, key_of(p, r, (struct str){each->values[v], strlen(each->values[v])}), mark,
                     out);
        for (size_t parent = 0; each->parent && parent < p->n; parent++)
            if (strcmp(p->resources[parent].r->name, each->parent) == 0)
                list_found(p, scratch, &p->resources[parent], r->each_use[i], mark, out);
    }
}

/* ---- waves */

/* First the first pages; then, all answers being there, further ones. */
static void ask_wave(struct http_plan *p, struct planned *r)
{
    auto_arena *scratch = arena_new();
    struct key_list keys = {0};
    int64_t before = r->wanted;
    list_keys(p, scratch, r, &keys);
    for (size_t i = 0; i < nfor(r); i++) {
        for (size_t k = 0; k < keys.n; k++) {
            int64_t room = r->waits ? r->r->limit - r->wanted : INT64_MAX;
            if (room <= 0)
                break;
            if (!r->started)
                ask_key(p, r, keys.v[k], i);
            else if (keys.v[k]->chains[i])
                ask_pages(p, r, keys.v[k]->chains[i], room);
        }
    }
    r->over = r->started && r->wanted == before;
    r->started = true;
}

static bool complete(const struct http_plan *p, const struct planned *r);

/* NOLINTNEXTLINE(misc-no-recursion): parents come before children, so it ends */
static bool parents_complete(const struct http_plan *p, const struct planned *r)
{
    for (size_t i = 0; i < r->r->neach; i++)
        for (const struct planned *above = p->resources; r->r->each[i].parent && above < r; above++)
            if (strcmp(above->r->name, r->r->each[i].parent) == 0 && !complete(p, above))
                return false;
    return true;
}

/* Nothing more of it will be planned, and all that was is closed. */
static bool complete(const struct http_plan *p, const struct planned *r)
{
    return r->open == 0 && (!r->waits || r->over) && parents_complete(p, r);
}

void http_plan_advance(struct http_plan *p)
{
    for (struct planned *r = p->resources; r < p->resources + p->n; r++)
        while (r->waits && !r->over && r->open == 0 && parents_complete(p, r))
            ask_wave(p, r);
}

void http_plan_start(struct http_plan *p)
{
    for (struct planned *r = p->resources; r < p->resources + p->n; r++) {
        if (r->waits)
            continue;
        for (size_t i = 0; i < nfor(r); i++) {
            if (r->r->neach == 0)
                ask_key(p, r, key_of(p, r, (struct str){"", 0}), i);
            for (size_t j = 0; j < r->r->neach; j++)
                for (size_t v = 0; !r->r->each[j].parent && v < r->r->each[j].nvalues; v++) {
                    const char *value = r->r->each[j].values[v];
                    ask_key(p, r, key_of(p, r, (struct str){value, strlen(value)}), i);
                }
        }
    }
    http_plan_advance(p);
}
