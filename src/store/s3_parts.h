/* s3_parts.h - an object put in parts, for what is too large for one request to be repeated lightly. */
#pragma once
#include "store/remote.h"

#define S3_ID           "cupel-id" /* of a put, in the object's metadata */
#define S3_SINGLE_BYTES (INT64_C(64) << 20)

enum s3_end { S3_PUT, S3_UNSURE }; /* unsure: the object that is there tells by its id */

/* When it fails the upload is aborted, so that its parts cost nothing. */
bool s3_put_parts(struct store *s, const char *key, const struct content *c, const char *id, bool is_new,
                  enum s3_end *ret, struct err *e) must_check;
