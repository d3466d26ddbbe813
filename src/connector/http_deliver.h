/* http_deliver.h - from the inbox into the tables: a thread of its own, so that the event loop never waits
 * for a commit.
 *
 * Frames of a table are taken in order of position; a batch is synced to disk before it is delivered together
 * with its last position. Frames up to the position that the table has stored give no rows, but their keys
 * are remembered: of records with the same key the one with the lowest position is delivered, whoever was
 * killed when.
 */
#pragma once
#include "connector/connector.h"
#include "connector/http_answer.h"
#include "connector/inbox.h"

struct http_delivery;

struct http_delivery_conf {
    const struct read_spec *spec;
    const struct task *task;
    int64_t batch;
    void (*failed)(
        void *arg); /* called once from the thread when a delivery has failed, to wake the reader */
    void *arg;
};

struct http_delivery *http_delivery_new(struct arena *a, const struct http_delivery_conf *c);
/* Before the start. `stored` is the table's position. Returns the table's number. */
size_t http_delivery_table(struct http_delivery *d, const struct http_shape *s, int64_t stored);
/* Before the start: where the table's frames are. */
void http_delivery_inbox(struct http_delivery *d, size_t table, struct inbox *inbox);
/* Before the start: this key is stored, though no frame says so. */
void http_delivery_stored_key(struct http_delivery *d, size_t table, struct str key);

bool http_delivery_start(struct http_delivery *d, struct err *e) must_check;
/* A frame with a good answer; positions rise. Its texts and the inbox must stay. */
void http_delivery_add(struct http_delivery *d, size_t table, const struct inbox_frame *f, int64_t records);
bool http_delivery_failed(struct http_delivery *d);
/* Waits for the thread: with `rest`, until all that was added is delivered, otherwise only for what is under
 * way. false = a delivery failed, or (with rest) the task was cancelled. */
bool http_delivery_end(struct http_delivery *d, bool rest, struct err *e) must_check;

/* After the end: different records seen, stored ones included. */
int64_t http_delivery_records(const struct http_delivery *d, size_t table);
