/*
 * Paths of calls that change a file's size or its blocks: truncate and the modes of fallocate.
 */
#include "tables.h"

/* xfs_setattr_size(), ext4_setattr(), shmem_setattr() */
const struct pcl_step pcl_truncate_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_FS(FALLOCATE),
    S_IF(if_grows, L_GROWS),
    S_DO(set_size),
    DROP_PAGES,
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_UNLOCK(ILOCK),
    S_GOTO(L_OUT),
    S_AT(L_GROWS),
    S_LOCK(ILOCK),
    S_DO(set_size),
    S_UNLOCK(ILOCK),
    S_AT(L_OUT),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* xfs_free_file_space(): dirty folios of the range are written before they are dropped */
const struct pcl_step pcl_punch_flushing_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_FS(FALLOCATE),
    WRITE_AND_WAIT,
    DROP_PAGES,
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_UNLOCK(ILOCK),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* ext4_punch_hole(), shmem_fallocate(): whole pages of the range are dropped, dirty or not */
const struct pcl_step pcl_punch_dropping_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_FS(FALLOCATE),
    S_DO(punch_begin),
    DROP_PAGES,
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_UNLOCK(ILOCK),
    S_DO(punch_end),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

const struct pcl_step pcl_allocate_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_FS(FALLOCATE),
    S_LOCK(ILOCK),
    S_DO(alloc_range),
    S_UNLOCK(ILOCK),
    S_DO(set_size),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};
