/*
 * What the page cache costs on one file system: reads, writes and faults of cached pages,
 * faults and reads of absent pages in a hole, and punches over pages of each kind. Pages are
 * cached one by one (random access advised), so that folios are of one page, as where no large
 * folio is allowed.
 */
#ifndef _GNU_SOURCE
#error "fallocate needs _GNU_SOURCE"
#endif
#include "probe.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define PAGES 256               /* written and cached, from offset 0 */
#define HOLE (INT64_C(1) << 30) /* offset of a hole */
#define MIB (1 << 20)

static _Alignas(HOST_PAGE) char buf[HOST_PAGE];

/* Reads or writes n bytes at each page of the written part, in an order that no read-ahead
 * follows. */
static void calls(struct host *h, enum host_reading r, size_t n, bool write)
{
    for (int i = 0; i < 3000; i++) {
        off_t at = (off_t)(i * 67 % PAGES) * HOST_PAGE;
        uint64_t t0 = host_now();
        ssize_t got = write ? pwrite(h->fd, buf, n, at) : pread(h->fd, buf, n, at);

        if (got != (ssize_t)n)
            return;
        host_add(h, r, (double)(host_now() - t0));
    }
}

static bool fill(struct host *h, off_t at, int pages)
{
    for (int i = 0; i < pages; i++)
        if (pwrite(h->fd, buf, HOST_PAGE, at + (off_t)i * HOST_PAGE) != HOST_PAGE)
            return false;
    return true;
}

/* --- faults
 * ------------------------------------------------------------------------------------- */

static void touch_all(char *m)
{
    for (int i = 0; i < PAGES; i++)
        (void)*(volatile char *)(m + (size_t)i * HOST_PAGE);
}

/* Drops the mapping of one page, whose neighbours stay, and touches it again. */
static void fault_ones(struct host *h, char *m, enum host_reading r, bool write)
{
    touch_all(m);
    for (int i = 0; i < 3000; i++) {
        volatile char *p = m + (size_t)(i * 67 % PAGES) * HOST_PAGE;
        uint64_t t0, t1, t2;

        t0 = host_now();
        (void)madvise(m + (p - m), HOST_PAGE, MADV_DONTNEED);
        t1 = host_now();
        if (write)
            *p = 1;
        else
            (void)*p;
        t2 = host_now();
        host_add(h, r, (double)(t2 - t1));
        if (!write)
            host_add(h, HOST_R_dontneed, (double)(t1 - t0));
    }
}

static void fault_around(struct host *h, char *m)
{
    for (int i = 0; i < 2000; i++) {
        volatile char *p = m + (size_t)(i * 67 % PAGES) * HOST_PAGE;
        uint64_t t0;

        (void)madvise(m, (size_t)PAGES * HOST_PAGE, MADV_DONTNEED);
        t0 = host_now();
        (void)*p;
        host_add(h, HOST_R_fault_16, (double)(host_now() - t0));
    }
}

static void faults(struct host *h)
{
    size_t size = (size_t)PAGES * HOST_PAGE;
    char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_SHARED, h->fd, 0);

    if (m == MAP_FAILED)
        return;
    (void)madvise(m, size, MADV_RANDOM);
    fault_around(h, m);
    fault_ones(h, m, HOST_R_fault_one, false);
    fault_ones(h, m, HOST_R_fault_write, true);
    (void)munmap(m, size);
}

/* --- absent pages
 * ------------------------------------------------------------------------------- */

static bool punch(struct host *h, off_t at, off_t size)
{
    return fallocate(h->fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE, at, size) == 0;
}

static void absent(struct host *h)
{
    char *m = mmap(NULL, HOST_PAGE, PROT_READ, MAP_SHARED, h->fd, HOLE);

    if (m == MAP_FAILED)
        return;
    (void)madvise(m, HOST_PAGE, MADV_RANDOM);
    for (int i = 0; i < 600 && punch(h, HOLE, HOST_PAGE); i++) {
        uint64_t t0 = host_now();

        (void)*(volatile char *)m;
        host_add(h, HOST_R_fault_hole, (double)(host_now() - t0));
    }
    (void)munmap(m, HOST_PAGE);
    for (int i = 0; i < 600 && punch(h, HOLE, HOST_PAGE); i++) {
        uint64_t t0 = host_now();

        if (pread(h->fd, buf, HOST_PAGE, HOLE) != HOST_PAGE)
            return;
        host_add(h, HOST_R_read_hole, (double)(host_now() - t0));
    }
}

void host_probe_cached(struct host *h)
{
    host_pin(h, 0);
    memset(buf, 'p', sizeof(buf));
    (void)posix_fadvise(h->fd, 0, 0, POSIX_FADV_RANDOM);
    if (!fill(h, 0, PAGES) || fsync(h->fd) != 0)
        return;
    calls(h, HOST_R_pread_1, 1, false);
    calls(h, HOST_R_pread_4k, HOST_PAGE, false);
    calls(h, HOST_R_pwrite_4k, HOST_PAGE, true);
    (void)fsync(h->fd);
    faults(h);
    if (ftruncate(h->fd, HOLE + MIB) == 0)
        absent(h);
}

/* --- punches
 * ------------------------------------------------------------------------------------ */

enum kind { OVER_HOLE, CLEAN, DIRTY };

/* One megabyte in which so many pages are cached. */
static bool prepare(struct host *h, enum kind kind, int pages)
{
    char c;

    if (kind == OVER_HOLE) {
        for (int i = 0; i < pages; i++)
            if (pread(h->fd, &c, 1, HOLE + (off_t)i * HOST_PAGE) != 1)
                return false;
        return true;
    }
    return fill(h, HOLE, pages) && (kind == DIRTY || fsync(h->fd) == 0);
}

static void punches(struct host *h, enum host_reading r, enum kind kind, int pages, int n)
{
    for (int i = 0; i < n && !host_stop(h); i++) {
        uint64_t t0;

        if (!prepare(h, kind, pages))
            return;
        t0 = host_now();
        if (!punch(h, HOLE, MIB))
            return;
        host_add(h, r, (double)(host_now() - t0));
    }
}

void host_probe_punches(struct host *h)
{
    host_pin(h, 0);
    (void)posix_fadvise(h->fd, 0, 0, POSIX_FADV_RANDOM);
    if (ftruncate(h->fd, HOLE + MIB) != 0 || !punch(h, HOLE, MIB))
        return;
    punches(h, HOST_R_punch_none, OVER_HOLE, 0, 200);
    punches(h, HOST_R_punch_hole_1, OVER_HOLE, 1, 100);
    punches(h, HOST_R_punch_hole_256, OVER_HOLE, PAGES, 25);
    punches(h, HOST_R_punch_clean_1, CLEAN, 1, 40);
    punches(h, HOST_R_punch_clean_256, CLEAN, PAGES, 15);
    punches(h, HOST_R_punch_dirty_256, DIRTY, PAGES, 15);
}
