/*
 * Paths of calls that change a file's size or its blocks: truncate and the modes of fallocate.
 */
#include "tables.h"

/* xfs_setattr_size(), ext4_setattr(), shmem_setattr() */
const struct pcl_step pcl_truncate_path[] = {
    S_ENTER(syscall),
    LOCK_FILE,
    S_SLEEPY(dio_drain),
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
    LOCK_FILE,
    S_SLEEPY(dio_drain),
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
    LOCK_FILE,
    S_SLEEPY(dio_drain),
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

/* xfs_falloc_zero_range(): a punch, then blocks that read as zeroes; ext4_zero_range() */
const struct pcl_step pcl_zero_flushing_path[] = {
    S_ENTER(syscall),
    LOCK_FILE,
    S_SLEEPY(dio_drain),
    S_FS(FALLOCATE),
    WRITE_AND_WAIT,
    DROP_PAGES,
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_DO(alloc_range),
    S_UNLOCK(ILOCK),
    S_DO(set_size),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

const struct pcl_step pcl_zero_dropping_path[] = {
    S_ENTER(syscall),
    LOCK_FILE,
    S_SLEEPY(dio_drain),
    S_FS(FALLOCATE),
    DROP_PAGES,
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_DO(alloc_range),
    S_UNLOCK(ILOCK),
    S_DO(set_size),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* No kernel does this: the folios behind the range move with their pages, one after the other,
 * each locked, clean and unmapped; those that cannot move (a large folio by a part of its size)
 * are dropped. From the front for a collapse, from the back for an insert, so that the place is
 * free. */
#define MOVE_PAGES                                                                              \
    S_LOCK(IMAP), S_DO(unmap_range), S_UNLOCK(IMAP), S_DO(to_moving), S_AT(M_NEXT),             \
        S_IF(next_moving, M_DONE), S_SLEEPY(page_lock), S_IF(if_gone, M_SKIP),                  \
        S_SLEEPY(wait_writeback), S_DO(unmap_folio), S_IF(move, M_DROP), S_DO(page_unlock),     \
        S_DO(put), S_COND, S_GOTO(M_NEXT), S_AT(M_DROP), S_DO(remove), S_AT(M_SKIP),            \
        S_DO(page_unlock), S_DO(put), S_GOTO(M_NEXT), S_AT(M_DONE)

/* xfs_falloc_collapse_range(), ext4_collapse_range(): the range is punched; then everything behind
 * it, written and dropped, is found again where its blocks have moved to */
const struct pcl_step pcl_collapse_path[] = {
    S_ENTER(syscall),
    LOCK_FILE,
    S_SLEEPY(dio_drain),
    S_FS(FALLOCATE),
    S_IF(check_shift, L_OUT),
    S_AT(L_NEXT),
    WRITE_AND_WAIT,
    S_IF(if_moves, L_MOVE),
    DROP_PAGES,
    S_IF(if_tried, L_FOUND),
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_UNLOCK(ILOCK),
    S_DO(to_tail),
    S_GOTO(L_NEXT),
    S_AT(L_MOVE),
    MOVE_PAGES,
    S_AT(L_FOUND),
    S_LOCK(ILOCK),
    S_DO(shift_extents),
    S_UNLOCK(ILOCK),
    S_DO(set_size),
    S_AT(L_OUT),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* xfs_falloc_insert_range(), ext4_insert_range(): the size first, then room is made */
const struct pcl_step pcl_insert_path[] = {
    S_ENTER(syscall),
    LOCK_FILE,
    S_SLEEPY(dio_drain),
    S_FS(FALLOCATE),
    S_IF(check_shift, L_OUT),
    S_DO(set_size),
    S_DO(to_tail),
    WRITE_AND_WAIT,
    S_IF(if_moves, L_MOVE),
    DROP_PAGES,
    S_GOTO(L_FOUND),
    S_AT(L_MOVE),
    MOVE_PAGES,
    S_AT(L_FOUND),
    S_LOCK(ILOCK),
    S_DO(shift_extents),
    S_UNLOCK(ILOCK),
    S_AT(L_OUT),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

const struct pcl_step pcl_allocate_path[] = {
    S_ENTER(syscall),
    LOCK_FILE,
    S_SLEEPY(dio_drain),
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

/* xfs_ioc_exchange_range(): both files are locked as for a truncation, in the order of their
 * numbers; what is cached of both is written and dropped, then the extents change sides */
const struct pcl_step pcl_exchange_path[] = {
    S_ENTER(syscall),
    S_DO(order_files),
    S_LOCK(IOLOCK),
    S_DO(switch),
    S_LOCK(IOLOCK),
    S_DO(switch),
    S_LOCK(INVALIDATE),
    S_DO(switch),
    S_LOCK(INVALIDATE),
    S_DO(switch),
    S_FS(FALLOCATE),
    S_IF(check_exchange, L_OUT),
    S_AT(L_NEXT),
    WRITE_AND_WAIT,
    DROP_PAGES,
    S_IF(if_second, L_NEXT),
    S_LOCK(ILOCK),
    S_DO(switch),
    S_LOCK(ILOCK),
    S_DO(exchange),
    S_UNLOCK(ILOCK),
    S_DO(switch),
    S_UNLOCK(ILOCK),
    S_AT(L_OUT),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_DO(switch),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};
