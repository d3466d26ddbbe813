/* Table properties that people may set. */
#include <string.h>
#include <strings.h>

#include "base/text.h"
#include "lake/lake.h"

static const char constraint[] = "delta.constraints.";

enum kind { KIND_BOOL, KIND_COUNT, KIND_COLUMNS_COUNT, KIND_INTERVAL, KIND_POLICY, KIND_MAPPING, KIND_TEXT };
static const struct {
    const char *key;
    enum kind kind;
} known[] = {
    {"delta.appendOnly", KIND_BOOL},
    {"delta.checkpointInterval", KIND_COUNT},
    {"delta.checkpointPolicy", KIND_POLICY},
    {"delta.columnMapping.mode", KIND_MAPPING},
    {"delta.dataSkippingNumIndexedCols", KIND_COLUMNS_COUNT},
    {"delta.dataSkippingStatsColumns", KIND_TEXT},
    {"delta.deletedFileRetentionDuration", KIND_INTERVAL},
    {"delta.enableChangeDataFeed", KIND_BOOL},
    {"delta.enableDeletionVectors", KIND_BOOL},
    {"delta.enableExpiredLogCleanup", KIND_BOOL},
    {"delta.enableInCommitTimestamps", KIND_BOOL},
    {"delta.enableTypeWidening", KIND_BOOL},
    {"delta.logRetentionDuration", KIND_INTERVAL},
};

static bool unknown(const char *key, struct err *e)
{
    const char *names[countof(known)];
    for (size_t i = 0; i < countof(known); i++)
        names[i] = known[i].key;
    const char *near = text_nearest(key, names, countof(names));
    fail(e, ERR_USER, "'%s' is no table property that can be set here", key);
    return near ? hint(e, "did you mean '%s'?", near)
                : hint(e, "those known are delta.constraints.NAME and %s to %s: see docs/models.md",
                       known[0].key, known[countof(known) - 1].key);
}

static bool is_valid(enum kind kind, const char *value, const char **ret_what)
{
    struct err ignored;
    int64_t n;
    switch (kind) {
    case KIND_BOOL:
        *ret_what = "true or false";
        return strcmp(value, "true") == 0 || strcmp(value, "false") == 0;
    case KIND_COUNT:
        *ret_what = "a whole number from 1 on";
        return text_int(value, &n, &ignored) && n >= 1;
    case KIND_COLUMNS_COUNT:
        *ret_what = "a number of columns, or -1 for all";
        return text_int(value, &n, &ignored) && n >= -1;
    case KIND_INTERVAL:
        *ret_what = "a time like 'interval 30 days'";
        return strncasecmp(value, "interval ", 9) == 0 && text_duration_ms(value + 9, &n, &ignored);
    case KIND_POLICY:
        *ret_what = "classic or v2";
        return strcmp(value, "classic") == 0 || strcmp(value, "v2") == 0;
    case KIND_MAPPING:
        *ret_what = "name, id or none";
        return strcmp(value, "name") == 0 || strcmp(value, "id") == 0 || strcmp(value, "none") == 0;
    case KIND_TEXT:
        break;
    }
    *ret_what = "a text";
    return *value;
}

bool lake_property_check(const char *key, const char *value, struct err *e)
{
    const char *what;
    size_t n = sizeof constraint - 1;
    if (strncmp(key, constraint, n) == 0)
        return (key[n] && *value) ||
               fail(e, ERR_USER, "a constraint is a name and a condition: %sNAME: a > 0", constraint);
    for (size_t i = 0; i < countof(known); i++)
        if (strcmp(known[i].key, key) == 0)
            return is_valid(known[i].kind, value, &what) ||
                   fail(e, ERR_USER, "%s must be %s, not '%s'", key, what, value);
    return unknown(key, e);
}

bool lake_may_widen(const struct lake_property *props, size_t nprops)
{
    for (size_t i = 0; i < nprops; i++)
        if (strcmp(props[i].key, "delta.enableTypeWidening") == 0)
            return props[i].value && strcasecmp(props[i].value, "true") == 0;
    return false;
}
