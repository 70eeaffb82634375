/*
 * The kernel memory that a scheme's locks take, from the structures' sizes alone: no machine runs.
 */
#ifndef PCLSIM_ACCOUNT_H
#define PCLSIM_ACCOUNT_H

#include <pclsim/scheme.h>

/* Kernel memory, bytes, by the structures of x86-64 with lockdep off and on. */
struct pcl_lock_memory {
    int64_t fixed;      /* once per system (wait tables) */
    int64_t per_page;   /* per cached folio, on top of struct page */
    int64_t per_inode;  /* per inode, idle */
    int64_t per_held;   /* per held range or page */
    int64_t per_waiter; /* per waiting task */
    int64_t fixed_dbg, per_page_dbg, per_inode_dbg, per_held_dbg, per_waiter_dbg;
};

struct pcl_scheme_memory {
    bool used[PCL_N_ROLES]; /* roles that a scheme can give a lock: page, mmap, iolock ... */
    struct pcl_lock_memory of[PCL_N_ROLES];
};

/* What a scheme's locks need for one of each. An inode's roles are iolock, invalidate, ilock and
 * imap; the lock of an address space is left out. */
struct pcl_memory_rates {
    int64_t fixed;        /* once */
    int64_t page;         /* per page */
    int64_t inode;        /* all locks of an inode */
    int64_t waiter;       /* per waiter of a page lock */
    int64_t range;        /* per operation that holds a range in every role of an inode */
    int64_t range_waiter; /* per waiter of an inode's lock, the costliest role */
};

/** The rates of an account, with the structures' sizes under lockdep or without. */
void pcl_memory_rates(const struct pcl_scheme_memory *m, bool lockdep,
                      struct pcl_memory_rates *out);

/** Fills out from each lock's own account. Fails as a run would: a lock or parameter that does not
 * exist. */
int pcl_scheme_memory(const struct pcl_scheme *s, struct pcl_scheme_memory *out,
                      struct pcl_err *err);

#endif
