#include "page/pack.h"

#include <zlib.h>

void pack_base64(struct buf *out, const char *p, size_t n)
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    const unsigned char *u = (const unsigned char *)p;
    for (size_t i = 0; i < n; i += 3) {
        uint32_t bits = (uint32_t)u[i] << 16;
        bits |= i + 1 < n ? (uint32_t)u[i + 1] << 8 : 0;
        bits |= i + 2 < n ? u[i + 2] : 0;
        const char four[] = {digits[bits >> 18], digits[bits >> 12 & 63],
                             (char)(i + 1 < n ? digits[bits >> 6 & 63] : '='),
                             (char)(i + 2 < n ? digits[bits & 63] : '=')};
        buf_add(out, four, sizeof four);
    }
}

/* The whole at once: texts have megabytes, not gigabytes. */
static bool compress_text(struct buf *out, const char *text, size_t n, struct err *e)
{
    enum { GZIP = 15 + 16, PIECE = 64 << 10 };
    unsigned char piece[PIECE];
    z_stream z = {.next_in = (unsigned char *)(uintptr_t)text, .avail_in = (unsigned)n};
    int status = Z_OK;
    if (n > UINT32_MAX ||
        deflateInit2(&z, Z_DEFAULT_COMPRESSION, Z_DEFLATED, GZIP, 9, Z_DEFAULT_STRATEGY) != Z_OK)
        return fail(e, ERR_LIMIT, "%zu bytes cannot be compressed", n);
    while (status == Z_OK) {
        z.next_out = piece;
        z.avail_out = PIECE;
        status = deflate(&z, Z_FINISH);
        buf_add(out, piece, PIECE - z.avail_out);
    }
    deflateEnd(&z);
    return status == Z_STREAM_END ? buf_done(out, e)
                                  : fail(e, ERR_IO, "compression failed: %s", zError(status));
}

bool pack_script(struct buf *out, const char *id, const char *text, size_t n, struct err *e)
{
    auto_buf packed = BUF(256 << 20);
    if (!compress_text(&packed, text, n, e))
        return false;
    buf_addf(out, "<script type=\"application/gzip\" id=\"%s\">", id);
    pack_base64(out, packed.p, packed.len);
    buf_addf(out, "</script>\n");
    return true;
}
