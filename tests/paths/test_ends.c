/*
 * The ends of files, ranges and memory: reads at and behind EOF, zero lengths, offsets next to
 * 2^63, appends, truncation both ways, pages that somebody else reads in, faults that start
 * over, write-back marks, the memory limit, dirty throttling. Nothing is left behind by any of
 * them.
 */
#include "rig.h"

#define MAX PCL_OFF_MAX

static const enum pcl_fs all[] = {PCL_FS_XFS, PCL_FS_EXT4, PCL_FS_TMPFS, PCL_FS_PAGE_ONLY};

static void reads_end_at_the_end_of_file(void **unused)
{
    static const struct {
        int64_t off, len;
        uint64_t pages;
    } rows[] = {{0, 4096, 3},          {0, 0, 0},   {10000, 1, 0},    {9999, 1, 1},
                {9000, 4096, 1},       {0, MAX, 3}, {12288, 4096, 0}, {MAX - 1, 1, 0},
                {MAX - 4096, 4096, 0}, {8191, 2, 2}};
    static const enum pcl_op ops[] = {PCL_OP_READ, PCL_OP_DREAD};

    (void)unused;
    for (size_t f = 0; f < LENGTH(all); f++)
        for (size_t o = 0; o < LENGTH(ops); o++)
            for (size_t i = 0; i < LENGTH(rows); i++) {
                struct rig *r = rig_new(all[f], NULL, 1, false);

                (void)pcl_kernel_inode(&r->k, 10000, true);
                (void)rig_ask(r, 0, ops[o], rows[i].off, rows[i].len);
                rig_run(r);
                assert_int_equal(r->wrong, 0);
                if (o == 0 && all[f] != PCL_FS_TMPFS)
                    assert_int_equal(r->k.cache->t->nr_pages, rows[i].pages);
                if (rows[i].pages == 0)
                    assert_int_equal(r->m.ios, 0);
                assert_int_equal(pcl_inode_size(r->k.cache, 0), 10000);
                rig_free(r);
            }
}

/* Operations at the far end leave the size and the pages that they should. */
static void the_last_page_is_a_page_like_others(void **unused)
{
    static const struct {
        enum pcl_op op;
        int64_t off, len, size; /* size after it; the file begins with 1 page */
        uint64_t pages;         /* resident; 1 is at the start */
    } rows[] = {
        {PCL_OP_WRITE, MAX - 1, 1, MAX, 2},
        {PCL_OP_WRITE, MAX - 4096, 4096, MAX, 3}, /* bytes 2^63 - 4097 .. 2^63 - 2: two pages */
        {PCL_OP_WRITE, MAX - 4095, 4095, MAX, 2},
        {PCL_OP_TRUNCATE, MAX, 0, MAX, 1},
        {PCL_OP_TRUNCATE, MAX - 1, 0, MAX - 1, 1},
        {PCL_OP_PUNCH, 4096, MAX - 4096, 4096, 1},
        {PCL_OP_PUNCH, MAX - 1, 1, 4096, 1},
        {PCL_OP_PUNCH, 0, MAX, 4096, 0},
        {PCL_OP_PUNCH, 0, 10, 4096, 1},
        {PCL_OP_PUNCH, 100, 10, 4096, 1},
        {PCL_OP_ALLOCATE, MAX - 4095, 4095, MAX, 1},
        {PCL_OP_ALLOCATE, 0, MAX, MAX, 1},
        {PCL_OP_FSYNC, 0, MAX, 4096, 1},
        {PCL_OP_FAULT_READ, MAX - 1, 1, 4096, 1},
        {PCL_OP_DONTNEED, 0, MAX, 4096, 1},
        {PCL_OP_DREAD, 0, MAX, 4096, 1},
        {PCL_OP_WRITE, 0, 0, 4096, 1},
        {PCL_OP_WRITE, 8192, 0, 4096, 1},
        {PCL_OP_DWRITE, 8192, 0, 4096, 1},
    };

    (void)unused;
    for (size_t f = 0; f < LENGTH(all); f++)
        for (size_t i = 0; i < LENGTH(rows); i++) {
            struct rig *r = rig_new(all[f], NULL, 1, false);
            uint64_t pages = rows[i].pages;

            (void)pcl_kernel_inode(&r->k, 4096, true);
            pcl_cache_populate(r->k.cache, 0, 0, 1, 0, 0);
            (void)rig_ask(r, 0, rows[i].op, rows[i].off, rows[i].len);
            rig_run(r);
            assert_int_equal(r->wrong, 0);
            /* XFS drops the pages of the edges too, after writing them */
            if (rows[i].op == PCL_OP_PUNCH && all[f] == PCL_FS_XFS && rows[i].len == 10)
                pages = 0;
            if (pcl_inode_size(r->k.cache, 0) != rows[i].size ||
                r->k.cache->t->nr_pages != pages)
                fail_msg("%s %s %lld + %lld: size %lld, %llu pages", pcl_fs_name(all[f]),
                         pcl_op_name(rows[i].op), (long long)rows[i].off,
                         (long long)rows[i].len, (long long)pcl_inode_size(r->k.cache, 0),
                         (unsigned long long)r->k.cache->t->nr_pages);
            rig_free(r);
        }
}

