#include <string.h>

#include "lake/delta_log.h"
#include "lake/pull.h"

struct versions list_of(struct lake_version);

static const char *run_id_of(struct arena *a, const char *user)
{
    const char *run = NULL;
    struct str key;
    struct pull j = pull_begin(a, user, strlen(user));
    pull_object(&j);
    while (pull_key(&j, &key)) {
        if (str_is(key, "cupel_run") && pull_is(&j, '"'))
            run = pull_string(&j);
        else
            pull_skip(&j);
    }
    return j.why ? NULL : run;
}

struct telling {
    struct arena *a;
    struct lake_version v;
};

static bool tell(void *arg, const struct action *x, struct err *e)
{
    (void)e;
    struct telling *t = arg;
    struct lake_version *v = &t->v;
    if (x->info) {
        v->timestamp_ms = x->info->timestamp_ms ? x->info->timestamp_ms : v->timestamp_ms;
        v->operation = x->info->operation ? arena_str(t->a, x->info->operation) : "";
        v->parameters = arena_str(t->a, x->info->parameters);
        v->metrics = arena_str(t->a, x->info->metrics);
        v->engine = arena_str(t->a, x->info->engine);
        v->run_id = x->info->user ? run_id_of(t->a, x->info->user) : NULL;
        v->user_metadata = arena_str(t->a, x->info->user);
        v->user_name = arena_str(t->a, x->info->user_name);
        v->isolation = arena_str(t->a, x->info->isolation);
        v->read_version = x->info->read_version;
        v->blind_append = x->info->blind;
    }
    if (x->remove) {
        v->files_removed++;
        v->data_change |= x->remove->data_change;
        v->bytes_removed =
            x->remove->size < 0 || v->bytes_removed < 0 ? -1 : v->bytes_removed + x->remove->size;
    }
    if (x->add) {
        v->files_added++;
        v->data_change |= x->add->data_change;
    }
    if (x->add && !x->add->dv) { /* the rows of one with a vector were there before */
        v->rows_added = x->add->rows < 0 || v->rows_added < 0 ? -1 : v->rows_added + x->add->rows;
        v->bytes_added = x->add->size < 0 || v->bytes_added < 0 ? -1 : v->bytes_added + x->add->size;
    }
    return true;
}

bool lake_history(struct arena *a, const struct lake_table *t, size_t limit, struct lake_version **ret,
                  size_t *ret_n, struct err *e)
{
    auto_arena *scratch = arena_new();
    struct log_listing l;
    struct versions out = {0};
    if (!log_list(scratch, t, 0, &l, e))
        return false;
    if (log_last(&l) < 0)
        return fail(e, ERR_USER, "there is no table '%s'", log_table_name(t));
    for (size_t i = l.ncommits; i-- > 0 && (!limit || out.n < limit);) {
        auto_arena *lines = arena_new();
        struct telling one = {a,
                              {.version = l.commits[i].version,
                               .timestamp_ms = l.commits[i].mtime_ms,
                               .operation = "",
                               .read_version = -1}};
        bool missing = false;
        unsigned want = WANT_ADD | WANT_REMOVE | WANT_INFO;
        if (log_read_commit(lines, t, one.v.version, want, tell, &one, &missing, NULL, e))
            *arena_push(a, &out) = one.v;
        else if (!missing) /* cleaned up since the listing */
            return false;
    }
    *ret = out.v;
    *ret_n = out.n;
    return true;
}
