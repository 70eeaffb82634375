/*
 * The hashed wait table: pieces that the page locks with wait queues share, without variant
 * switches. Which micro-step does what, and in which order, stands in each lock's own file.
 *
 *   bucket[hash(struct page address)]: spinlock, head <-> entry <-> entry <-> ... <-> tail
 *
 * An entry lies on its waiter's stack; a walker's bookmark is an entry too. Buckets are 24
 * bytes: neighbours share cache lines.
 */
#ifndef PCLSIM_WAIT_TABLE_H
#define PCLSIM_WAIT_TABLE_H

#include <pclsim/locks.h>

enum {
    BUCKET_BYTES = 24, /* wait_queue_head, lockdep off */
    BUCKET_BYTES_DBG = 80,
    WAITER_BYTES = 56, /* wait_page_queue */
    STRUCT_PAGE_BYTES = 64
};

/* Rows of parameters that many locks have. */
#define WT_PARAM_BITS                                                                          \
    {                                                                                          \
        "bits", 8, 0, 20, "log2 of the number of buckets"                                      \
    }
#define WT_PARAM_BREAK                                                                         \
    {                                                                                          \
        "break", 64, 0, 1000000,                                                               \
            "visits after which a wake walk drops the bucket lock; 0 never"                    \
    }

/* How a struct page's address becomes a bucket. The last row of a lock's parameters. */
enum wt_hash {
    WT_HASH_64,   /* times the golden ratio: hash_64() since 4.7 */
    WT_HASH_OLD,  /* times a number near it with few bits set: before (from memory) */
    WT_HASH_NONE  /* the page's number, cut off */
};

#define WT_PARAM_HASH                                                                          \
    {                                                                                          \
        "hash", WT_HASH_64, WT_HASH_64, WT_HASH_NONE,                                          \
            "of struct page addresses: 0 as since Linux 4.7, 1 as before, 2 none: neighbours " \
            "in memory are neighbours in the table"                                            \
    }

/** Allocates 2^bits buckets. */
void wt_init(struct pcl_page_locks *L, uint32_t bits);

/** Allocates so many tables of 2^bits buckets each, one behind the other. */
void wt_init_tables(struct pcl_page_locks *L, uint32_t tables, uint32_t bits);

/** Gives op's folio a bucket of its own, numbered as the folio, in a line of the page's. Tables
 * grow on demand: to be called at the begin of every operation. */
void wt_own_bucket(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Memory account of a lock that uses the table. */
void wt_memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out);

/** The bucket of a folio, by the hash of its struct page's address. */
uint32_t wt_bucket(const struct pcl_page_locks *L, uint32_t pfn);

static inline uint8_t *wt_flags(const struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    return &(*L->flags)[op->folio];
}

static inline pcl_line wt_folio_line(const struct pcl_page_op *op)
{
    return PCL_LINE(FOLIO, op->pfn);
}

/** The line that a bucket lies in; in a table neighbours share it. */
static inline pcl_line wt_bucket_line(const struct pcl_page_locks *L, uint32_t bucket)
{
    return PCL_LINE(BUCKET, L->bucket[bucket].line);
}

/** Micro-step: spin_lock_irq on the bucket of op's folio. */
void wt_lock(struct pcl_page_locks *L, struct pcl_page_op *op);
/** Micro-step: spin_unlock_irq. */
void wt_unlock(struct pcl_page_locks *L, struct pcl_page_op *op);

/* The following work on the queue under the bucket lock. */

/** Puts the running body's entry at the tail, or at the head. */
void wt_append(struct pcl_page_locks *L, struct pcl_page_op *op);
void wt_prepend(struct pcl_page_locks *L, struct pcl_page_op *op);
void wt_remove(struct pcl_page_locks *L, uint32_t bucket, uint32_t entry);

/** Sets PG_waiters, if it is not set. */
void wt_set_waiters(struct pcl_page_locks *L, struct pcl_page_op *op);

/** One visit of a wake walk: reads the entry at op->cursor; true when it waits for op's folio
 * and bit. Counts the visit. */
bool wt_visit(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Starts a walk at the head; false when the queue is empty. */
static inline bool wt_first(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    op->cursor = L->bucket[op->bucket].head;
    op->matched = 0;
    op->visits = op->walked = 0;
    L->stats.walks++;
    return op->cursor != PCL_NONE;
}

/** Puts the walker's bookmark before the entry at op->cursor, to drop the lock there. */
void wt_bookmark(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Takes the bookmark out and puts the cursor on what followed it; false at the end. */
bool wt_resume(struct pcl_page_locks *L, struct pcl_page_op *op);

/** At the end of a walk: clears PG_waiters when the bucket is empty or no visited entry of this
 * folio was left in it. */
void wt_clear_waiters(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Wakes the task of the entry at op->cursor; false when it was not asleep. */
bool wt_wake(struct pcl_page_locks *L, struct pcl_page_op *op);

/** True when the bit that op waits for is set. */
static inline bool wt_bit_set(const struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    return *wt_flags(L, op) & op->bit;
}

/** Atomic test-and-set of op's bit; true when it was clear. The caller has made the access. */
static inline bool wt_try_set(struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    uint8_t *f = wt_flags(L, op);

    if (*f & op->bit)
        return false;
    *f |= op->bit;
    return true;
}

/** Atomically clears op's bit and reads PG_waiters. */
static inline bool wt_clear(struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    uint8_t *f = wt_flags(L, op);

    *f &= (uint8_t) ~(op->bit & ~L->cleared);
    return *f & PCL_PG_WAITERS;
}

/* What a lock decides about a matching entry that a walk has come to. */
enum wt_verdict {
    WT_AGAIN,    /* one more micro-step is needed (op->scratch is the lock's to use) */
    WT_STAY,     /* the entry stays queued; the walk goes on */
    WT_STOP,     /* the entry stays queued; the walk ends */
    WT_TAKE,     /* the entry leaves the queue; the walk goes on */
    WT_TAKE_STOP /* the entry leaves the queue; the walk ends */
};

typedef enum wt_verdict (*wt_match)(struct pcl_page_locks *L, struct pcl_page_op *op);

/* Program counters of a walk; a lock's own ones lie below. */
enum wt_walk_pc {
    WT_LOCK = 64, /* take the bucket lock, interrupts off */
    WT_FIRST,     /* the head of the queue */
    WT_VISIT,     /* read the entry: another folio or bit is skipped, at the cost of a visit */
    WT_MATCH,     /* the lock's own treatment */
    WT_BREAK_UNLOCK, /* a bookmark is in: let others have the bucket */
    WT_BREAK_LOCK,
    WT_RESUME,
    WT_CLEAR, /* PG_waiters, if nobody is left */
    WT_UNLOCK,
    WT_DONE
};

/** A micro-step of the wake walk over op's bucket, from op->pc = WT_LOCK on. break_count:
 * visits after which the lock is dropped at a bookmark, 0 never. */
enum pcl_more wt_walk(struct pcl_page_locks *L, struct pcl_page_op *op, wt_match match,
                      int64_t break_count);

/** Common invariants: queues are consistent; an entry's folio has PG_waiters set (unless the
 * bucket's lock is held just now). */
bool wt_validate(const struct pcl_page_locks *L, const char **why);

/** The queues' consistency alone, for locks without the hint. */
bool wt_validate_queues(const struct pcl_page_locks *L, const char **why);

#endif
