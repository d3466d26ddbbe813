#include "engine/sentiment.h"

#include <ctype.h>
#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <string.h>
#include <wctype.h>

#include "base/buf.h"
#include "base/text.h"
#include "engine/vader_data.h"

/* The rules' constants, as published. */
#define BOOST     0.293 /* "very" */
#define CAPS      0.733 /* a word in capitals among others that are not */
#define NEGATED   (-0.74)
#define NEVER_SO  1.25 /* "never so good" */
#define EXCLAIM   0.292
#define QUESTION  0.18
#define QUESTIONS 0.96
#define ALPHA     15.0

enum {
    NEAR_WORDS = 512,
    TABLE = 1 << 14,
    FILTER = 1 << 17,
    EMOJIS = 1 << 12,
    KEY_MAX = 24,
    MAX_TEXT = 1 << 30
};

/* What a byte is. */
enum { C_SPACE = 1, C_PUNCT = 2, C_UPPER = 4, C_LOWER = 8, C_WIDE = 16 };

/* Words that rules name. */
enum name {
    W_OTHER,
    W_ASS,
    W_AT,
    W_BAD,
    W_BEATING,
    W_BOMB,
    W_BUS,
    W_BUT,
    W_DEATH,
    W_DIE,
    W_DOUBT,
    W_ENOUGH,
    W_FOR,
    W_HEART,
    W_JUST,
    W_KIND,
    W_KISS,
    W_LEAST,
    W_NEVER,
    W_NO,
    W_NOR,
    W_OF,
    W_OR,
    W_RIGHT,
    W_SHIT,
    W_SO,
    W_SORT,
    W_STOP,
    W_THE,
    W_THIS,
    W_TO,
    W_VERY,
    W_WITHOUT,
    W_YEAH
};

struct entry { /* what is known of a word in small letters */
    const char *word;
    uint32_t hash;
    uint8_t len, name;
    bool rated;     /* in the lexicon */
    bool negation;  /* "never" */
    double valence; /* if rated */
    double boost;   /* 0 = does not */
};

struct emoji {
    uint32_t rune;
    uint32_t len;
    const char *meaning;
};

static struct entry table[TABLE];
static uint64_t
    filter[FILTER / 64]; /* a bit for every hash in the table: most words end here, in the nearest cache */
static uint8_t class_of[256];
static struct emoji emojis[EMOJIS];
static const struct entry unknown;
static locale_t unicode;

/* --- the tables --- */

static uint32_t mix(uint32_t h, unsigned char c)
{
    return (h ^ c) * 0x01000193u;
}

static uint32_t hash_word(const char *p, size_t n)
{
    uint32_t h = 0x811c9dc5u;
    for (size_t i = 0; i < n; i++)
        h = mix(h, (unsigned char)p[i]);
    return h;
}

static uint32_t slot_of(uint32_t hash)
{
    return (hash ^ hash >> 15) & (TABLE - 1);
}

/* The entry of a word in small letters, made if it is not there. */
static struct entry *learn(const char *word, size_t n)
{
    uint32_t hash = hash_word(word, n);
    uint32_t i = slot_of(hash);
    while (table[i].word &&
           (table[i].hash != hash || table[i].len != n || memcmp(table[i].word, word, n) != 0))
        i = (i + 1) & (TABLE - 1);
    filter[hash % FILTER / 64] |= UINT64_C(1) << hash % 64;
    table[i].word = word;
    table[i].hash = hash;
    table[i].len = (uint8_t)n;
    return &table[i];
}

static const struct entry *look_up(const char *word, size_t n, uint32_t hash)
{
    uint32_t i = slot_of(hash);
    while (table[i].word &&
           (table[i].hash != hash || table[i].len != n || memcmp(table[i].word, word, n) != 0))
        i = (i + 1) & (TABLE - 1);
    return table[i].word ? &table[i] : &unknown;
}

/* Text is looked up in small letters, so a key with others can never be met. */
static bool can_occur(const char *p, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (isupper((unsigned char)p[i]) || (unsigned char)p[i] >= 0x80)
            return false;
    return n > 0 && n < KEY_MAX;
}

