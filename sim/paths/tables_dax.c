/*
 * Paths of files on DAX: no page cache, no folio locks, no read-ahead. Reads and writes go
 * straight to the device's memory under the iolock; a fault locks the entry of its page;
 * write-back flushes CPU caches; who takes blocks away first waits until no device uses their
 * pages, with the invalidate lock let go meanwhile.
 */
#include "tables.h"

enum {
    L_DAX_CLEANED = 24,
    D_BREAK,
    D_NEXT,
    D_PINNED,
    D_IDLE,
    X_NEXT,
    X_GONE,
    X_DONE,
    N_KEEP,
    N_DONE,
    Y_NEXT,
    Y_GONE,
    Y_DONE
};

/* dax_writeback_mapping_range() */
#define CLEAN_ENTRIES                                                                          \
    S_DO(to_start), S_AT(Y_NEXT), S_IF(next_dirty, Y_DONE), S_IF(entry_lock, Y_GONE),          \
        S_LOCK(IMAP), S_DO(entry_clean), S_UNLOCK(IMAP), S_DO(entry_unlock), S_DO(put),        \
        S_COND, S_GOTO(Y_NEXT), S_AT(Y_GONE), S_DO(put), S_GOTO(Y_NEXT), S_AT(Y_DONE)

/* xfs_break_layouts(), ext4_break_layouts(): nobody maps the range any more, and no device uses
 * its pages */
#define BREAK_LAYOUTS                                                                          \
    S_AT(D_BREAK), S_LOCK(IMAP), S_DO(unmap_range), S_UNLOCK(IMAP), S_DO(to_start),            \
        S_AT(D_NEXT), S_IF(next_present, D_IDLE), S_IF(if_pinned, D_PINNED),                   \
        S_IF(skip_folio, D_NEXT), S_AT(D_PINNED), S_DO(put), S_UNLOCK(INVALIDATE),             \
        S_SLEEPY(await_unpinned), S_LOCK(INVALIDATE), S_GOTO(D_BREAK), S_AT(D_IDLE)

/* truncate_inode_pages_range() where the index has no folios */
#define DROP_ENTRIES                                                                           \
    S_DO(to_start), S_AT(X_NEXT), S_IF(next_present, X_DONE), S_IF(entry_lock, X_GONE),        \
        S_LOCK(IMAP), S_DO(unmap_folio), S_UNLOCK(IMAP), S_DO(entry_remove), S_DO(put),        \
        S_COND, S_GOTO(X_NEXT), S_AT(X_GONE), S_IF(skip_folio, X_NEXT), S_AT(X_DONE)

/* xfs_file_dax_read(), ext4_dax_read_iter() */
static const struct pcl_step read_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_FS(READ),
    S_AT(L_NEXT),
    S_IF(if_beyond, L_OUT),
    S_COND,
    S_LOCK(ILOCK),
    S_CPU(node_visit),
    S_UNLOCK(ILOCK),
    S_DO(entry_read),
    S_IF(advance, L_NEXT),
    S_AT(L_OUT),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* xfs_file_dax_write(), ext4_dax_write_iter(): new blocks take the place of a hole's entry */
static const struct pcl_step write_path[] = {
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
    S_IF(if_entry_new, N_DONE),
    S_IF(entry_lock, N_DONE),
    S_LOCK(IMAP),
    S_DO(unmap_folio),
    S_UNLOCK(IMAP),
    S_DO(entry_unlock),
    S_DO(put),
    S_AT(N_DONE),
    S_DO(entry_write),
    S_DO(set_size),
    S_IF(advance, L_NEXT),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_AT(L_REJECTED),
    S_UNLOCK(IOLOCK),
    S_GOTO(L_AGAIN),
    S_END,
};

#define FAULT_LOCK S_LOCK(MMAP), S_DO(find_vma)
#define FAULT_UNLOCK S_DO(vma_unlock), S_UNLOCK(MMAP)

/* dax_iomap_pte_fault(), dax_iomap_pmd_fault() under xfs_dax_fault_locked(): the invalidate
 * lock shared in every fault. The entry's lock is waited for with mmap_lock held. */
#define DAX_FAULT(...)                                                                         \
    S_ENTER(fault), S_IF(vma_trylock, L_RETRY), FAULT_LOCK, S_AT(L_RETRY), S_LOCK(INVALIDATE), \
        S_IF(if_eof, L_EOF), S_SLEEPY(entry_grab), __VA_ARGS__, S_IF(map, L_ABANDON),          \
        S_DO(entry_unlock), S_DO(put), S_AT(L_EOF), S_UNLOCK(INVALIDATE), FAULT_UNLOCK,        \
        S_EXIT, S_AT(L_ABANDON), S_DO(vma_abandon), S_DO(entry_unlock), S_DO(put),             \
        S_UNLOCK(INVALIDATE), FAULT_LOCK, S_GOTO(L_RETRY), S_END

static const struct pcl_step read_fault_path[] = {
    DAX_FAULT(S_LOCK(ILOCK), S_FS(MAP), S_UNLOCK(ILOCK)),
};

static const struct pcl_step write_fault_path[] = {
    DAX_FAULT(S_FS(MKWRITE), S_LOCK(ILOCK), S_DO(alloc_blocks), S_UNLOCK(ILOCK), S_DO(dirty)),
};

