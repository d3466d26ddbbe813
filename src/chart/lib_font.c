/* A font in memory reaches fontconfig by way of a file that has no name: pictures look the same on a machine
 * without fonts. */
#include <errno.h>
#include <fontconfig/fontconfig.h>
#include <pthread.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "chart/lib_data.h"
#include "chart/lib_internal.h"

static bool write_all(int fd, const uint8_t *p, size_t n)
{
    while (n) {
        ssize_t got = write(fd, p, n);
        if (got < 0 && errno != EINTR)
            return false;
        if (got > 0)
            p += got, n -= (size_t)got;
    }
    return true;
}

/* The file stays open: fontconfig reads it again when the font is used. */
static bool add_font(const uint8_t *p, size_t n, struct err *e)
{
    int fd = memfd_create("cupel-font", MFD_CLOEXEC);
    if (fd < 0 || !write_all(fd, p, n)) {
        fail(e, ERR_IO, "cannot hold a font in memory: %s", strerror(errno));
        if (fd >= 0)
            close(fd);
        return false;
    }
    char path[64];
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    return FcConfigAppFontAddFile(NULL, (const FcChar8 *)path) ||
           fail(e, ERR_IO, "fontconfig does not take the program's fonts");
}

bool fonts_ready(struct err *e)
{
    static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    static bool ready;

    pthread_mutex_lock(&lock);
    bool ok = ready || (add_font(chart_font_400, chart_font_400_len, e) &&
                        add_font(chart_font_600, chart_font_600_len, e) &&
                        add_font(chart_font_ext_400, chart_font_ext_400_len, e) &&
                        add_font(chart_font_ext_600, chart_font_ext_600_len, e));
    ready = ok;
    pthread_mutex_unlock(&lock);
    return ok;
}
