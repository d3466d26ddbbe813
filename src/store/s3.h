/* s3.h - a store in an S3 bucket: "s3://bucket/prefix".
 *
 * What the store's settings leave open, AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN,
 * AWS_REGION (AWS_DEFAULT_REGION, us-east-1) and AWS_ENDPOINT_URL_S3 or AWS_ENDPOINT_URL say: who and where.
 * The server must honour If-None-Match on PUT: it is asked to prove that before the first new object is put,
 * by a second put of the object ".cupel-put-once" at the root.
 *
 * A new object carries an id of its own, so that a put whose answer was lost can be told from another
 * writer's.
 */
#pragma once
#include "store/store.h"

extern const struct store_driver store_s3;
