/*
 * What single operations cost on the measured guest, one task alone, against the measurements:
 * the same operations in the same situations, medians on both sides. The model must come within
 * a factor of 2; the table is printed. How the constants were found stands in docs/sources.md.
 */
#include "rig.h"

enum { OPS = 200 };

static int compare_ns(const void *a, const void *b)
{
    pcl_ns x = *(const pcl_ns *)a, y = *(const pcl_ns *)b;

    return (x > y) - (x < y);
}

/* Median time of the requests of task 0 that are op, the first quarter left out. */
static pcl_ns median(const struct rig *r, enum pcl_op op)
{
    pcl_ns t[RIG_REQS];
    size_t n = 0;

    for (uint32_t i = r->n[0] / 4; i < r->n[0]; i++)
        if (r->req[0][i].op == op)
            t[n++] = rig_took(r, 0, i);
    qsort(t, n, sizeof(t[0]), compare_ns);
    return t[n / 2];
}

static unsigned outside;

static void compare(const char *what, pcl_ns model, pcl_ns measured)
{
    bool far = model > 2 * measured || 2 * model < measured;

    print_message("    %-44s %10lld ns %10lld measured  x%.2f%s\n", what, (long long)model,
                  (long long)measured, (double)model / (double)measured, far ? "  <--" : "");
    outside += far;
}

enum what {
    PREAD,
    PREAD_ABSENT,
    PWRITE,
    MINOR,       /* maps 16 pages */
    MINOR_DENSE, /* the neighbours are mapped */
    MINOR_WRITE,
    FAULT_ABSENT,
    DONTNEED
};

/* Hot: one page again and again; absent: a hole, another page each time. */
static pcl_ns single(enum pcl_fs fs, enum what what)
{
    bool absent = what == PREAD_ABSENT || what == FAULT_ABSENT;
    struct rig *r = rig_new(fs, "guest-2vcpu", 1, false);
    uint32_t inode = pcl_kernel_inode(&r->k, 16 << 20, !absent);
    enum pcl_op op = PCL_OP_READ;
    pcl_ns m;

    if (!absent)
        pcl_cache_populate(r->k.cache, inode, 0, 64, 0, what == PWRITE ? PCL_FOLIO_DIRTY : 0);
    for (int i = 0; i < OPS; i++) {
        int64_t off = absent ? (int64_t)i * 20 * PCL_PAGE_SIZE : 0;

        switch (what) {
        case PREAD:
        case PREAD_ABSENT:
            (void)rig_ask(r, 0, op = PCL_OP_READ, off, PCL_PAGE_SIZE);
            break;
        case PWRITE:
            (void)rig_ask(r, 0, op = PCL_OP_WRITE, off, PCL_PAGE_SIZE);
            break;
        case MINOR:
        case MINOR_DENSE:
        case DONTNEED:
            (void)rig_ask(r, 0, PCL_OP_DONTNEED, off, (what == MINOR ? 16 : 1) * PCL_PAGE_SIZE);
            (void)rig_ask(r, 0, PCL_OP_FAULT_READ, off, 1);
            op = what == DONTNEED ? PCL_OP_DONTNEED : PCL_OP_FAULT_READ;
            break;
        case MINOR_WRITE:
            (void)rig_ask(r, 0, PCL_OP_DONTNEED, off, PCL_PAGE_SIZE);
            (void)rig_ask(r, 0, op = PCL_OP_FAULT_WRITE, off, 1);
            break;
        case FAULT_ABSENT:
            (void)rig_ask(r, 0, op = PCL_OP_FAULT_READ, off, 1);
            break;
        }
    }
    rig_run(r);
    m = median(r, op);
    rig_free(r);
    return m;
}

