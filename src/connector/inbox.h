/* inbox.h - answers on disk as they come, in a log file that only grows, one for each resource.
 *
 * A frame holds one answer: position, identity of the request (no secrets), status, time of arrival, body,
 * and a checksum over it all. Positions rise strictly, from one inbox of a table to the next: a new one
 * starts behind the position that the table has stored. Killed at any moment, the log ends in at most one
 * torn frame, which is cut off when it is opened again; a log damaged before its end keeps what is before the
 * damage, and the rest is moved aside to a file `*.bad`.
 *
 * One thread appends. Frames that were appended may be read and synced from any thread. One process at a
 * time.
 */
#pragma once
#include "base/text.h"

struct inbox;

struct inbox_frame {
    int64_t position; /* set by inbox_append */
    int64_t arrived_us;
    int status;                       /* HTTP */
    struct str request;               /* "/movie/155?append_to_response=credits" */
    struct str for_value, each_value; /* what filled the placeholders */
    uint64_t body_at;                 /* where the body is in the file; set by inbox_append */
    size_t nbody;
};

struct inbox_conf {
    const char *dir, *name; /* the file is <dir>/<name>.log, odd characters of the name escaped */
    int64_t after;          /* the position that the table has stored, -1 = none */
    /* Called for each frame that is there, in order; frame and body (NUL-terminated) stay until it returns.
     */
    bool (*each)(void *arg, const struct inbox_frame *f, struct str body, struct err *e);
    void *arg;
};

/* Closed when `a` is freed. ERR_CONFLICT when another process has it open. */
bool inbox_open(struct arena *a, const struct inbox_conf *c, struct inbox **ret, struct err *e) must_check;

/* What is wrong with what was found, as a message; NULL = nothing, or only a torn end. */
const char *inbox_damage(const struct inbox *b);
/* The table has positions of this inbox that are no longer in it: records that are stored, and unknown here.
 */
bool inbox_lost_stored(const struct inbox *b);

/* Whole or not at all; on disk for sure after inbox_sync. */
bool inbox_append(struct inbox *b, struct inbox_frame *f, struct str body, struct err *e) must_check;
bool inbox_sync(struct inbox *b, struct err *e) must_check;
/* The body in place of what is in `body`. */
bool inbox_read(const struct inbox *b, const struct inbox_frame *f, struct buf *body,
                struct err *e) must_check;
