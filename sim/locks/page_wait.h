/*
 * What waiters of page locks do alike: short sequences of micro-steps. A lock's own step
 * function hands the program counters of a sequence on to it and keeps for itself what makes
 * the lock different: where a waiter queues, what it does when it is awake, whom a walk wakes.
 *
 *   0 ..           the lock's own
 *   PW_AGAIN ..    queues at the tail, with the hint
 *   PW_DOZE ..     a waiter that will try again: says that it sleeps, looks at the bit, sleeps
 *   PW_SETTLE ..   a waiter that will be told: leaves the bucket, says that it sleeps, sleeps
 *   PW_LEAVE ..    takes its entry out of the queue
 *   WT_LOCK ..     the wake walk (wait_table.h)
 */
#ifndef PCLSIM_PAGE_WAIT_H
#define PCLSIM_PAGE_WAIT_H

#include "wait_table.h"

enum pw_pc {
    PW_AGAIN = 24,  /* take the bucket lock */
    PW_QUEUE,       /* queue, if the entry is not queued */
    PW_HINT,        /* set PG_waiters */
    PW_DOZE = 32,   /* say that this task sleeps, let go of the bucket */
    PW_TEST,        /* is the bit still set? */
    PW_NAP,         /* then sleep */
    PW_SETTLE = 40, /* let go of the bucket; DROP gives its reference away */
    PW_STATE,       /* say that this task sleeps; the lock looks at what it was told */
    PW_SLEEP,
    PW_LEAVE = 48,
    PW_LEAVE_LOCKED,
    PW_LEAVE_UNLOCK
};

/* True when the operation wants to own the bit, not to see it clear. */
static inline bool pw_exclusive(const struct pcl_page_op *op)
{
    return op->what == PCL_PAGE_LOCK || op->what == PCL_PAGE_TRYLOCK;
}

/** True when a fatal signal ends the operation. */
static inline bool pw_killed(const struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    return op->killable && L->m->model[L->m->cur].killed;
}

/** Takes the bit, or looks at it, as the operation wants: one access. True: it has what it
 * wants. */
bool pw_satisfied(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Micro-step: the fast path of an acquisition. What neither succeeds nor fails at once goes on
 * at slow. */
enum pcl_more pw_try(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t slow);

/** Micro-step: clears the bit and reads the hint in one atomic; without the hint that is all,
 * else the walk follows. */
enum pcl_more pw_unlock(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Micro-step: clears the bit; what is to be done about waiters follows at next. */
enum pcl_more pw_clear(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t next);

/** Micro-step: reads the head of the bucket without its lock; an empty queue ends the unlock.
 */
enum pcl_more pw_peek(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Micro-step: takes the bucket lock; goes on at next. */
enum pcl_more pw_bucket(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t next);

/** Puts the running task in the queue: whoever only waits for the bit to clear at the head, who
 * wants to own it at the tail. */
void pw_queue_by_kind(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Micro-steps PW_AGAIN to PW_HINT: whoever is not queued queues at the tail and sets the hint;
 * then PW_DOZE, with the bucket lock held. */
enum pcl_more pw_queue_at_tail(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Micro-step after a sleep: tries; got it -> leaves, done; a fatal signal -> leaves, killed;
 * else goes on at again. */
enum pcl_more pw_retry(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t again);

/** The same, but DROP is done after one sleep: it must not look at the folio any more. */
enum pcl_more pw_retry_dropped(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t again);

/** Micro-steps PW_SETTLE to PW_SLEEP, under the bucket lock at first; each time the task has
 * said that it sleeps they go on at look. */
enum pcl_more pw_settle(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t look);

/** Ends the operation with a result, over PW_LEAVE if the entry is still queued. */
enum pcl_more pw_finish(struct pcl_page_locks *L, struct pcl_page_op *op,
                        enum pcl_page_result r);

/** The same for a waiter that has kept the reference which a DROP has to give away. */
enum pcl_more pw_finish_and_put(struct pcl_page_locks *L, struct pcl_page_op *op,
                                enum pcl_page_result r);

/** Micro-steps PW_LEAVE to PW_LEAVE_UNLOCK; done when the entry is out. */
enum pcl_more pw_leave(struct pcl_page_locks *L, struct pcl_page_op *op);

/** The same, and on at over. */
enum pcl_more pw_leave_for(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t over);

/** Micro-step under the bucket lock: one last try; success marks the running task's own entry
 * with flags, else it queues at the tail. PW_SETTLE follows. */
enum pcl_more pw_last_try(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t flags);

/** Micro-step: reads what the entry's flags say. WOKEN or a fatal signal: awake, and over
 * PW_LEAVE if the entry is still queued, to over; else to PW_SLEEP. */
enum pcl_more pw_look(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t over);

/** Ends the operation: it has got what it wants when one of flags is set, else it was killed.
 */
enum pcl_more pw_told(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t flags);

/** Micro-step of a walk: tells the waiter at the cursor. */
enum wt_verdict pw_mark(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t flags);

/** Micro-step of a walk: wakes the waiter at the cursor, who needs not be asleep, and takes it
 * out; an exclusive one ends the walk. */
enum wt_verdict pw_wake_and_take(struct pcl_page_locks *L, struct pcl_page_op *op);

/** Micro-steps PW_AGAIN to PW_LEAVE_UNLOCK of a waiter that queues at the tail and tries again.
 */
enum pcl_more pw_trying(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t awake);

/** The same; DROP gives its reference away before it sleeps. */
enum pcl_more pw_trying_dropped(struct pcl_page_locks *L, struct pcl_page_op *op,
                                uint8_t awake);

/** A walk's treatment of a matching entry whose task will try for itself. The bit taken again
 * ends the walk; a wake-up that reaches an exclusive waiter does. A task that was not asleep
 * stays queued, and the walk goes on. */
enum wt_verdict pw_match_or_stop(struct pcl_page_locks *L, struct pcl_page_op *op);

/** The same, but an entry that finds the bit taken again is passed over and the walk goes on.
 */
enum wt_verdict pw_match_or_skip(struct pcl_page_locks *L, struct pcl_page_op *op);

#endif
