/* cmd.h - a command is a row and a file: its name, its options as rows, and a function.
 *
 * The rows fill the command's conf struct, print its --help and, later, docs and shell completion. Results go
 * to stdout, everything else to stderr.
 */
#pragma once
#include "asset/asset.h"
#include "base/grid.h"
#include "base/json.h"
#include "run/run.h"
#include "run/state.h"

enum opt_type {
    OPT_FLAG /* bool */,
    OPT_TEXT /* const char * */,
    OPT_COUNT /* int64_t, from 1; 0 = not given */,
    OPT_LIST /* struct opt_list */
};

struct opt_list {   /* an option that may be given several times */
    const char **v; /* ends with NULL */
    size_t n, cap;
};

struct opt {
    const char *name; /* "full-refresh"; NULL ends the rows */
    char letter;      /* 's', 0 = none */
    enum opt_type type;
    size_t offset;    /* into the command's conf */
    const char *arg;  /* what its value is called: "SELECTOR"; NULL for flags */
    const char *help; /* one sentence, no full stop */
};

struct app { /* what every command gets */
    struct arena *a;
    const char *dir; /* -C */
    const char *env; /* -e */
    struct opt_list vars;
    bool json;  /* --json */
    bool color; /* stderr is a terminal and NO_COLOR is not set */
    bool debug;
    bool logged; /* --log: the log on stderr was asked for */
    bool log_json;
    bool quick, lenient; /* of the command */
    int exit_code;       /* of one that succeeds */
    bool anywhere;       /* it works without a project too */
    const char **args;   /* what is left on the command line, ends with NULL */
    size_t nargs;
    const char *text_file, *text; /* a text that errors may point into and that is no file of the project */
};

struct cmd {
    const char *name, *args, *summary; /* "show", "TABLE", "what a table looks like" */
    const char *help;                  /* further paragraphs of --help; NULL = none */
    const struct opt *options;
    size_t conf_size;
    size_t min_args, max_args;
    bool quick;   /* moves no data: at its end memory and the engine are left to the system */
    bool lenient; /* only looks: mistakes in models, sources and pages do not stop it */
    bool (*run)(struct app *app, const void *conf, struct err *e);
};

extern const struct cmd cmd_init, cmd_validate, cmd_plan, cmd_run, cmd_query, cmd_tables, cmd_show,
    cmd_history, cmd_logs, cmd_runs, cmd_render, cmd_optimize, cmd_vacuum, cmd_restore, cmd_diff, cmd_delete,
    cmd_prune;
extern const struct cmd *const commands[]; /* in the order of --help; ends with NULL */

/* What several commands share. */

/* An error as a compiler shows it, or as JSON, on stderr; nothing when its message is empty. */
void app_error(const struct app *app, const struct err *e);

/* The project read, linked and bound on an engine of its own; mistakes are printed as a compiler does, and if
 * there was one that is not a warning the call fails with *e of kind ERR_USER and an empty message (already
 * said). */
struct opened {
    struct project *project;
    struct engine *engine;
    struct session *session;
    struct workshop shop;
    struct problems problems; /* those of the project's files */
};
enum open_depth { OPEN_FILES, OPEN_LINKED, OPEN_BOUND, OPEN_CHECKED /* pages too */ };
/* The mirror of a remote store is taken away at the end, also where a command leaves all to the system. */
void app_tidy_up(struct app *app, const struct store *s);
bool app_open(struct app *app, enum open_depth depth, const struct run_options *o, struct opened *ret,
              struct err *e) must_check;

/* The table that a command's argument names, by its name or by its path. */
bool app_place(struct app *app, const struct opened *x, const char *name, struct lake_table *ret,
               struct lake_at *ret_at, struct err *e) must_check;

/* ERR_USER for a table that the lake has not: it is not made yet, or there is none of that name. */
bool app_no_table(const struct opened *x, const char *name, struct err *e);

/* The tables that the arguments name: of the lake by name, or of what a selector chooses and has been made;
 * none = all of the lake. */
bool app_choose(struct app *app, const struct opened *x, const char ***ret, size_t *ret_n,
                struct err *e) must_check;
/* The work of a command that is no run: it stops on Ctrl-C. */
void app_task(struct app *app, const struct opened *x, struct task *ret);
/* `one` for each of those tables. One that fails is said and does not stop the others; the call fails then
 * with the first one's kind and an empty message. */
bool app_each(struct app *app, const struct opened *x,
              bool (*one)(void *arg, struct task *t, const char *table, struct err *e), void *arg,
              struct err *e) must_check;
/* "a,b" and several options are one list. */
void app_list(struct arena *a, const struct opt_list *l, const char *const **ret, size_t *ret_n);
/* "128MB" of an option; NULL = 0. */
bool app_bytes(const char *option, const char *text, int64_t *ret, struct err *e) must_check;

/* The project's files, and the history of its runs; ERR_USER when nothing has run yet. */
bool app_history(struct app *app, struct opened *x, struct state **ret, struct err *e) must_check;
/* Is that run at work now? */
bool app_running(const struct opened *x, const char *run);
/* "running", "success", "failed", "canceled"; "interrupted" when its process is gone. */
const char *app_run_state(const struct opened *x, const struct state_run *r);

/* Prints the problems to stderr (or as JSON to stdout); how many are errors. */
size_t app_problems(const struct app *app, const struct project *p, const struct problems *problems);

json_t *app_problems_json(const struct problems *problems);

/* "1,204", "3.4 MB", "2.1 s", "3 min ago" in a's memory. */
const char *human_int(struct arena *a, int64_t n);
const char *human_bytes(struct arena *a, int64_t n);
const char *human_seconds(struct arena *a, double s);
/* "array<struct<id: long, name: string>>" */
void human_type(struct buf *b, const struct lake_type *t);
/* In whole seconds, for what changes before the reader's eyes: "42 s", "1 min 05 s", "2 h 03 min". */
const char *human_left(struct arena *a, double s);

/* A line of JSON on stdout for --json: the object is released. */
void print_json(json_t *j);
