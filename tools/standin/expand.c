#include "expand.h"

#include <inttypes.h>

#include "day.h"
#include "dice.h"
#include "reviews.h"

/* A compact record taken apart; every value raw, empty when absent. */
enum key {
    ID,
    IMDB,
    TITLE,
    ORIGINAL_TITLE,
    LANG,
    DATE,
    RUNTIME,
    BUDGET,
    REVENUE,
    VOTE,
    VOTES,
    POPULARITY,
    STATUS,
    HOMEPAGE,
    GENRES,
    KEYWORDS,
    COMPANIES,
    COUNTRIES,
    LANGUAGES,
    TAGLINE,
    OVERVIEW,
    COLLECTION,
    CAST,
    CREW,
    REVIEWS,
    KEYS,
};

static const char *const key_names[KEYS] = {
    "id",         "imdb",     "title",     "original_title", "lang",       "date",    "runtime",
    "budget",     "revenue",  "vote",      "votes",          "popularity", "status",  "homepage",
    "genres",     "keywords", "companies", "countries",      "languages",  "tagline", "overview",
    "collection", "cast",     "crew",      "reviews",
};

static bool split(struct str line, struct str ret[KEYS], struct err *e)
{
    struct json j = json_over(line);
    if (json_enter(&j, '{'))
        for (struct str key; json_key(&j, &key);) {
            struct str value = json_value(&j);
            size_t i = 0;
            while (i < KEYS && !str_is(key, key_names[i]))
                i++;
            if (i == KEYS)
                return fail(e, "unknown key '%.*s'", (int)key.n, key.p);
            ret[i] = value;
        }
    if (!json_at_end(&j))
        return fail(e, "%s", j.why ? j.why : "text after the record");
    if (!ret[ID].n || !ret[TITLE].n)
        return fail(e, "a film needs an id and a title");
    return true;
}

bool expand_is_compact(struct str line)
{
    struct json j = json_over(line);
    if (json_enter(&j, '{'))
        for (struct str key; json_key(&j, &key); json_value(&j))
            if (str_is(key, "vote_average") || str_is(key, "credits"))
                return false;
    return !j.why;
}

/* Walk an optional array: `struct json j = list(v)`, then json_item() until it is over. */
static struct json list(struct str value)
{
    struct json j = json_over(value.n ? value : STR("[]"));
    json_enter(&j, '[');
    return j;
}

/* The next element of a tuple, or an empty slice when there are no more. */
static struct str next(struct json *tuple)
{
    return json_item(tuple) ? json_value(tuple) : (struct str){.p = "", .n = 0};
}

static bool add_people(struct str value, bool crew, struct people *all, struct err *e)
{
    struct json j = list(value);
    while (json_item(&j)) {
        struct json tuple = list(json_value(&j));
        struct person who = {.id = str_int(next(&tuple)), .name = next(&tuple)};
        struct str job = json_unquote(next(&tuple));
        if (tuple.why || !who.id || who.name.p[0] != '"')
            return fail(e, "a credit is [id, \"name\", \"%s\"]", crew ? "job" : "character");
        people_add(all, &who, crew ? department_of_job(job) : DEPARTMENT_ACTING);
    }
    return j.why ? fail(e, "%s: %s", crew ? "crew" : "cast", j.why) : true;
}

bool expand_people(struct str line, struct people *all, struct err *e)
{
    struct str v[KEYS] = {0};
    return split(line, v, e) && add_people(v[CAST], false, all, e) && add_people(v[CREW], true, all, e);
}

static void add_member(struct text *out, const char *key, struct str value, const char *absent)
{
    text_addf(out, ",\"%s\":", key);
    text_add(out, value.n ? value : str_of(absent));
}

/* A stable made-up id: the same name has the same one in every film. */
static uint32_t name_id(struct str name)
{
    return (uint32_t)(dice_str(name) >> 34) + 1;
}

static void add_genres(struct text *out, struct str value)
{
    const char *comma = "";
    text_adds(out, ",\"genres\":[");
    for (struct json j = list(value); json_item(&j); comma = ",") {
        struct str name = json_value(&j);
        int id = genre_id(json_unquote(name));
        text_addf(out, "%s{\"id\":%" PRIu32 ",\"name\":%.*s}", comma, id ? (uint32_t)id : name_id(name),
                  (int)name.n, name.p);
    }
    text_adds(out, "]");
}

