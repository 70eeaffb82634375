/*
 * zstd, where the library was there when this was built: like gzip without trust.
 */
#include "reader.h"

#include <stdlib.h>

static bool is_zstd(const char *data, size_t size)
{
    return size >= 4 && memcmp(data, "\x28\xb5\x2f\xfd", 4) == 0;
}

#ifdef PCLSIM_HAVE_ZSTD
#include <zstd.h>

/* A window larger than this needs more memory than a recording deserves (128 MiB). */
#define WINDOW_LOG 27

struct zstd {
    ZSTD_DStream *z;
    uint64_t out; /* bytes so far */
    size_t left;  /* 0 between frames */
};

static void *zstd_open(struct source *s, struct pcl_err *err)
{
    struct zstd *d = pcl_xcalloc(1, sizeof(*d));

    d->z = ZSTD_createDStream();
    d->left = 1;
    if (d->z) {
        (void)ZSTD_DCtx_setParameter(d->z, ZSTD_d_windowLogMax, WINDOW_LOG);
        return d;
    }
    free(d);
    (void)pcl_fail(err, PCL_EFAIL, "%s: not enough memory to unpack it", s->name);
    return NULL;
}

static size_t zstd_read(struct source *s, void *state, char *out, size_t n)
{
    struct zstd *d = state;
    ZSTD_outBuffer room = {out, n, 0};

    while (room.pos == 0) {
        ZSTD_inBuffer in = {NULL, 0, 0};
        const char *p;
        in.size = source_raw(s, &p);
        in.src = p;
        if (in.size == 0 && d->left == 0)
            break;
        d->left = ZSTD_decompressStream(d->z, &room, &in);
        source_raw_take(s, in.pos);
        if (ZSTD_isError(d->left))
            source_fail(s, "damaged zstd data after %llu unpacked bytes: %s",
                        (unsigned long long)d->out, ZSTD_getErrorName(d->left));
        else if (in.size == 0 && room.pos == 0)
            source_fail(s, "zstd data ends early, after %llu unpacked bytes",
                        (unsigned long long)d->out);
        if (source_failed(s))
            break;
    }
    d->out += room.pos;
    return room.pos;
}

static void zstd_close(void *state)
{
    struct zstd *d = state;

    (void)ZSTD_freeDStream(d->z);
    free(d);
}

const struct unpacker trace_zstd = {
    .name = "zstd", .is = is_zstd, .open = zstd_open, .read = zstd_read, .close = zstd_close};

#else

static void *zstd_open(struct source *s, struct pcl_err *err)
{
    (void)pcl_fail_at(
        err, s->name, 0, 0,
        "packed with zstd, which this build cannot read: unpack it with zstd -d, or "
        "build with libzstd-dev installed");
    return NULL;
}

const struct unpacker trace_zstd = {.name = "zstd", .is = is_zstd, .open = zstd_open};

#endif
