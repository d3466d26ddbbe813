#include "connector/http_plan.h"

#include "fault.h"
#include "test.h"

/* A plan whose requests are answered by `answer` in any order that a test likes. */
struct world {
    struct arena *a;
    struct http_source s;
    struct http_shape shapes[4];
    struct http_plan *plan;
    struct {
        struct http_ask **v;
        size_t n, cap;
    } asks;
    struct err e;
};

static void new_ask(void *arg, struct http_ask *ask)
{
    struct world *w = arg;
    *arena_push(w->a, &w->asks) = ask;
}

static bool world_open(struct world *w, struct http_resource *r, size_t n)
{
    *w = (struct world){.a = arena_new(), .s = {.resources = r, .nresources = n}};
    for (size_t i = 0; i < n; i++)
        REQUIRE(http_shape_compile(w->a, &r[i], &w->shapes[i], &w->e));
    return http_plan_new(w->a, &w->s, w->shapes, new_ask, w, &w->plan, &w->e);
}

/* All that was asked for up to now, by identity. */
static const char *asked(struct world *w)
{
    auto_buf b = BUF(10000);
    for (size_t i = 0; i < w->asks.n; i++)
        buf_addf(&b, "%s%.*s", i ? " " : "", STR(w->asks.v[i]->identity));
    return arena_str(w->a, b.p);
}

static void answer(struct world *w, const char *identity, const char *body)
{
    for (size_t i = 0; i < w->asks.n; i++) {
        struct http_ask *ask = w->asks.v[i];
        struct http_answer got;
        struct err e = {0};
        if (!str_is(ask->identity, identity))
            continue;
        if (!body) {
            http_plan_closed(w->plan, ask, HTTP_MISSING);
        } else {
            struct str text = {body, strlen(body)};
            REQUIRE(http_answer_check(&w->shapes[ask->resource], text, &got, &e));
            http_plan_arrived(w->plan, ask, text, &got);
        }
        http_plan_advance(w->plan);
        return;
    }
    BAD("'%s' was not asked for", identity);
}

#define LISTS                                                                                                \
    {                                                                                                        \
        .name = "lists", .path = "/{l}", .for_var = "l", .for_values = (const char *const[]){"a", "b"},      \
        .nfor_values = 2, .page_param = "p", .page_first = 1, .page_last = 3, .page_total = "$.t",           \
        .items = "$.r"                                                                                       \
    }

TEST(pages_follow_the_first_one_at_once)
{
    struct http_resource r[] = {LISTS};
    struct world w;
    REQUIRE(world_open(&w, r, 1));
    http_plan_start(w.plan);
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1");
    answer(&w, "/b?p=1", "{\"r\":[],\"t\":2}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /b?p=2");
    answer(&w, "/a?p=1", "{\"r\":[],\"t\":99999999999}"); /* as many as are wanted */
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /b?p=2 /a?p=2 /a?p=3");
    answer(&w, "/a?p=2", "{\"r\":[],\"t\":0}");
    answer(&w, "/b?p=2", NULL);
    CHECK_INT(http_plan_wanted(w.plan, 0), 5);
    arena_free(w.a);
}

TEST(pages_until_an_empty_one)
{
    struct http_resource r[] = {LISTS};
    struct world w;
    r[0].page_total = NULL;
    REQUIRE(world_open(&w, r, 1));
    http_plan_start(w.plan);
    answer(&w, "/a?p=1", "{\"r\":[1]}");
    answer(&w, "/b?p=1", "{\"r\":[]}");
    answer(&w, "/a?p=2", "{\"r\":[1]}");
    answer(&w, "/a?p=3", "{\"r\":[1]}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /a?p=2 /a?p=3");
    arena_free(w.a);
}

TEST(pages_of_a_limited_resource_are_planned_in_order)
{
    struct http_resource r[] = {LISTS};
    struct world w;
    r[0].limit = 4;
    REQUIRE(world_open(&w, r, 1));
    http_plan_start(w.plan);
    answer(&w, "/b?p=1", "{\"r\":[],\"t\":3}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1"); /* what a says comes first, whenever it comes */
    answer(&w, "/a?p=1", "{\"r\":[],\"t\":2}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /a?p=2 /b?p=2");
    answer(&w, "/a?p=2", "{\"r\":[],\"t\":2}");
    answer(&w, "/b?p=2", NULL);
    CHECK_INT(http_plan_wanted(w.plan, 0), 4);
    arena_free(w.a);
}

