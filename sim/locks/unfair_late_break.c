/*
 * unfair-late-break (proposed in 2020, not merged): as unfair, but a wake walk drops the bucket
 * lock only once it has woken somebody. A walk over other pages' waiters, which is short work
 * for each entry, is not interrupted before it gets to its own; one that wakes many still is.
 */
#include "page_wait.h"

enum { P_BREAK, P_BITS };

static const struct pcl_lock_param_info params[] = {
    {"break", 64, 0, 1000000, "visits after which a walk that woke somebody drops the lock"},
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock, wait: as in unfair
 * unlock:  clear the bit; if the hint is set, walk the bucket; after the break count of visits,
 *          if this walk has woken somebody, leave a bookmark and drop the lock:
 *          matching entry: bit taken again -> stop; wake it
 *          it was asleep -> remove it, and stop if it is exclusive
 *          clear the hint if the bucket is empty or nobody of this page was met
 */
enum { TRY, AWAKE };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

/* credit: this walk has woken somebody */
static enum wt_verdict match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    enum wt_verdict v = pw_match_or_stop(L, op);

    if (v == WT_TAKE)
        op->credit = 1;
    return v;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, match, op->credit ? L->param[P_BREAK] : 0);
    if (op->pc >= PW_AGAIN)
        return pw_trying_dropped(L, op, AWAKE);
    if (op->pc == TRY)
        return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, PW_AGAIN);
    return pw_retry_dropped(L, op, PW_AGAIN);
}

const struct pcl_page_lock_ops pcl_lock_unfair_late_break = {
    .name = "unfair-late-break",
    .summary = "as unfair; a walk breaks only after it has woken somebody (not merged)",
    .source =
        "Hugh Dickins, Re: [RFC PATCH] mm: silence soft lockups from unlock_page, 2020-07-22",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