static void learn_lexicon(void)
{
    const char *p = vader_lexicon, *end = p + vader_lexicon_len;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        if (!eol)
            eol = end;
        const char *tab = memchr(p, '\t', (size_t)(eol - p));
        if (tab && can_occur(p, (size_t)(tab - p))) {
            struct entry *e = learn(p, (size_t)(tab - p));
            e->rated = true;
            e->valence = strtod(tab + 1, NULL);
        }
        p = eol + 1;
    }
}

static void learn_emojis(void)
{
    const char *p = vader_emoji, *end = p + vader_emoji_len;
    while (p < end) {
        const char *eol = memchr(p, '\n', (size_t)(end - p));
        if (!eol)
            eol = end;
        uint32_t rune;
        const char *tab = memchr(p, '\t', (size_t)(eol - p));
        int n = tab ? text_rune(p, (size_t)(tab - p), &rune) : 0;
        if (n > 0 && p + n == tab) { /* those of several characters are never met: text is read one by one */
            size_t len = (size_t)(eol - tab - 1);
            const char *more = memchr(tab + 1, '\t', len);
            while (!more && len > 0 && isspace((unsigned char)tab[len]))
                len--;
            uint32_t i = rune * 2654435761u >> 20 & (EMOJIS - 1);
            while (emojis[i].rune && emojis[i].rune != rune)
                i = (i + 1) & (EMOJIS - 1);
            emojis[i] = (struct emoji){rune, (uint32_t)(more ? (size_t)(more - tab - 1) : len), tab + 1};
        }
        p = eol + 1;
    }
}

static void learn_rules(void)
{
    static const char *const negations[] = {
        "aint",     "ain't",    "arent",    "aren't",   "cannot", "cant",    "can't",    "couldnt",
        "couldn't", "darent",   "daren't",  "despite",  "didnt",  "didn't",  "doesnt",   "doesn't",
        "dont",     "don't",    "hadnt",    "hadn't",   "hasnt",  "hasn't",  "havent",   "haven't",
        "isnt",     "isn't",    "mightnt",  "mightn't", "mustnt", "mustn't", "neednt",   "needn't",
        "neither",  "never",    "none",     "nope",     "nor",    "not",     "nothing",  "nowhere",
        "oughtnt",  "oughtn't", "rarely",   "seldom",   "shant",  "shan't",  "shouldnt", "shouldn't",
        "uhuh",     "uh-uh",    "wasnt",    "wasn't",   "werent", "weren't", "without",  "wont",
        "won't",    "wouldnt",  "wouldn't",
    };
    static const char *const more[] = {
        "absolutely",    "amazingly",    "awfully",       "completely", "considerable", "considerably",
        "decidedly",     "deeply",       "effing",        "enormous",   "enormously",   "entirely",
        "especially",    "exceptional",  "exceptionally", "extreme",    "extremely",    "fabulously",
        "flippin",       "flipping",     "frackin",       "fracking",   "frickin",      "fricking",
        "friggin",       "frigging",     "fuckin",        "fucking",    "fuggin",       "fugging",
        "fully",         "greatly",      "hella",         "highly",     "hugely",       "incredible",
        "incredibly",    "intensely",    "major",         "majorly",    "more",         "most",
        "particularly",  "purely",       "quite",         "really",     "remarkably",   "so",
        "substantially", "thoroughly",   "total",         "totally",    "tremendous",   "tremendously",
        "uber",          "unbelievably", "unusually",     "utter",      "utterly",      "very",
    };
    static const char *const less[] = {
        "almost",   "barely",   "hardly",     "kind-of",    "kinda",        "kindof", "less",
        "little",   "marginal", "marginally", "occasional", "occasionally", "partly", "scarce",
        "scarcely", "slight",   "slightly",   "somewhat",   "sort-of",      "sorta",  "sortof",
    };
    static const struct {
        const char *word;
        enum name name;
    } named[] = {
        {"ass", W_ASS},     {"at", W_AT},       {"bad", W_BAD},       {"beating", W_BEATING},
        {"bomb", W_BOMB},   {"bus", W_BUS},     {"but", W_BUT},       {"death", W_DEATH},
        {"die", W_DIE},     {"doubt", W_DOUBT}, {"enough", W_ENOUGH}, {"for", W_FOR},
        {"heart", W_HEART}, {"just", W_JUST},   {"kind", W_KIND},     {"kiss", W_KISS},
        {"least", W_LEAST}, {"never", W_NEVER}, {"no", W_NO},         {"nor", W_NOR},
        {"of", W_OF},       {"or", W_OR},       {"right", W_RIGHT},   {"shit", W_SHIT},
        {"so", W_SO},       {"sort", W_SORT},   {"stop", W_STOP},     {"the", W_THE},
        {"this", W_THIS},   {"to", W_TO},       {"very", W_VERY},     {"without", W_WITHOUT},
        {"yeah", W_YEAH},
    };
    for (size_t i = 0; i < countof(negations); i++)
        learn(negations[i], strlen(negations[i]))->negation = true;
    for (size_t i = 0; i < countof(more); i++)
        learn(more[i], strlen(more[i]))->boost = BOOST;
    for (size_t i = 0; i < countof(less); i++)
        learn(less[i], strlen(less[i]))->boost = -BOOST;
    for (size_t i = 0; i < countof(named); i++)
        learn(named[i].word, strlen(named[i].word))->name = (uint8_t)named[i].name;
}

