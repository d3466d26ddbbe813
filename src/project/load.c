/* A folder read into a project: cupel.yaml, sources/, models/, pages/. */
#include <limits.h>
#include <string.h>
#include <unistd.h>

#include "base/fs.h"
#include "project/internal.h"

enum { FILE_BYTES_MAX = 16 << 20 };

struct loading {
    struct project *p;
    struct reader r;
};

/* --- finding the folder --- */

static bool find_root(struct arena *a, const char *dir, const char **ret, struct err *e)
{
    char real[PATH_MAX];
    if (!realpath(dir ? dir : ".", real))
        return dir ? fail(e, ERR_USER, "no such folder '%s'", dir) : fs_fail(e, "cannot find", ".");
    for (;;) {
        if (fs_exists(fs_join(a, real, "cupel.yaml"))) {
            *ret = arena_str(a, real);
            return true;
        }
        char *slash = strrchr(real, '/');
        if (!slash || !real[1])
            break;
        slash[slash == real] = '\0';
    }
    fail(e, ERR_USER, "no cupel.yaml in '%s' nor above it", dir ? dir : ".");
    return hint(e, "`cupel init NAME` makes a project, `cupel -C FOLDER ...` works on another one");
}

/* --- files --- */

/* No zero bytes, and UTF-8: what is read ends up in SQL and on terminals. */
static bool check_text(struct loading *l, const char *path, const char *text, size_t n)
{
    const char *zero = memchr(text, '\0', n);
    size_t good = 0;
    if (!zero && text_utf8(text, n))
        return true;
    for (int bytes; good < n && text[good] && (bytes = text_rune(text + good, n - good, &(uint32_t){0})) > 0;)
        good += (size_t)bytes;
    return reader_fail(&l->r, sql_place(text, good, (struct src){path, 1, 1}, 0), "save the file as UTF-8",
                       text[good] ? "not valid UTF-8" : "a zero byte in the file");
}

static bool read_file(struct loading *l, const char *path, const char **ret)
{
    struct err e;
    char *text;
    size_t n;
    if (fs_read(l->r.a, fs_join(l->r.a, l->p->root, path), FILE_BYTES_MAX, &text, &n, &e)) {
        *ret = text;
        return check_text(l, path, text, n);
    }
    e.at = (struct src){.file = path};
    problems_add(l->r.problems, &e);
    return false;
}

struct paths {
    const char **v; /* relative to the folder that was looked through */
    size_t n;
};

static struct paths walk(struct loading *l, const char *dir, const char *suffix)
{
    struct paths f = {0};
    struct err e;
    if (!fs_walk(l->r.a, fs_join(l->r.a, l->p->root, dir), suffix, &f.v, &f.n, &e))
        problems_add(l->r.problems, &e);
    return f;
}

static bool ends_with(const char *s, const char *suffix)
{
    size_t n = strlen(s), m = strlen(suffix);
    return n >= m && strcmp(s + n - m, suffix) == 0;
}

/* --- who makes which table --- */

struct maker *maker_find(const struct project *p, const char *table)
{
    size_t i = map_find(&p->in->tables, table);
    return i == SIZE_MAX ? NULL : &p->in->makers.v[i];
}

static const char *maker_file(const struct project *p, const struct maker *m)
{
    return m->kind == MAKER_LOG      ? "the extraction log"
           : m->kind == MAKER_SOURCE ? p->sources[m->index].path
                                     : p->models[m->index].path;
}

bool maker_add(struct project *p, const struct reader *r, const char *table, struct maker m)
{
    size_t i = map_add(p->a, &p->in->tables, table);
    if (i < p->in->makers.n)
        return reader_fail(r, m.at, "a table belongs to one source or model",
                           "table '%s' is made by %s already", table, maker_file(p, &p->in->makers.v[i]));
    *arena_push(p->a, &p->in->makers) = m;
    return true;
}

