#include "feed.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zstd.h>

/* sample.S puts the file between these two. */
extern const char standin_sample[], standin_sample_end[];

struct str feed_built_in(void)
{
    return (struct str){.p = standin_sample, .n = (size_t)(standin_sample_end - standin_sample)};
}

static void close_fd(const int *fd)
{
    if (*fd >= 0)
        close(*fd);
}

static bool read_whole(const char *path, struct text *ret, struct err *e)
{
    auto_call(close_fd) int fd = open(path, O_RDONLY | O_CLOEXEC);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0)
        return fail(e, "cannot open '%s': %s", path, strerror(errno));

    text_reserve(ret, (size_t)st.st_size + 1);
    for (;;) {
        text_reserve(ret, 64 * 1024);
        ssize_t n = read(fd, ret->p + ret->n, ret->cap - ret->n - 1);
        if (n < 0)
            return fail(e, "cannot read '%s': %s", path, strerror(errno));
        if (n == 0)
            break;
        ret->n += (size_t)n;
    }
    ret->p[ret->n] = '\0';
    return true;
}

static void free_dctx(ZSTD_DCtx **d)
{
    ZSTD_freeDCtx(*d);
}

static bool decompress(struct str packed, struct text *ret, struct err *e)
{
    unsigned long long size = ZSTD_getFrameContentSize(packed.p, packed.n);
    if (size < 1ull << 40) /* the two special answers are near the top of the range */
        text_reserve(ret, (size_t)size);

    auto_call(free_dctx) ZSTD_DCtx *d = ZSTD_createDCtx();
    ZSTD_inBuffer in = {.src = packed.p, .size = packed.n};
    size_t left = 1;
    while (in.pos < in.size || left) {
        text_reserve(ret, ZSTD_DStreamOutSize());
        ZSTD_outBuffer out = {.dst = ret->p + ret->n, .size = ret->cap - ret->n - 1};
        left = ZSTD_decompressStream(d, &out, &in);
        if (ZSTD_isError(left))
            return fail(e, "zstd: %s", ZSTD_getErrorName(left));
        if (in.pos == in.size && out.pos == 0 && left)
            return fail(e, "zstd: the file is cut off");
        ret->n += out.pos;
    }
    ret->p[ret->n] = '\0';
    return true;
}

bool feed_read(const char *path, struct text *ret, struct err *e)
{
    auto_text file = {0};
    if (!read_whole(path, &file, e))
        return false;
    if (file.n >= 4 && memcmp(file.p, "\x28\xb5\x2f\xfd", 4) == 0)
        return decompress(text_str(&file), ret, e) || wrap(e, "cannot read '%s'", path);
    *ret = file;
    file = (struct text){0};
    return true;
}

bool feed_line(struct str *rest, struct str *ret_line)
{
    if (rest->n == 0)
        return false;
    const char *nl = memchr(rest->p, '\n', rest->n);
    size_t n = nl ? (size_t)(nl - rest->p) : rest->n;
    *ret_line = (struct str){.p = rest->p, .n = n};
    size_t passed = nl ? n + 1 : n;
    rest->p += passed;
    rest->n -= passed;
    return true;
}
