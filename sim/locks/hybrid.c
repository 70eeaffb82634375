/*
 * hybrid (variant E, Linux 5.9 to 6.6): limited unfairness. A sleeper may lose the race for the
 * bit a few times (page_lock_unfairness), each time going to the tail; after that its waker takes
 * the bit for it, as in handoff. WOKEN says "a waker has seen you", DONE says "the bit is yours".
 */
#include "wait_table.h"

enum {
    P_UNFAIRNESS,
    P_BREAK,
    P_BITS
};

static const struct pcl_lock_param_info params[] = {
    {"unfairness", 5, 0, 1000000, "races that a sleeper may lose before the lock is handed to it"},
    {"break", 64, 0, 1000000, "visits after which a wake walk drops the bucket lock; 0 never"},
    {"bits", 8, 0, 20, "log2 of the number of buckets"},
    {0},
};

/*
 * lock:    try the bit; else credit = unfairness, and
 *          repeat: an exclusive waiter spends one credit; without credit it asks for HANDOFF
 *                  under the bucket lock: set the hint; try (mark WOKEN and DONE) or queue at the
 *                  tail
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
enum {
    TRY,
    REPEAT,
    HINT,
    QUEUE,
    QUEUED_UNLOCK,
    STATE,
    LOOK,
    SLEEP,
    RACE,
    LEAVE,
    LEAVE_LOCKED,
    LEAVE_UNLOCK,
    OVER
};

static void init(struct pcl_page_locks *L)
{
    wt_init(L, (uint32_t)L->param[P_BITS]);
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

/* scratch: 0 look at or take the bit, 1 mark, 2 wake and remove */
static enum wt_verdict match(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[op->cursor];
    bool excl = w->kind == PCL_PAGE_LOCK;

    switch (op->scratch++) {
    case 0:
        if (!excl)
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
        pcl_store(L->m, PCL_LINE(WAITER, op->cursor));
        w->flags |= PCL_W_WOKEN;
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
    op->credit = (int32_t)L->param[P_UNFAIRNESS];
    op->pc = REPEAT;
    return PCL_MORE;
}

static void repeat(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[L->m->cur];

    w->flags = 0;
    if (exclusive(op) && --op->credit < 0)
        w->flags = PCL_W_HANDOFF;
    op->pc = HINT;
    wt_lock(L, op);
}

/* Reads the entry's flags and decides what comes next. */
static void look(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_machine *m = L->m;
    const struct pcl_waiter *w = &L->waiter[m->cur];
    uint8_t done = w->queued ? LEAVE : OVER;

    pcl_load(m, PCL_LINE(WAITER, m->cur));
    if (!(w->flags & PCL_W_WOKEN)) {
        op->pc = op->killable && m->model[m->cur].killed ? done : SLEEP;
    } else if (!exclusive(op) || (w->flags & PCL_W_DONE)) {
        op->pc = done;
    } else {
        op->pc = RACE;
    }
    if (op->pc != SLEEP)
        pcl_set_state(m, PCL_TASK_RUNNING);
}

static void race(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    struct pcl_waiter *w = &L->waiter[L->m->cur];

    if (satisfied(L, op)) {
        w->flags |= PCL_W_DONE;
        op->pc = w->queued ? LEAVE : OVER;
        return;
    }
    L->stats.lost_retries++;
    op->pc = REPEAT;
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
    case REPEAT:
        repeat(L, op);
        break;
    case HINT:
        wt_set_waiters(L, op);
        op->pc = QUEUE;
        break;
    case QUEUE:
        if (satisfied(L, op))
            w->flags |= PCL_W_WOKEN | PCL_W_DONE;
        else
            wt_append(L, op);
        op->pc = QUEUED_UNLOCK;
        break;
    case QUEUED_UNLOCK:
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
        look(L, op);
        break;
    case SLEEP:
        op->pc = STATE;
        pcl_schedule(m);
        break;
    case RACE:
        race(L, op);
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
        op->result = w->flags & (exclusive(op) ? PCL_W_DONE : PCL_W_WOKEN) ? PCL_PAGE_GOT
                                                                          : PCL_PAGE_KILLED;
        return PCL_DONE;
    default:
        PCL_NEVER("page lock hybrid: unknown micro-step");
    }
    return PCL_MORE;
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