static void single_operations_cost_what_was_measured(void **unused)
{
    static const struct {
        enum pcl_fs fs;
        enum what what;
        const char *name;
        pcl_ns measured;
    } rows[] = {
        {PCL_FS_XFS, PREAD, "xfs pread 4k hot", 811},
        {PCL_FS_XFS, PWRITE, "xfs pwrite 4k hot", 1432},
        {PCL_FS_XFS, MINOR, "xfs minor read fault, 16 pages", 3284},
        {PCL_FS_XFS, MINOR_DENSE, "xfs minor read fault, dense", 2093},
        {PCL_FS_XFS, MINOR_WRITE, "xfs minor write fault", 2274},
        {PCL_FS_XFS, DONTNEED, "xfs madvise dontneed, one page", 1633},
        {PCL_FS_XFS, FAULT_ABSENT, "xfs fault on an absent page of a hole", 4156},
        {PCL_FS_XFS, PREAD_ABSENT, "xfs pread of an absent page of a hole", 4136},
        {PCL_FS_TMPFS, PREAD, "tmpfs pread 4k hot", 731},
        {PCL_FS_TMPFS, PWRITE, "tmpfs pwrite 4k hot", 901},
        {PCL_FS_TMPFS, MINOR, "tmpfs minor read fault, 16 pages", 3595},
        {PCL_FS_TMPFS, MINOR_DENSE, "tmpfs minor read fault, dense", 1943},
        {PCL_FS_TMPFS, MINOR_WRITE, "tmpfs minor write fault", 1473},
        {PCL_FS_TMPFS, DONTNEED, "tmpfs madvise dontneed, one page", 1442},
        {PCL_FS_TMPFS, FAULT_ABSENT, "tmpfs fault on an absent page", 3054},
        {PCL_FS_TMPFS, PREAD_ABSENT, "tmpfs pread of an absent page", 621},
    };

    (void)unused;
    outside = 0;
    for (size_t i = 0; i < LENGTH(rows); i++)
        compare(rows[i].name, single(rows[i].fs, rows[i].what), rows[i].measured);
    assert_int_equal(outside, 0);
}

/* --- punch
 * ------------------------------------------------------------------------------------- */

enum resident {
    NOTHING,
    ZEROES, /* pages of a hole */
    CLEAN,
    DIRTY
};

/* One punch of len bytes from 0 on; n folios are resident, one at each stride. */
static struct rig *punched(enum pcl_fs fs, const char *machine, enum resident what, uint64_t n,
                           int64_t len)
{
    struct rig *r = rig_new(fs, machine, 1, false);
    bool mapped = what == CLEAN || what == DIRTY;
    uint32_t inode = pcl_kernel_inode(&r->k, PCL_OFF_MAX, false);

    if (mapped && fs != PCL_FS_TMPFS) { /* the pages' own blocks */
        rig_ask(r, 0, PCL_OP_ALLOCATE, 0, (int64_t)n * PCL_PAGE_SIZE)->flags = PCL_OPF_KEEPSIZE;
    } else {
        (void)rig_ask(r, 0, PCL_OP_SYSCALL, 0, 0);
    }
    if (n)
        pcl_cache_populate(r->k.cache, inode, 0, n, 0, what == DIRTY ? PCL_FOLIO_DIRTY : 0);
    r->pause = 1000000; /* their struct pages are in the CPU's caches, as they were then */
    (void)rig_ask(r, 0, PCL_OP_READ, 0, (int64_t)n * PCL_PAGE_SIZE);
    (void)rig_ask(r, 0, PCL_OP_PUNCH, 0, len);
    rig_run(r);
    assert_int_equal(r->k.cache->t->nr_pages, 0);
    assert_int_equal(r->wrong, 0);
    return r;
}