static void learn_bytes(void)
{
    for (int c = 0; c < 256; c++) {
        bool space = c == ' ' || (c >= '\t' && c <= '\r') || (c >= 0x1c && c <= 0x1f);
        class_of[c] = (uint8_t)(c >= 0x80                                        ? C_WIDE
                                : space                                          ? C_SPACE
                                : c >= 'A' && c <= 'Z'                           ? C_UPPER
                                : c >= 'a' && c <= 'z'                           ? C_LOWER
                                : c > ' ' && c < 0x7f && !(c >= '0' && c <= '9') ? C_PUNCT
                                                                                 : 0);
    }
}

static void init(void)
{
    learn_bytes();
    unicode = newlocale(LC_CTYPE_MASK, "C.UTF-8", (locale_t)0);
    learn_lexicon();
    learn_emojis();
    learn_rules();
}

void sentiment_init(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, init);
}

/* --- words --- */

struct word {
    const char *p;
    uint32_t n;
    bool caps; /* letters, and all of them capitals */
    const struct entry *e;
};

struct words {
    struct word near[NEAR_WORDS];
    struct word *v;
    size_t n, cap, ncaps;
};

static struct word *add_word(struct words *w)
{
    if (w->n == w->cap) {
        size_t cap = w->cap * 2;
        struct word *v = realloc(w->v == w->near ? NULL : w->v, cap * sizeof *v);
        if (!v)
            abort();
        if (w->v == w->near)
            memcpy(v, w->near, sizeof w->near);
        w->v = v;
        w->cap = cap;
    }
    return &w->v[w->n++];
}

/* How many bytes of white space p begins with, as Python's split() knows it. */
static size_t wide_space(const char *p, const char *end)
{
    uint32_t r;
    int n = text_rune(p, (size_t)(end - p), &r);
    bool space = r == 0x85 || r == 0xa0 || r == 0x1680 || (r >= 0x2000 && r <= 0x200a) || r == 0x2028 ||
                 r == 0x2029 || r == 0x202f || r == 0x205f || r == 0x3000;
    return n > 0 && space ? (size_t)n : 0;
}

static inline size_t space_at(const char *p, const char *end)
{
    uint8_t class = class_of[(unsigned char)*p];
    return class & C_WIDE ? wide_space(p, end) : class & C_SPACE;
}

