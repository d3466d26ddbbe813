/* http_ask.h - what is asked for: identities, addresses, headers, and the secrets in them.
 *
 * The identity of a request is its path and query without anything secret:
 * "/movie/155?append_to_response=credits". It tells requests apart in the inbox and is what people see; the
 * address is made from it at the last moment.
 */
#pragma once
#include "base/text.h"
#include "connector/http.h"

/* Appends the identity: placeholders filled, the resource's query, the page (page_param NULL: none). */
void http_identity(struct buf *b, const struct http_resource *r, struct str for_value, struct str each_value,
                   int64_t page);
/* Appends the whole address, secrets included. */
void http_address(struct buf *b, const struct http_source *s, struct str identity);

/* "Name: value" for each header to send, secrets included; ends with NULL. */
const char *const *http_header_lines(struct arena *a, const struct http_source *s);
/* Every text that must not be shown, as it is and as it stands in an address; longest first, ends with NULL.
 */
const char *const *http_secrets(struct arena *a, const struct http_source *s);
