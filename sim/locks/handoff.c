/*
 * handoff (variant D, Linux 5.9-rc1 to rc5): strict hand-off. The waker takes the bit on behalf
 * of the first exclusive sleeper, which therefore never has to retry and never loses its place;
 * but the lock stays held while the new owner wakes up. A running task can still barge in
 * between "bit cleared" and "waker tests and sets it": then the walk stops and the sleeper
 * stays first.
 */
#include "handoff.h"

enum { P_BREAK, P_BITS };

static const struct pcl_lock_param_info params[] = {
    WT_PARAM_BREAK,
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else
 *          under the bucket lock: set the hint; one last try; else queue at the tail
 *          DROP: give the reference away
 *          sleep until WOKEN, or until a fatal signal
 *          leave the queue if still in it; WOKEN decides, looked at after leaving
 * unlock:  clear the bit; if the hint is set, walk the bucket, with bookmarks:
 *          exclusive entry: take the bit for it or stop; mark it WOKEN, wake it, remove it
 *                           and stop
 *          shared entry: mark it WOKEN, wake it, remove it
 */
enum { HINT = HANDOFF_SLOW + 1, LAST_TRY, LOOK, OVER };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

/* scratch: 0 take the bit, 1 mark, 2 wake and remove */
static enum wt_verdict match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[op->cursor];
    bool excl = w->kind == PCL_PAGE_LOCK;

    switch (op->scratch++) {
    case 0:
        if (!excl)
            return WT_AGAIN;
        pcl_rmw(L->m, wt_folio_line(op));
        return wt_try_set(L, op) ? WT_AGAIN : WT_STOP;
    case 1:
        if (excl)
            L->stats.handoffs++;
        return pw_mark(L, op, PCL_W_WOKEN);
    default:
        return pw_wake_and_take(L, op);
    }
}

enum pcl_more handoff_wait(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= PW_LEAVE)
        return pw_leave_for(L, op, OVER);
    if (op->pc >= PW_SETTLE)
        return pw_settle(L, op, LOOK);
    switch (op->pc) {
    case HANDOFF_SLOW:
        L->waiter[L->m->cur].flags = 0;
        return pw_bucket(L, op, HINT);
    case HINT:
        wt_set_waiters(L, op);
        op->pc = LAST_TRY;
        return PCL_MORE;
    case LAST_TRY:
        return pw_last_try(L, op, PCL_W_WOKEN);
    case LOOK:
        return pw_look(L, op, OVER);
    default:
        return pw_told(L, op, PCL_W_WOKEN);
    }
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, match, L->param[P_BREAK]);
    if (op->pc >= HANDOFF_SLOW)
        return handoff_wait(L, op);
    return op->what == PCL_PAGE_UNLOCK ? pw_unlock(L, op) : pw_try(L, op, HANDOFF_SLOW);
}

const struct pcl_page_lock_ops pcl_lock_handoff = {
    .name = "handoff",
    .summary = "the waker takes the lock for the first sleeper (5.9-rc1 to rc5)",
    .source = "Linux mm/filemap.c at 2a9127fcf229 (variant D)",
    .props = PCL_PROP_FIFO | PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