static void appends_go_to_the_end_one_after_the_other(void **unused)
{
    static const struct pcl_scheme locks[] = {
        {.role[PCL_ROLE_IOLOCK] = {.lock = "rwsem"}},
        {.role[PCL_ROLE_IOLOCK] = {.lock = "interval-tree"}}};

    (void)unused;
    for (size_t l = 0; l < LENGTH(locks); l++) {
        struct rig *r = rig_new_with(PCL_FS_XFS, "guest-2vcpu", 3, false, &locks[l]);

        (void)pcl_kernel_inode(&r->k, 1000, true);
        for (uint32_t t = 0; t < 3; t++)
            for (int i = 0; i < 20; i++)
                rig_ask(r, t, PCL_OP_WRITE, 1000, 5000)->flags = PCL_OPF_APPEND;
        rig_run(r);
        assert_int_equal(pcl_inode_size(r->k.cache, 0), 1000 + 3 * 20 * 5000);
        assert_int_equal(r->wrong, 0);
        rig_free(r);
    }
}

static void truncation_drops_what_is_behind_and_gives_zeroes_back(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < LENGTH(all); f++) {
        struct rig *r = rig_new(all[f], NULL, 1, false);

        (void)pcl_kernel_inode(&r->k, 64 << 10, true);
        pcl_cache_populate(r->k.cache, 0, 0, 16, 0, PCL_FOLIO_DIRTY);
        (void)rig_ask(r, 0, PCL_OP_TRUNCATE, 10000, 0); /* page 2 stays, in part */
        (void)rig_ask(r, 0, PCL_OP_TRUNCATE, 64 << 10, 0);
        (void)rig_ask(r, 0, PCL_OP_READ, 12288, 4096);
        (void)rig_ask(r, 0, PCL_OP_TRUNCATE, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_TRUNCATE, 8192, 0);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 8192);
        rig_run(r);
        assert_int_equal(pcl_inode_size(r->k.cache, 0), 8192);
        assert_int_equal(r->wrong, 0);
        if (all[f] != PCL_FS_TMPFS)
            assert_int_equal(r->k.cache->t->nr_pages, 2);
        assert_int_equal(r->k.cache->t->nr_dirty, 0);
        rig_free(r);
    }
}

static void a_page_under_read_is_waited_for_once(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < 2; f++) {
        struct rig *r = rig_new(all[f], NULL, 2, false);

        r->p.dev_read = 80000;
        (void)pcl_kernel_inode(&r->k, 4096, true);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 4096);
        (void)rig_ask(r, 1, PCL_OP_READ, 0, 4096);
        r->start[1] = 1000;
        rig_run(r);
        assert_int_equal(r->end[0][0], 80000);
        assert_int_equal(r->end[1][0], 80000);
        assert_int_equal(r->m.ios, 1);
        assert_int_equal(r->k.page.stats.mode[PCL_SHARED].contentions, 2);
        assert_int_equal(r->k.page.stats.mode[PCL_EXCLUSIVE].contentions, 0);
        rig_free(r);
    }
}

