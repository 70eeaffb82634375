/*
 * Paths of page faults. A fault finds the folio, locks it, and maps it under the page-table lock;
 * where it has to sleep for it, it lets the address space go first.
 */
#include "tables.h"

/* A fault has its VMA's lock or mmap_lock; when it comes again, mmap_lock. */
#define FAULT_LOCK S_LOCK(MMAP), S_DO(find_vma)
#define FAULT_UNLOCK S_DO(vma_unlock), S_UNLOCK(MMAP)

/* The ways out of a fault's look-up that are not a hit. A fault that has to sleep drops mmap_lock
 * first and starts over, once (VM_FAULT_RETRY); the second time it sleeps with it held. */
#define FAULT_SLOW                                                                              \
    S_AT(L_BUSY), S_IF(if_tried, L_KEEP), FAULT_UNLOCK, S_SLEEPY(fault_lock),                   \
        S_DO(fault_unlock), S_DO(put), S_UNLOCK(INVALIDATE), FAULT_LOCK, S_GOTO(L_RETRY),       \
        S_AT(L_KEEP), S_SLEEPY(fault_lock), S_GOTO(L_LOCKED), S_AT(L_GONE),                     \
        S_DO(fault_unlock), S_DO(put), S_GOTO(L_RETRY), S_AT(L_STALE),                          \
        S_IF(if_tried, L_STALE_HELD), FAULT_UNLOCK, S_AT(L_STALE_HELD), S_LOCK(INVALIDATE),     \
        S_SLEEPY(page_wait), S_AT(L_FILLED), S_DO(put), S_UNLOCK(INVALIDATE), FAULT_LOCK,       \
        S_GOTO(L_RETRY), S_AT(L_MISS), S_DO(plan_ahead), S_DO(reclaim),                         \
        S_IF(if_tried, L_MISS_HELD), FAULT_UNLOCK, S_AT(L_MISS_HELD), S_LOCK(INVALIDATE),       \
        S_AT(L_MORE), S_IF(insert_ahead, L_AGAIN), S_LOCK(ILOCK), S_FS(MAP), S_UNLOCK(ILOCK),   \
        S_DO(fill_hole), S_DO(read_ahead), S_IF(more_ahead, L_MORE), S_AT(L_AGAIN),             \
        S_IF(lookup, L_STALE_HELD, L_SLOW), S_GOTO(L_FILLED), S_AT(L_SLOW),                     \
        S_UNLOCK(INVALIDATE), FAULT_LOCK, S_GOTO(L_RETRY), S_AT(L_EOF), S_UNLOCK(INVALIDATE),   \
        FAULT_UNLOCK, S_EXIT, S_AT(L_ABANDON), S_DO(vma_abandon), S_DO(fault_unlock),           \
        S_DO(put), S_UNLOCK(INVALIDATE), FAULT_LOCK, S_GOTO(L_RETRY)

/* do_read_fault() with filemap_map_pages() and filemap_fault(). On tmpfs a fault inside a range
 * that is being punched waits for the end of that call. */
const struct pcl_step pcl_read_fault_path[] = {
    S_ENTER(fault),
    S_IF(vma_trylock, L_RETRY),
    FAULT_LOCK,
    S_AT(L_RETRY),
    S_IF(migration_wait, L_RETRY),
    S_DO(fault_invalidate),
    S_IF(if_eof, L_EOF),
    S_SLEEPY(await_punch),
    S_IF(lookup, L_STALE, L_MISS),
    S_IF(fault_trylock, L_BUSY),
    S_AT(L_LOCKED),
    S_IF(recheck, L_GONE),
    S_IF(recheck_eof, L_GONE),
    S_IF(map, L_ABANDON),
    S_DO(fault_unlock),
    S_DO(put),
    S_UNLOCK(INVALIDATE),
    FAULT_UNLOCK,
    S_EXIT,
    FAULT_SLOW,
    S_END,
};

/* do_shared_fault(): the folio is found as in a read fault; then page_mkwrite takes the
 * invalidate lock whatever the range, locks the folio again and makes it dirty. A scheme that
 * takes the invalidate lock on every fault holds it twice, one time after the other. */
const struct pcl_step pcl_write_fault_path[] = {
    S_ENTER(fault),
    S_IF(vma_trylock, L_RETRY),
    FAULT_LOCK,
    S_AT(L_RETRY),
    S_IF(migration_wait, L_RETRY),
    S_DO(fault_invalidate),
    S_IF(if_eof, L_EOF),
    S_IF(lookup, L_STALE, L_MISS),
    S_IF(fault_trylock, L_BUSY),
    S_AT(L_LOCKED),
    S_IF(recheck, L_GONE),
    S_IF(recheck_eof, L_GONE),
    S_DO(fault_unlock),
    S_UNLOCK(INVALIDATE),
    S_LOCK(INVALIDATE),
    S_SLEEPY(fault_lock),
    S_IF(recheck, L_MKWRITE_GONE),
    S_FS(MKWRITE),
    S_LOCK(ILOCK),
    S_DO(alloc_blocks),
    S_UNLOCK(ILOCK),
    S_DO(dirty),
    S_UNLOCK(INVALIDATE),
    S_IF(map, L_ABANDON),
    S_DO(fault_unlock),
    S_DO(put),
    FAULT_UNLOCK,
    S_SLEEPY(throttle),
    S_EXIT,
    S_AT(L_MKWRITE_GONE),
    S_DO(fault_unlock),
    S_DO(put),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_RETRY),
    FAULT_SLOW,
    S_END,
};

/* shmem has no page_mkwrite: the folio is mapped writable under the one lock. */
const struct pcl_step pcl_tmpfs_write_fault_path[] = {
    S_ENTER(fault),
    S_IF(vma_trylock, L_RETRY),
    FAULT_LOCK,
    S_AT(L_RETRY),
    S_IF(migration_wait, L_RETRY),
    S_DO(fault_invalidate),
    S_IF(if_eof, L_EOF),
    S_SLEEPY(await_punch),
    S_IF(lookup, L_STALE, L_MISS),
    S_IF(fault_trylock, L_BUSY),
    S_AT(L_LOCKED),
    S_IF(recheck, L_GONE),
    S_IF(recheck_eof, L_GONE),
    S_DO(dirty),
    S_IF(map, L_ABANDON),
    S_DO(fault_unlock),
    S_DO(put),
    S_UNLOCK(INVALIDATE),
    FAULT_UNLOCK,
    S_EXIT,
    FAULT_SLOW,
    S_END,
};
