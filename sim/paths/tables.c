/*
 * The paths themselves, one table per operation, to be read beside the functions named above each.
 * A lock step of a role that the personality does not take for the operation does nothing, so one
 * table serves all filesystems unless they go different ways. A filesystem's own code of a call runs
 * under the locks of the call: two writers of one file gain nothing from a second CPU.
 */
#include "step.h"

/* Labels are private to a table; fragments use the upper ones. */
enum {
    L_NONE,
    L_NEXT,
    L_MISS,
    L_MISS_HELD,
    L_STALE,
    L_STALE_HELD,
    L_BUSY,
    L_RETRY,
    L_GONE,
    L_OUT,
    L_SLOW,
    L_KEEP,
    L_LOCKED,
    L_AGAIN,
    L_EOF,
    L_FOUND,
    L_FILLED,
    L_MKWRITE_GONE,
    L_GROWS,
    W_NEXT = 24,
    W_SKIP,
    W_DIRTY,
    W_WAIT,
    W_WAITING,
    W_DONE,
    I_FIRST,
    I_SKIP,
    I_UNLOCK_SKIP,
    I_SECOND,
    I_LOOP,
    I_GONE,
    I_DONE
};

/* Start write-back of the dirty folios of [first, last]: lock, recheck, clean, mark, unlock,
 * submit. Under WB_SYNC_ALL a folio that is being written already is waited for. */
#define WRITE_DIRTY                                                                             \
    S_AT(W_NEXT), S_IF(next_dirty, W_WAIT), S_SLEEPY(page_lock), S_IF(recheck, W_SKIP),         \
        S_SLEEPY(wait_writeback), S_IF(if_dirty, W_DIRTY), S_AT(W_SKIP), S_DO(page_unlock),     \
        S_IF(skip_folio, W_NEXT), S_AT(W_DIRTY), S_DO(wb_start), S_DO(page_unlock),             \
        S_DO(wb_add), S_DO(put), S_COND, S_GOTO(W_NEXT), S_AT(W_WAIT), S_DO(wb_submit)

/* filemap_write_and_wait_range() */
#define WRITE_AND_WAIT                                                                          \
    WRITE_DIRTY, S_AT(W_WAITING), S_IF(next_writeback, W_DONE), S_SLEEPY(wait_writeback),       \
        S_DO(put), S_GOTO(W_WAITING), S_AT(W_DONE)

/* unmap_mapping_range() and truncate_inode_pages_range(): the first pass takes what a trylock
 * gets, the second waits, and starts over until it finds nothing. */
#define DROP_PAGES                                                                              \
    S_LOCK(IMAP), S_DO(unmap_range), S_UNLOCK(IMAP), S_DO(to_start), S_AT(I_FIRST),             \
        S_IF(next_present, I_SECOND), S_IF(page_trylock, I_SKIP),                               \
        S_IF(recheck, I_UNLOCK_SKIP), S_IF(if_writeback, I_UNLOCK_SKIP), S_DO(unmap_folio),     \
        S_DO(remove), S_DO(page_unlock), S_DO(put), S_COND, S_GOTO(I_FIRST),                    \
        S_AT(I_UNLOCK_SKIP), S_DO(page_unlock), S_AT(I_SKIP), S_IF(skip_folio, I_FIRST),        \
        S_AT(I_SECOND), S_IF(rewind, I_LOOP), S_GOTO(I_DONE), S_AT(I_LOOP),                     \
        S_IF(next_present, I_SECOND), S_SLEEPY(page_lock), S_IF(recheck, I_GONE),               \
        S_SLEEPY(wait_writeback), S_DO(unmap_folio), S_DO(remove), S_AT(I_GONE),                \
        S_DO(page_unlock), S_IF(skip_folio, I_LOOP), S_AT(I_DONE)

/* A call that takes none of the modelled locks. */
static const struct pcl_step syscall_call[] = {S_ENTER(syscall), S_EXIT, S_END};

/* filemap_read() under the filesystem's read_iter */
static const struct pcl_step buffered_read[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_FS(READ),
    S_AT(L_NEXT),
    S_IF(if_beyond, L_OUT),
    S_COND,
    S_IF(lookup, L_STALE, L_MISS),
    S_DO(copy_out),
    S_DO(put),
    S_IF(advance, L_NEXT),
    S_GOTO(L_OUT),
    S_AT(L_MISS), /* page_cache_ra: insert locked folios, start the read, look again */
    S_IF(tmpfs_hole, L_AGAIN),
    S_DO(reclaim),
    S_LOCK(INVALIDATE),
    S_IF(insert_ahead, L_BUSY),
    S_LOCK(ILOCK),
    S_FS(MAP),
    S_UNLOCK(ILOCK),
    S_DO(fill_hole),
    S_DO(read_ahead),
    S_AT(L_BUSY),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_NEXT),
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
static const struct pcl_step buffered_write[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_FS(WRITE),
    S_DO(append_position),
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
    S_END,
};

