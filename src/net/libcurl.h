/* libcurl.h - libcurl, opened when it is first needed: with the thirty libraries behind it, it takes longer
 * to load than a command that needs no network takes in all.
 *
 * Included in place of <curl/curl.h>; the calls are written as ever. Without libcurl on the machine the first
 * call ends the process, so whoever begins asks libcurl_load() before.
 */
#pragma once
#include <curl/curl.h>

#include "base/err.h"

#undef curl_easy_setopt
#undef curl_easy_getinfo
#undef curl_multi_setopt

#define LIBCURL_CALLS(X)                                                                                     \
    X(easy_cleanup)                                                                                          \
    X(easy_getinfo)                                                                                          \
    X(easy_header)                                                                                           \
    X(easy_init)                                                                                             \
    X(easy_perform)                                                                                          \
    X(easy_reset)                                                                                            \
    X(easy_setopt)                                                                                           \
    X(easy_strerror)                                                                                         \
    X(free)                                                                                                  \
    X(getdate)                                                                                               \
    X(global_init)                                                                                           \
    X(multi_add_handle)                                                                                      \
    X(multi_cleanup)                                                                                         \
    X(multi_info_read)                                                                                       \
    X(multi_init)                                                                                            \
    X(multi_perform)                                                                                         \
    X(multi_poll)                                                                                            \
    X(multi_remove_handle)                                                                                   \
    X(multi_setopt)                                                                                          \
    X(multi_strerror)                                                                                        \
    X(multi_wakeup)                                                                                          \
    X(slist_append)                                                                                          \
    X(slist_free_all)                                                                                        \
    X(url)                                                                                                   \
    X(url_cleanup)                                                                                           \
    X(url_get)                                                                                               \
    X(url_set)

struct libcurl {
#define LIBCURL_MEMBER(name) typeof(curl_##name) *name;
    LIBCURL_CALLS(LIBCURL_MEMBER)
#undef LIBCURL_MEMBER
};

/* Loaded once, from any thread. */
bool libcurl_load(struct err *e) must_check;
const struct libcurl *libcurl(void);

#define curl_easy_cleanup        libcurl()->easy_cleanup
#define curl_easy_getinfo        libcurl()->easy_getinfo
#define curl_easy_header         libcurl()->easy_header
#define curl_easy_init           libcurl()->easy_init
#define curl_easy_perform        libcurl()->easy_perform
#define curl_easy_reset          libcurl()->easy_reset
#define curl_easy_setopt         libcurl()->easy_setopt
#define curl_easy_strerror       libcurl()->easy_strerror
#define curl_free                libcurl()->free
#define curl_getdate             libcurl()->getdate
#define curl_multi_add_handle    libcurl()->multi_add_handle
#define curl_multi_cleanup       libcurl()->multi_cleanup
#define curl_multi_info_read     libcurl()->multi_info_read
#define curl_multi_init          libcurl()->multi_init
#define curl_multi_perform       libcurl()->multi_perform
#define curl_multi_poll          libcurl()->multi_poll
#define curl_multi_remove_handle libcurl()->multi_remove_handle
#define curl_multi_setopt        libcurl()->multi_setopt
#define curl_multi_strerror      libcurl()->multi_strerror
#define curl_multi_wakeup        libcurl()->multi_wakeup
#define curl_slist_append        libcurl()->slist_append
#define curl_slist_free_all      libcurl()->slist_free_all
#define curl_url                 libcurl()->url
#define curl_url_cleanup         libcurl()->url_cleanup
#define curl_url_get             libcurl()->url_get
#define curl_url_set             libcurl()->url_set
