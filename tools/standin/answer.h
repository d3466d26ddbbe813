/* answer.h - sending a body, whole or damaged on purpose. */
#pragma once
#include <microhttpd.h>

#include "faults.h"
#include "timer.h"

struct answer {
    int status;
    struct str body;
    char *owned;         /* body's memory if it is this answer's own, to be freed; else NULL */
    bool gzip;           /* the body is compressed */
    bool html;           /* not even JSON */
    int64_t retry_after; /* seconds; -1 = no such header */
};

/* Queue the answer, which is used up: its memory is freed after sending. The fault is one of FAULT_CUT,
 * FAULT_CUTCHUNK, FAULT_STALL, FAULT_RESET; with all others the body goes out whole. */
enum MHD_Result answer_send(struct answer *a, struct MHD_Connection *c, const struct fault *fault,
                            struct timer *timer);

/* Replace the body by something that a client has to see through. */
void answer_spoil(struct answer *a, uint64_t dice);

void answer_free(struct answer *a);
