#include "net/curl.h"

#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "base/clock.h"

static const struct {
    CURLcode code;
    enum err_kind kind;
} kinds[] = {
    {CURLE_URL_MALFORMAT, ERR_USER},
    {CURLE_UNSUPPORTED_PROTOCOL, ERR_USER},
    {CURLE_NOT_BUILT_IN, ERR_USER},
    {CURLE_BAD_FUNCTION_ARGUMENT, ERR_USER},
    {CURLE_PEER_FAILED_VERIFICATION, ERR_AUTH},
    {CURLE_SSL_CACERT_BADFILE, ERR_AUTH},
    {CURLE_SSL_CERTPROBLEM, ERR_AUTH},
    {CURLE_SSL_CRL_BADFILE, ERR_AUTH},
    {CURLE_SSL_ISSUER_ERROR, ERR_AUTH},
    {CURLE_SSL_INVALIDCERTSTATUS, ERR_AUTH},
    {CURLE_SSL_PINNEDPUBKEYNOTMATCH, ERR_AUTH},
    {CURLE_LOGIN_DENIED, ERR_AUTH},
    {CURLE_OUT_OF_MEMORY, ERR_IO},
    {CURLE_FAILED_INIT, ERR_IO},
    {CURLE_READ_ERROR, ERR_IO},
    {CURLE_WRITE_ERROR, ERR_LIMIT},
    {CURLE_FILESIZE_EXCEEDED, ERR_LIMIT},
    {CURLE_ABORTED_BY_CALLBACK, ERR_CANCELED},
};

bool curl_fail(struct err *e, CURLcode code, const char *detail)
{
    enum err_kind kind = ERR_NET; /* the other side's doing, and most of the codes: worth another attempt */
    for (size_t i = 0; i < countof(kinds); i++)
        if (kinds[i].code == code)
            kind = kinds[i].kind;
    if (!detail || !*detail)
        detail = curl_easy_strerror(code);
    size_t n = strcspn(detail, "\r\n");
    char first =
        n > 1 && islower((unsigned char)detail[1]) ? (char)tolower((unsigned char)detail[0]) : *detail;
    fail(e, kind, "%c%.*s", first, n ? (int)n - 1 : 0, detail + 1);
    if (kind == ERR_AUTH)
        hint(e, "name the file with the server's root certificate in CURL_CA_BUNDLE");
    return false;
}

void http_blank(char *text, const char *const *secrets)
{
    static const char stars[] = "***";
    for (; secrets && *secrets; secrets++) {
        size_t n = strlen(*secrets), shown = n < sizeof stars - 1 ? n : sizeof stars - 1;
        if (n == 0)
            continue;
        for (char *at = text; (at = strstr(at, *secrets)); at += shown) {
            memcpy(at, stars, shown);
            memmove(at + shown, at + n, strlen(at + n) + 1);
        }
    }
}

int64_t http_retry_after_ms(const char *value, int64_t now_us)
{
    enum { YEAR_S = 366 * 86400 };
    while (*value == ' ' || *value == '\t')
        value++;
    size_t digits = strspn(value, "0123456789");
    int64_t s;
    if (digits) {
        s = digits < 10 ? strtol(value, NULL, 10) : YEAR_S;
    } else {
        time_t at = curl_getdate(value, NULL);
        if (at < 0)
            return 0;
        s = (int64_t)at - now_us / 1000000;
    }
    return s <= 0 ? 0 : 1000 * (s < YEAR_S ? s : YEAR_S);
}

static void free_url(CURLU **u)
{
    curl_url_cleanup(*u);
}
static void free_part(char **part)
{
    curl_free(*part);
}
#define auto_url  auto_call(free_url) CURLU
#define auto_part auto_call(free_part) char

static bool same_part(CURLU *u, CURLU *other, CURLUPart part)
{
    auto_part *mine = NULL, *theirs = NULL;
    return curl_url_get(u, part, &mine, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           curl_url_get(other, part, &theirs, CURLU_DEFAULT_PORT) == CURLUE_OK &&
           strcasecmp(mine, theirs) == 0;
}

bool http_same_origin(const char *url, const char *other)
{
    auto_url *u = curl_url(), *o = curl_url();
    return u && o && curl_url_set(u, CURLUPART_URL, url, 0) == CURLUE_OK &&
           curl_url_set(o, CURLUPART_URL, other, 0) == CURLUE_OK && same_part(u, o, CURLUPART_SCHEME) &&
           same_part(u, o, CURLUPART_HOST) && same_part(u, o, CURLUPART_PORT);
}

bool http_is_loopback(const char *url)
{
    auto_url *u = curl_url();
    auto_part *host = NULL;
    if (!u || curl_url_set(u, CURLUPART_URL, url, 0) != CURLUE_OK ||
        curl_url_get(u, CURLUPART_HOST, &host, 0) != CURLUE_OK)
        return false;
    return strcasecmp(host, "localhost") == 0 || strcmp(host, "[::1]") == 0 ||
           (strncmp(host, "127.", 4) == 0 && strspn(host, "0123456789.") == strlen(host));
}
