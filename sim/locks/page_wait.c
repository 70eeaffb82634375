/*
 * The sequences of micro-steps that page locks share.
 */
#include "page_wait.h"

bool pw_satisfied(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (pw_exclusive(op)) {
        pcl_rmw(L->m, wt_folio_line(op));
        return wt_try_set(L, op);
    }
    pcl_load(L->m, wt_folio_line(op));
    return !wt_bit_set(L, op);
}

enum pcl_more pw_try(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t slow)
{
    op->result = PCL_PAGE_GOT;
    if (pw_satisfied(L, op))
        return PCL_DONE;
    if (op->what == PCL_PAGE_TRYLOCK) {
        L->stats.trylock_failures++;
        op->result = PCL_PAGE_BUSY;
        return PCL_DONE;
    }
    op->pc = slow;
    return PCL_MORE;
}

enum pcl_more pw_unlock(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    pcl_rmw(L->m, wt_folio_line(op));
    op->pc = WT_LOCK;
    return wt_clear(L, op) ? PCL_MORE : PCL_DONE;
}

enum pcl_more pw_clear(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t next)
{
    pcl_rmw(L->m, wt_folio_line(op));
    wt_clear(L, op);
    op->pc = next;
    return PCL_MORE;
}

enum pcl_more pw_peek(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (op->bucket == PCL_NONE)
        op->bucket = wt_bucket(L, op->pfn);
    pcl_load(L->m, wt_bucket_line(L, op->bucket));
    op->pc = WT_LOCK;
    return L->bucket[op->bucket].head == PCL_NONE ? PCL_DONE : PCL_MORE;
}

enum pcl_more pw_bucket(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t next)
{
    op->pc = next;
    wt_lock(L, op);
    return PCL_MORE;
}

void pw_queue_by_kind(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    if (pw_exclusive(op))
        wt_append(L, op);
    else
        wt_prepend(L, op);
}

/* Under the bucket lock: whoever is not queued queues and sets the hint. */
static enum pcl_more queue_at_tail(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    switch (op->pc) {
    case PW_AGAIN:
        return pw_bucket(L, op, PW_QUEUE);
    case PW_QUEUE:
        op->pc = PW_DOZE;
        if (!L->waiter[L->m->cur].queued) {
            wt_append(L, op);
            op->pc = PW_HINT;
        }
        return PCL_MORE;
    default:
        wt_set_waiters(L, op);
        op->pc = PW_DOZE;
        return PCL_MORE;
    }
}

static void say_asleep(struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    pcl_set_state(L->m, op->killable ? PCL_TASK_KILLABLE : PCL_TASK_UNINTERRUPTIBLE);
}

static void drop_reference(struct pcl_page_locks *L, const struct pcl_page_op *op)
{
    if (op->what == PCL_PAGE_WAIT_DROP && L->drop)
        L->drop(L->pfn_arg, op->folio);
}

static enum pcl_more doze(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t awake)
{
    switch (op->pc) {
    case PW_DOZE:
        say_asleep(L, op);
        op->pc = PW_TEST;
        wt_unlock(L, op);
        break;
    case PW_TEST:
        pcl_load(L->m, wt_folio_line(op));
        op->pc = wt_bit_set(L, op) ? PW_NAP : awake;
        break;
    default:
        op->pc = awake;
        pcl_schedule(L->m);
    }
    return PCL_MORE;
}

enum pcl_more pw_finish_and_put(struct pcl_page_locks *L, struct pcl_page_op *op,
                                enum pcl_page_result r)
{
    drop_reference(L, op);
    return pw_finish(L, op, r);
}

enum pcl_more pw_retry(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t again)
{
    if (pw_satisfied(L, op))
        return pw_finish_and_put(L, op, PCL_PAGE_GOT);
    if (pw_killed(L, op))
        return pw_finish_and_put(L, op, PCL_PAGE_KILLED);
    if (!L->waiter[L->m->cur].queued)
        L->stats.lost_retries++;
    op->pc = again;
    return PCL_MORE;
}

enum pcl_more pw_retry_dropped(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t again)
{
    if (op->what == PCL_PAGE_WAIT_DROP)
        return pw_finish(L, op, pw_killed(L, op) ? PCL_PAGE_KILLED : PCL_PAGE_GOT);
    return pw_retry(L, op, again);
}