static void add_companies(struct text *out, struct str value)
{
    const char *comma = "";
    text_adds(out, ",\"production_companies\":[");
    for (struct json j = list(value); json_item(&j); comma = ",") {
        struct str name = json_value(&j);
        text_addf(out, "%s{\"id\":%" PRIu32 ",\"logo_path\":null,\"name\":%.*s,\"origin_country\":\"\"}",
                  comma, name_id(name), (int)name.n, name.p);
    }
    text_adds(out, "]");
}

static void add_countries(struct text *out, struct str value)
{
    const char *comma = "";
    text_adds(out, ",\"production_countries\":[");
    for (struct json j = list(value); json_item(&j); comma = ",") {
        struct str code = json_unquote(json_value(&j));
        const char *name = country_name(code);
        struct str shown = name ? str_of(name) : code;
        text_addf(out, "%s{\"iso_3166_1\":\"%.*s\",\"name\":\"%.*s\"}", comma, (int)code.n, code.p,
                  (int)shown.n, shown.p);
    }
    text_adds(out, "]");
}

static void add_languages(struct text *out, struct str value)
{
    const char *comma = "";
    text_adds(out, ",\"spoken_languages\":[");
    for (struct json j = list(value); json_item(&j); comma = ",") {
        struct str code = json_unquote(json_value(&j));
        const struct language *l = language_find(code);
        struct str english = l ? str_of(l->english) : code, own = l ? str_of(l->own) : code;
        text_addf(out, "%s{\"english_name\":\"%.*s\",\"iso_639_1\":\"%.*s\",\"name\":\"%.*s\"}", comma,
                  (int)english.n, english.p, (int)code.n, code.p, (int)own.n, own.p);
    }
    text_adds(out, "]");
}

static void add_collection(struct text *out, struct str value)
{
    text_adds(out, ",\"belongs_to_collection\":");
    if (!value.n || value.p[0] != '[') {
        text_adds(out, "null");
        return;
    }
    struct json tuple = list(value);
    struct str id = next(&tuple), name = next(&tuple);
    text_addf(out, "{\"id\":%.*s,\"name\":%.*s,\"poster_path\":null,\"backdrop_path\":null}", (int)id.n, id.p,
              (int)name.n, name.p);
}

static void add_person(struct text *out, const struct person *p)
{
    text_addf(out,
              "{\"adult\":false,\"gender\":%d,\"id\":%" PRId64
              ",\"known_for_department\":\"%s\",\"name\":%.*s",
              p->gender, p->id, person_department(p), (int)p->name.n, p->name.p);
    text_addf(out, ",\"original_name\":%.*s,\"popularity\":", (int)p->name.n, p->name.p);
    text_add_real(out, person_popularity(p->id));
    text_adds(out, ",\"profile_path\":null");
}

/* 24 hex digits, as TMDB's are. */
static void add_credit_id(struct text *out, int64_t movie, int64_t person, int nth)
{
    uint64_t h = dice_mix(dice_mix((uint64_t)movie, (uint64_t)person), (uint64_t)nth);
    text_addf(out, ",\"credit_id\":\"%08" PRIx32 "%016" PRIx64 "\"", (uint32_t)(0x52000000 + (h >> 38)),
              dice_mix(h, 1));
}

static void add_cast(struct text *out, const struct people *all, int64_t movie, struct str value)
{
    int order = 0;
    for (struct json j = list(value); json_item(&j); order++) {
        struct json tuple = list(json_value(&j));
        const struct person *p = people_find(all, str_int(next(&tuple)));
        next(&tuple);
        struct str character = next(&tuple);
        text_adds(out, order ? "," : "");
        add_person(out, p);
        text_addf(out, ",\"cast_id\":%d", order + 1);
        add_member(out, "character", character, "\"\"");
        add_credit_id(out, movie, p->id, order);
        text_addf(out, ",\"order\":%d}", order);
    }
}

