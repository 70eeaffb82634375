/*
 * Paths of memory management: what is done to folios without a call on the file, and the bare page
 * lock, which stands for any of it.
 */
#include "tables.h"

/* No kernel's: the iolock of the bytes asked for and nothing else, as benchmarks of range locks take
 * theirs. No call is entered and no page is looked for. */
const struct pcl_step pcl_range_lock_path[] = {
    S_LOCK(IOLOCK), S_DO(hold), S_UNLOCK(IOLOCK), S_EXIT, S_END,
};

/* The bare page lock: find, lock, recheck, compute, unlock. A page that is absent is brought in as
 * everybody must: under the invalidate lock, or it may come back behind a punch's back. */
const struct pcl_step pcl_page_lock_path[] = {
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
    S_LOCK(INVALIDATE),
    S_IF(insert, L_BUSY),
    S_DO(set_uptodate),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_LOCKED),
    S_AT(L_BUSY),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_RETRY),
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_RETRY),
    S_END,
};

/* Two pages, one lock inside the other: what a fault does that happens while a page is locked, as of
 * a write whose source is a mapped page. Which of the pair comes first is the caller's choice, so
 * two callers may make a cycle. The pages are present; nothing is brought in. */
const struct pcl_step pcl_page_pair_path[] = {
    S_ENTER(fault),
    S_AT(L_RETRY),
    S_IF(lookup, L_FOUND, L_OUT),
    S_AT(L_FOUND),
    S_SLEEPY(page_lock),
    S_IF(if_gone, L_GONE),
    S_DO(hold),
    S_DO(pair_inner),
    S_CPU(fault),
    S_AT(L_AGAIN),
    S_IF(lookup, L_LOCKED, L_MISS),
    S_AT(L_LOCKED),
    S_SLEEPY(page_lock),
    S_IF(if_gone, L_STALE),
    S_DO(hold),
    S_DO(page_unlock),
    S_DO(put),
    S_AT(L_MISS),
    S_DO(pair_outer),
    S_DO(page_unlock),
    S_DO(put),
    S_AT(L_OUT),
    S_EXIT,
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_RETRY),
    S_AT(L_STALE),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_AGAIN),
    S_END,
};

/* folio_lock_killable() of a page that is present */
const struct pcl_step pcl_page_lock_killable_path[] = {
    S_ENTER(fault),
    S_IF(lookup, L_FOUND, L_OUT),
    S_AT(L_FOUND),
    S_IF(page_lock_killable, L_GONE),
    S_DO(hold),
    S_DO(page_unlock),
    S_AT(L_GONE),
    S_DO(put),
    S_AT(L_OUT),
    S_EXIT,
    S_END,
};

/* folio_wait_writeback() */
const struct pcl_step pcl_writeback_wait_path[] = {
    S_ENTER(fault),
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(wait_writeback),
    S_DO(put),
    S_AT(L_MISS),
    S_EXIT,
    S_END,
};

/* The bare wait for an unlock: a fault that met a migration entry (__migration_entry_wait: up to
 * Linux 4.20 with a reference, then without), or a page that somebody else is reading in. */
const struct pcl_step pcl_page_wait_path[] = {
    S_ENTER(fault),
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(page_wait),
    S_DO(put),
    S_AT(L_MISS),
    S_EXIT,
    S_END,
};

const struct pcl_step pcl_page_wait_drop_path[] = {
    S_ENTER(fault),
    S_IF(lookup, L_FOUND, L_MISS),
    S_AT(L_FOUND),
    S_SLEEPY(page_wait_drop),
    S_AT(L_MISS),
    S_EXIT,
    S_END,
};

/* migrate_pages_batch(), asynchronous: what trylocks get is locked and unmapped, up to 512 pages
 * together; one flush of the TLBs; then each is moved and unlocked. What was busy is left to the
 * loop that follows, which takes one at a time. */
#define MIGRATE_BATCHES                                                                         \
    S_IF(if_one_by_one, L_NEXT), S_AT(B_NEXT), S_COND, S_IF(migrate_next, B_MOVE),              \
        S_IF(page_trylock, B_LATER), S_IF(if_gone, B_UNLOCK_LATER),                             \
        S_IF(if_writeback, B_UNLOCK_LATER), S_CPU(folio_alloc), S_IF(if_unmapped, B_ADD),       \
        S_LOCK(IMAP), S_DO(migrate_unmap_later), S_UNLOCK(IMAP), S_AT(B_ADD), S_DO(batch_add),  \
        S_IF(if_migrate_room, B_NEXT), S_AT(B_MOVE), S_DO(migrate_flush), S_AT(B_EACH),         \
        S_IF(batch_take, B_MORE), S_IF(replace, B_FAILED), S_DO(migrate_copy),                  \
        S_DO(migrate_restore), S_DO(swap_folios), S_DO(page_unlock), S_DO(put),                 \
        S_DO(swap_folios), S_DO(page_unlock), S_DO(put), S_GOTO(B_EACH), S_AT(B_FAILED),        \
        S_DO(migrate_restore), S_DO(page_unlock), S_DO(later_add), S_GOTO(B_EACH),              \
        S_AT(B_UNLOCK_LATER), S_DO(page_unlock), S_AT(B_LATER), S_DO(later_add),                \
        S_GOTO(B_NEXT), S_AT(B_MORE), S_IF(if_migrate_room, B_NEXT)

/* migrate_pages() for each folio of the range: migrate_folio_unmap(), migrate_folio_move(). A fault
 * meanwhile finds a migration entry and waits for the old folio's lock. */