enum pcl_more pw_settle(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t look)
{
    switch (op->pc) {
    case PW_SETTLE:
        op->pc = PW_STATE;
        wt_unlock(L, op);
        drop_reference(L, op);
        break;
    case PW_STATE:
        say_asleep(L, op);
        op->pc = look;
        break;
    default:
        op->pc = PW_STATE;
        pcl_schedule(L->m);
    }
    return PCL_MORE;
}

enum pcl_more pw_finish(struct pcl_page_locks *L, struct pcl_page_op *op,
                        enum pcl_page_result r)
{
    pcl_set_state(L->m, PCL_TASK_RUNNING);
    op->result = (uint8_t)r;
    if (!L->waiter[L->m->cur].queued)
        return PCL_DONE;
    op->pc = PW_LEAVE;
    return PCL_MORE;
}

enum pcl_more pw_leave(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    switch (op->pc) {
    case PW_LEAVE:
        return pw_bucket(L, op, PW_LEAVE_LOCKED);
    case PW_LEAVE_LOCKED:
        if (L->waiter[L->m->cur].queued)
            wt_remove(L, op->bucket, L->m->cur);
        op->pc = PW_LEAVE_UNLOCK;
        return PCL_MORE;
    default:
        wt_unlock(L, op);
        return PCL_DONE;
    }
}

enum pcl_more pw_leave_for(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t over)
{
    if (pw_leave(L, op) == PCL_DONE)
        op->pc = over;
    return PCL_MORE;
}

enum pcl_more pw_last_try(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t flags)
{
    if (pw_satisfied(L, op))
        L->waiter[L->m->cur].flags |= flags;
    else
        wt_append(L, op);
    op->pc = PW_SETTLE;
    return PCL_MORE;
}

enum pcl_more pw_look(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t over)
{
    struct pcl_machine *m = L->m;
    const struct pcl_waiter *w = &L->waiter[m->cur];

    pcl_load(m, PCL_LINE(WAITER, m->cur));
    op->pc = PW_SLEEP;
    if (!(w->flags & PCL_W_WOKEN) && !pw_killed(L, op))
        return PCL_MORE;
    pcl_set_state(m, PCL_TASK_RUNNING);
    op->pc = w->queued ? PW_LEAVE : over;
    return PCL_MORE;
}

enum pcl_more pw_told(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t flags)
{
    op->result = L->waiter[L->m->cur].flags & flags ? PCL_PAGE_GOT : PCL_PAGE_KILLED;
    return PCL_DONE;
}

enum wt_verdict pw_mark(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t flags)
{
    pcl_store(L->m, PCL_LINE(WAITER, op->cursor));
    L->waiter[op->cursor].flags |= flags;
    return WT_AGAIN;
}

enum wt_verdict pw_wake_and_take(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    wt_wake(L, op);
    return L->waiter[op->cursor].kind == PCL_PAGE_LOCK ? WT_TAKE_STOP : WT_TAKE;
}

enum pcl_more pw_trying(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t awake)
{
    if (op->pc >= PW_LEAVE)
        return pw_leave(L, op);
    if (op->pc >= PW_DOZE)
        return doze(L, op, awake);
    return queue_at_tail(L, op);
}

enum pcl_more pw_trying_dropped(struct pcl_page_locks *L, struct pcl_page_op *op, uint8_t awake)
{
    bool looks = op->pc == PW_TEST;
    enum pcl_more more = pw_trying(L, op, awake);

    if (looks)
        drop_reference(L, op);
    return more;
}

/* scratch: 0 look at the bit, 1 wake */
static enum wt_verdict wake_if_clear(struct pcl_page_locks *L, struct pcl_page_op *op,
                                     enum wt_verdict taken_again)
{
    if (op->scratch == 0) {
        pcl_load(L->m, wt_folio_line(op));
        op->scratch = 1;
        return wt_bit_set(L, op) ? taken_again : WT_AGAIN;
    }
    if (!wt_wake(L, op))
        return WT_STAY;
    return L->waiter[op->cursor].kind == PCL_PAGE_LOCK ? WT_TAKE_STOP : WT_TAKE;
}

enum wt_verdict pw_match_or_stop(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    return wake_if_clear(L, op, WT_STOP);
}

enum wt_verdict pw_match_or_skip(struct pcl_page_locks *L, struct pcl_page_op *op)
{
    return wake_if_clear(L, op, WT_STAY);
}
