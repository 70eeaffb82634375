/*
 * unfair-head (proposed in 2020, not merged): as unfair, but a waiter that was woken and lost
 * the race queues again at the head, not at the tail. It keeps its turn among the sleepers, so
 * one waiter cannot be sent round the whole queue again and again.
 */
#include "page_wait.h"

enum { P_BREAK, P_BITS };

static const struct pcl_lock_param_info params[] = {
    WT_PARAM_BREAK,
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else
 *          again: under the bucket lock: if not queued, queue, the first time at the tail and
 *                 later at the head; set the hint; say that this task sleeps
 *          if the bit is set, sleep
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait, unlock: as in unfair
 */
enum { TRY, AGAIN, QUEUE, AWAKE };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

/* credit: the waiter has stood in the queue before */
static enum pcl_more queue(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    op->pc = PW_DOZE;
    if (L->waiter[L->m->cur].queued)
        return PCL_MORE;
    if (op->credit)
        wt_prepend(L, op);
    else
        wt_append(L, op);
    op->credit = 1;
    op->pc = PW_HINT;
    return PCL_MORE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, pw_match_or_stop, L->param[P_BREAK]);
    if (op->pc >= PW_AGAIN)
        return pw_trying_dropped(L, op, AWAKE);
    switch (op->pc) {
    case TRY:
        return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, AGAIN);
    case AGAIN:
        return pw_bucket(L, op, QUEUE);
    case QUEUE:
        return queue(L, op);
    default:
        return pw_retry_dropped(L, op, AGAIN);
    }
}

const struct pcl_page_lock_ops pcl_lock_unfair_head = {
    .name = "unfair-head",
    .summary = "as unfair; losers go back to the head (not merged)",
    .source =
        "Hugh Dickins, Re: [RFC PATCH] mm: silence soft lockups from unlock_page, 2020-07-22",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