static void add_crew(struct text *out, const struct people *all, int64_t movie, struct str value)
{
    int nth = 0;
    for (struct json j = list(value); json_item(&j); nth++) {
        struct json tuple = list(json_value(&j));
        const struct person *p = people_find(all, str_int(next(&tuple)));
        next(&tuple);
        struct str job = next(&tuple);
        text_adds(out, nth ? "," : "");
        add_person(out, p);
        add_credit_id(out, movie, p->id, 1000 + nth);
        text_addf(out, ",\"department\":\"%s\"", departments[department_of_job(json_unquote(job))]);
        add_member(out, "job", job, "\"\"");
        text_adds(out, "}");
    }
}

static void add_keywords(struct text *out, struct str value)
{
    const char *comma = "";
    text_adds(out, ",\"keywords\":{\"keywords\":[");
    for (struct json j = list(value); json_item(&j); comma = ",") {
        struct str name = json_value(&j);
        text_addf(out, "%s{\"id\":%" PRIu32 ",\"name\":%.*s}", comma, name_id(name), (int)name.n, name.p);
    }
    text_adds(out, "]}");
}

static void add_reviews(struct text *out, int64_t movie, struct str value)
{
    int n = 0;
    auto_text all = {0};
    for (struct json j = list(value); json_item(&j); n++) {
        struct json tuple = list(json_value(&j));
        struct review r = {.author = json_unquote(next(&tuple)), .rating = next(&tuple)};
        r.day = day_parse(json_unquote(next(&tuple)));
        r.content = json_unquote(next(&tuple));
        text_adds(&all, n ? "," : "");
        review_add(&all, movie, n, &r);
    }
    text_addf(out, ",\"reviews\":{\"page\":1,\"results\":[%.*s],\"total_pages\":%d,\"total_results\":%d}",
              (int)all.n, all.n ? all.p : "", (n + 19) / 20, n);
}

static void add_details(struct text *out, const struct str v[KEYS])
{
    text_adds(out, "{\"adult\":false,\"backdrop_path\":null");
    add_collection(out, v[COLLECTION]);
    add_member(out, "budget", v[BUDGET], "0");
    add_genres(out, v[GENRES]);
    add_member(out, "homepage", v[HOMEPAGE], "\"\"");
    add_member(out, "id", v[ID], "0");
    add_member(out, "imdb_id", v[IMDB], "null");
    add_member(out, "original_language", v[LANG], "\"en\"");
    add_member(out, "original_title", v[ORIGINAL_TITLE].n ? v[ORIGINAL_TITLE] : v[TITLE], "");
    add_member(out, "overview", v[OVERVIEW], "\"\"");
    add_member(out, "popularity", v[POPULARITY], "0.6");
    text_adds(out, ",\"poster_path\":null");
    add_companies(out, v[COMPANIES]);
    add_countries(out, v[COUNTRIES]);
    add_member(out, "release_date", v[DATE], "\"\"");
    add_member(out, "revenue", v[REVENUE], "0");
    add_member(out, "runtime", v[RUNTIME], "0");
    add_languages(out, v[LANGUAGES]);
    add_member(out, "status", v[STATUS], "\"Released\"");
    add_member(out, "tagline", v[TAGLINE], "\"\"");
    add_member(out, "title", v[TITLE], "");
    text_adds(out, ",\"video\":false");
    add_member(out, "vote_average", v[VOTE], "0.0");
    add_member(out, "vote_count", v[VOTES], "0");
}

bool expand_film(struct str line, const struct people *all, struct text *out, struct err *e)
{
    struct str v[KEYS] = {0};
    if (!split(line, v, e))
        return false;

    int64_t id = str_int(v[ID]);
    add_details(out, v);
    text_adds(out, ",\"credits\":{\"cast\":[");
    add_cast(out, all, id, v[CAST]);
    text_adds(out, "],\"crew\":[");
    add_crew(out, all, id, v[CREW]);
    text_adds(out, "]}");
    add_keywords(out, v[KEYWORDS]);
    if (v[REVIEWS].n)
        add_reviews(out, id, v[REVIEWS]);
    text_adds(out, "}");
    return true;
}
