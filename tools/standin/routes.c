#include "routes.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "errors.h"
#include "json.h"

enum { PER_PAGE = 20, PAGES_MAX = 500 };

const char *const route_names[ROUTES] = {
    "popular",  "top_rated", "now_playing", "movie",  "credits",
    "keywords", "reviews",   "person",      "genres", "other",
};

/* The number at *p, moving behind it; 0 if there is none or it is too long to be an id. */
static int64_t take_id(const char **p)
{
    int64_t id = 0;
    const char *from = *p;
    for (; **p >= '0' && **p <= '9'; (*p)++)
        id = *p - from < 12 ? id * 10 + (**p - '0') : 0;
    return id;
}

static enum route parse_movie(const char *rest, int64_t *ret_id)
{
    for (int i = ROUTE_POPULAR; i <= ROUTE_NOW_PLAYING; i++)
        if (strcmp(rest, route_names[i]) == 0)
            return (enum route)i;
    *ret_id = take_id(&rest);
    if (*rest == '\0')
        return ROUTE_MOVIE;
    for (int i = ROUTE_CREDITS; *rest == '/' && i <= ROUTE_REVIEWS; i++)
        if (strcmp(rest + 1, route_names[i]) == 0)
            return (enum route)i;
    return ROUTE_OTHER;
}

static enum route parse_path(const char *path, int64_t *ret_id)
{
    if (strncmp(path, "/movie/", 7) == 0)
        return parse_movie(path + 7, ret_id);
    if (strcmp(path, "/genre/movie/list") == 0)
        return ROUTE_GENRES;
    if (strncmp(path, "/person/", 8) != 0)
        return ROUTE_OTHER;
    path += 8;
    *ret_id = take_id(&path);
    return *path ? ROUTE_OTHER : ROUTE_PERSON;
}

static int parse_page(const char *page)
{
    if (!page)
        return 1;
    char *end;
    long n = strtol(page, &end, 10);
    return end == page || *end || n < 1 || n > PAGES_MAX ? 0 : (int)n;
}

static void parse_append(const char *append, struct target *t)
{
    while (append && *append) {
        struct str name = {.p = append, .n = strcspn(append, ",")};
        for (int i = 0; i < PARTS; i++) {
            bool again = false;
            for (int k = 0; k < t->appends; k++)
                again |= t->append[k] == (enum part)i;
            if (!again && str_is(name, part_names[i]))
                t->append[t->appends++] = (enum part)i;
        }
        append += name.n + (append[name.n] == ',');
    }
}

struct target target_parse(const char *path, const char *page, const char *append)
{
    struct target t = {.page = parse_page(page)};
    t.route = parse_path(path, &t.id);
    if (t.route == ROUTE_MOVIE)
        parse_append(append, &t);
    return t;
}

int64_t target_key(const struct target *t)
{
    if (t->doubled || t->route == ROUTE_PERSON || t->route == ROUTE_OTHER)
        return -1;
    int64_t key = t->route;
    for (int i = 0; i < PARTS; i++)
        key = key * 4 + (i < t->appends ? 1 + (int)t->append[i] : 0);
    return (key * 512 + t->page) << 40 | t->id;
}

/* The details up to their closing brace, with the moved figures in place. */
static void add_details(struct text *out, const struct film *film)
{
    bool done[FIGURES] = {0};
    uint32_t at = 0;
    for (;;) {
        int next = -1;
        for (int i = 0; i < FIGURES; i++)
            if (!done[i] && film->figure[i].n && film->figure[i].moved[0] &&
                (next < 0 || film->figure[i].at < film->figure[next].at))
                next = i;
        if (next < 0)
            break;
        done[next] = true;
        text_add(out, (struct str){.p = film->details.p + at, .n = film->figure[next].at - at});
        text_adds(out, film->figure[next].moved);
        at = film->figure[next].at + film->figure[next].n;
    }
    text_add(out, (struct str){.p = film->details.p + at, .n = film->details.n - at});
}

/* The elements of one page of an array, without the brackets. */
static struct str page_of(struct str array, int page)
{
    struct json j = json_over(array);
    struct str slice = {.p = "", .n = 0};
    json_enter(&j, '[');
    for (int i = 0; json_item(&j); i++) {
        struct str v = json_value(&j);
        if (i / PER_PAGE != page - 1)
            continue;
        slice.p = slice.n ? slice.p : v.p;
        slice.n = (size_t)(v.p + v.n - slice.p);
    }
    return slice;
}

static void add_reviews(struct text *out, const struct film *film, int page)
{
    text_addf(out, "\"page\":%d,\"results\":[", page);
    text_add(out, page_of(film->part[PART_REVIEWS], page));
    text_addf(out, "],\"total_pages\":%d,\"total_results\":%d}", (film->reviews + PER_PAGE - 1) / PER_PAGE,
              film->reviews);
}

static struct str part_or_empty(const struct film *film, enum part part)
{
    if (film->part[part].n)
        return film->part[part];
    return part == PART_CREDITS ? STR("{\"cast\":[],\"crew\":[]}") : STR("{\"keywords\":[]}");
}

static void add_movie(struct text *out, const struct film *film, const struct target *t)
{
    size_t need = film->details.n + 256;
    for (int i = 0; i < t->appends; i++)
        need += film->part[t->append[i]].n;
    text_reserve(out, need);

    add_details(out, film);
    for (int i = 0; i < t->appends; i++) {
        text_addf(out, ",\"%s\":", part_names[t->append[i]]);
        if (t->append[i] == PART_REVIEWS) {
            text_adds(out, "{");
            add_reviews(out, film, 1);
        } else
            text_add(out, part_or_empty(film, t->append[i]));
    }
    text_adds(out, "}");
}

