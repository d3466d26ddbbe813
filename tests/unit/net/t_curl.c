#include "net/curl.h"

#include "base/clock.h"
#include "fault.h"
#include "test.h"

TEST(errors_of_libcurl_become_ours)
{
    static const struct {
        CURLcode code;
        const char *detail;
        enum err_kind kind;
        const char *msg;
    } cases[] = {
        {CURLE_COULDNT_CONNECT,
         "Failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server", ERR_NET,
         "failed to connect to 127.0.0.1 port 1 after 0 ms: Couldn't connect to server"},
        {CURLE_COULDNT_RESOLVE_HOST, "Could not resolve host: x", ERR_NET, "could not resolve host: x"},
        {CURLE_OPERATION_TIMEDOUT, "", ERR_NET, "timeout was reached"},
        {CURLE_RECV_ERROR, "Recv failure: Connection reset by peer\n", ERR_NET,
         "recv failure: Connection reset by peer"},
        {CURLE_PARTIAL_FILE, NULL, ERR_NET, "transferred a partial file"},
        {CURLE_GOT_NOTHING, "", ERR_NET, "server returned nothing (no headers, no data)"},
        {CURLE_BAD_CONTENT_ENCODING, "", ERR_NET, "unrecognized or bad HTTP Content or Transfer-Encoding"},
        {CURLE_SSL_CONNECT_ERROR, "", ERR_NET, "SSL connect error"},
        {CURLE_PEER_FAILED_VERIFICATION, "SSL certificate problem: self-signed certificate", ERR_AUTH,
         "SSL certificate problem: self-signed certificate"},
        {CURLE_URL_MALFORMAT, "", ERR_USER, "URL using bad/illegal format or missing URL"},
        {CURLE_UNSUPPORTED_PROTOCOL, "", ERR_USER, "unsupported protocol"},
        {CURLE_WRITE_ERROR, "", ERR_LIMIT, "failed writing received data to disk/application"},
        {CURLE_OUT_OF_MEMORY, "", ERR_IO, "out of memory"},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        struct err e;
        CASE(cases[i].msg);
        CHECK(!curl_fail(&e, cases[i].code, cases[i].detail));
        CHECK_INT(e.kind, cases[i].kind);
        CHECK_STR(e.msg, cases[i].msg);
    }
}

TEST(secrets_are_blanked)
{
    static const struct {
        const char *label, *text, *want;
    } cases[] = {
        {"none", "all is well", "all is well"},
        {"in the middle", "GET /3?api_key=s3cret-key&page=1 failed", "GET /3?api_key=***&page=1 failed"},
        {"at the end", "key s3cret-key", "key ***"},
        {"twice, and the whole", "s3cret-keys3cret-key", "******"},
        {"another", "Bearer abc.def", "Bearer ***"},
        {"a short one does not grow", "a ZZ b", "a ** b"},
    };
    static const char *const secrets[] = {"s3cret-key", "abc.def", "ZZ", "", NULL};
    for (size_t i = 0; i < countof(cases); i++) {
        char text[100];
        CASE(cases[i].label);
        snprintf(text, sizeof text, "%s", cases[i].text);
        http_blank(text, secrets);
        CHECK_STR(text, cases[i].want);
        http_blank(text, NULL);
        CHECK_STR(text, cases[i].want);
    }
}

TEST(retry_after_is_seconds_or_a_date)
{
    const int64_t now = INT64_C(1763708400) * 1000000; /* Fri, 21 Nov 2025 07:00:00 GMT */
    static const struct {
        const char *value;
        int64_t want;
    } cases[] = {
        {"", 0},
        {"0", 0},
        {"2", 2000},
        {" 120", 120000},
        {"99999999999999999999", INT64_C(31622400000)},
        {"-5", 0},
        {"soon", 0},
        {"Fri, 21 Nov 2025 07:00:30 GMT", 30000},
        {"Fri, 21 Nov 2025 06:00:00 GMT", 0},
        {"Friday, 21-Nov-25 07:01:00 GMT", 60000},
        {"Fri Nov 21 07:00:05 2025", 5000},
        {"Fri, 21 Nov 2125 07:00:30 GMT", INT64_C(31622400000)},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].value);
        CHECK_INT(http_retry_after_ms(cases[i].value, now), cases[i].want);
    }
}

TEST(an_origin_is_scheme_host_and_port)
{
    static const struct {
        const char *url, *other;
        bool same;
    } cases[] = {
        {"http://api.example/3/movie", "http://api.example/4", true},
        {"http://api.example/3", "http://API.example:80/", true},
        {"https://api.example/3", "https://api.example:443/x?y", true},
        {"https://api.example/3", "http://api.example/3", false},
        {"http://api.example/3", "https://api.example/3", false},
        {"http://api.example/3", "http://api.example:8080/3", false},
        {"http://api.example/3", "http://api.example.evil/3", false},
        {"http://api.example/3", "http://api.example@evil/3", false},
        {"http://api.example/3", "not a url", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].other);
        CHECK_INT(http_same_origin(cases[i].url, cases[i].other), cases[i].same);
    }
}

TEST(this_machine_is_known_by_its_names)
{
    static const struct {
        const char *url;
        bool loopback;
    } cases[] = {
        {"http://127.0.0.1:80/3", true},   {"http://localhost/", true},
        {"http://LOCALHOST:1/", true},     {"http://[::1]:8080/", true},
        {"http://127.9.9.9/", true},       {"http://127.example/", false},
        {"http://localhost.evil/", false}, {"http://10.0.0.1/", false},
        {"http://[::2]/", false},          {"", false},
    };
    for (size_t i = 0; i < countof(cases); i++) {
        CASE(cases[i].url);
        CHECK_INT(http_is_loopback(cases[i].url), cases[i].loopback);
    }
}
