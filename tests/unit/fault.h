/* fault.h - makes system calls fail on demand.
 *
 * Every unit test is linked with wrapped versions of realloc and of the calls that touch files and
 * sockets (the list is in tests/unit/meson.build). They pass straight through until armed. Only calls from
 * our code are hit, never those inside shared libraries.
 *
 *     TORTURE (n) {
 *         ... set up; call; either it worked and no fault was hit, or it failed with a filled error
 *     }
 *
 * repeats its body failing call number 0, 1, 2 ... until a round hits none.
 */
#pragma once
#include <stdbool.h>
#include <stddef.h>

enum fault_mode {
    FAULT_ONCE,  /* that one call fails; later ones work */
    FAULT_STICK, /* that call and all later ones fail */
    FAULT_CRASH, /* the process ends there with _exit(FAULT_EXIT), the call not made: for a forked child */
};
enum { FAULT_EXIT = 86 };

/* Let the next n wrapped calls through, then fail. Resets fault_hit(). n < 0 disarms. */
void fault_arm(int n);
void fault_mode(enum fault_mode mode);

/* Count and fail only this call ("fsync", "realloc", ...); NULL = any. */
void fault_only(const char *call);

/* The errno of a failing call; 0 = what is usual for it (ENOSPC for writes, EIO else). */
void fault_errno(int err);

/* From now on read and write move at most n bytes at a time; 0 = no limit. */
void fault_chop(size_t n);

int fault_hit(void);          /* how many calls were made to fail since fault_arm() */
const char *fault_call(void); /* the name of the last one, for messages; "" = none */
void fault_off(void);         /* disarms and forgets mode, name, errno and chop */

#define TORTURE(n) for (int n = 0, go_ = 1; go_ && (fault_arm(n), 1); go_ = fault_hit(), fault_arm(-1), n++)