/* --- sources --- */

static const char log_ddl[] =
    "source VARCHAR, resource VARCHAR, table_name VARCHAR, run_id VARCHAR, batch_run_id VARCHAR, "
    "extraction_timestamp TIMESTAMPTZ, started_at TIMESTAMPTZ, finished_at TIMESTAMPTZ, wanted BIGINT, "
    "arrived BIGINT, "
    "resumed BIGINT, missing BIGINT, failed BIGINT, retries BIGINT, records BIGINT, bytes BIGINT, share "
    "DOUBLE, "
    "state VARCHAR, problems VARCHAR";
static const char quarantine_ddl[] =
    "run_id VARCHAR, quarantined_at TIMESTAMPTZ, model VARCHAR, reasons VARCHAR[], \"row\" VARCHAR";

static void load_source(struct loading *l, const char *path, const char *base, size_t *cap)
{
    struct project *p = l->p;
    struct source s = {.path = fs_join(p->a, "sources", path),
                       .name = arena_strn(p->a, path, strlen(path) - strlen(base))};
    if (!read_file(l, s.path, &s.text))
        return;
    if (!source_read(&l->r, &s)) {
        p->in->incomplete = true;
        return;
    }
    if (!p->nsources)
        maker_add(p, &l->r, TABLE_LOG, (struct maker){MAKER_LOG, 0, log_ddl, {0}});
    *(struct source *)arena_grow(p->a, (void **)&p->sources, &p->nsources, cap, sizeof s) = s;
    for (size_t i = 0; i < s.ntables; i++)
        maker_add(p, &l->r, s.tables[i].name,
                  (struct maker){MAKER_SOURCE, p->nsources - 1, s.tables[i].ddl, s.tables[i].at});
}

static void load_sources(struct loading *l)
{
    static const char *const suffixes[] = {".yaml", ".yml"};
    struct map names = {0};
    size_t cap = 0;
    for (size_t k = 0; k < countof(suffixes); k++) {
        struct paths f = walk(l, "sources", suffixes[k]);
        for (size_t i = 0; i < f.n; i++) {
            const char *name = arena_strn(l->r.a, f.v[i], strlen(f.v[i]) - strlen(suffixes[k]));
            size_t known = names.n;
            if (map_add(l->r.a, &names, name) < known)
                reader_fail(&l->r, (struct src){.file = fs_join(l->r.a, "sources", f.v[i])}, NULL,
                            "there is a source '%s' already", name);
            else
                load_source(l, f.v[i], suffixes[k], &cap);
        }
    }
}

/* --- models --- */

/* "silver/movies.sql" -> "silver.movies" */
static const char *model_name(struct loading *l, const char *file)
{
    static const char *const taken[] = {"quarantine", "information_schema", "pg_catalog", "system", "temp"};
    const struct src at = {.file = fs_join(l->r.a, "models", file)};
    const char *slash = strchr(file, '/');
    if (!slash || strchr(slash + 1, '/')) {
        reader_fail(&l->r, at, "models/silver/movies.sql makes the table silver.movies",
                    "a model is a file in a folder of models/: models/SCHEMA/NAME.sql");
        return NULL;
    }
    struct str schema = {file, (size_t)(slash - file)},
               name = {slash + 1, strlen(slash + 1) - strlen(".sql")};
    if (!is_name(schema) || !is_name(name)) {
        reader_fail(&l->r, at, "only a-z, 0-9 and _", "'%.*s.%.*s' is no name for a table", STR(schema),
                    STR(name));
        return NULL;
    }
    for (size_t i = 0; i < countof(taken); i++)
        if (str_is(schema, taken[i])) {
            reader_fail(&l->r, at, NULL, "the schema '%s' is not for models", taken[i]);
            return NULL;
        }
    return arena_fmt(l->r.a, "%.*s.%.*s", STR(schema), STR(name));
}