static void a_fault_that_sleeps_gives_mmap_lock_back_once(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 2, false);

    (void)unused;
    r->p.dev_read = 80000;
    (void)pcl_kernel_inode(&r->k, 4096, true);
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 0, 1);
    (void)rig_ask(r, 1, PCL_OP_FAULT_READ, 0, 1);
    r->start[1] = 1000;
    rig_run(r);
    assert_int_equal(r->end[0][0], 80000);
    assert_int_equal(r->end[1][0], 80000);
    assert_string_equal(r->trail, "+mm:S -mm +inv:S +il:S -il -inv +mm:S +p -p -mm ");
    assert_int_equal(r->k.major_faults, 1);
    assert_int_equal(r->k.cache->t->nr_mapped, 1);
    rig_free(r);
}

static void a_fault_on_a_locked_page_waits_without_mmap_lock(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 2, false);

    (void)unused;
    (void)pcl_kernel_inode(&r->k, 4096, true);
    pcl_cache_populate(r->k.cache, 0, 0, 1, 0, 0);
    rig_ask(r, 1, PCL_OP_PAGE_LOCK, 0, 1)->hold = 5000;
    (void)rig_ask(r, 0, PCL_OP_FAULT_READ, 0, 1);
    r->start[0] = 1000;
    rig_run(r);
    assert_int_equal(r->end[0][0], 5000);
    assert_string_equal(r->trail, "+mm:S -mm +p -p +mm:S +p -p -mm ");
    rig_free(r);
}

static void writes_dirty_and_fsync_cleans(void **unused)
{
    (void)unused;
    for (size_t f = 0; f < LENGTH(all); f++) {
        struct rig *r = rig_new(all[f], NULL, 1, false);
        bool tmpfs = all[f] == PCL_FS_TMPFS;

        (void)pcl_kernel_inode(&r->k, 0, true);
        (void)rig_ask(r, 0, PCL_OP_WRITE, 100, 3 << 20);
        (void)rig_ask(r, 0, PCL_OP_FAULT_WRITE, 0, 1);
        (void)rig_ask(r, 0, PCL_OP_FSYNC, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_FSYNC, 0, 0);
        (void)rig_ask(r, 0, PCL_OP_READ, 0, 3 << 20);
        rig_run(r);
        assert_int_equal(r->k.cache->t->nr_dirty, tmpfs ? 769 : 0);
        assert_int_equal(r->k.cache->t->nr_writeback, 0);
        /* 769 pages in transfers of 256, and one flush: the second fsync finds nothing */
        assert_int_equal(r->m.ios, tmpfs ? 0 : 4 + 1);
        assert_int_equal(r->wrong, 0);
        bool writable = false;

        assert_true(pcl_map_get(r->k.cache, 0, 0, 0, &writable) != PCL_NONE);
        assert_int_equal(writable, tmpfs); /* write-back has taken the right to write away */
        rig_free(r);
    }
}

static void the_memory_limit_evicts_the_oldest_clean_pages(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, NULL, 1, false);

    (void)unused;
    r->k.cache->conf.memory_limit = 64 * PCL_PAGE_SIZE;
    r->k.cache->conf.fold = false;
    (void)pcl_kernel_inode(&r->k, 4 << 20, true);
    for (int i = 0; i < 200; i++)
        (void)rig_ask(r, 0, PCL_OP_READ, (int64_t)i * PCL_PAGE_SIZE, PCL_PAGE_SIZE);
    rig_run(r);
    /* and two windows of read-ahead, whose pages cannot go while they are read */
    assert_in_range(r->k.cache->t->nr_pages, 1, 64 + 2 * 32);
    assert_true(r->k.reclaimed >= 200 - 64 - 2 * 32);
    assert_true(pcl_cache_find(r->k.cache, 0, 199, NULL) != PCL_NONE);
    assert_true(pcl_cache_find(r->k.cache, 0, 0, NULL) == PCL_NONE);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
}

