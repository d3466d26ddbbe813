#include "films.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "expand.h"
#include "feed.h"
#include "record.h"
#include "reviews.h"
#include "walk.h"

enum { NOW_PLAYING_MAX = 100 * 20, ENOUGH_VOTES = 200 };

/* Remember genres that TMDB no longer lists, so that /genre/movie/list can explain every id. */
static void note_genres(struct films *f, struct str value)
{
    struct json j = json_over(value.n ? value : STR("[]"));
    json_enter(&j, '[');
    while (json_item(&j)) {
        struct str genre = json_value(&j);
        struct json g = json_over(genre);
        int64_t id = 0;
        if (json_enter(&g, '{'))
            for (struct str key; json_key(&g, &key);) {
                struct str v = json_value(&g);
                id = str_is(key, "id") ? str_int(v) : id;
            }
        if (id && !genre_known(id) && map_find(&f->genres, (uint64_t)id) < 0) {
            map_add(&f->genres, (uint64_t)id, 0);
            text_adds(&f->more_genres, ",");
            text_add(&f->more_genres, genre);
        }
    }
}

/* Returns the number as it is written, rounded: the lists follow what is shown. */
static double move_real(struct film *film, enum figure figure, double v)
{
    auto_text number = {0};
    text_add_real(&number, v);
    snprintf(film->figure[figure].moved, sizeof film->figure[figure].moved, "%s", number.p);
    return strtod(number.p, NULL);
}

static void move_figures(struct film *film, int32_t day)
{
    struct walk w = walk_at(film->id, day,
                            (struct walk){
                                .popularity = film->popularity,
                                .average = film->average,
                                .votes = film->votes,
                            });
    film->popularity = move_real(film, FIGURE_POPULARITY, w.popularity);
    film->average = move_real(film, FIGURE_AVERAGE, w.average);
    snprintf(film->figure[FIGURE_VOTES].moved, sizeof film->figure[FIGURE_VOTES].moved, "%" PRId64, w.votes);
    film->votes = w.votes;
}

static struct film *add_film(struct films *f)
{
    if (f->n == f->cap) {
        size_t cap = f->cap ? f->cap * 2 : 256;
        struct film *v = must_alloc(cap, sizeof *v);
        if (f->n)
            memcpy(v, f->v, f->n * sizeof *v);
        free(f->v);
        f->v = v;
        f->cap = cap;
    }
    struct film *film = &f->v[f->n++];
    *film = (struct film){.released = DAY_NONE};
    return film;
}

static void invent_reviews(struct film *film, struct str title)
{
    struct text t = {0};
    film->reviews = reviews_invent(&t, film->id, title, film->average, film->released);
    film->part[PART_REVIEWS] = text_str(&t);
    film->invented = t.p;
}

static bool load_line(struct films *f, struct str line, int32_t day, struct err *e)
{
    struct film *film = add_film(f);
    bool compact = expand_is_compact(line);
    if (compact) {
        struct text t = {0};
        bool ok = expand_film(line, &f->people, &t, e);
        film->expanded = t.p;
        if (!ok)
            return false;
        line = text_str(&t);
    }

    struct record r = {.film = film};
    if (!record_take(&r, line, compact ? NULL : &f->people, e))
        return false;
    if (map_find(&f->by_id, (uint64_t)film->id) >= 0)
        return fail(e, "film %" PRId64 " is in the feed twice", film->id);
    map_add(&f->by_id, (uint64_t)film->id, (uint32_t)(f->n - 1));
    note_genres(f, r.genres);
    if (!film->part[PART_REVIEWS].n)
        invent_reviews(film, r.title);
    if (day != DAY_NONE)
        move_figures(film, day);
    return true;
}

static int descending(double a, double b)
{
    return (a < b) - (a > b);
}

static int by_id(const struct film *a, const struct film *b)
{
    return (a->id > b->id) - (a->id < b->id);
}