/* A part on its own has the film's id in front. */
static void add_part(struct text *out, const struct film *film, const struct target *t)
{
    text_addf(out, "{\"id\":%" PRId64, film->id);
    if (t->route == ROUTE_REVIEWS) {
        text_adds(out, ",");
        add_reviews(out, film, t->page);
        return;
    }
    struct str value = part_or_empty(film, (enum part)(t->route - ROUTE_CREDITS));
    text_adds(out, value.n > 2 ? "," : "");
    text_add(out, (struct str){.p = value.p + 1, .n = value.n - 1});
}

static void add_genre_ids(struct text *out, struct str of_film)
{
    const char *comma = "";
    struct json j = json_over(of_film);
    text_adds(out, "[");
    for (json_enter(&j, '['); json_item(&j);) {
        struct str id = {0};
        if (json_enter(&j, '{'))
            for (struct str key; json_key(&j, &key);) {
                struct str v = json_value(&j);
                id = str_is(key, "id") ? v : id;
            }
        text_adds(out, comma);
        text_add(out, id);
        comma = ",";
    }
    text_adds(out, "]");
}

/* A film as lists show it, in TMDB's order of keys. */
static void add_item(struct text *out, const struct film *film)
{
    static const struct {
        const char *key, *absent;
    } members[] = {
        {"adult", "false"},
        {"backdrop_path", "null"},
        {"genre_ids", "[]"},
        {"id", "0"},
        {"original_language", "\"\""},
        {"original_title", "\"\""},
        {"overview", "\"\""},
        {"popularity", "0.0"},
        {"poster_path", "null"},
        {"release_date", "\"\""},
        {"title", "\"\""},
        {"video", "false"},
        {"vote_average", "0.0"},
        {"vote_count", "0"},
    };
    struct str values[countof(members)] = {0};
    auto_text details = {0};
    add_details(&details, film);
    text_adds(&details, "}");

    struct json j = json_over(text_str(&details));
    if (json_enter(&j, '{'))
        for (struct str key; json_key(&j, &key);) {
            struct str value = json_value(&j);
            for (size_t i = 0; i < countof(members); i++)
                if (str_is(key, members[i].key) || (i == 2 && str_is(key, "genres")))
                    values[i] = value;
        }
    for (size_t i = 0; i < countof(members); i++) {
        text_addf(out, "%c\"%s\":", i ? ',' : '{', members[i].key);
        if (i == 2 && values[i].n)
            add_genre_ids(out, values[i]);
        else
            text_add(out, values[i].n ? values[i] : str_of(members[i].absent));
    }
    text_adds(out, "}");
}

/* now_playing says from when to when. */
static void add_dates(struct text *out, const struct films *f)
{
    size_t n = f->listed[LIST_NOW_PLAYING];
    char from[11], to[11];
    day_format(n ? f->v[f->list[LIST_NOW_PLAYING][n - 1]].released : f->today, from);
    day_format(f->today, to);
    text_addf(out, "\"dates\":{\"maximum\":\"%s\",\"minimum\":\"%s\"},", to, from);
}

static void add_list(struct text *out, const struct films *f, const struct target *t)
{
    enum list list = (enum list)t->route;
    size_t n = f->listed[list], from = (size_t)(t->page - 1) * PER_PAGE;
    size_t to = from + PER_PAGE < n ? from + PER_PAGE : n;

    text_adds(out, "{");
    if (list == LIST_NOW_PLAYING)
        add_dates(out, f);
    text_addf(out, "\"page\":%d,\"results\":[", t->page);
    for (size_t i = from; i < to; i++) {
        text_adds(out, i > from ? "," : "");
        add_item(out, &f->v[f->list[list][t->doubled && i + 1 == to ? from : i]]);
    }
    text_addf(out, "],\"total_pages\":%zu,\"total_results\":%zu}", (n + PER_PAGE - 1) / PER_PAGE, n);
}

static void add_genres(struct text *out, const struct films *f)
{
    text_adds(out, "{\"genres\":[");
    for (const struct genre *g = genres; g->id; g++)
        text_addf(out, "%s{\"id\":%d,\"name\":\"%s\"}", g == genres ? "" : ",", g->id, g->name);
    text_add(out, text_str(&f->more_genres));
    text_adds(out, "]}");
}

static int about_film(const struct films *f, const struct target *t, struct text *out)
{
    const struct film *film = films_find(f, t->id);
    if (!film)
        return error_body(out, 404);
    if (t->route == ROUTE_REVIEWS && !t->page)
        return error_body(out, 400);
    if (t->route == ROUTE_MOVIE)
        add_movie(out, film, t);
    else
        add_part(out, film, t);
    return 200;
}

int target_body(const struct films *f, const struct target *t, struct text *out)
{
    const struct person *person;
    switch (t->route) {
    case ROUTE_POPULAR:
    case ROUTE_TOP_RATED:
    case ROUTE_NOW_PLAYING:
        if (!t->page)
            return error_body(out, 400);
        add_list(out, f, t);
        return 200;
    case ROUTE_MOVIE:
    case ROUTE_CREDITS:
    case ROUTE_KEYWORDS:
    case ROUTE_REVIEWS:
        return about_film(f, t, out);
    case ROUTE_PERSON:
        person = people_find(&f->people, t->id);
        if (!person)
            return error_body(out, 404);
        person_body(person, out);
        return 200;
    case ROUTE_GENRES:
        add_genres(out, f);
        return 200;
    case ROUTE_OTHER:
    case ROUTES:
        break;
    }
    return error_body(out, 404);
}
