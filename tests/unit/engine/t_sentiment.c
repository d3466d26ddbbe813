#include "engine/sentiment.h"

#include "base/arena.h"
#include "test.h"

/* The scores are those of the reference, vaderSentiment 3.3.2. */
TEST(texts_are_felt_as_the_reference_feels_them)
{
    static const struct {
        const char *text;
        double want;
    } cases[] = {
        {"", 0.0},
        {"  \t\n", 0.0},
        {"The plot", 0.0},
        {"It was good.", 0.4404},
        {"It was good!", 0.4926},
        {"It was good!!!!!!", 0.6209},
        {"Was it good?\?", 0.504},
        {"Was it good?\??", 0.533},
        {"Was it good?\??\?", 0.594},
        {"It was GOOD.", 0.5622},
        {"IT WAS GOOD.", 0.4404},
        {"it was ReallY good", 0.4927},
        {"it was REALLY good", 0.6028},
        {"it was kind of good", 0.3832},
        {"it was sort of bad", -0.5849},
        {"just enough good fun", 0.7102},
        {"it was hardly any good", 0.3862},
        {"It was not good", -0.3412},
        {"It was never so good", 0.6626},
        {"It was never this good", 0.6084},
        {"so good", 0.4927},
        {"never was so good", 0.5777},
        {"without doubt a good film", 0.6136},
        {"without a doubt good", 0.6136},
        {"It isn't good", -0.3412},
        {"it is ISN'T good", -0.3412},
        {"no good", -0.3412},
        {"no", -0.296},
        {"no fun", -0.4023},
        {"no joy or fun", -0.6979},
        {"no fun nor joy", -0.0435},
        {"the least interesting", -0.3089},
        {"at least interesting", 0.4019},
        {"very least interesting", 0.4549},
        {"Least good", -0.3412},
        {"good but bad", -0.5859},
        {"good, but not bad but great", 0.0731},
        {"good good but good bad", 0.25},
        {"the shit", -0.5574},
        {"this film is the shit", 0.6124},
        {"that was the bomb", 0.6124},
        {"what a bad ass film it is", -0.25},
        {"she waited at the bus stop crying", 0.0},
        {"yeah right", 0.296},
        {"oh well yeah right it won", 0.7906},
        {"a kiss of death for love", 0.6705},
        {"food to die for is great", 0.0516},
        {"my beating heart", 0.296},
        {"my sad beating heart", -0.1531},
        {"kind of", 0.0},
        {"kind of love", 0.6369},
        {":) :( :D", 0.6289},
        {"(good)", 0.4404},
        {"\"good\"", 0.4404},
        {"good-bye", 0.0},
        {"...good...", 0.4404},
        {"😁", 0.4588},
        {"I 😁 this", 0.4588},
        {"good😁bad", 0.7096},
        {"💔 it", 0.2732},
        {"⭐", 0.0},
        {"Ünglaublich gut, a GREAT film", 0.7034},
        {"ÉCOLE is GOOD", 0.5622},
        {"“don't like” it", 0.0},
        {"like\xc2\xa0it", 0.3612},
        {"like\xe3\x80\x80it\xe2\x80\x83"
         "bad",
         -0.25},
        {"x good", 0.4404},
        {"uber cool", 0.3804},
        {"friggin AMAZING", 0.7028},
        {"not bad at all", 0.431},
        {"despite the good", -0.3412},
        {"a good film is rarely made", 0.4404},
        {"nobody liked it, nothing works", 0.4215},
        {"I like it!? No!", 0.4738},
        {"sob sob", -0.4588},
        {"ok", 0.296},
        {"WOW", 0.5859},
        {"lol :P", 0.6739},
        {"It was one of the worst movies I've seen, despite good reviews. Unbelievably bad acting!! Poor "
         "direction. VERY poor production.",
         -0.9605},
    };
    sentiment_init();
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].text);
        double got = sentiment_score(cases[i].text, strlen(cases[i].text));
        if (got != cases[i].want)
            BAD("%.6f, want %.6f", got, cases[i].want);
    }
}

TEST(long_texts_have_room)
{
    auto_arena *a = arena_new();
    enum { N = 20000 };
    char *text = arena_alloc(a, N, 12);
    size_t n = 0;
    for (int i = 0; i < N; i++)
        n += (size_t)snprintf(text + n, 12, "%s ", i % 3 == 0 ? "good" : i % 3 == 1 ? "film" : "bad");
    sentiment_init();
    double score = sentiment_score(text, n);
    CHECK(score < -0.99 && score >= -1); /* bad weighs more than good */
    CHECK(sentiment_score(text, 0) == 0);
}

TEST(broken_text_does_no_harm)
{
    static const char *const texts[] = {"\xff\xfe good",     "good\xc3",     "\xe2\x82",
                                        "\xf0\x9f\x98 good", "\x80\x80\x80", "!!! \xc0\xaf ???"};
    sentiment_init();
    for (size_t i = 0; i < countof(texts); i++) {
        double s = sentiment_score(texts[i], strlen(texts[i]));
        CHECK(s >= -1 && s <= 1);
    }
}
