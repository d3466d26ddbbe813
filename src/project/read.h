/* read.h - a mapping of YAML read into a struct by rows: one row of one table describes a key.
 *
 * The row says the key's name, its type and where it goes; reading checks that the key is known (with "did
 * you mean"), that the value has the right type, and fills in ${NAME}. Every mistake is reported with its
 * place and reading goes on; what could not be read keeps the value that the struct had.
 */
#pragma once
#include "lake/map.h"
#include "project/yaml.h"

/* --- ${NAME}, ${NAME:-default}, ${NAME:?message}, ${var.NAME} --- */

struct environment { /* the real one first, then the project's .env */
    struct map names;
    struct list_of(const char *) values;
};
/* Reads dir/.env when there is one. */
void environment_read(struct arena *a, const char *dir, struct environment *ret, struct problems *problems);
const char *environment_get(const struct environment *env, const char *name); /* NULL = not set */

struct reader { /* what reading the values of a file needs */
    struct arena *a;
    struct problems *problems;
    const struct environment *env;
    const struct variable *vars;
    size_t nvars;
    /* A variable of the environment that is not set and has no default: NULL = an error; else its name is put
     * there (the first one), a warning is reported, and the text is empty. */
    const char **missing_env;
};

/* Reports fail_at(ERR_USER, at, ...), with a hint unless it is NULL; returns false. */
bool reader_fail(const struct reader *r, struct src at, const char *remedy, const char *fmt, ...)
    printf_like(4, 5);
/* The same as a warning. */
void reader_warn(const struct reader *r, struct src at, const char *remedy, const char *fmt, ...)
    printf_like(4, 5);
/* "unknown <what> 'x' (did you mean 'y'?)", with the known ones as hint. */
bool reader_unknown(const struct reader *r, struct src at, const char *what, const char *word,
                    const char *const *known, size_t nknown);

/* A TEXT with everything filled in; NULL = reported. */
const char *read_text(const struct reader *r, const struct yaml *y);
/* A text that is `${var.NAME}` and nothing else: the variable; NULL = it is something else. */
const struct variable *read_variable(const struct reader *r, const struct yaml *y);

struct texts { /* one value or a list of them, with the place of each */
    const char *const *v;
    const struct src *at;
    size_t n;
};
/* One value, a list of them, or variables that are lists. */
bool read_texts(const struct reader *r, const struct yaml *y, struct texts *ret);

/* --- rows --- */

enum field_type {
    FIELD_TEXT,     /* const char * */
    FIELD_TEXTS,    /* struct texts */
    FIELD_INT,      /* int64_t, from min to max */
    FIELD_DURATION, /* int64_t, milliseconds */
    FIELD_SIZE,     /* int64_t, bytes */
    FIELD_SHARE,    /* double in [0, 1] */
    FIELD_FLAG,     /* bool: true or false */
    FIELD_NODE,     /* const struct yaml *, looked at by the caller */
    FIELD_MAP,      /* the same, and it is a mapping; no value is as if the key were not there */
};

struct field {
    const char *name; /* NULL ends the rows */
    enum field_type type;
    size_t offset;
    int64_t min, max; /* of INT; both 0 = any */
    bool required;
};

/* One value by one row. */
bool read_field(const struct reader *r, const struct yaml *y, const struct field *f, void *to);
/* `map` is NULL (then only what is required is missed, at `at`) or anything that the user wrote. */
bool read_fields(const struct reader *r, const struct yaml *map, struct src at, const char *what,
                 const struct field *rows, void *ret);
/* The value of a key, NULL = it is not there. */
const struct yaml *yaml_get(const struct yaml *map, const char *key);
/* The place of a key that is there. */
struct src yaml_key_at(const struct yaml *map, const char *key);

/* Only a-z, 0-9 and _, not empty. */
bool is_name(struct str s);
/* "schema.name", both names. */
bool is_table_name(const char *s);
