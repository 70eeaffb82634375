/*
 * unfair (variant C, Linux 5.0 to 5.8): a woken waiter has nothing but the right to try. It queues
 * at the tail, sleeps, is woken when the bit was cleared, and competes with whoever runs; if it
 * loses it goes to the tail again. Nothing bounds how often it can lose.
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
 *          again: under the bucket lock: if not queued, queue at the tail, set the hint;
 *                 say that this task sleeps
 *          if the bit is set, sleep
 *          try the bit: got it -> leave the queue, done; a fatal signal -> leave, killed
 *          go to again
 * wait:    the same, but looks at the bit instead of taking it; DROP gives its reference away
 *          after queueing, sleeps once and looks no more
 * unlock:  clear the bit; if the hint is set, walk the bucket
 */
enum {
    TRY,
    AGAIN,
    QUEUE,
    HINT,
    QUEUED,
    TEST,
    SLEEP,
    RETRY,
    LEAVE,
    LEAVE_LOCKED,
    LEAVE_UNLOCK,
    CLEAR
};

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[1]);
}

static enum pcl_more finish(struct pcl_page_op *op, enum pcl_page_result r)
{
    op->result = (uint8_t)r;
    return PCL_DONE;
}

/* Looks at the bit, or takes it, as the operation wants; true: the waiting is over. */
static bool satisfied(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->what == PCL_PAGE_LOCK || op->what == PCL_PAGE_TRYLOCK) {
        pcl_rmw(L->m, wt_folio_line(op));
        return wt_try_set(L, op);
    }
    pcl_load(L->m, wt_folio_line(op));
    return !wt_bit_set(L, op);
}

/* Leaves the queue if a waker has not already taken the entry out. */
static enum pcl_more leave(struct pcl_page_locks *L, struct pcl_page_op *op,
                           enum pcl_page_result r)
{
    pcl_set_state(L->m, PCL_TASK_RUNNING);
    op->result = (uint8_t)r;
    if (!L->waiter[L->m->cur].queued)
        return PCL_DONE;
    op->pc = LEAVE;
    return PCL_MORE;
}

static enum pcl_more retry(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->what == PCL_PAGE_WAIT_DROP)
        return leave(L, op, PCL_PAGE_GOT); /* must not look at the folio any more */
    if (satisfied(L, op))
        return leave(L, op, PCL_PAGE_GOT);
    if (op->killable && L->m->model[L->m->cur].killed)
        return leave(L, op, PCL_PAGE_KILLED);
    if (!L->waiter[L->m->cur].queued)
        L->stats.lost_retries++;
    op->pc = AGAIN;
    return PCL_MORE;
}

/* A matching entry: stop if the bit is taken again; wake; an exclusive waiter that was asleep
 * ends the walk. One that was not asleep stays queued, and the walk goes on. */
static enum wt_verdict match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->scratch == 0) {
        pcl_load(L->m, wt_folio_line(op));
        op->scratch = 1;
        return wt_bit_set(L, op) ? WT_STOP : WT_AGAIN;
    }
    if (!wt_wake(L, op))
        return WT_STAY;
    return L->waiter[op->cursor].kind == PCL_PAGE_LOCK ? WT_TAKE_STOP : WT_TAKE;
}

static enum pcl_more step(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;

    if (op->pc >= WT_LOCK)
        return wt_walk(L, op, match, L->param[P_BREAK]);
    switch (op->pc) {
    case TRY:
        if (op->what == PCL_PAGE_UNLOCK) {
            pcl_rmw(m, wt_folio_line(op));
            op->pc = WT_LOCK;
            return wt_clear(L, op) ? PCL_MORE : PCL_DONE;
        }
        if (satisfied(L, op))
            return finish(op, PCL_PAGE_GOT);
        if (op->what == PCL_PAGE_TRYLOCK) {
            L->stats.trylock_failures++;
            return finish(op, PCL_PAGE_BUSY);
        }
        op->pc = AGAIN;
        break;
    case AGAIN:
        op->pc = QUEUE;
        wt_lock(L, op);
        break;
    case QUEUE:
        op->pc = QUEUED;
        if (!L->waiter[m->cur].queued) {
            wt_append(L, op);
            op->pc = HINT;
        }
        break;
    case HINT:
        wt_set_waiters(L, op);
        op->pc = QUEUED;
        break;
    case QUEUED:
        pcl_set_state(m, op->killable ? PCL_TASK_KILLABLE : PCL_TASK_UNINTERRUPTIBLE);
        op->pc = TEST;
        wt_unlock(L, op);
        break;
    case TEST:
        pcl_load(m, wt_folio_line(op));
        op->pc = wt_bit_set(L, op) ? SLEEP : RETRY;
        if (op->what == PCL_PAGE_WAIT_DROP && L->drop)
            L->drop(L->pfn_arg, op->folio);
        break;
    case SLEEP:
        op->pc = RETRY;
        pcl_schedule(m);
        break;
    case RETRY:
        return retry(L, op);
    case LEAVE:
        op->pc = LEAVE_LOCKED;
        wt_lock(L, op);
        break;
    case LEAVE_LOCKED:
        if (L->waiter[m->cur].queued)
            wt_remove(L, op->bucket, m->cur);
        op->pc = LEAVE_UNLOCK;
        break;
    case LEAVE_UNLOCK:
        op->pc = CLEAR;
        wt_unlock(L, op);
        break;
    default:
        return PCL_DONE;
    }
    return op->pc == CLEAR ? PCL_DONE : PCL_MORE;
}

const struct pcl_page_lock_ops pcl_lock_unfair = {
    .name = "unfair",
    .summary = "woken waiters compete; losers go to the tail (5.0 to 5.8)",
    .source = "Linux mm/filemap.c at 9a1ea439b16b (variant C)",
    .props = PCL_PROP_STEALS,
    .params = params,
    .init = init,
    .step = step,
    .validate = wt_validate,
    .memory = wt_memory,
};
