/* view.h - how a run looks while it goes: a line per task that is redrawn on a terminal, plain lines
 * elsewhere. */
#pragma once
#include "cli/cmd.h"

struct view;
/* live: redraw (stderr is a terminal); json: one JSON object an event on stdout instead. */
struct view *view_new(struct arena *a, bool live, bool color, bool json);
struct run_watcher view_watcher(struct view *v);
