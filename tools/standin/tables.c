#include "tables.h"

const struct genre genres[] = {
    {28, "Action"},      {12, "Adventure"}, {16, "Animation"}, {35, "Comedy"},     {80, "Crime"},
    {99, "Documentary"}, {18, "Drama"},     {10751, "Family"}, {14, "Fantasy"},    {36, "History"},
    {27, "Horror"},      {10402, "Music"},  {9648, "Mystery"}, {10749, "Romance"}, {878, "Science Fiction"},
    {10770, "TV Movie"}, {53, "Thriller"},  {10752, "War"},    {37, "Western"},    {0},
};

int genre_id(struct str name)
{
    for (const struct genre *g = genres; g->id; g++)
        if (str_is(name, g->name))
            return g->id;
    return 0;
}

bool genre_known(int64_t id)
{
    for (const struct genre *g = genres; g->id; g++)
        if (g->id == id)
            return true;
    return false;
}

enum {
    ACTING = DEPARTMENT_ACTING,
    DIRECTING,
    WRITING,
    PRODUCTION,
    CAMERA,
    EDITING,
    SOUND,
    ART,
    COSTUME,
    EFFECTS,
    LIGHTING,
    CREATOR,
    ACTORS,
    CREW,
};

const char *const departments[DEPARTMENTS] = {
    [ACTING] = "Acting",
    [DIRECTING] = "Directing",
    [WRITING] = "Writing",
    [PRODUCTION] = "Production",
    [CAMERA] = "Camera",
    [EDITING] = "Editing",
    [SOUND] = "Sound",
    [ART] = "Art",
    [COSTUME] = "Costume & Make-Up",
    [EFFECTS] = "Visual Effects",
    [LIGHTING] = "Lighting",
    [CREATOR] = "Creator",
    [ACTORS] = "Actors",
    [CREW] = "Crew",
};

int department_index(struct str name)
{
    for (int i = 0; i < DEPARTMENTS; i++)
        if (str_is(name, departments[i]))
            return i;
    return CREW;
}

int department_of_job(struct str job)
{
    static const struct {
        const char *job;
        int department;
    } jobs[] = {
        {"Director", DIRECTING},
        {"Co-Director", DIRECTING},
        {"Assistant Director", DIRECTING},
        {"Script Supervisor", DIRECTING},
        {"Writer", WRITING},
        {"Screenplay", WRITING},
        {"Story", WRITING},
        {"Novel", WRITING},
        {"Book", WRITING},
        {"Characters", WRITING},
        {"Author", WRITING},
        {"Comic Book", WRITING},
        {"Graphic Novel", WRITING},
        {"Short Story", WRITING},
        {"Theatre Play", WRITING},
        {"Teleplay", WRITING},
        {"Dialogue", WRITING},
        {"Adaptation", WRITING},
        {"Original Story", WRITING},
        {"Idea", WRITING},
        {"Musical", WRITING},
        {"Producer", PRODUCTION},
        {"Executive Producer", PRODUCTION},
        {"Co-Producer", PRODUCTION},
        {"Associate Producer", PRODUCTION},
        {"Line Producer", PRODUCTION},
        {"Casting", PRODUCTION},
        {"Production Manager", PRODUCTION},
        {"Director of Photography", CAMERA},
        {"Camera Operator", CAMERA},
        {"Still Photographer", CAMERA},
        {"Editor", EDITING},
        {"Co-Editor", EDITING},
        {"Supervising Film Editor", EDITING},
        {"Original Music Composer", SOUND},
        {"Music", SOUND},
        {"Songs", SOUND},
        {"Sound Designer", SOUND},
        {"Sound Editor", SOUND},
        {"Sound Re-Recording Mixer", SOUND},
        {"Production Design", ART},
        {"Art Direction", ART},
        {"Set Decoration", ART},
        {"Costume Design", COSTUME},
        {"Makeup Artist", COSTUME},
        {"Hairstylist", COSTUME},
        {"Animation", EFFECTS},
        {"Animation Director", EFFECTS},
        {"Visual Effects", EFFECTS},
        {"Visual Effects Supervisor", EFFECTS},
        {"Special Effects Supervisor", EFFECTS},
        {"Gaffer", LIGHTING},
    };
    for (size_t i = 0; i < countof(jobs); i++)
        if (str_is(job, jobs[i].job))
            return jobs[i].department;
    return CREW;
}