static void writers_above_the_dirty_limit_wait_for_the_flusher(void **unused)
{
    struct rig *r = rig_new(PCL_FS_XFS, "guest-2vcpu", 1, true);
    uint64_t most = 0;

    (void)unused;
    r->k.dirty_background = 50;
    r->k.dirty_limit = 100;
    (void)pcl_kernel_inode(&r->k, 4 << 20, true);
    for (int i = 0; i < 500; i++)
        (void)rig_ask(r, 0, PCL_OP_WRITE, (int64_t)i * PCL_PAGE_SIZE, PCL_PAGE_SIZE);
    r->p.dev_write_bw = 1 << 20; /* 4 ms a page: the device sets the pace */
    pcl_task_start(&r->m, 0, 0);
    r->m.task[0].mm = 0;
    pcl_task_start(&r->m, 1, r->p.writeback_interval);
    for (pcl_ns t = 1000000; !r->m.stop; t += 1000000) {
        uint64_t dirty;

        assert_int_equal(pcl_machine_run(&r->m, t, NULL), PCL_OK);
        dirty = r->k.cache->t->nr_dirty + r->k.cache->t->nr_writeback;
        most = dirty > most ? dirty : most;
    }
    assert_true(r->k.throttled > 10);
    assert_true(most >= 95 && most <= 102);
    assert_true(r->end[0][499] > 300 * (pcl_ns)4000000);
    r->m.stop = false;
    assert_int_equal(pcl_machine_run(&r->m, r->m.eng.now + 60000000000, NULL), PCL_OK);
    assert_int_equal(r->k.cache->t->nr_dirty + r->k.cache->t->nr_writeback, 0); /* in the end */
    rig_free(r);
}

/* There is no device behind it, and no flusher's pass would make its pages clean. */
static void writers_of_tmpfs_wait_for_nobody(void **unused)
{
    struct rig *r = rig_new(PCL_FS_TMPFS, "guest-2vcpu", 1, true);

    (void)unused;
    r->k.dirty_background = 50;
    r->k.dirty_limit = 100;
    (void)pcl_kernel_inode(&r->k, 4 << 20, true);
    for (int i = 0; i < 500; i++)
        (void)rig_ask(r, 0, PCL_OP_WRITE, (int64_t)i * PCL_PAGE_SIZE, PCL_PAGE_SIZE);
    pcl_task_start(&r->m, 0, 0);
    r->m.task[0].mm = 0;
    pcl_task_start(&r->m, 1, r->p.writeback_interval);
    assert_int_equal(pcl_machine_run(&r->m, 100000000, NULL), PCL_OK);
    assert_true(r->m.stop);
    assert_int_equal(r->k.throttled, 0);
    assert_int_equal(r->k.cache->t->nr_dirty, 500);
    rig_free(r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reads_end_at_the_end_of_file),
        cmocka_unit_test(the_last_page_is_a_page_like_others),
        cmocka_unit_test(appends_go_to_the_end_one_after_the_other),
        cmocka_unit_test(truncation_drops_what_is_behind_and_gives_zeroes_back),
        cmocka_unit_test(a_page_under_read_is_waited_for_once),
        cmocka_unit_test(a_fault_that_sleeps_gives_mmap_lock_back_once),
        cmocka_unit_test(a_fault_on_a_locked_page_waits_without_mmap_lock),
        cmocka_unit_test(writes_dirty_and_fsync_cleans),
        cmocka_unit_test(the_memory_limit_evicts_the_oldest_clean_pages),
        cmocka_unit_test(writers_above_the_dirty_limit_wait_for_the_flusher),
        cmocka_unit_test(writers_of_tmpfs_wait_for_nobody),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