static void a_punch_costs_what_was_measured(void **unused)
{
    static const struct {
        enum pcl_fs fs;
        enum resident what;
        uint64_t n;
        int64_t len;
        const char *name;
        pcl_ns measured;
    } rows[] = {
        {PCL_FS_XFS, NOTHING, 0, 4096, "xfs nothing, 4K", 2000},
        {PCL_FS_XFS, NOTHING, 0, INT64_C(1) << 40, "xfs nothing, 1T", 1900},
        {PCL_FS_XFS, NOTHING, 0, PCL_OFF_MAX, "xfs nothing, whole", 2000},
        {PCL_FS_XFS, ZEROES, 1, 4096, "xfs 1 folio of a hole, 4K", 3400},
        {PCL_FS_XFS, ZEROES, 1, PCL_OFF_MAX, "xfs 1 folio of a hole, whole", 3900},
        {PCL_FS_XFS, ZEROES, 256, 1 << 20, "xfs 256 folios of a hole, 1M", 78000},
        {PCL_FS_XFS, ZEROES, 256, PCL_OFF_MAX, "xfs 256 folios of a hole, whole", 98000},
        {PCL_FS_XFS, ZEROES, 16384, 1 << 30, "xfs 16384 folios of a hole, 1G", 6800000},
        {PCL_FS_XFS, CLEAN, 1, 4096, "xfs 1 clean folio, 4K", 18000},
        {PCL_FS_XFS, CLEAN, 1, PCL_OFF_MAX, "xfs 1 clean folio, whole", 19000},
        {PCL_FS_XFS, CLEAN, 256, 1 << 20, "xfs 256 clean folios, 1M", 119000},
        {PCL_FS_XFS, CLEAN, 16384, PCL_OFF_MAX, "xfs 16384 clean folios, whole", 6900000},
        {PCL_FS_XFS, DIRTY, 1, 4096, "xfs 1 dirty folio, 4K (112 or 312 us)", 200000},
        {PCL_FS_XFS, DIRTY, 256, 1 << 20, "xfs 256 dirty folios, 1M", 666000},
        {PCL_FS_XFS, DIRTY, 16384, PCL_OFF_MAX, "xfs 16384 dirty folios, whole", 31500000},
        {PCL_FS_TMPFS, NOTHING, 0, 4096, "tmpfs nothing, 4K", 1000},
        {PCL_FS_TMPFS, NOTHING, 0, PCL_OFF_MAX, "tmpfs nothing, whole", 1000},
        {PCL_FS_TMPFS, CLEAN, 1, 4096, "tmpfs 1 clean folio, 4K", 2800},
        {PCL_FS_TMPFS, CLEAN, 256, 1 << 20, "tmpfs 256 clean folios, 1M", 135000},
        {PCL_FS_TMPFS, CLEAN, 16384, PCL_OFF_MAX, "tmpfs 16384 clean folios, whole", 10100000},
        {PCL_FS_TMPFS, DIRTY, 256, PCL_OFF_MAX, "tmpfs 256 dirty folios, whole", 146000},
        {PCL_FS_TMPFS, DIRTY, 16384, PCL_OFF_MAX, "tmpfs 16384 dirty folios, whole", 9500000},
        {PCL_FS_EXT4, NOTHING, 0, 4096, "ext4 nothing, 4K", 3000},
        {PCL_FS_EXT4, NOTHING, 0, INT64_C(1) << 40, "ext4 nothing, 1T", 2000},
        {PCL_FS_EXT4, CLEAN, 1, 4096, "ext4 1 clean folio, 4K", 19000},
        {PCL_FS_EXT4, CLEAN, 256, 1 << 20, "ext4 256 clean folios, 1M", 160000},
        {PCL_FS_EXT4, CLEAN, 16384, PCL_OFF_MAX, "ext4 16384 clean folios, whole", 12400000},
        {PCL_FS_EXT4, DIRTY, 1, 4096, "ext4 1 dirty folio, 4K", 5400},
        {PCL_FS_EXT4, DIRTY, 256, 1 << 20, "ext4 256 dirty folios, 1M", 208000},
        {PCL_FS_EXT4, DIRTY, 16384, PCL_OFF_MAX, "ext4 16384 dirty folios, whole", 14400000},
    };

    (void)unused;
    outside = 0;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        /* a dirty folio of ext4 has no blocks yet when it is dropped: delayed allocation */
        bool delayed = rows[i].fs == PCL_FS_EXT4 && rows[i].what == DIRTY;
        struct rig *r =
            delayed ? rig_new(rows[i].fs, "guest-2vcpu", 1, false)
                    : punched(rows[i].fs, "guest-2vcpu", rows[i].what, rows[i].n, rows[i].len);

        if (delayed) {
            uint32_t inode = pcl_kernel_inode(&r->k, PCL_OFF_MAX, false);

            pcl_cache_populate(r->k.cache, inode, 0, rows[i].n, 0, PCL_FOLIO_DIRTY);
            (void)rig_ask(r, 0, PCL_OP_SYSCALL, 0, 0);
            (void)rig_ask(r, 0, PCL_OP_READ, 0, (int64_t)rows[i].n * PCL_PAGE_SIZE);
            (void)rig_ask(r, 0, PCL_OP_PUNCH, 0, rows[i].len);
            rig_run(r);
        }
        compare(rows[i].name, rig_took(r, 0, 2), rows[i].measured);
        rig_free(r);
    }
    assert_int_equal(outside, 0);
}

/* The simulator's own work: absent pages cost nothing. */
static void a_giant_punch_takes_the_steps_of_its_pages(void **unused)
{
    enum { PAGES = 1000 };

    (void)unused;
    for (int fs = PCL_FS_XFS; fs <= PCL_FS_PAGE_ONLY; fs++)
        for (int what = ZEROES; what <= DIRTY; what++) {
            struct rig *a = punched((enum pcl_fs)fs, NULL, (enum resident)what, PAGES,
                                    (int64_t)PAGES * PCL_PAGE_SIZE);
            struct rig *b =
                punched((enum pcl_fs)fs, NULL, (enum resident)what, PAGES, PCL_OFF_MAX);
            double x = (double)a->steps[0][2], y = (double)b->steps[0][2];

            if (y > 1.01 * x || x > 1.01 * y || y > 60.0 * PAGES)
                fail_msg("%d, %d: %g steps for the pages, %g for all", fs, what, x, y);
            rig_free(a);
            rig_free(b);
        }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(single_operations_cost_what_was_measured),
        cmocka_unit_test(a_punch_costs_what_was_measured),
        cmocka_unit_test(a_giant_punch_takes_the_steps_of_its_pages),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
