#include "connector/http_ask.h"

#include "fault.h"
#include "test.h"

static struct str str(const char *s)
{
    return (struct str){s, strlen(s)};
}

TEST(identities_hold_path_query_and_page_and_are_encoded)
{
    static struct http_pair append[] = {{"append_to_response", "credits,keywords"}, {"q", "a b&c={id}"}};
    static const struct {
        const char *label;
        struct http_resource r;
        const char *for_value, *each_value, *want;
    } cases[] = {
        {"plain", {.path = "/genre/movie/list"}, "", "", "/genre/movie/list"},
        {"for and page",
         {.path = "/movie/{category}", .for_var = "category", .page_param = "page"},
         "top_rated",
         "",
         "/movie/top_rated?page=3"},
        {"each and query",
         {.path = "/movie/{id}", .each_var = "id", .query = append, .nquery = 1},
         "",
         "155",
         "/movie/155?append_to_response=credits,keywords"},
        {"encoded in a query",
         {.path = "/s", .each_var = "id", .query = append + 1, .nquery = 1, .page_param = "p"},
         "",
         "x/y+\xc3\xa9&",
         "/s?q=a%20b%26c%3Dx/y%2B%C3%A9%26&p=3"},
        {"encoded in a path", {.path = "/a/{id}/b", .each_var = "id"}, "", "x/y?z#%", "/a/x%2Fy%3Fz%23%25/b"},
        {"both", {.path = "/{x}/{id}", .for_var = "x", .each_var = "id"}, "one", "two", "/one/two"},
        {"a query in the path", {.path = "/a?b=c", .page_param = "page"}, "", "", "/a?b=c&page=3"},
        {"nothing fills it", {.path = "/a/{what}"}, "", "", "/a/%7Bwhat%7D"},
        {"no end", {.path = "/a/{what"}, "", "", "/a/%7Bwhat"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        auto_buf b = BUF(1000);
        CASE(cases[i].label);
        http_identity(&b, &cases[i].r, str(cases[i].for_value), str(cases[i].each_value), 3);
        CHECK_STR(b.p, cases[i].want);
    }
}

TEST(secrets_are_in_the_address_only)
{
    static struct http_pair auth[] = {{"api_key", "a+b/c"}, {"v", ""}},
                            headers[] = {{"Authorization", "Bearer t0ken"}},
                            plain[] = {{"Accept", "application/json"}, {"X-L", "en"}};
    const struct http_source s = {.base_url = "http://x/3",
                                  .auth_query = auth,
                                  .nauth_query = 2,
                                  .auth_headers = headers,
                                  .nauth_headers = 1,
                                  .headers = plain,
                                  .nheaders = 2};
    auto_arena *a = arena_new();
    auto_buf b = BUF(1000);
    http_address(&b, &s, str("/movie/1?x=y"));
    CHECK_STR(b.p, "http://x/3/movie/1?x=y&api_key=a%2Bb/c&v=");
    b.len = 0;
    http_address(&b, &s, str("/movie/1"));
    CHECK_STR(b.p, "http://x/3/movie/1?api_key=a%2Bb/c&v=");

    const char *const *lines = http_header_lines(a, &s);
    CHECK_STR(lines[0], "Accept: application/json");
    CHECK_STR(lines[2], "Authorization: Bearer t0ken");
    CHECK(!lines[3]);

    static const char *const want[] = {"application/json", "Bearer t0ken", "Bearer%20t0ken",
                                       "a%2Bb/c",          "a+b/c",        "t0ken"};
    const char *const *secrets = http_secrets(a, &s);
    size_t n = 0;
    for (; secrets[n]; n++) {
        bool known = false;
        for (size_t i = 0; i < countof(want); i++)
            known |= strcmp(secrets[n], want[i]) == 0;
        CHECK(known);
        CHECK(n == 0 || strlen(secrets[n]) <= strlen(secrets[n - 1]));
    }
    CHECK_INT(n, countof(want));
}