TEST(children_stream_and_limited_ones_wait_for_all_their_parents)
{
    struct http_each of_lists[] = {{.parent = "lists", .path = "$.id"}};
    struct http_each of_films[] = {{.parent = "films", .path = "$.c[*]"}, {.parent = "lists", .path = "$.d"}};
    struct http_resource r[] = {
        LISTS,
        {.name = "films", .path = "/f/{id}", .each = of_lists, .neach = 1, .each_var = "id"},
        {.name = "people", .path = "/p/{id}", .each = of_films, .neach = 2, .each_var = "id", .limit = 3},
        {.name = "more",
         .path = "/m/{id}",
         .each = (struct http_each[]){{.parent = "people", .path = "$.x"}},
         .neach = 1,
         .each_var = "id",
         .limit = 1},
    };
    struct world w;
    REQUIRE(world_open(&w, r, 4));
    http_plan_known(w.plan, 2, (struct str){"12", 2});
    http_plan_known(w.plan, 2, (struct str){"13", 2});
    http_plan_in_inbox(w.plan, 2, (struct str){"13", 2});
    http_plan_start(w.plan);
    answer(&w, "/b?p=1",
           "{\"r\":[{\"id\":2,\"d\":99},{\"id\":1},{\"id\":null},{\"id\":\"\"},{\"id\":[]}],\"t\":1}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /f/2 /f/1");
    answer(&w, "/f/2", "{\"c\":[20,21,10]}");
    answer(&w, "/f/1", "{\"c\":[10,12,11,13]}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /f/2 /f/1");
    answer(&w, "/a?p=1", "{\"r\":[{\"id\":3},{\"id\":1}],\"t\":1}");
    answer(&w, "/f/3", NULL);
    /* Order: list a: 3, 1; list b: 2. So 10, (12 is known), 11, 13, ... and three of them. */
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /f/2 /f/1 /f/3 /p/10 /p/11 /p/13");
    answer(&w, "/p/13", "{\"x\":3}");
    answer(&w, "/p/10", "{}");
    answer(&w, "/p/11", "{\"x\":\"a b\"}");
    CHECK_STR(asked(&w), "/a?p=1 /b?p=1 /f/2 /f/1 /f/3 /p/10 /p/11 /p/13 /m/a%20b");
    arena_free(w.a);
}

TEST(each_value_is_asked_for_once_for_every_for_value)
{
    struct http_each each[] = {{.values = (const char *const[]){"1", "2", "1"}, .nvalues = 3}};
    struct http_resource r[] = {{.name = "x",
                                 .path = "/{l}/{id}",
                                 .for_var = "l",
                                 .for_values = (const char *const[]){"a", "b"},
                                 .nfor_values = 2,
                                 .each = each,
                                 .neach = 1,
                                 .each_var = "id"}};
    for (int limit = 0; limit < 5; limit += 3) {
        struct world w;
        r[0].limit = limit;
        REQUIRE(world_open(&w, r, 1));
        http_plan_start(w.plan);
        CHECK_STR(asked(&w), limit ? "/a/1 /a/2 /b/1" : "/a/1 /a/2 /b/1 /b/2");
        arena_free(w.a);
    }
}

TEST(a_parent_must_stand_above)
{
    struct http_each each[] = {{.parent = "later", .path = "$.id", .at = {"s.yaml", 4, 2}}};
    struct http_resource r[] = {{.name = "x", .path = "/{id}", .each = each, .neach = 1, .each_var = "id"},
                                LISTS};
    struct world w;
    CHECK(!world_open(&w, r, 2));
    CHECK_STR(w.e.msg, "'later' is no resource above 'x'");
    CHECK_INT(w.e.at.line, 4);
    arena_free(w.a);
}
