/* path.h - how the log spells the names of files: percent-encoded, relative to the table or absolute. */
#pragma once
#include "base/arena.h"

/* The path as on disk. "file:/x" and "file:///x" are "/x"; what has nothing to undo is returned as it is. */
const char *path_decode(struct arena *a, const char *text);
const char *path_encode(struct arena *a, const char *path);
bool path_is_absolute(const char *path); /* "/x", or of another store: "s3://b/x" */
