/* What the log says of a table's files, for the SQL functions that look it up row by row: which rows of a
 * file are no more, and its partition values.
 *
 *     cupel_live(book, filename, file_row_number)   is the row still there?
 *     cupel_value(book, filename, i)                the i-th partition value, text
 *
 * Rows come in runs of one file, so a file is looked up once a run.
 */
#include <string.h>

#include "engine/internal.h"
#include "lake/dv.h"
#include "lake/map.h"

struct page { /* a file */
    const struct rowset *gone;
    const char *const *values;
};

struct book {
    struct book *next; /* of the engine's, under its lock */
    struct engine *engine;
    int64_t id;
    struct map names; /* numbers the pages: duck_file_uri() */
    struct page *pages;
    size_t nvalues;
};

static const struct book *find_book(struct engine *g, int64_t id)
{
    pthread_mutex_lock(&g->lock);
    const struct book *b = g->books;
    while (b && b->id != id)
        b = b->next;
    pthread_mutex_unlock(&g->lock);
    return b;
}

/* The rows from i on that are of the same book and file. */
struct run {
    const struct page *page;
    idx_t end;
};

static bool next_run(duckdb_function_info info, duckdb_data_chunk in, idx_t i, const struct book **book,
                     struct run *ret)
{
    const int64_t *ids = duck.vector_get_data(duck.data_chunk_get_vector(in, 0));
    duckdb_vector names = duck.data_chunk_get_vector(in, 1);
    idx_t n = duck.data_chunk_get_size(in);
    struct str name = duck_string(names, i);
    if (!*book || (*book)->id != ids[i])
        *book = find_book(duck.scalar_function_get_extra_info(info), ids[i]);
    size_t no = *book ? map_find_str(&(*book)->names, name) : SIZE_MAX;
    if (no == SIZE_MAX) {
        duck.scalar_function_set_error(info, "not inside a table");
        return false;
    }
    ret->page = &(*book)->pages[no];
    for (ret->end = i + 1; ret->end < n && ids[ret->end] == ids[i]; ret->end++) {
        struct str other = duck_string(names, ret->end);
        if (other.n != name.n || (other.p != name.p && memcmp(other.p, name.p, name.n) != 0))
            break;
    }
    return true;
}

static void live(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *rows = duck.vector_get_data(duck.data_chunk_get_vector(in, 2));
    bool *keep = duck.vector_get_data(out);
    const struct book *book = NULL;
    struct run run;
    for (idx_t i = 0, n = duck.data_chunk_get_size(in); i < n; i = run.end) {
        if (!next_run(info, in, i, &book, &run))
            return;
        if (run.page->gone)
            rowset_keep(run.page->gone, rows + i, run.end - i, keep + i);
        else
            memset(keep + i, true, run.end - i);
    }
}

static void value(duckdb_function_info info, duckdb_data_chunk in, duckdb_vector out)
{
    const int64_t *columns = duck.vector_get_data(duck.data_chunk_get_vector(in, 2));
    const struct book *book = NULL;
    struct run run;
    duck.vector_ensure_validity_writable(out);
    uint64_t *valid = duck.vector_get_validity(out);
    for (idx_t i = 0, n = duck.data_chunk_get_size(in); i < n; i = run.end) {
        if (!next_run(info, in, i, &book, &run))
            return;
        for (idx_t k = i; k < run.end; k++) {
            bool known = columns[k] >= 0 && (size_t)columns[k] < book->nvalues;
            const char *text = known ? run.page->values[columns[k]] : NULL;
            if (text && *text)
                duck.vector_assign_string_element(out, k, text);
            else
                duck.validity_set_row_invalid(valid, k);
        }
    }
}

bool duck_books_register(struct engine *g, struct err *e)
{
    const duckdb_type number = DUCKDB_TYPE_BIGINT, text = DUCKDB_TYPE_VARCHAR;
    const struct duck_function functions[] = {
        {"cupel_live", {number, text, number}, .result = DUCKDB_TYPE_BOOLEAN, .call = live},
        {"cupel_value", {number, text, number}, .result = text, .call = value},
    };
    return duck_function_add(g, &functions[0], e) && duck_function_add(g, &functions[1], e);
}

/* --- one scan --- */

static void book_close(void *arg)
{
    struct book *b = arg;
    pthread_mutex_lock(&b->engine->lock);
    for (struct book **p = &b->engine->books; *p; p = &(*p)->next) {
        if (*p == b) {
            *p = b->next;
            break;
        }
    }
    pthread_mutex_unlock(&b->engine->lock);
}

bool duck_book_open(struct session *s, const struct lake_table *t, const struct lake_snapshot *snap,
                    const struct lake_file *const *files, size_t nfiles, int64_t *ret, struct err *e)
{
    struct rowset *gone;
    struct book *b = arena_make(s->a, struct book, 1);
    if (!lake_dv_load_all(s->a, t, files, nfiles, &gone, e))
        return false;
    *b = (struct book){.engine = s->engine,
                       .id = duck_next_id(s->engine),
                       .pages = arena_make(s->a, struct page, nfiles),
                       .nvalues = snap->npartition_by};
    for (size_t i = 0; i < nfiles; i++) {
        size_t no = map_add(s->a, &b->names, duck_file_uri(s->a, t, files[i]));
        if (no < i) /* two vectors of one file at the same time */
            return fail(e, ERR_DATA, "file '%s' is twice in table '%s'", files[i]->path,
                        *t->dir ? t->dir : t->store->uri);
        const char **values = arena_make(s->a, const char *, b->nvalues);
        for (size_t k = 0; k < b->nvalues; k++)
            values[k] = arena_str(s->a, files[i]->values[k]);
        b->pages[no] = (struct page){files[i]->dv ? &gone[i] : NULL, values};
    }
    pthread_mutex_lock(&s->engine->lock);
    b->next = s->engine->books;
    s->engine->books = b;
    pthread_mutex_unlock(&s->engine->lock);
    arena_defer(s->a, book_close, b);
    *ret = b->id;
    return true;
}
