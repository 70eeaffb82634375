/*
 * page-queue (idea): each page has a queue head of its own inside its struct page. Waiters of
 * other pages are never in the way, and no unlock of another page holds this one's spinlock;
 * but every page pays for the head, waited for or not. Otherwise as folio.
 */
#include "hybrid.h"

static const struct pcl_lock_param_info params[] = {
    {"unfairness", 5, 0, 1000000,
     "races that a sleeper may lose before the lock is handed to it"},
    {0},
};

/*
 * lock:    try the bit; else wait as in hybrid, in the page's own queue
 * unlock:  clear the bit; if the hint is set, walk the page's own queue in one go
 */
enum { TRY };

static void init(struct pcl_page_locks *L)
{
    wt_init_tables(L, 0, 0);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, hybrid_match, 0);
    if (op->pc != TRY)
        return hybrid_wait(L, op);
    wt_own_bucket(L, op);
    return hybrid_start(L, op, L->param[0]);
}

static void memory(const struct pcl_page_locks *L, struct pcl_lock_memory *out)
{
    (void)L;
    *out = (struct pcl_lock_memory){.per_page = BUCKET_BYTES,
                                    .per_waiter = WAITER_BYTES,
                                    .per_page_dbg = BUCKET_BYTES_DBG,
                                    .per_waiter_dbg = WAITER_BYTES};
}

const struct pcl_page_lock_ops pcl_lock_page_queue = {
    .name = "page-queue",
    .summary = "as folio, with a queue head in each page instead of a table (idea)",
    .source = "idea: a queue head embedded in struct page; no kernel",
    .props = PCL_PROP_STEALS | PCL_PROP_BOUNDED,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = memory,
};
