/*
 * bookmark (variant B3, Linux 4.14 to 4.20): a long wake walk lets others have the bucket.
 * After more than so many visits it leaves an entry of its own in the queue, drops the bucket
 * lock, and goes on behind that entry. Who queues meanwhile makes the same walk longer.
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
 *          again: under the bucket lock: if not queued, queue at the tail and set the hint; say
 *                 that this task sleeps
 *          if the bit is set, sleep
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait:    the same, but looks at the bit instead of taking it; whoever has no reference
 *          to keep gives it away at the end
 * unlock:  clear the bit; if the hint is set, walk the bucket; after more than 64 visits leave
 *          a bookmark, drop the bucket lock, take it again and go on behind the bookmark:
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
        return pw_trying(L, op, AWAKE);
    if (op->pc == TRY)
        return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, PW_AGAIN);
    return pw_retry(L, op, PW_AGAIN);
}

const struct pcl_page_lock_ops pcl_lock_bookmark = {
    .name = "bookmark",
    .summary = "as fifo-tail; a walk drops the bucket lock every 64 visits (4.14 to 4.20)",
    .source = "Linux mm/filemap.c and kernel/sched/wait.c at 04768f964298 (variant B3)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
