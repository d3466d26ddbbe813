#include "record.h"

const char *const part_names[PARTS] = {"credits", "keywords", "reviews"};
const char *const figure_names[FIGURES] = {"popularity", "vote_average", "vote_count"};

static int index_of(struct str key, const char *const names[], int n)
{
    for (int i = 0; i < n; i++)
        if (str_is(key, names[i]))
            return i;
    return -1;
}

/* Other things that append_to_response can bring; a feed may have them, plain details do not. */
static bool is_other_part(struct str key)
{
    static const char *const others[] = {
        "account_states",  "alternative_titles", "changes", "external_ids", "images", "lists",
        "recommendations", "release_dates",      "similar", "translations", "videos", "watch/providers",
    };
    return index_of(key, others, (int)countof(others)) >= 0;
}

/* One person of cast or crew, from a credit of any age: older ones lack most members. */
static void take_credit(struct json *j, bool crew, struct people *all)
{
    struct person who = {0};
    struct str department = {0}, known = {0};
    if (json_enter(j, '{'))
        for (struct str key; json_key(j, &key);) {
            struct str value = json_value(j);
            if (str_is(key, "id"))
                who.id = str_int(value);
            else if (str_is(key, "name"))
                who.name = value;
            else if (str_is(key, "gender"))
                who.gender = (int)str_int(value);
            else if (str_is(key, "profile_path"))
                who.profile = value;
            else if (str_is(key, "department"))
                department = json_unquote(value);
            else if (str_is(key, "known_for_department"))
                known = json_unquote(value);
        }
    if (!who.id || !who.name.n)
        return;
    if (known.n)
        people_add(all, &who, department_index(known));
    else
        people_add(all, &who, crew ? department_index(department) : DEPARTMENT_ACTING);
}

static void take_credits(struct json *j, struct people *all)
{
    if (json_enter(j, '{'))
        for (struct str key; json_key(j, &key);) {
            bool crew = str_is(key, "crew");
            if (!crew && !str_is(key, "cast"))
                json_value(j);
            else if (json_enter(j, '['))
                while (json_item(j))
                    take_credit(j, crew, all);
        }
}

/* Keep the array of results and count it. */
static void take_reviews(struct json *j, struct film *film)
{
    if (json_enter(j, '{'))
        for (struct str key; json_key(j, &key);) {
            struct str value = json_value(j);
            if (!str_is(key, "results"))
                continue;
            film->part[PART_REVIEWS] = value;
            struct json k = json_over(value);
            for (json_enter(&k, '['); json_item(&k); json_value(&k))
                film->reviews++;
        }
}

static void take_part(struct json *j, int part, struct film *film, struct people *people)
{
    json_peek(j);
    const char *from = j->p;
    if (part == PART_CREDITS && people)
        take_credits(j, people);
    else if (part == PART_REVIEWS)
        take_reviews(j, film);
    else
        json_value(j);
    if (part != PART_REVIEWS)
        film->part[part] = (struct str){.p = from, .n = (size_t)(j->p - from)};
}

static void take_detail(struct record *r, struct str key, struct str value)
{
    struct film *film = r->film;
    int figure = index_of(key, figure_names, FIGURES);
    if (figure >= 0) {
        size_t at = r->kept.n ? r->kept.n - value.n : (size_t)(value.p - r->from);
        film->figure[figure].at = (uint32_t)at;
        film->figure[figure].n = (uint32_t)value.n;
    }
    if (figure == FIGURE_POPULARITY)
        film->popularity = str_real(value);
    else if (figure == FIGURE_AVERAGE)
        film->average = str_real(value);
    else if (figure == FIGURE_VOTES)
        film->votes = str_int(value);
    else if (str_is(key, "id"))
        film->id = str_int(value);
    else if (str_is(key, "title"))
        r->title = json_unquote(value);
    else if (str_is(key, "release_date"))
        film->released = day_parse(json_unquote(value));
    else if (str_is(key, "status"))
        film->is_out = str_is(value, "\"Released\"");
    else if (str_is(key, "genres"))
        r->genres = value;
}

/* Details up to and with this member: a longer slice of the record, or a copy if a part was between. */
static void keep_member(struct record *r, struct str key, struct str value)
{
    if (r->gap && !r->kept.n)
        text_add(&r->kept, (struct str){.p = r->from, .n = (size_t)(r->to - r->from)});
    if (r->kept.n) {
        text_adds(&r->kept, r->kept.n > 1 ? ",\"" : "\"");
        text_add(&r->kept, key);
        text_adds(&r->kept, "\":");
        text_add(&r->kept, value);
    }
    r->to = value.p + value.n;
}

/* Whether the key is something that appending brings; the parts that we serve are kept apart. */
static bool drop_part(struct json *j, struct str key, struct record *r, struct people *people)
{
    int part = index_of(key, part_names, PARTS);
    if (part >= 0)
        take_part(j, part, r->film, people);
    else if (is_other_part(key))
        json_value(j);
    else
        return false;
    r->gap = true;
    return true;
}

bool record_take(struct record *r, struct str line, struct people *people, struct err *e)
{
    struct json j = json_over(line);
    json_peek(&j);
    r->from = j.p;
    r->to = j.p + 1;
    if (json_enter(&j, '{'))
        for (struct str key; json_key(&j, &key);) {
            if (drop_part(&j, key, r, people))
                continue;
            struct str value = json_value(&j);
            keep_member(r, key, value);
            take_detail(r, key, value);
        }
    r->film->copied = r->kept.p;
    r->film->details =
        r->kept.n ? text_str(&r->kept) : (struct str){.p = r->from, .n = (size_t)(r->to - r->from)};
    if (!json_at_end(&j))
        return fail(e, "%s", j.why ? j.why : "text after the record");
    if (!r->film->id)
        return fail(e, "a record without an id");
    return true;
}
