/* A PNG as charts want it: large even areas and text. Rows go unfiltered, which for such pictures makes
 * smaller files than the filters that libpng chooses, in a third of the time. */
#include <cairo.h>
#include <string.h>
#include <zlib.h>

#include "chart/lib_internal.h"

enum {
    LEVEL = 3,
    PIECE = 256 << 10,
    RGB = 2,
    RGBA = 6 /* kinds of colour in PNG's words */,
    RGB_BYTES = 3,
    RGBA_BYTES = 4
};

static void add_word(struct buf *b, uint32_t n)
{
    const unsigned char bytes[] = {(unsigned char)(n >> 24), (unsigned char)(n >> 16),
                                   (unsigned char)(n >> 8), (unsigned char)n};
    buf_add(b, (const char *)bytes, sizeof bytes);
}

static void add_chunk(struct buf *b, const char *kind, const unsigned char *p, size_t n)
{
    uLong crc = crc32(crc32(0, (const Bytef *)kind, 4), n ? p : (const Bytef *)"", (uInt)n);
    add_word(b, (uint32_t)n);
    buf_add(b, kind, 4);
    buf_add(b, (const char *)p, n);
    add_word(b, (uint32_t)crc);
}

static const uint32_t *row_of(cairo_surface_t *s, int y)
{
    return (const void *)(cairo_image_surface_get_data(s) +
                          (size_t)y * (size_t)cairo_image_surface_get_stride(s));
}

static bool is_opaque(cairo_surface_t *s, int width, int height)
{
    for (int y = 0; y < height; y++) {
        const uint32_t *row = row_of(s, y);
        uint32_t all = UINT32_MAX;
        for (int x = 0; x < width; x++)
            all &= row[x];
        if (all >> 24 != 255)
            return false;
    }
    return true;
}

/* cairo has the colours multiplied by their alpha. */
static unsigned char plain(uint32_t pixel, int shift, uint32_t alpha)
{
    uint32_t c = pixel >> shift & 255;
    return (unsigned char)(alpha == 255 || !alpha ? c : (c * 255 + alpha / 2) / alpha);
}

static unsigned char *pack_opaque(const uint32_t *row, int width, unsigned char *p)
{
    for (int x = 0; x < width; x++, p += RGB_BYTES) {
        p[0] = (unsigned char)(row[x] >> 16);
        p[1] = (unsigned char)(row[x] >> 8);
        p[2] = (unsigned char)row[x];
    }
    return p;
}

static unsigned char *pack_clear(const uint32_t *row, int width, unsigned char *p)
{
    for (int x = 0; x < width; x++, p += RGBA_BYTES) {
        uint32_t alpha = row[x] >> 24;
        p[0] = plain(row[x], 16, alpha);
        p[1] = plain(row[x], 8, alpha);
        p[2] = plain(row[x], 0, alpha);
        p[3] = (unsigned char)alpha;
    }
    return p;
}

static size_t pack_row(const uint32_t *row, int width, bool opaque, unsigned char *out)
{
    out[0] = 0; /* no filter */
    return (size_t)((opaque ? pack_opaque : pack_clear)(row, width, out + 1) - out);
}

/* Deflates what z has been given, and writes a chunk whenever `piece` is full, at the end also what is left.
 */
static void squeeze(z_stream *z, unsigned char *piece, bool end, struct buf *out)
{
    int status;
    do {
        status = deflate(z, end ? Z_FINISH : Z_NO_FLUSH);
        if (!z->avail_out || (end && status == Z_STREAM_END)) {
            add_chunk(out, "IDAT", piece, PIECE - z->avail_out);
            z->next_out = piece;
            z->avail_out = PIECE;
        }
    } while (z->avail_in || (end && status == Z_OK));
}

bool png_write(cairo_surface_t *s, struct buf *out, struct err *e)
{
    int width = cairo_image_surface_get_width(s), height = cairo_image_surface_get_height(s);
    cairo_surface_flush(s);
    bool opaque = is_opaque(s, width, height);
    auto_free unsigned char *row = malloc((size_t)width * 4 + 1), *piece = malloc(PIECE);
    z_stream z = {.next_out = piece, .avail_out = PIECE};
    if (!row || !piece || deflateInit(&z, LEVEL) != Z_OK)
        return fail(e, ERR_LIMIT, "no memory for a picture of %d x %d pixels", width, height);

    const unsigned char head[] = {(unsigned char)(width >> 24),
                                  (unsigned char)(width >> 16),
                                  (unsigned char)(width >> 8),
                                  (unsigned char)width,
                                  (unsigned char)(height >> 24),
                                  (unsigned char)(height >> 16),
                                  (unsigned char)(height >> 8),
                                  (unsigned char)height,
                                  8,
                                  opaque ? RGB : RGBA,
                                  0,
                                  0,
                                  0};
    buf_add(out, "\x89PNG\r\n\x1a\n", 8);
    add_chunk(out, "IHDR", head, sizeof head);
    for (int y = 0; y < height; y++) {
        z.avail_in = (uInt)pack_row(row_of(s, y), width, opaque, row);
        z.next_in = row;
        squeeze(&z, piece, false, out);
    }
    squeeze(&z, piece, true, out);
    deflateEnd(&z);
    add_chunk(out, "IEND", NULL, 0);
    return buf_done(out, e);
}
