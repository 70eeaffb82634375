/*
 * zstd, where the library was there when this was built: like gzip without trust, with the same
 * bound on the output.
 */
#include "reader.h"

#include <stdlib.h>
#include <string.h>

bool trace_is_zstd(const char *data, size_t size)
{
    return size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0;
}

#ifdef PCLSIM_HAVE_ZSTD
#include <zstd.h>

/* A window larger than this needs more memory than a recording deserves (128 MiB). */
#define WINDOW_LOG 27

static ZSTD_DStream *stream(void)
{
    ZSTD_DStream *z = ZSTD_createDStream();

    if (z)
        (void)ZSTD_DCtx_setParameter(z, ZSTD_d_windowLogMax, WINDOW_LOG);
    return z;
}

int trace_unzstd(const char *name, const char *data, size_t size, size_t max, char **out,
                 size_t *out_size, struct pcl_err *err)
{
    ZSTD_DStream *z = stream();
    ZSTD_inBuffer in = {data, size, 0};
    size_t cap = size < max / 8 ? size * 8 + 4096 : max + 1, n = 0, left = 1;
    char *buf = z ? malloc(cap) : NULL;
    int rc = PCL_OK;

    while (buf && rc == PCL_OK && (in.pos < in.size || left != 0)) {
        ZSTD_outBuffer room = {buf + n, cap - n, 0};
        size_t was = in.pos;
        left = ZSTD_decompressStream(z, &room, &in);
        n += room.pos;
        if (ZSTD_isError(left)) {
            rc = pcl_fail_at(err, name, 0, 0, "damaged zstd data after %zu unpacked bytes: %s",
                             n, ZSTD_getErrorName(left));
        } else if (n > max) {
            rc = pcl_fail_at(err, name, 0, 0, "larger than %zu bytes when unpacked", max);
        } else if (n == cap) {
            size_t want = cap >= max / 2 ? max + 1 : cap * 2;
            char *more = realloc(buf, want);
            if (!more)
                break;
            buf = more;
            cap = want;
        } else if (in.pos == was && room.pos == 0) {
            rc = pcl_fail_at(err, name, 0, 0, "zstd data ends early, after %zu unpacked bytes",
                             n);
        }
    }
    if (rc == PCL_OK && (!buf || in.pos < in.size || left != 0))
        rc = pcl_fail(err, PCL_EFAIL, "%s: not enough memory to unpack it", name);
    (void)ZSTD_freeDStream(z);
    if (rc != PCL_OK) {
        free(buf);
        return rc;
    }
    *out = buf;
    *out_size = n;
    return PCL_OK;
}

size_t trace_unzstd_head(const char *data, size_t size, char *out, size_t n)
{
    ZSTD_DStream *z = stream();
    ZSTD_inBuffer in = {data, size, 0};
    ZSTD_outBuffer room = {out, n, 0};

    while (z && room.pos < room.size && in.pos < in.size) {
        size_t rc = ZSTD_decompressStream(z, &room, &in);
        if (ZSTD_isError(rc))
            break;
    }
    (void)ZSTD_freeDStream(z);
    return room.pos;
}

#else

int trace_unzstd(const char *name, const char *data, size_t size, size_t max, char **out,
                 size_t *out_size, struct pcl_err *err)
{
    (void)data;
    (void)size;
    (void)max;
    (void)out;
    (void)out_size;
    return pcl_fail_at(err, name, 0, 0,
                       "packed with zstd, which this build cannot read: unpack it with zstd -d, or "
                       "build with libzstd-dev installed");
}

/* What cannot be looked into is taken for a trace: its reader says why it is none. */
size_t trace_unzstd_head(const char *data, size_t size, char *out, size_t n)
{
    static const char stand_in[] = "fio version 3 iolog\n";

    (void)data;
    (void)size;
    if (n < sizeof(stand_in))
        return 0;
    memcpy(out, stand_in, sizeof(stand_in) - 1);
    return sizeof(stand_in) - 1;
}

#endif
