/* lib_pen.h - writes the SVG that Vega's renderer dictates, straight into a buffer.
 *
 * JavaScript sees an object with open(tag, ...attributes), close(), attr(name, value), text(t) and reset(),
 * all but the last chained: what vega.markup() offers, which escapes every value by seven regular
 * expressions.
 */
#pragma once
#include <quickjs.h>

#include "base/buf.h"

struct pen {
    struct buf svg;
    struct pen_tag {
        char name[24];
    } * tags; /* open elements */
    size_t ntags, cap;
    bool in_tag; /* the last one opened may get further attributes */
};

struct pen *pen_of(JSContext *c); /* of the runtime at work, by who made it */
/* The object, the caller's to free; JS_EXCEPTION without memory. */
JSValue pen_object(JSContext *c);
void pen_done(struct pen *p);