static int by_popularity(const void *x, const void *y, void *films)
{
    const struct film *v = films, *a = &v[*(const uint32_t *)x], *b = &v[*(const uint32_t *)y];
    int order = descending(a->popularity, b->popularity);
    return order ? order : by_id(a, b);
}

/* A vote of a few friends does not make a top film: those come behind. */
static int by_average(const void *x, const void *y, void *films)
{
    const struct film *v = films, *a = &v[*(const uint32_t *)x], *b = &v[*(const uint32_t *)y];
    int order = (b->votes >= ENOUGH_VOTES) - (a->votes >= ENOUGH_VOTES);
    if (!order)
        order = descending(a->average, b->average);
    return order ? order : by_id(a, b);
}

static int by_release(const void *x, const void *y, void *films)
{
    const struct film *v = films, *a = &v[*(const uint32_t *)x], *b = &v[*(const uint32_t *)y];
    int order = (a->released < b->released) - (a->released > b->released);
    return order ? order : by_id(a, b);
}

static bool plays(const struct film *film, int32_t today)
{
    return film->is_out && film->released != DAY_NONE && film->released <= today;
}

static int32_t newest(const struct films *f)
{
    int32_t day = DAY_NONE;
    for (size_t i = 0; i < f->n; i++)
        if (f->v[i].is_out && f->v[i].released > day)
            day = f->v[i].released;
    return day;
}

static void make_lists(struct films *f, int32_t day)
{
    static int (*const orders[LISTS])(const void *, const void *, void *) = {by_popularity, by_average,
                                                                             by_release};
    f->today = day == DAY_NONE ? newest(f) : day;
    for (int l = 0; l < LISTS; l++) {
        f->list[l] = must_alloc(f->n, sizeof *f->list[l]);
        for (uint32_t i = 0; i < f->n; i++)
            if (l != LIST_NOW_PLAYING || plays(&f->v[i], f->today))
                f->list[l][f->listed[l]++] = i;
        qsort_r(f->list[l], f->listed[l], sizeof *f->list[l], orders[l], f->v);
    }
    if (f->listed[LIST_NOW_PLAYING] > NOW_PLAYING_MAX)
        f->listed[LIST_NOW_PLAYING] = NOW_PLAYING_MAX;
}

static bool is_blank(struct str line)
{
    struct json j = json_over(line);
    return json_at_end(&j);
}

/* Compact records first tell who the people are, so that all films agree about them. */
static bool load_people(struct films *f, struct str rest, const char *name, struct err *e)
{
    int number = 1;
    for (struct str line; feed_line(&rest, &line); number++)
        if (!is_blank(line) && expand_is_compact(line) && !expand_people(line, &f->people, e))
            return wrap(e, "%s:%d", name, number);
    return true;
}

bool films_load(struct films *f, const char *path, int32_t day, struct err *e)
{
    *f = (struct films){0};
    if (path && !feed_read(path, &f->feed, e))
        return false;
    struct str rest = path ? text_str(&f->feed) : feed_built_in();
    const char *name = path ? path : "built-in sample";
    if (!load_people(f, rest, name, e))
        return false;

    int number = 1;
    for (struct str line; feed_line(&rest, &line); number++)
        if (!is_blank(line) && !load_line(f, line, day, e))
            return wrap(e, "%s:%d", name, number);
    if (!f->n)
        return fail(e, "%s: no films in it", name);
    make_lists(f, day);
    return true;
}

const struct film *films_find(const struct films *f, int64_t id)
{
    int64_t at = map_find(&f->by_id, (uint64_t)id);
    return at < 0 ? NULL : &f->v[at];
}

void films_free(struct films *f)
{
    for (size_t i = 0; i < f->n; i++) {
        free(f->v[i].copied);
        free(f->v[i].expanded);
        free(f->v[i].invented);
    }
    free(f->v);
    for (int l = 0; l < LISTS; l++)
        free(f->list[l]);
    map_free(&f->by_id);
    map_free(&f->genres);
    people_free(&f->people);
    text_free(&f->more_genres);
    text_free(&f->feed);
}
