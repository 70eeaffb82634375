/*
 * What the tables of paths share: labels, the fragments that several paths consist of, and the
 * names of the tables. tables.c says which operation takes which table on which filesystem.
 */
#ifndef PCLSIM_PATHS_TABLES_H
#define PCLSIM_PATHS_TABLES_H

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
    L_ABANDON,
    L_READ,
    L_MORE,
    L_AHEAD,
    L_MOVE,
    L_BUFFERED,
    L_REJECTED,
    W_NEXT = 40,
    W_SKIP,
    W_DIRTY,
    W_WAIT,
    W_WAITING,
    W_DONE,
    W_TRY,
    W_BUSY,
    W_LOCK,
    W_LOCKED,
    O_OTHER,
    O_LOCKED,
    E_NEXT,
    E_SKIP,
    E_WHOLE,
    E_DONE,
    I_FIRST,
    I_SKIP,
    I_UNLOCK_SKIP,
    I_BATCH,
    I_UNMAP,
    I_REMOVE,
    I_UNLOCK,
    I_EMPTY,
    I_SECOND,
    I_LOOP,
    I_GONE,
    I_DONE,
    M_NEXT,
    M_DROP,
    M_SKIP,
    M_DONE,
    B_NEXT,
    B_LATER,
    B_UNLOCK_LATER,
    B_ADD,
    B_MOVE,
    B_EACH,
    B_FAILED,
    B_MORE,
    V_NEXT,
    V_UNMAPPED,
    V_BUSY,
    V_SKIP,
    V_DONE
};

/* Start write-back of the dirty folios of [first, last]: lock, recheck, clean, mark, unlock,
 * submit. Under WB_SYNC_ALL a folio that is being written already is waited for. */
#define WRITE_DIRTY                                                                             \
    S_AT(W_NEXT), S_IF(next_dirty, W_WAIT), S_IF(if_submits, W_TRY), S_AT(W_LOCK),              \
        S_SLEEPY(page_lock), S_AT(W_LOCKED), S_IF(if_gone, W_SKIP), S_DO(wb_submit_early),      \
        S_SLEEPY(wait_writeback), S_IF(if_dirty, W_DIRTY), S_AT(W_SKIP), S_DO(page_unlock),     \
        S_IF(skip_folio, W_NEXT), S_AT(W_TRY), S_IF(page_trylock, W_BUSY),                      \
        S_GOTO(W_LOCKED), S_AT(W_BUSY), S_DO(wb_submit), S_GOTO(W_LOCK), S_AT(W_DIRTY), S_DO(wb_start), S_DO(page_unlock),                     \
        S_DO(wb_add), S_DO(put), S_COND, S_GOTO(W_NEXT), S_AT(W_WAIT), S_DO(wb_submit)

/* What changes a file's size or blocks has it to itself: the order is one for everybody. */
#define LOCK_FILE                                                                               \
    S_IF(if_wrong_order, O_OTHER), S_LOCK(IOLOCK), S_LOCK(INVALIDATE), S_GOTO(O_LOCKED),        \
        S_AT(O_OTHER), S_LOCK(INVALIDATE), S_LOCK(IOLOCK), S_AT(O_LOCKED)

/* filemap_write_and_wait_range() */
#define WRITE_AND_WAIT                                                                          \
    WRITE_DIRTY, S_AT(W_WAITING), S_IF(next_writeback, W_DONE), S_SLEEPY(wait_writeback),       \
        S_DO(put), S_GOTO(W_WAITING), S_AT(W_DONE)

/* unmap_mapping_range() and truncate_inode_pages_range(): a large folio across an end of the range
 * is split, or dropped as a whole when somebody holds it and it is clean. Then the first pass takes
 * what trylocks get, up to 31 folios held locked together (find_lock_entries()), which leave the
 * index under one hold of the i_pages lock (delete_from_page_cache_batch()); the second waits for
 * what was left, one by one, and starts over until it finds nothing. */
