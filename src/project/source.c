/* sources/<name>.yaml: what is common to all kinds; the rest is read by the kind's own reader. */
#include <string.h>

#include "project/internal.h"

/* The reader of each connector's own keys: one line for each that can be read from. */
static const struct {
    const char *kind;
    bool (*read)(const struct reader *r, const struct yaml *root, struct src at, struct source *ret);
} kinds[] = {
    {"http", http_source_read},
};

static bool unknown_kind(const struct reader *r, const struct yaml *kind, const char *name)
{
    struct list_of(const char *) known = {0};
    for (size_t i = 0; i < countof(kinds); i++)
        *arena_push(r->a, &known) = kinds[i].kind;
    return reader_unknown(r, kind->at, "kind of source", name, known.v, known.n);
}

bool source_read(const struct reader *given, struct source *ret)
{
    struct reader r = *given;
    r.missing_env = &ret->missing_env;
    ret->at = (struct src){ret->path, 1, 1};
    if (!is_name((struct str){ret->name, strlen(ret->name)}))
        return reader_fail(&r, ret->at, "only a-z, 0-9 and _", "'%s' is no name for a source", ret->name);

    struct yaml *root;
    if (!yaml_parse(r.a, ret->text, strlen(ret->text), ret->at, r.problems, &root))
        return false;
    if (root && root->kind != YAML_MAP)
        return reader_fail(&r, root->at, NULL, "the source must be a mapping, this is %s", yaml_name(root));
    const struct yaml *kind = yaml_get(root, "kind");
    if (!kind)
        return reader_fail(&r, ret->at, "for an HTTP API: kind: http", "the source needs 'kind'");
    const char *name = read_text(&r, kind);
    if (!name)
        return false;
    for (size_t i = 0; i < countof(kinds); i++)
        if (strcmp(kinds[i].kind, name) == 0) {
            ret->connector = connector_find(name);
            if (!ret->connector)
                return reader_fail(&r, kind->at, NULL, "'%s' is not in this build", name);
            return kinds[i].read(&r, root, ret->at, ret);
        }
    return unknown_kind(&r, kind, name);
}
