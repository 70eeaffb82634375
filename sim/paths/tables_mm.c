/*
 * Paths of memory management: what is done to folios without a call on the file, and the bare page
 * lock, which stands for any of it.
 */
#include "tables.h"

/* The bare page lock: find, lock, recheck, compute, unlock. */
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