/* Capitals of other alphabets count too. */
static bool wide_caps(const char *p, size_t n)
{
    bool upper = false;
    for (size_t i = 0; i < n;) {
        uint32_t r;
        int len = text_rune(p + i, n - i, &r);
        if (len == 0)
            len = 1, r = 0xfffd;
        if (iswlower_l((wint_t)r, unicode))
            return false;
        upper = upper || iswupper_l((wint_t)r, unicode);
        i += (size_t)len;
    }
    return upper;
}

static void read_word(struct words *w, const char *p, size_t n)
{
    char small[KEY_MAX];
    uint32_t hash = 0x811c9dc5u;
    uint8_t classes = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned char c = (unsigned char)p[i];
        uint8_t class = class_of[c];
        classes |= class;
        c |= class & C_UPPER ? 0x20 : 0;
        hash = mix(hash, c);
        if (i < sizeof small)
            small[i] = (char)c;
    }
    bool wide = classes & C_WIDE;
    bool caps = !(classes & C_LOWER) && (wide ? wide_caps(p, n) : classes & C_UPPER);
    struct word *word = add_word(w);
    *word =
        (struct word){p, (uint32_t)n, caps, n < sizeof small && !wide ? look_up(small, n, hash) : &unknown};
    w->ncaps += caps;
}

static bool is_punct(char c)
{
    return class_of[(unsigned char)c] & C_PUNCT;
}

/* A word without the punctuation around it, unless so little is left that it was an emoticon. */
static void read_token(struct words *w, const char *p, size_t n)
{
    const char *s = p, *e = p + n;
    while (s < e && is_punct(*s))
        s++;
    while (e > s && is_punct(e[-1]))
        e--;
    size_t left = 0; /* characters, counted no further than needed */
    for (const char *c = s; c < e && left <= 2; c++)
        left += ((unsigned char)*c & 0xc0) != 0x80;
    if (left <= 2)
        read_word(w, p, n);
    else
        read_word(w, s, (size_t)(e - s));
}

static void read_words(struct words *w, const char *p, const char *end)
{
    while (p < end) {
        size_t space = space_at(p, end);
        if (space) {
            p += space;
            continue;
        }
        const char *start = p;
        while (p < end && !space_at(p, end))
            p++;
        read_token(w, start, (size_t)(p - start));
    }
}

/* --- the rules --- */

static enum name name_of(const struct words *w, size_t i)
{
    return (enum name)w->v[i].e->name;
}

static bool is_negation(const struct word *x)
{
    if (x->e->negation)
        return true;
    for (size_t i = 0; i + 2 < x->n; i++)
        if ((x->p[i] | 0x20) == 'n' && x->p[i + 1] == '\'' && (x->p[i + 2] | 0x20) == 't')
            return true;
    return false;
}

/* How a word in front, `distance` words away, strengthens or weakens. */
static double boost(const struct word *x, double valence, int distance, bool mixed_caps)
{
    static const double fade[] = {1, 0.95, 0.9};
    double b = x->e->boost;
    if (b == 0)
        return 0;
    if (valence < 0)
        b = -b;
    if (x->caps && mixed_caps)
        b += valence > 0 ? CAPS : -CAPS;
    return b * fade[distance - 1];
}

/* What a negation `distance` words in front of word i does. */
static double negate(const struct words *w, size_t i, int distance, double valence)
{
    const struct word *x = &w->v[i - (size_t)distance];
    enum name near = name_of(w, i - 1);
    bool so = near == W_SO || near == W_THIS;
    if (distance == 2) {
        if (x->e->name == W_NEVER && so)
            return valence * NEVER_SO;
        if (x->e->name == W_WITHOUT && near == W_DOUBT)
            return valence;
    } else if (distance == 3) {
        enum name middle = name_of(w, i - 2);
        /* The published rule reads "never and so, or so": so alone is enough. */
        if ((x->e->name == W_NEVER && (middle == W_SO || middle == W_THIS)) || so)
            return valence * NEVER_SO;
        if (x->e->name == W_WITHOUT && (middle == W_DOUBT || near == W_DOUBT))
            return valence;
    }
    return is_negation(x) ? valence * NEGATED : valence;
}

