/* view.h - how a run looks while it goes: on a terminal, lines at its foot for what is at work, drawn anew
 * ten times a second; elsewhere plain lines as tasks end, and one a minute for a task that takes long.
 */
#pragma once
#include "cli/cmd.h"

struct view;
struct view_conf {
    bool live;               /* stderr is a terminal that can move its cursor */
    bool color, json;        /* json: one object an event on stdout instead */
    bool quiet;              /* nothing but notes: the log says it */
    const atomic_bool *stop; /* set once the user has asked for an end */
};
struct view *view_new(struct arena *a, const struct view_conf *c);
struct run_watcher view_watcher(struct view *v);
/* Takes away what is drawn; nothing is drawn afterwards. */
void view_end(struct view *v);
