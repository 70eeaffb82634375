/*
 * Direct I/O and the file's lock: who waits for a transfer that holds no lock, what a range lock
 * makes of that, and what buffered and direct I/O share.
 */
#include "rig.h"

static struct pcl_scheme with_iolock(const char *lock)
{
    struct pcl_scheme s = {.title = ""};

    (void)snprintf(s.role[PCL_ROLE_IOLOCK].lock, sizeof(s.role[0].lock), "%s", lock);
    return s;
}

/* Task 0 makes a request at 10 us, task 1 another 20 us later; the first one takes the device. How
 * much later the second one ends, negative: earlier. */
static pcl_ns second_behind_first(enum pcl_fs fs, const struct pcl_scheme *s, enum pcl_op first,
                                  enum pcl_op second, int64_t off, struct pcl_lock_stats *drain)
{
    struct rig *r = rig_new_with(fs, "guest-2vcpu", 2, false, s);
    pcl_ns behind;

    (void)pcl_kernel_inode(&r->k, 1 << 20, true);
    r->start[0] = 10000;
    r->start[1] = 30000;
    (void)rig_ask(r, 0, first, first == PCL_OP_WRITE ? 100 : 0, first == PCL_OP_WRITE ? 10 : 4096);
    (void)rig_ask(r, 1, second, off, second == PCL_OP_WRITE ? 10 : 4096);
    rig_run(r);
    assert_true(r->end[0][0] - r->begin[0][0] > 50000); /* the device's time */
    behind = r->end[1][0] - r->end[0][0];
    if (drain)
        *drain = r->k.drain_stats;
    assert_int_equal(r->wrong, 0);
    rig_free(r);
    return behind;
}

static void a_punch_waits_for_transfers_that_hold_no_lock(void **unused)
{
    struct pcl_scheme s = with_iolock("rwsem");
    struct pcl_lock_stats drain;

    (void)unused;
    assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DREAD, PCL_OP_PUNCH,
                                    512 << 10, &drain) > 0);
    assert_int_equal(drain.mode[PCL_EXCLUSIVE].contentions, 1);
    assert_true(drain.mode[PCL_EXCLUSIVE].longest_wait > 20000);

    s.option[PCL_OPTION_DIO_DRAIN] = 1 + PCL_DIO_DRAIN_NO;
    assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DREAD, PCL_OP_PUNCH,
                                    512 << 10, NULL) < 0);
}

static void a_range_lock_replaces_the_wait(void **unused)
{
    static const char *const locks[] = {"interval-tree", "fifo-list"};

    (void)unused;
    for (size_t i = 0; i < LENGTH(locks); i++) {
        struct pcl_scheme s = with_iolock(locks[i]);

        assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DREAD,
                                        PCL_OP_PUNCH, 512 << 10, NULL) < 0);
        assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DREAD,
                                        PCL_OP_PUNCH, 0, NULL) > 0);
        s.option[PCL_OPTION_DIO_DRAIN] = 1 + PCL_DIO_DRAIN_YES;
        assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DREAD,
                                        PCL_OP_PUNCH, 512 << 10, NULL) > 0);
    }
}

/* S14's three: a write behind a read that the device is at. */
static void a_short_exclusive_hold_waits_for_a_long_shared_one(void **unused)
{
    struct pcl_scheme s = with_iolock("rwsem");
    static const struct {
        enum pcl_fs fs;
        bool waits;
    } rows[] = {{PCL_FS_XFS, false}, {PCL_FS_EXT4_HALF_SHARED, true}, {PCL_FS_EXT4_EXCLUSIVE_DIO, false}};
    pcl_ns free_run = second_behind_first(PCL_FS_XFS, &s, PCL_OP_DREAD, PCL_OP_DWRITE, 512 << 10,
                                          NULL);

    (void)unused;
    for (size_t i = 0; i < LENGTH(rows); i++) {
        pcl_ns behind = second_behind_first(rows[i].fs, &s, PCL_OP_DREAD, PCL_OP_DWRITE,
                                            512 << 10, NULL);

        assert_int_equal(behind > free_run + 15000, rows[i].waits);
    }
}

