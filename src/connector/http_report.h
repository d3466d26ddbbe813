/* http_report.h - what a read came to: counts for each resource, problems for people, and the verdict. */
#pragma once
#include "base/text.h"
#include "connector/connector.h"
#include "connector/http.h"

struct http_report; /* of one resource */

struct http_report *http_report_new(struct arena *a, const struct http_resource *r,
                                    const char *const *secrets);
struct read_stats *http_report_stats(struct http_report *r);
/* One request's story; the first hundred are kept. status 0 = no answer came. Secrets are blanked. */
void http_report_problem(struct http_report *r, struct str request, int status, const char *message);

/* The problems go into the stats, all stats into *ret, and *ret says whether enough has arrived. */
void http_report_close(struct arena *a, struct http_report *const *reports, size_t n,
                       struct read_result *ret);

/* What an answer that is no good says, for people: "the server answers 401: Invalid API key". */
void http_report_status(char *out, size_t room, int status, struct str body, const char *const *secrets);