/* Phrases of two or three words with a valence of their own. */
static bool phrase(enum name a, enum name b, enum name c, double *ret)
{
    static const struct {
        enum name words[3];
        double valence;
    } phrases[] = {
        {{W_THE, W_SHIT}, 3},      {{W_THE, W_BOMB}, 3},        {{W_BAD, W_ASS}, 1.5},
        {{W_BUS, W_STOP}, 0},      {{W_YEAH, W_RIGHT}, -2},     {{W_KISS, W_OF, W_DEATH}, -1.5},
        {{W_TO, W_DIE, W_FOR}, 3}, {{W_BEATING, W_HEART}, 3.5},
    };
    for (size_t i = 0; i < countof(phrases) && a != W_OTHER; i++) {
        if (phrases[i].words[0] == a && phrases[i].words[1] == b && phrases[i].words[2] == c) {
            *ret = phrases[i].valence;
            return true;
        }
    }
    return false;
}

/* "kind of", "sort of", "just enough" weaken as one word does. */
static bool weakens(enum name a, enum name b)
{
    return ((a == W_KIND || a == W_SORT) && b == W_OF) || (a == W_JUST && b == W_ENOUGH);
}

/* The phrases around word i, which has at least three in front. */
static double phrases_around(const struct words *w, size_t i, double valence)
{
    enum name n3 = name_of(w, i - 3), n2 = name_of(w, i - 2), n1 = name_of(w, i - 1), n0 = name_of(w, i);
    (void)(phrase(n1, n0, W_OTHER, &valence) || phrase(n2, n1, n0, &valence) ||
           phrase(n2, n1, W_OTHER, &valence) || phrase(n3, n2, n1, &valence) ||
           phrase(n3, n2, W_OTHER, &valence));
    if (i + 1 < w->n)
        phrase(n0, name_of(w, i + 1), W_OTHER, &valence);
    if (i + 2 < w->n)
        phrase(n0, name_of(w, i + 1), name_of(w, i + 2), &valence);
    if (weakens(n3, n2))
        valence -= BOOST;
    if (weakens(n2, n1))
        valence -= BOOST;
    return valence;
}

/* "no" in front of word i, or "no ... or" it. */
static bool behind_no(const struct words *w, size_t i)
{
    return (i > 0 && name_of(w, i - 1) == W_NO) || (i > 1 && name_of(w, i - 2) == W_NO) ||
           (i > 2 && name_of(w, i - 3) == W_NO && (name_of(w, i - 1) == W_OR || name_of(w, i - 1) == W_NOR));
}

static double word_valence(const struct words *w, size_t i, bool mixed_caps)
{
    const struct word *x = &w->v[i];
    bool kind_of = x->e->name == W_KIND && i + 1 < w->n && name_of(w, i + 1) == W_OF;
    if (!x->e->rated || x->e->boost != 0 || kind_of)
        return 0;

    double valence = x->e->valence;
    if (x->e->name == W_NO && i + 1 < w->n && w->v[i + 1].e->rated)
        valence = 0;
    if (behind_no(w, i))
        valence = x->e->valence * NEGATED;
    if (x->caps && mixed_caps)
        valence += valence > 0 ? CAPS : -CAPS;

    for (int distance = 1; distance <= 3 && i >= (size_t)distance; distance++) {
        const struct word *before = &w->v[i - (size_t)distance];
        if (before->e->rated)
            continue;
        valence += boost(before, valence, distance, mixed_caps);
        valence = negate(w, i, distance, valence);
        if (distance == 3)
            valence = phrases_around(w, i, valence);
    }

    bool least = i > 0 && name_of(w, i - 1) == W_LEAST;
    bool at_least = i > 1 && (name_of(w, i - 2) == W_AT || name_of(w, i - 2) == W_VERY);
    return least && !at_least ? valence * NEGATED : valence;
}

struct felt { /* a word with a valence, in order */
    size_t i;
    double valence;
};

/* What stands in front of the first "but" counts half, what stands behind it half as much again. The
 * reference finds the word to change by the first equal valence, changed ones included, and so do we. */
