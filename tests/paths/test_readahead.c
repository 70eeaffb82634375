/*
 * Read-ahead: how many pages are resident after a sequence of reads or faults, and with how many device
 * requests. The numbers are those of mm/readahead.c for a window of 32 pages.
 */
#include "rig.h"

#define P PCL_PAGE_SIZE

struct step {
    enum pcl_op op;
    int64_t page, pages;
    uint64_t resident, ios; /* after it */
};

static void follow(enum pcl_fs fs, int64_t file_pages, const struct step *steps, size_t n)
{
    for (size_t upto = 1; upto <= n; upto++) {
        struct rig *r = rig_new(fs, NULL, 1, false);

        (void)pcl_kernel_inode(&r->k, file_pages * P, true);
        for (size_t i = 0; i < upto; i++)
            (void)rig_ask(r, 0, steps[i].op, steps[i].page * P, steps[i].pages * P);
        rig_run(r);
        if (r->k.cache->t->nr_pages != steps[upto - 1].resident || r->m.ios != steps[upto - 1].ios)
            fail_msg("after step %zu: %llu pages, %llu requests", upto,
                     (unsigned long long)r->k.cache->t->nr_pages, (unsigned long long)r->m.ios);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

static void a_sequential_reader_is_read_ahead_of(void **unused)
{
    /* 4 pages with the marker on the second; each marker brings a window twice as large */
    static const struct step from_the_start[] = {
        {PCL_OP_READ, 0, 1, 4, 1},        {PCL_OP_READ, 1, 1, 4 + 8, 2},
        {PCL_OP_READ, 2, 2, 12, 2},       {PCL_OP_READ, 4, 1, 12 + 16, 3},
        {PCL_OP_READ, 5, 7, 28, 3},       {PCL_OP_READ, 12, 1, 28 + 32, 4},
        {PCL_OP_READ, 13, 15, 60, 4},     {PCL_OP_READ, 28, 1, 60 + 32, 5},
        {PCL_OP_READ, 29, 31, 92, 5},     {PCL_OP_READ, 60, 1, 100, 6}, /* the end of file */
        {PCL_OP_READ, 61, 39, 100, 6},
    };
    /* in the middle: two reads in a row are no accident */
    static const struct step from_within[] = {
        {PCL_OP_READ, 50, 1, 1, 1}, /* random */
        {PCL_OP_READ, 51, 1, 1 + 4, 2},
        {PCL_OP_READ, 52, 1, 1 + 4 + 8, 3},
    };

    (void)unused;
    follow(PCL_FS_XFS, 100, from_the_start, LENGTH(from_the_start));
    follow(PCL_FS_EXT4, 100, from_within, LENGTH(from_within));
}

static void a_random_reader_is_not(void **unused)
{
    static const struct step steps[] = {
        {PCL_OP_READ, 50, 1, 1, 1},  {PCL_OP_READ, 70, 2, 3, 2},     {PCL_OP_READ, 10, 4, 7, 3},
        {PCL_OP_READ, 50, 1, 7, 3},  {PCL_OP_READ, 30, 1, 8, 4},
        {PCL_OP_READ, 100, 33, 40, 5}, /* larger than a window: one of 32, whose marker is at 116 */
    };

    (void)unused;
    follow(PCL_FS_XFS, 132, steps, LENGTH(steps));
}

static void a_fault_reads_around(void **unused)
{
    static const struct step steps[] = {
        {PCL_OP_FAULT_READ, 100, 1, 32, 1}, /* 84 .. 115 */
        {PCL_OP_FAULT_READ, 115, 1, 32, 1},
        {PCL_OP_FAULT_READ, 116, 1, 48, 2}, /* 100 .. 131, of which half are there */
        {PCL_OP_FAULT_READ, 3, 1, 80, 3},   /* 0 .. 31 */
        {PCL_OP_FAULT_READ, 199, 1, 97, 4}, /* 183 .. 199, where the file ends */
    };

    (void)unused;
    follow(PCL_FS_XFS, 200, steps, LENGTH(steps));
}

/* After a hundred misses in a row on a file faults read their own page alone. */
static void faults_that_mostly_miss_read_one_page(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, 10000 * P, true);
    for (int i = 0; i < 111; i++)
        (void)rig_ask(r, 0, PCL_OP_FAULT_READ, (16 + 64 * (int64_t)i) * P, 1);
    rig_run(r);
    assert_int_equal(r->k.cache->t->nr_pages, 101 * 32 + 10);
    assert_int_equal(r->k.major_faults, 111);
    rig_free(r);
}

/* A window of a file with holes is zeroes and reads in turn. */
static void holes_are_filled_and_extents_read(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, 64 * P, true);
    (void)rig_ask(r, 0, PCL_OP_PUNCH, 4 * P, 4 * P);
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 2 * P, 1);
    rig_run(r);
    assert_int_equal(r->k.cache->t->nr_pages, 32);
    assert_int_equal(r->m.ios, 2);
    assert_int_equal(r->k.major_faults, 1);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_sequential_reader_is_read_ahead_of),
        cmocka_unit_test(a_random_reader_is_not),
        cmocka_unit_test(a_fault_reads_around),
        cmocka_unit_test(faults_that_mostly_miss_read_one_page),
        cmocka_unit_test(holes_are_filled_and_extents_read),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
