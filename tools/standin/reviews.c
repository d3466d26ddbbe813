#include "reviews.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

#include "day.h"
#include "dice.h"

enum { INVENTED_MAX = 3, LATEST_DAYS = 700 };

void review_add(struct text *out, int64_t movie, int index, const struct review *r)
{
    uint64_t h = dice_mix((uint64_t)movie, 0x726576u + (uint64_t)index);
    char id[32];
    snprintf(id, sizeof id, "%08" PRIx32 "%016" PRIx64, (uint32_t)(0x50000000 + (h >> 36)), dice_mix(h, 1));

    char day[11], time[24];
    day_format(r->day == DAY_NONE ? 16436 + (int32_t)(h % 3000) : r->day, day);
    snprintf(time, sizeof time, "T%02u:%02u:%02u.%03uZ", (unsigned)(h >> 8) % 24, (unsigned)(h >> 16) % 60,
             (unsigned)(h >> 24) % 60, (unsigned)(h >> 32) % 1000);

    text_adds(out, "{\"author\":\"");
    text_add(out, r->author);
    text_adds(out, "\",\"author_details\":{\"name\":\"\",\"username\":\"");
    text_add(out, r->author);
    text_adds(out, "\",\"avatar_path\":null,\"rating\":");
    text_add(out, r->rating.n ? r->rating : STR("null"));
    text_adds(out, "},\"content\":\"");
    text_add(out, r->content);
    text_addf(out,
              "\",\"created_at\":\"%s%s\",\"id\":\"%s\",\"updated_at\":\"%s%s\","
              "\"url\":\"https://www.themoviedb.org/review/%s\"}",
              day, time, id, day, time, id);
}

/* Sentences by mood: 0 unkind, 1 lukewarm, 2 kind. %s in an opening stands for the title. */
enum { MOODS = 3, EACH = 6 };

static const char *const openings[MOODS][EACH] = {
    {"I wanted to like %s and could not.", "%s is a waste of a good idea.", "Two hours of %s felt like four.",
     "What a disappointing film %s turned out to be.", "%s is loud, empty and badly told.",
     "I nearly walked out of %s."},
    {"%s is watchable, no more and no less.", "Parts of %s work and parts of it do not.",
     "I expected a little more of %s.", "%s passes the time on a rainy evening.",
     "There is half of a good film in %s.", "%s is a mixed bag."},
    {"%s is a wonderful film.", "I loved %s from the first scene to the last.",
     "%s is as good as everybody says.", "Seldom has a film made me as happy as %s.",
     "%s is beautifully made and full of life.", "I have seen %s three times and it gets better."},
};
static const char *const middles[MOODS][EACH] = {
    {"The plot makes no sense and the dialogue is awful.", "The cast looks bored and so was I.",
     "Every joke falls flat.", "The pictures are dull and the music is worse.",
     "The story drags, and the ending is a bad excuse for one.", "Nothing in it feels true."},
    {"The beginning is slow but the second half picks up.", "The actors do what they can with a thin script.",
     "It looks nice enough.", "Some scenes stay in the mind, others are gone at once.",
     "The story is one that we have seen before.", "It is neither as clever nor as stupid as it might be."},
    {"The acting is superb and the music is gorgeous.", "The script is clever, funny and moving.",
     "Every picture of it could hang on a wall.", "The pace is perfect and the ending is a triumph.",
     "The whole cast is excellent.", "It is exciting, warm and honest."},
};
static const char *const closings[MOODS][EACH] = {
    {"Avoid it.", "A poor piece of work.", "I was annoyed and regret the ticket.", "Terrible.",
     "Do yourself a favour and skip this one.", "One of the worst of its year."},
    {"See it if there is nothing else.", "It was all right.", "I may not remember it next week.",
     "Fans will be content.", "Average.", "Good in places."},
    {"Highly recommended.", "A masterpiece, and great fun besides.", "See it with people you love.",
     "One of my favourites.", "Brilliant.", "I could not be more pleased."},
};

static void invent_content(struct text *out, uint64_t h, int rating, struct str title)
{
    int mood = rating >= 7 ? 2 : rating >= 5 ? 1 : 0;
    const char *opening = openings[mood][h % EACH], *gap = strstr(opening, "%s");
    text_add(out, (struct str){.p = opening, .n = (size_t)(gap - opening)});
    text_add(out, title);
    text_adds(out, gap + 2);
    text_addf(out, " %s", middles[mood][(h >> 8) % EACH]);
    if ((h >> 16) % 3 == 0) /* now and then a second thought of another mood */
        text_addf(out, " %s", middles[1][(h >> 24) % EACH]);
    text_addf(out, " %s", closings[mood][(h >> 32) % EACH]);
}

int reviews_invent(struct text *out, int64_t movie, struct str title, double average, int32_t released)
{
    static const char *const authors[] = {
        "brightside_ann", "CinemaKarl", "mr_popcorn", "lena.w",     "thirdrow",  "OldReel",   "nightowl77",
        "Marguerite",     "filmgrain",  "two_thumbs", "J. Hartley", "quietseat", "subtitled", "aisle_nine",
    };
    uint64_t h = dice_mix((uint64_t)movie, 0x6d616465);
    int n = (int)(h % (INVENTED_MAX + 1));
    text_adds(out, "[");
    for (int i = 0; i < n; i++) {
        uint64_t r = dice_mix(h, (uint64_t)i + 1);
        double near = (average > 0 ? average : 6) + (dice_unit(dice_mix(r, 1)) - 0.5) * 5;
        int rating = near < 1 ? 1 : near > 10 ? 10 : (int)(near + 0.5);
        auto_text content = {0};
        auto_text stars = {0};
        invent_content(&content, dice_mix(r, 2), rating, title);
        text_addf(&stars, "%d", rating);
        text_adds(out, i ? "," : "");
        review_add(out, movie, i,
                   &(struct review){
                       .author = str_of(authors[(r >> 40) % countof(authors)]),
                       .content = text_str(&content),
                       .rating = (r >> 20) % 8 ? text_str(&stars) : (struct str){0},
                       .day = released == DAY_NONE ? DAY_NONE : released + (int32_t)((r >> 8) % LATEST_DAYS),
                   });
    }
    text_adds(out, "]");
    return n;
}
