/*
 * gzip, by zlib, without trust: the output is bounded, an input that ends early or is damaged
 * is an error of the user's, and so is one that needs more memory than there is.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#define ANY_HEADER (15 + 16) /* zlib's way to ask for gzip, with the largest window */
#define CHUNK (1u << 30)     /* zlib counts in unsigned int */

bool trace_is_gzip(const char *data, size_t size)
{
    return size >= 2 && (unsigned char)data[0] == 0x1f && (unsigned char)data[1] == 0x8b;
}

/* zlib does not write to its input; its interface just says so nowhere. */
static unsigned char *input(const char *data)
{
    return (unsigned char *)(uintptr_t)data;
}

static bool grow(char **buf, size_t *cap, size_t max)
{
    size_t want =
        *cap >= max / 2 ? max + 1 : *cap * 2; /* one more, to see that it is too much */
    char *p = want > *cap ? realloc(*buf, want) : NULL;

    if (!p)
        return false;
    *buf = p;
    *cap = want;
    return true;
}

/* Runs the stream over the data until its end, as many members as there are. */
static int run(z_stream *z, const char *data, size_t size, size_t max, char **buf, size_t *cap,
               size_t *n)
{
    size_t used = 0;
    int rc = Z_OK;

    for (;;) {
        size_t in = size - used < CHUNK ? size - used : CHUNK, room;
        if (*n == *cap && (*n > max || !grow(buf, cap, max)))
            return *n > max ? Z_BUF_ERROR : Z_MEM_ERROR;
        room = *cap - *n < CHUNK ? *cap - *n : CHUNK;
        z->next_in = input(data + used);
        z->avail_in = (unsigned)in;
        z->next_out = (unsigned char *)*buf + *n;
        z->avail_out = (unsigned)room;
        rc = inflate(z, Z_NO_FLUSH);
        used += in - z->avail_in;
        *n += room - z->avail_out;
        if (*n > max)
            return Z_BUF_ERROR;
        if (rc == Z_STREAM_END) {
            if (!trace_is_gzip(data + used, size - used))
                return Z_OK; /* gzip(1) too ignores what follows */
            if (inflateReset2(z, ANY_HEADER) != Z_OK)
                return Z_MEM_ERROR;
        } else if (rc != Z_OK && !(rc == Z_BUF_ERROR && z->avail_out == 0)) {
            return rc == Z_BUF_ERROR ? Z_STREAM_END : rc;
        } else if (used == size && z->avail_out > 0) {
            return Z_STREAM_END; /* wants more */
        }
    }
}

int trace_inflate(const char *name, const char *data, size_t size, size_t max, char **out,
                  size_t *out_size, struct pcl_err *err)
{
    z_stream z = {.next_in = NULL};
    size_t cap = size < max / 8 ? size * 8 + 4096 : max + 1, n = 0;
    char *buf = malloc(cap);
    int rc = Z_MEM_ERROR;

    if (buf && inflateInit2(&z, ANY_HEADER) == Z_OK) {
        rc = run(&z, data, size, max, &buf, &cap, &n);
        (void)inflateEnd(&z);
    }
    if (rc == Z_OK) {
        *out = buf;
        *out_size = n;
        return PCL_OK;
    }
    free(buf);
    if (rc == Z_MEM_ERROR)
        return pcl_fail(err, PCL_EFAIL, "%s: not enough memory to inflate it", name);
    if (rc == Z_BUF_ERROR)
        return pcl_fail_at(err, name, 0, 0, "larger than %zu bytes when inflated", max);
    if (rc == Z_STREAM_END)
        return pcl_fail_at(err, name, 0, 0, "gzip data ends early, after %zu inflated bytes",
                           n);
    return pcl_fail_at(err, name, 0, 0, "damaged gzip data after %zu inflated bytes", n);
}

size_t trace_inflate_head(const char *data, size_t size, char *out, size_t n)
{
    z_stream z = {.next_in = NULL};

    if (inflateInit2(&z, ANY_HEADER) != Z_OK)
        return 0;
    z.next_in = input(data);
    z.avail_in = (unsigned)(size < CHUNK ? size : CHUNK);
    z.next_out = (unsigned char *)out;
    z.avail_out = (unsigned)n;
    (void)inflate(&z, Z_SYNC_FLUSH);
    (void)inflateEnd(&z);
    return n - z.avail_out;
}