const struct pcl_step pcl_migrate_path[] = {
    S_ENTER(syscall),
    S_DO(migrate_invalidate),
    MIGRATE_BATCHES,
    S_AT(L_NEXT),
    S_COND,
    S_IF(migrate_next, L_OUT),
    S_AT(L_AGAIN),
    S_IF(migrate_lock, L_BUSY),
    S_IF(if_gone, L_GONE),
    S_IF(migrate_writeback, L_GONE),
    S_CPU(folio_alloc),
    S_IF(if_unmapped, L_FOUND),
    S_LOCK(IMAP),
    S_DO(migrate_unmap),
    S_UNLOCK(IMAP),
    S_AT(L_FOUND),
    S_IF(replace, L_RETRY),
    S_DO(migrate_copy),
    S_DO(migrate_restore),
    S_DO(swap_folios), /* the new one first */
    S_DO(page_unlock),
    S_DO(put),
    S_DO(swap_folios),
    S_DO(page_unlock),
    S_DO(put_behind),
    S_GOTO(L_NEXT),
    S_AT(L_RETRY),
    S_DO(migrate_restore),
    S_DO(page_unlock),
    S_AT(L_BUSY),
    S_COND,
    S_IF(migrate_again, L_AGAIN),
    S_DO(put_behind),
    S_GOTO(L_NEXT),
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_DO(put_behind),
    S_GOTO(L_NEXT),
    S_AT(L_OUT),
    S_IF(later_take, L_EOF),
    S_GOTO(L_AGAIN),
    S_AT(L_EOF),
    S_UNLOCK(INVALIDATE),
    S_EXIT,
    S_END,
};

/* shrink_folio_list(): clean folios go, mapped or not; what is busy, dirty or held stays */
const struct pcl_step pcl_reclaim_path[] = {
    S_ENTER(syscall),
    S_AT(L_NEXT),
    S_COND,
    S_IF(reclaim_next, L_OUT),
    S_IF(page_trylock, L_BUSY),
    S_IF(if_gone, L_KEEP),
    S_IF(if_writeback, L_KEEP),
    S_IF(if_unmapped, L_FOUND),
    S_LOCK(IMAP),
    S_DO(unmap_folio),
    S_UNLOCK(IMAP),
    S_AT(L_FOUND),
    S_IF(remove_frozen, L_KEEP),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_NEXT),
    S_AT(L_KEEP),
    S_DO(page_unlock),
    S_AT(L_BUSY),
    S_DO(keep),
    S_GOTO(L_NEXT),
    S_AT(L_OUT),
    S_EXIT,
    S_END,
};

/* collapse_file(): all small folios stay locked until the data have been copied; one that is busy ends
 * it. What is absent is read in first: Linux does so with the folios before it locked, and asks for
 * the invalidate lock then, which only goes well since it takes no file that is open for writing */
const struct pcl_step pcl_khugepaged_path[] = {
    S_ENTER(syscall),
    S_CPU(folio_alloc),
    S_DO(huge_range),
    S_AT(L_MISS),
    S_IF(huge_absent, L_NEXT),
    S_LOCK(INVALIDATE),
    S_AT(L_MORE),
    S_IF(insert_ahead, L_AHEAD),
    S_LOCK(ILOCK),
    S_FS(MAP),
    S_UNLOCK(ILOCK),
    S_DO(fill_hole),
    S_DO(read_ahead),
    S_IF(more_ahead, L_MORE),
    S_AT(L_AHEAD),
    S_UNLOCK(INVALIDATE),
    S_GOTO(L_MISS),
    S_AT(L_NEXT),
    S_IF(huge_next, L_OUT, L_FOUND, L_BUSY),
    S_IF(huge_lock, L_BUSY),
    S_IF(if_gone, L_GONE),
    S_IF(if_not_read, L_GONE),
    S_IF(if_unmapped, L_LOCKED),
    S_LOCK(IMAP),
    S_DO(unmap_folio),
    S_UNLOCK(IMAP),
    S_AT(L_LOCKED),
    S_DO(batch_add),
    S_GOTO(L_NEXT),
    S_AT(L_FOUND),
    S_DO(huge_copy),
    S_IF(merge, L_OUT),
    S_GOTO(L_OUT),
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_AT(L_BUSY),
    S_DO(put),
    S_AT(L_OUT),
    S_IF(batch_take, L_FILLED),
    S_DO(page_unlock),
    S_DO(put),
    S_GOTO(L_OUT),
    S_AT(L_FILLED),
    S_IF(take_other, L_EOF),
    S_DO(page_unlock),
    S_DO(put),
    S_AT(L_EOF),
    S_EXIT,
    S_END,
};

/* split_huge_page_to_list(): fails when somebody else holds a reference */
const struct pcl_step pcl_split_path[] = {
    S_ENTER(syscall),
    S_AT(L_NEXT),
    S_COND,
    S_IF(next_large, L_OUT),
    S_IF(page_trylock, L_BUSY),
    S_IF(if_gone, L_GONE),
    S_IF(if_writeback, L_GONE),
    S_LOCK(IMAP),
    S_DO(unmap_folio),
    S_UNLOCK(IMAP),
    S_IF(split, L_GONE),
    S_AT(L_GONE),
    S_DO(page_unlock),
    S_AT(L_BUSY),
    S_DO(put_behind),
    S_GOTO(L_NEXT),
    S_AT(L_OUT),
    S_EXIT,
    S_END,
};