#define DROP_PAGES                                                                              \
    S_LOCK(IMAP), S_DO(unmap_range), S_UNLOCK(IMAP), S_DO(to_start), S_AT(E_NEXT),              \
        S_IF(next_edge, E_DONE), S_SLEEPY(page_lock), S_IF(if_gone, E_SKIP),                    \
        S_SLEEPY(wait_writeback), S_DO(unmap_folio), S_DO(zero_edge), S_IF(split, E_WHOLE),     \
        S_AT(E_SKIP), S_DO(page_unlock), S_DO(put), S_GOTO(E_NEXT), S_AT(E_WHOLE),              \
        S_IF(if_dirty, E_SKIP), S_DO(remove), S_GOTO(E_SKIP), S_AT(E_DONE), S_DO(to_start),     \
        S_AT(I_FIRST), S_IF(next_in_walk, I_BATCH), S_IF(page_trylock, I_SKIP),                 \
        S_IF(if_gone, I_UNLOCK_SKIP), S_IF(if_writeback, I_UNLOCK_SKIP), S_DO(batch_add),       \
        S_IF(if_batch_room, I_FIRST), S_AT(I_BATCH), S_IF(if_batch_empty, I_SECOND),            \
        S_AT(I_UNMAP), S_IF(batch_each, I_REMOVE), S_DO(unmap_folio),                           \
        S_DO(invalidate_folio), S_GOTO(I_UNMAP),                                                \
        S_AT(I_REMOVE), S_DO(remove_batch), S_AT(I_UNLOCK), S_IF(batch_each, I_EMPTY),          \
        S_DO(page_unlock), S_DO(put), S_GOTO(I_UNLOCK), S_AT(I_EMPTY), S_DO(batch_empty),       \
        S_COND, S_GOTO(I_FIRST), S_AT(I_UNLOCK_SKIP), S_DO(page_unlock), S_AT(I_SKIP),          \
        S_IF(skip_folio, I_FIRST), S_AT(I_SECOND), S_IF(rewind, I_LOOP), S_GOTO(I_DONE),        \
        S_AT(I_LOOP), S_IF(next_inside, I_SECOND), S_SLEEPY(page_lock), S_IF(if_gone, I_GONE),  \
        S_SLEEPY(wait_writeback), S_DO(unmap_folio), S_DO(invalidate_folio), S_DO(remove),      \
        S_AT(I_GONE), S_DO(page_unlock), S_IF(skip_folio, I_LOOP), S_AT(I_DONE)

/* invalidate_inode_pages2_range(): every folio is locked, waited for, unmapped and removed; what
 * has become dirty again stays, and the caller is told. */
#define INVALIDATE_PAGES2                                                                       \
    S_DO(to_start), S_AT(V_NEXT), S_IF(next_present, V_DONE), S_SLEEPY(page_lock),              \
        S_IF(if_gone, V_SKIP), S_SLEEPY(wait_writeback), S_IF(if_unmapped, V_UNMAPPED),         \
        S_LOCK(IMAP), S_DO(unmap_folio), S_UNLOCK(IMAP), S_AT(V_UNMAPPED),                      \
        S_IF(if_dirty, V_BUSY), S_DO(remove), S_DO(page_unlock), S_DO(put), S_COND,             \
        S_GOTO(V_NEXT), S_AT(V_BUSY), S_DO(note_busy), S_AT(V_SKIP), S_DO(page_unlock),         \
        S_IF(skip_folio, V_NEXT), S_AT(V_DONE)

/* tables_io.c */
extern const struct pcl_step pcl_buffered_read_path[];
extern const struct pcl_step pcl_buffered_write_path[];
extern const struct pcl_step pcl_direct_read_path[];
extern const struct pcl_step pcl_direct_read_early_path[];
extern const struct pcl_step pcl_direct_write_path[];
extern const struct pcl_step pcl_direct_write_early_path[];
extern const struct pcl_step pcl_fsync_path[];
extern const struct pcl_step pcl_writeback_path[];
/* tables_fault.c */
extern const struct pcl_step pcl_read_fault_path[];
extern const struct pcl_step pcl_write_fault_path[];
extern const struct pcl_step pcl_tmpfs_write_fault_path[];
/* tables_falloc.c */
extern const struct pcl_step pcl_truncate_path[];
extern const struct pcl_step pcl_punch_flushing_path[];
extern const struct pcl_step pcl_punch_dropping_path[];
extern const struct pcl_step pcl_zero_flushing_path[];
extern const struct pcl_step pcl_zero_dropping_path[];
extern const struct pcl_step pcl_collapse_path[];
extern const struct pcl_step pcl_insert_path[];
extern const struct pcl_step pcl_allocate_path[];
extern const struct pcl_step pcl_exchange_path[];
/* tables_mm.c */
extern const struct pcl_step pcl_page_lock_path[];
extern const struct pcl_step pcl_range_lock_path[];
extern const struct pcl_step pcl_page_pair_path[];
extern const struct pcl_step pcl_page_wait_path[];
extern const struct pcl_step pcl_page_lock_killable_path[];
extern const struct pcl_step pcl_sync_start_path[];
extern const struct pcl_step pcl_writeback_wait_path[];
extern const struct pcl_step pcl_page_wait_drop_path[];
extern const struct pcl_step pcl_migrate_path[];
extern const struct pcl_step pcl_reclaim_path[];
extern const struct pcl_step pcl_khugepaged_path[];
extern const struct pcl_step pcl_split_path[];
/* tables_space.c */
extern const struct pcl_step pcl_dontneed_path[];
extern const struct pcl_step pcl_mmap_path[];
extern const struct pcl_step pcl_munmap_path[];
extern const struct pcl_step pcl_mprotect_path[];

#endif
