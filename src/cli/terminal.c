#include "cli/terminal.h"

#include <stdlib.h>
#include <strings.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include "base/base.h"
#include "base/text.h"

int terminal_width(int fd)
{
    struct winsize w;
    int64_t columns;
    struct err ignored;
    if (!isatty(fd))
        return 0;
    if (ioctl(fd, TIOCGWINSZ, &w) == 0 && w.ws_col > 0)
        return w.ws_col;
    const char *said = getenv("COLUMNS");
    return said && text_int(said, &columns, &ignored) && columns > 0 && columns < 10000 ? (int)columns : 80;
}

bool terminal_ascii(void)
{
    static const char *const names[] = {"LC_ALL", "LC_CTYPE", "LANG"};
    for (size_t i = 0; i < countof(names); i++) {
        const char *locale = getenv(names[i]);
        if (locale && *locale)
            return !strcasestr(locale, "utf-8") && !strcasestr(locale, "utf8");
    }
    return false;
}
