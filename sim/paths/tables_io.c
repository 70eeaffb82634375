/*
 * Paths of calls that move data: reads and writes through the page cache and around it, and what
 * brings dirty folios to the device.
 */
#include "tables.h"

/* filemap_read() under the filesystem's read_iter */
const struct pcl_step pcl_buffered_read_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_FS(READ),
    S_AT(L_NEXT),
    S_IF(if_beyond, L_OUT),
    S_COND,
    S_IF(if_marker, L_AHEAD),
    S_IF(lookup, L_STALE, L_MISS),
    S_DO(copy_out),
    S_DO(put),
    S_IF(advance, L_NEXT),
    S_GOTO(L_OUT),
    S_AT(L_MISS), /* page_cache_ra: insert locked folios, start the read, look again */
    S_IF(tmpfs_hole, L_AGAIN),
    S_DO(plan_ahead),
    S_AT(L_READ),
    S_DO(reclaim),
    S_LOCK(INVALIDATE),
    S_AT(L_MORE),
    S_IF(insert_ahead, L_BUSY),
    S_LOCK(ILOCK),
    S_FS(MAP),
    S_UNLOCK(ILOCK),
    S_DO(fill_hole),
    S_DO(read_ahead),
    S_IF(more_ahead, L_MORE),
    S_AT(L_BUSY),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_NEXT),
    S_AT(L_AHEAD), /* page_cache_async_ra: the next window, before this one is used up */
    S_DO(plan_async),
    S_GOTO(L_READ),
    S_AT(L_STALE), /* filemap_update_page: wait for whoever reads it, without a reference */
    S_LOCK(INVALIDATE),
    S_IF(page_trylock, L_SLOW),
    S_DO(page_unlock), /* unlocked and still not uptodate: what was being read has come or gone */
    S_UNLOCK(INVALIDATE),
    S_DO(put),
    S_GOTO(L_NEXT),
    S_AT(L_SLOW),
    S_UNLOCK(INVALIDATE),
    S_SLEEPY(page_wait_drop),
    S_GOTO(L_NEXT),
    S_AT(L_AGAIN), /* tmpfs copies from the zero page */
    S_IF(advance, L_NEXT),
    S_AT(L_OUT),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* generic_perform_write() or iomap_file_buffered_write() under the filesystem's write_iter */
const struct pcl_step pcl_buffered_write_path[] = {
    S_ENTER(syscall),
    S_AT(L_AGAIN),
    S_LOCK(IOLOCK),
    S_FS(WRITE),
    S_IF(append_position, L_REJECTED),
    S_AT(L_NEXT),
    S_COND,
    S_LOCK(ILOCK),
    S_DO(alloc_blocks),
    S_UNLOCK(ILOCK),
    S_AT(L_RETRY), /* write_begin: the folio, locked */
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(page_lock),
    S_IF(recheck, L_GONE),
    S_AT(L_LOCKED),
    S_SLEEPY(read_one),
    S_SLEEPY(io_wait),
    S_DO(copy_in),
    S_DO(dirty), /* write_end */
    S_DO(set_size),
    S_DO(page_unlock),
    S_DO(put),
    S_IF(advance, L_NEXT),
    S_UNLOCK(IOLOCK),
    S_SLEEPY(throttle),
    S_EXIT,
    S_AT(L_MISS),
    S_DO(reclaim),
    S_IF(insert, L_RETRY),
    S_GOTO(L_LOCKED),
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_RETRY),
    S_AT(L_REJECTED),
    S_UNLOCK(IOLOCK),
    S_GOTO(L_AGAIN),
    S_END,
};

#define UNLOCK_ASYNC                                                                           \
    {.act = act_unlock_async,                                                                  \
     .name = "unlock IOLOCK, if async, unless a range",                                         \
     .role = PCL_ROLE_IOLOCK}

/* iomap_dio_rw(), synchronous unless path.dio says otherwise: the lock is held until the device has
 * answered */
const struct pcl_step pcl_direct_read_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_IF(if_beyond, L_OUT),
    WRITE_AND_WAIT,
    S_DO(dio_begin),
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_DO(direct),
    UNLOCK_ASYNC,
    S_SLEEPY(io_wait),
    S_DO(direct_done),
    S_DO(dio_end),
    S_AT(L_OUT),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* __blockdev_direct_IO() with DIO_LOCKING: the lock is for the submission */
