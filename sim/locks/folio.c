/*
 * folio (variant F, Linux 6.7 on): the waiters of hybrid, and a walk that is not interrupted:
 * the bookmarks are gone, so the bucket lock is held, with interrupts off, for as long as the
 * walk takes. The unlock is one exclusive-or that clears the bit, may set others, and reads the
 * hint: one atomic, as before.
 */
#include "hybrid.h"

enum { P_UNFAIRNESS, P_BITS };

static const struct pcl_lock_param_info params[] = {
    {"unfairness", 5, 0, 1000000,
     "races that a sleeper may lose before the lock is handed to it"},
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else wait as in hybrid: hint, one last try, tail of the queue; woken ->
 *          try, lost -> tail; after five lost races the next waker takes the bit for it
 * unlock:  clear the bit; if the hint is set, walk the bucket from head to end or to the first
 *          exclusive waiter without letting go of it
 */
static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, hybrid_match, 0);
    if (op->pc >= HYBRID_REPEAT)
        return hybrid_wait(L, op);
    return hybrid_start(L, op, L->param[P_UNFAIRNESS]);
}

const struct pcl_page_lock_ops pcl_lock_folio = {
    .name = "folio",
    .summary = "as hybrid, each wake walk in one go (6.7 on)",
    .source = "Linux mm/filemap.c at b6273b55d885 (variant F)",
    .props = PCL_PROP_STEALS | PCL_PROP_BOUNDED,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
