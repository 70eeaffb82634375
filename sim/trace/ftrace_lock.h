/*
 * Lock events made into waits and holds. Three sources, none of which tells all:
 *
 *   xfs_ilock          a request: it is traced BEFORE the lock is taken
 *     contention_begin   the request has to wait; names the lock by its address only
 *     contention_end     now it is taken
 *   xfs_iunlock        traced AFTER the release
 *
 *   sched_switch, state D, with folio_wait_bit_common in its stack: a wait for a folio
 *
 * An address gets its class from what its waiters were about to do; the waits of all addresses
 * are kept apart until the end, when the votes are counted.
 */
#ifndef PCLSIM_TRACE_FTRACE_LOCK_H
#define PCLSIM_TRACE_FTRACE_LOCK_H

#include "map.h"
#include "text.h"

#include <pclsim/trace_locks.h>

enum lock_class {
    LOCK_IOLOCK, /* the three of XFS, in the order in which one request takes them */
    LOCK_INVALIDATE,
    LOCK_ILOCK,
    LOCK_MMAP,
    LOCK_PAGE,
    LOCK_WRITEBACK,
    LOCK_RWSEM, /* none of the above */
    LOCK_MUTEX,
    LOCK_SPIN,
    LOCK_QRWLOCK,
    LOCK_PERCPU,
    LOCK_SEMAPHORE,
    LOCK_N_CLASSES
};

#define LOCK_N_XFS 3
#define LOCK_NO_CLASS LOCK_N_CLASSES
#define LOCK_MAX_HELD 32  /* at a time by one thread; XFS takes up to ten */
#define LOCK_MAX_WAITS 4  /* a sleeper's, and those of interrupts on top */

struct lock_inode {
    uint64_t dev, ino;
};

/* What one thread holds and waits for. Zeroed is nothing. */
struct lock_thread {
    struct {
        uint64_t addr;
        pcl_ns since;
        unsigned flags;
        unsigned bits; /* of the request that waits here; 0: none */
    } wait[LOCK_MAX_WAITS];
    unsigned n_waits;
    struct {
        struct lock_inode inode;
        unsigned bit; /* of XFS' flags */
        bool tried;   /* a nowait request: it may have failed */
        pcl_ns since;
    } held[LOCK_MAX_HELD];
    unsigned n_held;
    struct lock_inode asked; /* the request made last, if nothing has happened since */
    unsigned asked_bits;
    bool faults;       /* the last event was a page fault in a file */
    bool maps;         /* in a system call on address spaces */
    pcl_ns asleep;     /* switched away in state D; -1: no */
    enum lock_class waits_for; /* what the stack of that says */
};

struct lock_stat {
    uint64_t acquisitions, contentions, holds, trylock_failures;
    pcl_ns wait_min, wait_max, wait_total, hold_min, hold_max, hold_total;
};

struct lock_addr {
    uint64_t votes[LOCK_N_CLASSES + 1];
    struct lock_stat stat[2]; /* shared, exclusive */
};

struct locks {
    struct lock_stat stat[LOCK_N_CLASSES][2];
    struct map by_addr; /* address -> index */
    struct lock_addr *addrs;
    size_t n_addrs, cap_addrs;
    uint64_t unmatched; /* ends without a begin, releases without a request */
    uint64_t dropped;   /* what a hole in the recording or its end left open */
    bool xfs, folios;   /* which sources there were */
    uint64_t last_addr; /* of the last begin, for its stack */
};

void locks_thread_init(struct lock_thread *t);
void locks_fini(struct locks *l);

/** xfs_ilock and xfs_ilock_nowait, with XFS' flags. */
void locks_request(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned flags,
                   bool nowait, pcl_ns now);
void locks_release(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned flags,
                   pcl_ns now);
void locks_demote(struct locks *l, struct lock_thread *t, struct lock_inode i, unsigned flags,
                  pcl_ns now);

/** contention_begin and contention_end. */
void locks_wait(struct locks *l, struct lock_thread *t, uint64_t addr, unsigned flags,
                pcl_ns now);
void locks_waited(struct locks *l, struct lock_thread *t, uint64_t addr, pcl_ns now);

/** A frame of the stack below a contention_begin, or below a switch away in state D. */
void locks_frame(struct locks *l, struct lock_thread *t, struct text function);

/** The thread runs again (or never slept). */
void locks_runs(struct locks *l, struct lock_thread *t, pcl_ns now);

/** Events are missing: nothing that is open can be closed. */
void locks_forget(struct locks *l, struct lock_thread *t);

/** "IOLOCK_EXCL|0x5000000" as XFS' bits; what lockdep adds is left out. */
unsigned locks_xfs_flags(struct text t);
/** "SPIN|READ" or a number, as the kernel's bits. */
unsigned locks_contention_flags(struct text t);

/** The measured table, malloc'ed: one row per class and mode in which anything was seen. */
struct pcl_trace_lock *locks_table(struct locks *l, size_t *n);

#endif
