#include "net/libcurl.h"

#include <dlfcn.h>
#include <pthread.h>
#include <string.h>

static struct libcurl calls;
static struct err failure;
static pthread_once_t once = PTHREAD_ONCE_INIT;

static void load(void)
{
    void *lib = dlopen("libcurl.so.4", RTLD_LAZY | RTLD_LOCAL);
    if (!lib) {
        fail(&failure, ERR_IO, "cannot load libcurl: %s", dlerror());
        hint(&failure, "Debian's package is libcurl4");
        return;
    }
    static const struct {
        const char *symbol;
        size_t offset;
    } wanted[] = {
#define LIBCURL_ROW(name) {"curl_" #name, offsetof(struct libcurl, name)},
        LIBCURL_CALLS(LIBCURL_ROW)
#undef LIBCURL_ROW
    };
    for (size_t i = 0; i < countof(wanted); i++) {
        void *f = dlsym(lib, wanted[i].symbol);
        if (!f) {
            fail(&failure, ERR_IO, "this libcurl has no %s", wanted[i].symbol);
            return;
        }
        memcpy((char *)&calls + wanted[i].offset, &f, sizeof f);
    }
    calls.global_init(CURL_GLOBAL_DEFAULT);
}

bool libcurl_load(struct err *e)
{
    pthread_once(&once, load);
    if (failure.kind)
        *e = failure;
    return !failure.kind;
}

const struct libcurl *libcurl(void)
{
    struct err e;
    if (!libcurl_load(&e)) {
        fprintf(stderr, "fatal: %s\n", e.msg);
        abort();
    }
    return &calls;
}
