#include "connector/inbox.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>

#include "base/fs.h"

/* The file: a head, then frames. Numbers are little-endian. The marks are not UTF-8, so no text holds them.
 *
 *   head   mark 16, base 8, crc 4, 0 4             base = position that the table had when the file was made
 *   frame  mark 4, crc 4, position 8, arrived 8, status 4, sizes of request 4, for 4, each 4, body 8, then
 * these crc = CRC-32 of all that follows it in the frame
 */
enum { HEAD = 32, FRAME = 48, MARK = 4, TEXT_MAX = 1 << 20, CHUNK = 1 << 20 };
#define BODY_MAX (INT64_C(1) << 32)

static const unsigned char head_mark[16] = "cupel\xffinbox\xff"
                                           "1\n";
static const unsigned char frame_mark[MARK] = {0xff, 'c', 'f', 0xfe};

struct inbox {
    int fd;
    const char *path, *damage;
    uint64_t size; /* of the file, up to the end of the last good frame */
    int64_t base, last, stored;
    bool broken; /* a failed append could not be taken back */
    struct buf frame;
};

static void put(unsigned char *p, uint64_t v, int n)
{
    for (int i = 0; i < n; i++, v >>= 8)
        p[i] = (unsigned char)v;
}

static uint64_t get(const unsigned char *p, int n)
{
    uint64_t v = 0;
    for (int i = n; i-- > 0;)
        v = v << 8 | p[i];
    return v;
}

static uint32_t checksum(const unsigned char *p, size_t n)
{
    return (uint32_t)crc32_z(0, p, n);
}

/* ---- reading and writing at a place */

static bool read_at(const struct inbox *b, uint64_t at, void *to, size_t n, struct err *e)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = pread(b->fd, (char *)to + done, n - done, (off_t)(at + done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k < 0)
            return fs_fail(e, "cannot read", b->path);
        if (k == 0)
            return fail(e, ERR_IO, "cannot read '%s': it ends before byte %" PRIu64, b->path, at + n);
        done += (size_t)k;
    }
    return true;
}

static bool write_at(int fd, const char *path, uint64_t at, const void *from, size_t n, struct err *e)
{
    for (size_t done = 0; done < n;) {
        ssize_t k = pwrite(fd, (const char *)from + done, n - done, (off_t)(at + done));
        if (k < 0 && errno == EINTR)
            continue;
        if (k <= 0) {
            errno = k == 0 ? ENOSPC : errno;
            return fs_fail(e, "cannot write", path);
        }
        done += (size_t)k;
    }
    return true;
}

/* n bytes of room in the buffer, whatever was in it. */
static bool room(struct buf *b, size_t n, struct err *e)
{
    static const char zeros[4096];
    b->len = 0;
    while (b->len < n && !b->failed)
        buf_add(b, zeros, n - b->len < sizeof zeros ? n - b->len : sizeof zeros);
    return buf_done(b, e);
}

static bool cut(struct inbox *b, uint64_t size, struct err *e)
{
    b->size = size;
    return ftruncate(b->fd, (off_t)size) == 0 || fs_fail(e, "cannot cut", b->path);
}

/* ---- frames */

static uint64_t frame_size(const unsigned char head[FRAME])
{
    uint64_t texts = get(head + 28, 4) + get(head + 32, 4) + get(head + 36, 4), body = get(head + 40, 8);
    return texts > 3 * (uint64_t)TEXT_MAX || body > (uint64_t)BODY_MAX ? UINT64_MAX / 2
                                                                       : FRAME + texts + body;
}

/* Loads the frame at `at` into b->frame; *ret_good = there is a whole one. */
static bool load(struct inbox *b, uint64_t at, uint64_t end, bool *ret_good, struct err *e)
{
    unsigned char head[FRAME];
    *ret_good = false;
    if (end - at < FRAME)
        return true;
    if (!read_at(b, at, head, FRAME, e))
        return false;
    uint64_t size = frame_size(head);
    if (memcmp(head, frame_mark, MARK) != 0 || size > end - at)
        return true;
    if (!room(&b->frame, size, e))
        return wrap(e, "frame at byte %" PRIu64 " of '%s'", at, b->path);
    unsigned char *p = (unsigned char *)b->frame.p;
    memcpy(p, head, FRAME);
    if (!read_at(b, at + FRAME, p + FRAME, size - FRAME, e))
        return false;
    *ret_good = checksum(p + 8, size - 8) == get(p + 4, 4);
    return true;
}

static struct str take(const char **p, size_t n)
{
    struct str s = {*p, n};
    *p += n;
    return s;
}

