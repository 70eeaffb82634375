/*
 * The paths, one table per operation, each to be read beside the kernel functions named above it:
 * here is the list of them. A lock step of a role that the personality does not take for the
 * operation does nothing, so one table serves all filesystems unless they go different ways. A
 * filesystem's own code of a call runs under the locks of the call: two writers of one file gain
 * nothing from a second CPU.
 */
#include "tables.h"

/* A call that takes none of the modelled locks. */
static const struct pcl_step syscall_call[] = {S_ENTER(syscall), S_EXIT, S_END};

/* kill(2): the signal is there at once, and wakes who sleeps killably. */
static const struct pcl_step kill_call[] = {S_ENTER(syscall), S_DO(kill), S_EXIT, S_END};

/* The path of an operation, and the filesystems that go another way. */
static const struct {
    const struct pcl_step *usual, *on[PCL_N_FS];
} paths[PCL_N_OPS + 1] = {
    [PCL_OP_SYSCALL] = {.usual = syscall_call},
    [PCL_OP_READ] = {.usual = pcl_buffered_read_path},
    [PCL_OP_WRITE] = {.usual = pcl_buffered_write_path},
    [PCL_OP_DREAD] = {.usual = pcl_direct_read_path, .on[PCL_FS_TMPFS] = pcl_buffered_read_path,
                      .on[PCL_FS_EXT4_EXCLUSIVE_DIO] = pcl_direct_read_early_path},
    [PCL_OP_DWRITE] = {.usual = pcl_direct_write_path, .on[PCL_FS_TMPFS] = pcl_buffered_write_path,
                       .on[PCL_FS_EXT4_HALF_SHARED] = pcl_direct_write_early_path,
                       .on[PCL_FS_EXT4_EXCLUSIVE_DIO] = pcl_direct_write_early_path},
    [PCL_OP_FAULT_READ] = {.usual = pcl_read_fault_path},
    [PCL_OP_FAULT_WRITE] = {.usual = pcl_write_fault_path,
                            .on[PCL_FS_TMPFS] = pcl_tmpfs_write_fault_path},
    [PCL_OP_FSYNC] = {.usual = pcl_fsync_path},
    [PCL_OP_TRUNCATE] = {.usual = pcl_truncate_path},
    [PCL_OP_PUNCH] = {.usual = pcl_punch_dropping_path, .on[PCL_FS_XFS] = pcl_punch_flushing_path},
    [PCL_OP_ZERO] = {.usual = pcl_zero_dropping_path, .on[PCL_FS_XFS] = pcl_zero_flushing_path},
    [PCL_OP_COLLAPSE] = {.usual = pcl_collapse_path},
    [PCL_OP_INSERT] = {.usual = pcl_insert_path},
    [PCL_OP_ALLOCATE] = {.usual = pcl_allocate_path},
    [PCL_OP_PAGE_LOCK] = {.usual = pcl_page_lock_path},
    [PCL_OP_PAGE_PAIR] = {.usual = pcl_page_pair_path},
    [PCL_OP_EXCHANGE] = {.usual = pcl_exchange_path},
    [PCL_OP_DONTNEED] = {.usual = pcl_dontneed_path},
    [PCL_OP_MMAP] = {.usual = pcl_mmap_path},
    [PCL_OP_MUNMAP] = {.usual = pcl_munmap_path},
    [PCL_OP_MPROTECT] = {.usual = pcl_mprotect_path},
    [PCL_OP_PAGE_WAIT] = {.usual = pcl_page_wait_path},
    [PCL_OP_PAGE_WAIT_DROP] = {.usual = pcl_page_wait_drop_path},
    [PCL_OP_MIGRATE] = {.usual = pcl_migrate_path},
    [PCL_OP_MIGRATE_ASYNC] = {.usual = pcl_migrate_path},
    [PCL_OP_MIGRATE_SYNC] = {.usual = pcl_migrate_path},
    [PCL_OP_RECLAIM] = {.usual = pcl_reclaim_path},
    [PCL_OP_KHUGEPAGED] = {.usual = pcl_khugepaged_path},
    [PCL_OP_SPLIT] = {.usual = pcl_split_path},
    [PCL_OP_PAGE_LOCK_KILLABLE] = {.usual = pcl_page_lock_killable_path},
    [PCL_OP_KILL] = {.usual = kill_call},
    [PCL_OP_SYNC_START] = {.usual = pcl_sync_start_path},
    [PCL_OP_WRITEBACK_WAIT] = {.usual = pcl_writeback_wait_path},
    [PCL_OP_RANGE_LOCK] = {.usual = pcl_range_lock_path},
    [PCL_OP_RANGE_LOCK_SHARED] = {.usual = pcl_range_lock_path},
    [PCL_N_OPS] = {.usual = pcl_writeback_path},
};

const struct pcl_step *pcl_path_steps(enum pcl_fs fs, enum pcl_op op)
{
    const struct pcl_step *own = paths[op].on[fs];

    PCL_ASSERT(paths[op].usual != NULL);
    return own ? own : paths[op].usual;
}
