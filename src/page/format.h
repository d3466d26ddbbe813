/* format.h - a value as a page shows it, by a pattern that spreadsheets know. Pure. */
#pragma once
#include "base/text.h"

/* "0", "0.00", "#,##0", "#,##0.0", "0.0%", "yyyy-MM-dd", "text"; "$#,##0.0 M" keeps what stands around the
 * figure. value is the text of a number or date as SQL gives it; NULL and what is no number come back as they
 * are (NULL as "-"). */
char *format_value(struct arena *a, const char *pattern, const char *value);
/* What has a line of its own to stand on: its ends of lines and tabs are blanks. */
const char *format_line(struct arena *a, const char *s);
/* Is the pattern one that we know? For telling mistakes. */
bool format_known(const char *pattern);
#define FORMAT_PLAIN "formats are like 0, 0.00, #,##0, #,##0.0, 0.0%, yyyy-MM-dd and text"
