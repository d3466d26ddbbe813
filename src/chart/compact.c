/* compact - a program of the build: a JSON schema without what only people read. Usage: compact IN OUT */
#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char *const kept[] = {
    "$ref",  "anyOf",      "allOf", "type", "enum", "const", "properties", "required", "additionalProperties",
    "items", "definitions"};

static json_t *compacted(json_t *j);

/* The values below `properties` and `definitions` are schemas by names of their own. */
static json_t *each(json_t *names)
{
    json_t *out = json_object(), *v;
    const char *key;
    json_object_foreach(names, key, v) json_object_set_new(out, key, compacted(v));
    return out;
}

static json_t *object(json_t *j)
{
    json_t *out = json_object();
    for (size_t i = 0; i < sizeof kept / sizeof *kept; i++) {
        json_t *v = json_object_get(j, kept[i]);
        bool named = strcmp(kept[i], "properties") == 0 || strcmp(kept[i], "definitions") == 0;
        if (v)
            json_object_set_new(out, kept[i], named ? each(v) : compacted(v));
    }
    return out;
}

static json_t *compacted(json_t *j)
{
    if (json_is_object(j))
        return object(j);
    if (!json_is_array(j))
        return json_incref(j);
    json_t *out = json_array(), *v;
    size_t i;
    json_array_foreach(j, i, v) json_array_append_new(out, compacted(v));
    return out;
}

int main(int argc, char **argv)
{
    json_error_t why;
    json_t *j = argc == 3 ? json_load_file(argv[1], 0, &why) : NULL;
    if (!j) {
        fprintf(stderr, "compact: %s\n", argc == 3 ? why.text : "usage: compact IN OUT");
        return 1;
    }
    json_t *out = compacted(j);
    if (json_dump_file(out, argv[2], JSON_COMPACT) != 0) {
        perror(argv[2]);
        return 1;
    }
    json_decref(out);
    json_decref(j);
    return 0;
}
