/*
 * waiters-bit (variant B1, Linux 4.10 to 4.12): a hint bit in the page's flags, PG_waiters,
 * says whether anybody may be waiting. An unlock without waiters reads it in the atomic that
 * clears the lock bit, and touches nothing else. Pages have a table of their own.
 *
 * signal_first is how it was in these versions: a waiter that was woken and killed at once leaves
 * without trying, and nobody wakes the next one (mended by a8b169afbf06, 4.13).
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
 * wait:    the same, but queues at the head and looks at the bit instead of taking it;
 *          whoever has no reference to keep gives it away at the end
 * unlock:  clear the bit; if the hint is set, walk the bucket:
 *          matching entry: bit taken again -> pass it over; wake it
 *          it was asleep -> remove it, and stop if it is exclusive
 *          clear the hint if the bucket is empty or nobody of this page was met
 */
enum { TRY, AGAIN, QUEUE, HINT, SIGNAL, AWAKE };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, pw_match_or_skip, 0);
    if (op->pc >= PW_AGAIN)
        return pw_trying(L, op, op->pc == PW_NAP ? SIGNAL : AWAKE);
    switch (op->pc) {
    case TRY:
        return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, AGAIN);
    case AGAIN:
        return pw_bucket(L, op, QUEUE);
    case QUEUE:
        op->pc = PW_DOZE;
        if (!L->waiter[L->m->cur].queued) {
            pw_queue_by_kind(L, op);
            op->pc = HINT;
        }
        return PCL_MORE;
    case HINT:
        wt_set_waiters(L, op);
        op->pc = PW_DOZE;
        return PCL_MORE;
    case SIGNAL:
        if (L->param[P_SIGNAL_FIRST] && pw_killed(L, op))
            return pw_finish_and_put(L, op, PCL_PAGE_KILLED);
        return pw_retry(L, op, AGAIN);
    default:
        return pw_retry(L, op, AGAIN);
    }
}

const struct pcl_page_lock_ops pcl_lock_waiters_bit = {
    .name = "waiters-bit",
    .summary = "the hint PG_waiters; shared waiters at the head (4.10 to 4.12)",
    .source = "Linux mm/filemap.c at 62906027091f (variant B1)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
