/* yaml.h - YAML as a tree whose every node knows its place in the user's file.
 *
 * libfyaml reads the text event by event; the tree is ours, in an arena, so that it outlives the parser and a
 * header inside an SQL file has the file's own lines. Only what configuration needs: one document, text keys,
 * anchors and aliases but no merge keys, no tags, at most 64 deep.
 */
#pragma once
#include "base/text.h"
#include "project/project.h"

enum yaml_kind { YAML_TEXT, YAML_LIST, YAML_MAP };
enum yaml_style { STYLE_PLAIN, STYLE_QUOTED, STYLE_LITERAL /* | */, STYLE_FOLDED /* > */ };

struct yaml_key {
    const char *name;
    struct src at;
};

struct yaml {
    enum yaml_kind kind;
    enum yaml_style style; /* of TEXT */
    struct src at;         /* of the first byte (the opening quote); of the key when there is no value */
    const char *text;      /* of TEXT, never NULL */
    int indent;            /* LITERAL: how far its lines are set in */
    size_t n;              /* of LIST and MAP */
    struct yaml **items;   /* the values, never NULL */
    struct yaml_key *keys; /* of MAP */
};

/* Reads text[0..n), whose first byte stands at `at` in its file. *ret is NULL when there is nothing in it.
 * False: the text is not YAML, which has been reported; a key that occurs twice is reported and then passed
 * over. */
bool yaml_parse(struct arena *a, const char *text, size_t n, struct src at, struct problems *problems,
                struct yaml **ret) must_check;

/* No value: nothing after the colon, ~ or null. */
bool yaml_is_null(const struct yaml *y);
/* Where byte `offset` of a TEXT stands; for folded texts and those of several lines only where it begins. */
struct src yaml_place(const struct yaml *y, size_t offset);
/* "a list", "a mapping", "a text": for messages. */
const char *yaml_name(const struct yaml *y);