/* The ways out of a fault's look-up that are not a hit. A fault that has to sleep drops mmap_lock
 * first and starts over, once (VM_FAULT_RETRY); the second time it sleeps with it held. */
#define FAULT_SLOW                                                                              \
    S_AT(L_BUSY), S_IF(if_tried, L_KEEP), S_UNLOCK(MMAP), S_SLEEPY(page_lock),                  \
        S_DO(page_unlock), S_DO(put), S_LOCK(MMAP), S_GOTO(L_RETRY), S_AT(L_KEEP),              \
        S_SLEEPY(page_lock), S_GOTO(L_LOCKED), S_AT(L_GONE), S_DO(page_unlock), S_DO(put),      \
        S_GOTO(L_RETRY), S_AT(L_STALE), S_IF(if_tried, L_STALE_HELD), S_UNLOCK(MMAP),           \
        S_AT(L_STALE_HELD), S_LOCK(INVALIDATE), S_SLEEPY(page_wait), S_AT(L_FILLED), S_DO(put), \
        S_UNLOCK(INVALIDATE), S_LOCK(MMAP), S_GOTO(L_RETRY), S_AT(L_MISS), S_DO(reclaim),       \
        S_IF(if_tried, L_MISS_HELD), S_UNLOCK(MMAP), S_AT(L_MISS_HELD), S_LOCK(INVALIDATE),     \
        S_IF(insert_ahead, L_AGAIN), S_LOCK(ILOCK), S_FS(MAP), S_UNLOCK(ILOCK),                 \
        S_DO(fill_hole), S_DO(read_ahead), S_AT(L_AGAIN),                                       \
        S_IF(lookup, L_STALE_HELD, L_SLOW), S_GOTO(L_FILLED), S_AT(L_SLOW),                     \
        S_UNLOCK(INVALIDATE), S_LOCK(MMAP), S_GOTO(L_RETRY), S_AT(L_EOF), S_UNLOCK(INVALIDATE), \
        S_UNLOCK(MMAP), S_EXIT

/* do_read_fault() with filemap_map_pages() and filemap_fault(). On tmpfs a fault inside a range
 * that is being punched waits for the end of that call. */
static const struct pcl_step read_fault[] = {
    S_ENTER(fault),
    S_LOCK(MMAP),
    S_AT(L_RETRY),
    S_IF(if_eof, L_EOF),
    S_SLEEPY(await_punch),
    S_IF(lookup, L_STALE, L_MISS),
    S_IF(page_trylock, L_BUSY),
    S_AT(L_LOCKED),
    S_IF(recheck, L_GONE),
    S_IF(if_eof, L_GONE),
    S_DO(map),
    S_DO(page_unlock),
    S_DO(put),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(MMAP),
    S_EXIT,
    FAULT_SLOW,
    S_END,
};

/* do_shared_fault(): the folio is found as in a read fault; then page_mkwrite takes the
 * invalidate lock whatever the range, locks the folio again and makes it dirty. */
static const struct pcl_step write_fault[] = {
    S_ENTER(fault),
    S_LOCK(MMAP),
    S_AT(L_RETRY),
    S_IF(if_eof, L_EOF),
    S_IF(lookup, L_STALE, L_MISS),
    S_IF(page_trylock, L_BUSY),
    S_AT(L_LOCKED),
    S_IF(recheck, L_GONE),
    S_IF(if_eof, L_GONE),
    S_DO(page_unlock),
    S_LOCK(INVALIDATE),
    S_SLEEPY(page_lock),
    S_IF(recheck, L_MKWRITE_GONE),
    S_FS(MKWRITE),
    S_LOCK(ILOCK),
    S_DO(alloc_blocks),
    S_UNLOCK(ILOCK),
    S_DO(dirty),
    S_UNLOCK(INVALIDATE),
    S_DO(map),
    S_DO(page_unlock),
    S_DO(put),
    S_UNLOCK(MMAP),
    S_SLEEPY(throttle),
    S_EXIT,
    S_AT(L_MKWRITE_GONE),
    S_DO(page_unlock),
    S_DO(put),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_RETRY),
    FAULT_SLOW,
    S_END,
};

/* shmem has no page_mkwrite: the folio is mapped writable under the one lock. */
static const struct pcl_step tmpfs_write_fault[] = {
    S_ENTER(fault),
    S_LOCK(MMAP),
    S_AT(L_RETRY),
    S_IF(if_eof, L_EOF),
    S_SLEEPY(await_punch),
    S_IF(lookup, L_STALE, L_MISS),
    S_IF(page_trylock, L_BUSY),
    S_AT(L_LOCKED),
    S_IF(recheck, L_GONE),
    S_IF(if_eof, L_GONE),
    S_DO(dirty),
    S_DO(map),
    S_DO(page_unlock),
    S_DO(put),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(MMAP),
    S_EXIT,
    FAULT_SLOW,
    S_END,
};