/* A buffered write that reads its page from the device first, then another of either kind. */
static void two_state_lets_buffered_writes_share_and_keeps_direct_io_out(void **unused)
{
    struct pcl_scheme two = with_iolock("two-state"), one = with_iolock("rwsem");
    pcl_ns beside = second_behind_first(PCL_FS_XFS, &two, PCL_OP_WRITE, PCL_OP_WRITE, 512 << 10,
                                        NULL),
           behind = second_behind_first(PCL_FS_XFS, &one, PCL_OP_WRITE, PCL_OP_WRITE, 512 << 10,
                                        NULL),
           direct = second_behind_first(PCL_FS_XFS, &two, PCL_OP_WRITE, PCL_OP_DREAD, 512 << 10,
                                        NULL),
           extends = second_behind_first(PCL_FS_XFS, &two, PCL_OP_WRITE, PCL_OP_WRITE,
                                         (1 << 20) + 4096, NULL);

    (void)unused;
    assert_true(behind > beside + 15000);
    assert_true(direct > beside + 15000);
    assert_true(extends > 0);
}

/* Parts of blocks on the ext4 of 2019: two of them may zero the rest of one block. */
static void a_write_of_parts_of_blocks_is_alone(void **unused)
{
    struct pcl_scheme s = with_iolock("rwsem");
    struct pcl_lock_stats drain;
    const int64_t off = (512 << 10) + 512;

    (void)unused;
    assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DWRITE, PCL_OP_DWRITE,
                                    off, &drain) > 50000);
    assert_int_equal(drain.mode[PCL_EXCLUSIVE].contentions, 1);
    s.option[PCL_OPTION_DIO_DRAIN] = 1 + PCL_DIO_DRAIN_NO;
    assert_true(second_behind_first(PCL_FS_EXT4_EXCLUSIVE_DIO, &s, PCL_OP_DWRITE, PCL_OP_DWRITE,
                                    off, NULL) < 50000);
}

/* A direct write behind the end of file, then a direct read, while the device is at the write:
 * does the read wait for its end? */
static bool read_waits_for_extension(enum pcl_fs fs, int64_t off)
{
    struct pcl_scheme s = with_iolock("rwsem");
    struct rig *r = rig_new_with(fs, "guest-2vcpu", 2, false, &s);
    pcl_ns waits;

    (void)pcl_kernel_inode(&r->k, 1 << 20, true);
    r->start[0] = 10000;
    r->start[1] = 60000;
    (void)rig_ask(r, 0, PCL_OP_DWRITE, off, 4096);
    (void)rig_ask(r, 1, PCL_OP_DREAD, 0, 4096);
    rig_run(r);
    assert_true(r->end[0][0] > r->begin[1][0] + 5000);
    waits = r->k.range[PCL_ROLE_IOLOCK].stats.mode[PCL_SHARED].longest_wait;
    assert_int_equal(pcl_inode_size(r->k.cache, 0), off + 4096);
    assert_int_equal(r->wrong, 0);
    rig_free(r);
    return waits > 5000;
}

static void xfs_shares_the_lock_once_the_end_of_file_is_zeroed(void **unused)
{
    (void)unused;
    assert_false(read_waits_for_extension(PCL_FS_XFS, 2 << 20));
    assert_true(read_waits_for_extension(PCL_FS_XFS, (2 << 20) + 512));
    assert_true(read_waits_for_extension(PCL_FS_EXT4, 2 << 20));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_punch_waits_for_transfers_that_hold_no_lock),
        cmocka_unit_test(a_range_lock_replaces_the_wait),
        cmocka_unit_test(a_short_exclusive_hold_waits_for_a_long_shared_one),
        cmocka_unit_test(two_state_lets_buffered_writes_share_and_keeps_direct_io_out),
        cmocka_unit_test(a_write_of_parts_of_blocks_is_alone),
        cmocka_unit_test(xfs_shares_the_lock_once_the_end_of_file_is_zeroed),
    };

    return cmocka_run_group_tests_name("direct I/O", tests, NULL, NULL);
}
