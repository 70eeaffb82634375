/*
 * unfair (variant C, Linux 5.0 to 5.8): a woken waiter has nothing but the right to try. It
 * queues at the tail, sleeps, is woken when the bit was cleared, and competes with whoever
 * runs; if it loses it goes to the tail again. Nothing bounds how often it can lose.
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
 *          again: under the bucket lock: if not queued, queue at the tail, set the hint;
 *                 say that this task sleeps
 *          if the bit is set, sleep
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait:    the same, but looks at the bit instead of taking it; DROP gives its reference away
 *          after queueing, sleeps once and looks no more
 * unlock:  clear the bit; if the hint is set, walk the bucket, with bookmarks:
 *          matching entry: bit taken again -> stop; wake it
 *          it was asleep -> remove it, and stop if it is exclusive
 *          clear the hint if the bucket is empty or nobody of this page was met
 */
enum { TRY, AWAKE };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, pw_match_or_stop, L->param[P_BREAK]);
    if (op->pc >= PW_AGAIN)
        return pw_trying_dropped(L, op, AWAKE);
    if (op->pc == TRY)
        return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, PW_AGAIN);
    return pw_retry_dropped(L, op, PW_AGAIN);
}

const struct pcl_page_lock_ops pcl_lock_unfair = {
    .name = "unfair",
    .summary = "woken waiters compete; losers go to the tail (5.0 to 5.8)",
    .source = "Linux mm/filemap.c at 9a1ea439b16b (variant C)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