/* file_write_and_wait_range(), the log, the device's cache */
static const struct pcl_step fsync_path[] = {
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

/* the flusher's pass over one inode: nothing is waited for */
static const struct pcl_step writeback_path[] = {WRITE_DIRTY, S_EXIT, S_END};

/* xfs_setattr_size(), ext4_setattr(), shmem_setattr() */
static const struct pcl_step truncate_path[] = {
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
static const struct pcl_step punch_flushing[] = {
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
static const struct pcl_step punch_dropping[] = {
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

static const struct pcl_step allocate_path[] = {
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

/* iomap_dio_rw(), synchronous: the lock is held until the device has answered */
static const struct pcl_step direct_read[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_IF(if_beyond, L_OUT),
    WRITE_AND_WAIT,
    S_DO(dio_begin),
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_DO(direct),
    S_SLEEPY(io_wait),
    S_DO(direct_done),
    S_DO(dio_end),
    S_AT(L_OUT),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* The cache is written and dropped before the transfer, and dropped again after it: a buffered read
 * may have brought the old data in meanwhile. */
static const struct pcl_step direct_write[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    WRITE_AND_WAIT,
    S_AT(L_NEXT),
    DROP_PAGES,
    S_IF(if_tried, L_OUT),
    S_DO(dio_begin),
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_DO(direct),
    S_SLEEPY(io_wait),
    S_DO(direct_done),
    S_GOTO(L_NEXT),
    S_AT(L_OUT),
    S_DO(dio_end),
    S_DO(set_size),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* The bare page lock: find, lock, recheck, compute, unlock. */
static const struct pcl_step page_lock_path[] = {
    S_ENTER(fault),
    S_AT(L_RETRY),
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(page_lock),
    S_IF(recheck, L_GONE),
    S_AT(L_LOCKED),
    S_DO(hold),
    S_DO(page_unlock),
    S_DO(put),
    S_EXIT,
    S_AT(L_MISS),
    S_IF(insert, L_RETRY),
    S_DO(set_uptodate),
    S_GOTO(L_LOCKED),
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_RETRY),
    S_END,
};

/* The bare wait for an unlock: a fault that met a migration entry (__migration_entry_wait: up to
 * Linux 4.20 with a reference, then without), or a page that somebody else is reading in. */
static const struct pcl_step page_wait_path[] = {
    S_ENTER(fault),
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(page_wait),
    S_DO(put),
    S_AT(L_MISS),
    S_EXIT,
    S_END,
};

static const struct pcl_step page_wait_drop_path[] = {
    S_ENTER(fault),
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(page_wait_drop),
    S_AT(L_MISS),
    S_EXIT,
    S_END,
};

/* madvise_dontneed_free(), zap_page_range_single(): of a file mapping */
static const struct pcl_step dontneed_path[] = {
    S_ENTER(syscall), S_LOCK(MMAP), S_CPU(madvise), S_DO(dontneed), S_UNLOCK(MMAP), S_EXIT, S_END,
};

const struct pcl_step *pcl_path_steps(enum pcl_fs fs, enum pcl_op op)
{
    bool tmpfs = fs == PCL_FS_TMPFS;

    switch (op) {
    case PCL_OP_SYSCALL:
        return syscall_call;
    case PCL_OP_READ:
        return buffered_read;
    case PCL_OP_WRITE:
        return buffered_write;
    case PCL_OP_DREAD:
        return tmpfs ? buffered_read : direct_read;
    case PCL_OP_DWRITE:
        return tmpfs ? buffered_write : direct_write;
    case PCL_OP_FAULT_READ:
        return read_fault;
    case PCL_OP_FAULT_WRITE:
        return tmpfs ? tmpfs_write_fault : write_fault;
    case PCL_OP_FSYNC:
        return fsync_path;
    case PCL_OP_TRUNCATE:
        return truncate_path;
    case PCL_OP_PUNCH:
        return fs == PCL_FS_XFS ? punch_flushing : punch_dropping;
    case PCL_OP_ALLOCATE:
        return allocate_path;
    case PCL_OP_PAGE_LOCK:
        return page_lock_path;
    case PCL_OP_DONTNEED:
        return dontneed_path;
    case PCL_OP_PAGE_WAIT:
        return page_wait_path;
    case PCL_OP_PAGE_WAIT_DROP:
        return page_wait_drop_path;
    case PCL_N_OPS:
        break;
    }
    return writeback_path;
}
