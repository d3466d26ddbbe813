/* memo.h - what a SELECT over empty tables gave last time, kept in a file, so that checking a project that
 * was checked before needs no engine.
 *
 * A key is made of everything that the answer depends on: the text with its parameters put in, the columns of
 * each table that it names, the engine's version and this program. What is wrong is never kept. The file is a
 * cache: it may be deleted, and one that is damaged or cannot be written is passed over.
 */
#pragma once
#include "engine/engine.h"

struct memo;
struct memo_key {
    uint64_t h[2];
};

/* path NULL: nothing is remembered. The file is read when the first key is asked for. May be used by several
 * threads. */
struct memo *memo_open(struct arena *a, const char *path);
/* Writes the file if there is something new and its folder is there. */
void memo_save(struct memo *m);

void memo_key_add(struct memo_key *k, const char *text);

/* In a's memory. */
bool memo_find(struct memo *m, struct arena *a, struct memo_key k, struct engine_column **ret, size_t *ret_n);
/* Columns that no table can hold are not kept. */
void memo_add(struct memo *m, struct memo_key k, const struct engine_column *columns, size_t n);
