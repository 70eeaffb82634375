/*
 * fifo-tail (variant B2, Linux 4.13): every waiter queues at the tail, also who only waits for
 * the bit to clear, and a walk that finds the bit taken again stops instead of passing entries
 * over. So no waiter is overtaken inside the queue, and a walk does not run on for nothing.
 */
#include "page_wait.h"

enum { P_BITS, P_SIGNAL_FIRST };

static const struct pcl_lock_param_info params[] = {
    WT_PARAM_BITS,
    {"signal_first", 0, 0, 1, "1: after a sleep look for a signal before trying, as once was"},
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else
 *          again: under the bucket lock: if not queued, queue at the tail and set the hint; say
 *                 that this task sleeps
 *          if the bit is set, sleep (signal_first: then a fatal signal -> leave, killed)
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait:    the same, but looks at the bit instead of taking it; whoever has no reference
 *          to keep gives it away at the end
 * unlock:  clear the bit; if the hint is set, walk the bucket:
 *          matching entry: bit taken again -> stop; wake it
 *          it was asleep -> remove it, and stop if it is exclusive
 *          clear the hint if the bucket is empty or nobody of this page was met
 *
 * signal_first is how it was until a8b169afbf06 of the same version: a waiter that was woken
 * and killed at once leaves without trying, and nobody wakes the next one.
 */
enum { TRY, SIGNAL, AWAKE };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, pw_match_or_stop, 0);
    if (op->pc >= PW_AGAIN)
        return pw_trying(L, op, op->pc == PW_NAP ? SIGNAL : AWAKE);
    switch (op->pc) {
    case TRY:
        return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, PW_AGAIN);
    case SIGNAL:
        if (L->param[P_SIGNAL_FIRST] && pw_killed(L, op))
            return pw_finish_and_put(L, op, PCL_PAGE_KILLED);
        return pw_retry(L, op, PW_AGAIN);
    default:
        return pw_retry(L, op, PW_AGAIN);
    }
}

const struct pcl_page_lock_ops pcl_lock_fifo_tail = {
    .name = "fifo-tail",
    .summary = "all waiters at the tail; a walk stops at a bit taken again (4.13)",
    .source = "Linux mm/filemap.c at 3510ca20ece0 (variant B2)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
