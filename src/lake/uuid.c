#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/random.h>

#include "lake/lake.h"

char *lake_uuid(struct arena *a)
{
    unsigned char r[16];
    ssize_t got;
    while ((got = getrandom(r, sizeof r, 0)) < 0 && errno == EINTR)
        ;
    if (got != sizeof r) { /* names that are not unique would lose data */
        fputs("fatal: the system gives no random numbers\n", stderr);
        abort();
    }
    r[6] = (unsigned char)((r[6] & 0x0f) | 0x40); /* version 4 */
    r[8] = (unsigned char)((r[8] & 0x3f) | 0x80);
    char *s = arena_alloc(a, 37, 1), *out = s;
    for (size_t i = 0; i < sizeof r; i++)
        out += snprintf(out, 4, "%s%02x", i == 4 || i == 6 || i == 8 || i == 10 ? "-" : "", r[i]);
    return s;
}