/* The loaded frame, its texts in b->frame. */
static struct inbox_frame parse(const struct inbox *b, uint64_t at, struct str *ret_body)
{
    const unsigned char *h = (const unsigned char *)b->frame.p;
    const char *p = b->frame.p + FRAME;
    struct inbox_frame f = {.position = (int64_t)get(h + 8, 8),
                            .arrived_us = (int64_t)get(h + 16, 8),
                            .status = (int)get(h + 24, 4),
                            .nbody = get(h + 40, 8)};
    f.request = take(&p, get(h + 28, 4));
    f.for_value = take(&p, get(h + 32, 4));
    f.each_value = take(&p, get(h + 36, 4));
    f.body_at = at + (uint64_t)(p - b->frame.p);
    *ret_body = take(&p, f.nbody);
    return f;
}

/* ---- opening */

/* Is there a whole frame anywhere behind `at`? Then what is there is no torn end but damage. */
static bool frame_behind(struct inbox *b, uint64_t at, uint64_t end, bool *ret, struct err *e)
{
    auto_buf chunk = BUF(CHUNK);
    *ret = false;
    for (uint64_t from = at + 1; end - from >= FRAME && from < end;) {
        size_t n = end - from < CHUNK ? (size_t)(end - from) : CHUNK;
        if (!room(&chunk, n, e) || !read_at(b, from, chunk.p, n, e))
            return false;
        for (const char *p = chunk.p; (p = memmem(p, n - (size_t)(p - chunk.p), frame_mark, MARK)); p++)
            if (!load(b, from + (uint64_t)(p - chunk.p), end, ret, e) || *ret)
                return *ret;
        from += n < CHUNK ? n : n - (MARK - 1);
    }
    return true;
}

static bool copy_aside(const struct inbox *b, uint64_t from, uint64_t end, const char *to, struct err *e)
{
    int fd = open(to, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0)
        return fs_fail(e, "cannot make", to);
    auto_buf chunk = BUF(CHUNK);
    bool ok = true;
    for (uint64_t at = from; at < end && ok; at += chunk.len) {
        ok = room(&chunk, end - at < CHUNK ? (size_t)(end - at) : CHUNK, e) &&
             read_at(b, at, chunk.p, chunk.len, e) && write_at(fd, to, at - from, chunk.p, chunk.len, e);
    }
    if (ok && fsync(fd) != 0)
        ok = fs_fail(e, "cannot sync", to);
    close(fd);
    return ok;
}

/* What is at `at` is no frame: a torn end goes, damage is moved aside. */
static bool mend(struct arena *a, struct inbox *b, uint64_t at, uint64_t end, struct err *e)
{
    bool damaged;
    if (!frame_behind(b, at, end, &damaged, e))
        return false;
    if (damaged) {
        const char *bad = arena_fmt(a, "%s.bad", b->path);
        for (int i = 2; fs_exists(bad); i++)
            bad = arena_fmt(a, "%s.%d.bad", b->path, i);
        if (!copy_aside(b, at, end, bad, e))
            return false;
        b->damage = arena_fmt(a, "'%s' is damaged at byte %" PRIu64 "; what follows was moved to '%s'",
                              b->path, at, bad);
    }
    return cut(b, at, e);
}

static bool write_head(struct inbox *b, struct err *e)
{
    unsigned char head[HEAD] = {0};
    b->base = b->stored;
    memcpy(head, head_mark, sizeof head_mark);
    put(head + 16, (uint64_t)b->base, 8);
    put(head + 24, checksum(head, 24), 4);
    if (!cut(b, 0, e) || !write_at(b->fd, b->path, 0, head, HEAD, e))
        return false;
    b->size = HEAD;
    return true;
}

/* *end: where the file ends, before and after. */
static bool read_head(struct arena *a, struct inbox *b, uint64_t *end, struct err *e)
{
    unsigned char head[HEAD];
    if (*end >= HEAD) {
        if (!read_at(b, 0, head, HEAD, e))
            return false;
        if (memcmp(head, head_mark, sizeof head_mark) == 0 && get(head + 24, 4) == checksum(head, 24)) {
            b->base = (int64_t)get(head + 16, 8);
            b->size = HEAD;
            return true;
        }
        if (!mend(a, b, 0, *end, e))
            return false;
    }
    *end = HEAD;
    return write_head(b, e);
}

static bool read_frames(struct arena *a, struct inbox *b, const struct inbox_conf *c, uint64_t end,
                        struct err *e)
{
    bool good;
    while (b->size < end) {
        struct str body;
        if (!load(b, b->size, end, &good, e))
            return false;
        struct inbox_frame f = {.position = -1};
        if (good)
            f = parse(b, b->size, &body);
        if (!good || f.position <= b->last)
            return mend(a, b, b->size, end, e);
        if (c->each && !c->each(c->arg, &f, body, e))
            return false;
        b->last = f.position;
        b->size += b->frame.len;
    }
    return true;
}