const struct pcl_step pcl_direct_read_early_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_IF(if_beyond, L_OUT),
    WRITE_AND_WAIT,
    S_DO(dio_begin),
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_DO(direct),
    {.act = act_unlock_submitted,
     .name = "unlock IOLOCK, unless a range",
     .role = PCL_ROLE_IOLOCK},
    S_SLEEPY(io_wait),
    S_DO(direct_done),
    S_DO(dio_end),
    S_AT(L_OUT),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* xfs_file_dio_write(), ext4_dio_write_iter(): the cache is written and dropped before the
 * transfer (kiocb_invalidate_pages) and dropped again after it, since a read or a fault may have
 * brought the old data in meanwhile. Where a page has become dirty again the write goes through
 * the cache; after the transfer such a page stays (dio_warn_stale_pagecache). XFS finds out under
 * the shared lock that a write of parts of blocks must allocate, and starts over. Who zeroes waits
 * for others in flight first; XFS then shares the lock for the transfer of whole blocks. */
const struct pcl_step pcl_direct_write_path[] = {
    S_ENTER(syscall),
    S_AT(L_RETRY),
    S_LOCK(IOLOCK),
    S_SLEEPY(drain_alone),
    {.act = act_demote, .name = "demote IOLOCK", .role = PCL_ROLE_IOLOCK},
    WRITE_AND_WAIT,
    S_AT(L_NEXT),
    INVALIDATE_PAGES2,
    S_IF(if_tried, L_OUT),
    S_IF(if_busy, L_BUFFERED),
    S_DO(dio_begin),
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_IF(if_rejected, L_REJECTED),
    S_DO(direct),
    UNLOCK_ASYNC,
    S_SLEEPY(io_wait),
    S_DO(direct_done),
    S_GOTO(L_NEXT),
    S_AT(L_OUT),
    S_DO(dio_end),
    S_DO(set_size),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_AT(L_REJECTED),
    S_DO(dio_end),
    S_UNLOCK(IOLOCK),
    S_GOTO(L_RETRY),
    S_AT(L_BUFFERED),
    S_UNLOCK(IOLOCK),
    S_DO(as_buffered),
    S_END,
};

/* ext4_direct_IO_write() of 2019: an overwrite is on its own once it is counted as in flight */
const struct pcl_step pcl_direct_write_early_path[] = {
    S_ENTER(syscall),
    S_AT(L_RETRY),
    S_LOCK(IOLOCK),
    S_SLEEPY(drain_alone),
    WRITE_AND_WAIT,
    S_AT(L_NEXT),
    INVALIDATE_PAGES2,
    S_IF(if_tried, L_OUT),
    S_IF(if_busy, L_BUFFERED),
    S_DO(dio_begin),
    {.act = act_unlock_overwrite,
     .name = "unlock IOLOCK of an overwrite, unless a range",
     .role = PCL_ROLE_IOLOCK},
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_IF(if_rejected, L_REJECTED),
    S_DO(direct),
    S_SLEEPY(io_wait),
    S_DO(direct_done),
    S_GOTO(L_NEXT),
    S_AT(L_OUT),
    S_DO(dio_end),
    S_DO(set_size),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_AT(L_REJECTED),
    S_DO(dio_end),
    S_UNLOCK(IOLOCK),
    S_GOTO(L_RETRY),
    S_AT(L_BUFFERED),
    S_UNLOCK(IOLOCK),
    S_DO(as_buffered),
    S_END,
};

/* file_write_and_wait_range(), the log, the device's cache */
const struct pcl_step pcl_fsync_path[] = {
    S_ENTER(syscall),
    S_IF(if_tmpfs, L_OUT),
    WRITE_AND_WAIT,
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_DO(flush),
    S_SLEEPY(io_wait),
    S_AT(L_OUT),
    S_EXIT,
    S_END,
};

/* sync_file_range(SYNC_FILE_RANGE_WRITE) */
const struct pcl_step pcl_sync_start_path[] = {
    S_ENTER(syscall), S_IF(if_tmpfs, L_OUT), WRITE_DIRTY, S_AT(L_OUT), S_EXIT, S_END};

/* the flusher's pass over one inode: nothing is waited for */
const struct pcl_step pcl_writeback_path[] = {WRITE_DIRTY, S_EXIT, S_END};