static void weigh_but(const struct words *w, struct felt *f, size_t n)
{
    size_t but = 0;
    while (but < w->n && name_of(w, but) != W_BUT)
        but++;
    if (but == w->n)
        return;
    for (size_t k = 0; k < n; k++) {
        size_t first = 0;
        while (f[first].valence != f[k].valence)
            first++;
        if (f[first].i < but)
            f[first].valence *= 0.5;
        else if (f[first].i > but)
            f[first].valence *= 1.5;
    }
}

static double emphasis(const char *p, const char *end)
{
    size_t exclaims = 0, questions = 0;
    for (; p < end; p++) {
        exclaims += *p == '!';
        questions += *p == '?';
    }
    double e = (double)(exclaims > 4 ? 4 : exclaims) * EXCLAIM;
    if (questions > 3)
        e += QUESTIONS;
    else if (questions > 1)
        e += (double)questions * QUESTION;
    return e;
}

/* As decimal rounding does it, half to even of the exact value. */
static double round4(double x)
{
    char s[32];
    snprintf(s, sizeof s, "%.4f", x);
    return strtod(s, NULL);
}

static double compound(const struct words *w, const char *p, const char *end)
{
    bool mixed_caps = w->ncaps > 0 && w->ncaps < w->n;
    struct felt near[NEAR_WORDS], *f = near;
    if (w->n > NEAR_WORDS && !(f = malloc(w->n * sizeof *f)))
        abort();
    size_t n = 0;
    for (size_t i = 0; i < w->n; i++) {
        double valence = word_valence(w, i, mixed_caps);
        if (valence != 0)
            f[n++] = (struct felt){i, valence};
    }
    weigh_but(w, f, n);
    double sum = 0;
    for (size_t k = 0; k < n; k++)
        sum += f[k].valence;
    if (f != near)
        free(f);
    if (sum == 0)
        return 0;
    sum += sum > 0 ? emphasis(p, end) : -emphasis(p, end);
    return round4(sum / sqrt(sum * sum + ALPHA));
}

/* --- emojis --- */

static const struct emoji *find_emoji(uint32_t rune)
{
    uint32_t i = rune * 2654435761u >> 20 & (EMOJIS - 1);
    while (emojis[i].rune && emojis[i].rune != rune)
        i = (i + 1) & (EMOJIS - 1);
    return emojis[i].rune ? &emojis[i] : NULL;
}

/* The text with emojis put into words, or NULL if there are none. */
static char *describe_emojis(const char *p, size_t n, size_t *ret_n)
{
    struct buf b = BUF(MAX_TEXT);
    size_t copied = 0;
    bool space = true; /* a description needs one in front */
    for (size_t i = 0; i < n;) {
        uint32_t rune = (unsigned char)p[i];
        int len = rune < 0x80 ? 1 : text_rune(p + i, n - i, &rune);
        const struct emoji *e = len > 1 ? find_emoji(rune) : NULL;
        if (e) {
            buf_add(&b, p + copied, i - copied);
            buf_addf(&b, "%s%.*s", space ? "" : " ", (int)e->len, e->meaning);
            copied = i + (size_t)len;
        }
        space = !e && rune == ' ';
        i += len > 0 ? (size_t)len : 1;
    }
    if (copied == 0) {
        buf_free(&b);
        return NULL;
    }
    buf_add(&b, p + copied, n - copied);
    *ret_n = b.len;
    return b.p;
}

static bool is_ascii(const char *p, size_t n)
{
    unsigned char any = 0;
    for (size_t i = 0; i < n; i++)
        any |= (unsigned char)p[i];
    return any < 0x80;
}

double sentiment_score(const char *text, size_t n)
{
    auto_free char *described = is_ascii(text, n) ? NULL : describe_emojis(text, n, &n);
    const char *p = described ? described : text;
    struct words w;
    w.v = w.near;
    w.n = w.ncaps = 0;
    w.cap = NEAR_WORDS;
    read_words(&w, p, p + n);
    double score = compound(&w, p, p + n);
    if (w.v != w.near)
        free(w.v);
    return score;
}
