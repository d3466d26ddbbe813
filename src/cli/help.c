#include "cli/help.h"

#include <string.h>

static void add_names(struct buf *b, const struct opt *o)
{
    if (o->letter)
        buf_addf(b, "-%c, ", o->letter);
    buf_addf(b, "--%s%s%s", o->name, o->arg ? " " : "", o->arg ? o->arg : "");
}

static void print_options(FILE *out, const struct opt *rows)
{
    for (const struct opt *o = rows; o && o->name; o++) {
        auto_buf names = BUF(256);
        add_names(&names, o);
        fprintf(out, "  %s%-*s %s\n", o->letter ? "" : "    ", o->letter ? 30 : 26, names.p, o->help);
    }
}

static const char exit_codes[] =
    "Exit status: 0 done, 2 a mistake in the project or on the command line, 3 credentials refused, 4 "
    "network,\n"
    "5 a limit, 6 data that fails its checks, 7 conflict, 8 disk, 130 stopped.\n";

void help_usage(FILE *out, const struct opt *global)
{
    fputs("cupel " CUPEL_VERSION " - the batch layer of a data platform in one program\n\n"
          "usage: cupel COMMAND [OPTIONS] [ARGUMENTS]\n\n",
          out);
    for (size_t i = 0; commands[i]; i++)
        fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
    fputs("\noptions of every command:\n", out);
    print_options(out, global);
    fprintf(out, "\n`cupel COMMAND --help` says more. %s", exit_codes);
}

void help_command(const struct cmd *c, const struct opt *global)
{
    printf("cupel %s - %s\n\nusage: cupel %s [OPTIONS]%s%s\n", c->name, c->summary, c->name,
           c->args[0] ? " " : "", c->args);
    if (c->help)
        printf("\n%s", c->help);
    if (c->options && c->options[0].name) {
        puts("\noptions:");
        print_options(stdout, c->options);
    }
    puts("\noptions of every command:");
    print_options(stdout, global);
}

/* A cell of a table: a bar would end it. */
static void print_cell(const char *s)
{
    for (; *s; s++)
        fputs(*s == '|' ? "\\|" : (char[2]){*s}, stdout);
}

static void markdown_options(const struct opt *rows)
{
    puts("| option | |\n|---|---|");
    for (const struct opt *o = rows; o->name; o++) {
        auto_buf names = BUF(256);
        add_names(&names, o);
        fputs("| `", stdout);
        print_cell(names.p);
        fputs("` | ", stdout);
        print_cell(o->help);
        puts(" |");
    }
}

void help_markdown(const struct opt *global)
{
    puts("# Commands\n\nMade by `cupel help --markdown`; a test compares.\n");
    puts("    cupel COMMAND [OPTIONS] [ARGUMENTS]\n");
    puts("| command | |\n|---|---|");
    for (size_t i = 0; commands[i]; i++)
        printf("| [%s](#cupel-%s) | %s |\n", commands[i]->name, commands[i]->name, commands[i]->summary);
    puts("\nOptions of every command:\n");
    markdown_options(global);
    puts("\nResults go to stdout, everything else to stderr. What exit codes mean is in "
         "[errors.md](errors.md).");
    for (size_t i = 0; commands[i]; i++) {
        const struct cmd *c = commands[i];
        printf("\n## cupel %s\n\n    cupel %s [OPTIONS]%s%s\n\n%c%s.\n", c->name, c->name,
               c->args[0] ? " " : "", c->args, c->summary[0] - 'a' + 'A', c->summary + 1);
        if (c->help)
            printf("\n%s", c->help);
        if (c->options && c->options[0].name) {
            puts("");
            markdown_options(c->options);
        }
    }
}