static const char *file_of(struct arena *a, const char *dir, const char *name)
{
    auto_buf b = BUF(4096);
    for (; *name; name++) {
        bool plain = isalnum((unsigned char)*name) || strchr("_-", *name);
        buf_addf(&b, plain ? "%c" : "%%%02x", (unsigned char)*name);
    }
    return arena_fmt(a, "%s/%s.log", dir, b.p);
}

static void inbox_close(void *arg)
{
    struct inbox *b = arg;
    buf_free(&b->frame);
    if (b->fd >= 0)
        close(b->fd); /* and the lock with it */
}

bool inbox_open(struct arena *a, const struct inbox_conf *c, struct inbox **ret, struct err *e)
{
    struct inbox *b = arena_make(a, struct inbox, 1);
    *b = (struct inbox){.path = file_of(a, c->dir, c->name), .stored = c->after, .frame = BUF(BODY_MAX)};
    b->fd = open(b->path, O_RDWR | O_CREAT | O_CLOEXEC, 0666);
    if (b->fd < 0)
        return fs_fail(e, "cannot open", b->path);
    arena_defer(a, inbox_close, b);
    if (flock(b->fd, LOCK_EX | LOCK_NB) != 0)
        return errno == EWOULDBLOCK ? fail(e, ERR_CONFLICT, "'%s' is in use by another run", b->path)
                                    : fs_fail(e, "cannot lock", b->path);
    struct stat st;
    if (fstat(b->fd, &st) != 0)
        return fs_fail(e, "cannot read", b->path);
    uint64_t end = (uint64_t)st.st_size;
    if (!read_head(a, b, &end, e))
        return false;
    b->last = b->base;
    if (!read_frames(a, b, c, end, e))
        return false;
    if (st.st_size == 0 && !fs_sync_dir(c->dir, e))
        return false;
    *ret = b;
    return true;
}

const char *inbox_damage(const struct inbox *b)
{
    return b->damage;
}

bool inbox_lost_stored(const struct inbox *b)
{
    return b->stored > b->last || b->damage;
}

/* ---- use */

bool inbox_append(struct inbox *b, struct inbox_frame *f, struct str body, struct err *e)
{
    unsigned char head[FRAME];
    if (b->broken)
        return fail(e, ERR_IO, "'%s' cannot be appended to after a failed write", b->path);
    if (f->request.n > TEXT_MAX || f->for_value.n > TEXT_MAX || f->each_value.n > TEXT_MAX)
        return fail(e, ERR_LIMIT, "a request of more than %d bytes", TEXT_MAX);

    int64_t position = (b->last > b->stored ? b->last : b->stored) + 1;
    memcpy(head, frame_mark, MARK);
    put(head + 8, (uint64_t)position, 8);
    put(head + 16, (uint64_t)f->arrived_us, 8);
    put(head + 24, (uint64_t)f->status, 4);
    put(head + 28, f->request.n, 4);
    put(head + 32, f->for_value.n, 4);
    put(head + 36, f->each_value.n, 4);
    put(head + 40, body.n, 8);

    b->frame.len = 0;
    buf_add(&b->frame, head, FRAME);
    buf_add(&b->frame, f->request.p, f->request.n);
    buf_add(&b->frame, f->for_value.p, f->for_value.n);
    buf_add(&b->frame, f->each_value.p, f->each_value.n);
    size_t body_in = b->frame.len;
    buf_add(&b->frame, body.p, body.n);
    if (!buf_done(&b->frame, e))
        return wrap(e, "'%s'", b->path);
    unsigned char *p = (unsigned char *)b->frame.p;
    put(p + 4, checksum(p + 8, b->frame.len - 8), 4);

    if (!write_at(b->fd, b->path, b->size, p, b->frame.len, e)) {
        struct err ignored;
        b->broken = !cut(b, b->size, &ignored);
        return false;
    }
    f->position = b->last = position;
    f->body_at = b->size + body_in;
    f->nbody = body.n;
    b->size += b->frame.len;
    return true;
}

bool inbox_sync(struct inbox *b, struct err *e)
{
    return fdatasync(b->fd) == 0 || fs_fail(e, "cannot sync", b->path);
}

bool inbox_read(const struct inbox *b, const struct inbox_frame *f, struct buf *body, struct err *e)
{
    return room(body, f->nbody, e) && read_at(b, f->body_at, body->p, f->nbody, e);
}
