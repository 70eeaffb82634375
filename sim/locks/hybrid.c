/*
 * hybrid (variant E, Linux 5.9 to 6.6): limited unfairness. A sleeper may lose the race for the
 * bit a few times (page_lock_unfairness), each time going to the tail; after that its waker
 * takes the bit for it, as in handoff. WOKEN says "a waker has seen you", DONE says "the bit is
 * yours".
 */
#include "hybrid.h"

enum { P_UNFAIRNESS, P_BREAK, P_BITS };

static const struct pcl_lock_param_info params[] = {
    {"unfairness", 5, 0, 1000000,
     "races that a sleeper may lose before the lock is handed to it"},
    WT_PARAM_BREAK,
    WT_PARAM_BITS,
    WT_PARAM_HASH,
    {0},
};

/*
 * lock:    try the bit; else credit = unfairness, and
 *          repeat: an exclusive waiter spends one credit; without any it asks for HANDOFF
 *                  under the bucket lock: set the hint; try (mark WOKEN and DONE) or queue
 *                  at the tail
 *                  DROP: give the reference away
 *          wait:   say that this task sleeps; read the entry's flags
 *                  not WOKEN: a fatal signal -> leave; else sleep; go to wait
 *                  WOKEN, shared: enough, the bit is not looked at again
 *                  WOKEN, DONE: the waker took the bit for us
 *                  WOKEN, not DONE: try the bit; lost -> go to repeat
 *          leave the queue if still in it; exclusive: DONE decides, shared: WOKEN decides
 * unlock:  clear the bit; if the hint is set, walk the bucket:
 *          exclusive entry: bit taken again -> stop. HANDOFF: take the bit for it or stop; DONE
 *          mark WOKEN, wake, remove; an exclusive entry ends the walk
 */
enum { HINT = HYBRID_REPEAT + 1, QUEUE, LOOK, RACE, OVER };

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
}

/* scratch: 0 look at or take the bit, 1 mark, 2 wake and remove */
enum wt_verdict hybrid_match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[op->cursor];

    switch (op->scratch++) {
    case 0:
        if (w->kind != PCL_PAGE_LOCK)
            return WT_AGAIN;
        if (!(w->flags & PCL_W_HANDOFF)) {
            pcl_load(L->m, wt_folio_line(op));
            return wt_bit_set(L, op) ? WT_STOP : WT_AGAIN;
        }
        pcl_rmw(L->m, wt_folio_line(op));
        if (!wt_try_set(L, op))
            return WT_STOP;
        w->flags |= PCL_W_DONE; /* seen by the waiter only with WOKEN */
        L->stats.handoffs++;
        return WT_AGAIN;
    case 1:
        return pw_mark(L, op, PCL_W_WOKEN);
    default:
        return pw_wake_and_take(L, op);
    }
}

/* What a waiter makes of its entry's flags. */
static enum pcl_more look(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    (void)pw_look(L, op, OVER);
    const struct pcl_waiter *w = &L->waiter[L->m->cur];

    if (pw_exclusive(op) && (w->flags & PCL_W_WOKEN) && !(w->flags & PCL_W_DONE))
        op->pc = RACE;
    return PCL_MORE;
}

static enum pcl_more race(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[L->m->cur];

    if (pw_satisfied(L, op)) {
        w->flags |= PCL_W_DONE;
        op->pc = w->queued ? PW_LEAVE : OVER;
        return PCL_MORE;
    }
    L->stats.lost_retries++;
    op->pc = HYBRID_REPEAT;
    return PCL_MORE;
}

enum pcl_more hybrid_wait(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[L->m->cur];

    if (op->pc >= PW_LEAVE)
        return pw_leave_for(L, op, OVER);
    if (op->pc >= PW_SETTLE)
        return pw_settle(L, op, LOOK);
    switch (op->pc) {
    case HYBRID_REPEAT:
        w->flags = 0;
        if (pw_exclusive(op) && --op->credit < 0)
            w->flags = PCL_W_HANDOFF;
        return pw_bucket(L, op, HINT);
    case HINT:
        wt_set_waiters(L, op);
        op->pc = QUEUE;
        return PCL_MORE;
    case QUEUE:
        return pw_last_try(L, op, PCL_W_WOKEN | PCL_W_DONE);
    case LOOK:
        return look(L, op);
    case RACE:
        return race(L, op);
    default:
        return pw_told(L, op, pw_exclusive(op) ? PCL_W_DONE : PCL_W_WOKEN);
    }
}

enum pcl_more hybrid_start(struct pcl_page_locks *L, struct pcl_page_op *op, int64_t unfairness)
{
    if (op->what == PCL_PAGE_UNLOCK)
        return pw_unlock(L, op);
    op->credit = (int32_t)unfairness;
    return pw_try(L, op, HYBRID_REPEAT);
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, hybrid_match, L->param[P_BREAK]);
    if (op->pc >= HYBRID_REPEAT)
        return hybrid_wait(L, op);
    return hybrid_start(L, op, L->param[P_UNFAIRNESS]);
}

const struct pcl_page_lock_ops pcl_lock_hybrid = {
    .name = "hybrid",
    .summary = "a few lost races, then hand-off (5.9 to 6.6)",
    .source = "Linux mm/filemap.c at 5ef64cc8987a (variant E)",
    .props = PCL_PROP_STEALS | PCL_PROP_BOUNDED,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