static const struct pcl_step fsync_path[] = {
    S_ENTER(syscall), CLEAN_ENTRIES, S_LOCK(ILOCK), S_CPU(node_visit),
    S_UNLOCK(ILOCK),  S_EXIT,        S_END,
};

static const struct pcl_step writeback_path[] = {CLEAN_ENTRIES, S_EXIT, S_END};

static const struct pcl_step truncate_path[] = {
    S_ENTER(syscall), S_LOCK(IOLOCK),  S_LOCK(INVALIDATE),      S_SLEEPY(dio_drain),
    BREAK_LAYOUTS,    S_FS(FALLOCATE), S_IF(if_grows, L_GROWS), S_DO(set_size),
    DROP_ENTRIES,     S_LOCK(ILOCK),   S_DO(free_blocks),       S_UNLOCK(ILOCK),
    S_GOTO(L_OUT),    S_AT(L_GROWS),   S_LOCK(ILOCK),           S_DO(set_size),
    S_UNLOCK(ILOCK),  S_AT(L_OUT),     S_UNLOCK(INVALIDATE),    S_UNLOCK(IOLOCK),
    S_EXIT,           S_END,
};

static const struct pcl_step punch_path[] = {
    S_ENTER(syscall),    S_LOCK(IOLOCK),  S_LOCK(INVALIDATE),
    S_SLEEPY(dio_drain), BREAK_LAYOUTS,   S_FS(FALLOCATE),
    CLEAN_ENTRIES,       DROP_ENTRIES,    S_LOCK(ILOCK),
    S_DO(free_blocks),   S_UNLOCK(ILOCK), S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),    S_EXIT,          S_END,
};

static const struct pcl_step zero_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_SLEEPY(dio_drain),
    BREAK_LAYOUTS,
    S_FS(FALLOCATE),
    CLEAN_ENTRIES,
    DROP_ENTRIES,
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

/* What shifts loses its entries first, from the range on to the end of file. */
static const struct pcl_step collapse_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_SLEEPY(dio_drain),
    S_DO(to_tail),
    BREAK_LAYOUTS,
    S_FS(FALLOCATE),
    S_IF(check_shift, L_OUT),
    CLEAN_ENTRIES,
    DROP_ENTRIES,
    S_LOCK(ILOCK),
    S_DO(free_blocks),
    S_DO(shift_extents),
    S_UNLOCK(ILOCK),
    S_DO(set_size),
    S_AT(L_OUT),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

static const struct pcl_step insert_path[] = {
    S_ENTER(syscall),
    S_LOCK(IOLOCK),
    S_LOCK(INVALIDATE),
    S_SLEEPY(dio_drain),
    S_DO(to_tail),
    BREAK_LAYOUTS,
    S_FS(FALLOCATE),
    S_IF(check_shift, L_OUT),
    S_DO(set_size),
    CLEAN_ENTRIES,
    DROP_ENTRIES,
    S_LOCK(ILOCK),
    S_DO(shift_extents),
    S_UNLOCK(ILOCK),
    S_AT(L_OUT),
    S_UNLOCK(INVALIDATE),
    S_UNLOCK(IOLOCK),
    S_EXIT,
    S_END,
};

/* The page is handed to a device, as by O_DIRECT from another file or by RDMA: while it works,
 * it has a reference. */
static const struct pcl_step pin_path[] = {
    S_ENTER(fault), S_IF(entry_pin, L_OUT), S_DO(hold), S_DO(entry_unpin), S_AT(L_OUT), S_EXIT,
    S_END,
};

/* There is no folio to lock, to move, to merge or to reclaim. */
static const struct pcl_step nothing_path[] = {S_ENTER(syscall), S_EXIT, S_END};

static const struct pcl_step *const paths[PCL_N_OPS + 1] = {
    [PCL_OP_READ] = read_path,
    [PCL_OP_WRITE] = write_path,
    [PCL_OP_DREAD] = read_path,
    [PCL_OP_DWRITE] = write_path,
    [PCL_OP_FAULT_READ] = read_fault_path,
    [PCL_OP_FAULT_WRITE] = write_fault_path,
    [PCL_OP_FSYNC] = fsync_path,
    [PCL_OP_SYNC_START] = fsync_path,
    [PCL_OP_TRUNCATE] = truncate_path,
    [PCL_OP_PUNCH] = punch_path,
    [PCL_OP_ZERO] = zero_path,
    [PCL_OP_COLLAPSE] = collapse_path,
    [PCL_OP_INSERT] = insert_path,
    [PCL_OP_PAGE_LOCK] = pin_path,
    [PCL_OP_PAGE_LOCK_KILLABLE] = pin_path,
    [PCL_OP_PAGE_PAIR] = nothing_path,
    [PCL_OP_PAGE_WAIT] = nothing_path,
    [PCL_OP_PAGE_WAIT_DROP] = nothing_path,
    [PCL_OP_WRITEBACK_WAIT] = nothing_path,
    [PCL_OP_MIGRATE] = nothing_path,
    [PCL_OP_MIGRATE_ASYNC] = nothing_path,
    [PCL_OP_MIGRATE_SYNC] = nothing_path,
    [PCL_OP_RECLAIM] = nothing_path,
    [PCL_OP_KHUGEPAGED] = nothing_path,
    [PCL_OP_SPLIT] = nothing_path,
    [PCL_N_OPS] = writeback_path,
};

const struct pcl_step *pcl_dax_steps(enum pcl_op op)
{
    return paths[op];
}
