/* help.h - what the commands say of themselves: --help, and docs/commands.md. */
#pragma once
#include <stdio.h>

#include "cli/cmd.h"

void help_usage(FILE *out, const struct opt *global);
void help_command(const struct cmd *c, const struct opt *global);
/* The whole reference in Markdown. */
void help_markdown(const struct opt *global);