const char *country_name(struct str code)
{
    static const struct {
        const char *code, *name;
    } countries[] = {
        {"AE", "United Arab Emirates"},
        {"AF", "Afghanistan"},
        {"AR", "Argentina"},
        {"AT", "Austria"},
        {"AU", "Australia"},
        {"BA", "Bosnia and Herzegovina"},
        {"BE", "Belgium"},
        {"BG", "Bulgaria"},
        {"BO", "Bolivia"},
        {"BR", "Brazil"},
        {"BS", "Bahamas"},
        {"CA", "Canada"},
        {"CH", "Switzerland"},
        {"CL", "Chile"},
        {"CN", "China"},
        {"CO", "Colombia"},
        {"CU", "Cuba"},
        {"CZ", "Czech Republic"},
        {"DE", "Germany"},
        {"DK", "Denmark"},
        {"DZ", "Algeria"},
        {"EE", "Estonia"},
        {"EG", "Egypt"},
        {"ES", "Spain"},
        {"FI", "Finland"},
        {"FR", "France"},
        {"GB", "United Kingdom"},
        {"GE", "Georgia"},
        {"GR", "Greece"},
        {"HK", "Hong Kong"},
        {"HR", "Croatia"},
        {"HU", "Hungary"},
        {"ID", "Indonesia"},
        {"IE", "Ireland"},
        {"IL", "Israel"},
        {"IN", "India"},
        {"IR", "Iran"},
        {"IS", "Iceland"},
        {"IT", "Italy"},
        {"JM", "Jamaica"},
        {"JO", "Jordan"},
        {"JP", "Japan"},
        {"KE", "Kenya"},
        {"KH", "Cambodia"},
        {"KR", "South Korea"},
        {"KZ", "Kazakhstan"},
        {"LB", "Lebanon"},
        {"LT", "Lithuania"},
        {"LU", "Luxembourg"},
        {"LV", "Latvia"},
        {"MA", "Morocco"},
        {"MT", "Malta"},
        {"MX", "Mexico"},
        {"MY", "Malaysia"},
        {"NG", "Nigeria"},
        {"NL", "Netherlands"},
        {"NO", "Norway"},
        {"NZ", "New Zealand"},
        {"PE", "Peru"},
        {"PH", "Philippines"},
        {"PK", "Pakistan"},
        {"PL", "Poland"},
        {"PR", "Puerto Rico"},
        {"PT", "Portugal"},
        {"QA", "Qatar"},
        {"RO", "Romania"},
        {"RS", "Serbia"},
        {"RU", "Russia"},
        {"SA", "Saudi Arabia"},
        {"SE", "Sweden"},
        {"SG", "Singapore"},
        {"SI", "Slovenia"},
        {"SK", "Slovakia"},
        {"SU", "Soviet Union"},
        {"TH", "Thailand"},
        {"TN", "Tunisia"},
        {"TR", "Turkey"},
        {"TW", "Taiwan"},
        {"UA", "Ukraine"},
        {"US", "United States of America"},
        {"UY", "Uruguay"},
        {"VE", "Venezuela"},
        {"VN", "Vietnam"},
        {"ZA", "South Africa"},
    };
    for (size_t i = 0; i < countof(countries); i++)
        if (str_is(code, countries[i].code))
            return countries[i].name;
    return NULL;
}

const struct language *language_find(struct str code)
{
    static const struct language languages[] = {
        {"af", "Afrikaans", "Afrikaans"},
        {"ar", "Arabic", "العربية"},
        {"bg", "Bulgarian", "български език"},
        {"bn", "Bengali", "বাংলা"},
        {"cn", "Cantonese", "广州话 / 廣州話"},
        {"cs", "Czech", "Český"},
        {"da", "Danish", "Dansk"},
        {"de", "German", "Deutsch"},
        {"el", "Greek", "ελληνικά"},
        {"en", "English", "English"},
        {"eo", "Esperanto", "Esperanto"},
        {"es", "Spanish", "Español"},
        {"et", "Estonian", "Eesti"},
        {"fa", "Persian", "فارسی"},
        {"fi", "Finnish", "suomi"},
        {"fr", "French", "Français"},
        {"ga", "Irish", "Gaeilge"},
        {"gd", "Gaelic", ""},
        {"he", "Hebrew", "עִבְרִית"},
        {"hi", "Hindi", "हिन्दी"},
        {"hr", "Croatian", "Hrvatski"},
        {"hu", "Hungarian", "Magyar"},
        {"id", "Indonesian", "Bahasa indonesia"},
        {"is", "Icelandic", "Íslenska"},
        {"it", "Italian", "Italiano"},
        {"ja", "Japanese", "日本語"},
        {"ko", "Korean", "한국어/조선말"},
        {"la", "Latin", "Latin"},
        {"mi", "Maori", ""},
        {"nl", "Dutch", "Nederlands"},
        {"no", "Norwegian", "Norsk"},
        {"pl", "Polish", "Polski"},
        {"pt", "Portuguese", "Português"},
        {"ro", "Romanian", "Română"},
        {"ru", "Russian", "Pусский"},
        {"sa", "Sanskrit", ""},
        {"sr", "Serbian", "Srpski"},
        {"sv", "Swedish", "svenska"},
        {"sw", "Swahili", "Kiswahili"},
        {"ta", "Tamil", "தமிழ்"},
        {"te", "Telugu", "తెలుగు"},
        {"th", "Thai", "ภาษาไทย"},
        {"tl", "Tagalog", ""},
        {"tr", "Turkish", "Türkçe"},
        {"uk", "Ukrainian", "Український"},
        {"ur", "Urdu", "اردو"},
        {"vi", "Vietnamese", "Tiếng Việt"},
        {"xh", "Xhosa", ""},
        {"xx", "No Language", "No Language"},
        {"yi", "Yiddish", ""},
        {"zh", "Mandarin", "普通话"},
        {"zu", "Zulu", "isiZulu"},
    };
    for (size_t i = 0; i < countof(languages); i++)
        if (str_is(code, languages[i].code))
            return &languages[i];
    return NULL;
}
