/*
 * atomic-handoff (idea of 2020, not merged): the bit is cleared inside the wake walk, under the
 * bucket lock. If an exclusive waiter is found the bit is never cleared at all: it changes
 * hands while set, so nobody can barge in between. Without waiters the unlock is one atomic as
 * ever.
 */
#include "handoff.h"

static const struct pcl_lock_param_info params[] = {
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
 * unlock:  hint clear -> clear the bit, in one atomic; else walk the bucket, the bit set:
 *          exclusive entry: mark it WOKEN, the bit is its own now; wake it, remove it, stop
 *          shared entry: mark it WOKEN, wake it, remove it; it may see the bit still set
 *          at the end, if nobody has taken the bit over, clear it; then leave the bucket
 * end of write-back: nobody wants to own that bit: clear it first, then walk
 */
/* credit of an unlock */
enum { CLEARED = 1, HANDED_OVER };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[0]);
}

/* scratch: 0 mark, 1 wake and remove */
static enum wt_verdict match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    bool excl = L->waiter[op->cursor].kind == PCL_PAGE_LOCK;

    if (op->scratch++ == 0) {
        if (excl) {
            op->credit = HANDED_OVER;
            L->stats.handoffs++;
        }
        return pw_mark(L, op, PCL_W_WOKEN);
    }
    return pw_wake_and_take(L, op);
}

static enum pcl_more unlock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->bit != PCL_PG_LOCKED) {
        op->credit = CLEARED;
        return pw_unlock(L, op);
    }
    pcl_rmw(L->m, wt_folio_line(op));
    op->pc = WT_LOCK;
    if (*wt_flags(L, op) & PCL_PG_WAITERS)
        return PCL_MORE;
    wt_clear(L, op);
    return PCL_DONE;
}

static enum pcl_more walk(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc != WT_CLEAR || op->credit)
        return wt_walk(L, op, match, 0);
    pcl_rmw(L->m, wt_folio_line(op)); /* nobody took the bit over */
    wt_clear(L, op);
    op->credit = CLEARED;
    return PCL_MORE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return walk(L, op);
    if (op->pc >= HANDOFF_SLOW)
        return handoff_wait(L, op);
    return op->what == PCL_PAGE_UNLOCK ? unlock(L, op) : pw_try(L, op, HANDOFF_SLOW);
}

const struct pcl_page_lock_ops pcl_lock_atomic_handoff = {
    .name = "atomic-handoff",
    .summary = "the bit changes hands under the bucket lock; no barging (not merged)",
    .source = "Linus Torvalds, mail of 2020-11-24 on clearing the bit inside the wake walk",
    .props = PCL_PROP_FIFO,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
