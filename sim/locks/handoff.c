/*
 * handoff (variant D, Linux 5.9-rc1 to rc5): strict hand-off. The waker takes the bit on behalf of
 * the first exclusive sleeper, which therefore never has to retry and never loses its place; but
 * the lock stays held while the new owner wakes up. A running task can still barge in between
 * "bit cleared" and "waker tests and sets it": then the walk stops and the sleeper stays first.
 */
#include "wait_table.h"

enum {
    P_BREAK
};

static const struct pcl_lock_param_info params[] = {
    {"break", 64, 0, 1000000, "visits after which a wake walk drops the bucket lock; 0 never"},
    {"bits", 8, 0, 20, "log2 of the number of buckets"},
    {0},
};

/*
 * lock:    try the bit; else
 *          under the bucket lock: set the hint; one last try; else queue at the tail
 *          DROP: give the reference away
 *          sleep until WOKEN, or until a fatal signal
 *          leave the queue if still in it; WOKEN decides, looked at after leaving
 * unlock:  clear the bit; if the hint is set, walk the bucket:
 *          exclusive entry: take the bit for it or stop; mark it WOKEN, wake it, remove it, stop
 *          shared entry: mark it WOKEN, wake it, remove it
 */
enum {
    TRY,
    SLOW,
    HINT,
    LAST_TRY,
    SLOW_UNLOCK,
    STATE,
    LOOK,
    SLEEP,
    LEAVE,
    LEAVE_LOCKED,
    LEAVE_UNLOCK,
    OVER
};

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[1]);
}

static bool exclusive(const struct pcl_page_op *op)
{
    return op->what == PCL_PAGE_LOCK || op->what == PCL_PAGE_TRYLOCK;
}

static bool satisfied(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (exclusive(op)) {
        pcl_rmw(L->m, wt_folio_line(op));
        return wt_try_set(L, op);
    }
    pcl_load(L->m, wt_folio_line(op));
    return !wt_bit_set(L, op);
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
        pcl_store(L->m, PCL_LINE(WAITER, op->cursor));
        w->flags |= PCL_W_WOKEN;
        if (excl)
            L->stats.handoffs++;
        return WT_AGAIN;
    default:
        wt_wake(L, op);
        return excl ? WT_TAKE_STOP : WT_TAKE;
    }
}

static enum pcl_more try_first(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->what == PCL_PAGE_UNLOCK) {
        pcl_rmw(L->m, wt_folio_line(op));
        op->pc = WT_LOCK;
        return wt_clear(L, op) ? PCL_MORE : PCL_DONE;
    }
    op->result = PCL_PAGE_GOT;
    if (satisfied(L, op))
        return PCL_DONE;
    if (op->what == PCL_PAGE_TRYLOCK) {
        L->stats.trylock_failures++;
        op->result = PCL_PAGE_BUSY;
        return PCL_DONE;
    }
    L->waiter[L->m->cur].flags = 0;
    op->pc = SLOW;
    return PCL_MORE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;
    struct pcl_waiter *w = &L->waiter[m->cur];

    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, match, L->param[P_BREAK]);
    switch (op->pc) {
    case TRY:
        return try_first(L, op);
    case SLOW:
        op->pc = HINT;
        wt_lock(L, op);
        break;
    case HINT:
        wt_set_waiters(L, op);
        op->pc = LAST_TRY;
        break;
    case LAST_TRY:
        if (satisfied(L, op))
            w->flags |= PCL_W_WOKEN;
        else
            wt_append(L, op);
        op->pc = SLOW_UNLOCK;
        break;
    case SLOW_UNLOCK:
        op->pc = STATE;
        wt_unlock(L, op);
        if (op->what == PCL_PAGE_WAIT_DROP && L->drop)
            L->drop(L->pfn_arg, op->folio);
        break;
    case STATE:
        pcl_set_state(m, op->killable ? PCL_TASK_KILLABLE : PCL_TASK_UNINTERRUPTIBLE);
        op->pc = LOOK;
        break;
    case LOOK:
        pcl_load(m, PCL_LINE(WAITER, m->cur));
        if ((w->flags & PCL_W_WOKEN) || (op->killable && m->model[m->cur].killed)) {
            pcl_set_state(m, PCL_TASK_RUNNING);
            op->pc = w->queued ? LEAVE : OVER;
            break;
        }
        op->pc = SLEEP;
        break;
    case SLEEP:
        op->pc = STATE;
        pcl_schedule(m);
        break;
    case LEAVE:
        op->pc = LEAVE_LOCKED;
        wt_lock(L, op);
        break;
    case LEAVE_LOCKED:
        if (w->queued)
            wt_remove(L, op->bucket, m->cur);
        op->pc = LEAVE_UNLOCK;
        break;
    case LEAVE_UNLOCK:
        op->pc = OVER;
        wt_unlock(L, op);
        break;
    case OVER:
        op->result = w->flags & PCL_W_WOKEN ? PCL_PAGE_GOT : PCL_PAGE_KILLED;
        return PCL_DONE;
    default:
        PCL_NEVER("page lock handoff: unknown micro-step");
    }
    return PCL_MORE;
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