static void load_model(struct loading *l, const char *file)
{
    struct project *p = l->p;
    struct model *m = &p->models[p->nmodels];
    struct model_notes *notes = &p->in->notes[p->nmodels];
    const char *name = model_name(l, file);
    *notes = (struct model_notes){0};
    *m = (struct model){.name = name, .path = fs_join(p->a, "models", file)};
    if (!name || !read_file(l, m->path, &m->text))
        return;
    const struct src top = {m->path, 1, 1};
    notes->broken = !model_read(&l->r, m, notes);
    if (maker_add(p, &l->r, name, (struct maker){MAKER_MODEL, p->nmodels, NULL, top}))
        p->nmodels++;
}

static void add_quarantines(struct loading *l)
{
    struct project *p = l->p;
    for (size_t i = 0; i < p->nmodels; i++) {
        const struct model *m = &p->models[i];
        if (m->mode == MODE_VIEW)
            continue;
        char *name = arena_fmt(p->a, "quarantine.%s", m->name);
        *strrchr(name, '.') = '_';
        maker_add(p, &l->r, name, (struct maker){MAKER_QUARANTINE, i, quarantine_ddl, {m->path, 1, 1}});
    }
}

static void load_models(struct loading *l)
{
    struct project *p = l->p;
    struct paths f = walk(l, "models", ".sql");
    p->models = arena_make(p->a, struct model, f.n);
    p->in->notes = arena_make(p->a, struct model_notes, f.n);
    for (size_t i = 0; i < f.n; i++)
        if (!ends_with(f.v[i], ".spark.sql"))
            load_model(l, f.v[i]);
    add_quarantines(l);
}

/* --- pages --- */

static void load_pages(struct loading *l)
{
    struct project *p = l->p;
    struct paths f = walk(l, "pages", ".md");
    p->pages = arena_make(p->a, struct page, f.n);
    for (size_t i = 0; i < f.n; i++) {
        struct page *g = &p->pages[p->npages];
        *g = (struct page){.name = arena_strn(p->a, f.v[i], strlen(f.v[i]) - strlen(".md")),
                           .path = fs_join(p->a, "pages", f.v[i])};
        if (read_file(l, g->path, &g->text))
            p->npages++;
    }
}

bool project_is_there(const char *dir)
{
    auto_arena *a = arena_new();
    const char *root;
    struct err ignored;
    return find_root(a, dir, &root, &ignored);
}

struct project *project_none(struct arena *a)
{
    const char *tmp = getenv("TMPDIR");
    struct project *p = arena_make(a, struct project, 1);
    *p = (struct project){.a = a, .root = ".", .name = "", .lake = ".", .env = "default"};
    p->in = arena_make(a, struct internals, 1);
    p->state = arena_fmt(a, "%s/cupel-%d", tmp && *tmp ? tmp : "/tmp", (int)getpid());
    return p;
}

bool project_load(struct arena *a, const struct project_options *o, struct project **ret,
                  struct problems *problems, struct err *e)
{
    struct project *p = arena_make(a, struct project, 1);
    char *text;
    size_t n;
    p->a = a;
    p->in = arena_make(a, struct internals, 1);
    p->env = o->env ? o->env : "default";
    problems->a = a;
    if (!find_root(a, o->dir, &p->root, e) ||
        !fs_read(a, fs_join(a, p->root, "cupel.yaml"), FILE_BYTES_MAX, &text, &n, e))
        return false;
    p->state = fs_join(a, p->root, ".cupel");
    environment_read(a, p->root, &p->in->env, problems);
    if (!config_read(p, o, text, n, problems, e))
        return false;
    *ret = p;
    if (p->in->incomplete)
        return true;
    struct loading l = {
        p, {.a = a, .problems = problems, .env = &p->in->env, .vars = p->vars, .nvars = p->nvars}};
    load_sources(&l);
    load_models(&l);
    load_pages(&l);
    return true;
}
