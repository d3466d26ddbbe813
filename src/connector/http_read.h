/* http_read.h - one read of an HTTP source: the event loop's side of it. */
#pragma once
#include "connector/connector.h"
#include "connector/http.h"
#include "net/http.h"

/* A pool as the source wants it, closed when `a` is freed. */
bool http_source_pool(struct arena *a, const struct http_source *s, struct http_pool **ret,
                      struct err *e) must_check;
bool http_read(struct task *t, const struct http_source *s, const struct read_spec *spec,
               struct read_result *ret, struct err *e) must_check;
