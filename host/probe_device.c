/*
 * What the storage below a file system does: latency of direct reads and writes one at a time,
 * how many reads it serves at once, bandwidth of large requests, and the price of a flush.
 */
#ifndef _GNU_SOURCE
#error "O_DIRECT needs _GNU_SOURCE"
#endif
#include "probe.h"

#include <fcntl.h>
#include <gsl/gsl_statistics_double.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define FILE_BYTES (INT64_C(32) << 20)
#define BIG (1 << 20)
#define MAX_THREADS 16

struct client {
    int fd;
    bool write;
    size_t size;
    uint64_t seed, until; /* ns of the clock */
    uint64_t done;
    bool failed;
};

static off_t place(uint64_t *seed, size_t size)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (off_t)((*seed >> 33) % ((uint64_t)FILE_BYTES / size) * size);
}

static bool request(struct client *c, void *buf)
{
    off_t at = place(&c->seed, c->size);
    ssize_t n = c->write ? pwrite(c->fd, buf, c->size, at) : pread(c->fd, buf, c->size, at);

    return n == (ssize_t)c->size;
}

static void *client(void *arg)
{
    struct client *c = arg;
    void *buf = NULL;

    if (posix_memalign(&buf, HOST_PAGE, c->size) != 0) {
        c->failed = true;
        return NULL;
    }
    memset(buf, 'd', c->size);
    while (host_now() < c->until && !c->failed) {
        c->failed = !request(c, buf);
        c->done++;
    }
    free(buf);
    return NULL;
}

/* Requests a second of n threads over span ns; 0 when one failed. */
static double rate(int fd, unsigned n, size_t size, bool write, uint64_t span)
{
    struct client c[MAX_THREADS];
    pthread_t t[MAX_THREADS];
    uint64_t t0 = host_now(), done = 0;
    unsigned started = 0;
    bool failed = false;

    for (; started < n; started++) {
        c[started] = (struct client){
            .fd = fd, .write = write, .size = size, .seed = started + 1, .until = t0 + span};
        if (pthread_create(&t[started], NULL, client, &c[started]) != 0)
            break;
    }
    for (unsigned i = 0; i < started; i++) {
        (void)pthread_join(t[i], NULL);
        done += c[i].done;
        failed |= c[i].failed;
    }
    return failed || started < n ? 0 : (double)done * 1e9 / (double)(host_now() - t0);
}

/* Mean and coefficient of variation without the slowest hundredth, which is not the device's.
 */
static void one_at_a_time(struct host *h, int fd, bool write)
{
    enum { N = 300 };
    double v[N];
    struct client c = {.fd = fd, .write = write, .size = HOST_PAGE, .seed = 7};
    void *buf = NULL;
    size_t n = 0;

    if (posix_memalign(&buf, HOST_PAGE, HOST_PAGE) != 0)
        return;
    memset(buf, 'd', HOST_PAGE);
    while (n < N) {
        uint64_t t0 = host_now();

        if (!request(&c, buf))
            break;
        v[n++] = (double)(host_now() - t0);
    }
    free(buf);
    if (n < N)
        return;
    host_sort(v, n);
    n -= n / 100;
    host_add(h, write ? HOST_R_direct_write : HOST_R_direct_read, gsl_stats_mean(v, 1, n));
    host_add(h, write ? HOST_R_direct_write_cv : HOST_R_direct_read_cv,
             100 * gsl_stats_sd(v, 1, n) / gsl_stats_mean(v, 1, n));
}

static void depth(struct host *h, int fd)
{
    double one = rate(fd, 1, HOST_PAGE, false, 60000000), best = one;

    for (unsigned n = 2; n <= MAX_THREADS && one > 0; n *= 2)
        best = fmax(best, rate(fd, n, HOST_PAGE, false, 60000000));
    if (one > 0)
        host_add(h, HOST_R_direct_depth, fmin(best / one, MAX_THREADS));
}

static void bandwidth(struct host *h, int fd)
{
    double r = rate(fd, 4, BIG, false, 100000000), w = rate(fd, 4, BIG, true, 100000000);

    if (r > 0)
        host_add(h, HOST_R_read_rate, r * BIG);
    if (w > 0)
        host_add(h, HOST_R_write_rate, w * BIG);
}

static void flushes(struct host *h, int fd)
{
    struct client c = {.fd = fd, .write = true, .size = HOST_PAGE, .seed = 3};
    void *buf = NULL;

    if (posix_memalign(&buf, HOST_PAGE, HOST_PAGE) != 0)
        return;
    memset(buf, 'd', HOST_PAGE);
    for (int i = 0; i < 20; i++) {
        uint64_t t0;

        if (!request(&c, buf))
            break;
        t0 = host_now();
        if (fdatasync(fd) != 0)
            break;
        host_add(h, HOST_R_sync_write, (double)(host_now() - t0));
    }
    free(buf);
}

static bool write_all(int fd)
{
    void *buf = NULL;
    bool well = posix_memalign(&buf, HOST_PAGE, BIG) == 0;

    if (!well)
        return false;
    memset(buf, 'd', BIG);
    for (off_t at = 0; at < FILE_BYTES && well; at += BIG)
        well = pwrite(fd, buf, BIG, at) == BIG;
    free(buf);
    return well && fsync(fd) == 0;
}

void host_probe_device(struct host *h)
{
    int flags = fcntl(h->fd, F_GETFL);

    host_pin(h, 0);
    if (h->fs == PCL_FS_TMPFS || flags < 0 || !write_all(h->fd) ||
        fcntl(h->fd, F_SETFL, flags | O_DIRECT) != 0)
        return;
    one_at_a_time(h, h->fd, false);
    one_at_a_time(h, h->fd, true);
    host_unpin(h);
    depth(h, h->fd);
    bandwidth(h, h->fd);
    flushes(h, h->fd);
    (void)fcntl(h->fd, F_SETFL, flags);
}
