/* curl.h - what libcurl and HTTP say, in our words: pure functions beside the event loop. */
#pragma once
#include "base/err.h"
#include "net/libcurl.h"

/* The one place where libcurl's errors become ours. `detail` is libcurl's error buffer, "" = none. */
bool curl_fail(struct err *e, CURLcode code, const char *detail);

/* Every occurrence of a secret in the text becomes "***". secrets ends with NULL, or is NULL. */
void http_blank(char *text, const char *const *secrets);

/* Retry-After: seconds or an HTTP date. 0 = none, unreadable or past. */
int64_t http_retry_after_ms(const char *value, int64_t now_us);

/* Do both have the same scheme, host and port? */
bool http_same_origin(const char *url, const char *other);
/* Is the host this machine itself: localhost, 127.x.x.x, [::1]? */
bool http_is_loopback(const char *url);
