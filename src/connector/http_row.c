#include "connector/http_row.h"

#include <string.h>

#include "connector/http.h"

/* Behind the resource's own columns; the last four are the partition. */
static const struct {
    const char *name, *sql;
    enum rows_type type;
} common[] = {
    {"raw_json", "VARCHAR", ROWS_TEXT},
    {"api_endpoint", "VARCHAR", ROWS_TEXT},
    {"extraction_timestamp", "TIMESTAMPTZ", ROWS_TIMESTAMP},
    {"ingestion_date", "DATE", ROWS_DATE},
    {"batch_run_id", "VARCHAR", ROWS_TEXT},
    {"year", "INTEGER", ROWS_INT32},
    {"month", "INTEGER", ROWS_INT32},
    {"day", "INTEGER", ROWS_INT32},
    {"hour", "INTEGER", ROWS_INT32},
};
static const char *const partition[] = {"year", "month", "day", "hour"};

const struct rows_column *http_row_columns(struct arena *a, const struct http_shape *s, size_t *ret_n)
{
    size_t own = s->r->ncolumns;
    struct rows_column *c = arena_make(a, struct rows_column, own + countof(common));
    for (size_t i = 0; i < own; i++)
        c[i] = (struct rows_column){s->r->columns[i].name, s->columns[i].type};
    for (size_t i = 0; i < countof(common); i++)
        c[own + i] = (struct rows_column){common[i].name, common[i].type};
    *ret_n = own + countof(common);
    return c;
}

/* Whole days since 1970, also before it. */
static int64_t days(int64_t us)
{
    const int64_t day = INT64_C(86400) * 1000000;
    return us / day - (us % day < 0);
}

void http_row_put(struct rows *rows, const struct http_shape *s, const struct read_spec *spec,
                  struct str record, const struct http_origin *o)
{
    struct civil now = civil_from_us(spec->now_us);
    http_record_columns(s, record, &o->filled, rows);
    rows_text(rows, record.p, record.n);
    rows_text(rows, o->request.p, o->request.n);
    rows_int(rows, spec->now_pinned ? spec->now_us : o->arrived_us);
    rows_int(rows, days(spec->now_us));
    rows_text(rows, spec->batch_run_id, strlen(spec->batch_run_id));
    rows_int(rows, now.year);
    rows_int(rows, now.month);
    rows_int(rows, now.day);
    rows_int(rows, now.hour);
}

static const char *ddl(struct arena *a, const struct http_resource *r)
{
    auto_buf b = BUF(1 << 20);
    for (size_t i = 0; i < r->ncolumns; i++) {
        sql_ident(&b, r->columns[i].name);
        buf_addf(&b, " %s, ", r->columns[i].type);
    }
    for (size_t i = 0; i < countof(common); i++)
        buf_addf(&b, "%s%s %s", i ? ", " : "", common[i].name, common[i].sql);
    return arena_str(a, b.p);
}

void http_tables(struct arena *a, const struct http_source *s, const struct source_table **ret, size_t *ret_n)
{
    struct source_table *t = arena_make(a, struct source_table, s->nresources + 1);
    size_t n = 0;
    for (size_t i = 0; i < s->nresources; i++) {
        const struct http_resource *r = &s->resources[i];
        if (r->into)
            t[n++] = (struct source_table){.name = r->into,
                                           .at = r->at,
                                           .key = r->ncolumns ? r->columns[0].name : NULL,
                                           .partition_by = partition,
                                           .npartition_by = countof(partition),
                                           .ddl = ddl(a, r)};
    }
    *ret = t;
    *ret_n = n;
}
