/*
 * gzip, by zlib, without trust: an input that ends early or is damaged is an error of the
 * user's.
 */
#include "reader.h"

#include <stdlib.h>
#include <zlib.h>

#define ANY_HEADER (15 + 16) /* zlib's way to ask for gzip, with the largest window */

struct gzip {
    z_stream z;
    uint64_t out; /* bytes so far */
    bool done;
};

static bool is_gzip(const char *data, size_t size)
{
    return size >= 2 && (unsigned char)data[0] == 0x1f && (unsigned char)data[1] == 0x8b;
}

static void *gzip_open(struct source *s, struct pcl_err *err)
{
    struct gzip *g = pcl_xcalloc(1, sizeof(*g));

    if (inflateInit2(&g->z, ANY_HEADER) == Z_OK)
        return g;
    free(g);
    (void)pcl_fail(err, PCL_EFAIL, "%s: not enough memory to inflate it", s->name);
    return NULL;
}

/* A member ended: another one follows, or the end. What else follows is ignored, as by gzip(1).
 */
static void next_member(struct source *s, struct gzip *g)
{
    const char *p;
    size_t n = source_raw(s, &p);

    g->done = !is_gzip(p, n) || inflateReset2(&g->z, ANY_HEADER) != Z_OK;
}

static size_t gzip_read(struct source *s, void *state, char *out, size_t n)
{
    struct gzip *g = state;
    const char *p;

    n = n < (1u << 30) ? n : 1u << 30; /* zlib counts in unsigned int */
    g->z.next_out = (unsigned char *)out;
    g->z.avail_out = (unsigned)n;
    while (g->z.avail_out == n && !g->done) {
        size_t in = source_raw(s, &p);
        int rc;
        g->z.next_in = (unsigned char *)(uintptr_t)p; /* zlib does not write to it */
        g->z.avail_in = (unsigned)in;
        rc = in > 0 ? inflate(&g->z, Z_NO_FLUSH) : Z_BUF_ERROR;
        source_raw_take(s, in - g->z.avail_in);
        if (rc == Z_STREAM_END) {
            next_member(s, g);
        } else if (rc != Z_OK) {
            source_fail(s,
                        rc == Z_BUF_ERROR ? "gzip data ends early, after %llu inflated bytes"
                        : rc == Z_MEM_ERROR
                            ? "not enough memory to inflate it, after %llu bytes"
                            : "damaged gzip data after %llu inflated bytes",
                        (unsigned long long)(g->out + n - g->z.avail_out));
            break;
        }
    }
    g->out += n - g->z.avail_out;
    return n - g->z.avail_out;
}

static void gzip_close(void *state)
{
    struct gzip *g = state;

    (void)inflateEnd(&g->z);
    free(g);
}

const struct unpacker trace_gzip = {
    .name = "gzip", .is = is_gzip, .open = gzip_open, .read = gzip_read, .close = gzip_close};
